//! [`BudgetHistory`]: how many runs share a budget, and how fast it is used.
//! The API does not report either, so both are derived from the headers of this
//! run's own responses. Pure; used by [`super::limits`].
//!
//! Runs that start together make the same requests. So in the window in which a
//! run starts, the used part divided by the run's own requests is their number.
//! That burst passes: it shows nothing about later use.

use std::time::Duration;

use tokio::time::Instant;

/// Nothing is learnt of the rate before this: a burst may be under way.
const BURST: Duration = Duration::from_secs(6);

/// From then on, it counts what was used since the run began: those that began
/// just before it have looked again, or have ended.
const SETTLED: Duration = Duration::from_secs(3);

/// How many times as many may share a budget as have used it since.
const UNSEEN: f64 = 2.0;

/// Answers closer together show nothing of a rate.
const SPAN: Duration = Duration::from_secs(8);

/// As documented.
const WINDOW: Duration = Duration::from_secs(60);

/// A window that has lasted so long shows something about the rate.
const NOT_YOUNG: Duration = Duration::from_secs(15);

/// What is known of the number fades this much from window to window, at most.
const KEPT: f64 = 0.7;

/// A budget that a burst of runs may use up by their starts.
pub const SMALL: f64 = 200.0;

/// From so many runs on, what only informs would take a tenth of the budget.
const MANY: f64 = 30.0;

/// From this part of a window's budget on, it is for what decides.
const PRESSED: f64 = 0.3;

/// The requests that every other run still needs, where they began together.
const NEEDED_BY_OTHERS: f64 = 8.0;

/// So many requests of a run show whether others began with it.
const TRUSTED: f64 = 3.0;

/// What the time in a window is uncertain by.
const LATENCY: Duration = Duration::from_secs(1);

/// Ends of windows that are closer together are one: they are rounded to
/// seconds, and answers take time.
const SAME_END: Duration = Duration::from_secs(3);

/// One budget, as the headers of one response show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetSample {
    /// Requests in a window.
    pub limit: f64,
    /// What is left of them.
    pub remaining: f64,
    /// When the window ends.
    pub ends: Instant,
    /// When this was so.
    pub at: Instant,
}

impl BudgetSample {
    fn used(&self) -> f64 {
        self.limit - self.remaining
    }

    /// The time until the window ends.
    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(self.at)
    }

    /// The time since the window began, if it has this length.
    fn passed(&self, length: Duration) -> Duration {
        length.saturating_sub(self.left())
    }

    fn is_same_window(&self, other: &Self) -> bool {
        let (earlier, later) = (self.ends.min(other.ends), self.ends.max(other.ends));
        later - earlier < SAME_END
    }
}

/// A budget that this run shares with others, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetShare {
    /// What was seen last.
    pub seen: BudgetSample,
    /// How many share it, this run included.
    pub runs: f64,
    /// Requests of all of them in a second, if that shows.
    pub rate: Option<f64>,
    /// Which part of a window's budget goes at that rate, from zero to one.
    pub pressure: f64,
    /// How many runs there are, if those count that send less than one request
    /// in a window.
    pub crowd: f64,
    /// How many read logs.
    pub readers: f64,
    /// How many deployments this run follows.
    pub followed: f64,
}

impl BudgetShare {
    /// Whether there is room for what only informs.
    pub fn has_room(&self) -> bool {
        // The starts of many may still use up a small budget.
        let is_burst = self.seen.limit < SMALL && self.runs > 1.5 && self.rate.is_none();
        let is_crowded = self.crowd > MANY || self.pressure > PRESSED;
        let others = NEEDED_BY_OTHERS * (self.runs - 1.0);
        !is_burst && !is_crowded && self.seen.remaining - others > self.seen.limit / 4.0
    }

    /// How much is probably left at this moment of the window seen last; `None`
    /// once that has ended.
    pub fn left_at(&self, moment: Instant) -> Option<f64> {
        let seen = &self.seen;
        if moment >= seen.ends {
            return None;
        }
        let time = moment.saturating_duration_since(seen.at).as_secs_f64();
        // Each run that shares it will look once more.
        let goes = self.rate.map_or(self.runs - 1.0, |rate| rate * time);
        Some(seen.remaining - goes)
    }
}

