//! Cancelling after a signal uses the whole window.

use std::time::Duration;

use sevalla_simulator::{Application, Behaviour, Fault, Script, Simulator, World};

use crate::harness::{APP, Runner, application, called, stopped, together};

const CANCEL: &str = "cancelDeploymentV3";
const LIST: &str = "listDeploymentsV3";
const START: &str = "triggerDeploymentV3";

fn endless() -> Script {
    Script::success().never_ends()
}

#[tokio::test]
async fn a_refusal_right_after_the_start_is_not_the_last_word() {
    let refusals = [400, 404, 409, 422].map(Behaviour::status);
    let unread = [Behaviour::NotJson, Behaviour::html(502)];
    together(
        refusals
            .into_iter()
            .chain(unread)
            .map(|refusal| async move {
                let simulator = application(endless()).await;
                simulator.add_fault(Fault::on(CANCEL).first(1).does(refusal));
                let running = Runner::deploys_app(&simulator).start();
                called(&simulator, "getDeploymentV3").await;
                let run = stopped(running, "INT").await;

                run.assert_ended(130, "interrupted");
                run.assert_told("Cancelled deployment");
                assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
            }),
    )
    .await;
}

#[tokio::test]
async fn a_deployment_that_nothing_knows_for_seconds_is_cancelled() {
    let simulator = application(endless()).await;
    for operation in [CANCEL, "getDeploymentV3"] {
        let unknown = Fault::on(operation).first(3).does(Behaviour::status(404));
        simulator.add_fault(unknown);
    }
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "INT").await;
    run.assert_told("Cancelled deployment");
}

#[tokio::test]
async fn a_deployment_whose_answer_is_missing_is_found_late_and_cancelled() {
    let slow_list = || {
        let delay = Behaviour::Delay(Duration::from_secs(1));
        Fault::on(LIST).after(1).does(delay)
    };
    let world = || World::new().application(Application::new(APP).next(endless()));
    let worlds = [
        world().fault(slow_list()),
        world().deployments_visible_after(Duration::from_millis(1700)),
        world().fault(Fault::on(LIST).nth(2).does(Behaviour::html(502))),
    ];
    together(worlds.map(|world| async move {
        let simulator = Simulator::start(world).await;
        simulator.add_fault(Fault::on(START).does(Behaviour::HangAfterApplying));
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, START).await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        let made = simulator.deployments(APP);
        assert_eq!(made.len(), 1);
        assert!(simulator.cancelled(&made[0].id), "{}", run.streams());
    }))
    .await;
}

#[tokio::test]
async fn what_is_refused_for_good_ends_in_time() {
    let simulator = application(endless()).await;
    simulator.add_fault(Fault::on(CANCEL).does(Behaviour::status(409)));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(143, "interrupted");
    run.assert_told("Sevalla refused to cancel deployment");
    let calls = simulator.calls(CANCEL);
    assert!((2..=8).contains(&calls), "{calls}");
}
