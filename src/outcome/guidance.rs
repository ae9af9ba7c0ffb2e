//! The hint after a deployment that failed or was not deployed, made from what
//! its log shows and from what was live before. The action that followed the
//! deployment finds out both.

use crate::diagnosis::Digest;

/// What decides the hint. The action that followed the deployment makes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureContext {
    /// What its log shows.
    pub log: LogEvidence,
    /// What was live before.
    pub live: PreviouslyLive,
}

/// What the log of a deployment shows of a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogEvidence {
    /// Nothing: the log was not read, could not be read, or was empty.
    #[default]
    Nothing,
    /// Lines, of which none is known to be the cause of a failure.
    Lines,
    /// Why the deployment failed.
    Cause,
}

impl LogEvidence {
    /// The evidence in what was found.
    pub fn of(digest: &Digest) -> Self {
        if digest.is_known() {
            Self::Cause
        } else if digest.is_empty() {
            Self::Nothing
        } else {
            Self::Lines
        }
    }
}

/// Whether anything was live before a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PreviouslyLive {
    /// The run has not checked, or it may have changed since.
    #[default]
    Unknown,
    /// A version was live.
    Something,
    /// No version: no earlier deployment succeeded.
    Nothing {
        /// The number of earlier deployments.
        read: usize,
    },
    /// No version, or one older than the deployments that were read.
    NotAmong {
        /// The number of deployments that were read.
        read: usize,
    },
}

impl FailureContext {
    /// What to do about a deployment that failed.
    pub(crate) fn after_failure(self) -> String {
        let step = match self.log {
            LogEvidence::Nothing => "Read the deployment's log in the dashboard",
            LogEvidence::Lines => "Read the end of the deployment's log",
            LogEvidence::Cause => "Correct the cause, then run again",
        };
        sentences([Some(step.to_owned()), self.live.now()])
    }

    /// What is live after a deployment that was cancelled or skipped, and what to
    /// do.
    pub(crate) fn after_nothing(self, step: &str) -> String {
        sentences([self.live.now(), Some(step.to_owned())])
    }
}

impl PreviouslyLive {
    /// What is live after a deployment that did not succeed.
    pub(crate) fn now(self) -> Option<String> {
        Some(match self {
            Self::Unknown => return None,
            Self::Something => "The previous version is still live".to_owned(),
            Self::Nothing { read: 0 } => {
                "Nothing is live yet: this was the first deployment".to_owned()
            }
            Self::Nothing { .. } => "Nothing is live yet: no deployment has succeeded".to_owned(),
            Self::NotAmong { read } => {
                format!("None of the newest {read} deployments succeeded; an older one may be live")
            }
        })
    }
}

fn sentences(all: [Option<String>; 2]) -> String {
    let all: Vec<String> = all.into_iter().flatten().collect();
    all.join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_only_stated_where_it_is_known() {
        let of = |live| FailureContext {
            live,
            ..FailureContext::default()
        };
        for (live, expected) in [
            (PreviouslyLive::Unknown, ""),
            (
                PreviouslyLive::Something,
                "The previous version is still live. ",
            ),
            (
                PreviouslyLive::Nothing { read: 0 },
                "Nothing is live yet: this was the first deployment. ",
            ),
            (
                PreviouslyLive::Nothing { read: 25 },
                "Nothing is live yet: no deployment has succeeded. ",
            ),
            (
                PreviouslyLive::NotAmong { read: 50 },
                "None of the newest 50 deployments succeeded; an older one may be live. ",
            ),
        ] {
            let text = of(live).after_nothing("Run again");
            assert_eq!(text, format!("{expected}Run again"));
        }
    }

    #[test]
    fn the_hint_leads_to_the_log_only_where_that_helps() {
        for (log, expected) in [
            (
                LogEvidence::Nothing,
                "Read the deployment's log in the dashboard",
            ),
            (LogEvidence::Lines, "Read the end of the deployment's log"),
            (LogEvidence::Cause, "Correct the cause, then run again"),
        ] {
            let context = FailureContext {
                log,
                live: PreviouslyLive::Something,
            };
            let text = context.after_failure();
            assert_eq!(
                text,
                format!("{expected}. The previous version is still live")
            );
        }
    }
}
