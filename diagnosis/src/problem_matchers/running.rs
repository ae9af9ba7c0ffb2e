//! The program that was deployed: memory, ports, probes, variables, databases.

use super::super::problem_matcher::{Pattern, cause, consequence, ending, symptom};
use super::{number_then, says_what};

/// An exception that nobody has caught.
pub(in super::super) const UNCAUGHT: Pattern = symptom(
    "Node.js ended with an exception",
    &[],
    "Correct what the exception names; the whole trace of Node.js is in the log.",
)
.of_run();

const MEMORY: &str = "Out of memory";
const MEMORY_ADVICE: &str = "Choose a larger build machine or a larger pod on Sevalla, or make the \
             step need less.";
const VARIABLE: &str = "A variable is missing";
const VARIABLE_ADVICE: &str = "Set it in the service's environment variables on Sevalla, for the \
             build too if the build reads it.";
const PORT: &str = "The program does not listen where it should";
const PORT_ADVICE: &str = "Let it listen on 0.0.0.0 and on the port in the variable PORT.";
const TAKEN_ADVICE: &str = "Start the program once only, and on the port in the variable PORT.";
/// What the cause of a trace explains.
const OF_TRACES: &[&str] = &[
    "Java ended with an exception",
    "Spring could not start the program",
    "PHP ended with an error",
];
const DATABASE: &str = "The database could not be reached";
const DATABASE_ADVICE: &str = "Check the address and the internal connection to the database, \
             and that it runs.";

const NOT_BUILT: &str = "The program was not built before it was started";
const NOT_BUILT_ADVICE: &str = "Set the build command of the service on Sevalla (`npm run build`), \
             and check that the start command names the folder that it writes, and that .dockerignore \
             does not exclude it.";

