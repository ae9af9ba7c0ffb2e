//! [`LocalTime`]: the times of a narrative for a person, who has a clock beside
//! it. In a CI they are UTC, as everything else there.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Shows times as the clocks of this machine do.
#[derive(Clone)]
pub(super) struct LocalTime {
    pub(super) zone: TimeZone,
    /// The wall clock.
    pub(super) clock: fn() -> Timestamp,
}

impl LocalTime {
    /// A line that begins with a time in UTC, `10:00:05Z` or `10:00:05.123Z`, with
    /// the local time instead.
    pub(super) fn of<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let Some((seconds, fraction, rest)) = time_of(line) else {
            return Cow::Borrowed(line);
        };
        // A run is short: what holds now has held for all of its lines.
        let offset = self.zone.to_offset((self.clock)()).seconds();
        let local = (seconds + offset).rem_euclid(24 * 3600);
        let (hours, minutes) = (local / 3600, local / 60 % 60);
        Cow::Owned(format!(
            "{hours:02}:{minutes:02}:{:02}{fraction} {rest}",
            local % 60
        ))
    }

    /// The zone and the current time.
    pub(super) fn now(&self) -> (TimeZone, Timestamp) {
        (self.zone.clone(), (self.clock)())
    }

    /// A text of this program with each moment in it (`2026-11-30T10:00:05.123Z`)
    /// as local time: `2026-11-30 11:00:05`.
    pub(super) fn everywhere<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((before, moment, after)) = moment_in(rest) {
            let local = self.zone.to_datetime(moment);
            shown.push_str(before);
            shown.push_str(&local.strftime("%F %T").to_string());
            rest = after;
        }
        if shown.is_empty() {
            return Cow::Borrowed(text);
        }
        shown.push_str(rest);
        Cow::Owned(shown)
    }
}

/// The first moment in a text, with what is before and behind it.
fn moment_in(text: &str) -> Option<(&str, Timestamp, &str)> {
    /// The place of the `T`, which is behind the date.
    const DATE: usize = "2026-11-30".len();
    /// The length of a moment without a fraction and `Z`.
    const SECONDS: usize = "2026-11-30T10:00:05".len();
    let found = text.match_indices('T').find_map(|(at, _)| {
        let start = at.checked_sub(DATE)?;
        let rest = text.get(start..)?;
        let fraction = rest.get(SECONDS..)?;
        let is_of_it = |c: char| c == '.' || c.is_ascii_digit();
        let end = start + SECONDS + fraction.find(|c| !is_of_it(c))? + 1;
        let moment = text.get(start..end)?.strip_suffix('Z')?;
        let moment: Timestamp = format!("{moment}Z").parse().ok()?;
        Some((start, moment, end))
    });
    let (start, moment, end) = found?;
    Some((text.get(..start)?, moment, text.get(end..)?))
}

/// The time with which a line begins: the seconds of the day, their fraction,
/// and the rest of the line.
fn time_of(line: &str) -> Option<(i32, &str, &str)> {
    let (time, rest) = line.split_once("Z ")?;
    let (whole, fraction) = time.split_at_checked(8)?;
    let is_fraction = fraction.is_empty() || fraction.starts_with('.') && fraction.len() == 4;
    let mut seconds = 0;
    let mut units = whole.split(':');
    for limit in [24, 60, 60] {
        let unit: i32 = units.next().filter(|unit| unit.len() == 2)?.parse().ok()?;
        if !(0..limit).contains(&unit) {
            return None;
        }
        seconds = seconds * 60 + unit;
    }
    is_fraction.then_some((seconds, fraction, rest))
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

    #[test]
    fn each_moment_in_a_sentence_is_shown_as_local() {
        let india = LocalTime {
            zone: TimeZone::posix("IST-5:30").unwrap(),
            clock: || Timestamp::UNIX_EPOCH,
        };
        for (text, shown) in [
            (
                "The last one, 2026-11-30T20:00:05Z, and 2026-11-30T10:00:05.123Z.",
                "The last one, 2026-12-01 01:30:05, and 2026-11-30 15:30:05.",
            ),
            ("2026-11-30T10:00:05", "2026-11-30T10:00:05"),
            ("2026-99-30T10:00:05Z", "2026-99-30T10:00:05Z"),
            ("é 2026-11-30T10:00:05Zé", "é 2026-11-30 15:30:05é"),
            ("The Text", "The Text"),
        ] {
            assert_eq!(india.everywhere(text), shown);
        }
    }
}
