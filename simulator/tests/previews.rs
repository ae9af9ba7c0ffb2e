//! Preview apps: made, redeployed, deleted.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::{APP, Client, PIPELINE, SITE, STAGED, deployments, ms, start};
use serde_json::json;
use sevalla_simulator::{
    Application, Deletion, DeploymentType, Limits, PastDeployment, Pipeline, Preview, Push,
    RollbackBody, Script, Simulator, StaticSite, World,
};

fn started(preview: Preview) -> (Simulator, Client) {
    let pipeline = Pipeline::new(PIPELINE).preview(preview);
    let simulator = start(World::new().pipeline(pipeline));
    let client = Client::of(&simulator);
    (simulator, client)
}

fn create(client: &Client, body: &str) -> common::Reply {
    client.post_json(&format!("/pipelines/{PIPELINE}/preview/apps"), body)
}

#[test]
fn an_app_is_made_and_deploys_by_itself() {
    let template = Application::new(APP).next(Script::failed().queue(ms(0)).run(ms(0)));
    let preview = Preview::new().next(template).deploys_after(ms(150));
    let (simulator, client) = started(preview);
    let made = create(&client, r#"{"branch":"feature/x","pull_request_number":7}"#);
    assert_eq!(made.status, 201);
    let summary = made.json();
    assert_eq!(summary["id"], APP);
    assert_eq!(summary["display_name"], "PR #7 feature/x");
    assert_eq!(
        (&summary["type"], &summary["source"]),
        (&json!("previewApp"), &json!("app"))
    );
    assert_eq!(summary["status"], json!(null));
    assert_eq!(client.get("/applications").json()["data"][0], summary);
    assert!(summary.get("default_branch").is_none());
    let record = client.get(&format!("/applications/{APP}")).json();
    assert_eq!(record["default_branch"], "feature/x");
    let domains = client.get(&format!("/applications/{APP}/domains")).json();
    let host = format!("{}.sevalla.app", made.text("name"));
    assert_eq!(domains["data"][0]["name"], host);

    assert_eq!(client.get(&deployments(APP)).json()["total"], 0);
    simulator.advance(ms(180));
    let first = client.get(&deployments(APP)).json()["data"][0].clone();
    assert_eq!(
        (&first["status"], &first["branch"]),
        (&json!("failed"), &json!("feature/x"))
    );
    assert_eq!(simulator.deployments_made(), 1);
}

#[test]
fn creations_are_refused() {
    let (_simulator, client) = started(Preview::new());
    for body in [
        "",
        "{}",
        r#"{"branch":""}"#,
        r#"{"branch":"x","pull_request_number":0}"#,
        r#"{"branch":"x","pull_request_number":"7"}"#,
        r#"{"branch":"x","commit":"y"}"#,
    ] {
        assert_eq!(create(&client, body).status, 400, "{body}");
    }
    let other = format!("/pipelines/{APP}/preview/apps");
    assert_eq!(client.post_json(&other, r#"{"branch":"x"}"#).status, 404);
    assert_eq!(client.get("/applications").json()["total"], 0);

    let (_simulator, client) = started(Preview::new().configured(false));
    let refused = create(&client, r#"{"branch":"x"}"#);
    assert!(refused.status == 400 && refused.text("message").contains("settings"));

    let world = || World::new().pipeline(Pipeline::new(PIPELINE));
    let simulator = start(world());
    let refused = create(&Client::of(&simulator), r#"{"branch":"x"}"#);
    assert!(refused.status == 400 && refused.text("message").contains("not enabled"));

    let simulator = start(world().without("createPreviewApp"));
    assert_eq!(
        create(&Client::of(&simulator), r#"{"branch":"x"}"#).status,
        404
    );
}

#[test]
fn a_second_app_is_a_matter_of_taste() {
    let again = r#"{"branch":"x","pull_request_number":7}"#;
    let (simulator, client) = started(Preview::new().next(Application::new(APP)));
    let first = create(&client, again).text("id");
    let second = create(&client, again).text("id");
    assert_ne!(first, second);
    assert_eq!(simulator.preview_apps().len(), 2);

    let (_simulator, client) = started(Preview::new().refuses_second_with(409).answers(200));
    assert_eq!(create(&client, again).status, 200);
    assert_eq!(create(&client, r#"{"branch":"x"}"#).status, 409);
    assert_eq!(
        create(&client, again.replace('x', "y").as_str()).status,
        409
    );
    assert_eq!(create(&client, r#"{"branch":"y"}"#).status, 200);
}

#[test]
fn creations_are_limited_twice() {
    let limits = |limits: Limits| {
        let pipeline = Pipeline::new(PIPELINE).preview(Preview::new());
        let world = World::new().pipeline(pipeline).limits(limits);
        let simulator = start(world);
        let client = Client::of(&simulator);
        (simulator, client)
    };
    let (_simulator, client) = limits(Limits::documented());
    for left in ["4", "3", "2", "1", "0"] {
        let made = create(&client, r#"{"branch":"x"}"#);
        assert_eq!(made.header("x-ratelimit-remaining"), Some(left));
    }
    let refused = create(&client, r#"{"branch":"x"}"#);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-limit"), Some("5"));

    let (_simulator, client) = limits(Limits::documented().creation(1));
    create(&client, r#"{"branch":"x"}"#);
    let refused = create(&client, r#"{"branch":"x"}"#);
    assert_eq!(refused.header("retry-after"), Some("3600"));
}

#[test]
fn a_pull_request_comes_and_goes() {
    let template = Application::new(APP).deletion(Deletion::new().takes(ms(150)));
    let preview = Preview::new().next(template).auto_create_app(true);
    let (simulator, client) = started(preview.auto_creates_after(ms(100)));
    let named = create(&client, r#"{"branch":"x","pull_request_number":7}"#).text("id");
    create(&client, r#"{"branch":"x"}"#);
    simulator.open_pull_request(7, "x");
    assert_eq!(simulator.preview_apps().len(), 2);
    simulator.advance(ms(120));
    let apps = simulator.preview_apps();
    assert_eq!(apps.len(), 3);
    assert_eq!(
        (apps[0].pull_request, apps[0].branch.as_str()),
        (Some(7), "x")
    );
    assert_eq!(simulator.deployments(&apps[0].id).len(), 1);

    simulator.close_pull_request(7);
    let going = simulator.application(&named).expect("is still there");
    assert_eq!(going.status.as_deref(), Some("deleting"));
    simulator.advance(ms(180));
    assert_eq!(client.get(&format!("/applications/{named}")).status, 404);
    let left = simulator.preview_apps();
    assert_eq!(left.len(), 1, "the one without a number");
    assert_eq!(left[0].pull_request, None);
    assert_eq!(simulator.deployments_made(), 2);
}

#[test]
fn stale_apps_are_deleted_where_told() {
    let (simulator, client) = started(Preview::new());
    create(&client, r#"{"branch":"x"}"#);
    simulator.days_without_deployment(365);
    simulator.advance(ms(80));
    assert_eq!(simulator.preview_apps().len(), 1);

    let (simulator, client) = started(Preview::new().deletes_after_days(5));
    create(&client, r#"{"branch":"x"}"#);
    simulator.days_without_deployment(4);
    simulator.advance(ms(80));
    assert_eq!(simulator.preview_apps().len(), 1);
    simulator.days_without_deployment(5);
    simulator.advance(ms(80));
    assert_eq!(simulator.preview_apps().len(), 0);
}

#[test]
fn a_push_deploys_what_follows_its_branch() {
    let pipeline = Pipeline::new(PIPELINE).preview(Preview::new());
    let world = World::new()
        .application(Application::new(APP).auto_deploy(true))
        .application(Application::new(STAGED))
        .static_site(
            StaticSite::new(SITE)
                .auto_deploy(true)
                .preview_enabled(true),
        )
        .pipeline(pipeline);
    let simulator = start(world);
    let client = Client::of(&simulator);
    let preview = create(&client, r#"{"branch":"x"}"#).text("id");
    let count = |service: &str| simulator.deployments(service).len();

    simulator.push(Push::to("main").commit_sha("b".repeat(40)).after(ms(100)));
    assert_eq!((count(APP), count(SITE)), (0, 0));
    simulator.advance(ms(180));
    assert_eq!(
        (count(APP), count(SITE), count(STAGED), count(&preview)),
        (1, 1, 0, 1)
    );
    let made = &simulator.deployments(APP)[0];
    assert_eq!(made.kind, DeploymentType::Automatic);
    assert_eq!(made.trigger.as_deref(), Some("AUTO_DEPLOY_ON_PUSH"));
    assert_eq!(made.commit_sha.as_deref(), Some("b".repeat(40).as_str()));
    assert_eq!(simulator.deployments_made(), 1, "that of the preview app");

    simulator.push(Push::to("main").filtered_out(APP).without_record());
    simulator.push(Push::to("x"));
    assert_eq!((count(APP), count(SITE), count(&preview)), (1, 2, 2));
    simulator.open_pull_request(7, "x");
    simulator.push(Push::to("x"));
    assert_eq!((count(SITE), count(&preview)), (4, 3));
    let listed = client
        .get(&format!("/static-sites/{SITE}/deployments"))
        .json();
    assert_eq!(listed["data"][0]["is_preview"], true);

    simulator.push_to(
        STAGED,
        Push::new().script(Script::failed().queue(ms(0)).run(ms(0))),
    );
    let forced = &simulator.deployments(STAGED)[0];
    assert_eq!(forced.status.as_deref(), Some("failed"));
    assert_eq!(forced.branch.as_deref(), Some("main"));
}

#[test]
fn a_push_that_passes_no_path_filter_leaves_a_skipped_record() {
    let app = Application::new(APP)
        .auto_deploy(true)
        .allow_deploy_paths(["web/**"])
        .next(Script::success().never_ends());
    let site = StaticSite::new(SITE).auto_deploy(true);
    let simulator = start(World::new().application(app).static_site(site));
    let client = Client::of(&simulator);
    let record = client.get(&format!("/applications/{APP}")).json();
    assert_eq!(record["allow_deploy_paths"][0], "web/**");

    simulator.push(Push::to("main").filtered_out(SITE));
    let sha = "c".repeat(40);
    let push = Push::to("main")
        .commit_sha(&sha)
        .commit_message("Docs only");
    simulator.push(push.filtered_out(APP).filtered_out(SITE));
    for (kind, id, count) in [("applications", APP, 2), ("static-sites", SITE, 2)] {
        let listed = client.get(&format!("/{kind}/{id}/deployments")).json();
        let newest = &listed["data"][0];
        assert_eq!(newest["status"], "skipped", "while another runs: {listed}");
        assert_eq!(newest["type"], "automatic");
        assert_eq!(newest["commit_sha"], sha.as_str());
        assert_eq!(newest["commit_message"], "Docs only");
        assert_eq!(newest["started_at"], serde_json::Value::Null);
        assert_eq!(simulator.deployments(id).len(), count);
    }
}

fn delete(client: &Client) -> common::Reply {
    client.send("DELETE", &format!("/v3/applications/{APP}"), &[], "")
}

fn with(deletion: Deletion) -> (Simulator, Client) {
    let application = Application::new(APP).past(PastDeployment::success());
    let world = World::new().application(application.deletion(deletion));
    let simulator = start(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

#[test]
fn deletions_take_their_time() {
    let path = format!("/applications/{APP}");
    let (simulator, client) = with(Deletion::new().takes(ms(100)));
    assert_eq!(delete(&client).status, 200);
    assert_eq!(client.get(&path).text("status"), "deleting");
    assert_eq!(client.post_json(&deployments(APP), "{}").status, 400);
    assert_eq!(delete(&client).status, 400, "again");
    simulator.advance(ms(130));
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.get("/applications").json()["total"], 0);
    assert_eq!(delete(&client).status, 404);
    assert!(simulator.application(APP).is_none());

    let (_simulator, client) = with(Deletion::new().takes(ms(0)).fails());
    assert_eq!(delete(&client).status, 200);
    assert_eq!(client.get(&path).text("status"), "appDeletionFailed");
    assert_eq!(delete(&client).status, 200);
}

#[test]
fn a_busy_application_is_not_deleted_unless_told() {
    for (deletion, status) in [
        (Deletion::new(), 400),
        (Deletion::new().refused_with(409), 409),
        (Deletion::new().accepted_when_busy(), 200),
    ] {
        let (simulator, client) = with(deletion);
        simulator.add_deployment(APP, DeploymentType::Manual, Script::success().never_ends());
        assert_eq!(delete(&client).status, status);
    }
}

#[test]
fn rollbacks_can_pass_over_the_latest() {
    let past = |letter: &str, ago| {
        PastDeployment::success()
            .commit_sha(letter.repeat(40))
            .ago(ms(ago))
    };
    let application = Application::new(APP)
        .past(past("a", 9_000_000))
        .past(past("b", 5_000_000))
        .rolls_back_past_the_latest(true)
        .refuses_rollback_with(400);
    let lonely = Application::new(STAGED)
        .rolls_back_past_the_latest(true)
        .refuses_rollback_with(400)
        .past(PastDeployment::success());
    let world = World::new().application(application).application(lonely);
    let simulator = start(world);
    let client = Client::of(&simulator);
    let back = client.post(&format!("{}/rollback", deployments(APP)));
    assert_eq!(back.text("commit_sha"), "a".repeat(40));
    let refused = client.post(&format!("{}/rollback", deployments(STAGED)));
    assert_eq!(refused.status, 400);
}

#[test]
fn the_body_of_a_rollback_is_ignored_honoured_or_refused() {
    for (reading, status, commit) in [
        (RollbackBody::Ignored, 200, Some("b")),
        (RollbackBody::Honoured, 200, Some("a")),
        (RollbackBody::Refused, 400, None),
    ] {
        let first = PastDeployment::success()
            .commit_sha("a".repeat(40))
            .ago(ms(9_000_000));
        let body = json!({ "deployment_id": first.id }).to_string();
        let application = Application::new(APP)
            .past(first)
            .past(
                PastDeployment::success()
                    .commit_sha("b".repeat(40))
                    .ago(ms(5_000_000)),
            )
            .rollback_body(reading);
        let simulator = start(World::new().application(application));
        let path = format!("{}/rollback", deployments(APP));
        let answer = Client::of(&simulator).post_json(&path, &body);
        assert_eq!(answer.status, status, "{reading:?}");
        if let Some(commit) = commit {
            assert_eq!(answer.text("commit_sha"), commit.repeat(40), "{reading:?}");
        }
    }
}
