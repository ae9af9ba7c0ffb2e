//! A further attempt at a run, on a machine without the file of the first: a
//! rollback, a promotion or a restart that an earlier attempt has left.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Pipeline, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{APP, CI_COMMIT, PIPELINE, Runner, SITE, called, stopped, until};
use crate::resuming::{Machine, kill};

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";
const EU: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";
const US: &str = "2e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a02";
/// A time after every deployment, in seconds since 1970.
const LATER: i64 = 4_000_000_000;
const PROMOTE: &str = "promotePipelineV3";

fn past(commit: &str, hours: u64) -> PastDeployment {
    PastDeployment::success()
        .commit_sha(commit)
        .ago(Duration::from_secs(hours * 3600))
}

/// This attempt at a run that began a minute ago.
fn attempt(runner: Runner, number: u32) -> Runner {
    let event = json!({ "repository": { "pushed_at": began() } });
    attempt_at(runner, &event, number)
}

fn began() -> i64 {
    jiff::Timestamp::now().as_second() - 60
}

fn attempt_at(runner: Runner, event: &serde_json::Value, number: u32) -> Runner {
    let runner = runner.on_github();
    let path = runner.path("event.json");
    std::fs::write(&path, event.to_string()).unwrap();
    runner
        .set("GITHUB_EVENT_NAME", "push")
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_EVENT_PATH", path)
        .set("GITHUB_RUN_ATTEMPT", number.to_string())
}

async fn application(script: Script) -> Simulator {
    let app = Application::new(APP)
        .past(past(OLD, 20))
        .past(past(NEW, 10))
        .rolls_back_past_the_latest(true)
        .next(script);
    Simulator::start(World::new().application(app)).await
}

fn rolls_back(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator).set("SEVALLA_ACTION", "rollback-app")
}

fn restarts(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator).set("SEVALLA_IS_RESTART", "true")
}

async fn leave(runner: Runner, simulator: &Simulator) {
    let running = attempt(runner, 1).start();
    called(simulator, "getDeploymentV3").await;
    kill(running).await;
}

/// Ends a deployment of the application once somebody follows it again.
async fn end_followed(simulator: &Simulator, service: &str) {
    let looks = simulator.calls("getDeploymentV3");
    until(|| simulator.calls("getDeploymentV3") > looks).await;
    simulator.end_deployment(service);
}

#[tokio::test]
async fn a_rollback_or_a_restart_that_still_runs_is_followed() {
    for (run, operation, commit) in [
        (
            rolls_back as fn(&Simulator) -> Runner,
            "rollbackDeploymentV3",
            OLD,
        ),
        (restarts, "triggerDeploymentV3", NEW),
    ] {
        let simulator = application(Script::success().never_ends()).await;
        leave(run(&simulator), &simulator).await;
        let running = attempt(run(&simulator), 2).start();
        end_followed(&simulator, APP).await;
        let again = running.finish().await;
        again.assert_ended(0, "success");
        again.assert_told("The CI reports a further attempt at this run. Following");
        assert_eq!(again.output("commit-sha"), commit);
        assert_eq!(simulator.calls(operation), 1, "{}", again.streams());
    }
}

/// The run of a further attempt that must change nothing.
async fn refuses(run: Runner) {
    let refused = run.run().await;
    refused.assert_ended(9, "rejected");
    refused.assert_told("rolling back once more would deploy");
    refused.assert_told("Set deployment-id");
}