/// One budget, as the responses so far have shown it.
#[derive(Debug)]
pub(super) struct BudgetHistory {
    began: Instant,
    /// The end of the window in which the run began.
    first: BudgetSample,
    /// Requests of ours in the window seen last.
    own: f64,
    /// How many runs there were while this one began.
    started: f64,
    /// Requests of all and of this run since it began, as far as they show.
    since: (f64, f64),
    /// From where the rate is measured.
    base: Option<BudgetSample>,
    share: BudgetShare,
}

impl BudgetHistory {
    /// After the first answer.
    pub(super) fn new(seen: BudgetSample) -> Self {
        // A refusal shows neither how many they are nor when they came.
        let is_refused = seen.remaining < 1.0;
        let runs = if is_refused {
            1.0
        } else {
            seen.used().max(1.0)
        };
        Self {
            began: seen.at,
            first: seen,
            own: 1.0,
            started: runs,
            since: (1.0, 1.0),
            base: None,
            share: BudgetShare {
                seen,
                runs,
                rate: None,
                pressure: first_pressure(&seen),
                crowd: runs,
                readers: runs,
                followed: 1.0,
            },
        }
    }

    pub(super) const fn share(&self) -> BudgetShare {
        self.share
    }

    /// After another answer.
    pub(super) fn see(&mut self, seen: BudgetSample) {
        if self.first.remaining < 1.0 {
            *self = Self::new(seen);
            return;
        }
        self.since.1 += 1.0;
        if seen.is_same_window(&self.share.seen) {
            self.own += 1.0;
            self.since.0 += seen.used() - self.share.seen.used();
        } else {
            self.close_window();
            self.own = 1.0;
            self.since.0 += seen.used();
        }
        let apart = seen.at - self.share.seen.at;
        self.share.seen = seen;
        if seen.remaining < 1.0 {
            // How many would have liked more does not show.
            self.share.pressure = 1.0;
            return;
        }
        if seen.at - self.began > BURST {
            self.measure(&seen);
        }
        self.count(&seen, apart);
    }

    /// Takes in how many shared the window seen last: fewer than before, if all
    /// of them sent requests as often as this run. That there are more does not
    /// show in this way, since a run whose end is not near sends few itself.
    fn close_window(&mut self) {
        let share = &mut self.share;
        if self.own >= 2.0 && !share.seen.is_same_window(&self.first) {
            let ours = share.seen.used() / self.own;
            share.runs = share.runs.min(ours.max(share.runs * KEPT));
        }
    }

    /// How many runs there are, if all send requests as often as this run,
    /// whose previous one was so long ago.
    fn count(&mut self, seen: &BudgetSample, apart: Duration) {
        let share = &mut self.share;
        let ours = (seen.used() / self.own).max(1.0);
        if seen.is_same_window(&self.first) {
            let age = seen.at - self.began;
            if age <= BURST {
                self.started = ours;
            }
            // Others may have looked once more since.
            let most = self.started.max(seen.used() / (self.own + 1.0));
            share.runs = ours.min(most);
            if age > SETTLED {
                // What was used before this run began may be of runs that have ended.
                let since = (seen.used() - self.first.used() + 1.0) / self.own;
                share.runs = share.runs.min(since * UNSEEN).max(1.0);
            }
            share.crowd = ours.min(share.runs * UNSEEN);
        } else if self.own >= 2.0 {
            share.crowd = ours.max(share.crowd * KEPT);
        } else if let Some(rate) = share.rate.filter(|_| apart >= SPAN) {
            share.crowd = (rate * apart.as_secs_f64()).max(share.crowd * KEPT);
        }
        share.readers = share.runs.max(share.crowd);
        let (all_since, own_since) = self.since;
        let joined = all_since / own_since;
        if !seen.is_same_window(&self.first) && own_since >= TRUSTED && joined < UNSEEN {
            // What used the first window before this run may have ended. Then this
            // one shows nobody else.
            let passed = seen.passed(WINDOW).max(LATENCY);
            let others = (seen.used() - self.own) * apart.div_duration_f64(passed);
            share.readers = share.readers.min(UNSEEN * joined.max(others));
        }
    }

