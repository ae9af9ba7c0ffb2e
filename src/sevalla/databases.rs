//! Operations that create databases and their connections. The record of a
//! database is read in [`crate::sevalla::resource_record`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lenient_field::uuid;
use super::operation::{
    CREATE_DATABASE, CREATE_INTERNAL_CONNECTION, LIST_CLUSTERS, LIST_DATABASE_RESOURCE_TYPES,
    LIST_INTERNAL_CONNECTIONS,
};
use super::{ApiCall, ApiError, Client, Patience, Writes};
use crate::lenient_json::Entries;
use crate::secret::Password;
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::resource_record::ResourceRecord;

/// More connections, clusters or sizes than a company has.
const MOST: usize = 1000;

/// The body that creates a database.
#[derive(Serialize)]
struct CreateDatabaseBody<'a> {
    #[serde(flatten)]
    settings: &'a Map<String, Value>,
    db_password: &'a str,
}

/// The body that connects a database to an application.
#[derive(Serialize)]
struct ConnectBody {
    target_id: String,
    target_type: &'static str,
}

/// The response to a connection that was created.
#[derive(Deserialize)]
struct ConnectionEntry {
    #[serde(rename = "id", deserialize_with = "uuid")]
    _id: Uuid,
}

/// An internal connection, with its two ends.
#[derive(Debug, Clone, Deserialize)]
pub struct InternalConnection {
    source_id: String,
    target_id: String,
}

impl InternalConnection {
    /// Whether this is at one of its ends.
    pub fn has(&self, id: Uuid) -> bool {
        [&self.source_id, &self.target_id]
            .into_iter()
            .any(|end| end.parse() == Ok(id))
    }
}

impl Client {
    /// Reads a database's internal connections.
    pub async fn list_internal_connections(
        &self,
        database: Uuid,
        patience: Patience,
    ) -> Result<Vec<InternalConnection>, ApiError> {
        let database = database.to_string();
        let call = ApiCall::new(&LIST_INTERNAL_CONNECTIONS, [database.as_str()]);
        let connections: Entries<InternalConnection, MOST> = self.send(call, patience).await?;
        Ok(connections.readable())
    }

    /// Reads the clusters there are.
    pub async fn list_clusters(&self, patience: Patience) -> Result<Vec<ResourceRecord>, ApiError> {
        let clusters: Entries<ResourceRecord, MOST> = self
            .send(ApiCall::new(&LIST_CLUSTERS, []), patience)
            .await?;
        Ok(clusters.readable())
    }

    /// Reads the sizes that a database can have.
    pub async fn list_database_resource_types(
        &self,
        patience: Patience,
    ) -> Result<Vec<ResourceRecord>, ApiError> {
        let call = ApiCall::new(&LIST_DATABASE_RESOURCE_TYPES, []);
        let types: Entries<ResourceRecord, MOST> = self.send(call, patience).await?;
        Ok(types.readable())
    }
}

impl Writes<'_> {
    /// Makes a database; the service takes its time for it. Never sent again
    /// once it may have taken effect.
    pub async fn create_database(
        self,
        settings: &Map<String, Value>,
        password: &Password,
        patience: Patience,
    ) -> Result<ResourceRecord, ApiError> {
        let body = CreateDatabaseBody {
            settings,
            db_password: password.expose(),
        };
        let call = ApiCall::new(&CREATE_DATABASE, []).json(&body);
        self.0
            .send_and(call, patience, ApiResponse::new_record)
            .await
    }

    /// Connects a database to an application. Never sent again once it may
    /// have taken effect.
    pub async fn create_internal_connection(
        self,
        database: Uuid,
        app: Uuid,
        patience: Patience,
    ) -> Result<(), ApiError> {
        let database = database.to_string();
        let body = ConnectBody {
            target_id: app.to_string(),
            target_type: "app",
        };
        let call = ApiCall::new(&CREATE_INTERNAL_CONNECTION, [database.as_str()]).json(&body);
        self.0
            .send::<ConnectionEntry>(call, patience)
            .await
            .map(drop)
    }
}
