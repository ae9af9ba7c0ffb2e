//! Telling: what a run finds out goes in as [`Event`]s, and comes out as the
//! narrative, the outputs and the summary.
//!
//! Events sink here. Nothing in this module can change how a run ends.

mod activity;
mod causes;
pub mod comment;
mod ending;
mod html;
mod json;
mod junit;
mod links;
mod log;
mod narrative;
mod output_file;
mod outputs;
mod picture;
pub mod records;
mod reporter;
mod story;
mod summary;
pub mod timeline;
mod weight;
mod whole_file;
mod written;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::causes::Cause;
pub use self::comment::News;
pub use self::log::{LARGEST_FILE, LONGEST_SHOWN, MOST_LINES_OF_AN_ENTRY, MOST_SHOWN};
pub use self::outputs::{LONGEST_VALUE, OUTPUTS};
pub use self::reporter::Reporter;
use self::timeline::{Phase, State};
use crate::ci::{Channel, Facts, Host};
use crate::deployment::{Deployment, LogLine, Service};
use crate::inputs::Abandon;
use crate::messages::Warning;
use crate::secret::Password;
use crate::sevalla::ApiError;
use crate::shown::Gate;
use crate::stop::Signal;
use crate::watch::pace::Estimate;
use crate::watch::past::Usual;

/// Something a run has found out.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Something the user should know that does not stop the run.
    Warning(Warning, &'a str),
    /// Something the user should know.
    Note(&'a str),
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
    Usual(&'a Usual),
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

/// The files that the user wants written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The complete log of the deployment.
    pub log: Option<PathBuf>,
    /// The run as JSON.
    pub report: Option<PathBuf>,
    /// The page about the run.
    pub page: Option<PathBuf>,
    /// The run as test cases, in the XML of `JUnit`.
    pub junit: Option<PathBuf>,
    /// The places at fault, as GitLab reads them.
    pub code_quality: Option<PathBuf>,
    /// The outputs.
    pub outputs: Option<PathBuf>,
    /// Links to what was deployed.
    pub links: Option<PathBuf>,
}

/// How a reporter is set up.
pub struct Setup {
    /// Where to tell.
    pub channel: Box<dyn Channel>,
    /// What every text passes.
    pub gate: Gate,
    /// The wall clock, for showing times only.
    pub clock: fn() -> Timestamp,
    /// What the CI told about the run.
    pub facts: Facts,
    /// The CI.
    pub host: Host,
}

/// A duration for people: `0.3s`, `12s`, `1m05s`, `1h02m`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{:.1}s", duration.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// A count for people: `1 setting`, `2 settings`, `0 processes`.
pub fn counted(count: usize, noun: &str) -> String {
    let ending = match count {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_others_are_plural() {
        for (count, noun, text) in [
            (0, "line", "0 lines"),
            (1, "line", "1 line"),
            (2, "more line", "2 more lines"),
            (1, "process", "1 process"),
            (3, "process", "3 processes"),
        ] {
            assert_eq!(counted(count, noun), text);
        }
    }

    #[test]
    fn durations_read_well() {
        for (milliseconds, text) in [
            (0, "0.0s"),
            (340, "0.3s"),
            (12_900, "12s"),
            (65_000, "1m05s"),
            (3_725_000, "1h02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
