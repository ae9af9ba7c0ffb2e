//! How a run ended: one word, one exit code, and an explanation.

mod guidance;

use std::process::ExitCode;

use jiff::Timestamp;

use crate::deployment::Status;
use crate::messages::Failure;
pub use crate::outcome::guidance::{Beside, LiveBefore, LogTold};
use crate::shutdown::Signal;

/// A look at a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its status then.
    pub status: Status,
    /// When the answer came, by the clock of this machine.
    pub at: Timestamp,
}

/// How a run ended. The numbers and words are a contract with users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The deployment was seen to succeed.
    Success,
    /// A dry run: nothing was changed.
    Planned,
    /// Started, and not followed as asked.
    Triggered,
    /// The deployment failed.
    Failed,
    /// The inputs cannot be used; nothing was sent.
    InvalidInput,
    /// The deployment was cancelled.
    Cancelled,
    /// The deployment never ran.
    Skipped,
    /// A newer deployment took its place.
    Superseded,
    /// Nothing was to be done, by the user's own rule.
    Passed,
    /// Our patience ended before the deployment did.
    TimedOut,
    /// 401 or 403.
    Unauthorized,
    /// The API could not be reached or kept failing.
    Unavailable,
    /// It cannot be told whether a write took effect.
    Ambiguous,
    /// Deployed, but it does not answer well, or has another commit.
    Unverified,
    /// The API refused what we asked for.
    Rejected,
    /// A bug of ours.
    Internal,
    /// A signal ended the run.
    Interrupted(Signal),
}

impl Ending {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success | Self::Planned | Self::Triggered | Self::Passed => 0,
            Self::Failed => 1,
            Self::InvalidInput => 2,
            Self::Cancelled | Self::Skipped | Self::Superseded => 3,
            Self::TimedOut => 4,
            Self::Unauthorized => 5,
            Self::Unavailable => 6,
            Self::Ambiguous => 7,
            Self::Unverified => 8,
            Self::Rejected => 9,
            Self::Internal => 10,
            Self::Interrupted(signal) => signal.exit_code(),
        }
    }

    /// Whether a deployment was followed to its end, or to the end of the time.
    pub const fn was_followed(self) -> bool {
        matches!(
            self,
            Self::Success
                | Self::Failed
                | Self::Cancelled
                | Self::Skipped
                | Self::Superseded
                | Self::Unverified
                | Self::TimedOut
        )
    }

    /// The word, as in the output `outcome`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Planned => "planned",
            Self::Triggered => "triggered",
            Self::Failed => "failed",
            Self::InvalidInput => "invalid-input",
            Self::Cancelled => "cancelled",
            Self::Skipped | Self::Passed => "skipped",
            Self::Superseded => "superseded",
            Self::TimedOut => "timed-out",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "unavailable",
            Self::Ambiguous => "ambiguous",
            Self::Unverified => "unverified",
            Self::Rejected => "rejected",
            Self::Internal => "internal",
            Self::Interrupted(_) => "interrupted",
        }
    }
}

/// The end as it is made: one that is not good has its entry in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Success,
    Planned,
    Triggered,
    Passed,
    Failed(Failure),
}

