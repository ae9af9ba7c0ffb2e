//! The exit statuses of a run: their words and numbers, a contract with users.

use crate::shutdown::Signal;

/// How a run ended. The numbers and words are a contract with users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// The deployment was seen to succeed.
    Success,
    /// A dry run: nothing was changed.
    Planned,
    /// Started, and not followed as asked.
    Triggered,
    /// The deployment failed.
    Failed,
    /// The inputs are invalid and no request was sent, or the result could not be
    /// written.
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
    /// It is not known whether a write took effect.
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

/// What each exit code means, in Markdown.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (
        0,
        "Success; a dry run; started but not followed; nothing to do, by your own rule or by path filters.",
    ),
    (1, "The deployment failed."),
    (
        2,
        "An input is invalid, or the requested output could not be written. Nothing was changed on Sevalla.",
    ),
    (
        3,
        "The deployment was cancelled while it ran, or never ran, or a newer one took its place.",
    ),
    (
        4,
        "`timeout` expired first. `on-timeout` decides whether the deployment is cancelled.",
    ),
    (5, "401: the key is not valid. 403: it may not do this."),
    (6, "The API could not be reached, or kept failing."),
    (
        7,
        "The response to a request was lost, or was not a documented one, and the run could not find out whether the request took effect.",
    ),
    (
        8,
        "Deployed, but the check of the address or of the commit failed, or could not be made.",
    ),
    (
        9,
        "The API refused the request, or the service is suspended or being deleted.",
    ),
    (10, "A bug of this program."),
    (
        129,
        "SIGHUP, as when a terminal or a connection is closed. The same as 143.",
    ),
    (
        130,
        "SIGINT, as when a person or GitHub cancels. `on-cancel` decides whether the deployment is cancelled too.",
    ),
    (
        143,
        "SIGTERM, as when a container is stopped. The same as 130.",
    ),
];

/// The words of an exit code, in the order of [`ExitStatus::ALL`].
pub fn words(code: u8) -> Vec<&'static str> {
    let statuses = ExitStatus::ALL
        .iter()
        .filter(|status| status.code() == code);
    statuses.map(|status| status.word()).collect()
}

impl ExitStatus {
    /// Every way to end.
    pub const ALL: [Self; 19] = [
        Self::Success,
        Self::Planned,
        Self::Triggered,
        Self::Passed,
        Self::Failed,
        Self::InvalidInput,
        Self::Cancelled,
        Self::Skipped,
        Self::Superseded,
        Self::TimedOut,
        Self::Unauthorized,
        Self::Unavailable,
        Self::Ambiguous,
        Self::Unverified,
        Self::Rejected,
        Self::Internal,
        Self::Interrupted(Signal::HangUp),
        Self::Interrupted(Signal::Interrupt),
        Self::Interrupted(Signal::Terminate),
    ];

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
        for ending in [
            ExitStatus::Success,
            ExitStatus::Failed,
            ExitStatus::Unverified,
        ] {
            assert!(ending.was_followed(), "{ending:?}");
        }
        for ending in [
            ExitStatus::Triggered,
            ExitStatus::Planned,
            ExitStatus::Ambiguous,
        ] {
            assert!(!ending.was_followed(), "{ending:?}");
        }
    }

    #[test]
    fn the_numbers_and_words_are_the_published_ones() {
        let published = [
            (ExitStatus::Success, 0, "success"),
            (ExitStatus::Planned, 0, "planned"),
            (ExitStatus::Triggered, 0, "triggered"),
            (ExitStatus::Failed, 1, "failed"),
            (ExitStatus::InvalidInput, 2, "invalid-input"),
            (ExitStatus::Cancelled, 3, "cancelled"),
            (ExitStatus::Skipped, 3, "skipped"),
            (ExitStatus::Superseded, 3, "superseded"),
            (ExitStatus::Passed, 0, "skipped"),
            (ExitStatus::TimedOut, 4, "timed-out"),
            (ExitStatus::Unauthorized, 5, "unauthorized"),
            (ExitStatus::Unavailable, 6, "unavailable"),
            (ExitStatus::Ambiguous, 7, "ambiguous"),
            (ExitStatus::Unverified, 8, "unverified"),
            (ExitStatus::Rejected, 9, "rejected"),
            (ExitStatus::Internal, 10, "internal"),
            (ExitStatus::Interrupted(Signal::HangUp), 129, "interrupted"),
            (
                ExitStatus::Interrupted(Signal::Interrupt),
                130,
                "interrupted",
            ),
            (
                ExitStatus::Interrupted(Signal::Terminate),
                143,
                "interrupted",
            ),
        ];
        for (ending, code, word) in published {
            assert_eq!((ending.code(), ending.word()), (code, word));
            assert!(ExitStatus::ALL.contains(&ending), "{word}");
        }
        assert_eq!(ExitStatus::ALL.len(), published.len());
    }

    #[test]
    fn every_exit_code_has_its_meaning_once() {
        let mut codes: Vec<u8> = ExitStatus::ALL.map(ExitStatus::code).to_vec();
        codes.sort_unstable();
        codes.dedup();
        let declared: Vec<u8> = EXIT_CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(declared, codes);
    }
}
