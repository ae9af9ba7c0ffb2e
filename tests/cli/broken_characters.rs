//! One broken character, or one entry that cannot be read, costs only itself.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{Application, Behaviour, Fault, Script, Simulator, World};

use crate::harness::{APP, Runner, together};

/// Half a surrogate pair, and half a character of UTF-8.
const BROKEN: [&[u8]; 2] = [b"\\ud83d", b"\xf0\x9f"];

const LIST: &str = "listDeploymentsV3";

async fn world() -> Simulator {
    let at = Duration::from_millis(10);
    let script = Script::success()
        .log_line(at, "info", "compiling")
        .log_line(at, "info", "done");
    Simulator::start(World::new().application(Application::new(APP).next(script))).await
}

#[tokio::test]
async fn a_broken_character_anywhere_keeps_nobody_from_deploying() {
    together(BROKEN.map(|broken| async move {
        let simulator = world().await;
        for field in ["commit_message", "display_name", "branch", "message"] {
            simulator.add_fault(Fault::on("*").does(Behaviour::Spoilt(field, broken.to_vec())));
        }
        Runner::deploys_app(&simulator)
            .run()
            .await
            .assert_ended(0, "success");
        Runner::deploys_app(&simulator)
            .run()
            .await
            .assert_ended(0, "success");
        assert_eq!(simulator.deployments(APP).len(), 2);
    }))
    .await;
}

#[tokio::test]
async fn a_broken_line_hides_nothing_of_the_log() {
    together(BROKEN.map(|broken| async move {
        let simulator = world().await;
        let logs = "getApplicationDeploymentLogsV3";
        simulator.add_fault(Fault::on(logs).does(Behaviour::Spoilt("message", broken.to_vec())));
        let runner = Runner::deploys_app(&simulator);
        let file = runner.path("log.txt");
        let run = runner.set("SEVALLA_LOG_FILE", &file).run().await;
        run.assert_ended(0, "success");
        run.assert_told("\u{fffd}compiling");
        let log = std::fs::read_to_string(&file).unwrap();
        assert!(
            log.contains("\u{fffd}compiling") && log.contains("\u{fffd}done"),
            "{log}"
        );
    }))
    .await;
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_keeps_nobody_from_deploying() {
    let simulator = world().await;
    simulator.add_fault(Fault::on(LIST).does(Behaviour::StrangeEntry(json!({"id": null}))));
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(simulator.deployments(APP).len(), 2);
}

#[tokio::test]
async fn a_new_entry_that_cannot_be_read_may_be_what_the_lost_answer_started() {
    let simulator = world().await;
    // One that was there before is not.
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    let lost = Fault::on("triggerDeploymentV3").does(Behaviour::ResetBeforeApplying);
    simulator.add_fault(lost);
    let strange = Behaviour::StrangeEntry(json!({"id": 7}));
    simulator.add_fault(Fault::on(LIST).after(2).does(strange));
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told("unreadable entry");
    // Nothing was sent a second time.
    assert_eq!(simulator.calls("triggerDeploymentV3"), 2);
}

#[tokio::test]
async fn an_old_entry_that_cannot_be_read_does_not_stop_a_second_sending() {
    let simulator = world().await;
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    let lost = Fault::on("triggerDeploymentV3")
        .first(1)
        .does(Behaviour::ResetBeforeApplying);
    simulator.add_fault(lost);
    simulator.add_fault(Fault::on(LIST).does(Behaviour::StrangeEntry(json!({"id": 7}))));
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(simulator.deployments(APP).len(), 2);
}