/// Before the version that is live now was the one that was to be replaced.
#[tokio::test]
async fn a_rollback_that_has_succeeded_is_not_undone_by_a_further_attempt() {
    let app = async {
        let simulator = application(Script::success()).await;
        let wanted = simulator.deployments(APP)[1].id.clone();
        let first = attempt(rolls_back(&simulator), 1).run().await;
        first.assert_ended(0, "success");
        refuses(attempt(rolls_back(&simulator), 2)).await;
        // The CI does not report when the run began, or by a clock that is fast.
        let soon = jiff::Timestamp::now().as_second() + 600;
        for event in [json!({}), json!({ "repository": { "pushed_at": soon } })] {
            refuses(attempt_at(rolls_back(&simulator), &event, 2)).await;
        }
        assert_eq!(simulator.deployments_made(), 1);
        let named = rolls_back(&simulator).set("SEVALLA_DEPLOYMENT_ID", &wanted);
        let named = attempt(named, 2).run().await;
        named.assert_ended(0, "success");
        named.assert_told("Reporting that one instead of rolling back again");
        assert_eq!(named.output("commit-sha"), OLD);
        assert_eq!(simulator.deployments_made(), 1, "{}", named.streams());
        // It is older than this run: the version before it is wanted.
        let event = json!({ "repository": { "pushed_at": LATER } });
        let other = attempt_at(rolls_back(&simulator), &event, 2);
        let other = other.set("SEVALLA_DRY_RUN", "true").run().await;
        other.assert_told("main at 222222222");
        other.assert_ended(0, "planned");
        // Somebody deploys since: that is what is to be replaced now.
        let newer = Script::success().commit_sha("3".repeat(40));
        simulator.add_deployment(APP, DeploymentType::Manual, newer);
        until(|| simulator.deployments(APP)[0].status == Some("success".to_owned())).await;
        let next = attempt(rolls_back(&simulator), 2).run().await;
        next.assert_ended(0, "success");
        assert_eq!(next.output("commit-sha"), OLD);
        assert_eq!(simulator.deployments_made(), 2, "{}", next.streams());
    };
    let site = async {
        let site = StaticSite::new(SITE).past(past(OLD, 20));
        let site = site.past(past(NEW, 10)).next(Script::success());
        let simulator = Simulator::start(World::new().static_site(site)).await;
        let run = || Runner::deploys_site(&simulator).set("SEVALLA_ACTION", "rollback-static-site");
        attempt(run(), 1).run().await.assert_ended(0, "success");
        refuses(attempt(run(), 2)).await;
        assert_eq!(simulator.deployments_made(), 1);
    };
    let image = async {
        let image = |tag: &str, hours| past("", hours).docker_image(format!("shop:{tag}"));
        let app = Application::new(APP)
            .source("dockerImage")
            .docker_image("shop:2");
        let app = app.past(image("1", 20)).past(image("2", 10));
        let simulator = Simulator::start(World::new().application(app)).await;
        let run = || rolls_back(&simulator);
        attempt(run(), 1).run().await.assert_ended(0, "success");
        refuses(attempt(run(), 2)).await;
        assert_eq!(simulator.deployments_made(), 1);
    };
    tokio::join!(app, site, image);
}

/// A deployment of this run may have put the bad version live again: that is no
/// rollback, and must not be reported as one.
#[tokio::test]
async fn a_bad_version_that_this_run_deployed_again_is_not_reported_as_a_rollback() {
    let image = |tag: &str, hours| past("", hours).docker_image(format!("shop:{tag}"));
    let app = Application::new(APP)
        .source("dockerImage")
        .docker_image("shop:2")
        .past(image("2", 30))
        .past(image("1", 20));
    let simulator = Simulator::start(World::new().application(app)).await;
    let deploys = Runner::deploys_app(&simulator).set("SEVALLA_DOCKER_IMAGE", "shop:2");
    attempt(deploys, 2).run().await.assert_ended(0, "success");
    refuses(attempt(rolls_back(&simulator), 2)).await;
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn another_version_what_builds_and_what_is_older_are_not_taken_for_a_rollback() {
    let version = |commit| Script::success().steps(["rollout"]).commit_sha(commit);
    let build = Script::success().commit_sha(OLD);
    for (script, began_at) in [
        (version(NEW), began()),
        (build, began()),
        (version(OLD), LATER),
    ] {
        let simulator = application(Script::success()).await;
        simulator.add_deployment(APP, DeploymentType::Manual, script.never_ends());
        let event = json!({ "repository": { "pushed_at": began_at } });
        let run = attempt_at(rolls_back(&simulator), &event, 2);
        let run = run.set("SEVALLA_WAIT_FOR_FINISH", "false").run().await;
        run.assert_told("No deployment of an earlier attempt was recognized");
        assert_eq!(simulator.calls("rollbackDeploymentV3"), 1);
    }
}

fn target(id: &str, script: Script) -> Application {
    Application::new(id).past(past(OLD, 20)).next(script)
}

async fn pipeline(eu: Script, us: Script) -> Simulator {
    let world = World::new()
        .application(Application::new(APP).past(past(NEW, 1)))
        .application(target(EU, eu))
        .application(target(US, us))
        .pipeline(Pipeline::new(PIPELINE));
    Simulator::start(world).await
}

fn promotes(simulator: &Simulator) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "promote-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .set("SEVALLA_SOURCE_APP_ID", APP)
        .set("SEVALLA_TARGET_APP_IDS", format!("{EU} {US}"))
}

