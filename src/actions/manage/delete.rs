//! Deleting.

use crate::actions::ActionContext;
use crate::actions::deletion::{self, DeletionProgress, DeletionTarget};
use crate::actions::error::TriggerError;
use crate::actions::preview::delete::of_removed;
use crate::actions::resolve::DeleteRequest;
use crate::event::EventKind;
use crate::outcome::Outcome;

impl ActionContext<'_> {
    /// Deletes what has the confirmed name; what is gone is as good.
    pub(crate) async fn delete(&self, request: &DeleteRequest) -> Outcome {
        let progress = DeletionProgress::default();
        let deleted = async {
            match self.try_to_delete(request, &progress).await {
                Ok(outcome) => outcome,
                Err(error) => self.not_done(error).await,
            }
        };
        self.unless_left(&progress, deleted).await
    }

    async fn try_to_delete(
        &self,
        request: &DeleteRequest,
        progress: &DeletionProgress,
    ) -> Result<Outcome, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let noun = request.what.kind().noun();
        let found = deletion::preflight_removal(&self.client, request).await?;
        let Some((thing, record)) = found else {
            let name = request
                .id
                .map_or_else(|| request.name.clone(), |id| id.to_string());
            let headline = format!("There is no {noun} {name} (any more)");
            return Ok(Outcome::success(headline));
        };
        let label = format!("{noun} {}", record.label());
        if self.plan.dry_run {
            return Ok(Outcome::planned(&format!("delete {label}")));
        }
        report(EventKind::Note(&format!("Deleting {label}")));
        let it = DeletionTarget {
            what: request.what,
            id: thing.id,
            label,
            status: record.text("status"),
            is_preview: false,
        };
        let removed = deletion::remove(&self.client, &it, progress, &report).await?;
        Ok(of_removed(&it.label, &removed, progress))
    }
}
