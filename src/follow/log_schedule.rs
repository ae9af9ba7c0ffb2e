//! When to read the log: its rate limit is small and shared by the company's
//! runs. Pure; the log loop waits and reads.
//!
//! The company has 30 readings a minute. Half of them are for reading while
//! deployments run, so each of N runs reads once in N / 15 minutes; a quarter
//! if many do, since many also end. The last ten of a window are for runs whose
//! deployment fails. Reading less often loses no line: the cursor continues
//! where it was.

use std::time::Duration;

use tokio::time::Instant;

use crate::sevalla::limits::{BudgetShare, SMALL};

/// Between two readings of somebody who is alone.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Before the first reading: what runs has written something by then.
const FIRST: Duration = Duration::from_secs(2);

/// Readings of all runs in a minute, while deployments run.
const LIVE_IN_A_MINUTE: f64 = 15.0;

/// Readings of all runs in a minute while deployments run, if many read.
const LIVE_OF_MANY: f64 = 7.0;

/// Readings that are left to those that fail.
const KEPT_FOR_FAILURES: f64 = 10.0;

/// Readings for late lines after a failure.
const LATE_READINGS: f64 = 3.0;

/// Last readings of all runs in a minute where nothing is known of the window.
const LAST_IN_A_MINUTE: f64 = 12.0;

/// Up to so many runs, the kept readings are enough for all.
const FEW: f64 = 8.0;

/// Where the reads go faster than this, there are more runs than those that
/// show, by this factor: each looks rarely.
const PRESSED: f64 = 0.8;
const UNSEEN: f64 = 5.0;

/// From so many on, readings of many end as well.
const VERY_MANY: f64 = 15.0;

/// From so many on, they may have begun together.
const MANY: f64 = 4.0;

/// Where one budget is for all requests, what reading leaves of it.
const KEPT_FOR_LOOKS: f64 = 0.3;

/// What reading leaves of a budget for all requests, if many share it.
const KEPT_FOR_LOOKS_OF_MANY: f64 = 0.9;

/// How long to wait where nothing can be read, at least.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far readings are spread after the end of a window.
const LONGEST_TURN: Duration = Duration::from_secs(20);

/// How long to wait before looking at the budgets again.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

/// Both budgets, as the headers of responses show them.
#[derive(Debug, Default, Clone, Copy)]
pub struct ReadBudgets {
    /// Of plain reads.
    pub reads: Option<BudgetShare>,
    /// Of the readings of logs.
    pub logs: Option<BudgetShare>,
}

impl ReadBudgets {
    /// Whether others share them, as far as that shows.
    pub fn is_shared(&self) -> bool {
        self.runs() >= 2.0 || self.left().is_some_and(|(left, _)| left <= 0.0)
    }

    /// How many runs read logs, as far as that shows.
    fn runs(&self) -> f64 {
        let runs =
            |share: Option<BudgetShare>| share.map_or(1.0, |share| share.readers * share.followed);
        let seen = runs(self.reads).max(runs(self.logs));
        let is_pressed = self.reads.is_some_and(|reads| reads.pressure > PRESSED);
        if is_pressed && seen > FEW {
            seen * UNSEEN
        } else {
            seen
        }
    }

    /// Whether the log of another deployment may be read after a failure.
    pub fn has_room_to_compare(&self) -> bool {
        self.left().is_none_or(|(left, _)| left > LATE_READINGS)
    }

    /// What is left of this window's readings beyond what is kept, and when the
    /// window ends; `None` where nothing is known of it.
    fn left(&self) -> Option<(f64, Instant)> {
        let logs = self.logs.filter(|logs| logs.seen.ends > Instant::now())?;
        let kept = if self.is_one() {
            let kept = if self.runs() > FEW {
                KEPT_FOR_LOOKS_OF_MANY
            } else {
                KEPT_FOR_LOOKS
            };
            kept * logs.seen.limit
        } else {
            KEPT_FOR_FAILURES.min(logs.seen.limit / 2.0)
        };
        Some((logs.seen.remaining - kept, logs.seen.ends))
    }

