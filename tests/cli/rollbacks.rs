//! Going back to an earlier deployment.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, RollbackBody, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{APP, Runner, SITE, called, stopped};

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";

/// Deployments of a site, from the oldest.
const FIRST: &str = "aa5e5168-4281-4bec-94c5-0d1584e9e651";
const SECOND: &str = "aa5e5168-4281-4bec-94c5-0d1584e9e652";
const BROKEN: &str = "aa5e5168-4281-4bec-94c5-0d1584e9e653";

fn past(commit: &str, hours: u64) -> PastDeployment {
    PastDeployment::success()
        .commit_sha(commit)
        .ago(Duration::from_secs(hours * 3600))
}

fn app() -> Application {
    Application::new(APP)
        .past(past(OLD, 20))
        .past(past(NEW, 10))
        .rolls_back_past_the_latest(true)
}

async fn application(app: Application) -> Simulator {
    Simulator::start(World::new().application(app)).await
}

async fn site() -> Simulator {
    let broken = PastDeployment {
        status: sevalla_simulator::Status::Failed,
        ..past("3333333333333333333333333333333333333333", 5)
    };
    let site = StaticSite::new(SITE)
        .past(past(OLD, 20).id(FIRST))
        .past(past(NEW, 10).id(SECOND))
        .past(broken.id(BROKEN));
    Simulator::start(World::new().static_site(site)).await
}

fn rolls_back_app(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator).set("SEVALLA_ACTION", "rollback-app")
}

fn rolls_back_site(simulator: &Simulator) -> Runner {
    Runner::deploys_site(simulator).set("SEVALLA_ACTION", "rollback-static-site")
}

/// The body of the one deployment of the site that was asked for.
fn asked(simulator: &Simulator) -> serde_json::Value {
    let journal = simulator.journal().into_iter();
    let mut calls = journal.filter(|call| call.operation == "deployStaticSiteV3");
    let call = calls.next().unwrap();
    assert!(calls.next().is_none());
    call.json().unwrap()
}

#[tokio::test]
async fn an_application_goes_back_and_the_run_says_from_where_to_where() {
    let simulator = application(app()).await;
    let run = rolls_back_app(&simulator).run().await;

    run.assert_ended(0, "success");
    run.assert_told("Live now: main at 222222222");
    let made = &simulator.deployments(APP)[0];
    assert_eq!(made.trigger.as_deref(), Some("ROLLBACK_DEPLOYMENT"));
    assert_eq!(run.output("deployment-id"), made.id);
    assert_eq!(run.output("commit-sha"), OLD);
    assert_eq!(bodies(&simulator).len(), 1);
}

/// The bodies of the rollbacks that were asked for.
fn bodies(simulator: &Simulator) -> Vec<serde_json::Value> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == "rollbackDeploymentV3");
    calls
        .map(|call| call.json().unwrap_or(serde_json::Value::Null))
        .collect()
}

#[tokio::test]
async fn the_success_before_the_live_one_is_named_or_the_one_that_the_user_names() {
    for (named, code, word) in [
        (None, 0, "success"),
        (Some(FIRST), 0, "success"),
        // Live already.
        (Some(SECOND), 0, "success"),
        (Some(BROKEN), 9, "rejected"),
        (Some("bb5e5168-4281-4bec-94c5-0d1584e9e651"), 9, "rejected"),
    ] {
        let broken = PastDeployment {
            status: sevalla_simulator::Status::Failed,
            ..past(OLD, 5).id(BROKEN)
        };
        let app = Application::new(APP)
            .past(past(OLD, 20).id(FIRST))
            .past(past(NEW, 10).id(SECOND))
            .past(broken)
            .rollback_body(RollbackBody::Honoured);
        let simulator = application(app).await;
        let mut runner = rolls_back_app(&simulator);
        if let Some(named) = named {
            runner = runner.set("SEVALLA_DEPLOYMENT_ID", named);
        }
        let run = runner.run().await;
        run.assert_ended(code, word);
        if code == 0 {
            let id = named.unwrap_or(FIRST);
            assert_eq!(bodies(&simulator), [json!({ "deployment_id": id })]);
            let commit = if id == FIRST { OLD } else { NEW };
            assert_eq!(run.output("commit-sha"), commit);
        } else {
            assert!(bodies(&simulator).is_empty());
        }
    }
}

