//! Deployments from trigger to end.

mod common;

use common::{APP, Client, SITE, deployment, deployments, ms, start};
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, CommitKnown, DeploymentType, PastDeployment, Script, Simulator, StaticSite, World,
};

fn with(script: Script) -> (Simulator, Client) {
    started(Application::new(APP).next(script))
}

fn started(application: Application) -> (Simulator, Client) {
    let simulator = start(World::new().application(application));
    let client = Client::of(&simulator);
    (simulator, client)
}

#[test]
fn runs_its_course() {
    let script = Script::success()
        .queue(ms(150))
        .run(ms(200))
        .commit_sha("a".repeat(40));
    let (simulator, client) = with(script);
    let made = client.post_json(&deployments(APP), r#"{"branch":"topic"}"#);
    assert_eq!(made.status, 200);
    let first = made.json();
    assert_eq!(first["status"], "waiting");
    assert_eq!(first["started_at"], Value::Null);
    assert_eq!(first["branch"], "topic");
    assert_eq!(first["trigger"], "MANUAL_DEPLOY");
    let path = deployment(APP, &made.text("id"));

    simulator.advance(ms(230));
    let running = client.get(&path).json();
    assert_eq!(running["status"], "inProgress");
    assert_eq!(running["commit_sha"], "a".repeat(40));
    assert_eq!(running["finished_at"], Value::Null);
    let record = client.get(&format!("/applications/{APP}")).json();
    assert_eq!(record["status"], "deploymentInProgress");

    simulator.advance(ms(200));
    let ended = client.get(&path).json();
    assert_eq!(ended["status"], "success");
    assert!(ended["finished_at"].as_str() > ended["started_at"].as_str());
    assert_eq!(simulator.deployments_made(), 1);
    assert_eq!(
        simulator.deployments(APP)[0].status.as_deref(),
        Some("success")
    );
}

#[test]
fn one_at_a_time() {
    let script = Script::failed().queue(ms(10)).run(ms(250));
    let (simulator, client) = with(script);
    client.post_json(&deployments(APP), "{}");
    let second = client.post_json(&deployments(APP), "{}").text("id");
    simulator.advance(ms(120));
    let seen = simulator.deployments(APP);
    assert_eq!(seen[0].id, second, "newest first");
    assert_eq!(seen[0].status.as_deref(), Some("waiting"));
    assert_eq!(seen[1].status.as_deref(), Some("inProgress"));
    simulator.advance(ms(250));
    let seen = simulator.deployments(APP);
    assert_eq!(seen[0].status.as_deref(), Some("inProgress"));
    assert_eq!(seen[1].status.as_deref(), Some("failed"));
    assert!(seen[0].started_at >= seen[1].finished_at);
}

#[test]
fn cancelled_while_waiting_is_skipped_at_once() {
    let (simulator, client) = with(Script::success().queue(ms(5000)));
    let id = client.post_json(&deployments(APP), "{}").text("id");
    let path = deployment(APP, &id);
    let answer = client.post(&format!("{path}/cancel"));
    assert_eq!(answer.status, 200);
    assert_eq!(client.get(&path).text("status"), "skipped");
    assert!(simulator.cancelled(&id));
    let again = client.post(&format!("{path}/cancel"));
    assert_eq!(again.status, 400);
    assert!(again.text("message").contains("cannot be cancelled"));
}

#[test]
fn cancelled_while_running_stops_after_a_while() {
    let script = Script::success()
        .queue(ms(0))
        .never_ends()
        .cancel_delay(ms(200));
    let (simulator, client) = with(script);
    let path = deployment(APP, &client.post_json(&deployments(APP), "{}").text("id"));
    simulator.advance(ms(20));
    assert_eq!(client.post(&format!("{path}/cancel")).status, 200);
    simulator.advance(ms(50));
    // Asking again does not start the delay again.
    assert_eq!(client.post(&format!("{path}/cancel")).status, 200);
    assert_eq!(client.get(&path).text("status"), "inProgress");
    simulator.advance(ms(200));
    assert_eq!(client.get(&path).text("status"), "cancelled");
}

#[test]
fn what_never_ends_is_ended_when_told() {
    let (simulator, client) = with(Script::failed().queue(ms(0)).never_ends());
    let first = deployment(APP, &client.post_json(&deployments(APP), "{}").text("id"));
    let second = deployment(APP, &client.post_json(&deployments(APP), "{}").text("id"));
    simulator.advance(ms(3_600_000));
    assert_eq!(client.get(&first).text("status"), "inProgress");
    assert_eq!(client.get(&second).text("status"), "waiting");
    simulator.end_deployment(APP);
    let ended = client.get(&first).json();
    assert_eq!(ended["status"], "failed");
    assert!(ended["finished_at"].as_str() > ended["started_at"].as_str());
    assert_eq!(client.get(&second).text("status"), "inProgress");
}

#[test]
fn statuses_can_lie() {
    let script = Script::success()
        .queue(ms(0))
        .run(ms(300))
        .status_at(ms(50), None)
        .status_at(ms(150), Some("warmingUp"));
    let (simulator, client) = with(script);
    let path = deployment(APP, &client.post_json(&deployments(APP), "{}").text("id"));
    simulator.advance(ms(90));
    assert_eq!(client.get(&path).json()["status"], Value::Null);
    simulator.advance(ms(110));
    assert_eq!(client.get(&path).json()["status"], "warmingUp");
    simulator.advance(ms(150));
    assert_eq!(client.get(&path).json()["status"], "success");
}

#[test]
fn scripts_follow_each_other_and_the_last_repeats() {
    let quick = |script: Script| script.queue(ms(0)).run(ms(0));
    let application = Application::new(APP)
        .next(quick(Script::success()))
        .next(quick(Script::cancelled()))
        .next(quick(Script::skipped()));
    let (simulator, client) = started(application);
    for _ in 0..4 {
        client.post_json(&deployments(APP), "{}");
    }
    let seen: Vec<_> = simulator
        .deployments(APP)
        .into_iter()
        .filter_map(|snapshot| snapshot.status)
        .collect();
    assert_eq!(seen, ["skipped", "skipped", "cancelled", "success"]);
    let record = client.get(&format!("/applications/{APP}")).json();
    assert_eq!(record["status"], "deploymentCancelled");
}

#[test]
fn commits_become_known_when_told() {
    let script = |known| {
        let quick = Script::success().queue(ms(0)).run(ms(150));
        quick.commit_known(known)
    };
    let application = Application::new(APP)
        .next(script(CommitKnown::AtCreation))
        .next(script(CommitKnown::AtEnd))
        .next(script(CommitKnown::Never));
    let (simulator, client) = started(application);
    let at_creation = client.post_json(&deployments(APP), "{}").json();
    assert!(at_creation["commit_sha"].is_string());
    client.post_json(&deployments(APP), "{}");
    client.post_json(&deployments(APP), "{}");
    simulator.advance(ms(220));
    let running = &simulator.deployments(APP)[1];
    assert_eq!(running.status.as_deref(), Some("inProgress"));
    assert_eq!(running.commit_sha, None);
    simulator.advance(ms(330));
    let seen = simulator.deployments(APP);
    assert!(seen[1].commit_sha.is_some());
    assert_eq!(seen[0].status.as_deref(), Some("success"));
    assert_eq!(seen[0].commit_sha, None);
}

#[test]
fn restart_and_rollback_reuse_the_latest_success() {
    let sha = "b".repeat(40);
    let application = Application::new(APP)
        .past(PastDeployment::success().commit_sha(sha.as_str()))
        .past(PastDeployment::failed().ago(ms(3_600_000)));
    let (_simulator, client) = started(application);
    let restart = client.post_json(&deployments(APP), r#"{"is_restart":true}"#);
    assert_eq!(restart.text("trigger"), "RESTART");
    assert_eq!(restart.json()["steps"], json!(["rollout"]));
    assert_eq!(restart.text("commit_sha"), sha);
    let rollback = client.post(&format!("{}/rollback", deployments(APP)));
    assert_eq!(rollback.status, 200);
    assert_eq!(rollback.text("trigger"), "ROLLBACK_DEPLOYMENT");
    assert_eq!(rollback.text("commit_sha"), sha);
}

#[test]
fn nothing_to_reuse() {
    let (_simulator, client) = with(Script::success());
    let restart = client.post_json(&deployments(APP), r#"{"is_restart":true}"#);
    assert_eq!(restart.status, 400);
    let rollback = client.post(&format!("{}/rollback", deployments(APP)));
    assert_eq!(rollback.status, 404);
}

#[test]
fn an_image_is_deployed() {
    let (_simulator, client) = started(Application::new(APP).docker_image("nginx:1"));
    let default = client.post_json(&deployments(APP), "{}").json();
    assert_eq!(default["docker_image_url"], "nginx:1");
    let named = client.post_json(&deployments(APP), r#"{"docker_image":"nginx:2"}"#);
    assert_eq!(named.text("docker_image_url"), "nginx:2");
    for field in ["branch", "repo_url", "git_type", "commit_sha"] {
        assert_eq!(named.json()[field], Value::Null, "{field}");
    }
}

#[test]
fn a_static_site_deploys_and_rolls_back() {
    let old = PastDeployment::success().commit_sha("c".repeat(40));
    let old_id = old.id.clone();
    let script = Script::failed()
        .queue(ms(0))
        .run(ms(50))
        .build_error("exit code 1");
    let site = StaticSite::new(SITE).past(old).next(script);
    let simulator = start(World::new().static_site(site));
    let client = Client::of(&simulator);
    let list = format!("/static-sites/{SITE}/deployments");

    let made = client.post_json(&list, r#"{"branch":"main"}"#);
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["build_error"], Value::Null);
    simulator.advance(ms(100));
    let one = client.get(&format!("{list}/{}", made.text("id"))).json();
    assert_eq!(one["status"], "failed");
    assert!(one.get("build_error").is_none());
    assert!(one.get("cloud_build_id").is_none());
    let listed = client.get(&format!("{list}?limit=1")).json();
    assert_eq!(listed["data"][0]["build_error"], "exit code 1");
    assert_eq!(listed["total"], 2);

    let back = client.post_json(&list, &json!({ "deployment_id": old_id }).to_string());
    assert_eq!(back.text("commit_sha"), "c".repeat(40));
}

#[test]
fn the_hook_deploys_without_a_key() {
    let (simulator, mut client) = with(Script::success());
    client.key = None;
    let url = simulator.hook_url(APP);
    let path = url.split_at(url.find("/apps").expect("has a path")).1;
    let answer = client.send("POST", path, &[], "");
    assert_eq!(answer.status, 200);
    let id = answer.json()["deployment"]["id"].clone();
    assert_eq!(id, simulator.deployments(APP)[0].id);
    assert_eq!(simulator.calls("hook"), 1);
    assert_eq!(
        client.send("POST", &format!("{path}x"), &[], "").status,
        404
    );

    let client = Client::of(&simulator);
    let hook = format!("/applications/{APP}/deployment-hook");
    assert_eq!(client.get(&hook).text("url"), url);
    let fresh = client.send("PUT", &format!("/v3{hook}"), &[], "");
    assert_ne!(fresh.text("url"), url);
    assert_eq!(client.send("POST", path, &[], "").status, 404);
    assert_eq!(
        client.send("DELETE", &format!("/v3{hook}"), &[], "").status,
        204
    );
    assert_eq!(client.get(&hook).status, 404);
    assert_eq!(client.post(&hook).status, 201);
}

#[test]
fn others_deploy_too() {
    let (simulator, client) = with(Script::success());
    let id = simulator.add_deployment(APP, DeploymentType::Automatic, Script::success());
    let seen = client.get(&deployment(APP, &id)).json();
    assert_eq!(seen["type"], "automatic");
    assert_eq!(seen["trigger"], "AUTO_DEPLOY_ON_PUSH");
    assert_eq!(simulator.deployments_made(), 0);
    assert!(!simulator.deployments(APP)[0].by_call);
}

#[test]
fn a_suspended_application_is_a_matter_of_taste() {
    let suspended = || Application::new(APP).suspended(true);
    let (_simulator, client) = started(suspended());
    assert_eq!(client.post_json(&deployments(APP), "{}").status, 200);
    let (_simulator, client) = started(suspended().refuses_when_suspended(true));
    assert_eq!(client.post_json(&deployments(APP), "{}").status, 400);
}

#[test]
fn a_new_deployment_may_show_up_late() {
    let world = World::new()
        .application(Application::new(APP))
        .deployments_visible_after(ms(150));
    let simulator = start(world);
    let client = Client::of(&simulator);
    let id = client.post_json(&deployments(APP), "{}").text("id");
    assert_eq!(client.get(&deployment(APP, &id)).status, 404);
    assert_eq!(client.get(&deployments(APP)).json()["total"], 0);
    simulator.advance(ms(180));
    assert_eq!(client.get(&deployment(APP, &id)).status, 200);
}

#[tokio::test]
async fn starts_inside_a_runtime_that_blocks() {
    let simulator = Simulator::start(World::new().application(Application::new(APP))).await;
    // The client blocks this runtime's only thread.
    let reply = Client::of(&simulator).get("/applications");
    assert_eq!(reply.json()["total"], 1);
    let address = simulator.url().replace("http://", "").replace("/v3", "");
    drop(simulator);
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "port still open"
    );
}
