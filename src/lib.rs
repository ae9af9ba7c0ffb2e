//! A CI deploy runner for Sevalla.
//!
//! ```text
//! environment ─> inputs ─> actions::resolve ─> actions ─> outcome ─> exit_status
//!                                              │  │  │
//!                     sevalla, code_host ──────┘  │  └────── Event ─> report ─> ci
//!                     follow, verify ─────────────┘
//! ```
//!
//! Data moves in one direction: a stage takes the value of the stage before.
//! An action reads, writes at most once, and follows what it started. Errors
//! carry their reason; [`actions`] turns each into an [`outcome`] with a hint
//! and an exit status. Events go to [`report`], which decides where they are
//! shown; [`ci`] writes them in the format of the host. Text from outside is
//! shown only after [`sanitize`] has cleaned it.
//!
//! `docs/architecture.md` has the layers, two paths through the code, and the
//! invariants with their tests.

pub mod actions;
pub mod backoff;
pub mod branch;
pub mod ci;
pub mod cli;
pub mod code_host;
pub mod deadline;
pub mod deployment;
pub mod deployment_log;
pub mod diagnostics;
pub mod environment;
pub mod event;
pub mod exec;
pub mod exit_status;
pub mod files;
pub mod follow;
pub mod forecast;
pub mod http;
pub mod image_reference;
pub mod inputs;
pub mod journal;
pub mod lenient_json;
pub mod messages;
pub mod outcome;
pub mod outputs;
pub mod path_filter;
pub mod process;
pub mod report;
pub mod report_files;
pub mod resource;
pub mod sanitize;
pub mod secret;
pub mod sevalla;
pub mod shutdown;
pub mod stack;
pub mod subprocess;
pub mod text;
pub mod time_zone;
pub mod verify;

pub use sevalla_diagnosis as diagnosis;

use std::cell::{Cell, OnceCell, RefCell};
use std::io::{ErrorKind, Write};
use std::rc::Rc;

use tokio::time::Instant;

use self::ci::{CiOutputConfig, Facts, Host};
use self::deadline::Deadline;
use self::inputs::{ActionName, Inputs, Problem};
use self::messages::{Failure, Warning};
use self::outcome::Outcome;
use self::secret::Password;
use self::sevalla::{Client, OnWait};
use crate::actions::resolve::Plan;
use crate::actions::{ActionContext, DeferredComment};
use crate::cli::CliRequest;
use crate::environment::Variables;
use crate::event::EventKind;
use crate::follow::FollowedCount;
use crate::http::ConnectionError;
use crate::process::{Connect, NoNetwork, Process};
use crate::report::{Reporter, Setup};
use crate::report_files::ReportFiles;
use crate::sanitize::Sanitizer;
use crate::sanitize::redactor::Redactor;
use crate::shutdown::Shutdown;
use crate::text::truncate::shorten;

/// Runs the program from the arguments to the last word, and says how it ended.
pub async fn run(mut process: Process) -> Outcome {
    let request = read_arguments(&mut process);
    let drawn = draw_password(&process);
    let known = process.secrets.iter().map(String::as_str);
    let redactor = Redactor::new(known.chain(drawn.as_ref().map(Password::expose)));
    let sanitizer = Sanitizer::new(redactor.clone());
    if let Some(outcome) = without_a_run(request, &mut process, &sanitizer) {
        return outcome;
    }
    let _diagnostics = diagnostics::install(&process.variables, sanitizer.clone(), process.stderr);
    let host = Host::detect(&process.variables);
    tracing::debug!(host = host.name(), "detected");
    let facts = Facts::read(host, &process.variables);
    let output = CiOutputConfig {
        variables: &process.variables,
        stdout: process.stdout,
        stderr: (process.stderr)(),
        terminal: process.terminal,
        screen: process.screen.clone(),
        zone: process.zone,
        clock: process.clock,
        token: process.token,
        launch: process.launch,
        stop: &process.stop,
        redactor: &redactor,
    };
    let reporter = Rc::new(Reporter::new(Setup {
        channel: ci::channel(host, output),
        sanitizer: sanitizer.clone(),
        clock: process.clock,
        facts: facts.clone(),
        host,
    }));

    let started = Instant::now();
    let world = Context {
        variables: &process.variables,
        sanitizer: &sanitizer,
        clock: process.clock,
        connect: &process.connect,
        stop: &process.stop,
        drawn,
        deferred_comment: Cell::new(None),
    };
    let outcome = tokio::select! {
        // Large: it holds what every action may need.
        outcome = Box::pin(carry_out(&world, &facts, &reporter)) => outcome,
        // Somebody insists: no more requests, and no more waiting for any.
        () = process.stop.insisted() => Outcome::at_once(process.stop.signal()),
    };
    let outcome = reporter.finish(outcome.within(started.elapsed())).await;
    if let Some(deferred_comment) = world.deferred_comment.take() {
        tokio::select! {
            () = deferred_comment.write(&outcome, &reporter) => {}
            () = process.stop.insisted() => {}
        }
    }
    outcome
}

