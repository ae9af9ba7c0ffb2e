//! GitLab's REST API, below `https://HOST/api/v4`.
//!
//! Source: docs.gitlab.com, "Notes API", "Merge requests API" and "Repositories
//! API"; its source says that `compare_timeout` means a list that was cut. An access
//! token is sent in OAuth's header, which GitLab accepts for every kind of
//! token except the job's; and the job's cannot write notes
//! (gitlab-org/gitlab#464591).

use reqwest::Method;
use serde::Deserialize;

use super::{COMMENTS_PAGE, Comparison, Dialect, HostCall, PostedComment, PullRequest};
use crate::ci::ChangeState;
use crate::lenient_json::{self, List, if_readable};

/// The limit of a note in characters; counted in bytes it is kept too.
const LONGEST_NOTE: usize = 1_000_000;

pub(super) struct GitLabDialect {
    /// The project's number or whole path.
    project: String,
}

impl GitLabDialect {
    pub(super) fn new(project: String) -> Self {
        Self { project }
    }

    /// A path below the merge request's.
    fn path<const N: usize>(&self, number: u64, rest: [&str; N]) -> Vec<String> {
        let number = number.to_string();
        let path = ["projects", &self.project, "merge_requests", &number];
        path.into_iter().chain(rest).map(str::to_owned).collect()
    }
}

impl Dialect for GitLabDialect {
    fn name(&self) -> &'static str {
        "GitLab"
    }

    fn about_rights(&self) -> &'static str {
        "give it a project access token with the scope `api`; `CI_JOB_TOKEN` cannot write notes"
    }

    fn about_reading(&self) -> &'static str {
        "give it a project access token with the scope `read_api`"
    }

    fn longest_comment(&self) -> usize {
        LONGEST_NOTE
    }

    fn pull_request(&self, number: u64) -> HostCall {
        let path = self.path(number, []);
        HostCall::new("read the merge request", Method::GET, path)
    }

    fn read_pull_request(&self, body: &[u8]) -> serde_json::Result<PullRequest> {
        lenient_json::from_slice(body).map(WireMergeRequest::read)
    }

    fn open_pull_requests(&self, branch: Option<&str>, page: usize) -> HostCall {
        let path = ["projects", &self.project, "merge_requests"];
        let path = path.into_iter().map(str::to_owned).collect();
        let mut call = HostCall::new("list the open merge requests", Method::GET, path).page(page);
        call.query.push(("state", "opened".to_owned()));
        let branch = branch.map(|branch| ("source_branch", branch.to_owned()));
        call.query.extend(branch);
        call
    }

    fn read_pull_requests(&self, body: &[u8]) -> serde_json::Result<List<PullRequest>> {
        let requests = lenient_json::list::<WireMergeRequest, COMMENTS_PAGE>(body)?;
        Ok(requests.map(WireMergeRequest::read))
    }

    fn comments(&self, number: u64, page: usize) -> HostCall {
        let path = self.path(number, ["notes"]);
        let mut call =
            HostCall::new("read the merge request's notes", Method::GET, path).page(page);
        // The newest come first by default.
        call.query.push(("sort", "asc".to_owned()));
        call.query.push(("order_by", "created_at".to_owned()));
        call
    }

    fn read_comments(&self, body: &[u8]) -> serde_json::Result<List<PostedComment>> {
        let notes = lenient_json::list::<WireNote, COMMENTS_PAGE>(body)?;
        Ok(notes.map(WireNote::read))
    }

    fn create_comment(&self, number: u64, text: &str) -> HostCall {
        let path = self.path(number, ["notes"]);
        HostCall::new("comment on the merge request", Method::POST, path).text(text)
    }

    fn read_created(&self, body: &[u8]) -> serde_json::Result<u64> {
        lenient_json::from_slice(body).map(|note: WireNote| note.id)
    }

    fn delete_comment(&self, number: u64, id: u64) -> HostCall {
        let path = self.path(number, ["notes", &id.to_string()]);
        let doing = "delete the second note on the merge request";
        HostCall::new(doing, Method::DELETE, path)
    }

    fn update_comment(&self, number: u64, id: u64, text: &str) -> HostCall {
        let path = self.path(number, ["notes", &id.to_string()]);
        let doing = "update the note on the merge request";
        HostCall::new(doing, Method::PUT, path).text(text)
    }

    fn owner(&self) -> HostCall {
        let doing = "read whose the token is";
        HostCall::new(doing, Method::GET, vec!["user".to_owned()])
    }

    fn read_owner(&self, body: &[u8]) -> serde_json::Result<String> {
        lenient_json::from_slice(body).map(|user: WireUser| user.username)
    }

    fn compare(&self, from: &str, to: &str, is_direct: bool) -> HostCall {
        let path = ["projects", &self.project, "repository", "compare"];
        let path = path.into_iter().map(str::to_owned).collect();
        let mut call = HostCall::new("compare two commits", Method::GET, path);
        call.query.push(("from", from.to_owned()));
        call.query.push(("to", to.to_owned()));
        call.query.push(("straight", is_direct.to_string()));
        call
    }

    fn read_comparison(&self, body: &[u8]) -> serde_json::Result<Comparison> {
        lenient_json::from_slice(body).map(WireComparison::read)
    }
}

