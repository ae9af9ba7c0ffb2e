//! Applications and static sites behind the API, in virtual time, what others deploy
//! there, and everything that can go wrong on the way. Nothing here knows how the
//! runner works. Times are milliseconds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use testkit::Dice;
use testkit::wall_clock::text_of as time;
use tokio::time::{Instant, sleep};

pub(crate) const OLD: &str = "0000000000000000000000000000000000000000";
pub(crate) const NEW: &str = "1111111111111111111111111111111111111111";

/// The commit that others deploy.
const OTHER: &str = "2222222222222222222222222222222222222222";

const MINUTE: i64 = 60_000;

/// What asked for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Past,
    Trigger,
    Rollback,
    Others,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) by: By,
    pub(crate) created: i64,
    begins: i64,
    pub(crate) ends: i64,
    pub(crate) succeeds: bool,
    pub(crate) cancelled: Option<i64>,
    pub(crate) commit: &'static str,
}

impl Made {
    pub(crate) fn status(&self, at: i64) -> &'static str {
        match self.cancelled {
            Some(cancelled) if cancelled <= at => "cancelled",
            _ if at < self.begins => "waiting",
            _ if at < self.ends => "inProgress",
            _ if self.succeeds => "success",
            _ => "failed",
        }
    }

    /// When it came to its end.
    pub(crate) fn over(&self) -> i64 {
        self.cancelled.unwrap_or(self.ends)
    }
}

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An application that is built from a branch.
    Git,
    /// An application that runs an image.
    Image,
    StaticSite,
}

/// A deployment that somebody else starts.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) at: i64,
    pub(crate) run: i64,
    pub(crate) succeeds: bool,
}

/// What a service does next.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) kind: Kind,
    pub(crate) run: i64,
    pub(crate) succeeds: bool,
    pub(crate) rolls_back: bool,
    /// Whether the new version passes its check, if there is one.
    pub(crate) is_healthy: Option<bool>,
    /// Whether the new version is live already.
    pub(crate) is_deployed: bool,
    /// In the order of their time.
    pub(crate) others: Vec<Other>,
    pub(crate) made: Vec<Made>,
}

impl App {
    /// One that takes so long, and to which nothing happens.
    pub(crate) const fn good(run: i64) -> Self {
        Self {
            kind: Kind::Git,
            run,
            succeeds: true,
            rolls_back: true,
            is_healthy: None,
            is_deployed: false,
            others: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Whether this version passes the check.
    fn passes(&self, made: &Made) -> bool {
        made.commit != NEW || self.is_healthy != Some(false)
    }

    /// The ids that were live in this time.
    pub(crate) fn live_within(&self, from: i64, to: i64) -> Vec<&str> {
        let later = self
            .made
            .iter()
            .filter(|made| made.ends > from && made.ends <= to && made.status(to) == "success");
        let all = std::iter::once(self.live(from)).chain(later);
        all.map(|made| made.id.as_str()).collect()
    }

    /// The deployment that is live then.
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
            let is_new = age == 1 && self.apps[at].is_deployed;
            let commit = if is_new { NEW } else { OLD };
            self.add(at, By::Past, created, median * share / 100, commit);
        }
    }

    fn add(&mut self, at: usize, by: By, created: i64, run: i64, commit: &'static str) -> String {
        let app = &self.apps[at];
        let succeeds = match by {
            By::Past | By::Others => true,
            By::Trigger => app.succeeds,
            By::Rollback => app.rolls_back,
        };
        self.push(at, by, created, run, commit, succeeds)
    }

    /// Adds a deployment, which waits for those before it.
    fn push(
        &mut self,
        at: usize,
        by: By,
        created: i64,
        run: i64,
        commit: &'static str,
        succeeds: bool,
    ) -> String {
        let app = &mut self.apps[at];
        let id = format!("{at:08x}-0000-4000-9000-{:012x}", app.made.len());
        let free = app.made.iter().map(Made::over).max();
        let begins = free.unwrap_or(created).max(created + 1000);
        app.made.push(Made {
            id: id.clone(),
            by,
            created,
            begins,
            ends: begins + run,
            succeeds,
            cancelled: None,
            commit,
        });
        id
    }

