//! Deleting a preview app. Whatever a caller takes it for, its record is read
//! here first, and an application of any other type is refused.

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::preview::PREVIEW;
use super::removal::{AGAIN, BUSY, cancel_what_runs};
use super::{Tell, TriggerError};
use crate::deployment::Service;
use crate::messages::Failure;
use crate::report::Event;
use crate::schedule::Schedule;
use crate::sevalla::{ApiError, Application, Client, Patience};

/// What became of the wish to delete.
#[derive(Debug)]
pub enum Deleted {
    /// It was there and is gone.
    Gone(Option<String>),
    /// It was already gone.
    GoneBefore,
    /// The service accepted; our time was over before it was gone.
    Accepted,
    /// The service tried and failed.
    Failed,
}

/// Deletes a preview app, and waits until it is gone. What runs on it is
/// cancelled. Deleting twice does no harm.
pub async fn delete_preview(
    client: &Client,
    app: Uuid,
    tell: Tell<'_>,
) -> Result<Deleted, TriggerError> {
    let record = match client
        .get_application(app, Patience::BEFORE_THE_START)
        .await
    {
        Ok(record) => record,
        Err(error) if error.status() == Some(404) => return Ok(Deleted::GoneBefore),
        Err(error) => return Err(error.into()),
    };
    refuse_no_preview(&record)?;
    if record.status.as_deref() != Some("deleting") {
        cancel_what_runs(client, Service::application(app), "app", tell).await;
        ask(client, app, tell).await?;
    }
    wait_until_gone(client, app, record.display_name, tell).await
}

/// Refuses whatever is no preview.
pub fn refuse_no_preview(record: &Application) -> Result<(), TriggerError> {
    if record.kind.as_deref() == Some(PREVIEW) {
        return Ok(());
    }
    let name = record.display_name.as_deref().unwrap_or(&record.id);
    Err(TriggerError::refused(
        Failure::NotAPreview,
        format!(
            "{name} is no preview app: its type is {}",
            record.kind.as_deref().unwrap_or("not known")
        ),
        "Check app-id: actions on previews touch nothing but preview apps",
    ))
}

async fn ask(client: &Client, app: Uuid, tell: Tell<'_>) -> Result<(), ApiError> {
    let give_up = client.deadline().min(Instant::now() + BUSY);
    let mut is_told = false;
    loop {
        let error = match client.delete_application(app, Patience::FOR_A_WRITE).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.status() {
            Some(404) => return Ok(()),
            // An earlier request may have worked whose answer was lost.
            Some(400 | 409 | 422 | 423) if is_being_deleted(client, app).await => return Ok(()),
            // Refused while a deployment runs; which code that has is not
            // documented.
            Some(400 | 409 | 422 | 423) if Instant::now() + AGAIN < give_up => {}
            _ => return Err(error),
        }
        if !is_told {
            tell(Event::Note(&format!(
                "The app cannot be deleted yet: {}. Trying again every {}.",
                error.cause,
                crate::report::duration(AGAIN)
            )));
            is_told = true;
        }
        sleep(AGAIN).await;
    }
}

async fn is_being_deleted(client: &Client, app: Uuid) -> bool {
    let record = client.get_application(app, Patience::Once).await;
    record.is_ok_and(|record| record.status.as_deref() == Some("deleting"))
}

async fn wait_until_gone(
    client: &Client,
    app: Uuid,
    name: Option<String>,
    tell: Tell<'_>,
) -> Result<Deleted, TriggerError> {
    let mut looks = Schedule::for_looks();
    loop {
        match client.get_application(app, Patience::FOR_A_SEARCH).await {
            Err(error) if error.status() == Some(404) => return Ok(Deleted::Gone(name)),
            Err(error) => return Err(error.into()),
            Ok(record) if record.status.as_deref() == Some("appDeletionFailed") => {
                return Ok(Deleted::Failed);
            }
            Ok(_) => {}
        }
        let wait = looks.next_wait(None);
        if Instant::now() + wait >= client.deadline() {
            tell(Event::Note(
                "The run's time is over before the app is gone.",
            ));
            return Ok(Deleted::Accepted);
        }
        sleep(wait).await;
    }
}
