//! One company and one repository in virtual time: pipelines whose previews look
//! alike, applications with their variables and deployments, pull requests with
//! their comments. Nothing here knows how the runner works.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use testkit::Dice;
use testkit::wall_clock::text_of as time;
use tokio::time::{Instant, sleep};

/// The services: their pipelines, and what each one's variable refers to.
pub(crate) const SERVICES: [&str; 3] = ["api", "auth", "web"];

/// What is live, which no preview may change.
pub(crate) fn live_id(service: usize) -> String {
    format!("{service:08x}-0000-4000-8000-000000000001")
}

pub(crate) fn pipeline_id(service: usize) -> String {
    format!("{service:08x}-0000-4000-8000-000000000002")
}

pub(crate) struct Variable {
    id: String,
    pub(crate) value: String,
    updated: i64,
}

pub(crate) struct Made {
    id: String,
    created: i64,
    ends: i64,
    cancelled: Option<i64>,
    commit: String,
    /// The variables that it was built with.
    pub(crate) env: BTreeMap<String, String>,
}

impl Made {
    pub(crate) fn status(&self, now: i64) -> &'static str {
        match self.cancelled {
            Some(cancelled) if cancelled <= now => "cancelled",
            _ if now < self.created + 500 => "waiting",
            _ if now < self.ends => "inProgress",
            _ => "success",
        }
    }
}

/// A preview app.
pub(crate) struct App {
    pub(crate) id: String,
    /// What Sevalla knows of it and does not report.
    pub(crate) service: usize,
    pub(crate) number: u64,
    name: String,
    branch: String,
    created: i64,
    /// When its address appears.
    address: i64,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) made: Vec<Made>,
}

impl App {
    pub(crate) fn url(&self) -> String {
        format!("https://p{}.sevalla.app", &self.id[..8])
    }
}

pub(crate) struct Pull {
    pub(crate) branch: String,
    pub(crate) is_open: bool,
    pub(crate) commit: String,
    pub(crate) files: BTreeSet<&'static str>,
}

pub(crate) struct World {
    pub(crate) apps: Vec<App>,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    comments: BTreeMap<u64, (u64, String)>,
    /// What must never happen.
    pub(crate) offences: Vec<String>,
    pub(crate) requests: usize,
    names_have_numbers: bool,
    /// How many of a thousand requests go wrong.
    faults: u64,
    latency: u64,
    last: u32,
    pub(crate) dice: Dice,
    began: Instant,
}

