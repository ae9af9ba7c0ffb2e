//! A network that fails: what is repeated, what counts as lost, and that the
//! deadline bounds it all.

use sevalla_deploy::http::TransportError;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::sevalla::{ApiErrorKind, OnWait, Patience, RetryDecision};
use sevalla_deploy::shutdown::{Shutdown, Signal};
use tokio::time::Instant;

use crate::answers::{application, application_deployment};
use crate::faults::{
    closes_without_an_answer, cuts_a_body_in_chunks, cuts_the_body, cuts_the_headers,
    hangs_before_the_handshake, hangs_before_the_headers, hangs_in_the_body, refuses_connections,
    resets_the_connection, speaks_no_http,
};
use crate::server::{Deed, Server, answer, good};
use crate::setup::{
    APP, PATIENT, PLENTY, below, build, client, client_for, client_that_tells, plain_order,
    together,
};

type Start = fn(Value) -> Pin<Box<dyn Future<Output = Server>>>;

/// Everything that breaks a connection after the request was sent.
const BREAKING: [(&str, Start); 6] = [
    ("resets", |then| {
        Box::pin(async move { resets_the_connection(&then).await })
    }),
    ("closes", |then| {
        Box::pin(async move { closes_without_an_answer(&then).await })
    }),
    ("cuts the headers", |then| {
        Box::pin(async move { cuts_the_headers(&then).await })
    }),
    ("cuts the body", |then| {
        Box::pin(async move { cuts_the_body(&then).await })
    }),
    ("cuts the chunks", |then| {
        Box::pin(async move { cuts_a_body_in_chunks(&then).await })
    }),
    ("no HTTP", |then| {
        Box::pin(async move { speaks_no_http(&then).await })
    }),
];

#[tokio::test]
async fn a_read_is_repeated_when_the_connection_breaks() {
    together(BREAKING.map(async |(fault, start)| {
        let server = start(application()).await;
        let (client, waits) = client_that_tells(&server.api(), PLENTY);
        client.get_application(APP, PATIENT).await.unwrap();
        assert_eq!(server.requests().len(), 2, "{fault}");
        let told = waits.errors().concat();
        assert!(told.contains("the connection broke: "), "{fault}: {told}");
    }))
    .await;
}

