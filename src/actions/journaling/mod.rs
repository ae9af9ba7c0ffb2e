//! What the journal means for the writes of a run: each is recorded before it is
//! sent (`entry`), and a run that is started again looks for the effect of what an
//! earlier process may have sent before it sends anything (`resume`). What the run
//! itself has cancelled is no effect (`cancellation`).

mod cancellation;
mod entry;
mod resume;

use std::io;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::actions::ActionContext;
use crate::actions::deploy::baseline::Baseline;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::error::Report;
use crate::deployment::Service;
use crate::event::EventKind;
use crate::inputs::OnFailure;
use crate::journal::{Effect, WriteRecord};
use crate::text::truncate::shorten;

pub(crate) use self::entry::WriteEntry;
pub(crate) use self::resume::ResumedDeployment;

/// The most of a reason that is recorded, in bytes.
const LONGEST_REASON: usize = 1000;

/// The write that starts the deployment of a run.
pub(crate) const DEPLOY: &str = "deploy";

/// The write that promotes; each target has its own effect.
pub(crate) const PROMOTE: &str = "promote";

/// The write that makes a preview app.
pub(crate) const PREVIEW: &str = "preview";

/// The write that makes a database.
pub(crate) const DATABASE: &str = "database";

/// The write that rolls this service back after a failure.
pub(crate) fn rollback_of(service: Service) -> String {
    format!("rollback {}", service.id)
}

/// What was sent is known to this process; only one that is started again would
/// have to look for it.
fn warn_of_unwritten(written: io::Result<()>, report: Report<'_>) {
    if let Err(error) = written {
        report(EventKind::Note(&format!(
            "The state-file could not be written: {error}"
        )));
    }
}

/// What is recorded before a deployment is started.
pub(crate) fn recorded(service: Service, before: &Preflight) -> Value {
    json!({
        "kind": service.kind.noun(),
        "id": service.id.to_string(),
        "mark": before.mark.as_ref().map(Baseline::recorded),
        "wanted": before.wanted,
        "back_to": before.rollback.as_ref().map(|rollback| &rollback.to.id.0),
    })
}

/// The service that a recorded deployment is of.
pub(crate) fn service_of(before: &Value) -> Option<Service> {
    let id = before["id"].as_str()?.parse::<Uuid>().ok()?;
    let services = [Service::application(id), Service::static_site(id)];
    let mut services = services.into_iter();
    services.find(|service| before["kind"] == service.kind.noun())
}

impl ActionContext<'_> {
    /// What an earlier process of this run has recorded of a write, unless it had
    /// no effect.
    pub(crate) fn write_before(&self, name: &str) -> Option<WriteRecord> {
        let write = self.journal.get()?.write_named(name)?;
        (write.effect != Effect::Nothing).then_some(write)
    }

    /// Records what came of a write of an earlier process.
    pub(crate) fn settle(&self, name: &str, effect: Effect) {
        if let Some(journal) = self.journal.get() {
            let report = |event: EventKind<'_>| self.reporter.on(event);
            warn_of_unwritten(journal.settle(&[(name.to_owned(), effect)]), &report);
        }
    }
}

/// Checks that failed.
impl ActionContext<'_> {
    /// Why the check of a service failed in an earlier process of this run, which
    /// may have rolled back since: then another check would be of another version.
    pub(crate) fn check_that_failed(&self, service: Service) -> Option<String> {
        self.journal.get()?.failed_check(&service.id.to_string())
    }

    /// Records that the check of a service failed, before it is rolled back.
    pub(crate) fn record_failed_check(&self, service: Service, why: &str) {
        let is_rolled_back = self.plan.on_failure == OnFailure::Rollback;
        if let Some(journal) = self.journal.get().filter(|_| is_rolled_back) {
            let report = |event: EventKind<'_>| self.reporter.on(event);
            let why = self.sanitizer.line(why);
            let why = shorten(why, LONGEST_REASON, self.sanitizer);
            let written = journal.fail_check(&service.id.to_string(), why.as_str());
            warn_of_unwritten(written, &report);
        }
    }
}
