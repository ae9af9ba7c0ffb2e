//! Databases.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::clock::{Clock, Moment};
use crate::database::Database;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::resources::{cluster, size};
use crate::routes::paging::{message, page};
use crate::schema::{self, ANY_TEXT, Field, Kind};
use crate::state::Context;
use crate::validate::{Page, path_id};

const ALL: &str = "/v3/databases";
const ONE: &str = "/v3/databases/{id}";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new("listDatabasesV3", Method::Get, ALL, Tier::Read, list),
    Operation::new(
        "createDatabaseV3",
        Method::Post,
        ALL,
        Tier::Creation,
        create,
    ),
    Operation::new("getDatabaseV3", Method::Get, ONE, Tier::Read, get),
    Operation::new(
        "updateDatabaseV3",
        Method::Patch,
        ONE,
        Tier::Mutation,
        update,
    ),
    Operation::new(
        "deleteDatabaseV3",
        Method::Delete,
        ONE,
        Tier::Mutation,
        delete,
    ),
    Operation::new(
        "resetDatabasePasswordV3",
        Method::Post,
        "/v3/databases/{id}/reset-password",
        Tier::Write,
        reset_password,
    ),
];

const PASSWORD: Kind = Kind::Letters(4, 100, "_?<>#@-=+");

const NEW: &[Field] = &[
    Field::required("display_name", Kind::Text(2, 64)),
    Field::required(
        "type",
        Kind::Word(&["postgresql", "mariadb", "mysql", "redis", "valkey"]),
    ),
    Field::required("version", ANY_TEXT),
    Field::required("cluster_id", Kind::Uuid),
    Field::required("resource_type_id", ANY_TEXT),
    Field::required("db_name", Kind::Letters(2, 100, "_-+")),
    Field::required("db_password", PASSWORD),
    Field::optional("db_user", Kind::Letters(2, 100, "_-+")),
    Field::optional("project_id", Kind::OrNull(&Kind::Uuid)),
    Field::optional("extensions", Kind::Object(EXTENSIONS)),
];

const EXTENSIONS: &[Field] = &[
    Field::optional("enable_vector", Kind::Bool),
    Field::optional("enable_postgis", Kind::Bool),
    Field::optional("enable_cron", Kind::Bool),
];

const CHANGED: &[Field] = &[
    Field::optional("display_name", Kind::Text(2, 64)),
    Field::optional("resource_type_id", ANY_TEXT),
    Field::optional("project_id", Kind::OrNull(&Kind::Uuid)),
];

const NEW_PASSWORD: &[Field] = &[Field::required("new_password", PASSWORD)];

/// The database the path names.
pub(crate) fn named<'a>(context: &'a mut Context<'_>) -> Result<&'a mut Database, Refusal> {
    let id = path_id(context.ask, "id")?;
    let found = context.state.database(&id);
    found.ok_or_else(|| Refusal::not_found("Database"))
}

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock, now) = (Page::of(context.ask)?, context.clock, context.now);
    let mut databases: Vec<&Database> = context.state.databases().collect();
    databases.sort_by_key(|database| database.name());
    Ok(page(&databases, asked, |database| {
        json!({
            "id": database.id,
            "name": database.name(),
            "display_name": database.display_name,
            "status": database.status_at(now),
            "type": database.kind,
            "version": database.version,
            "resource_type_name": size(&database.size).map(|size| size.name),
            "is_suspended": database.suspended,
            "created_at": clock.rfc3339(database.created),
            "updated_at": clock.rfc3339(database.updated(now)),
        })
    }))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let database = named(context)?;
    let mut record = short(database, &company, &project, clock, now);
    let cluster = cluster(&database.cluster);
    let size = size(&database.size);
    let created = database.is_created(now);
    let external = created && database.external;
    let name = database.name();
    let rest = json!({
        "cluster_id": database.cluster,
        "cluster_display_name": cluster.and_then(|cluster| cluster.display_name),
        "cluster_location": cluster.map(|cluster| cluster.location),
        "resource_type_id": database.size,
        "cpu_limit": size.map(|size| size.cpu),
        "memory_limit": size.map(|size| size.memory),
        "storage_size": size.map(|size| size.storage),
        "db_name": if is_cache(&database.kind) { "0" } else { &database.db_name },
        "internal_hostname": created.then(|| format!("{name}.shop-abcde.svc.cluster.local")),
        "internal_port": created.then(|| port(&database.kind)),
        "external_hostname": external.then(|| format!("{name}.sevalla.storage")),
        "external_port": external.then_some("30001"),
    });
    if let (Value::Object(record), Value::Object(rest)) = (&mut record, rest) {
        record.extend(rest);
    }
    Ok(Answer::json(200, &record))
}

