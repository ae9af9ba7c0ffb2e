//! Drone and Harness. Source: docs.drone.io/pipeline/environment/reference.
//!
//! Nothing says whether a pull request comes from a fork.

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::facts::{
    ChangeAction, ChangeRequest, Facts, Repository, is_beyond, moment, numbered_by, owned,
};
use crate::ci::hosts::CiHost;
use crate::ci::plain;
use crate::environment::Variables;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "drone",
    title: "Drone",
    template: Some("templates/drone/.drone.yml"),
    detection: &[DetectionRule::Is("DRONE", "true")],
    names: RunNames {
        run: &["DRONE_SYSTEM_HOST", "DRONE_REPO", "DRONE_BUILD_NUMBER"],
        step: &["DRONE_STAGE_NAME", "DRONE_STEP_NAME"],
        attempt: &[],
    },
    facts,
    output: plain::output,
};

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request =
        numbered_by(variables, "DRONE_PULL_REQUEST").map(|request| ChangeRequest {
            action: variables.text("DRONE_BUILD_ACTION").map(action_named),
            ..request
        });
    let tag = owned(variables, "DRONE_TAG");
    // `DRONE_BRANCH` of a pull request is its target.
    let branch = if change_request.is_some() {
        owned(variables, "DRONE_SOURCE_BRANCH")
    } else {
        owned(variables, "DRONE_BRANCH").filter(|_| tag.is_none())
    };
    let is_rerun = is_beyond(variables, "DRONE_BUILD_PARENT", 0);
    Facts {
        commit: owned(variables, "DRONE_COMMIT_SHA"),
        branch,
        tag,
        default_branch: owned(variables, "DRONE_REPO_BRANCH"),
        change_request,
        event: owned(variables, "DRONE_BUILD_EVENT"),
        actor: owned(variables, "DRONE_COMMIT_AUTHOR"),
        repository: repository(variables),
        run_url: owned(variables, "DRONE_BUILD_LINK"),
        is_rerun,
        // A restart is a build of its own: when the first began is not reported.
        began_at: moment(variables, "DRONE_BUILD_CREATED").filter(|_| is_rerun != Some(true)),
        ..Facts::default()
    }
}

fn action_named(action: &str) -> ChangeAction {
    match action {
        "opened" => ChangeAction::Opened,
        "synchronized" => ChangeAction::Synchronized,
        _ => ChangeAction::Other,
    }
}

fn repository(variables: &Variables) -> Option<Repository> {
    let cloned_from = variables.text("DRONE_GIT_HTTP_URL");
    cloned_from
        .and_then(Repository::cloned_from)
        .or_else(|| Some(Repository::new(variables.text("DRONE_REPO")?, None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    const RUN: [(&str, &str); 8] = [
        ("CI", "true"),
        ("DRONE", "true"),
        ("DRONE_COMMIT_SHA", HEAD),
        ("DRONE_REPO", "acme/shop"),
        ("DRONE_GIT_HTTP_URL", "https://github.com/acme/shop.git"),
        ("DRONE_REPO_BRANCH", "main"),
        ("DRONE_COMMIT_AUTHOR", "octocat"),
        (
            "DRONE_BUILD_LINK",
            "https://drone.acme.example/acme/shop/42",
        ),
    ];

    #[test]
    fn a_push_a_tag_a_pull_request_and_a_build_that_was_restarted() {
        let common = |event: &str| Facts {
            commit: some(HEAD),
            default_branch: some("main"),
            event: some(event),
            actor: some("octocat"),
            repository: on_github("acme/shop"),
            run_url: some("https://drone.acme.example/acme/shop/42"),
            ..Facts::default()
        };
        let push = ("DRONE_BUILD_EVENT", "push");
        let main = ("DRONE_BRANCH", "main");
        let on_main = Facts {
            branch: some("main"),
            ..common("push")
        };
        let pull = [
            ("DRONE_BUILD_EVENT", "pull_request"),
            ("DRONE_BUILD_ACTION", "synchronized"),
            ("DRONE_PULL_REQUEST", "12"),
            ("DRONE_SOURCE_BRANCH", "more"),
            ("DRONE_TARGET_BRANCH", "main"),
            main,
        ];
        let request = ChangeRequest {
            action: Some(ChangeAction::Synchronized),
            ..ChangeRequest::numbered(12)
        };
        for (pairs, expected) in [
            (&[push, main][..], on_main.clone()),
            (
                &[push, main, ("DRONE_BUILD_PARENT", "41")],
                Facts {
                    is_rerun: Some(true),
                    ..on_main
                },
            ),
            (
                &[("DRONE_BUILD_EVENT", "tag"), main, ("DRONE_TAG", "v1.2.0")],
                Facts {
                    tag: some("v1.2.0"),
                    ..common("tag")
                },
            ),
            (
                &pull,
                Facts {
                    branch: some("more"),
                    change_request: Some(request),
                    ..common("pull_request")
                },
            ),
        ] {
            let facts = facts_of(Host::Drone, &[&RUN[..], pairs].concat());
            assert_eq!(facts, expected);
        }
    }
}
