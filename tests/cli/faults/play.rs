//! Plays the table, every row with a simulator and a process of its own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sevalla_deploy::outputs::OUTPUTS;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault as Woven, PastDeployment, Pipeline, Preview,
    Script, Simulator, World,
};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::moment::Moment;
use super::table::{Row, Spell, rows};
use crate::harness::{
    APP, Finished, PIPELINE, Runner, SOON, WINDOW, busy_when_looked_at, parse_file_commands,
    refuses_connections, until,
};

/// How many rows are played at a time. They mostly wait.
const AT_A_TIME: usize = 32;

/// What asks Sevalla to start a deployment, or to create a database.
pub(super) const STARTS: [&str; 6] = [
    "triggerDeploymentV3",
    "hook",
    "promotePipelineV3",
    "rollbackDeploymentV3",
    "createPreviewApp",
    "createDatabaseV3",
];

/// What is promoted to [`APP`].
const SOURCE: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";

/// The settings of a database that is created.
pub(super) const NEW_DATABASE: &str = r#"{"display_name":"orders","type":"postgresql","version":"16",
    "db_name":"orders","cluster":"Frankfurt","resource_type":"DB1"}"#;

/// A file that was there before the run, and what it says.
const EARLIER: &str = "earlier=kept\n";

#[tokio::test]
async fn every_row_of_the_table_holds() {
    let only = std::env::var("FAULTS").unwrap_or_default();
    let mut rows: Vec<Row> = rows()
        .into_iter()
        .filter(|row| format!("{row:?}").contains(&only))
        .collect();
    rows.sort_by_key(|row| !row.is_long());
    let started = Instant::now();
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    let mut playing = Vec::new();
    for row in rows {
        let permits = Arc::clone(&permits);
        let played = tokio::spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let started = Instant::now();
            // On a thread of its own: starting a process keeps a thread.
            let wrong = tokio::task::spawn_blocking(move || alone(play(row)));
            (wrong.await.unwrap(), started.elapsed())
        });
        playing.push((row, played));
    }
    let count = playing.len();
    let mut doubtful = Vec::new();
    let mut times = Vec::new();
    for (row, played) in playing {
        match played.await {
            Ok((wrong, took)) => {
                times.push((took, row.moment, row.fault, row.spell));
                if !wrong.is_empty() {
                    println!("again: {row:?}\n  {}", wrong.join("\n  "));
                    doubtful.push(row);
                }
            }
            Err(panic) => {
                println!("again: {row:?}\n  {panic}");
                doubtful.push(row);
            }
        }
    }
    let failures = again(doubtful).await;
    times.sort_by_key(|(took, ..)| std::cmp::Reverse(*took));
    times.truncate(5);
    println!(
        "{count} rows in {:?}, the slowest {times:?}",
        started.elapsed()
    );
    assert!(
        failures.is_empty(),
        "{} of {count} rows do not hold:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

/// A busy machine can starve a row among so many: what did not hold is played
/// again by itself. What is wrong then.
async fn again(doubtful: Vec<Row>) -> Vec<String> {
    let mut failures = Vec::new();
    for row in doubtful {
        let wrong = tokio::task::spawn_blocking(move || alone(play(row))).await;
        let wrong = wrong.unwrap_or_else(|panic| vec![panic.to_string()]);
        if !wrong.is_empty() {
            failures.push(format!("{row:?}\n  {}", wrong.join("\n  ")));
        }
    }
    failures
}

/// Carries this out on this thread.
pub(super) fn alone<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(what)
}

