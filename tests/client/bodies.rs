//! Bodies that are cut, odd, too large or not what they should be, and what
//! is told of an error body.

use serde_json::{Value, json};
use sevalla_deploy::deployment::Service;
use sevalla_deploy::http::TransportError;
use sevalla_deploy::sevalla::{ApiError, ApiErrorKind, BODY_LIMIT, Patience, RetryDecision};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::{application, application_deployment, page};
use crate::faults::never_ends_the_body;
use crate::setup::{
    APP, PATIENT, api, client, client_that_tells, deployment, plain_order, together, window,
};

/// Answers once with this, then well.
async fn once(first: ResponseTemplate, then: &Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(first)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(then))
        .mount(&server)
        .await;
    server
}

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn raw(status: u16, body: impl Into<Vec<u8>>, kind: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.into(), kind)
}

async fn count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// Bodies of a success that cannot be read as a deployment, and what the error
/// says of them.
const UNREADABLE: [(&str, &str, &str); 6] = [
    (
        r#"{"id":"6a1bbd1c","sta"#,
        "application/json",
        "not JSON (cut off)",
    ),
    (
        "<!doctype html><title>Maintenance</title>",
        "text/html",
        "not JSON (an HTML page)",
    ),
    ("", "application/json", "not JSON (an empty body)"),
    ("OK", "text/plain", "not JSON (text)"),
    (r#"{"id":7}"#, "application/json", "at id: "),
    (
        r#"{"status":"waiting"}"#,
        "application/json",
        "missing field `id`",
    ),
];

#[tokio::test]
async fn a_read_is_repeated_when_its_body_cannot_be_read() {
    together(UNREADABLE.map(async |(body, kind, said)| {
        let server = once(
            raw(200, body, kind),
            &page(&json!([application_deployment()])),
        )
        .await;
        let (client, waits) = client_that_tells(&api(&server), crate::setup::PLENTY);
        let listed = client.list_deployments(APP, 1, PATIENT).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(count(&server).await, 2, "{body}");
        let told = waits.errors().concat();
        // A page lacks other things than a deployment does.
        let said = if said.contains("JSON") {
            said
        } else {
            "missing field `data`"
        };
        assert!(told.contains("HTTP 200") && told.contains(said), "{told}");
    }))
    .await;
}

#[tokio::test]
async fn a_write_is_lost_when_its_body_cannot_be_read() {
    together(UNREADABLE.map(async |(body, kind, said)| {
        let server = once(raw(200, body, kind), &application_deployment()).await;
        let error = client(&api(&server))
            .writes()
            .trigger_deployment(APP, &plain_order(), PATIENT)
            .await
            .unwrap_err();
        assert_eq!(error.next(), RetryDecision::Ambiguous, "{body}");
        assert_eq!(count(&server).await, 1, "{body}");
        let told = error.to_string();
        assert!(told.contains("HTTP 200") && told.contains(said), "{told}");
    }))
    .await;
}

#[tokio::test]
async fn a_body_of_another_shape_is_told_by_the_place() {
    for (body, said) in [
        (
            json!({"data": [{"id": 7}, {"id": null}]}),
            "no entry can be read: invalid type: integer `7`",
        ),
        (json!({"data": {"id": "a"}}), "at data: "),
        (json!([]), "at .: "),
        (json!(null), "at .: "),
    ] {
        let server = always(
            ResponseTemplate::new(200)
                .set_body_json(&body)
                .insert_header("x-request-id", "req-7"),
        )
        .await;
        let error = client(&api(&server))
            .list_deployments(APP, 2, Patience::Once)
            .await
            .unwrap_err();
        let told = error.to_string();
        assert!(
            told.starts_with(&format!(
                "GET /applications/{APP}/deployments: HTTP 200, but"
            )),
            "{told}"
        );
        assert!(
            told.contains(said) && told.contains("req-7"),
            "{body}: {told}"
        );
    }
}

#[tokio::test]
async fn a_log_line_is_read_however_poor_it_is_but_a_log_must_be_a_list() {
    let poor = json!([{}, {"id": 7, "message": null, "unix_timestamp": "soon"}]);
    let server = always(ResponseTemplate::new(200).set_body_json(&poor)).await;
    let app = Service::application(APP);
    let lines = client(&api(&server))
        .deployment_logs(app, &deployment(), window())
        .await
        .unwrap();
    assert_eq!((lines.len(), lines[1].id.as_str()), (2, "7"));

    let server = always(ResponseTemplate::new(200).set_body_json(json!({"data": []}))).await;
    let error = client(&api(&server))
        .deployment_logs(app, &deployment(), window())
        .await
        .unwrap_err();
    assert!(
        matches!(error.cause, ApiErrorKind::Undecodable { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let json = application().to_string();
    let padded = |size: usize| format!("{json}{}", " ".repeat(size - json.len()));
    let server = always(raw(200, padded(BODY_LIMIT), "application/json")).await;
    let read = client(&api(&server))
        .get_application(APP, Patience::Once)
        .await;
    assert!(read.is_ok(), "{read:?}");

    let server = always(raw(200, padded(BODY_LIMIT + 1), "application/json")).await;
    let client = client(&api(&server));
    let read = client.get_application(APP, PATIENT).await.unwrap_err();
    assert!(matches!(
        read.cause,
        ApiErrorKind::Transport(TransportError::TooLarge { limit: BODY_LIMIT })
    ));
    assert_eq!(read.next(), RetryDecision::Fatal);
    assert!(read.to_string().contains("4 MiB"), "{read}");
    let write = client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap_err();
    assert_eq!(write.next(), RetryDecision::Ambiguous);
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn a_log_may_be_larger_than_other_bodies() {
    let log = json!([{"id": "1", "message": "x".repeat(BODY_LIMIT)}]);
    let server = always(ResponseTemplate::new(200).set_body_json(&log)).await;
    let lines = client(&api(&server))
        .deployment_logs(Service::application(APP), &deployment(), window())
        .await
        .unwrap();
    assert_eq!(lines[0].message.len(), BODY_LIMIT);
}

#[tokio::test]
async fn a_body_without_an_end_is_left_at_the_limit() {
    let server = never_ends_the_body("200 OK").await;
    let error = client(&server.api())
        .get_application(APP, PATIENT)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::TooLarge { .. })
        ),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);

    // Of an error, the status is what counts.
    let server = never_ends_the_body("403 Forbidden").await;
    let error = client(&server.api())
        .get_application(APP, PATIENT)
        .await
        .unwrap_err();
    assert_eq!(
        (error.status(), error.next()),
        (Some(403), RetryDecision::Fatal)
    );
}

/// What is told of a read that is refused with this.
async fn told(answer: ResponseTemplate) -> ApiError {
    let server = always(answer).await;
    client(&api(&server))
        .get_application(APP, Patience::Once)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn everything_that_the_service_says_of_an_error_is_told() {
    let body = json!({
        "message": "No access to this application",
        "status": 403,
        "data": {
            "code": "err-abc-123",
            "message": "Please contact support and provide this error code.",
            "new": [1]
        },
        "new": {}
    });
    let error = told(
        ResponseTemplate::new(403)
            .set_body_json(body)
            .insert_header("x-request-id", "req-1f2e3d"),
    )
    .await;
    assert_eq!(
        error.to_string(),
        format!(
            "GET /applications/{APP}: HTTP 403 Forbidden: No access to this application; \
             Please contact support and provide this error code. \
             (code err-abc-123, request req-1f2e3d)"
        )
    );
}

#[tokio::test]
async fn an_error_body_of_any_other_shape_tells_what_it_can() {
    let prefix = format!("GET /applications/{APP}: HTTP ");
    for (answer, said) in [
        // Without `data`, with it empty, null, or something else altogether.
        (
            ResponseTemplate::new(404)
                .set_body_json(json!({"message": "Not found", "status": 404})),
            "404 Not Found",
        ),
        (
            ResponseTemplate::new(404).set_body_json(json!({"message": "gone", "data": {}})),
            "404 Not Found: gone",
        ),
        (
            ResponseTemplate::new(404).set_body_json(json!({"message": "gone", "data": null})),
            "404 Not Found: gone",
        ),
        (
            ResponseTemplate::new(404).set_body_json(json!({"message": "gone", "data": "why"})),
            "404 Not Found: gone",
        ),
        (
            ResponseTemplate::new(404)
                .set_body_json(json!({"message": "gone", "data": [{"path": "id"}, 2, 3]})),
            "404 Not Found: gone",
        ),
        // The default of the service's framework.
        (
            ResponseTemplate::new(400).set_body_json(json!({
                "statusCode": 400,
                "code": "FST_ERR_CTP_EMPTY_JSON_BODY",
                "error": "Bad Request",
                "message": "Body cannot be empty"
            })),
            "400 Bad Request: Body cannot be empty",
        ),
        // The edge in front of the service.
        (
            raw(
                502,
                "<!DOCTYPE html>\n<html><head>\n<title>sevalla.com | 502: Bad gateway</title></head>\n\
                 <body>a page</body></html>",
                "text/html; charset=UTF-8",
            ),
            "502 Bad Gateway: sevalla.com | 502: Bad gateway",
        ),
        (
            raw(503, "no healthy upstream", "text/plain"),
            "503 Service Unavailable: no healthy upstream",
        ),
        (ResponseTemplate::new(401), "401 Unauthorized"),
        (raw(401, "{}", "application/json"), "401 Unauthorized"),
        (raw(401, "{\"mess", "application/json"), "401 Unauthorized"),
        (
            raw(401, b"\xfe\xfd\x00".to_vec(), "x/y"),
            "401 Unauthorized: \u{fffd}\u{fffd}",
        ),
    ] {
        let error = told(answer).await;
        assert_eq!(error.to_string(), format!("{prefix}{said}"));
    }
}

#[tokio::test]
async fn a_very_long_error_is_shortened() {
    let long = "ü".repeat(100_000);
    let body = json!({"message": long, "data": {"code": long, "message": long}});
    let error = told(ResponseTemplate::new(400).set_body_json(body)).await;
    let text = error.to_string();
    assert!(text.contains("ü…"), "{text}");
    assert!(text.chars().count() < 3 * 501 + 100);

    let error = told(raw(502, "y".repeat(BODY_LIMIT + 1), "text/plain")).await;
    assert_eq!(error.status(), Some(502));
    assert!(error.to_string().len() < 1000);
}

#[tokio::test]
async fn a_record_of_another_id_is_not_believed() {
    let server = always(ResponseTemplate::new(200).set_body_json(json!({"id": "another"}))).await;
    let client = client(&api(&server));
    let errors = [
        client.get_application(APP, Patience::Once).await.err(),
        client.get_static_site(APP, Patience::Once).await.err(),
        client.get_pipeline(APP, Patience::Once).await.err(),
    ];
    for error in errors {
        let told = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("it is about another id, another"), "{told}");
    }
}
