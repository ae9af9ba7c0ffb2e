//! What is read of a pull request or merge request.

use reqwest::Method;
use serde_json::{Value, json};
use sevalla_deploy::ci::ChangeState;
use sevalla_deploy::code_host::{PullRequest, Reason};

use crate::forge::{Forge, NUMBER, Trouble};

const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

fn expected(state: ChangeState, is_fork: bool, from: Option<String>) -> PullRequest {
    PullRequest {
        head_repository: from,
        number: NUMBER,
        state,
        head_commit: Some(HEAD.to_owned()),
        base_commit: None,
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
        // The example's.
        assert_eq!(read.base_commit.as_ref().map(String::len), Some(40));
        let read = PullRequest {
            base_commit: None,
            ..read
        };
        let from = repository["full_name"].as_str().map(str::to_owned);
        assert_eq!(read, expected(state, is_fork, from));
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
        let from = source.as_u64().map(|id| format!("project {id}"));
        assert_eq!(read, expected(state, is_fork, from), "{word}");
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

/// A redirect of the next request with this method.
fn redirect(
    forge: &Forge,
    method: Method,
    status: u16,
    location: &'static [(&'static str, &'static str)],
) {
    let body = json!({"message": "Moved Permanently"});
    forge.trouble(method, Trouble::Refused(status, location, body));
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_was_renamed_is_read_at_its_new_place_on_the_same_host() {
    for status in [301, 302, 307, 308] {
        for location in [
            &[("location", "/repos/acme/shop/pulls/12")],
            &[(
                "location",
                "https://api.github.com/repos/acme/shop/pulls/12",
            )],
        ] {
            let forge = Forge::github("https://api.github.com");
            forge.with_change_request(json!({"number": NUMBER}));
            redirect(&forge, Method::GET, status, location);
            redirect(&forge, Method::GET, status, location);
            let read = forge.client().pull_request(NUMBER).await.unwrap();
            assert_eq!((read.number, forge.requests().len()), (NUMBER, 3));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_follows_no_redirect_to_elsewhere_and_no_endless_one() {
    // Another host would fail in the forge, which checks each address.
    for location in [
        &[("location", "https://evil.example/repos/acme/shop/pulls/12")],
        &[("location", "http://api.github.com/repos/acme/shop/pulls/12")],
        &[(
            "location",
            "https://api.github.com:8443/repos/acme/shop/pulls/12",
        )],
        &[("location", "https://api.github.com.evil.example/")],
        &[(
            "location",
            "https://x@api.github.com/repos/acme/shop/pulls/12",
        )],
        &[("location", "//evil.example/repos/acme/shop/pulls/12")],
    ] {
        let forge = Forge::github("https://api.github.com");
        redirect(&forge, Method::GET, 301, location);
        let error = forge.client().pull_request(NUMBER).await.unwrap_err();
        assert!(matches!(error.reason, Reason::Refused { status: 301, .. }));
        assert!(error.to_string().contains("renamed or moved"), "{error}");
        assert_eq!(forge.requests().len(), 1, "{location:?}");
    }
    let forge = Forge::github("https://api.github.com");
    for _ in 0..10 {
        let location = &[("location", "/repos/acme/shop/pulls/12")];
        redirect(&forge, Method::GET, 308, location);
    }
    let error = forge.client().pull_request(NUMBER).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Refused { status: 308, .. }));
    assert_eq!(forge.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_open_requests_of_a_branch_are_those_of_the_repository_itself() {
    let pull = |number: u64, branch: &str, from: &str, state: &str| {
        json!({
            "number": number, "state": state,
            "head": {"ref": branch, "sha": HEAD, "repo": {"full_name": from}},
            "base": {"ref": "main", "repo": {"full_name": "acme/shop"}},
        })
    };
    let forge = Forge::github("https://api.github.com");
    // Some hosts list all, whatever branch is asked for.
    forge.with_open(vec![
        pull(7, "more", "acme/shop", "open"),
        pull(8, "more", "acme/shop", "open"),
        pull(9, "more", "mallory/shop", "open"),
        pull(10, "less", "acme/shop", "open"),
        pull(11, "more", "acme/shop", "closed"),
    ]);
    let open = forge
        .client()
        .open_pull_requests(Some("more"))
        .await
        .unwrap();
    assert_eq!(open, [7, 8]);
    let open = forge.client().open_pull_requests(None).await.unwrap();
    assert_eq!(open, [7, 8, 10]);
    let merge = |number: u64, source: u64| {
        json!({
            "iid": number, "state": "opened", "source_branch": "more",
            "source_project_id": source, "target_project_id": 4711,
        })
    };
    let forge = Forge::gitlab("4711");
    forge.with_open(vec![merge(7, 4711), merge(9, 666)]);
    let open = forge
        .client()
        .open_pull_requests(Some("more"))
        .await
        .unwrap();
    assert_eq!(open, [7]);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_around_broken_characters_and_entries() {
    const GITHUB: &str = r#"[{"number": null}, 7, {"number": 7, "state": "open", "merged_at": 5,
        "title": "\ud83d", "head": {"ref": "more", "sha": 1, "repo": {"full_name": "acme/shop"}},
        "base": {"ref": "main", "repo": {"full_name": "acme/shop"}}}]"#;
    const GITLAB: &str = r#"[{"iid": "x"}, {"iid": 7, "state": "opened", "title": "\ude00",
        "source_branch": "more", "sha": {}, "source_project_id": 1, "target_project_id": 1}]"#;
    for (forge, body) in [
        (Forge::github("https://api.github.com"), GITHUB),
        (Forge::gitlab("4711"), GITLAB),
    ] {
        forge.trouble(Method::GET, Trouble::Said(body));
        let open = forge.client().open_pull_requests(Some("more")).await;
        assert_eq!(open.unwrap(), [7]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_of_another_kind_costs_itself() {
    let body = r#"{"number": 12, "state": "open", "merged": "no", "merged_at": [],
        "head": {"ref": "m\ud83d", "sha": 7, "repo": {"full_name": null}},
        "base": {"ref": "main", "repo": {"full_name": "acme/shop"}}}"#;
    let forge = Forge::github("https://api.github.com");
    forge.trouble(Method::GET, Trouble::Said(body));
    let read = forge.client().pull_request(NUMBER).await.unwrap();
    // Where the branch is cannot be known, so it is not ours.
    assert!(read.is_fork && read.state == ChangeState::Open);
    assert_eq!(read.head_branch, "m\u{fffd}");
    assert_eq!((read.head_commit, read.head_repository), (None, None));
}
