//! What is left to do once a deployment has ended: its address, its caches,
//! whether it answers, and going back if it does not.

use url::Url;

use super::guard::Guard;
use super::{MORE_WORDS, Run};
use crate::deployment::{Deployment, DeploymentId, ServiceKind, Verdict};
use crate::inputs::{OnFailure, OnSkipped};
use crate::outcome::{Ending, Outcome};
use crate::report::Event;
use crate::sevalla::{self, Patience};
use crate::trigger::{Before, Tell};
use crate::verify::{self, Filling, Verified, Visit};
use crate::watch::{Ended, Remote};

/// What is known of a service besides the deployment that is followed.
#[derive(Debug, Default, Clone)]
pub(super) struct Scene {
    /// The host of a static site.
    pub(super) host: Option<String>,
    /// The branch that is deployed.
    pub(super) branch: Option<String>,
    /// What was live before, and may be gone back to: this run has replaced it.
    pub(super) live: Option<Deployment>,
    /// Whether this run has started the deployment.
    pub(super) is_ours: bool,
}

impl Scene {
    /// The scene of a deployment that this run starts.
    pub(super) fn of(before: &Before) -> Self {
        Self {
            host: before.host.clone(),
            branch: before.branch().map(str::to_owned),
            live: before.live.clone(),
            is_ours: true,
        }
    }
}