/// Plays a row; what is wrong with it.
async fn play(row: Row) -> Vec<String> {
    let mut world = world(row);
    if matches!(row.fault, Fault::HidesNewDeployments | Fault::ShowsItLate) {
        world = world.deployments_visible_after(Duration::from_secs(3));
    }
    let simulator = Simulator::start(world).await;
    if row.moment != Moment::Deadline {
        for fault in woven(row) {
            simulator.add_fault(fault);
        }
    }
    if row.moment == Moment::Waiting {
        let other = Script::success().run(Duration::from_secs(4));
        simulator.add_fault(busy_when_looked_at(other));
    }
    // Held for as long as the run may want to connect to it.
    let (_nobody, nobody) = refuses_connections();

    let mut runner = runner(row, &simulator);
    if row.fault == Fault::RefusesConnections && row.moment == Moment::Before {
        runner = runner.set("SEVALLA_API_URL", format!("http://{nobody}/v3"));
    }
    for file in ["github-output", "github-summary"] {
        std::fs::write(runner.path(file), EARLIER).unwrap();
    }
    if row.outwaits_an_answer() {
        let file = runner.path("deploy.log");
        let runner = runner.set("SEVALLA_LOG_FILE", file);
        let run = runner.run_impatiently().await;
        return wrong(row, &run, &Seen::of(&simulator, row));
    }
    let running = runner.start();
    let called = |operation: &'static str| until(|| simulator.calls(operation) > 0);
    if row.moment == Moment::Deadline {
        called("listDeploymentsV3").await;
        // Nearer to the end than two looks are to each other, however late the
        // run has begun; what ends a run at once may come earlier.
        let left = if ends_with_the_time(row) { 400 } else { 3000 };
        let late = time(row).saturating_sub(Duration::from_millis(left));
        let late = simulator.elapsed() + late;
        for fault in woven(row) {
            simulator.add_fault(fault.from(late));
        }
    }
    if (row.fault, row.moment) == (Fault::RefusesConnections, Moment::Following) {
        called("getDeploymentV3").await;
        let seen = Seen::of(&simulator, row);
        let address = address_of(&simulator);
        drop(simulator);
        // Nobody else gets its port while the run looks for it there.
        let _nobody = keeps(address);
        return wrong(row, &running.finish().await, &seen);
    }
    let mut asked_to_stop = None;
    if row.moment == Moment::Cancelling {
        called("getDeploymentV3").await;
        running.signal("INT").await;
        asked_to_stop = Some(Instant::now());
    }
    if row.fault == Fault::VanishesAfterTheCancel {
        called("cancelDeploymentV3").await;
        let gone = Woven::on("getDeploymentV3").does(Behaviour::status(404));
        simulator.add_fault(gone);
    }
    let run = running.finish().await;
    let mut wrong = wrong(row, &run, &Seen::of(&simulator, row));
    if let Some(asked) = asked_to_stop
        && asked.elapsed() > WINDOW
    {
        wrong.push(format!("it ended {:?} after the signal", asked.elapsed()));
    }
    wrong
}

fn address_of(simulator: &Simulator) -> SocketAddr {
    let url = simulator.url().trim_start_matches("http://");
    url.trim_end_matches("/v3").parse().unwrap()
}

