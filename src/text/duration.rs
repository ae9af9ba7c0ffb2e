//! Durations and counts for people.

use std::time::Duration;

/// A duration for people: `0.3s`, `12s`, `1m05s`, `1h02m`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{:.1}s", duration.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// A count for people: `1 setting`, `2 settings`, `0 processes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", plural(count, noun))
}

/// The ending of a noun behind a count.
pub(crate) fn plural(count: usize, noun: &str) -> &'static str {
    match count {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_others_are_plural() {
        for (count, noun, text) in [
            (0, "line", "0 lines"),
            (1, "line", "1 line"),
            (2, "more line", "2 more lines"),
            (1, "process", "1 process"),
            (3, "process", "3 processes"),
        ] {
            assert_eq!(counted(count, noun), text);
        }
    }

    #[test]
    fn durations_read_well() {
        for (milliseconds, text) in [
            (0, "0.0s"),
            (340, "0.3s"),
            (12_900, "12s"),
            (65_000, "1m05s"),
            (3_725_000, "1h02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
