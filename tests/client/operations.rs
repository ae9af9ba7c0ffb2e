//! Every operation: what is sent, and what is read out of the answer.

use jiff::Timestamp;
use serde_json::{Value, json};
use sevalla_deploy::deployment::{DeploySource, Deployment, LogLine, Origin, Service, Status};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::resource::{MutableKind, ResourceKind, ResourceList, ResourceRef};
use sevalla_deploy::secret::Password;
use sevalla_deploy::sevalla::{ApiError, Client, EnvVar, LogWindow, Patience, operation};
use tokio::time::Instant;
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::answers::{
    application, application_deployment, application_summary, connection, database, domains,
    env_var, logs, new_database, null_but, page, pipeline, process, single_static_site_deployment,
    static_site, static_site_deployment, static_site_summary,
};
use crate::setup::{
    APP, DATABASE, KEY, PIPELINE, PLENTY, SITE, api, client, deployment, plain_order, window,
};

/// An operation as the OpenAPI document has it, with the ids of these tests.
struct Documented {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static str,
    body: Option<&'static str>,
    status: u16,
    answer: fn() -> Value,
}

/// The hour before [`until`].
const HOUR: &str = "from=2026-02-25T05%3A13%3A20.123Z&to=2026-02-25T06%3A13%3A20.123Z";
const HOUR_BY_CODE: &str =
    "from=2026-02-25T05%3A13%3A20.123Z&to=2026-02-25T06%3A13%3A20.123Z&limit=100";

fn until() -> Timestamp {
    "2026-02-25T06:13:20.123Z".parse().unwrap()
}

