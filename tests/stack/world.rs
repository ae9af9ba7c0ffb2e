//! Applications behind the API, in virtual time, and everything that can go wrong
//! on the way. Nothing here knows how the runner works. Times are milliseconds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use testkit::Dice;
use tokio::time::{Instant, sleep};

/// Our wall clock when a run begins, in milliseconds since 1970.
pub(crate) const BEGAN: i64 = 1_772_000_000_000;

pub(crate) const OLD: &str = "0000000000000000000000000000000000000000";
pub(crate) const NEW: &str = "1111111111111111111111111111111111111111";

const MINUTE: i64 = 60_000;

/// What asked for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Past,
    Trigger,
    Rollback,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) by: By,
    pub(crate) created: i64,
    pub(crate) ends: i64,
    pub(crate) succeeds: bool,
    pub(crate) cancelled: Option<i64>,
    pub(crate) commit: &'static str,
}

impl Made {
    pub(crate) fn status(&self, at: i64) -> &'static str {
        match self.cancelled {
            Some(cancelled) if cancelled <= at => "cancelled",
            _ if at < self.created + 1000 => "waiting",
            _ if at < self.ends => "inProgress",
            _ if self.succeeds => "success",
            _ => "failed",
        }
    }
}

/// What an application does next.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) run: i64,
    pub(crate) succeeds: bool,
    pub(crate) rolls_back: bool,
    pub(crate) made: Vec<Made>,
}

impl App {
    /// The deployment that is live in the end.
    pub(crate) fn live(&self, at: i64) -> &Made {
        let good = self.made.iter().filter(|made| made.status(at) == "success");
        good.max_by_key(|made| made.ends).unwrap()
    }
}

pub(crate) fn id_of(app: usize) -> String {
    format!("{app:08x}-0000-4000-8000-000000000000")
}

pub(crate) struct World {
    pub(crate) apps: Vec<App>,
    /// When each request that starts something was sent.
    pub(crate) starts: Vec<i64>,
    pub(crate) requests: usize,
    /// How many of a thousand requests go wrong.
    faults: u64,
    dice: Dice,
    began: Instant,
    taken: HashMap<(String, i64), u64>,
}

impl World {
    pub(crate) fn new(apps: Vec<App>, faults: u64, dice: Dice) -> Self {
        let mut world = Self {
            apps,
            starts: Vec::new(),
            requests: 0,
            faults,
            dice,
            began: Instant::now(),
            taken: HashMap::new(),
        };
        for at in 0..world.apps.len() {
            world.add_past(at);
        }
        world
    }

    fn add_past(&mut self, at: usize) {
        let median = self.apps[at].run;
        for age in (1..=8).rev() {
            let share = i64::try_from(self.dice.between(80, 120)).unwrap();
            let created = -age * 3_600_000;
            self.add(at, By::Past, created, median * share / 100, OLD);
        }
    }

    fn add(&mut self, at: usize, by: By, created: i64, run: i64, commit: &'static str) -> String {
        let app = &mut self.apps[at];
        let id = format!("{at:08x}-0000-4000-9000-{:012x}", app.made.len());
        let succeeds = match by {
            By::Past => true,
            By::Trigger => app.succeeds,
            By::Rollback => app.rolls_back,
        };
        app.made.push(Made {
            id: id.clone(),
            by,
            created,
            ends: created + 1000 + run,
            succeeds,
            cancelled: None,
            commit,
        });
        id
    }

    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    /// Takes one from a budget; what is left of it and the seconds until it is full.
    fn take(&mut self, tier: String, limit: u64) -> (Option<u64>, i64) {
        let now = self.now();
        let reset = (MINUTE - now % MINUTE + 999) / 1000;
        let taken = self.taken.entry((tier, now / MINUTE)).or_default();
        if *taken == limit {
            return (None, reset);
        }
        *taken += 1;
        (Some(limit - *taken), reset)
    }

