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

/// The longest wait to spare a budget before asking for a status: a window of
/// the service.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The same before reading a log, which is only told.
pub const LONGEST_PAUSE_FOR_LOGS: Duration = Duration::from_secs(180);

/// The requests that one run makes in a minute at most, whatever the headers
/// say: an older page of the service allows a company 120.
pub const MOST_IN_A_MINUTE: usize = 110;

/// A reset further away than this is not a window of the service but nonsense,
/// such as a date where seconds belong.
const LONGEST_WINDOW: Duration = Duration::from_secs(3600);

const MINUTE: Duration = Duration::from_secs(60);

/// The log readings of one minute, as documented. Until the first answer tells
/// more, who knows to be one of many has to go by that.
const LOGS_IN_A_WINDOW: u64 = 30;

/// A run that has just begun cannot tell how many others there are. Each makes
/// at least so many reading requests in a window, so they are no more than what
/// has been used divided by it.
const READS_IN_A_WINDOW: u64 = 4;

/// That guess is not taken too far: the next answer tells more.
const LARGEST_GUESS: u64 = 25;

/// A smaller part of a window shows nothing about the whole.
const YOUNG: f64 = 0.04;

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Seconds until the window of the budget ends.
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is left of each budget, and how fast it goes.
#[derive(Debug, Default)]
pub struct Budget {
    windows: HashMap<Tier, Window>,
    /// The length of the service's windows, as far as it has shown.
    length: Duration,
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
    /// What everybody takes for each request of ours, ours included: how many
    /// we are, if all ask equally often.
    taken: u64,
    /// Which part of the budget goes, at the rate at which it does.
    load: f64,
}

/// How long to wait before a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// At least so long.
    pub least: Duration,
    /// And up to so much longer, at random: others wait for the same moment.
    pub spread: Duration,
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
        let window = Window {
            limit,
            remaining,
            ends: now + reset,
            told: now,
            taken: self.taken(tier, limit, remaining, now),
            load: self.load_after(tier, part(limit - remaining, limit), reset),
        };
        self.length = self.length.max(reset);
        self.windows.insert(tier, window);
    }

    /// What everybody takes for each request of ours, after an answer that
    /// tells what remains.
    fn taken(&self, tier: Tier, limit: u64, remaining: u64, now: Instant) -> u64 {
        let used = limit - remaining;
        let Some(before) = self.windows.get(&tier) else {
            let guess = match tier {
                Tier::Logs => self.others(),
                Tier::Read | Tier::Deployment | Tier::Creation => {
                    (used / READS_IN_A_WINDOW).min(LARGEST_GUESS)
                }
            };
            return guess.max(1);
        };
        if remaining == 0 {
            // Nobody can tell how many would have liked more.
            return (before.taken * 2).min(limit);
        }
        let seen = match before.remaining.checked_sub(remaining) {
            Some(seen) if now < before.ends => seen,
            _ => used,
        };
        // Two requests in quick succession see few of the others, and so does
        // the first in a window: what was known before fades only slowly.
        seen.max(before.taken / 2).max(1)
    }

    /// How many we are, from what we read most.
    fn others(&self) -> u64 {
        self.windows.get(&Tier::Read).map_or(1, |reads| reads.taken)
    }

    /// How long to wait before a request of this tier.
    pub fn pause(&self, tier: Tier) -> Pause {
        let now = Instant::now();
        let shared = match self.windows.get(&tier) {
            Some(window) => window.pause(tier, self.length, now),
            None if tier == Tier::Logs => self.first_reading(),
            None => Pause::default(),
        };
        let longest = longest_pause(tier);
        let least = shared.least.max(self.own_pause(now)).min(longest);
        // Some of the spread stays even where the least is long: what everybody
        // waits for would else be over in one moment.
        let spread = shared
            .spread
            .min(longest.saturating_sub(least).max(least / 5));
        Pause { least, spread }
    }

    /// How long a tier's budget is known to be used up: not a request is left of
    /// it. No longer than a pause is, since headers can be wrong.
    pub fn frees_in(&self, tier: Tier) -> Duration {
        let window = self.windows.get(&tier);
        let used_up = window.filter(|window| window.remaining == 0);
        let frees_in = used_up.map(|window| window.ends.saturating_duration_since(Instant::now()));
        frees_in.unwrap_or_default().min(longest_pause(tier))
    }

    /// Which part of a tier's budget is used by all of us: from zero to one.
    pub fn load(&self, tier: Tier) -> f64 {
        self.windows.get(&tier).map_or(0.0, |window| window.load)
    }

    /// The load after an answer that tells which part of the window's budget is
    /// used. The younger the window is, the less that says.
    fn load_after(&self, tier: Tier, used: f64, reset: Duration) -> f64 {
        // Until a whole window has been seen, it may be as long as documented.
        let length = self.length.max(reset).max(MINUTE);
        let passed = 1.0 - reset.as_secs_f64() / length.as_secs_f64();
        let now = (used / passed.max(YOUNG)).min(1.0);
        match self.windows.get(&tier) {
            Some(before) if used < 1.0 => before.load + (now - before.load) * passed,
            _ => now,
        }
    }

    /// The first readings of a log come unprepared, so if we are more than a
    /// window has room for, they are spread over as many windows as it takes.
    fn first_reading(&self) -> Pause {
        let room = LOGS_IN_A_WINDOW - reserve(Tier::Logs, LOGS_IN_A_WINDOW);
        let others = self.others();
        if others <= room {
            return Pause::default();
        }
        Pause {
            least: Duration::ZERO,
            spread: share(self.length, others, room),
        }
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

/// The longest wait to spare a budget.
const fn longest_pause(tier: Tier) -> Duration {
    match tier {
        Tier::Logs => LONGEST_PAUSE_FOR_LOGS,
        Tier::Read | Tier::Deployment | Tier::Creation => LONGEST_PAUSE,
    }
}

/// What a tier leaves of a budget to the others. Who yields first: logs leave a
/// part to the status, and the status a part to triggers, which take the last
/// one; and to everybody who has just come and does not know what is left.
const fn reserve(tier: Tier, limit: u64) -> u64 {
    match tier {
        Tier::Logs => limit.saturating_mul(3) / 10,
        Tier::Read => limit / 10,
        Tier::Deployment | Tier::Creation => 0,
    }
}

/// Which part of a budget a number is.
fn part(number: u64, limit: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "budgets are small numbers")]
    let part = number as f64 / limit.max(1) as f64;
    part
}

