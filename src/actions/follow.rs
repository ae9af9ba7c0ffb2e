//! A deployment that somebody else has started: following it, cancelling it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::actions::ActionContext;
use crate::actions::deploy::auto_deploy::{self, AutoDeployConfig};
use crate::actions::deploy::cancel::{self, CancelResult, EndOfCancelled};
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::past;
use crate::actions::error::TriggerError;
use crate::actions::task::DeploymentSelector;
use crate::backoff::Schedule;
use crate::branch;
use crate::deployment::{
    Deployment, DeploymentId, EndedDeployment, Origin, Service, Status, Verdict, is_same_commit,
};
use crate::event::EventKind;
use crate::inputs::OnSkipped;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::sevalla::Patience;

/// How long a deployment that Sevalla starts by itself may take to appear.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(180);

/// How long cancelling is watched closely, before it is followed like anything
/// else.
const CLOSE_WATCH: Duration = Duration::from_secs(10);

/// What came of waiting for a deployment to appear.
enum Discovery {
    Yes(Box<Deployment>),
    /// Another commit was deployed instead.
    Another(Box<Deployment>),
    No,
}

impl ActionContext<'_> {
    /// Follows a deployment that this run has not started.
    pub(crate) async fn attach(&self, service: Service, sought: &DeploymentSelector) -> Outcome {
        tokio::select! {
            found = self.find_deployment(service, sought) => match found {
                Ok((place, deployment)) => {
                    if let DeploymentSelector::Known(_) = sought
                        && let Some(refused) = self.refuse_unguarded_following(&deployment)
                    {
                        return refused;
                    }
                    if self.plan.dry_run {
                        return Outcome::planned(&format!("follow {}", deployment.summary()));
                    }
                    self.reporter.on(EventKind::Found(service, &deployment));
                    let context = DeploymentContext {
                        host: place.host,
                        branch: deployment.branch.clone(),
                        ..DeploymentContext::default()
                    };
                    return self.follow(service, deployment, &context).await;
                }
                Err(outcome) => outcome,
            },
            signal = self.stop.requested() => {
                Outcome::interrupted(signal).because("Nothing was being followed yet")
            }
        }
    }

    async fn find_deployment(
        &self,
        service: Service,
        sought: &DeploymentSelector,
    ) -> Result<(AutoDeployConfig, Deployment), Outcome> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let place = match auto_deploy::look_at(&self.client, service, &report).await {
            Ok(place) => place,
            Err(error) => return Err(self.not_started(error).await),
        };
        let (commit, branch) = match sought {
            DeploymentSelector::Known(id) => {
                let patience = Patience::BEFORE_THE_START;
                return match self.client.read_deployment(service, id, patience).await {
                    Ok(deployment) => Ok((place, deployment)),
                    Err(error) => Err(self.not_started(TriggerError::Api(error)).await),
                };
            }
            DeploymentSelector::OfCommit { commit, branch } => (commit, branch),
        };
        let branch = branch.as_ref().or(place.default_branch.as_ref());
        match self.await_commit(service, commit, branch, &place).await {
            Ok(Discovery::Yes(deployment)) => Ok((place, *deployment)),
            Ok(Discovery::Another(other)) => Err(superseded(commit, &other)),
            Ok(Discovery::No) => Err(self.none_came(commit, branch, &place)),
            Err(error) => Err(self.not_started(error).await),
        }
    }

    /// The outcome when no deployment of this commit has appeared.
    fn none_came(
        &self,
        commit: &str,
        branch: Option<&String>,
        place: &AutoDeployConfig,
    ) -> Outcome {
        let may_be_filtered = place.filters_paths && place.deploys(branch);
        let outcome = if may_be_filtered && self.plan.on_skipped == Some(OnSkipped::Pass) {
            Outcome::filtered_out(commit)
        } else if self.deadline.is_over() {
            Outcome::of(
                Failure::NoDeploymentInTime,
                format!("Timed out before Sevalla started a deployment of commit {commit}"),
            )
        } else {
            Outcome::of(
                Failure::NoDeploymentOfCommit,
                format!("Sevalla started no deployment of commit {commit}"),
            )
        };
        why_none_came(outcome, branch, place)
    }

    /// Waits until there is a deployment of this commit.
    async fn await_commit(
        &self,
        service: Service,
        commit: &str,
        branch: Option<&String>,
        place: &AutoDeployConfig,
    ) -> Result<Discovery, TriggerError> {
        let started = Instant::now();
        let give_up = self.deadline.moment().min(started + DISCOVERY_TIMEOUT);
        let mut looks = Schedule::for_looks();
        let mut first: Option<Vec<DeploymentId>> = None;
        loop {
            let all = match past::read_past(&self.client, service).await {
                Ok(all) => all,
                // Begun when hardly any time was left: it says nothing.
                Err(error) if first.is_some() && self.ran_out_of_time(&error) => {
                    return Ok(Discovery::No);
                }
                Err(error) => return Err(error),
            };
            let on_branch = may_be_on(branch, all);
            if let Some(ours) = on_branch
                .iter()
                .find(|deployment| is_of(deployment, commit))
            {
                return Ok(Discovery::Yes(Box::new(ours.clone())));
            }
            // One that shows no commit yet may be it.
            let is_open = |deployment: &Deployment| {
                deployment.commit_sha.is_none() && deployment.status.verdict().is_none()
            };
            let may_come = on_branch.iter().any(is_open);
            let known = first.get_or_insert_with(|| {
                self.reporter.on(EventKind::Note(&format!(
                    "Waiting for the deployment that Sevalla starts for commit {commit}"
                )));
                on_branch
                    .iter()
                    .map(|deployment| deployment.id.clone())
                    .collect()
            });
            let another = on_branch.iter().find(|one| replaces(one, known));
            let now = Instant::now();
            let is_pointless = !may_come && !place.deploys(branch);
            let is_over = now >= give_up && !may_come;
            if is_pointless || is_over {
                return Ok(appeared(another));
            }
            let left = self.deadline.moment().saturating_duration_since(now);
            sleep(looks.next_wait(None).min(left)).await;
            if self.deadline.is_over() {
                return Ok(appeared(another));
            }
        }
    }

    fn ran_out_of_time(&self, error: &TriggerError) -> bool {
        let failed = error.failed_request();
        failed.is_some_and(|error| self.client.ran_out_of_time(error))
    }

    /// Cancels a deployment and waits for its end.
    pub(crate) async fn cancel(&self, service: Service, id: &DeploymentId) -> Outcome {
        tokio::select! {
            // The signal first, as in `until_stopped`.
            biased;
            signal = self.stop.requested() => Outcome::interrupted(signal)
                .because(format!("Whether deployment {id} was cancelled was not seen")),
            outcome = self.cancel_and_wait(service, id) => outcome,
        }
    }

    async fn cancel_and_wait(&self, service: Service, id: &DeploymentId) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let found = match auto_deploy::look_at(&self.client, service, &report).await {
            Ok(_) => {
                let patience = Patience::BEFORE_THE_START;
                let read = self.client.read_deployment(service, id, patience).await;
                read.map_err(TriggerError::Api)
            }
            Err(error) => Err(error),
        };
        let deployment = match found {
            Ok(deployment) => deployment,
            Err(error) => return self.not_started(error).await,
        };
        report(EventKind::Found(service, &deployment));
        if let Some(ended) = deployment.ended() {
            return already_ended(&ended);
        }
        if self.plan.dry_run {
            return Outcome::planned(&format!("cancel deployment {id}"));
        }
        report(EventKind::Cancelling);
        let closely = self.deadline.moment().min(Instant::now() + CLOSE_WATCH);
        match cancel::cancel(&self.client.until(closely), service, id, &report).await {
            CancelResult::Ended(ended) | CancelResult::TooLate(ended) => was_cancelled(&ended),
            CancelResult::Accepted => self.wait_for_end(service, deployment).await,
            CancelResult::Refused(error) | CancelResult::Unknown(error) => {
                self.not_started(TriggerError::Api(error)).await
            }
        }
    }

    async fn wait_for_end(&self, service: Service, deployment: Deployment) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let id = deployment.id.clone();
        match self.end_of_cancelled(service, deployment, &report).await {
            EndOfCancelled::Ended(ended) => was_cancelled(&ended),
            EndOfCancelled::Gone => cancelled(&id),
            EndOfCancelled::NotSeen(ended) => Outcome::of_ended(&ended, service),
        }
    }
}

