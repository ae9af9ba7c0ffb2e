//! The requests of the client, held against Sevalla's OpenAPI document.
//!
//! The document is not part of this repository. `SEVALLA_OPENAPI` names a copy;
//! without it, what needs the document is skipped and says so.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use sevalla_deploy::deployment::{DeploySource, DeploymentId, Service};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::resource::{MutableKind, ResourceKind, ResourceList, ResourceRef};
use sevalla_deploy::secret::{ApiToken, Password};
use sevalla_deploy::sevalla::operation::{ALL, Operation, ROLLBACK_DEPLOYMENT};
use sevalla_deploy::sevalla::{Client, EnvVar, LOG_PAGE, LONGEST_PAGE, LogWindow, Patience};
use tokio::time::Instant;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::schema::Schema;

/// The names of the ids in a path, in braces.
fn names_in(path: &str) -> Vec<&str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

/// The ids in an actual path, if it is one of this pattern.
fn ids<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let mut ids = Vec::new();
    for (expected, actual) in pattern.iter().zip(&path) {
        match expected.starts_with('{') {
            true => ids.push(*actual),
            false if expected == actual => {}
            false => return None,
        }
    }
    (pattern.len() == path.len()).then_some(ids)
}

/// Makes the client send each of its requests, in each of its shapes, and
/// gives what arrived.
pub(super) async fn everything_sent() -> Vec<Request> {
    let server = MockServer::start().await;
    // Final for every request, so that each is sent once.
    Mock::given(any())
        .respond_with(ResponseTemplate::new(400))
        .mount(&server)
        .await;
    let client = Client::new(
        &server.uri().parse().unwrap(),
        Some(&ApiToken::parse("svl_key").unwrap()),
        &Variables::default(),
        Instant::now() + Duration::from_secs(60),
        Rc::new(|_, _| {}),
    )
    .unwrap();
    send_everything(&client).await;
    server.received_requests().await.unwrap()
}

async fn send_everything(client: &Client) {
    let id = Uuid::new_v4();
    let (once, branch) = (Patience::Once, Some("main".to_owned()));
    let deployment = DeploymentId(Uuid::new_v4().to_string());
    let open = LogWindow {
        from_micros: 1_772_000_000_123_456,
        to_micros: None,
        limit: LOG_PAGE,
        severity: None,
    };
    let closed = LogWindow {
        to_micros: Some(1_772_000_001_000_000),
        limit: 1,
        severity: Some("ERROR"),
        ..open
    };
    let _refused = client.get_application(id, once).await;
    let _refused = client.list_application_domains(id, once).await;
    let _refused = client.get_static_site(id, once).await;
    let _refused = client.key_expires_at().await;
    for offset in [0, LONGEST_PAGE] {
        let _refused = client.list_applications(offset, once).await;
    }
    for to in [None, Some(&deployment)] {
        let _refused = client.writes().rollback_deployment(id, to, once).await;
    }
    let _refused = client.get_pipeline(id, once).await;
    let _refused = client
        .writes()
        .promote_pipeline(id, id, &[id, Uuid::new_v4()], once)
        .await;
    let _refused = client
        .writes()
        .roll_back_static_site(id, &deployment, once)
        .await;
    for service in [Service::application(id), Service::static_site(id)] {
        let _refused = client.deployments(service, 1, once).await;
        let _refused = client.deployments(service, LONGEST_PAGE, once).await;
        let _refused = client.deployment(service, &deployment).await;
        let _refused = client.metrics(service, jiff::Timestamp::UNIX_EPOCH).await;
        // Else it follows only a first request that succeeded.
        let _refused = client
            .response_time(service, jiff::Timestamp::UNIX_EPOCH)
            .await;
        let _refused = client.writes().cancel(service, &deployment).await;
        let _refused = client.writes().purge_cache(service, once).await;
        for window in [open, closed] {
            let _refused = client.deployment_logs(service, &deployment, window).await;
        }
    }
    send_management(client, id).await;
    for branch in [None, Some("main")] {
        let _refused = client.writes().deploy_static_site(id, branch, once).await;
    }
    let orders = [
        DeploySource::default(),
        DeploySource {
            branch: branch.clone(),
            ..DeploySource::default()
        },
        DeploySource {
            docker_image: Some("ghcr.io/you/app:1.4.2".to_owned()),
            ..DeploySource::default()
        },
        DeploySource {
            branch,
            docker_image: None,
            restart: true,
        },
    ];
    for order in &orders {
        let _refused = client.writes().trigger_deployment(id, order, once).await;
    }
}