fn is_cache(kind: &str) -> bool {
    matches!(kind, "redis" | "valkey")
}

fn port(kind: &str) -> &'static str {
    match kind {
        "postgresql" => "5432",
        "mongodb" => "27017",
        kind if is_cache(kind) => "6379",
        _ => "3306",
    }
}

/// As creation and change tell it.
fn short(database: &Database, company: &str, project: &str, clock: &Clock, now: Moment) -> Value {
    json!({
        "id": database.id,
        "company_id": company,
        "project_id": project,
        "name": database.name(),
        "display_name": database.display_name,
        "type": database.kind,
        "version": database.version,
        "status": database.status_at(now),
        "is_suspended": database.suspended,
        "resource_type_name": size(&database.size).map(|size| size.name),
        "created_at": clock.rfc3339(database.created),
        "updated_at": clock.rfc3339(database.updated(now)),
    })
}

fn create(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let body = schema::closed(context.ask, NEW)?;
    let text = |name| schema::text(&body, name).unwrap_or_default();
    if matches!(text("db_user").as_str(), "root" | "postgres") {
        return Err(Refusal::bad_request("body/db_user is a reserved name"));
    }
    if cluster(&text("cluster_id")).is_none() {
        return Err(Refusal::bad_request("Cluster not found"));
    }
    known_size(&text("resource_type_id"))?;
    let mut database = context.state.new_database();
    database.display_name = text("display_name");
    database.kind = text("type");
    database.version = text("version");
    database.cluster = text("cluster_id");
    database.size = text("resource_type_id");
    database.db_name = text("db_name");
    database.start_creation(now);
    let state = &mut *context.state;
    let (company, project) = (&state.company_id, &state.project_id);
    let written = short(&database, company, project, context.clock, now);
    state.world.databases.push(database);
    Ok(Answer::json(201, &written))
}

fn known_size(id: &str) -> Result<(), Refusal> {
    let found = size(id).map(|_| ());
    found.ok_or_else(|| Refusal::bad_request("Resource type not found"))
}

fn update(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let body = schema::closed(context.ask, CHANGED)?;
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let database = named(context)?;
    if let Some(size) = schema::text(&body, "resource_type_id") {
        known_size(&size)?;
        refuse_busy(database, now)?;
        database.size = size;
        database.start_update(now);
    }
    if let Some(name) = schema::text(&body, "display_name") {
        database.display_name = name;
    }
    database.changed = now;
    let written = short(database, &company, &project, clock, now);
    Ok(Answer::json(200, &written))
}

fn refuse_busy(database: &Database, now: Moment) -> Result<(), Refusal> {
    if database.is_busy(now) {
        let status = database.status_at(now).unwrap_or_default();
        return Err(Refusal::bad_request(format!("Database is {status}")));
    }
    Ok(())
}

fn delete(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let database = named(context)?;
    let busy = database.is_busy(now);
    database.removal.call(now, busy, 400)?;
    Ok(message("Database is being deleted"))
}

fn reset_password(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    path_id(context.ask, "id")?;
    schema::closed(context.ask, NEW_PASSWORD)?;
    let database = named(context)?;
    refuse_busy(database, now)?;
    database.start_password_change(now);
    Ok(message("Database password is being changed"))
}