#[tokio::test]
async fn targets_that_an_earlier_attempt_has_left_are_followed() {
    let simulator = pipeline(Script::success(), Script::success().never_ends()).await;
    leave(promotes(&simulator), &simulator).await;
    until(|| simulator.deployments(EU)[0].status == Some("success".to_owned())).await;
    let running = attempt(promotes(&simulator), 2).start();
    end_followed(&simulator, US).await;
    let again = running.finish().await;
    again.assert_ended(0, "success");
    again.assert_told("Following");
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == PROMOTE);
    let targets: Vec<_> = calls
        .map(|call| call.json().unwrap()["target_app_ids"].clone())
        .collect();
    assert_eq!(targets, [json!([EU, US]), json!([EU])]);
    assert_eq!(simulator.deployments_made(), 3, "{}", again.streams());
}

#[tokio::test]
async fn a_target_that_may_be_somebody_elses_is_not_cancelled() {
    let slow = || Script::success().never_ends();
    let simulator = pipeline(slow(), slow()).await;
    leave(promotes(&simulator), &simulator).await;
    let machine = Machine::new();
    let run = || machine.keeps(attempt(promotes(&simulator), 2));
    for signal in ["KILL", "INT"] {
        let running = run().start();
        let looks = simulator.calls("getDeploymentV3");
        until(|| simulator.calls("getDeploymentV3") > looks + 1).await;
        match signal {
            "KILL" => drop(kill(running).await),
            _ => stopped(running, signal)
                .await
                .assert_ended(130, "interrupted"),
        }
    }
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
    let running = run().start();
    end_followed(&simulator, EU).await;
    simulator.end_deployment(US);
    running.finish().await.assert_ended(0, "success");
    assert_eq!(simulator.calls(PROMOTE), 1);
}

/// Waits in the queue so long, and shows nothing of its version meanwhile.
fn shows_late(queue: u64, commit: &str) -> Script {
    let queue = Duration::from_secs(queue);
    let script = shows_nothing().queue(queue).commit_sha(commit);
    script.shows_after(queue, "commit_sha", commit)
}

fn shows_nothing() -> Script {
    let script = Script::success().never_ends();
    script
        .shows("commit_sha", json!(null))
        .shows("docker_image_url", json!(null))
}

#[tokio::test]
async fn a_version_that_is_shown_late_is_waited_for() {
    let simulator = application(shows_late(6, OLD)).await;
    leave(rolls_back(&simulator), &simulator).await;
    let running = attempt(rolls_back(&simulator), 2).start();
    end_followed(&simulator, APP).await;
    let again = running.finish().await;
    again.assert_ended(0, "success");
    again.assert_told("Waiting for the version of");
    again.assert_told("The CI reports a further attempt at this run. Following");
    assert_eq!(simulator.deployments_made(), 1, "{}", again.streams());
}

#[tokio::test]
async fn an_image_that_is_shown_late_is_waited_for() {
    let script = Script::success()
        .never_ends()
        .shows("docker_image_url", json!(null))
        .shows_after(Duration::from_secs(6), "docker_image_url", "shop:2");
    let app = Application::new(APP).source("dockerImage").next(script);
    let simulator = Simulator::start(World::new().application(app)).await;
    let run = || Runner::deploys_app(&simulator).set("SEVALLA_DOCKER_IMAGE", "shop:2");
    leave(run(), &simulator).await;
    let running = attempt(run(), 2).start();
    end_followed(&simulator, APP).await;
    let again = running.finish().await;
    again.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 1, "{}", again.streams());
}

