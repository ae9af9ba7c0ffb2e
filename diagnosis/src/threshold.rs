//! Of which of the failures that were found something is claimed. Pure.
//!
//! Builds survive much of what sounds like their end. So something is claimed only
//! of lines that stand out about as much as the best of the log, and only where
//! the command that printed them did not end well.

use super::Match;
use super::recovery::OF_TESTING;
use super::salience::Lines;

/// Lines of a claim may stand out so much less than the best of the log.
const MARGIN: i32 = 600;

/// The margin for what builds often survive.
const NARROW_MARGIN: i32 = 200;

/// The titles of what builds often survive.
const OFTEN_SURVIVED: &[&str] = &[
    "A command does not exist",
    "A download failed",
    "A file does not exist",
    "A linter found an error",
    "A link leads nowhere",
    "A program crashed",
    "A sanitizer found an error",
    "A test failed",
    "Tests failed",
];

/// So many lines below the first of a failure belong to it.
const BELOW: u64 = 2;

/// How much each line stands out, and how much the best does.
pub(super) struct Threshold<'a> {
    lines: &'a Lines,
    scores: &'a [i32],
    best: i32,
}

impl<'a> Threshold<'a> {
    pub(super) fn of(lines: &'a Lines, scores: &'a [i32]) -> Self {
        Self {
            lines,
            scores,
            best: scores.iter().copied().max().unwrap_or_default(),
        }
    }

    /// Whether its lines stand out enough, and nothing shows that the build
    /// continued.
    pub(super) fn allows(&self, found: &Match) -> bool {
        let numbers = found.begun.saturating_sub(1)..=found.begun + BELOW;
        let scores = self.scores.get(self.lines.range(numbers));
        let score = scores.unwrap_or_default().iter().max().copied();
        let is_summed =
            found.pattern.title == OF_TESTING && self.lines.sums_failures_after(found.begun);
        let margin = if OFTEN_SURVIVED.contains(&found.pattern.title) && !is_summed {
            NARROW_MARGIN
        } else {
            MARGIN
        };
        let is_survived = self.lines.ended_well_after(found.begun);
        !is_survived && score.is_some_and(|score| score >= self.best.saturating_sub(margin))
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem_matchers;
    use super::*;

    #[test]
    fn each_title_is_one_of_a_pattern() {
        let all: Vec<&str> = problem_matchers::all()
            .map(|pattern| pattern.title)
            .collect();
        for title in OFTEN_SURVIVED {
            assert!(all.contains(title), "{title}");
        }
    }
}
