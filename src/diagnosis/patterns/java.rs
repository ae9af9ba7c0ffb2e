//! Maven, Gradle and the compilers they call.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::says_what;

const FOUND: &str = "The compiler found an error";
const FOUND_ADVICE: &str = "Correct it at this place.";
const RELEASE: &str = "The version of Java does not fit";
const RELEASE_ADVICE: &str = "Build with the version of Java that the project asks for, or \
             lower its target.";
const MISSING: &str = "A dependency could not be fetched";
const MISSING_ADVICE: &str = "Check its name and version, and the repositories; a private one \
             needs a user and a token.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(FOUND, &["[ERROR] "], FOUND_ADVICE)
        .then(|text| {
            [".java:[", ".kt:[", ".scala:[", ".groovy:["]
                .iter()
                .any(|end| text.contains(end))
        })
        .needs_place()
        .keeps(0),
    cause(FOUND, &["e: "], FOUND_ADVICE).needs_place(),
    cause(FOUND, &[".java:", ".groovy:", ".scala:"], FOUND_ADVICE)
        .anywhere()
        .then(|text| super::number_then(text, ": error: "))
        .needs_place(),
    cause(RELEASE, &["Fatal error compiling: error: "], RELEASE_ADVICE).anywhere(),
    cause(
        RELEASE,
        &[
            "invalid target release: ",
            "invalid source release: ",
            "Unsupported class file major version ",
            "release version ",
        ],
        RELEASE_ADVICE,
    )
    .anywhere()
    .then(|text| !text.contains("is supported") && text.starts_with(|c: char| c.is_ascii_digit())),
    cause(
        RELEASE,
        &["has been compiled by a more recent version of the Java Runtime"],
        RELEASE_ADVICE,
    )
    .anywhere()
    .of_run(),
    cause(
        MISSING,
        &[
            "Could not resolve dependencies for project ",
            "Non-resolvable parent POM",
        ],
        MISSING_ADVICE,
    )
    .anywhere(),
    cause(
        MISSING,
        &["> Could not find ", "> Could not resolve "],
        MISSING_ADVICE,
    )
    .then(says_what),
    cause(
        "The project was not found",
        &["The goal you specified requires a project to execute but there is no POM"],
        "Set the service's build path to the folder that holds pom.xml.",
    )
    .anywhere(),
    cause(
        "A task does not exist",
        &["Task '"],
        "Correct the build command.",
    )
    .then(|text| text.contains("' not found in ")),
    cause(
        "The wrapper may not be run",
        &[
            "./gradlew: Permission denied",
            "./mvnw: Permission denied",
            "gradlew: Permission denied",
            "mvnw: Permission denied",
        ],
        "Run `git update-index --chmod=+x` on the wrapper and commit that.",
    )
    .anywhere(),
    cause(
        "A script of Gradle is wrong",
        &["Could not compile build file '", "Script compilation error"],
        "Correct the build script at the line that it names.",
    )
    .keeps(2),
    symptom(
        "Java ended with an exception",
        &["Exception in thread \""],
        "Correct what it names; the whole trace is in the log.",
    )
    .then(|text| text.contains("\" "))
    .keeps(1)
    .of_run(),
    cause(
        "The database is not configured",
        &["Failed to configure a DataSource: "],
        "Set the address of the database (SPRING_DATASOURCE_URL) in the service's \
             environment.",
    )
    .of_run(),
    consequence(
        "Spring could not start the program",
        &["APPLICATION FAILED TO START"],
        "What stands below it says why.",
    )
    .keeps(4)
    .of_run(),
    symptom(
        "Tests failed",
        &["There are test failures", "There were failing tests"],
        "The report of the tests names those that failed.",
    )
    .anywhere(),
    consequence(
        "Gradle failed",
        &["Execution failed for task '"],
        "What was printed before this line says why.",
    )
    .anywhere()
    .keeps(1),
    consequence(
        "Maven failed",
        &["Failed to execute goal "],
        "What was printed before this line says why.",
    )
    .anywhere(),
];
