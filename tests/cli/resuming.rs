//! A run that is started again after its process was killed: with its
//! `state-file` it continues, and starts nothing twice.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, CommitKnown, Database, DeploymentType, Fault, PastDeployment, Pipeline,
    Preview, RollbackBody, Script, Simulator, World,
};
use tempfile::TempDir;
use testkit::Dice;

use crate::harness::{
    A_FEW_VISITS, APP, CI_COMMIT, Finished, PIPELINE, PullRequest, Runner, Running, SITE,
    application, called, static_site, stopped, together, until,
};
use crate::web::{Web, answer};

const TRIGGER: &str = "triggerDeploymentV3";
const EU: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";
const US: &str = "2e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a02";
const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

/// A folder that outlives the processes of a run.
pub(crate) struct Machine(TempDir);

impl Machine {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// The same run, started once more.
    pub(crate) fn keeps(&self, runner: Runner) -> Runner {
        runner
            .set("SEVALLA_STATE_FILE", self.state())
            .set("SEVALLA_RUN_KEY", "release 7")
    }
}

pub(crate) async fn kill(running: Running) -> Finished {
    running.signal("KILL").await;
    let run = running.finish().await;
    assert_eq!(run.code, None, "{}", run.streams());
    run
}

/// Kills a run once the service has seen a call of this operation.
async fn kill_at(runner: Runner, simulator: &Simulator, operation: &str) {
    let running = runner.start();
    called(simulator, operation).await;
    kill(running).await;
}

fn deploys(simulator: &Simulator, machine: &Machine) -> Runner {
    machine.keeps(Runner::deploys_app(simulator))
}

#[tokio::test]
async fn a_run_that_was_killed_while_it_followed_continues_with_its_deployment() {
    for (script, code, word) in [
        (Script::success(), 0, "success"),
        (Script::failed(), 1, "failed"),
    ] {
        let simulator = application(script.never_ends()).await;
        let machine = Machine::new();
        kill_at(deploys(&simulator, &machine), &simulator, "getDeploymentV3").await;
        simulator.end_deployment(APP);
        let run = deploys(&simulator, &machine).run().await;
        run.assert_ended(code, word);
        run.assert_told("Resuming: an earlier process of this run started deployment");
        assert_eq!(simulator.deployments_made(), 1);
    }
}

#[tokio::test]
async fn what_was_sent_before_the_kill_is_found_and_not_sent_again() {
    let app = async {
        let simulator = application(Script::success()).await;
        simulator.add_fault(Fault::on(TRIGGER).does(Behaviour::HangAfterApplying));
        let machine = Machine::new();
        kill_at(deploys(&simulator, &machine), &simulator, TRIGGER).await;
        until(|| simulator.deployments_made() == 1).await;
        let run = deploys(&simulator, &machine).run().await;
        run.assert_ended(0, "success");
        run.assert_told("It did: exactly one new deployment matches");
        assert_eq!(simulator.calls(TRIGGER), 1);
    };
    let site = async {
        let simulator = static_site(Script::success()).await;
        let start = "deployStaticSiteV3";
        simulator.add_fault(Fault::on(start).does(Behaviour::HangAfterApplying));
        let machine = Machine::new();
        let run = || machine.keeps(Runner::deploys_site(&simulator));
        kill_at(run(), &simulator, start).await;
        until(|| simulator.deployments_made() == 1).await;
        run().run().await.assert_ended(0, "success");
        assert_eq!(simulator.calls(start), 1);
    };
    tokio::join!(app, site);
}

#[tokio::test]
async fn what_had_no_effect_is_sent_once_more_and_never_a_third_time() {
    let simulator = application(Script::success()).await;
    simulator.add_fault(
        Fault::on(TRIGGER)
            .first(2)
            .does(Behaviour::HangBeforeApplying),
    );
    let machine = Machine::new();
    kill_at(deploys(&simulator, &machine), &simulator, TRIGGER).await;
    let running = deploys(&simulator, &machine).start();
    until(|| simulator.calls(TRIGGER) == 2).await;
    kill(running).await;
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(7, "ambiguous");
    assert_eq!(simulator.calls(TRIGGER), 2);
}