/// The time between two requests of ours, if `taken` of what is `left` go for
/// each in this time.
fn share(time: Duration, taken: u64, left: u64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "budgets are small numbers")]
    let share = taken as f64 / left.max(1) as f64;
    time.mul_f64(share)
}

impl Window {
    /// Everybody takes `taken` for each request of ours, so what is left gives
    /// us `left / taken` more in this window: that many, evenly spread. Who
    /// gets none waits for the next window, and there for a turn of its own:
    /// all the others wait for the same moment.
    fn pause(&self, tier: Tier, length: Duration, now: Instant) -> Pause {
        let reserve = reserve(tier, self.limit);
        let left = self.remaining.saturating_sub(reserve);
        let time = self.ends.saturating_duration_since(self.told);
        let to_the_end = self.ends.saturating_duration_since(now);
        let since = now.duration_since(self.told);
        if matches!(tier, Tier::Deployment | Tier::Creation) {
            // Only the last one of the budget is worth a wait.
            return Pause {
                least: if left == 0 {
                    to_the_end
                } else {
                    Duration::ZERO
                },
                spread: Duration::ZERO,
            };
        }
        // Alone and with plenty left: what is spared now helps nobody.
        if self.taken <= 1 && self.remaining > self.limit / 2 {
            return Pause::default();
        }
        let ours = share(time, self.taken, left);
        if left > 0 && ours <= time {
            let least = ours.saturating_sub(since);
            return Pause {
                least,
                spread: least / 5,
            };
        }
        // In the next window, all of its budget is there.
        let turn = share(length, self.taken, self.limit - reserve);
        let waited = since.saturating_sub(time);
        Pause {
            least: to_the_end,
            spread: turn.saturating_sub(waited),
        }
    }
}

/// How long the service asks to wait: `Retry-After` as seconds or as a date,
/// else, after a 429, `x-ratelimit-reset`. At most [`LONGEST_ASKED_WAIT`].
pub fn asked_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let reset = || reset(headers).filter(|_| status == 429);
    let asked = retry_after(headers).or_else(reset)?;
    Some(asked.min(LONGEST_ASKED_WAIT))
}

