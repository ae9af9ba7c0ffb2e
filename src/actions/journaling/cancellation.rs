//! What the run itself has cancelled: a run that is started again after that
//! starts another one.

use crate::actions::ActionContext;
use crate::actions::deploy::cancel::{self, CancelResult, EndOfCancelled};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::{PREVIEW, service_of};
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, Service, Verdict};
use crate::event::EventKind;
use crate::follow::FollowResult;
use crate::journal::{Effect, WriteRecord};
use crate::sevalla::Client;

impl ActionContext<'_> {
    /// Whether the run itself has cancelled what it made, so that nothing of it
    /// remains.
    pub(crate) async fn was_cancelled(
        &self,
        write: &WriteRecord,
        service: Service,
        id: &DeploymentId,
        report: Report<'_>,
    ) -> Result<bool, TriggerError> {
        if !matches!(write.effect, Effect::Cancelling { .. }) {
            return Ok(false);
        }
        let is_gone = self.ends_cancelled(service, id, report).await?;
        if is_gone {
            self.settle(&write.name, Effect::Nothing);
        }
        Ok(is_gone)
    }

    /// Whether a deployment ends because it was cancelled, which can be long after
    /// Sevalla has accepted that. Not if the run's time is over before.
    async fn ends_cancelled(
        &self,
        service: Service,
        id: &DeploymentId,
        report: Report<'_>,
    ) -> Result<bool, TriggerError> {
        report(EventKind::Note(&format!(
            "An earlier process of this run asked Sevalla to cancel deployment {id}. Waiting for \
             its end."
        )));
        let deployment = Deployment::only_its_id(id.clone());
        match self.end_of_cancelled(service, deployment, &|_| {}).await {
            EndOfCancelled::Ended(ended) => Ok(is_cancelled(&ended)),
            EndOfCancelled::Gone => Ok(true),
            EndOfCancelled::NotSeen(FollowResult::Lost { error, .. }) => Err(error.into()),
            EndOfCancelled::NotSeen(_) => Ok(false),
        }
    }

    /// Cancels a deployment that this run has started. A run that is started
    /// again after that starts another one.
    pub(crate) async fn cancel_own(
        &self,
        client: &Client,
        service: Service,
        id: &DeploymentId,
        report: Report<'_>,
    ) -> CancelResult {
        let write = self.journal.get().and_then(|journal| {
            let made = Effect::Made { id: id.0.clone() };
            let writes = journal.writes();
            let is_unknown = |write: &&WriteRecord| {
                write.effect == Effect::Unknown && service_of(&write.before) == Some(service)
            };
            // A preview app that the run has made starts its deployment by itself.
            let is_preview =
                |write: &&WriteRecord| write.name == PREVIEW && write.effect != Effect::Nothing;
            let its = writes.iter().find(|write| write.effect == made);
            let its = its.or_else(|| writes.iter().find(is_unknown));
            its.or_else(|| writes.iter().find(is_preview)).cloned()
        });
        if let Some(write) = &write {
            let id = match write.name.as_str() {
                PREVIEW => service.id.to_string(),
                _ => id.0.clone(),
            };
            self.settle(&write.name, Effect::Cancelling { id });
        }
        let cancelled = cancel::cancel(client, service, id, report).await;
        if let (Some(write), CancelResult::Ended(ended)) = (&write, &cancelled)
            && is_cancelled(ended)
        {
            self.settle(&write.name, Effect::Nothing);
        }
        cancelled
    }
}

fn is_cancelled(ended: &EndedDeployment) -> bool {
    matches!(ended.verdict(), Verdict::Cancelled | Verdict::Skipped)
}
