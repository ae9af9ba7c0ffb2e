//! Compilers that name a place and say what is wrong there, linters of all
//! kinds, and what runs tasks.

use super::super::problem_matcher::{Pattern, cause, symptom};
use super::number_then;

const LINT: &str = "A linter found an error";
const LINT_ADVICE: &str = "Correct what the linter names, or change its rule.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "The compiler found an error",
        &[": error:", ": fatal error:"],
        "Correct the line that the compiler names.",
    )
    .anywhere()
    .when(is_of_compiler)
    .keeps(2),
    cause(
        "Scala found an error",
        &["[error] "],
        "Correct it; `sbt compile` shows the same on your machine.",
    )
    .when(|text| {
        let after = text.split_once(".scala:").map(|(_, after)| after);
        after.is_some_and(|after| number_then(after, ":"))
    })
    .keeps(2),
    cause(
        "Erlang found an error",
        &[".erl:", ".hrl:"],
        "Correct it; `rebar3 compile` or `make` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| number_then(text, ":"))
    .when(|text| {
        !text.contains(": Warning: ") && (!text.trim_start().contains(' ') || is_path_first(text))
    }),
    cause(
        "Swift found an error",
        &["\u{274c} "],
        "Correct it; `xcodebuild` or `swift build` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| {
        [".swift:", ".m:", ".mm:", ".h:"]
            .iter()
            .any(|end| text.contains(end))
    })
    .keeps(1),
    cause(
        "PureScript found an error",
        &["Error found:", "Error 1 of "],
        "Correct it; `spago build` shows the same on your machine.",
    )
    .keeps(4),
    cause(
        "LaTeX found an error",
        &[
            "LaTeX Error: ",
            "Undefined control sequence",
            "Emergency stop",
        ],
        "Correct the document; `latexmk` shows the same error on your machine.",
    )
    .keeps(2),
    cause(
        "A symbol is missing when linking",
        &[
            "undefined reference to `",
            "undefined reference to '",
            "Undefined symbols for architecture ",
        ],
        "Link the library or the object file that defines it.",
    )
    .anywhere(),
    cause(
        "The package registry refused access",
        &["unauthorized: http", "forbidden: http"],
        "Give the build a valid user and token for the repository (`credentials` in build.sbt).",
    )
    .hides(&["A dependency of sbt was not found"]),
    cause(
        "A dependency of sbt was not found",
        &[
            "unresolved dependency: ",
            "sbt.ResolveException: ",
            "sbt.librarymanagement.ResolveException: ",
        ],
        "Check the name, the version and the resolvers in build.sbt.",
    )
    .anywhere(),
    cause(LINT, &[".md:"], LINT_ADVICE)
        .anywhere()
        .then(is_of_linter)
        .when(is_path_first),
    cause(
        LINT,
        &[
            ".py:", ".rb:", ".sh:", ".yml:", ".yaml:", ".js:", ".css:", ".scss:",
        ],
        LINT_ADVICE,
    )
    .anywhere()
    .then(has_rule)
    .when(is_path_first),
    // stylelint
    cause(LINT, &["\u{2716}  "], LINT_ADVICE)
        .anywhere()
        .when(|text| number_then(text.trim_start(), ":")),
    cause(
        "A link leads nowhere",
        &["[404] http", "] 404 http"],
        "Correct the link, or exclude it from the check.",
    )
    .anywhere(),
    cause(
        "A file does not exist",
        &[": line "],
        "Check the path and its upper and lower case, and that the file is committed.",
    )
    .anywhere()
    .then(|text| {
        number_then(text, ": ") && text.trim_end().ends_with(": No such file or directory")
    }),
    cause(
        "The host of a Git repository did not answer",
        &["fatal: unable to access '"],
        "Run the deployment again; if it fails again, check the address and the network.",
    )
    .then(|text| {
        [
            "Empty reply",
            "Could not resolve host",
            "timed out",
            "SSL",
            "Failed to connect",
        ]
        .iter()
        .any(|words| text.contains(words))
    }),
    cause(
        "The Rakefile was not found",
        &["No Rakefile found"],
        "Commit a Rakefile, or set a build command that does not call Rake.",
    )
    .keeps(2),
    cause(
        "A task of gulp does not exist",
        &["Task never defined: ", "Task '", "Task \""],
        "Define the task in the gulpfile, or correct its name.",
    )
    .when(|text| text.contains("never defined") || text.contains("is not in your gulpfile")),
    symptom(
        "A sanitizer found an error",
        &[
            "ERROR: AddressSanitizer: ",
            "ERROR: LeakSanitizer: ",
            "ERROR: MemorySanitizer: ",
            "ERROR: UndefinedBehaviorSanitizer: ",
        ],
        "Correct the access that the sanitizer names; the program built with the same \
             `-fsanitize` on your machine shows it too.",
    )
    .anywhere()
    .keeps(2)
    .place_below(6),
    symptom(
        "A program crashed",
        &["Segmentation fault", "Access violation in ", "Bus error"],
        "Run the command on your machine under a debugger, or with an older version of the tool.",
    )
    .anywhere(),
    symptom(
        "Emacs Lisp ended with an error",
        &["Debugger entered--Lisp error: "],
        "Correct the code; `emacs --batch` shows the same error on your machine.",
    )
    .keeps(4),
    cause(
        "A package of R is not installed",
        &[
            "Package required but not available: ",
            "Packages required but not available: ",
        ],
        "Install the package with `install.packages`, or add it to DESCRIPTION.",
    ),
    cause(
        "A package of R is not installed",
        &["there is no package called "],
        "Install the package with `install.packages`, or add it to DESCRIPTION.",
    )
    .anywhere(),
    symptom(
        "Elixir ended with an exception",
        &["** (throw) ", "** (exit) "],
        "Correct the code; the same `mix` task on your machine shows the same exception.",
    )
    .keeps(3),
];

/// `src/a.c:3:5: error: x`, with a path in front of the words.
fn is_of_compiler(text: &str) -> bool {
    if text.ends_with(": No such file or directory") {
        return false;
    }
    let before = text.split(": error:").next().unwrap_or_default();
    let before = before.split(": fatal error:").next().unwrap_or_default();
    let numbers = |c: char| c.is_ascii_digit() || c == ':' || c == '-';
    let path = before.trim_end_matches(numbers);
    path.len() < before.len() && has_end(path)
}

/// Whether the path has the end of a file.
fn has_end(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(stem, end)| {
        let is_end = !end.is_empty() && end.len() < 8;
        !stem.is_empty() && is_end && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether the line begins with a path and a number.
fn is_path_first(text: &str) -> bool {
    let path = text.trim_start().split(':').next().unwrap_or_default();
    !path.contains(' ') && has_end(path)
}

/// `12: MD013 x`, and `12:Line longer than 80 characters`: whatever is said of a
/// text that nobody compiles.
fn is_of_linter(text: &str) -> bool {
    let text = text.trim_start();
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    rest.len() < text.len() && rest.trim_start().starts_with(char::is_alphabetic)
}

/// `3:5: E501 line too long`, `1:2: C: Style/Foo: x`
fn has_rule(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    let rule = rest
        .trim_start()
        .split([' ', ':'])
        .next()
        .unwrap_or_default();
    let digits = rule.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_code = digits.len() < rule.len() && digits.bytes().all(|byte| byte.is_ascii_digit());
    rest.len() < text.len() && is_code && (!digits.is_empty() || rule.len() == 1)
}
