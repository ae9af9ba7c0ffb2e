//! One broken character, or one broken entry of a list, costs only itself.

use serde_json::json;
use sevalla_deploy::deployment::{Deployment, DeploymentId, Service};
use sevalla_deploy::resource::{ResourceKind, ResourceList};
use sevalla_deploy::secret::HookUrl;
use sevalla_deploy::sevalla::{ApiError, Client, Patience};

use crate::server::{Deed, Server};
use crate::setup::{
    APP, DATABASE, DEPLOYMENT, PIPELINE, SITE, client, deployment, plain_order, window,
};

const ONCE: Patience = Patience::Once;

/// A client of a server that answers everything with this body.
async fn answered(status: &str, body: impl AsRef<[u8]>) -> (Client, Server) {
    let body = body.as_ref();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    let server = Server::start([Deed::Send(answer)]).await;
    (client(&server.api()), server)
}

/// What half a surrogate pair and other broken characters look like on the wire.
const BROKEN: [&[u8]; 7] = [
    b"\\ud83d",
    b"\\ude00",
    b"\\ude00\\ud83d",
    b"\xf0\x9f\x98",
    b"\xff\xfe",
    b"\\x",
    b"\xed\xa0\xbd",
];

fn with(broken: &[u8], json: &str) -> Vec<u8> {
    let (before, after) = json.split_once('@').unwrap();
    [before.as_bytes(), broken, after.as_bytes()].concat()
}

