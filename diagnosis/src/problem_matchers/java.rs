//! Maven, Gradle and the compilers they call.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::says_what;

/// An exception that nobody has caught.
pub(in super::super) static JAVA: Pattern = symptom(
    "Java ended with an exception",
    &[],
    "Correct what the exception names; the whole trace of Java is in the log.",
)
.of_run();

/// What Spring says of a start that failed.
pub(in super::super) static SPRING: Pattern = symptom(
    "Spring could not start the program",
    &[],
    "Do what Spring proposes under `Action`, and check the settings of its active profile.",
)
.of_run();

const TESTS: &str = "Tests failed";
const TESTS_ADVICE: &str = "Correct the program or the test; `mvn test` or `gradle test` shows the same on your \
             machine.";
/// What follows where a version of Java does not fit, or access is refused.
const OF_FETCHING: &[&str] = &[MISSING, NETWORK, "A plugin of Gradle was not found"];
const FOUND: &str = "The compiler found an error";
const FOUND_ADVICE: &str =
    "Correct it; `mvn compile` or `gradle compileJava` shows the same on your machine.";
const RELEASE: &str = "The version of Java does not fit";
const RELEASE_ADVICE: &str = "Build and run with the version of Java that the project and its \
             libraries ask for, or lower their target.";
const MISSING: &str = "A dependency could not be fetched";
const MISSING_ADVICE: &str = "Check its name and version, and the repositories in pom.xml or \
             build.gradle; a private one needs a user and a token.";
const PLUGIN: &str = "A plugin of Maven failed";
const PLUGIN_ADVICE: &str = "Run the plugin's goal on your machine (`mvn` with the same profile), \
             and do what its message asks for.";
const REFUSED: &str = "The package registry refused access";
const REFUSED_ADVICE: &str = "Give the build a valid user and token for the repository, in \
             settings.xml of Maven or in build.gradle.";
const NETWORK: &str = "A download failed";
const NETWORK_ADVICE: &str = "Run the deployment again; if it fails again, check the address of \
             the repository in pom.xml, settings.xml or build.gradle.";

/// How a connection to a repository breaks.
const BROKEN: &[&str] = &[
    "terminated the handshake",
    "Connection reset",
    "Connection refused",
    "connect timed out",
    "Connect timed out",
    "onnection timed out",
    "Read timed out",
    "Unknown host",
    "UnknownHostException",
    "Temporary failure in name resolution",
    "Could not resolve host",
    "Bad Gateway",
    "Gateway Time-out",
    "Too Many Requests",
    "Service Unavailable",
    "Premature end of Content-Length",
];

fn is_broken(text: &str) -> bool {
    let is_of_server = status(text).is_some_and(|status| status == 429 || status >= 500);
    is_of_server || BROKEN.iter().any(|words| text.contains(words))
}

/// Whether a plugin of Maven says in the same line why it failed. Of these reasons
/// other lines say more.
fn says_why(text: &str) -> bool {
    const OF_OTHERS: &[&str] = &[
        "There are test failures",
        "Compilation failure",
        "Could not resolve dependencies",
        "There was a timeout",
        "Process terminated",
        "Process exited",
        "Command execution failed",
        "exec returned",
    ];
    let (_, message) = text.split_once(" on project ").unwrap_or_default();
    let (_, message) = message.split_once(": ").unwrap_or_default();
    let is_of_others = OF_OTHERS.iter().any(|words| message.contains(words));
    message.trim_end().ends_with(" -> [Help 1]") && !is_of_others
}

fn is_refused(text: &str) -> bool {
    matches!(status(text), Some(401 | 403 | 407))
}

fn is_gone(text: &str) -> bool {
    matches!(status(text), Some(404 | 410))
}

/// What the server of a repository answered: `status code: 401`, `status: 403`
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text
        .split_once("status code")
        .or_else(|| text.split_once(", status"))?;
    rest.trim_start_matches([':', ' ']).get(..3)?.parse().ok()
}

