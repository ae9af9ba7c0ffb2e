//! What a run finds out, as events for the reporter: a kind, and the service that
//! it is about where there are several.

use std::time::Duration;

use uuid::Uuid;

use crate::deployment::{Deployment, LogLine, Service, Verdict};
use crate::forecast::Estimate;
use crate::forecast::history::TypicalDuration;
use crate::inputs::Abandon;
use crate::messages::Warning;
use crate::secret::Password;
use crate::sevalla::ApiError;
use crate::shutdown::Signal;

/// Something a run has found out.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Something the user should know that does not stop the run.
    Warning(Warning, &'a str),
    /// Something the user should know.
    Note(&'a str),
    /// A row of the table of what was found.
    Row(&'a str),
    /// Something about one of several services.
    Of(Service, &'a Self),
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
    /// A deployment was started, or found to have been.
    Started(Service, &'a Deployment),
    /// A deployment that somebody else has started was found.
    Found(Service, &'a Deployment),
    /// The deployment was seen with a new status or commit.
    Seen(&'a Deployment),
    /// How long deployments like the one that is followed usually take.
    TypicalDuration(&'a TypicalDuration),
    /// The rollback after a failure was started, or seen with a new status.
    RollingBack(&'a Deployment),
    /// The deployment is about to be cancelled, and its end to be awaited.
    Cancelling,
    /// Nothing new for a while; how long the run has watched, and what the past
    /// says.
    StillWaiting(&'a Deployment, Duration, Option<Estimate>),
    /// A line of the log has shown what the deployment does, and how much is
    /// left.
    Doing(Estimate),
    /// A request failed and is sent again after this wait.
    Retrying(&'a ApiError, Duration),
    /// New lines of the deployment's log, oldest first.
    Log(&'a [LogLine]),
    /// The log of the last success, with which that of a failure is compared.
    LastSuccess(&'a [LogLine]),
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
    /// A signal asked the run to end; what becomes of what is being deployed,
    /// if anything is.
    Stopping(Signal, Option<Abandon>),
    /// Where the service can be visited.
    Url(&'a str),
    /// What was found, as one line of JSON.
    Result(&'a str),
    /// The database is known.
    Database {
        /// Its id.
        id: Uuid,
        /// Whether this run has made it, if it could have.
        is_new: Option<bool>,
    },
    /// A phase that is this run's own began.
    Begins(Phase),
    /// That phase ended like this. Without its beginning it means nothing.
    Ends(Phase, State),
    /// The password that was drawn, for whoever wants to know it.
    Password(&'a Password),
}

/// What a span of time was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Our own steps before the start: looking at what is there, asking.
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
    /// It was visited until it answered well.
    Verification,
    /// What was live before was brought back.
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

/// What became of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It ended well.
    Done,
    /// It ended badly.
    Failed,
    /// It was broken off, or never came to anything.
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
