//! Which statuses are repeated and which end a call, by method, and how the
//! service's wishes about the next attempt are heard.

use std::time::Duration;

use sevalla_deploy::deployment::Service;
use sevalla_deploy::sevalla::{ApiErrorKind, Client, Patience, RetryDecision};
use tokio::time::Instant;
use uuid::Uuid;
use wiremock::matchers::{any, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::{application, application_deployment, static_site_deployment};
use crate::setup::{
    APP, PATIENT, SITE, api, client, client_for, client_that_tells, deployment, plain_order,
    together, window,
};

/// Never heals: the request itself is refused.
const FINAL: [u16; 15] = [
    400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415, 422, 426, 431, 451,
];

/// May heal, and leaves open whether the request was carried out.
const UNSURE: [u16; 12] = [408, 425, 499, 500, 501, 502, 503, 504, 507, 520, 524, 599];

/// One service per status, so that all are asked at the same time.
fn service(status: u16) -> Uuid {
    Uuid::from_u128(u128::from(status))
}

/// Meets the first request for a status' service with it, every later one with
/// `then`, a record with the id that was asked for.
async fn refusing_once(statuses: &[u16], then: &serde_json::Value) -> MockServer {
    let server = MockServer::start().await;
    for status in statuses {
        let of_the_service = || path_regex(service(*status).to_string());
        Mock::given(of_the_service())
            .respond_with(ResponseTemplate::new(*status))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let mut then = then.clone();
        if then["id"] == APP.to_string() {
            then["id"] = service(*status).to_string().into();
        }
        Mock::given(of_the_service())
            .respond_with(ResponseTemplate::new(200).set_body_json(then))
            .mount(&server)
            .await;
    }
    server
}

/// How often the service of a status was asked.
async fn asked(server: &MockServer, status: u16) -> usize {
    let id = service(status).to_string();
    let requests = server.received_requests().await.unwrap();
    let of_the_service = requests
        .iter()
        .filter(|request| request.url.path().contains(&id));
    of_the_service.count()
}

/// Checks every status against one server with one client, all at once.
async fn each<F>(
    statuses: &[u16],
    then: &serde_json::Value,
    requests: usize,
    check: impl Fn(Client, u16) -> F,
) where
    F: Future<Output = ()> + 'static,
{
    let server = refusing_once(statuses, then).await;
    let client = client(&api(&server));
    together(statuses.iter().map(|status| check(client.clone(), *status))).await;
    for status in statuses {
        assert_eq!(asked(&server, *status).await, requests, "{status}");
    }
}

#[tokio::test]
async fn a_read_that_is_refused_for_good_is_sent_once() {
    each(&FINAL, &application(), 1, async |client, status| {
        let error = client
            .get_application(service(status), PATIENT)
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.next(), RetryDecision::Fatal, "{status}");
        assert!(!error.may_heal() && error.attempts == 1, "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_read_is_repeated_while_it_may_heal() {
    let statuses: Vec<u16> = UNSURE.into_iter().chain([429]).collect();
    each(&statuses, &application(), 2, async |client, status| {
        let read = client.get_application(service(status), PATIENT).await;
        assert!(read.is_ok(), "{status}: {read:?}");
    })
    .await;
}

#[tokio::test]
async fn a_write_that_is_refused_for_good_is_sent_once() {
    each(
        &FINAL,
        &application_deployment(),
        1,
        async |client, status| {
            let error = client
                .writes()
                .trigger_deployment(service(status), &plain_order(), PATIENT)
                .await
                .unwrap_err();
            assert_eq!(error.status(), Some(status));
            assert_eq!(error.next(), RetryDecision::Fatal, "{status}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_write_whose_fate_is_open_is_sent_once_and_counts_as_lost() {
    each(
        &UNSURE,
        &application_deployment(),
        1,
        async |client, status| {
            let error = client
                .writes()
                .trigger_deployment(service(status), &plain_order(), PATIENT)
                .await
                .unwrap_err();
            assert_eq!(error.status(), Some(status));
            assert_eq!(error.next(), RetryDecision::Ambiguous, "{status}");
            assert!(error.may_heal() && error.attempts == 1, "{error:?}");
        },
    )
    .await;
    each(
        &UNSURE,
        &static_site_deployment(),
        1,
        async |client, status| {
            let error = client
                .writes()
                .deploy_static_site(service(status), None, PATIENT)
                .await
                .unwrap_err();
            assert_eq!(error.next(), RetryDecision::Ambiguous, "{status}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_write_is_repeated_after_429_which_says_that_nothing_was_done() {
    each(
        &[429],
        &application_deployment(),
        2,
        async |client, status| {
            let started = client
                .writes()
                .trigger_deployment(service(status), &plain_order(), PATIENT)
                .await;
            assert!(started.is_ok(), "{started:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_read_in_a_loop_of_its_own_is_sent_once_whatever_comes() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    let client = client(&api(&server));
    let (app, site) = (Service::application(APP), Service::static_site(SITE));
    let id = deployment();
    let errors = [
        client.deployment(app, &id).await.unwrap_err(),
        client.deployment(site, &id).await.unwrap_err(),
        client
            .deployment_logs(app, &id, window())
            .await
            .unwrap_err(),
        client
            .deployment_logs(site, &id, window())
            .await
            .unwrap_err(),
        client
            .get_application(APP, Patience::Once)
            .await
            .unwrap_err(),
    ];
    for error in &errors {
        assert_eq!(
            (error.attempts, error.next()),
            (1, RetryDecision::Retry(None))
        );
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), errors.len());
}

#[tokio::test]
async fn a_read_is_repeated_as_often_as_it_takes() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(application()))
        .expect(1)
        .mount(&server)
        .await;
    let (client, waits) = client_that_tells(&api(&server), Duration::from_secs(60));
    client.get_application(APP, PATIENT).await.unwrap();
    // The ceiling starts at a second and doubles.
    let lengths = waits.lengths();
    assert_eq!(lengths.len(), 2);
    for (wait, ceiling) in lengths.iter().zip([1, 2]) {
        let range = Duration::from_millis(100)..=Duration::from_secs(ceiling);
        assert!(range.contains(wait), "{lengths:?}");
    }
}

/// Refuses once with this status and these headers, then answers well.
async fn asking_to_wait(
    status: u16,
    headers: &[(&str, &str)],
    then: serde_json::Value,
) -> MockServer {
    let server = MockServer::start().await;
    let mut refusal = ResponseTemplate::new(status);
    for (name, value) in headers {
        refusal = refusal.insert_header(*name, *value);
    }
    Mock::given(any())
        .respond_with(refusal)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(then))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_wait_that_the_service_asks_for_is_kept() {
    let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    let cases: [(u16, Vec<(&str, &str)>); 5] = [
        (429, vec![("retry-after", "1")]),
        (503, vec![("retry-after", "1")]),
        (
            503,
            vec![("retry-after", "Wed, 21 Oct 2026 07:28:01 GMT"), date],
        ),
        (
            429,
            vec![("x-ratelimit-reset", "1"), ("x-ratelimit-remaining", "0")],
        ),
        (429, vec![("retry-after", "1"), ("x-ratelimit-reset", "60")]),
    ];
    together(cases.map(async |(status, headers)| {
        let server = asking_to_wait(status, &headers, application()).await;
        let (client, waits) = client_that_tells(&api(&server), Duration::from_secs(60));
        let began = Instant::now();
        client.get_application(APP, PATIENT).await.unwrap();
        let asked = Duration::from_secs(1);
        let first = waits.lengths()[0];
        assert!(began.elapsed() >= asked, "{status} {headers:?}");
        assert!(
            first >= asked && first <= asked * 6 / 5,
            "{status} {headers:?}: {first:?}"
        );
    }))
    .await;
}

#[tokio::test]
async fn a_write_keeps_the_wait_too() {
    let server = asking_to_wait(429, &[("x-ratelimit-reset", "1")], application_deployment()).await;
    let (client, waits) = client_that_tells(&api(&server), Duration::from_secs(60));
    let began = Instant::now();
    client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(waits.lengths().len(), 1);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_wait_beyond_the_time_there_is_is_not_begun() {
    let server = asking_to_wait(429, &[("retry-after", "60")], application_deployment()).await;
    let client = client(&api(&server));
    let began = Instant::now();
    let error = client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(40));
    assert_eq!(
        error.next(),
        RetryDecision::Retry(Some(Duration::from_secs(60))),
        "{error}"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// A request that is known to be refused is not sent.
#[tokio::test]
async fn a_budget_that_is_used_up_for_longer_than_there_is_time_ends_the_request() {
    let server = MockServer::start().await;
    let used_up = ResponseTemplate::new(200)
        .insert_header("x-ratelimit-limit", "400")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "59")
        .set_body_json(application());
    Mock::given(any())
        .respond_with(used_up)
        .mount(&server)
        .await;
    let (client, began) = client_for(Duration::from_secs(40), &api(&server));
    client.get_application(APP, PATIENT).await.unwrap();
    let error = client.get_application(APP, PATIENT).await.unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert!(
        matches!(error.cause, ApiErrorKind::BudgetUsedUp { .. }),
        "{error}"
    );
    let said = "not sent, since the company's rate limit is used up for another ";
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// A gateway knows no limits, so its answers do not erase what is known of them.
#[tokio::test]
async fn an_answer_of_a_gateway_says_nothing_of_the_limits() {
    let server = MockServer::start().await;
    let good = ResponseTemplate::new(200)
        .insert_header("x-ratelimit-limit", "400")
        .insert_header("x-ratelimit-remaining", "399")
        .insert_header("x-ratelimit-reset", "59")
        .set_body_json(application());
    Mock::given(any())
        .respond_with(good)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502))
        .mount(&server)
        .await;
    let (client, _) = client_for(Duration::from_secs(1), &api(&server));
    client.get_application(APP, PATIENT).await.unwrap();
    client.get_application(APP, PATIENT).await.unwrap_err();
    assert!(client.share().is_some());
}
