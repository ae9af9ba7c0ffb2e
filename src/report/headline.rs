//! The run in a few words that begin with the service's name: the headline of the
//! page and the heading of the summary. Pure.

use super::causes::FailureCause;
use crate::deployment::Verdict;
use crate::diagnosis::DeployStep;
use crate::exit_status::ExitStatus;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::run_record::{RunRecord, ServiceRecord};

/// The headline of a run. The page and the summary make it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Headline {
    /// "shop" and " failed to build".
    Service {
        /// The name of the service, a text of strangers.
        name: String,
        /// The rest, from this program only.
        words: String,
        /// Whether the outcome's own headline adds nothing to it.
        is_complete: bool,
    },
    /// The outcome's own headline: the run is about no service, or about several.
    Outcome,
}

impl Headline {
    pub(super) fn of(outcome: &Outcome, causes: &[FailureCause], record: &RunRecord) -> Self {
        let service_record = record.one();
        let Some(service) = service_record.service else {
            return Self::Outcome;
        };
        let name = || service_record.name.clone();
        let name = name().unwrap_or_else(|| format!("The {}", service.kind.noun()));
        let words = ended(outcome, service_record, record.action)
            .or_else(|| failed(outcome, causes, service_record));
        match (words, outcome.failure()) {
            (Some(words), _) => Self::Service {
                name,
                words: words.to_owned(),
                is_complete: true,
            },
            (None, Some(failure)) => Self::Service {
                name,
                words: format!(": {}", failure.entry().title),
                is_complete: false,
            },
            (None, None) => Self::Outcome,
        }
    }

    /// As plain text.
    pub(super) fn text(&self, outcome: &Outcome) -> String {
        match self {
            Self::Service { name, words, .. } => format!("{name}{words}"),
            Self::Outcome => outcome.headline.clone(),
        }
    }
}

/// The end of a deployment that did not fail.
fn ended(
    outcome: &Outcome,
    service_record: &ServiceRecord,
    action: Option<&str>,
) -> Option<&'static str> {
    use ExitStatus::{Cancelled, Passed, Skipped, Success, Superseded, TimedOut, Triggered};
    let words = match (outcome.ending(), service_record.verdict()) {
        (Success, Some(Verdict::Success)) => match action {
            // A newer deployment may be live.
            Some("follow") => " was deployed",
            Some("rollback-app" | "rollback-static-site") => " was rolled back",
            _ => " is live",
        },
        (Triggered, _) => " is being deployed",
        (Passed, Some(Verdict::Skipped)) => " is unchanged: Sevalla skipped the deployment",
        (Cancelled, Some(_)) => " was not deployed: the deployment was cancelled",
        (Skipped, Some(_)) => " was not deployed: Sevalla skipped the deployment",
        (Superseded, Some(_)) => " was not deployed: a newer deployment replaced it",
        (TimedOut, Some(Verdict::Cancelled)) => " timed out and was cancelled",
        (TimedOut, None) if service_record.deployment.is_some() => " did not finish in time",
        _ => return None,
    };
    Some(words)
}

/// The end of a deployment that failed, or that is not what it should be.
fn failed(
    outcome: &Outcome,
    causes: &[FailureCause],
    service_record: &ServiceRecord,
) -> Option<&'static str> {
    let is_undone = service_record.undone().is_some();
    let words = match outcome.failure()? {
        Failure::DeploymentFailed if is_undone => " failed to deploy and was rolled back",
        Failure::DeploymentFailed => match causes.first().and_then(|cause| cause.phase) {
            Some(DeployStep::Repository) => " failed to fetch its repository",
            Some(DeployStep::Build) => " failed to build",
            Some(DeployStep::Publish) => " failed to publish",
            Some(DeployStep::Start) => " failed to start",
            Some(DeployStep::HealthCheck) => " failed Sevalla's health check",
            None => " failed to deploy",
        },
        Failure::BadAnswer if is_undone => " failed its health check and was rolled back",
        Failure::BadAnswer => " is live but failed its health check",
        Failure::AnotherCommitLive if is_undone => " had the wrong commit and was rolled back",
        Failure::AnotherCommitLive => " is live with the wrong commit",
        Failure::AnotherVersionLive => " is live with the wrong version",
        Failure::CommitNotTold => " is live with an unknown commit",
        Failure::CheckNotMade => " is live but was not checked",
        _ => return None,
    };
    Some(words)
}
