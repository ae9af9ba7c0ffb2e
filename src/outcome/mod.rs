//! How a run ended: one word, one exit code, and an explanation.

pub(crate) mod guidance;

use std::process::ExitCode;

use jiff::Timestamp;

use crate::deployment::Status;
use crate::exit_status::ExitStatus;
use crate::messages::Failure;
pub use crate::outcome::guidance::{FailureContext, LogEvidence, PreviouslyLive};

/// A look at a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// Its status then.
    pub status: Status,
    /// When the answer came, by the clock of this machine.
    pub at: Timestamp,
}

/// The end as it is made: one that is not good has its entry in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutcomeKind {
    Success,
    Planned,
    Triggered,
    Passed,
    Failed(Failure),
}

/// How a run ended, and what a person needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub(crate) end: OutcomeKind,
    /// What happened, or what we were doing when it went wrong.
    pub headline: String,
    /// Why, one reason a line.
    pub why: Vec<String>,
    /// How hard we tried, where we tried more than once.
    pub effort: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Outcome {
    pub(crate) fn new(end: OutcomeKind, headline: impl Into<String>) -> Self {
        Self {
            end,
            headline: headline.into(),
            why: Vec::new(),
            effort: None,
            hint: None,
        }
    }

    /// All went well.
    pub fn success(headline: impl Into<String>) -> Self {
        Self::new(OutcomeKind::Success, headline)
    }

    /// Nothing was done, and nothing had to be.
    pub fn passed(headline: impl Into<String>) -> Self {
        Self::new(OutcomeKind::Passed, headline)
    }

    /// This went wrong. Until something better is known, what the catalogue
    /// says first is what to do next.
    pub fn of(failure: Failure, headline: impl Into<String>) -> Self {
        Self::new(OutcomeKind::Failed(failure), headline).hint(failure.first_step())
    }

    /// The same, which is no failure by the user's own rule.
    #[must_use]
    pub fn which_passes(self) -> Self {
        Self {
            end: OutcomeKind::Passed,
            ..self
        }
    }

    /// The word and the number.
    pub const fn ending(&self) -> ExitStatus {
        match self.end {
            OutcomeKind::Success => ExitStatus::Success,
            OutcomeKind::Planned => ExitStatus::Planned,
            OutcomeKind::Triggered => ExitStatus::Triggered,
            OutcomeKind::Passed => ExitStatus::Passed,
            OutcomeKind::Failed(failure) => failure.ending(),
        }
    }

    /// What went wrong, if anything did.
    pub const fn failure(&self) -> Option<Failure> {
        match self.end {
            OutcomeKind::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// The same under another headline.
    #[must_use]
    pub fn headed(mut self, headline: impl Into<String>) -> Self {
        self.headline = headline.into();
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.why.push(reason.into());
        self
    }

    /// Says how hard we tried.
    #[must_use]
    pub fn after(mut self, effort: Option<String>) -> Self {
        self.effort = effort;
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The code for the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.ending().code())
    }

    /// Whether the process ends with 0.
    pub const fn is_good(&self) -> bool {
        self.ending().code() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_ends_as_it_was_made() {
        let failures = Failure::ALL
            .iter()
            .map(|failure| (Outcome::of(*failure, ""), failure.ending()));
        let good = [
            (Outcome::success(""), ExitStatus::Success),
            (Outcome::passed(""), ExitStatus::Passed),
            (Outcome::planned(""), ExitStatus::Planned),
            (Outcome::triggered(None), ExitStatus::Triggered),
            (
                Outcome::of(Failure::DeploymentSkipped, "").which_passes(),
                ExitStatus::Passed,
            ),
        ];
        for (outcome, ending) in failures.chain(good) {
            assert_eq!(outcome.ending(), ending);
            assert_eq!(outcome.is_good(), outcome.failure().is_none());
            assert_eq!(outcome.is_good(), ending.code() == 0);
            let as_shown = |code: ExitCode| format!("{code:?}");
            assert_eq!(
                as_shown(outcome.exit_code()),
                as_shown(ExitCode::from(ending.code()))
            );
        }
    }
}
