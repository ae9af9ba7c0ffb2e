//! Why an action that writes did not come to its effect, or cannot know it.

use crate::event::EventKind;
use crate::messages::Failure;
use crate::sevalla::ApiError;

/// Tells an event.
pub(crate) type Report<'a> = &'a dyn Fn(EventKind<'_>);

/// Why nothing was started, or is not known to have been.
#[derive(Debug)]
pub enum TriggerError {
    /// A request failed.
    Api(ApiError),
    /// The service is in a state in which a deployment makes no sense.
    Refused(FailedPrecondition),
    /// Something went wrong with one of several targets, or while a part was
    /// done that needs naming.
    At(String, Box<Self>),
    /// The request was accepted, but which deployment it started is not
    /// known.
    Unidentified(LookupFailure),
    /// The answer was lost, and what there is now does not show what happened.
    Ambiguous {
        /// How the answer was lost.
        lost: Box<ApiError>,
        /// Why looking did not help.
        search: LookupFailure,
    },
}

/// Why a change makes no sense as things are.
#[derive(Debug)]
pub struct FailedPrecondition {
    /// What it is about.
    pub failure: Failure,
    /// What is wrong.
    pub reason: String,
    /// More about it, a sentence each.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: String,
}

/// Why it is not known whether a lost request took effect.
#[derive(Debug)]
pub enum LookupFailure {
    /// Several new ones could be ours.
    Several {
        /// What a person recognises each of them by.
        candidates: Vec<String>,
        /// What they are, in a sentence.
        noun: &'static str,
    },
    /// One matches, but was created long after the request was sent.
    Late {
        /// What a person recognises it by.
        candidate: String,
        /// What it is, in a sentence.
        noun: &'static str,
    },
    /// These do not show their version, and may be of an earlier attempt.
    NoVersion {
        /// What a person recognises each of them by.
        candidates: Vec<String>,
    },
    /// There is none.
    None {
        /// How often the request was sent.
        sent: u32,
        /// What was looked for, in a sentence.
        noun: &'static str,
    },
    /// The list could not be read.
    Failed(Box<ApiError>),
    /// Looking needs a key, an application, or the list from before.
    Impossible,
}

impl FailedPrecondition {
    pub(crate) fn new(
        failure: Failure,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            failure,
            reason: reason.into(),
            details: Vec::new(),
            hint: hint.into(),
        }
    }
}

impl TriggerError {
    /// A change that makes no sense as things are.
    pub fn refused(failure: Failure, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused(FailedPrecondition::new(failure, reason, hint))
    }

    /// This error, with the place where it happened.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self::At(place.into(), Box::new(self))
    }

    /// The request that failed, wherever that was.
    pub fn failed_request(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::At(_, error) => error.failed_request(),
            Self::Refused(_) | Self::Unidentified(_) | Self::Ambiguous { .. } => None,
        }
    }

    /// The status of the answer, if there was one that refused.
    pub fn status(&self) -> Option<u16> {
        self.failed_request()?.status()
    }
}

impl From<FailedPrecondition> for TriggerError {
    fn from(refused: FailedPrecondition) -> Self {
        Self::Refused(refused)
    }
}

impl From<ApiError> for TriggerError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}
