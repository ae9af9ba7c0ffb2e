//! [`RateLimits`]: the company's rate limits, from the headers of every
//! response.
//!
//! All jobs of a company share the budgets. What a run knows of one is a
//! [`BudgetShare`]. The time between looks and between log readings follows
//! from it, so a fleet of runners slows down together instead of being refused.
//! All other requests wait only if nothing is left.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use tokio::time::Instant;

use super::operation::Tier;
use crate::http::retry_after::{RESET, reset, text};
use crate::sevalla::contention::BudgetHistory;
pub use crate::sevalla::contention::{BudgetSample, BudgetShare, SMALL};

/// The longest wait for a budget that is used up: a window of the service.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The requests that one run makes in a minute at most, whatever the headers
/// say: an older page of the service allows a company 120.
pub const MOST_IN_A_MINUTE: usize = 110;

/// What reads the service, lists its deployments and starts another.
const REQUESTS_OF_A_START: usize = 3;

/// The part of a small budget that runs leave when they begin.
const LEFT_BY_A_START: f64 = 0.1;

const MINUTE: Duration = Duration::from_secs(60);

/// Ends of windows that are closer together may be one: they are rounded to
/// seconds.
const SAME_END: Duration = Duration::from_secs(2);

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// The rest of each budget, and how fast it is used. Kept by
/// `ApiConnection`.
#[derive(Debug, Default)]
pub struct RateLimits {
    crowds: HashMap<Tier, BudgetHistory>,
    /// Whether requests of every kind draw on the budget of the reads.
    is_one: bool,
    /// When the requests of the last minute were made.
    recent: VecDeque<Instant>,
    /// How many requests were made.
    made: usize,
}

/// How long to wait before a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// At least so long.
    pub least: Duration,
    /// And up to so much longer, at random: others wait for the same moment.
    pub spread: Duration,
}

impl RateLimits {
    /// Whether an answer shows limits.
    pub fn are_in(headers: &HeaderMap) -> bool {
        headers.contains_key(&REMAINING)
    }

    /// Takes in the headers of an answer. Headers that are missing or make no
    /// sense show nothing.
    pub fn observe(&mut self, tier: Tier, headers: &HeaderMap) {
        let now = Instant::now();
        let Some((remaining, reset)) = number(headers, &REMAINING).zip(reset(headers)) else {
            self.crowds.remove(&tier);
            return;
        };
        let limit = number(headers, &LIMIT);
        let limit = limit.unwrap_or(remaining).max(remaining).max(1);
        let seen = BudgetSample {
            limit: decimal(limit),
            remaining: decimal(remaining),
            ends: now + reset,
            at: now,
        };
        self.compare(tier, &seen);
        let tier = self.counted_as(tier);
        match self.crowds.get_mut(&tier) {
            Some(crowd) => crowd.see(seen),
            None => drop(self.crowds.insert(tier, BudgetHistory::new(seen))),
        }
    }

    /// Whether an answer of another kind shows the budget of the reads.
    fn compare(&mut self, tier: Tier, seen: &BudgetSample) {
        let Some(reads) = self.share(Tier::Read).filter(|_| tier != Tier::Read) else {
            return;
        };
        let reads = reads.seen;
        let apart = reads.ends.max(seen.ends) - reads.ends.min(seen.ends);
        let is_new_window = seen.at >= reads.ends;
        #[expect(clippy::float_cmp, reason = "whole numbers")]
        let is_alike = reads.limit == seen.limit;
        if !is_alike {
            self.is_one = false;
        } else if apart < SAME_END && !is_new_window {
            self.is_one = seen.remaining < reads.remaining || seen.remaining < 1.0;
        }
    }

    fn counted_as(&self, tier: Tier) -> Tier {
        if self.is_one { Tier::Read } else { tier }
    }

    /// What is known of a budget; `None` until an answer has shown it.
    pub fn share(&self, tier: Tier) -> Option<BudgetShare> {
        self.crowds
            .get(&self.counted_as(tier))
            .map(BudgetHistory::share)
    }

    /// Whether requests of every kind draw on one budget.
    pub const fn is_one(&self) -> bool {
        self.is_one
    }

    /// How long a tier's budget is known to be used up: not a request is left of
    /// it. No longer than a pause is, since headers can be wrong.
    pub fn frees_in(&self, tier: Tier) -> Duration {
        let used_up = self.share(tier).filter(|share| share.seen.remaining < 1.0);
        let frees_in =
            used_up.map(|share| share.seen.ends.saturating_duration_since(Instant::now()));
        frees_in.unwrap_or_default().min(LONGEST_PAUSE)
    }

    /// How long to wait before a request of this tier. Only what is used up is
    /// worth a wait: then until the window ends, and for a turn after that.
    pub fn pause(&self, tier: Tier) -> Delay {
        let now = Instant::now();
        let least = self.frees_in(tier).max(self.own_pause(now));
        let least = least.max(self.pause_at_the_start(now));
        let least = least.min(LONGEST_PAUSE);
        Delay {
            least,
            spread: least / 5,
        }
    }

    /// Notes that a request is made now.
    pub fn spend(&mut self) {
        let now = Instant::now();
        self.recent
            .retain(|made| now.duration_since(*made) < MINUTE);
        self.recent.push_back(now);
        self.made += 1;
    }

    /// How long a run that begins leaves the last requests of a small budget to
    /// those that have begun with it, whose requests are under way.
    fn pause_at_the_start(&self, now: Instant) -> Duration {
        let reads = self.share(Tier::Read).map(|reads| reads.seen);
        let scarce = reads.filter(|reads| {
            let is_starting = (1..REQUESTS_OF_A_START).contains(&self.made);
            is_starting && reads.limit < SMALL && reads.remaining < reads.limit * LEFT_BY_A_START
        });
        scarce.map_or(Duration::ZERO, |reads| {
            reads.ends.saturating_duration_since(now)
        })
    }