/// The deployments that may be of this branch.
fn may_be_on(branch: Option<&String>, all: Vec<Deployment>) -> Vec<Deployment> {
    let mut on_branch = all;
    on_branch.retain(|deployment| {
        let known = deployment.branch.as_ref().zip(branch);
        !deployment.is_unreadable() && known.is_none_or(|(its, ours)| branch::is_same(its, ours))
    });
    on_branch
}

/// Whether a push started it after those that were known first. It may be of an
/// older push, whose turn only came now. One that was skipped replaces nothing.
fn replaces(deployment: &Deployment, known: &[DeploymentId]) -> bool {
    deployment.commit_sha.is_some()
        && deployment.origin == Origin::Automatic
        && deployment.status != Status::Skipped
        && !known.contains(&deployment.id)
}

/// What to make of it that ours has not appeared.
fn appeared(another: Option<&Deployment>) -> Discovery {
    another.map_or(Discovery::No, |other| {
        Discovery::Another(Box::new(other.clone()))
    })
}

fn is_of(deployment: &Deployment, commit: &str) -> bool {
    let its = deployment.commit_sha.as_deref();
    its.is_some_and(|its| is_same_commit(its, commit))
}

fn superseded(commit: &str, other: &Deployment) -> Outcome {
    Outcome::of(
        Failure::Superseded,
        format!("Commit {commit} was not deployed: a newer one was"),
    )
    .because(format!("Sevalla started {} instead", other.summary()))
}