/// Several engines retry whatever the exit code is.
#[tokio::test]
async fn what_nobody_knows_stays_so_until_a_person_deletes_the_file() {
    // Accepted by the hook without an id, and never in the list.
    let unnamed = async {
        let world = World::new()
            .application(Application::new(APP).next(Script::success()))
            .deployments_visible_after(Duration::from_secs(600));
        let simulator = Simulator::start(world).await;
        simulator.add_fault(Fault::on("hook").does(Behaviour::EmptyBody));
        let machine = Machine::new();
        let hook = simulator.hook_url(APP);
        let run = || {
            let runner = Runner::against(&simulator).secret("SEVALLA_DEPLOY_HOOK_URL", &hook);
            machine.keeps(runner)
        };
        stays_unknown(&simulator, &machine, "hook", run).await;
    };
    // Somebody else deploys the same while the response is lost.
    let several = async {
        let simulator = application(Script::success()).await;
        let lost = Fault::on(TRIGGER)
            .first(1)
            .does(Behaviour::ResetAfterApplying);
        let other = Script::success();
        simulator.add_fault(lost.beside(APP, DeploymentType::Manual, other));
        let machine = Machine::new();
        let run = || deploys(&simulator, &machine);
        stays_unknown(&simulator, &machine, TRIGGER, run).await;
    };
    tokio::join!(unnamed, several);
}

async fn stays_unknown(
    simulator: &Simulator,
    machine: &Machine,
    operation: &str,
    run: impl Fn() -> Runner,
) {
    let state = machine.state().display().to_string();
    for attempt in ["1", "1", "2"] {
        let run = run()
            .on_github()
            .set("GITHUB_RUN_ATTEMPT", attempt)
            .run()
            .await;
        run.assert_ended(7, "ambiguous");
        run.assert_told(&format!("Then delete {state}"));
        assert_eq!(simulator.calls(operation), 1, "{}", run.streams());
    }
    std::fs::remove_file(machine.state()).unwrap();
    run().set("SEVALLA_WAIT_FOR_FINISH", "false").run().await;
    assert_eq!(simulator.calls(operation), 2);
}

#[tokio::test]
async fn a_run_that_has_ended_reports_its_result_again() {
    for (script, code, word) in [
        (Script::success(), 0, "success"),
        (Script::failed(), 1, "failed"),
    ] {
        let simulator = application(script).await;
        let machine = Machine::new();
        let first = deploys(&simulator, &machine).on_github().run().await;
        first.assert_ended(code, word);
        let again = deploys(&simulator, &machine).on_github().run().await;
        again.assert_ended(code, word);
        again.assert_told("Reporting its result again");
        assert_eq!(simulator.deployments_made(), 1);
        // A person who presses the button wants another one.
        let next = deploys(&simulator, &machine).on_github();
        let next = next.set("GITHUB_RUN_ATTEMPT", "2").run().await;
        assert_eq!(simulator.deployments_made(), 2, "{}", next.streams());
    }
}

