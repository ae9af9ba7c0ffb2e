//! What a person is told when the code host does not do it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sevalla_deploy::ci::Repository;
use sevalla_deploy::code_host::{CodeHost, Marker, Reason};
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::secret::ApiToken;
use tokio::time::Instant;

use crate::forge::{Forge, NUMBER, TOKEN, Trouble};

/// What is told when creating the comment is refused like this.
async fn told(
    forge: &Forge,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
) -> (Reason, String) {
    forge.trouble(Method::POST, Trouble::Refused(status, headers, body));
    let (marker, text) = (Marker::of("shop"), Sanitizer::default().block("text"));
    let error = forge.client().put_comment(NUMBER, &marker, &text).await;
    let error = error.unwrap_err();
    assert_eq!(forge.sent(&Method::POST), 1);
    (error.reason.clone(), error.to_string())
}

#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_to_do() {
    let message = |text: &str| json!({"message": text, "documentation_url": "https://docs"});
    let github = || Forge::github("https://api.github.com");
    let (_, text) = told(&github(), 401, &[], message("Bad credentials")).await;
    assert!(text.starts_with(
        "Could not comment on the pull request: the token was not accepted (HTTP 401: Bad credentials)"
    ));
    let body = message("Resource not accessible by integration");
    let (reason, text) = told(&github(), 403, &[], body).await;
    assert!(matches!(reason, Reason::NotPermitted(_)));
    assert!(
        text.contains("`permissions: pull-requests: write`"),
        "{text}"
    );
    assert!(text.contains("Dependabot"), "{text}");
    let (reason, text) = told(&github(), 404, &[], message("Not Found")).await;
    assert_eq!(reason, Reason::NotFound);
    assert!(text.contains("may not see it on GitHub"), "{text}");
    let body = json!({"message": "Validation Failed", "errors": [{"code": "unprocessable"}]});
    let (_, text) = told(&github(), 422, &[], body).await;
    assert!(text.contains("HTTP 422: Validation Failed"), "{text}");
    assert!(text.contains("unprocessable"), "{text}");
    let body = json!({"message": {"body": ["is too long"]}});
    let (_, text) = told(&Forge::gitlab("4711"), 400, &[], body).await;
    assert!(text.contains("is too long"), "{text}");
    let body = json!({"error": "insufficient_scope"});
    let (_, text) = told(&Forge::gitlab("4711"), 403, &[], body).await;
    assert!(text.contains("insufficient_scope"), "{text}");
    assert!(
        text.contains("scope `api`; `CI_JOB_TOKEN` cannot"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_told_from_a_missing_right_and_not_waited_for() {
    let minute = Some(Duration::from_secs(60));
    for (status, headers, wait) in [
        (403, &[][..], None),
        (429, &[("retry-after", "60")], minute),
        (403, &[("retry-after", "60")], minute),
        (
            403,
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1772000000"),
            ],
            None,
        ),
    ] {
        let began = Instant::now();
        let forge = Forge::github("https://api.github.com");
        let body = json!({"message": "You have exceeded a secondary rate limit"});
        let (reason, text) = told(&forge, status, headers, body).await;
        assert_eq!(reason, Reason::RateLimited(wait));
        assert!(text.contains("too many requests"), "{text}");
        assert_eq!(
            text.ends_with("the next may go out in 1m00s"),
            wait.is_some(),
            "{text}"
        );
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_host_repeats_is_not_told() {
    let forge = Forge::github("https://api.github.com");
    let body = json!({"message": format!("bad token {TOKEN}\r\n::error::x")});
    let (reason, text) = told(&forge, 422, &[], body).await;
    let told = format!("{reason:?} {text}");
    assert!(!told.contains(&TOKEN[4..20]), "{told}");
    assert!(text.contains("bad token *** ::error::x"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn without_a_safe_place_to_ask_nothing_is_asked() {
    let over = |api| {
        let repository = Repository {
            slug: "acme/shop".to_owned(),
            api,
        };
        let token = ApiToken::parse(TOKEN).unwrap();
        let forge = Forge::github("https://api.github.com");
        let deadline = Instant::now() + Duration::from_secs(1);
        let made = CodeHost::over(
            Box::new(forge),
            &repository,
            &token,
            Sanitizer::default(),
            deadline,
        );
        made.err().unwrap()
    };
    let error = over(None);
    assert_eq!(error.reason, Reason::NoApi("acme/shop".to_owned()));
    let base = "http://github.acme.example/api/v3".parse().unwrap();
    let error = over(Some(sevalla_deploy::ci::Api::GitHub { base }));
    assert_eq!(error.reason, Reason::Insecure);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_deadline() {
    let forge = Forge::github("https://api.github.com");
    let client = forge.client();
    tokio::time::advance(Duration::from_secs(61)).await;
    let error = client.pull_request(NUMBER).await.unwrap_err();
    assert_eq!(error.reason, Reason::NoTime);
    assert!(forge.requests().is_empty());
}
