//! .NET, Elixir, Deno and Bun.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::number_then;

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
        "Check the name, the version and the sources of packages.",
    )
    .anywhere(),
    cause(
        "Dependencies contradict each other",
        &["error NU1605: ", "error NU1107: "],
        "Choose versions that fit each other.",
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
        "Check the address of the source and the credentials for it.",
    )
    .anywhere(),
    cause(
        "The version of .NET does not fit",
        &[
            "error NETSDK1045: ",
            "You must install or update .NET to run this application",
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
    consequence(
        ".NET could not build the project",
        &["Build FAILED."],
        "The errors around this line say why.",
    )
    .alone(),
    symptom(
        ".NET ended with an exception",
        &["Unhandled exception. "],
        "Correct it at this place; the whole trace is in the log.",
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
        "What was printed before this line says why.",
    ),
    consequence(
        "Elixir could not compile the project",
        &["== Compilation error in file "],
        "The errors around this line say why.",
    ),
    cause(DENO, &["TS"], DENO_ADVICE)
        .then(|text| number_then(text, " [ERROR]: "))
        .place_below(4),
    cause(
        "An import leads nowhere",
        &[
            "Module not found \"",
            "Relative import path \"",
            "Import \"",
        ],
        "Correct the import, or add what it names to the import map.",
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
        "Give the permission that it names in the start command.",
    )
    .anywhere()
    .then(|text| text.contains(" access to ") && text.contains("--allow-"))
    .place_below(6)
    .of_run(),
    symptom(
        "Deno ended with an exception",
        &["Uncaught (in promise) "],
        "Correct it at this place; the whole trace is in the log.",
    )
    .place_below(6)
    .of_run(),
    cause(
        "The lock file does not fit the manifest",
        &["The lockfile is out of date"],
        "Install on your machine and commit the lock file.",
    ),
    consequence(
        "A script of the project failed",
        &["script \""],
        "What it printed before this line says why.",
    )
    .then(|text| text.contains("\" exited with code ")),
];
