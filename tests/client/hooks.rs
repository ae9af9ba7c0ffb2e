//! Calling a deployment hook: no key goes there, and its address, which is the
//! credential, comes back in no error.

use sevalla_deploy::secret::HookUrl;
use sevalla_deploy::sevalla::{ApiError, Patience, RetryDecision};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::application_deployment;
use crate::faults::{hangs_before_the_headers, refuses_connections, resets_the_connection};
use crate::setup::{APP, KEY, PATIENT, api, below, client, client_for, together};

const SECRET: &str = "h00ksecretxy";

fn hook(server: &str) -> HookUrl {
    HookUrl::parse(&format!("{server}/apps/{APP}/deploy/{SECRET}")).unwrap()
}

async fn answering(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(status).set_body_string(body))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_hook_is_called_without_key_and_body() {
    let server = answering(200, "{}").await;
    // The client has a key, for the API at another address.
    let client = client(&below("http://127.0.0.1:1"));
    client
        .writes()
        .call_hook(&hook(&server.uri()), Patience::Once)
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), format!("/apps/{APP}/deploy/{SECRET}"));
    assert_eq!(request.url.query(), None);
    assert!(request.body.is_empty());
    for absent in ["authorization", "content-type", "cookie", "referer"] {
        assert!(!request.headers.contains_key(absent), "{absent}");
    }
    assert!(!format!("{request:?}").contains(KEY));
    assert_eq!(request.headers["accept"], "application/json");
}

#[tokio::test]
async fn the_address_of_a_hook_is_called_as_it_is() {
    let server = answering(200, "{}").await;
    let address = format!("{}/any%2Fpath/?a=b%20c&d", server.uri());
    client(&api(&server))
        .writes()
        .call_hook(&HookUrl::parse(&address).unwrap(), Patience::Once)
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/any%2Fpath/");
    assert_eq!(requests[0].url.query(), Some("a=b%20c&d"));
}

#[tokio::test]
async fn a_hook_gives_an_id_in_either_shape_or_none() {
    for (status, body, id) in [
        (200, r#"{"deployment":{"id":"a","new":1}}"#, Some("a")),
        (201, r#"{"deploymentId":"b","message":"ok"}"#, Some("b")),
        (
            202,
            r#"{"deployment":{"id":"a"},"deploymentId":"b"}"#,
            Some("a"),
        ),
        (200, r#"{"deployment":null,"deploymentId":"b"}"#, Some("b")),
        (200, r#"{"deployment":{"id":""}}"#, None),
        (200, r#"{"deployment":{"id":7}}"#, None),
        (200, r#"{"id":"c"}"#, None),
        (200, r#"{"message":"Deployment started"}"#, None),
        (200, "[]", None),
        (200, "null", None),
        (200, "OK", None),
        (200, "", None),
        (204, "", None),
    ] {
        let server = answering(status, body).await;
        let called = client(&api(&server))
            .writes()
            .call_hook(&hook(&server.uri()), PATIENT)
            .await
            .unwrap();
        assert_eq!(called.map(|id| id.0).as_deref(), id, "{body}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_hook_is_called_again_only_when_nothing_was_done() {
    together([404, 401, 500, 502, 408].map(async |status| {
        let server = answering(status, "").await;
        let error = client(&api(&server))
            .writes()
            .call_hook(&hook(&server.uri()), PATIENT)
            .await
            .unwrap_err();
        let next = match status {
            401 | 404 => RetryDecision::Fatal,
            _ => RetryDecision::Ambiguous,
        };
        assert_eq!(error.next(), next, "{status}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }))
    .await;

    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"deploymentId":"b"}"#))
        .mount(&server)
        .await;
    let called = client(&api(&server))
        .writes()
        .call_hook(&hook(&server.uri()), PATIENT)
        .await
        .unwrap();
    assert_eq!(called.unwrap().0, "b");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// Neither what a person reads nor what a log prints holds the address.
fn assert_silent(error: &ApiError, address: &str) {
    let told = format!("{error} {error:?} {} {:?}", error.cause, error.cause);
    let host = address.split_once("://").unwrap().1;
    for secret in [SECRET, address, "/deploy/", host] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert!(error.to_string().starts_with("POST deployment hook: "));
}

#[tokio::test]
async fn no_error_of_a_hook_tells_its_address() {
    const TIME: std::time::Duration = std::time::Duration::from_millis(1500);
    let reset = resets_the_connection(&application_deployment()).await;
    let hanging = hangs_before_the_headers().await;
    let absent = answering(404, r#"{"message":"Not found","status":404}"#).await;
    let (_socket, refused) = refuses_connections();
    for address in [
        reset.uri(),
        hanging.uri(),
        absent.uri(),
        format!("http://{refused}"),
        // TLS with a server that speaks none.
        format!("https://{}", reset.address()),
    ] {
        let (hurried, _) = client_for(TIME, &below("http://127.0.0.1:1"));
        let error = hurried
            .writes()
            .call_hook(&hook(&address), Patience::Once)
            .await
            .unwrap_err();
        assert_silent(&error, &address);
    }
}
