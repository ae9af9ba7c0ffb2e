//! CircleCI. Source: circleci.com/docs, "Project values and variables".

use crate::ci::facts::{ChangeRequest, Facts, Repository, owned};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request = change_request(variables);
    let is_fork = change_request
        .as_ref()
        .is_some_and(|request| request.is_fork == Some(true));
    Facts {
        commit: owned(variables, "CIRCLE_SHA1"),
        branch: owned(variables, "CIRCLE_BRANCH").filter(|_| !is_fork),
        tag: owned(variables, "CIRCLE_TAG"),
        default_branch: None,
        change_request,
        event: None,
        actor: owned(variables, "CIRCLE_USERNAME"),
        repository: repository(variables),
        run_url: owned(variables, "CIRCLE_BUILD_URL"),
        is_rerun: None,
        ..Facts::default()
    }
}

/// Only a fork's pull request has `CIRCLE_PR_NUMBER` and `CIRCLE_PR_USERNAME`,
/// and `pull/NUMBER` as its branch, which is the name of none. Any other is known
/// by its address.
fn change_request(variables: &Variables) -> Option<ChangeRequest> {
    let number = |text: &str| text.parse::<u64>().ok();
    let of_branch = || variables.text("CIRCLE_BRANCH")?.strip_prefix("pull/");
    let of_fork = variables.text("CIRCLE_PR_NUMBER").and_then(number);
    let of_fork = of_fork.or_else(|| number(of_branch()?));
    let has_owner = variables.text("CIRCLE_PR_USERNAME").is_some();
    let of_address = || {
        let address = variables.text("CIRCLE_PULL_REQUEST")?;
        number(address.rsplit_once('/')?.1)
    };
    Some(ChangeRequest {
        is_fork: Some(of_fork.is_some() || has_owner),
        ..ChangeRequest::numbered(of_fork.or_else(of_address)?)
    })
}

fn repository(variables: &Variables) -> Option<Repository> {
    let cloned_from = variables.text("CIRCLE_REPOSITORY_URL");
    cloned_from.and_then(Repository::cloned_from).or_else(|| {
        let owner = variables.text("CIRCLE_PROJECT_USERNAME")?;
        let name = variables.text("CIRCLE_PROJECT_REPONAME")?;
        Some(Repository::new(&format!("{owner}/{name}"), None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    const PULL: &str = "https://github.com/acme/shop/pull/12";

    const RUN: [(&str, &str); 8] = [
        ("CI", "true"),
        ("CIRCLECI", "true"),
        ("CIRCLE_SHA1", HEAD),
        ("CIRCLE_USERNAME", "octocat"),
        ("CIRCLE_PROJECT_USERNAME", "acme"),
        ("CIRCLE_PROJECT_REPONAME", "shop"),
        ("CIRCLE_REPOSITORY_URL", "git@github.com:acme/shop.git"),
        ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/shop/42"),
    ];

    #[test]
    fn a_push_a_tag_a_pull_request_and_one_of_a_fork() {
        let common = Facts {
            commit: some(HEAD),
            actor: some("octocat"),
            repository: on_github("acme/shop"),
            run_url: some("https://circleci.com/gh/acme/shop/42"),
            ..Facts::default()
        };
        let pull = |is_fork| {
            Some(ChangeRequest {
                is_fork: Some(is_fork),
                ..ChangeRequest::numbered(12)
            })
        };
        let fork = [
            ("CIRCLE_BRANCH", "pull/12"),
            ("CIRCLE_PULL_REQUEST", PULL),
            ("CIRCLE_PR_NUMBER", "12"),
            ("CIRCLE_PR_USERNAME", "mallory"),
            ("CIRCLE_PR_REPONAME", "shop"),
        ];
        for (pairs, expected) in [
            (
                &[("CIRCLE_BRANCH", "main")][..],
                Facts {
                    branch: some("main"),
                    ..common.clone()
                },
            ),
            (
                &[("CIRCLE_TAG", "v1.2.0")],
                Facts {
                    tag: some("v1.2.0"),
                    ..common.clone()
                },
            ),
            (
                &[("CIRCLE_BRANCH", "more"), ("CIRCLE_PULL_REQUEST", PULL)],
                Facts {
                    branch: some("more"),
                    change_request: pull(false),
                    ..common.clone()
                },
            ),
            (
                &fork,
                Facts {
                    change_request: pull(true),
                    ..common.clone()
                },
            ),
            // Any one of the signs is enough.
            (
                &fork[..1],
                Facts {
                    change_request: pull(true),
                    ..common.clone()
                },
            ),
            (
                &[("CIRCLE_BRANCH", "more"), fork[1], fork[3]],
                Facts {
                    change_request: pull(true),
                    ..common.clone()
                },
            ),
        ] {
            let facts = facts_of(Host::CircleCi, &[&RUN[..], pairs].concat());
            assert_eq!(facts, expected);
        }
    }
}