#[tokio::test]
async fn a_version_that_turns_out_to_be_another_is_not_followed() {
    let simulator = application(Script::success()).await;
    let other = shows_late(6, NEW).steps(["rollout"]);
    simulator.add_deployment(APP, DeploymentType::Manual, other);
    let run = attempt(rolls_back(&simulator), 2).set("SEVALLA_WAIT_FOR_FINISH", "false");
    let run = run.run().await;
    run.assert_told("Waiting for the version");
    run.assert_told("No deployment of an earlier attempt was recognized. Starting one.");
    run.assert_ended(0, "triggered");
    assert_eq!(simulator.calls("rollbackDeploymentV3"), 1);
}

#[tokio::test]
async fn a_version_that_is_never_shown_ends_in_doubt() {
    let simulator = application(shows_nothing().never_starts()).await;
    let promotion = pipeline(shows_nothing(), Script::success()).await;
    leave(rolls_back(&simulator), &simulator).await;
    for dry in ["true", "false"] {
        let run = attempt(rolls_back(&simulator), 2).set("SEVALLA_DRY_RUN", dry);
        let run = run.set("SEVALLA_TIMEOUT", "5s").run().await;
        run.assert_ended(7, "ambiguous");
        run.assert_told("It is unknown whether an earlier attempt has started the same");
        run.assert_told(&simulator.deployments(APP)[0].id);
    }
    assert_eq!(simulator.deployments_made(), 1);
    // Sure of one target, and in doubt about the other.
    leave(promotes(&promotion), &promotion).await;
    until(|| promotion.deployments(US)[0].status == Some("success".to_owned())).await;
    let run = attempt(promotes(&promotion), 2).set("SEVALLA_TIMEOUT", "8s");
    let run = run.run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told(&promotion.deployments(EU)[0].id);
    // One for EU, and two for US, of which the first had ended.
    assert_eq!(promotion.deployments_made(), 3, "{}", run.streams());
}

/// The clock of the CI is ten minutes fast.
#[tokio::test]
async fn a_clock_that_differs_starts_nothing_twice() {
    let soon = json!({ "repository": { "pushed_at": jiff::Timestamp::now().as_second() + 600 } });
    let slow = || Script::success().never_ends();
    for (run, commit) in [
        (Runner::deploys_app as fn(&Simulator) -> Runner, CI_COMMIT),
        (rolls_back, OLD),
    ] {
        let simulator = application(slow().commit_sha(commit)).await;
        leave(run(&simulator), &simulator).await;
        let running = attempt_at(run(&simulator), &soon, 2).start();
        end_followed(&simulator, APP).await;
        let again = running.finish().await;
        again.assert_ended(0, "success");
        assert_eq!(simulator.deployments_made(), 1, "{}", again.streams());
    }
    // Of another commit, it is of the push before.
    let simulator = application(slow().commit_sha(OLD)).await;
    leave(Runner::deploys_app(&simulator), &simulator).await;
    let run = attempt_at(Runner::deploys_app(&simulator), &soon, 2);
    let run = run.set("SEVALLA_WAIT_FOR_FINISH", "false").run().await;
    run.assert_ended(0, "triggered");
    assert_eq!(simulator.deployments_made(), 2);
}

