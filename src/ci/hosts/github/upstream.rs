//! GitHub's events that report a result about a commit: a workflow, a check or
//! a status has ended.

use serde_json::Value;

use crate::ci::facts::{ChangeRequest, Facts};
use crate::ci::hosts::github::event_payload::EventPayload;

/// An event that reports a result about a commit. `GITHUB_SHA` and `GITHUB_REF`
/// of such a run are those of the default branch, whatever was tested.
pub(super) struct Upstream {
    /// Where in the event the commit, its branch and the result are.
    commit: &'static str,
    branch: &'static str,
    result: &'static str,
    /// What reports it, and where its name is.
    noun: &'static str,
    name: &'static str,
    pull_requests: &'static str,
}

impl Upstream {
    pub(super) fn of_event(event: &str) -> Option<Self> {
        match event {
            "workflow_run" => Some(Self {
                commit: "/workflow_run/head_sha",
                branch: "/workflow_run/head_branch",
                result: "/workflow_run/conclusion",
                noun: "workflow",
                name: "/workflow_run/name",
                pull_requests: "/workflow_run/pull_requests",
            }),
            "check_suite" => Some(Self {
                commit: "/check_suite/head_sha",
                branch: "/check_suite/head_branch",
                result: "/check_suite/conclusion",
                noun: "check suite of",
                name: "/check_suite/app/name",
                pull_requests: "/check_suite/pull_requests",
            }),
            "check_run" => Some(Self {
                commit: "/check_run/head_sha",
                branch: "/check_run/check_suite/head_branch",
                result: "/check_run/conclusion",
                noun: "check",
                name: "/check_run/name",
                pull_requests: "/check_run/pull_requests",
            }),
            // A status names the branches that have the commit at their tip.
            "status" => Some(Self {
                commit: "/sha",
                branch: "/branches/0/name",
                result: "/state",
                noun: "status",
                name: "/context",
                pull_requests: "",
            }),
            _ => None,
        }
    }

    pub(super) fn subject(&self, event: &EventPayload) -> Facts {
        let is_one_of_several = event.at("/branches/1").is_some();
        Facts {
            commit: event.text(self.commit),
            branch: event.text(self.branch).filter(|_| !is_one_of_several),
            change_request: self.change_request(event),
            is_foreign: is_of_another_repository(event),
            failed_upstream: self.failure(event),
            ..Facts::default()
        }
    }

    /// The pull request that was tested. GitHub names every open one that has
    /// this branch, also for a push, and none from a fork.
    fn change_request(&self, event: &EventPayload) -> Option<ChangeRequest> {
        let is_of_push = event
            .text("/workflow_run/event")
            .is_some_and(|started_by| !started_by.starts_with("pull_request"));
        let requests = event.at(self.pull_requests)?.as_array()?;
        let [request] = requests.as_slice() else {
            return None;
        };
        let repository = |end: &str| request.pointer(end)?.as_u64();
        let head = repository("/head/repo/id");
        let base = repository("/base/repo/id");
        (!is_of_push).then_some(ChangeRequest {
            is_fork: head.zip(base).map(|(head, base)| head != base),
            ..ChangeRequest::numbered(request.pointer("/number")?.as_u64()?)
        })
    }

    /// The result, unless it is a success. One that runs has none yet.
    fn failure(&self, event: &EventPayload) -> Option<String> {
        let result = event.text(self.result);
        let name = event.text(self.name).unwrap_or_default();
        match result.as_deref() {
            Some("success") => None,
            // Without the event nothing is known, and nothing is claimed.
            None if event.text(self.commit).is_none() => None,
            None => Some(format!("{} {name:?} has not ended", self.noun)),
            Some(result) => Some(format!("{} {name:?} ended as {result}", self.noun)),
        }
    }
}

