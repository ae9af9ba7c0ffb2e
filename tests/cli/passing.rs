//! What comes after a success, and runs that pass without a deployment:
//! `purge-cache`, `on-skipped`, `skip-without-token`.

use std::time::Duration;

use sevalla_simulator::{Behaviour, DeploymentType, Fault, Script, StaticSite, World};

use crate::harness::{APP, Runner, SITE, application, together, until};

#[tokio::test]
async fn caches_are_emptied_after_a_success_alone() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_PURGE_CACHE", "true")
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("empties the caches");
    assert_eq!(simulator.cache_purges(APP), 1);

    let site = World::new().static_site(StaticSite::new(SITE));
    let simulator = sevalla_simulator::Simulator::start(site).await;
    let run = Runner::deploys_site(&simulator).set("SEVALLA_PURGE_CACHE", "true");
    run.run().await.assert_ended(0, "success");
    assert_eq!(simulator.cache_purges(SITE), 1);

    for (script, purges) in [(Script::failed(), "true"), (Script::success(), "false")] {
        let simulator = application(script).await;
        let run = Runner::deploys_app(&simulator).set("SEVALLA_PURGE_CACHE", purges);
        run.run().await;
        assert_eq!(simulator.cache_purges(APP), 0);
    }
}

#[tokio::test]
async fn caches_that_cannot_be_emptied_are_a_warning() {
    let behaviours = [
        Behaviour::status(403),
        Behaviour::status(404),
        Behaviour::html(502),
        Behaviour::ResetAfterApplying,
    ];
    together(behaviours.map(|behaviour| async move {
        let simulator = application(Script::success()).await;
        let is_lost = behaviour == Behaviour::ResetAfterApplying;
        simulator.add_fault(Fault::on("purgeApplicationCacheV3").does(behaviour));
        simulator.add_fault(Fault::on("purgeCacheV3").does(Behaviour::status(403)));
        let run = Runner::deploys_app(&simulator)
            .on_github()
            .set("SEVALLA_PURGE_CACHE", "true")
            .run()
            .await;
        run.assert_ended(0, "success");
        if !is_lost {
            run.assert_told("Warning: The caches could not be emptied: ");
            run.assert_told("Sevalla empties them by itself after a deployment");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_skipped_deployment_passes_where_that_is_wanted() {
    let simulator = application(Script::skipped()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_SKIPPED", "pass")
        .run()
        .await;
    run.assert_ended(0, "skipped");
    assert_eq!(run.output("status"), "skipped");
    assert_eq!(run.output("error"), "");

    // Whatever it was skipped for.
    let script = Script::skipped().queue(Duration::from_secs(3));
    let simulator = application(script).await;
    let running = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_SKIPPED", "pass")
        .start();
    until(|| simulator.deployments_made() == 1).await;
    simulator.add_deployment(APP, DeploymentType::Manual, Script::success());
    let run = running.finish().await;
    run.assert_ended(0, "skipped");
    run.assert_told("A newer one took its place");

    // What was cancelled while it ran was not skipped.
    let simulator = application(Script::cancelled()).await;
    let run = Runner::deploys_app(&simulator).set("SEVALLA_ON_SKIPPED", "pass");
    run.run().await.assert_ended(3, "cancelled");
}

/// A run without a key: on GitHub of a fork's pull request, of Dependabot's, or
/// anywhere else.
fn without_key(place: &str) -> Runner {
    let runner = Runner::bare()
        .set("SEVALLA_APP_ID", APP)
        // As a secret that does not exist.
        .set("INPUT_SEVALLA-TOKEN", "");
    match place {
        "fork" => {
            let runner = runner
                .on_github()
                .set("GITHUB_EVENT_NAME", "pull_request")
                .set("GITHUB_REF", "refs/pull/12/merge");
            let path = runner.path("event.json");
            let event = serde_json::json!({
                "pull_request": {"number": 12, "head": {"repo": {"full_name": "mona/shop"}}},
                "repository": {"full_name": "octo/shop"},
            });
            std::fs::write(&path, event.to_string()).unwrap();
            runner.set("GITHUB_EVENT_PATH", path)
        }
        "dependabot" => runner.on_github().set("GITHUB_ACTOR", "dependabot[bot]"),
        _ => runner,
    }
}

#[tokio::test]
async fn a_run_that_gets_no_secrets_says_why_and_passes_where_that_is_wanted() {
    let cases = [
        ("fork", "the pull request comes from a fork"),
        ("dependabot", "Dependabot started this run"),
        ("nowhere", "sevalla-token"),
    ];
    together(cases.map(|(place, why)| async move {
        let run = without_key(place).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(why);

        let run = without_key(place)
            .set("SEVALLA_SKIP_WITHOUT_TOKEN", "true")
            .run()
            .await;
        run.assert_ended(0, "skipped");
        run.assert_told("Skipped: sevalla-token is missing");
        run.assert_told(why);
        assert_eq!(run.output("deployment-id"), "");
        if place != "nowhere" {
            assert!(run.file("github-summary").unwrap().contains("skipped"));
        }
    }))
    .await;
}

#[tokio::test]
async fn a_run_with_a_key_does_not_pass() {
    let simulator = application(Script::failed()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_SKIP_WITHOUT_TOKEN", "true")
        .run()
        .await;
    run.assert_ended(1, "failed");
}
