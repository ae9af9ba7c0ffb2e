//! What the headers of an answer say about when to come back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The longest wait we take from a header. Asking again after two minutes is
/// no burden to the service, and a wrong header cannot stall a run.
pub const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(120);

/// A reset further away than this is not a window of the service but nonsense,
/// such as a date where seconds belong.
const LONGEST_WINDOW: Duration = Duration::from_secs(3600);

/// Seconds until the window of the budget ends.
static RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long the service asks to wait: `Retry-After` as seconds or as a date,
/// else, after a 429, `x-ratelimit-reset`. At most [`LONGEST_ASKED_WAIT`].
pub fn asked_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let reset = || reset(headers).filter(|_| status == 429);
    let asked = retry_after(headers).or_else(reset)?;
    Some(asked.min(LONGEST_ASKED_WAIT))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(text).or_else(|| {
        // Both dates are the service's, so that our clock does not matter.
        let until = http_date(text)?;
        let now = headers
            .get(DATE)
            .and_then(|value| value.to_str().ok())
            .and_then(http_date)?;
        Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
    })
}

fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(&RATELIMIT_RESET)?.to_str().ok()?.trim();
    seconds(text).filter(|wait| *wait <= LONGEST_WINDOW)
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
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
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
}
