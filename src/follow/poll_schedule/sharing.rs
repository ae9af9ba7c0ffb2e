//! What many runs that share a company's budget leave to each of them: how often
//! a look is affordable, and when there is room for one.

use std::time::Duration;

use tokio::time::Instant;

use super::{ALONE, ALONE_AND_BLIND, DeploymentStage, Observation, PollSchedule};
use crate::forecast::mixture::{SHORTEST_WAIT, longest_wait};
use crate::sevalla::limits::{BudgetShare, SMALL};

/// The part of a window's budget that the looks of all runs may take together.
const PLANNED: f64 = 0.85;

/// What is left of it for triggers, and for runs that come and do not know yet
/// what is left.
const RESERVE: f64 = 0.1;

/// What is left of it in requests if nothing lasts: few runs come meanwhile.
const RESERVE_OF_A_BURST: f64 = 8.0;

/// Where deployments last, and their runs need more than this part of the budget,
/// more runs come than have shown: then looks are planned for a longer time than
/// a window, and the time between them grows more than in proportion, since looks
/// that are moved to the next window come late.
const OVERLOADED: f64 = 2.0;
const PLANNED_WHEN_OVERLOADED: f64 = 200.0;
const MORE_THAN_PROPORTIONAL: f64 = 1.15;

/// From this part of the budget on that all runs need, none looks for the start.
const TIGHT: f64 = 0.1;

/// The least share of a window: a run may look at least once.
const LEAST_SHARE: f64 = 0.25;

/// How much longer the time between looks becomes by the number of runs alone.
const LONGEST_BY_NUMBER: f64 = 15.0;

/// How much longer that time becomes by the rate at which the budget is used.
const LONGEST_BY_RATE: f64 = 200.0;

/// How fast it becomes longer then.
const STEEPNESS: f64 = 16.0;

/// From this part of a window's budget on, the rate counts.
const PRESSED: f64 = 0.5;

/// What takes longer than this is no burst: the rate counts. In seconds.
const LASTING: f64 = 150.0;

/// The longest wait where the end is likely, in times of the deviation.
const DUE: f64 = 0.65;

/// The longest wait of that kind in a burst.
const DUE_IN_A_BURST: f64 = 0.5;

/// The longest wait there in times of the age, where that is more.
const DUE_BY_AGE: f64 = 0.1;
const DUE_BY_AGE_IN_A_BURST: f64 = 0.05;

/// The longest wait there is no shorter than this.
const LEAST_DUE: Duration = Duration::from_millis(4200);

/// The looks that a run makes in a window at most where it follows several
/// deployments: it needs requests to start others too.
const MOST_OF_ONE_RUN: f64 = 80.0;

/// From this time between looks on, they are kept for when the end is likely.
const DEAR: Duration = Duration::from_secs(12);

/// How much longer the longest wait is long before that, where it lasts.
const LONG_BEFORE: u32 = 4;

/// From this time between looks on, it is longer.
const SHORT: Duration = Duration::from_secs(20);

/// How likely it must be that a deployment still runs by then, to wait so long.
const STILL_RUNNING: f64 = 0.4;

/// A window of the service, in seconds.
const WINDOW: f64 = 60.0;

/// How far looks are spread that a window has no room for.
const LONGEST_TURN: Duration = Duration::from_secs(40);

/// From so many runs on, they may have begun together.
pub(super) const MANY: f64 = 4.0;

impl PollSchedule {
    /// The time between looks that is affordable: longer by what all runs need
    /// in a window, by what is left of this one, and, for what lasts, by the rate
    /// at which the budget goes.
    pub(super) fn affordable(&self, sight: &Observation, now: Instant) -> Duration {
        let Some(share) = &sight.share else {
            return self.alone;
        };
        if share.followed > 1.0 {
            // How fast the budget goes is this run's own doing, and how many they are
            // is known.
            let own = (share.seen.limit / share.runs).min(MOST_OF_ONE_RUN);
            let spacing = WINDOW * share.followed / (PLANNED * own);
            return self.alone.max(Duration::from_secs_f64(spacing.floor()));
        }
        let by_rate = if sight.lasts() || now.duration_since(sight.first).as_secs_f64() > LASTING {
            (STEEPNESS * (share.pressure - PRESSED)).exp()
        } else {
            1.0
        };
        let longer = self
            .by_number(sight, share)
            .max(sight.by_window(share, now));
        let longer = longer.clamp(1.0, LONGEST_BY_NUMBER);
        self.alone.mul_f64(longer.max(by_rate.min(LONGEST_BY_RATE)))
    }

    /// What all runs need of a window's budget, as a part of what is planned.
    fn by_number(&self, sight: &Observation, share: &BudgetShare) -> f64 {
        let planned = PLANNED * share.seen.limit;
        let needed = share.runs * sight.looks_alone(WINDOW, self.alone) / planned;
        if sight.lasts() && needed > OVERLOADED {
            let runs = share.runs.max(share.crowd);
            let looks = sight.looks_alone(PLANNED_WHEN_OVERLOADED, self.alone);
            return (runs * looks / planned).powf(MORE_THAN_PROPORTIONAL);
        }
        needed
    }