impl World {
    pub(crate) fn new(mut dice: Dice) -> Self {
        Self {
            apps: Vec::new(),
            pulls: BTreeMap::new(),
            comments: BTreeMap::new(),
            offences: Vec::new(),
            requests: 0,
            names_have_numbers: !dice.in_a_thousand(200),
            faults: if dice.in_a_thousand(300) { 20 } else { 0 },
            latency: [20, 400, 2_000][usize::try_from(dice.up_to(2)).unwrap()],
            last: 0,
            dice,
            began: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    /// The texts of the comments on a pull request.
    pub(crate) fn comments(&self, number: u64) -> Vec<&str> {
        let on_it = self.comments.values().filter(|(on, _)| *on == number);
        on_it.map(|(_, text)| text.as_str()).collect()
    }

    fn id(&mut self) -> String {
        self.last += 1;
        // Not in the order of their making.
        let first = self.last.wrapping_mul(2_654_435_761);
        format!("{first:08x}-0000-4000-a000-{:012x}", self.last)
    }

    fn serve(&mut self, request: &Request) -> (u16, Value) {
        let body = request.body.as_deref().unwrap_or(b"null");
        let body: Value = serde_json::from_slice(body).unwrap();
        let path = request.url.path().to_owned();
        let is_github = request.url.host_str() == Some("api.github.example");
        let path = path.trim_start_matches("/v3/").trim_start_matches('/');
        let path: Vec<&str> = path.split('/').collect();
        match (is_github, path.as_slice()) {
            (true, ["repos", "octo", "shop", rest @ ..]) => {
                self.github(&request.method, rest, &body)
            }
            (true, _) => (
                403,
                json!({"message": "Resource not accessible by integration"}),
            ),
            _ => self.sevalla(&request.method, &path, &body),
        }
    }

    fn github(&mut self, method: &Method, path: &[&str], body: &Value) -> (u16, Value) {
        let number = |text: &str| text.parse::<u64>().unwrap();
        let missing = (404, json!({"message": "Not Found"}));
        match (method.as_str(), path) {
            ("GET", ["pulls", id]) => match self.pulls.get(&number(id)) {
                Some(pull) => (200, described(number(id), pull)),
                None => missing,
            },
            ("GET", ["pulls"]) => {
                let open = self.pulls.iter().filter(|(_, pull)| pull.is_open);
                (
                    200,
                    open.map(|(number, pull)| described(*number, pull))
                        .collect(),
                )
            }
            ("GET", ["compare", ends]) => {
                let (base, head) = ends.split_once("...").unwrap();
                let Some(pull) = self.pulls.values().find(|pull| pull.commit == head) else {
                    return missing;
                };
                let files = pull.files.iter().map(|file| json!({"filename": file}));
                (
                    200,
                    json!({"merge_base_commit": {"sha": base}, "files": files.collect::<Value>()}),
                )
            }
            ("GET", ["issues", on, "comments"]) => {
                let all = self
                    .comments
                    .iter()
                    .filter(|(_, (its, _))| *its == number(on));
                let user = json!({"login": "github-actions[bot]", "type": "Bot"});
                (
                    200,
                    all.map(|(id, (_, text))| json!({"id": id, "body": text, "user": user}))
                        .collect(),
                )
            }
            ("POST", ["issues", on, "comments"]) => {
                self.last += 1;
                let (id, text) = (u64::from(self.last), body["body"].as_str().unwrap());
                self.comments.insert(id, (number(on), text.to_owned()));
                (201, json!({"id": id}))
            }
            ("PATCH", ["issues", "comments", id]) => match self.comments.get_mut(&number(id)) {
                Some((_, text)) => {
                    body["body"].as_str().unwrap().clone_into(text);
                    (200, json!({"id": number(id)}))
                }
                None => missing,
            },
            ("DELETE", ["issues", "comments", id]) => {
                self.comments.remove(&number(id));
                (204, Value::Null)
            }
            _ => missing,
        }
    }

    fn sevalla(&mut self, method: &Method, path: &[&str], body: &Value) -> (u16, Value) {
        let now = self.now();
        match (method.as_str(), path) {
            ("GET", ["api-keys", ..]) => (
                200,
                json!({"name": "ci", "expires_at": null, "company_id": "c", "status": "active"}),
            ),
            ("GET", ["applications"]) => {
                let live = (0..SERVICES.len()).map(live_record);
                let previews = self.apps.iter().rev().map(record);
                page(&previews.chain(live).collect::<Vec<_>>())
            }
            ("GET", ["pipelines"]) => page(&(0..SERVICES.len()).map(pipeline).collect::<Vec<_>>()),
            ("GET", ["pipelines", id]) => (200, pipeline(service_of(id))),
            ("POST", ["pipelines", id, "preview", "apps"]) => self.create(service_of(id), body),
            (_, ["applications", id, rest @ ..]) => {
                if let Some(live) = (0..SERVICES.len()).find(|live| live_id(*live) == *id) {
                    if method != Method::GET {
                        self.offences
                            .push(format!("{method} {} of what is live", rest.join("/")));
                    }
                    return match rest {
                        [] => (200, live_record(live)),
                        ["domains"] => page(&[domain(&format!("{}.sevalla.app", SERVICES[live]))]),
                        _ => refusal(404, "not found"),
                    };
                }
                let Some(at) = self.apps.iter().position(|app| app.id == *id) else {
                    return refusal(404, "not found");
                };
                match (method.as_str(), rest) {
                    ("GET", []) => (200, record(&self.apps[at])),
                    ("DELETE", []) => {
                        self.apps.remove(at);
                        (200, json!({"message": "deleting"}))
                    }
                    ("POST", ["deployments"]) => self.deploy(at),
                    (_, ["env-vars", ..]) => self.variables(at, method, rest, body),
                    _ => self.read_or_cancel(at, method, rest, now),
                }
            }
            _ => refusal(404, "not found"),
        }
    }

    fn read_or_cancel(
        &mut self,
        at: usize,
        method: &Method,
        rest: &[&str],
        now: i64,
    ) -> (u16, Value) {
        let app = &mut self.apps[at];
        match (method.as_str(), rest) {
            ("GET", ["domains"]) if now < app.address => page(&[]),
            ("GET", ["domains"]) => page(&[domain(app.url().trim_start_matches("https://"))]),
            ("GET", ["deployments"]) => {
                let all = app.made.iter().rev();
                page(
                    &all.map(|made| deployment(&app.branch, made, now))
                        .collect::<Vec<_>>(),
                )
            }
            ("GET", [.., "logs"]) => (200, json!([])),
            ("GET", ["deployments", id]) => match app.made.iter().find(|made| made.id == *id) {
                Some(made) => (200, deployment(&app.branch, made, now)),
                None => refusal(404, "not found"),
            },
            ("POST", ["deployments", id, "cancel"]) => {
                let made = app
                    .made
                    .iter_mut()
                    .find(|made| made.id == *id && now < made.ends);
                match made {
                    Some(made) => {
                        made.cancelled.get_or_insert(now + 200);
                        (200, json!({"message": "cancelling"}))
                    }
                    None => refusal(400, "it has ended"),
                }
            }
            _ => refusal(404, "not found"),
        }
    }

    fn create(&mut self, service: usize, body: &Value) -> (u16, Value) {
        let now = self.now();
        let branch = body["branch"].as_str().unwrap().to_owned();
        let number = body["pull_request_number"].as_u64().unwrap();
        if self.pulls[&number].branch != branch {
            self.offences
                .push(format!("an app of {number} for {branch}"));
        }
        let name = if self.names_have_numbers {
            format!("PR #{number} {branch}")
        } else {
            branch.clone()
        };
        let (id, wait) = (self.id(), self.dice.up_to(40_000));
        self.apps.push(App {
            id,
            service,
            number,
            name,
            branch,
            created: now,
            address: now + i64::try_from(wait).unwrap(),
            variables: BTreeMap::new(),
            made: Vec::new(),
        });
        let at = self.apps.len() - 1;
        self.deploy(at);
        (201, record(&self.apps[at]))
    }

    fn deploy(&mut self, at: usize) -> (u16, Value) {
        let (now, id) = (self.now(), self.id());
        let run = i64::try_from(self.dice.between(2_000, 40_000)).unwrap();
        let app = &mut self.apps[at];
        let before = app
            .made
            .iter()
            .map(|made| made.cancelled.unwrap_or(made.ends));
        let begins = before.max().unwrap_or(now).max(now);
        let env = app
            .variables
            .iter()
            .map(|(key, variable)| (key.clone(), variable.value.clone()));
        app.made.push(Made {
            id,
            created: now,
            ends: begins + 500 + run,
            cancelled: None,
            commit: self.pulls[&app.number].commit.clone(),
            env: env.collect(),
        });
        (200, deployment(&app.branch, app.made.last().unwrap(), now))
    }

    fn variables(
        &mut self,
        at: usize,
        method: &Method,
        rest: &[&str],
        body: &Value,
    ) -> (u16, Value) {
        let now = self.now();
        if method != Method::GET {
            let value = body["value"].as_str().unwrap().to_owned();
            self.judge(at, &value);
            let id = self.id();
            let app = &mut self.apps[at];
            let key = match (rest, body["key"].as_str()) {
                (["env-vars", id], _) => app
                    .variables
                    .iter()
                    .find(|(_, it)| it.id == *id)
                    .unwrap()
                    .0
                    .clone(),
                (_, key) => key.unwrap().to_owned(),
            };
            if rest.len() == 1 && app.variables.contains_key(&key) {
                return refusal(409, "it exists");
            }
            let known = app.variables.entry(key.clone()).or_insert(Variable {
                id,
                value: String::new(),
                updated: now,
            });
            (known.value, known.updated) = (value, now);
            return (200, variable(&key, known));
        }
        let all = self.apps[at].variables.iter();
        page(&all.map(|(key, it)| variable(key, it)).collect::<Vec<_>>())
    }

    /// A variable's address belongs to the same pull request as the app.
    fn judge(&mut self, at: usize, value: &str) {
        let app = &self.apps[at];
        let owner = self
            .apps
            .iter()
            .find(|other| value.starts_with(&other.url()));
        let is_live = SERVICES
            .iter()
            .any(|name| value.starts_with(&format!("https://{name}.sevalla.app")));
        let problem = match owner {
            Some(owner) if owner.number != app.number => {
                format!("refers to one of {}", owner.number)
            }
            Some(owner) if owner.service == app.service => "refers to itself".to_owned(),
            None if !is_live => format!("refers to nothing: {value}"),
            _ => return,
        };
        self.offences.push(format!(
            "{} of {} {problem}",
            SERVICES[app.service], app.number
        ));
    }
}

/// A refusal in the API's shape.
fn refusal(status: u16, message: &str) -> (u16, Value) {
    (status, json!({"status": status, "message": message}))
}

fn service_of(id: &str) -> usize {
    (0..SERVICES.len())
        .find(|service| pipeline_id(*service) == id)
        .unwrap()
}

fn page(all: &[Value]) -> (u16, Value) {
    (
        200,
        json!({"total": all.len(), "data": all, "offset": 0, "limit": 100}),
    )
}

fn described(number: u64, pull: &Pull) -> Value {
    let repository = json!({"full_name": "octo/shop"});
    json!({
        "number": number, "merged": false, "state": if pull.is_open { "open" } else { "closed" },
        "head": {"ref": pull.branch, "sha": pull.commit, "repo": repository},
        "base": {"ref": "main", "sha": "0".repeat(40), "repo": repository},
    })
}

fn pipeline(service: usize) -> Value {
    let stage = json!({"id": pipeline_id(service), "type": "preview", "auto_create_app": false});
    json!({
        "id": pipeline_id(service), "display_name": format!("shop-{}", SERVICES[service]),
        "type": "trunk", "stages": [stage],
    })
}

fn live_record(service: usize) -> Value {
    json!({
        "id": live_id(service), "display_name": format!("shop-{}", SERVICES[service]), "type": "app",
        "source": "privateGit", "status": "deploymentSuccess", "default_branch": "main",
        "repo_url": "https://github.example/octo/shop", "created_at": time(-1_000_000),
    })
}

fn record(app: &App) -> Value {
    json!({
        "id": app.id, "display_name": app.name, "type": "previewApp", "source": "app",
        "status": "deploymentSuccess", "default_branch": app.branch, "auto_deploy": false,
        "repo_url": "https://github.example/octo/shop", "created_at": time(app.created),
    })
}

fn domain(host: &str) -> Value {
    json!({"name": host, "type": "SYSTEM", "status": "ACTIVE", "is_enabled": true, "is_primary": true})
}

fn variable(key: &str, variable: &Variable) -> Value {
    json!({"id": variable.id, "key": key, "value": variable.value, "updated_at": time(variable.updated)})
}

fn deployment(branch: &str, made: &Made, now: i64) -> Value {
    let status = made.status(now);
    let has_ended = !matches!(status, "waiting" | "inProgress");
    json!({
        "id": made.id, "status": status, "type": "manual", "trigger": "MANUAL_DEPLOY",
        "branch": branch, "commit_sha": made.commit, "created_at": time(made.created),
        "started_at": (status != "waiting").then(|| time(made.created + 500)),
        "finished_at": has_ended.then(|| time(made.cancelled.unwrap_or(made.ends))),
    })
}

/// The network of a run.
pub(crate) struct Network(pub(crate) Rc<RefCell<World>>);

impl Transport for Network {
    fn exchange(&self, request: Request, _limit: Duration) -> ResponseFuture<'_> {
        Box::pin(async move {
            let (fault, ways) = {
                let mut world = self.0.borrow_mut();
                world.requests += 1;
                let (rate, latency) = (world.faults, world.latency);
                let fault = world.dice.in_a_thousand(rate).then(|| world.dice.up_to(1));
                (
                    fault,
                    [(); 2].map(|()| Duration::from_millis(world.dice.between(1, latency))),
                )
            };
            let broken = || TransportError::Broken {
                reason: "connection reset by peer".to_owned(),
            };
            sleep(ways[0]).await;
            if fault == Some(0) {
                return Err(broken());
            }
            let (status, body) = self.0.borrow_mut().serve(&request);
            sleep(ways[1]).await;
            if fault == Some(1) {
                return Err(broken());
            }
            let body = if status == 204 {
                Vec::new()
            } else {
                body.to_string().into_bytes()
            };
            Ok(Response {
                status,
                headers: HeaderMap::new(),
                body: Ok(body),
            })
        })
    }
}
