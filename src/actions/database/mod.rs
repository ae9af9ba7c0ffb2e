//! Making sure of a database, and connecting it.

mod connect;
pub(crate) mod variables;
pub(crate) mod write;

use std::pin::pin;

use serde_json::json;
use uuid::Uuid;

use crate::actions::database::write::{DatabaseCreation, DatabaseReadiness, ExistingDatabase};
use crate::actions::error::TriggerError;
use crate::actions::journaling::{DATABASE, WriteEntry};
use crate::actions::manage::{LOOK_FIRST, ONLY_READ, may_be_made, only_read, unseen};
use crate::actions::resolve::{Credentials, DatabaseConnection, NewDatabase};
use crate::actions::{ActionContext, Interruption, WriteResult};
use crate::event::EventKind;
use crate::journal::Effect;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::resource::MutableKind;
use crate::secret::Password;
use crate::sevalla::operation::CREATE_DATABASE;
use crate::sevalla::{Patience, ResourceRecord};

impl ActionContext<'_> {
    /// Makes sure that there is a database of this name, and that it is ready.
    pub(crate) async fn create_database(&self, new: &NewDatabase) -> Outcome {
        let resumed = match self
            .until_stopped(Box::pin(self.resume_database(new)))
            .await
        {
            Ok(resumed) => resumed,
            Err(signal) => return only_read(signal),
        };
        match resumed {
            Ok(Some(record)) => return self.see_ready(new, &record, false).await,
            Ok(None) => {}
            Err(error) => return self.not_done(error).await,
        }
        let look = write::preflight_creation(&self.client, new);
        let existing = match self.until_stopped(look).await {
            Ok(Ok(existing)) => existing,
            Ok(Err(error)) => return self.not_done(error).await,
            Err(signal) => return only_read(signal),
        };
        match existing {
            ExistingDatabase::Database(record) if self.plan.dry_run => {
                let label = record.label();
                Outcome::planned(&format!("do nothing: database {label} is there"))
            }
            ExistingDatabase::None(_) if !new.has_reader => Outcome::of(
                Failure::PasswordWithoutReader,
                format!(
                    "Database {} was not created: nobody would know its password",
                    new.name
                ),
            )
            .hint("Set database-password, or output-password to true"),
            ExistingDatabase::None(_) if self.plan.dry_run => {
                Outcome::planned(&format!("create database {}", new.name))
            }
            ExistingDatabase::Database(record) => self.see_ready(new, &record, false).await,
            ExistingDatabase::None(creation) => match &new.password {
                Some(password) => self.make_database(new, creation, password).await,
                None => Outcome::of(Failure::Bug, "No password could be generated"),
            },
        }
    }

    /// The database that an earlier process of this run has made, if it has. Its
    /// password, if that process has drawn it, is lost.
    async fn resume_database(
        &self,
        new: &NewDatabase,
    ) -> Result<Option<ResourceRecord>, TriggerError> {
        let Some(write) = self.write_before(DATABASE) else {
            return Ok(None);
        };
        let report = |event: EventKind<'_>| self.reporter.on(event);
        match &write.effect {
            Effect::Made { id } | Effect::Cancelling { id } => {
                let record = json!({ "id": id, "display_name": new.name });
                Ok(serde_json::from_value(record).ok())
            }
            _ => {
                let creation = DatabaseCreation::of_record(new, &write.before);
                let late = self.client.with_grace();
                let find = async || write::find_new(&late, &creation).await.map(Some);
                self.find_effect(&write, &CREATE_DATABASE, find, &report)
                    .await
            }
        }
    }

    async fn make_database(
        &self,
        new: &NewDatabase,
        mut creation: DatabaseCreation,
        password: &Password,
    ) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let client = &self.client;
        let recorded = vec![(WriteEntry::ONLY.to_owned(), creation.recorded())];
        let entry = self.entry(DATABASE, &CREATE_DATABASE, recorded);
        creation.entry = entry;
        let creation = &creation;
        let create = pin!(write::create_database(client, creation, password, &report));
        match self.write_or_stop(create, None, &report).await {
            WriteResult::Done(Ok(record)) => self.see_ready(new, &record, true).await,
            WriteResult::Done(Err(error)) if !may_be_made(&error) => self.not_done(error).await,
            WriteResult::Done(Err(error)) => self.may_be_there(new, self.not_done(error).await),
            WriteResult::Interrupted(interruption) => {
                self.stop_making_database(interruption, new, creation).await
            }
        }
    }

    /// A signal came while the request that makes the database was on its way.
    async fn stop_making_database(
        &self,
        interruption: Interruption<Result<ResourceRecord, TriggerError>>,
        new: &NewDatabase,
        creation: &DatabaseCreation,
    ) -> Outcome {
        let Interruption { signal, result, by } = interruption;
        let outcome = Outcome::interrupted(signal);
        if let Some(Err(error)) = &result
            && let Some(refused) = error.failed_request()
        {
            return outcome
                .because("No database was created")
                .because(refused.to_string());
        }
        let made = if let Some(Ok(record)) = result {
            Some(record)
        } else {
            let client = self.looking_up(by);
            write::find_made_database(&client, creation).await
        };
        let Some(record) = made else {
            let outcome = outcome.because(
                "The request that creates the database was on its way; whether it took effect is \
                 not known",
            );
            return self.may_be_there(new, outcome);
        };
        self.report_database(new, &record, true);
        left_to_itself(outcome, &record.label())
    }

    /// The database may have been created, and is not to be seen. Whoever wants
    /// its password has to learn it now: nobody can later.
    fn may_be_there(&self, new: &NewDatabase, outcome: Outcome) -> Outcome {
        let outcome = match &new.password {
            Some(password) if new.is_drawn && new.shows_password => {
                self.reporter.on(EventKind::Password(password));
                outcome.because("If it was created, the output database-password is its password")
            }
            _ if new.is_drawn => outcome.because(
                "If it was created, it has a generated password that is not stored or shown \
                 anywhere",
            ),
            _ => outcome,
        };
        outcome.hint(LOOK_FIRST)
    }

    /// Tells of the database, and waits until it is ready.
    async fn see_ready(&self, new: &NewDatabase, record: &ResourceRecord, is_new: bool) -> Outcome {
        self.report_database(new, record, is_new);
        let label = record.label();
        let Some(id) = record.id() else {
            return Outcome::of(Failure::Bug, "Sevalla gave the database no valid id");
        };
        match self
            .until_stopped(self.until_ready(id, &label, is_new))
            .await
        {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) if error.status() == Some(404) => {
                not_shown(self.not_done(error).await, &label, is_new)
            }
            Ok(Err(error)) => self.not_done(error).await,
            Err(signal) if is_new => left_to_itself(Outcome::interrupted(signal), &label),
            Err(signal) => Outcome::interrupted(signal)
                .because(format!("{ONLY_READ}: database {label} was there before")),
        }
    }

    fn report_database(&self, new: &NewDatabase, record: &ResourceRecord, is_new: bool) {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        if let Some(id) = record.id() {
            report(EventKind::Database {
                id,
                is_new: Some(is_new),
            });
        }
        let label = record.label();
        let done = if is_new { "created" } else { "found" };
        report(EventKind::Note(&format!("Database {label} {done}")));
        match (&new.password, new.is_drawn, is_new) {
            (Some(password), true, true) if new.shows_password => {
                report(EventKind::Password(password));
            }
            (_, true, true) => report(EventKind::Warning(
                Warning::PasswordLost,
                "The database has a generated password that is not stored or shown anywhere. Give \
                 database-password, or set output-password, if somebody has to know it.",
            )),
            (_, true, false) if new.shows_password => report(EventKind::Warning(
                Warning::PasswordUnknown,
                "The database was there before, and Sevalla does not return its password: the \
                 output database-password is empty.",
            )),
            _ => {}
        }
    }

    async fn until_ready(
        &self,
        id: Uuid,
        label: &str,
        is_new: bool,
    ) -> Result<Outcome, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let readiness = write::wait_until_ready(&self.client, id, &report)
            .await
            .map_err(|error| error.at(format!("It is database {label}")))?;
        let done = if is_new { "Created" } else { "Found" };
        Ok(match readiness {
            DatabaseReadiness::Ready(record) => {
                let outcome = Outcome::success(format!("{done} database {label}; it is ready"));
                if write::is_suspended(&record) {
                    outcome.because("It is suspended")
                } else {
                    outcome
                }
            }
            DatabaseReadiness::Failed(status) => Outcome::of(
                Failure::DatabaseUnusable,
                format!("Database {label} will not be ready; its status is {status}"),
            )
            .hint(if is_new {
                "Delete it with delete-database, then run this again"
            } else {
                "Look at it in the dashboard. Once it is gone, running this again creates it again"
            }),
            DatabaseReadiness::NotYet(status) => Outcome::of(
                Failure::DatabaseNotReady,
                format!("Timed out before database {label} was ready; its status is {status}"),
            )
            .hint("Raise timeout, or run this again: it is found by its name"),
        })
    }

    /// Connects a database to an application, and sets the variables of the application
    /// if the inputs ask for it.
    pub(crate) async fn connect(&self, link: &DatabaseConnection) -> Outcome {
        let before = match self.until_stopped(self.preflight_connection(link)).await {
            Ok(Ok(before)) => before,
            Ok(Err(error)) => return self.not_done(error).await,
            Err(signal) => return only_read(signal),
        };
        if self.plan.dry_run {
            return Outcome::planned(&plan_in_words(link, &before));
        }
        let connect = async {
            match self.try_to_connect(link, &before).await {
                Ok(outcome) => outcome,
                Err(error) => self.not_done(error).await,
            }
        };
        self.unless_stopped(connect, unseen).await
    }

    async fn preflight_connection(
        &self,
        link: &DatabaseConnection,
    ) -> Result<ConnectionPreflight, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let (database, app) = (link.database, link.app);
        let may_wait = !self.plan.dry_run;
        let record =
            connect::preflight_connection(&self.client, database, may_wait, &report).await?;
        report(EventKind::Database {
            id: database,
            is_new: None,
        });
        let thing = MutableKind::Application.thing(app);
        let patience = Patience::BEFORE_THE_START;
        let application = self.client.record(thing, patience).await?;
        Ok(ConnectionPreflight {
            pair: format!("database {} and {}", record.label(), application.label()),
            was_connected: connect::is_connected(&self.client, database, app, patience).await?,
            record,
        })
    }

    async fn try_to_connect(
        &self,
        link: &DatabaseConnection,
        before: &ConnectionPreflight,
    ) -> Result<Outcome, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let pair = &before.pair;
        let variables = match &link.variables {
            Some(credentials) => Some(variables_for(&before.record, credentials)?),
            None => None,
        };
        if !before.was_connected {
            connect::connect(&self.client, link.database, link.app, &report).await?;
        }
        let done = if before.was_connected {
            "were connected already"
        } else {
            "are connected now"
        };
        report(EventKind::Note(&format!("{pair} {done}")));
        match variables {
            None => report(EventKind::Note(
                "Sevalla adds no variables with a connection. With set-env: true this action \
                 writes them.",
            )),
            Some(variables) => {
                variables::set_variables(&self.client, link.app, &variables, &report).await?;
            }
        }
        let outcome = Outcome::success(format!("Connected {pair}"));
        Ok(match (&link.variables, link.restart) {
            (Some(_), false) => outcome.because(
                "Variables reach the application with its next deployment; is-restart restarts it",
            ),
            _ => outcome,
        })
    }
}

