//! Changes to applications and static sites.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::{APP, Client, Reply, SITE, deployments, ms, start};
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Deletion, DeploymentType, EnvVar, Script, Simulator, StaticSite, World,
};

const VARIABLE: &str = "c6e3a9f4-5d7a-4b8c-9e29-7a0f4d3b2c07";

fn started() -> (Simulator, Client) {
    let application = Application::new(APP).env_var(EnvVar::new("MODE", "live").id(VARIABLE));
    let site = StaticSite::new(SITE).deletion(Deletion::new().takes(ms(80)));
    let world = World::new().application(application).static_site(site);
    let simulator = start(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Reply {
    let json = [("content-type", "application/json")];
    client.send(method, &format!("/v3{path}"), &json, &body.to_string())
}

#[test]
fn an_application_is_changed() {
    let (simulator, client) = started();
    let path = format!("/applications/{APP}");
    let before = client.get(&path).json();
    let changes = json!({
        "display_name": "Big Shop",
        "auto_deploy": true,
        "default_branch": "live",
        "build_type": "dockerfile",
        "ignore_deploy_paths": ["docs/**"],
        "buildpacks": [{ "order": 0, "source": "x" }],
    });
    let answer = send(&client, "PATCH", &path, &changes);
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("cluster_id").is_none());
    let after = client.get(&path).json();
    assert_eq!(after["name"], before["name"], "the system name stays");
    for field in [
        "display_name",
        "auto_deploy",
        "default_branch",
        "build_type",
        "ignore_deploy_paths",
    ] {
        assert_eq!(after[field], changes[field], "{field}");
    }
    assert!(after["buildpacks"][0]["id"].is_string());
    assert_eq!(after["build_path"], before["build_path"]);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    assert!(simulator.application(APP).expect("is there").auto_deploy);
    let made = client.post_json(&deployments(APP), "{}");
    assert_eq!(made.text("branch"), "live");

    let image = json!({ "source": "dockerImage", "docker_image": "nginx:1" });
    assert_eq!(send(&client, "PATCH", &path, &image).status, 200);
    let made = client.post_json(&deployments(APP), "{}");
    assert_eq!(made.text("docker_image_url"), "nginx:1");
}

#[test]
fn changes_of_an_application_are_refused() {
    let (_simulator, client) = started();
    let path = format!("/applications/{APP}");
    for body in [
        json!({ "display_name": "" }),
        json!({ "display_name": "x".repeat(65) }),
        json!({ "auto_deploy": "true" }),
        json!({ "default_branch": null }),
        json!({ "build_type": "buildah" }),
        json!({ "hibernate_after_seconds": 0 }),
        json!({ "buildpacks": [{ "source": "x" }] }),
        json!({ "allow_deploy_paths": ["a"], "ignore_deploy_paths": ["b"] }),
        json!({ "source": "dockerImage" }),
        json!({ "source": "app" }),
        json!({ "branch": "live" }),
    ] {
        assert_eq!(send(&client, "PATCH", &path, &body).status, 400, "{body}");
    }
}

#[test]
fn a_static_site_is_changed() {
    let (_simulator, client) = started();
    let path = format!("/static-sites/{SITE}");
    let changes = json!({
        "display_name": "Handbook",
        "is_preview_enabled": true,
        "build_command": null,
        "node_version": "22",
    });
    let answer = send(&client, "PATCH", &path, &changes).json();
    assert!(answer.get("hostname").is_none());
    let after = client.get(&path).json();
    for field in [
        "display_name",
        "is_preview_enabled",
        "build_command",
        "node_version",
    ] {
        assert_eq!(after[field], changes[field], "{field}");
        assert_eq!(answer[field], changes[field], "{field}");
    }
    assert_eq!(after["name"], "docs");
    for body in [
        json!({ "index_file": null }),
        json!({ "source": "app" }),
        json!({ "display_name": 1 }),
        json!({ "hostname": "x" }),
    ] {
        assert_eq!(send(&client, "PATCH", &path, &body).status, 400, "{body}");
    }
}

#[test]
fn a_static_site_is_deleted_when_idle() {
    let (simulator, client) = started();
    let path = format!("/v3/static-sites/{SITE}");
    let delete = || client.send("DELETE", &path, &[], "").status;
    let script = Script::success().queue(ms(0)).run(ms(80));
    simulator.add_deployment(SITE, DeploymentType::Manual, script);
    assert_eq!(delete(), 409);
    simulator.advance(ms(100));
    assert_eq!(delete(), 200);
    assert_eq!(
        client.get(&format!("/static-sites/{SITE}")).text("status"),
        "deleting"
    );
    let deploy = format!("/static-sites/{SITE}/deployments");
    assert_eq!(client.post_json(&deploy, "{}").status, 400);
    simulator.advance(ms(100));
    assert_eq!(delete(), 404);
    assert_eq!(client.get("/static-sites").json()["total"], 0);
}

#[test]
fn variables_come_and_go() {
    let (simulator, client) = started();
    let all = format!("/applications/{APP}/env-vars");
    let one = |id: &str| format!("{all}/{id}");
    let listed = client.get(&all).json();
    assert_eq!(
        (&listed["total"], &listed["data"][0]["value"]),
        (&json!(1), &json!("live"))
    );
    let made = client.post_json(&all, r#"{"key":"COLOR","value":"","is_buildtime":false}"#);
    assert_eq!(made.status, 201);
    assert_eq!(
        (&made.json()["is_runtime"], &made.json()["is_buildtime"]),
        (&json!(true), &json!(false))
    );
    let id = made.text("id");
    let changed = send(&client, "PUT", &one(&id), &json!({ "value": "red" }));
    assert_eq!(
        (changed.status, changed.text("key")),
        (200, "COLOR".to_owned())
    );
    assert_eq!(changed.json()["is_buildtime"], false);
    let known = simulator.env_vars(APP);
    assert_eq!(
        (known[1].key.as_str(), known[1].value.as_str()),
        ("COLOR", "red")
    );

    for body in [
        json!({}),
        json!({ "key": "A" }),
        json!({ "key": "", "value": "" }),
        json!({ "key": "A", "value": 1 }),
        json!({ "key": "MODE", "value": "again" }),
        json!({ "key": "A", "value": "x".repeat(32_769) }),
    ] {
        assert_eq!(client.post_json(&all, &body.to_string()).status, 400);
    }
    let twin = send(&client, "PUT", &one(&id), &json!({ "key": "MODE" }));
    assert_eq!(twin.status, 400);
    let delete = |id: &str| {
        client
            .send("DELETE", &format!("/v3{}", one(id)), &[], "")
            .status
    };
    assert_eq!(delete(VARIABLE), 200);
    assert_eq!(delete(VARIABLE), 404);
    assert_eq!(send(&client, "PUT", &one(VARIABLE), &json!({})).status, 404);
    assert_eq!(simulator.env_vars(APP).len(), 1);
}

#[test]
fn the_cdn_is_known_only_by_switching_it() {
    let (simulator, client) = started();
    let toggle = format!("/applications/{APP}/cdn/toggle");
    assert_eq!(client.post(&toggle).json(), json!({ "is_turned_on": true }));
    assert!(simulator.application(APP).expect("is there").cdn);
    assert_eq!(
        client.post(&toggle).json(),
        json!({ "is_turned_on": false })
    );
}
