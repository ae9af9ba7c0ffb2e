//! .NET, Elixir, Deno and Bun.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::{TYPESCRIPT, number_then, says_what};

/// Errors of the compiler of Elixir, which have a pattern of their own.
const IS_OF_SOURCE: &[&str] = &[
    "CompileError",
    "SyntaxError",
    "TokenMissingError",
    "MismatchedDelimiterError",
];

const DOTNET: &str = "The compiler of .NET found an error";
const DOTNET_ADVICE: &str = "Correct it; `dotnet build` shows the same on your machine.";

const ELIXIR: &str = "Elixir found an error";
const ELIXIR_ADVICE: &str = "Correct it; `mix compile` shows the same on your machine.";

const DENO: &str = "Deno found an error";
const DENO_ADVICE: &str = "Correct it; `deno check` shows the same on your machine.";

const MISSING: &str = "A package or version does not exist";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        DOTNET,
        &[": error CS", ": error FS", ": error BC", ": error RZ"],
        DOTNET_ADVICE,
    )
    .anywhere()
    .then(|text| number_then(text, ": ")),
    cause(
        MISSING,
        &["error NU1101: ", "error NU1102: ", "error NU1103: "],
        "Check the name, the version and the sources of packages in NuGet.config.",
    )
    .anywhere(),
    cause(
        "Dependencies contradict each other",
        &["error NU1605: ", "error NU1107: "],
        "Choose versions of the packages of NuGet that fit each other.",
    )
    .anywhere(),
    cause(
        "The lock file does not fit the manifest",
        &["error NU1004: "],
        "Run `dotnet restore` on your machine and commit packages.lock.json.",
    )
    .anywhere(),
    cause(
        "The package registry refused access",
        &["error NU1301: "],
        "Check the address of NuGet's source and the credentials for it in NuGet.config.",
    )
    .anywhere(),
    cause(
        "The version of .NET does not fit",
        &[
            "error NETSDK1045: ",
            "You must install or update .NET to run this application",
            "It was not possible to find any compatible framework version",
        ],
        "Build and run with the version of .NET that the project targets.",
    )
    .anywhere(),
    cause(
        "The project was not found",
        &["error MSB1003: ", "error MSB1009: "],
        "Set the service's build path to the folder that holds the project, \
             or name it in the build command.",
    )
    .anywhere(),
    symptom(
        ".NET stopped with an error",
        &["error MSB", "error NETSDK", "error NU"],
        "Correct what .NET names; `dotnet publish` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| number_then(text, ": ") && !text.starts_with("3073")),
    cause(
        "A file that is started does not exist",
        &["The application '"],
        "Correct the name of the .dll behind `dotnet` in the start command.",
    )
    .then(|text| text.trim_end().ends_with("' does not exist."))
    .of_run(),
    cause(
        "A file that is started does not exist",
        &["Could not execute because the specified command or file was not found"],
        "Correct the name of the .dll behind `dotnet` in the start command.",
    )
    .keeps(2)
    .of_run(),
    consequence(".NET could not build the project", &["Build FAILED."]).alone(),
    symptom(
        ".NET ended with an exception",
        &["Unhandled exception. "],
        "Correct what .NET names; the whole trace is in the log.",
    )
    .place_below(12)
    .of_run(),
    cause(
        ELIXIR,
        &[
            "** (CompileError) ",
            "** (SyntaxError) ",
            "** (TokenMissingError) ",
            "** (MismatchedDelimiterError) ",
        ],
        ELIXIR_ADVICE,
    )
    .then(|text| !text.contains("(errors have been logged)"))
    .keeps(1)
    .place_below(4),
    cause(ELIXIR, &["└─ "], ELIXIR_ADVICE)
        .behind("error: ")
        .needs_place(),
    cause(
        "The dependencies of Mix are not complete",
        &[
            "** (Mix) Can't continue due to errors on dependencies",
            "Unchecked dependencies for environment ",
        ],
        "Run `mix deps.get` on your machine, commit mix.lock, and fetch them in the build.",
    )
    .keeps(1),
    cause(
        MISSING,
        &[
            "** (Mix) No package with name ",
            "Failed to fetch record for ",
        ],
        "Check the name and version in mix.exs.",
    ),
    symptom(
        "A dependency could not be compiled",
        &["could not compile dependency :"],
        "Correct what stops the dependency of Mix: `mix deps.compile` shows the same on your \
             machine; a library of the system or another version of Elixir may be missing.",
    ),
    cause(
        "The version of Elixir does not fit",
        &["** (Mix) You're trying to run "],
        "Build with the version of Elixir that mix.exs asks for (.tool-versions, the image's \
             tag, elixir_buildpack.config).",
    ),
    symptom(
        "Mix stopped with an error",
        &["** (Mix) "],
        "Correct what Mix names; the same `mix` command on your machine shows the same.",
    )
    .then(|text| {
        ![
            "You're trying to run ",
            "Can't continue due to ",
            "No package with name ",
        ]
        .iter()
        .any(|known| text.starts_with(known))
    })
    .keeps(1),
    symptom(
        "Elixir ended with an exception",
        &["** ("],
        "Correct what Elixir names; the whole stack trace is in the log.",
    )
    .then(|text| {
        text.split_once(") ").is_some_and(|(name, what)| {
            let is_name = name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b));
            is_name && name.ends_with("Error") && says_what(what) && !IS_OF_SOURCE.contains(&name)
        })
    })
    .place_below(4)
    .of_run(),
    consequence(
        "Elixir could not compile the project",
        &["== Compilation error in file "],
    ),
    cause(DENO, TYPESCRIPT, DENO_ADVICE)
        .then(|text| number_then(text, " [ERROR]: "))
        .place_below(4),
    cause(
        "An import leads nowhere",
        &[
            "Module not found \"",
            "Relative import path \"",
            "Import \"",
        ],
        "Correct the import, or add what Deno names to the import map in deno.json.",
    )
    .then(|text| {
        text.ends_with("\".")
            || text.contains("\" not prefixed with ")
            || text.contains("\" not a dependency")
    })
    .place_below(2),
    cause(
        "Deno may not do what the program asks for",
        &["Requires "],
        "Give `deno run` the permission that Deno names in the start command.",
    )
    .anywhere()
    .then(|text| text.contains(" access to ") && text.contains("--allow-"))
    .place_below(6)
    .of_run(),
    symptom(
        "Deno ended with an exception",
        &["Uncaught (in promise) "],
        "Correct what Deno names; the whole trace is in the log.",
    )
    .place_below(6)
    .of_run(),
    cause(
        "The lock file does not fit the manifest",
        &["The lockfile is out of date"],
        "Run `deno install` on your machine and commit deno.lock.",
    ),
    consequence("A script of the project failed", &["script \""])
        .then(|text| text.contains("\" exited with code ")),
];
