//! What stands out in a log of which nothing is known: the lines that the
//! service marks as errors, the last before something failed, and the last
//! before the end.

use std::collections::VecDeque;

use super::bare::Bare;
use super::{Finding, LONGEST_KEPT, beginning, push};
use crate::report::weight::Weight;

/// The most lines of each kind.
pub(super) const MOST_LINES: usize = 5;

/// What the last lines are called.
pub(super) const LAST: &str = "The last lines of the log";

const MARKED: &str = "Lines marked as errors";
const BEFORE: &str = "The last lines before the failure";

/// The last lines of both kinds.
#[derive(Debug, Default)]
pub(super) struct Tail {
    errors: VecDeque<String>,
    last: VecDeque<String>,
    /// The last line of all, whatever it says.
    end: String,
}

impl Tail {
    pub(super) fn take(&mut self, severity: &str, bare: Bare<'_>) {
        if Weight::of(severity) == Weight::Error && !bare.is_harmless() {
            push(&mut self.errors, MOST_LINES, bare.text);
        }
        push(&mut self.last, MOST_LINES, bare.text);
    }

    /// Takes the last line also where it is no news: something is always shown.
    pub(super) fn end_with(&mut self, bare: Bare<'_>) {
        self.end.clear();
        self.end
            .push_str(beginning(bare.text.trim_end(), LONGEST_KEPT));
    }

    /// The last lines, and the very last.
    fn last(&self) -> Vec<String> {
        let mut last: Vec<String> = self.last.iter().cloned().collect();
        if !self.end.is_empty() && last.last() != Some(&self.end) {
            let left_out = last.len().saturating_sub(MOST_LINES - 1);
            last = last.split_off(left_out);
            last.push(self.end.clone());
        }
        last
    }

    /// The lines that the service marks as errors.
    pub(super) fn marked(&self) -> Option<Finding> {
        finding(MARKED, self.errors.iter().cloned().collect())
    }

    /// These, which came just before something failed, unless the end shows them;
    /// and the last of all.
    pub(super) fn around(&self, before: Vec<String>) -> impl Iterator<Item = Finding> {
        let all = self.last();
        let is_last = |line: &&String| all.iter().any(|last| last.trim() == line.trim());
        let shown = before.iter().filter(is_last).count();
        let before = Some(before).filter(|lines| 2 * shown < lines.len());
        let before = before.and_then(|lines| finding(BEFORE, lines));
        let last = finding(LAST, all);
        before.into_iter().chain(last)
    }
}

fn finding(title: &'static str, lines: Vec<String>) -> Option<Finding> {
    (!lines.is_empty()).then_some(Finding {
        title,
        lines,
        place: None,
        advice: "Read the log before this: nothing in it is known to this program as a cause.",
        is_known: false,
    })
}