fn variables_for(
    database: &ResourceRecord,
    credentials: &Credentials,
) -> Result<Vec<(String, String)>, TriggerError> {
    variables::variables(database, credentials).ok_or_else(|| {
        let label = database.label();
        TriggerError::refused(
            Failure::NoInternalHost,
            format!("Sevalla reports no internal host of database {label}"),
            "Run this again once the dashboard shows one",
        )
    })
}

/// What was read before two services are connected.
struct ConnectionPreflight {
    /// The database.
    record: ResourceRecord,
    /// Both in words.
    pair: String,
    /// Whether they are connected after all.
    was_connected: bool,
}

/// Sevalla itself gave the id of this database, and does not know it.
fn not_shown(outcome: Outcome, label: &str, is_new: bool) -> Outcome {
    let came = if is_new {
        "was created"
    } else {
        "is in Sevalla's list"
    };
    outcome
        .headed(format!(
            "Database {label} {came}, but Sevalla does not show it"
        ))
        .hint("Check in the dashboard. If it is there, run this again: it is found by its name")
}

/// A signal ended the run after the database was made.
fn left_to_itself(outcome: Outcome, label: &str) -> Outcome {
    outcome
        .because(format!(
            "Database {label} was created; this run did not see it become ready"
        ))
        .hint("Run this again to wait for it, or delete it with delete-database")
}

fn plan_in_words(link: &DatabaseConnection, before: &ConnectionPreflight) -> String {
    let pair = &before.pair;
    let mut parts = Vec::new();
    if !before.was_connected {
        parts.push(format!("connect {pair}"));
    }
    if let Some(credentials) = &link.variables {
        parts.push(format!("set the variables {}_…", credentials.prefix));
    }
    if link.restart {
        parts.push("restart the application".to_owned());
    }
    if parts.is_empty() {
        return format!("do nothing: {pair} are connected");
    }
    parts.join(", then ")
}
