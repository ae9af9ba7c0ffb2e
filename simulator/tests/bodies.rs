//! Bodies against the API's document, when `SEVALLA_OPENAPI` names it: what the
//! document refuses is refused, and nothing else.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::openapi::Document;
use common::{APP, Client, DATABASE, PIPELINE, SITE, STAGED};
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, CLUSTER, Database, EnvVar, LARGE_DATABASE, PastDeployment, Pipeline, Simulator,
    StaticSite, World,
};

const VARIABLE: &str = "c6e3a9f4-5d7a-4b8c-9e29-7a0f4d3b2c07";

/// An operation with a body: name, method, path, and a body that is accepted.
type Case = (&'static str, &'static str, String, Value);

fn cases() -> Vec<Case> {
    let app = format!("/applications/{APP}");
    let site = format!("/static-sites/{SITE}");
    let database = format!("/databases/{DATABASE}");
    let variables = format!("{app}/env-vars");
    vec![
        (
            "triggerDeploymentV3",
            "POST",
            format!("{app}/deployments"),
            json!({}),
        ),
        (
            "deployStaticSiteV3",
            "POST",
            format!("{site}/deployments"),
            json!({}),
        ),
        ("updateApplicationV3", "PATCH", app, json!({})),
        ("updateStaticSiteV3", "PATCH", site, json!({})),
        (
            "promotePipelineV3",
            "POST",
            format!("/pipelines/{PIPELINE}/promote"),
            json!({ "source_app_id": APP, "target_app_ids": [STAGED] }),
        ),
        (
            "createEnvironmentVariableV3",
            "POST",
            variables.clone(),
            json!({ "key": "A", "value": "" }),
        ),
        (
            "updateEnvironmentVariableV3",
            "PUT",
            format!("{variables}/{VARIABLE}"),
            json!({}),
        ),
        (
            "createDatabaseV3",
            "POST",
            "/databases".to_owned(),
            json!({
                "display_name": "orders",
                "type": "postgresql",
                "version": "16",
                "cluster_id": CLUSTER,
                "resource_type_id": LARGE_DATABASE,
                "db_name": "shop",
                "db_password": "secret",
            }),
        ),
        (
            "createDatabaseInternalConnectionV3",
            "POST",
            format!("{database}/internal-connections"),
            json!({ "target_id": APP, "target_type": "app" }),
        ),
        (
            "resetDatabasePasswordV3",
            "POST",
            format!("{database}/reset-password"),
            json!({ "new_password": "secret" }),
        ),
        ("updateDatabaseV3", "PATCH", database, json!({})),
    ]
}

fn started() -> (Simulator, Client) {
    let application = Application::new(APP)
        .past(PastDeployment::success())
        .env_var(EnvVar::new("MODE", "live").id(VARIABLE));
    let world = World::new()
        .application(application)
        .application(Application::new(STAGED))
        .static_site(StaticSite::new(SITE))
        .database(Database::new(DATABASE))
        .pipeline(Pipeline::new(PIPELINE));
    let simulator = Simulator::start_blocking(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

/// Values a schema of the document does not allow.
fn wrong(schema: &Value) -> Vec<Value> {
    if let Some(choices) = schema["anyOf"].as_array() {
        // Here always something or null.
        let something = choices.iter().find(|one| one["type"] != "null");
        let values = something.map(wrong).unwrap_or_default();
        return values
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
    }
    let mut values = vec![Value::Null];
    let number = |word: &str| schema[word].as_i64();
    let text = |length: i64| Value::from("a".repeat(usize::try_from(length).unwrap_or(0)));
    match schema["type"].as_str() {
        Some("string") => {
            values.push(json!(7));
            values.extend(
                number("minLength")
                    .filter(|least| *least > 0)
                    .map(|least| text(least - 1)),
            );
            values.extend(number("maxLength").map(|most| text(most + 1)));
            if schema["enum"].is_array() || schema["format"] == "uuid" {
                values.push(json!("odd"));
            }
            if schema["pattern"].is_string() {
                values.push(json!("a b c d"));
            }
        }
        Some("integer") => {
            values.extend([json!("7"), json!(1.5)]);
            values.extend(number("minimum").map(|least| json!(least - 1)));
            values.extend(number("exclusiveMinimum").map(|least| json!(least)));
            values.extend(number("maximum").map(|most| json!(most + 1)));
        }
        Some("array") => {
            values.extend([json!({}), json!("odd")]);
            values.extend(
                number("minItems")
                    .filter(|least| *least > 0)
                    .map(|_| json!([])),
            );
            values.extend(
                wrong(&schema["items"])
                    .into_iter()
                    .map(|item| json!([item])),
            );
        }
        Some("object") => {
            values.push(json!([]));
            values.extend(spoiled(schema, &json!({})));
        }
        _ => values.extend([json!("true"), json!(1)]),
    }
    values
}

/// Bodies a schema of the document does not allow, made from one it does.
fn spoiled(schema: &Value, good: &Value) -> Vec<Value> {
    let mut bodies = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten() {
        let mut body = good.clone();
        let fields = body.as_object_mut().expect("is an object");
        fields.remove(name.as_str().expect("is a name"));
        bodies.push(body);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        for value in wrong(field) {
            let mut body = good.clone();
            body[name] = value;
            bodies.push(body);
        }
    }
    if schema["additionalProperties"] == json!(false) {
        let mut body = good.clone();
        body["odd_one"] = json!(1);
        bodies.push(body);
    }
    bodies
}

#[test]
fn what_the_document_refuses_is_refused() {
    let Some(document) = Document::named() else {
        return;
    };
    let (_simulator, client) = started();
    let mut tried = 0;
    for (name, method, path, good) in cases() {
        for body in spoiled(document.body(name), &good) {
            let reply = client.send_json(method, &path, &body.to_string());
            let mut shown = body.to_string();
            shown.truncate(200);
            assert_eq!(reply.status, 400, "{name}: {shown}");
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn what_the_document_allows_is_accepted() {
    let Some(document) = Document::named() else {
        return;
    };
    let (_simulator, client) = started();
    for (name, method, path, good) in cases() {
        let schema = document.body(name);
        let reply = client.send_json(method, &path, &good.to_string());
        assert!(reply.status < 300, "{name}: {}", reply.status);
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            let choices = schema["anyOf"].as_array().into_iter().flatten();
            if choices.clone().any(|one| one["type"] == "null") {
                let mut body = good.clone();
                body[field] = Value::Null;
                let reply = client.send_json(method, &path, &body.to_string());
                assert!(reply.status < 300, "{name}: {body}: {}", reply.status);
            }
        }
        if schema["additionalProperties"] != json!(false) && method == "PUT" {
            let more = json!({ "odd_one": 1 }).to_string();
            let reply = client.send_json(method, &path, &more);
            assert!(reply.status < 300, "{name}: {}", reply.status);
        }
    }
}
