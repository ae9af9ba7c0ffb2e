//! What the journal means for the writes of a run: each is recorded before it is
//! sent, and a run that is started again looks for the effect of what an earlier
//! process may have sent before it sends anything.

use std::cell::Cell;
use std::fmt::{self, Display};
use std::io;
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::actions::at_most_once::ambiguous;
use crate::actions::deploy::baseline::Baseline;
use crate::actions::deploy::cancel::{self, CancelResult};
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::matcher::DeploymentMatcher;
use crate::actions::deploy::past::read_past;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start::search;
use crate::actions::deploy::start_rollback::Rollback;
use crate::actions::error::{Report, TriggerError};
use crate::actions::lateness::{doubt_late, doubted};
use crate::actions::lookup::{
    Candidate, LookupError, LookupResult, SearchResult, find_each, find_one,
};
use crate::actions::{ActionContext, CLEAN_UP};
use crate::backoff::Schedule;
use crate::deployment::{Deployment, DeploymentId, Service, Verdict};
use crate::event::EventKind;
use crate::inputs::OnFailure;
use crate::journal::{Effect, Journal, WriteRecord};
use crate::outcome::Outcome;
use crate::sevalla::operation::Operation;
use crate::sevalla::{ApiError, Client, Patience};
use crate::shutdown::Signal;
use crate::text::truncate::shorten;

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
    pub(super) fn loss_before(&self, keys: &[impl Display]) -> Option<ApiError> {
        let write = self.0.as_ref()?;
        let was_sent = |key: &dyn Display| {
            let earlier = write.journal.write_named(&named(&write.step, key));
            earlier.is_some_and(|earlier| earlier.sent > 0)
        };
        let was_sent = keys.iter().any(|key| was_sent(key));
        was_sent.then(|| ApiError::sender_ended(write.operation))
    }

    /// Records that the write is about to be sent for these keys.
    pub(super) fn record(&self, keys: &[impl Display]) -> io::Result<()> {
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
    pub(super) fn settle<K: Display, T: Candidate>(
        &self,
        ends: &[(K, Result<T, TriggerError>)],
        tell: Report<'_>,
    ) {
        let Some(write) = &self.0 else {
            return;
        };
        let effects = ends.iter().filter_map(|(key, end)| {
            let effect = effect_of(end)?;
            Some((named(&write.step, key), effect))
        });
        let settled = write.journal.settle(&effects.collect::<Vec<_>>());
        warn_of_unwritten(settled, tell);
    }

    /// Records which deployment it made, where the response did not name it.
    pub(crate) fn made(&self, id: &DeploymentId, tell: Report<'_>) {
        if let Some(write) = &self.0 {
            let effect = Effect::Made { id: id.0.clone() };
            let settled = write
                .journal
                .settle(&[(named(&write.step, &Self::ONLY), effect)]);
            warn_of_unwritten(settled, tell);
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

/// What was sent is known to this process; only one that is started again would
/// have to look for it.
fn warn_of_unwritten(written: io::Result<()>, tell: Report<'_>) {
    if let Err(error) = written {
        tell(EventKind::Note(&format!(
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

/// A deployment that an earlier process of this run has started.
pub(crate) struct ResumedDeployment {
    pub(crate) deployment: Deployment,
    /// What there was before.
    pub(crate) before: Preflight,
    /// Whether the earlier process followed it only.
    is_anothers: bool,
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
    fn spelled(&self, mut wanted: DeploymentMatcher, is_masked: bool) -> DeploymentMatcher {
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
    pub(crate) fn record_followed(&self, service: Service, before: &Preflight, id: &DeploymentId) {
        if let Some(journal) = self.journal.get() {
            let tell = |event: EventKind<'_>| self.reporter.on(event);
            let written = journal.follow(DEPLOY, &self.recorded(service, before), id.0.clone());
            warn_of_unwritten(written, &tell);
        }
    }

    /// What an earlier process of this run has recorded of a write, unless it had
    /// no effect.
    pub(crate) fn write_before(&self, name: &str) -> Option<WriteRecord> {
        let write = self.journal.get()?.write_named(name)?;
        (write.effect != Effect::Nothing).then_some(write)
    }

    /// Records what came of a write of an earlier process.
    pub(crate) fn settle(&self, name: &str, effect: Effect) {
        if let Some(journal) = self.journal.get() {
            let tell = |event: EventKind<'_>| self.reporter.on(event);
            warn_of_unwritten(journal.settle(&[(name.to_owned(), effect)]), &tell);
        }
    }

    /// Looks for the effect of a write that an earlier process may have sent, as
    /// after a lost response. `None` if there is none, and the write may be sent
    /// once more.
    pub(crate) async fn find_effect<T: Candidate>(
        &self,
        write: &WriteRecord,
        operation: &'static Operation,
        search: impl AsyncFn() -> SearchResult<T>,
        tell: Report<'_>,
    ) -> Result<Option<T>, TriggerError> {
        tell(EventKind::Note(
            "The state-file says that an earlier process of this run was about to send the \
             request. Looking whether it took effect.",
        ));
        let is_late = Cell::new(false);
        let search = async || doubt_late(search().await, write.at, &is_late);
        let looked = find_each(&[()], &|()| Box::pin(search()), false, &self.client).await;
        let LookupResult {
            found,
            missing,
            is_cut_short,
        } = looked;
        if let Some(((), made)) = found.into_iter().next() {
            tell(EventKind::Note(&format!(
                "It did: exactly one new {} matches. Continuing with that one.",
                T::NOUN
            )));
            if let Some(id) = made.recorded() {
                self.settle(&write.name, Effect::Made { id });
            }
            return Ok(Some(made));
        }
        let not_one = missing.into_iter().next().map(|((), not_one)| not_one);
        let not_one = not_one.unwrap_or(LookupError::None);
        if matches!(not_one, LookupError::None) && !is_cut_short && write.sent < 2 {
            tell(EventKind::Note(&format!(
                "It did not: no new {} matches. Starting from the beginning.",
                T::NOUN
            )));
            return Ok(None);
        }
        let lost = ApiError::sender_ended(operation);
        Err(doubted(ambiguous(lost, not_one, write.sent), is_late.get()))
    }

    /// The deployment that an earlier process of this run has started by this
    /// write, if it has.
    pub(crate) async fn resume_deployment(
        &self,
        name: &str,
        service: Option<Service>,
        operation: &'static Operation,
        tell: Report<'_>,
    ) -> Result<Option<ResumedDeployment>, TriggerError> {
        let Some(write) = self.write_before(name) else {
            return Ok(None);
        };
        let mark = write.before.get("mark").and_then(Baseline::read);
        let wanted = write.before.get("wanted");
        let wanted = wanted.and_then(DeploymentMatcher::read);
        let (Some(service), Some(mark)) = (service, mark) else {
            let lost = ApiError::sender_ended(operation);
            let impossible = LookupError::<Deployment>::Impossible;
            return Err(ambiguous(lost, impossible, write.sent));
        };
        let before = Preflight {
            mark: Some(mark),
            wanted: self.spelled(wanted.unwrap_or_default(), false),
            ..Preflight::default()
        };
        let find = async || search(&self.client, service, &before).await;
        let is_it = |id: &DeploymentId| id.is_uuid() && !before.had_ended(id);
        let deployment = match &write.effect {
            Effect::Nothing => None,
            Effect::Unknown => self.find_effect(&write, operation, find, tell).await?,
            Effect::Followed { id } => Some(Deployment::only_its_id(DeploymentId(id.clone()))),
            Effect::Made { id } | Effect::Cancelling { id } => {
                let id = DeploymentId(id.clone());
                if !is_it(&id) {
                    // It was accepted, and its response named nothing.
                    let is_late = Cell::new(false);
                    let find = async || doubt_late(find().await, write.at, &is_late);
                    let found = find_one(find, &self.client).await;
                    Some(found.map_err(|error| doubted(error, is_late.get()))?)
                } else if self.was_cancelled(&write, service, &id, tell).await? {
                    None
                } else {
                    Some(Deployment::only_its_id(id))
                }
            }
        };
        let Some(deployment) = deployment else {
            return Ok(None);
        };
        let is_anothers = matches!(write.effect, Effect::Followed { .. });
        let did = if is_anothers { "followed" } else { "started" };
        tell(EventKind::Note(&format!(
            "Resuming: an earlier process of this run {did} deployment {}.",
            deployment.id
        )));
        let before = as_it_was(&self.client, service, &write, before).await?;
        Ok(Some(ResumedDeployment {
            deployment,
            before,
            is_anothers,
        }))
    }

    /// Whether the run itself has cancelled what it made, so that nothing of it
    /// remains.
    pub(crate) async fn was_cancelled(
        &self,
        write: &WriteRecord,
        service: Service,
        id: &DeploymentId,
        tell: Report<'_>,
    ) -> Result<bool, TriggerError> {
        if !matches!(write.effect, Effect::Cancelling { .. }) {
            return Ok(false);
        }
        let is_gone = self.ends_cancelled(service, id, tell).await?;
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
        tell: Report<'_>,
    ) -> Result<bool, TriggerError> {
        tell(EventKind::Note(&format!(
            "An earlier process of this run asked Sevalla to cancel deployment {id}. Waiting for \
             its end."
        )));
        let mut looks = Schedule::for_looks();
        loop {
            let patience = Patience::BEFORE_THE_START;
            match self.client.read_deployment(service, id, patience).await {
                Ok(seen) => {
                    if let Some(verdict) = seen.status.verdict() {
                        return Ok(matches!(verdict, Verdict::Cancelled | Verdict::Skipped));
                    }
                }
                // A deployment can vanish once it is cancelled.
                Err(error) if error.is_gone() => return Ok(true),
                Err(error) => return Err(error.into()),
            }
            let next = Instant::now() + looks.next_wait(None);
            if next >= self.deadline.moment() {
                return Ok(false);
            }
            sleep_until(next).await;
        }
    }

    /// The end of a run whose deployment an earlier process has started; `None`
    /// if none has.
    pub(crate) async fn resume(
        &self,
        service: Option<Service>,
        operation: &'static Operation,
        is_rollback: bool,
    ) -> Option<Outcome> {
        self.write_before(DEPLOY)?;
        let tell = |event: EventKind<'_>| self.reporter.on(event);
        let resume = Box::pin(self.resume_deployment(DEPLOY, service, operation, &tell));
        let resumed = match self.until_stopped(resume).await {
            Ok(resumed) => resumed,
            Err(signal) => return Some(self.stop_resuming(signal, service).await),
        };
        match (resumed, service) {
            (Ok(Some(resumed)), Some(service)) => {
                Some(self.follow_resumed(service, resumed, is_rollback).await)
            }
            (Ok(_), _) => None,
            (Err(error), _) => Some(self.not_started(error).await),
        }
    }

    /// A signal came before it was known what an earlier process has left.
    async fn stop_resuming(&self, signal: Signal, service: Option<Service>) -> Outcome {
        let effect = self.write_before(DEPLOY).map(|write| write.effect);
        if let (Some(Effect::Cancelling { id }), Some(service)) = (effect, service) {
            let by = Instant::now() + CLEAN_UP;
            let id = DeploymentId(id);
            return self.stop_following(signal, service, &id, by).await;
        }
        Outcome::interrupted(signal).because(
            "An earlier process of this run may have started a deployment; this one changed nothing",
        )
    }

    async fn follow_resumed(
        &self,
        service: Service,
        resumed: ResumedDeployment,
        is_rollback: bool,
    ) -> Outcome {
        let ResumedDeployment {
            deployment,
            before,
            is_anothers,
        } = resumed;
        if is_anothers {
            return self.follow_joined(service, &before, deployment).await;
        }
        self.reporter.on(EventKind::Started(service, &deployment));
        if !self.plan.follow {
            return Outcome::triggered(Some(&deployment));
        }
        let scene = DeploymentContext {
            is_ours: !is_rollback,
            ..DeploymentContext::of(&before)
        };
        Box::pin(self.follow(service, deployment, &scene)).await
    }

    /// Cancels a deployment that this run has started. A run that is started
    /// again after that starts another one.
    pub(crate) async fn cancel_own(
        &self,
        client: &Client,
        service: Service,
        id: &DeploymentId,
        tell: Report<'_>,
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
        let cancelled = cancel::cancel(client, service, id, tell).await;
        if let (Some(write), CancelResult::Ended(ended)) = (&write, &cancelled)
            && matches!(ended.verdict(), Verdict::Cancelled | Verdict::Skipped)
        {
            self.settle(&write.name, Effect::Nothing);
        }
        cancelled
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
            let tell = |event: EventKind<'_>| self.reporter.on(event);
            let why = self.sanitizer.line(why);
            let why = shorten(why, LONGEST_REASON, self.sanitizer);
            let written = journal.fail_check(&service.id.to_string(), why.as_str());
            warn_of_unwritten(written, &tell);
        }
    }
}

/// What there was before a deployment that an earlier process has started, as
/// far as today's list shows it.
async fn as_it_was(
    client: &Client,
    service: Service,
    write: &WriteRecord,
    before: Preflight,
) -> Result<Preflight, TriggerError> {
    let mut past = read_past(client, service).await?;
    let rollback = match write.before.get("back_to").and_then(Value::as_str) {
        Some(id) => {
            let id = DeploymentId(id.to_owned());
            let listed = past.iter().find(|deployment| deployment.id == id).cloned();
            let to = if let Some(listed) = listed {
                listed
            } else {
                let patience = Patience::BEFORE_THE_START;
                client.read_deployment(service, &id, patience).await?
            };
            Some(Rollback::made_before(to))
        }
        None => None,
    };
    if let Some(mark) = &before.mark {
        past.retain(|deployment| !mark.is_new(deployment));
    }
    Ok(Preflight {
        rollback,
        mark: before.mark,
        ..Preflight::of(&past, before.wanted)
    })
}
