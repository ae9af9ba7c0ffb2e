//! Pipelines and promotions.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::{APP, Client, LIVE, PIPELINE, STAGED, deployment, ms, until};
use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, Fault, Limits, PastDeployment, Pipeline, Preview, Script, Simulator,
    Stage, World,
};

const STAGE: &str = "0f3a9c52-8d17-4c6e-9b1a-6a2f4f6f0b99";

fn world(pipeline: Pipeline) -> World {
    let quick = |script: Script| script.queue(ms(0)).run(ms(0));
    World::new()
        .application(
            Application::new(APP).past(PastDeployment::success().commit_sha("a".repeat(40))),
        )
        .application(Application::new(STAGED).next(quick(Script::success())))
        .application(Application::new(LIVE).next(quick(Script::failed())))
        .pipeline(pipeline)
}

fn started(world: World) -> (Simulator, Client) {
    let simulator = Simulator::start_blocking(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

fn promote(client: &Client, source: &str, targets: &[&str]) -> common::Reply {
    let body = json!({ "source_app_id": source, "target_app_ids": targets });
    let path = format!("/pipelines/{PIPELINE}/promote");
    client.post_json(&path, &body.to_string())
}

#[test]
fn stages_are_told_in_order_without_their_applications() {
    let stages = [
        Stage::prod("Live").order(7).application(LIVE),
        Stage::standard("Staging").branch("stage").order(3),
    ];
    let preview = Preview::new()
        .stage_id(STAGE)
        .auto_create_app(true)
        .deletes_after_days(9);
    let pipeline = Pipeline::new(PIPELINE)
        .display_name("web")
        .kind("branch")
        .stages(stages)
        .preview(preview);
    let (_simulator, client) = started(world(pipeline));
    let listed = client.get("/pipelines").json();
    assert_eq!(listed["total"], 1);
    let listed = &listed["data"][0];
    assert_eq!(
        (&listed["display_name"], &listed["type"]),
        (&json!("web"), &json!("branch"))
    );
    let one = client.get(&format!("/pipelines/{PIPELINE}")).json();
    for stages in [&listed["stages"], &one["stages"]] {
        let orders: Vec<_> = stages.as_array().expect("is a list").iter().collect();
        let orders: Vec<_> = orders.iter().map(|stage| &stage["order"]).collect();
        assert_eq!(orders, [0, 3, 7]);
    }
    let first = &one["stages"][0];
    assert_eq!(
        (&first["id"], &first["type"]),
        (&json!(STAGE), &json!("preview"))
    );
    assert_eq!(first["auto_create_app"], true);
    assert_eq!(first["stale_app_days"], 9);
    assert_eq!(one["stages"][1]["branch"], "stage");
    assert!(!one.to_string().contains(LIVE));
    assert_eq!(client.get(&format!("/pipelines/{APP}")).status, 404);
}

#[test]
fn each_target_deploys_what_the_source_runs() {
    let (simulator, client) = started(world(Pipeline::new(PIPELINE)));
    let promoted = promote(&client, APP, &[STAGED, LIVE]);
    assert_eq!(promoted.status, 200);
    let source = &simulator.deployments(APP)[0];
    for (index, (target, status)) in [(STAGED, "success"), (LIVE, "failed")]
        .into_iter()
        .enumerate()
    {
        let pair = &promoted.json()[index];
        assert_eq!(pair["target_app_id"], target);
        let id = pair["deployment_id"].as_str().expect("is told");
        let made = client.get(&deployment(target, id)).json();
        assert_eq!(made["status"], status);
        assert_eq!(made["steps"], json!(["rollout"]));
        assert_eq!(made["trigger"], "PROMOTION");
        assert_eq!(made["type"], "manual");
        assert_eq!(made["commit_sha"], "a".repeat(40));
        assert_eq!(
            made["docker_image_url"].as_str(),
            source.docker_image.as_deref()
        );
    }
    assert_eq!(simulator.deployments_made(), 2);
}

#[test]
fn promotions_are_refused_whole() {
    let (simulator, client) = started(world(Pipeline::new(PIPELINE)));
    let unknown = "fb5e5168-4281-4bec-94c5-0d1584e9e658";
    assert_eq!(promote(&client, STAGED, &[LIVE]).status, 400, "no success");
    assert_eq!(promote(&client, APP, &[STAGED, APP]).status, 400);
    assert_eq!(promote(&client, APP, &[STAGED, unknown]).status, 404);
    assert_eq!(promote(&client, unknown, &[STAGED]).status, 404);
    assert_eq!(promote(&client, APP, &[]).status, 400);
    assert_eq!(promote(&client, APP, &["live"]).status, 400);
    let path = format!("/pipelines/{PIPELINE}/promote");
    let more = json!({ "source_app_id": APP, "target_app_ids": [LIVE], "branch": "x" });
    assert_eq!(client.post_json(&path, &more.to_string()).status, 400);
    let other = path.replace(PIPELINE, STAGE);
    let good = json!({ "source_app_id": APP, "target_app_ids": [LIVE] }).to_string();
    assert_eq!(client.post_json(&other, &good).status, 404);
    assert_eq!(client.post(&path).status, 400);
    assert_eq!(simulator.deployments_made(), 0);
}

#[test]
fn a_pipeline_may_know_only_its_own() {
    let pipeline = Pipeline::new(PIPELINE).promotes_only_its_own(true).stages([
        Stage::standard("Staging").application(APP),
        Stage::prod("Live").application(LIVE),
    ]);
    let (_simulator, client) = started(world(pipeline));
    assert_eq!(promote(&client, APP, &[LIVE]).status, 200);
    assert_eq!(promote(&client, APP, &[STAGED]).status, 400);
}

#[test]
fn answers_can_leave_targets_out() {
    let skipping = Pipeline::new(PIPELINE).promotion_skips(STAGED);
    let (simulator, client) = started(world(skipping));
    let told = promote(&client, APP, &[STAGED, LIVE]).json();
    assert_eq!(
        (&told[0]["target_app_id"], &told[1]),
        (&json!(LIVE), &json!(null))
    );
    assert_eq!(simulator.deployments(STAGED).len(), 0);

    let hiding = Pipeline::new(PIPELINE).promotion_hides(STAGED);
    let (simulator, client) = started(world(hiding));
    assert_eq!(promote(&client, APP, &[STAGED]).json(), json!([]));
    assert_eq!(simulator.deployments(STAGED).len(), 1);
}

#[test]
fn promotions_are_limited_and_can_fail_like_any_call() {
    let limits = Limits::documented().deployment(1);
    let lost = Fault::on("promotePipelineV3")
        .nth(1)
        .does(Behaviour::ResetAfterApplying);
    let world = world(Pipeline::new(PIPELINE)).limits(limits).fault(lost);
    let (simulator, client) = started(world);
    assert_eq!(promote(&client, APP, &[STAGED]).head, "");
    until(|| simulator.deployments(STAGED).len() == 1);
    let refused = promote(&client, APP, &[STAGED]);
    assert_eq!(refused.status, 429);
    assert!(refused.header("x-ratelimit-reset").is_some());
}
