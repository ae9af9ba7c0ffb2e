//! Answers against the API's document, when `SEVALLA_OPENAPI` names it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::{APP, Client, PIPELINE, Reply, SITE, STAGED, sleep};
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, PastDeployment, Pipeline, Preview, Script, Simulator, StaticSite, World,
};

/// Operations newer than the document, with the page they are taken from; their
/// answers are checked against the shape that page shows.
const NEWER: [(&str, &str, &str); 2] = [
    (
        "getCurrentApiKey",
        "/api-keys/me",
        "api-docs.sevalla.com/v3/api-keys/get-current-api-key",
    ),
    (
        "createPreviewApp",
        "/pipelines/{id}/preview/apps",
        "api-docs.sevalla.com/v3/pipelines/create-preview-app",
    ),
];

/// The few words of JSON Schema the document uses.
fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array)
            && !choices.iter().any(|one| check(one, value, at).is_ok())
        {
            return wrong("fits no choice");
        }
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        return wrong("not in enum");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    let fits = match kind {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    if !fits {
        return wrong("wrong type");
    }
    if let Some(text) = value.as_str() {
        check_text(schema, text, at)?;
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, &format!("{at}[]"))?;
    }
    check_fields(schema, value, at)
}

fn check_text(schema: &Value, text: &str, at: &str) -> Result<(), String> {
    let fits = match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => text.len() == 36 && text.matches('-').count() == 4,
        Some("date-time") => text.len() == 24 && text.ends_with('Z'),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at}: wrong format: {text}"))
    }
}

fn check_fields(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, field) in fields {
        let known = &schema["properties"][name];
        if known.is_null() && schema["additionalProperties"] == json!(false) {
            return Err(format!("{at}: {name} is unknown"));
        }
        check(known, field, &format!("{at}.{name}"))?;
    }
    Ok(())
}

struct Document(Value);

impl Document {
    fn named() -> Option<Self> {
        let path = std::env::var_os("SEVALLA_OPENAPI")?;
        let text = std::fs::read_to_string(path).expect("the document can be read");
        Some(Self(serde_json::from_str(&text).expect("is JSON")))
    }

    fn operation(&self, name: &str) -> &Value {
        let paths = self.0["paths"].as_object().expect("has paths");
        paths
            .values()
            .filter_map(Value::as_object)
            .flat_map(|methods| methods.values())
            .find(|operation| operation["operationId"] == name)
            .unwrap_or_else(|| panic!("no operation {name}"))
    }

    /// Status and body of an answer are among those the document lists.
    fn expect(&self, name: &str, status: u16, reply: &Reply) {
        let response = &self.operation(name)["responses"][status.to_string()];
        assert_eq!(reply.status, status, "{name}");
        assert!(response.is_object(), "{name} knows no {status}");
        if reply.body.is_empty() {
            assert!(response["content"].is_null(), "{name} has no body");
            return;
        }
        let schema = &response["content"]["application/json"]["schema"];
        let checked = check(schema, &reply.json(), name);
        assert_eq!(checked, Ok(()));
    }
}

fn world() -> World {
    World::new()
        .application(
            Application::new(APP)
                .past(PastDeployment::success())
                .past(PastDeployment::failed())
                .next(Script::success().generated_lines(3)),
        )
        .static_site(
            StaticSite::new(SITE)
                .past(PastDeployment::success())
                .next(Script::success().generated_lines(3)),
        )
        .application(Application::new(STAGED))
        .pipeline(Pipeline::new(PIPELINE).preview(Preview::new()))
}

#[test]
fn answers_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = Simulator::start_blocking(world());
    let client = Client::of(&simulator);
    let app = format!("/applications/{APP}");
    let made = client.post_json(&format!("{app}/deployments"), "{}");
    document.expect("triggerDeploymentV3", 200, &made);
    sleep(80);
    let one = format!("{app}/deployments/{}", made.text("id"));
    for (name, path) in [
        ("listApplicationsV3", "/applications".to_owned()),
        ("getApplicationV3", app.clone()),
        ("listDeploymentsV3", format!("{app}/deployments")),
        ("getDeploymentV3", one.clone()),
        ("getApplicationDeploymentLogsV3", format!("{one}/logs")),
        ("listApplicationDomainsV3", format!("{app}/domains")),
        ("listProcessesV3", format!("{app}/processes")),
        ("getDeploymentHookV3", format!("{app}/deployment-hook")),
        ("validateApiKeyV3", "/api-keys/validate".to_owned()),
        // Its own operation is newer than the document.
        ("getApiKeyV3", "/api-keys/me".to_owned()),
    ] {
        document.expect(name, 200, &client.get(&path));
    }
    let rollback = client.post(&format!("{app}/deployments/rollback"));
    document.expect("rollbackDeploymentV3", 200, &rollback);
    let cancel = client.post(&format!("{one}/cancel"));
    document.expect("cancelDeploymentV3", 200, &cancel);
    let purge = client.post(&format!("{app}/purge-cache"));
    document.expect("purgeApplicationCacheV3", 200, &purge);
    let hook = format!("/v3{app}/deployment-hook");
    for (name, method, status) in [
        ("enableDeploymentHookV3", "POST", 201),
        ("regenerateDeploymentHookV3", "PUT", 200),
        ("disableDeploymentHookV3", "DELETE", 204),
    ] {
        document.expect(name, status, &client.send(method, &hook, &[], ""));
    }
    document.expect(
        "getDeploymentHookV3",
        404,
        &client.get(&format!("{app}/deployment-hook")),
    );
}

