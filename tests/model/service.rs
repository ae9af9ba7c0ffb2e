//! The service behind the API, as its fact sheet describes it: deployments
//! that wait, run one at a time and end, their logs, and the rate limits.
//! Nothing here knows how the runner works. Times are milliseconds since the
//! run began.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::wall_clock::BEGAN;

use crate::scenario::{Form, HookAnswer, Scenario, State, Target, Word};

pub(crate) const KEY: &str = "svl_5ecretkey0123456789abcdef0123456789abcdef0123456789abcdef012345";
pub(crate) const APP: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
pub(crate) const SITE: &str = "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11";
pub(crate) const HOOK: &str =
    "https://hook.sevalla.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/qwhooksecret";
/// The part of the hook's address that makes it a secret.
pub(crate) const HOOK_SECRET: &str = "qwhooksecret";

const MINUTE: u64 = 60_000;

/// A deployment.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    /// Before the run where it is negative.
    pub(crate) created: i64,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) status: &'static str,
    pub(crate) by: By,
    pub(crate) automatic: bool,
    trigger: Option<&'static str>,
    pub(crate) branch: Option<&'static str>,
    image: Option<&'static str>,
    ready: i64,
    run: u64,
    succeeds: bool,
    pub(crate) cancel_asked: bool,
}

/// Who asked for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The request of the run with this number.
    Us(usize),
    Somebody,
}

/// What happens by itself at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A write of the run reaches the service, or is taken up by it.
    Arrives(usize),
    OtherDeploys(usize),
    MayStart,
    Finishes(usize),
    SomebodyCancels(usize),
    Stops(usize),
}

/// The budgets of the rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tier {
    Read,
    Logs,
    Deployment,
    /// The hook, of which no limit is known.
    None,
}

/// What a request asks of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Record,
    List {
        limit: usize,
    },
    Trigger {
        body: Vec<u8>,
    },
    Hook,
    Get {
        id: String,
    },
    Cancel {
        id: String,
    },
    Logs {
        id: String,
        from: i64,
        to: i64,
        limit: usize,
    },
    Domains,
    Key,
    Capabilities,
    /// What the API does not have.
    Unknown,
}

impl Ask {
    pub(crate) const fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Trigger { .. } | Self::Hook | Self::Cancel { .. }
        )
    }

    pub(crate) const fn is_start(&self) -> bool {
        matches!(self, Self::Trigger { .. } | Self::Hook)
    }

    pub(crate) const fn tier(&self) -> Tier {
        match self {
            Self::Trigger { .. } | Self::Cancel { .. } => Tier::Deployment,
            Self::Logs { .. } => Tier::Logs,
            Self::Hook => Tier::None,
            _ => Tier::Read,
        }
    }
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// The seconds until it is filled up.
    pub(crate) reset: u64,
}

/// What the service answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) left: Option<Left>,
    /// The id and status of a deployment that it tells.
    pub(crate) tells: Option<(String, &'static str)>,
    /// The deployments that it lists, and whether each could be the run's.
    pub(crate) lists: Vec<(String, bool)>,
}

pub(crate) struct Service {
    scenario: Scenario,
    pub(crate) deployments: Vec<Deployment>,
    running: Option<usize>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    writes: HashMap<usize, Ask>,
    answers: HashMap<usize, Answer>,
    /// What the run took of each budget, by window.
    taken: HashMap<(Tier, u64), u64>,
}

