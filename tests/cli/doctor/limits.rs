//! The doctor's own limits, and responses that a set-up does not explain.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, Database, Fault, PastDeployment, Pipeline, Script, Simulator,
    StaticSite, World,
};

use super::{DATABASE, doctor, finds, of_app, of_everything, world};
use crate::harness::{APP, PIPELINE, Runner, SITE, ids};
use crate::web::{Web, answer, redirect};

/// A fault whose response has this body.
fn shape(operation: &str, body: Value) -> Fault {
    Fault::on(operation).does(Behaviour::WrongShape(body))
}

/// A world in which the response of an operation has this body.
pub(super) fn with(operation: &str, body: Value) -> World {
    world().fault(shape(operation, body))
}

#[tokio::test]
async fn a_slow_api_ends_within_the_limit_and_is_a_problem_of_the_network() {
    let slow = Fault::on("*").does(Behaviour::Delay(Duration::from_secs(4)));
    let silent = Fault::on("getApplicationV3").does(Behaviour::HangBeforeApplying);
    for (fault, text) in [
        (slow, "not checked: Sevalla responded too slowly"),
        (silent, "problem application Could not read the application"),
    ] {
        let simulator = Simulator::start(world().fault(fault)).await;
        let started = Instant::now();
        let run = of_everything(&simulator).run_impatiently().await;
        assert_eq!(run.code, Some(6), "{}", run.streams());
        run.assert_told(text);
        assert!(
            !run.streams().contains("Raise timeout"),
            "{}",
            run.streams()
        );
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn the_time_in_a_line_is_the_one_that_was_given() {
    let slow = || world().fault(Fault::on("*").does(Behaviour::Delay(Duration::from_secs(4))));
    for (timeout, inputs, limit, fix) in [
        (
            "30m",
            &[("SEVALLA_APP_ID", APP)][..],
            "15 s",
            "Run the doctor again later",
        ),
        (
            "8s",
            &[("SEVALLA_APP_ID", APP)],
            "6 s",
            "Set timeout to 20s or more",
        ),
        ("6s", &[], "6 s", "Set timeout to 20s or more"),
    ] {
        let simulator = Simulator::start(slow()).await;
        let started = Instant::now();
        let runner = doctor(&simulator).set("SEVALLA_TIMEOUT", timeout);
        let runner = inputs
            .iter()
            .fold(runner, |runner, (name, id)| runner.set(name, *id));
        let run = runner.run_impatiently().await;
        assert_eq!(run.code, Some(6), "{}", run.streams());
        let text = format!("Sevalla responded too slowly for the {limit} of its checks");
        run.assert_told(&text);
        run.assert_told(&format!("Fix: {fix}"));
        let longest = if timeout == "30m" { 20 } else { 9 };
        assert!(
            started.elapsed() < Duration::from_secs(longest),
            "{timeout}"
        );
    }
}

#[tokio::test]
async fn a_service_that_no_request_is_left_for_is_not_called_unhealthy() {
    let simulator = Simulator::start(world()).await;
    // Every redirect takes one of the requests that are left.
    let web = Web::start(|visit| match visit.target.as_str() {
        "/" => redirect(302, "/1"),
        "/1" => redirect(302, "/2"),
        "/2" => redirect(302, "/3"),
        _ => answer(200, "fine"),
    })
    .await;
    let run = of_everything(&simulator)
        .set("SEVALLA_DATABASE_ID", DATABASE)
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .run_impatiently()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("warning address     not checked: the 15 requests of a checkup were used up");
    assert!(!run.streams().contains("health check"), "{}", run.streams());
    assert_eq!(simulator.journal().len() + web.count(), 15);
}

#[tokio::test]
async fn names_are_looked_up_in_the_doctors_own_requests() {
    let name = "Shop – EU";
    let world = World::new()
        .application(
            Application::new(APP)
                .display_name(name)
                .past(PastDeployment::success()),
        )
        .static_site(
            StaticSite::new(SITE)
                .display_name(name)
                .past(PastDeployment::success()),
        )
        .pipeline(Pipeline::new(PIPELINE).display_name(name))
        .database(Database::new(DATABASE).display_name(name));
    let simulator = Simulator::start(world).await;
    let web = Web::start(|_| answer(200, "fine")).await;
    let named = |input: &str, name: &str| {
        doctor(&simulator)
            .set(input, name)
            .set("SEVALLA_VERIFY_URL", web.url("/"))
    };
    let run = named("SEVALLA_APP_ID", name).run().await;
    run.assert_ended(0, "success");
    run.assert_told(&format!(
        "ok      name        {name:?} is application {APP}"
    ));
    run.assert_told("ok      application");
    // The last of all is beyond the requests, and is no problem of the set-up.
    let run = named("SEVALLA_APP_ID", name)
        .set("SEVALLA_STATIC_SITE_ID", name)
        .set("SEVALLA_PIPELINE_ID", name)
        .set("SEVALLA_DATABASE_ID", name)
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("not checked: the 15 requests of a checkup were used up");
    let run = named("SEVALLA_APP_ID", "Shop EU").run().await;
    assert_eq!(run.code, Some(9), "{}", run.streams());
    run.assert_told("problem name        No application is called \"Shop EU\"");
    run.assert_told("Fix: Did you mean \"Shop – EU\"?");
    assert!(!run.streams().contains("The workflow"), "{}", run.streams());
}

#[tokio::test]
async fn a_name_in_a_long_list_leaves_requests_for_the_rest() {
    let others = ids(350);
    let apps = others.iter().map(|id| Application::new(id.as_str()));
    let many = apps.fold(World::new(), World::application);
    let simulator = Simulator::start(many).await;
    let run = doctor(&simulator)
        .set("SEVALLA_APP_ID", "another")
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("warning name        \"another\" is not among the newest 300 in the list");
    assert_eq!(simulator.calls("listApplicationsV3"), 3);
    // A list that does not come is one line, without the patience of a run.
    let fault = Fault::on("listApplicationsV3").does(Behaviour::status(503));
    let simulator = Simulator::start(world().fault(fault)).await;
    let started = Instant::now();
    let run = doctor(&simulator).set("SEVALLA_APP_ID", "shop").run().await;
    assert_eq!(run.code, Some(6), "{}", run.streams());
    run.assert_told("problem name");
    assert_eq!(simulator.calls("listApplicationsV3"), 1);
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_capability_of_another_service_or_in_a_name_does_not_count() {
    let another = "11111111-1111-4111-8111-111111111111";
    let bound = |id: &str| world().capabilities([("APP:READ", Some(id)), ("APP:UPDATE", Some(id))]);
    let texts = ["warning permissions APP:READ, APP:UPDATE may be missing"];
    finds(bound(another), of_app, 0, &texts).await;
    let texts = ["ok      permissions deploy-app: APP:READ, APP:UPDATE"];
    finds(bound(APP), of_app, 0, &texts).await;
    let named = json!({"name": "APP:READ APP:UPDATE", "capabilities": [],
        "roles": [{"id": "x", "name": "APP:READ", "description": "APP:UPDATE"}]});
    let texts = ["ok      permissions roles of the key: APP:READ"];
    finds(with("getCurrentApiKey", named), of_app, 0, &texts).await;
    let expired = json!({"name": "k", "company_id": "c", "status": "active",
        "expires_at": "2020-01-01T00:00:00Z"});
    let texts = [
        "warning key         accepted, although it expired on 2020-01-01",
        "Fix: Create a new key, and replace",
    ];
    finds(with("validateApiKeyV3", expired), of_app, 0, &texts).await;
    let unreadable = json!({"name": "k", "company_id": "c", "expires_at": "next summer"});
    let texts = ["warning key         accepted; the date on which it expires cannot be read"];
    finds(with("validateApiKeyV3", unreadable), of_app, 0, &texts).await;
    let disabled = json!({"is_enabled": false, "capabilities": [{"permission": "APP:READ"}]});
    let texts = [
        "warning permissions the key is disabled",
        "Fix: Enable the key at",
    ];
    finds(with("getCurrentApiKey", disabled), of_app, 0, &texts).await;
}

#[tokio::test]
async fn a_run_with_an_expired_key_does_not_speak_of_the_future() {
    let script = Script::success().run(Duration::from_millis(1500));
    let expired = json!({"status": "active", "expires_at": "2020-01-01T00:00:00Z"});
    let world = World::new().application(Application::new(APP).next(script));
    let simulator = Simulator::start(world.fault(shape("validateApiKeyV3", expired))).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_warned(&["The key expired on 2020-01-01T00:00:00Z. Create a new one."]);
}

/// The record of the application with another value in a field.
fn record(field: &str, value: &Value) -> Value {
    let mut record = json!({"id": APP, "display_name": "shop", "source": "privateGit",
        "status": "deploymentSuccess", "default_branch": "main", "auto_deploy": true});
    record[field] = value.clone();
    record
}

#[tokio::test]
async fn a_status_that_says_nothing_is_not_taken_for_none() {
    for (word, text) in [
        (json!("paused"), "1 may be running: 1 without a status"),
        (Value::Null, "1 may be running: 1 without a status"),
        (json!("waiting"), "1 waiting or running now"),
        (json!("failed"), "1 listed, none running"),
    ] {
        let page = json!({"data": [{"status": word}], "total": 1});
        finds(with("listDeploymentsV3", page), of_app, 0, &[text]).await;
    }
    let texts = ["problem deployments the response is no list"];
    finds(
        with("listDeploymentsV3", json!({"data": null})),
        of_app,
        6,
        &texts,
    )
    .await;
    let texts = ["problem application the response is not the record"];
    finds(with("getApplicationV3", json!({})), of_app, 6, &texts).await;
    let failed = record("status", &json!("appDeletionFailed"));
    let texts = ["warning application shop was to be deleted, and that failed"];
    finds(with("getApplicationV3", failed), of_app, 0, &texts).await;
    let huge = record("display_name", &json!("x".repeat(100_000)));
    let simulator = Simulator::start(with("getApplicationV3", huge)).await;
    let run = of_app(doctor(&simulator)).run().await;
    assert!(run.streams().lines().all(|line| line.len() < 700));
}

#[tokio::test]
async fn automatic_deployment_is_that_of_the_branch_and_of_the_source() {
    let follow = |branch: &'static str| {
        move |runner: Runner| {
            of_app(runner)
                .set("SEVALLA_FOR_ACTION", "follow")
                .set("SEVALLA_BRANCH", branch)
        }
    };
    let pushes = || with("getApplicationV3", record("status", &Value::Null));
    let texts = ["ok      automatic   pushes to main are deployed"];
    finds(pushes(), follow("main"), 0, &texts).await;
    let texts = [
        "warning automatic   pushes to main are deployed, not those to feature: `follow` finds no",
        "Fix: Follow on main alone, or deploy feature from here",
    ];
    finds(pushes(), follow("feature"), 0, &texts).await;
    let public = || with("getApplicationV3", record("source", &json!("publicGit")));
    let texts = [
        "warning automatic   Sevalla does not deploy pushes to a public repository",
        "Fix: Deploy from here",
    ];
    finds(public(), follow("main"), 0, &texts).await;
    let texts = ["ok      automatic   Sevalla does not deploy pushes"];
    finds(public(), of_app, 0, &texts).await;
}

#[tokio::test]
async fn a_company_without_services_is_not_called_right() {
    let simulator = Simulator::start(World::new()).await;
    let run = doctor(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("warning services    the key sees no application");
    assert!(!run.streams().contains("The set-up is right"));
}

#[tokio::test]
async fn verify_contains_is_compared_unless_it_names_a_deployment() {
    let simulator = Simulator::start(world()).await;
    let web = Web::start(|_| answer(200, "fine")).await;
    for (expected, text) in [
        ("fine", "ok      address     responds"),
        ("{commit}", "ok      address     responds"),
        ("other", "the body does not hold \"other\""),
    ] {
        let run = of_app(doctor(&simulator))
            .set("SEVALLA_VERIFY_URL", web.url("/"))
            .set("SEVALLA_VERIFY_CONTAINS", expected)
            .run()
            .await;
        run.assert_told(text);
    }
}

#[tokio::test]
async fn the_printed_report_is_apart_and_has_nothing_of_the_lines_around_it() {
    let body = json!({"data": [{"id": "d", "status": "db.internal.acme", "type": "Jane:Doe"}],
        "next_cursor": "x"});
    let me = json!({"id": "x", "is_enabled": true, "shoe_size": 1, "capabilities": ["APP:READ"]});
    let faulty = with("listDeploymentsV3", body).fault(shape("getCurrentApiKey", me));
    let simulator = Simulator::start(faulty).await;
    let run = of_everything(&simulator)
        .set("SEVALLA_REPORT", "true")
        .run()
        .await;
    let said = run.streams();
    let (_, rest) = said.split_once("\n```text\n").unwrap();
    let (report, _) = rest.split_once("\n```\n").unwrap();
    assert!(report.starts_with("sevalla-deploy "), "{report}");
    for line in [
        "  field page.next_cursor",
        "  field current-key.shoe_size",
        "  word deployment.status",
        "  word deployment.type",
        "  current-key.is_enabled: boolean",
        "  current-key.capabilities: list",
    ] {
        assert!(
            report.lines().any(|other| other == line),
            "{line}\n{report}"
        );
    }
    for private in [APP, SITE, PIPELINE, "shop", "acme", "Jane", "127.0.0.1"] {
        assert!(!report.contains(private), "{private}\n{report}");
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_one_line() {
    let simulator = Simulator::start(world()).await;
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_REPORT_FILE", "/no-such-folder/report.txt")
        .run()
        .await;
    assert_eq!(run.code, Some(2), "{}", run.streams());
    run.assert_told("problem files       report-file cannot be written");
    assert!(!run.streams().contains("The report could not be written"));
}