/// After a 429, when there is room again, as far as the service tells. Not cut
/// to [`LONGEST_ASKED_WAIT`]: a quota of an hour frees within the hour.
pub fn frees_in(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let told = retry_after(headers).filter(|wait| *wait <= LONGEST_WINDOW);
    told.or_else(|| reset(headers)).filter(|_| status == 429)
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
    /// More than this is as good as no limit.
    const MOST: u64 = 1_000_000;
    let number: u64 = text(headers, name)?.parse().ok()?;
    Some(number.min(MOST))
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

    fn least(budget: &Budget, tier: Tier) -> Duration {
        budget.pause(tier).least
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_is_read_quickly_by_somebody_who_is_alone() {
        let mut alone = Budget::default();
        for remaining in (16..30).rev() {
            alone.told(Tier::Logs, &budget("30", &remaining.to_string(), "50"));
            assert_eq!(alone.pause(Tier::Logs), Pause::default(), "{remaining}");
        }
        alone.told(Tier::Logs, &budget("30", "15", "50"));
        assert!(alone.pause(Tier::Logs).least > Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn alone_with_a_full_budget_nobody_waits() {
        let mut alone = Budget::default();
        assert_eq!(alone.pause(Tier::Read), Pause::default());
        assert_eq!(alone.pause(Tier::Logs), Pause::default());
        alone.told(Tier::Read, &budget("400", "399", "60"));
        assert!(least(&alone, Tier::Read) < Duration::from_millis(200));
        assert_eq!(alone.pause(Tier::Logs), Pause::default());
        advance(Duration::from_secs(1)).await;
        assert_eq!(alone.pause(Tier::Read), Pause::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_spread_over_the_time_to_the_reset() {
        let mut fleet = Budget::default();
        fleet.told(Tier::Read, &budget("400", "300", "40"));
        advance(Duration::from_secs(5)).await;
        // Between our two requests everybody took 60: of the 200 beyond the
        // reserve, three and a third are ours in the 35 seconds left.
        fleet.told(Tier::Read, &budget("400", "240", "35"));
        let ours = Duration::from_secs_f64(35.0 * 60.0 / 200.0);
        assert_eq!(least(&fleet, Tier::Read), ours);
        advance(Duration::from_secs(11)).await;
        assert_eq!(fleet.pause(Tier::Read), Pause::default());
    }

    #[tokio::test(start_paused = true)]
    async fn two_requests_in_quick_succession_do_not_hide_the_others() {
        let mut fleet = Budget::default();
        fleet.told(Tier::Read, &budget("400", "300", "60"));
        fleet.told(Tier::Read, &budget("400", "240", "60"));
        let many = least(&fleet, Tier::Read);
        fleet.told(Tier::Read, &budget("400", "239", "60"));
        assert!(least(&fleet, Tier::Read) > many / 3);
        // But once they are gone, that is noticed.
        for remaining in ["238", "237", "236", "235", "234", "233"] {
            fleet.told(Tier::Read, &budget("400", remaining, "60"));
        }
        assert!(least(&fleet, Tier::Read) < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_left_without_gets_a_turn_after_the_reset() {
        let mut fleet = Budget::default();
        fleet.told(Tier::Read, &budget("400", "130", "60"));
        fleet.told(Tier::Read, &budget("400", "40", "30"));
        // Ninety of us share 360 in a minute: fifteen seconds each.
        let pause = fleet.pause(Tier::Read);
        assert_eq!(pause.least, Duration::from_secs(30));
        assert_eq!(pause.spread, Duration::from_secs(15));
        // The turn passes when the reset has long been.
        advance(Duration::from_secs(40)).await;
        let pause = fleet.pause(Tier::Read);
        assert_eq!(pause.least, Duration::ZERO);
        assert_eq!(pause.spread, Duration::from_secs(5));
        // A refusal says that we are more than we thought.
        fleet.told(Tier::Read, &budget("400", "0", "20"));
        assert_eq!(fleet.pause(Tier::Read).least, Duration::from_secs(20));
        assert_eq!(fleet.pause(Tier::Read).spread, Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_readings_of_a_log_are_spread_if_there_are_many() {
        let spread = |others: u64| {
            let mut fleet = Budget::default();
            fleet.told(Tier::Read, &budget("400", "399", "60"));
            fleet.told(
                Tier::Read,
                &budget("400", &(399 - others).to_string(), "60"),
            );
            let pause = fleet.pause(Tier::Logs);
            assert_eq!(pause.least, Duration::ZERO);
            pause.spread
        };
        assert_eq!(spread(21), Duration::ZERO);
        // Sixty-three are three minutes' worth of the twenty-one that are
        // not left to the status.
        assert_eq!(spread(63), Duration::from_secs(180));
        assert_eq!(spread(300), LONGEST_PAUSE_FOR_LOGS);
    }

    #[tokio::test(start_paused = true)]
    async fn logs_yield_first_then_the_status_and_triggers_last() {
        let of = |tier, remaining: &str| {
            let mut budget = Budget::default();
            // Told again and again: nobody else takes any.
            for _ in 0..6 {
                budget.told(tier, &self::budget("100", remaining, "30"));
            }
            budget.pause(tier).least
        };
        let blocked = Duration::from_secs(30);
        for (remaining, logs, read, trigger) in [
            ("60", false, false, false),
            ("30", true, false, false),
            ("10", true, true, false),
            ("1", true, true, false),
            ("0", true, true, true),
        ] {
            assert_eq!(of(Tier::Logs, remaining) == blocked, logs, "{remaining}");
            assert_eq!(of(Tier::Read, remaining) == blocked, read, "{remaining}");
            let wait = if trigger { blocked } else { Duration::ZERO };
            assert_eq!(of(Tier::Deployment, remaining), wait, "{remaining}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_and_silence_tell_nothing() {
        for told in [
            budget("400", "-1", "60"),
            budget("400", "0", "1790000000"),
            budget("18446744073709551615", "x", "60"),
            budget("400", "0", "NaN"),
            budget("400", "many", "60"),
            headers(&[("x-ratelimit-remaining", "0")]),
            headers(&[]),
        ] {
            let mut budget = Budget::default();
            budget.told(Tier::Read, &told);
            assert_eq!(budget.pause(Tier::Read), Pause::default(), "{told:?}");
        }
        let mut long = Budget::default();
        long.told(Tier::Logs, &budget("18446744073709551615", "1", "60"));
        assert!(least(&long, Tier::Logs) <= LONGEST_PAUSE_FOR_LOGS);
        long.told(Tier::Read, &budget("0", "0", "3600"));
        assert_eq!(least(&long, Tier::Read), LONGEST_PAUSE);
    }

    fn load_after(told: &[(&str, &str)]) -> f64 {
        let mut budget = Budget::default();
        assert!(budget.load(Tier::Read) == 0.0);
        for (remaining, reset) in told {
            budget.told(Tier::Read, &self::budget("400", remaining, reset));
        }
        budget.load(Tier::Read)
    }

    #[tokio::test(start_paused = true)]
    async fn the_load_is_what_goes_in_a_window_at_this_rate() {
        for (told, load) in [
            // A quarter used in half of the minute: half of it in all of it.
            (&[("300", "30")][..], 0.5),
            // All of it in half: no more than all.
            (&[("100", "30")], 1.0),
            // Half a second shows as little as two and a half.
            (&[("396", "59.5")], 0.25),
            (&[("396", "57.6")], 0.25),
            // A longer window than documented is believed.
            (&[("300", "120"), ("300", "60")], 1.0 + (0.5 - 1.0) * 0.5),
            // What was known before counts for what has not passed yet.
            (
                &[("300", "30"), ("200", "15")],
                0.5 + (2.0 / 3.0 - 0.5) * 0.75,
            ),
            (&[("200", "30"), ("380", "45")], 1.0 + (0.2 - 1.0) * 0.25),
            // Nothing left is all used, whatever was before.
            (&[("396", "30"), ("0", "15")], 1.0),
        ] {
            let is = load_after(told);
            assert!((is - load).abs() < 1e-9, "{told:?}: {is}, not {load}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn how_many_we_are_is_seen_within_a_window_and_guessed_before() {
        for (told, ours) in [
            // Each asks four times in a window; the guess is not taken too far.
            (&[("399", 0_u64)][..], 1_u64),
            (&[("360", 0)], 10),
            (&[("100", 0)], LARGEST_GUESS),
            // Seen between two answers of one window.
            (&[("360", 0), ("330", 0)], 30),
            // Of the next window only what is used in it is seen.
            (&[("360", 20), ("388", 0)], 12),
            (&[("360", 20), ("330", 0)], 70),
            (&[("360", 0), ("388", 0)], 12),
        ] {
            let mut budget = Budget::default();
            for (remaining, then) in told {
                budget.told(Tier::Read, &self::budget("400", remaining, "20"));
                advance(Duration::from_secs(*then)).await;
            }
            assert_eq!(budget.others(), ours, "{told:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_logs_are_spread_before_their_first_reading_and_up_to_their_limit() {
        let mut fleet = Budget::default();
        fleet.told(Tier::Read, &budget("400", "399", "60"));
        fleet.told(Tier::Read, &budget("400", "336", "60"));
        assert_eq!(fleet.pause(Tier::Deployment), Pause::default());
        assert_eq!(fleet.pause(Tier::Creation), Pause::default());
        // A fifth of a long wait stays open: not all at the same moment.
        let mut late = Budget::default();
        late.told(Tier::Read, &budget("400", "40", "3600"));
        late.told(Tier::Read, &budget("400", "30", "3600"));
        let pause = late.pause(Tier::Read);
        assert_eq!(pause.least, LONGEST_PAUSE);
        assert_eq!(pause.spread, LONGEST_PAUSE / 5);
    }

    #[tokio::test(start_paused = true)]
    async fn one_run_stays_under_the_older_limit_by_itself() {
        let mut budget = Budget::default();
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
