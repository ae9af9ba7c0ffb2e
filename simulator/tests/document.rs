//! Answers against the API's document, when `SEVALLA_OPENAPI` names it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use common::openapi::{Document, check};
use common::{APP, CACHE, Client, DATABASE, PIPELINE, SITE, STAGED, ms, start};
use serde_json::json;
use sevalla_simulator::{
    Application, CLUSTER, Change, Database, Deletion, EnvVar, LARGE_DATABASE, PastDeployment,
    Pipeline, Preview, Script, StaticSite, World,
};

/// Operations newer than the document, with the page they are taken from; their
/// answers are checked against the shape that page shows.
const NEWER: [(&str, &str, &str); 3] = [
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
    (
        "createApplicationInternalConnection",
        "/applications/{id}/internal-connections",
        "api-docs.sevalla.com/v3/applications/create-internal-connection",
    ),
];

/// Longer than any test.
fn forever() -> Change {
    Change::takes(ms(600_000))
}

/// A deletion that is seen under way, however slow the machine.
fn slow() -> Deletion {
    Deletion::new().takes(ms(600_000))
}

fn world() -> World {
    World::new()
        .application(
            Application::new(APP)
                .past(PastDeployment::success())
                .past(PastDeployment::failed())
                .next(Script::success().never_ends().generated_lines(3)),
        )
        .static_site(
            StaticSite::new(SITE)
                .past(PastDeployment::success())
                .next(Script::success().never_ends().generated_lines(3)),
        )
        .static_site(StaticSite::new(PIPELINE).deletion(slow()))
        .application(Application::new(STAGED).env_var(EnvVar::new("MODE", "live")))
        .database(Database::new(DATABASE).update(forever()).external(true))
        .database(Database::new(CACHE).kind("redis").deletion(slow()))
        .next_database(Database::new(SITE).creation(forever()))
        .pipeline(
            Pipeline::new(PIPELINE).preview(
                Preview::new()
                    .next(Application::new(SITE).next(Script::success().never_ends()))
                    .next(Application::new(PIPELINE).deletion(slow().accepted_when_busy())),
            ),
        )
}

#[test]
fn answers_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = start(world());
    let client = Client::of(&simulator);
    let app = format!("/applications/{APP}");
    let made = client.post_json(&format!("{app}/deployments"), "{}");
    document.expect("triggerDeploymentV3", 200, &made);
    simulator.advance(ms(80));
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
    document.knows(&simulator.journal(), &newer());
}

#[test]
fn answers_about_static_sites_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = start(world());
    let client = Client::of(&simulator);
    let site = format!("/static-sites/{SITE}");
    let made = client.post_json(&format!("{site}/deployments"), "{}");
    document.expect("deployStaticSiteV3", 201, &made);
    simulator.advance(ms(80));
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
    simulator.advance(ms(100));
    let again = client.post(&format!("{one}/cancel"));
    document.expect("cancelStaticSiteDeploymentV3", 400, &again);
    document.knows(&simulator.journal(), &newer());
}

#[test]
fn answers_about_pipelines_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = start(world());
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
    document.expect("deleteApplicationV3", 400, &client.delete(&app));
    let second = client.post_json(&apps, r#"{"branch":"y"}"#).text("id");
    let second = format!("/applications/{second}");
    document.expect("deleteApplicationV3", 200, &client.delete(&second));
    document.expect("getApplicationV3", 200, &client.get(&second));
    let none = format!("/applications/{CACHE}");
    document.expect("deleteApplicationV3", 404, &client.delete(&none));
    document.knows(&simulator.journal(), &newer());
}