fn documented() -> Vec<Documented> {
    const READ: Documented = Documented {
        id: "",
        method: "GET",
        path: "",
        query: "",
        body: None,
        status: 200,
        answer: application,
    };
    vec![
        Documented {
            id: "getApplicationV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657",
            ..READ
        },
        Documented {
            id: "listDeploymentsV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments",
            query: "limit=10",
            answer: || page(&json!([application_deployment()])),
            ..READ
        },
        Documented {
            id: "triggerDeploymentV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments",
            body: Some("{}"),
            answer: application_deployment,
            ..READ
        },
        Documented {
            id: "getDeploymentV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22",
            answer: application_deployment,
            ..READ
        },
        Documented {
            id: "cancelDeploymentV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/cancel",
            answer: || json!({"message": "Deployment cancelled"}),
            ..READ
        },
        Documented {
            id: "getApplicationDeploymentLogsV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/logs",
            query: "from=2026-02-25T06%3A13%3A20.123Z&limit=100",
            answer: logs,
            ..READ
        },
        Documented {
            id: "listApplicationDomainsV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/domains",
            query: "limit=100",
            answer: domains,
            ..READ
        },
        Documented {
            id: "listApplicationsV3",
            path: "/v3/applications",
            query: "limit=100&offset=0",
            answer: || page(&json!([application_summary()])),
            ..READ
        },
        Documented {
            id: "deleteApplicationV3",
            method: "DELETE",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657",
            answer: || json!({"message": "Application deletion started"}),
            ..READ
        },
        Documented {
            id: "rollbackDeploymentV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments/rollback",
            answer: application_deployment,
            ..READ
        },
        Documented {
            id: "purgeApplicationCacheV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/purge-cache",
            answer: || json!({"message": "Cache purge started"}),
            ..READ
        },
        Documented {
            id: "getPipelineV3",
            path: "/v3/pipelines/54fb80af-576c-4fdc-ba4f-b596c83f15a1",
            answer: pipeline,
            ..READ
        },
        Documented {
            id: "promotePipelineV3",
            method: "POST",
            path: "/v3/pipelines/54fb80af-576c-4fdc-ba4f-b596c83f15a1/promote",
            body: Some(
                r#"{"source_app_id":"fb5e5168-4281-4bec-94c5-0d1584e9e657","target_app_ids":["0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11"]}"#,
            ),
            answer: || {
                json!([{"target_app_id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
                    "deployment_id": "6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22"}])
            },
            ..READ
        },
        Documented {
            id: "getStaticSiteV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
            answer: static_site,
            ..READ
        },
        Documented {
            id: "listStaticSiteDeploymentsV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments",
            query: "limit=10",
            answer: || page(&json!([static_site_deployment()])),
            ..READ
        },
        Documented {
            id: "deployStaticSiteV3",
            method: "POST",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments",
            body: Some("{}"),
            status: 201,
            answer: static_site_deployment,
            ..READ
        },
        Documented {
            id: "getStaticSiteDeploymentV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22",
            answer: single_static_site_deployment,
            ..READ
        },
        Documented {
            id: "cancelStaticSiteDeploymentV3",
            method: "POST",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/cancel",
            answer: || json!({"message": "Deployment cancelled"}),
            ..READ
        },
        Documented {
            id: "purgeStaticSiteCacheV3",
            method: "POST",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/purge-cache",
            answer: || json!({"message": "Cache purge started"}),
            ..READ
        },
        Documented {
            id: "validateApiKeyV3",
            path: "/v3/api-keys/validate",
            answer: || {
                json!({"name": "ci", "expires_at": null, "status": "active",
                    "company_id": "54fb80af-576c-4fdc-ba4f-b596c83f15a1"})
            },
            ..READ
        },
        Documented {
            id: "getStaticSiteDeploymentLogsV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/logs",
            query: "from=2026-02-25T06%3A13%3A20.123Z&limit=100",
            answer: logs,
            ..READ
        },
        Documented {
            id: "updateApplicationV3",
            method: "PATCH",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657",
            body: Some(r#"{"auto_deploy":false}"#),
            ..READ
        },
        Documented {
            id: "toggleApplicationCdnV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/cdn/toggle",
            answer: || json!({"is_turned_on": true}),
            ..READ
        },
        Documented {
            id: "listProcessesV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/processes",
            query: "limit=100&offset=0",
            answer: || page(&json!([process()])),
            ..READ
        },
        Documented {
            id: "listEnvironmentVariablesV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/env-vars",
            query: "limit=100&offset=0",
            answer: || page(&json!([env_var()])),
            ..READ
        },
        Documented {
            id: "createEnvironmentVariableV3",
            method: "POST",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/env-vars",
            body: Some(r#"{"key":"DATABASE_HOST","value":"db.internal"}"#),
            status: 201,
            answer: env_var,
            ..READ
        },
        Documented {
            id: "updateEnvironmentVariableV3",
            method: "PUT",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/env-vars/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
            body: Some(r#"{"key":"DATABASE_HOST","value":"db.internal"}"#),
            answer: env_var,
            ..READ
        },
        Documented {
            id: "listStaticSitesV3",
            path: "/v3/static-sites",
            query: "limit=100&offset=0",
            answer: || page(&json!([static_site_summary()])),
            ..READ
        },
        Documented {
            id: "updateStaticSiteV3",
            method: "PATCH",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
            body: Some(r#"{"auto_deploy":false}"#),
            answer: static_site,
            ..READ
        },
        Documented {
            id: "deleteStaticSiteV3",
            method: "DELETE",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
            answer: || json!({"message": "Static site is being deleted"}),
            ..READ
        },
        Documented {
            id: "listPipelinesV3",
            path: "/v3/pipelines",
            query: "limit=100&offset=0",
            answer: || page(&json!([pipeline()])),
            ..READ
        },
        Documented {
            id: "listDatabasesV3",
            path: "/v3/databases",
            query: "limit=100&offset=0",
            answer: || page(&json!([new_database()])),
            ..READ
        },
        Documented {
            id: "getDatabaseV3",
            path: "/v3/databases/b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22",
            answer: database,
            ..READ
        },
        Documented {
            id: "createDatabaseV3",
            method: "POST",
            path: "/v3/databases",
            body: Some(r#"{"auto_deploy":false,"db_password":"sec=ret?"}"#),
            status: 201,
            answer: new_database,
            ..READ
        },
        Documented {
            id: "updateDatabaseV3",
            method: "PATCH",
            path: "/v3/databases/b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22",
            body: Some(r#"{"auto_deploy":false}"#),
            answer: new_database,
            ..READ
        },
        Documented {
            id: "deleteDatabaseV3",
            method: "DELETE",
            path: "/v3/databases/b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22",
            answer: || json!({"message": "Database is being deleted"}),
            ..READ
        },
        Documented {
            id: "listDatabaseInternalConnectionsV3",
            path: "/v3/databases/b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22/internal-connections",
            answer: || json!([connection()]),
            ..READ
        },
        Documented {
            id: "createDatabaseInternalConnectionV3",
            method: "POST",
            path: "/v3/databases/b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22/internal-connections",
            body: Some(
                r#"{"target_id":"fb5e5168-4281-4bec-94c5-0d1584e9e657","target_type":"app"}"#,
            ),
            status: 201,
            answer: || json!({"id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11"}),
            ..READ
        },
        Documented {
            id: "listClustersV3",
            path: "/v3/resources/clusters",
            answer: || {
                json!([{"id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11", "name": "europe-west3",
                    "display_name": "Frankfurt", "location": "europe-west3"}])
            },
            ..READ
        },
        Documented {
            id: "listDatabaseResourceTypesV3",
            path: "/v3/resources/database-resource-types",
            answer: || {
                json!([{"id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11", "name": "DB1",
                    "cpu_limit": 250, "memory_limit": 256, "storage_limit": 1024}])
            },
            ..READ
        },
        Documented {
            id: "getApplicationTopStatusCodesV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/metrics/top-status-codes",
            query: HOUR_BY_CODE,
            answer: || json!([{"status": "200", "total": 12}, {"status": 404, "total": 1.0}]),
            ..READ
        },
        Documented {
            id: "getApplicationResponseTimeAvgV3",
            path: "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/metrics/response-time-avg",
            query: HOUR,
            answer: || json!({"average_response_time_ms": 82.5}),
            ..READ
        },
        Documented {
            id: "getStaticSiteTopStatusCodesV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/metrics/top-status-codes",
            query: HOUR_BY_CODE,
            answer: || json!([]),
            ..READ
        },
        Documented {
            id: "getStaticSiteResponseTimeAvgV3",
            path: "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/metrics/response-time-avg",
            query: HOUR,
            answer: || json!({"average_response_time_ms": null}),
            ..READ
        },
    ]
}

/// Calls the operation with this id, once.
async fn call(client: &Client, id: &str) -> Result<(), ApiError> {
    let once = Patience::Once;
    let deployment = deployment();
    match id {
        "getApplicationV3" => client.get_application(APP, once).await.map(drop),
        "listDeploymentsV3" => client.list_deployments(APP, 10, once).await.map(drop),
        "triggerDeploymentV3" => client
            .writes()
            .trigger_deployment(APP, &plain_order(), once)
            .await
            .map(drop),
        "getDeploymentV3" => client
            .get_deployment(APP, &deployment, once)
            .await
            .map(drop),
        "cancelDeploymentV3" => client.writes().cancel_deployment(APP, &deployment).await,
        "cancelStaticSiteDeploymentV3" => {
            client
                .writes()
                .cancel_static_site_deployment(SITE, &deployment)
                .await
        }
        "validateApiKeyV3" => client.key_expires_at().await.map(drop),
        "getApplicationDeploymentLogsV3" => client
            .get_application_deployment_logs(APP, &deployment, window())
            .await
            .map(drop),
        "listApplicationDomainsV3" => client.list_application_domains(APP, once).await.map(drop),
        "listApplicationsV3" => client.list_applications(0, once).await.map(drop),
        "rollbackDeploymentV3" => client
            .writes()
            .rollback_deployment(APP, None, once)
            .await
            .map(drop),
        "purgeApplicationCacheV3" => {
            client
                .writes()
                .purge_cache(Service::application(APP), once)
                .await
        }
        "purgeStaticSiteCacheV3" => {
            client
                .writes()
                .purge_cache(Service::static_site(SITE), once)
                .await
        }
        "getPipelineV3" => client.get_pipeline(PIPELINE, once).await.map(drop),
        "promotePipelineV3" => client
            .writes()
            .promote_pipeline(PIPELINE, APP, &[SITE], once)
            .await
            .map(drop),
        "getStaticSiteV3" => client.get_static_site(SITE, once).await.map(drop),
        "listStaticSiteDeploymentsV3" => client
            .list_static_site_deployments(SITE, 10, once)
            .await
            .map(drop),
        "deployStaticSiteV3" => client
            .writes()
            .deploy_static_site(SITE, None, once)
            .await
            .map(drop),
        "getStaticSiteDeploymentV3" => client
            .get_static_site_deployment(SITE, &deployment, once)
            .await
            .map(drop),
        "getStaticSiteDeploymentLogsV3" => client
            .get_static_site_deployment_logs(SITE, &deployment, window())
            .await
            .map(drop),
        other => manage(client, other).await,
    }
}

/// The same for what lists, shows, changes, makes and deletes.
async fn manage(client: &Client, id: &str) -> Result<(), ApiError> {
    let once = Patience::Once;
    let settings = json!({"auto_deploy": false});
    let settings = settings.as_object().unwrap();
    let list = |kind| client.page(ResourceList::All(kind), 0, once);
    let variable = EnvVar {
        id: SITE,
        key: "DATABASE_HOST".to_owned(),
        updated_at: None,
    };
    match id {
        "updateApplicationV3" => {
            client
                .writes()
                .update(MutableKind::Application, APP, settings, once)
                .await
        }
        "updateStaticSiteV3" => {
            client
                .writes()
                .update(MutableKind::StaticSite, SITE, settings, once)
                .await
        }
        "updateDatabaseV3" => {
            client
                .writes()
                .update(MutableKind::Database, DATABASE, settings, once)
                .await
        }
        "deleteApplicationV3" => {
            client
                .writes()
                .delete(MutableKind::Application, APP, once)
                .await
        }
        "deleteStaticSiteV3" => {
            client
                .writes()
                .delete(MutableKind::StaticSite, SITE, once)
                .await
        }
        "deleteDatabaseV3" => {
            client
                .writes()
                .delete(MutableKind::Database, DATABASE, once)
                .await
        }
        "toggleApplicationCdnV3" => client.writes().toggle_cdn(APP, once).await.map(drop),
        "listProcessesV3" => {
            let list = ResourceList::Processes(APP);
            client.page(list, 0, once).await.map(drop)
        }
        "listStaticSitesV3" => list(ResourceKind::StaticSite).await.map(drop),
        "listPipelinesV3" => list(ResourceKind::Pipeline).await.map(drop),
        "listDatabasesV3" => list(ResourceKind::Database).await.map(drop),
        "getDatabaseV3" => {
            let (kind, id) = (ResourceKind::Database, DATABASE);
            client
                .record(ResourceRef { kind, id }, once)
                .await
                .map(drop)
        }
        "createDatabaseV3" => {
            let password = Password::parse("sec=ret?").unwrap();
            let made = client.writes().create_database(settings, &password, once);
            made.await.map(drop)
        }
        "listDatabaseInternalConnectionsV3" => {
            let all = client.list_internal_connections(DATABASE, once);
            all.await.map(drop)
        }
        "createDatabaseInternalConnectionV3" => {
            client
                .writes()
                .create_internal_connection(DATABASE, APP, once)
                .await
        }
        "listClustersV3" => client.list_clusters(once).await.map(drop),
        "listDatabaseResourceTypesV3" => client.list_database_resource_types(once).await.map(drop),
        "listEnvironmentVariablesV3" => client.list_env_vars(APP, 0, once).await.map(drop),
        "createEnvironmentVariableV3" => {
            client
                .writes()
                .create_env_var(APP, &variable.key, "db.internal", once)
                .await
        }
        "updateEnvironmentVariableV3" => {
            client
                .writes()
                .update_env_var(APP, &variable, "db.internal", once)
                .await
        }
        "getApplicationTopStatusCodesV3" => {
            let service = Service::application(APP);
            client.requests_by_class(service, until()).await.map(drop)
        }
        "getApplicationResponseTimeAvgV3" => {
            let service = Service::application(APP);
            client.response_time(service, until()).await.map(drop)
        }
        "getStaticSiteTopStatusCodesV3" => {
            let service = Service::static_site(SITE);
            client.requests_by_class(service, until()).await.map(drop)
        }
        "getStaticSiteResponseTimeAvgV3" => {
            let service = Service::static_site(SITE);
            client.response_time(service, until()).await.map(drop)
        }
        other => panic!("no test calls {other}"),
    }
}

/// A server that meets everything with this answer.
async fn answering(status: u16, body: &Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(&server)
        .await;
    server
}

/// The only request that came.
async fn only_request(server: &MockServer) -> Request {
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

/// All values of a header.
fn values<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    let values = request.headers.get_all(name).iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn these_are_all_the_operations() {
    let here: Vec<_> = documented().iter().map(|operation| operation.id).collect();
    let used: Vec<_> = operation::ALL
        .iter()
        .map(|operation| operation.id)
        .collect();
    assert_eq!(here, used);
}

#[tokio::test]
async fn each_request_is_what_the_document_wants() {
    for wanted in documented() {
        let id = wanted.id;
        let server = answering(wanted.status, &(wanted.answer)()).await;
        call(&client(&api(&server)), id).await.unwrap();
        let request = only_request(&server).await;
        assert_eq!(request.method.as_str(), wanted.method, "{id}");
        assert_eq!(request.url.path(), wanted.path, "{id}");
        assert_eq!(
            request.url.query().unwrap_or_default(),
            wanted.query,
            "{id}"
        );
        let bearer = format!("Bearer {KEY}");
        assert_eq!(values(&request, "authorization"), [bearer.as_str()], "{id}");
        assert_eq!(values(&request, "accept"), ["application/json"], "{id}");
        let agent = concat!("sevalla-deploy/", env!("CARGO_PKG_VERSION"));
        assert_eq!(values(&request, "user-agent"), [agent], "{id}");
        // The service answers 400 to a content type without a body.
        let content_type: &[&str] = match wanted.body {
            Some(_) => &["application/json"],
            None => &[],
        };
        assert_eq!(values(&request, "content-type"), content_type, "{id}");
        let body = wanted.body.unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&request.body), body, "{id}");
    }
}

#[tokio::test]
async fn any_status_of_success_is_success() {
    for wanted in documented() {
        for status in [200, 201, 202, 203, 299] {
            let server = answering(status, &(wanted.answer)()).await;
            let result = call(&client(&api(&server)), wanted.id).await;
            assert!(result.is_ok(), "{} {status}: {result:?}", wanted.id);
        }
    }
}

#[tokio::test]
async fn fields_that_are_new_are_no_trouble() {
    fn extend(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(extend),
            Value::Object(fields) => {
                if let Some(data) = fields.get_mut("data") {
                    extend(data);
                }
                fields.insert("wait_for_checks".to_owned(), json!(true));
                fields.insert("new".to_owned(), json!({"deep": [1, {"x": null}], "": ""}));
            }
            _ => (),
        }
    }
    for wanted in documented() {
        let mut body = (wanted.answer)();
        extend(&mut body);
        let server = answering(wanted.status, &body).await;
        let result = call(&client(&api(&server)), wanted.id).await;
        assert!(result.is_ok(), "{}: {result:?}", wanted.id);
    }
}

#[tokio::test]
async fn an_order_is_sent_with_only_what_it_says() {
    let text = |text: &str| Some(text.to_owned());
    for (branch, docker_image, restart, body) in [
        (None, None, false, "{}"),
        (text("main"), None, false, r#"{"branch":"main"}"#),
        (
            text("feat/ü \"q\""),
            None,
            false,
            r#"{"branch":"feat/ü \"q\""}"#,
        ),
        (
            None,
            text("ghcr.io/you/app:1.4.2"),
            false,
            r#"{"docker_image":"ghcr.io/you/app:1.4.2"}"#,
        ),
        (None, None, true, r#"{"is_restart":true}"#),
    ] {
        let server = answering(200, &application_deployment()).await;
        let order = DeploySource {
            branch,
            docker_image,
            restart,
        };
        client(&api(&server))
            .writes()
            .trigger_deployment(APP, &order, Patience::Once)
            .await
            .unwrap();
        let request = only_request(&server).await;
        assert_eq!(String::from_utf8_lossy(&request.body), body);
    }
    let server = answering(201, &static_site_deployment()).await;
    client(&api(&server))
        .writes()
        .deploy_static_site(SITE, Some("gh-pages"), Patience::Once)
        .await
        .unwrap();
    let request = only_request(&server).await;
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        r#"{"branch":"gh-pages"}"#
    );
}

#[tokio::test]
async fn a_closed_window_of_a_log_has_an_end() {
    let server = answering(200, &json!([])).await;
    let window = LogWindow {
        from_micros: 1_772_000_000_123_999,
        to_micros: Some(1_772_000_060_000_000),
        limit: 5000,
        severity: None,
    };
    let lines = client(&api(&server))
        .deployment_logs(Service::application(APP), &deployment(), window)
        .await
        .unwrap();
    assert!(lines.is_empty());
    let request = only_request(&server).await;
    assert_eq!(
        request.url.query().unwrap(),
        "from=2026-02-25T06%3A13%3A20.123Z&to=2026-02-25T06%3A14%3A20.000Z&limit=5000"
    );
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = answering(200, &application()).await;
    let deadline = Instant::now() + PLENTY;
    let nothing = Variables::default();
    let keyless = Client::new(
        &api(&server),
        None,
        &nothing,
        deadline,
        std::rc::Rc::new(|_, _| ()),
    );
    keyless
        .unwrap()
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    let request = only_request(&server).await;
    assert_eq!(values(&request, "authorization"), [""; 0]);
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_address_changes_nothing() {
    let server = answering(200, &application()).await;
    let base = url::Url::parse(&format!("{}/v3/", server.uri())).unwrap();
    client(&base)
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    let request = only_request(&server).await;
    assert_eq!(
        request.url.path(),
        "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657"
    );
}

#[tokio::test]
async fn an_application_is_read() {
    let server = answering(200, &application()).await;
    let client = client(&api(&server));
    let read = client.get_application(APP, Patience::Once).await.unwrap();
    assert_eq!(read.display_name.as_deref(), Some("My Application"));
    assert_eq!(read.source.as_deref(), Some("privateGit"));
    assert_eq!(read.status.as_deref(), Some("deploymentSuccess"));
    assert_eq!(read.default_branch.as_deref(), Some("main"));
    assert_eq!(read.docker_image.as_deref(), Some("nginx:latest"));
    assert!(read.auto_deploy && !read.is_suspended);
}

#[tokio::test]
async fn a_static_site_is_read() {
    let server = answering(200, &static_site()).await;
    let client = client(&api(&server));
    let read = client.get_static_site(SITE, Patience::Once).await.unwrap();
    assert_eq!(read.display_name.as_deref(), Some("My Static Site"));
    assert_eq!(read.status.as_deref(), Some("deploymentSuccess"));
    assert_eq!(read.default_branch.as_deref(), Some("main"));
    assert_eq!(read.hostname.as_deref(), Some("my-site.sevalla.page"));
    assert!(read.auto_deploy);
}

fn expected_application_deployment() -> Deployment {
    let text = |text: &str| Some(text.to_owned());
    Deployment {
        id: deployment(),
        status: Status::Success,
        origin: Origin::Manual,
        trigger: text("MANUAL_DEPLOY"),
        branch: text("main"),
        docker_image: text("us-central1-docker.pkg.dev/project/repo/image:abc123"),
        commit_sha: text("a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2"),
        commit_message: text("feat: add new feature"),
        build_error: None,
        created_at: "2025-01-30T00:00:00Z".parse().ok(),
        started_at: "2025-01-30T00:00:20Z".parse().ok(),
        finished_at: "2025-01-30T00:05:00Z".parse().ok(),
        is_built: Some(true),
        is_preview: false,
    }
}

fn expected_static_site_deployment() -> Deployment {
    let text = |text: &str| Some(text.to_owned());
    Deployment {
        id: deployment(),
        status: Status::Failed,
        origin: Origin::Automatic,
        trigger: None,
        branch: text("main"),
        docker_image: None,
        commit_sha: text("abc123def456"),
        commit_message: text("Update landing page"),
        build_error: text("Build failed: exit code 1"),
        created_at: "2025-01-30T00:00:00Z".parse().ok(),
        started_at: "2025-01-30T00:00:10Z".parse().ok(),
        finished_at: "2025-01-30T00:00:30Z".parse().ok(),
        is_built: None,
        is_preview: false,
    }
}

#[tokio::test]
async fn a_deployment_of_an_application_is_read_from_every_answer_that_has_one() {
    let expected = expected_application_deployment();
    let one = answering(200, &application_deployment()).await;
    let client_of_one = client(&api(&one));
    let started = client_of_one
        .writes()
        .trigger_deployment(APP, &plain_order(), Patience::Once)
        .await
        .unwrap();
    assert_eq!(started, expected);
    let read = client_of_one
        .deployment(Service::application(APP), &deployment())
        .await
        .unwrap();
    assert_eq!(read, expected);

    let mut newer = application_deployment();
    newer["id"] = json!("newer");
    let list = answering(200, &page(&json!([newer, application_deployment()]))).await;
    let listed = client(&api(&list))
        .deployments(Service::application(APP), 2, Patience::Once)
        .await
        .unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].id.0, "newer");
    assert_eq!(listed[1], expected);
}

#[tokio::test]
async fn a_deployment_of_a_static_site_is_read_from_every_answer_that_has_one() {
    let expected = expected_static_site_deployment();
    let trigger = answering(201, &static_site_deployment()).await;
    let started = client(&api(&trigger))
        .writes()
        .deploy_static_site(SITE, None, Patience::Once)
        .await
        .unwrap();
    assert_eq!(started, expected);

    let list = answering(200, &page(&json!([static_site_deployment()]))).await;
    let listed = client(&api(&list))
        .deployments(Service::static_site(SITE), 1, Patience::Once)
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(&expected));

    let single = answering(200, &single_static_site_deployment()).await;
    let read = client(&api(&single))
        .deployment(Service::static_site(SITE), &deployment())
        .await
        .unwrap();
    let without_error = Deployment {
        build_error: None,
        ..expected
    };
    assert_eq!(read, without_error);
}

#[tokio::test]
async fn the_kind_of_the_service_chooses_the_path() {
    let server = MockServer::start().await;
    for (at, body) in [
        (
            "/v3/applications/fb5e5168-4281-4bec-94c5-0d1584e9e657/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/logs",
            json!([{"message": "of the application"}]),
        ),
        (
            "/v3/static-sites/0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11/deployments/6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22/logs",
            json!([{"message": "of the site"}]),
        ),
    ] {
        Mock::given(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    let client = client(&api(&server));
    for (service, message) in [
        (Service::application(APP), "of the application"),
        (Service::static_site(SITE), "of the site"),
    ] {
        let lines = client
            .deployment_logs(service, &deployment(), window())
            .await
            .unwrap();
        assert_eq!(lines[0].message, message);
    }
}

#[tokio::test]
async fn a_log_is_read() {
    let server = answering(200, &logs()).await;
    let lines = client(&api(&server))
        .deployment_logs(Service::application(APP), &deployment(), window())
        .await
        .unwrap();
    let line = |id: &str, at_micros, severity: &str, message: &str| LogLine {
        id: id.to_owned(),
        at_micros,
        severity: severity.to_owned(),
        message: message.to_owned(),
    };
    assert_eq!(
        lines,
        [
            line(
                "log-1",
                1_740_236_400_000_000,
                "INFO",
                "Server started on port 3000"
            ),
            line("log-2", 1_740_236_400_001_000, "ERROR", "two\nlines"),
        ]
    );
}

#[tokio::test]
async fn domains_are_read() {
    let server = answering(200, &domains()).await;
    let read = client(&api(&server))
        .list_application_domains(APP, Patience::Once)
        .await
        .unwrap();
    assert_eq!(read.len(), 2);
    let (custom, system) = (&read[0], &read[1]);
    assert_eq!(custom.name, "app.example.com");
    assert_eq!(custom.status.as_deref(), Some("ACTIVE"));
    assert_eq!(custom.kind.as_deref(), Some("CUSTOM"));
    assert!(custom.is_enabled && custom.is_primary && !custom.is_wildcard);
    assert_eq!(system.kind.as_deref(), Some("SYSTEM"));
    assert!(!system.is_enabled && !system.is_primary && system.is_wildcard);
}

#[tokio::test]
async fn what_may_be_null_may_be_null() {
    let server = answering(200, &null_but(&["id"], application_deployment())).await;
    let read = client(&api(&server))
        .get_deployment(APP, &deployment(), Patience::Once)
        .await
        .unwrap();
    let empty = Deployment {
        id: deployment(),
        status: Status::Absent,
        origin: Origin::Unknown,
        trigger: None,
        branch: None,
        docker_image: None,
        commit_sha: None,
        commit_message: None,
        build_error: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        is_built: None,
        is_preview: false,
    };
    assert_eq!(read, empty);

    let server = answering(201, &null_but(&["id"], static_site_deployment())).await;
    let read = client(&api(&server))
        .writes()
        .deploy_static_site(SITE, None, Patience::Once)
        .await
        .unwrap();
    assert_eq!(read, empty);

    let server = answering(200, &null_but(&["id"], application())).await;
    let read = client(&api(&server))
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    assert_eq!(
        (read.status, read.default_branch, read.docker_image),
        (None, None, None)
    );
    assert!(!read.auto_deploy && !read.is_suspended);

    let server = answering(200, &null_but(&["id"], static_site())).await;
    let read = client(&api(&server))
        .get_static_site(SITE, Patience::Once)
        .await
        .unwrap();
    assert_eq!((read.status, read.hostname), (None, None));
}

#[tokio::test]
async fn a_word_that_is_new_is_kept_and_is_no_end() {
    let mut body = application_deployment();
    body["status"] = json!("paused");
    body["type"] = json!("scheduled");
    body["trigger"] = json!("CRON");
    body["steps"] = json!(["meditate"]);
    body["git_type"] = json!("forgejo");
    let server = answering(200, &body).await;
    let read = client(&api(&server))
        .get_deployment(APP, &deployment(), Patience::Once)
        .await
        .unwrap();
    assert_eq!(read.status, Status::Other("paused".to_owned()));
    assert_eq!(read.status.verdict(), None);
    assert_eq!(read.origin, Origin::Unknown);
    assert_eq!(read.trigger.as_deref(), Some("CRON"));

    let mut body = application();
    body["build_type"] = json!("ingot");
    body["source"] = json!("tarball");
    body["status"] = json!("thinking");
    let server = answering(200, &body).await;
    let read = client(&api(&server))
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    assert_eq!(read.source.as_deref(), Some("tarball"));
    assert_eq!(read.status.as_deref(), Some("thinking"));
}
