//! Following and cancelling what somebody else has started.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, CommitKnown, DeploymentType, Fault, PastDeployment, Push, Script,
    Simulator, StaticSite, World,
};

use crate::harness::{APP, Runner, SITE, SOON, called, stopped, together, until};

/// The commit of [`Runner::on_github`].
const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";
const NEWER: &str = "ffffffffffffffffffffffffffffffffffffffff";

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Runs at once: one that still waits is cancelled in another way.
fn endless() -> Script {
    Script::success().queue(Duration::ZERO).never_ends()
}

/// An application that Sevalla deploys by itself.
fn automatic() -> Application {
    Application::new(APP).auto_deploy(true)
}

async fn started(app: Application) -> Simulator {
    Simulator::start(World::new().application(app)).await
}

fn follows(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator)
        .set("SEVALLA_ACTION", "follow")
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_EVENT_NAME", "push")
}

fn cancels(simulator: &Simulator, id: &str) -> Runner {
    Runner::deploys_app(simulator)
        .set("SEVALLA_ACTION", "cancel")
        .set("SEVALLA_DEPLOYMENT_ID", id)
}

#[tokio::test]
async fn a_known_deployment_is_followed_like_one_of_our_own() {
    for (script, code, outcome) in [
        (Script::success(), 0, "success"),
        (Script::failed(), 1, "failed"),
        (Script::skipped(), 3, "skipped"),
    ] {
        let simulator = started(Application::new(APP)).await;
        let script = script
            .queue(ms(1500))
            .log_line(ms(10), "INFO", "building it");
        let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
        let run = follows(&simulator)
            .set("SEVALLA_DEPLOYMENT_ID", &id)
            .run()
            .await;

        run.assert_ended(code, outcome);
        assert_eq!(run.output("deployment-id"), id);
        assert_eq!(run.output("url").is_empty(), code != 0);
        assert_eq!(run.streams().contains("| building it"), code != 3);
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }
}

#[tokio::test]
async fn one_that_has_ended_already_is_told_as_it_ended() {
    let past = PastDeployment::failed();
    let id = past.id.clone();
    let simulator = started(Application::new(APP).past(past)).await;
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .run()
        .await;

    run.assert_ended(1, "failed");
    run.assert_told("| line 3 of 3");
    assert_eq!(run.output("duration-seconds"), "90");
}

#[tokio::test]
async fn an_unknown_deployment_is_rejected() {
    let simulator = started(Application::new(APP)).await;
    let run = follows(&simulator)
        .set(
            "SEVALLA_DEPLOYMENT_ID",
            "9f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11",
        )
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told("Check the id");
}

