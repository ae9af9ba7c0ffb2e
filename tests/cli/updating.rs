//! Changing settings.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, Change, Database, Fault, LARGE_DATABASE, Simulator, StaticSite, World,
};

use crate::harness::{APP, Runner, SITE, called, stopped, until};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

async fn world() -> Simulator {
    Simulator::start(
        World::new()
            .application(Application::new(APP).auto_deploy(true))
            .static_site(StaticSite::new(SITE))
            .database(Database::new(DATABASE)),
    )
    .await
}

fn update_app(simulator: &Simulator, settings: &str) -> Runner {
    Runner::does(simulator, "update-app")
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_SETTINGS", settings)
}

/// The body of the last change.
fn sent(simulator: &Simulator, operation: &str) -> serde_json::Value {
    let mut calls = simulator.journal().into_iter().rev();
    let call = calls.find(|call| call.operation == operation);
    call.unwrap().json().unwrap()
}

#[tokio::test]
async fn only_what_differs_is_sent_and_it_is_shown_before_and_after() {
    let simulator = world().await;
    let settings = r#"{"auto_deploy":false,"default_branch":"refs/heads/main","build_path":"app"}"#;
    let run = update_app(&simulator, settings).run().await;
    run.assert_ended(0, "success");
    run.assert_told("auto_deploy: true → false");
    run.assert_told("at the next deployment");
    assert_eq!(
        sent(&simulator, "updateApplicationV3"),
        json!({"auto_deploy": false, "build_path": "app"})
    );
    assert!(!simulator.application(APP).unwrap().auto_deploy);
    let result: serde_json::Value = serde_json::from_str(&run.output("result")).unwrap();
    assert_eq!(result[0]["setting"], "auto_deploy");

    let run = update_app(&simulator, settings).run().await;
    run.assert_ended(0, "success");
    run.assert_told("Nothing to change");
    assert_eq!(simulator.calls("updateApplicationV3"), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_are_named_and_nothing_is_sent() {
    let simulator = world().await;
    let settings = r#"{"auto_deploi":1,"hibernate_after_seconds":0,"source":7}"#;
    let run = update_app(&simulator, settings).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("did you mean auto_deploy?");
    run.assert_told("hibernate_after_seconds must be a whole number from 1 to 604800");
    run.assert_told("source must be one of privateGit, publicGit, dockerImage");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_word_that_is_not_known_is_sent_with_a_warning() {
    let simulator = world().await;
    let run = update_app(&simulator, r#"{"build_type":"buildah"}"#)
        .run()
        .await;
    // The service decides.
    run.assert_ended(9, "rejected");
    run.assert_told("build_type is \"buildah\", which this program does not know");
    run.assert_told("Known: dockerfile, pack, nixpacks, railpack, ingot");
    let run = update_app(&simulator, r#"{"build_type":"ingot"}"#)
        .run()
        .await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_static_site_takes_the_paths_that_deploy_it() {
    let simulator = world().await;
    for settings in [
        r#"{"allow_deploy_paths":["docs/**"]}"#,
        r#"{"ignore_deploy_paths":["README.md"]}"#,
    ] {
        let run = Runner::does(&simulator, "update-static-site")
            .set("SEVALLA_STATIC_SITE_ID", SITE)
            .set("SEVALLA_SETTINGS", settings);
        run.run().await.assert_ended(0, "success");
    }
    let both = r#"{"allow_deploy_paths":[],"ignore_deploy_paths":[]}"#;
    let run = Runner::does(&simulator, "update-static-site")
        .set("SEVALLA_STATIC_SITE_ID", SITE)
        .set("SEVALLA_SETTINGS", both);
    run.run().await.assert_ended(2, "invalid-input");
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let simulator = world().await;
    let run = update_app(&simulator, r#"{"auto_deploy":false}"#).set("SEVALLA_DRY_RUN", "true");
    let run = run.run().await;
    run.assert_ended(0, "planned");
    run.assert_told("auto_deploy: true → false");
    run.assert_told("would change 1 setting of application");
    assert_eq!(simulator.calls("updateApplicationV3"), 0);
}

#[tokio::test]
async fn a_static_site_is_changed() {
    let simulator = world().await;
    let run = Runner::does(&simulator, "update-static-site")
        .set("SEVALLA_STATIC_SITE_ID", SITE)
        .set(
            "SEVALLA_SETTINGS",
            r#"{"build_command":"make","error_file":null}"#,
        );
    run.run().await.assert_ended(0, "success");
    assert_eq!(
        sent(&simulator, "updateStaticSiteV3"),
        json!({"build_command": "make"})
    );
}

#[tokio::test]
async fn a_database_grows_to_a_size_by_its_name() {
    let simulator = world().await;
    let grow = |size: &str| {
        Runner::does(&simulator, "update-database")
            .set("SEVALLA_DATABASE_ID", DATABASE)
            .set(
                "SEVALLA_SETTINGS",
                json!({ "resource_type": size }).to_string(),
            )
    };
    let run = grow("db2").run().await;
    run.assert_ended(0, "success");
    assert_eq!(
        sent(&simulator, "updateDatabaseV3"),
        json!({"resource_type_id": LARGE_DATABASE})
    );
    assert_eq!(
        simulator.database_status(DATABASE).as_deref(),
        Some("ready")
    );
    let run = grow("huge").run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("No size of databases is called \"huge\"; there are DB1");
}

#[tokio::test]
async fn a_change_that_fails_or_takes_too_long_is_told() {
    let grow = |simulator: &Simulator| {
        Runner::does(simulator, "update-database")
            .set("SEVALLA_DATABASE_ID", DATABASE)
            .set("SEVALLA_SETTINGS", r#"{"resource_type":"DB2"}"#)
    };
    let long = Change::takes(Duration::from_secs(3600));
    let simulator =
        Simulator::start(World::new().database(Database::new(DATABASE).update(long))).await;
    let run = grow(&simulator).set("SEVALLA_TIMEOUT", "6s").run().await;
    run.assert_ended(4, "timed-out");
    run.assert_told("its status is updating");

    let simulator =
        Simulator::start(World::new().database(Database::new(DATABASE).update(long))).await;
    let running = grow(&simulator).start();
    until(|| simulator.calls("getDatabaseV3") > 1).await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Sevalla has accepted the change; this run did not see it completed");
    assert!(!run.streams().contains("was not seen"), "{}", run.streams());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    for lost in [
        Behaviour::ResetAfterApplying,
        Behaviour::ResetBeforeApplying,
        Behaviour::html(502),
        Behaviour::CutBody,
    ] {
        let simulator = world().await;
        simulator.add_fault(Fault::on("updateApplicationV3").nth(1).does(lost.clone()));
        let run = update_app(&simulator, r#"{"auto_deploy":false}"#)
            .run()
            .await;
        run.assert_ended(0, "success");
        assert!(!simulator.application(APP).unwrap().auto_deploy, "{lost:?}");
    }
}

#[tokio::test]
async fn refusals_and_signals_are_told() {
    let simulator = world().await;
    simulator.forbid("updateApplicationV3");
    let run = update_app(&simulator, r#"{"auto_deploy":false}"#)
        .run()
        .await;
    run.assert_ended(5, "unauthorized");
    let run = update_app(&simulator, r#"{"source":"dockerImage"}"#);
    run.run().await.assert_ended(5, "unauthorized");

    let simulator = world().await;
    let run = update_app(&simulator, r#"{"source":"dockerImage"}"#)
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told("docker_image is required");
    simulator.add_fault(Fault::on("updateApplicationV3").does(Behaviour::HangAfterApplying));
    let running = update_app(&simulator, r#"{"auto_deploy":false}"#).start();
    let hangs = || simulator.calls("updateApplicationV3") > 1;
    until(hangs).await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Whether the last request took effect was not seen");
    called(&simulator, "getApplicationV3").await;
}
