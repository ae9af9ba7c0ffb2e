//! Proxies come from the variables the client is given, and from nowhere else.

use sevalla_deploy::http::TransportError;
use std::process::Stdio;

use sevalla_deploy::environment::Variables;
use sevalla_deploy::sevalla::{ApiError, ApiErrorKind, Client, Patience, RetryDecision};
use tokio::time::Instant;
use url::Url;

use crate::answers::application;
use crate::certificates::{Secure, authority, file_of};
use crate::faults::refuses_connections;
use crate::server::{Deed, Server, answer, good};
use crate::setup::{APP, KEY, PATIENT, PLENTY, below, client, client_with, plain_order};

/// Tells a child of a test where to send its request.
const TARGET: &str = "CLIENT_TEST_TARGET";

/// A server and a proxy, both answering well.
async fn server_and_proxy() -> (Server, Server) {
    let server = Server::start([good(&application())]).await;
    let proxy = Server::start([good(&application())]).await;
    (server, proxy)
}

#[tokio::test]
async fn a_request_goes_through_the_proxy_that_the_variables_name() {
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let (server, proxy) = server_and_proxy().await;
        let variables = Variables::from([(name, proxy.uri().as_str())]);
        client_with(&server.api(), &variables)
            .get_application(APP, Patience::Once)
            .await
            .unwrap();
        assert_eq!(server.connections(), 0, "{name}");
        let requests = proxy.requests();
        // The whole address stands in the first line.
        let line = format!("GET {}/applications/{APP} HTTP/1.1\r\n", server.api());
        assert!(requests[0].starts_with(&line), "{requests:?}");
        assert!(!requests[0].to_lowercase().contains("proxy-authorization"));
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_is_sent_to_it() {
    let (server, proxy) = server_and_proxy().await;
    let with_password = format!("http://user:pass@{}", proxy.address());
    let variables = Variables::from([("HTTP_PROXY", with_password.as_str())]);
    client_with(&server.api(), &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    let request = proxy.requests()[0].to_lowercase();
    assert!(
        request.contains("proxy-authorization: basic dxnlcjpwyxnz"),
        "{request}"
    );
}

#[tokio::test]
async fn upper_case_goes_before_lower_case_and_one_scheme_before_all() {
    let (server, proxy) = server_and_proxy().await;
    let other = Server::start([good(&application())]).await;
    let (proxy_uri, other_uri) = (proxy.uri(), other.uri());
    let variables = Variables::from([
        ("http_proxy", other_uri.as_str()),
        ("ALL_PROXY", other_uri.as_str()),
        ("HTTPS_PROXY", other_uri.as_str()),
        ("HTTP_PROXY", proxy_uri.as_str()),
    ]);
    client_with(&server.api(), &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    let reached = [&server, &proxy, &other].map(Server::connections);
    assert_eq!(reached, [0, 1, 0]);
}

#[tokio::test]
async fn what_no_proxy_names_is_reached_without() {
    for (name, value) in [
        ("NO_PROXY", "127.0.0.1"),
        ("no_proxy", "example.com, 127.0.0.1"),
        ("NO_PROXY", "127.0.0.0/8"),
        ("NO_PROXY", "*"),
        ("NO_PROXY", "127.0.0.1."),
    ] {
        let (server, proxy) = server_and_proxy().await;
        let proxy_uri = proxy.uri();
        let variables = Variables::from([("HTTP_PROXY", proxy_uri.as_str()), (name, value)]);
        client_with(&server.api(), &variables)
            .get_application(APP, Patience::Once)
            .await
            .unwrap();
        let reached = [&server, &proxy].map(Server::connections);
        assert_eq!(reached, [1, 0], "{name}={value}");
    }
    // Everything.
    let (server, proxy) = server_and_proxy().await;
    let proxy_uri = proxy.uri();
    let variables = Variables::from([("HTTP_PROXY", proxy_uri.as_str()), ("NO_PROXY", "*")]);
    let by_name = below(&format!("http://localhost:{}", server.address().port()));
    client_with(&by_name, &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    assert_eq!([&server, &proxy].map(Server::connections), [1, 0]);
    // What it does not name is not.
    let (server, proxy) = server_and_proxy().await;
    let proxy_uri = proxy.uri();
    let variables = Variables::from([("HTTP_PROXY", proxy_uri.as_str()), ("NO_PROXY", "x.test")]);
    client_with(&server.api(), &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap();
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_proxy_sees_neither_key_nor_path_of_a_request_over_tls() {
    let refusal = answer("407 Proxy Authentication Required", "{}");
    let proxy = Server::start([Deed::SendAndClose(refusal)]).await;
    let proxy_uri = proxy.uri();
    let variables = Variables::from([("HTTPS_PROXY", proxy_uri.as_str())]);
    let base = Url::parse("https://api.example.com/v3").unwrap();
    let error = client_with(&base, &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap_err();
    let requests = proxy.requests();
    assert!(
        requests[0].starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"),
        "{requests:?}"
    );
    assert!(!requests[0].contains(KEY) && !requests[0].contains("applications"));
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::ProxyRefused { status: 407, .. })
        ),
        "{error:?}"
    );
}

/// A proxy with a password that answers so, and what a client says of a read and
/// of a write that go through it to an address over TLS.
async fn refused_over_tls(status: &str) -> (Server, [ApiError; 2]) {
    let refusal = answer(status, "<title>Squid</title>");
    let proxy = Server::start([Deed::SendAndClose(refusal)]).await;
    let value = format!("http://user:passw0rd@{}", proxy.address());
    let variables = Variables::from([("HTTPS_PROXY", value.as_str())]);
    let base = Url::parse("https://api.example.com/v3").unwrap();
    let client = client_with(&base, &variables);
    let read = client.get_application(APP, PATIENT).await.unwrap_err();
    let write = client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap_err();
    (proxy, [read, write])
}

#[tokio::test]
async fn a_proxy_that_refuses_a_tunnel_ends_the_request_at_once_and_is_named() {
    for (status, named) in [
        (
            "407 Proxy Authentication Required",
            "HTTP 407 Proxy Authentication Required",
        ),
        ("403 Forbidden", "HTTP 403 Forbidden"),
        ("451 Blocked", "HTTP 451"),
        ("302 Found", "HTTP 302 Found"),
    ] {
        let (proxy, errors) = refused_over_tls(status).await;
        for error in errors {
            assert!(
                matches!(
                    error.cause,
                    ApiErrorKind::Transport(TransportError::ProxyRefused { .. })
                ),
                "{error:?}"
            );
            assert_eq!((error.next(), error.attempts), (RetryDecision::Fatal, 1));
            // Sevalla has answered nothing.
            assert_eq!(error.status(), None);
            let told = error.to_string();
            let expected = format!("the proxy http://{} answered {named}", proxy.address());
            assert!(told.contains(&expected), "{told}");
            assert!(!told.contains("passw0rd"), "{told}");
        }
        // Asked again for its status, it gets the same request.
        let requests = proxy.requests();
        assert!(
            requests.iter().all(|request| *request == requests[0]),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_reached_over_tls_is_named_with_its_status_too() {
    let authority = authority();
    let file = file_of(&authority);
    for (status, is_final) in [
        ("407 Proxy Authentication Required", true),
        ("403 Forbidden", true),
        ("503 Service Unavailable", false),
    ] {
        let refusal = answer(status, "{}");
        let proxy = Secure::answering(&authority, "127.0.0.1", false, refusal).await;
        let address = format!("https://user:passw0rd@{}", proxy.address);
        let variables = Variables::from([
            ("HTTPS_PROXY", address.as_str()),
            ("SSL_CERT_FILE", file.path().to_str().unwrap()),
        ]);
        let base = Url::parse("https://api.example.com/v3").unwrap();
        let error = client_with(&base, &variables)
            .get_application(APP, Patience::Once)
            .await
            .unwrap_err();
        assert_eq!(error.next() == RetryDecision::Fatal, is_final, "{error:?}");
        let told = error.to_string();
        let expected = format!("the proxy https://{} answered HTTP {status}", proxy.address);
        assert!(told.contains(&expected), "{told}");
        assert!(!told.contains("passw0rd"), "{told}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_reach_the_service_now_is_asked_again() {
    let refusal = answer("503 Service Unavailable", "");
    let proxy = Server::start([Deed::SendAndClose(refusal)]).await;
    let proxy_uri = proxy.uri();
    let variables = Variables::from([("HTTPS_PROXY", proxy_uri.as_str())]);
    let base = Url::parse("https://api.example.com/v3").unwrap();
    let error = client_with(&base, &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap_err();
    assert_eq!(error.next(), RetryDecision::Retry(None));
    let told = error.to_string();
    let expected = format!("the proxy {proxy_uri} answered HTTP 503 Service Unavailable");
    assert!(told.contains(&expected), "{told}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let (_socket, address) = refuses_connections();
    let proxy = format!("http://user:passw0rd@{address}");
    let variables = Variables::from([("ALL_PROXY", proxy.as_str())]);
    let base = Url::parse("https://api.example.com/v3").unwrap();
    let error = client_with(&base, &variables)
        .get_application(APP, Patience::Once)
        .await
        .unwrap_err();
    let told = error.to_string();
    assert!(told.contains(&format!("http://{address}")), "{told}");
    assert!(!told.contains("passw0rd"), "{told}");
    assert_eq!(error.next(), RetryDecision::Retry(None));
}

#[tokio::test]
async fn a_refusal_of_a_proxy_without_tls_is_not_taken_for_the_services() {
    let page = |status: &str, headers: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: 2\r\n\r\n{{}}").into_bytes()
    };
    for (refusal, is_the_proxys) in [
        (page("407 X", "content-type: application/json\r\n"), true),
        (page("403 Forbidden", "content-type: text/html\r\n"), true),
        (page("403 Forbidden", ""), true),
        (
            page(
                "403 Forbidden",
                "content-type: application/json\r\nx-squid-error: ERR_ACCESS_DENIED 0\r\n",
            ),
            true,
        ),
        (
            page("403 Forbidden", "content-type: application/json\r\n"),
            false,
        ),
        (page("404 Not Found", "content-type: text/html\r\n"), false),
    ] {
        let server = Server::start([good(&application())]).await;
        let proxy = Server::start([Deed::Send(refusal.clone())]).await;
        let proxy_uri = proxy.uri();
        let variables = Variables::from([("HTTP_PROXY", proxy_uri.as_str())]);
        let error = client_with(&server.api(), &variables)
            .get_application(APP, PATIENT)
            .await
            .unwrap_err();
        let is_refusal = matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::ProxyRefused { .. })
        );
        assert_eq!(is_refusal, is_the_proxys, "{error}");
        assert_eq!((error.next(), error.attempts), (RetryDecision::Fatal, 1));
        assert_eq!(
            error.to_string().contains(&proxy_uri),
            is_the_proxys,
            "{error}"
        );
        // Without a proxy nothing is a proxy's.
        let server = Server::start([Deed::Send(refusal)]).await;
        let error = client(&server.api()).get_application(APP, PATIENT).await;
        assert!(error.unwrap_err().status().is_some());
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let base = Url::parse("https://api.example.com/v3").unwrap();
        let variables = Variables::from([(name, "http://user:passw0rd@:nowhere")]);
        let deadline = Instant::now() + PLENTY;
        let on_wait = std::rc::Rc::new(|_: &_, _| ());
        let refused = Client::new(&base, None, &variables, deadline, on_wait).err();
        let told = refused.unwrap().to_string();
        assert!(told.contains(name) && !told.contains("passw0rd"), "{told}");
    }
}

#[tokio::test]
async fn an_exception_of_one_port_is_for_that_port() {
    for (port, is_reached) in [(0, false), (1, true)] {
        let (server, proxy) = server_and_proxy().await;
        let proxy_uri = proxy.uri();
        let port = server.address().port().wrapping_add(1 - port);
        let except = format!("127.0.0.1:{port}");
        let variables =
            Variables::from([("HTTP_PROXY", proxy_uri.as_str()), ("NO_PROXY", &except)]);
        client_with(&server.api(), &variables)
            .get_application(APP, Patience::Once)
            .await
            .unwrap();
        let reached = [&server, &proxy].map(Server::connections);
        assert_eq!(
            reached,
            if is_reached { [1, 0] } else { [0, 1] },
            "{except}"
        );
    }
}

/// Runs twice: the test starts itself as a child whose environment names a
/// proxy, since this process must not change its own.
#[tokio::test]
async fn the_environment_of_the_process_names_no_proxy() {
    #[allow(
        clippy::allow_attributes,
        clippy::disallowed_methods,
        reason = "a child's orders come in its environment"
    )]
    let target = std::env::var(TARGET);
    if let Ok(target) = target {
        client(&Url::parse(&target).unwrap())
            .get_application(APP, Patience::Once)
            .await
            .unwrap();
        return;
    }
    let (server, proxy) = server_and_proxy().await;
    #[expect(clippy::disallowed_methods, reason = "a test starts itself")]
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "proxies::the_environment_of_the_process_names_no_proxy",
        ])
        .env(TARGET, server.api().as_str())
        .stdout(Stdio::null());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, proxy.uri());
        child.env(name.to_lowercase(), proxy.uri());
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    assert!(child.status().await.unwrap().success());
    assert_eq!((server.requests().len(), proxy.connections()), (1, 0));
}