#[tokio::test]
async fn what_a_push_starts_later_is_waited_for() {
    let old = PastDeployment::success().ago(Duration::from_secs(3600));
    let simulator = started(automatic().past(old)).await;
    let running = follows(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    let script = Script::success()
        .run(ms(2000))
        .log_line(ms(20), "INFO", "building it");
    simulator.push(Push::to("main").commit_sha(COMMIT).script(script));
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
    assert_eq!(run.output("commit-sha"), COMMIT);
    run.assert_told("| building it");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_commit_that_is_told_only_at_the_end_is_waited_for() {
    let simulator = started(automatic()).await;
    let script = Script::failed()
        .run(ms(3000))
        .commit_known(CommitKnown::AtEnd);
    simulator.push(Push::to("main").commit_sha(COMMIT).script(script));
    let run = follows(&simulator).run().await;

    run.assert_ended(1, "failed");
}

#[tokio::test]
async fn a_static_site_is_followed_by_its_commit_too() {
    let site = StaticSite::new(SITE).auto_deploy(true);
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let running = Runner::deploys_site(&simulator)
        .set("SEVALLA_ACTION", "follow")
        .set("SEVALLA_EXPECTED_COMMIT", COMMIT.to_uppercase())
        .start();
    called(&simulator, "listStaticSiteDeploymentsV3").await;
    simulator.push(Push::to("main").commit_sha(COMMIT));
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert_eq!(run.output("commit-sha"), COMMIT);
}

#[tokio::test]
async fn a_newer_commit_that_comes_instead_supersedes() {
    let simulator = started(automatic()).await;
    let running = follows(&simulator).set("SEVALLA_TIMEOUT", "10s").start();
    called(&simulator, "listDeploymentsV3").await;
    simulator.push(Push::to("main").commit_sha(NEWER));
    let run = running.finish().await;

    run.assert_ended(3, "superseded");
    run.assert_told("a newer one was");
    run.assert_told("main at fffffffff");
}

#[tokio::test]
async fn the_deployment_of_an_older_push_does_not_end_the_wait() {
    let simulator = started(automatic()).await;
    let running = follows(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    simulator.push(Push::to("main").commit_sha(NEWER));
    let looks = simulator.calls("listDeploymentsV3");
    until(|| simulator.calls("listDeploymentsV3") > looks + 1).await;
    simulator.push(Push::to("main").commit_sha(COMMIT));
    let run = running.finish().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("commit-sha"), COMMIT);
}

#[tokio::test]
async fn where_a_push_starts_nothing_nothing_is_waited_for() {
    let off = Application::new(APP);
    let other = automatic().default_branch("release");
    for (app, told) in [
        (off, "Automatic deployment is off"),
        (
            other,
            "A push to main deploys nothing: the service is set to branch release",
        ),
    ] {
        let simulator = started(app).await;
        let run = follows(&simulator).run().await;
        run.assert_ended(3, "skipped");
        run.assert_told(told);
        assert!(run.took < SOON, "{:?}", run.took);
    }
}

#[tokio::test]
async fn a_look_that_the_end_of_the_time_cuts_off_says_nothing() {
    let simulator = started(automatic()).await;
    let hang = Fault::on("listDeploymentsV3").does(Behaviour::HangBeforeApplying);
    simulator.add_fault(hang.after(1));
    let run = follows(&simulator)
        .set("SEVALLA_TIMEOUT", "10s")
        .run()
        .await;

    run.assert_ended(4, "timed-out");
    run.assert_told("Timed out before Sevalla started a deployment");
    assert!(simulator.calls("listDeploymentsV3") > 1);
}

/// A push that touches none of the paths that deploy the application or the
/// site, and leaves a skipped deployment.
fn irrelevant() -> Push {
    Push::to("main")
        .commit_sha(COMMIT)
        .commit_message("Docs only")
        .filtered_out(APP)
        .filtered_out(SITE)
}

#[tokio::test]
async fn a_push_that_path_filters_exclude_ends_well() {
    for (on_skipped, code) in [(None, 0), (Some("pass"), 0), (Some("fail"), 3)] {
        let filtered = automatic().allow_deploy_paths(["web/**"]);
        let simulator = started(filtered.past(PastDeployment::success())).await;
        let mut runner = follows(&simulator)
            .set("SEVALLA_LOG_FILE", "deployment.log")
            .set("SEVALLA_ON_FAILURE", "rollback");
        if let Some(word) = on_skipped {
            runner = runner.set("SEVALLA_ON_SKIPPED", word);
        }
        let running = runner.start();
        called(&simulator, "listDeploymentsV3").await;
        simulator.push(irrelevant());
        let run = running.finish().await;

        run.assert_ended(code, "skipped");
        let skipped = &simulator.deployments(APP)[0];
        assert_eq!(run.output("deployment-id"), skipped.id);
        assert_eq!(run.output("status"), "skipped");
        assert_eq!(run.output("commit-sha"), COMMIT);
        assert_eq!(run.output("error").is_empty(), code == 0);
        assert_eq!(run.file("deployment.log").as_deref(), Some(""));
        run.assert_told("The previous version is still live");
        run.assert_told("touche");
        let told = run.streams();
        assert_eq!(told.contains("Nothing was deployed"), code == 0, "{told}");
        assert_eq!(told.contains("(path filters)"), code == 3, "{told}");
        assert!(!told.to_lowercase().contains("run again"), "{told}");
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }
}

#[tokio::test]
async fn a_static_site_that_path_filters_leave_alone_ends_well() {
    for live in [true, false] {
        let mut site = StaticSite::new(SITE).auto_deploy(true);
        if live {
            site = site.past(PastDeployment::success());
        }
        let simulator = Simulator::start(World::new().static_site(site)).await;
        simulator.push(irrelevant());
        let run = Runner::deploys_site(&simulator)
            .set("SEVALLA_ACTION", "follow")
            .set("SEVALLA_EXPECTED_COMMIT", COMMIT)
            .run()
            .await;

        run.assert_ended(0, "skipped");
        run.assert_told("Nothing was deployed: Sevalla skipped deployment");
        run.assert_told(if live {
            "The previous version is still live"
        } else {
            "Nothing is live yet"
        });
    }
}

#[tokio::test]
async fn another_skipped_deployment_overtakes_nothing() {
    let simulator = started(automatic().past(PastDeployment::success())).await;
    simulator.push(irrelevant());
    simulator.push(Push::to("main").commit_sha(NEWER).filtered_out(APP));
    let run = follows(&simulator).run().await;
    run.assert_ended(0, "skipped");

    // The run waits for its own commit, whatever else is skipped.
    let simulator = started(automatic()).await;
    let running = follows(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    simulator.push(Push::to("main").commit_sha(NEWER).filtered_out(APP));
    let looks = simulator.calls("listDeploymentsV3");
    until(|| simulator.calls("listDeploymentsV3") > looks + 1).await;
    simulator.push(Push::to("main").commit_sha(COMMIT));
    running.finish().await.assert_ended(0, "success");

    // Nor is it the newer one that a commit without a deployment gave way to.
    let simulator = started(automatic()).await;
    let running = follows(&simulator).set("SEVALLA_TIMEOUT", "10s").start();
    called(&simulator, "listDeploymentsV3").await;
    simulator.push(Push::to("main").commit_sha(NEWER).filtered_out(APP));
    running.finish().await.assert_ended(4, "timed-out");
}

#[tokio::test]
async fn a_skipped_deployment_that_was_overtaken_or_asked_for_does_not_pass() {
    let simulator = started(automatic()).await;
    simulator.push(irrelevant());
    simulator.push(Push::to("main").commit_sha(NEWER));
    let run = follows(&simulator).run().await;
    run.assert_ended(3, "superseded");
    run.assert_told("main at fffffffff");

    let simulator = started(automatic()).await;
    let script = Script::skipped().commit_sha(COMMIT);
    let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .run()
        .await;
    run.assert_ended(3, "skipped");
    run.assert_told("Path filters skip pushes only");

    // An order of this run's own, whatever became of it.
    let skipped = started(Application::new(APP).next(Script::skipped())).await;
    let run = Runner::deploys_app(&skipped).run().await;
    run.assert_ended(3, "skipped");
}

#[tokio::test]
async fn a_deployment_that_this_run_cancels_in_the_queue_does_not_pass() {
    let waits = || endless().never_starts();
    let simulator = started(automatic()).await;
    let id = simulator.add_deployment(APP, DeploymentType::Automatic, waits());
    let running = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .set("SEVALLA_ON_CANCEL", "cancel")
        .start();
    until(|| simulator.calls("getDeploymentV3") > 1).await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(143, "interrupted");
    assert_eq!(run.output("status"), "skipped");

    let simulator = started(automatic()).await;
    let id = simulator.add_deployment(APP, DeploymentType::Automatic, waits());
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .set("SEVALLA_ON_TIMEOUT", "cancel")
        .set("SEVALLA_TIMEOUT", "4s")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    assert_eq!(run.output("status"), "skipped");

    let simulator = started(automatic()).await;
    let newer = waits()
        .commit_sha(NEWER)
        .commit_known(CommitKnown::AtCreation);
    let id = simulator.add_deployment(APP, DeploymentType::Automatic, newer);
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .set("SEVALLA_EXPECTED_COMMIT", COMMIT)
        .set("SEVALLA_ON_COMMIT_MISMATCH", "cancel")
        .run()
        .await;
    run.assert_ended(3, "cancelled");
    assert_eq!(run.output("status"), "skipped");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_does_not_let_a_skipped_deployment_pass() {
    let simulator = started(automatic()).await;
    simulator.push(irrelevant());
    let id = simulator.deployments(APP)[0].id.clone();
    let fault = Fault::on("listDeploymentsV3").does(Behaviour::status(403));
    simulator.add_fault(fault);
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .run()
        .await;
    run.assert_ended(3, "skipped");
    run.assert_told("Whether a newer deployment overtook it is not known: ");

    // What heals is waited for.
    let simulator = started(automatic()).await;
    simulator.push(irrelevant());
    let id = simulator.deployments(APP)[0].id.clone();
    let fault = Fault::on("listDeploymentsV3").first(2);
    simulator.add_fault(fault.does(Behaviour::html(502)));
    let run = follows(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .run()
        .await;
    run.assert_ended(0, "skipped");
}

#[tokio::test]
async fn a_push_that_path_filters_leave_without_a_deployment_is_explained() {
    let cases = [
        (None, 4, "timed-out"),
        (Some("fail"), 4, "timed-out"),
        (Some("pass"), 0, "skipped"),
    ];
    together(cases.map(|(on_skipped, code, outcome)| async move {
        let simulator = started(automatic().allow_deploy_paths(["web/**"])).await;
        let mut runner = follows(&simulator).set("SEVALLA_TIMEOUT", "10s");
        if let Some(word) = on_skipped {
            runner = runner.set("SEVALLA_ON_SKIPPED", word);
        }
        let running = runner.start();
        called(&simulator, "listDeploymentsV3").await;
        simulator.push(irrelevant().without_record());
        let run = running.finish().await;

        run.assert_ended(code, outcome);
        run.assert_told("only pushes that touch certain paths");
        let advises = run.streams().contains("set on-skipped to pass");
        assert_eq!(advises, code != 0, "{}", run.streams());
    }))
    .await;

    let site = StaticSite::new(SITE).auto_deploy(true);
    let site = site.allow_deploy_paths(["docs/**"]);
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let run = Runner::deploys_site(&simulator)
        .set("SEVALLA_ACTION", "follow")
        .set("SEVALLA_EXPECTED_COMMIT", COMMIT)
        .set("SEVALLA_TIMEOUT", "10s")
        .set("SEVALLA_ON_SKIPPED", "pass")
        .run()
        .await;
    run.assert_ended(0, "skipped");

    // Where no filter explains it, nothing passes.
    let simulator = started(automatic()).await;
    let run = follows(&simulator)
        .set("SEVALLA_TIMEOUT", "10s")
        .set("SEVALLA_ON_SKIPPED", "pass")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    let simulator = started(Application::new(APP).allow_deploy_paths(["web/**"])).await;
    let run = follows(&simulator).set("SEVALLA_ON_SKIPPED", "pass");
    run.run().await.assert_ended(3, "skipped");
}

#[tokio::test]
async fn a_cancelled_job_leaves_what_it_only_follows_unless_told() {
    for (on_cancel, is_cancelled) in [
        (None, false),
        (Some("cancel"), true),
        (Some("leave"), false),
    ] {
        let simulator = started(Application::new(APP)).await;
        let id = simulator.add_deployment(APP, DeploymentType::Automatic, endless());
        let mut runner = follows(&simulator).set("SEVALLA_DEPLOYMENT_ID", &id);
        if let Some(word) = on_cancel {
            runner = runner.set("SEVALLA_ON_CANCEL", word);
        }
        let running = runner.start();
        until(|| simulator.calls("getDeploymentV3") > 1).await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        assert_eq!(simulator.cancelled(&id), is_cancelled, "{}", run.streams());
        assert_eq!(run.streams().contains("was last seen "), !is_cancelled);
    }
}

#[tokio::test]
async fn a_signal_while_waiting_for_a_push_ends_at_once() {
    let simulator = started(automatic()).await;
    let running = follows(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    let run = stopped(running, "TERM").await;

    run.assert_ended(143, "interrupted");
    run.assert_told("Nothing was being followed yet");
}

#[tokio::test]
async fn without_a_commit_or_an_id_there_is_nothing_to_follow() {
    let simulator = started(automatic()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ACTION", "follow")
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("deployment-id");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_deployment_is_cancelled_wherever_it_stands() {
    for (script, status) in [
        (endless(), "cancelled"),
        (endless().never_starts(), "skipped"),
    ] {
        let simulator = started(Application::new(APP)).await;
        let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
        let run = cancels(&simulator, &id).run().await;

        run.assert_ended(0, "success");
        run.assert_told(&format!("Cancelled deployment {id}"));
        assert_eq!(run.output("status"), status);
        assert_eq!(simulator.calls("cancelDeploymentV3"), 1);
    }
}

#[tokio::test]
async fn a_slow_cancelling_is_seen_through() {
    let simulator = started(Application::new(APP)).await;
    let slow = endless().cancel_delay(Duration::from_secs(13));
    let id = simulator.add_deployment(APP, DeploymentType::Manual, slow);
    let run = cancels(&simulator, &id).run().await;

    run.assert_ended(0, "success");
    assert_eq!(run.output("status"), "cancelled");
}

#[tokio::test]
async fn what_has_ended_needs_no_cancelling() {
    let past = PastDeployment::failed();
    let id = past.id.clone();
    let simulator = started(Application::new(APP).past(past)).await;
    let run = cancels(&simulator, &id).run().await;
    run.assert_ended(0, "success");
    run.assert_told("had ended failed before");

    let past = PastDeployment::success();
    let id = past.id.clone();
    let simulator = started(Application::new(APP).past(past)).await;
    let run = cancels(&simulator, &id).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("It had succeeded before");
    run.assert_told("rollback-app");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn one_that_succeeds_first_is_live_and_the_run_says_so() {
    let simulator = started(Application::new(APP)).await;
    // It runs when the run looks, and no more when it is to be cancelled.
    let script = Script::success().run(ms(6000));
    let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
    let delayed = Behaviour::Delay(Duration::from_secs(7));
    simulator.add_fault(Fault::on("cancelDeploymentV3").does(delayed));
    let run = cancels(&simulator, &id).run().await;

    run.assert_ended(9, "rejected");
    run.assert_told("It succeeded first, and is live");
    assert_eq!(run.output("status"), "success");
}

#[tokio::test]
async fn cancelling_a_site_a_dry_run_and_a_lost_answer() {
    let simulator = Simulator::start(World::new().static_site(StaticSite::new(SITE))).await;
    let id = simulator.add_deployment(SITE, DeploymentType::Manual, endless());
    let runner = || {
        Runner::deploys_site(&simulator)
            .set("SEVALLA_ACTION", "cancel")
            .set("SEVALLA_DEPLOYMENT_ID", &id)
    };
    let dry = runner().set("SEVALLA_DRY_RUN", "true").run().await;
    dry.assert_ended(0, "planned");
    assert!(!simulator.cancelled(&id));
    let lost = Fault::on("cancelStaticSiteDeploymentV3").first(1);
    simulator.add_fault(lost.does(Behaviour::ResetBeforeApplying));
    runner().run().await.assert_ended(0, "success");
    assert!(simulator.cancelled(&id));
}

#[tokio::test]
async fn a_key_that_may_not_cancel_is_told() {
    let simulator = started(Application::new(APP)).await;
    let id = simulator.add_deployment(APP, DeploymentType::Manual, endless());
    simulator.forbid("cancelDeploymentV3");
    let run = cancels(&simulator, &id).run().await;

    run.assert_ended(5, "unauthorized");
    run.assert_told("The key can: APP:READ");
}