    /// Whether requests of every kind draw on one budget.
    fn is_one(&self) -> bool {
        let limits = self.reads.zip(self.logs);
        limits.is_some_and(|(reads, logs)| reads == logs)
    }

    fn is_small(&self) -> bool {
        let limit = self.reads.map(|reads| reads.seen.limit);
        limit.is_some_and(|limit| limit < SMALL)
    }

    /// The time between two readings.
    fn interval(&self) -> Duration {
        let runs = self.runs();
        let all = if runs < VERY_MANY {
            LIVE_IN_A_MINUTE
        } else {
            LIVE_OF_MANY
        };
        INTERVAL.max(Duration::from_secs_f64(60.0 * runs / all))
    }

    /// How long to wait for the next reading; nothing if it is due. `since` is
    /// the time since the last one, or since the deployment began, `turn` a
    /// number from zero to one that this run keeps from reading to reading.
    pub fn wait(&self, since: Duration, is_first: bool, turn: f64) -> Duration {
        if let Some((left, ends)) = self.left()
            && left <= 0.0
        {
            let after = self.interval().mul_f64(turn).min(LONGEST_TURN);
            return ends.saturating_duration_since(Instant::now()) + after.max(PATIENCE);
        }
        // What the starts of many have left of a small budget does not show.
        if let Some(reads) = self.reads.filter(|reads| reads.rate.is_none())
            && self.is_small()
            && self.runs() >= MANY
        {
            let left = reads.seen.ends.saturating_duration_since(Instant::now());
            return left.max(PATIENCE);
        }
        let due = match is_first {
            true if self.runs() < MANY => FIRST,
            true => self.interval().mul_f64(turn).max(FIRST),
            false => self.interval(),
        };
        due.saturating_sub(since).min(LOOK_AGAIN)
    }

    /// Whether it is known that no reading is left before this moment.
    pub fn are_used_up_until(&self, moment: Instant) -> bool {
        let logs = self.logs.map(|logs| logs.seen);
        logs.is_some_and(|logs| logs.remaining < 1.0 && logs.ends >= moment)
    }

    /// Whether there is a reading after a success of a deployment of this age.
    /// Where nothing is known of the window, as many take one as it has room
    /// for, by chance.
    pub fn has_one_left(&self, age: Duration, chance: f64) -> bool {
        let runs = self.runs();
        match self.left() {
            Some((left, _)) => {
                left > 0.0 || runs <= FEW && self.logs.is_some_and(|logs| logs.seen.remaining > 0.0)
            }
            None if runs <= FEW => true,
            // It may not even be known yet that there is but one budget.
            None if self.is_small() => false,
            None => chance <= LAST_IN_A_MINUTE * age.as_secs_f64().max(1.0) / (60.0 * runs),
        }
    }
}

/// How late lines become readable, as far as that shows: by lines that a
/// reading has not brought although the service had written them before.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// When the previous reading was requested, by the service's clock, in
    /// microseconds.
    requested_at: Option<i64>,
    latest: Option<Duration>,
}

/// How late lines are where nothing shows it.
const USUAL: Duration = Duration::from_millis(300);

/// How much later than those seen they may be: clocks are compared through
/// answers.
const MARGIN: Duration = Duration::from_millis(200);

impl Lateness {
    /// Notes the time of the oldest line of a reading that was requested at
    /// this moment of the service's clock.
    pub(crate) fn note(&mut self, requested_at: Option<i64>, oldest: Option<i64>) {
        if let Some(before) = self.requested_at {
            let late = oldest.map(|at| before.saturating_sub(at));
            let late = late.and_then(|late| u64::try_from(late).ok());
            let late = Duration::from_micros(late.unwrap_or_default());
            // One line that was odd is not believed for long.
            self.latest = Some(late.max(self.latest.unwrap_or_default() / 2));
        }
        self.requested_at = requested_at;
    }

    /// How long after the end its last line can be read.
    pub(crate) fn of_the_last(&self) -> Duration {
        self.latest.unwrap_or(USUAL) + MARGIN
    }

