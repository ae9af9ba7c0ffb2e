//! Changing settings.

use std::ops::ControlFlow;

use crate::actions::ActionContext;
use crate::actions::database::write::{self, DatabaseReadiness};
use crate::actions::error::TriggerError;
use crate::actions::manage::change::{self, SettingChange, SettingsDiff};
use crate::actions::manage::unseen;
use crate::actions::resolve::Update;
use crate::event::EventKind;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::inventory::in_words;
use crate::resource::MutableKind;
use crate::text::duration::counted;

impl ActionContext<'_> {
    /// Makes the settings what is wanted, if they are not.
    pub(crate) async fn update(&self, update: &Update) -> Outcome {
        let changed = match self.until_stopped(self.try_to_update(update)).await {
            Ok(Ok(ControlFlow::Continue(changed))) => changed,
            Ok(Ok(ControlFlow::Break(outcome))) => return outcome,
            Ok(Err(error)) => return self.not_done(error).await,
            Err(signal) => return unseen(signal),
        };
        match self
            .until_stopped(self.until_changed(update, changed))
            .await
        {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => self.not_done(error).await,
            Err(signal) => Outcome::interrupted(signal)
                .because("Sevalla has accepted the change; this run did not see it completed")
                .hint("Check in the dashboard whether the database becomes ready"),
        }
    }

    /// Sends what differs. Continues if the service takes its time for that.
    async fn try_to_update(
        &self,
        update: &Update,
    ) -> Result<ControlFlow<Outcome, Outcome>, TriggerError> {
        let comparison = change::preflight_update(&self.client, update).await?;
        let label = comparison.record.label();
        let noun = update.what.kind().noun();
        self.reporter.on(EventKind::Result(&as_json(&comparison)));
        if comparison.differences.is_empty() {
            let headline = format!("Nothing to change: {noun} {label} has these settings already");
            return Ok(ControlFlow::Break(Outcome::success(headline)));
        }
        for difference in &comparison.differences {
            self.reporter.on(EventKind::Note(&in_a_line(difference)));
        }
        if self.plan.dry_run {
            let settings = counted(comparison.differences.len(), "setting");
            let planned = format!("change {settings} of {noun} {label}");
            return Ok(ControlFlow::Break(Outcome::planned(&planned)));
        }
        let report = |event: EventKind<'_>| self.reporter.on(event);
        change::update(&self.client, update, &comparison, &report).await?;
        let changed = Outcome::success(format!("Changed {noun} {label}"));
        Ok(match update.what {
            MutableKind::Application | MutableKind::StaticSite => ControlFlow::Break(
                changed.because("Build and runtime settings take effect at the next deployment"),
            ),
            MutableKind::Database if update.resource_type.is_none() => ControlFlow::Break(changed),
            MutableKind::Database => ControlFlow::Continue(changed),
        })
    }

    /// A database that becomes larger or smaller takes its time.
    async fn until_changed(
        &self,
        update: &Update,
        changed: Outcome,
    ) -> Result<Outcome, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let ready = write::wait_until_ready(&self.client, update.id, &report).await?;
        Ok(match ready {
            DatabaseReadiness::Ready(_) => changed,
            DatabaseReadiness::Failed(status) => Outcome::of(
                Failure::DatabaseUnusable,
                format!("The database did not take the change; its status is {status}"),
            )
            .hint("Check in the dashboard, or ask Sevalla's support"),
            DatabaseReadiness::NotYet(status) => Outcome::of(
                Failure::DatabaseNotReady,
                format!("Timed out before the database was changed; its status is {status}"),
            )
            .hint("Raise timeout, or run this again to wait for it"),
        })
    }
}

fn in_a_line(difference: &SettingChange) -> String {
    format!(
        "{}: {} → {}",
        difference.name,
        in_words(difference.before.as_ref()),
        in_words(Some(&difference.after))
    )
}

/// The differences as one line of JSON.
fn as_json(comparison: &SettingsDiff) -> String {
    let differences = comparison.differences.iter().map(|difference| {
        serde_json::json!({
            "setting": difference.name,
            "before": difference.before.as_ref().map(|value| in_words(Some(value))),
            "after": in_words(Some(&difference.after)),
        })
    });
    differences.collect::<serde_json::Value>().to_string()
}
