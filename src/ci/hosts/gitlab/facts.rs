//! GitLab CI. Source: docs.gitlab.com, "Predefined CI/CD variables".
//!
//! There is no pipeline for a merge request that is closed, and none of its
//! variables says that a job was retried.

use crate::ci::facts::{
    Api, ChangeRequest, ChangeState, Facts, Repository, moment, numbered_by, owned,
};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request =
        numbered_by(variables, "CI_MERGE_REQUEST_IID").map(|request| ChangeRequest {
            is_fork: is_fork(variables),
            ..request
        });
    let (commit, branch) = if change_request.is_some() {
        // Given only where `CI_COMMIT_SHA` is a merge made for the pipeline.
        let source = owned(variables, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA");
        let commit = source.or_else(|| owned(variables, "CI_COMMIT_SHA"));
        (
            commit,
            owned(variables, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        )
    } else {
        (
            owned(variables, "CI_COMMIT_SHA"),
            owned(variables, "CI_COMMIT_BRANCH"),
        )
    };
    Facts {
        commit,
        branch,
        tag: owned(variables, "CI_COMMIT_TAG"),
        default_branch: owned(variables, "CI_DEFAULT_BRANCH"),
        change_request: change_request.or_else(|| request_of_branch(variables)),
        event: owned(variables, "CI_PIPELINE_SOURCE"),
        actor: owned(variables, "GITLAB_USER_LOGIN"),
        repository: repository(variables),
        run_url: owned(variables, "CI_JOB_URL").or_else(|| owned(variables, "CI_PIPELINE_URL")),
        is_rerun: None,
        began_at: moment(variables, "CI_PIPELINE_CREATED_AT"),
        ..Facts::default()
    }
}

/// The open merge request whose source is the branch of the pipeline.
/// `CI_OPEN_MERGE_REQUESTS` lists up to four, such as `acme/shop!12,up/shop!3`.
/// Those of other projects are what a fork has sent there: its own pipeline is
/// not about them. One branch may have several, for several targets.
fn request_of_branch(variables: &Variables) -> Option<ChangeRequest> {
    variables.text("CI_COMMIT_BRANCH")?;
    let project = variables.text("CI_PROJECT_PATH")?;
    let listed = variables.text("CI_OPEN_MERGE_REQUESTS")?.split(',');
    let mut numbers = listed.filter_map(|reference| {
        let (path, number) = reference.trim().rsplit_once('!')?;
        let is_own = path.eq_ignore_ascii_case(project);
        number.parse().ok().filter(|_| is_own)
    });
    let number = numbers.next()?;
    numbers.next().is_none().then_some(ChangeRequest {
        state: Some(ChangeState::Open),
        is_fork: Some(false),
        ..ChangeRequest::numbered(number)
    })
}

fn is_fork(variables: &Variables) -> Option<bool> {
    let source = variables.text("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")?;
    Some(source != variables.text("CI_MERGE_REQUEST_PROJECT_ID")?)
}

/// The project of the merge request, not of the pipeline: a fork's merge
/// request has its pipeline in the fork.
fn repository(variables: &Variables) -> Option<Repository> {
    let either = |of_request, of_pipeline| {
        variables
            .text(of_request)
            .or_else(|| variables.text(of_pipeline))
    };
    let slug = either("CI_MERGE_REQUEST_PROJECT_PATH", "CI_PROJECT_PATH")?;
    let api = || {
        let project = either("CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID")?;
        Api::gitlab(variables.text("CI_API_V4_URL")?, project)
    };
    Some(Repository::new(slug, api()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    const MERGE: &str = "0123456789abcdef0123456789abcdef01234567";

    const RUN: [(&str, &str); 8] = [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", "https://gitlab.acme.example/api/v4"),
        ("CI_PROJECT_ID", "4711"),
        ("CI_PROJECT_PATH", "acme/web/shop"),
        ("CI_DEFAULT_BRANCH", "main"),
        (
            "CI_JOB_URL",
            "https://gitlab.acme.example/acme/web/shop/-/jobs/99",
        ),
        ("GITLAB_USER_LOGIN", "tanuki"),
    ];

    fn common(event: &str) -> Facts {
        Facts {
            default_branch: some("main"),
            event: some(event),
            actor: some("tanuki"),
            repository: Some(Repository::new(
                "acme/web/shop",
                Api::gitlab("https://gitlab.acme.example/api/v4", "4711"),
            )),
            run_url: some("https://gitlab.acme.example/acme/web/shop/-/jobs/99"),
            ..Facts::default()
        }
    }

    fn with(pairs: &[(&str, &str)]) -> Facts {
        facts_of(Host::GitLab, &[&RUN[..], pairs].concat())
    }

    #[test]
    fn a_push_and_a_tag() {
        let push = with(&[
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", HEAD),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_REF_NAME", "main"),
        ]);
        let expected = Facts {
            commit: some(HEAD),
            branch: some("main"),
            ..common("push")
        };
        assert_eq!(push, expected);
        assert_eq!(push.is_default_branch(), Some(true));
        let tag = with(&[
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", HEAD),
            ("CI_COMMIT_TAG", "v1.2.0"),
            ("CI_COMMIT_REF_NAME", "v1.2.0"),
        ]);
        let expected = Facts {
            commit: some(HEAD),
            tag: some("v1.2.0"),
            ..common("push")
        };
        assert_eq!(tag, expected);
    }

    #[test]
    fn a_pipeline_of_a_branch_is_about_the_open_merge_request_of_the_branch() {
        for (listed, number) in [
            ("acme/web/shop!12", Some(12)),
            ("Acme/Web/Shop!12", Some(12)),
            ("upstream/shop!3,acme/web/shop!12", Some(12)),
            ("upstream/shop!3", None),
            // Which of them is meant, nothing says.
            ("acme/web/shop!12,acme/web/shop!13", None),
            ("acme/web/shop!x", None),
            ("", None),
        ] {
            let facts = with(&[
                ("CI_PIPELINE_SOURCE", "push"),
                ("CI_COMMIT_SHA", HEAD),
                ("CI_COMMIT_BRANCH", "more"),
                ("CI_OPEN_MERGE_REQUESTS", listed),
            ]);
            let expected = Facts {
                commit: some(HEAD),
                branch: some("more"),
                change_request: number.map(|number| ChangeRequest {
                    state: Some(ChangeState::Open),
                    is_fork: Some(false),
                    ..ChangeRequest::numbered(number)
                }),
                ..common("push")
            };
            assert_eq!(facts, expected, "{listed}");
        }
    }

    #[test]
    fn a_merge_request_of_our_own_and_one_of_a_fork() {
        let request = [
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "12"),
            ("CI_MERGE_REQUEST_ID", "900012"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "4711"),
            ("CI_MERGE_REQUEST_PROJECT_PATH", "acme/web/shop"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "more"),
            ("CI_COMMIT_REF_NAME", "more"),
        ];
        let expected = |is_fork| Facts {
            commit: some(HEAD),
            branch: some("more"),
            change_request: Some(ChangeRequest {
                is_fork: Some(is_fork),
                ..ChangeRequest::numbered(12)
            }),
            ..common("merge_request_event")
        };
        let own = [
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "4711"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD),
            ("CI_COMMIT_SHA", MERGE),
        ];
        assert_eq!(with(&[&request[..], &own[..]].concat()), expected(false));
        let of_a_fork = [
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "666"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""),
            ("CI_COMMIT_SHA", HEAD),
            ("CI_PROJECT_ID", "666"),
            ("CI_PROJECT_PATH", "mallory/shop"),
        ];
        assert_eq!(
            with(&[&request[..], &of_a_fork[..]].concat()),
            expected(true)
        );
    }
}