#[test]
fn answers_about_changes_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = start(world());
    let client = Client::of(&simulator);
    let app = format!("/applications/{APP}");
    let site = format!("/static-sites/{SITE}");
    let body = r#"{"display_name":"Shop","buildpacks":[{"order":0,"source":"x"}]}"#;
    let changed = client.send_json("PATCH", &app, body);
    document.expect("updateApplicationV3", 200, &changed);
    document.expect("getApplicationV3", 200, &client.get(&app));
    let body = r#"{"display_name":"Docs","git_type":null}"#;
    let changed = client.send_json("PATCH", &site, body);
    document.expect("updateStaticSiteV3", 200, &changed);
    document.expect("getStaticSiteV3", 200, &client.get(&site));
    document.expect(
        "toggleApplicationCdnV3",
        200,
        &client.post(&format!("{app}/cdn/toggle")),
    );

    let variables = format!("/applications/{STAGED}/env-vars");
    let made = client.post_json(&variables, r#"{"key":"COLOR","value":"red"}"#);
    document.expect("createEnvironmentVariableV3", 201, &made);
    document.expect("listEnvironmentVariablesV3", 200, &client.get(&variables));
    let one = format!("{variables}/{}", made.text("id"));
    let changed = client.send_json("PUT", &one, r#"{"value":"blue"}"#);
    document.expect("updateEnvironmentVariableV3", 200, &changed);
    document.expect("deleteEnvironmentVariableV3", 200, &client.delete(&one));
    document.expect("deleteEnvironmentVariableV3", 404, &client.delete(&one));

    client.post_json(&format!("{site}/deployments"), "{}");
    document.expect("deleteStaticSiteV3", 409, &client.delete(&site));
    let idle = format!("/static-sites/{PIPELINE}");
    document.expect("deleteStaticSiteV3", 200, &client.delete(&idle));
    document.expect("getStaticSiteV3", 200, &client.get(&idle));
    document.knows(&simulator.journal(), &newer());
}

#[test]
fn answers_about_databases_are_as_documented() {
    let Some(document) = Document::named() else {
        return;
    };
    let simulator = start(world());
    let client = Client::of(&simulator);
    let new = json!({
        "display_name": "orders",
        "type": "postgresql",
        "version": "16",
        "cluster_id": CLUSTER,
        "resource_type_id": LARGE_DATABASE,
        "db_name": "shop",
        "db_password": "secret",
    });
    let made = client.post_json("/databases", &new.to_string());
    document.expect("createDatabaseV3", 201, &made);
    document.expect(
        "createDatabaseV3",
        400,
        &client.post_json("/databases", "{}"),
    );
    let fresh = format!("/databases/{}", made.text("id"));
    document.expect("getDatabaseV3", 200, &client.get(&fresh));
    document.expect("deleteDatabaseV3", 400, &client.delete(&fresh));
    document.expect("listDatabasesV3", 200, &client.get("/databases"));
    for id in [DATABASE, CACHE] {
        document.expect(
            "getDatabaseV3",
            200,
            &client.get(&format!("/databases/{id}")),
        );
    }

    let database = format!("/databases/{DATABASE}");
    let connections = format!("{database}/internal-connections");
    let target = json!({ "target_id": APP, "target_type": "app" }).to_string();
    let made = client.post_json(&connections, &target);
    document.expect("createDatabaseInternalConnectionV3", 201, &made);
    let from_app = format!("/applications/{APP}/internal-connections");
    let target = json!({ "target_id": CACHE, "target_type": "database" }).to_string();
    // Its own operation is newer than the document.
    let newer_made = client.post_json(&from_app, &target);
    document.expect("createDatabaseInternalConnectionV3", 201, &newer_made);
    let list = client.get(&connections);
    document.expect("listDatabaseInternalConnectionsV3", 200, &list);
    let one = format!("{connections}/{}", made.text("id"));
    document.expect(
        "deleteDatabaseInternalConnectionV3",
        200,
        &client.delete(&one),
    );

    let grow = json!({ "resource_type_id": LARGE_DATABASE }).to_string();
    let changed = client.send_json("PATCH", &database, &grow);
    document.expect("updateDatabaseV3", 200, &changed);
    let reset = format!("{database}/reset-password");
    let password = r#"{"new_password":"secret"}"#;
    let refused = client.post_json(&reset, password);
    document.expect("resetDatabasePasswordV3", 400, &refused);
    let cache = format!("/databases/{CACHE}");
    let accepted = client.post_json(&format!("{cache}/reset-password"), password);
    document.expect("resetDatabasePasswordV3", 200, &accepted);
    simulator.advance(ms(80));
    let removed = cache;
    document.expect("deleteDatabaseV3", 200, &client.delete(&removed));
    document.expect("getDatabaseV3", 200, &client.get(&removed));

    let clusters = client.get("/resources/clusters");
    document.expect("listClustersV3", 200, &clusters);
    let sizes = client.get("/resources/database-resource-types");
    document.expect("listDatabaseResourceTypesV3", 200, &sizes);
    document.knows(&simulator.journal(), &newer());
}

fn newer() -> Vec<&'static str> {
    NEWER.iter().map(|(operation, _, _)| *operation).collect()
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
    let simulator = start(world().forbid("listApplicationsV3"));
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
