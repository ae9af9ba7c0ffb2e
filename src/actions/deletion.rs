//! Deleting what a user has named: ask, cancel what keeps it from being
//! deleted, and wait until it is gone. Deleting twice does no harm.

use crate::http::TransportError;
use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::actions::at_once::join_all;
use crate::actions::deploy::cancel::{CancelResult, cancel};
use crate::actions::deploy::past::is_busy;
use crate::actions::deploy::start::HISTORY;
use crate::actions::error::{Report, TriggerError};
use crate::actions::manage::change::SENDINGS;
use crate::actions::poller::Poller;
use crate::actions::resolve::DeleteRequest;
use crate::deployment::{Deployment, DeploymentId, Service};
use crate::event::EventKind;
use crate::messages::Failure;
use crate::resource::{MutableKind, ResourceList, ResourceRef};
use crate::sevalla::{ApiError, ApiErrorKind, Client, Patience, ResourceRecord, RetryDecision};
use crate::text::duration::duration;

/// Between two attempts while the service refuses because something runs.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);

/// How long it may go on refusing.
const BUSY: Duration = Duration::from_secs(180);

/// How long all that runs is watched after it was cancelled.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(20);

/// How long looking for what runs may take: asking again may be enough.
const LISTING: Duration = Duration::from_secs(4);

/// How long an earlier failure may still be reported after the new request.
const STALE_FAILURE_WINDOW: Duration = Duration::from_secs(30);

/// What is to be deleted.
#[derive(Debug)]
pub(crate) struct DeletionTarget<'a> {
    /// What it is.
    pub what: MutableKind,
    /// Its id.
    pub id: Uuid,
    /// What people call it, with what it is.
    pub label: String,
    /// Its status when it was found.
    pub status: Option<&'a str>,
    /// Whether what runs on it is cancelled before it is known whether it will
    /// be deleted: nobody misses a deployment of a preview.
    pub is_preview: bool,
}

/// What became of the wish to delete.
#[derive(Debug)]
pub(crate) enum DeletionResult {
    /// It is gone.
    Gone,
    /// The service accepted; our time was over before it was gone.
    Accepted,
    /// Our time was over before the service answered.
    Unanswered,
    /// The service tried and failed.
    Failed,
}

/// How far deleting one thing after the other has come, for whoever has to
/// leave it there.
#[derive(Debug, Default)]
pub(crate) struct DeletionProgress {
    has_written: Cell<bool>,
    /// The one that is being deleted.
    label: RefCell<String>,
    stage: Cell<DeletionStage>,
    /// What was asked to stop, and whether it was seen to have been cancelled.
    stopped: RefCell<Vec<(DeploymentId, bool)>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum DeletionStage {
    #[default]
    Looking,
    Asking,
    Agreed,
}

impl DeletionProgress {
    /// Another one is looked at.
    pub(crate) fn begin(&self) {
        self.stage.set(DeletionStage::Looking);
        self.stopped.borrow_mut().clear();
    }

    fn asks(&self, label: &str) {
        self.has_written.set(true);
        label.clone_into(&mut self.label.borrow_mut());
        self.stage.set(DeletionStage::Asking);
    }

    fn has_agreed(&self, label: &str) {
        self.asks(label);
        self.stage.set(DeletionStage::Agreed);
    }

    /// Whether Sevalla was asked to delete the one that is being looked at.
    pub(crate) fn has_requested(&self) -> bool {
        self.stage.get() != DeletionStage::Looking
    }

    /// Whether anything but reading was done, for any of them.
    pub(crate) const fn has_written(&self) -> bool {
        self.has_written.get()
    }

    /// How far it has come, a sentence a line.
    pub(crate) fn so_far(&self) -> Vec<String> {
        let label = self.label.borrow();
        let stage = match self.stage.get() {
            DeletionStage::Looking if self.has_written() => None,
            DeletionStage::Looking => Some("Nothing was changed".to_owned()),
            DeletionStage::Asking => Some(format!(
                "Whether Sevalla agreed to delete {label} was not seen"
            )),
            DeletionStage::Agreed => Some(format!(
                "Sevalla agreed to delete {label}; whether it is gone was not seen"
            )),
        };
        stage.into_iter().chain(self.stopped()).collect()
    }

    /// What was stopped for it, a sentence for each.
    pub(crate) fn stopped(&self) -> Vec<String> {
        let report = |(id, is_seen): &(DeploymentId, bool)| {
            let seen = if *is_seen {
                ""
            } else {
                "; this run did not see its end"
            };
            format!("Deployment {id} was cancelled first, because it was in the way{seen}")
        };
        self.stopped.borrow().iter().map(report).collect()
    }

    fn has_stopped(&self, id: &DeploymentId) -> bool {
        self.stopped.borrow().iter().any(|(known, _)| known == id)
    }

    fn stops(&self, id: &DeploymentId) {
        self.has_written.set(true);
        self.stopped.borrow_mut().push((id.clone(), false));
    }

