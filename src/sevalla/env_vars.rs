//! Operations on an application's environment variables. Values are secrets: a
//! value that was read is not kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lenient_field::{time, uuid};
use super::operation::{
    CREATE_ENVIRONMENT_VARIABLE, LIST_ENVIRONMENT_VARIABLES, UPDATE_ENVIRONMENT_VARIABLE,
};
use super::wire::Page;
use super::{ApiCall, ApiError, Client, LONGEST_PAGE, ListPage, Patience, Writes};
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::resource_record::ResourceRecord;

/// A variable without its value.
#[derive(Debug, Clone, Deserialize)]
pub struct EnvVar {
    /// The id of the variable.
    #[serde(deserialize_with = "uuid")]
    pub id: Uuid,
    /// The name of the variable.
    pub key: String,
    /// When it was last changed.
    #[serde(default, deserialize_with = "time")]
    pub updated_at: Option<Timestamp>,
}

/// A variable with its value, which is compared and dropped.
#[derive(Deserialize)]
struct Valued {
    #[serde(deserialize_with = "uuid")]
    id: Uuid,
    value: Option<String>,
}

/// The body that creates or changes a variable.
#[derive(Serialize)]
struct EnvVarBody<'a> {
    key: &'a str,
    value: &'a str,
}

impl Client {
    /// Reads a page of an application's variables.
    pub async fn list_env_vars(
        &self,
        app: Uuid,
        offset: usize,
        patience: Patience,
    ) -> Result<ListPage<EnvVar>, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&LIST_ENVIRONMENT_VARIABLES, [app.as_str()])
            .query("limit", LONGEST_PAGE.to_string())
            .query("offset", offset.to_string());
        let page: Page<EnvVar> = self.send(call, patience).await?;
        Ok(ListPage::of(page))
    }

    /// Whether a variable has this value, as far as a page of the list shows;
    /// `None` if the variable is not in it.
    pub async fn has_value(
        &self,
        app: Uuid,
        offset: usize,
        variable: &EnvVar,
        value: &str,
        patience: Patience,
    ) -> Result<Option<bool>, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&LIST_ENVIRONMENT_VARIABLES, [app.as_str()])
            .query("limit", LONGEST_PAGE.to_string())
            .query("offset", offset.to_string());
        let page: Page<Valued> = self.send(call, patience).await?;
        let found = page
            .data
            .readable()
            .into_iter()
            .find(|one| one.id == variable.id);
        Ok(found.map(|one| one.value.as_deref() == Some(value)))
    }
}

impl Writes<'_> {
    /// Makes a variable. Never sent again once it may have taken effect.
    pub async fn create_env_var(
        self,
        app: Uuid,
        key: &str,
        value: &str,
        patience: Patience,
    ) -> Result<(), ApiError> {
        let app = app.to_string();
        let body = EnvVarBody { key, value };
        let call = ApiCall::new(&CREATE_ENVIRONMENT_VARIABLE, [app.as_str()]).json(&body);
        self.0.send::<EnvVar>(call, patience).await.map(drop)
    }

    /// Gives a variable a value. Setting what is set changes nothing, so it is
    /// sent again when no answer comes; an answer that is not the variable is
    /// an error, since nobody has confirmed the change.
    pub async fn update_env_var(
        self,
        app: Uuid,
        variable: &EnvVar,
        value: &str,
        patience: Patience,
    ) -> Result<(), ApiError> {
        let (app, id) = (app.to_string(), variable.id.to_string());
        let body = EnvVarBody {
            key: &variable.key,
            value,
        };
        let call =
            ApiCall::new(&UPDATE_ENVIRONMENT_VARIABLE, [app.as_str(), id.as_str()]).json(&body);
        let read = |answer: &ApiResponse| {
            answer.record(&id, |record: &ResourceRecord| {
                record.text("id").unwrap_or_default()
            })
        };
        self.0.send_and(call, patience, read).await.map(drop)
    }
}
