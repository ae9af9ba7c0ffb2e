//! A CI deploy runner for Sevalla.
//!
//! ```text
//! variables ─> inputs ─> plan ─> trigger ─> watch ─> outcome ─> exit code
//!                                   │         │
//!                                   └ sevalla ┘   the service
//!                        Event ─> report ─> ci    the place we run in
//! ```
//!
//! One direction: a stage takes the value of the one before. Errors rise to
//! [`outcome`], which alone gives them a number; events sink into [`report`],
//! which alone finds words; [`ci`] alone knows how a host wants its bytes.
//! Everything shown passes the gate in [`shown`].

pub mod ci;
pub mod deployment;
pub mod diagnostics;
pub mod inputs;
pub mod outcome;
pub mod plan;
pub mod process;
pub mod report;
pub mod schedule;
pub mod secret;
pub mod sevalla;
pub mod shown;
pub mod stop;
pub mod trigger;
pub mod usage;
pub mod watch;

use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use self::ci::{Facts, Host};
use self::inputs::{Inputs, Logs, Problem};
use self::outcome::{Ending, Outcome};
use self::plan::Plan;
use self::process::Process;
use self::report::{Event, Reporter, Setup};
use self::secret::Redactor;
use self::sevalla::{Client, Patience};
use self::shown::Gate;
use self::trigger::{Before, Started};
use self::usage::Asked;
use self::watch::{Ended, Reading, Remote, Watch};

/// How long after the run's time the last requests may still take.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Runs the program from the arguments to the last word, and says how it ended.
pub async fn run(mut process: Process) -> Outcome {
    match usage::asked(&process.arguments) {
        Asked::Run => {}
        Asked::Text(text) => {
            let _closed = process.stdout.write_all(text.as_bytes());
            return Outcome::new(Ending::Success, "");
        }
        Asked::Unknown(complaint) => {
            let _closed =
                (process.stderr)().write_all(format!("sevalla-deploy: {complaint}\n").as_bytes());
            return Outcome::new(Ending::InvalidInput, complaint);
        }
    }
    let redactor = Redactor::new(
        inputs::secrets_in(&process.variables)
            .iter()
            .map(String::as_str),
    );
    let gate = Gate::new(redactor.clone());
    let _diagnostics = diagnostics::install(&process.variables, gate.clone(), process.stderr);
    let host = Host::detect(&process.variables);
    let reporter = Rc::new(Reporter::new(Setup {
        channel: ci::channel(
            host,
            &process.variables,
            process.stdout,
            (process.stderr)(),
            process.token,
        ),
        gate,
        clock: process.clock,
        facts: Facts::read(host, &process.variables),
    }));
    reporter.mask(redactor.secrets());

    let started = Instant::now();
    let outcome = tokio::select! {
        outcome = carry_out(&process.variables, &reporter) => outcome,
        signal = process.stop.asked() => Outcome::interrupted(signal),
    };
    let outcome = outcome.within(started.elapsed());
    reporter.finish(&outcome);
    outcome
}

/// From the inputs to the outcome.
async fn carry_out(variables: &process::Variables, reporter: &Rc<Reporter>) -> Outcome {
    let deadline_from = Instant::now();
    for warning in inputs::unknown_names(variables) {
        reporter.on(Event::Warning(&warning));
    }
    let plan = match Inputs::read(variables).and_then(Plan::resolve) {
        Ok(plan) => plan,
        Err(problems) => return Outcome::invalid(&problems),
    };
    reporter.show(plan.logs, plan.log_file.clone(), plan.summary);
    for warning in &plan.warnings {
        reporter.on(Event::Warning(warning));
    }
    let deadline = deadline_from + plan.timeout;
    let on_wait = {
        let reporter = Rc::clone(reporter);
        Rc::new(move |error: &sevalla::ApiError, wait| reporter.on(Event::Retrying(error, wait)))
    };
    let client = match Client::new(
        &plan.api_url,
        plan.token.clone(),
        variables,
        deadline,
        on_wait,
    ) {
        Ok(client) => client,
        Err(error) => return Outcome::invalid(&[Problem::of(&error)]),
    };
    deploy(&client, &plan, deadline, reporter).await
}

/// Makes the change and follows it.
async fn deploy(client: &Client, plan: &Plan, deadline: Instant, reporter: &Reporter) -> Outcome {
    let tell = |event: Event<'_>| reporter.on(event);
    let before = match trigger::look_before(client, plan, &tell).await {
        Ok(before) => before,
        Err(error) => return Outcome::of_trigger_error(error),
    };
    if plan.dry_run {
        return Outcome::planned(&before.order);
    }
    let (service, deployment) = match trigger::start(client, plan, &before, &tell).await {
        Ok(Started::Known(service, deployment)) if plan.follow => (service, deployment),
        Ok(Started::Known(_, deployment)) => return Outcome::triggered(Some(&deployment)),
        Ok(Started::Unseen) => return Outcome::triggered(None),
        Err(error) => return Outcome::of_trigger_error(error),
    };
    let source = Remote {
        client: client.until(deadline + LAST_REQUESTS),
        service,
        id: deployment.id.clone(),
    };
    let ended = Watch::new(&source, *deployment, deadline, reading(plan), &tell)
        .follow()
        .await;
    find_url(&source, &before, &ended, &tell).await;
    let ended = with_build_error(&source, ended).await;
    Outcome::of_ended(&ended, service)
}

/// When the log is worth reading.
fn reading(plan: &Plan) -> Reading {
    match (plan.logs, &plan.log_file) {
        (Logs::Live, _) => Reading::Live,
        (_, Some(_)) => Reading::AtTheEnd,
        (Logs::OnFailure, None) => Reading::AfterFailure,
        (Logs::Off, None) => Reading::Never,
    }
}

/// After a success, finds out where the service can be visited. Not knowing it
/// changes nothing.
async fn find_url(source: &Remote, before: &Before, ended: &Ended, tell: &dyn Fn(Event<'_>)) {
    let Ended::Seen(_, deployment::Verdict::Success) = ended else {
        return;
    };
    let host = match source.service.kind {
        deployment::ServiceKind::StaticSite => before.host.clone(),
        deployment::ServiceKind::Application => {
            source.client.application_host(source.service.id).await
        }
    };
    if let Some(url) = host.and_then(|host| sevalla::address(&host)) {
        tell(Event::Url(url.as_str().trim_end_matches('/')));
    }
}

/// After a failure of a static site, reads what the build said: only the list
/// of deployments has it.
async fn with_build_error(source: &Remote, ended: Ended) -> Ended {
    let Ended::Seen(mut last, deployment::Verdict::Failed) = ended else {
        return ended;
    };
    if source.service.kind == deployment::ServiceKind::StaticSite {
        let recent = source
            .client
            .deployments(source.service, 20, Patience::Once)
            .await;
        let same = recent
            .unwrap_or_default()
            .into_iter()
            .find(|other| other.id == last.id);
        last.build_error = same.and_then(|deployment| deployment.build_error);
    }
    Ended::Seen(last, deployment::Verdict::Failed)
}
