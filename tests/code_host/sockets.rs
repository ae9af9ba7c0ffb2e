//! Over the network: the token goes to the API alone.

use sevalla_deploy::ci::{Api, Repository};
use sevalla_deploy::code_host::Reason;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::http::{Http, Transport};
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::contract::example;
use crate::forge::{TOKEN, client_over};

fn repository(server: &MockServer) -> Repository {
    let base = format!("{}/api/v3", server.uri()).parse().unwrap();
    Repository {
        slug: "octocat/Hello-World".to_owned(),
        api: Some(Api::GitHub { base }),
    }
}

fn network() -> Box<dyn Transport> {
    Box::new(Http::new(&Variables::default()).unwrap())
}

#[tokio::test]
async fn githubs_own_example_is_read() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v3/repos/octocat/Hello-World/pulls/1347"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(example("pull-request")))
        .mount(&server)
        .await;
    let client = client_over(network(), &repository(&server));
    let read = client.pull_request(1347).await.unwrap();
    assert_eq!(
        (read.head_branch.as_str(), read.is_fork),
        ("new-topic", false)
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 307, 308] {
        let server = MockServer::start().await;
        let target = format!("{}/repositories/1/pulls/12", elsewhere.uri());
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).insert_header("location", target.as_str()))
            .mount(&server)
            .await;
        let client = client_over(network(), &repository(&server));
        let error = client.pull_request(12).await.unwrap_err();
        assert_eq!(
            error.reason,
            Reason::Refused {
                status,
                message: None
            }
        );
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}
