//! Continuing with what an earlier process of the run has left.

use serde_json::Value;
use tokio::time::Instant;

use crate::actions::at_most_once::ambiguous;
use crate::actions::deploy::baseline::Baseline;
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::matcher::DeploymentMatcher;
use crate::actions::deploy::past::read_past;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start::search;
use crate::actions::deploy::start_rollback::Rollback;
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::DEPLOY;
use crate::actions::lateness::{doubted, look_for_earlier};
use crate::actions::lookup::{Candidate, LookupError, SearchResult, unidentified};
use crate::actions::{ActionContext, CLEAN_UP};
use crate::deployment::{Deployment, DeploymentId, Service};
use crate::event::EventKind;
use crate::journal::{Effect, WriteRecord};
use crate::outcome::Outcome;
use crate::sevalla::operation::Operation;
use crate::sevalla::{ApiError, Client, Patience};
use crate::shutdown::Signal;

/// A deployment that an earlier process of this run has started.
pub(crate) struct ResumedDeployment {
    pub(crate) deployment: Deployment,
    /// What there was before.
    pub(crate) before: Preflight,
    /// Whether the earlier process followed it only.
    pub(crate) is_anothers: bool,
}

impl ActionContext<'_> {
    /// Looks for the effect of a write that an earlier process may have sent, as
    /// after a lost response. `None` if there is none, and the write may be sent
    /// once more.
    pub(crate) async fn find_effect<T: Candidate>(
        &self,
        write: &WriteRecord,
        operation: &'static Operation,
        search: impl AsyncFn() -> SearchResult<T>,
        report: Report<'_>,
    ) -> Result<Option<T>, TriggerError> {
        report(EventKind::Note(
            "The state-file says that an earlier process of this run was about to send the \
             request. Looking whether it took effect.",
        ));
        let looked = look_for_earlier(search, write.at, &self.client).await;
        let not_one = match looked.found {
            Ok(made) => {
                report(EventKind::Note(&format!(
                    "It did: exactly one new {} matches. Continuing with that one.",
                    T::NOUN
                )));
                if let Some(id) = made.recorded() {
                    self.settle(&write.name, Effect::Made { id });
                }
                return Ok(Some(made));
            }
            Err(not_one) => not_one,
        };
        if matches!(not_one, LookupError::None) && !looked.is_cut_short && write.sent < 2 {
            report(EventKind::Note(&format!(
                "It did not: no new {} matches. Starting from the beginning.",
                T::NOUN
            )));
            return Ok(None);
        }
        let lost = ApiError::sender_ended(operation);
        let error = ambiguous(lost, not_one, write.sent);
        Err(doubted(error, looked.is_late))
    }

    /// The deployment that an earlier process of this run has started by this
    /// write, if it has.
    pub(crate) async fn resume_deployment(
        &self,
        name: &str,
        service: Option<Service>,
        operation: &'static Operation,
        report: Report<'_>,
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
            Effect::Unknown => self.find_effect(&write, operation, find, report).await?,
            Effect::Followed { id } => Some(Deployment::only_its_id(DeploymentId(id.clone()))),
            Effect::Made { id } | Effect::Cancelling { id } => {
                let id = DeploymentId(id.clone());
                if !is_it(&id) {
                    // It was accepted, and its response named nothing.
                    let looked = look_for_earlier(find, write.at, &self.client).await;
                    let not_one = |error| doubted(unidentified(error), looked.is_late);
                    Some(looked.found.map_err(not_one)?)
                } else if self.was_cancelled(&write, service, &id, report).await? {
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
        report(EventKind::Note(&format!(
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

    /// The end of a run whose deployment an earlier process has started; `None`
    /// if none has.
    pub(crate) async fn resume(
        &self,
        service: Option<Service>,
        operation: &'static Operation,
        is_rollback: bool,
    ) -> Option<Outcome> {
        self.write_before(DEPLOY)?;
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let resume = Box::pin(self.resume_deployment(DEPLOY, service, operation, &report));
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