    fn measure(&mut self, seen: &BudgetSample) {
        let base = self.base.filter(|base| base.is_same_window(seen));
        let rate = match base {
            Some(base) if seen.at - base.at >= SPAN => {
                let time = (seen.at - base.at).as_secs_f64();
                Some((seen.used() - base.used()).max(0.0) / time)
            }
            Some(_) => None,
            None => self.rate_of_window(seen),
        };
        if base.is_none() {
            self.base = Some(*seen);
        }
        let Some(rate) = rate else { return };
        let used = seen.used() + rate * seen.left().as_secs_f64();
        let pressure = (used / seen.limit).min(1.0);
        self.share.pressure = match self.share.rate {
            Some(_) => f64::midpoint(self.share.pressure, pressure),
            None => pressure,
        };
        self.share.rate = Some(rate);
    }

    /// Of a window that began after the burst, all of it shows.
    fn rate_of_window(&self, seen: &BudgetSample) -> Option<f64> {
        let length = self.first.ends.saturating_duration_since(self.began);
        let passed = seen.passed(length.max(WINDOW));
        (!seen.is_same_window(&self.first) && passed >= SPAN)
            .then(|| seen.used() / passed.as_secs_f64())
    }
}

/// What the first answer shows: the rate of a window that is not young any
/// more, if it is not a burst.
fn first_pressure(seen: &BudgetSample) -> f64 {
    let passed = seen.passed(WINDOW);
    if passed < NOT_YOUNG {
        return 0.0;
    }
    let part = WINDOW.as_secs_f64() / passed.as_secs_f64();
    (seen.used() * part / seen.limit).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at these seconds of windows of a minute, with so much used.
    fn after(began: Instant, limit: f64, answers: &[(f64, f64)]) -> BudgetShare {
        let sights = answers.iter().map(|(second, used)| BudgetSample {
            limit,
            remaining: limit - used,
            ends: began + Duration::from_secs_f64((second / 60.0).floor() * 60.0 + 60.0),
            at: began + Duration::from_secs_f64(*second),
        });
        let mut crowd: Option<BudgetHistory> = None;
        for sight in sights {
            match &mut crowd {
                Some(crowd) => crowd.see(sight),
                None => crowd = Some(BudgetHistory::new(sight)),
            }
        }
        crowd.unwrap().share()
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_start_together_are_counted_by_what_each_of_them_asks() {
        let share = after(
            Instant::now(),
            400.0,
            &[(0.0, 40.0), (0.5, 80.0), (1.0, 120.0)],
        );
        assert!((share.runs - 40.0).abs() < 1e-9, "{share:?}");
        assert_eq!((share.rate, share.pressure), (None, 0.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_no_crowd() {
        let share = after(
            Instant::now(),
            400.0,
            &[(0.0, 400.0), (61.0, 1.0), (62.0, 2.0)],
        );
        assert!((share.runs - 1.0).abs() < 1e-9, "{share:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_not_a_load() {
        let burst = [(0.0, 40.0), (1.0, 160.0), (20.0, 160.0), (40.0, 170.0)];
        let share = after(Instant::now(), 400.0, &burst);
        assert!(share.rate.is_some_and(|rate| rate < 0.6), "{share:?}");
        assert!(share.pressure < 0.5, "{share:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_shows_whenever_it_is_looked_at() {
        let steady: Vec<(f64, f64)> = (0..40)
            .map(|step| f64::from(step) * 10.0)
            .map(|second| (second, 5.0 + (second % 60.0) * 6.0))
            .collect();
        let share = after(Instant::now(), 400.0, &steady);
        assert!(share.pressure > 0.85, "{share:?}");
        let rate = share.rate.unwrap();
        assert!((5.0..7.5).contains(&rate), "{share:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_of_the_number_fades() {
        let mut answers = vec![(0.0, 100.0)];
        for minute in 1..12 {
            let second = f64::from(minute) * 60.0;
            answers.extend([(second + 1.0, 1.0), (second + 30.0, 2.0)]);
        }
        let share = after(Instant::now(), 400.0, &answers);
        assert!(share.runs < 3.0, "{share:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_counts_the_others() {
        let now = Instant::now();
        let share = after(now, 120.0, &[(0.0, 40.0), (0.5, 80.0)]);
        let soon = now + Duration::from_secs(5);
        assert_eq!(share.left_at(soon), Some(40.0 - 39.0));
        assert_eq!(share.left_at(now + Duration::from_secs(61)), None);
    }
}