/// What lists, shows, changes, makes and deletes.
async fn send_management(client: &Client, id: Uuid) {
    let (once, text) = (Patience::Once, id.to_string());
    let kinds = [
        ResourceKind::Application,
        ResourceKind::StaticSite,
        ResourceKind::Pipeline,
        ResourceKind::Database,
    ];
    for kind in kinds {
        let _refused = client.record(ResourceRef { kind, id }, once).await;
        let _refused = client.page(ResourceList::All(kind), 10_000, once).await;
    }
    for service in [Service::application(id), Service::static_site(id)] {
        let list = ResourceList::Deployments(service);
        let _refused = client.page(list, 0, once).await;
    }
    let _refused = client.page(ResourceList::Processes(id), 0, once).await;
    for (what, settings) in [
        (
            MutableKind::Application,
            json!({"auto_deploy": false, "buildpacks": [{"order": 0, "source": "heroku/nodejs"}]}),
        ),
        (
            MutableKind::StaticSite,
            json!({"build_command": null, "git_type": "github"}),
        ),
        (
            MutableKind::Database,
            json!({"display_name": "shop-db", "resource_type_id": text, "project_id": null}),
        ),
    ] {
        let settings = settings.as_object().unwrap();
        let _refused = client.writes().update(what, id, settings, once).await;
        let _refused = client.writes().delete(what, id, once).await;
    }
    let settings = json!({"display_name": "shop-db", "type": "postgresql", "version": "16",
        "cluster_id": text, "resource_type_id": text, "db_name": "shop", "db_user": "shop",
        "extensions": {"enable_vector": true}});
    let password = Password::parse("sec=ret?").unwrap();
    let _refused = client
        .writes()
        .create_database(settings.as_object().unwrap(), &password, once)
        .await;
    let _refused = client.list_internal_connections(id, once).await;
    let _refused = client
        .writes()
        .create_internal_connection(id, id, once)
        .await;
    let _refused = client.list_clusters(once).await;
    let _refused = client.list_database_resource_types(once).await;
    let _refused = client.list_env_vars(id, 0, once).await;
    let _refused = client
        .writes()
        .create_env_var(id, "KEY", "value", once)
        .await;
    let variable = EnvVar {
        id,
        key: "KEY".to_owned(),
        updated_at: None,
    };
    let _refused = client
        .writes()
        .update_env_var(id, &variable, "", once)
        .await;
    let _refused = client.writes().toggle_cdn(id, once).await;
}

/// The operation that a request carries out, and the ids in it.
pub(super) fn operation_of(request: &Request) -> (&'static Operation, Vec<&str>) {
    let found = ALL.iter().find_map(|operation| {
        let is_method = operation.method.as_str() == request.method.as_str();
        let ids = ids(operation.path, request.url.path()).filter(|_| is_method)?;
        Some((*operation, ids))
    });
    found.unwrap_or_else(|| panic!("{} {}: no operation", request.method, request.url))
}

/// Holds without the document as well.
#[tokio::test]
async fn every_operation_is_sent_with_a_body_exactly_if_it_says_so() {
    let requests = everything_sent().await;
    let mut sent = BTreeSet::new();
    for request in &requests {
        let (operation, _) = operation_of(request);
        sent.insert(operation.id);
        // The document has no body for it, the official CLI sends one.
        if operation.id == ROLLBACK_DEPLOYMENT.id && !request.body.is_empty() {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 1);
            assert!(body["deployment_id"].is_string(), "{body}");
            continue;
        }
        let kind = request.headers.get("content-type");
        assert_eq!(
            kind.map(|kind| kind.to_str().unwrap()),
            operation.sends_body.then_some("application/json"),
            "{}",
            operation.id
        );
        assert_eq!(!request.body.is_empty(), operation.sends_body);
    }
    let declared: BTreeSet<&str> = ALL.iter().map(|operation| operation.id).collect();
    assert_eq!(
        sent, declared,
        "left: sent by send_everything; right: in operation::ALL"
    );
}