/// Whether what was tested is in another repository, as a fork is. One that was
/// deleted meanwhile is null.
fn is_of_another_repository(event: &EventPayload) -> bool {
    let is_gone = event.pointer("/workflow_run/head_repository") == Some(&Value::Null);
    let own = event.text("/repository/full_name");
    let head = event.text("/workflow_run/head_repository/full_name");
    let is_other = |(own, head): (String, String)| !own.eq_ignore_ascii_case(&head);
    is_gone || own.zip(head).is_some_and(is_other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, some};
    use crate::ci::hosts::github::facts::tests::{HEAD, MERGE, common, facts_with};

    /// What GitHub says of a run that was started by a result.
    fn after(name: &str, event: &Value) -> Facts {
        // These are the default branch's, whatever was tested.
        let pairs = [
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", MERGE),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ];
        let mut event = event.clone();
        event["repository"] = json!({"full_name": "acme/shop", "default_branch": "main"});
        facts_with(Host::GitHub, &pairs, &event.to_string())
    }

    #[test]
    fn a_run_after_a_workflow_is_about_what_that_has_tested() {
        let own = json!({"full_name": "acme/shop"});
        let request = json!([{
            "number": 12,
            "head": {"ref": "more", "sha": HEAD, "repo": {"id": 1}},
            "base": {"ref": "main", "repo": {"id": 1}},
        }]);
        let run = |started_by: &str, repository: &Value, requests: &Value, result: &Value| {
            json!({"action": "completed", "workflow_run": {
                "name": "CI", "event": started_by, "head_sha": HEAD, "head_branch": "more",
                "head_repository": repository, "pull_requests": requests, "conclusion": result,
            }})
        };
        let tested = Facts {
            commit: some(HEAD),
            branch: some("more"),
            ..common("workflow_run")
        };
        let success = json!("success");
        let push = run("push", &own, &request, &success);
        assert_eq!(after("workflow_run", &push), tested);
        let of_request = Facts {
            change_request: Some(ChangeRequest {
                is_fork: Some(false),
                ..ChangeRequest::numbered(12)
            }),
            ..tested.clone()
        };
        let pull = run("pull_request", &own, &request, &success);
        assert_eq!(after("workflow_run", &pull), of_request);
        let fork = json!({"full_name": "mallory/shop"});
        let foreign = after(
            "workflow_run",
            &run("pull_request", &fork, &json!([]), &success),
        );
        assert!(foreign.is_of_fork() && !foreign.has_no_secrets());
        let deleted = run("pull_request", &json!(null), &json!([]), &success);
        assert!(after("workflow_run", &deleted).is_of_fork());
        for (result, words) in [
            (json!("failure"), "workflow \"CI\" ended as failure"),
            (json!("skipped"), "workflow \"CI\" ended as skipped"),
            (json!(null), "workflow \"CI\" has not ended"),
        ] {
            let facts = after("workflow_run", &run("push", &own, &request, &result));
            assert_eq!(facts.failed_upstream.as_deref(), Some(words));
        }
    }

    #[test]
    fn a_run_after_a_check_or_a_status_is_about_its_commit() {
        let suite = json!({"head_sha": HEAD, "head_branch": "more", "conclusion": "success"});
        let check = json!({
            "name": "lint", "head_sha": HEAD, "conclusion": "failure",
            "check_suite": {"head_branch": "more"},
        });
        let status =
            |branches: Value| json!({"sha": HEAD, "state": "success", "branches": branches});
        let one = json!([{"name": "more"}]);
        let two = json!([{"name": "more"}, {"name": "main"}]);
        for (name, event, branch, is_success) in [
            (
                "check_suite",
                json!({"check_suite": suite}),
                some("more"),
                true,
            ),
            (
                "check_run",
                json!({"check_run": check}),
                some("more"),
                false,
            ),
            ("status", status(one), some("more"), true),
            ("status", status(two), None, true),
            ("status", status(json!([])), None, true),
        ] {
            let facts = after(name, &event);
            assert_eq!((facts.commit, facts.branch), (some(HEAD), branch), "{name}");
            assert_eq!(facts.failed_upstream.is_none(), is_success, "{name}");
        }
    }

    #[test]
    fn nothing_is_known_of_a_result_whose_event_is_missing() {
        let facts = facts_of(
            Host::GitHub,
            &[
                ("GITHUB_EVENT_NAME", "workflow_run"),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_SHA", MERGE),
            ],
        );
        let expected = Facts {
            event: some("workflow_run"),
            ..Facts::default()
        };
        assert_eq!(facts, expected);
    }
}
