//! Azure Pipelines. Source: learn.microsoft.com/azure/devops/pipelines,
//! "Use predefined variables".

use url::Url;

use crate::ci::facts::{
    ChangeRequest, Facts, Repository, branch_and_tag, is_beyond, moment, numbered_by, owned, truth,
};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    let change_request = change_request(variables);
    let (commit, branch, tag) = if change_request.is_some() {
        // `BUILD_SOURCEVERSION` is a merge made for the run.
        let commit = owned(variables, "SYSTEM_PULLREQUEST_SOURCECOMMITID");
        let branch = variables
            .text("SYSTEM_PULLREQUEST_SOURCEBRANCH")
            .map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch));
        (commit, branch.map(str::to_owned), None)
    } else {
        let (branch, tag) = branch_and_tag(variables.text("BUILD_SOURCEBRANCH"));
        (owned(variables, "BUILD_SOURCEVERSION"), branch, tag)
    };
    Facts {
        commit,
        branch,
        tag,
        default_branch: None,
        change_request,
        event: owned(variables, "BUILD_REASON"),
        actor: owned(variables, "BUILD_REQUESTEDFOR"),
        repository: repository(variables),
        run_url: run_url(variables),
        is_rerun: is_rerun(variables),
        began_at: moment(variables, "SYSTEM_PIPELINESTARTTIME"),
        ..Facts::default()
    }
}

/// Of a pull request on GitHub the identifier is another than the number.
fn change_request(variables: &Variables) -> Option<ChangeRequest> {
    let request = numbered_by(variables, "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
        .or_else(|| numbered_by(variables, "SYSTEM_PULLREQUEST_PULLREQUESTID"))?;
    Some(ChangeRequest {
        is_fork: truth(variables, "SYSTEM_PULLREQUEST_ISFORK"),
        ..request
    })
}

fn repository(variables: &Variables) -> Option<Repository> {
    let cloned_from = variables.text("BUILD_REPOSITORY_URI");
    let is_github = variables.text("BUILD_REPOSITORY_PROVIDER") == Some("GitHub");
    cloned_from
        .filter(|_| is_github)
        .and_then(Repository::cloned_from)
        .or_else(|| {
            Some(Repository::new(
                variables.text("BUILD_REPOSITORY_NAME")?,
                None,
            ))
        })
}

/// The name of a project may hold spaces.
fn run_url(variables: &Variables) -> Option<String> {
    let collection = variables.text("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")?;
    let mut url = Url::parse(collection).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend([
        variables.text("SYSTEM_TEAMPROJECT")?,
        "_build",
        "results",
    ]);
    let build = variables.text("BUILD_BUILDID")?;
    url.query_pairs_mut().append_pair("buildId", build);
    Some(url.into())
}

fn is_rerun(variables: &Variables) -> Option<bool> {
    let counts = ["SYSTEM_JOBATTEMPT", "SYSTEM_STAGEATTEMPT"];
    counts
        .iter()
        .filter_map(|name| is_beyond(variables, name, 1))
        .reduce(|one, other| one || other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, on_github, some};

    const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    const MERGE: &str = "0123456789abcdef0123456789abcdef01234567";

    const RUN: [(&str, &str); 6] = [
        ("TF_BUILD", "True"),
        (
            "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI",
            "https://dev.azure.com/acme/",
        ),
        ("SYSTEM_TEAMPROJECT", "Web Shop"),
        ("BUILD_BUILDID", "42"),
        ("BUILD_REQUESTEDFOR", "Octo Cat"),
        ("SYSTEM_STAGEATTEMPT", "1"),
    ];

    fn common(event: &str) -> Facts {
        Facts {
            event: some(event),
            actor: some("Octo Cat"),
            run_url: some("https://dev.azure.com/acme/Web%20Shop/_build/results?buildId=42"),
            is_rerun: Some(false),
            ..Facts::default()
        }
    }

    fn with(pairs: &[(&str, &str)]) -> Facts {
        facts_of(Host::Azure, &[&RUN[..], pairs].concat())
    }

    #[test]
    fn a_push_a_tag_and_a_second_attempt() {
        let of = |reference, attempt| {
            with(&[
                ("BUILD_REASON", "IndividualCI"),
                ("BUILD_SOURCEBRANCH", reference),
                ("BUILD_SOURCEVERSION", HEAD),
                ("BUILD_REPOSITORY_PROVIDER", "TfsGit"),
                ("BUILD_REPOSITORY_NAME", "shop"),
                (
                    "BUILD_REPOSITORY_URI",
                    "https://acme@dev.azure.com/acme/Web%20Shop/_git/shop",
                ),
                ("SYSTEM_JOBATTEMPT", attempt),
            ])
        };
        let expected = Facts {
            commit: some(HEAD),
            repository: Some(Repository::new("shop", None)),
            ..common("IndividualCI")
        };
        let push = Facts {
            branch: some("feature/x"),
            ..expected.clone()
        };
        assert_eq!(of("refs/heads/feature/x", "1"), push);
        assert_eq!(of("refs/heads/feature/x", "2").is_rerun, Some(true));
        let tag = Facts {
            tag: some("v1.2.0"),
            ..expected
        };
        assert_eq!(of("refs/tags/v1.2.0", "1"), tag);
    }

    #[test]
    fn a_pull_request_on_github_and_one_in_azure_repos() {
        let request = [
            ("BUILD_REASON", "PullRequest"),
            ("BUILD_SOURCEBRANCH", "refs/pull/12/merge"),
            ("BUILD_SOURCEVERSION", MERGE),
            ("SYSTEM_PULLREQUEST_SOURCECOMMITID", HEAD),
        ];
        let expected = |is_fork, repository| Facts {
            commit: some(HEAD),
            branch: some("more"),
            change_request: Some(ChangeRequest {
                is_fork: Some(is_fork),
                ..ChangeRequest::numbered(12)
            }),
            repository,
            ..common("PullRequest")
        };
        let github = [
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "2104318273"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "12"),
            ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "more"),
            ("SYSTEM_PULLREQUEST_ISFORK", "True"),
            ("BUILD_REPOSITORY_PROVIDER", "GitHub"),
            ("BUILD_REPOSITORY_NAME", "acme/shop"),
            ("BUILD_REPOSITORY_URI", "https://github.com/acme/shop"),
        ];
        let github = with(&[&request[..], &github[..]].concat());
        assert_eq!(github, expected(true, on_github("acme/shop")));
        let azure = [
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "12"),
            ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "refs/heads/more"),
            ("SYSTEM_PULLREQUEST_ISFORK", "False"),
            ("BUILD_REPOSITORY_PROVIDER", "TfsGit"),
            ("BUILD_REPOSITORY_NAME", "shop"),
        ];
        let azure = with(&[&request[..], &azure[..]].concat());
        assert_eq!(azure, expected(false, Some(Repository::new("shop", None))));
    }
}
