//! How long a server requires to wait, by the headers of a response: `Retry-After`
//! (RFC 9110, section 10.2.3) and the widespread `x-ratelimit-reset`. Pure.

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
pub static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long the server requires to wait: `Retry-After` as seconds or as a
/// date, or after a 429 `x-ratelimit-reset`. At most [`LONGEST_ASKED_WAIT`].
pub fn requested_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let reset = || reset(headers).filter(|_| status == 429);
    let asked = retry_after(headers).or_else(reset)?;
    Some(asked.min(LONGEST_ASKED_WAIT))
}

/// The time by the server's clock, if the response has one.
pub fn service_time(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, &DATE)?)
}

/// After a 429, when the limit frees, as far as the server reports it. Not cut
/// to [`LONGEST_ASKED_WAIT`]: a quota of an hour frees within the hour.
pub fn frees_in(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let stated = retry_after(headers).filter(|wait| *wait <= LONGEST_WINDOW);
    stated.or_else(|| reset(headers)).filter(|_| status == 429)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, &RETRY_AFTER)?;
    seconds(text).or_else(|| {
        // Both dates are the server's, so that our clock does not matter.
        let until = http_date(text)?;
        let now = http_date(self::text(headers, &DATE)?)?;
        Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
    })
}

/// How long until the window of the budget ends, if that can be.
pub fn reset(headers: &HeaderMap) -> Option<Duration> {
    seconds(text(headers, &RESET)?).filter(|wait| *wait <= LONGEST_WINDOW)
}

/// The text of a header, without white space around it.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
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
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
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
                requested_wait(status, &headers(&pairs)),
                expected,
                "{status} {pairs:?}"
            );
        }
    }
}
