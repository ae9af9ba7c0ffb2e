//! SIGINT, SIGTERM and SIGHUP at every stage, and the end of our own time.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use sevalla_deploy::shutdown::SAME_REQUEST;
use sevalla_simulator::{Behaviour, Fault, Script};

use crate::harness::{APP, Runner, Running, SOON, application, called, stopped, until};

fn endless() -> Script {
    Script::success().never_ends()
}

#[tokio::test]
async fn before_the_trigger_nothing_is_started() {
    let simulator = application(endless()).await;
    simulator.add_fault(Fault::on("listDeploymentsV3").does(Behaviour::HangBeforeApplying));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("No deployment was started");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
}

#[tokio::test]
async fn while_following_the_deployment_is_cancelled_and_outputs_are_written() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let simulator = application(endless()).await;
        // This test may itself run under `nohup`.
        let running = Runner::deploys_app(&simulator)
            .on_github()
            .set("SEVALLA_REPORT_FILE", "report.json")
            .started_by(&["env", "--default-signal=HUP"])
            .start();
        called(&simulator, "getDeploymentV3").await;
        let run = stopped(running, signal).await;

        run.assert_ended(code, "interrupted");
        let report = run.file("report.json").unwrap();
        assert!(
            report.contains(&format!("\"exit-code\":{code}")),
            "{report}"
        );
        run.assert_told("Cancelled deployment");
        run.assert_told(": ending the run and cancelling the deployment. ");
        run.assert_told("If you did not mean to cancel, run it again");
        assert_eq!(run.output("status"), "cancelled");
        assert_eq!(
            simulator.deployments(APP)[0].status.as_deref(),
            Some("cancelled")
        );
        assert!(run.file("github-summary").unwrap().contains("interrupted"));
        let last = simulator.journal().pop().unwrap();
        assert_eq!(
            last.operation, "getDeploymentV3",
            "no request after the end was seen"
        );
    }
}

#[tokio::test]
async fn a_waiting_deployment_is_taken_out_of_the_queue() {
    let simulator = application(Script::success().never_starts()).await;
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("; it ended as skipped");
}

#[tokio::test]
async fn a_trigger_on_its_way_is_waited_for_and_then_cancelled() {
    let simulator = application(endless()).await;
    simulator
        .add_fault(Fault::on("triggerDeploymentV3").does(Behaviour::Delay(Duration::from_secs(1))));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "triggerDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    assert_eq!(simulator.deployments_made(), 1);
    assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
}

#[tokio::test]
async fn a_trigger_that_took_effect_without_an_answer_is_looked_up_and_cancelled() {
    for lost in [Behaviour::HangAfterApplying, Behaviour::ResetAfterApplying] {
        let simulator = application(endless()).await;
        simulator.add_fault(Fault::on("triggerDeploymentV3").does(lost));
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, "triggerDeploymentV3").await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        assert_eq!(simulator.deployments_made(), 1, "{}", run.streams());
        assert!(
            simulator.cancelled(&simulator.deployments(APP)[0].id),
            "{}",
            run.streams()
        );
    }
}

#[tokio::test]
async fn a_trigger_without_an_answer_or_an_effect_is_told_and_not_sent_again() {
    for lost in [
        Behaviour::HangBeforeApplying,
        Behaviour::ResetBeforeApplying,
    ] {
        let simulator = application(endless()).await;
        simulator.add_fault(Fault::on("triggerDeploymentV3").does(lost));
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, "triggerDeploymentV3").await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        run.assert_told("whether it took effect is not known");
        assert_eq!(simulator.calls("triggerDeploymentV3"), 1);
    }
}

#[tokio::test]
async fn a_trigger_that_waits_for_the_rate_limit_is_not_sent_any_more() {
    let simulator = application(endless()).await;
    let limited = Behaviour::RateLimited {
        retry_after: Some("60".to_owned()),
        reset: None,
    };
    simulator.add_fault(Fault::on("triggerDeploymentV3").does(limited));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "triggerDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("No deployment was started");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 1);
}

#[tokio::test]
async fn what_comes_of_the_wish_to_cancel_is_told() {
    for (behaviour, told) in [
        (Behaviour::status(403), "Sevalla refused to cancel"),
        (Behaviour::html(502), "It is not known whether"),
        (Behaviour::HangBeforeApplying, "It is not known whether"),
    ] {
        let simulator = application(endless()).await;
        simulator.add_fault(Fault::on("cancelDeploymentV3").does(behaviour));
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, "getDeploymentV3").await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        run.assert_told(told);
    }
}

#[tokio::test]
async fn a_look_that_fails_hides_nothing_of_what_came_of_it() {
    let refuses = |operation, status| Fault::on(operation).does(Behaviour::status(status));
    let cancel = |status| refuses("cancelDeploymentV3", status);
    let agrees = || Fault::on("cancelDeploymentV3").does(Behaviour::Headers(Vec::new()));
    let look = |status| refuses("getDeploymentV3", status);
    for (cancel, look, told) in [
        (agrees(), look(503).first(1), "Cancelled deployment"),
        (
            cancel(409).first(1),
            look(409).first(1),
            "Cancelled deployment",
        ),
        (
            cancel(503).first(1),
            look(503).first(1),
            "Cancelled deployment",
        ),
        (agrees(), look(404), "Sevalla agreed to cancel"),
        (cancel(403), look(404), "Sevalla refused to cancel"),
    ] {
        let simulator = application(endless()).await;
        // Slow, so that no earlier look meets the fault.
        simulator.add_fault(cancel.delayed(Duration::from_millis(300)));
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, "getDeploymentV3").await;
        running.signal("INT").await;
        called(&simulator, "cancelDeploymentV3").await;
        simulator.add_fault(look);
        let run = running.finish().await;

        run.assert_ended(130, "interrupted");
        run.assert_told(told);
    }
}

