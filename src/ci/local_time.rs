//! [`LocalTime`]: the times of a narrative for a person, who has a clock beside
//! it. In a CI they are UTC, as everything else there.

use std::borrow::Cow;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Shows times as the clocks of this machine do.
pub(super) struct LocalTime {
    pub(super) zone: TimeZone,
    /// The wall clock.
    pub(super) clock: fn() -> Timestamp,
}

impl LocalTime {
    /// A line that begins with a time in UTC, `10:00:05Z` or `10:00:05.123Z`, with
    /// the local time instead.
    pub(super) fn of<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let split = line.split_once("Z ").and_then(|(time, rest)| {
            let is_time = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.');
            let is_ours = matches!(time.len(), 8 | 12) && time.chars().all(is_time);
            Some((
                time.len(),
                time.parse::<Time>().ok().filter(|_| is_ours)?,
                rest,
            ))
        });
        let Some((length, time, rest)) = split else {
            return Cow::Borrowed(line);
        };
        // A run is short: what holds now has held for all of its lines.
        let offset = self.zone.to_offset((self.clock)()).seconds();
        let local = time.wrapping_add(SignedDuration::from_secs(offset.into()));
        let local = match length {
            8 => local.strftime("%H:%M:%S"),
            _ => local.strftime("%H:%M:%S%.3f"),
        };
        Cow::Owned(format!("{local} {rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_at_the_beginning_is_shown_as_local() {
        let india = LocalTime {
            zone: TimeZone::posix("IST-5:30").unwrap(),
            clock: || Timestamp::UNIX_EPOCH,
        };
        for (line, shown) in [
            ("10:00:05Z Deployed", "15:30:05 Deployed"),
            ("23:59:59Z x 10:00:05Z y", "05:29:59 x 10:00:05Z y"),
            ("10:00:05.120Z | line", "15:30:05.120 | line"),
            ("--- Log of the deployment", "--- Log of the deployment"),
            ("--:--:--.---Z | line", "--:--:--.---Z | line"),
            ("99:00:05Z x", "99:00:05Z x"),
            ("10:00:05 x", "10:00:05 x"),
            ("A to Z of it", "A to Z of it"),
            ("", ""),
        ] {
            assert_eq!(india.of(line), shown);
        }
    }
}
