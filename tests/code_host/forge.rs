//! A code host in memory: one change request with its comments.
//!
//! As GitHub it refuses every request that is not in the published description,
//! and its answers are the description's examples with values of ours.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use sevalla_deploy::ci::{Api, Repository};
use sevalla_deploy::code_host::CodeHost;
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sanitize::redactor::Redactor;
use sevalla_deploy::secret::ApiToken;
use tokio::time::Instant;
use url::Url;

use crate::contract::{assert_described, example};

pub(crate) const TOKEN: &str = "ghs_Q0w9E8r7T6y5U4i3O2p1A0s9D8f7G6h5J4k3";

/// The one change request.
pub(crate) const NUMBER: u64 = 12;

/// Shared with the client, so that a test can look at it.
#[derive(Clone)]
pub(crate) struct Forge(Rc<RefCell<State>>);

struct State {
    api: Api,
    comments: Vec<Written>,
    requests: Vec<String>,
    troubles: VecDeque<(Method, Trouble)>,
    /// Whose the token is; a job's token may not ask.
    owner: Option<String>,
    /// Fields of the change request that differ from the example's.
    change_request: Value,
    /// What is listed as open.
    open: Vec<Value>,
    /// Fields of each comparison that differ from the example's.
    comparisons: BTreeMap<String, Value>,
    /// What another run writes when this one has created a comment.
    written_before: Option<(&'static str, &'static str)>,
}

#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) id: u64,
    pub(crate) text: String,
    pub(crate) author: String,
}

/// What happens to a request instead of an answer.
#[derive(Clone)]
pub(crate) enum Trouble {
    /// It is carried out, but the answer is lost.
    AnswerLost,
    /// It is lost on the way.
    RequestLost,
    /// The connection cannot be made.
    Unreachable,
    /// It is carried out, but a proxy answers with this status.
    AnsweredWith(u16),
    /// It is refused with this status, these headers and this body.
    Refused(u16, &'static [(&'static str, &'static str)], Value),
    /// A good answer with this body.
    Said(&'static str),
}

impl Forge {
    fn new(api: Option<Api>) -> Self {
        Self(Rc::new(RefCell::new(State {
            api: api.unwrap(),
            comments: Vec::new(),
            requests: Vec::new(),
            troubles: VecDeque::new(),
            owner: None,
            change_request: json!({}),
            open: Vec::new(),
            comparisons: BTreeMap::new(),
            written_before: None,
        })))
    }

    /// github.com, or an enterprise server.
    pub(crate) fn github(base: &str) -> Self {
        let base = base.parse().unwrap();
        Self::new(Some(Api::GitHub { base }))
    }

    pub(crate) fn gitlab(project: &str) -> Self {
        let base = "https://gitlab.acme.example/api/v4".parse().unwrap();
        let project = project.to_owned();
        Self::new(Some(Api::GitLab { base, project }))
    }

    pub(crate) fn client(&self) -> CodeHost {
        let repository = Repository {
            slug: "acme/shop".to_owned(),
            api: Some(self.0.borrow().api.clone()),
        };
        client_over(Box::new(self.clone()), &repository)
    }

    /// The next request with this method meets with this.
    pub(crate) fn trouble(&self, method: Method, trouble: Trouble) -> &Self {
        self.0.borrow_mut().troubles.push_back((method, trouble));
        self
    }

    pub(crate) fn owned_by(&self, owner: &str) -> &Self {
        self.0.borrow_mut().owner = Some(owner.to_owned());
        self
    }

    pub(crate) fn with_change_request(&self, fields: Value) -> &Self {
        self.0.borrow_mut().change_request = fields;
        self
    }

    pub(crate) fn compares(&self, ends: &str, fields: Value) -> &Self {
        let mut state = self.0.borrow_mut();
        state.comparisons.insert(ends.to_owned(), fields);
        drop(state);
        self
    }

    pub(crate) fn with_open(&self, requests: Vec<Value>) -> &Self {
        self.0.borrow_mut().open = requests;
        self
    }

    /// Another run creates this comment just before the next creation.
    pub(crate) fn written_before(&self, author: &'static str, text: &'static str) -> &Self {
        self.0.borrow_mut().written_before = Some((author, text));
        self
    }

    pub(crate) fn write(&self, author: &str, text: &str) -> u64 {
        self.0.borrow_mut().create(author, text).id
    }

    pub(crate) fn comments(&self) -> Vec<Written> {
        self.0.borrow().comments.clone()
    }

    /// `METHOD path` of every request so far, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.borrow().requests.clone()
    }

    pub(crate) fn sent(&self, method: &Method) -> usize {
        let begins = format!("{method} ");
        let requests = self.requests();
        requests
            .iter()
            .filter(|request| request.starts_with(&begins))
            .count()
    }
}

pub(crate) fn client_over(exchange: Box<dyn Transport>, repository: &Repository) -> CodeHost {
    let token = ApiToken::parse(TOKEN).unwrap();
    let gate = Sanitizer::new(Redactor::new([TOKEN]));
    let deadline = Instant::now() + Duration::from_secs(60);
    CodeHost::over(exchange, repository, &token, gate, deadline).unwrap()
}

impl Transport for Forge {
    fn exchange(&self, request: Request, _limit: Duration) -> ResponseFuture<'_> {
        let reply = self.0.borrow_mut().meet(&request);
        Box::pin(std::future::ready(reply))
    }
}