    /// How long until then from the last reading, after an end at this moment
    /// of the service's clock; nothing once that reading must have brought it.
    pub(crate) fn missing(&self, ended: i64) -> Duration {
        let last = ended.saturating_add(micros(self.of_the_last()));
        let missing = self
            .requested_at
            .map_or(0, |requested_at| last.saturating_sub(requested_at));
        Duration::from_micros(u64::try_from(missing).unwrap_or_default())
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sevalla::limits::BudgetSample;

    fn share(limit: f64, remaining: f64, runs: f64) -> BudgetShare {
        let at = Instant::now();
        BudgetShare {
            seen: BudgetSample {
                limit,
                remaining,
                ends: at + Duration::from_secs(30),
                at,
            },
            runs,
            rate: None,
            pressure: 0.0,
            crowd: runs,
            readers: runs,
            followed: 1.0,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reading_stretches_with_those_who_read_and_leaves_the_last_ones() {
        let of = |remaining, runs| ReadBudgets {
            reads: Some(share(400.0, 300.0, runs)),
            logs: Some(share(30.0, remaining, runs)),
        };
        let next =
            |budgets: ReadBudgets, since| budgets.wait(Duration::from_secs(since), false, 0.5);
        assert_eq!(next(ReadBudgets::default(), 3), Duration::from_secs(2));
        assert_eq!(next(of(29.0, 1.0), 3), Duration::from_secs(2));
        assert_eq!(next(of(20.0, 3.0), 9), Duration::from_secs(3));
        assert_eq!(next(of(20.0, 3.0), 12), Duration::ZERO);
        assert_eq!(next(of(11.0, 14.0), 53), Duration::from_secs(3));
        assert_eq!(next(of(11.0, 35.0), 297), Duration::from_secs(3));
        assert!(next(of(10.0, 1.0), 100) > Duration::from_secs(30));
        let first = |budgets: ReadBudgets| budgets.wait(Duration::ZERO, true, 0.1);
        assert_eq!(first(of(20.0, 3.0)), FIRST);
        assert_eq!(first(of(20.0, 14.0)), LOOK_AGAIN);
        let soon = of(20.0, 14.0).wait(Duration::from_secs(3), true, 0.1);
        assert_eq!(soon, Duration::from_millis(2600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_takes_none_of_the_last_ones_where_many_may_need_them() {
        let age = Duration::from_secs(90);
        let of = |remaining, runs| ReadBudgets {
            reads: Some(share(400.0, 300.0, runs)),
            logs: Some(share(30.0, remaining, runs)),
        };
        for (remaining, runs, is_there) in [
            (11.0, 40.0, true),
            (10.0, 40.0, false),
            (10.0, 3.0, true),
            (0.0, 1.0, false),
        ] {
            assert_eq!(
                of(remaining, runs).has_one_left(age, 0.5),
                is_there,
                "{remaining}, {runs}"
            );
        }
        let unknown = |runs| ReadBudgets {
            reads: Some(share(400.0, 300.0, runs)),
            logs: None,
        };
        assert!(unknown(3.0).has_one_left(Duration::ZERO, 1.0));
        assert!(unknown(300.0).has_one_left(age, 0.05));
        assert!(!unknown(300.0).has_one_left(age, 0.07));
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_up_window_that_ends_too_late_leaves_no_reading() {
        let of = |remaining| ReadBudgets {
            reads: None,
            logs: Some(share(30.0, remaining, 1.0)),
        };
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert!(of(0.0).are_used_up_until(after(10)));
        assert!(!of(0.0).are_used_up_until(after(31)));
        assert!(!of(1.0).are_used_up_until(after(10)));
        assert!(!ReadBudgets::default().are_used_up_until(after(10)));
    }

    #[test]
    fn lines_that_came_late_show_how_late_the_last_one_may_be() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.of_the_last(), USUAL + MARGIN);
        lateness.note(Some(5_000_000), Some(1_000_000));
        assert_eq!(lateness.of_the_last(), USUAL + MARGIN);
        lateness.note(Some(10_000_000), Some(5_100_000));
        assert_eq!(lateness.of_the_last(), MARGIN);
        lateness.note(Some(15_000_000), Some(9_200_000));
        assert_eq!(lateness.of_the_last(), Duration::from_millis(800) + MARGIN);
    }
}
