//! Connecting a database to an application.

use uuid::Uuid;

use crate::actions::at_most_once::at_most_once;
use crate::actions::database::write::{DatabaseReadiness, is_suspended, wait_until_ready};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::lookup::{Candidate, Candidates};
use crate::messages::Failure;
use crate::resource::MutableKind;
use crate::sevalla::{ApiError, Client, Patience, ResourceRecord};

/// Looks for the database that is to be connected, and waits until it can be.
/// Refuses one that will not.
pub(crate) async fn preflight_connection(
    client: &Client,
    database: Uuid,
    may_wait: bool,
    report: Report<'_>,
) -> Result<ResourceRecord, TriggerError> {
    let thing = MutableKind::Database.thing(database);
    let record = client.record(thing, Patience::BEFORE_THE_START).await?;
    refuse_suspended(&record)?;
    let label = record.label();
    let readiness = match DatabaseReadiness::of(record.clone()) {
        DatabaseReadiness::NotYet(_) if may_wait => {
            wait_until_ready(client, database, report).await?
        }
        DatabaseReadiness::NotYet(_) => DatabaseReadiness::Ready(record),
        known => known,
    };
    match readiness {
        DatabaseReadiness::Ready(record) => refuse_suspended(&record).map(|()| record),
        DatabaseReadiness::Failed(status) => Err(TriggerError::refused(
            Failure::DatabaseNotConnectable,
            format!("Database {label} cannot be connected; its status is {status}"),
            "Look at it in the dashboard; if it is not to be repaired, connect another",
        )),
        DatabaseReadiness::NotYet(status) => Err(TriggerError::refused(
            Failure::DatabaseNotReady,
            format!("Timed out before database {label} was ready; its status is {status}"),
            "Run this again once it is ready, or raise timeout",
        )),
    }
}

fn refuse_suspended(record: &ResourceRecord) -> Result<(), TriggerError> {
    if !is_suspended(record) {
        return Ok(());
    }
    Err(TriggerError::refused(
        Failure::DatabaseNotConnectable,
        format!("Database {} is suspended", record.label()),
        "Activate it in the dashboard, then run this again",
    ))
}

/// The connection of two services, which shows only that it exists.
struct ConnectionResult;

impl Candidate for ConnectionResult {
    const NOUN: &'static str = "connection";

    fn id(&self) -> Option<&str> {
        None
    }

    fn describe(&self) -> String {
        "an internal connection".to_owned()
    }
}

/// Whether a database and an application are connected.
pub(crate) async fn is_connected(
    client: &Client,
    database: Uuid,
    app: Uuid,
    patience: Patience,
) -> Result<bool, ApiError> {
    let all = client.list_internal_connections(database, patience).await?;
    Ok(all.iter().any(|connection| connection.has(app)))
}

/// Connects a database to an application that it is not connected to.
pub(crate) async fn connect(
    client: &Client,
    database: Uuid,
    app: Uuid,
    report: Report<'_>,
) -> Result<(), TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        let sent = client
            .writes()
            .create_internal_connection(database, app, patience);
        sent.await.map(|()| ConnectionResult)
    };
    let search = async || {
        let late = client.with_grace();
        let is_there = is_connected(&late, database, app, Patience::FOR_A_SEARCH).await?;
        let connected = is_there.then_some(Candidates::ours(ConnectionResult));
        Ok(Some(connected.into_iter().collect()))
    };
    let made = at_most_once(send, search, client, &WriteEntry::default(), report).await;
    let Err(error) = made else { return Ok(()) };
    // Somebody else was first, or the first of two sendings was late.
    let is_refusal = matches!(error, TriggerError::Ambiguous { .. }) || error.status() == Some(409);
    let is_there = is_connected(client, database, app, Patience::FOR_A_SEARCH);
    if is_refusal && is_there.await.unwrap_or(false) {
        return Ok(());
    }
    match error.status() {
        Some(400) => Err(error.at("Database and application have to be in the same cluster")),
        _ => Err(error),
    }
}
