//! What is refused, and in which shape.

mod common;

use common::{APP, Client, SITE, deployment, deployments};
use sevalla_simulator::{Application, Simulator, StaticSite, World};

fn world() -> World {
    World::new()
        .application(Application::new(APP))
        .static_site(StaticSite::new(SITE))
}

fn started() -> (Simulator, Client) {
    let simulator = Simulator::start_blocking(world());
    let client = Client::of(&simulator);
    (simulator, client)
}

#[test]
fn keys() {
    let (simulator, mut client) = started();
    let validated = client.get("/api-keys/validate").json();
    assert_eq!(validated["status"], "active");
    let me = client.get("/api-keys/me").json();
    assert_eq!(me["capabilities"][0]["permission"], "APP:READ");
    assert!(me["masked_token"].as_str() < Some(simulator.key()));

    for key in [None, Some("svl_wrong".to_owned())] {
        client.key = key;
        let refused = client.get("/applications");
        assert_eq!(refused.status, 401);
        assert_eq!(refused.json()["status"], 401);
        assert!(
            refused
                .header("x-request-id")
                .is_some_and(|id| id.starts_with("req-"))
        );
    }
    client.key = Some(simulator.key().to_owned());
    assert_eq!(client.get("/applications").status, 200);
    simulator.revoke_key();
    assert_eq!(client.get("/applications").status, 401);
}

#[test]
fn a_missing_permission_is_403() {
    let simulator = Simulator::start_blocking(world().forbid("triggerDeploymentV3"));
    let client = Client::of(&simulator);
    let refused = client.post_json(&deployments(APP), "{}");
    assert_eq!(refused.status, 403);
    assert!(refused.json()["data"]["code"].is_string());
    assert_eq!(client.get(&deployments(APP)).status, 200);
    assert_eq!(simulator.deployments_made(), 0);
}

#[test]
fn ids() {
    let (_simulator, client) = started();
    let other = "fb5e5168-4281-4bec-94c5-0d1584e9e658";
    assert_eq!(client.get("/applications/shop").status, 400);
    // Version 9 and a wrong variant, which the document's pattern excludes.
    for id in [
        "fb5e5168-4281-9bec-94c5-0d1584e9e657",
        "fb5e5168-4281-4bec-c4c5-0d1584e9e657",
    ] {
        assert_eq!(client.get(&format!("/applications/{id}")).status, 400);
    }
    assert_eq!(client.get(&format!("/applications/{other}")).status, 404);
    assert_eq!(client.get(&format!("/applications/{SITE}")).status, 404);
    assert_eq!(client.get(&deployment(APP, "latest")).status, 400);
    assert_eq!(client.get(&deployment(APP, other)).status, 404);
    let upper = APP.to_uppercase();
    assert_eq!(client.get(&format!("/applications/{upper}")).status, 200);
}