#[tokio::test]
async fn a_broken_character_costs_itself() {
    for broken in BROKEN {
        let body = format!(r#"{{"id":"{APP}","display_name":"shop @","default_branch":"main"}}"#);
        let (client, _server) = answered("200 OK", with(broken, &body)).await;
        let read = client.get_application(APP, ONCE).await.unwrap();
        let name = read.display_name.unwrap();
        assert!(name.starts_with("shop \u{fffd}"), "{name}");
        assert_eq!(read.default_branch.as_deref(), Some("main"));

        let body = format!(r#"{{"data":[{{"id":"{DEPLOYMENT}","commit_message":"fix @"}}]}}"#);
        let (client, _server) = answered("200 OK", with(broken, &body)).await;
        for service in [Service::application(APP), Service::static_site(SITE)] {
            let read = client.deployments(service, 50, ONCE).await.unwrap();
            let message = read[0].commit_message.as_deref().unwrap();
            assert!(message.starts_with("fix \u{fffd}"), "{message}");
        }

        let body = r#"[{"id":"1","message":"a"},{"id":"2","message":"b @"},{"id":"3"}]"#;
        let (client, _server) = answered("200 OK", with(broken, body)).await;
        let lines = client
            .deployment_logs(Service::application(APP), &deployment(), window())
            .await
            .unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].message.starts_with("b \u{fffd}"), "{lines:?}");

        // In a name too, also in one that nobody reads.
        let body = format!(r#"{{"id":"{DEPLOYMENT}","new @":["x"]}}"#);
        let (client, _server) = answered("201 Created", with(broken, &body)).await;
        let made = client
            .writes()
            .trigger_deployment(APP, &plain_order(), ONCE)
            .await
            .unwrap();
        assert_eq!(made.id, deployment());
        let body = with(broken, r#"{"deploymentId":"d","message":"@"}"#);
        let (client, server) = answered("200 OK", body).await;
        let hook = format!("{}/apps/{APP}/deploy/0123456789ab", server.uri());
        let hook = HookUrl::parse(&hook).unwrap();
        let id = client.writes().call_hook(&hook, ONCE).await.unwrap();
        assert_eq!(id, Some(DeploymentId("d".to_owned())));
    }
}

#[tokio::test]
async fn a_broken_character_in_an_error_body_costs_itself() {
    let told = async |body: &[u8]| {
        let (client, _server) = answered("403 Forbidden", body).await;
        let error = client.get_application(APP, ONCE).await.unwrap_err();
        (error.to_string(), error)
    };
    for broken in BROKEN {
        let (text, _) = told(&with(broken, r#"{"message":"No access @","status":403}"#)).await;
        assert!(text.contains("No access \u{fffd}"), "{text}");
    }
    let utf_16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let (text, error) = told(&utf_16(r#"{"message":"Zu groß","status":403}"#)).await;
    assert!(text.contains("Zu groß"), "{text}");
    assert_eq!(error.status(), Some(403));
    let (text, _) = told(&utf_16("\u{feff}<title>Kein Zugang für Sie</title>")).await;
    assert!(text.contains("Kein Zugang für Sie"), "{text}");
    let (text, _) = told(b"<title>Kein Zugang f\xfcr Sie</title>").await;
    assert!(text.contains("Kein Zugang f\u{fffd}r Sie"), "{text}");
    let (text, _) = told(b"\xef\xbb\xbf{\"message\":\"Kein Zugang\"}").await;
    assert!(text.ends_with("Forbidden: Kein Zugang"), "{text}");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_costs_itself_in_every_list() {
    let other = "0d3f0f6e-58cf-4ad6-8a80-3a8dd0a30f11";
    for broken in ["null", "7", "[]", "{}", r#"{"id":7}"#, r#""text""#] {
        let record = format!(
            r#"{{"id":"{other}","name":"n","key":"k","source_id":"{APP}","target_id":"{SITE}",
                "target_app_id":"{other}","deployment_id":"d"}}"#
        );
        let list = format!("[{record},{broken},{record}]");
        let page = format!(r#"{{"data":{list}}}"#);

        let (client, _server) = answered("200 OK", page).await;
        for service in [Service::application(APP), Service::static_site(SITE)] {
            assert_eq!(
                client.deployments(service, 50, ONCE).await.unwrap().len(),
                2
            );
            let all = client.deployments_and_unreadable(service, 50, ONCE).await;
            let unreadable = all
                .unwrap()
                .iter()
                .map(Deployment::is_unreadable)
                .collect::<Vec<_>>();
            assert_eq!(unreadable, [false, true, false]);
            let list = ResourceList::Deployments(service);
            assert_eq!(client.pages(list, ONCE).await.unwrap().records.len(), 1);
        }
        for kind in [
            ResourceKind::Application,
            ResourceKind::StaticSite,
            ResourceKind::Pipeline,
            ResourceKind::Database,
        ] {
            let all = client.pages(ResourceList::All(kind), ONCE).await.unwrap();
            assert_eq!((all.records.len(), all.unreadable.len()), (1, 1));
        }
        let processes = client.pages(ResourceList::Processes(APP), ONCE).await;
        assert_eq!(processes.unwrap().records.len(), 1);
        let applications = client.list_applications(0, ONCE).await.unwrap();
        assert_eq!(
            (applications.entries.len(), applications.unreadable.len()),
            (2, 1)
        );
        let variables = client.list_env_vars(APP, 0, ONCE).await.unwrap();
        assert_eq!(
            (variables.entries.len(), variables.unreadable.len()),
            (2, 1)
        );
        let domains = client.list_application_domains(APP, ONCE).await.unwrap();
        assert_eq!(domains.len(), 2);

        let (client, _server) = answered("200 OK", list).await;
        let connections = client.list_internal_connections(DATABASE, ONCE).await;
        assert_eq!(connections.unwrap().len(), 2);
        assert_eq!(client.list_clusters(ONCE).await.unwrap().len(), 2);
        let sizes = client.list_database_resource_types(ONCE).await;
        assert_eq!(sizes.unwrap().len(), 2);
        let promoted = client
            .writes()
            .promote_pipeline(PIPELINE, APP, &[SITE], ONCE)
            .await;
        assert_eq!(promoted.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_page_with_an_unreadable_entry_is_as_full_as_any_other() {
    let mut entries = vec![json!({"id": APP.to_string(), "key": "k"}); 99];
    entries.push(json!(7));
    let (client, _server) = answered("200 OK", json!({ "data": entries }).to_string()).await;
    assert!(client.list_applications(0, ONCE).await.unwrap().is_full());
    assert!(client.list_env_vars(APP, 0, ONCE).await.unwrap().is_full());
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_shown_as_one() {
    let lines = json!([
        7,
        {"id": "1", "message": "a", "unix_timestamp": 5},
        null,
        ["3", "not a record", "INFO", 9],
        {"id": "3", "message": "c", "unix_timestamp": 6}
    ]);
    let (client, _server) = answered("200 OK", lines.to_string()).await;
    for service in [Service::application(APP), Service::static_site(SITE)] {
        let lines = client
            .deployment_logs(service, &deployment(), window())
            .await;
        let shown: Vec<(i64, String)> = lines
            .unwrap()
            .into_iter()
            .map(|line| (line.at_micros, line.message))
            .collect();
        let unknown = "\u{fffd}";
        let expected = [(5, unknown), (5, "a"), (5, unknown), (5, unknown), (6, "c")];
        let expected = expected.map(|(at, text)| (at, text.to_owned()));
        assert_eq!(shown, expected);
    }
}

#[tokio::test]
async fn an_error_names_the_ids_of_what_was_asked_for() {
    let (client, server) = answered("404 Not Found", "{}").await;
    let told = |error: ApiError| error.to_string().split(": HTTP").next().unwrap().to_owned();
    let app = Service::application(APP);
    assert_eq!(
        told(client.deployment(app, &deployment()).await.unwrap_err()),
        format!("GET /applications/{APP}/deployments/{DEPLOYMENT}")
    );
    assert_eq!(
        told(
            client
                .writes()
                .cancel(Service::static_site(SITE), &deployment())
                .await
                .unwrap_err()
        ),
        format!("POST /static-sites/{SITE}/deployments/{DEPLOYMENT}/cancel")
    );
    assert_eq!(
        told(
            client
                .list_internal_connections(DATABASE, ONCE)
                .await
                .unwrap_err()
        ),
        format!("GET /databases/{DATABASE}/internal-connections")
    );
    let hook = format!("{}/apps/{APP}/deploy/5ecretpart0", server.uri());
    let hook = HookUrl::parse(&hook).unwrap();
    let error = client.writes().call_hook(&hook, ONCE).await.unwrap_err();
    assert!(!error.to_string().contains("5ecretpart0"), "{error}");
}
