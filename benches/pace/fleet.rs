//! Many runners of one company, in virtual time: the real limiter and the real
//! pace against a model of the service's read limit.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};
use sevalla_deploy::deployment::{Deployment, DeploymentId, Status};
use sevalla_deploy::schedule::Backoff;
use sevalla_deploy::sevalla::limits::{self, Budget};
use sevalla_deploy::sevalla::operation::Tier;
use sevalla_deploy::watch::pace::Pace;
use tokio::task::LocalSet;
use tokio::time::{Instant, advance, sleep};

use super::dice::Dice;
use super::episodes::{Case, history, moment};

/// Reads a minute that the service allows a company.
pub(crate) const LIMIT: u32 = 400;

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
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// When each request was made, and whether it was refused.
    pub(crate) requests: Vec<(Duration, bool)>,
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

/// The service's side: a window that is filled up again at its end.
struct Company {
    began: Instant,
    window: Instant,
    used: u32,
    requests: Vec<(Duration, bool)>,
}

impl Company {
    /// Takes a request; its headers, and whether it is carried out.
    fn answer(&mut self) -> (HeaderMap, bool) {
        if self.window.elapsed() >= WINDOW {
            self.window = Instant::now();
            self.used = 0;
        }
        let is_refused = self.used >= LIMIT;
        self.used += u32::from(!is_refused);
        self.requests.push((self.began.elapsed(), is_refused));
        let left = WINDOW.saturating_sub(self.window.elapsed());
        let seconds = left.as_millis().div_ceil(1000);
        let headers = [
            ("x-ratelimit-limit", LIMIT.to_string()),
            ("x-ratelimit-remaining", (LIMIT - self.used).to_string()),
            ("x-ratelimit-reset", seconds.to_string()),
        ];
        let headers = headers.map(|(name, value)| {
            let value = value.parse().expect("a number is a value");
            (HeaderName::from_static(name), value)
        });
        (HeaderMap::from_iter(headers), !is_refused)
    }
}

impl Fleet {
    /// Lets them all run to their ends. Needs paused time.
    pub(crate) async fn run(self) -> Outcome {
        // Nobody has begun at the first moment of a window.
        advance(Duration::from_secs(1)).await;
        let company = Rc::new(RefCell::new(Company {
            began: Instant::now(),
            window: Instant::now(),
            used: 0,
            requests: Vec::new(),
        }));
        let runners = LocalSet::new();
        let handles: Vec<_> = (0..self.runners)
            .map(|number| {
                let runner = Runner {
                    company: Rc::clone(&company),
                    budget: Budget::default(),
                    dice: Dice::new(u64::from(number) << 20),
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
        outcome.requests = std::mem::take(&mut company.borrow_mut().requests);
        outcome
    }
}

struct Runner {
    company: Rc<RefCell<Company>>,
    budget: Budget,
    dice: Dice,
}

impl Runner {
    async fn run(mut self, fleet: Fleet, number: u32) -> Life {
        let between = fleet.starts / fleet.runners;
        sleep(between * number + between.mul_f64(self.dice.chance())).await;
        let began = Instant::now();
        for _ in 0..READS_BEFORE {
            self.pause().await;
            while let Err(asked) = self.read().await {
                sleep(asked).await;
            }
        }
        let length = Duration::from_secs_f64(fleet.case.draw(&mut self.dice));
        let ended = Instant::now() + QUEUE + length;
        let seen = self.follow(fleet, length, began + DEADLINE).await;
        Life {
            began,
            ended: Instant::now(),
            lag: seen.map(|seen| (seen - ended).as_secs_f64()),
        }
    }

    /// Looks until the end is seen; the moment of it.
    async fn follow(
        &mut self,
        fleet: Fleet,
        length: Duration,
        deadline: Instant,
    ) -> Option<Instant> {
        let past: Vec<f64> = (0..10).map(|_| fleet.case.draw(&mut self.dice)).collect();
        let mut dice = self.dice.clone();
        let pace = Pace::new(history(&past), Box::new(move || dice.chance()));
        let mut waits = &pace;
        let created = Instant::now();
        pace.see(&deployment(Duration::ZERO), self.load());
        let mut wait = waits.next_backoff()?;
        while Instant::now() + wait < deadline {
            sleep(wait).await;
            self.pause().await;
            wait = match self.read().await {
                Ok(asked) if asked - created >= QUEUE + length => return Some(Instant::now()),
                Ok(asked) => {
                    pace.see(&deployment(asked - created), self.load());
                    waits.next_backoff()?
                }
                Err(asked) => asked.max(Duration::from_secs(1)),
            };
        }
        None
    }

    fn load(&self) -> f64 {
        self.budget.load(Tier::Read)
    }

    /// The client's wait before a request that is not a repeated one.
    async fn pause(&mut self) {
        let pause = self.budget.pause(Tier::Read);
        sleep(pause.least + pause.spread.mul_f64(self.dice.chance())).await;
    }

    /// A read as the client makes it: when the service took it, or how long to
    /// wait after a refusal.
    async fn read(&mut self) -> Result<Instant, Duration> {
        self.budget.spend();
        let taken = Instant::now();
        let (headers, is_fine) = self.company.borrow_mut().answer();
        sleep(LATENCY).await;
        self.budget.told(Tier::Read, &headers);
        if is_fine {
            return Ok(taken);
        }
        let asked = limits::asked_wait(429, &headers).unwrap_or_default();
        Err(asked + asked.mul_f64(self.dice.chance() / 5.0))
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