/// A socket that takes an address and does not listen there.
fn keeps(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// What there is before the run. Whatever it does, it does to [`APP`].
pub(super) fn world(row: Row) -> World {
    let app = Application::new(APP).next(script(row));
    let world = World::new();
    match row.moment {
        Moment::Promotion | Moment::PromotionDone => world
            .application(Application::new(SOURCE).past(PastDeployment::success()))
            .application(app)
            .pipeline(Pipeline::new(PIPELINE)),
        Moment::Rollback | Moment::RollbackDone => {
            let live = PastDeployment::success().ago(Duration::from_secs(600));
            let app = app.past(PastDeployment::success()).past(live);
            world.application(app.rolls_back_past_the_latest(true))
        }
        Moment::Creation | Moment::CreationDone => {
            // That of the run.
            let app = app.repo_url("https://github.example/octo/shop");
            world.pipeline(Pipeline::new(PIPELINE).preview(Preview::new().next(app)))
        }
        Moment::Deletion | Moment::DeletionDone => world.application(app.kind("previewApp")),
        _ => world.application(app),
    }
}

fn script(row: Row) -> Script {
    let hides_branch = || row.moment.script().shows("branch", Value::Null);
    let status = match row.fault {
        Fault::HidesTheBranch => return hides_branch(),
        Fault::ShowsTheBranchLate => {
            return hides_branch().shows_after(Duration::from_secs(3), "branch", "main");
        }
        Fault::TellsNoStatus => None,
        Fault::TellsAnUnknownStatus => Some("paused"),
        Fault::VanishesAfterTheCancel => {
            return row.moment.script().cancel_delay(Duration::from_secs(600));
        }
        _ => return row.moment.script(),
    };
    let script = row
        .moment
        .script()
        .status_at(Duration::from_millis(500), status);
    if row.spell == Spell::ForGood {
        script.never_ends()
    } else {
        script
    }
}

pub(super) fn runner(row: Row, simulator: &Simulator) -> Runner {
    let runner = match (row.moment.is_hook(), row.moment.has_key()) {
        (false, _) => Runner::deploys_app(simulator),
        (true, true) => Runner::against(simulator),
        (true, false) => Runner::bare().set("SEVALLA_API_URL", simulator.url()),
    };
    let runner = match row.moment {
        Moment::Promotion | Moment::PromotionDone => runner
            .set("SEVALLA_ACTION", "promote-app")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .set("SEVALLA_SOURCE_APP_ID", SOURCE)
            .set("SEVALLA_TARGET_APP_IDS", APP),
        Moment::Rollback | Moment::RollbackDone => runner.set("SEVALLA_ACTION", "rollback-app"),
        Moment::Creation | Moment::CreationDone => runner
            .set("SEVALLA_ACTION", "create-preview-app")
            // It is looked up.
            .set("SEVALLA_APP_ID", "")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .set("SEVALLA_BRANCH", "topic"),
        Moment::Deletion | Moment::DeletionDone => {
            runner.set("SEVALLA_ACTION", "delete-preview-app")
        }
        Moment::Database | Moment::DatabaseDone => runner
            .set("SEVALLA_ACTION", "create-database")
            .set("SEVALLA_APP_ID", "")
            .set("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
            .set("SEVALLA_SETTINGS", NEW_DATABASE),
        moment if moment.is_hook() => {
            runner.secret("SEVALLA_DEPLOY_HOOK_URL", &simulator.hook_url(APP))
        }
        _ => runner,
    };
    let runner = runner
        .on_github()
        .set("SEVALLA_LOG_FILE", "deploy.log")
        .set("SEVALLA_TIMEOUT", format!("{}s", time(row).as_secs()));
    match row.moment {
        Moment::LateCancel => runner.set("SEVALLA_ON_TIMEOUT", "cancel"),
        Moment::Waiting => runner.set("SEVALLA_WHEN_BUSY", "wait"),
        Moment::Purge => runner.set("SEVALLA_PURGE_CACHE", "true"),
        _ => runner,
    }
}

/// The run's time: short where nothing but its end ends the trouble, but long
/// enough for a few attempts on a busy machine.
fn time(row: Row) -> Duration {
    let seconds = match row.moment {
        Moment::Deadline | Moment::LateCancel => 6,
        Moment::FirstLook | Moment::Following if ends_with_the_time(row) => 9,
        _ if ends_with_the_time(row) => 8,
        _ => 100,
    };
    Duration::from_secs(seconds)
}

fn ends_with_the_time(row: Row) -> bool {
    row.spell == Spell::ForGood && matches!(row.ends.1, "unavailable" | "timed-out")
}

/// The row's fault, woven into the requests it strikes.
pub(super) fn woven(row: Row) -> Vec<Woven> {
    match row.fault {
        Fault::RefusesConnections
        | Fault::ShowsItLate
        | Fault::TellsNoStatus
        | Fault::TellsAnUnknownStatus
        | Fault::VanishesAfterTheCancel => return Vec::new(),
        _ => {}
    }
    // Where nothing comes, one wait is as good as two.
    let is_slow = row.fault == Fault::NeverAnswers && row.moment == Moment::Before;
    let mut woven: Vec<Woven> = row
        .moment
        .operations()
        .iter()
        .take(if is_slow { 1 } else { usize::MAX })
        .map(|operation| {
            let fault = Woven::on(*operation).does(row.fault.behaviour(row.moment.carries_out()));
            let fault = if row.fault == Fault::SomebodyElseDeploysToo {
                fault.beside(APP, DeploymentType::Manual, row.moment.script())
            } else {
                fault
            };
            match (row.moment, row.spell) {
                (Moment::Following | Moment::Waiting, Spell::Once) => fault.nth(2),
                (Moment::Following | Moment::Waiting, _) => fault.after(1),
                (_, Spell::Once) => fault.first(1),
                (_, Spell::Twice) => fault.first(2),
                (_, Spell::ForGood) => fault,
            }
        })
        .collect();
    let list = Woven::on("listDeploymentsV3");
    match row.fault {
        Fault::LosesTheAnswerAndForbidsTheList => {
            woven.push(list.after(1).does(Behaviour::status(403)));
        }
        Fault::LosesTheAnswerAndTheList => woven.push(list.nth(2).does(Behaviour::html(502))),
        _ => {}
    }
    woven
}

/// How many of what the moment is about are new.
pub(super) fn made(simulator: &Simulator, moment: Moment) -> usize {
    if moment.is_database() {
        return simulator.databases().len();
    }
    simulator.deployments_made()
}

/// What the service has seen of a run.
struct Seen {
    made: usize,
    sent: usize,
    /// How often the requests were made that the fault strikes.
    struck: usize,
    ids: Vec<String>,
}

impl Seen {
    fn of(simulator: &Simulator, row: Row) -> Self {
        let struck = row.moment.operations().iter();
        Self {
            made: made(simulator, row.moment),
            sent: STARTS
                .map(|operation| simulator.calls(operation))
                .iter()
                .sum(),
            struck: struck.map(|operation| simulator.calls(operation)).sum(),
            ids: simulator
                .deployments(APP)
                .into_iter()
                .map(|deployment| deployment.id)
                .collect(),
        }
    }
}

/// Everything that is not as the row promises.
fn wrong(row: Row, run: &Finished, seen: &Seen) -> Vec<String> {
    let mut wrong = Wrong(Vec::new());
    wrong.unless_equal("the exit code", &run.code, &Some(row.ends.0));
    wrong.unless_equal("deployments made", &seen.made, &row.made);
    wrong.unless_equal("starts asked for", &seen.sent, &row.sent);
    if !run.streams().contains(row.message) {
        wrong.add(format!("{:?} was not printed", row.message));
    }
    if matches!(row.ends.1, "unauthorized" | "rejected") && row.fault != Fault::DoesNotKnowIt {
        if run.took > SOON {
            wrong.add(format!("it took {:?}", run.took));
        }
        let looks_before = usize::from(matches!(row.moment, Moment::Following | Moment::Waiting));
        if row.moment != Moment::Deadline {
            wrong.unless_equal("requests struck", &seen.struck, &(1 + looks_before));
        }
    }
    if row.moment == Moment::Aside && run.took > SOON {
        wrong.add(format!("it took {:?}", run.took));
    }
    check_outputs(row, run, seen, &mut wrong);
    check_files(row, run, &mut wrong);
    if !wrong.0.is_empty() {
        wrong.add(format!("after {:?}:\n{}", run.took, run.streams()));
    }
    wrong.0
}

fn check_outputs(row: Row, run: &Finished, seen: &Seen, wrong: &mut Wrong) {
    let text = run.file("github-output").unwrap_or_default();
    let Some(ours) = text.strip_prefix(EARLIER) else {
        return wrong.add(format!(
            "the outputs do not begin with the earlier: {text:?}"
        ));
    };
    let outputs: BTreeMap<String, String> = parse_file_commands(ours);
    let names: Vec<&str> = OUTPUTS.iter().map(|(name, _)| *name).collect();
    let mut written: Vec<&str> = outputs.keys().map(String::as_str).collect();
    written.sort_by_key(|name| names.iter().position(|known| known == name));
    wrong.unless_equal("the names of the outputs", &written, &names);
    let output = |name: &str| outputs.get(name).map(String::as_str).unwrap_or_default();
    wrong.unless_equal("the outcome", &output("outcome"), &row.ends.1);
    let error = output("error");
    wrong.unless_equal("an error", &!error.is_empty(), &(row.ends.0 != 0));
    let id = output("deployment-id");
    // A hook's answer may tell the id even where nothing can be looked up.
    if row.knows_it() || (!row.moment.has_key() && !id.is_empty()) {
        wrong.unless_equal(
            "the id is known",
            &seen.ids.iter().any(|made| made == id),
            &true,
        );
    } else {
        wrong.unless_equal("the id", &id, &"");
    }
}

fn check_files(row: Row, run: &Finished, wrong: &mut Wrong) {
    let summary = run.file("github-summary").unwrap_or_default();
    let outcome = format!("| Outcome | ` {} (exit code ", row.ends.1);
    if !summary.starts_with(EARLIER) || summary.matches(&outcome).count() != 1 {
        wrong.add(format!("the summary is {summary:?}"));
    }
    let log = run.file("deploy.log").unwrap_or_default();
    if row.message == "| last line" {
        for line in ["| first line\n", "| last line\n"] {
            wrong.unless_equal("once in the log file", &log.matches(line).count(), &1);
        }
    }
    let allowed = ["deploy.log", "github-output", "github-summary"];
    let files = run.files();
    let odd: Vec<&String> = files
        .iter()
        .filter(|name| !allowed.contains(&name.as_str()))
        .collect();
    wrong.unless_equal("files left behind", &odd, &Vec::new());
}

/// What is not as it should be.
struct Wrong(Vec<String>);

impl Wrong {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    fn unless_equal<T: PartialEq + Debug>(&mut self, what: &str, is: &T, should: &T) {
        if is != should {
            self.add(format!("{what}: {is:?} instead of {should:?}"));
        }
    }
}