pub(super) const PATTERNS: &[Pattern] = &[
    cause(FOUND, &["[ERROR] "], FOUND_ADVICE)
        .then(|text| {
            [".java:[", ".kt:[", ".scala:[", ".groovy:["]
                .iter()
                .any(|end| text.contains(end))
                && !text.contains("] cannot access ")
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
    cause(RELEASE, &["Gradle requires "], RELEASE_ADVICE)
        .then(|text| text.contains("JVM") || text.contains("Java ")),
    cause(
        RELEASE,
        &["has been compiled by a more recent version of the Java Runtime"],
        RELEASE_ADVICE,
    )
    .anywhere()
    .of_run(),
    // What Gradle's chain of reasons ends with.
    cause(
        RELEASE,
        &[
            "> Dependency requires at least JVM runtime version ",
            "> Cannot find a Java installation ",
            "> No matching toolchains found for ",
            "> No locally installed toolchains match",
        ],
        RELEASE_ADVICE,
    )
    .hides(OF_FETCHING),
    // The enforcer of Maven.
    cause(
        RELEASE,
        &["Detected JDK version ", "Detected JDK Version: "],
        RELEASE_ADVICE,
    )
    .then(|text| text.contains("not in the allowed range"))
    .hides(&[PLUGIN]),
    cause(RELEASE, &["> No matching variant of "], RELEASE_ADVICE)
        .then(|text| text.contains("compatible with Java "))
        .hides(OF_FETCHING),
    cause(
        REFUSED,
        &[
            "Could not resolve dependencies for project ",
            "Non-resolvable parent POM",
            "Non-resolvable import POM",
            "Could not transfer artifact ",
            "or one of its dependencies could not be resolved",
            "> Could not GET '",
            "> Could not HEAD '",
        ],
        REFUSED_ADVICE,
    )
    .anywhere()
    .then(is_refused)
    .hides(OF_FETCHING),
    cause(
        MISSING,
        &[
            "Could not resolve dependencies for project ",
            "Non-resolvable parent POM",
            "Non-resolvable import POM",
            "or one of its dependencies could not be resolved",
        ],
        MISSING_ADVICE,
    )
    .anywhere()
    .then(|text| !is_broken(text) && !is_refused(text)),
    cause(
        NETWORK,
        &[
            "Could not resolve dependencies for project ",
            "Non-resolvable parent POM",
            "Non-resolvable import POM",
            "Could not transfer artifact ",
            "or one of its dependencies could not be resolved",
        ],
        NETWORK_ADVICE,
    )
    .anywhere()
    .then(is_broken)
    .hides(&[MISSING]),
    cause(
        NETWORK,
        &[
            "> Could not GET '",
            "> Could not HEAD '",
            "> Could not download ",
        ],
        NETWORK_ADVICE,
    )
    .then(|text| !is_refused(text) && !is_gone(text))
    .keeps(1)
    .hides(&[MISSING]),
    cause(
        MISSING,
        &[
            "> Could not find ",
            "> Cannot resolve external dependency ",
            "> Could not GET '",
            "> Could not HEAD '",
        ],
        MISSING_ADVICE,
    )
    .then(|text| says_what(text) && (is_gone(text) || !text.contains("://"))),
    // What the wrappers of Gradle and Maven load.
    cause(
        NETWORK,
        &[
            "java.io.IOException: Server returned HTTP response code: ",
            "wget: Failed to fetch http",
            "curl: Failed to fetch http",
        ],
        NETWORK_ADVICE,
    )
    .anywhere()
    .when(|text| text.contains("gradle") || text.contains("maven"))
    .hides(&["Java ended with an exception"]),
    // The reason follows, below who asks for it.
    symptom(MISSING, &["> Could not resolve "], MISSING_ADVICE)
        .then(|text| says_what(text) && !text.starts_with("all "))
        .keeps(3),
    consequence("Gradle failed", &["> Could not resolve all "]),
    cause(RELEASE, &["class file has wrong version "], RELEASE_ADVICE)
        .then(|text| text.contains(", should be ")),
    cause(
        "The project was not found",
        &["The goal you specified requires a project to execute but there is no POM"],
        "Set the service's build path to the folder that holds pom.xml.",
    )
    .anywhere(),
    cause(
        "A task does not exist",
        &["Task '"],
        "Correct the build command; `gradle tasks` lists the tasks there are.",
    )
    .then(|text| text.contains("' not found in ")),
    cause(
        "The wrapper is not complete",
        &["Could not find or load main class org.gradle.wrapper.GradleWrapperMain"],
        "Commit gradle/wrapper/gradle-wrapper.jar, which .gitignore may exclude; `gradle wrapper` \
             writes it.",
    )
    .anywhere(),
    cause(
        "The main class was not found",
        &[
            "Could not find or load main class ",
            "no main manifest attribute, in ",
        ],
        "Correct the class or the jar in the start command of Java, and set the main class where \
             Maven or Gradle makes the jar.",
    )
    .then(|text| !text.starts_with("org.gradle.wrapper."))
    .keeps(1)
    .hides(&["Java ended with an exception"])
    .of_run(),
    // Spring's plugins of Maven and of Gradle, when they make the jar.
    cause(
        "The main class was not found",
        &[
            "Unable to find main class",
            "Unable to find a single main class",
            "Main class name has not been configured and it could not be resolved",
        ],
        "Set the main class in the plugin of Spring Boot (`mainClass` in pom.xml or \
             build.gradle), and keep the plugin out of modules that are no program.",
    )
    .anywhere(),
    cause(
        "A plugin of Gradle was not found",
        &["Plugin [id: '"],
        "Correct the name and version of the plugin, and the repositories of pluginManagement in \
             settings.gradle.",
    )
    .then(|text| text.contains("] was not found in any of")),
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
        "Correct the build script of Gradle; `gradle help` shows the same on your machine.",
    )
    .keeps(2)
    .place_above(4)
    .place_below(2),
    cause(
        "The database is not configured",
        &["Failed to configure a DataSource: "],
        "Set the address of the database (SPRING_DATASOURCE_URL) in the service's \
             environment.",
    )
    .of_run(),
    cause(
        "A variable is missing",
        &["Could not resolve placeholder '"],
        "Set it in the service's environment variables, or give it a default in Spring's \
             application.properties.",
    )
    .anywhere()
    .hides(&["Java ended with an exception"])
    .of_run(),
    cause(
        "A migration failed",
        &[
            "FlywayMigrateException: ",
            "Migration of schema ",
            "MigrationFailedException: ",
            "FlywayValidateException: ",
        ],
        "Correct the migration of Flyway or Liquibase, repair its history, and deploy again.",
    )
    .anywhere()
    .keeps(1)
    .hides(&["Java ended with an exception"]),
    consequence(
        "Spring could not start the program",
        &["APPLICATION FAILED TO START"],
    )
    .keeps(4)
    .of_run(),
    symptom(
        TESTS,
        &["There are test failures", "There were failing tests"],
        TESTS_ADVICE,
    )
    .anywhere(),
    consequence("Gradle failed", &["Execution failed for task '"])
        .anywhere()
        .keeps(1),
    symptom(PLUGIN, &["Failed to execute goal "], PLUGIN_ADVICE)
        .anywhere()
        .then(|text| text.trim_end().ends_with(':') && !text.contains("-compiler-plugin:"))
        .keeps(3),
    symptom(PLUGIN, &["Failed to execute goal "], PLUGIN_ADVICE)
        .anywhere()
        .then(says_why),
    consequence("Maven failed", &["Failed to execute goal "]).anywhere(),
];