    fn own_pause(&self, now: Instant) -> Duration {
        let made = self.recent.len();
        let oldest = made
            .checked_sub(MOST_IN_A_MINUTE)
            .and_then(|index| self.recent.get(index));
        oldest.map_or(Duration::ZERO, |oldest| {
            MINUTE.saturating_sub(now.duration_since(*oldest))
        })
    }
}

fn decimal(number: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "budgets are small numbers")]
    let decimal = number as f64;
    decimal
}

/// The headers of a budget, as they are: limit, rest, reset.
pub fn texts(headers: &HeaderMap) -> [Option<String>; 3] {
    [&LIMIT, &REMAINING, &RESET].map(|name| text(headers, name).map(str::to_owned))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    /// More than this is as good as no limit.
    const MOST: u64 = 1_000_000;
    let number: u64 = text(headers, name)?.parse().ok()?;
    Some(number.min(MOST))
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn budget(limit: &str, remaining: &str, reset: &str) -> HeaderMap {
        headers(&[
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ])
    }

    fn least(budget: &RateLimits, tier: Tier) -> Duration {
        budget.pause(tier).least
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_while_something_is_left() {
        let mut alone = RateLimits::default();
        for tier in [Tier::Read, Tier::Logs, Tier::Deployment, Tier::Creation] {
            assert_eq!(alone.pause(tier), Delay::default());
            for remaining in ["29", "3", "1"] {
                alone.observe(tier, &budget("30", remaining, "50"));
                assert_eq!(alone.pause(tier), Delay::default(), "{tier:?} {remaining}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_left_without_waits_for_the_reset_and_a_turn() {
        let mut fleet = RateLimits::default();
        for tier in [Tier::Read, Tier::Logs, Tier::Deployment, Tier::Creation] {
            fleet.observe(tier, &budget("400", "0", "30"));
            advance(Duration::from_secs(10)).await;
            let pause = fleet.pause(tier);
            assert_eq!(pause.least, Duration::from_secs(20), "{tier:?}");
            assert_eq!(pause.spread, Duration::from_secs(4));
            advance(Duration::from_secs(20)).await;
            assert_eq!(fleet.pause(tier), Delay::default());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_requests_of_a_small_budget_are_left_to_starts_under_way() {
        for (limit, remaining, made, least) in [
            ("120", "11", 1, 40),
            ("120", "13", 1, 0),
            ("120", "11", 3, 0),
            ("400", "11", 1, 0),
        ] {
            let mut begun = RateLimits::default();
            (0..made).for_each(|_| begun.spend());
            begun.observe(Tier::Read, &budget(limit, remaining, "40"));
            let pause = begun.pause(Tier::Deployment).least;
            assert_eq!(pause.as_secs(), least, "{limit}, {remaining}, {made}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_budget_for_all_is_known_by_its_headers() {
        let reads_then = |tier, limit: &str, remaining: &str, reset: &str| {
            let mut one = RateLimits::default();
            one.observe(Tier::Read, &budget("120", "100", "50"));
            one.observe(tier, &budget(limit, remaining, reset));
            (one.is_one(), one.share(Tier::Read).unwrap().seen.remaining)
        };
        assert_eq!(
            reads_then(Tier::Deployment, "120", "97", "50"),
            (true, 97.0)
        );
        assert_eq!(reads_then(Tier::Logs, "120", "99", "49"), (true, 99.0));
        // The same number, but another budget.
        assert_eq!(reads_then(Tier::Logs, "120", "119", "50"), (false, 100.0));
        assert_eq!(reads_then(Tier::Logs, "120", "99", "20"), (false, 100.0));
        assert_eq!(
            reads_then(Tier::Deployment, "10", "9", "50"),
            (false, 100.0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_and_silence_tell_nothing() {
        for stated in [
            budget("400", "-1", "60"),
            budget("400", "0", "1790000000"),
            budget("18446744073709551615", "x", "60"),
            budget("400", "0", "NaN"),
            budget("400", "many", "60"),
            headers(&[("x-ratelimit-remaining", "0")]),
            headers(&[]),
        ] {
            let mut budget = RateLimits::default();
            budget.observe(Tier::Read, &stated);
            assert_eq!(budget.pause(Tier::Read), Delay::default(), "{stated:?}");
            assert_eq!(budget.share(Tier::Read), None);
        }
        let mut long = RateLimits::default();
        long.observe(Tier::Logs, &budget("18446744073709551615", "1", "60"));
        assert_eq!(least(&long, Tier::Logs), Duration::ZERO);
        long.observe(Tier::Read, &budget("0", "0", "3600"));
        assert_eq!(least(&long, Tier::Read), LONGEST_PAUSE);
        // A fifth of a long wait stays open: not all at the same moment.
        assert_eq!(long.pause(Tier::Read).spread, LONGEST_PAUSE / 5);
    }

    #[tokio::test(start_paused = true)]
    async fn one_run_stays_under_the_older_limit_by_itself() {
        let mut budget = RateLimits::default();
        let started = Instant::now();
        for _ in 0..300 {
            advance(least(&budget, Tier::Read)).await;
            budget.spend();
            advance(Duration::from_millis(10)).await;
        }
        let took = started.elapsed();
        assert!(
            took >= Duration::from_secs(120) && took < Duration::from_secs(130),
            "{took:?}"
        );
    }
}