#[tokio::test]
async fn a_version_other_than_the_wanted_one_is_no_success() {
    let app = app()
        .rolls_back_past_the_latest(false)
        .rollback_body(RollbackBody::Ignored);
    let simulator = application(app).await;
    let run = rolls_back_app(&simulator).run().await;
    run.assert_ended(8, "unverified");
    run.assert_told("Sevalla deployed the version again that was to be replaced");
    run.assert_told("live is main at 222222222");
    run.assert_told("requested was main at 111111111");
}

#[tokio::test]
async fn an_id_that_sevalla_refuses_is_never_left_out_for_another_version() {
    for named in [None, Some(FIRST)] {
        let app = Application::new(APP)
            .past(past(OLD, 20).id(FIRST))
            .past(past(NEW, 10))
            .rolls_back_past_the_latest(true)
            .rollback_body(RollbackBody::Refused);
        let simulator = application(app).await;
        let mut runner = rolls_back_app(&simulator);
        if let Some(named) = named {
            runner = runner.set("SEVALLA_DEPLOYMENT_ID", named);
        }
        let run = runner.run().await;
        run.assert_ended(9, "rejected");
        run.assert_told("body must be null");
        assert_eq!(bodies(&simulator), [json!({ "deployment_id": FIRST })]);
        assert_eq!(simulator.deployments_made(), 0);
    }
}

#[tokio::test]
async fn an_image_is_rolled_back_by_its_reference_unless_the_tag_is_the_same() {
    for (old, new, is_possible) in [("shop:1", "shop:2", true), ("shop:1", "shop:1", false)] {
        let app = Application::new(APP)
            .docker_image("shop:0")
            .past(past(OLD, 20).docker_image(old))
            .past(past(NEW, 10).docker_image(new));
        let simulator = application(app).await;
        let run = rolls_back_app(&simulator).run().await;
        assert!(bodies(&simulator).is_empty());
        if is_possible {
            run.assert_ended(0, "success");
            let made = &simulator.deployments(APP)[0];
            assert_eq!(made.docker_image.as_deref(), Some(old));
        } else {
            run.assert_ended(9, "rejected");
            run.assert_told("Both versions were deployed as shop:1");
            assert_eq!(simulator.deployments_made(), 0);
        }
    }
}

#[tokio::test]
async fn what_is_wanted_is_found_however_long_ago_it_was() {
    // More than a page of failures and previews lie between.
    let between = |number: u64| {
        let ago = Duration::from_secs(600 * (130 - number));
        PastDeployment {
            status: sevalla_simulator::Status::Failed,
            ..PastDeployment::success().ago(ago)
        }
    };
    let first = past(OLD, 40).id(FIRST);
    let live = PastDeployment::success()
        .commit_sha(NEW)
        .ago(Duration::from_secs(300));
    let app = (0..120).fold(Application::new(APP).past(first.clone()), |app, number| {
        app.past(between(number))
    });
    let app = app.past(live.clone()).rollback_body(RollbackBody::Honoured);
    let app = application(app).await;
    let site = (0..120).fold(StaticSite::new(SITE).past(first), |site, number| {
        site.past(between(number))
    });
    let site = Simulator::start(World::new().static_site(site.past(live))).await;

    let run = rolls_back_app(&app).run().await;
    run.assert_ended(0, "success");
    assert_eq!(bodies(&app), [json!({ "deployment_id": FIRST })]);
    let run = rolls_back_site(&site).run().await;
    run.assert_ended(0, "success");
    assert_eq!(asked(&site), json!({ "deployment_id": FIRST }));
}

