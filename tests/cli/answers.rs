//! The answer to the one call that must not be made twice gets lost.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Payload, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{APP, HANGING, Runner, SITE, together};

const TRIGGER: &str = "triggerDeploymentV3";

/// Before the run looks for what it has started, somebody else or a push starts
/// another deployment.
fn others(kind: DeploymentType) -> Fault {
    Fault::on("listDeploymentsV3")
        .nth(2)
        .does(Behaviour::Delay(Duration::ZERO))
        .beside(APP, kind, Script::success())
}

fn world(behaviour: Behaviour) -> World {
    // A past makes sure that "the newest" is not good enough.
    let app = Application::new(APP)
        .past(PastDeployment::success())
        .next(Script::success());
    World::new()
        .application(app)
        .fault(Fault::on(TRIGGER).nth(1).does(behaviour))
}

/// One deployment was made, and it is the one that was followed.
async fn assert_one_deployment(simulator: &Simulator, service: &str, runner: Runner) {
    let run = runner.set("SEVALLA_LOGS", "off").run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 1);
    let made = simulator.deployments(service);
    let made = made.iter().find(|deployment| deployment.by_call).unwrap();
    assert_eq!(run.output("deployment-id"), made.id);
}

#[tokio::test]
async fn a_deployment_whose_answer_was_lost_is_found_and_not_made_again() {
    let behaviours = [
        Behaviour::ResetAfterApplying,
        Behaviour::CloseAfterApplying,
        Behaviour::CutBody,
        Behaviour::ResetInBody,
        Behaviour::NotJson,
        Behaviour::EmptyBody,
        Behaviour::WrongShape(json!({ "message": "ok" })),
        Behaviour::HugeBody(Some(6 * 1024 * 1024)),
        Behaviour::ErrorAfterApplying(502, Payload::error_page(502)),
        Behaviour::ErrorAfterApplying(500, Payload::Json(json!({ "message": "Oops" }))),
        Behaviour::ErrorAfterApplying(504, Payload::Empty),
    ];
    together(behaviours.into_iter().map(|behaviour| async move {
        let simulator = Simulator::start(world(behaviour)).await;
        let runner = Runner::deploys_app(&simulator);
        assert_one_deployment(&simulator, APP, runner).await;
        assert_eq!(simulator.calls(TRIGGER), 1);
    }))
    .await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_lost_one() {
    let simulator = Simulator::start(world(Behaviour::HangAfterApplying)).await;
    let runner = Runner::deploys_app(&simulator);
    assert_one_deployment(&simulator, APP, runner).await;
    assert_eq!(simulator.calls(TRIGGER), 1);
}

#[tokio::test]
async fn a_trigger_that_had_no_effect_is_sent_once_more() {
    let behaviours = [
        Behaviour::ResetBeforeApplying,
        Behaviour::CloseBeforeApplying,
        Behaviour::status(503),
        Behaviour::html(502),
    ];
    together(behaviours.into_iter().map(|behaviour| async move {
        let simulator = Simulator::start(world(behaviour)).await;
        let runner = Runner::deploys_app(&simulator);
        assert_one_deployment(&simulator, APP, runner).await;
        assert_eq!(simulator.calls(TRIGGER), 2);
    }))
    .await;
}

#[tokio::test]
async fn a_deployment_that_shows_up_late_is_found() {
    let world =
        world(Behaviour::ResetAfterApplying).deployments_visible_after(Duration::from_secs(5));
    let simulator = Simulator::start(world).await;
    let runner = Runner::deploys_app(&simulator);
    assert_one_deployment(&simulator, APP, runner).await;
    assert_eq!(simulator.calls(TRIGGER), 1);
}

#[tokio::test]
async fn a_static_site_is_deployed_once() {
    let behaviours = [
        Behaviour::ResetAfterApplying,
        Behaviour::ErrorAfterApplying(502, Payload::error_page(502)),
        Behaviour::html(503),
    ];
    together(behaviours.into_iter().map(|behaviour| async move {
        let site = StaticSite::new(SITE)
            .past(PastDeployment::success())
            .next(Script::success());
        let fault = Fault::on("deployStaticSiteV3").nth(1).does(behaviour);
        let simulator = Simulator::start(World::new().static_site(site).fault(fault)).await;
        let runner = Runner::deploys_site(&simulator);
        assert_one_deployment(&simulator, SITE, runner).await;
    }))
    .await;
}

#[tokio::test]
async fn restarts_and_images_are_deployed_once() {
    let restart = async {
        let simulator = Simulator::start(world(Behaviour::ResetAfterApplying)).await;
        let runner = Runner::deploys_app(&simulator).set("SEVALLA_IS_RESTART", "true");
        assert_one_deployment(&simulator, APP, runner).await;
        assert!(simulator.deployments(APP)[0].is_restart);
    };
    let image = async {
        let app = Application::new(APP)
            .docker_image("registry.example/team/shop:1")
            .past(PastDeployment::success());
        let fault = Fault::on(TRIGGER).nth(1).does(Behaviour::CutBody);
        let simulator = Simulator::start(World::new().application(app).fault(fault)).await;
        let runner = Runner::deploys_app(&simulator)
            .set("SEVALLA_DOCKER_IMAGE", "registry.example/team/shop:2");
        assert_one_deployment(&simulator, APP, runner).await;
    };
    let hook = async {
        for kind in [DeploymentType::Manual, DeploymentType::Automatic] {
            let app = Application::new(APP).next(Script::success());
            let fault = Fault::on("hook").nth(1).does(Behaviour::ResetAfterApplying);
            let world = World::new().application(app).fault(fault);
            let simulator = Simulator::start(world.hook_deployments(kind, None)).await;
            let runner = Runner::against(&simulator)
                .secret("SEVALLA_DEPLOY_HOOK_URL", &simulator.hook_url(APP));
            assert_one_deployment(&simulator, APP, runner).await;
        }
    };
    tokio::join!(restart, image, hook);
}

#[tokio::test]
async fn the_deployments_of_others_are_not_taken_for_ours() {
    let cases = [
        (DeploymentType::Automatic, "main"),
        (DeploymentType::Manual, "next"),
    ];
    together(cases.map(|(kind, branch)| async move {
        let world = world(Behaviour::ResetAfterApplying).fault(others(kind));
        let simulator = Simulator::start(world).await;
        let runner = Runner::deploys_app(&simulator).set("SEVALLA_BRANCH", branch);
        assert_one_deployment(&simulator, APP, runner).await;
        assert_eq!(simulator.calls(TRIGGER), 1);
    }))
    .await;
}

#[tokio::test]
async fn two_deployments_that_could_be_ours_are_told_and_none_is_followed() {
    let world = world(Behaviour::ResetAfterApplying).fault(others(DeploymentType::Manual));
    let simulator = Simulator::start(world).await;
    let run = Runner::deploys_app(&simulator).run().await;

    run.assert_ended(7, "ambiguous");
    assert_eq!(simulator.deployments_made(), 1);
    assert_eq!(simulator.calls(TRIGGER), 1);
    let made = simulator.deployments(APP);
    // The two newest; one is of the past.
    for one in &made[..2] {
        run.assert_told(&one.id);
    }
    run.assert_told("  next:  ");
    assert_eq!(simulator.calls("getDeploymentV3"), 0);
}

#[tokio::test]
async fn an_effect_that_cannot_be_looked_up_is_ambiguous_and_not_repeated() {
    let denied = async {
        let denied = Fault::on("listDeploymentsV3")
            .after(1)
            .does(Behaviour::status(403));
        let world = world(Behaviour::ResetAfterApplying).fault(denied);
        let simulator = Simulator::start(world).await;
        let run = Runner::deploys_app(&simulator).run().await;
        run.assert_ended(7, "ambiguous");
        assert_eq!(simulator.calls(TRIGGER), 1);
    };
    let no_time = async {
        let simulator = Simulator::start(world(Behaviour::HangBeforeApplying)).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "6s")
            .run()
            .await;
        run.assert_ended(7, "ambiguous");
        assert!(run.took < HANGING, "{:?}", run.took);
        assert_eq!(simulator.calls(TRIGGER), 1);
    };
    let keyless = async {
        let app = Application::new(APP).next(Script::success());
        let fault = Fault::on("hook").does(Behaviour::ResetAfterApplying);
        let simulator = Simulator::start(World::new().application(app).fault(fault)).await;
        let run = Runner::bare()
            .set("SEVALLA_API_URL", simulator.url())
            .secret("SEVALLA_DEPLOY_HOOK_URL", &simulator.hook_url(APP))
            .run()
            .await;
        run.assert_ended(7, "ambiguous");
        assert_eq!(simulator.deployments_made(), 1);
    };
    tokio::join!(denied, no_time, keyless);
}

