//! Gathers the process's world, runs, and turns the outcome into an exit code.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place that takes the world from the process"
)]

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::thread::JoinHandle;

use anyhow::Context;
use console::Term;
use sevalla_deploy::diagnostics::explain_panics;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::exec;
use sevalla_deploy::exit_status::ExitStatus;
use sevalla_deploy::inputs::{read_secret_files, secrets_in};
use sevalla_deploy::messages::StartupError;
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::{Process, network};
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sanitize::redactor::Redactor;
use sevalla_deploy::shutdown::Shutdown;
use sevalla_deploy::subprocess::launch;
use sevalla_deploy::time_zone;

/// The stack of the program, in bytes. It is stated here since the one of the
/// main thread is what `ulimit -s` leaves, which may be less than a run needs.
const STACK: usize = 4 * 1024 * 1024;

fn main() -> ExitCode {
    let thread = std::thread::Builder::new()
        .name("main".to_owned())
        .stack_size(STACK);
    match thread.spawn(program).map(JoinHandle::join) {
        Ok(Ok(code)) => code,
        // What panicked has been explained.
        Ok(Err(_panic)) => ExitCode::from(ExitStatus::Internal.code()),
        // No more threads are allowed: the main thread's stack may well do.
        Err(_) => program(),
    }
}

fn program() -> ExitCode {
    let variables = read_secret_files(std::env::vars_os().collect());
    let secrets = secrets_in(&variables);
    // Made only for a complaint: a run makes its own.
    let sanitizer = {
        let secrets = secrets.clone();
        move || Sanitizer::new(Redactor::new(secrets.iter().map(String::as_str)))
    };
    explain_panics(sanitizer.clone());
    let complain = |what: &str, topic: StartupError, code: u8| {
        let line = sanitizer().line(&format!("sevalla-deploy: {what}"));
        let more = topic.address();
        let _closed = writeln!(std::io::stderr(), "{line}\n  more:  {more}");
        ExitCode::from(code)
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // First, while this process is still as it was started.
    if let Some(refusal) = exec::attempt(&arguments, &variables) {
        return complain(&refusal.text, refusal.topic, refusal.code);
    }
    match run(arguments, variables, secrets) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => complain(
            &format!("{error:#}"),
            StartupError::SystemRefused,
            ExitStatus::Internal.code(),
        ),
    }
}

fn run(
    arguments: Vec<OsString>,
    variables: Variables,
    secrets: Vec<String>,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot set up the asynchronous runtime")?;
    let outcome = runtime.block_on(async {
        let stop = Shutdown::default();
        stop.listen().context("cannot listen for signals")?;
        let zone = time_zone::of_machine(&variables);
        let process = Process {
            arguments,
            variables,
            secrets,
            stdout: Box::new(std::io::stdout()),
            stderr: || Box::new(std::io::stderr()),
            terminal: Some(Term::stderr()).filter(Term::is_term),
            screen: Some(Term::stdout()).filter(Term::is_term),
            zone,
            clock: jiff::Timestamp::now,
            token: || uuid::Uuid::new_v4().simple().to_string(),
            connect: network(),
            launch,
            stop,
        };
        anyhow::Ok(sevalla_deploy::run(process).await)
    });
    // A request that hangs must not keep the process.
    runtime.shutdown_background();
    outcome
}