    fn has_seen(&self, id: &DeploymentId, end: &CancelResult) {
        let is_seen = matches!(end, CancelResult::Ended(..));
        let mut stopped = self.stopped.borrow_mut();
        for (_, seen) in stopped.iter_mut().filter(|(known, _)| known == id) {
            *seen = is_seen;
        }
    }

    fn explain(&self, error: impl Into<TriggerError>) -> TriggerError {
        self.stopped()
            .into_iter()
            .fold(error.into(), TriggerError::at)
    }
}

/// Looks for what is to be deleted; `None` if it is gone. Refuses what does not
/// have the name that the user has confirmed.
pub(crate) async fn preflight_removal(
    client: &Client,
    request: &DeleteRequest,
) -> Result<Option<(ResourceRef, ResourceRecord)>, TriggerError> {
    let Some(id) = request.id else {
        return find_by_name(client, request).await;
    };
    let thing = request.what.thing(id);
    let record = match client.record(thing, Patience::BEFORE_THE_START).await {
        Ok(record) => record,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if record.text("display_name") != Some(&request.name) {
        return Err(TriggerError::refused(
            Failure::NameNotConfirmed,
            format!(
                "{thing} is called {:?}, and confirm is {:?}",
                record.name().unwrap_or_default(),
                request.name
            ),
            format!(
                "Check {}. If it is the right one, set confirm to its display name",
                thing.kind.input()
            ),
        ));
    }
    Ok(Some((thing, record)))
}

async fn find_by_name(
    client: &Client,
    request: &DeleteRequest,
) -> Result<Option<(ResourceRef, ResourceRecord)>, TriggerError> {
    let list = ResourceList::All(request.what.kind());
    let all = client.pages(list, Patience::BEFORE_THE_START).await?;
    let of_name = |record: &ResourceRecord| record.text("display_name") == Some(&request.name);
    let mut found: Vec<ResourceRecord> = all.records.into_iter().filter(of_name).collect();
    if found.len() > 1 {
        let labels: Vec<String> = found.iter().map(ResourceRecord::label).collect();
        return Err(TriggerError::refused(
            Failure::AmbiguousName,
            format!(
                "Several are called {:?}: {}",
                request.name,
                labels.join(", ")
            ),
            format!("Use `{}` to choose one", request.what.kind().input()),
        ));
    }
    Ok(found.pop().and_then(|record| {
        let thing = request.what.thing(record.id()?);
        Some((thing, record))
    }))
}

/// Deletes it, and waits until it is gone.
pub(crate) async fn remove(
    client: &Client,
    it: &DeletionTarget<'_>,
    progress: &DeletionProgress,
    report: Report<'_>,
) -> Result<DeletionResult, TriggerError> {
    if !is_being_deleted(it.status) {
        if it.is_preview {
            cancel_what_runs(client, Service::application(it.id), progress, report).await;
        }
        match ask(client, it, progress, report).await? {
            DeleteResponse::Agreed => {}
            DeleteResponse::Gone => return Ok(DeletionResult::Gone),
            DeleteResponse::Unanswered => return Ok(DeletionResult::Unanswered),
        }
    }
    progress.has_agreed(&it.label);
    let thing = it.what.thing(it.id);
    wait_until_gone(client, thing, has_failed(it.status))
        .await
        .map_err(|error| {
            let had_agreed = format!(
                "Sevalla had agreed to delete {}; whether it is gone was not seen",
                it.label
            );
            progress.explain(TriggerError::from(error).at(had_agreed))
        })
}

pub(crate) fn is_being_deleted(status: Option<&str>) -> bool {
    status.is_some_and(|status| status.eq_ignore_ascii_case("deleting"))
}

fn has_failed(status: Option<&str>) -> bool {
    status.is_some_and(|status| status.to_lowercase().ends_with("deletionfailed"))
}

/// Cancels what keeps a service from being deleted, each at most once; whether
/// there was any. What goes wrong here shows when it is to be deleted again,
/// for which half of the time is left.
async fn cancel_what_runs(
    client: &Client,
    service: Service,
    progress: &DeletionProgress,
    report: Report<'_>,
) -> bool {
    let now = Instant::now();
    let left = client.deadline().saturating_duration_since(now);
    let client = client.until(now + CANCEL_TIMEOUT.min(left / 2));
    let list = client.deployments(service, HISTORY, Patience::For(LISTING));
    let in_the_way =
        |deployment: &Deployment| is_busy(deployment) && !progress.has_stopped(&deployment.id);
    let mut running = list.await.unwrap_or_default();
    running.retain(in_the_way);
    let stop = async |id: &DeploymentId| {
        report(EventKind::Note(&format!(
            "Cancelling deployment {id}, which keeps the {} from being deleted",
            service.kind.noun()
        )));
        progress.stops(id);
        let end = cancel(&client, service, id, &|_| {}).await;
        progress.has_seen(id, &end);
    };
    join_all(running.iter().map(|deployment| stop(&deployment.id))).await;
    !running.is_empty()
}

/// What came of asking.
enum DeleteResponse {
    /// The service deletes it.
    Agreed,
    /// There is nothing to delete any more.
    Gone,
    /// Our time was over before the answer.
    Unanswered,
}

/// Asks until the service accepts.
async fn ask(
    client: &Client,
    it: &DeletionTarget<'_>,
    progress: &DeletionProgress,
    report: Report<'_>,
) -> Result<DeleteResponse, TriggerError> {
    let thing = it.what.thing(it.id);
    let began = Instant::now();
    let give_up = client.deadline().min(began + BUSY);
    let (mut attempts, mut is_reported) = (0, false);
    loop {
        progress.asks(&it.label);
        let asked = client
            .writes()
            .delete(it.what, it.id, Patience::FOR_A_WRITE);
        let error = match asked.await {
            Ok(()) => return Ok(DeleteResponse::Agreed),
            Err(error) if error.is_gone() => return Ok(DeleteResponse::Gone),
            Err(error) => error,
        };
        let is_cut_off = is_cut_off(client, &error);
        attempts += error.attempts;
        let error = ApiError {
            attempts,
            elapsed: began.elapsed(),
            ..error
        };
        // Refused while something runs, or because an asking whose answer
        // was lost is carried out. Which code that has is not documented.
        let is_refused = matches!(error.status(), Some(400 | 409 | 422 | 423));
        let is_unconfirmed = error.next() == RetryDecision::Ambiguous;
        if !is_refused && !is_cut_off && !is_unconfirmed {
            return Err(progress.explain(unsure(error, it)));
        }
        if let Some(effect) = effect_on(client, thing).await {
            return Ok(effect);
        }
        if is_cut_off {
            return Ok(DeleteResponse::Unanswered);
        }
        if let Some(service) = thing.service().filter(|_| is_refused)
            && cancel_what_runs(client, service, progress, report).await
        {
            continue;
        }
        let is_enough = is_unconfirmed && attempts >= SENDINGS;
        if is_enough || Instant::now() + RETRY_INTERVAL >= give_up {
            return Err(progress.explain(unsure(error, it)));
        }
        if !is_reported {
            let (noun, cause) = (thing.kind.noun(), &error.cause);
            report(EventKind::Note(&format!(
                "The {noun} cannot be deleted yet: {cause}. Trying again every {}.",
                duration(RETRY_INTERVAL)
            )));
            is_reported = true;
        }
        sleep(RETRY_INTERVAL).await;
    }
}

/// Whether deleting took effect although no answer confirms it.
async fn effect_on(client: &Client, thing: ResourceRef) -> Option<DeleteResponse> {
    let look = client.with_grace();
    match look.record(thing, Patience::FOR_A_SEARCH).await {
        Ok(record) if is_being_deleted(record.text("status")) => Some(DeleteResponse::Agreed),
        Err(error) if error.is_gone() => Some(DeleteResponse::Gone),
        _ => None,
    }
}

/// Whether the end of our time kept the answer from us.
fn is_cut_off(client: &Client, error: &ApiError) -> bool {
    matches!(
        error.cause,
        ApiErrorKind::Transport(TransportError::TimedOut { .. })
    ) && Instant::now() >= client.deadline()
}

/// Says so where the request may have taken effect.
fn unsure(error: ApiError, it: &DeletionTarget<'_>) -> TriggerError {
    let may_have_worked = match &error.cause {
        ApiErrorKind::Undecodable { .. }
        | ApiErrorKind::Transport(
            TransportError::Broken { .. }
            | TransportError::TimedOut { .. }
            | TransportError::TooLarge { .. },
        ) => true,
        ApiErrorKind::Refused(refusal) => refusal.status >= 500,
        _ => false,
    };
    let error = TriggerError::from(error);
    if !may_have_worked {
        return error;
    }
    error.at(format!(
        "Whether Sevalla agreed to delete {} was not seen; deleting twice does no harm",
        it.label
    ))
}

async fn wait_until_gone(
    client: &Client,
    thing: ResourceRef,
    had_failed: bool,
) -> Result<DeletionResult, ApiError> {
    let asked = Instant::now();
    let mut looks = Poller::new(client);
    loop {
        match looks.client().record(thing, Patience::FOR_A_SEARCH).await {
            Err(error) if error.is_gone() => return Ok(DeletionResult::Gone),
            Err(error) if looks.client().ran_out_of_time(&error) => {
                return Ok(DeletionResult::Accepted);
            }
            Err(error) => return Err(error),
            Ok(record) => {
                let is_new = !had_failed || asked.elapsed() > STALE_FAILURE_WINDOW;
                if has_failed(record.text("status")) && is_new {
                    return Ok(DeletionResult::Failed);
                }
            }
        }
        if !looks.wait().await {
            return Ok(DeletionResult::Accepted);
        }
    }
}
