//! Making a database, connecting it, and telling the application of it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::at_most_once::{Candidate, Candidates, at_most_once, search_to_the_end};
use crate::actions::deploy::matcher::Ownership;
use crate::actions::error::{Report, TriggerError};
use crate::actions::manage::change::until_confirmed;
use crate::actions::poller::Poller;
use crate::actions::resolve::{Credentials, NewDatabase};
use crate::event::EventKind;
use crate::lenient_json::Unreadable;
use crate::messages::Failure;
use crate::resource::{MutableKind, ResourceKind, ResourceList};
use crate::secret::Password;
use crate::sevalla::operation::LIST_DATABASES;
use crate::sevalla::{ApiError, Client, EnvVar, LONGEST_PAGE, Patience, ResourceRecord};

/// How long a new database may not be there yet for those who read it.
const APPEARANCE: Duration = Duration::from_secs(30);

/// The most variables of an application that are looked through.
const MOST_VARIABLES: usize = 2000;

const DATABASES: ResourceList = ResourceList::All(ResourceKind::Database);

/// Something that users name, and the service wants the id of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedLookup {
    /// Where a database runs.
    Cluster,
    /// How large it is.
    Size,
}

/// The id of what has this name or id.
pub(crate) async fn choose(
    client: &Client,
    choice: NamedLookup,
    given: &str,
) -> Result<String, TriggerError> {
    let patience = Patience::BEFORE_THE_START;
    let all = match choice {
        NamedLookup::Cluster => client.list_clusters(patience).await?,
        NamedLookup::Size => client.list_database_resource_types(patience).await?,
    };
    let is_meant = |one: &&ResourceRecord| {
        let names = ["id", "name", "display_name"].map(|name| one.text(name));
        let mut names = names.into_iter().flatten();
        names.any(|name| name.eq_ignore_ascii_case(given))
    };
    let found: Vec<&ResourceRecord> = all.iter().filter(is_meant).collect();
    if let [only] = found.as_slice() {
        return Ok(only.text("id").unwrap_or_default().to_owned());
    }
    let (setting, noun) = match choice {
        NamedLookup::Cluster => ("cluster", "cluster"),
        NamedLookup::Size => ("resource_type", "size of databases"),
    };
    let labels: Vec<String> = all.iter().map(ResourceRecord::label).collect();
    let what = if found.is_empty() {
        "No"
    } else {
        "More than one"
    };
    Err(TriggerError::refused(
        Failure::UnknownClusterOrSize,
        format!(
            "{what} {noun} is called {given:?}; there are {}",
            labels.join(", ")
        ),
        format!("Set {setting} in settings to one of these names or ids"),
    ))
}

/// What there is before a database is made.
#[derive(Debug)]
pub(crate) enum ExistingDatabase {
    /// One of this name and type.
    Database(Box<ResourceRecord>),
    /// None: this would make it.
    None(DatabaseCreation),
}

/// What makes a database, and what there was before.
#[derive(Debug)]
pub(crate) struct DatabaseCreation {
    /// What to send, with the ids of cluster and size.
    settings: Map<String, Value>,
    /// All databases there were: the high-water mark.
    known: HashSet<Option<Uuid>>,
    /// The entries of the list that could not be read.
    unreadable: HashSet<Unreadable>,
}

/// Looks for the database of this name, and else for what making it needs.
/// Refuses to take one of another type for it.
pub(crate) async fn look_before_creation(
    client: &Client,
    new: &NewDatabase,
) -> Result<ExistingDatabase, TriggerError> {
    let all = client.pages(DATABASES, Patience::BEFORE_THE_START).await?;
    let known = all.records.iter().map(ResourceRecord::id).collect();
    let is_named = |record: &ResourceRecord| record.text("display_name") == Some(&new.name);
    let mut found: Vec<ResourceRecord> = all.records.into_iter().filter(is_named).collect();
    if found.len() > 1 {
        let labels: Vec<String> = found.iter().map(ResourceRecord::label).collect();
        return Err(TriggerError::refused(
            Failure::AmbiguousName,
            format!("Several databases have this name: {}", labels.join(", ")),
            "A database is found by its display name: choose another, or delete all but one",
        ));
    }
    let Some(record) = found.pop() else {
        let settings = prepare(client, new).await?;
        return Ok(ExistingDatabase::None(DatabaseCreation {
            settings,
            known,
            unreadable: all.unreadable,
        }));
    };
    let wanted = new.settings.get("type").and_then(Value::as_str);
    match (record.text("type"), wanted) {
        (Some(is), Some(wanted)) if is != wanted => Err(TriggerError::refused(
            Failure::DatabaseOfAnotherType,
            format!(
                "{} is there already, and is of type {is}, not {wanted}",
                record.label()
            ),
            "Choose another display_name, or delete that database",
        )),
        _ => Ok(ExistingDatabase::Database(Box::new(record))),
    }
}

