//! One connection serves a run, and a stale one does no harm.

use sevalla_deploy::sevalla::{Patience, RetryDecision};

use crate::answers::{application, application_deployment};
use crate::server::{Deed, Server, answer, good};
use crate::setup::{APP, client, deployment, plain_order};

#[tokio::test]
async fn ten_calls_use_one_connection() {
    let refusal = Deed::Send(answer(
        "404 Not Found",
        r#"{"message":"none","status":404}"#,
    ));
    let mut deeds = vec![good(&application_deployment()); 10];
    deeds[4] = refusal;
    let server = Server::start(deeds).await;
    let client = client(&server.api());
    for number in 0..10 {
        // Clones and other deadlines share it as well.
        let client = client.until(tokio::time::Instant::now() + crate::setup::PLENTY);
        if number % 5 == 0 {
            let started = client
                .writes()
                .trigger_deployment(APP, &plain_order(), Patience::Once)
                .await;
            assert!(started.is_ok(), "{started:?}");
        } else {
            let read = client
                .get_deployment(APP, &deployment(), Patience::Once)
                .await;
            assert_eq!(read.is_ok(), number != 4, "{read:?}");
        }
    }
    assert_eq!(server.requests().len(), 10);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_write_on_a_connection_that_the_server_has_closed_is_sent_at_most_once() {
    let close = Deed::SendAndClose(answer("200 OK", &application().to_string()));
    let server = Server::start([close, good(&application_deployment())]).await;
    let client = client(&server.api());
    client.get_application(APP, Patience::Once).await.unwrap();
    let started = client
        .writes()
        .trigger_deployment(APP, &plain_order(), Patience::Once)
        .await;
    let writes = server
        .requests()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count();
    // Whether the client sees the end of the connection before it writes is a
    // race. Seen, it makes another connection; unseen, the write is lost.
    match started {
        Ok(_) => assert_eq!(writes, 1),
        Err(error) => assert_eq!(
            (error.next(), writes),
            (RetryDecision::Ambiguous, 0),
            "{error:?}"
        ),
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_replaced() {
    let server = Server::start([good(&application()), Deed::Reset, good(&application())]).await;
    let client = client(&server.api());
    client.get_application(APP, Patience::Once).await.unwrap();
    client
        .get_application(APP, crate::setup::PATIENT)
        .await
        .unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 2));
}
