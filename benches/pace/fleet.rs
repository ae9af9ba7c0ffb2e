//! Many runners of one company, in virtual time: the real limiter and the real
//! pace of looks and of log readings against a model of the service's limits.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};
use sevalla_deploy::backoff::Backoff;
use sevalla_deploy::deployment::{Deployment, DeploymentId, Status};
use sevalla_deploy::follow::log_schedule::ReadBudgets;
use sevalla_deploy::follow::poll_schedule::PollSchedule;
use sevalla_deploy::http::retry_after::requested_wait;
use sevalla_deploy::sevalla::limits::{BudgetShare, RateLimits};
use sevalla_deploy::sevalla::operation::Tier;
use tokio::task::LocalSet;
use tokio::time::{Instant, advance, sleep};

use super::episodes::{Case, history, moment};
use testkit::Dice;

/// Reads a minute that the service allows a company.
pub(crate) const LIMIT: u32 = 400;

/// Log readings a minute.
const LOG_LIMIT: u32 = 30;

const WINDOW: Duration = Duration::from_secs(60);

/// From a request to its answer.
const LATENCY: Duration = Duration::from_millis(150);

/// From the creation of a deployment to its start.
const QUEUE: Duration = Duration::from_secs(3);

/// What a run reads before it starts a deployment: the record and the list.
const READS_BEFORE: u32 = 2;

/// A run that has not ended by then has failed.
const DEADLINE: Duration = Duration::from_secs(1800);

/// Runners of one company.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) runners: u32,
    /// They start within this time.
    pub(crate) starts: Duration,
    pub(crate) case: Case,
    /// By which part the services differ in their medians.
    pub(crate) spread: f64,
    /// Reads a minute, or, where there is one budget for all, requests.
    pub(crate) limit: u32,
    pub(crate) is_one: bool,
    pub(crate) rule: Rule,
    pub(crate) seed: u64,
}

/// How a runner follows its deployment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// As the program does, with its other requests.
    Program,
    /// A poll after each of these, and no other request.
    Every(Duration),
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// When each request was made, and whether it was refused.
    pub(crate) requests: Vec<(Duration, bool)>,
    /// Readings of the log, and those refused.
    pub(crate) readings: (u32, u32),
    /// In the order of the starts.
    runners: Vec<Life>,
}

/// From the start of a runner to its end.
#[derive(Debug)]
struct Life {
    began: Instant,
    ended: Instant,
    /// Seconds from the deployment's end to its being seen; `None` if the
    /// runner did not live to see it.
    lag: Option<f64>,
    has_read_log: bool,
}

impl Outcome {
    /// Which part of the requests was refused.
    pub(crate) fn refused(&self) -> f64 {
        mean(
            self.requests
                .iter()
                .map(|(_, is_refused)| f64::from(*is_refused)),
        )
    }

    pub(crate) fn failed(&self) -> usize {
        self.runners
            .iter()
            .filter(|life| life.lag.is_none())
            .count()
    }

    pub(crate) fn lag(&self) -> f64 {
        lag(&self.runners)
    }

    /// How many have shown nothing of their logs.
    pub(crate) fn without_log(&self) -> usize {
        let silent = self.runners.iter().filter(|life| !life.has_read_log);
        silent.count()
    }

    /// What nineteen of twenty do not exceed.
    pub(crate) fn late_lag(&self) -> f64 {
        let mut lags: Vec<f64> = self.runners.iter().filter_map(|life| life.lag).collect();
        lags.sort_by(f64::total_cmp);
        let index = (lags.len() * 19).div_ceil(20).saturating_sub(1);
        lags.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn lag_of_the_first(&self) -> f64 {
        lag(&self.runners[..self.tenth()])
    }

    pub(crate) fn lag_of_the_last(&self) -> f64 {
        lag(&self.runners[self.runners.len() - self.tenth()..])
    }

    fn tenth(&self) -> usize {
        self.runners.len().div_ceil(10)
    }

    /// How many lived at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        let alive = |at: Instant| {
            let lives = self.runners.iter();
            lives
                .filter(|life| life.began <= at && at < life.ended)
                .count()
        };
        let begins = self.runners.iter().map(|life| alive(life.began));
        begins.max().unwrap_or_default()
    }

    /// Requests in each minute from the first start on.
    pub(crate) fn per_minute(&self) -> Vec<u32> {
        let mut minutes = Vec::new();
        for (at, _) in &self.requests {
            let minute = usize::try_from(at.as_secs() / 60).unwrap_or_default();
            if minutes.len() <= minute {
                minutes.resize(minute + 1, 0);
            }
            minutes[minute] += 1;
        }
        minutes
    }
}

fn lag(lives: &[Life]) -> f64 {
    mean(lives.iter().filter_map(|life| life.lag))
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| {
        (sum + number, count + 1.0)
    });
    sum / f64::max(count, 1.0)
}

/// The service's side: windows that are filled up again at their ends.
struct Company {
    began: Instant,
    reads: Window,
    logs: Window,
    is_one: bool,
    readings: (u32, u32),
    requests: Vec<(Duration, bool)>,
}