/// The settings to send, with the ids of cluster and size.
async fn prepare(client: &Client, new: &NewDatabase) -> Result<Map<String, Value>, TriggerError> {
    let mut settings = new.settings.clone();
    for (name, choice, given) in [
        ("cluster_id", NamedLookup::Cluster, &new.cluster),
        ("resource_type_id", NamedLookup::Size, &new.resource_type),
    ] {
        let id = choose(client, choice, given).await?;
        settings.insert(name.to_owned(), id.into());
    }
    Ok(settings)
}

/// Makes a database, at most once. It takes its time to become ready.
pub(crate) async fn create_database(
    client: &Client,
    creation: &DatabaseCreation,
    password: &Password,
    tell: Report<'_>,
) -> Result<ResourceRecord, TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client
            .create_database(&creation.settings, password, patience)
            .await
    };
    let late = client.lingering();
    let search = async || find_new(&late, creation).await.map(Some);
    at_most_once(send, search, client, tell)
        .await
        .map_err(explain)
}

/// Looks, until the client's deadline, for the database that a request may have made whose answer will
/// not be waited for any more.
pub(crate) async fn find_made_database(
    client: &Client,
    creation: &DatabaseCreation,
) -> Option<ResourceRecord> {
    search_to_the_end(client, async || find_new(client, creation).await.map(Some)).await
}

/// The databases that were not there before and may be the new one: those of
/// its name, whatever the service made of spaces around it and its case. A
/// record without a name, or of the name and another type, proves neither that
/// it is the new one nor that it is not.
async fn find_new(
    client: &Client,
    creation: &DatabaseCreation,
) -> Result<Vec<Candidates<ResourceRecord>>, ApiError> {
    let wanted = |setting: &str| creation.settings.get(setting).and_then(Value::as_str);
    let all = client.pages(DATABASES, Patience::FOR_A_SEARCH).await?;
    let new = all
        .records
        .into_iter()
        .filter(|record| !creation.known.contains(&record.id()));
    let judge = |record: ResourceRecord| {
        let its = |setting: &str| record.text(setting);
        let is_another_type = its("type")
            .zip(wanted("type"))
            .is_some_and(|(its, wanted)| its != wanted);
        let plain = |name: &str| name.trim().to_lowercase();
        let whose = match its("display_name").map(plain) {
            Some(name) if Some(&name) != wanted("display_name").map(plain).as_ref() => {
                Ownership::Others
            }
            Some(_) if !is_another_type => Ownership::Ours,
            _ => Ownership::Unclear,
        };
        Candidates { it: record, whose }
    };
    let found: Vec<Candidates<ResourceRecord>> = new.map(judge).collect();
    if found.is_empty() && !all.unreadable.is_subset(&creation.unreadable) {
        return Err(ApiError::unreadable_entry(&LIST_DATABASES));
    }
    Ok(found)
}

/// Adds the limits that a refusal most likely means.
fn explain(error: TriggerError) -> TriggerError {
    match error.status() {
        Some(429) => error.at(
            "A company can create 20 services an hour, and 5 a minute by an older page; other jobs \
             of the company count too",
        ),
        Some(400 | 422) => error.at(
            "The version has to be one that Sevalla offers for this type, which the API does not \
             tell; the dashboard does, where a database is added",
        ),
        _ => error,
    }
}

/// In place of the status of a database that no look has shown.
const UNSEEN: &str = "not seen yet";

/// What became of waiting for a database.
#[derive(Debug)]
pub(crate) enum DatabaseReadiness {
    /// It can be used.
    Ready(ResourceRecord),
    /// It will not become ready; its status.
    Failed(String),
    /// The time was over; its last status.
    NotYet(String),
}

impl DatabaseReadiness {
    /// What this record says. A status that nobody knows is on its way, and
    /// never ready.
    fn of(record: ResourceRecord) -> Self {
        let status = record.text("status").unwrap_or("unknown").to_owned();
        match status.to_ascii_lowercase().as_str() {
            "ready" => Self::Ready(record),
            "error"
            | "deleting"
            | "dbdeletionfailed"
            | "restoringfailed"
            | "passwordchangefailed"
            | "suspended" => Self::Failed(status),
            _ => Self::NotYet(status),
        }
    }
}

