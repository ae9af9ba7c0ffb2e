//! [`PollSchedule`]: how long until the next look at the status. Pure; the
//! status loop waits and looks.
//!
//! It depends on the forecast of the end, on the age of the deployment, and on
//! the reads that the company's budget leaves to this run. Times of the service
//! are compared only with times of the service, so a difference between its
//! clock and ours does not matter.

mod sharing;

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::deployment::{Deployment, Status};
use crate::follow::log_phases::LineEvidence;
use crate::forecast::Estimate;
use crate::forecast::history::{History, HistoryKind, PastSuccess, TypicalDuration};
use crate::forecast::mixture::{LONGEST_WAIT, LogNormal, Mixture, SHORTEST_WAIT, longest_wait};
use crate::sevalla::limits::BudgetShare;

/// What looks are affordable to somebody who is alone, on average: the
/// service's own action looks as often.
pub const ALONE: Duration = Duration::from_secs(5);

/// The time between looks if nothing is known of the end and the budget is
/// idle.
const ALONE_AND_BLIND: Duration = Duration::from_millis(3500);

/// What is known better needs fewer looks: those that are saved may be spent.
const PRICE_WHEN_SHOWN: f64 = 0.45;

/// How likely it is that a line means what it meant the last time.
const TRUSTED: f64 = 0.95;

/// How far what is left lies from what was left, at the least.
const LEAST_SPREAD: f64 = 0.1;

/// The longest wait there.
pub const LONGEST_WAIT_WHEN_SHARED: Duration = Duration::from_secs(300);

/// The first wait when nothing is known.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Every further one then, in times of all the waiting so far: looks that are
/// few for long times and early for short ones, whatever the time may be.
const GROWTH: f64 = 2.0;

/// Every further wait while the budget is idle, in times of all the waiting so
/// far.
const GROWTH_WHEN_IDLE: f64 = 0.33;

/// The longest wait in a queue of which nothing shows how long it is.
const LONGEST_IN_QUEUE: Duration = Duration::from_secs(9);

/// From so many past deployments on, the age is not a bound any more: before,
/// what ends sooner than the few others is seen after three times its length at
/// the latest.
const WELL_KNOWN: usize = 3;

/// A start that is seen late costs less than an end: the deployment continues.
const PRICE_OF_A_START: f64 = 10.0;

/// Waits are this part shorter or longer, at random, so that runners that
/// began together do not stay in step.
const JITTER: f64 = 0.1;

/// The jitter of waits that are so long only because many share a budget: all
/// runs that have seen it run short would otherwise return together.
const JITTER_WHEN_SHARED: f64 = 0.3;

/// Draws a number from zero to one.
pub type Rng = Box<dyn FnMut() -> f64>;

/// The waits between looks at one deployment. Made by the
/// [`Follower`](super::Follower).
pub struct PollSchedule {
    past: History,
    chance: RefCell<Rng>,
    alone: Duration,
    sight: RefCell<Option<Observation>>,
}

/// The last look, and the forecast of the stage that runs.
struct Observation {
    kind: HistoryKind,
    stage: DeploymentStage,
    /// When the stage began, by the service's clock.
    began: Option<Timestamp>,
    /// When we first saw the stage.
    seen: Instant,
    /// When we first saw the deployment.
    first: Instant,
    clock: ServiceClock,
    /// The time between looks that the budget leaves to this run.
    spacing: Duration,
    queue: Option<Mixture>,
    run: Option<Mixture>,
    /// Whether enough is known to be blind for a long time.
    is_known_well: bool,
    /// What a look at the run is worth to somebody who is alone, in seconds of
    /// delay.
    price_alone: f64,
    /// What a look at the run is worth if others share the budget.
    price: f64,
    /// What is known of the company's budget.
    share: Option<BudgetShare>,
    /// Whether no look has been planned yet.
    is_first: bool,
    /// What the log has shown of the end.
    shown: Option<LogProgress>,
}