fn why_none_came(outcome: Outcome, branch: Option<&String>, place: &AutoDeployConfig) -> Outcome {
    if !place.deploys_pushes {
        return outcome
            .because("Automatic deployment is off, so a push starts none")
            .hint("Switch it on in the settings on Sevalla, or start the deployment with deploy-app or deploy-static-site");
    }
    let other = branch.zip(place.default_branch.as_ref());
    if let Some((ours, its)) = other.filter(|_| !place.deploys(branch)) {
        return outcome.because(format!(
            "A push to {ours} deploys nothing: the service is set to branch {its}"
        ));
    }
    if place.filters_paths {
        let is_good = outcome.is_good();
        let outcome = outcome.because(
            "The service deploys only pushes that touch certain paths, and this one may touch none of them",
        );
        if is_good {
            return outcome;
        }
        return outcome.hint(
            "If this push should be deployed, check the path filters in the service's settings on \
             Sevalla; if not, set on-skipped to pass",
        );
    }
    outcome
        .because("A push to this branch should start one, and none appeared")
        .hint("Check in the dashboard whether the repository is still connected")
}

fn already_ended(deployment: &EndedDeployment) -> Outcome {
    let (id, word) = (&deployment.id, deployment.status.word());
    match deployment.verdict() {
        Verdict::Success => Outcome::of(
            Failure::TooLateToCancel,
            format!("Deployment {id} cannot be cancelled"),
        )
        .because("It had succeeded before")
        .hint("To take it back, use rollback-app or rollback-static-site"),
        _ => Outcome::success(format!(
            "Nothing to cancel: deployment {id} had ended {word} before"
        )),
    }
}

fn was_cancelled(deployment: &EndedDeployment) -> Outcome {
    let id = &deployment.id;
    match deployment.verdict() {
        Verdict::Success => Outcome::of(
            Failure::TooLateToCancel,
            format!("Deployment {id} could not be cancelled"),
        )
        .because("It succeeded first, and is live")
        .hint("To take it back, use rollback-app or rollback-static-site"),
        Verdict::Failed => {
            Outcome::success(format!("Deployment {id} failed before it was cancelled"))
        }
        Verdict::Cancelled | Verdict::Skipped => cancelled(id),
    }
}

fn cancelled(id: &DeploymentId) -> Outcome {
    Outcome::success(format!("Cancelled deployment {id}"))
}