impl Run<'_> {
    /// The outcome of a deployment that was seen to end, after all that the
    /// user wants done then.
    pub(super) async fn settle(
        &self,
        source: &Remote,
        deployment: Deployment,
        verdict: Verdict,
        scene: &Scene,
        tell: Tell<'_>,
    ) -> Outcome {
        let outcome = match verdict {
            Verdict::Success => self.after_success(source, deployment, scene, tell).await,
            Verdict::Failed => self.after_failure(source, deployment).await,
            Verdict::Cancelled | Verdict::Skipped => {
                self.after_nothing(source, deployment, verdict).await
            }
        };
        let is_failed = matches!(outcome.ending, Ending::Failed | Ending::Unverified);
        if !is_failed || self.plan.on_failure == OnFailure::Leave || !scene.is_ours {
            return outcome;
        }
        let said = self.undo(source.service, scene.live.as_ref(), tell).await;
        Outcome {
            hint: None,
            ..outcome.because(said)
        }
    }

    async fn after_success(
        &self,
        source: &Remote,
        deployment: Deployment,
        scene: &Scene,
        tell: Tell<'_>,
    ) -> Outcome {
        let service = source.service;
        let objection = Guard::new(self.plan, scene.branch.as_deref()).objection(&deployment);
        let url = self.for_more_words(self.tell_url(source, scene.host.as_deref(), tell));
        let url = url.await.flatten();
        let id = deployment.id.clone();
        let outcome =
            Outcome::of_ended(&Ended::Seen(deployment.clone(), Verdict::Success), service);
        if let Some(objection) = objection {
            return Outcome::unverified(&id).because(objection);
        }
        tokio::select! {
            checked = self.purge_and_verify(source, &deployment, url.as_ref(), tell) => {
                checked.unwrap_or(outcome)
            }
            signal = self.stop.asked() => Outcome::interrupted(signal).because(format!(
                "Deployment {id} had succeeded and is live; whether it answers well was not seen"
            )),
        }
    }

    async fn purge_and_verify(
        &self,
        source: &Remote,
        deployment: &Deployment,
        url: Option<&Url>,
        tell: Tell<'_>,
    ) -> Option<Outcome> {
        if self.plan.purge_cache {
            self.purge_after(source, tell).await;
        }
        self.verify(deployment, url, tell).await
    }

    /// Purging again what Sevalla has purged: no reason to fail.
    async fn purge_after(&self, source: &Remote, tell: Tell<'_>) {
        let patience = Patience::FOR_A_SEARCH;
        match source.client.purge_cache(source.service, patience).await {
            Ok(()) => tell(Event::Note(
                "Emptying the caches, which takes some minutes everywhere in the world",
            )),
            Err(error) => tell(Event::Warning(&format!(
                "The caches could not be emptied: {error}. Sevalla empties them by itself after a deployment."
            ))),
        }
    }

    /// The outcome of a deployment that does not answer well.
    async fn verify(
        &self,
        deployment: &Deployment,
        url: Option<&Url>,
        tell: Tell<'_>,
    ) -> Option<Outcome> {
        let check = self.plan.check.as_ref()?;
        let exchange = match (self.connect)() {
            Ok(exchange) => exchange,
            Err(error) => {
                return Some(Outcome::unverified(&deployment.id).because(error.to_string()));
            }
        };
        let filling = Filling {
            commit: deployment.commit_sha.as_deref(),
            deployment: &deployment.id.0,
        };
        let told = |visit: Visit<'_>| tell(Event::Note(&visit.to_string()));
        let deadline = self.deadline.moment();
        match verify::verify(exchange.as_ref(), check, url, filling, deadline, &told).await {
            Verified::Yes => None,
            Verified::No {
                url,
                reason,
                visits,
                elapsed,
            } => Some(
                Outcome::unverified(&deployment.id)
                    .because(format!("{url} did not answer well: {reason}"))
                    .after(Some(format!(
                        "{visits} visits in {}",
                        crate::report::duration(elapsed)
                    ))),
            ),
        }
    }

    async fn after_failure(&self, source: &Remote, mut deployment: Deployment) -> Outcome {
        let error = build_error(source, &deployment.id);
        deployment.build_error = self.for_more_words(error).await.flatten();
        Outcome::of_ended(&Ended::Seen(deployment, Verdict::Failed), source.service)
    }

    /// A deployment that ended without being deployed may have made way for a
    /// newer one.
    async fn after_nothing(
        &self,
        source: &Remote,
        deployment: Deployment,
        verdict: Verdict,
    ) -> Outcome {
        let newer = newer_than(source, &deployment.id);
        let newer = self.for_more_words(newer).await.flatten();
        let service = source.service;
        let outcome = Outcome::of_ended(&Ended::Seen(deployment, verdict), service);
        match (newer, verdict, self.plan.on_skipped) {
            (Some(newer), ..) => outcome.superseded_by(&newer),
            (None, Verdict::Skipped, OnSkipped::Pass) => Outcome {
                ending: Ending::Passed,
                ..outcome
            },
            _ => outcome,
        }
    }

    /// After a success, finds out where the service can be visited. `host` is
    /// what is known already.
    async fn tell_url(&self, source: &Remote, host: Option<&str>, tell: Tell<'_>) -> Option<Url> {
        let host = match (source.service.kind, host) {
            (ServiceKind::Application, _) => {
                source.client.application_host(source.service.id).await
            }
            (ServiceKind::StaticSite, Some(host)) => Some(host.to_owned()),
            (ServiceKind::StaticSite, None) => {
                let patience = Patience::For(MORE_WORDS);
                let site = source.client.get_static_site(source.service.id, patience);
                site.await.ok().and_then(|site| site.hostname)
            }
        };
        let url = sevalla::address(&host?)?;
        tell(Event::Url(url.as_str().trim_end_matches('/')));
        Some(url)
    }
}

/// A deployment of the same service that was asked for after this one.
async fn newer_than(source: &Remote, id: &DeploymentId) -> Option<Deployment> {
    let recent = source
        .client
        .deployments(source.service, 20, Patience::Once)
        .await
        .ok()?;
    let at = recent.iter().position(|other| other.id == *id)?;
    // Newest first.
    recent.into_iter().take(at).next()
}

/// After a failure of a static site, reads what the build said: only the list
/// of deployments has it.
async fn build_error(source: &Remote, id: &DeploymentId) -> Option<String> {
    if source.service.kind != ServiceKind::StaticSite {
        return None;
    }
    let recent = source
        .client
        .deployments(source.service, 20, Patience::Once)
        .await;
    let mut recent = recent.unwrap_or_default().into_iter();
    recent.find(|other| other.id == *id)?.build_error
}
