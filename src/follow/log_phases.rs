//! [`LogPhases`]: how far a deployment is, by the lines of the last similar one
//! that succeeded. Pure; the forecast is updated by
//! [`PollSchedule`](super::poll_schedule::PollSchedule).
//!
//! A line that occurred once in that log has a time that was left when it came.
//! If the line comes now, about as much is left. A line that is unknown, or
//! came more than once, shows nothing.

use std::collections::HashMap;

use crate::deployment::LogLine;
use crate::diagnosis::masked_hash;

/// Evidence of a line of the log about the end. Made by [`LogPhases::take`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineEvidence {
    /// When the line came, in microseconds, by the service's clock.
    pub at_micros: i64,
    /// After how many seconds it came the last time.
    pub after: f64,
    /// How many seconds were left then.
    pub left: f64,
    /// What the deployment does then, if the line shows it.
    pub doing: Option<&'static str>,
}

/// The lines of an earlier log, each with the time that was left when it came.
#[derive(Debug, Default)]
pub struct LogPhases {
    /// When a line came and how many seconds were left, by the hash of the line
    /// without its numbers.
    known: HashMap<u64, (f64, f64)>,
    /// How often each of them has come now.
    seen: HashMap<u64, u32>,
}

impl LogPhases {
    /// Of the log of a deployment that ran from this moment to that one, in
    /// microseconds.
    pub fn of(log: &[LogLine], started_micros: i64, finished_micros: i64) -> Self {
        let mut known: HashMap<u64, (u32, f64, f64)> = HashMap::new();
        for line in log {
            let after = seconds(line.at_micros.saturating_sub(started_micros));
            let left = seconds(finished_micros.saturating_sub(line.at_micros));
            let entry = known.entry(masked_hash(&line.message));
            entry.or_insert((0, after, left)).0 += 1;
        }
        let once = known
            .into_iter()
            .filter(|(_, (count, after, left))| *count == 1 && *after >= 0.0 && *left > 0.0)
            .map(|(line, (_, after, left))| (line, (after, left)));
        Self {
            known: once.collect(),
            seen: HashMap::new(),
        }
    }

    /// Takes in new lines, oldest first; what the last one that is known says.
    pub fn take(&mut self, lines: &[LogLine]) -> Option<LineEvidence> {
        let mut last = None;
        for line in lines {
            let hash = masked_hash(&line.message);
            let Some((after, left)) = self.known.get(&hash) else {
                continue;
            };
            let seen = self.seen.entry(hash).or_default();
            *seen += 1;
            if *seen == 1 {
                last = Some(LineEvidence {
                    at_micros: line.at_micros,
                    after: *after,
                    left: *left,
                    doing: doing(&line.message),
                });
            }
        }
        last
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time of hours at most")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// What a deployment does that writes this line, by the phrases of Sevalla's
/// builders.
fn doing(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 8] = [
        ("Cloning", "cloning"),
        ("Generating Dockerfile", "preparing"),
        ("Building", "building"),
        ("build command", "building"),
        ("pushing layers", "pushing the image"),
        ("exporting", "pushing the image"),
        ("Publishing", "publishing"),
        ("rollout", "rolling out"),
    ];
    let mut words = WORDS.iter();
    words
        .find(|(word, _)| message.contains(word))
        .map(|(_, doing)| *doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: i64, message: &str) -> LogLine {
        LogLine {
            id: String::new(),
            at_micros: second * 1_000_000,
            severity: "INFO".to_owned(),
            message: message.to_owned(),
        }
    }

    fn phases() -> LogPhases {
        let log = [
            line(2, "Cloning 59507fa41c into /src"),
            line(10, "Building image 12"),
            line(20, "step 1 of 3"),
            line(30, "step 2 of 3"),
            line(90, "Publishing 'dist' directory..."),
        ];
        LogPhases::of(&log, 0, 100_000_000)
    }

    #[test]
    fn the_last_line_that_is_known_says_how_much_is_left() {
        let mut phases = phases();
        let lines = [
            line(1003, "Cloning 0705065bb9 into /src"),
            line(1012, "Building image 13"),
            line(1014, "something new"),
        ];
        let evidence = phases.take(&lines).unwrap();
        assert_eq!(evidence.at_micros, 1_012_000_000);
        assert_eq!((evidence.after, evidence.left), (10.0, 90.0));
        assert_eq!(evidence.doing, Some("building"));
        let later = phases.take(&[line(1080, "Publishing 'dist' directory...")]);
        assert_eq!(
            later.map(|later| (later.after, later.left)),
            Some((90.0, 10.0))
        );
    }

    #[test]
    fn what_is_not_known_or_came_more_than_once_says_nothing() {
        let mut phases = phases();
        assert_eq!(phases.take(&[line(1, "step 1 of 3"), line(2, "new")]), None);
        assert!(phases.take(&[line(3, "Building image 1")]).is_some());
        assert_eq!(phases.take(&[line(9, "Building image 2")]), None);
        assert_eq!(
            LogPhases::default().take(&[line(1, "Building image 1")]),
            None
        );
        // A line after the end has nothing left.
        let mut late = LogPhases::of(&[line(9, "late")], 0, 5_000_000);
        assert_eq!(late.take(&[line(1, "late")]), None);
    }
}
