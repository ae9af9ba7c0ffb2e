//! Deleting a preview app. Whatever a caller takes it for, its record is read
//! here first, and an application of any other type is refused.

use uuid::Uuid;

use crate::actions::deletion::{DeletionProgress, DeletionResult, DeletionTarget, remove};
use crate::actions::error::{Report, TriggerError};
use crate::actions::preview::find::PREVIEW;
use crate::messages::Failure;
use crate::resource::MutableKind;
use crate::sevalla::{Application, Client, Patience};

/// A preview app that was there and is to go.
#[derive(Debug)]
pub(crate) struct Deleted {
    /// What people call it, with what it is.
    pub label: String,
    /// What became of the wish.
    pub end: DeletionResult,
}

/// The record of a preview app that is to be deleted; `None` if it is gone.
pub(crate) async fn preflight_deletion(
    client: &Client,
    app: Uuid,
) -> Result<Option<Application>, TriggerError> {
    let patience = Patience::BEFORE_THE_START;
    match client.get_application(app, patience).await {
        Ok(record) => {
            refuse_no_preview(&record)?;
            Ok(Some(record))
        }
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a preview app, and waits until it is gone; `None` if it was before.
/// What keeps it from being deleted is cancelled. Deleting twice does no harm.
pub(crate) async fn delete_preview(
    client: &Client,
    app: Uuid,
    progress: &DeletionProgress,
    report: Report<'_>,
) -> Result<Option<Deleted>, TriggerError> {
    let Some(record) = preflight_deletion(client, app).await? else {
        return Ok(None);
    };
    delete_known_preview(client, app, record, progress, report)
        .await
        .map(Some)
}

/// Deletes a preview app with this record, which was just read.
pub(crate) async fn delete_known_preview(
    client: &Client,
    app: Uuid,
    record: Application,
    progress: &DeletionProgress,
    report: Report<'_>,
) -> Result<Deleted, TriggerError> {
    refuse_no_preview(&record)?;
    let label = match &record.display_name {
        Some(name) => format!("preview app {name} ({app})"),
        None => format!("preview app {app}"),
    };
    let it = DeletionTarget {
        what: MutableKind::Application,
        id: app,
        label: label.clone(),
        status: record.status.as_deref(),
        is_preview: true,
    };
    let end = remove(client, &it, progress, report).await?;
    Ok(Deleted { label, end })
}

/// Refuses whatever is no preview.
pub(crate) fn refuse_no_preview(record: &Application) -> Result<(), TriggerError> {
    if record.kind.as_deref() == Some(PREVIEW) {
        return Ok(());
    }
    let name = record.display_name.as_deref().unwrap_or(&record.id);
    Err(TriggerError::refused(
        Failure::NotAPreview,
        format!(
            "{name} is not a preview app: its type is {}",
            record.kind.as_deref().unwrap_or("not known")
        ),
        "Check app-id: actions on previews touch nothing but preview apps",
    ))
}
