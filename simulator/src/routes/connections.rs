//! Internal connections of databases and applications.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::connection::{Connection, End};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::paging::message;
use crate::routes::{applications, databases};
use crate::schema::{self, Field, Kind};
use crate::state::Context;
use crate::validate::path_id;

const ALL: &str = "/v3/databases/{id}/internal-connections";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listDatabaseInternalConnectionsV3",
        Method::Get,
        ALL,
        Tier::Read,
        list,
    ),
    Operation::new(
        "createDatabaseInternalConnectionV3",
        Method::Post,
        ALL,
        Tier::Write,
        from_database,
    ),
    Operation::new(
        "deleteDatabaseInternalConnectionV3",
        Method::Delete,
        "/v3/databases/{id}/internal-connections/{connection_id}",
        Tier::Write,
        delete,
    ),
    // Newer than the document; from its page on api-docs.sevalla.com, the body
    // as the database's.
    Operation::new(
        "createApplicationInternalConnection",
        Method::Post,
        "/v3/applications/{id}/internal-connections",
        Tier::Write,
        from_application,
    ),
];

// The document leaves it open.
const BODY: &[Field] = &[
    Field::required("target_id", Kind::Uuid),
    Field::required("target_type", Kind::Word(&["app", "database"])),
];

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let database = databases::named(context)?.id.clone();
    let connections = context.state.world.connections.clone();
    let connections = connections.iter().filter(|known| known.has(&database));
    let written = connections.filter_map(|connection| {
        let source = context.state.end(&connection.source)?;
        let target = context.state.end(&connection.target)?;
        Some(json!({
            "id": connection.id,
            "source_id": source.id,
            "source_type": source.kind,
            "source_name": source.name,
            "source_display_name": source.display_name,
            "target_id": target.id,
            "target_type": target.kind,
            "target_name": target.name,
            "target_display_name": target.display_name,
        }))
    });
    let written: Value = written.collect();
    Ok(Answer::json(200, &written))
}

fn from_database(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    path_id(context.ask, "id")?;
    schema::open(context.ask, BODY)?;
    let source = databases::named(context)?.end();
    connect(context, &source)
}

fn from_application(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    path_id(context.ask, "id")?;
    schema::open(context.ask, BODY)?;
    let source = applications::named(context)?.end();
    connect(context, &source)
}

fn connect(context: &mut Context<'_>, source: &End) -> Result<Answer, Refusal> {
    let body = schema::open(context.ask, BODY)?;
    let id = schema::text(&body, "target_id").unwrap_or_default();
    let kind = match schema::text(&body, "target_type").as_deref() {
        Some("app") => "appResource",
        _ => "dbResource",
    };
    let target = context.state.end(&id).filter(|end| end.kind == kind);
    let target = target.ok_or_else(|| Refusal::not_found("Target"))?;
    if target.id == source.id {
        return Err(Refusal::bad_request("A service cannot connect to itself"));
    }
    if target.cluster != source.cluster {
        return Err(Refusal::bad_request(
            "Both services must be in the same cluster",
        ));
    }
    let connections = &mut context.state.world.connections;
    let twin = |known: &Connection| known.has(&source.id) && known.has(&target.id);
    if connections.iter().any(twin) {
        return Err(Refusal::new(409, "The services are connected already"));
    }
    let connection = Connection::new(source.id.as_str(), target.id);
    let answer = json!({ "id": connection.id });
    connections.push(connection);
    Ok(Answer::json(201, &answer))
}

fn delete(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let id = path_id(context.ask, "connection_id")?;
    let database = databases::named(context)?.id.clone();
    let connections = &mut context.state.world.connections;
    let index = connections
        .iter()
        .position(|known| known.id.eq_ignore_ascii_case(&id) && known.has(&database));
    let index = index.ok_or_else(|| Refusal::not_found("Internal connection"))?;
    connections.remove(index);
    Ok(message("Internal connection deleted"))
}