#[tokio::test]
async fn a_write_is_lost_when_the_connection_breaks() {
    together(BREAKING.map(async |(fault, start)| {
        let server = start(application_deployment()).await;
        let error = client(&server.api())
            .writes()
            .trigger_deployment(APP, &plain_order(), PATIENT)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.cause,
                ApiErrorKind::Transport(TransportError::Broken { .. })
            ),
            "{fault}: {error:?}"
        );
        assert_eq!(
            (error.next(), error.attempts),
            (RetryDecision::Ambiguous, 1),
            "{fault}"
        );
        assert_eq!(server.requests().len(), 1, "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn a_write_is_repeated_when_the_connection_was_refused_since_nothing_was_sent() {
    let (socket, address) = refuses_connections();
    let server: Rc<RefCell<Option<Server>>> = Rc::default();
    // The service comes up while the client waits for its second attempt.
    let slot = (RefCell::new(Some(socket)), Rc::clone(&server));
    let on_wait: OnWait = Rc::new(move |error, _| {
        assert!(
            matches!(
                error.cause,
                ApiErrorKind::Transport(TransportError::NotConnected { may_heal: true, .. })
            ),
            "{error:?}"
        );
        if let Some(socket) = slot.0.take() {
            let listener = socket.listen(8).unwrap();
            *slot.1.borrow_mut() = Some(Server::on(listener, [good(&application_deployment())]));
        }
    });
    let base = below(&format!("http://{address}"));
    let client = build(&base, &Variables::default(), PLENTY, on_wait);
    client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap();
    assert_eq!(server.borrow().as_ref().unwrap().requests().len(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_told_as_such() {
    let (_socket, address) = refuses_connections();
    let error = client(&below(&format!("http://{address}")))
        .get_application(APP, Patience::Once)
        .await
        .unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("GET /applications/{APP}: no connection: "))
            && told.contains("refused"),
        "{told}"
    );
    assert_eq!(error.next(), RetryDecision::Retry(None));
}

/// So little that a request which hangs is soon over, and enough to send it on a
/// busy machine.
const SHORT: Duration = Duration::from_millis(1500);

/// Longer than a busy machine takes, and shorter than the waits that would be
/// too long.
const SOON: Duration = Duration::from_secs(20);

/// Not before the deadline, and soon after it.
fn assert_bounded(began: Instant, deadline: Duration) {
    let took = began.elapsed();
    assert!(took >= deadline && took < deadline + SOON, "{took:?}");
}

#[tokio::test]
async fn the_deadline_ends_a_request_that_hangs() {
    for server in [
        hangs_before_the_headers().await,
        hangs_in_the_body("200 OK").await,
    ] {
        let (hurried, began) = client_for(SHORT, &server.api());
        let read = hurried.get_application(APP, PATIENT).await.unwrap_err();
        assert_bounded(began, SHORT);
        assert!(
            matches!(
                read.cause,
                ApiErrorKind::Transport(TransportError::TimedOut { .. })
            ),
            "{read:?}"
        );
        assert_eq!(
            (read.next(), read.attempts),
            (RetryDecision::Retry(None), 1)
        );

        let (hurried, began) = client_for(SHORT, &server.api());
        let write = hurried
            .writes()
            .trigger_deployment(APP, &plain_order(), PATIENT)
            .await
            .unwrap_err();
        assert_bounded(began, SHORT);
        assert!(
            matches!(
                write.cause,
                ApiErrorKind::Transport(TransportError::TimedOut { .. })
            ),
            "{write:?}"
        );
        assert_eq!(write.next(), RetryDecision::Ambiguous);
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_whose_body_hangs_is_still_that_refusal() {
    for (status, next) in [
        ("401 Unauthorized", RetryDecision::Fatal),
        ("429 Too Many Requests", RetryDecision::Retry(None)),
        ("500 Internal Server Error", RetryDecision::Ambiguous),
    ] {
        let server = hangs_in_the_body(status).await;
        let (hurried, began) = client_for(SHORT, &server.api());
        let write = hurried
            .writes()
            .trigger_deployment(APP, &plain_order(), PATIENT)
            .await
            .unwrap_err();
        assert_bounded(began, SHORT);
        assert_eq!(write.next(), next, "{write:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_deadline_ends_the_making_of_a_connection() {
    let listener = hangs_before_the_handshake();
    let base = below(&format!("https://{}", listener.local_addr().unwrap()));
    let (hurried, began) = client_for(SHORT, &base);
    let error = hurried.get_application(APP, PATIENT).await.unwrap_err();
    assert_bounded(began, SHORT);
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::TimedOut { .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_deadline_ends_the_repeating() {
    let (_socket, address) = refuses_connections();
    let base = below(&format!("http://{address}"));
    let (hurried, began) = client_for(SHORT, &base);
    let error = hurried.get_application(APP, PATIENT).await.unwrap_err();
    // It gives up as soon as the next wait would pass the deadline.
    assert!(began.elapsed() < SOON);
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::NotConnected { .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn patience_ends_the_repeating_too() {
    let (_socket, address) = refuses_connections();
    let (client, _) = client_that_tells(&below(&format!("http://{address}")), PLENTY);
    let began = Instant::now();
    let error = client
        .get_application(APP, Patience::For(SHORT))
        .await
        .unwrap_err();
    assert!(began.elapsed() < SOON);
    assert!(error.may_heal());
}

#[tokio::test]
async fn after_the_deadline_nothing_is_sent() {
    let server = Server::start([good(&application_deployment())]).await;
    let (late, _) = client_for(Duration::ZERO, &server.api());
    let error = late
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap_err();
    assert!(matches!(error.cause, ApiErrorKind::NoTime), "{error:?}");
    assert_eq!(error.next(), RetryDecision::Fatal);
    assert_eq!(server.connections(), 0);
    // With a later deadline, the same client sends.
    let later = late.until(Instant::now() + PLENTY);
    later
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 1);
}

/// Signals come from another thread, so at any moment: also while this one is
/// busy with an answer, and nobody who waits for the signal has seen it yet.
#[tokio::test]
async fn a_signal_is_noticed_before_a_write_gives_up_for_it() {
    let limited = answer("429 Too Many Requests", "{}");
    for is_answered_first in [true, false] {
        let server = Server::start([Deed::Send(limited.clone())]).await;
        let stop = Shutdown::default();
        let comes = stop.clone();
        let on_wait: OnWait = Rc::new(move |_, _| comes.request(Signal::Interrupt));
        let client = build(&server.api(), &Variables::default(), PLENTY, on_wait);
        let client = client.stopped_by(stop.clone());
        let write = async {
            if !is_answered_first {
                stop.request(Signal::Interrupt);
            }
            client
                .writes()
                .trigger_deployment(APP, &plain_order(), PATIENT)
                .await
        };
        let noticed = tokio::select! {
            biased;
            signal = stop.requested() => Ok(signal),
            written = write => Err(written),
        };
        assert_eq!(noticed.unwrap(), Signal::Interrupt);
        assert_eq!(server.requests().len(), usize::from(is_answered_first));
    }
}