    /// Starts what others have started by now.
    pub(crate) fn catch_up(&mut self) {
        let now = self.now();
        for at in 0..self.apps.len() {
            while self.apps[at]
                .others
                .first()
                .is_some_and(|other| other.at <= now)
            {
                let Other {
                    at: created,
                    run,
                    succeeds,
                } = self.apps[at].others.remove(0);
                self.push(at, By::Others, created, run, OTHER, succeeds);
            }
        }
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

    /// What the page of a service answers to a check.
    fn visit(&self, host: &str) -> Response {
        let at = host.trim_start_matches('s').split('.').next().unwrap();
        let app = &self.apps[at.parse::<usize>().unwrap()];
        let live = app.live(self.now());
        Response {
            status: if app.passes(live) { 200 } else { 503 },
            headers: HeaderMap::new(),
            // So that nobody takes another deployment for this one.
            body: Ok(live.id.clone().into_bytes()),
        }
    }

    fn serve(&mut self, request: &Request) -> Response {
        self.catch_up();
        let host = request.url.host_str().unwrap();
        if host != "api.sevalla.com" {
            return self.visit(host);
        }
        let path = request.url.path().trim_start_matches("/v3/").to_owned();
        let segments: Vec<&str> = path.split('/').collect();
        let is_post = request.method == Method::POST;
        let (tier, limit) = match segments.as_slice() {
            [.., "logs"] => ("logs".to_owned(), 30),
            // Each service has its own.
            ["applications" | "static-sites", id, ..] if is_post => ((*id).to_owned(), 10),
            _ => ("reads".to_owned(), 400),
        };
        let (left, reset) = self.take(tier, limit);
        let body = request.body.as_deref().unwrap_or(b"null");
        let body: Value = serde_json::from_slice(body).unwrap();
        let (status, body) = match left {
            None => (429, json!({"message": "Too many requests"})),
            Some(_) => self.answer(is_post, &segments, &body),
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

    fn answer(&mut self, is_post: bool, segments: &[&str], body: &Value) -> (u16, Value) {
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
            (false, ["applications" | "static-sites", _]) => {
                let at = app.unwrap();
                (200, record(at, self.apps[at].kind))
            }
            (false, [_, _, "domains"]) => (200, json!({"data": [], "total": 0})),
            (false, [_, _, "deployments"]) => {
                let app = &self.apps[app.unwrap()];
                let all = app.made.iter().rev();
                let all = all.map(|made| describe(app.kind, made, now));
                let all: Vec<Value> = all.collect();
                (
                    200,
                    json!({"total": all.len(), "data": all, "offset": 0, "limit": 100}),
                )
            }
            (false, [.., "logs"]) => (200, json!([])),
            (false, [_, _, "deployments", id]) => {
                let app = &self.apps[app.unwrap()];
                let found = app.made.iter().find(|made| made.id == *id);
                found.map_or(missing, |made| (200, describe(app.kind, made, now)))
            }
            (true, [_, _, "deployments"] | [_, _, "deployments", "rollback"]) => {
                let at = app.unwrap();
                let run = self.apps[at].run;
                let version = self.version(at, body);
                let id = if version == NEW && body["deployment_id"].is_null() {
                    self.add(at, By::Trigger, now, run, NEW)
                } else {
                    self.add(at, By::Rollback, now, 20_000, version)
                };
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

    /// The version that a start asks for: that of an earlier deployment, of an image,
    /// or of the branch.
    fn version(&self, at: usize, body: &Value) -> &'static str {
        let made = &self.apps[at].made;
        if let Some(id) = body["deployment_id"].as_str() {
            return made.iter().find(|made| made.id == id).unwrap().commit;
        }
        let asked = body["docker_image"].as_str();
        let versions = [OLD, OTHER, NEW].into_iter();
        let found = versions
            .clone()
            .find(|commit| asked == Some(&image(commit)));
        found.unwrap_or(NEW)
    }

    fn described(&self, at: usize, id: &str) -> Value {
        let app = &self.apps[at];
        let made = app.made.iter().find(|made| made.id == id);
        describe(app.kind, made.unwrap(), self.now())
    }
}

/// The image of a version.
pub(crate) fn image(commit: &str) -> String {
    format!("r/app:{}", &commit[..4])
}

fn record(app: usize, kind: Kind) -> Value {
    let is_image = kind == Kind::Image;
    json!({
        "id": id_of(app), "name": format!("app-{app}"), "display_name": format!("App {app}"),
        "status": "deploymentSuccess", "type": "app",
        "source": if is_image { "dockerImage" } else { "privateGit" },
        "docker_image": is_image.then(|| image(OLD)),
        "default_branch": (!is_image).then_some("main"), "hostname": format!("s{app}.example"), "auto_deploy": false, "is_suspended": false,
        "created_at": time(-1_000_000_000), "updated_at": time(-1_000_000),
    })
}

fn describe(kind: Kind, made: &Made, now: i64) -> Value {
    let status = made.status(now);
    let has_ended = !matches!(status, "waiting" | "inProgress");
    let end = made.cancelled.unwrap_or(made.ends);
    let (origin, trigger) = match made.by {
        By::Others => ("automatic", "AUTO_DEPLOY_ON_PUSH"),
        By::Rollback if kind != Kind::Image => ("manual", "ROLLBACK_DEPLOYMENT"),
        _ => ("manual", "MANUAL_DEPLOY"),
    };
    let is_image = kind == Kind::Image;
    let steps: &[&str] = match made.by {
        By::Others => &["build", "rollout"],
        _ => &[],
    };
    json!({
        "id": made.id, "status": status, "type": origin, "trigger": trigger, "steps": steps,
        "branch": (!is_image).then_some("main"), "commit_message": "Fix",
        "commit_sha": (!is_image).then_some(made.commit),
        "docker_image_url": (kind != Kind::StaticSite).then(|| image(made.commit)),
        "created_at": time(made.created), "updated_at": time(made.created),
        "started_at": (status != "waiting").then(|| time(made.begins)),
        "finished_at": has_ended.then(|| time(end)),
    })
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
