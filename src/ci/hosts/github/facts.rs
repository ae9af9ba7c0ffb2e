//! GitHub Actions, and Gitea's and Forgejo's, which have the same variables
//! and the same file about the event.
//!
//! `GITHUB_SHA` of a pull request is a merge that exists for the run only, or
//! the base branch's commit, and of a run after a workflow, check or status it
//! is the default branch's: the commit that was tested is in the event.
//! Source: docs.github.com, "Variables reference" and "Webhook events and
//! payloads".

use jiff::Timestamp;
use serde_json::Value;

use crate::ci::facts::{
    Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository, branch_and_tag, is_beyond,
    moment_in, owned,
};
use crate::ci::hosts::github::event_payload::EventPayload;
use crate::ci::hosts::github::upstream::Upstream;
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let event = EventPayload::read(variables.text("GITHUB_EVENT_PATH"));
    let name = variables.text("GITHUB_EVENT_NAME");
    let subject = match name.and_then(Upstream::of_event) {
        Some(upstream) => upstream.subject(&event),
        None => subject(variables, &event),
    };
    Facts {
        default_branch: event.text("/repository/default_branch"),
        event: name.map(str::to_owned),
        actor: owned(variables, "GITHUB_ACTOR"),
        repository: repository(variables),
        run_url: run_url(variables),
        is_rerun: is_beyond(variables, "GITHUB_RUN_ATTEMPT", 1),
        began_at: began_at(&event),
        ..subject
    }
}

/// When the event happened that started the run; its file is the same at every
/// attempt.
fn began_at(event: &EventPayload) -> Option<Timestamp> {
    let pushed = event.number("/repository/pushed_at");
    let pushed = pushed.and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok());
    let times = ["/workflow_run/updated_at", "/pull_request/updated_at"];
    let mut times = times.iter().filter_map(|pointer| event.text(pointer));
    times.find_map(|time| moment_in(&time)).or(pushed)
}

/// Commit, branch, tag and change request of the run's own event.
fn subject(variables: &Variables, event: &EventPayload) -> Facts {
    if let Some(change_request) = change_request(variables, event) {
        let branch = owned(variables, "GITHUB_HEAD_REF");
        return Facts {
            commit: event.text("/pull_request/head/sha"),
            branch: branch.or_else(|| event.text("/pull_request/head/ref")),
            change_request: Some(change_request),
            ..Facts::default()
        };
    }
    let (branch, tag) = branch_and_tag(variables.text("GITHUB_REF"));
    Facts {
        commit: owned(variables, "GITHUB_SHA"),
        // A merge queue has a branch of its own, which exists for the run only.
        branch: branch.filter(|branch| !branch.starts_with("gh-readonly-queue/")),
        tag,
        ..Facts::default()
    }
}

/// The pull request of the event: its own, or the one that was commented on.
/// Without the event's file its number is in the name of the reference.
fn change_request(variables: &Variables, event: &EventPayload) -> Option<ChangeRequest> {
    let of_reference = || {
        let rest = variables.text("GITHUB_REF")?.strip_prefix("refs/pull/")?;
        let number = rest.split('/').next()?.parse().ok()?;
        Some(ChangeRequest::numbered(number))
    };
    let is_comment = event.at("/issue/pull_request").is_some();
    let Some(number) = event
        .number("/pull_request/number")
        .or_else(|| event.number("/issue/number").filter(|_| is_comment))
    else {
        return of_reference();
    };
    let action = event.text("/action");
    Some(ChangeRequest {
        number,
        // Of a comment's or a review's event this is what happened to that.
        action: action
            .filter(|_| is_about_the_request(variables))
            .map(|action| action_named(&action)),
        state: state(event),
        is_fork: is_fork(event),
    })
}

fn is_about_the_request(variables: &Variables) -> bool {
    matches!(
        variables.text("GITHUB_EVENT_NAME"),
        Some("pull_request" | "pull_request_target")
    )
}

fn action_named(action: &str) -> ChangeAction {
    match action {
        "opened" => ChangeAction::Opened,
        "reopened" => ChangeAction::Reopened,
        // The second is Gitea's word.
        "synchronize" | "synchronized" => ChangeAction::Synchronized,
        "closed" => ChangeAction::Closed,
        _ => ChangeAction::Other,
    }
}

fn state(event: &EventPayload) -> Option<ChangeState> {
    let state = event
        .text("/pull_request/state")
        .or_else(|| event.text("/issue/state"))?;
    let is_merged = event.at("/pull_request/merged") == Some(&Value::Bool(true))
        || event.text("/pull_request/merged_at").is_some()
        || event.text("/issue/pull_request/merged_at").is_some();
    match state.as_str() {
        "open" => Some(ChangeState::Open),
        "closed" if is_merged => Some(ChangeState::Merged),
        "closed" => Some(ChangeState::Closed),
        _ => None,
    }
}

