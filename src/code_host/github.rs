//! GitHub's REST API, below `https://api.github.com` or the `/api/v3` of a
//! GitHub Enterprise Server. Gitea and Forgejo understand the same requests.
//!
//! Source: GitHub's OpenAPI description, in the npm package `@octokit/openapi`;
//! a test holds these requests against it.

use reqwest::Method;
use serde::Deserialize;

use super::{COMMENTS_PAGE, Comparison, Dialect, HostCall, PostedComment, PullRequest};
use crate::ci::ChangeState;
use crate::lenient_json::{self, List, if_readable};

/// The limit is 65,536 characters; counted in bytes it is kept in any script.
const LONGEST_COMMENT: usize = 65_536;

/// The most changed files that are listed, on however many pages.
const MOST_FILES: usize = 300;

pub(super) struct GitHubDialect {
    /// Owner and name.
    slug: Vec<String>,
}

impl GitHubDialect {
    pub(super) fn new(slug: Vec<String>) -> Self {
        Self { slug }
    }

    /// A path below the repository's.
    fn path<const N: usize>(&self, rest: [&str; N]) -> Vec<String> {
        let repository = self.slug.iter().map(String::as_str);
        let path = std::iter::once("repos").chain(repository).chain(rest);
        path.map(str::to_owned).collect()
    }
}

impl Dialect for GitHubDialect {
    fn name(&self) -> &'static str {
        "GitHub"
    }

    fn about_rights(&self) -> &'static str {
        "give the job `permissions: pull-requests: write`; for a pull request from a fork or from \
         Dependabot its token can only read"
    }

    fn about_reading(&self) -> &'static str {
        "give the job `permissions: contents: read`"
    }

    fn longest_comment(&self) -> usize {
        LONGEST_COMMENT
    }

    fn pull_request(&self, number: u64) -> HostCall {
        let path = self.path(["pulls", &number.to_string()]);
        HostCall::new("read the pull request", Method::GET, path)
    }

    fn read_pull_request(&self, body: &[u8]) -> serde_json::Result<PullRequest> {
        lenient_json::from_slice(body).map(WirePullRequest::read)
    }

    fn open_pull_requests(&self, branch: Option<&str>, page: usize) -> HostCall {
        let path = self.path(["pulls"]);
        let mut call = HostCall::new("list the open pull requests", Method::GET, path).page(page);
        call.query.push(("state", "open".to_owned()));
        if let (Some(owner), Some(branch)) = (self.slug.first(), branch) {
            call.query.push(("head", format!("{owner}:{branch}")));
        }
        call
    }

    fn read_pull_requests(&self, body: &[u8]) -> serde_json::Result<List<PullRequest>> {
        let requests = lenient_json::list::<WirePullRequest, COMMENTS_PAGE>(body)?;
        Ok(requests.map(WirePullRequest::read))
    }

    fn comments(&self, number: u64, page: usize) -> HostCall {
        let path = self.path(["issues", &number.to_string(), "comments"]);
        HostCall::new("read the pull request's comments", Method::GET, path).page(page)
    }

    fn read_comments(&self, body: &[u8]) -> serde_json::Result<List<PostedComment>> {
        let comments = lenient_json::list::<WireComment, COMMENTS_PAGE>(body)?;
        Ok(comments.map(WireComment::read))
    }

    fn create_comment(&self, number: u64, text: &str) -> HostCall {
        let path = self.path(["issues", &number.to_string(), "comments"]);
        HostCall::new("comment on the pull request", Method::POST, path).text(text)
    }

    fn read_created(&self, body: &[u8]) -> serde_json::Result<u64> {
        lenient_json::from_slice(body).map(|comment: WireComment| comment.id)
    }

    fn delete_comment(&self, _number: u64, id: u64) -> HostCall {
        let path = self.path(["issues", "comments", &id.to_string()]);
        let doing = "delete the second comment on the pull request";
        HostCall::new(doing, Method::DELETE, path)
    }

    fn update_comment(&self, _number: u64, id: u64, text: &str) -> HostCall {
        let path = self.path(["issues", "comments", &id.to_string()]);
        let doing = "update the comment on the pull request";
        HostCall::new(doing, Method::PATCH, path).text(text)
    }

    fn owner(&self) -> HostCall {
        let doing = "read whose the token is";
        HostCall::new(doing, Method::GET, vec!["user".to_owned()])
    }

    fn read_owner(&self, body: &[u8]) -> serde_json::Result<String> {
        lenient_json::from_slice(body).map(|user: WireUser| user.login)
    }

    /// GitHub has only the comparison with the last common ancestor.
    fn compare(&self, from: &str, to: &str, _is_direct: bool) -> HostCall {
        let path = self.path(["compare", &format!("{from}...{to}")]);
        let mut call = HostCall::new("compare two commits", Method::GET, path);
        // Pages are of commits, which are not needed; the first has all files.
        call.query.push(("per_page", "1".to_owned()));
        call
    }

    fn read_comparison(&self, body: &[u8]) -> serde_json::Result<Comparison> {
        lenient_json::from_slice(body).map(WireComparison::read)
    }
}

