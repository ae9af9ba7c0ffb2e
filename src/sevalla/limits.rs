//! The company's rate limits, as the headers of every answer tell them.
//!
//! Every job of a company draws on the same budgets. [`Budget`] spreads what is
//! left of one over the time until it is filled up again, so that a fleet of
//! runners slows down together instead of running into refusals.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use tokio::time::Instant;

use super::operation::Tier;

/// The longest wait we take from a header. Asking again after two minutes is
/// no burden to the service, and a wrong header cannot stall a run.
pub const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(120);

/// The longest wait to spare a budget: the length of the service's windows.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The requests that one run makes in a minute at most, whatever the headers
/// say: an older page of the service allows a company 120.
pub const MOST_IN_A_MINUTE: usize = 110;

/// A reset further away than this is not a window of the service but nonsense,
/// such as a date where seconds belong.
const LONGEST_WINDOW: Duration = Duration::from_secs(3600);

const MINUTE: Duration = Duration::from_secs(60);

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Seconds until the window of the budget ends.
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is left of each budget, and how fast it goes.
#[derive(Debug, Default)]
pub struct Budget {
    windows: HashMap<Tier, Window>,
    /// When the requests of the last minute were made.
    recent: VecDeque<Instant>,
}

/// The window of one budget, as last told.
#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u64,
    remaining: u64,
    ends: Instant,
    /// When this was told.
    told: Instant,
    /// What everybody took between our last two requests, ours included.
    taken: u64,
}

impl Budget {
    /// Takes in the headers of an answer. Headers that are missing or make no
    /// sense tell nothing.
    pub fn told(&mut self, tier: Tier, headers: &HeaderMap) {
        let now = Instant::now();
        let Some((remaining, reset)) = number(headers, &REMAINING).zip(reset(headers)) else {
            self.windows.remove(&tier);
            return;
        };
        let limit = number(headers, &LIMIT)
            .unwrap_or(remaining)
            .max(remaining)
            .max(1);
        let before = self.windows.get(&tier);
        let taken = before.map_or(1, |before| match before.remaining.checked_sub(remaining) {
            Some(taken) if now < before.ends => taken.max(1),
            // A new window: nobody can tell yet, so as before.
            _ => before.taken,
        });
        let window = Window {
            limit,
            remaining,
            ends: now + reset,
            told: now,
            taken,
        };
        self.windows.insert(tier, window);
    }

    /// How long to wait before a request of this tier.
    pub fn pause(&self, tier: Tier) -> Duration {
        let now = Instant::now();
        let shared = self
            .windows
            .get(&tier)
            .map_or(Duration::ZERO, |window| window.pause(tier, now));
        shared.max(self.own_pause(now)).min(LONGEST_PAUSE)
    }

    /// Notes that a request is made now.
    pub fn spend(&mut self) {
        let now = Instant::now();
        self.recent
            .retain(|made| now.duration_since(*made) < MINUTE);
        self.recent.push_back(now);
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

impl Window {
    /// Everybody takes `taken` for each request of ours, so what is left gives
    /// us `left / taken` more in this window: that many, evenly spread.
    fn pause(&self, tier: Tier, now: Instant) -> Duration {
        let time = self.ends.saturating_duration_since(now);
        if time.is_zero() {
            return Duration::ZERO;
        }
        // Who yields first: logs leave a part of the budget to the status, and
        // the status a part to triggers, which take the last one.
        let reserve = match tier {
            Tier::Logs => self.limit * 3 / 10,
            Tier::Read => self.limit / 10,
            Tier::Deployment => 0,
        };
        let left = self.remaining.saturating_sub(reserve);
        if left == 0 {
            return time;
        }
        if tier == Tier::Deployment {
            return Duration::ZERO;
        }
        #[expect(clippy::cast_precision_loss, reason = "budgets are small numbers")]
        let share = self.taken as f64 / left as f64;
        let spread = (self.ends - self.told).mul_f64(share.min(1.0));
        spread
            .saturating_sub(now.duration_since(self.told))
            .min(time)
    }
}

/// How long the service asks to wait: `Retry-After` as seconds or as a date,
/// else, after a 429, `x-ratelimit-reset`. At most [`LONGEST_ASKED_WAIT`].
pub fn asked_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let reset = || reset(headers).filter(|_| status == 429);
    let asked = retry_after(headers).or_else(reset)?;
    Some(asked.min(LONGEST_ASKED_WAIT))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, &RETRY_AFTER)?;
    seconds(text).or_else(|| {
        // Both dates are the service's, so that our clock does not matter.
        let until = http_date(text)?;
        let now = http_date(self::text(headers, &DATE)?)?;
        Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
    })
}

