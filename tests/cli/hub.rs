//! As much of GitHub as previews and stacks need: pull requests, their comments,
//! and comparisons of commits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::path_regex;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";

/// Pull requests of `octo/shop`, shared with the server.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    requests: BTreeMap<u64, Pull>,
    /// Number of the pull request and text of each comment, by id.
    comments: BTreeMap<u64, (u64, String)>,
    last_id: u64,
    /// The status with which pull requests are refused.
    refuses: Option<u16>,
    /// The status with which their list is refused.
    refuses_list: Option<u16>,
    /// The status with which the comments are refused.
    refuses_comments: Option<u16>,
    /// How long a list of comments takes.
    slow_comments: Duration,
    /// Whether writes are refused.
    refuses_writes: bool,
    /// The files that each comparison, `BASE...HEAD`, lists.
    comparisons: BTreeMap<String, Vec<String>>,
    /// How often commits were compared.
    compared: usize,
    writes: usize,
    /// How often a pull request was read.
    reads: usize,
}

/// One pull request.
#[derive(Clone)]
pub(crate) struct Pull {
    pub(crate) branch: String,
    pub(crate) from: &'static str,
    pub(crate) is_open: bool,
}

impl Pull {
    /// An open one of the repository itself.
    pub(crate) fn open(branch: &str) -> Self {
        Self {
            branch: branch.to_owned(),
            from: "octo/shop",
            is_open: true,
        }
    }

    /// One from somebody else's repository.
    pub(crate) fn of_fork(branch: &str) -> Self {
        Self {
            from: "mallory/shop",
            ..Self::open(branch)
        }
    }

    pub(crate) fn closed(self) -> Self {
        Self {
            is_open: false,
            ..self
        }
    }

    fn json(&self, number: u64) -> Value {
        json!({
            "number": number, "merged": false,
            "state": if self.is_open { "open" } else { "closed" },
            "head": {
                "ref": self.branch, "sha": "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
                "repo": { "full_name": self.from },
            },
            "base": {
                "ref": "main", "sha": "0000000000000000000000000000000000000000",
                "repo": { "full_name": "octo/shop" },
            },
        })
    }
}

impl Hub {
    pub(crate) fn with(number: u64, pull: Pull) -> Self {
        let hub = Self::default();
        hub.set(number, pull);
        hub
    }

    /// Opens, changes or closes a pull request.
    pub(crate) fn set(&self, number: u64, pull: Pull) {
        self.0.lock().unwrap().requests.insert(number, pull);
    }

    pub(crate) fn get(&self, number: u64) -> Option<Pull> {
        self.0.lock().unwrap().requests.get(&number).cloned()
    }

    /// Refuses to tell of pull requests.
    pub(crate) fn refuse(&self, status: u16) {
        self.0.lock().unwrap().refuses = Some(status);
    }

    /// Refuses to list pull requests.
    pub(crate) fn refuse_list(&self, status: u16) {
        self.0.lock().unwrap().refuses_list = Some(status);
    }

    /// The second commit, or branch, comes after the first, and differs from it in
    /// these files.
    pub(crate) fn differ(&self, base: &str, head: &str, files: &[&str]) -> &Self {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        let mut state = self.0.lock().unwrap();
        state.comparisons.insert(format!("{base}...{head}"), files);
        drop(state);
        self
    }

    /// How often commits were compared.
    pub(crate) fn compared(&self) -> usize {
        self.0.lock().unwrap().compared
    }

    /// Refuses to write comments, as GitHub does where the token can only read.
    pub(crate) fn refuse_writes(&self) {
        self.0.lock().unwrap().refuses_writes = true;
    }

    /// Refuses to list comments.
    pub(crate) fn refuse_comments(&self, status: u16) {
        self.0.lock().unwrap().refuses_comments = Some(status);
    }

    pub(crate) fn slow_comments(&self, time: Duration) {
        self.0.lock().unwrap().slow_comments = time;
    }

    /// Writes a comment as this program does.
    pub(crate) fn comment(&self, number: u64, text: &str) {
        self.0.lock().unwrap().create(number, text.to_owned());
    }