#[tokio::test]
async fn a_start_that_the_end_of_the_time_cuts_off_is_looked_up() {
    for (on_timeout, is_cancelled) in [("leave", false), ("cancel", true)] {
        let endless = Application::new(APP).next(Script::success().never_ends());
        let hangs = Fault::on(TRIGGER).does(Behaviour::HangAfterApplying);
        let simulator = Simulator::start(World::new().application(endless).fault(hangs)).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "6s")
            .set("SEVALLA_ON_TIMEOUT", on_timeout)
            .run()
            .await;
        run.assert_ended(4, "timed-out");
        let id = &simulator.deployments(APP)[0].id;
        assert_eq!(run.output("deployment-id"), *id);
        assert_eq!(simulator.cancelled(id), is_cancelled);
        assert!(run.took < HANGING, "{:?}", run.took);
        assert_eq!(simulator.calls(TRIGGER), 1);
    }
}

#[tokio::test]
async fn an_answer_that_names_an_old_deployment_is_no_success() {
    let app = Application::new(APP)
        .past(PastDeployment::success())
        .next(Script::success());
    let names = async |is_applied: bool| {
        let simulator = Simulator::start(World::new().application(app.clone())).await;
        let old = json!({ "id": simulator.deployments(APP)[0].id, "status": "success" });
        let fault = Fault::on(TRIGGER).does(if is_applied {
            Behaviour::WrongShape(old)
        } else {
            Behaviour::Status(200, Payload::Json(old), Vec::new())
        });
        simulator.add_fault(fault);
        simulator
    };
    let (made, none) = tokio::join!(names(true), names(false));
    let refused = async {
        let run = Runner::deploys_app(&none).run().await;
        run.assert_ended(7, "ambiguous");
        run.assert_told("which deployment it started is unknown");
    };
    tokio::join!(
        assert_one_deployment(&made, APP, Runner::deploys_app(&made)),
        refused
    );
    assert_eq!((made.calls(TRIGGER), none.calls(TRIGGER)), (1, 1));
}

#[tokio::test]
async fn a_run_that_does_not_wait_makes_one_deployment_too() {
    let simulator = Simulator::start(world(Behaviour::ResetAfterApplying)).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;
    run.assert_ended(0, "triggered");
    assert_eq!(simulator.deployments_made(), 1);
    assert!(!run.output("deployment-id").is_empty());
}
