//! Recording a write before it is sent, and what came of it.

use std::fmt::{self, Display};
use std::io;
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::actions::ActionContext;
use crate::actions::deploy::matcher::DeploymentMatcher;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::{recorded, warn_of_unwritten};
use crate::actions::lookup::Candidate;
use crate::deployment::{DeploymentId, Service};
use crate::event::EventKind;
use crate::journal::{Effect, Journal};
use crate::sevalla::operation::Operation;
use crate::sevalla::{ApiError, Client};

/// The journal's entry of a write; without a journal nothing is recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteEntry(Option<Rc<JournaledWrite>>);

struct JournaledWrite {
    journal: Rc<Journal>,
    step: String,
    operation: &'static Operation,
    /// What there is before, for each effect.
    before: Vec<(String, Value)>,
    client: Client,
}

impl fmt::Debug for JournaledWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)
    }
}

impl WriteEntry {
    /// The key of a write that has one effect.
    pub(crate) const ONLY: &'static str = "";

    /// Why an earlier sending of this write, whose effect was looked for and not
    /// found, has no response.
    pub(in crate::actions) fn loss_before(&self, keys: &[impl Display]) -> Option<ApiError> {
        let write = self.0.as_ref()?;
        let was_sent = |key: &dyn Display| {
            let earlier = write.journal.write_named(&named(&write.step, key));
            earlier.is_some_and(|earlier| earlier.sent > 0)
        };
        let was_sent = keys.iter().any(|key| was_sent(key));
        was_sent.then(|| ApiError::sender_ended(write.operation))
    }

    /// Records that the write is about to be sent for these keys.
    pub(in crate::actions) fn record(&self, keys: &[impl Display]) -> io::Result<()> {
        let Some(write) = &self.0 else {
            return Ok(());
        };
        let writes = keys.iter().map(|key| {
            let key = key.to_string();
            let before = write.before.iter().find(|(of, _)| *of == key);
            let before = before.map_or(Value::Null, |(_, before)| before.clone());
            (named(&write.step, &key), before)
        });
        // The time of this sending, not of an earlier one.
        let at = write.client.service_time().map(Timestamp::as_second);
        write.journal.sending(&writes.collect::<Vec<_>>(), at)
    }

    /// Records what came of it.
    pub(in crate::actions) fn settle<K: Display, T: Candidate>(
        &self,
        ends: &[(K, Result<T, TriggerError>)],
        report: Report<'_>,
    ) {
        let Some(write) = &self.0 else {
            return;
        };
        let effects = ends.iter().filter_map(|(key, end)| {
            let effect = effect_of(end)?;
            Some((named(&write.step, key), effect))
        });
        let settled = write.journal.settle(&effects.collect::<Vec<_>>());
        warn_of_unwritten(settled, report);
    }

    /// Records which deployment it made, where the response did not name it.
    pub(crate) fn made(&self, id: &DeploymentId, report: Report<'_>) {
        if let Some(write) = &self.0 {
            let effect = Effect::Made { id: id.0.clone() };
            let settled = write
                .journal
                .settle(&[(named(&write.step, &Self::ONLY), effect)]);
            warn_of_unwritten(settled, report);
        }
    }
}

/// The name of the effect that a write has for a key.
fn named(step: &str, key: &dyn Display) -> String {
    format!("{step} {key}").trim_end().to_owned()
}

/// What is certain of the effect; `None` if it may have one.
fn effect_of<T: Candidate>(end: &Result<T, TriggerError>) -> Option<Effect> {
    match end {
        Ok(made) => made.recorded().map(|id| Effect::Made { id }),
        Err(TriggerError::Api(_) | TriggerError::Refused(_)) => Some(Effect::Nothing),
        Err(
            TriggerError::At(..) | TriggerError::Unidentified(_) | TriggerError::Ambiguous { .. },
        ) => None,
    }
}

impl ActionContext<'_> {
    /// The journal's entry of a write that is about to be made, with what there
    /// is before, for each of its keys.
    pub(crate) fn entry(
        &self,
        step: impl Into<String>,
        operation: &'static Operation,
        before: Vec<(String, Value)>,
    ) -> WriteEntry {
        WriteEntry(self.journal.get().map(|journal| {
            Rc::new(JournaledWrite {
                journal: Rc::clone(journal),
                step: step.into(),
                operation,
                before,
                client: self.client.clone(),
            })
        }))
    }

    /// What is recorded before a deployment is started; a secret in it is masked.
    fn recorded(&self, service: Service, before: &Preflight) -> Value {
        let mut recorded = recorded(service, before);
        if let Some(wanted) = recorded.get_mut("wanted") {
            *wanted = json!(self.spelled(before.wanted.clone(), true));
        }
        recorded
    }

    /// What is wanted, with the user's words masked, or as they were given.
    pub(super) fn spelled(
        &self,
        mut wanted: DeploymentMatcher,
        is_masked: bool,
    ) -> DeploymentMatcher {
        let fields = [&mut wanted.branch, &mut wanted.docker_image];
        for (field, given) in fields.into_iter().zip(self.plan.task.words()) {
            let Some(given) = given else { continue };
            let masked = self.sanitizer.line(given);
            let (from, to) = if is_masked {
                (given, masked.as_str())
            } else {
                (masked.as_str(), given)
            };
            if field.as_deref() == Some(from) {
                *field = Some(to.to_owned());
            }
        }
        wanted
    }

    /// The entry of a write that starts one deployment.
    pub(crate) fn deployment_entry(
        &self,
        step: impl Into<String>,
        operation: &'static Operation,
        service: Option<Service>,
        before: &Preflight,
    ) -> WriteEntry {
        let recorded = service.map_or(Value::Null, |service| self.recorded(service, before));
        let key = WriteEntry::ONLY.to_owned();
        self.entry(step, operation, vec![(key, recorded)])
    }

    /// Records that the run follows a deployment in place of starting one, so that
    /// it continues with that one when it is started again.
    pub(crate) fn record_followed(
        &self,
        name: &str,
        service: Service,
        before: &Preflight,
        id: &DeploymentId,
    ) {
        if let Some(journal) = self.journal.get() {
            let report = |event: EventKind<'_>| self.reporter.on(event);
            let written = journal.follow(name, &self.recorded(service, before), id.0.clone());
            warn_of_unwritten(written, &report);
        }
    }
}
