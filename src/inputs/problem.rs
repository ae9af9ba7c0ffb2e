//! What is wrong with what the user gave.

use std::fmt;

use crate::messages::Failure;

/// One thing wrong with what the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The input's name, or the variable the value was read from.
    pub input: String,
    /// The value as given; `None` for secrets.
    pub value: Option<String>,
    /// What is wrong and what would be accepted.
    pub message: String,
    flaw: ProblemKind,
}

/// What kinds of problems there are; each has its entry in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// It is needed and not given.
    Missing,
    /// The key is.
    MissingKey,
    /// Its value cannot be used.
    Unusable,
    /// It contradicts another.
    Conflict,
    /// A setting cannot be used.
    Settings,
    /// The stack file cannot be used.
    Stack,
    /// A preview of a fork is asked for.
    Fork,
    /// The commit guard has nothing to compare.
    Guard,
    /// What the run was started after was no success.
    Upstream,
    /// A variable that describes the network cannot be used.
    Network,
}

impl Problem {
    pub(crate) fn new(
        flaw: ProblemKind,
        input: impl Into<String>,
        value: Option<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            input: input.into(),
            value,
            message: message.into(),
            flaw,
        }
    }

    /// What is wrong with a variable that describes the network; the text names
    /// it.
    pub fn of_network(error: &impl fmt::Display) -> Self {
        Self::new(ProblemKind::Network, "environment", None, error.to_string())
    }

    /// Its entry in the catalogue.
    pub const fn failure(&self) -> Failure {
        match self.flaw {
            ProblemKind::Missing => Failure::MissingInput,
            ProblemKind::MissingKey => Failure::MissingKey,
            ProblemKind::Unusable => Failure::UnusableValue,
            ProblemKind::Conflict => Failure::ConflictingInputs,
            ProblemKind::Settings => Failure::UnusableSettings,
            ProblemKind::Stack => Failure::UnusableStack,
            ProblemKind::Fork => Failure::ForkWithoutPreview,
            ProblemKind::Guard => Failure::NothingToCompare,
            ProblemKind::Upstream => Failure::UpstreamNotSuccessful,
            ProblemKind::Network => Failure::UnusableNetworkSettings,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value:?}: {}", self.input, self.message),
            None => write!(f, "{}: {}", self.input, self.message),
        }
    }
}