/// A password for a database, if one may be needed: drawn before the first line is
/// written, so that no line can show it.
fn draw_password(process: &Process) -> Option<Password> {
    inputs::wants_password(&process.variables)
        .then(|| Password::drawn(process.token))
        .flatten()
}

/// What the arguments ask for. Options of a run beat the variables.
fn read_arguments(process: &mut Process) -> CliRequest {
    let columns = process.screen.as_ref().map_or(0, |screen| screen.size().1);
    let request = cli::parse(&process.arguments, columns.into());
    if let CliRequest::Run(options) = &request {
        // An option may hold an address with a password.
        let given = Variables::default().with_options(options.clone());
        process.secrets.extend(inputs::secrets_in(&given));
        let variables = std::mem::take(&mut process.variables);
        process.variables = variables.with_options(options.clone());
    }
    request
}

/// The most of an argument that is repeated, in bytes.
const LONGEST_COMPLAINT: usize = 1024;

/// Writes a text that is all a request is for. A reader that has seen enough of it
/// may close the pipe.
fn write_text(text: &str, output: &mut dyn Write) -> Result<(), cli::Complaint> {
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(cli::Complaint {
            failure: Failure::ResultNotWritten,
            text: format!("the text could not be written to the output stream: {error}"),
        }),
        _ => Ok(()),
    }
}

/// Answers a request that is for no run.
fn without_a_run(
    request: CliRequest,
    process: &mut Process,
    sanitizer: &Sanitizer,
) -> Option<Outcome> {
    let request = match request {
        CliRequest::Text(text) => match write_text(&text, process.stdout.as_mut()) {
            Ok(()) => return Some(Outcome::success("")),
            Err(complaint) => CliRequest::Unknown(complaint),
        },
        request => request,
    };
    match request {
        CliRequest::Run(_) | CliRequest::Text(_) => None,
        CliRequest::Unknown(complaint) => {
            let more = complaint.failure.address();
            let outcome = Outcome::of(complaint.failure, complaint.text);
            // Somebody may have passed the key as an argument.
            let complaint = sanitizer.line(&format!("sevalla-deploy: {}", outcome.headline));
            let complaint = shorten(complaint, LONGEST_COMPLAINT, sanitizer);
            let lines = format!("{complaint}\n  more:  {more}\n");
            let _closed = (process.stderr)().write_all(lines.as_bytes());
            Some(outcome)
        }
    }
}

/// What the stages need of the process.
struct Context<'a> {
    variables: &'a Variables,
    sanitizer: &'a Sanitizer,
    clock: fn() -> jiff::Timestamp,
    connect: &'a Connect,
    stop: &'a Shutdown,
    /// A password for a database, if one may be needed.
    drawn: Option<Password>,
    /// What is to be written in a comment once the end is reported.
    deferred_comment: Cell<Option<DeferredComment>>,
}