impl State {
    fn meet(&mut self, request: &Request) -> Result<Response, TransportError> {
        let authorization = request.authorization.as_ref().unwrap();
        assert_eq!(authorization.to_str().unwrap(), format!("Bearer {TOKEN}"));
        let base = self.base().to_string();
        let base = base.trim_end_matches('/');
        let path = request.url.as_str().strip_prefix(base).unwrap();
        let path = path.split('?').next().unwrap().to_owned();
        if matches!(self.api, Api::GitHub { .. }) {
            assert_described(request, &path);
        }
        self.requests.push(format!("{} {path}", request.method));
        let trouble = match self.troubles.front() {
            Some((method, _)) if *method == request.method => self.troubles.pop_front(),
            _ => None,
        };
        let lost = || TransportError::Broken {
            reason: "connection reset".to_owned(),
        };
        match trouble.map(|(_, trouble)| trouble) {
            None => Ok(self.carry_out(request, &path)),
            Some(Trouble::AnswerLost) => {
                self.carry_out(request, &path);
                Err(lost())
            }
            Some(Trouble::RequestLost) => Err(lost()),
            Some(Trouble::Unreachable) => Err(TransportError::NotConnected {
                reason: "connection refused".to_owned(),
                may_heal: true,
            }),
            Some(Trouble::AnsweredWith(status)) => {
                self.carry_out(request, &path);
                Ok(reply(status, &json!("<html>")))
            }
            Some(Trouble::Refused(status, headers, body)) => {
                let mut refusal = reply(status, &body);
                for (name, value) in headers {
                    let name = HeaderName::from_static(name);
                    refusal.headers.insert(name, value.parse().unwrap());
                }
                Ok(refusal)
            }
            Some(Trouble::Said(body)) => Ok(Response {
                body: Ok(body.as_bytes().to_vec()),
                ..reply(200, &Value::Null)
            }),
        }
    }

    fn base(&self) -> &Url {
        match &self.api {
            Api::GitHub { base } | Api::GitLab { base, .. } => base,
        }
    }

