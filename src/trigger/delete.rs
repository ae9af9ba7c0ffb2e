//! Deleting a preview app. Whatever a caller takes it for, its record is read
//! here first, and an application of any other type is refused.

use uuid::Uuid;

use super::preview::PREVIEW;
use super::removal::{Removed, remove};
use super::{Tell, TriggerError};
use crate::messages::Failure;
use crate::resource::Changeable;
use crate::sevalla::{Application, Client, Patience};

/// A preview app that was there and is to go.
#[derive(Debug)]
pub struct Deleted {
    /// What people call it, if the service told.
    pub name: Option<String>,
    /// What became of the wish.
    pub end: Removed,
}

/// Deletes a preview app, and waits until it is gone; `None` if it was before.
/// What runs on it is cancelled. Deleting twice does no harm.
pub async fn delete_preview(
    client: &Client,
    app: Uuid,
    tell: Tell<'_>,
) -> Result<Option<Deleted>, TriggerError> {
    let record = match client
        .get_application(app, Patience::BEFORE_THE_START)
        .await
    {
        Ok(record) => record,
        Err(error) if error.status() == Some(404) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    refuse_no_preview(&record)?;
    let status = record.status.as_deref();
    let end = remove(client, Changeable::Application, app, status, tell).await?;
    Ok(Some(Deleted {
        name: record.display_name,
        end,
    }))
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
