//! Making a database, and waiting until it is ready.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::at_most_once::at_most_once;
use crate::actions::deploy::matcher::Ownership;
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::lookup::{Candidate, Candidates, search_to_the_end};
use crate::actions::poller::Poller;
use crate::actions::resolve::NewDatabase;
use crate::event::EventKind;
use crate::lenient_json::Unreadable;
use crate::messages::Failure;
use crate::resource::{MutableKind, ResourceKind, ResourceList};
use crate::secret::Password;
use crate::sevalla::operation::LIST_DATABASES;
use crate::sevalla::{ApiError, Client, Patience, ResourceRecord};

/// How long a new database may not be there yet for those who read it.
const READABLE_WITHIN: Duration = Duration::from_secs(30);

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
    /// What the journal says of it.
    pub(super) entry: WriteEntry,
}

impl DatabaseCreation {
    /// What the journal keeps of it.
    pub(super) fn recorded(&self) -> Value {
        let known = self.known.iter().flatten().map(Uuid::to_string);
        let unreadable = self.unreadable.iter().map(ToString::to_string);
        json!({
            "known": known.collect::<Vec<_>>(),
            "unreadable": unreadable.collect::<Vec<_>>(),
        })
    }

    /// What an earlier process of this run has kept of it.
    pub(super) fn of_record(new: &NewDatabase, record: &Value) -> Self {
        let texts = |name: &str| record[name].as_array().into_iter().flatten();
        let known = texts("known").filter_map(|id| id.as_str()?.parse().ok());
        let unreadable = texts("unreadable");
        Self {
            settings: new.settings.clone(),
            // One without a valid id is never the new one.
            known: known.map(Some).chain([None]).collect(),
            unreadable: unreadable
                .filter_map(|text| Unreadable::shown_as(text.as_str()?))
                .collect(),
            entry: WriteEntry::default(),
        }
    }
}

/// Looks for the database of this name, and else for what making it needs.
/// Refuses to take one of another type for it.
pub(crate) async fn preflight_creation(
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
            entry: WriteEntry::default(),
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
    report: Report<'_>,
) -> Result<ResourceRecord, TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client
            .writes()
            .create_database(&creation.settings, password, patience)
            .await
    };
    let late = client.with_grace();
    let search = async || find_new(&late, creation).await.map(Some);
    at_most_once(send, search, client, &creation.entry, report)
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
pub(super) async fn find_new(
    client: &Client,
    creation: &DatabaseCreation,
) -> Result<Vec<Candidates<ResourceRecord>>, ApiError> {
    let wanted = |setting: &str| creation.settings.get(setting).and_then(Value::as_str);
    let all = client.pages(DATABASES, Patience::FOR_A_SEARCH).await?;
    let new = all
        .records
        .into_iter()
        .filter(|record| !creation.known.contains(&record.id()));
    let classify = |record: ResourceRecord| {
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
    let found: Vec<Candidates<ResourceRecord>> = new.map(classify).collect();
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
            "The version has to be one that Sevalla offers for this type, which the API does not report; the dashboard shows them where you add a database",
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
    pub(super) fn of(record: ResourceRecord) -> Self {
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
    report: Report<'_>,
) -> Result<DatabaseReadiness, TriggerError> {
    let thing = MutableKind::Database.thing(database);
    let began = Instant::now();
    let mut looks = Poller::new(client);
    let mut last = UNSEEN.to_owned();
    for look in 1.. {
        match looks.client().record(thing, Patience::FOR_A_SEARCH).await {
            // The service's own parts need a moment to agree that it exists.
            Err(error) if error.status() == Some(404) && began.elapsed() < READABLE_WITHIN => {}
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
                    report(EventKind::Note(&format!("Database {label}: {status}")));
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

/// Whether a database is switched off for the time being.
pub(crate) fn is_suspended(database: &ResourceRecord) -> bool {
    database.get("is_suspended") == Some(&Value::Bool(true))
}

impl Candidate for ResourceRecord {
    const NOUN: &'static str = "database";

    fn id(&self) -> Option<&str> {
        self.text("id")
    }

    fn created_at(&self) -> Option<Timestamp> {
        self.text("created_at")?.parse().ok()
    }

    fn describe(&self) -> String {
        self.label()
    }
}
