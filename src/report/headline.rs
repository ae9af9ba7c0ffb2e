//! The run in a few words that begin with the service's name: the headline of the
//! page and the heading of the summary. Pure.

use super::causes::FailureCause;
use crate::deployment::Verdict;
use crate::diagnosis::DeployStep;
use crate::exit_status::ExitStatus;
use crate::inputs::ActionName;
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
        // Of one without a letter or a digit nothing may be left to show.
        let is_visible = |name: &String| name.chars().any(char::is_alphanumeric);
        let name = service_record.name.clone().filter(is_visible);
        let name = name.unwrap_or_else(|| format!("The {}", service.kind.noun()));
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
    action: Option<ActionName>,
) -> Option<&'static str> {
    use ExitStatus::{Cancelled, Passed, Skipped, Success, Superseded, TimedOut, Triggered};
    let words = match (outcome.ending(), service_record.verdict()) {
        (Success, Some(Verdict::Success)) => match action {
            // A newer deployment may be live.
            Some(ActionName::Follow) => " was deployed",
            Some(ActionName::RollbackApp | ActionName::RollbackStaticSite) => " was rolled back",
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
    let is_rolled_back = service_record.rolled_back_id().is_some();
    let words = match outcome.failure()? {
        Failure::DeploymentFailed if is_rolled_back => " failed to deploy and was rolled back",
        Failure::DeploymentFailed => match causes.first().and_then(|cause| cause.phase) {
            Some(DeployStep::Repository) => " failed to fetch its repository",
            Some(DeployStep::Build) => " failed to build",
            Some(DeployStep::Publish) => " failed to publish",
            Some(DeployStep::Start) => " failed to start",
            Some(DeployStep::HealthCheck) => " failed Sevalla's health check",
            None => " failed to deploy",
        },
        Failure::HealthCheckFailed if is_rolled_back => {
            " failed its health check and was rolled back"
        }
        Failure::HealthCheckFailed => " is live but failed its health check",
        Failure::AnotherCommitLive if is_rolled_back => " had the wrong commit and was rolled back",
        Failure::AnotherCommitLive => " is live with the wrong commit",
        Failure::AnotherVersionLive => " is live with the wrong version",
        Failure::CommitNotReported => " is live with an unknown commit",
        Failure::CheckNotMade => " is live but was not checked",
        _ => return None,
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::ci::Facts;
    use crate::deployment::{Deployment, DeploymentId, Service, Status};
    use crate::diagnosis::Digest;
    use crate::event::EventKind;

    /// The record of a run of this action, whose deployment was seen like this.
    fn record(action: ActionName, name: Option<&str>, status: Option<Status>) -> RunRecord {
        let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
        record.action = Some(action);
        let service = Service::application(uuid::Uuid::nil());
        record.apply(EventKind::Target(service, name).into());
        if let Some(status) = status {
            let deployment = Deployment {
                status,
                ..Deployment::only_its_id(DeploymentId("x".to_owned()))
            };
            record.apply(EventKind::Started(service, &deployment).into());
        }
        record
    }

    fn headline(outcome: &Outcome, status: Option<Status>) -> String {
        let record = record(ActionName::DeployApp, Some("shop"), status);
        Headline::of(outcome, &[], &record).text(outcome)
    }

    #[test]
    fn every_end_of_a_deployment_has_words_of_its_own() {
        let of = |failure| Outcome::of(failure, "the outcome's own");
        let success = Outcome::success("x");
        let passed = of(Failure::DeploymentSkipped).which_passes();
        let ends = [
            (&success, Status::Success, "shop is live"),
            (
                &passed,
                Status::Skipped,
                "shop is unchanged: Sevalla skipped the deployment",
            ),
            (
                &of(Failure::DeploymentSkipped),
                Status::Skipped,
                "shop was not deployed: Sevalla skipped the deployment",
            ),
            (
                &of(Failure::DeploymentCancelled),
                Status::Cancelled,
                "shop was not deployed: the deployment was cancelled",
            ),
            (
                &of(Failure::DeploymentFailed),
                Status::Failed,
                "shop failed to deploy",
            ),
            (
                &of(Failure::StillRunning),
                Status::InProgress,
                "shop did not finish in time",
            ),
            (
                &of(Failure::HealthCheckFailed),
                Status::Success,
                "shop is live but failed its health check",
            ),
            (
                &of(Failure::AnswerLost),
                Status::Waiting,
                "shop: Answer lost",
            ),
        ];
        for (outcome, status, words) in ends {
            assert_eq!(headline(outcome, Some(status)), words);
        }
        let planned = Outcome::planned("deploy branch main");
        assert_eq!(headline(&planned, None), planned.headline);
        // Ended before anything was deployed: what is live is not this run's.
        assert_eq!(headline(&Outcome::success("Purged"), None), "Purged");
    }

    #[test]
    fn the_part_that_failed_is_named() {
        let outcome = Outcome::of(Failure::DeploymentFailed, "x");
        let record = record(
            ActionName::DeployApp,
            Some("\u{200b}\r"),
            Some(Status::Failed),
        );
        for (phase, words) in [
            (DeployStep::Build, "The application failed to build"),
            (DeployStep::Start, "The application failed to start"),
        ] {
            let causes = [FailureCause {
                target: None,
                digest: Digest {
                    findings: Vec::new(),
                },
                phase: Some(phase),
            }];
            let headline = Headline::of(&outcome, &causes, &record);
            assert_eq!(headline.text(&outcome), words);
        }
    }

    #[test]
    fn a_rollback_and_a_deployment_of_somebody_else_are_not_called_live() {
        let outcome = Outcome::success("x");
        for (action, words) in [
            (ActionName::RollbackApp, "shop was rolled back"),
            (ActionName::Follow, "shop was deployed"),
            (ActionName::PromoteApp, "shop is live"),
        ] {
            let record = record(action, Some("shop"), Some(Status::Success));
            let headline = Headline::of(&outcome, &[], &record);
            assert_eq!(headline.text(&outcome), words);
        }
    }

    #[test]
    fn without_a_service_the_outcome_has_the_word() {
        let record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
        let outcome = Outcome::of(Failure::MissingInput, "No branch is known");
        assert_eq!(Headline::of(&outcome, &[], &record), Headline::Outcome);
    }
}