/// Strict: a file that cannot be read must not be missing in silence.
#[derive(Deserialize)]
struct WireComparison {
    merge_base_commit: WireCommit,
    files: Vec<WireFile>,
}

#[derive(Deserialize)]
struct WireCommit {
    sha: String,
}

#[derive(Deserialize)]
struct WireFile {
    filename: String,
    #[serde(default)]
    previous_filename: Option<String>,
}

impl WireComparison {
    fn read(self) -> Comparison {
        let is_full = self.files.len() >= MOST_FILES;
        let names = |file: WireFile| [Some(file.filename), file.previous_filename];
        Comparison {
            files: self.files.into_iter().flat_map(names).flatten().collect(),
            is_cut: is_full.then(|| format!("GitHub lists at most {MOST_FILES} changed files")),
            merge_base: Some(self.merge_base_commit.sha),
        }
    }
}

#[derive(Deserialize)]
struct WirePullRequest {
    number: u64,
    state: String,
    #[serde(default, deserialize_with = "if_readable")]
    merged: Option<bool>,
    #[serde(default, deserialize_with = "if_readable")]
    merged_at: Option<String>,
    head: WireEnd,
    base: WireEnd,
}

/// One end of a pull request. The repository is gone if the fork was deleted.
#[derive(Deserialize)]
struct WireEnd {
    #[serde(rename = "ref")]
    branch: String,
    #[serde(default, deserialize_with = "if_readable")]
    sha: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    repo: Option<WireRepository>,
}

#[derive(Deserialize)]
struct WireRepository {
    full_name: String,
}

#[derive(Deserialize)]
struct WireComment {
    id: u64,
    #[serde(default, deserialize_with = "if_readable")]
    body: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    user: Option<WireUser>,
}

#[derive(Deserialize)]
struct WireUser {
    login: String,
    #[serde(default, rename = "type", deserialize_with = "if_readable")]
    kind: Option<String>,
}

impl WirePullRequest {
    fn read(self) -> PullRequest {
        let is_merged = self.merged.unwrap_or(self.merged_at.is_some());
        let state = match self.state.as_str() {
            "closed" if is_merged => ChangeState::Merged,
            "closed" => ChangeState::Closed,
            _ => ChangeState::Open,
        };
        let name = |end: &WireEnd| end.repo.as_ref().map(|repo| repo.full_name.clone());
        let (head, base) = (name(&self.head), name(&self.base));
        let is_same = |head: &String| {
            let base = base.as_ref();
            base.is_some_and(|base| base.eq_ignore_ascii_case(head))
        };
        PullRequest {
            number: self.number,
            state,
            is_fork: !head.as_ref().is_some_and(is_same),
            head_commit: self.head.sha,
            base_commit: self.base.sha,
            head_branch: self.head.branch,
            head_repository: head,
        }
    }
}

impl WireComment {
    fn read(self) -> PostedComment {
        let kind = self.user.as_ref().and_then(|user| user.kind.as_deref());
        PostedComment {
            id: self.id,
            text: self.body.unwrap_or_default(),
            is_by_program: kind.map(|kind| kind == "Bot"),
            author: self.user.map(|user| user.login),
        }
    }
}
