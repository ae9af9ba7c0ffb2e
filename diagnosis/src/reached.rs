//! Lines that say that a program has reached its database, or accepts connections.
//! Pure.

use super::recovery::Recovered;

/// The longest line that says so, in bytes.
const LONGEST_REACHED: usize = 240;

/// What says that it is not so, or only asks whether it is.
const NOT_REACHED: &[&str] = &[
    "n't ",
    " not ",
    "no longer",
    "cannot",
    "unable",
    "fail",
    "error",
    "refused",
    "stopp",
    "waiting",
    "trying",
    "make sure",
    "ensure",
    "check ",
    "is the ",
    "debugger",
    "devtools",
];

/// As programs say that they reached their database, in lower case.
const CONNECTED: &[&str] = &[
    "connected to database",
    "connected to the database",
    "connected to db",
    "connected to postgres",
    "connected to mysql",
    "connected to mariadb",
    "connected to mongo",
    "connected to redis",
    "connected to rabbitmq",
    "connected to amqp",
    "database connected",
    "db connected",
    "redis connected",
    "database connection established",
    "database connection successful",
    "connection to database established",
    "connection has been established successfully",
    "database is up",
    "database is ready",
    "database ready",
    "postgres is up",
    "postgres is ready",
    ": migrated (",
    "no pending migrations",
    "no migrations to apply",
    "migrations have been successfully applied",
];

/// What programs print when they accept connections.
const LISTENING: &[&str] = &[
    "application startup complete",
    "] connected to redis://",
    "] connected to amqp",
    "listening on",
    "listening at http",
    "listening to port",
    "server is listening",
    "server is ready",
    "server is running",
    "server is up",
    "server listening",
    "server ready",
    "server running",
    "server started",
    "started server on",
    "started on port",
    "application successfully started",
    "running on all addresses",
    "running on http",
    "running on port",
    "running at http",
    "rocket has launched",
    "responding at http",
    "available at http",
    "ready on http",
    "ready at http",
    "ready - started",
];

/// `Server listening on port 8080`, as a program says that it accepts connections
/// or has reached its database.
pub(super) fn read(text: &str) -> Option<Recovered> {
    if text.len() > LONGEST_REACHED || text.trim_end().ends_with('?') {
        return None;
    }
    let message = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if has(NOT_REACHED) {
        None
    } else if has(LISTENING) || is_ready(&message) {
        Some(Recovered::Listening)
    } else if has(CONNECTED) {
        Some(Recovered::Connected)
    } else {
        None
    }
}

/// `Ready in 412ms` of Next.js, `Started Shop in 4.2 seconds` of Spring, `Running
/// Shop.Endpoint with` of Phoenix
fn is_ready(message: &str) -> bool {
    let message = message.strip_prefix("[info] ").unwrap_or(message);
    let is_counted = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let is_started = || {
        let (_, rest) = message.split_once("started ")?;
        let (_, rest) = rest.split_once(" in ")?;
        Some(is_counted(rest) && rest.contains(" seconds"))
    };
    message.strip_prefix("ready in ").is_some_and(is_counted)
        || (message.starts_with("running ") && message.contains(".endpoint with "))
        || is_started().unwrap_or_default()
}