    /// How long after a reset: all that wait for it would else come in the same
    /// moment.
    pub(super) fn turn(&self, share: &BudgetShare, wait: Duration) -> Duration {
        let all = (WINDOW * share.runs / share.seen.limit).min(WINDOW);
        let all = Duration::from_secs_f64(all);
        wait.max(SHORTEST_WAIT).max(all).mul_f64(self.draw())
    }

    /// The wait, or a longer one: into the next window where what is left of
    /// this one is for others.
    pub(super) fn sparing(&self, share: &BudgetShare, wait: Duration, lasts: bool) -> Duration {
        let now = Instant::now();
        let (seen, moment) = (&share.seen, now + wait);
        let reserve = RESERVE * seen.limit;
        let reserve = if lasts {
            reserve
        } else {
            reserve.min(RESERVE_OF_A_BURST)
        };
        if let Some(left) = share.left_at(moment) {
            if left >= reserve && seen.remaining - 2.0 >= reserve {
                return wait;
            }
            let to_the_end = seen.ends.saturating_duration_since(now);
            return to_the_end + SHORTEST_WAIT + self.turn(share, wait);
        }
        let into = (moment - seen.ends).as_secs_f64() % WINDOW;
        if share.rate.unwrap_or_default() * into <= seen.limit - reserve {
            return wait;
        }
        let turn = wait.min(LONGEST_TURN).mul_f64(self.draw());
        wait + Duration::from_secs_f64(WINDOW - into) + SHORTEST_WAIT + turn
    }
}

impl Observation {
    /// How long it has run: not at all while it waits.
    fn run_age(&self, now: Instant) -> f64 {
        match self.stage {
            DeploymentStage::Queue => 0.0,
            DeploymentStage::Run => self.age(now),
        }
    }

    /// The looks of somebody who is alone, in the first `seconds` at most.
    fn looks_alone(&self, seconds: f64, alone: Duration) -> f64 {
        match &self.run {
            Some(run) => run.usual().0.min(seconds) / alone.as_secs_f64(),
            None => seconds / ALONE_AND_BLIND.as_secs_f64(),
        }
    }

    /// The looks that are worth their price until the window ends, in times of
    /// this run's share of what is left.
    fn by_window(&self, share: &BudgetShare, now: Instant) -> f64 {
        let left = share.seen.ends.saturating_duration_since(now);
        let reserve = RESERVE_OF_A_BURST.min(RESERVE * share.seen.limit);
        let ours = ((share.seen.remaining - reserve) / share.runs).max(LEAST_SHARE);
        let looks = match &self.run {
            Some(run) => run.expected_looks(self.run_age(now), left, self.price_alone),
            None => left.div_duration_f64(ALONE_AND_BLIND),
        };
        looks / ours
    }

    /// Whether looks for the start would take what is needed for the end.
    pub(super) fn is_tight(&self) -> bool {
        let looks = self.looks_alone(WINDOW, ALONE);
        self.share
            .is_some_and(|share| share.runs * looks > TIGHT * share.seen.limit)
    }

    /// Whether it usually takes longer than a burst.
    pub(super) fn lasts(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| run.usual().0 > LASTING)
    }

    /// The longest wait: longer than usual only where the company's budget has
    /// no room for that, and not much longer than the time in which the end is
    /// likely, once that has come.
    pub(super) fn longest(&self, now: Instant) -> Duration {
        let longest = longest_wait(self.spacing);
        let is_dear = self.spacing > DEAR;
        let Some(run) = self.run.as_ref().filter(|_| is_dear) else {
            return longest;
        };
        let ((median, sigma), is_queued) = (run.usual(), self.stage == DeploymentStage::Queue);
        let age = self.run_age(now);
        if median > LASTING && age < median * (-3.0 * sigma).exp() {
            return longest * LONG_BEFORE;
        }
        if is_queued || age < median * (-2.5 * sigma).exp() {
            return longest;
        }
        let (due, by_age) = if self.lasts() {
            (DUE, DUE_BY_AGE)
        } else {
            (DUE_IN_A_BURST, DUE_BY_AGE_IN_A_BURST)
        };
        let due = due * self.spacing.div_duration_f64(SHORT).clamp(1.0, 1.6);
        let due = Duration::try_from_secs_f64((due * sigma * median).max(by_age * age));
        longest.min(due.unwrap_or(longest)).max(LEAST_DUE)
    }

    /// When the end is due, where a small budget may be used up until the reset
    /// by runs that have begun together, of which nothing shows yet.
    pub(super) fn due_after_a_burst(&self, share: &BudgetShare) -> Option<Duration> {
        let is_small = share.seen.limit < SMALL && share.runs >= MANY;
        let run = self.run.as_ref()?;
        let now = Instant::now();
        let left = share.seen.ends.saturating_duration_since(now);
        let goes_on = run.survival(left.as_secs_f64()) > STILL_RUNNING;
        let soon = left.as_secs_f64().min(run.usual().0);
        let needed = share.runs * soon / ALONE.as_secs_f64();
        let is_used_up = share.rate.is_none() && needed > share.seen.remaining;
        if !(is_small && is_used_up && goes_on) {
            return None;
        }
        let due = Duration::try_from_secs_f64(run.usual().0).ok()?;
        Some(due.saturating_sub(now.duration_since(self.first)))
    }
}
