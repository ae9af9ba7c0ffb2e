//! The words a deployment's state is told with.

/// State of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Queued.
    Waiting,
    /// Running.
    InProgress,
    /// Ended well.
    Success,
    /// Ended badly.
    Failed,
    /// Stopped after it had started.
    Cancelled,
    /// Ended without having run.
    Skipped,
}

impl Status {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InProgress => "inProgress",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// What the record of a service says while this is its latest deployment.
    /// Records have no word for `skipped`; cancelled comes closest.
    pub(crate) fn record_word(self) -> &'static str {
        match self {
            Self::Waiting | Self::InProgress => "deploymentInProgress",
            Self::Success => "deploymentSuccess",
            Self::Failed => "deploymentFailed",
            Self::Cancelled | Self::Skipped => "deploymentCancelled",
        }
    }
}

/// Who started a deployment: a user or the API, or a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentType {
    /// By a user or the API.
    Manual,
    /// By a push or webhook.
    Automatic,
}

impl DeploymentType {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
        }
    }
}