/// The progress that a line of the log has shown.
struct LogProgress {
    /// The age at which it came, in seconds.
    at: f64,
    /// The forecast of what is left from there.
    rest: Mixture,
    doing: Option<&'static str>,
}

impl LogProgress {
    fn left(&self, age: f64) -> Duration {
        self.rest.median_left((age - self.at).max(0.0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeploymentStage {
    Queue,
    Run,
}

impl DeploymentStage {
    fn of(seen: &Deployment) -> Self {
        match seen.status {
            Status::Waiting => Self::Queue,
            Status::InProgress => Self::Run,
            _ if seen.started_at.is_some() => Self::Run,
            _ => Self::Queue,
        }
    }
}

impl PollSchedule {
    /// A schedule from past deployments, for a run that is alone. `chance`
    /// draws a number from zero to one.
    pub fn new(past: History, chance: Rng) -> Self {
        Self {
            past,
            chance: RefCell::new(chance),
            alone: ALONE,
            sight: RefCell::default(),
        }
    }

    /// With this time between looks on average for a run that is alone.
    #[must_use]
    pub fn with_spacing(self, alone: Duration) -> Self {
        Self { alone, ..self }
    }

    /// How long deployments of this kind usually take.
    pub fn usual(&self, kind: HistoryKind) -> Option<TypicalDuration> {
        TypicalDuration::of(&self.past, kind)
    }

    /// How much longer what was seen running will probably run, and how many of
    /// a hundred took less than it has taken so far; `None` without a past, or
    /// while it waits.
    pub fn estimate(&self) -> Option<Estimate> {
        let sight = self.sight.borrow();
        let sight = sight
            .as_ref()
            .filter(|sight| sight.stage == DeploymentStage::Run)?;
        let usual = self.usual(sight.kind)?;
        let seconds = sight.age(Instant::now());
        let age = Duration::try_from_secs_f64(seconds).ok()?;
        let shown = sight.shown.as_ref();
        Some(Estimate {
            left: shown.map_or_else(|| usual.left(age), |shown| shown.left(seconds)),
            percent_below: usual.percent_below(age),
            of: usual.count(),
            doing: shown.and_then(|shown| shown.doing),
        })
    }

    /// The success whose log is most like that of what is followed, and when it
    /// ran, if those times are comparable.
    pub fn last_success(&self) -> Option<(&PastSuccess, Option<(i64, i64)>)> {
        let kind = self.sight.borrow().as_ref()?.kind;
        let success = self.past.last_success(kind)?;
        Some((success, success.ran_as(kind)))
    }

    /// Takes in what a line of the log shows.
    pub fn learn(&self, evidence: LineEvidence) {
        if let Some(sight) = &mut *self.sight.borrow_mut() {
            sight.learn(evidence);
        }
    }

    /// The time by the service's clock, as far as it shows.
    pub fn service_time(&self) -> Option<Timestamp> {
        let sight = self.sight.borrow();
        sight.as_ref()?.clock.read(Instant::now())
    }

    /// Takes in what a look has shown. `share` is what is known of the company's
    /// budget.
    pub fn see(&self, seen: &Deployment, share: Option<BudgetShare>) {
        let now = Instant::now();
        let mut sight = self.sight.borrow_mut();
        let kind = HistoryKind::of(seen.trigger.as_deref());
        let sight = match &mut *sight {
            Some(before) if before.kind == kind => before,
            other => other.insert(self.first_sight(kind, DeploymentStage::of(seen), now)),
        };
        sight.see(seen, now);
        sight.share = share;
        sight.set_spacing(self.affordable(sight, now), self.alone);
    }

    /// Takes in what an answer has shown of the company's budget, although not
    /// of the deployment.
    pub fn observe(&self, share: Option<BudgetShare>) {
        if let Some(sight) = &mut *self.sight.borrow_mut() {
            sight.share = share;
            sight.set_spacing(self.affordable(sight, Instant::now()), self.alone);
        }
    }

    fn first_sight(&self, kind: HistoryKind, stage: DeploymentStage, now: Instant) -> Observation {
        let run = self.past.run(kind);
        let price = run.as_ref().map_or(0.0, |run| run.price(self.alone));
        Observation {
            kind,
            stage,
            began: None,
            seen: now,
            first: now,
            clock: ServiceClock::default(),
            spacing: Duration::ZERO,
            queue: self.past.queue(),
            run,
            is_known_well: self.past.good(kind).len() >= WELL_KNOWN,
            price_alone: price,
            price,
            share: None,
            is_first: true,
            shown: None,
        }
    }

    fn draw(&self) -> f64 {
        (self.chance.borrow_mut())().clamp(0.0, 1.0)
    }

    /// The wait with its jitter.
    fn jittered(&self, wait: Duration) -> Duration {
        let (jitter, longest) = if wait > LONGEST_WAIT {
            (JITTER_WHEN_SHARED, LONGEST_WAIT_WHEN_SHARED)
        } else {
            (JITTER, LONGEST_WAIT)
        };
        let jittered = wait.mul_f64(1.0 + jitter * (2.0 * self.draw() - 1.0));
        jittered.clamp(SHORTEST_WAIT, longest)
    }
}

impl Observation {
    fn see(&mut self, seen: &Deployment, now: Instant) {
        let stage = DeploymentStage::of(seen);
        if stage != self.stage {
            self.stage = stage;
            self.seen = now;
        }
        self.clock.observe(seen.created_at, now);
        self.clock.observe(seen.started_at, now);
        self.clock.observe(seen.finished_at, now);
        self.began = match stage {
            DeploymentStage::Queue => seen.created_at,
            // A start before the creation is the mistake of a clock.
            DeploymentStage::Run => seen.started_at.max(seen.created_at),
        };
    }

    fn set_spacing(&mut self, spacing: Duration, alone: Duration) {
        // Looks are as dense as the root of their price is small.
        let stretch = spacing.div_duration_f64(alone).max(1.0);
        self.price = self.price_alone * stretch * stretch;
        self.spacing = spacing;
    }

    /// Takes in how much was left when this line came the last time, unless it
    /// comes at quite another age: then it means something else.
    fn learn(&mut self, evidence: LineEvidence) {
        let line = Timestamp::from_microsecond(evidence.at_micros);
        let (Some(began), Ok(line), Some(run)) = (self.began, line, &self.run) else {
            return;
        };
        let at = line.duration_since(began).as_secs_f64();
        let (median, sigma) = run.usual();
        let (now, before) = (at.max(1.0), evidence.after.max(1.0));
        let is_alike = (now / before).ln().abs() <= 2.0 * sigma || (now - before).abs() < 3.0;
        if self.stage != DeploymentStage::Run || at < 0.0 || !is_alike {
            return;
        }
        // What has been slower so far will be so from here on, at least half.
        let left = evidence.left * (now / before).sqrt();
        let otherwise = (median - at).max(median / 10.0);
        let way = |weight, left: f64, sigma| LogNormal {
            weight,
            mu: left.max(1.0).ln(),
            sigma,
        };
        self.shown = Some(LogProgress {
            at,
            rest: Mixture::new(vec![
                way(TRUSTED, left, (sigma * 0.8).max(LEAST_SPREAD)),
                way(1.0 - TRUSTED, otherwise, sigma * median / otherwise),
            ]),
            doing: evidence.doing,
        });
    }

    /// How long the stage has lasted: by the service's times, and at least as
    /// long as we have seen it.
    fn age(&self, now: Instant) -> f64 {
        let by_service = self
            .began
            .zip(self.clock.read(now))
            .map(|(began, read)| read.duration_since(began).as_secs_f64());
        let seen = now.duration_since(self.seen).as_secs_f64();
        by_service.unwrap_or_default().max(seen)
    }

    fn wait(&self, now: Instant) -> Duration {
        let unknown = self.growing(now, self.longest_unknown());
        let longest = if self.is_known_well {
            self.longest(now)
        } else {
            self.growing(now, longest_wait(self.spacing))
        };
        let run = |age: f64| match (&self.shown, &self.run) {
            (Some(shown), Some(_)) => {
                let since = (age - shown.at).max(0.0);
                shown
                    .rest
                    .wait(since, self.price * PRICE_WHEN_SHOWN, longest)
            }
            (None, Some(run)) => run.wait(age, self.price, longest),
            (_, None) => unknown,
        };
        match self.stage {
            DeploymentStage::Run => run(self.age(now)),
            // It may start right after this look, and then end.
            DeploymentStage::Queue => {
                let price = self.price * PRICE_OF_A_START;
                let queue = self.queue.as_ref().filter(|_| self.run.is_some());
                let start =
                    queue.map_or(unknown, |queue| queue.wait(self.age(now), price, longest));
                let end = run(0.0).max(self.wait_in_queue(now));
                // To see the start is worth a look only while they are cheap.
                if self.spacing > 2 * ALONE || self.is_tight() {
                    end
                } else {
                    start.min(end)
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.spacing <= ALONE
    }

    /// A wait that is right whether it is a matter of seconds or of minutes.
    fn growing(&self, now: Instant, longest: Duration) -> Duration {
        let so_far = now.duration_since(self.first);
        let growth = if self.is_idle() {
            GROWTH_WHEN_IDLE
        } else {
            GROWTH
        };
        so_far
            .mul_f64(growth)
            .clamp(FIRST_WAIT, longest.max(FIRST_WAIT))
    }

    /// A wait that grows to what is affordable: nobody knows how long a queue
    /// is, however short what comes after it.
    fn wait_in_queue(&self, now: Instant) -> Duration {
        let so_far = now.duration_since(self.first);
        so_far
            .div_f64(GROWTH)
            .min(self.spacing.max(LONGEST_IN_QUEUE))
    }

    /// The longest wait when nothing is known: what is affordable, also with
    /// its jitter.
    fn longest_unknown(&self) -> Duration {
        if self.is_idle() {
            ALONE_AND_BLIND
        } else {
            self.spacing.div_f64(1.0 + JITTER).max(FIRST_WAIT)
        }
    }
}

impl Backoff for &PollSchedule {
    fn reset(&mut self) {
        self.sight.take();
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        let mut sight = self.sight.borrow_mut();
        let Some(sight) = sight.as_mut() else {
            return Some(self.jittered(FIRST_WAIT));
        };
        let mut wait = self.jittered(sight.wait(Instant::now()));
        let Some(share) = sight.share else {
            return Some(wait);
        };
        if std::mem::take(&mut sight.is_first) && share.runs >= sharing::MANY {
            // Those that began together part.
            wait = wait.mul_f64(1.0 - 0.6 * self.draw()).max(SHORTEST_WAIT);
        }
        if let Some(due) = sight.due_after_a_burst(&share) {
            let left = share.seen.ends.saturating_duration_since(Instant::now());
            let reset = left + SHORTEST_WAIT + self.turn(&share, SHORTEST_WAIT);
            wait = wait.max(reset).max(due.mul_f64(1.0 - JITTER * self.draw()));
        }
        Some(self.sparing(&share, wait, sight.lasts()))
    }
}

/// The service's clock, as far as it shows: at least as late as any time that
/// the service has sent.
#[derive(Debug, Default, Clone, Copy)]
struct ServiceClock {
    latest: Option<(Timestamp, Instant)>,
}

impl ServiceClock {
    fn observe(&mut self, time: Option<Timestamp>, now: Instant) {
        let is_later = |time: &Timestamp| self.read(now).is_none_or(|read| *time > read);
        if let Some(time) = time.filter(is_later) {
            self.latest = Some((time, now));
        }
    }

    fn read(&self, now: Instant) -> Option<Timestamp> {
        let (time, heard) = self.latest?;
        time.checked_add(now.duration_since(heard)).ok()
    }
}

#[cfg(test)]
mod tests;
