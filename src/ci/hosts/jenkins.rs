//! Jenkins with a multibranch project. Source: `/env-vars.html` of a Jenkins
//! with the Branch API plugin.

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::facts::{ChangeRequest, Facts, Repository, numbered_by, owned, truth};
use crate::ci::hosts::CiHost;
use crate::ci::plain;
use crate::environment::Variables;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "jenkins",
    title: "Jenkins",
    template: Some("templates/jenkins/Jenkinsfile"),
    detection: &[DetectionRule::All(&["JENKINS_URL", "BUILD_ID"])],
    names: RunNames {
        run: &["BUILD_URL"],
        step: &["STAGE_NAME"],
        attempt: &[],
    },
    facts,
    output: plain::output,
};

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request = numbered_by(variables, "CHANGE_ID").map(|request| ChangeRequest {
        // Given for a fork's only.
        is_fork: Some(variables.text("CHANGE_FORK").is_some()),
        ..request
    });
    let tag = owned(variables, "TAG_NAME");
    let (commit, branch) = if change_request.is_some() {
        // The commit may be a merge made for the build; nothing says so.
        (None, owned(variables, "CHANGE_BRANCH"))
    } else {
        let branch = branch(variables).filter(|_| tag.is_none());
        (owned(variables, "GIT_COMMIT"), branch)
    };
    let is_default = truth(variables, "BRANCH_IS_PRIMARY") == Some(true);
    Facts {
        commit,
        default_branch: branch.clone().filter(|_| is_default),
        branch_spelling: branch_with_remote(variables, branch.as_deref()),
        branch,
        tag,
        change_request,
        event: None,
        actor: owned(variables, "BUILD_USER_ID"),
        repository: variables.text("GIT_URL").and_then(Repository::cloned_from),
        run_url: owned(variables, "BUILD_URL"),
        is_rerun: None,
        ..Facts::default()
    }
}

/// `GIT_BRANCH`, where that is the branch with its remote.
fn branch_with_remote(variables: &Variables, branch: Option<&str>) -> Option<String> {
    let spelling = variables.text("GIT_BRANCH")?;
    let name = spelling.strip_prefix("origin/")?;
    (Some(name) == branch).then(|| spelling.to_owned())
}

/// Outside a multibranch project the git plugin names it with its remote.
fn branch(variables: &Variables) -> Option<String> {
    owned(variables, "BRANCH_NAME").or_else(|| {
        let branch = variables.text("GIT_BRANCH")?;
        Some(branch.strip_prefix("origin/").unwrap_or(branch).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    const RUN: [(&str, &str); 5] = [
        ("JENKINS_URL", "https://ci.acme.example/"),
        ("BUILD_ID", "42"),
        ("BUILD_URL", "https://ci.acme.example/job/shop/job/main/42/"),
        ("GIT_COMMIT", HEAD),
        ("GIT_URL", "https://github.com/acme/shop.git"),
    ];

    #[test]
    fn a_push_a_tag_a_pull_request_and_one_of_a_fork() {
        let common = Facts {
            commit: some(HEAD),
            repository: on_github("acme/shop"),
            run_url: some("https://ci.acme.example/job/shop/job/main/42/"),
            ..Facts::default()
        };
        let pull = |is_fork| Facts {
            commit: None,
            branch: some("more"),
            change_request: Some(ChangeRequest {
                is_fork: Some(is_fork),
                ..ChangeRequest::numbered(12)
            }),
            ..common.clone()
        };
        let change = [
            ("BRANCH_NAME", "PR-12"),
            ("CHANGE_ID", "12"),
            ("CHANGE_BRANCH", "more"),
            ("CHANGE_TARGET", "main"),
        ];
        let fork = [&change[..], &[("CHANGE_FORK", "mallory")]].concat();
        let main = Facts {
            branch: some("main"),
            ..common.clone()
        };
        for (pairs, expected) in [
            (
                &[("BRANCH_NAME", "main"), ("BRANCH_IS_PRIMARY", "true")][..],
                Facts {
                    default_branch: some("main"),
                    ..main.clone()
                },
            ),
            (
                &[("GIT_BRANCH", "origin/main")],
                Facts {
                    branch_spelling: some("origin/main"),
                    ..main
                },
            ),
            (
                &[("BRANCH_NAME", "v1.2.0"), ("TAG_NAME", "v1.2.0")],
                Facts {
                    tag: some("v1.2.0"),
                    ..common.clone()
                },
            ),
            (&change, pull(false)),
            (&fork, pull(true)),
        ] {
            let facts = facts_of(Host::Jenkins, &[&RUN[..], pairs].concat());
            assert_eq!(facts, expected);
        }
    }
}
