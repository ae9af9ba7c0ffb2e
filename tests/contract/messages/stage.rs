//! A whole run in this process against a scripted Sevalla, for what it prints.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use sevalla_deploy::messages::Failure;
use sevalla_deploy::process::{Process, network};
use sevalla_deploy::shutdown::{Shutdown, Signal};
use testkit::{Captured, in_virtual_time};

use crate::in_memory;

pub(super) const APP: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";

/// The deployment that a run starts.
pub(super) const DEPLOYMENT: &str = "741f7424-3170-4f1a-9d5d-91205478b0f8";

/// Another one.
pub(super) const OTHER: &str = "2dca0e91-2f9e-48d9-b3eb-89c5c3aca59b";

/// The commit of deployments.
pub(super) const COMMIT: &str = "7d3f0c2a94d1e8b6a5c3f2e1d0b9a8c7d6e5f403";

/// What goes wrong in a run, and with which inputs.
#[derive(Clone)]
pub(super) struct Scene {
    /// The entry that it is an example of.
    pub(super) slug: &'static str,
    variables: Vec<(&'static str, &'static str)>,
    arguments: Vec<&'static str>,
    /// What is odd about the application.
    app: Value,
    /// The deployments there were, newest first.
    past: Vec<Value>,
    /// Those that show up once one was started.
    later: Vec<Value>,
    /// What is odd about the deployment.
    deployment: Value,
    statuses: &'static [&'static str],
    odd: Vec<Odd>,
    signal: Option<Signal>,
    is_connected: bool,
}

/// An answer in place of the healthy one.
#[derive(Clone)]
struct Odd {
    method: &'static str,
    path: &'static str,
    answer: Result<(u16, String), TransportError>,
    is_for_good: bool,
}

impl Scene {
    /// A run that deploys an application.
    pub(super) fn of(slug: &'static str) -> Self {
        Self::bare(slug)
            .set("SEVALLA_APP_ID", APP)
            .set("SEVALLA_TOKEN", "svl_an_example_of_a_key")
    }

    /// A run with nothing given.
    pub(super) const fn bare(slug: &'static str) -> Self {
        Self {
            slug,
            variables: Vec::new(),
            arguments: Vec::new(),
            app: Value::Null,
            past: Vec::new(),
            later: Vec::new(),
            deployment: Value::Null,
            statuses: &["waiting", "inProgress", "success"],
            odd: Vec::new(),
            signal: None,
            is_connected: false,
        }
    }

    pub(super) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(super) fn argument(mut self, argument: &'static str) -> Self {
        self.arguments.push(argument);
        self
    }

    pub(super) fn app(mut self, app: Value) -> Self {
        self.app = app;
        self
    }

    pub(super) fn past(mut self, deployment: Value) -> Self {
        self.past.push(deployment);
        self
    }

    pub(super) fn later(mut self, deployment: Value) -> Self {
        self.later.push(deployment);
        self
    }

    pub(super) fn deployment(mut self, deployment: Value) -> Self {
        self.deployment = deployment;
        self
    }

    pub(super) const fn ends(mut self, statuses: &'static [&'static str]) -> Self {
        self.statuses = statuses;
        self
    }

    /// Every request of this method to a path that ends so is answered so.
    pub(super) fn answers(
        self,
        method: &'static str,
        path: &'static str,
        status: u16,
        body: &(impl ToString + ?Sized),
    ) -> Self {
        self.odd(method, path, Ok((status, body.to_string())), true)
    }

    /// The first of them is.
    pub(super) fn answers_once(
        self,
        method: &'static str,
        path: &'static str,
        status: u16,
        body: &(impl ToString + ?Sized),
    ) -> Self {
        self.odd(method, path, Ok((status, body.to_string())), false)
    }

    /// Nothing can be sent.
    pub(super) fn breaks(self, cause: TransportError) -> Self {
        self.odd("GET", "", Err(cause), true)
    }

    fn odd(
        mut self,
        method: &'static str,
        path: &'static str,
        answer: Result<(u16, String), TransportError>,
        is_for_good: bool,
    ) -> Self {
        self.odd.push(Odd {
            method,
            path,
            answer,
            is_for_good,
        });
        self
    }

    /// The run is asked to end while the deployment runs.
    pub(super) const fn stops(mut self, signal: Signal) -> Self {
        self.signal = Some(signal);
        self
    }

    /// The network is set up as the program does it.
    pub(super) const fn connected(mut self) -> Self {
        self.is_connected = true;
        self
    }
}

