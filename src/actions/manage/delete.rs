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
    pub(crate) async fn delete(&self, doomed: &DeleteRequest) -> Outcome {
        let course = DeletionProgress::default();
        let deleted = async {
            match self.try_to_delete(doomed, &course).await {
                Ok(outcome) => outcome,
                Err(error) => self.not_done(error).await,
            }
        };
        self.unless_left(&course, deleted).await
    }

    async fn try_to_delete(
        &self,
        doomed: &DeleteRequest,
        course: &DeletionProgress,
    ) -> Result<Outcome, TriggerError> {
        let tell = |event: EventKind<'_>| self.reporter.on(event);
        let noun = doomed.what.kind().noun();
        let found = deletion::look_before_removal(&self.client, doomed).await?;
        let Some((thing, record)) = found else {
            let name = doomed
                .id
                .map_or_else(|| doomed.name.clone(), |id| id.to_string());
            let headline = format!("There is no {noun} {name} (any more)");
            return Ok(Outcome::success(headline));
        };
        let label = format!("{noun} {}", record.label());
        if self.plan.dry_run {
            return Ok(Outcome::planned(&format!("delete {label}")));
        }
        tell(EventKind::Note(&format!("Deleting {label}")));
        let it = DeletionTarget {
            what: doomed.what,
            id: thing.id,
            label,
            status: record.text("status"),
            is_preview: false,
        };
        let removed = deletion::remove(&self.client, &it, course, &tell).await?;
        Ok(of_removed(&it.label, &removed, course))
    }
}