#[tokio::test]
async fn a_named_image_that_is_live_again_is_reported() {
    let image = |tag: &str, hours| past("", hours).docker_image(format!("shop:{tag}"));
    let app = Application::new(APP)
        .source("dockerImage")
        .docker_image("shop:2");
    let app = app.past(image("1", 20)).past(image("2", 10));
    let simulator = Simulator::start(World::new().application(app)).await;
    let wanted = simulator.deployments(APP)[1].id.clone();
    let run = || rolls_back(&simulator).set("SEVALLA_DEPLOYMENT_ID", &wanted);
    attempt(run(), 1).run().await.assert_ended(0, "success");
    let again = attempt(run(), 2).run().await;
    again.assert_ended(0, "success");
    again.assert_told("Reporting that one instead of rolling back again");
    // What is live is of another run.
    let event = json!({ "repository": { "pushed_at": LATER } });
    for dry in ["true", "false"] {
        let other = attempt_at(run(), &event, 2).set("SEVALLA_DRY_RUN", dry);
        let other = other.run().await;
        other.assert_ended(9, "rejected");
        other.assert_told("Both versions were deployed as shop:1");
    }
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn a_run_that_does_not_wait_says_what_it_has_found() {
    let slow = || Script::success().never_ends();
    let without_waiting = |runner| attempt(runner, 2).set("SEVALLA_WAIT_FOR_FINISH", "false");
    let simulator = application(slow()).await;
    leave(rolls_back(&simulator), &simulator).await;
    let again = without_waiting(rolls_back(&simulator)).run().await;
    again.assert_ended(0, "triggered");
    again.assert_told("The CI reports a further attempt at this run. Another is not started");
    again.assert_told("Started nothing, since");
    assert_eq!(simulator.deployments_made(), 1);
    for (us, found, headline) in [
        (slow(), 2, "Promoted nothing: found what an earlier attempt"),
        (
            Script::success(),
            1,
            "Promoted to 1 of 2: found what an earlier attempt",
        ),
    ] {
        let simulator = pipeline(slow(), us).await;
        leave(promotes(&simulator), &simulator).await;
        if found == 1 {
            until(|| simulator.deployments(US)[0].status == Some("success".to_owned())).await;
        }
        let again = without_waiting(promotes(&simulator)).run().await;
        again.assert_ended(0, "triggered");
        again.assert_told(headline);
        again.assert_told("The CI reports a further attempt at this run. Another is not started");
        assert_eq!(simulator.deployments_made(), 4 - found);
        let ids = [EU, US].map(|app| simulator.deployments(app)[0].id.clone());
        assert_eq!(again.output("deployment-ids"), ids.join(","));
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_followed() {
    let dry = |runner| attempt(runner, 2).set("SEVALLA_DRY_RUN", "true");
    let simulator = application(Script::success().never_ends()).await;
    let first = dry(rolls_back(&simulator)).run().await;
    first.assert_told("No deployment of an earlier attempt was recognized.");
    first.assert_told("Dry run: would deploy deployment");
    leave(rolls_back(&simulator), &simulator).await;
    let again = dry(rolls_back(&simulator)).run().await;
    again.assert_ended(0, "planned");
    again.assert_told("Dry run: would follow");
    assert_eq!(simulator.deployments_made(), 1);
    let simulator = pipeline(Script::success(), Script::success().never_ends()).await;
    leave(promotes(&simulator), &simulator).await;
    until(|| simulator.deployments(EU)[0].status == Some("success".to_owned())).await;
    let again = dry(promotes(&simulator)).run().await;
    again.assert_ended(0, "planned");
    again.assert_told("Dry run: would follow");
    again.assert_told(", and promote");
    assert_eq!(simulator.calls(PROMOTE), 1);
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn a_signal_while_promoting_keeps_what_is_followed_already() {
    let slow = || Script::success().never_ends();
    let simulator = pipeline(Script::success(), slow()).await;
    leave(promotes(&simulator), &simulator).await;
    until(|| simulator.deployments(EU)[0].status == Some("success".to_owned())).await;
    let sent = simulator.calls(PROMOTE);
    simulator.add_fault(Fault::on(PROMOTE).does(Behaviour::HangBeforeApplying));
    let running = attempt(promotes(&simulator), 2).start();
    until(|| simulator.calls(PROMOTE) > sent).await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    let followed = &simulator.deployments(US)[0].id;
    assert_eq!(&run.output("deployment-ids"), followed, "{}", run.streams());
    run.assert_told(&format!("Deployment {followed} was left as it was"));
    assert!(!simulator.cancelled(followed));
}

#[tokio::test]
async fn a_list_that_is_late_starts_nothing_twice() {
    let script = Script::success().never_ends();
    let app = Application::new(APP).next(script.commit_sha(CI_COMMIT));
    let world = World::new().application(app);
    let lag = Duration::from_secs(4);
    let simulator = Simulator::start(world.deployments_visible_after(lag)).await;
    leave(Runner::deploys_app(&simulator), &simulator).await;
    let running = attempt(Runner::deploys_app(&simulator), 2).start();
    end_followed(&simulator, APP).await;
    running.finish().await.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 1);
}