    fn carry_out(&mut self, request: &Request, path: &str) -> Response {
        let text = || {
            let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
            body["body"].as_str().unwrap().to_owned()
        };
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["user"]) => self.tell_owner(),
            ("GET", ["repos", "acme", "shop", "compare", ends]) => self.compared(ends),
            ("GET", ["repos", "acme", "shop", "pulls", "12"]) => {
                reply(200, &merged(example("pull-request"), &self.change_request))
            }
            ("GET", ["projects", _, "merge_requests", "12"]) => reply(200, &self.change_request),
            ("GET", ["repos", "acme", "shop", "pulls"] | ["projects", _, "merge_requests"]) => {
                reply(200, &Value::from(self.open.clone()))
            }
            (
                "GET",
                ["repos", "acme", "shop", "issues", "12", "comments"]
                | ["projects", _, "merge_requests", "12", "notes"],
            ) => self.list(&request.url),
            (
                "POST",
                ["repos", "acme", "shop", "issues", "12", "comments"]
                | ["projects", _, "merge_requests", "12", "notes"],
            ) => {
                if let Some((author, text)) = self.written_before.take() {
                    self.create(author, text);
                }
                let author = self.owner.clone();
                let author = author.unwrap_or_else(|| "github-actions[bot]".to_owned());
                let written = self.create(&author, &text());
                reply(201, &self.shown(&written))
            }
            ("PATCH", ["repos", "acme", "shop", "issues", "comments", id])
            | ("PUT", ["projects", _, "merge_requests", "12", "notes", id]) => {
                let id: u64 = id.parse().unwrap();
                let found = self.comments.iter_mut().find(|written| written.id == id);
                match found {
                    Some(written) => {
                        written.text = text();
                        let written = written.clone();
                        reply(200, &self.shown(&written))
                    }
                    None => reply(404, &json!({"message": "Not Found"})),
                }
            }
            (
                "DELETE",
                ["repos", "acme", "shop", "issues", "comments", id]
                | ["projects", _, "merge_requests", "12", "notes", id],
            ) => {
                let id: u64 = id.parse().unwrap();
                let before = self.comments.len();
                self.comments.retain(|written| written.id != id);
                let status = if self.comments.len() < before {
                    204
                } else {
                    404
                };
                Response {
                    body: Ok(Vec::new()),
                    ..reply(status, &Value::Null)
                }
            }
            _ => reply(404, &json!({"message": "Not Found"})),
        }
    }

    /// The example's comparison, with the fields of this one.
    fn compared(&self, ends: &str) -> Response {
        match self.comparisons.get(ends) {
            Some(fields) => reply(200, &merged(example("commit-comparison"), fields)),
            None => reply(404, &json!({"message": "Not Found"})),
        }
    }

    fn tell_owner(&self) -> Response {
        match &self.owner {
            Some(owner) => reply(
                200,
                &json!({"login": owner, "username": owner, "type": "User"}),
            ),
            None => reply(
                403,
                &json!({"message": "Resource not accessible by integration"}),
            ),
        }
    }

    fn create(&mut self, author: &str, text: &str) -> Written {
        let last = self.comments.iter().map(|written| written.id).max();
        let written = Written {
            id: last.map_or(1000, |last| last + 1),
            text: text.to_owned(),
            author: author.to_owned(),
        };
        self.comments.push(written.clone());
        written
    }

    /// A page, with a link to the next where there is one.
    fn list(&self, url: &Url) -> Response {
        let asked = |wanted: &str| {
            let (_, value) = url.query_pairs().find(|(name, _)| name == wanted).unwrap();
            value.parse::<usize>().unwrap()
        };
        let (size, page) = (asked("per_page"), asked("page"));
        assert!(size <= 100);
        let comments: Vec<Value> = self
            .comments
            .iter()
            .skip(size * (page - 1))
            .take(size)
            .map(|written| self.shown(written))
            .collect();
        let mut answer = reply(200, &Value::from(comments));
        let last = self.comments.len().div_ceil(size);
        if page < last {
            // To a place where nobody may go with a token.
            let link = format!(
                "<https://evil.example/?page={}>; rel=\"next\", <https://evil.example/?page={last}>; rel=\"last\"",
                page + 1
            );
            answer.headers.insert("link", link.parse().unwrap());
        } else if page > 1 {
            let link = "<https://evil.example/?page=1>; rel=\"first\"";
            answer.headers.insert("link", link.parse().unwrap());
        }
        answer
    }

    fn shown(&self, written: &Written) -> Value {
        let Written { id, text, author } = written;
        if matches!(self.api, Api::GitLab { .. }) {
            return json!({"id": id, "body": text, "author": {"username": author}, "system": false});
        }
        let kind = if author.ends_with("[bot]") {
            "Bot"
        } else {
            "User"
        };
        let user = json!({"login": author, "type": kind});
        merged(
            example("issue-comment"),
            &json!({"id": id, "body": text, "user": user}),
        )
    }
}

fn reply(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: HeaderMap::new(),
        body: Ok(body.to_string().into_bytes()),
    }
}

/// The value with the fields of another in the place of its own.
fn merged(mut value: Value, fields: &Value) -> Value {
    for (name, field) in fields.as_object().unwrap() {
        let own = value[name].take();
        value[name] = if own.is_object() && field.is_object() {
            merged(own, field)
        } else {
            field.clone()
        };
    }
    value
}