/// From the inputs to the outcome.
async fn carry_out(world: &Context<'_>, facts: &Facts, reporter: &Rc<Reporter>) -> Outcome {
    warn_of_names(world.variables, reporter);
    let (inputs, mut problems) = read_inputs(world.variables);
    let of_ci = ci::files_of_the_ci(world.variables);
    let mut files = actions::resolve::files(&inputs);
    problems.extend(actions::resolve::unusable_files(
        &inputs, &mut files, &of_ci,
    ));
    let action = actions::resolve::action_of(&inputs);
    let is_doctor = action == Some(ActionName::Doctor);
    reporter.expect(action, &begun(&files, is_doctor));
    if let Some(why) = actions::resolve::passes(&inputs, facts) {
        return Outcome::skipped(&why);
    }
    let named = (!inputs.names.is_empty()).then(|| inputs.clone());
    let plan = match Plan::resolve(inputs, facts, problems) {
        Ok(plan) => plan.with_drawn(world.drawn.clone()),
        Err(problems) => return Outcome::invalid(&problems),
    };
    show_plan(&plan, world.variables, reporter);
    let deadline = Deadline::after(plan.timeout, world.clock);
    let client = match client(world, &plan, deadline, reporter) {
        Ok(client) => client,
        Err(error) => return Outcome::invalid(&[Problem::of_network(&error)]),
    };
    let connect = || (world.connect)(world.variables);
    let context = |plan| ActionContext {
        client: client.clone(),
        plan,
        deadline,
        stop: world.stop,
        reporter: reporter.all(),
        clock: world.clock,
        variables: world.variables,
        sanitizer: world.sanitizer,
        connect: &connect,
        is_host_silent: Cell::new(false),
        deferred_comment: &world.deferred_comment,
        journal: OnceCell::new(),
        turns: None,
        followed: FollowedCount::default(),
        finished: RefCell::new(None),
    };
    let Some(named) = named.filter(|_| !plan.names.is_empty()) else {
        return context(&plan).carry_out().await;
    };
    let inputs = match context(&plan).look_up_names(named).await {
        Ok(inputs) => inputs,
        Err(outcome) => return outcome,
    };
    match Plan::resolve(inputs, facts, Vec::new()) {
        Ok(plan) => context(&plan).carry_out().await,
        Err(problems) => Outcome::invalid(&problems),
    }
}

/// The files that the reporter writes. Of those that cannot be written, the doctor
/// has a line of its own. Its report is one to publish, and the reporter's names the
/// branch and the repository.
fn begun(files: &ReportFiles, is_doctor: bool) -> ReportFiles {
    if is_doctor {
        ReportFiles {
            report: None,
            ..report::writable(files)
        }
    } else {
        files.clone()
    }
}

/// Sets up the reporter for a plan, and reports what has no effect. The doctor
/// reports that of the network in its lines.
fn show_plan(plan: &Plan, variables: &Variables, reporter: &Reporter) {
    let is_doctor = plan.is_checkup();
    reporter.show(plan.logs, &begun(&plan.files, is_doctor), plan.summary);
    reporter.explain_interrupt(plan.on_cancel);
    for (warning, text) in &plan.warnings {
        reporter.on(EventKind::Warning(*warning, text));
    }
    if is_doctor {
        return;
    }
    for ignored in http::ignored_network_settings(variables) {
        reporter.on(EventKind::Warning(Warning::NetworkSettingIgnored, &ignored));
    }
}

/// The inputs, and the text of the stack file where they name one.
fn read_inputs(variables: &Variables) -> (Inputs, Vec<Problem>) {
    let (inputs, mut problems) = Inputs::read(variables);
    let inputs = actions::stack::resolve::with_file(inputs, &mut problems);
    (inputs, problems)
}

/// Warns of variables that look like inputs or hosts and are none.
fn warn_of_names(variables: &Variables, reporter: &Reporter) {
    for unknown in inputs::unknown_names(variables) {
        reporter.on(EventKind::Warning(Warning::UnknownInput, &unknown));
    }
    if let Some(misnamed) = Host::misnamed(variables) {
        reporter.on(EventKind::Warning(Warning::UnknownCiHost, &misnamed));
    }
}

fn client(
    world: &Context<'_>,
    plan: &Plan,
    deadline: Deadline,
    reporter: &Rc<Reporter>,
) -> Result<Client, ConnectionError> {
    let reporter = Rc::clone(reporter);
    let on_wait: OnWait = Rc::new(move |error, wait| reporter.on(EventKind::Retrying(error, wait)));
    let exchange = match (world.connect)(world.variables) {
        Ok(exchange) => exchange,
        // It has a line about that.
        Err(_) if plan.is_checkup() => Box::new(NoNetwork),
        Err(error) => return Err(error),
    };
    let client = Client::over(
        exchange,
        &plan.api_url,
        plan.token.as_ref(),
        deadline.moment(),
        on_wait,
    )?;
    Ok(client
        .with_sanitizer(world.sanitizer.clone())
        .stopped_by(world.stop.clone()))
}