#[test]
fn every_operation_is_one_of_the_document() {
    let Some(document) = document() else { return };
    let problems: Vec<String> = operation_problems(&document);
    assert!(problems.is_empty(), "{problems:#?}");
}

/// What the document says otherwise of the operations of this program.
pub(super) fn operation_problems(document: &Value) -> Vec<String> {
    let all = ALL.iter();
    all.flat_map(|operation| problems_of(document, operation))
        .collect()
}

fn problems_of(document: &Value, operation: &Operation) -> Vec<String> {
    let Some(described) = described(document, operation) else {
        let (id, method, path) = (operation.id, &operation.method, operation.path);
        return vec![format!("not in the document: {id} {method} {path}")];
    };
    let mut problems = Vec::new();
    let id = operation.id;
    let named = &described["operationId"];
    if named != id {
        problems.push(format!("{id} is called {named}"));
    }
    let has_body = described.get("requestBody").is_some();
    if has_body != operation.sends_body {
        let word = if has_body { "has" } else { "has no" };
        problems.push(format!("{id} {word} body"));
    }
    let ids: BTreeSet<&str> = parameters(document, operation)
        .filter(|parameter| parameter["in"] == "path")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let ours: BTreeSet<&str> = names_in(operation.path).into_iter().collect();
    if ids != ours {
        problems.push(format!("{id} has other ids in its path: {ids:?}"));
    }
    problems
}

#[tokio::test]
async fn every_request_is_one_that_the_document_describes() {
    let Some(document) = document() else { return };
    let problems = request_problems(&document).await;
    assert!(problems.is_empty(), "{problems:#?}");
}

/// What is wrong with the requests of the client, in the eyes of the document.
pub(super) async fn request_problems(document: &Value) -> BTreeSet<String> {
    let requests = everything_sent().await;
    let all = requests.iter();
    all.flat_map(|request| problems(document, request))
        .collect()
}

