//! Deleting one preview app, and cleaning up many.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, Deletion, DeploymentType, Fault, PastDeployment, Script, Simulator,
    World,
};

use crate::harness::{APP, Runner, SOON, called, stopped, together, until};

/// A preview app of `topic`.
fn preview(id: &str, deletion: Deletion) -> Application {
    Application::new(id)
        .display_name("topic")
        .kind("previewApp")
        .source("app")
        .default_branch("topic")
        .past(PastDeployment::success())
        .deletion(deletion)
}

async fn started(app: Application) -> Simulator {
    Simulator::start(World::new().application(app)).await
}

fn deletes(simulator: &Simulator) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "delete-preview-app")
        .set("SEVALLA_APP_ID", APP)
}

/// Runs at once: one that still waits is cancelled in another way.
fn endless() -> Script {
    Script::success().queue(Duration::ZERO).never_ends()
}

#[tokio::test]
async fn what_is_in_the_way_is_cancelled() {
    let simulator = started(preview(APP, Deletion::new().takes(Duration::from_secs(2)))).await;
    let running = simulator.add_deployment(APP, DeploymentType::Automatic, endless());
    let waiting = simulator.add_deployment(APP, DeploymentType::Manual, endless());
    let run = deletes(&simulator).on_github().run().await;

    run.assert_ended(0, "success");
    run.assert_told(&running);
    run.assert_told(&waiting);
    run.assert_told("Deleted preview app topic");
    assert!(simulator.application(APP).is_none());
    assert_eq!(run.output("preview-app-id"), APP);
    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains("success"), "{summary}");
    // Cancelled first: which code the refusal has is not documented.
    assert_eq!(simulator.calls("deleteApplicationV3"), 1);
}

#[tokio::test]
async fn a_refusal_while_it_is_busy_is_waited_out() {
    let mut cases = Vec::new();
    for code in [400, 409] {
        let simulator = started(preview(APP, Deletion::new().refused_with(code))).await;
        // Sevalla still counts a deployment that was cancelled as running.
        let stubborn = endless().cancel_delay(Duration::from_secs(25));
        simulator.add_deployment(APP, DeploymentType::Manual, stubborn);
        cases.push(simulator);
    }
    let runs = cases.iter().map(|simulator| deletes(simulator).run());
    let runs = futures_util::future::join_all(runs).await;
    for (simulator, run) in cases.iter().zip(runs) {
        run.assert_ended(0, "success");
        run.assert_told("cannot be deleted yet");
        assert!(simulator.application(APP).is_none());
        assert!(simulator.calls("deleteApplicationV3") > 1);
    }
}

#[tokio::test]
async fn what_is_gone_is_as_good_as_deleted() {
    let simulator = Simulator::start(World::new()).await;
    let run = deletes(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("was already gone");
    assert!(!run.streams().contains("found"), "{}", run.streams());

    let by_branch = Runner::against(&simulator)
        .set("SEVALLA_ACTION", "delete-preview-app")
        .set("SEVALLA_BRANCH", "topic");
    let run = by_branch.run().await;
    run.assert_ended(0, "success");
    run.assert_told("There is no such preview app");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

/// Deletes the app of a branch or pull request, in no known CI.
fn deletes_by(simulator: &Simulator, name: &str, value: &str) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "delete-preview-app")
        .set(name, value)
}

#[tokio::test]
async fn an_app_is_found_by_the_number_in_its_name() {
    let app = preview(APP, Deletion::new()).display_name("PR #12 topic");
    let other = "5a0d5a1f-8a57-4c0b-9d5e-2f6d1f0f7a12";
    let others = preview(other, Deletion::new())
        .display_name("PR #121 other")
        .default_branch("other");
    let simulator = Simulator::start(World::new().application(app).application(others)).await;
    let run = deletes_by(&simulator, "SEVALLA_PULL_REQUEST_NUMBER", "12")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert!(simulator.application(APP).is_none());
    assert!(simulator.application(other).is_some());
}

#[tokio::test]
async fn a_branch_alone_does_not_tell_whose_app_it_is() {
    for name in ["topic", "PR #12 topic"] {
        let app = preview(APP, Deletion::new()).display_name(name);
        let simulator = started(app).await;
        let run = deletes_by(&simulator, "SEVALLA_BRANCH", "topic")
            .run()
            .await;
        run.assert_ended(9, "rejected");
        run.assert_told(APP);
        run.assert_told("name it with app-id");
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }
}