/// Strict: a file that cannot be read must not be missing in silence.
#[derive(Deserialize)]
struct WireComparison {
    diffs: Vec<WireDiff>,
    compare_timeout: bool,
}

#[derive(Deserialize)]
struct WireDiff {
    old_path: String,
    new_path: String,
}

impl WireComparison {
    fn read(self) -> Comparison {
        let why = || "GitLab does not list all changed files of a comparison this large".to_owned();
        let names = |diff: WireDiff| [diff.old_path, diff.new_path];
        Comparison {
            files: self.diffs.into_iter().flat_map(names).collect(),
            is_cut: self.compare_timeout.then(why),
            merge_base: None,
        }
    }
}

#[derive(Deserialize)]
struct WireMergeRequest {
    iid: u64,
    state: String,
    /// Missing until GitLab has looked at the branch.
    #[serde(default, deserialize_with = "if_readable")]
    sha: Option<String>,
    /// Missing in lists, and until GitLab has looked at the branch.
    #[serde(default, deserialize_with = "if_readable")]
    diff_refs: Option<WireDiffRefs>,
    source_branch: String,
    /// Missing if the fork was deleted.
    #[serde(default, deserialize_with = "if_readable")]
    source_project_id: Option<u64>,
    #[serde(default, deserialize_with = "if_readable")]
    target_project_id: Option<u64>,
}

#[derive(Deserialize)]
struct WireDiffRefs {
    base_sha: String,
}

#[derive(Deserialize)]
struct WireNote {
    id: u64,
    #[serde(default, deserialize_with = "if_readable")]
    body: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    author: Option<WireUser>,
}

#[derive(Deserialize)]
struct WireUser {
    username: String,
}

impl WireMergeRequest {
    fn read(self) -> PullRequest {
        let state = match self.state.as_str() {
            "closed" => ChangeState::Closed,
            "merged" => ChangeState::Merged,
            // `locked` is one that is being merged.
            _ => ChangeState::Open,
        };
        let is_same = self
            .source_project_id
            .is_some_and(|source| self.target_project_id.is_none_or(|target| source == target));
        PullRequest {
            number: self.iid,
            state,
            head_commit: self.sha,
            base_commit: self.diff_refs.map(|refs| refs.base_sha),
            head_branch: self.source_branch,
            head_repository: self.source_project_id.map(|id| format!("project {id}")),
            is_fork: !is_same,
        }
    }
}

impl WireNote {
    fn read(self) -> PostedComment {
        PostedComment {
            id: self.id,
            text: self.body.unwrap_or_default(),
            author: self.author.map(|author| author.username),
            is_by_program: None,
        }
    }
}