struct Window {
    limit: u32,
    began: Instant,
    used: u32,
}

impl Company {
    /// Takes a request; its headers, and whether it is carried out.
    fn answer(&mut self, tier: Tier) -> (HeaderMap, bool) {
        let window = if tier == Tier::Logs && !self.is_one {
            &mut self.logs
        } else {
            &mut self.reads
        };
        let (headers, is_refused) = window.answer();
        self.requests.push((self.began.elapsed(), is_refused));
        if tier == Tier::Logs {
            self.readings.0 += 1;
            self.readings.1 += u32::from(is_refused);
        }
        (headers, !is_refused)
    }
}

impl Window {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            began: Instant::now(),
            used: 0,
        }
    }

    fn answer(&mut self) -> (HeaderMap, bool) {
        if self.began.elapsed() >= WINDOW {
            self.began = Instant::now();
            self.used = 0;
        }
        let is_refused = self.used >= self.limit;
        self.used += u32::from(!is_refused);
        let left = WINDOW.saturating_sub(self.began.elapsed());
        let seconds = left.as_millis().div_ceil(1000);
        let headers = [
            ("x-ratelimit-limit", self.limit.to_string()),
            (
                "x-ratelimit-remaining",
                (self.limit - self.used).to_string(),
            ),
            ("x-ratelimit-reset", seconds.to_string()),
        ];
        let headers = headers.map(|(name, value)| {
            let value = value.parse().expect("a number is a value");
            (HeaderName::from_static(name), value)
        });
        (HeaderMap::from_iter(headers), is_refused)
    }
}

impl Default for Fleet {
    /// A company's jobs start within ten minutes. Their deployments take so long
    /// that all run at the same time, under the documented limit.
    fn default() -> Self {
        Self {
            runners: 1,
            starts: Duration::from_secs(600),
            case: Case {
                median: 600.0,
                sigma: 0.15,
            },
            spread: 0.0,
            limit: LIMIT,
            is_one: false,
            rule: Rule::Program,
            seed: 0,
        }
    }
}

impl Fleet {
    /// What one of its services usually takes.
    fn usual(self, dice: &mut Dice) -> Case {
        Case {
            median: self.case.median * (1.0 + self.spread * (2.0 * dice.chance() - 1.0)),
            ..self.case
        }
    }

    /// Lets them all run to their ends. Needs paused time.
    pub(crate) async fn run(self) -> Outcome {
        // Nobody has begun at the first moment of a window.
        advance(Duration::from_secs(1)).await;
        let company = Rc::new(RefCell::new(Company {
            began: Instant::now(),
            reads: Window::new(self.limit),
            is_one: self.is_one,
            logs: Window::new(LOG_LIMIT),
            readings: (0, 0),
            requests: Vec::new(),
        }));
        let runners = LocalSet::new();
        let handles: Vec<_> = (0..self.runners)
            .map(|number| {
                let runner = Runner {
                    company: Rc::clone(&company),
                    budget: RefCell::default(),
                    dice: RefCell::new(Dice::new(u64::from(number) << 20 ^ self.seed)),
                    has_read_log: Cell::new(false),
                };
                runners.spawn_local(runner.run(self, number))
            })
            .collect();
        runners.await;
        let mut outcome = Outcome::default();
        for handle in handles {
            let life = handle.await.expect("a runner does not panic");
            outcome.runners.push(life);
        }
        let mut company = company.borrow_mut();
        outcome.readings = company.readings;
        outcome.requests = std::mem::take(&mut company.requests);
        outcome
    }
}

struct Runner {
    company: Rc<RefCell<Company>>,
    budget: RefCell<RateLimits>,
    dice: RefCell<Dice>,
    has_read_log: Cell<bool>,
}

impl Runner {
    async fn run(self, fleet: Fleet, number: u32) -> Life {
        let between = fleet.starts / fleet.runners;
        sleep(between * number + between.mul_f64(self.chance())).await;
        let began = Instant::now();
        for _ in 0..READS_BEFORE {
            self.pause(Tier::Read).await;
            while let Err(asked) = self.ask(Tier::Read).await {
                sleep(asked).await;
            }
        }
        if fleet.is_one {
            self.pause(Tier::Deployment).await;
            while let Err(asked) = self.ask(Tier::Deployment).await {
                sleep(asked).await;
            }
        }
        let usual = fleet.usual(&mut self.dice.borrow_mut());
        let length = Duration::from_secs_f64(usual.draw(&mut self.dice.borrow_mut()));
        let ended = Instant::now() + QUEUE + length;
        let deadline = began + DEADLINE;
        let seen = match fleet.rule {
            Rule::Program => self.follow_and_read(usual, length, deadline).await,
            Rule::Every(interval) => self.poll(interval, ended, deadline).await,
        };
        Life {
            began,
            ended: Instant::now(),
            lag: seen.map(|seen| (seen - ended).as_secs_f64()),
            has_read_log: self.has_read_log.get(),
        }
    }