/// What a run printed, and what it failed of.
pub(super) struct Played {
    pub(super) failure: Option<Failure>,
    pub(super) lines: Vec<String>,
}

struct Sevalla {
    scene: Scene,
    odd: RefCell<Vec<Odd>>,
    looks: Cell<usize>,
    is_started: Cell<bool>,
    stop: Shutdown,
}

impl Sevalla {
    fn answer(&self, request: &Request) -> Result<(u16, String), TransportError> {
        let path = request.url.path();
        let odd = self
            .odd
            .borrow()
            .iter()
            .position(|odd| request.method.as_str() == odd.method && path.ends_with(odd.path));
        let is_post = request.method == reqwest::Method::POST;
        let is_start = is_post && path.ends_with("/deployments");
        if let Some(at) = odd {
            let mut odd = self.odd.borrow_mut();
            if odd[at].is_for_good {
                return odd[at].answer.clone();
            }
            return odd.remove(at).answer;
        }
        if is_start {
            self.is_started.set(true);
            return Ok((200, self.deployment().to_string()));
        }
        Ok((200, self.healthy(path).to_string()))
    }

    fn healthy(&self, path: &str) -> Value {
        if path.ends_with("/deployments") {
            let later = self.scene.later.iter().filter(|_| self.is_started.get());
            let started = Some(self.deployment()).filter(|_| self.is_started.get());
            let all = later.cloned().chain(started);
            let all: Vec<Value> = all.chain(self.scene.past.iter().cloned()).collect();
            return json!({"data": all, "total": all.len(), "offset": 0, "limit": 50});
        }
        if path.ends_with("/logs") || path.ends_with("/cancel") {
            return json!([]);
        }
        if path.contains("/deployments/") {
            self.looks.set(self.looks.get() + 1);
            if let (Some(signal), 2) = (self.scene.signal, self.looks.get()) {
                self.stop.request(signal);
            }
            return self.deployment();
        }
        if path.contains("/applications/") && path.ends_with(APP) {
            let record = json!({"id": APP, "display_name": "shop", "source": "privateGit",
                "default_branch": "main", "type": "app"});
            return with(record, &self.scene.app);
        }
        json!({"data": []})
    }

    fn deployment(&self) -> Value {
        let statuses = self.scene.statuses;
        let status = statuses[self.looks.get().min(statuses.len() - 1)];
        let known = json!({"id": DEPLOYMENT, "status": status, "type": "manual",
            "branch": "main", "created_at": "2026-03-01T10:00:00.000Z"});
        let known = match status {
            "waiting" => known,
            _ => with(known, &json!({"commit_sha": COMMIT})),
        };
        with(known, &self.scene.deployment)
    }
}

/// The object with the members of the other.
fn with(mut object: Value, other: &Value) -> Value {
    for (name, value) in other.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

impl Transport for Sevalla {
    fn exchange(&self, request: Request, _: Duration) -> ResponseFuture<'_> {
        let answer = self.answer(&request);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(80)).await;
            let (status, body) = answer?;
            Ok(Response {
                status,
                headers: HeaderMap::new(),
                body: Ok(body.into_bytes()),
            })
        })
    }
}

/// Runs the program.
pub(super) fn play(scene: &Scene) -> Played {
    let stop = Shutdown::default();
    let variables: Variables = scene
        .variables
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    let (script, told) = (scene.clone(), stop.clone());
    let scripted = move |_: &Variables| -> Result<Box<dyn Transport>, _> {
        Ok(Box::new(Sevalla {
            odd: RefCell::new(script.odd.clone()),
            scene: script.clone(),
            looks: Cell::new(0),
            is_started: Cell::new(false),
            stop: told.clone(),
        }))
    };
    let stderr = Captured::stderr();
    stderr.take();
    let connect = if scene.is_connected {
        network()
    } else {
        Box::new(scripted)
    };
    let process = Process {
        arguments: scene.arguments.iter().map(Into::into).collect(),
        launch: |_| Box::pin(std::future::ready(Ok(()))),
        clock: || "2026-03-01T10:00:05Z".parse().unwrap(),
        stop,
        ..in_memory::process(variables, std::io::sink(), connect)
    };
    let outcome = in_virtual_time(sevalla_deploy::run(process));
    Played {
        failure: outcome.failure(),
        lines: stderr.take().lines().map(without_time).collect(),
    }
}

fn without_time(line: &str) -> String {
    line.strip_prefix("10:00:05Z ").unwrap_or(line).to_owned()
}
