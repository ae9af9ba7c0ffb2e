//! What a run finds out, as events: a kind, and the service that it is about
//! where there are several. Actions and the follower make them, and `report`
//! decides which of them a person or a program sees. No event decides how a run
//! ends.

use std::time::Duration;

use uuid::Uuid;

use crate::deployment::{Deployment, Service, Verdict};
use crate::deployment_log::{LogDiagnosis, SanitizedEntry};
use crate::forecast::Estimate;
use crate::forecast::history::TypicalDuration;
use crate::inputs::Abandon;
use crate::messages::Warning;
use crate::secret::Password;
use crate::sevalla::{ApiError, Metrics};
use crate::shutdown::Signal;

/// A thing that a run has found out. Actions make it for the reporter.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The service that it is about, where the run deploys several.
    pub service: Option<Service>,
    /// What was found out.
    pub kind: EventKind<'a>,
}

impl<'a> Event<'a> {
    /// An event about one of several services.
    pub const fn about(service: Service, kind: EventKind<'a>) -> Self {
        Self {
            service: Some(service),
            kind,
        }
    }
}

impl<'a> From<EventKind<'a>> for Event<'a> {
    fn from(kind: EventKind<'a>) -> Self {
        Self {
            service: None,
            kind,
        }
    }
}

/// What an event reports. The code that finds it out makes it, without knowing
/// whether the run deploys one service or several.
#[derive(Debug, Clone, Copy)]
pub enum EventKind<'a> {
    /// A problem that does not stop the run.
    Warning(Warning, &'a str),
    /// A line for the user.
    Note(&'a str),
    /// A row of the table of what was found.
    Row(&'a str),
    /// The preview app is known.
    PreviewApp {
        /// The application.
        app: Uuid,
        /// Its display name, if it has one.
        name: Option<&'a str>,
        /// Whether this run has made it.
        is_new: bool,
    },
    /// The preview app was deleted, and its address with it.
    PreviewGone,
    /// The service to deploy was read; its display name, if it has one.
    Target(Service, Option<&'a str>),
    /// The address of the repository that the service is built from.
    BuiltFrom(&'a str),
    /// This run started a deployment.
    Started(Service, &'a Deployment),
    /// A deployment that another run or person started was found.
    Found(Service, &'a Deployment),
    /// The deployment was seen with a new status or commit.
    Seen(&'a Deployment),
    /// How long deployments like the one that is followed usually take.
    TypicalDuration(&'a TypicalDuration),
    /// The rollback after a failure was started, or seen with a new status.
    RollingBack(&'a Deployment),
    /// The run is about to cancel the deployment and to wait for its end.
    Cancelling,
    /// Nothing changed for a while: how long the run has followed the deployment, and
    /// the estimate from past ones.
    StillWaiting(&'a Deployment, Duration, Option<Estimate>),
    /// A line of the log has shown what the deployment does, and how much is
    /// left.
    Doing(Estimate),
    /// A request failed and is sent again after this wait.
    Retrying(&'a ApiError, Duration),
    /// New lines of the deployment's log, oldest first.
    Log(&'a [SanitizedEntry]),
    /// The log of the deployment is about to be read into this diagnosis.
    LogDiagnosis(&'a LogDiagnosis),
    /// The log cannot be read any more.
    LogUnavailable(&'a ApiError),
    /// The log could not be read to its end in time.
    LogIncomplete,
    /// More lines have one time stamp than the service returns, so some may be
    /// missing.
    LogGap {
        /// The first such time, in microseconds since 1970.
        at_micros: i64,
    },
    /// A signal asked the run to end. The second value is what the run does to a
    /// deployment that still runs.
    Stopping(Signal, Option<Abandon>),
    /// The address of the service.
    Url(&'a str),
    /// The requests to the service in the hour before this deployment was live.
    MetricsBefore(&'a Metrics),
    /// The requests to the service in the hour before the health check.
    MetricsAfter(&'a Metrics),
    /// A line to be copied, shown as it is.
    Verbatim(&'a str),
    /// The name of a service in the stack file.
    Member(&'a str),
    /// How a service of a stack ended, as a word and in sentences.
    MemberEnd {
        /// The word.
        word: &'static str,
        /// Everything that is known of it.
        text: &'a str,
        /// Whether it is the reason for a bad end of the run.
        is_bad: bool,
        /// Whether the stack would have ended earlier without its time.
        is_critical: bool,
    },
    /// Something that a later job reads of a stack, as one line of JSON.
    Stack(StackOutput, &'a str),
    /// What was found, as one line of JSON.
    Result(&'a str),
    /// The database is known.
    Database {
        /// Its id.
        id: Uuid,
        /// Whether this run has made it, if it could have.
        is_new: Option<bool>,
    },
    /// A phase of the run itself began.
    Begins(Phase),
    /// A phase of the run itself ended. It is ignored if it never began.
    Ends(Phase, State),
    /// The password that was generated.
    Password(&'a Password),
}

/// What a run gives of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackOutput {
    /// The inputs of a job for each service, in layers.
    Matrix,
    /// The names in layers.
    Order,
    /// The services, each with those that it waits for.
    Graph,
    /// What became of each service.
    Services,
}

impl StackOutput {
    /// The name of the output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matrix => "matrix",
            Self::Order => "order",
            Self::Graph => "graph",
            Self::Services => "services",
        }
    }
}

/// A phase of a run, as time line and reports show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The steps before the start, such as reading the service.
    Preparing,
    /// Other deployments of the service were to end first.
    Waiting,
    /// The deployment waited in the service's queue.
    Queue,
    /// It was built and rolled out.
    Running,
    /// The end of its log was read.
    Log,
    /// The caches were emptied.
    Purge,
    /// The health check ran.
    Verification,
    /// The previous version was restored.
    Rollback,
}

impl Phase {
    /// Every phase, in the order in which they can come.
    pub const ALL: [Self; 8] = [
        Self::Preparing,
        Self::Waiting,
        Self::Queue,
        Self::Running,
        Self::Log,
        Self::Purge,
        Self::Verification,
        Self::Rollback,
    ];

    /// Whether it is this run's own work, which does not bring the deployment on.
    pub const fn is_overhead(self) -> bool {
        matches!(self, Self::Preparing | Self::Log)
    }

    /// The phase as a word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Waiting => "waiting",
            Self::Queue => "queue",
            Self::Running => "running",
            Self::Log => "log",
            Self::Purge => "purge",
            Self::Verification => "verification",
            Self::Rollback => "rollback",
        }
    }

    /// The phase for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Preparing => "Preparing",
            Self::Waiting => "Waiting for others",
            Self::Queue => "Queue",
            Self::Running => "Build and rollout",
            Self::Log => "Reading the log",
            Self::Purge => "Emptying caches",
            Self::Verification => "Verification",
            Self::Rollback => "Rollback",
        }
    }
}

/// How a phase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
    /// It was cancelled or skipped.
    Cancelled,
    /// Its end was not seen.
    Open,
}

impl State {
    /// The state as a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Open => "open",
        }
    }

    pub(crate) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Success => Self::Done,
            Verdict::Failed => Self::Failed,
            Verdict::Cancelled | Verdict::Skipped => Self::Cancelled,
        }
    }
}
