//! Bitbucket Pipelines. Source: support.atlassian.com, "Variables and secrets".

use crate::ci::facts::{ChangeRequest, Facts, Repository, is_beyond, numbered_by, owned};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request = numbered_by(variables, "BITBUCKET_PR_ID").map(|request| ChangeRequest {
        // A pull request from a fork starts no pipeline here.
        is_fork: Some(false),
        ..request
    });
    let slug = variables.text("BITBUCKET_REPO_FULL_NAME");
    Facts {
        commit: owned(variables, "BITBUCKET_COMMIT"),
        branch: owned(variables, "BITBUCKET_BRANCH"),
        tag: owned(variables, "BITBUCKET_TAG"),
        default_branch: None,
        change_request,
        event: None,
        actor: owned(variables, "BITBUCKET_STEP_TRIGGERER_UUID"),
        repository: slug.map(|slug| Repository::new(slug, None)),
        run_url: run_url(variables),
        is_rerun: is_beyond(variables, "BITBUCKET_STEP_RUN_NUMBER", 1),
        ..Facts::default()
    }
}

fn run_url(variables: &Variables) -> Option<String> {
    let slug = variables.text("BITBUCKET_REPO_FULL_NAME")?;
    let build = variables.text("BITBUCKET_BUILD_NUMBER")?;
    Some(format!(
        "https://bitbucket.org/{slug}/pipelines/results/{build}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    const RUN: [(&str, &str); 5] = [
        ("CI", "true"),
        ("BITBUCKET_BUILD_NUMBER", "42"),
        ("BITBUCKET_COMMIT", HEAD),
        ("BITBUCKET_REPO_FULL_NAME", "acme/shop"),
        ("BITBUCKET_STEP_TRIGGERER_UUID", "{1b9c}"),
    ];

    #[test]
    fn a_push_a_tag_a_pull_request_and_a_step_run_again() {
        let common = Facts {
            commit: some(HEAD),
            actor: some("{1b9c}"),
            repository: Some(Repository::new("acme/shop", None)),
            run_url: some("https://bitbucket.org/acme/shop/pipelines/results/42"),
            is_rerun: Some(false),
            ..Facts::default()
        };
        let first = ("BITBUCKET_STEP_RUN_NUMBER", "1");
        let branch = ("BITBUCKET_BRANCH", "more");
        let pull = Some(ChangeRequest {
            is_fork: Some(false),
            ..ChangeRequest::numbered(12)
        });
        for (pairs, expected) in [
            (
                &[first, branch][..],
                Facts {
                    branch: some("more"),
                    ..common.clone()
                },
            ),
            (
                &[("BITBUCKET_STEP_RUN_NUMBER", "2"), branch],
                Facts {
                    branch: some("more"),
                    is_rerun: Some(true),
                    ..common.clone()
                },
            ),
            (
                &[first, ("BITBUCKET_TAG", "v1.2.0")],
                Facts {
                    tag: some("v1.2.0"),
                    ..common.clone()
                },
            ),
            (
                &[first, branch, ("BITBUCKET_PR_ID", "12")],
                Facts {
                    branch: some("more"),
                    change_request: pull,
                    ..common.clone()
                },
            ),
        ] {
            let facts = facts_of(Host::Bitbucket, &[&RUN[..], pairs].concat());
            assert_eq!(facts, expected);
        }
    }
}
