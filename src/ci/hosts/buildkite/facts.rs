//! Buildkite. Source: buildkite.com/docs, "Environment variables".

use crate::ci::facts::{ChangeRequest, Facts, Repository, is_beyond, numbered_by, owned};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request = change_request(variables);
    let tag = owned(variables, "BUILDKITE_TAG");
    let is_fork = change_request
        .as_ref()
        .is_some_and(|request| request.is_fork == Some(true));
    let branch = variables
        .text("BUILDKITE_BRANCH")
        .filter(|_| tag.is_none())
        .map(|branch| {
            if is_fork {
                without_owner(branch)
            } else {
                branch
            }
        });
    Facts {
        commit: owned(variables, "BUILDKITE_COMMIT"),
        branch: branch.map(str::to_owned),
        tag,
        default_branch: owned(variables, "BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        change_request,
        event: owned(variables, "BUILDKITE_SOURCE"),
        actor: owned(variables, "BUILDKITE_BUILD_CREATOR"),
        repository: variables
            .text("BUILDKITE_REPO")
            .and_then(Repository::cloned_from),
        run_url: owned(variables, "BUILDKITE_BUILD_URL"),
        is_rerun: is_rerun(variables),
        ..Facts::default()
    }
}

/// The number, or `false` where there is none.
fn change_request(variables: &Variables) -> Option<ChangeRequest> {
    let request = numbered_by(variables, "BUILDKITE_PULL_REQUEST")?;
    let slug = |name| {
        let repository = Repository::cloned_from(variables.text(name)?)?;
        Some(repository.slug.to_lowercase())
    };
    let is_fork = || Some(slug("BUILDKITE_PULL_REQUEST_REPO")? != slug("BUILDKITE_REPO")?);
    Some(ChangeRequest {
        is_fork: is_fork(),
        ..request
    })
}

/// A fork's branch is `OWNER:BRANCH`; no branch has a colon in its name.
fn without_owner(branch: &str) -> &str {
    branch.split_once(':').map_or(branch, |(_owner, name)| name)
}

fn is_rerun(variables: &Variables) -> Option<bool> {
    let is_rebuilt = variables.text("BUILDKITE_REBUILT_FROM_BUILD_ID").is_some();
    let is_retried = is_beyond(variables, "BUILDKITE_RETRY_COUNT", 0)?;
    Some(is_rebuilt || is_retried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    const RUN: [(&str, &str); 8] = [
        ("CI", "true"),
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", HEAD),
        ("BUILDKITE_REPO", "git@github.com:acme/shop.git"),
        ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
        ("BUILDKITE_SOURCE", "webhook"),
        ("BUILDKITE_BUILD_CREATOR", "Octo Cat"),
        (
            "BUILDKITE_BUILD_URL",
            "https://buildkite.com/acme/shop/builds/42",
        ),
    ];

    fn common() -> Facts {
        Facts {
            commit: some(HEAD),
            default_branch: some("main"),
            event: some("webhook"),
            actor: some("Octo Cat"),
            repository: on_github("acme/shop"),
            run_url: some("https://buildkite.com/acme/shop/builds/42"),
            is_rerun: Some(false),
            ..Facts::default()
        }
    }

    fn with(pairs: &[(&str, &str)]) -> Facts {
        facts_of(Host::Buildkite, &[&RUN[..], pairs].concat())
    }

    #[test]
    fn a_push_a_tag_and_builds_that_were_started_again() {
        let main = ("BUILDKITE_BRANCH", "main");
        let none = ("BUILDKITE_PULL_REQUEST", "false");
        let first = ("BUILDKITE_RETRY_COUNT", "0");
        let push = Facts {
            branch: some("main"),
            ..common()
        };
        assert_eq!(with(&[main, none, first]), push);
        let retried = with(&[main, none, ("BUILDKITE_RETRY_COUNT", "1")]);
        assert_eq!(retried.is_rerun, Some(true));
        let rebuilt = with(&[
            main,
            none,
            first,
            ("BUILDKITE_REBUILT_FROM_BUILD_ID", "018f"),
        ]);
        assert_eq!(rebuilt.is_rerun, Some(true));
        let tag = with(&[
            ("BUILDKITE_BRANCH", "v1.2.0"),
            ("BUILDKITE_TAG", "v1.2.0"),
            none,
            first,
        ]);
        assert_eq!(
            tag,
            Facts {
                tag: some("v1.2.0"),
                ..common()
            }
        );
        let unknown = with(&[main, first, ("BUILDKITE_COMMIT", "HEAD")]);
        assert_eq!(unknown.commit, None);
    }

    #[test]
    fn a_pull_request_of_our_own_and_one_of_a_fork() {
        for (branch, repository, is_fork) in [
            ("more", "git://github.com/acme/shop.git", false),
            ("mallory:more", "https://github.com/mallory/shop.git", true),
        ] {
            let facts = with(&[
                ("BUILDKITE_BRANCH", branch),
                ("BUILDKITE_PULL_REQUEST", "12"),
                ("BUILDKITE_PULL_REQUEST_REPO", repository),
                ("BUILDKITE_RETRY_COUNT", "0"),
            ]);
            let expected = Facts {
                branch: some("more"),
                change_request: Some(ChangeRequest {
                    is_fork: Some(is_fork),
                    ..ChangeRequest::numbered(12)
                }),
                ..common()
            };
            assert_eq!(facts, expected);
        }
    }
}