fn reset(headers: &HeaderMap) -> Option<Duration> {
    seconds(text(headers, &RESET)?).filter(|wait| *wait <= LONGEST_WINDOW)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
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

    #[test]
    fn the_wait_is_what_the_headers_say() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (status, pairs, wait) in [
            (503, vec![("retry-after", "7")], Some(7)),
            (429, vec![("retry-after", " 7 ")], Some(7)),
            (429, vec![("retry-after", "0")], Some(0)),
            (429, vec![("retry-after", "9999999")], Some(120)),
            (
                503,
                vec![("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date],
                Some(30),
            ),
            (
                503,
                vec![("retry-after", "Wed, 21 Oct 2026 07:27:30 GMT"), date],
                Some(0),
            ),
            (
                503,
                vec![("retry-after", "Wed, 21 Oct 2099 07:27:30 GMT"), date],
                Some(120),
            ),
            (503, vec![("retry-after", "soon")], None),
            (503, vec![("retry-after", "-1")], None),
            (429, vec![("x-ratelimit-reset", "12")], Some(12)),
            (
                429,
                vec![("retry-after", "3"), ("x-ratelimit-reset", "12")],
                Some(3),
            ),
            (
                429,
                vec![("retry-after", "nonsense"), ("x-ratelimit-reset", "12")],
                Some(12),
            ),
            (429, vec![("x-ratelimit-reset", "1790000000")], None),
            (429, vec![("x-ratelimit-reset", "NaN")], None),
            (503, vec![("x-ratelimit-reset", "12")], None),
            (429, vec![], None),
        ] {
            let expected = wait.map(Duration::from_secs);
            assert_eq!(
                asked_wait(status, &headers(&pairs)),
                expected,
                "{status} {pairs:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alone_with_a_full_budget_nobody_waits() {
        let mut alone = Budget::default();
        assert_eq!(alone.pause(Tier::Read), Duration::ZERO);
        alone.told(Tier::Read, &budget("400", "399", "60"));
        assert!(alone.pause(Tier::Read) < Duration::from_millis(200));
        advance(Duration::from_secs(1)).await;
        assert_eq!(alone.pause(Tier::Read), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_spread_over_the_time_to_the_reset() {
        let mut fleet = Budget::default();
        fleet.told(Tier::Read, &budget("400", "300", "40"));
        advance(Duration::from_secs(5)).await;
        // Between our two requests everybody took 60: of the 200 beyond the
        // reserve, three and a third are ours in the 35 seconds left.
        fleet.told(Tier::Read, &budget("400", "240", "35"));
        assert_eq!(
            fleet.pause(Tier::Read),
            Duration::from_secs_f64(35.0 * 60.0 / 200.0)
        );
        advance(Duration::from_secs(11)).await;
        assert_eq!(fleet.pause(Tier::Read), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn logs_yield_first_then_the_status_and_triggers_last() {
        let of = |tier, remaining: &str| {
            let mut budget = Budget::default();
            budget.told(tier, &self::budget("100", remaining, "30"));
            budget.pause(tier)
        };
        let (free, blocked) = (Duration::from_secs(2), Duration::from_secs(30));
        for (remaining, logs, read, trigger) in [
            ("60", free, free, Duration::ZERO),
            ("30", blocked, free, Duration::ZERO),
            ("10", blocked, blocked, Duration::ZERO),
            ("1", blocked, blocked, Duration::ZERO),
            ("0", blocked, blocked, blocked),
        ] {
            assert!(of(Tier::Logs, remaining) <= logs, "{remaining}");
            assert!(of(Tier::Read, remaining) <= read, "{remaining}");
            assert_eq!(of(Tier::Deployment, remaining), trigger, "{remaining}");
            assert!(logs == free || of(Tier::Logs, remaining) == logs);
            assert!(read == free || of(Tier::Read, remaining) == read);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_and_silence_tell_nothing() {
        for told in [
            budget("400", "-1", "60"),
            budget("400", "0", "1790000000"),
            budget("400", "0", "NaN"),
            budget("400", "many", "60"),
            headers(&[("x-ratelimit-remaining", "0")]),
            headers(&[]),
        ] {
            let mut budget = Budget::default();
            budget.told(Tier::Read, &told);
            assert_eq!(budget.pause(Tier::Read), Duration::ZERO, "{told:?}");
        }
        let mut long = Budget::default();
        long.told(Tier::Read, &budget("0", "0", "3600"));
        assert_eq!(long.pause(Tier::Read), LONGEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn one_run_stays_under_the_older_limit_by_itself() {
        let mut budget = Budget::default();
        let started = Instant::now();
        for _ in 0..300 {
            advance(budget.pause(Tier::Read)).await;
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
