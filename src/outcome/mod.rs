//! How a run ended: a success, or a failure of the catalogue, and an explanation.
//! `actions` makes the outcome, `report` shows it, and its
//! [exit status](crate::exit_status) is the word and the code of the process.

pub(crate) mod guidance;

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use crate::deployment::Status;
use crate::exit_status::ExitStatus;
use crate::messages::Failure;
pub use crate::outcome::guidance::{FailureContext, LogEvidence, PreviouslyLive};

/// A deployment as the run saw it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// Its status at that moment.
    pub status: Status,
    /// When the response came, by the clock of this machine.
    pub at: Timestamp,
}

/// How a run ended well. Each is an exit status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Success {
    /// Everything was done.
    Done,
    /// A dry run.
    Planned,
    /// The deployment was started and not followed.
    Triggered,
    /// Nothing was done, and nothing had to be.
    Passed,
}

/// How a run ended, and what a person needs to know about it. An action makes it,
/// often from an error; `report` decides how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub(crate) result: Result<Success, Failure>,
    /// What happened, or what the run was doing when it failed.
    pub headline: String,
    /// Why, one reason a line.
    pub why: Vec<String>,
    /// How often and how long the run tried, where it tried more than once.
    pub effort: Option<String>,
    /// How long the run took, where no effort says as much.
    pub elapsed: Option<Duration>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Outcome {
    pub(crate) fn new(result: Result<Success, Failure>, headline: impl Into<String>) -> Self {
        Self {
            result,
            headline: headline.into(),
            why: Vec::new(),
            effort: None,
            elapsed: None,
            hint: None,
        }
    }

    /// Everything was done.
    pub fn success(headline: impl Into<String>) -> Self {
        Self::new(Ok(Success::Done), headline)
    }

    /// Nothing was done, and nothing had to be.
    pub fn passed(headline: impl Into<String>) -> Self {
        Self::new(Ok(Success::Passed), headline)
    }

    /// A failure. The first step of its entry in the catalogue is the hint, until
    /// a better one is set.
    pub fn of(failure: Failure, headline: impl Into<String>) -> Self {
        Self::new(Err(failure), headline).hint(failure.first_step())
    }

    /// This outcome as a success, where the user's inputs say that it is none of
    /// the failures.
    #[must_use]
    pub fn which_passes(self) -> Self {
        Self {
            result: Ok(Success::Passed),
            ..self
        }
    }

    /// The exit status: a word and a code.
    pub const fn ending(&self) -> ExitStatus {
        match self.result {
            Ok(Success::Done) => ExitStatus::Success,
            Ok(Success::Planned) => ExitStatus::Planned,
            Ok(Success::Triggered) => ExitStatus::Triggered,
            Ok(Success::Passed) => ExitStatus::Passed,
            Err(failure) => failure.ending(),
        }
    }

    /// The failure, if it is one.
    pub const fn failure(&self) -> Option<Failure> {
        match self.result {
            Ok(_) => None,
            Err(failure) => Some(failure),
        }
    }

    /// This outcome under another headline.
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

    /// Sets how often and how long the run tried.
    #[must_use]
    pub fn after(mut self, effort: Option<String>) -> Self {
        self.effort = effort;
        self
    }

    /// Sets what to do next.
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