/// The end was seen, and its log is still being read.
#[tokio::test]
async fn what_has_ended_is_not_cancelled_while_its_log_is_read() {
    for (script, told) in [
        (Script::failed(), "had failed before"),
        (Script::success(), "had succeeded and is live"),
    ] {
        let simulator = application(script).await;
        let logs = "getApplicationDeploymentLogsV3";
        simulator.add_fault(Fault::on(logs).does(Behaviour::HangBeforeApplying));
        // With these it is read after the end alone.
        let running = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOGS", "off")
            .set("SEVALLA_LOG_FILE", "deploy.log")
            .start();
        called(&simulator, logs).await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        run.assert_told(told);
        assert!(!run.streams().contains("cancelling"), "{}", run.streams());
        assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
    }
}

#[tokio::test]
async fn a_deployment_that_has_succeeded_already_is_told_to_be_live() {
    let simulator = application(Script::success().run(Duration::from_millis(50))).await;
    // Without this the success would be seen before the signal.
    simulator.add_fault(Fault::on("validateApiKeyV3").does(Behaviour::HangBeforeApplying));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "triggerDeploymentV3").await;
    until(|| simulator.deployments(APP)[0].status.as_deref() == Some("success")).await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("Too late to cancel");
    assert_eq!(run.output("status"), "success");
}

#[tokio::test]
async fn it_goes_on_when_that_is_wanted() {
    let simulator = application(endless()).await;
    let running = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_CANCEL", "leave")
        .start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "TERM").await;

    run.assert_ended(143, "interrupted");
    run.assert_told("was last seen running, at ");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

/// A wrapper such as npm, a terminal and a parent, or `tini -g`.
#[tokio::test]
async fn signals_in_quick_succession_are_one_request() {
    let bursts: [&[&str]; 3] = [
        &["INT", "INT"],
        &["TERM", "TERM", "TERM"],
        &["INT", "TERM", "HUP"],
    ];
    for burst in bursts {
        let simulator = application(endless().cancel_delay(Duration::from_millis(500))).await;
        let running = Runner::deploys_app(&simulator).start();
        called(&simulator, "getDeploymentV3").await;
        running.signals(burst).await;
        let run = running.finish().await;

        run.assert_told("Cancelled deployment");
        assert_eq!(run.output("outcome"), "interrupted");
        assert_eq!(simulator.calls("cancelDeploymentV3"), 1, "{burst:?}");
        let status = simulator.deployments(APP)[0].status.clone();
        assert_eq!(status.as_deref(), Some("cancelled"), "{burst:?}");
    }
}

/// After the time in which a signal is the same request.
async fn insists(running: &Running) {
    tokio::time::sleep(SAME_REQUEST + Duration::from_millis(100)).await;
    running.signal("TERM").await;
}

#[tokio::test]
async fn a_later_signal_ends_at_once() {
    let simulator = application(endless()).await;
    simulator.add_fault(Fault::on("cancelDeploymentV3").does(Behaviour::HangBeforeApplying));
    let running = Runner::deploys_app(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    running.signal("INT").await;
    called(&simulator, "cancelDeploymentV3").await;
    insists(&running).await;
    let run = running.finish().await;

    run.assert_ended(130, "interrupted");
    run.assert_told("Another signal came, so the run ended at once");
}

/// Nobody reads what it says, so it cannot end by itself.
#[tokio::test]
async fn a_later_signal_ends_a_run_that_is_blocked() {
    let simulator = application(endless()).await;
    let (running, _unread) = Runner::deploys_app(&simulator).start_blocked().await;
    // By now it listens for signals.
    called(&simulator, "getApplicationV3").await;
    running.signal("INT").await;
    // Nothing shows when it heeds that, and the time counts from then.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    insists(&running).await;
    let status = running.ends_unread().await;

    assert_eq!((status.code(), status.signal()), (Some(130), None));
}

#[tokio::test]
async fn a_hang_up_that_was_ignored_at_the_start_stays_ignored() {
    let simulator = application(Script::success().run(Duration::from_secs(1))).await;
    let running = Runner::deploys_app(&simulator)
        .started_by(&["nohup"])
        .start();
    called(&simulator, "getDeploymentV3").await;
    running.signal("HUP").await;
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert!(!run.streams().contains("SIGHUP"), "{}", run.streams());
}

/// As of a job in the background of a script, and of all jobs of a CI's runner
/// that was started there.
#[tokio::test]
async fn an_interrupt_that_was_ignored_at_the_start_is_heeded() {
    let simulator = application(endless()).await;
    let running = Runner::deploys_app(&simulator)
        .started_by(&["env", "--ignore-signal=INT"])
        .start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
}

#[tokio::test]
async fn the_end_of_our_time_leaves_or_cancels_the_deployment() {
    let simulator = application(endless()).await;
    let runner = Runner::deploys_app(&simulator).set("SEVALLA_TIMEOUT", "6s");
    let run = runner.run().await;
    run.assert_ended(4, "timed-out");
    run.assert_told("It was last seen running, at ");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);

    let simulator = application(Script::success().never_starts()).await;
    let runner = Runner::deploys_app(&simulator).set("SEVALLA_TIMEOUT", "6s");
    let run = runner.set("SEVALLA_ON_TIMEOUT", "cancel").run().await;
    run.assert_ended(4, "timed-out");
    run.assert_told("waiting in the queue");
    run.assert_told("next:  Raise timeout\n");
    assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
    assert!(run.took < SOON);
}
