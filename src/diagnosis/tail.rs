//! What stands out in a log of which nothing is known: the lines that the
//! service marks as errors, the last before something failed, and the last
//! before the end.

use std::collections::VecDeque;

use super::bare::Bare;
use super::{Finding, push};

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
}

impl Tail {
    pub(super) fn take(&mut self, bare: Bare<'_>, is_marked: bool) {
        if is_marked && !bare.is_harmless() {
            push(&mut self.errors, MOST_LINES, bare.text);
        }
        push(&mut self.last, MOST_LINES, bare.text);
    }

    /// The lines that the service marks as errors.
    pub(super) fn marked(&self) -> Option<Finding> {
        finding(MARKED, self.errors.iter().cloned().collect())
    }

    /// These, which came just before something failed, unless the end shows them;
    /// and the last of all.
    pub(super) fn around(&self, before: Vec<String>) -> impl Iterator<Item = Finding> {
        let is_last = |line: &&String| self.last.iter().any(|last| last.trim() == line.trim());
        let shown = before.iter().filter(is_last).count();
        let before = Some(before).filter(|lines| 2 * shown < lines.len());
        let before = before.and_then(|lines| finding(BEFORE, lines));
        let last = finding(LAST, self.last.iter().cloned().collect());
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