    /// The texts of the comments on a pull request.
    pub(crate) fn comments(&self, number: u64) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let on_it = state.comments.values().filter(|(on, _)| *on == number);
        on_it.map(|(_, text)| text.clone()).collect()
    }

    /// How often something was written.
    pub(crate) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// How often a pull request was read.
    pub(crate) fn reads(&self) -> usize {
        self.0.lock().unwrap().reads
    }

    pub(crate) async fn serve(&self) -> MockServer {
        self.serve_below("").await
    }

    /// The same with all paths below this one.
    pub(crate) async fn serve_below(&self, place: &str) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(path_regex(format!("^{place}/")))
            .respond_with(self.clone())
            .mount(&server)
            .await;
        server
    }
}

impl Respond for Hub {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let bearer = request.headers.get("authorization").unwrap();
        assert_eq!(bearer.to_str().unwrap(), format!("Bearer {TOKEN}"));
        let text = || {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["body"].as_str().unwrap().to_owned()
        };
        let mut state = self.0.lock().unwrap();
        let state = &mut *state;
        let path = request.url.path();
        let path = path
            .split_once("/repos/octo/shop/")
            .map_or(path, |(_, path)| path);
        let segments: Vec<&str> = path.split('/').collect();
        let number = |text: &str| text.parse::<u64>().unwrap();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST" | "PATCH", _) if state.refuses_writes => {
                let message = "Resource not accessible by integration";
                answer(403, json!({ "message": message }))
            }
            ("GET", ["compare", ends]) => {
                state.compared += 1;
                let (base, _) = ends.split_once("...").unwrap();
                let Some(files) = state.comparisons.get(*ends) else {
                    return answer(404, json!({ "message": "Not Found" }));
                };
                let files = files.iter().map(|file| json!({ "filename": file }));
                let files: Vec<Value> = files.collect();
                let base = json!({ "sha": base });
                answer(200, json!({ "merge_base_commit": base, "files": files }))
            }
            ("GET", ["pulls", ..]) if state.refuses.is_some() => {
                let status = state.refuses.unwrap();
                answer(status, json!({ "message": "Refused" }))
            }
            ("GET", ["pulls", id]) => {
                state.reads += 1;
                match state.requests.get(&number(id)) {
                    Some(pull) => answer(200, pull.json(number(id))),
                    None => answer(404, json!({ "message": "Not Found" })),
                }
            }
            ("GET", ["pulls"]) if state.refuses_list.is_some() => {
                answer(state.refuses_list.unwrap(), json!({ "message": "Refused" }))
            }
            ("GET", ["pulls"]) => {
                let open = state.requests.iter().filter(|(_, pull)| pull.is_open);
                answer(200, open.map(|(number, pull)| pull.json(*number)).collect())
            }
            ("GET", ["issues", _, "comments"]) if state.refuses_comments.is_some() => {
                let status = state.refuses_comments.unwrap();
                answer(status, json!({ "message": "Refused" }))
            }
            ("GET", ["issues", on, "comments"]) => {
                let on = number(on);
                let comments = state.comments.iter().filter(|(_, (its, _))| *its == on);
                let comments = comments.map(|(id, (_, body))| {
                    let user = json!({ "login": "github-actions[bot]", "type": "Bot" });
                    json!({ "id": id, "body": body, "user": user })
                });
                answer(200, comments.collect()).set_delay(state.slow_comments)
            }
            ("POST", ["issues", on, "comments"]) => {
                let id = state.create(number(on), text());
                answer(201, json!({ "id": id }))
            }
            ("PATCH", ["issues", "comments", id]) => {
                let text = text();
                state.writes += 1;
                match state.comments.get_mut(&number(id)) {
                    Some((_, old)) => {
                        *old = text;
                        answer(200, json!({ "id": number(id) }))
                    }
                    None => answer(404, json!({ "message": "Not Found" })),
                }
            }
            ("DELETE", ["issues", "comments", id]) => {
                let is_there = state.comments.remove(&number(id)).is_some();
                ResponseTemplate::new(if is_there { 204 } else { 404 })
            }
            _ => answer(
                403,
                json!({ "message": "Resource not accessible by integration" }),
            ),
        }
    }
}

fn answer(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

impl State {
    fn create(&mut self, number: u64, text: String) -> u64 {
        self.writes += 1;
        self.last_id += 1;
        self.comments.insert(self.last_id, (number, text));
        self.last_id
    }
}