#[tokio::test]
async fn what_is_live_is_found_however_long_ago_it_was() {
    let failed = |number: u64| {
        let ago = Duration::from_secs(300 * (70 - number));
        PastDeployment {
            status: sevalla_simulator::Status::Failed,
            ..PastDeployment::success().ago(ago)
        }
    };
    let app = (0..60).fold(app(), |app, number| app.past(failed(number)));
    let app = application(app).await;
    let site = StaticSite::new(SITE)
        .past(past(OLD, 20))
        .past(past(NEW, 10));
    let site = (0..60).fold(site, |site, number| site.past(failed(number)));
    let site = Simulator::start(World::new().static_site(site)).await;
    for runner in [rolls_back_app(&app), rolls_back_site(&site)] {
        let run = runner.run().await;
        run.assert_ended(0, "success");
        run.assert_told("Live now: main at 222222222");
        assert_eq!(run.output("commit-sha"), OLD);
    }
}

#[tokio::test]
async fn a_site_goes_back_to_the_success_before_the_live_one() {
    let simulator = site().await;
    let run = rolls_back_site(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(asked(&simulator), json!({ "deployment_id": FIRST }));
    assert_eq!(run.output("commit-sha"), OLD);
    run.assert_told("Live now: main at 222222222");
}

#[tokio::test]
async fn a_site_goes_back_to_the_deployment_that_is_named() {
    let simulator = site().await;
    let run = rolls_back_site(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", SECOND)
        .run()
        .await;

    run.assert_ended(0, "success");
    assert_eq!(asked(&simulator), json!({ "deployment_id": SECOND }));
    assert_eq!(run.output("commit-sha"), NEW);
}

#[tokio::test]
async fn without_anything_to_go_back_to_nothing_is_sent() {
    let failed = Application::new(APP).past(PastDeployment::failed());
    let simulator = application(failed).await;
    let run = rolls_back_app(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("no earlier successful deployment");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    let lonely = StaticSite::new(SITE).past(past(NEW, 10));
    let simulator = Simulator::start(World::new().static_site(lonely)).await;
    let run = rolls_back_site(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("no earlier successful deployment");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    // What is live is nothing to go back to.
    let lonely = Application::new(APP).past(past(NEW, 10));
    let simulator = application(lonely).await;
    let run = rolls_back_app(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("no earlier successful deployment");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    // What the service refuses is passed on in its words.
    for code in [400, 404] {
        let simulator = application(app()).await;
        let refused = Behaviour::status(code);
        simulator.add_fault(Fault::on("rollbackDeploymentV3").does(refused));
        let run = rolls_back_app(&simulator).run().await;
        run.assert_ended(9, "rejected");
        run.assert_told(&format!("HTTP {code}"));
        assert_eq!(simulator.calls("rollbackDeploymentV3"), 1);
    }
}

#[tokio::test]
async fn what_was_never_live_is_not_rolled_back_to() {
    let site = StaticSite::new(SITE)
        .past(past(OLD, 20))
        .past(PastDeployment {
            status: sevalla_simulator::Status::Failed,
            ..past(NEW, 10).id(BROKEN)
        });
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let run = rolls_back_site(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", BROKEN)
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told("ended as failed, and only a successful one can be rolled back to");
    assert_eq!(simulator.deployments_made(), 0);

    let simulator = application(app()).await;
    let running = Script::success().never_ends();
    let id = simulator.add_deployment(APP, DeploymentType::Manual, running);
    let run = rolls_back_app(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", &id)
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told("and only a successful one can be rolled back to");
    assert!(bodies(&simulator).is_empty());
}

#[tokio::test]
async fn a_site_whose_named_deployment_is_unknown_is_left_as_it_is() {
    let simulator = site().await;
    let unknown = "bb5e5168-4281-4bec-94c5-0d1584e9e651";
    let run = rolls_back_site(&simulator)
        .set("SEVALLA_DEPLOYMENT_ID", unknown)
        .run()
        .await;

    run.assert_ended(9, "rejected");
    run.assert_told(": HTTP 404");
    assert_eq!(simulator.deployments_made(), 0);
}

#[tokio::test]
async fn a_lost_answer_makes_one_rollback() {
    for (lost, sendings) in [
        (Behaviour::ResetAfterApplying, 1),
        (Behaviour::CutBody, 1),
        (Behaviour::ResetBeforeApplying, 2),
    ] {
        let app = application(app()).await;
        app.add_fault(
            Fault::on("rollbackDeploymentV3")
                .first(1)
                .does(lost.clone()),
        );
        let site = site().await;
        site.add_fault(Fault::on("deployStaticSiteV3").first(1).does(lost));
        let runs = tokio::join!(rolls_back_app(&app).run(), rolls_back_site(&site).run());

        runs.0.assert_ended(0, "success");
        assert_eq!(app.calls("rollbackDeploymentV3"), sendings);
        assert_eq!(app.deployments_made(), 1);
        assert_eq!(runs.0.output("commit-sha"), OLD);
        runs.1.assert_ended(0, "success");
        assert_eq!(site.calls("deployStaticSiteV3"), sendings);
        assert_eq!(site.deployments_made(), 1);
        assert_eq!(runs.1.output("commit-sha"), OLD);
    }
}

#[tokio::test]
async fn a_lost_rollback_is_told_from_what_somebody_else_deploys() {
    let simulator = application(app()).await;
    simulator.add_fault(Fault::on("rollbackDeploymentV3").does(Behaviour::ResetAfterApplying));
    let running = rolls_back_app(&simulator).start();
    called(&simulator, "rollbackDeploymentV3").await;
    simulator.add_deployment(APP, DeploymentType::Automatic, Script::failed());
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert_eq!(run.output("commit-sha"), OLD);
}

#[tokio::test]
async fn beside_somebodys_manual_deployment_a_lost_rollback_is_ambiguous() {
    let simulator = application(app()).await;
    simulator.add_fault(Fault::on("rollbackDeploymentV3").does(Behaviour::ResetAfterApplying));
    let running = rolls_back_app(&simulator).start();
    called(&simulator, "rollbackDeploymentV3").await;
    let others = simulator.add_deployment(APP, DeploymentType::Manual, Script::failed());
    let run = running.finish().await;

    run.assert_ended(7, "ambiguous");
    assert_eq!(simulator.calls("rollbackDeploymentV3"), 1);
    run.assert_told(&others);
}

#[tokio::test]
async fn a_rollback_that_fails_fails_the_run() {
    let simulator = application(app().next(Script::failed())).await;
    rolls_back_app(&simulator)
        .run()
        .await
        .assert_ended(1, "failed");
}

#[tokio::test]
async fn a_dry_run_names_the_version_that_would_come() {
    let git = app();
    let image = Application::new(APP)
        .docker_image("shop:2")
        .past(past(OLD, 20).docker_image("shop:1"))
        .past(past(NEW, 10).docker_image("shop:2"));
    for (app, version) in [(git, "main at 111111111"), (image, "image shop:1 of")] {
        let simulator = application(app).await;
        let run = rolls_back_app(&simulator)
            .set("SEVALLA_DRY_RUN", "true")
            .run()
            .await;
        run.assert_ended(0, "planned");
        run.assert_told(version);
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }

    let simulator = site().await;
    let run = rolls_back_site(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    run.assert_ended(0, "planned");
    run.assert_told(FIRST);
    run.assert_told("main at 111111111");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_signal_cancels_the_rollback() {
    let simulator = application(app().next(Script::success().never_ends())).await;
    let running = rolls_back_app(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
}