/// How a run ended, and what a person needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    end: End,
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
    fn new(end: End, headline: impl Into<String>) -> Self {
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
        Self::new(End::Success, headline)
    }

    /// Nothing was done, and nothing had to be.
    pub fn passed(headline: impl Into<String>) -> Self {
        Self::new(End::Passed, headline)
    }

    /// This went wrong. Until something better is known, what the catalogue
    /// says first is what to do next.
    pub fn of(failure: Failure, headline: impl Into<String>) -> Self {
        Self::new(End::Failed(failure), headline).hint(failure.first_step())
    }

    /// The same, which is no failure by the user's own rule.
    #[must_use]
    pub fn which_passes(self) -> Self {
        Self {
            end: End::Passed,
            ..self
        }
    }

    /// The word and the number.
    pub const fn ending(&self) -> Ending {
        match self.end {
            End::Success => Ending::Success,
            End::Planned => Ending::Planned,
            End::Triggered => Ending::Triggered,
            End::Passed => Ending::Passed,
            End::Failed(failure) => failure.ending(),
        }
    }

    /// What went wrong, if anything did.
    pub const fn failure(&self) -> Option<Failure> {
        match self.end {
            End::Failed(failure) => Some(failure),
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
    use crate::actions::deploy::cancel::Cancelled;
    use crate::deployment::{Deployment, DeploymentId, Verdict};

    #[test]
    fn what_was_followed_has_a_whole_log() {
        for ending in [Ending::Success, Ending::Failed, Ending::Unverified] {
            assert!(ending.was_followed(), "{ending:?}");
        }
        for ending in [Ending::Triggered, Ending::Planned, Ending::Ambiguous] {
            assert!(!ending.was_followed(), "{ending:?}");
        }
    }

    #[test]
    fn the_numbers_and_words_are_the_published_ones() {
        for (ending, code, word) in [
            (Ending::Success, 0, "success"),
            (Ending::Planned, 0, "planned"),
            (Ending::Triggered, 0, "triggered"),
            (Ending::Failed, 1, "failed"),
            (Ending::InvalidInput, 2, "invalid-input"),
            (Ending::Cancelled, 3, "cancelled"),
            (Ending::Skipped, 3, "skipped"),
            (Ending::Superseded, 3, "superseded"),
            (Ending::Passed, 0, "skipped"),
            (Ending::TimedOut, 4, "timed-out"),
            (Ending::Unauthorized, 5, "unauthorized"),
            (Ending::Unavailable, 6, "unavailable"),
            (Ending::Ambiguous, 7, "ambiguous"),
            (Ending::Unverified, 8, "unverified"),
            (Ending::Rejected, 9, "rejected"),
            (Ending::Internal, 10, "internal"),
            (Ending::Interrupted(Signal::HangUp), 129, "interrupted"),
            (Ending::Interrupted(Signal::Interrupt), 130, "interrupted"),
            (Ending::Interrupted(Signal::Terminate), 143, "interrupted"),
        ] {
            assert_eq!((ending.code(), ending.word()), (code, word));
        }
    }

    #[test]
    fn whatever_fails_says_what_to_do_next() {
        for failure in Failure::ALL {
            let hint = Outcome::of(*failure, "").hint.unwrap_or_default();
            let is_sentence = hint.len() > 6 && !hint.contains(['`', '[']) && !hint.ends_with('.');
            assert!(is_sentence, "{failure:?}: {hint}");
        }
        let id = DeploymentId("d1".to_owned());
        for failure in [
            Failure::BadAnswer,
            Failure::CheckNotMade,
            Failure::CommitNotTold,
            Failure::AnotherCommitLive,
        ] {
            let outcome = Outcome::unverified(failure, &id).unverified_before(&id);
            assert!(outcome.hint.is_some(), "{failure:?}");
        }
        for signal in [Signal::HangUp, Signal::Interrupt, Signal::Terminate] {
            let outcome = Outcome::interrupted(signal);
            let mut all = vec![
                Outcome::at_once(Some(signal)),
                outcome.clone().and_left(&id, None),
            ];
            let deployment = || Deployment::only_its_id(id.clone());
            let cancelled = [
                Cancelled::Ended(deployment(), Verdict::Cancelled),
                Cancelled::Accepted,
                Cancelled::TooLate(deployment()),
            ];
            all.extend(cancelled.map(|cancelled| outcome.clone().and_cancelled(&id, &cancelled)));
            all.push(outcome);
            for outcome in all {
                assert!(outcome.hint.is_some(), "{outcome:?}");
            }
        }
        let ends = [("shop".to_owned(), Outcome::of(Failure::Bug, ""))];
        assert!(Outcome::of_targets(&ends).hint.is_some());
    }

    #[test]
    fn an_outcome_ends_as_it_was_made() {
        let failures = Failure::ALL
            .iter()
            .map(|failure| (Outcome::of(*failure, ""), failure.ending()));
        let good = [
            (Outcome::success(""), Ending::Success),
            (Outcome::passed(""), Ending::Passed),
            (Outcome::planned(""), Ending::Planned),
            (Outcome::triggered(None), Ending::Triggered),
            (
                Outcome::of(Failure::DeploymentSkipped, "").which_passes(),
                Ending::Passed,
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