#[test]
fn answers_about_static_sites_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = Simulator::start_blocking(world());
    let client = Client::of(&simulator);
    let site = format!("/static-sites/{SITE}");
    let made = client.post_json(&format!("{site}/deployments"), "{}");
    document.expect("deployStaticSiteV3", 201, &made);
    sleep(80);
    let one = format!("{site}/deployments/{}", made.text("id"));
    for (name, path) in [
        ("listStaticSitesV3", "/static-sites".to_owned()),
        ("getStaticSiteV3", site.clone()),
        ("listStaticSiteDeploymentsV3", format!("{site}/deployments")),
        ("getStaticSiteDeploymentV3", one.clone()),
        ("getStaticSiteDeploymentLogsV3", format!("{one}/logs")),
        ("listStaticSiteDomainsV3", format!("{site}/domains")),
    ] {
        document.expect(name, 200, &client.get(&path));
    }
    let purge = client.post(&format!("{site}/purge-cache"));
    document.expect("purgeStaticSiteCacheV3", 200, &purge);
    let cancel = client.post(&format!("{one}/cancel"));
    document.expect("cancelStaticSiteDeploymentV3", 200, &cancel);
    sleep(100);
    let again = client.post(&format!("{one}/cancel"));
    document.expect("cancelStaticSiteDeploymentV3", 400, &again);
}

#[test]
fn answers_about_pipelines_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = Simulator::start_blocking(world());
    let client = Client::of(&simulator);
    let pipeline = format!("/pipelines/{PIPELINE}");
    document.expect("listPipelinesV3", 200, &client.get("/pipelines"));
    document.expect("getPipelineV3", 200, &client.get(&pipeline));
    let promote = format!("{pipeline}/promote");
    let promotion = json!({ "source_app_id": APP, "target_app_ids": [STAGED] }).to_string();
    let promoted = client.post_json(&promote, &promotion);
    document.expect("promotePipelineV3", 200, &promoted);
    document.expect("promotePipelineV3", 400, &client.post_json(&promote, "{}"));

    let apps = format!("{pipeline}/preview/apps");
    let made = client.post_json(&apps, r#"{"branch":"x","pull_request_number":7}"#);
    assert_eq!(made.status, 201);
    let list = &document.operation("listApplicationsV3")["responses"]["200"];
    let list = &list["content"]["application/json"]["schema"];
    let summary = &list["properties"]["data"]["items"];
    assert_eq!(check(summary, &made.json(), "createPreviewApp"), Ok(()));
    let app = format!("/applications/{}", made.text("id"));
    document.expect("getApplicationV3", 200, &client.get(&app));
    let delete = || client.send("DELETE", &format!("/v3{app}"), &[], "");
    document.expect("deleteApplicationV3", 400, &delete());
    sleep(200);
    document.expect("deleteApplicationV3", 200, &delete());
    document.expect("getApplicationV3", 200, &client.get(&app));
    sleep(80);
    document.expect("deleteApplicationV3", 404, &delete());
}

#[test]
fn what_is_newer_is_still_missing_in_the_document() {
    let Some(document) = Document::named() else {
        return;
    };
    for (operation, path, source) in NEWER {
        let known = &document.0["paths"][path];
        assert!(known.is_null(), "{operation} ({source}) is there now");
    }
}

#[test]
fn refusals_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = Simulator::start_blocking(world().forbid("listApplicationsV3"));
    let client = Client::of(&simulator);
    let trigger = format!("/applications/{APP}/deployments");
    document.expect("listApplicationsV3", 403, &client.get("/applications"));
    document.expect("triggerDeploymentV3", 400, &client.post_json(&trigger, ""));
    let other = trigger.replace("fb5e", "fb5f");
    document.expect("triggerDeploymentV3", 404, &client.post_json(&other, "{}"));
    simulator.revoke_key();
    document.expect(
        "triggerDeploymentV3",
        401,
        &client.post_json(&trigger, "{}"),
    );
}

#[test]
fn the_check_bites() {
    let schema = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "status": { "anyOf": [{ "enum": ["waiting"] }, { "type": "null" }] },
            "data": { "type": "array", "items": { "type": "integer" } },
        },
        "required": ["status"],
        "additionalProperties": false,
    });
    let good = json!({ "id": APP, "status": null, "data": [1] });
    assert_eq!(check(&schema, &good, "good"), Ok(()));
    for bad in [
        json!([]),
        json!({ "id": APP }),
        json!({ "status": "odd" }),
        json!({ "status": null, "id": "x" }),
        json!({ "status": null, "data": ["x"] }),
        json!({ "status": null, "more": 1 }),
    ] {
        assert!(check(&schema, &bad, "bad").is_err(), "{bad}");
    }
}