/// Waits until a database is ready.
pub(crate) async fn wait_until_ready(
    client: &Client,
    database: Uuid,
    tell: Report<'_>,
) -> Result<DatabaseReadiness, TriggerError> {
    let thing = MutableKind::Database.thing(database);
    let began = Instant::now();
    let mut looks = Poller::new(client);
    let mut last = UNSEEN.to_owned();
    for look in 1.. {
        match looks.client().record(thing, Patience::FOR_A_SEARCH).await {
            // The service's own parts need a moment to agree that it exists.
            Err(error) if error.status() == Some(404) && began.elapsed() < APPEARANCE => {}
            Err(error) if looks.client().ran_out_of_time(&error) => break,
            Err(error) if error.status() == Some(404) => {
                return Err(TriggerError::Api(ApiError {
                    attempts: look,
                    elapsed: began.elapsed(),
                    ..error
                }));
            }
            Err(error) => return Err(error.into()),
            Ok(record) => {
                let status = record.text("status").unwrap_or("unknown").to_owned();
                if status != last {
                    let label = record.label();
                    tell(EventKind::Note(&format!("Database {label}: {status}")));
                }
                match DatabaseReadiness::of(record) {
                    DatabaseReadiness::NotYet(status) => last = status,
                    end => return Ok(end),
                }
            }
        }
        if !looks.wait().await {
            break;
        }
    }
    Ok(DatabaseReadiness::NotYet(last))
}

