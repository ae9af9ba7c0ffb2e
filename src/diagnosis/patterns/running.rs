//! The program that was deployed: memory, ports, probes, variables, databases.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::{number_then, says_what};

/// An exception that nobody has caught.
pub(in super::super) const UNCAUGHT: Pattern = symptom(
    "Node.js ended with an exception",
    &[],
    "Correct it at this place; the whole trace is in the log.",
)
.of_run();

const MEMORY: &str = "Out of memory";
const MEMORY_ADVICE: &str = "Choose a larger build machine or pod, or make the step need less.";
const VARIABLE: &str = "A variable is missing";
const VARIABLE_ADVICE: &str = "Set it in the service's environment variables, for the build too \
             if the build reads it.";
const PORT: &str = "The program does not listen where it should";
const PORT_ADVICE: &str = "Let it listen on 0.0.0.0 and on the port in the variable PORT.";
const TAKEN_ADVICE: &str = "Start the program once only, and on the port in the variable PORT.";
const DATABASE: &str = "The database could not be reached";
const DATABASE_ADVICE: &str = "Check the address and the internal connection to the database, \
             and that it runs.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        MEMORY,
        &[
            "JavaScript heap out of memory",
            "java.lang.OutOfMemoryError",
            "OOMKilled",
            "Out of memory: Killed process",
            "Cannot allocate memory",
            "signal: killed",
            "(signal: 9, SIGKILL: kill)",
            "signal SIGKILL",
            "signal: SIGKILL",
            "signal \"SIGKILL\"",
            "Killed signal terminated program",
            "Memory limit exceeded",
            "ran out of memory",
            "out of memory while",
            "MemoryError:",
        ],
        MEMORY_ADVICE,
    )
    .anywhere()
    .of_run(),
    cause(
        MEMORY,
        &[
            "Killed",
            "MemoryError",
            "fatal error: runtime: out of memory",
        ],
        MEMORY_ADVICE,
    )
    .alone()
    .of_run(),
    // A shell: `line 1:    12 Killed   npm run build`
    cause(MEMORY, &[": line "], MEMORY_ADVICE)
        .anywhere()
        .then(|text| number_then(text, ": ") && text.contains(" Killed "))
        .of_run(),
    cause("The port is taken", &["Port "], TAKEN_ADVICE)
        .anywhere()
        .then(|text| number_then(text, " was already in use"))
        .of_run(),
    cause(
        "The port is taken",
        &[
            "EADDRINUSE",
            "Address already in use",
            "address already in use",
        ],
        TAKEN_ADVICE,
    )
    .anywhere()
    .of_run(),
    cause(
        PORT,
        &[
            "EACCES: permission denied 0.0.0.0:",
            "EACCES: permission denied ::",
            "No open ports detected",
            "failed to bind to $PORT",
            "no open HTTP ports",
            "did not start listening on port ",
        ],
        PORT_ADVICE,
    )
    .anywhere()
    .of_run(),
    symptom(
        "A probe failed",
        &[
            "Readiness probe failed",
            "Liveness probe failed",
            "Startup probe failed",
            "Health check failed",
            "health check failed",
            "Healthcheck failed",
            "failed health check",
            "Health check timed out",
            "health checks failed",
        ],
        "Check that the program listens on 0.0.0.0 and the variable PORT, \
             and that the probe's path answers in time.",
    )
    .anywhere()
    .of_run(),
    consequence(
        "The container keeps ending",
        &["CrashLoopBackOff", "Back-off restarting failed container"],
        "What the program printed before it ended says why.",
    )
    .anywhere()
    .of_run(),
    cause(
        VARIABLE,
        &[
            "issing required environment variable",
            "nvironment variable not found: ",
            "nvalid environment variables",
            "issing environment variable",
            "equired environment variable",
        ],
        VARIABLE_ADVICE,
    )
    .anywhere()
    .keeps(1)
    .place_below(1)
    .of_run(),
    cause(VARIABLE, &["nvironment variable "], VARIABLE_ADVICE)
        .anywhere()
        .then(|text| {
            [
                "is not set",
                "is not defined",
                "is required",
                "is missing",
                "must be set",
                "not set",
                "is undefined",
            ]
            .iter()
            .any(|end| text.contains(end))
        })
        .of_run(),
    // A shell that runs with `set -u`
    cause(VARIABLE, &[": unbound variable"], VARIABLE_ADVICE)
        .anywhere()
        .then(|text| text.trim_end().is_empty())
        .of_run(),
    cause(
        VARIABLE,
        &["KeyError: '", "key not found: \""],
        VARIABLE_ADVICE,
    )
    .anywhere()
    .then(is_variable)
    .of_run(),
    cause(
        DATABASE,
        &[
            "P1001: Can't reach database server",
            "Can't reach database server at",
            "could not translate host name",
            "could not connect to server: ",
            "SQLSTATE[HY000] [2002]",
        ],
        DATABASE_ADVICE,
    )
    .anywhere()
    .of_run(),
    symptom(
        DATABASE,
        &[
            "connect ECONNREFUSED ",
            "getaddrinfo ENOTFOUND ",
            "getaddrinfo EAI_AGAIN ",
        ],
        "Check the address and the internal connection to what it \
             connects to, and that it runs.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The database refused access",
        &[
            "password authentication failed for user",
            "Access denied for user '",
            "P1000: Authentication failed",
            "SQLSTATE[HY000] [1045]",
        ],
        "Check the user and the password in the service's environment variables.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A migration failed",
        &["P3009", "P3018", "A migration failed to apply"],
        "Resolve the failed migration in the database, then deploy again.",
    )
    .anywhere()
    .then(|text| !text.starts_with(|c: char| c.is_ascii_digit()))
    .keeps(1),
    cause(
        "A module cannot be found",
        &[
            "Cannot find module '",
            "Cannot find package '",
            "Could not load the \"sharp\" module",
        ],
        "Add it to the dependencies (not only devDependencies), or \
             correct the path that is started or imported.",
    )
    .keeps(0)
    .of_run(),
    cause(
        "A module cannot be found",
        &["[ERR_MODULE_NOT_FOUND]: "],
        "Add it to the dependencies, or correct the path that is started \
             or imported.",
    )
    .anywhere()
    .then(says_what)
    .of_run(),
    cause(
        "Nest cannot resolve a dependency",
        &["Nest can't resolve dependencies of the "],
        "Add what it names to the module's providers or imports.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The client of Prisma was not generated",
        &["@prisma/client did not initialize yet"],
        "Run `prisma generate` in the build.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A file that is started does not exist",
        &[
            "can't open file '",
            "Unable to access jarfile ",
            "Could not open input file: ",
        ],
        "Correct the start command, or check that the build makes the file.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A certificate is not trusted",
        &[
            "unable to get local issuer certificate",
            "self-signed certificate in certificate chain",
            "CERTIFICATE_VERIFY_FAILED",
        ],
        "Install the authority's certificate in the image, or correct the address.",
    )
    .anywhere(),
    symptom(
        "A name could not be resolved",
        &["Temporary failure in name resolution"],
        "Run the deployment again; if it happens again, check the name.",
    )
    .anywhere(),
];

/// A name as variables have: `DATABASE_URL'`
fn is_variable(text: &str) -> bool {
    let name = text.split(['\'', '"']).next().unwrap_or_default();
    name.len() > 2
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
