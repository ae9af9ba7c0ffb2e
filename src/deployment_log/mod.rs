//! The log of a deployment, and what it says of its end. The follower reads the
//! entries into a [`LogDiagnosis`], the only place where they are sanitized: what
//! comes out, as [`SanitizedEntry`], is what `report` shows and keeps. The action
//! takes the hint of a failure from the diagnosis. Which line means what is decided
//! in [`diagnosis`](crate::diagnosis).

pub mod severity;

use std::cell::RefCell;
use std::rc::Rc;

use self::severity::Severity;
use crate::deployment::LogLine;
use crate::diagnosis::{DeployStep, Diagnosis, Digest};
use crate::sanitize::redactor::PartialMatch;
use crate::sanitize::{SanitizedLine, Sanitizer};

/// The most lines that are read of one entry. An entry is a line of a build,
/// or a few. Each line is shown behind a time, so an entry of millions of empty
/// lines would be shown many times longer than it is.
pub const MOST_LINES_OF_AN_ENTRY: usize = 100_000;

/// An entry of a log whose text may be shown. Only a [`LogDiagnosis`] makes it.
#[derive(Debug, Clone)]
pub struct SanitizedEntry {
    /// Microseconds since 1970, by the service's clock.
    pub at_micros: i64,
    /// How severe it is.
    pub severity: Severity,
    /// The service's word for that.
    pub severity_word: SanitizedLine,
    /// The lines, [`MOST_LINES_OF_AN_ENTRY`] at most.
    pub lines: Vec<SanitizedLine>,
    /// How many more lines the entry has.
    pub omitted: usize,
}

impl SanitizedEntry {
    fn of(entry: &LogLine, sanitizer: &Sanitizer, partial: &mut PartialMatch) -> Self {
        let mut lines = sanitizer.lines(&entry.message, partial);
        Self {
            at_micros: entry.at_micros,
            severity: Severity::of(&entry.severity),
            severity_word: sanitizer.line(&entry.severity),
            lines: lines.by_ref().take(MOST_LINES_OF_AN_ENTRY).collect(),
            omitted: lines.count(),
        }
    }
}

/// The diagnosis of one deployment's log. The action that follows the deployment
/// makes it; every clone reads and shows the same log.
#[derive(Debug, Clone)]
pub struct LogDiagnosis {
    sanitizer: Sanitizer,
    reading: Rc<RefCell<Reading>>,
}

#[derive(Debug, Default)]
struct Reading {
    diagnosis: Diagnosis,
    /// What of a secret the last entry ended in.
    partial: PartialMatch,
}

impl Reading {
    fn take(&mut self, entry: &LogLine, sanitizer: &Sanitizer) -> SanitizedEntry {
        let entry = SanitizedEntry::of(entry, sanitizer, &mut self.partial);
        for line in &entry.lines {
            if entry.severity == Severity::Error {
                self.diagnosis.take_marked(line.as_str());
            } else {
                self.diagnosis.take(line.as_str());
            }
        }
        entry
    }
}

impl LogDiagnosis {
    /// The diagnosis of a log of which nothing was read yet.
    pub fn new(sanitizer: Sanitizer) -> Self {
        Self {
            sanitizer,
            reading: Rc::default(),
        }
    }

    /// Reads the next entries of the log, oldest first, and returns them sanitized.
    pub fn read(&self, entries: &[LogLine]) -> Vec<SanitizedEntry> {
        let reading = &mut *self.reading.borrow_mut();
        let read = |entry| reading.take(entry, &self.sanitizer);
        entries.iter().map(read).collect()
    }

    /// Compares the log with that of a deployment that succeeded: a line of both
    /// says less about a failure.
    pub fn compare_with(&self, good: &[LogLine]) {
        let mut earlier = Reading::default();
        for entry in good {
            earlier.take(entry, &self.sanitizer);
        }
        let diagnosis = earlier.diagnosis;
        self.reading.borrow_mut().diagnosis.compare_with(diagnosis);
    }

    /// Why the deployment failed.
    pub fn digest(&self) -> Digest {
        self.reading.borrow().diagnosis.digest()
    }

    /// Why what was deployed does not work.
    pub fn digest_of_run(&self) -> Digest {
        self.reading.borrow().diagnosis.digest_of_run()
    }

    /// The part of the deployment that the log ended in.
    pub fn phase(&self) -> Option<DeployStep> {
        self.reading.borrow().diagnosis.phase()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sanitize::redactor::Redactor;

    /// A line of a log.
    pub(crate) fn entry(severity: &str, message: &str) -> LogLine {
        LogLine {
            id: "1".to_owned(),
            at_micros: 1_772_000_000_123_456,
            severity: severity.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_line_that_sevalla_marks_as_an_error_stands_out() {
        let log = LogDiagnosis::new(Sanitizer::default());
        let entries = [("ERR", "it broke"), ("WARN", "old"), ("info", "bye")];
        log.read(&entries.map(|(severity, text)| entry(severity, text)));
        let digest = log.digest();
        assert_eq!(digest.findings[0].title, "Lines that stand out");
        assert_eq!(digest.findings[0].lines[0], "it broke");
    }

    #[test]
    fn a_secret_that_two_entries_share_is_in_no_finding() {
        let log = LogDiagnosis::new(Sanitizer::new(Redactor::new(["svl_0123456789abcdef"])));
        log.read(&[entry("ERROR", "Error: svl_01234")]);
        log.clone().read(&[entry("ERROR", "56789abcdef is no key")]);
        let found = format!("{:?}", log.digest());
        assert!(found.contains("*** is no key"), "{found}");
        assert!(!found.contains("56789"), "{found}");
    }
}
