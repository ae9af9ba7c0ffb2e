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
    /// What a look at the run is worth, in seconds of delay.
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
    pub fn affording(self, alone: Duration) -> Self {
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
        sight.hear(share);
        sight.afford(self.affordable(sight, now));
    }

    /// Takes in what an answer has shown of the company's budget, although not
    /// of the deployment.
    pub fn hear(&self, share: Option<BudgetShare>) {
        if let Some(sight) = &mut *self.sight.borrow_mut() {
            sight.hear(share);
            sight.afford(self.affordable(sight, Instant::now()));
        }
    }

    fn first_sight(&self, kind: HistoryKind, stage: DeploymentStage, now: Instant) -> Observation {
        Observation {
            kind,
            stage,
            began: None,
            seen: now,
            first: now,
            clock: ServiceClock::default(),
            spacing: Duration::ZERO,
            queue: self.past.queue(),
            run: self.past.run(kind),
            is_known_well: self.past.good(kind).len() >= WELL_KNOWN,
            price: 0.0,
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
        self.clock.hear(seen.created_at, now);
        self.clock.hear(seen.started_at, now);
        self.clock.hear(seen.finished_at, now);
        self.began = match stage {
            DeploymentStage::Queue => seen.created_at,
            // A start before the creation is the mistake of a clock.
            DeploymentStage::Run => seen.started_at.max(seen.created_at),
        };
    }

    fn afford(&mut self, spacing: Duration) {
        if let Some(run) = self.run.as_ref().filter(|_| spacing != self.spacing) {
            self.price = run.price(spacing);
        }
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
                let end = run(0.0).max(self.settled(now));
                // To see the start is worth a look only while they are cheap.
                if self.spacing > 2 * ALONE {
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
    fn settled(&self, now: Instant) -> Duration {
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
    told: Option<(Timestamp, Instant)>,
}

impl ServiceClock {
    fn hear(&mut self, time: Option<Timestamp>, now: Instant) {
        let is_later = |time: &Timestamp| self.read(now).is_none_or(|read| *time > read);
        if let Some(time) = time.filter(is_later) {
            self.told = Some((time, now));
        }
    }

    fn read(&self, now: Instant) -> Option<Timestamp> {
        let (time, heard) = self.told?;
        time.checked_add(now.duration_since(heard)).ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::deployment::DeploymentId;
    use crate::sevalla::limits::BudgetSample;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn running(created: i64, started: i64) -> Deployment {
        Deployment {
            status: Status::InProgress,
            created_at: at(created),
            started_at: at(started),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    /// Ten that took about this long.
    fn past(seconds: i64) -> History {
        let deployments: Vec<Deployment> = (-5..5)
            .map(|more| Deployment {
                status: Status::Success,
                finished_at: at(seconds + more),
                ..running(0, 0)
            })
            .collect();
        History::of(&deployments)
    }

    /// So many that took exactly this long.
    fn alike(seconds: i64, count: usize) -> History {
        let one = Deployment {
            status: Status::Success,
            finished_at: at(seconds),
            ..running(0, 0)
        };
        History::of(&vec![one; count])
    }

    /// For somebody who can afford less than a look in five seconds.
    fn pace(past: History, chance: f64) -> PollSchedule {
        PollSchedule::new(past, Box::new(move || chance)).affording(Duration::from_secs(10))
    }

    fn wait(pace: &PollSchedule) -> Duration {
        let mut waits = pace;
        waits.next_backoff().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_clocks_need_not_agree() {
        // Whatever the service's clock says, a run that we have seen to start
        // a minute after its creation is as old as that.
        for now in [0, 1_772_000_000, 200_000_000_000] {
            let pace = pace(past(100), 0.5);
            let waiting = Deployment {
                status: Status::Waiting,
                started_at: None,
                ..running(now, now)
            };
            pace.see(&waiting, None);
            advance(Duration::from_secs(155)).await;
            pace.see(&running(now, now + 60), None);
            assert!(wait(&pace) < Duration::from_secs(3), "{:?}", wait(&pace));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn times_that_make_no_sense_give_no_age() {
        for (created, started) in [(1000, 0), (0, 100_000_000_000), (-5_000_000, -9_000_000)] {
            let pace = pace(past(100), 0.5);
            pace.see(&running(created, started), None);
            assert_eq!(wait(&pace), LONGEST_WAIT, "{created} {started}");
            advance(Duration::from_secs(95)).await;
            assert!(wait(&pace) < Duration::from_secs(3));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn with_nothing_known_looks_are_quick_at_first_and_four_seconds_apart_then() {
        let pace = PollSchedule::new(History::default(), Box::new(|| 1.0));
        assert!(wait(&pace) < Duration::from_millis(1500));
        pace.see(&running(0, 0), None);
        let mut waits = Vec::new();
        for _ in 0..10 {
            waits.push(wait(&pace));
            advance(wait(&pace)).await;
        }
        assert!(waits[0] < Duration::from_millis(1500) && waits[1] < Duration::from_secs(2));
        assert_eq!(waits[9], Duration::from_millis(3850));
    }

    #[tokio::test(start_paused = true)]
    async fn one_odd_deployment_does_not_blind_us() {
        let pace = pace(alike(20_000, 1), 0.5);
        pace.see(&running(0, 0), None);
        for seconds in [5, 5] {
            advance(Duration::from_secs(seconds)).await;
        }
        assert!(wait(&pace) <= Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_began_together_part() {
        let waits = [0.0, 0.3, 1.0].map(|chance| {
            let pace = pace(past(100), chance);
            pace.see(&running(0, 0), None);
            wait(&pace)
        });
        assert!(waits[0] < waits[1] && waits[1] < waits[2]);
        assert_eq!(waits[2], LONGEST_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_seconds_is_seen_within_seconds() {
        for (seconds, length, count) in [
            (0, 0.0, 3),
            (1, 1.3, 20),
            (2, 2.6, 3),
            (4, 5.2, 20),
            (8, 10.4, 10),
        ] {
            let pace = pace(alike(seconds, count), 0.5);
            pace.see(&running(0, 0), None);
            let began = Instant::now();
            let mut looks = 0;
            // One that takes half a minute longer than ever.
            while began.elapsed() < Duration::from_secs(30) {
                let wait = wait(&pace);
                let most = began.elapsed().mul_f64(0.5) + Duration::from_millis(2500);
                let most = most.max(Duration::from_secs(1).mul_f64(length));
                assert!(wait <= most, "{seconds} {:?} {wait:?}", began.elapsed());
                advance(wait).await;
                looks += 1;
            }
            assert!((5..12).contains(&looks), "{seconds}: {looks}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_before_what_takes_seconds_is_not_looked_at_every_second() {
        for (seconds, count) in [(0, 20), (1, 3), (1, 20), (2, 20)] {
            let pace = pace(alike(seconds, count), 0.5);
            let waiting = Deployment {
                status: Status::Waiting,
                started_at: None,
                ..running(0, 0)
            };
            let began = Instant::now();
            let mut looks = 0;
            while began.elapsed() < Duration::from_secs(300) {
                pace.see(&waiting, None);
                advance(wait(&pace)).await;
                looks += 1;
            }
            assert!(looks < 45, "{seconds}: {looks}");
        }
    }

    fn share(runs: f64, remaining: f64, pressure: f64) -> BudgetShare {
        let at = Instant::now();
        BudgetShare {
            seen: BudgetSample {
                limit: 400.0,
                remaining,
                ends: at + Duration::from_secs(30),
                at,
            },
            runs,
            rate: None,
            pressure,
            crowd: runs,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn looks_grow_dear_with_the_number_of_runs_and_for_what_lasts_with_the_rate() {
        let prices = |seconds, shares: &[(f64, f64)]| -> Vec<f64> {
            let pace = PollSchedule::new(past(seconds), Box::new(|| 0.5));
            let price = |(runs, pressure): &(f64, f64)| {
                pace.see(&running(0, 0), Some(share(*runs, 300.0, *pressure)));
                pace.sight.borrow().as_ref().map(|sight| sight.price)
            };
            shares.iter().filter_map(price).collect()
        };
        let by_number = prices(100, &[(1.0, 0.0), (40.0, 0.0), (100.0, 0.0), (1000.0, 0.0)]);
        assert!(
            by_number.is_sorted() && by_number[0] * 20.0 < by_number[3],
            "{by_number:?}"
        );
        let by_rate = prices(600, &[(1.0, 0.0), (1.0, 0.7), (1.0, 0.9), (1.0, 1.0)]);
        assert!(
            by_rate.is_sorted() && by_rate[0] * 20.0 < by_rate[3],
            "{by_rate:?}"
        );
        // A burst passes: it shows no more than that this window runs short.
        let burst = prices(100, &[(1.0, 0.0), (1.0, 0.8), (1.0, 1.0)]);
        assert!(burst[0].total_cmp(&burst[1]).is_eq(), "{burst:?}");
        assert!(
            burst[1] < burst[2] && burst[2] < burst[0] * 20.0,
            "{burst:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_for_others_is_not_taken() {
        let pace = pace(past(10), 0.5);
        advance(Duration::from_secs(8)).await;
        let next = |remaining| {
            pace.see(&running(0, 0), Some(share(1.0, remaining, 0.0)));
            wait(&pace)
        };
        assert!(next(100.0) < Duration::from_secs(30));
        assert!(next(11.0) < Duration::from_secs(30));
        assert!(next(9.0) > Duration::from_secs(30));
        assert!(next(0.0) < Duration::from_secs(62));
    }
}
