//! Deleting.

use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::plan::Doomed;
use crate::report::Event;
use crate::run::Run;
use crate::trigger::{self, Removed, TriggerError};

impl Run<'_> {
    /// Deletes what has the confirmed name; what is gone is as good.
    pub(super) async fn delete(&self, doomed: &Doomed) -> Outcome {
        match self.try_to_delete(doomed).await {
            Ok(outcome) => outcome,
            Err(error) => self.not_done(error).await,
        }
    }

    async fn try_to_delete(&self, doomed: &Doomed) -> Result<Outcome, TriggerError> {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let noun = doomed.what.kind().noun();
        let found = trigger::look_before_removal(&self.client, doomed).await?;
        let Some((thing, record)) = found else {
            let name = doomed
                .id
                .map_or_else(|| doomed.name.clone(), |id| id.to_string());
            let headline = format!("There is no {noun} {name} (any more)");
            return Ok(Outcome::success(headline));
        };
        let label = record.label();
        if self.plan.dry_run {
            return Ok(Outcome::planned(&format!("delete {noun} {label}")));
        }
        tell(Event::Note(&format!("Deleting {noun} {label}")));
        let status = record.text("status");
        let removed = trigger::remove(&self.client, doomed.what, thing.id, status, &tell).await?;
        Ok(match removed {
            Removed::Gone => Outcome::success(format!("Deleted {noun} {label}")),
            Removed::Accepted => Outcome::of(
                Failure::NotGoneInTime,
                format!("Sevalla agreed to delete {noun} {label}, which was not gone in time"),
            )
            .hint("Run this again: deleting twice does no harm"),
            Removed::Failed => Outcome::of(
                Failure::DeletionFailed,
                format!("Sevalla failed to delete {noun} {label}"),
            )
            .hint("Run this again, delete it in the dashboard, or ask Sevalla's support"),
        })
    }
}