#[tokio::test]
async fn an_application_that_is_no_preview_is_never_deleted() {
    let simulator = started(Application::new(APP).display_name("shop")).await;
    simulator.add_deployment(APP, DeploymentType::Manual, endless());
    let run = deletes(&simulator).run().await;

    run.assert_ended(9, "rejected");
    run.assert_told("shop is not a preview app: its type is app");
    run.assert_told("Check app-id");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    // Nor one whose type the service does not tell.
    for record in [
        serde_json::json!({ "id": APP, "display_name": "shop" }),
        serde_json::json!({ "id": APP, "display_name": "shop", "type": null }),
        serde_json::json!({ "id": APP, "display_name": "shop", "type": ["previewApp"] }),
        serde_json::json!({ "id": APP, "display_name": "shop", "type": "previewapp" }),
    ] {
        let simulator = started(Application::new(APP)).await;
        let fault = Fault::on("getApplicationV3").does(Behaviour::WrongShape(record));
        simulator.add_fault(fault);
        deletes(&simulator).run().await.assert_ended(9, "rejected");
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }
}

#[tokio::test]
async fn a_deletion_that_fails_fails_the_run() {
    let deletion = Deletion::new().takes(Duration::from_millis(200)).fails();
    let simulator = started(preview(APP, deletion)).await;
    let run = deletes(&simulator).run().await;

    run.assert_ended(1, "failed");
    run.assert_told("failed to delete preview app");
    run.assert_told("Run this again, delete it in the dashboard");
    assert!(simulator.application(APP).is_some());
}

