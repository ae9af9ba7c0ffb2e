//! What stands out in a log of which nothing is known: the lines that the
//! service marks as errors, and the last before the end.

use std::collections::VecDeque;

use super::bare::Bare;
use super::{Finding, push};
use crate::report::weight::Weight;

/// The most lines of each kind.
const MOST_LINES: usize = 5;

/// What the last lines are called.
pub(super) const LAST: &str = "The last lines of the log";

/// The last lines of both kinds.
#[derive(Debug, Default)]
pub(super) struct Tail {
    errors: VecDeque<String>,
    last: VecDeque<String>,
}

impl Tail {
    pub(super) fn take(&mut self, severity: &str, bare: Bare<'_>) {
        if Weight::of(severity) == Weight::Error && !bare.is_harmless() {
            push(&mut self.errors, MOST_LINES, bare.text);
        }
        push(&mut self.last, MOST_LINES, bare.text);
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let finding = |title, lines: &VecDeque<String>| Finding {
            title,
            lines: lines.iter().cloned().collect(),
            place: None,
            advice: "Read the log before this: nothing in it is known to this program as a cause.",
            is_known: false,
        };
        [("Lines marked as errors", &self.errors), (LAST, &self.last)]
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(title, lines)| finding(title, lines))
            .collect()
    }
}
