//! Redirects are never followed: the key and the deed would travel along.

use sevalla_deploy::secret::HookUrl;
use sevalla_deploy::sevalla::{ApiError, RetryDecision};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::setup::{APP, PATIENT, api, client, plain_order};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

fn check(error: &ApiError, status: u16, target: &str) {
    assert_eq!(error.status(), Some(status));
    assert_eq!((error.next(), error.attempts), (RetryDecision::Fatal, 1));
    let told = error.to_string();
    assert!(
        told.contains(&format!("redirected to {target}, which is not followed")),
        "{told}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_on_any_host() {
    for status in STATUSES {
        let elsewhere = MockServer::start().await;
        let same = "/v3/somewhere/else".to_owned();
        for target in [same, format!("{}/v3/applications", elsewhere.uri())] {
            let server = MockServer::start().await;
            Mock::given(any())
                .respond_with(
                    ResponseTemplate::new(status).insert_header("location", target.as_str()),
                )
                .mount(&server)
                .await;
            let client = client(&api(&server));
            let read = client.get_application(APP, PATIENT).await.unwrap_err();
            check(&read, status, &target);
            let write = client
                .writes()
                .trigger_deployment(APP, &plain_order(), PATIENT)
                .await
                .unwrap_err();
            check(&write, status, &target);
            let hook =
                HookUrl::parse(&format!("{}/apps/{APP}/deploy/hooksecret", server.uri())).unwrap();
            let call = client.writes().call_hook(&hook, PATIENT).await.unwrap_err();
            check(&call, status, &target);
            assert_eq!(server.received_requests().await.unwrap().len(), 3);
        }
        assert!(elsewhere.received_requests().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error_like_any_other() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(302))
        .mount(&server)
        .await;
    let error = client(&api(&server))
        .get_application(APP, PATIENT)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("GET /applications/{APP}: HTTP 302 Found")
    );
}