    fn serve(&mut self, request: &Request) -> Response {
        let path = request.url.path().trim_start_matches("/v3/").to_owned();
        let segments: Vec<&str> = path.split('/').collect();
        let is_post = request.method == Method::POST;
        let (tier, limit) = match segments.as_slice() {
            [.., "logs"] => ("logs".to_owned(), 30),
            // Each service has its own.
            ["applications", id, ..] if is_post => ((*id).to_owned(), 10),
            _ => ("reads".to_owned(), 400),
        };
        let (left, reset) = self.take(tier, limit);
        let (status, body) = match left {
            None => (429, json!({"message": "Too many requests"})),
            Some(_) => self.answer(is_post, &segments),
        };
        let mut headers = HeaderMap::new();
        let shown = [
            ("limit", limit.to_string()),
            ("remaining", left.unwrap_or(0).to_string()),
            ("reset", reset.to_string()),
        ];
        for (name, value) in shown {
            let name = HeaderName::try_from(format!("x-ratelimit-{name}")).unwrap();
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        Response {
            status,
            headers,
            body: Ok(body.to_string().into_bytes()),
        }
    }

    fn answer(&mut self, is_post: bool, segments: &[&str]) -> (u16, Value) {
        let now = self.now();
        let app = segments
            .get(1)
            .and_then(|id| usize::from_str_radix(id.get(..8)?, 16).ok());
        let missing = (404, json!({"message": "not found"}));
        match (is_post, segments) {
            (false, ["api-keys", ..]) => (
                200,
                json!({"name": "ci", "expires_at": null, "company_id": "c", "status": "active"}),
            ),
            (false, ["applications", _]) => (200, record(app.unwrap())),
            (false, [_, _, "domains"]) => (200, json!({"data": [], "total": 0})),
            (false, [_, _, "deployments"]) => {
                let app = &self.apps[app.unwrap()];
                let all = app.made.iter().rev().map(|made| describe(made, now));
                let all: Vec<Value> = all.collect();
                (
                    200,
                    json!({"total": all.len(), "data": all, "offset": 0, "limit": 100}),
                )
            }
            (false, [.., "logs"]) => (200, json!([])),
            (false, [_, _, "deployments", id]) => {
                let made = &self.apps[app.unwrap()].made;
                let found = made.iter().find(|made| made.id == *id);
                found.map_or(missing, |made| (200, describe(made, now)))
            }
            (true, [_, _, "deployments"]) => {
                let at = app.unwrap();
                let run = self.apps[at].run;
                let id = self.add(at, By::Trigger, now, run, NEW);
                (200, self.described(at, &id))
            }
            (true, [_, _, "deployments", "rollback"]) => {
                let at = app.unwrap();
                let id = self.add(at, By::Rollback, now, 20_000, OLD);
                (200, self.described(at, &id))
            }
            (true, [_, _, "deployments", id, "cancel"]) => {
                let made = &mut self.apps[app.unwrap()].made;
                let made = made.iter_mut().find(|made| made.id == *id).unwrap();
                if now >= made.ends {
                    return (400, json!({"message": "it has ended"}));
                }
                made.cancelled.get_or_insert(now + 200);
                (200, json!({"message": "Deployment is being cancelled"}))
            }
            _ => missing,
        }
    }

    fn described(&self, at: usize, id: &str) -> Value {
        let made = self.apps[at].made.iter().find(|made| made.id == id);
        describe(made.unwrap(), self.now())
    }
}

fn record(app: usize) -> Value {
    json!({
        "id": id_of(app), "name": format!("app-{app}"), "display_name": format!("App {app}"),
        "status": "deploymentSuccess", "type": "app", "source": "privateGit", "docker_image": null,
        "default_branch": "main", "auto_deploy": false, "is_suspended": false,
        "created_at": time(-1_000_000_000), "updated_at": time(-1_000_000),
    })
}

fn describe(made: &Made, now: i64) -> Value {
    let status = made.status(now);
    let has_ended = !matches!(status, "waiting" | "inProgress");
    let end = made.cancelled.unwrap_or(made.ends);
    json!({
        "id": made.id, "status": status, "type": "manual", "branch": "main",
        "trigger": if made.by == By::Rollback { "ROLLBACK_DEPLOYMENT" } else { "MANUAL_DEPLOY" },
        "commit_sha": made.commit, "commit_message": "Fix", "docker_image_url": format!("r/app:{}", &made.commit[..4]),
        "created_at": time(made.created), "updated_at": time(made.created),
        "started_at": (status != "waiting").then(|| time(made.created + 1000)),
        "finished_at": has_ended.then(|| time(end)),
    })
}

fn time(at: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(BEGAN + at).unwrap())
}

/// The network of a run.
pub(crate) struct Network(pub(crate) Rc<RefCell<World>>);

impl Transport for Network {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        Box::pin(self.carry(request, limit))
    }
}

impl Network {
    async fn carry(&self, request: Request, limit: Duration) -> Result<Response, TransportError> {
        let broken = || TransportError::Broken {
            reason: "connection reset by peer".to_owned(),
        };
        let (fault, ways) = {
            let mut world = self.0.borrow_mut();
            world.requests += 1;
            let path = request.url.path();
            if request.method == Method::POST && !path.ends_with("/cancel") {
                let now = world.now();
                world.starts.push(now);
            }
            let rate = world.faults;
            let is_bad = world.dice.in_a_thousand(rate);
            let fault = is_bad.then(|| world.dice.up_to(4));
            let ways = [(); 2].map(|()| Duration::from_millis(world.dice.between(5, 60)));
            (fault, ways)
        };
        sleep(ways[0]).await;
        match fault {
            Some(0) => return Err(broken()),
            Some(1) => {
                let reason = "connection refused".to_owned();
                return Err(TransportError::NotConnected {
                    reason,
                    may_heal: true,
                });
            }
            _ => {}
        }
        let answer = self.0.borrow_mut().serve(&request);
        match fault {
            // It took effect, and the answer is lost.
            Some(2) => Err(broken()),
            Some(3) => {
                sleep(limit).await;
                Err(TransportError::TimedOut { limit })
            }
            Some(_) => Ok(Response {
                status: 502,
                headers: HeaderMap::new(),
                body: Ok(b"<html>".to_vec()),
            }),
            None => {
                sleep(ways[1]).await;
                Ok(answer)
            }
        }
    }
}
