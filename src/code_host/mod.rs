//! [`CodeHost`]: what GitHub and GitLab know of a change request, the one
//! comment on it that this program keeps up to date, and which files differ
//! between two commits.
//!
//! No result of a run depends on it: the caller shows an error as a warning and
//! continues. The two APIs are in `github.rs` and `gitlab.rs`, the requests are
//! sent in `client.rs`. Made by the preview actions, if there is a token.

mod changed_files;
mod client;
mod comments;
mod error;
mod github;
mod gitlab;
mod marker;

use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

pub use self::changed_files::ChangedFiles;
use self::changed_files::Comparison;
use self::comments::has_more;
pub use self::comments::{KeptApps, KeptComment, Put};
pub use self::error::{CodeHostError, Reason};
use self::github::GitHubDialect;
use self::gitlab::GitLabDialect;
pub use self::marker::Marker;
use crate::ci::{Api, ChangeState, Repository};
use crate::code_host::client::HostConnection;
use crate::http::Transport;
use crate::lenient_json::List;
use crate::sanitize::Sanitizer;
use crate::secret::ApiToken;

/// How many comments or pull requests are requested at once. A hundred of the
/// longest would be more than is read of a body.
pub const COMMENTS_PAGE: usize = 50;

/// The most pages that are looked through: GitHub takes 2,500 comments.
pub const MOST_PAGES: usize = 50;

/// A client of the code host of one repository.
pub struct CodeHost {
    connection: HostConnection,
    dialect: Box<dyn Dialect>,
}

/// A pull request or merge request as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The number by which people call it.
    pub number: u64,
    /// Whether it is open.
    pub state: ChangeState,
    /// The newest commit.
    pub head_commit: Option<String>,
    /// A commit of the branch that it is to be merged into: its newest, or the one
    /// that the pull request left it at.
    pub base_commit: Option<String>,
    /// The branch it comes from.
    pub head_branch: String,
    /// The repository of that branch, in the host's words, unless it is gone.
    pub head_repository: Option<String>,
    /// Whether that branch is in another repository.
    pub is_fork: bool,
}

impl CodeHost {
    /// A client for the repository. `exchange` sends its requests, the token
    /// goes to its API and nowhere else, and responses are cleaned by `sanitizer`,
    /// which knows the token. No request continues after `deadline`.
    ///
    /// The error says that the API's address is not known, or that the token
    /// cannot be sent.
    pub fn over(
        exchange: Box<dyn Transport>,
        repository: &Repository,
        token: &ApiToken,
        sanitizer: Sanitizer,
        deadline: Instant,
    ) -> Result<Self, CodeHostError> {
        let slug = || repository.slug.split('/').map(str::to_owned).collect();
        let (base, dialect): (_, Box<dyn Dialect>) = match &repository.api {
            Some(Api::GitHub { base }) => (base, Box::new(GitHubDialect::new(slug()))),
            Some(Api::GitLab { base, project }) => {
                (base, Box::new(GitLabDialect::new(project.clone())))
            }
            None => return Err(CodeHostError::no_api(repository)),
        };
        let connection = HostConnection::new(exchange, base, token, sanitizer, deadline)
            .map_err(|reason| CodeHostError::of("ask the code host", dialect.as_ref(), reason))?;
        Ok(Self {
            connection,
            dialect,
        })
    }

    /// Reads a pull request or merge request as it is now.
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, CodeHostError> {
        let call = self.dialect.pull_request(number);
        let answer = self.send(&call).await?;
        let request = self.dialect.read_pull_request(&answer.body);
        let request = request.map_err(|error| self.unreadable(&call, &error))?;
        if request.number != number {
            return Err(self.unreadable(&call, &"it is about another one"));
        }
        Ok(request)
    }