/// Folders that builds of JavaScript write.
const MADE: &[&str] = &["/.output/server/", "/.next/", "/dist/", "/build/"];

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        MEMORY,
        &["JavaScript heap out of memory"],
        "Raise the limit of Node.js (NODE_OPTIONS=--max-old-space-size=4096, in megabytes); only \
             if the machine has less than that, choose a larger one.",
    )
    .anywhere()
    .of_run(),
    cause(
        MEMORY,
        &["java.lang.OutOfMemoryError"],
        "Raise the heap of Java (`-Xmx` in JAVA_TOOL_OPTIONS, org.gradle.jvmargs or MAVEN_OPTS); \
             only if the machine has less than that, choose a larger one.",
    )
    .anywhere()
    .of_run(),
    cause(
        MEMORY,
        &[
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
            "Error R15 (Memory quota vastly exceeded)",
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
        .then(|text| {
            let message = text.trim_end().trim_end_matches('.');
            number_then(message, " was already in use") || message.ends_with(" is already in use")
        })
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
            "failed to detect open port ",
            "no open HTTP ports",
            "did not start listening on port ",
            "did not respond on port ",
            "failed to start and listen on the port",
            "is not listening on the expected address",
            "didn't respond to HTTP pings on port",
            "Port scan timeout reached, no open ports detected",
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
            "failed liveness probe",
            "failed startup probe",
        ],
        "Check that the program listens on 0.0.0.0 and the variable PORT, \
             and that the probe's path answers in time.",
    )
    .anywhere()
    .of_run(),
    ending(
        "The container keeps ending",
        &["CrashLoopBackOff", "Back-off restarting failed container"],
        "Run the service's start command on your machine, and look at the runtime log on Sevalla.",
    )
    .anywhere()
    .of_run(),
    ending(
        "The rollout failed",
        &[
            "Your application experienced a rollout error",
            "exceeded its progress deadline",
            "ProgressDeadlineExceeded",
            "timed out waiting for the condition",
        ],
        "Check the start command if the rollout failed at once; after a minute or two, look at \
             the runtime log on Sevalla.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A secret of the service does not exist",
        &[
            "Error: secret \"",
            "Error: configmap \"",
            "couldn't find key ",
        ],
        "Set what Kubernetes names in the service's environment variables on Sevalla.",
    )
    .anywhere()
    .then(|text| {
        text.contains("\" not found")
            || text.contains(" in Secret ")
            || text.contains(" in ConfigMap ")
    })
    .of_run(),
    symptom(
        "A volume could not be mounted",
        &[
            "Multi-Attach error for volume ",
            "MountVolume.SetUp failed for volume ",
            "AttachVolume.Attach failed for volume ",
            "Unable to attach or mount volumes",
        ],
        "Check the service's disks on Sevalla, and deploy again; a disk is for one pod.",
    )
    .anywhere()
    .of_run(),
    cause(
        "No machine has room for the program",
        &[" nodes are available: "],
        "Choose a smaller pod or fewer instances on Sevalla, or deploy again later.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A folder may not be written",
        &["EACCES: permission denied, "],
        "Give the folder to the user of the image (`chown` in the Dockerfile), or write to /tmp or \
             to a disk of the service.",
    )
    .anywhere()
    .nowhere()
    .of_run(),
    cause(
        "The quota for pods is used up",
        &["exceeded quota: "],
        "Choose a smaller pod or fewer instances on Sevalla, or ask the support of Sevalla for \
             more.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The program used up its disk",
        &[
            "The node was low on resource: ",
            "ephemeral local storage usage exceeds",
        ],
        "Write less to the pod's own disk: use a disk or object storage of Sevalla.",
    )
    .anywhere()
    .of_run(),
    symptom(
        "The container could not be started",
        &[
            "failed to create containerd task: ",
            "failed to start container \"",
            "RunContainerError",
            "failed to create task for container: ",
        ],
        "Correct the start command on Sevalla, or the Dockerfile's CMD and ENTRYPOINT.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The image runs as root",
        &["container has runAsNonRoot and image "],
        "Set a user by its number in the Dockerfile (`USER 1000`), and give that user the files of \
             the image that the program writes.",
    )
    .anywhere()
    .hides(&["The container could not be started"])
    .of_run(),
    symptom(
        "A worker did not answer in time",
        &[
            "WORKER TIMEOUT (pid:",
            "), killing",
            "! Terminating timed out worker",
            "*** HARAKIRI ON WORKER ",
        ],
        "Make the request faster that the server waited for, or raise its timeout (`--timeout` in \
             the start command of gunicorn).",
    )
    .anywhere()
    .when(|text| !text.contains(", killing") || text.contains(" timeout ("))
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
            "Communications link failure",
            "Unable to connect to Redis",
            "MongoServerSelectionError",
            "MongoTimeoutException",
            "(HY000/2002)",
            "Error establishing a database connection",
            "Cannot connect to redis://",
            "Cannot connect to amqp://",
            "failed to connect to `host=",
            "PG::ConnectionBad",
            "Mysql2::Error::ConnectionError",
            "DBConnection.ConnectionError) tcp connect",
            "(Redis::CannotConnectError)",
            "(RedisClient::CannotConnectError)",
        ],
        DATABASE_ADVICE,
    )
    .anywhere()
    .hides(OF_TRACES)
    .of_run(),
    // The driver of PostgreSQL in Java, and libpq.
    cause(
        DATABASE,
        &["Connection to ", "connection to server at \""],
        DATABASE_ADVICE,
    )
    .anywhere()
    .then(|text| {
        text.contains(" refused. Check that the hostname")
            || text.contains("failed: Connection refused")
            || text.contains("timeout expired")
            || text.contains("failed: could not translate host name")
    })
    .hides(OF_TRACES)
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
    .then(|text| !is_web_server(text))
    .of_run(),
    cause(
        "The database refused access",
        &[
            "password authentication failed for user",
            "Access denied for user '",
            "P1000: Authentication failed",
            "SQLSTATE[HY000] [1045]",
            "no pg_hba.conf entry for host",
        ],
        "Check the user and the password in the service's environment variables.",
    )
    .anywhere()
    .of_run(),
    symptom(
        DATABASE,
        &["java.net.UnknownHostException: "],
        "Check the name of the host in the variables that the program reads, and the internal \
             connection on Sevalla.",
    )
    .anywhere()
    .then(|text| !text.trim_end().contains([' ', '.']))
    .hides(OF_TRACES)
    .of_run(),
    cause(
        "A native module is for another system",
        &[
            ": invalid ELF header",
            "ERR_DLOPEN_FAILED",
            "Error loading shared library ",
            "Error relocating /",
        ],
        "Install the modules of Node.js in the image (`npm ci`), and list node_modules in \
             .dockerignore so that yours are not copied.",
    )
    .anywhere()
    .when(|text| {
        let is_of_any = text.contains("rror loading shared") || text.contains("rror relocating");
        !is_of_any || text.contains("node_modules/")
    })
    .of_run(),
    cause(
        "A native module is for another system",
        &["Could not load the \"sharp\" module"],
        "Install sharp in the image, with its optional packages and for its system (`npm ci \
             --include=optional`, with `--libc=musl` on Alpine), and list node_modules in \
             .dockerignore.",
    )
    .of_run(),
    cause(
        "A browser is missing",
        &["Executable doesn't exist at "],
        "Run `npx playwright install --with-deps` when the image is built.",
    )
    .anywhere()
    .then(|text| text.contains("ms-playwright"))
    .of_run(),
    cause(
        "A migration failed",
        &["P3009", "P3018", "A migration failed to apply"],
        "Resolve the failed migration (`prisma migrate resolve`), then deploy again.",
    )
    .anywhere()
    .then(|text| !text.starts_with(|c: char| c.is_ascii_digit()))
    .keeps(1),
    cause(NOT_BUILT, &["Cannot find module '"], NOT_BUILT_ADVICE)
        .then(|text| {
            let file = text.split('\'').next().unwrap_or_default();
            file.starts_with('/') && MADE.iter().any(|folder| file.contains(folder))
        })
        .of_run(),
    cause(
        "A module cannot be found",
        &["Cannot find module '", "Cannot find package '"],
        "Add it to the dependencies (not only devDependencies) in package.json, or correct the \
             path that is started or imported.",
    )
    .keeps(0)
    .of_run(),
    cause(
        "A module cannot be found",
        &["[ERR_MODULE_NOT_FOUND]: "],
        "Add it to the dependencies in package.json, or correct the path that is started or \
             imported.",
    )
    .anywhere()
    .then(says_what)
    .of_run(),
    cause(
        "Nest cannot resolve a dependency",
        &["Nest can't resolve dependencies of the "],
        "Add what Nest names to the module's providers or imports.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The client of Prisma is for another system",
        &["could not locate the Query Engine for runtime "],
        "Add the runtime that Prisma names to `binaryTargets` in schema.prisma, and run \
             `prisma generate` in the image.",
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
            "unable to verify the first certificate",
            "certificate signed by unknown authority",
            "self-signed certificate in certificate chain",
            "CERTIFICATE_VERIFY_FAILED",
        ],
        "Install the authority's certificate in the image (ca-certificates), or correct the \
             address.",
    )
    .anywhere(),
    cause(
        "A file that is started does not exist",
        &[
            "exec /",
            "exec ./",
            "exec user process caused: no such file or directory",
        ],
        "Correct the start command or the Dockerfile's ENTRYPOINT; a script needs Unix line ends \
             and a `#!` of a shell that the image has.",
    )
    .then(|text| text.is_empty() || text.trim_end().ends_with(": no such file or directory"))
    .of_run(),
    cause(
        "A command may not be run",
        &[
            "exec /",
            "exec ./",
            "exec user process caused: permission denied",
        ],
        "Run `git update-index --chmod=+x` on the file and commit that, or `chmod +x` it in the \
             Dockerfile.",
    )
    .then(|text| text.is_empty() || text.trim_end().ends_with(": permission denied"))
    .of_run(),
    symptom(
        "nginx does not accept its configuration",
        &["nginx: [emerg] "],
        "Correct the configuration of nginx; `nginx -t` shows the same on your machine.",
    )
    .of_run(),
    symptom(
        "Apache does not accept its configuration",
        &["AH00526: ", "AH00534: ", "AH00558: Syntax error"],
        "Correct the configuration of Apache; `apachectl configtest` shows the same on your \
             machine.",
    )
    .anywhere()
    .keeps(1)
    .nowhere()
    .of_run(),
    cause(
        NOT_BUILT,
        &[
            "Cannot find nitro.json",
            "No build files found in ",
            "Could not find a production build in the ",
        ],
        NOT_BUILT_ADVICE,
    )
    .anywhere()
    .of_run(),
    cause(
        "The start command names an application that does not exist",
        &[
            "Failed to find attribute '",
            "Error loading ASGI app. ",
            "Could not locate a Flask application",
            "no python application found, check your startup logs",
            "gunicorn.errors.AppImportError: ",
        ],
        "Correct the module and the name behind it in the start command (`gunicorn module:app`, \
             `uvicorn module:app`).",
    )
    .anywhere()
    .of_run(),
    consequence(
        "The workers did not start",
        &["gunicorn.errors.HaltServer: ", "Worker failed to boot"],
    )
    .anywhere(),
    symptom(
        "A name could not be resolved",
        &["Temporary failure in name resolution"],
        "Run the deployment again; if it happens again, correct the address that the command uses.",
    )
    .anywhere(),
];

/// Whether the address ends in a port of web servers: `10.0.0.9:80`.
fn is_web_server(address: &str) -> bool {
    let address = address.split_whitespace().next().unwrap_or_default();
    let port = address.rsplit_once(':').map(|(_, port)| {
        let end = port.find(|c: char| !c.is_ascii_digit());
        end.and_then(|end| port.get(..end)).unwrap_or(port)
    });
    matches!(port, Some("80" | "443"))
}

/// A name as variables have: `DATABASE_URL'`
fn is_variable(text: &str) -> bool {
    let name = text.split(['\'', '"']).next().unwrap_or_default();
    name.len() > 2
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
