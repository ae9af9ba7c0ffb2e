//! What is read of a pull request or merge request.

use reqwest::Method;
use serde_json::{Value, json};
use sevalla_deploy::ci::ChangeState;
use sevalla_deploy::code_host::{PullRequest, Reason};

use crate::forge::{Forge, NUMBER, Trouble};

const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

fn expected(state: ChangeState, is_fork: bool) -> PullRequest {
    PullRequest {
        number: NUMBER,
        state,
        head_commit: Some(HEAD.to_owned()),
        head_branch: "more".to_owned(),
        is_fork,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_request_on_github() {
    let own = json!({"full_name": "octocat/Hello-World"});
    let fork = json!({"full_name": "mallory/Hello-World"});
    for (fields, repository, state, is_fork) in [
        (json!({"state": "open"}), &own, ChangeState::Open, false),
        (json!({"state": "open"}), &fork, ChangeState::Open, true),
        (json!({"state": "closed"}), &own, ChangeState::Closed, false),
        // The fork was deleted.
        (
            json!({"state": "closed"}),
            &Value::Null,
            ChangeState::Closed,
            true,
        ),
        (
            json!({"state": "closed", "merged": true, "merged_at": "2026-03-01T10:00:00Z"}),
            &own,
            ChangeState::Merged,
            false,
        ),
    ] {
        let mut fields = fields;
        fields["number"] = json!(NUMBER);
        fields["head"] = json!({"ref": "more", "sha": HEAD, "repo": repository});
        let forge = Forge::github("https://api.github.com");
        forge.with_change_request(fields);
        let read = forge.client().pull_request(NUMBER).await.unwrap();
        assert_eq!(read, expected(state, is_fork));
    }
}

#[tokio::test(start_paused = true)]
async fn a_merge_request_on_gitlab() {
    for (word, source, state, is_fork) in [
        ("opened", json!(4711), ChangeState::Open, false),
        ("locked", json!(4711), ChangeState::Open, false),
        ("closed", json!(4711), ChangeState::Closed, false),
        ("merged", json!(666), ChangeState::Merged, true),
        ("closed", json!(null), ChangeState::Closed, true),
    ] {
        let forge = Forge::gitlab("acme/web/shop");
        forge.with_change_request(json!({
            "id": 900_012,
            "iid": NUMBER,
            "state": word,
            "sha": HEAD,
            "source_branch": "more",
            "source_project_id": source,
            "target_project_id": 4711,
        }));
        let read = forge.client().pull_request(NUMBER).await.unwrap();
        assert_eq!(read, expected(state, is_fork), "{word}");
        let path = "GET /projects/acme%2Fweb%2Fshop/merge_requests/12";
        assert_eq!(forge.requests(), [path]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_about_something_else_is_none() {
    for body in ["", "<html>", "[]", "null", "{\"number\":12}"] {
        let forge = Forge::github("https://api.github.com");
        forge.trouble(Method::GET, Trouble::Said(body));
        let error = forge.client().pull_request(NUMBER).await.unwrap_err();
        assert!(matches!(error.reason, Reason::Unreadable(_)), "{error}");
    }
    let forge = Forge::github("https://api.github.com");
    forge.with_change_request(json!({"number": 13}));
    let error = forge.client().pull_request(NUMBER).await.unwrap_err();
    assert!(
        error.to_string().ends_with("it is about another one"),
        "{error}"
    );
}