/// A fork that was deleted meanwhile is not named any more.
fn is_fork(event: &EventPayload) -> Option<bool> {
    event.at("/pull_request/head")?;
    let base = event.text("/repository/full_name")?;
    let head = event.text("/pull_request/head/repo/full_name");
    Some(head.is_none_or(|head| !head.eq_ignore_ascii_case(&base)))
}

fn repository(variables: &Variables) -> Option<Repository> {
    let slug = variables.text("GITHUB_REPOSITORY")?;
    let api = variables.text("GITHUB_API_URL").and_then(Api::github);
    Some(Repository::new(slug, api))
}

fn run_url(variables: &Variables) -> Option<String> {
    let server = variables.text("GITHUB_SERVER_URL")?;
    let repository = variables.text("GITHUB_REPOSITORY")?;
    let run = variables.text("GITHUB_RUN_ID")?;
    Some(format!("{server}/{repository}/actions/runs/{run}"))
}

#[cfg(test)]
pub(in crate::ci::hosts::github) mod tests {
    use serde_json::json;

    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    pub(in crate::ci::hosts::github) const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    pub(in crate::ci::hosts::github) const MERGE: &str = "0123456789abcdef0123456789abcdef01234567";

    /// What a run on github.com has in common with every other.
    const RUN: [(&str, &str); 8] = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "17501912"),
        ("GITHUB_ACTOR", "octocat"),
        ("GITHUB_BASE_REF", ""),
    ];

    pub(in crate::ci::hosts::github) fn facts_with(
        host: Host,
        pairs: &[(&str, &str)],
        event: &str,
    ) -> Facts {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        std::fs::write(&path, event).unwrap();
        let path = [("GITHUB_EVENT_PATH", path.to_str().unwrap())];
        facts_of(host, &[&RUN[..], &path[..], pairs].concat())
    }

    pub(in crate::ci::hosts::github) fn common(event: &str) -> Facts {
        Facts {
            default_branch: some("main"),
            event: some(event),
            actor: some("octocat"),
            repository: on_github("acme/shop"),
            run_url: some("https://github.com/acme/shop/actions/runs/17501912"),
            is_rerun: Some(false),
            ..Facts::default()
        }
    }

    /// The event of a pull request as GitHub sends it, cut to the fields near
    /// those that are read.
    fn pull_request(action: &str, head: &Value, more: &Value) -> String {
        let mut event = json!({
            "action": action,
            "number": 12,
            "pull_request": {
                "number": 12,
                "state": "open",
                "merged": false,
                "merged_at": null,
                "title": "Sell more\n::error::x",
                "head": {"ref": "more", "sha": HEAD, "repo": head},
                "base": {"ref": "main", "repo": {"full_name": "acme/shop"}},
            },
            "repository": {"full_name": "acme/shop", "default_branch": "main"},
            "sender": {"login": "octocat", "type": "User"},
        });
        for (name, value) in more.as_object().unwrap() {
            event["pull_request"][name] = value.clone();
        }
        event.to_string()
    }

    const PULL: [(&str, &str); 6] = [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_REF", "refs/pull/12/merge"),
        ("GITHUB_REF_NAME", "12/merge"),
        ("GITHUB_HEAD_REF", "more"),
        ("GITHUB_SHA", MERGE),
        ("GITHUB_RUN_ATTEMPT", "1"),
    ];

    #[test]
    fn a_push_and_its_second_run() {
        let event = json!({
            "ref": "refs/heads/feature/x",
            "after": HEAD,
            "repository": {"full_name": "acme/shop", "default_branch": "main"},
        })
        .to_string();
        for (attempt, is_rerun) in [("1", false), ("2", true)] {
            let pairs = [
                ("GITHUB_EVENT_NAME", "push"),
                ("GITHUB_REF", "refs/heads/feature/x"),
                ("GITHUB_HEAD_REF", ""),
                ("GITHUB_SHA", HEAD),
                ("GITHUB_RUN_ATTEMPT", attempt),
            ];
            let expected = Facts {
                commit: some(HEAD),
                branch: some("feature/x"),
                is_rerun: Some(is_rerun),
                ..common("push")
            };
            assert_eq!(facts_with(Host::GitHub, &pairs, &event), expected);
        }
    }

    #[test]
    fn a_tag() {
        let pairs = [
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REF", "refs/tags/v1.2.0"),
            ("GITHUB_SHA", HEAD),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ];
        let event = r#"{"repository":{"default_branch":"main"}}"#;
        let expected = Facts {
            commit: some(HEAD),
            tag: some("v1.2.0"),
            ..common("push")
        };
        assert_eq!(facts_with(Host::GitHub, &pairs, event), expected);
    }

    #[test]
    fn a_pull_request_in_each_of_its_states() {
        let own = json!({"full_name": "acme/shop"});
        let open = json!({});
        let merged =
            json!({"state": "closed", "merged": true, "merged_at": "2026-03-01T10:00:00Z"});
        let closed = json!({"state": "closed"});
        for (word, more, action, state) in [
            ("opened", &open, ChangeAction::Opened, ChangeState::Open),
            ("reopened", &open, ChangeAction::Reopened, ChangeState::Open),
            (
                "synchronize",
                &open,
                ChangeAction::Synchronized,
                ChangeState::Open,
            ),
            (
                "synchronized",
                &open,
                ChangeAction::Synchronized,
                ChangeState::Open,
            ),
            ("labeled", &open, ChangeAction::Other, ChangeState::Open),
            ("closed", &merged, ChangeAction::Closed, ChangeState::Merged),
            ("closed", &closed, ChangeAction::Closed, ChangeState::Closed),
        ] {
            let facts = facts_with(Host::GitHub, &PULL, &pull_request(word, &own, more));
            let expected = Facts {
                commit: some(HEAD),
                branch: some("more"),
                change_request: Some(ChangeRequest {
                    number: 12,
                    action: Some(action),
                    state: Some(state),
                    is_fork: Some(false),
                }),
                ..common("pull_request")
            };
            assert_eq!(facts, expected, "{word}");
        }
    }

    #[test]
    fn a_fork_is_another_repository_or_one_that_is_gone() {
        for (head, is_fork) in [
            (json!({"full_name": "mallory/shop"}), true),
            (json!(null), true),
            (json!({"full_name": "Acme/Shop"}), false),
        ] {
            let facts = facts_with(
                Host::GitHub,
                &PULL,
                &pull_request("opened", &head, &json!({})),
            );
            let request = facts.change_request.clone().unwrap();
            assert_eq!(request.is_fork, Some(is_fork), "{head}");
            assert_eq!(facts.has_no_secrets(), is_fork);
        }
    }

    #[test]
    fn a_comment_on_a_pull_request_is_about_that() {
        let event = json!({
            "action": "created",
            "issue": {"number": 12, "state": "open", "pull_request": {"merged_at": null}},
            "repository": {"full_name": "acme/shop", "default_branch": "main"},
        })
        .to_string();
        // These are the default branch's.
        let pairs = [
            ("GITHUB_EVENT_NAME", "issue_comment"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", MERGE),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ];
        let expected = Facts {
            change_request: Some(ChangeRequest {
                state: Some(ChangeState::Open),
                ..ChangeRequest::numbered(12)
            }),
            ..common("issue_comment")
        };
        assert_eq!(facts_with(Host::GitHub, &pairs, &event), expected);
        let of_an_issue = event.replace("\"pull_request\":{\"merged_at\":null}", "\"x\":1");
        let facts = facts_with(Host::GitHub, &pairs, &of_an_issue);
        assert_eq!((facts.change_request, facts.branch), (None, some("main")));
    }

    #[test]
    fn a_merge_queue_is_on_no_branch_that_stays() {
        let pairs = [
            ("GITHUB_EVENT_NAME", "merge_group"),
            (
                "GITHUB_REF",
                "refs/heads/gh-readonly-queue/main/pr-12-9f8e7d6",
            ),
            ("GITHUB_SHA", HEAD),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ];
        let event = r#"{"repository":{"default_branch":"main"}}"#;
        let expected = Facts {
            commit: some(HEAD),
            ..common("merge_group")
        };
        assert_eq!(facts_with(Host::GitHub, &pairs, event), expected);
    }

    #[test]
    fn a_file_that_is_no_event_is_as_good_as_none() {
        let expected = Facts {
            branch: some("more"),
            change_request: Some(ChangeRequest::numbered(12)),
            default_branch: None,
            ..common("pull_request")
        };
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(9 * 1024 * 1024));
        let deep = "[".repeat(100_000);
        for event in [
            "",
            "[]",
            "null",
            "{\"pull_request\":7}",
            "\u{0}",
            &large,
            &deep,
        ] {
            let facts = facts_with(Host::GitHub, &PULL, event);
            assert_eq!(facts, expected, "{event:.30}");
        }
        for path in ["/nonexistent/event.json", "/dev/zero", "/"] {
            let path = [("GITHUB_EVENT_PATH", path)];
            let facts = facts_of(Host::GitHub, &[&RUN[..], &PULL[..], &path[..]].concat());
            assert_eq!(facts, expected);
        }
    }

    #[test]
    fn an_enterprise_server_and_gitea_name_their_own_api() {
        for (host, api) in [
            (Host::GitHub, "https://github.acme.example/api/v3"),
            (Host::Gitea, "https://gitea.acme.example/api/v1"),
        ] {
            let pairs = [
                ("GITHUB_API_URL", api),
                ("GITHUB_REPOSITORY", "acme/shop"),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_SHA", HEAD),
            ];
            let facts = facts_of(host, &pairs);
            assert_eq!(facts.repository.unwrap().api, Api::github(api));
            assert_eq!((facts.branch, facts.commit), (some("main"), some(HEAD)));
        }
        let pairs = [
            ("GITHUB_API_URL", "http://github.acme.example/api/v3"),
            ("GITHUB_REPOSITORY", "acme/shop"),
        ];
        assert_eq!(facts_of(Host::GitHub, &pairs).repository.unwrap().api, None);
    }
}
