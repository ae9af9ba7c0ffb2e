//! The exit statuses of a run: their words and numbers, a contract with users.

use crate::shutdown::Signal;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