#[tokio::test]
async fn an_unfinished_write_of_another_run_is_for_a_person_to_look_at() {
    let simulator = application(Script::success().never_ends()).await;
    let machine = Machine::new();
    kill_at(deploys(&simulator, &machine), &simulator, "getDeploymentV3").await;
    let state = machine.state().display().to_string();
    for (name, value) in [
        ("SEVALLA_RUN_KEY", "release 8"),
        ("SEVALLA_BRANCH", "other"),
    ] {
        let run = deploys(&simulator, &machine).set(name, value).run().await;
        run.assert_ended(7, "ambiguous");
        run.assert_told(&state);
        run.assert_told("it holds an unfinished write of another run");
    }
    let text = std::fs::read_to_string(machine.state()).unwrap();
    std::fs::write(machine.state(), text.replace("release 7", "release 9")).unwrap();
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(7, "ambiguous");
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn of_two_processes_of_a_run_one_continues_and_the_other_names_the_lock() {
    let simulator = application(Script::success().never_ends()).await;
    let machine = Machine::new();
    let running = deploys(&simulator, &machine).start();
    called(&simulator, "getDeploymentV3").await;
    let other = deploys(&simulator, &machine).run().await;
    other.assert_ended(9, "rejected");
    other.assert_told(&format!("{}.lock", machine.state().display()));
    simulator.end_deployment(APP);
    running.finish().await.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn of_many_processes_of_a_run_that_start_at_once_one_continues() {
    const PROCESSES: usize = 6;
    let simulator = application(Script::success().never_ends()).await;
    let machine = Machine::new();
    let ended = Cell::new(0);
    let processes = (0..PROCESSES).map(|_| {
        let running = deploys(&simulator, &machine).start();
        async {
            let run = running.finish().await;
            ended.set(ended.get() + 1);
            run
        }
    });
    let end = async {
        until(|| ended.get() == PROCESSES - 1).await;
        called(&simulator, "getDeploymentV3").await;
        simulator.end_deployment(APP);
    };
    let (runs, ()) = tokio::join!(join_all(processes.collect::<Vec<_>>()), end);
    let mut codes: Vec<_> = runs.iter().map(|run| run.code).collect();
    codes.sort_unstable();
    let mut expected = vec![Some(0)];
    expected.extend([Some(9); PROCESSES - 1]);
    assert_eq!(codes, expected);
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn a_second_sending_after_a_lost_answer_is_not_followed_by_a_third() {
    for (second, code, word, made) in [
        (Behaviour::HangAfterApplying, 0, "success", 1),
        (Behaviour::HangBeforeApplying, 7, "ambiguous", 0),
    ] {
        let simulator = application(Script::success()).await;
        let lost = Behaviour::ResetBeforeApplying;
        simulator.add_fault(Fault::on(TRIGGER).first(1).does(lost));
        simulator.add_fault(Fault::on(TRIGGER).nth(2).does(second));
        let machine = Machine::new();
        let running = deploys(&simulator, &machine).start();
        until(|| simulator.calls(TRIGGER) == 2 && simulator.deployments_made() == made).await;
        kill(running).await;
        let run = deploys(&simulator, &machine).run().await;
        run.assert_ended(code, word);
        assert_eq!(simulator.calls(TRIGGER), 2);
        assert_eq!(simulator.deployments_made(), made);
    }
}

#[tokio::test]
async fn after_a_failure_a_rollback_is_made_once() {
    const ROLLBACK: &str = "rollbackDeploymentV3";
    for (behaviour, effects) in [
        (Behaviour::HangAfterApplying, 2),
        (Behaviour::HangBeforeApplying, 1),
    ] {
        let app = Application::new(APP)
            .past(PastDeployment::failed().ago(Duration::from_secs(600)))
            .past(PastDeployment::success())
            .rollback_body(RollbackBody::Honoured)
            .next(Script::failed())
            .next(Script::success());
        let simulator = Simulator::start(World::new().application(app)).await;
        simulator.add_fault(Fault::on(ROLLBACK).first(1).does(behaviour));
        let machine = Machine::new();
        let run = || deploys(&simulator, &machine).set("SEVALLA_ON_FAILURE", "rollback");
        let running = run().start();
        until(|| simulator.calls(ROLLBACK) == 1 && simulator.deployments_made() == effects).await;
        kill(running).await;
        let run = run().run().await;
        run.assert_ended(1, "failed");
        run.assert_told("Rolled back");
        assert_eq!(simulator.deployments_made(), 2, "{}", run.streams());
        assert_eq!(simulator.calls(TRIGGER), 1);
    }
}

#[tokio::test]
async fn after_a_cancellation_of_its_own_a_run_starts_again() {
    let simulator = application(Script::success().never_ends()).await;
    let machine = Machine::new();
    let running = deploys(&simulator, &machine).start();
    called(&simulator, "getDeploymentV3").await;
    stopped(running, "TERM")
        .await
        .assert_ended(143, "interrupted");
    simulator.set_script(APP, Script::success());
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 2);
}

#[tokio::test]
async fn after_a_slow_cancellation_of_its_first_deployment_a_preview_is_deployed_again() {
    let slow = Script::success()
        .never_ends()
        .cancel_delay(Duration::from_secs(12));
    let (simulator, create) = Write::Preview.world(slow).await;
    let machine = Machine::new();
    let run = || Write::Preview.run(&simulator, &machine);
    let running = run().start();
    called(&simulator, "getDeploymentV3").await;
    stopped(running, "TERM")
        .await
        .assert_ended(143, "interrupted");
    simulator.set_script(EU, Script::success());
    let again = run().run().await;
    again.assert_ended(0, "success");
    again.assert_told("asked Sevalla to cancel deployment");
    assert_eq!(simulator.calls(create), 1, "{}", again.streams());
}

#[tokio::test]
async fn a_run_without_a_name_or_with_a_link_is_refused() {
    let simulator = application(Script::success()).await;
    let machine = Machine::new();
    let run = Runner::deploys_app(&simulator).set("SEVALLA_STATE_FILE", machine.state());
    let run = run.run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("run-key");
    std::os::unix::fs::symlink(machine.0.path().join("other"), machine.state()).unwrap();
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("symbolic link");
    std::fs::remove_file(machine.state()).unwrap();
    // Nobody waits at the other end.
    let made = std::process::Command::new("mkfifo")
        .arg(machine.state())
        .status();
    assert!(made.unwrap().success());
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("it is not a regular file");
    assert_eq!(simulator.deployments_made(), 0);
}

#[tokio::test]
async fn a_rollback_is_made_once_and_its_reason_is_kept() {
    const ROLLBACK: &str = "rollbackDeploymentV3";
    let app = Application::new(APP)
        .past(PastDeployment::success().commit_sha("aaaaaaaaaa0000000000bbbbbbbbbb1111111111"))
        .rolls_back_past_the_latest(true)
        .next(Script::success().commit_sha("cccccccccc0000000000dddddddddd1111111111"));
    let simulator = Simulator::start(World::new().application(app)).await;
    simulator.add_fault(Fault::on(ROLLBACK).does(Behaviour::HangAfterApplying));
    let machine = Machine::new();
    let web = Web::acts([answer(503, "")]).await;
    let run = |address: String| {
        deploys(&simulator, &machine)
            .set("SEVALLA_ON_FAILURE", "rollback")
            .set("SEVALLA_VERIFY_URL", address)
            .set("SEVALLA_VERIFY_SUCCESSES", "1")
            .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
    };
    kill_at(run(web.url("/")), &simulator, ROLLBACK).await;
    until(|| simulator.deployments_made() == 2).await;
    // What is live by now answers well.
    let healed = Web::acts([answer(200, "")]).await;
    // The journal does not depend on the address of the check.
    let run = run(healed.url("/")).run().await;
    run.assert_ended(8, "unverified");
    run.assert_told("Rolled back");
    assert_eq!(simulator.calls(ROLLBACK), 1);
    assert_eq!(simulator.deployments_made(), 2);
}

#[tokio::test]
async fn a_promotion_a_preview_and_a_database_are_made_once() {
    together([Write::Promotion, Write::Preview, Write::Database].map(made_once)).await;
}

#[tokio::test]
async fn a_followed_promotion_and_a_followed_preview_continue() {
    together([Write::Promotion, Write::Preview].map(continued)).await;
}

async fn continued(write: Write) {
    let slow = Script::success().run(Duration::from_secs(6));
    let (simulator, operation) = write.world(slow).await;
    let machine = Machine::new();
    let run = || write.run(&simulator, &machine);
    kill_at(run(), &simulator, "getDeploymentV3").await;
    let again = run().run().await;
    again.assert_ended(0, "success");
    assert_eq!(
        simulator.calls(operation),
        1,
        "{write:?} {}",
        again.streams()
    );
}

#[derive(Debug, Clone, Copy)]
enum Write {
    Promotion,
    Preview,
    Database,
}

impl Write {
    /// A service that makes it, and the operation that does; deployments are as
    /// `script`.
    async fn world(self, script: Script) -> (Simulator, &'static str) {
        match self {
            Self::Promotion => {
                let target = |id| {
                    let past = PastDeployment::success().commit_sha("0".repeat(40));
                    Application::new(id).past(past).next(script.clone())
                };
                let past = PastDeployment::success().commit_sha("a".repeat(40));
                let source = Application::new(APP).past(past);
                let world = World::new()
                    .application(source)
                    .application(target(EU))
                    .application(target(US))
                    .pipeline(Pipeline::new(PIPELINE));
                (Simulator::start(world).await, "promotePipelineV3")
            }
            Self::Preview => {
                let template = Application::new(EU)
                    .repo_url("https://github.example/octo/shop")
                    .next(script);
                let pipeline = Pipeline::new(PIPELINE).preview(Preview::new().next(template));
                let world = World::new().pipeline(pipeline);
                (Simulator::start(world).await, "createPreviewApp")
            }
            Self::Database => {
                let world = World::new().next_database(Database::new(DATABASE));
                (Simulator::start(world).await, "createDatabaseV3")
            }
        }
    }

    fn run(self, simulator: &Simulator, machine: &Machine) -> Runner {
        let runner = Runner::against(simulator);
        machine.keeps(match self {
            Self::Promotion => runner
                .set("SEVALLA_ACTION", "promote-app")
                .set("SEVALLA_PIPELINE_ID", PIPELINE)
                .set("SEVALLA_SOURCE_APP_ID", APP)
                .set("SEVALLA_TARGET_APP_IDS", format!("{EU} {US}")),
            Self::Preview => runner
                .set("SEVALLA_ACTION", "preview")
                .set("SEVALLA_PIPELINE_ID", PIPELINE)
                .on_pull_request(&PullRequest::OPENED),
            Self::Database => runner
                .set("SEVALLA_ACTION", "create-database")
                .set("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
                .set(
                    "SEVALLA_SETTINGS",
                    json!({
                        "display_name": "orders", "type": "postgresql", "version": "16",
                        "cluster": "frankfurt", "resource_type": "DB1", "db_name": "orders",
                    })
                    .to_string(),
                ),
        })
    }
}

async fn made_once(write: Write) {
    let (simulator, operation) = write.world(Script::success()).await;
    simulator.add_fault(Fault::on(operation).does(Behaviour::HangAfterApplying));
    let machine = Machine::new();
    let run = || write.run(&simulator, &machine);
    kill_at(run(), &simulator, operation).await;
    let again = run().run().await;
    again.assert_ended(0, "success");
    assert_eq!(
        simulator.calls(operation),
        1,
        "{write:?} {}",
        again.streams()
    );
    run().run().await.assert_told("Reporting its result again");
    assert_eq!(simulator.calls(operation), 1, "{write:?}");
}

/// A further attempt, at a run that began long ago.
fn attempted_again(runner: Runner) -> Runner {
    let runner = runner.on_github();
    let event = runner.path("event.json");
    std::fs::write(&event, r#"{"repository":{"pushed_at":0}}"#).unwrap();
    runner
        .set("GITHUB_EVENT_NAME", "push")
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_EVENT_PATH", event)
        .set("GITHUB_RUN_ATTEMPT", "2")
}

#[tokio::test]
async fn what_a_run_only_followed_is_followed_again_after_a_kill() {
    let joins = |runner: Runner| {
        runner
            .set("SEVALLA_WHEN_BUSY", "join")
            .set("SEVALLA_BRANCH", "main")
    };
    let ways: [fn(Runner) -> Runner; 2] = [attempted_again, joins];
    for way in ways {
        let simulator = application(Script::success().never_ends()).await;
        let script = Script::success().commit_sha(CI_COMMIT).never_ends();
        let left = simulator.add_deployment(APP, DeploymentType::Manual, script);
        let machine = Machine::new();
        let run = || way(deploys(&simulator, &machine));
        kill_at(run(), &simulator, "getDeploymentV3").await;
        simulator.end_deployment(APP);
        let again = run().run().await;
        again.assert_ended(0, "success");
        again.assert_told(&format!(
            "earlier process of this run followed deployment {left}"
        ));
        assert_eq!(again.output("deployment-id"), left);
        assert_eq!(simulator.calls(TRIGGER), 0, "{}", again.streams());
        run().run().await.assert_told("has ended");
        assert_eq!(simulator.calls(TRIGGER), 0);
    }
}

/// The time of the first sending is an hour earlier, by the service's clock.
#[tokio::test]
async fn a_second_sending_is_recorded_with_its_own_time() {
    let simulator = application(Script::success()).await;
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let date = hour_ago.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for read in ["getApplicationV3", "listDeploymentsV3"] {
        let then = Behaviour::Headers(vec![("date".to_owned(), date.clone())]);
        simulator.add_fault(Fault::on(read).first(1).does(then));
    }
    let lost = Behaviour::ResetBeforeApplying;
    simulator.add_fault(Fault::on(TRIGGER).first(1).does(lost));
    simulator.add_fault(Fault::on(TRIGGER).nth(2).does(Behaviour::HangAfterApplying));
    let machine = Machine::new();
    let running = deploys(&simulator, &machine).start();
    until(|| simulator.calls(TRIGGER) == 2 && simulator.deployments_made() == 1).await;
    kill(running).await;
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.calls(TRIGGER), 2);
}

#[tokio::test]
async fn what_cannot_be_recognized_is_not_said_to_be_missing() {
    let simulator = application(Script::success()).await;
    let runner = Runner::against(&simulator)
        .secret("SEVALLA_DEPLOY_HOOK_URL", &simulator.hook_url(APP))
        .set("SEVALLA_WAIT_FOR_FINISH", "false");
    let run = attempted_again(runner).run().await;
    run.assert_told("started the same cannot be known");
    assert!(
        !run.streams()
            .contains("No deployment of an earlier attempt")
    );
}

#[tokio::test]
async fn a_preview_takes_on_rerun() {
    let (simulator, _) = Write::Preview.world(Script::success()).await;
    let run = Write::Preview.run(&simulator, &Machine::new());
    let run = run.set("SEVALLA_ON_RERUN", "follow").run().await;
    run.assert_ended(0, "success");
    assert!(!run.streams().contains("on-rerun"), "{}", run.streams());
}

#[tokio::test]
async fn a_secret_in_the_run_key_or_the_branch_is_not_in_the_file() {
    let simulator = application(Script::success()).await;
    simulator.add_fault(Fault::on(TRIGGER).does(Behaviour::HangAfterApplying));
    let secret = simulator.key();
    let machine = Machine::new();
    let run = || {
        deploys(&simulator, &machine)
            .set("SEVALLA_RUN_KEY", format!("release {secret}"))
            .set("SEVALLA_BRANCH", format!("with-{secret}"))
    };
    kill_at(run(), &simulator, TRIGGER).await;
    until(|| simulator.deployments_made() == 1).await;
    let text = std::fs::read_to_string(machine.state()).unwrap();
    assert!(
        text.contains("release ***") && !text.contains(secret),
        "{text}"
    );
    run().run().await.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn a_file_that_blocks_is_said_to_be_for_deleting() {
    let simulator = application(Script::success()).await;
    let machine = Machine::new();
    std::fs::write(machine.state(), "of another program").unwrap();
    let run = deploys(&simulator, &machine).run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told("then delete the file");
}

#[tokio::test]
async fn without_a_file_a_further_attempt_follows_what_still_runs() {
    let simulator = application(Script::success().never_ends()).await;
    let script = Script::success().commit_sha(CI_COMMIT).never_ends();
    let left = simulator.add_deployment(APP, DeploymentType::Manual, script);
    let attempt = |began: &str, attempt: &str| {
        let runner = Runner::deploys_app(&simulator).on_github();
        let path = runner.path("event.json");
        let event = json!({ "repository": { "pushed_at": began.parse::<i64>().unwrap() } });
        std::fs::write(&path, event.to_string()).unwrap();
        runner
            .set("GITHUB_EVENT_NAME", "push")
            .set("GITHUB_REF", "refs/heads/main")
            .set("GITHUB_EVENT_PATH", path)
            .set("GITHUB_RUN_ATTEMPT", attempt)
    };
    let running = attempt("0", "2").start();
    called(&simulator, "getDeploymentV3").await;
    simulator.end_deployment(APP);
    let run = running.finish().await;
    run.assert_ended(0, "success");
    run.assert_told("The CI reports a further attempt at this run. Following");
    run.assert_told(&left);
    assert_eq!(simulator.calls(TRIGGER), 0);
    simulator.set_script(APP, Script::success());
    // It has ended, or began before this run, or this is no further attempt.
    for (began, number, told) in [
        ("0", "2", "ended as success. Starting a new one"),
        (
            "4000000000",
            "2",
            "No deployment of an earlier attempt was recognized",
        ),
        ("0", "1", ""),
    ] {
        let before = simulator.calls(TRIGGER);
        let run = attempt(began, number).run().await;
        run.assert_ended(0, "success");
        run.assert_told(told);
        assert_eq!(simulator.calls(TRIGGER), before + 1);
    }
}

#[tokio::test]
async fn what_no_earlier_attempt_has_started_is_not_followed() {
    let by_a_push = (DeploymentType::Automatic, Script::success());
    let of_another_commit = Script::success().commit_sha("b".repeat(40));
    for (origin, script) in [by_a_push, (DeploymentType::Manual, of_another_commit)] {
        let simulator = application(Script::success()).await;
        let script = script.commit_known(CommitKnown::AtCreation).never_ends();
        simulator.add_deployment(APP, origin, script);
        let runner = Runner::deploys_app(&simulator).on_github();
        let event = runner.path("event.json");
        std::fs::write(&event, r#"{"repository":{"pushed_at":0}}"#).unwrap();
        let run = runner
            .set("GITHUB_REF", "refs/heads/main")
            .set("GITHUB_RUN_ATTEMPT", "2")
            .set("GITHUB_EVENT_NAME", "push")
            .set("GITHUB_EVENT_PATH", event)
            .set("SEVALLA_WAIT_FOR_FINISH", "false")
            .run()
            .await;
        run.assert_told("No deployment of an earlier attempt was recognized");
        assert_eq!(simulator.calls(TRIGGER), 1, "{}", run.streams());
    }
}

/// What is killed at random moments.
#[derive(Debug, Clone, Copy)]
enum RandomRun {
    App,
    Site,
    Rollback,
    ExistingPreview,
    Of(Write),
}

const RANDOM_RUNS: [RandomRun; 7] = [
    RandomRun::App,
    RandomRun::Site,
    RandomRun::Rollback,
    RandomRun::ExistingPreview,
    RandomRun::Of(Write::Promotion),
    RandomRun::Of(Write::Preview),
    RandomRun::Of(Write::Database),
];

impl RandomRun {
    async fn world(self) -> Simulator {
        let quick = Script::success().run(Duration::from_millis(50));
        match self {
            Self::App => application(quick).await,
            Self::Site => static_site(quick).await,
            Self::Rollback => {
                let app = Application::new(APP)
                    .past(PastDeployment::success().commit_sha("a".repeat(40)))
                    .past(PastDeployment::success().commit_sha("b".repeat(40)))
                    .rollback_body(RollbackBody::Honoured)
                    .next(quick);
                Simulator::start(World::new().application(app)).await
            }
            Self::ExistingPreview => {
                let (simulator, _) = Write::Preview.world(quick).await;
                let first = Write::Preview.run(&simulator, &Machine::new());
                first.run().await.assert_ended(0, "success");
                simulator
            }
            Self::Of(write) => write.world(quick).await.0,
        }
    }

    fn run(self, simulator: &Simulator, machine: &Machine) -> Runner {
        match self {
            Self::App => deploys(simulator, machine),
            Self::Site => machine.keeps(Runner::deploys_site(simulator)),
            Self::Rollback => deploys(simulator, machine).set("SEVALLA_ACTION", "rollback-app"),
            Self::ExistingPreview => Write::Preview.run(simulator, machine),
            Self::Of(write) => write.run(simulator, machine),
        }
    }

    /// What the runs have made: a number for each thing of which there is to be
    /// one.
    fn made(self, simulator: &Simulator) -> Vec<usize> {
        let by_call = |service: &str| {
            let mut all = simulator.deployments(service);
            let is_cancelled = |status: &str| matches!(status, "cancelled" | "skipped");
            all.retain(|one| one.by_call && !one.status.as_deref().is_some_and(is_cancelled));
            all.len()
        };
        match self {
            Self::Of(Write::Promotion) => vec![by_call(EU), by_call(US)],
            Self::Of(Write::Preview) => vec![simulator.preview_apps().len()],
            Self::Of(Write::Database) => vec![simulator.databases().len()],
            // Its creation has started the first.
            Self::ExistingPreview => vec![by_call(EU) - 1],
            Self::Site => vec![by_call(SITE)],
            Self::App | Self::Rollback => vec![by_call(APP)],
        }
    }
}

/// Kills a run at moments that nobody chose, until it ends.
async fn killed_at_random(number: u64) {
    let mut dice = Dice::new(number);
    let kinds = RANDOM_RUNS.len() as u64;
    let what = RANDOM_RUNS[usize::try_from(number % kinds).unwrap()];
    let simulator = what.world().await;
    let machine = Machine::new();
    for _ in 0..3 {
        if dice.chance() < 0.3 {
            break;
        }
        let running = what.run(&simulator, &machine).start();
        tokio::time::sleep(Duration::from_millis(400).mul_f64(dice.chance())).await;
        if dice.chance() < 0.2 {
            running.signal("TERM").await;
            tokio::time::sleep(Duration::from_millis(200).mul_f64(dice.chance())).await;
        }
        running.signal("KILL").await;
        running.finish().await;
    }
    let run = what.run(&simulator, &machine).run().await;
    let made = what.made(&simulator);
    let is_as = |expected: usize| made.iter().all(|count| *count == expected);
    let is_true = match run.code {
        Some(0) => is_as(1),
        // It may have been sent twice, and nothing of it was ever seen.
        Some(7) => is_as(0),
        _ => false,
    };
    assert!(is_true, "{number} {what:?} {made:?}: {}", run.streams());
}

async fn kill_at_random(runs: std::ops::Range<u64>, at_once: usize) {
    let runs: Vec<u64> = runs.collect();
    for some in runs.chunks(at_once) {
        together(some.iter().copied().map(killed_at_random)).await;
    }
}

#[tokio::test]
async fn kills_at_random_moments() {
    kill_at_random(0..28, 7).await;
}

/// `cargo test --test cli two_thousand -- --ignored`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn two_thousand_kills_at_random_moments() {
    kill_at_random(1000..3000, 42).await;
}