    /// What the program does from the creation of a deployment on.
    async fn follow_and_read(
        &self,
        usual: Case,
        length: Duration,
        deadline: Instant,
    ) -> Option<Instant> {
        let created = Instant::now();
        let has_address = Cell::new(false);
        let seen = tokio::select! {
            seen = self.follow(usual, length, deadline) => seen,
            never = self.read_log() => match never {},
            never = self.ask_meanwhile(&has_address) => match never {},
        };
        if !has_address.get() && self.budget.borrow().frees_in(Tier::Read).is_zero() {
            let _refused = self.ask(Tier::Read).await;
        }
        if self
            .budgets()
            .has_one_left(created.elapsed(), self.chance())
        {
            self.has_read_log
                .set(self.ask(Tier::Logs).await.is_ok() || self.has_read_log.get());
        }
        seen
    }

    /// A loop with a fixed interval, for comparison.
    async fn poll(&self, interval: Duration, ended: Instant, deadline: Instant) -> Option<Instant> {
        while Instant::now() + interval < deadline {
            sleep(interval).await;
            if let Ok(asked) = self.ask(Tier::Read).await
                && asked >= ended
            {
                return Some(Instant::now());
            }
        }
        None
    }

    fn chance(&self) -> f64 {
        self.dice.borrow_mut().chance()
    }

    /// Looks until the end is seen; the moment of it.
    async fn follow(&self, usual: Case, length: Duration, deadline: Instant) -> Option<Instant> {
        let mut dice = self.dice.borrow().clone();
        let past: Vec<f64> = (0..10).map(|_| usual.draw(&mut dice)).collect();
        let pace = PollSchedule::new(history(&past), Box::new(move || dice.chance()));
        let mut waits = &pace;
        let created = Instant::now();
        pace.see(&deployment(Duration::ZERO), self.share(Tier::Read));
        let mut wait = waits.next_backoff()?;
        while Instant::now() + wait < deadline {
            sleep(wait).await;
            self.pause(Tier::Read).await;
            wait = match self.ask(Tier::Read).await {
                Ok(asked) if asked - created >= QUEUE + length => return Some(Instant::now()),
                Ok(asked) => {
                    pace.see(&deployment(asked - created), self.share(Tier::Read));
                    waits.next_backoff()?
                }
                Err(asked) => {
                    pace.observe(self.share(Tier::Read));
                    asked.max(waits.next_backoff()?)
                }
            };
        }
        None
    }

    /// Reads the key's end and the address where the budget has room.
    async fn ask_meanwhile(&self, has_address: &Cell<bool>) -> Infallible {
        let has_room = || self.share(Tier::Read).is_none_or(|share| share.has_room());
        if has_room() {
            let _refused = self.ask(Tier::Read).await;
        }
        while !has_room() {
            sleep(Duration::from_secs(5)).await;
        }
        has_address.set(self.ask(Tier::Read).await.is_ok());
        pending().await
    }

    /// Reads the log while the deployment runs.
    async fn read_log(&self) -> Infallible {
        let (mut last, mut is_first, turn) = (Instant::now(), true, self.chance());
        loop {
            let wait = self.budgets().wait(last.elapsed(), is_first, turn);
            if !wait.is_zero() {
                sleep(wait).await;
                continue;
            }
            is_first = false;
            let read = self.ask(Tier::Logs).await;
            self.has_read_log
                .set(read.is_ok() || self.has_read_log.get());
            last = Instant::now();
            sleep(read.err().unwrap_or_default()).await;
        }
    }

    fn budgets(&self) -> ReadBudgets {
        ReadBudgets {
            reads: self.share(Tier::Read),
            logs: self.share(Tier::Logs),
        }
    }

    fn share(&self, tier: Tier) -> Option<BudgetShare> {
        self.budget.borrow().share(tier)
    }

    /// The client's wait before a request that is not a repeated one.
    async fn pause(&self, tier: Tier) {
        let pause = self.budget.borrow().pause(tier);
        sleep(pause.least + pause.spread.mul_f64(self.chance())).await;
    }

    /// A request as the client makes it: when the service took it, or how long
    /// to wait after a refusal.
    async fn ask(&self, tier: Tier) -> Result<Instant, Duration> {
        self.budget.borrow_mut().spend();
        let taken = Instant::now();
        let (headers, is_fine) = self.company.borrow_mut().answer(tier);
        sleep(LATENCY).await;
        self.budget.borrow_mut().observe(tier, &headers);
        if is_fine {
            return Ok(taken);
        }
        let asked = requested_wait(429, &headers).unwrap_or_default();
        Err(asked + asked.mul_f64(self.chance() / 5.0))
    }
}

/// The deployment at this age. The service's clock is its own.
fn deployment(age: Duration) -> Deployment {
    let started: Option<Timestamp> = (age >= QUEUE).then(|| moment(QUEUE.as_secs_f64()));
    Deployment {
        status: if started.is_some() {
            Status::InProgress
        } else {
            Status::Waiting
        },
        created_at: Some(moment(0.0)),
        started_at: started,
        ..Deployment::only_its_id(DeploymentId("deployment".to_owned()))
    }
}
