//! A deployment that ended without being deployed, and what that means for the
//! run.

use crate::actions::ActionContext;
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::past;
use crate::actions::deploy::start::HISTORY;
use crate::actions::task::Task;
use crate::deployment::{Deployment, EndedDeployment, Origin, Status, Verdict};
use crate::follow::DeploymentClient;
use crate::inputs::OnSkipped;
use crate::outcome::{FailureContext, Outcome, PreviouslyLive};
use crate::sevalla::{ApiError, Patience};

/// What the list of deployments shows beside one that was not deployed.
#[derive(Debug, Default)]
struct SkipContext {
    /// The one that overtook it.
    newer: Option<Deployment>,
    /// Whether anything is live.
    live: PreviouslyLive,
}

impl ActionContext<'_> {
    /// The outcome of a deployment that was cancelled or skipped.
    pub(crate) async fn after_nothing(
        &self,
        source: &DeploymentClient,
        deployment: &EndedDeployment,
        context: &DeploymentContext,
    ) -> Outcome {
        let is_skipped = deployment.verdict() == Verdict::Skipped;
        if is_skipped && self.may_pass_by_itself(deployment, context) {
            return self.after_filters(source, deployment).await;
        }
        let neighbours = neighbours(source, deployment, Patience::Once);
        let read = self.for_more_words(neighbours).await;
        let neighbours = read.and_then(Result::ok).unwrap_or_default();
        let live = match context.live_before {
            PreviouslyLive::Unknown => neighbours.live,
            known => known,
        };
        let passes = is_skipped && self.plan.on_skipped == Some(OnSkipped::Pass);
        match neighbours.newer {
            Some(newer) => {
                let failure_context = FailureContext::default();
                let outcome = Outcome::of_verdict(deployment, source.service, failure_context);
                let outcome = outcome.superseded_by(&newer);
                if passes {
                    outcome.which_passes()
                } else {
                    outcome
                }
            }
            None if passes => Outcome::nothing_deployed(deployment, source.service, live),
            None => {
                let failure_context = FailureContext {
                    live,
                    ..FailureContext::default()
                };
                Outcome::of_verdict(deployment, source.service, failure_context)
            }
        }
    }

    /// Whether `skipped` is a normal end: Sevalla leaves such a deployment when
    /// a push touches none of the paths that deploy the service.
    fn may_pass_by_itself(&self, deployment: &Deployment, context: &DeploymentContext) -> bool {
        // A preview may be brought up to date by a push.
        let follows = match self.plan.task {
            Task::Follow(..) => true,
            Task::CreatePreview(_) => !context.is_ours && !context.is_first,
            _ => false,
        };
        let is_automatic = deployment.origin == Origin::Automatic;
        follows && is_automatic && self.plan.on_skipped.is_none()
    }

    /// The exit code depends on whether a newer deployment overtook this one,
    /// so an unreadable list does not pass.
    async fn after_filters(
        &self,
        source: &DeploymentClient,
        deployment: &EndedDeployment,
    ) -> Outcome {
        let read = neighbours(source, deployment, Patience::FOR_A_SEARCH);
        let neighbours = match self.until_stopped(read).await {
            Ok(neighbours) => neighbours,
            Err(signal) => {
                return Outcome::interrupted(signal).and_ended(deployment);
            }
        };
        let failed = |live| {
            let failure_context = FailureContext {
                live,
                ..FailureContext::default()
            };
            Outcome::of_verdict(deployment, source.service, failure_context)
        };
        match neighbours {
            Ok(SkipContext {
                newer: Some(newer), ..
            }) => failed(PreviouslyLive::Unknown).superseded_by(&newer),
            Ok(SkipContext { newer: None, live }) => {
                Outcome::nothing_deployed(deployment, source.service, live)
            }
            Err(error) => failed(PreviouslyLive::Unknown)
                .because(format!(
                    "Whether a newer deployment overtook it is not known: {error}"
                ))
                .after(error.effort())
                .hint("Check in the dashboard whether a newer deployment is live"),
        }
    }
}

/// Reads which deployments came before and after this one.
async fn neighbours(
    source: &DeploymentClient,
    deployment: &Deployment,
    patience: Patience,
) -> Result<SkipContext, ApiError> {
    let recent = source
        .client
        .deployments(source.service, HISTORY, patience)
        .await?;
    Ok(SkipContext::of(deployment, &recent))
}

impl SkipContext {
    /// From the newest deployments of the service, newest first.
    fn of(deployment: &Deployment, recent: &[Deployment]) -> Self {
        let at = recent.iter().position(|other| other.id == deployment.id);
        let was_created_later = |other: &Deployment| {
            let times = other.created_at.zip(deployment.created_at);
            times.is_some_and(|(its, ours)| its > ours)
        };
        // Where the list does not have it, its time decides.
        let is_newer = |(index, other): &(usize, &Deployment)| {
            at.map_or_else(|| was_created_later(other), |at| *index < at)
        };
        // A preview of a pull request replaces no deployment, nor does one that
        // was skipped itself.
        let overtakes = |other: &&Deployment| !other.is_preview && other.status != Status::Skipped;
        let mut newer = recent.iter().enumerate().filter(is_newer);
        Self {
            newer: newer.find_map(|(_, other)| Some(other).filter(overtakes).cloned()),
            live: past::live_among(recent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentId;

    fn seen(id: &str, status: Status) -> Deployment {
        Deployment {
            status,
            ..Deployment::only_its_id(DeploymentId(id.to_owned()))
        }
    }

    fn at(second: i64, deployment: Deployment) -> Deployment {
        Deployment {
            created_at: jiff::Timestamp::from_second(second).ok(),
            ..deployment
        }
    }

    fn newer(recent: &[Deployment]) -> Option<String> {
        let ours = at(100, seen("ours", Status::Skipped));
        let newer = SkipContext::of(&ours, recent).newer;
        newer.map(|newer| newer.id.0)
    }

    #[test]
    fn only_a_newer_deployment_that_was_not_skipped_overtakes() {
        let ours = || seen("ours", Status::Skipped);
        let preview = Deployment {
            is_preview: true,
            ..seen("preview", Status::Success)
        };
        for (recent, overtaken_by) in [
            (vec![ours(), seen("old", Status::Success)], None),
            (vec![seen("new", Status::InProgress), ours()], Some("new")),
            (vec![seen("new", Status::Failed), ours()], Some("new")),
            (vec![seen("skipped", Status::Skipped), ours()], None),
            (vec![preview, ours()], None),
            (
                vec![
                    seen("skipped", Status::Skipped),
                    seen("new", Status::Waiting),
                    ours(),
                ],
                Some("new"),
            ),
        ] {
            assert_eq!(newer(&recent).as_deref(), overtaken_by, "{recent:?}");
        }
    }

    #[test]
    fn a_deployment_that_the_list_lacks_is_placed_by_its_time() {
        let others = [(99, None), (101, Some("other"))];
        for (second, overtaken_by) in others {
            let recent = [at(second, seen("other", Status::Success))];
            assert_eq!(newer(&recent).as_deref(), overtaken_by);
        }
        assert_eq!(newer(&[seen("timeless", Status::Success)]), None);
    }
}