impl Service {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut service = Self {
            scenario: scenario.clone(),
            deployments: Vec::new(),
            running: None,
            events: BinaryHeap::new(),
            sequence: 0,
            writes: HashMap::new(),
            answers: HashMap::new(),
            taken: HashMap::new(),
        };
        service.make_history();
        for (number, other) in scenario.others.iter().enumerate() {
            service.schedule(other.at, Event::OtherDeploys(number));
        }
        service
    }

    fn make_history(&mut self) {
        let count = i64::try_from(self.scenario.service.history).unwrap_or_default();
        for age in (1..=count).rev() {
            let created = -age * 600_000;
            let status = if age % 3 == 0 { "failed" } else { "success" };
            self.add(created, By::Somebody, 30_000, true);
            if let Some(past) = self.deployments.last_mut() {
                past.started = Some(created + 1000);
                past.ended = Some(created + 31_000);
                past.status = status;
            }
        }
        if let Some(remaining) = self.scenario.service.busy {
            self.add(-20_000, By::Somebody, remaining + 15_000, true);
            if let Some(busy) = self.deployments.last_mut() {
                busy.started = Some(-15_000);
                busy.status = "inProgress";
            }
            let index = self.deployments.len() - 1;
            self.running = Some(index);
            self.schedule(remaining, Event::Finishes(index));
        }
    }

    fn add(&mut self, created: i64, by: By, run: u64, succeeds: bool) {
        let number = self.deployments.len();
        let seed = self.scenario.seed & 0xffff_ffff;
        self.deployments.push(Deployment {
            id: format!("{seed:08x}-0000-4000-8000-{number:012x}"),
            created,
            started: None,
            ended: None,
            status: "waiting",
            by,
            automatic: false,
            trigger: self.word("MANUAL_DEPLOY"),
            branch: self.scenario.branch(),
            image: self.scenario.image(),
            ready: created,
            run,
            succeeds,
            cancel_asked: false,
        });
    }

    /// The service's word for what started a deployment.
    fn word(&self, documented: &'static str) -> Option<&'static str> {
        match self.scenario.service.listing.word {
            Word::Documented => Some(documented),
            Word::New => Some("STARTED_BY_REQUEST"),
            Word::Null => None,
        }
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence, event)));
    }

    /// A write of the run is on its way and is taken up at this moment,
    /// whoever still waits for the answer.
    pub(crate) fn expect(&mut self, at: u64, number: usize, ask: Ask) {
        self.writes.insert(number, ask);
        self.schedule(at, Event::Arrives(number));
    }

    /// The answer to a write that was taken up.
    pub(crate) fn answer_of(&mut self, number: usize) -> Option<Answer> {
        self.answers.remove(&number)
    }

    /// Lets everything happen up to a moment.
    pub(crate) fn advance(&mut self, to: u64) {
        while let Some(Reverse((at, _, event))) = self.events.peek().copied() {
            if at > to {
                return;
            }
            self.events.pop();
            self.happen(at, event);
        }
    }

    fn happen(&mut self, at: u64, event: Event) {
        let now = signed(at);
        match event {
            Event::Arrives(number) => {
                if let Some(ask) = self.writes.remove(&number) {
                    let answer = self.serve(at, number, &ask);
                    self.answers.insert(number, answer);
                }
            }
            Event::OtherDeploys(number) => self.other_deploys(at, number),
            Event::MayStart => self.may_start(at),
            Event::Finishes(index) => {
                let deployment = &mut self.deployments[index];
                if deployment.ended.is_none() {
                    deployment.status = if deployment.succeeds {
                        "success"
                    } else {
                        "failed"
                    };
                    deployment.ended = Some(now);
                    self.running = None;
                    self.may_start(at);
                }
            }
            Event::SomebodyCancels(index) => {
                self.stop(at, index);
            }
            Event::Stops(index) => {
                let deployment = &mut self.deployments[index];
                if deployment.ended.is_none() {
                    deployment.status = "cancelled";
                    deployment.ended = Some(now);
                    self.running = None;
                    self.may_start(at);
                }
            }
        }
    }

    fn other_deploys(&mut self, at: u64, number: usize) {
        let other = self.scenario.others[number].clone();
        self.pass_over(at);
        self.add(signed(at), By::Somebody, other.run, true);
        if let Some(made) = self.deployments.last_mut() {
            if !other.same_branch {
                made.branch = made.branch.map(|_| "feature/other");
                made.image = made.image.map(|_| "registry.example.com/app:old");
            }
            if other.automatic {
                made.automatic = true;
                made.trigger = Some("AUTO_DEPLOY_ON_PUSH");
            }
        }
        self.may_start(at);
    }

    /// A new deployment passes over those that wait, where the service does so.
    fn pass_over(&mut self, at: u64) {
        if self.scenario.service.overtakes {
            let waiting = self
                .deployments
                .iter_mut()
                .filter(|d| d.status == "waiting");
            for deployment in waiting {
                deployment.status = "skipped";
                deployment.ended = Some(signed(at));
            }
        }
    }

    fn may_start(&mut self, at: u64) {
        let now = signed(at);
        if self.running.is_some() {
            return;
        }
        let first = self.deployments.iter().position(|d| d.status == "waiting");
        let Some(index) = first else { return };
        let deployment = &mut self.deployments[index];
        if deployment.ready > now {
            let ready = deployment.ready.unsigned_abs();
            return self.schedule(ready, Event::MayStart);
        }
        deployment.status = "inProgress";
        deployment.started = Some(now);
        let end = at + deployment.run;
        self.running = Some(index);
        self.schedule(end, Event::Finishes(index));
    }

    /// Answers a request of the run that arrives now. A write is carried out.
    pub(crate) fn serve(&mut self, at: u64, number: usize, ask: &Ask) -> Answer {
        self.advance(at);
        if let Some(refused) = self.refused(at, ask) {
            return refused;
        }
        let left = match self.take(at, ask.tier()) {
            Ok(left) => left,
            Err(left) => {
                return Answer {
                    status: 429,
                    body: error(429, "Too many requests"),
                    left: Some(left),
                    ..plain(0, String::new())
                };
            }
        };
        let mut answer = self.carry_out(at, number, ask);
        answer.left = left;
        answer
    }

    fn refused(&self, at: u64, ask: &Ask) -> Option<Answer> {
        let faults = &self.scenario.faults;
        let is_closed = faults.closed.filter(|(from, _)| at >= *from);
        let may_not_read = faults.write_only && !ask.is_write();
        let (_, status) = is_closed.or(may_not_read.then_some((0, 403)))?;
        // Services have been seen to repeat the key they refuse.
        let text = format!("The key {KEY} may not do this");
        (*ask != Ask::Hook).then(|| plain(status, error(status, &text)))
    }

    /// Takes one from a budget; the error is what is left: nothing.
    fn take(&mut self, at: u64, tier: Tier) -> Result<Option<Left>, Left> {
        let crowd = &self.scenario.crowd;
        let (limit, others) = match tier {
            Tier::Read => (400, crowd.reads),
            Tier::Logs => (30, crowd.logs),
            Tier::Deployment => (10, crowd.deployments),
            Tier::None => return Ok(None),
        };
        let since = at + crowd.offset;
        let others = others * (since % MINUTE) / MINUTE;
        let reset = (MINUTE - since % MINUTE).div_ceil(1000);
        let ours = self.taken.entry((tier, since / MINUTE)).or_default();
        let left = limit - (others + *ours).min(limit);
        let told = |remaining| Left {
            limit,
            remaining,
            reset,
        };
        if left == 0 {
            return Err(told(0));
        }
        *ours += 1;
        Ok(Some(told(left - 1)))
    }

    fn carry_out(&mut self, at: u64, number: usize, ask: &Ask) -> Answer {
        match ask {
            Ask::Record => plain(200, self.record()),
            Ask::List { limit } => self.list(at, *limit),
            Ask::Trigger { body } => self.trigger(at, number, body),
            Ask::Hook => self.hook(at, number),
            Ask::Get { id } => self.get(at, id),
            Ask::Cancel { id } => self.cancel(at, id),
            Ask::Logs {
                id,
                from,
                to,
                limit,
            } => plain(200, self.logs(at, id, (*from, *to), *limit)),
            Ask::Domains => plain(200, DOMAINS.to_owned()),
            Ask::Key => plain(
                200,
                json!({"name": "ci", "expires_at": null, "company_id": APP, "status": "active"})
                    .to_string(),
            ),
            Ask::Capabilities => plain(
                200,
                json!({"name": "ci", "capabilities": [{"permission": "APP:READ"}]}).to_string(),
            ),
            Ask::Unknown => plain(404, error(404, "Route not found")),
        }
    }

    fn record(&self) -> String {
        let service = &self.scenario.service;
        let status = match service.state {
            State::Deleting => json!("deleting"),
            State::Ready | State::Suspended => json!("deploymentSuccess"),
        };
        let target = self.scenario.inputs.target;
        let is_image = target == Target::ImageApp;
        json!({
            "id": if target == Target::Site { SITE } else { APP },
            "name": "shop-x1", "display_name": "shop", "status": status, "type": "app",
            "source": if is_image { "dockerImage" } else { "privateGit" },
            "docker_image": is_image.then_some("registry.example.com/app:1"),
            "default_branch": if is_image { Value::Null } else { json!("main") },
            "auto_deploy": service.auto_deploy,
            "is_suspended": service.state == State::Suspended,
            "hostname": "shop-x1.sevalla.page", "is_preview_enabled": false,
            "created_at": self.time(-1_000_000_000), "updated_at": self.time(-600_000),
        })
        .to_string()
    }

    fn list(&self, at: u64, limit: usize) -> Answer {
        let lag = signed(self.scenario.service.list_lag);
        let visible = self.deployments.iter().rev();
        let visible = visible.filter(|d| d.by == By::Somebody || d.created + lag <= signed(at));
        let page: Vec<&Deployment> = visible.take(limit).collect();
        let data: Vec<Value> = page.iter().map(|d| self.describe(at, d)).collect();
        let total = self.deployments.len();
        let body = json!({"data": data, "total": total, "offset": 0, "limit": limit});
        let lists = page
            .iter()
            .map(|d| (d.id.clone(), self.could_be_the_runs(d)));
        Answer {
            lists: lists.collect(),
            ..plain(200, body.to_string())
        }
    }

    /// Whether the request of the run could have made this deployment, by all
    /// that the service will ever tell of it. Only a push and another branch
    /// prove that it has not.
    fn could_be_the_runs(&self, deployment: &Deployment) -> bool {
        let scenario = &self.scenario;
        let is_hook = matches!(scenario.inputs.target, Target::Hook { .. });
        let is_by_push = deployment.automatic && !is_hook;
        let is_named = scenario.service.listing.form != Form::Unclear;
        let is_another_branch =
            scenario.asks_for_branch() && is_named && deployment.branch != scenario.branch();
        !is_by_push && !is_another_branch
    }

    fn trigger(&mut self, at: u64, number: usize, body: &[u8]) -> Answer {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body @ Value::Object(_)) => body,
            _ => return plain(400, error(400, "Body must be object")),
        };
        let restart = body.get("is_restart") == Some(&json!(true));
        self.create(at, number);
        let is_site = self.scenario.inputs.target == Target::Site;
        let Some(made) = self.deployments.last_mut() else {
            return plain(500, String::new());
        };
        let (id, status) = (made.id.clone(), made.status);
        let word = self.word("RESTART");
        if let Some(made) = self.deployments.last_mut().filter(|_| restart) {
            made.trigger = word;
        }
        let described = self.deployments.last().map(|d| self.describe(at, d));
        let mut described = described.unwrap_or_default();
        let is_odd = self.scenario.service.odd_id;
        if is_odd {
            described["id"] = json!(format!("deployment-{number}"));
        }
        Answer {
            tells: (!is_odd).then_some((id, status)),
            ..plain(if is_site { 201 } else { 200 }, described.to_string())
        }
    }

    fn create(&mut self, at: u64, number: usize) {
        self.pass_over(at);
        let (run, succeeds) = (self.scenario.service.run, self.scenario.service.succeeds);
        self.add(signed(at), By::Us(number), run, succeeds);
        let queue = signed(self.scenario.service.queue);
        if let Some(made) = self.deployments.last_mut() {
            made.ready = signed(at) + queue;
        }
        self.schedule(at + self.scenario.service.queue, Event::MayStart);
        if let Some(after) = self.scenario.service.stopped_after {
            let index = self.deployments.len() - 1;
            self.schedule(at + after, Event::SomebodyCancels(index));
        }
    }

    fn hook(&mut self, at: u64, number: usize) -> Answer {
        self.create(at, number);
        let odd = self.scenario.seed.is_multiple_of(2);
        let Some(made) = self.deployments.last_mut() else {
            return plain(500, String::new());
        };
        // How a hook's deployment is called is not documented.
        made.automatic = odd;
        made.trigger = odd.then_some("DEPLOY_HOOK");
        let id = made.id.clone();
        let answer = match self.scenario.inputs.target {
            Target::Hook { answer, .. } => answer,
            _ => HookAnswer::NoId,
        };
        let body = match answer {
            HookAnswer::Deployment => json!({"deployment": {"id": id}}),
            HookAnswer::DeploymentId => json!({"deploymentId": id}),
            HookAnswer::NoId => return plain(200, "ok".to_owned()),
        };
        Answer {
            tells: Some((id, "unknown")),
            ..plain(200, body.to_string())
        }
    }

    fn get(&self, at: u64, id: &str) -> Answer {
        let lag = signed(self.scenario.service.get_lag);
        let found = self.deployments.iter().find(|d| d.id == id);
        match found.filter(|d| d.created + lag <= signed(at)) {
            Some(deployment) => Answer {
                tells: Some((deployment.id.clone(), deployment.status)),
                ..plain(200, self.describe(at, deployment).to_string())
            },
            None => plain(404, error(404, "Deployment not found")),
        }
    }

    fn cancel(&mut self, at: u64, id: &str) -> Answer {
        let Some(index) = self.deployments.iter().position(|d| d.id == id) else {
            return plain(404, error(404, "Deployment not found"));
        };
        let age = signed(at) - self.deployments[index].created;
        let refuses = signed(self.scenario.service.refuses_cancel);
        if self.deployments[index].ended.is_none() && age < refuses {
            let status = [400, 404, 409][index % 3];
            return plain(status, error(status, "The deployment is not known yet"));
        }
        if !self.stop(at, index) {
            return plain(400, error(400, "The deployment cannot be cancelled"));
        }
        self.deployments[index].cancel_asked = true;
        plain(
            200,
            json!({"message": "Deployment is being cancelled"}).to_string(),
        )
    }

    /// Takes a waiting deployment out of the queue, or begins to stop a running
    /// one; `false` if it has ended.
    fn stop(&mut self, at: u64, index: usize) -> bool {
        let stops = at + self.scenario.service.cancel_lag;
        let deployment = &mut self.deployments[index];
        if deployment.ended.is_some() {
            return false;
        }
        if deployment.status == "waiting" {
            deployment.status = "skipped";
            deployment.ended = Some(signed(at));
        } else {
            self.schedule(stops, Event::Stops(index));
        }
        true
    }

    /// The lines of a log that are readable now.
    fn logs(&self, at: u64, id: &str, window: (i64, i64), limit: usize) -> String {
        let Some(deployment) = self.deployments.iter().find(|d| d.id == id) else {
            return "[]".to_owned();
        };
        let log = &self.scenario.log;
        let mut lines: Vec<Value> = self
            .lines(deployment)
            .into_iter()
            .enumerate()
            .filter(|(number, line)| {
                let lag = if log.is_uneven {
                    (signed(log.lag) * ((signed(*number as u64) * 7) % 5)) / 4
                } else {
                    signed(log.lag)
                };
                let micros = self.micros(*line);
                *line + lag <= signed(at) && micros >= window.0 && micros <= window.1
            })
            .map(|(number, line)| self.entry(deployment, number, line))
            .collect();
        if log.newest_first {
            lines.reverse();
        }
        lines.truncate(limit);
        Value::Array(lines).to_string()
    }

    /// When the lines of a deployment's log are written so far; the last one
    /// at its end.
    pub(crate) fn lines(&self, deployment: &Deployment) -> Vec<i64> {
        let Some(started) = deployment.started else {
            return Vec::new();
        };
        // No two in one millisecond: nobody could tell their order.
        let count = signed(self.scenario.log.lines.min(deployment.run));
        let step = signed(deployment.run) / count.max(1);
        let until = deployment.ended.unwrap_or(i64::MAX);
        let mut lines: Vec<i64> = (0..count).map(|n| started + n * step).collect();
        lines.retain(|line| *line < until);
        lines.extend(deployment.ended);
        lines
    }

    fn entry(&self, deployment: &Deployment, number: usize, line: i64) -> Value {
        // The build prints what it was given, secrets too.
        let message = format!("step {number} with {KEY} and {HOOK_SECRET} at {HOOK}");
        json!({
            "id": format!("{}/{number}", deployment.id),
            "message": message,
            "service": "APP_DEPLOYMENT",
            "severity": if number.is_multiple_of(4) { "WARN" } else { "INFO" },
            "timestamp": "2026-03-01 00:00:00.000",
            "tags": {}, "attributes": {},
            "unix_timestamp": self.micros(line),
        })
    }

    /// Branch and image as the service writes them at this moment.
    fn names(&self, at: u64, deployment: &Deployment) -> (Option<String>, Option<String>) {
        let listing = &self.scenario.service.listing;
        let plain = |name: Option<&str>| name.map(str::to_owned);
        let is_of_the_past = deployment.created < 0;
        if is_of_the_past {
            return (plain(deployment.branch), plain(deployment.image));
        }
        if deployment.created + signed(listing.late) > signed(at) {
            return (None, None);
        }
        let host = |image: &str| image.replace("registry.example", "Registry.Example");
        let image = deployment.image.map(host);
        match listing.form {
            Form::Same => (plain(deployment.branch), plain(deployment.image)),
            Form::Full => (
                deployment.branch.map(|name| format!("refs/heads/{name}")),
                image,
            ),
            Form::Remote => (
                deployment.branch.map(|name| format!("origin/{name}")),
                image,
            ),
            Form::Unclear => {
                let built = "us-central1-docker.pkg.dev/project/repo/image:abc123";
                (None, image.map(|_| built.to_owned()))
            }
        }
    }

    fn describe(&self, at: u64, deployment: &Deployment) -> Value {
        let (branch, image) = self.names(at, deployment);
        let time = |at: Option<i64>| at.map(|at| self.time(at));
        let mut described = json!({
            "id": deployment.id,
            "status": deployment.status,
            "type": if deployment.automatic { "automatic" } else { "manual" },
            "branch": branch,
            "commit_sha": deployment.started.map(|_| "0123456789abcdef0123456789abcdef01234567"),
            "commit_message": "Fix the shop",
            "created_at": self.time(deployment.created),
            "updated_at": self.time(deployment.created),
            "started_at": time(deployment.started),
            "finished_at": time(deployment.ended),
        });
        if self.scenario.inputs.target != Target::Site {
            described["trigger"] = json!(deployment.trigger);
            described["docker_image_url"] = json!(image);
            described["app_id"] = json!(APP);
            // What is restarted was built before.
            let is_restart = self.scenario.inputs.restart && deployment.by != By::Somebody;
            described["steps"] = if is_restart {
                json!(["rollout"])
            } else {
                json!(["checkout", "build", "rollout"])
            };
        }
        described
    }

    /// A moment by the service's clock, in microseconds since 1970.
    fn micros(&self, at: i64) -> i64 {
        (BEGAN + self.scenario.service.skew * 1000 + at) * 1000
    }

    fn time(&self, at: i64) -> String {
        let time = Timestamp::from_microsecond(self.micros(at)).unwrap_or_default();
        format!("{time:.3}")
    }
}

const DOMAINS: &str = r#"{"data":[{"id":"d","name":"shop-x1.sevalla.app","status":"ACTIVE",
    "type":"SYSTEM","is_enabled":true,"is_wildcard":false,"is_primary":true}],"total":1}"#;

fn plain(status: u16, body: String) -> Answer {
    Answer {
        status,
        body,
        left: None,
        tells: None,
        lists: Vec::new(),
    }
}

pub(crate) fn error(status: u16, message: &str) -> String {
    let data = json!({"code": "x-1", "message": format!("see {HOOK}")});
    json!({"message": message, "status": status, "data": data}).to_string()
}

pub(crate) fn signed(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