#[test]
fn bodies() {
    let (simulator, client) = started();
    let app = deployments(APP);
    let site = format!("/static-sites/{SITE}/deployments");
    for path in [&app, &site] {
        assert_eq!(client.post(path).status, 400, "no body");
        for body in [
            "",
            "{",
            "[]",
            "null",
            r#"{"branch":1}"#,
            r#"{"branch":null}"#,
        ] {
            assert_eq!(client.post_json(path, body).status, 400, "{path} {body}");
        }
    }
    assert_eq!(
        client.post_json(&app, r#"{"is_restart":"true"}"#).status,
        400
    );
    assert_eq!(
        client.post_json(&app, r#"{"docker_image":"nginx"}"#).status,
        400
    );
    // Only the site's document closes the object.
    assert_eq!(client.post_json(&site, r#"{"tag":"v1"}"#).status, 400);
    assert_eq!(
        client.post_json(&site, r#"{"deployment_id":"x"}"#).status,
        400
    );
    assert_eq!(simulator.deployments_made(), 0);
    assert_eq!(client.post_json(&app, r#"{"tag":"v1"}"#).status, 200);
    assert_eq!(client.post_json(&site, "{}").status, 201);
}

#[test]
fn a_branch_is_no_image() {
    let application = Application::new(APP).docker_image("nginx:1");
    let simulator = Simulator::start_blocking(World::new().application(application));
    let client = Client::of(&simulator);
    assert_eq!(
        client
            .post_json(&deployments(APP), r#"{"branch":"main"}"#)
            .status,
        400
    );
}

#[test]
fn calls_without_a_body() {
    let (_simulator, client) = started();
    let purge = format!("/applications/{APP}/purge-cache");
    assert_eq!(client.post(&purge).status, 200);
    assert_eq!(client.post_json(&purge, "{}").status, 200);
    assert_eq!(
        client.post_json(&purge, "").status,
        400,
        "type without body"
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        client
            .send("POST", &format!("/v3{purge}"), &form, "a=b")
            .status,
        415
    );
}

#[test]
fn queries() {
    let (_simulator, client) = started();
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "offset=-1",
        "offset=10001",
    ] {
        let path = format!("/applications?{query}");
        assert_eq!(client.get(&path).status, 400, "{query}");
    }
    let page = client
        .get("/applications?limit=1&offset=1&company=x")
        .json();
    assert_eq!(page["data"], serde_json::json!([]));
    assert_eq!((&page["total"], &page["limit"]), (&1.into(), &1.into()));

    let id = client.post_json(&deployments(APP), "{}").text("id");
    let logs = format!("{}/logs", deployment(APP, &id));
    for query in [
        "limit=5001",
        "from=yesterday",
        "from=2026-02-22T14:30:00.000%2B00:00",
        "from=2026-02-30T14:30:00Z",
        "to=2026-02-22",
        "to=2026-02-22T14:30:60Z",
        "filters=severity",
        "filters=[1]",
        "filters=[{\"key\":\"severity\"}]",
    ] {
        let path = format!("{logs}?{}", query.replace('"', "%22"));
        assert_eq!(client.get(&path).status, 400, "{query}");
    }
    let good = "from=2026-02-22T14:30Z&to=2026-02-22T14:30:01.123456Z&limit=5000";
    assert_eq!(client.get(&format!("{logs}?{good}")).status, 200);
}

#[test]
fn unknown_routes() {
    let (simulator, client) = started();
    for (method, path) in [
        ("GET", "/v3/nothing".to_owned()),
        ("GET", "/v2/applications".to_owned()),
        ("PATCH", format!("/v3/applications/{APP}/deployments")),
    ] {
        let reply = client.send(method, &path, &[], "");
        assert_eq!(reply.status, 404);
        assert_eq!(reply.json()["status"], 404);
    }
    assert_eq!(simulator.calls("unknown"), 3);
}

#[test]
fn the_journal_has_it_all() {
    let (simulator, client) = started();
    let reply = client.post_json(&format!("{}?a=b", deployments(APP)), r#"{"branch":"x"}"#);
    let journal = simulator.journal();
    let call = &journal[0];
    assert_eq!(call.operation, "triggerDeploymentV3");
    assert_eq!((call.method.as_str(), call.status), ("POST", Some(200)));
    assert_eq!(call.query.as_deref(), Some("a=b"));
    assert_eq!(call.json().expect("is JSON")["branch"], "x");
    assert_eq!(call.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.header("x-request-id"), Some(call.request_id.as_str()));
    assert_eq!(call.connection, 1);
}

#[test]
fn the_parameters_of_metrics() {
    let (_simulator, client) = started();
    let window = "from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:00Z";
    for service in [
        format!("/applications/{APP}"),
        format!("/static-sites/{SITE}"),
    ] {
        for (name, query, status) in [
            ("top-status-codes", window.to_owned(), 200),
            ("response-time-avg", window.to_owned(), 200),
            (
                "response-time-avg",
                format!("{window}&interval_in_seconds=60"),
                200,
            ),
            ("top-status-codes", format!("{window}&limit=101"), 400),
            ("top-status-codes", "from=yesterday&to=now".to_owned(), 400),
            (
                "top-status-codes",
                "from=2026-03-01T10:00:00Z".to_owned(),
                400,
            ),
            (
                "response-time-avg",
                format!("{window}&interval_in_seconds=0"),
                400,
            ),
            (
                "response-time-avg",
                format!("{window}&interval_in_seconds=-1"),
                400,
            ),
        ] {
            let answered = client.get(&format!("{service}/metrics/{name}?{query}"));
            assert_eq!(answered.status, status, "{name} {query}");
        }
    }
}
