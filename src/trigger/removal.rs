//! Deleting what a user has named: cancel what runs on it, ask, and wait until
//! it is gone. Deleting twice does no harm.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::looks::Looks;
use super::{Tell, TriggerError, cancel, read_past};
use crate::deployment::Service;
use crate::messages::Failure;
use crate::plan::Doomed;
use crate::report::{Event, duration};
use crate::resource::{Changeable, Collection, Thing};
use crate::sevalla::{ApiError, Client, Patience, Record};

/// Between two attempts while the service refuses because something runs.
const AGAIN: Duration = Duration::from_secs(3);

/// How long it may go on refusing.
const BUSY: Duration = Duration::from_secs(180);

/// How long one running deployment is watched after it was cancelled.
const CANCELLING: Duration = Duration::from_secs(20);

/// How long an earlier failure may still be told after the new asking.
const OLD_NEWS: Duration = Duration::from_secs(30);

/// What became of the wish to delete.
#[derive(Debug)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// The service accepted; our time was over before it was gone.
    Accepted,
    /// The service tried and failed.
    Failed,
}

/// Looks for what is to be deleted; `None` if it is gone. Refuses what does not
/// have the name that the user has confirmed.
pub async fn look_before_removal(
    client: &Client,
    doomed: &Doomed,
) -> Result<Option<(Thing, Record)>, TriggerError> {
    let Some(id) = doomed.id else {
        return find_by_name(client, doomed).await;
    };
    let thing = doomed.what.thing(id);
    let record = match client.record(thing, Patience::BEFORE_THE_START).await {
        Ok(record) => record,
        Err(error) if error.status() == Some(404) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if record.text("display_name") != Some(&doomed.name) {
        return Err(TriggerError::refused(
            Failure::NameNotConfirmed,
            format!(
                "{thing} is called {:?}, and confirm is {:?}",
                record.name().unwrap_or_default(),
                doomed.name
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
    doomed: &Doomed,
) -> Result<Option<(Thing, Record)>, TriggerError> {
    let list = Collection::All(doomed.what.kind());
    let all = client.pages(list, Patience::BEFORE_THE_START).await?;
    let of_name = |record: &Record| record.text("display_name") == Some(&doomed.name);
    let mut found: Vec<Record> = all.records.into_iter().filter(of_name).collect();
    if found.len() > 1 {
        let labels: Vec<String> = found.iter().map(Record::label).collect();
        return Err(TriggerError::refused(
            Failure::AmbiguousName,
            format!(
                "Several are called {:?}: {}",
                doomed.name,
                labels.join(", ")
            ),
            format!("Say which with {}", doomed.what.kind().input()),
        ));
    }
    Ok(found.pop().and_then(|record| {
        let thing = doomed.what.thing(record.id()?);
        Some((thing, record))
    }))
}

/// Deletes what was found with this status, and waits until it is gone.
pub async fn remove(
    client: &Client,
    what: Changeable,
    id: Uuid,
    status: Option<&str>,
    tell: Tell<'_>,
) -> Result<Removed, TriggerError> {
    let thing = what.thing(id);
    if !is_being_deleted(status) {
        if let Some(service) = thing.service() {
            cancel_what_runs(client, service, thing.kind.noun(), tell).await;
        }
        if !ask(client, what, id, tell).await? {
            return Ok(Removed::Gone);
        }
    }
    wait_until_gone(client, thing, has_failed(status))
        .await
        .map_err(|error| {
            TriggerError::from(error).at(format!(
                "Sevalla had agreed to delete {thing}; whether it is gone was not seen"
            ))
        })
}

fn is_being_deleted(status: Option<&str>) -> bool {
    status == Some("deleting")
}

fn has_failed(status: Option<&str>) -> bool {
    status.is_some_and(|status| status.to_lowercase().ends_with("deletionfailed"))
}

/// A deployment that runs keeps a service from being deleted. What goes wrong
/// here shows when it is to be deleted.
async fn cancel_what_runs(client: &Client, service: Service, noun: &str, tell: Tell<'_>) {
    let running = read_past(client, service).await.unwrap_or_default();
    let running = running
        .iter()
        .filter(|deployment| deployment.status.verdict().is_none());
    for deployment in running {
        tell(Event::Note(&format!(
            "Cancelling deployment {}, which keeps the {noun} from being deleted",
            deployment.id
        )));
        let by = client.deadline().min(Instant::now() + CANCELLING);
        cancel(&client.until(by), service, &deployment.id, &|_| {}).await;
    }
}

/// Asks until the service accepts; `false` if there is nothing to delete any
/// more.
async fn ask(
    client: &Client,
    what: Changeable,
    id: Uuid,
    tell: Tell<'_>,
) -> Result<bool, ApiError> {
    let thing = what.thing(id);
    let give_up = client.deadline().min(Instant::now() + BUSY);
    let mut is_told = false;
    loop {
        let asked = client.delete(what, id, Patience::FOR_A_WRITE);
        let error = match asked.await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        match error.status() {
            Some(404) => return Ok(false),
            // Refused while something runs, or because an asking whose answer
            // was lost is carried out. Which code that has is not documented.
            Some(400 | 409 | 422 | 423) => {}
            _ => return Err(error),
        }
        match client.record(thing, Patience::FOR_A_SEARCH).await {
            Ok(record) if is_being_deleted(record.text("status")) => return Ok(true),
            Err(gone) if gone.status() == Some(404) => return Ok(false),
            _ if Instant::now() + AGAIN >= give_up => return Err(error),
            _ => {}
        }
        if !is_told {
            tell(Event::Note(&format!(
                "The {} cannot be deleted yet: {}. Trying again every {}.",
                thing.kind.noun(),
                error.cause,
                duration(AGAIN)
            )));
            is_told = true;
        }
        sleep(AGAIN).await;
    }
}

async fn wait_until_gone(
    client: &Client,
    thing: Thing,
    had_failed: bool,
) -> Result<Removed, ApiError> {
    let asked = Instant::now();
    let mut looks = Looks::new(client);
    loop {
        match looks.client().record(thing, Patience::FOR_A_SEARCH).await {
            Err(error) if error.status() == Some(404) => return Ok(Removed::Gone),
            Err(error) if looks.client().ran_out_of_time(&error) => return Ok(Removed::Accepted),
            Err(error) => return Err(error),
            Ok(record) => {
                let is_new = !had_failed || asked.elapsed() > OLD_NEWS;
                if has_failed(record.text("status")) && is_new {
                    return Ok(Removed::Failed);
                }
            }
        }
        if !looks.wait().await {
            return Ok(Removed::Accepted);
        }
    }
}
