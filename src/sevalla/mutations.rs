//! Operations that change settings, turn the CDN on or off, or delete.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::resource::MutableKind;
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::lenient_field::number;
use crate::sevalla::operation::{
    DELETE_APPLICATION, DELETE_DATABASE, DELETE_STATIC_SITE, TOGGLE_APPLICATION_CDN,
    UPDATE_APPLICATION, UPDATE_DATABASE, UPDATE_STATIC_SITE,
};
use crate::sevalla::resource_record::ResourceRecord;
use crate::sevalla::{ApiCall, ApiError, ApiErrorKind, Patience, Writes};

/// The response to a write that has nothing to return. Without the message it
/// is not the API's, and nobody has confirmed the write.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "message")]
    _message: String,
    /// Of an error, under whatever status it comes.
    #[serde(default, deserialize_with = "number")]
    status: Option<u64>,
}

/// Whether an answer confirms that a write was carried out.
pub(super) fn confirmed(answer: &ApiResponse) -> Result<(), ApiErrorKind> {
    let confirmation: Confirmation = answer.decode()?;
    match confirmation.status {
        Some(status @ 400..) => Err(answer.undecodable(&format!("it is an error, {status}"))),
        _ => Ok(()),
    }
}

/// The response to a toggle: useless without the state.
#[derive(Deserialize)]
struct Toggled {
    is_turned_on: bool,
}

impl Writes<'_> {
    /// Changes the settings that are given. Setting what is set changes
    /// nothing, so it is sent again when no answer comes; an answer that is not
    /// the record is an error, since nobody has confirmed the change.
    pub async fn update(
        self,
        what: MutableKind,
        id: Uuid,
        settings: &Map<String, Value>,
        patience: Patience,
    ) -> Result<(), ApiError> {
        let operation = match what {
            MutableKind::Application => &UPDATE_APPLICATION,
            MutableKind::StaticSite => &UPDATE_STATIC_SITE,
            MutableKind::Database => &UPDATE_DATABASE,
        };
        let id = id.to_string();
        let call = ApiCall::new(operation, [id.as_str()]).json(settings);
        let read = |answer: &ApiResponse| {
            answer.record(&id, |record: &ResourceRecord| {
                record.text("id").unwrap_or_default()
            })
        };
        self.0.send_and(call, patience, read).await.map(drop)
    }

    /// Requests a deletion, which the service carries out later.
    pub async fn delete(
        self,
        what: MutableKind,
        id: Uuid,
        patience: Patience,
    ) -> Result<(), ApiError> {
        let operation = match what {
            MutableKind::Application => &DELETE_APPLICATION,
            MutableKind::StaticSite => &DELETE_STATIC_SITE,
            MutableKind::Database => &DELETE_DATABASE,
        };
        let id = id.to_string();
        let call = ApiCall::new(operation, [id.as_str()]);
        self.0.send_and(call, patience, confirmed).await
    }

    /// Turns an application's CDN on if it is off and off if it is on, and
    /// says which it is now. Never sent again once it may have taken effect.
    pub async fn toggle_cdn(self, app: Uuid, patience: Patience) -> Result<bool, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&TOGGLE_APPLICATION_CDN, [app.as_str()]);
        let toggled: Toggled = self.0.send(call, patience).await?;
        Ok(toggled.is_turned_on)
    }
}