/// Looks for the database that is to be connected, and waits until it can be.
/// Refuses one that will not.
pub(crate) async fn look_before_connection(
    client: &Client,
    database: Uuid,
    may_wait: bool,
    tell: Report<'_>,
) -> Result<ResourceRecord, TriggerError> {
    let thing = MutableKind::Database.thing(database);
    let record = client.record(thing, Patience::BEFORE_THE_START).await?;
    refuse_suspended(&record)?;
    let label = record.label();
    let readiness = match DatabaseReadiness::of(record.clone()) {
        DatabaseReadiness::NotYet(_) if may_wait => {
            wait_until_ready(client, database, tell).await?
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
            format!("The run's time was over before database {label} was ready; it is {status}"),
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

/// Whether a database is switched off for the time being.
pub(crate) fn is_suspended(database: &ResourceRecord) -> bool {
    database.get("is_suspended") == Some(&Value::Bool(true))
}

/// The connection of two services, which tells nothing but that it is there.
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
    tell: Report<'_>,
) -> Result<(), TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        let sent = client.create_internal_connection(database, app, patience);
        sent.await.map(|()| ConnectionResult)
    };
    let search = async || {
        let late = client.lingering();
        let is_there = is_connected(&late, database, app, Patience::FOR_A_SEARCH).await?;
        let connected = is_there.then_some(Candidates::ours(ConnectionResult));
        Ok(Some(connected.into_iter().collect()))
    };
    let made = at_most_once(send, search, client, tell).await;
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

/// The variables that tell an application where its database is.
pub(crate) fn variables(
    database: &ResourceRecord,
    credentials: &Credentials,
) -> Option<Vec<(String, String)>> {
    let host = database.text("internal_hostname")?;
    let port = match database.get("internal_port")? {
        Value::String(port) => port.clone(),
        other => other.to_string(),
    };
    let name = database.text("db_name").unwrap_or_default();
    let scheme = match database.text("type")? {
        kind @ ("postgresql" | "mongodb") => kind,
        "redis" | "valkey" => "redis",
        _ => "mysql",
    };
    let (user, password) = (&credentials.user, credentials.password.expose());
    let url = format!(
        "{scheme}://{}:{}@{host}:{port}/{}",
        encoded(user),
        encoded(password),
        encoded(name)
    );
    let values = [
        ("HOST", host),
        ("PORT", &port),
        ("NAME", name),
        ("USER", user),
        ("PASSWORD", password),
        ("URL", &url),
    ];
    let name_of = |part: &str| format!("{}_{part}", credentials.prefix);
    Some(
        values
            .map(|(part, value)| (name_of(part), value.to_owned()))
            .into(),
    )
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| {
        if is_plain(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// A variable that was made, by its name.
struct NewVariable(String);

impl Candidate for NewVariable {
    const NOUN: &'static str = "variable";

    fn id(&self) -> Option<&str> {
        None
    }

    fn describe(&self) -> String {
        self.0.clone()
    }
}

impl Candidate for ResourceRecord {
    const NOUN: &'static str = "database";

    fn id(&self) -> Option<&str> {
        self.text("id")
    }

    fn describe(&self) -> String {
        self.label()
    }
}

/// Gives variables of an application these values, whether they are there or
/// not.
pub(crate) async fn set_variables(
    client: &Client,
    app: Uuid,
    variables: &[(String, String)],
    tell: Report<'_>,
) -> Result<(), TriggerError> {
    let known = all_variables(client, app, Patience::BEFORE_THE_START).await?;
    for (key, value) in variables {
        let place = |error: TriggerError| error.at(format!("It is variable {key}"));
        let is_new = match known.iter().find(|known| known.key == *key) {
            Some(variable) => {
                change(client, app, variable, value, tell)
                    .await
                    .map_err(place)?;
                false
            }
            None => create(client, app, key, value, tell).await.map_err(place)?,
        };
        let done = if is_new { "created" } else { "set" };
        tell(EventKind::Note(&format!("Variable {key} {done}")));
    }
    Ok(())
}

async fn all_variables(
    client: &Client,
    app: Uuid,
    patience: Patience,
) -> Result<Vec<EnvVar>, ApiError> {
    let mut all = Vec::new();
    for offset in (0..MOST_VARIABLES).step_by(LONGEST_PAGE) {
        let page = client.list_env_vars(app, offset, patience).await?;
        let is_last = !page.is_full();
        all.extend(page.entries);
        if is_last {
            break;
        }
    }
    Ok(all)
}

async fn change(
    client: &Client,
    app: Uuid,
    variable: &EnvVar,
    value: &str,
    tell: Report<'_>,
) -> Result<(), TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client.update_env_var(app, variable, value, patience).await
    };
    let is_done = async || has_value(&client.lingering(), app, variable, value).await;
    until_confirmed(client, send, is_done, tell).await
}

/// Whether a variable has this value by now.
async fn has_value(
    client: &Client,
    app: Uuid,
    variable: &EnvVar,
    value: &str,
) -> Result<bool, ApiError> {
    for offset in (0..MOST_VARIABLES).step_by(LONGEST_PAGE) {
        let patience = Patience::FOR_A_SEARCH;
        let seen = client.has_value(app, offset, variable, value, patience);
        if let Some(is_it) = seen.await? {
            return Ok(is_it);
        }
    }
    Ok(false)
}

/// Makes a variable; `false` if it was there after all and only changed.
async fn create(
    client: &Client,
    app: Uuid,
    key: &str,
    value: &str,
    tell: Report<'_>,
) -> Result<bool, TriggerError> {
    let find = async || {
        let all = all_variables(&client.lingering(), app, Patience::FOR_A_SEARCH).await?;
        let of_key = all.into_iter().filter(|known| known.key == key);
        Ok::<_, ApiError>(of_key.collect::<Vec<EnvVar>>())
    };
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client.create_env_var(app, key, value, patience).await?;
        Ok(NewVariable(key.to_owned()))
    };
    let search = async || {
        let found = find().await?.into_iter();
        let new = found.map(|found| Candidates::ours(NewVariable(found.key)));
        Ok(Some(new.collect()))
    };
    let made = at_most_once(send, search, client, tell).await;
    let Err(error) = made else { return Ok(true) };
    let may_be_there = matches!(error, TriggerError::Ambiguous { .. })
        || matches!(error.status(), Some(400 | 409 | 422));
    if !may_be_there {
        return Err(error);
    }
    match find().await.ok().and_then(|mut found| found.pop()) {
        // Setting it does no harm, whoever has made it.
        Some(variable) => change(client, app, &variable, value, tell)
            .await
            .map(|()| false),
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str) -> Vec<(String, String)> {
        let json = serde_json::json!({"id": "d", "type": kind, "db_name": "shop",
            "internal_hostname": "db.internal", "internal_port": "5432"});
        let credentials = Credentials {
            prefix: "ORDERS".to_owned(),
            user: "me".to_owned(),
            password: Password::parse("a?<>#@=+b").unwrap(),
        };
        variables(&serde_json::from_value(json).unwrap(), &credentials).unwrap()
    }

    #[test]
    fn the_address_holds_what_may_stand_in_one() {
        let all = told("postgresql");
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let parts = ["HOST", "PORT", "NAME", "USER", "PASSWORD", "URL"];
        assert_eq!(names, parts.map(|part| format!("ORDERS_{part}")));
        assert_eq!(
            all[5].1,
            "postgresql://me:a%3F%3C%3E%23%40%3D%2Bb@db.internal:5432/shop"
        );
        let parsed = url::Url::parse(&all[5].1).unwrap();
        assert_eq!(
            (parsed.host_str(), parsed.port()),
            (Some("db.internal"), Some(5432))
        );
        assert!(told("mariadb")[5].1.starts_with("mysql://"));
        assert!(told("valkey")[5].1.starts_with("redis://"));
    }

    #[test]
    fn without_a_host_there_are_no_variables() {
        let json = serde_json::json!({"id": "d", "type": "postgresql", "internal_hostname": null});
        let credentials = Credentials {
            prefix: "A".to_owned(),
            user: "me".to_owned(),
            password: Password::parse("abcdef").unwrap(),
        };
        assert!(variables(&serde_json::from_value(json).unwrap(), &credentials).is_none());
    }
}