/// The document, if there is one to compare with.
pub(super) fn document() -> Option<Value> {
    let Some(path) = std::env::var_os("SEVALLA_OPENAPI").filter(|path| !path.is_empty()) else {
        // Written and not printed: a test that passes keeps what it prints.
        let _closed = writeln!(
            std::io::stderr(),
            "skipped: comparison with the OpenAPI document (set SEVALLA_OPENAPI to its path)"
        );
        return None;
    };
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("SEVALLA_OPENAPI={}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

/// A document of two operations, made to fit.
fn small() -> Value {
    let id = json!({"in": "path", "name": "id", "required": true,
        "schema": {"type": "string", "format": "uuid"}});
    let page = |name: &str, most: u64| {
        json!({"in": "query", "name": name,
            "schema": {"type": "integer", "minimum": 0, "maximum": most}})
    };
    json!({"paths": {
        "/applications": {"get": {"operationId": "listApplicationsV3",
            "parameters": [page("limit", 100), page("offset", 10_000)]}},
        "/applications/{id}": {"patch": {"operationId": "updateApplicationV3",
            "parameters": [id], "requestBody": {"content": {"application/json": {"schema": {
                "type": "object", "properties": {"auto_deploy": {"type": "boolean"},
                    "buildpacks": {"type": "array", "items": {"type": "object", "properties": {
                        "order": {}, "source": {}}}}}}}}}}},
    }})
}

#[tokio::test]
async fn a_document_that_other_requests_fit_is_a_problem() {
    const LIST: &str = "/paths/~1applications/get";
    const PATCH: &str = "/paths/~1applications~1{id}/patch";
    let of_small = |document: &Value| {
        let used = ["listApplicationsV3", "updateApplicationV3"];
        let all = ALL.iter().filter(|operation| used.contains(&operation.id));
        all.flat_map(|operation| problems_of(document, operation))
            .collect::<Vec<String>>()
    };
    assert_eq!(of_small(&small()), Vec::<String>::new());
    assert_eq!(request_problems(&small()).await, BTreeSet::new());
    let cases = [
        (
            "/paths/~1applications/get",
            Value::Null,
            "not in the document: listApplicationsV3",
        ),
        (
            "/paths/~1applications/get/operationId",
            json!("x"),
            "listApplicationsV3 is called \"x\"",
        ),
        (
            "/paths/~1applications/get/requestBody",
            json!({}),
            "listApplicationsV3 has body",
        ),
        (
            "/paths/~1applications~1{id}/patch/parameters/0/name",
            json!("app"),
            "updateApplicationV3 has other ids in its path: {\"app\"}",
        ),
    ];
    for (path, value, expected) in cases {
        let mut document = small();
        set(&mut document, path, value);
        let found = of_small(&document);
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{path}: {found:?}"
        );
    }
    let schema = format!("{PATCH}/requestBody/content/application~1json/schema");
    let cases = [
        (
            format!("{LIST}/parameters/0/schema/maximum"),
            json!(50),
            "listApplicationsV3 limit is 100: range",
        ),
        (
            format!("{LIST}/parameters/1/name"),
            json!("page"),
            "listApplicationsV3 offset: no such query parameter",
        ),
        (
            format!("{schema}/properties/auto_deploy/type"),
            json!("string"),
            "updateApplicationV3 body.auto_deploy is false: type",
        ),
        (
            format!("{schema}/required"),
            json!(["reason"]),
            "updateApplicationV3 body lacks reason",
        ),
        (
            format!("{schema}/properties/buildpacks"),
            json!({"$ref": "#/nothing"}),
            "updateApplicationV3 body.buildpacks refers to #/nothing, which is not there",
        ),
    ];
    for (path, value, expected) in cases {
        let mut document = small();
        set(&mut document, &path, value);
        let found = request_problems(&document).await;
        assert_eq!(found, BTreeSet::from([expected.to_owned()]), "{path}");
    }
}

fn set(document: &mut Value, path: &str, value: Value) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
}

fn described<'a>(document: &'a Value, operation: &Operation) -> Option<&'a Value> {
    let method = operation.method.as_str().to_lowercase();
    let described = &document["paths"][operation.path][method.as_str()];
    described.is_object().then_some(described)
}

/// The parameters of an operation, its path's included.
fn parameters<'a>(
    document: &'a Value,
    operation: &Operation,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    let of_path = &document["paths"][operation.path]["parameters"];
    let own = described(document, operation).map(|described| &described["parameters"]);
    [Some(of_path), own]
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
}

/// What is wrong with a request, in the eyes of the document.
fn problems(document: &Value, request: &Request) -> Vec<String> {
    let (operation, ids) = operation_of(request);
    // That it is missing is a problem of the operation.
    let Some(described) = described(document, operation) else {
        return Vec::new();
    };
    let place = |what: &str| format!("{} {what}", operation.id);
    let parameter = |kind: &str, name: &str, text: &str| {
        let found = parameters(document, operation)
            .find(|parameter| parameter["in"] == kind && parameter["name"] == name);
        match found {
            Some(found) => {
                let schema = &found["schema"];
                let value = match schema["type"].as_str() {
                    Some("integer" | "number" | "boolean") => {
                        serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
                    }
                    _ => Value::from(text),
                };
                Schema { document, schema }.problems(&value, &place(name))
            }
            None => vec![format!("{}: no such {kind} parameter", place(name))],
        }
    };
    let mut problems: Vec<String> = names_in(operation.path)
        .iter()
        .zip(ids)
        .flat_map(|(name, id)| parameter("path", name, id))
        .collect();
    for (name, text) in request.url.query_pairs() {
        problems.extend(parameter("query", &name, &text));
    }
    if operation.sends_body {
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        problems.extend(Schema { document, schema }.problems(&body, &place("body")));
    }
    problems
}