    /// The numbers of the open pull requests that come from the repository itself,
    /// and from this branch of it if one is given.
    pub async fn open_pull_requests(
        &self,
        branch: Option<&str>,
    ) -> Result<Vec<u64>, CodeHostError> {
        let mut numbers = Vec::new();
        for page in 1..=MOST_PAGES {
            let call = self.dialect.open_pull_requests(branch, page);
            let answer = self.send(&call).await?;
            let requests = self.dialect.read_pull_requests(&answer.body);
            let requests = requests.map_err(|error| self.unreadable(&call, &error))?;
            let has_more = has_more(&answer.headers, requests.count);
            // Some hosts list all, whatever branch is requested.
            let is_of_branch = |request: &PullRequest| {
                request.state == ChangeState::Open
                    && !request.is_fork
                    && branch.is_none_or(|branch| request.head_branch == branch)
            };
            let found = requests.entries.into_iter().filter(is_of_branch);
            numbers.extend(found.map(|request| request.number));
            if !has_more {
                break;
            }
        }
        Ok(numbers)
    }

    async fn send(&self, call: &HostCall) -> Result<client::HostResponse, CodeHostError> {
        let sent = self.connection.send(call).await;
        sent.map_err(|reason| CodeHostError::of(call.doing, self.dialect.as_ref(), reason))
    }

    fn unreadable(&self, call: &HostCall, error: &dyn std::fmt::Display) -> CodeHostError {
        let reason = Reason::Unreadable(self.connection.shown(&error.to_string()));
        CodeHostError::of(call.doing, self.dialect.as_ref(), reason)
    }
}

/// The differences between the hosts: their words, addresses and responses.
trait Dialect {
    /// What the host calls itself.
    fn name(&self) -> &'static str;
    /// What to do about a token that lacks the right.
    fn about_rights(&self) -> &'static str;
    /// What to do about a token that may not read the repository.
    fn about_reading(&self) -> &'static str;
    /// The longest text of a comment, in bytes.
    fn longest_comment(&self) -> usize;

    fn pull_request(&self, number: u64) -> HostCall;
    fn read_pull_request(&self, body: &[u8]) -> serde_json::Result<PullRequest>;
    /// A page of the open ones, or of those that come from a branch of the
    /// repository. The first page is 1.
    fn open_pull_requests(&self, branch: Option<&str>, page: usize) -> HostCall;
    fn read_pull_requests(&self, body: &[u8]) -> serde_json::Result<List<PullRequest>>;
    /// A page of the comments, oldest first. The first page is 1.
    fn comments(&self, number: u64, page: usize) -> HostCall;
    fn read_comments(&self, body: &[u8]) -> serde_json::Result<List<PostedComment>>;
    fn create_comment(&self, number: u64, text: &str) -> HostCall;
    /// The id of the comment that the answer to a creation is about.
    fn read_created(&self, body: &[u8]) -> serde_json::Result<u64>;
    fn delete_comment(&self, number: u64, id: u64) -> HostCall;
    fn update_comment(&self, number: u64, id: u64, text: &str) -> HostCall;
    /// Requests the owner of the token.
    fn owner(&self) -> HostCall;
    fn read_owner(&self, body: &[u8]) -> serde_json::Result<String>;
    /// Compares two commits: their trees if `is_direct` and the host can do that,
    /// else the second with the last common ancestor of both.
    fn compare(&self, from: &str, to: &str, is_direct: bool) -> HostCall;
    fn read_comparison(&self, body: &[u8]) -> serde_json::Result<Comparison>;
}

/// One request to the code host.
struct HostCall {
    method: Method,
    /// The path below the API's address; each is one segment, whatever it holds.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// What it does, completing "could not …".
    doing: &'static str,
}

/// A comment on a change request.
struct PostedComment {
    id: u64,
    text: String,
    /// The name of who wrote it, unless the account is gone.
    author: Option<String>,
    /// Whether that is a program, where the host says so.
    is_by_program: Option<bool>,
}

impl HostCall {
    fn new(doing: &'static str, method: Method, path: Vec<String>) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            doing,
        }
    }

    fn page(mut self, page: usize) -> Self {
        self.query.push(("per_page", COMMENTS_PAGE.to_string()));
        self.query.push(("page", page.to_string()));
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.body = Some(serde_json::json!({ "body": text }));
        self
    }
}
