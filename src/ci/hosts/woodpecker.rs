//! Woodpecker. Source: woodpecker-ci.org/docs/usage/environment.
//!
//! Nothing says whether a pull request comes from a fork.

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::facts::{
    Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository, is_beyond, moment,
    numbered_by, owned,
};
use crate::ci::hosts::CiHost;
use crate::ci::plain;
use crate::environment::Variables;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "woodpecker",
    title: "Woodpecker",
    template: Some("templates/woodpecker/deploy.yaml"),
    detection: &[DetectionRule::Is("CI", "woodpecker")],
    names: RunNames {
        run: &["CI_SYSTEM_URL", "CI_REPO", "CI_PIPELINE_NUMBER"],
        step: &["CI_WORKFLOW_NAME", "CI_STEP_NAME"],
        attempt: &[],
    },
    facts,
    output: plain::output,
};

pub(crate) fn facts(variables: &Variables) -> Facts {
    let event = variables.text("CI_PIPELINE_EVENT");
    let change_request = numbered_by(variables, "CI_COMMIT_PULL_REQUEST").map(|request| {
        let is_closed = event == Some("pull_request_closed");
        ChangeRequest {
            action: is_closed.then_some(ChangeAction::Closed),
            // Closed may be merged; nothing says so.
            state: (event == Some("pull_request")).then_some(ChangeState::Open),
            ..request
        }
    });
    // A release is of a tag; what its branch is, is not documented.
    let is_tag = matches!(event, Some("tag" | "release"));
    // `CI_COMMIT_BRANCH` of a pull request is its target.
    let branch = if change_request.is_some() {
        owned(variables, "CI_COMMIT_SOURCE_BRANCH")
    } else {
        owned(variables, "CI_COMMIT_BRANCH").filter(|_| !is_tag)
    };
    let is_rerun = is_beyond(variables, "CI_PIPELINE_PARENT", 0);
    Facts {
        commit: owned(variables, "CI_COMMIT_SHA"),
        branch,
        tag: owned(variables, "CI_COMMIT_TAG"),
        default_branch: owned(variables, "CI_REPO_DEFAULT_BRANCH"),
        change_request,
        event: event.map(str::to_owned),
        actor: owned(variables, "CI_PIPELINE_AUTHOR"),
        repository: repository(variables),
        run_url: owned(variables, "CI_PIPELINE_URL"),
        is_rerun,
        // A restart is a pipeline of its own: when the first began is not reported.
        began_at: moment(variables, "CI_PIPELINE_CREATED").filter(|_| is_rerun != Some(true)),
        ..Facts::default()
    }
}

fn repository(variables: &Variables) -> Option<Repository> {
    let cloned_from = variables.text("CI_REPO_CLONE_URL");
    let repository = cloned_from
        .and_then(Repository::cloned_from)
        .or_else(|| Some(Repository::new(variables.text("CI_REPO")?, None)))?;
    let Repository { slug, api } = repository;
    let api = api.or_else(|| api_of_forge(variables, &slug));
    Some(Repository { slug, api })
}

/// The API of the forge, of which Woodpecker says kind and address.
fn api_of_forge(variables: &Variables, slug: &str) -> Option<Api> {
    let address = variables.text("CI_FORGE_URL")?.trim_end_matches('/');
    match variables.text("CI_FORGE_TYPE")? {
        // They understand GitHub's requests.
        "gitea" | "forgejo" => Api::github(&format!("{address}/api/v1")),
        "github" => Api::github(&format!("{address}/api/v3")),
        "gitlab" => Api::gitlab(&format!("{address}/api/v4"), slug),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    const RUN: [(&str, &str); 7] = [
        ("CI", "woodpecker"),
        ("CI_COMMIT_SHA", HEAD),
        ("CI_REPO", "acme/shop"),
        ("CI_REPO_CLONE_URL", "https://codeberg.org/acme/shop.git"),
        ("CI_REPO_DEFAULT_BRANCH", "main"),
        ("CI_PIPELINE_AUTHOR", "octocat"),
        (
            "CI_PIPELINE_URL",
            "https://ci.codeberg.org/repos/7/pipeline/8",
        ),
    ];

    fn common(event: &str) -> Facts {
        Facts {
            commit: some(HEAD),
            default_branch: some("main"),
            event: some(event),
            actor: some("octocat"),
            repository: Some(Repository::new("acme/shop", None)),
            run_url: some("https://ci.codeberg.org/repos/7/pipeline/8"),
            is_rerun: Some(false),
            ..Facts::default()
        }
    }

    fn with(pairs: &[(&str, &str)]) -> Facts {
        facts_of(Host::Woodpecker, &[&RUN[..], pairs].concat())
    }

    #[test]
    fn a_push_a_tag_and_a_pipeline_that_was_restarted() {
        for (parent, is_rerun) in [("0", false), ("7", true)] {
            let facts = with(&[
                ("CI_PIPELINE_EVENT", "push"),
                ("CI_COMMIT_BRANCH", "main"),
                ("CI_PIPELINE_PARENT", parent),
            ]);
            let expected = Facts {
                branch: some("main"),
                is_rerun: Some(is_rerun),
                ..common("push")
            };
            assert_eq!(facts, expected);
        }
        let tag = with(&[
            ("CI_PIPELINE_EVENT", "tag"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_TAG", "v1.2.0"),
            ("CI_PIPELINE_PARENT", "0"),
        ]);
        assert_eq!(
            tag,
            Facts {
                tag: some("v1.2.0"),
                ..common("tag")
            }
        );
    }

    #[test]
    fn a_pull_request_and_its_end() {
        for (event, action, state) in [
            ("pull_request", None, Some(ChangeState::Open)),
            ("pull_request_closed", Some(ChangeAction::Closed), None),
        ] {
            let facts = with(&[
                ("CI_PIPELINE_EVENT", event),
                ("CI_COMMIT_BRANCH", "main"),
                ("CI_COMMIT_SOURCE_BRANCH", "more"),
                ("CI_COMMIT_TARGET_BRANCH", "main"),
                ("CI_COMMIT_PULL_REQUEST", "12"),
                ("CI_PIPELINE_PARENT", "0"),
            ]);
            let expected = Facts {
                branch: some("more"),
                change_request: Some(ChangeRequest {
                    action,
                    state,
                    ..ChangeRequest::numbered(12)
                }),
                ..common(event)
            };
            assert_eq!(facts, expected);
        }
    }

    #[test]
    fn the_forge_says_where_the_repository_can_be_asked_about() {
        let gitea = Api::github("https://codeberg.org/api/v1");
        let gitlab = Api::gitlab("https://codeberg.org/api/v4", "acme/shop");
        for (kind, address, api) in [
            ("forgejo", "https://codeberg.org", &gitea),
            ("gitea", "https://codeberg.org/", &gitea),
            ("gitlab", "https://codeberg.org", &gitlab),
            ("bitbucket", "https://codeberg.org", &None),
            // No token is sent there.
            ("gitea", "http://codeberg.org", &None),
        ] {
            let forge = [("CI_FORGE_TYPE", kind), ("CI_FORGE_URL", address)];
            let facts = facts_of(Host::Woodpecker, &[&RUN[..], &forge[..]].concat());
            assert_eq!(&facts.repository.unwrap().api, api, "{kind} {address}");
        }
    }
}
