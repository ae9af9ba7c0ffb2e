//! Proxies come from the variables the client is given, and from nowhere else.

use std::process::Stdio;

use sevalla_deploy::process::Variables;
use sevalla_deploy::sevalla::{Cause, Client, Patience};
use tokio::time::Instant;
use url::Url;

use crate::answers::application;
use crate::server::{Deed, Server, answer, good};
use crate::setup::{APP, KEY, PLENTY, below, client, client_with};

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
    // Everything, by name: an address is not meant by the star.
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
        matches!(error.cause, Cause::NotConnected { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("proxy"), "{error}");
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
