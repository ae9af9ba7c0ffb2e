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
const RESERVE: f64 = 0.07;

/// The same in requests where nothing lasts: few come meanwhile.
const RESERVE_OF_A_BURST: f64 = 8.0;

/// No run makes more looks in a window than it would in this time.
const MOST_PLANNED: f64 = 75.0;

/// How many times as many it plans where it lasts: more runs come meanwhile.
const PLANNED_WHEN_LASTING: f64 = 2.7;

/// How much longer the time between looks becomes by the number of runs alone.
const LONGEST_BY_NUMBER: f64 = 15.0;

/// The same by the rate at which the budget goes.
const LONGEST_BY_RATE: f64 = 200.0;

/// How fast it becomes longer then.
const STEEPNESS: f64 = 16.0;

/// From this part of a window's budget on, the rate counts.
const PRESSED: f64 = 0.5;

/// The same for what does not last.
const PRESSED_BY_A_BURST: f64 = 0.8;

/// How much longer the time between looks becomes in a burst, for each part of
/// the budget beyond that: twice as long where all of it goes.
const STEEPNESS_IN_A_BURST: f64 = 5.0;

/// How much more than in proportion to the number of runs the time between
/// looks grows where it lasts: looks moved to the next window come late.
const MORE_THAN_PROPORTIONAL: f64 = 1.15;

/// What takes longer than this is no burst: the rate counts. In seconds.
const LASTING: f64 = 150.0;

/// The longest wait where the end is likely, in times of the deviation.
const DUE: f64 = 0.65;

/// The same of what does not last.
const DUE_IN_A_BURST: f64 = 0.5;

/// The looks that a run makes in a window at most where it follows several
/// deployments: it needs requests to start others too.
const MOST_OF_ONE_RUN: f64 = 80.0;

/// From this time between looks on, they are kept for when the end is likely.
const DEAR: Duration = Duration::from_millis(6500);

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
    /// The time between looks that is affordable. It grows with the number of
    /// runs that would need more than a window's budget together, and with the
    /// rate at which the budget goes, steeply for what lasts longer than a burst.
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
        let usual = sight.run.as_ref().map(|run| run.usual().0);
        let (most, growth) = if usual > Some(LASTING) {
            (PLANNED_WHEN_LASTING, MORE_THAN_PROPORTIONAL)
        } else {
            (1.0, 1.0)
        };
        let looks = usual.map_or(60.0 / ALONE_AND_BLIND.as_secs_f64(), |usual| {
            usual.min(MOST_PLANNED * most) / self.alone.as_secs_f64()
        });
        let by_number = share.runs * looks / (PLANNED * share.seen.limit);
        let age = now.duration_since(sight.first).as_secs_f64();
        let by_rate = if usual.unwrap_or_default().max(age) > LASTING {
            (STEEPNESS * (share.pressure - PRESSED)).exp()
        } else {
            1.0 + STEEPNESS_IN_A_BURST * (share.pressure - PRESSED_BY_A_BURST).max(0.0)
        };
        let longer = by_number.powf(growth).clamp(1.0, LONGEST_BY_NUMBER);
        let spacing = self.alone.mul_f64(longer.max(by_rate.min(LONGEST_BY_RATE)));
        // Whole seconds: prices that hardly differ are not worked out again.
        Duration::from_secs(spacing.as_secs())
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
    /// Of runs that last, there are more than those that show in a window.
    pub(super) fn hear(&mut self, share: Option<BudgetShare>) {
        let lasts = self.lasts();
        self.share = share.map(|share| BudgetShare {
            runs: if lasts {
                share.runs.max(share.crowd)
            } else {
                share.runs
            },
            ..share
        });
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
        let age = if is_queued { 0.0 } else { self.age(now) };
        if median > LASTING && age < median * (-3.0 * sigma).exp() {
            return longest * LONG_BEFORE;
        }
        if is_queued || age < median * (-2.5 * sigma).exp() {
            return longest;
        }
        let due = if self.lasts() { DUE } else { DUE_IN_A_BURST };
        let due = due * self.spacing.div_duration_f64(SHORT).clamp(1.0, 1.6);
        let due = Duration::try_from_secs_f64((due * sigma * median).max(0.1 * age));
        longest.min(due.unwrap_or(longest)).max(ALONE)
    }

    /// When the end is due, where a small budget may be used up until the reset
    /// by runs that have begun together, of which nothing shows yet.
    pub(super) fn due_after_a_burst(&self, share: &BudgetShare) -> Option<Duration> {
        let is_small = share.seen.limit < SMALL && share.runs >= MANY;
        let run = self.run.as_ref()?;
        let now = Instant::now();
        let left = share.seen.ends.saturating_duration_since(now);
        let goes_on = run.survival(left.as_secs_f64()) > STILL_RUNNING;
        if !(is_small && share.rate.is_none() && goes_on) {
            return None;
        }
        let due = Duration::try_from_secs_f64(run.usual().0).ok()?;
        Some(due.saturating_sub(now.duration_since(self.first)))
    }
}