#[tokio::test]
async fn a_deletion_that_failed_before_is_tried_again() {
    let simulator = started(preview(APP, Deletion::new().takes(Duration::from_secs(3)))).await;
    // The failure of before is still told for a while after the new asking.
    let record = serde_json::json!({
        "id": APP, "display_name": "topic", "type": "previewApp", "status": "appDeletionFailed",
    });
    let old_news = Fault::on("getApplicationV3").first(3);
    simulator.add_fault(old_news.does(Behaviour::WrongShape(record)));
    let run = deletes(&simulator).run().await;

    run.assert_ended(0, "success");
    assert!(simulator.application(APP).is_none());
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_no_failure() {
    for (lost, takes) in [
        (Behaviour::ResetAfterApplying, Duration::from_secs(4)),
        (Behaviour::ResetAfterApplying, Duration::ZERO),
        (Behaviour::ResetBeforeApplying, Duration::ZERO),
        (Behaviour::html(502), Duration::ZERO),
    ] {
        let simulator = started(preview(APP, Deletion::new().takes(takes))).await;
        simulator.add_fault(Fault::on("deleteApplicationV3").first(1).does(lost));
        let run = deletes(&simulator).run().await;

        run.assert_ended(0, "success");
        assert!(simulator.application(APP).is_none());
        let streams = run.streams();
        assert!(!streams.contains("cannot be deleted yet"), "{streams}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_delete_is_told_at_once() {
    let simulator = started(preview(APP, Deletion::new())).await;
    simulator.forbid("deleteApplicationV3");
    let run = deletes(&simulator).run().await;

    run.assert_ended(5, "unauthorized");
    run.assert_told("The key can: APP:READ");
    assert_eq!(simulator.calls("deleteApplicationV3"), 1);
    assert!(run.took < SOON, "{:?}", run.took);
}

#[tokio::test]
async fn an_app_that_is_not_gone_in_time_is_told() {
    let slow = Deletion::new().takes(Duration::from_secs(600));
    let simulator = started(preview(APP, slow)).await;
    let run = deletes(&simulator).set("SEVALLA_TIMEOUT", "7s").run().await;

    run.assert_ended(4, "timed-out");
    run.assert_told("agreed to delete preview app");
}

#[tokio::test]
async fn a_signal_says_that_the_end_was_not_seen() {
    let slow = Deletion::new().takes(Duration::from_secs(600));
    let simulator = started(preview(APP, slow)).await;
    let running = deletes(&simulator).start();
    until(|| simulator.calls("getApplicationV3") > 1).await;
    let run = stopped(running, "TERM").await;

    run.assert_ended(143, "interrupted");
    run.assert_told("Sevalla agreed to delete preview app topic");
    run.assert_told("deleting twice does no harm");
    run.assert_told("SIGTERM: ending the run");
}

#[tokio::test]
async fn a_signal_before_anything_was_sent_has_changed_nothing() {
    let simulator = company().await;
    let hangs = |operation: &str| Fault::on(operation).does(Behaviour::HangBeforeApplying);
    simulator.add_fault(hangs("getApplicationV3"));
    let one = deletes(&simulator).start();
    called(&simulator, "getApplicationV3").await;
    let run = stopped(one, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Nothing was changed");
    run.assert_told("SIGINT: ending the run");

    simulator.add_fault(hangs("listApplicationsV3"));
    let many = cleans(&simulator).start();
    called(&simulator, "listApplicationsV3").await;
    let run = stopped(many, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Nothing was changed");
    run.assert_told("SIGINT: ending the run");
}

#[tokio::test]
async fn one_that_is_being_deleted_is_waited_for_however_it_is_found() {
    let of_request = || {
        preview(APP, Deletion::new().takes(Duration::from_secs(3600)))
            .display_name("PR #12 topic")
            .repo_url("https://github.com/octo/shop")
    };
    let inputs = [
        ("SEVALLA_PULL_REQUEST_NUMBER", "12"),
        ("SEVALLA_BRANCH", "topic"),
    ];
    together(inputs.map(|(name, value)| async move {
        let simulator = started(of_request()).await;
        let deletes = || deletes_by(&simulator, name, value).on_github();
        for _ in 0..2 {
            let run = deletes().set("SEVALLA_TIMEOUT", "5s").run().await;
            run.assert_ended(4, "timed-out");
            run.assert_told("agreed to delete preview app PR #12 topic");
        }
        assert_eq!(simulator.calls("deleteApplicationV3"), 1);
    }))
    .await;
}

#[tokio::test]
async fn only_the_api_itself_can_say_that_it_is_gone() {
    let simulator = started(preview(APP, Deletion::new())).await;
    simulator.add_fault(Fault::on("getApplicationV3").does(Behaviour::html(404)));
    let run = deletes(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("Check api-url");
}

#[tokio::test]
async fn an_answer_about_another_app_is_not_believed() {
    let simulator = started(Application::new(APP)).await;
    let other = serde_json::json!({ "id": id(1), "type": "previewApp" });
    simulator.add_fault(Fault::on("getApplicationV3").does(Behaviour::WrongShape(other)));
    let run = deletes(&simulator).set("SEVALLA_TIMEOUT", "5s").run().await;
    run.assert_ended(6, "unavailable");
    assert_eq!(simulator.calls("deleteApplicationV3"), 0);
}

#[tokio::test]
async fn a_dry_run_deletes_nothing() {
    let simulator = started(preview(APP, Deletion::new())).await;
    let run = deletes(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;

    run.assert_ended(0, "planned");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

/// The id of an application with this number.
fn id(number: u32) -> String {
    format!("7f1c1d0e-8a57-4c0b-9d5e-{number:012}")
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Three old previews, a new one, an old one that is being deployed, and an old
/// application that is none.
async fn company() -> Simulator {
    let aged = |number: u32, days: u32| {
        let past = PastDeployment::success().ago(DAY * days);
        Application::new(id(number))
            .display_name(format!("topic {number}"))
            .kind("previewApp")
            .past(past)
    };
    let world = World::new()
        .application(aged(1, 10))
        .application(aged(2, 5))
        .application(aged(3, 4))
        .application(aged(4, 1))
        .application(aged(5, 20))
        .application(aged(6, 30).kind("app"));
    let simulator = Simulator::start(world).await;
    simulator.add_deployment(&id(5), DeploymentType::Automatic, endless());
    simulator
}

fn cleans(simulator: &Simulator) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "clean-previews")
        .set("SEVALLA_MAX_AGE", "72h")
}

fn left(simulator: &Simulator) -> Vec<u32> {
    let is_there = |number: &u32| simulator.application(&id(*number)).is_some();
    (1..=6).filter(is_there).collect()
}

#[tokio::test]
async fn previews_that_are_too_old_are_deleted_and_nothing_else() {
    let simulator = company().await;
    let dry = cleans(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    dry.assert_ended(0, "planned");
    for number in [1, 2, 3] {
        dry.assert_told(&format!(
            "topic {number} ({}): not deployed since",
            id(number)
        ));
    }
    dry.assert_told("would delete 3 preview apps");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    let run = cleans(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("Deleted 3 preview apps");
    assert_eq!(left(&simulator), [4, 5, 6]);
}

#[tokio::test]
async fn a_cleaning_that_has_not_seen_the_end_is_no_success() {
    let old = Application::new(id(1))
        .display_name("topic 1")
        .kind("previewApp")
        .past(PastDeployment::success().ago(DAY * 10))
        .deletion(Deletion::new().takes(Duration::from_secs(3600)));
    let simulator = started(old).await;
    let run = cleans(&simulator).set("SEVALLA_TIMEOUT", "5s").run().await;
    run.assert_ended(4, "timed-out");
    let one = format!(
        "accepted, but not gone in time: 1 (preview app topic 1 ({}))",
        id(1)
    );
    run.assert_told(&one);
}

#[tokio::test]
async fn what_has_ended_keeps_no_preview() {
    let simulator = company().await;
    let ended = serde_json::json!({
        "id": "d-1", "status": "superseded",
        "created_at": "2020-01-01T10:00:00Z", "finished_at": "2020-01-01T10:05:00Z",
    });
    let page = serde_json::json!({ "data": [ended], "total": 1, "offset": 0, "limit": 50 });
    let list = Fault::on("listDeploymentsV3").path_contains(id(1));
    simulator.add_fault(list.does(Behaviour::WrongShape(page)));
    cleans(&simulator).run().await.assert_ended(0, "success");
    assert_eq!(left(&simulator), [4, 5, 6]);
}

#[tokio::test]
async fn one_run_deletes_no_more_than_it_may() {
    let simulator = company().await;
    let run = cleans(&simulator)
        .set("SEVALLA_MAX_DELETIONS", "1")
        .run()
        .await;

    run.assert_ended(0, "success");
    run.assert_told("More previews could be deleted; max-deletions allows 1");
    assert_eq!(simulator.calls("deleteApplicationV3"), 1);
    assert_eq!(left(&simulator).len(), 5);
}

#[tokio::test]
async fn one_that_cannot_be_deleted_does_not_keep_the_others() {
    let simulator = company().await;
    let refused = Fault::on("deleteApplicationV3").path_contains(id(2));
    simulator.add_fault(refused.does(Behaviour::status(403)));
    let run = cleans(&simulator).run().await;

    run.assert_ended(5, "unauthorized");
    run.assert_told("It was topic 2");
    run.assert_told("Deleted 2 preview apps");
    assert_eq!(left(&simulator), [2, 4, 5, 6]);
}

#[tokio::test]
async fn one_that_is_deployed_while_others_are_deleted_stays() {
    let old = |number: u32, days: u32| {
        Application::new(id(number))
            .kind("previewApp")
            .past(PastDeployment::success().ago(DAY * days))
            .deletion(Deletion::new().takes(Duration::from_secs(1)))
    };
    let world = World::new().application(old(1, 20)).application(old(2, 10));
    let simulator = Simulator::start(world).await;
    let running = cleans(&simulator).start();
    called(&simulator, "deleteApplicationV3").await;
    let is_there = |number: &&u32| {
        let app = simulator.application(&id(**number));
        app.is_some_and(|app| app.status.as_deref() != Some("deleting"))
    };
    let waits = [1, 2].iter().find(is_there).copied().unwrap();
    simulator.add_deployment(&id(waits), DeploymentType::Automatic, endless());
    let run = running.finish().await;

    run.assert_ended(0, "success");
    run.assert_told("Deleted 1 preview app");
    assert!(simulator.application(&id(waits)).is_some());
}

#[tokio::test]
async fn what_was_gone_before_is_no_deletion() {
    let simulator = company().await;
    // Read once to be judged, and gone when it is to be deleted.
    let gone = Fault::on("getApplicationV3").path_contains(id(2)).after(1);
    simulator.add_fault(gone.does(Behaviour::status(404)));
    let run = cleans(&simulator).run().await;

    run.assert_ended(0, "success");
    run.assert_told("Deleted 2 preview apps; already gone: 1");
}

#[tokio::test]
async fn an_age_is_needed() {
    let simulator = company().await;
    let run = Runner::against(&simulator)
        .set("SEVALLA_ACTION", "clean-previews")
        .run()
        .await;

    run.assert_ended(2, "invalid-input");
    run.assert_told("max-age");
    assert!(simulator.journal().is_empty());
}
