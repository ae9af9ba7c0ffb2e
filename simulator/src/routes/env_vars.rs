//! Environment variables of applications.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal};
use crate::application::Application;
use crate::clock::Clock;
use crate::env_var::EnvVar;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::applications::named;
use crate::routes::paging::{message, page};
use crate::schema::{self, Field, Kind};
use crate::state::Context;
use crate::validate::{Page, path_id};

const ALL: &str = "/v3/applications/{id}/env-vars";
const ONE: &str = "/v3/applications/{id}/env-vars/{env_var_id}";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listEnvironmentVariablesV3",
        Method::Get,
        ALL,
        Tier::Read,
        list,
    ),
    Operation::new(
        "createEnvironmentVariableV3",
        Method::Post,
        ALL,
        Tier::Write,
        create,
    ),
    Operation::new(
        "updateEnvironmentVariableV3",
        Method::Put,
        ONE,
        Tier::Write,
        update,
    ),
    Operation::new(
        "deleteEnvironmentVariableV3",
        Method::Delete,
        ONE,
        Tier::Write,
        delete,
    ),
];

const KEY: Kind = Kind::Text(1, 255);
const VALUE: Kind = Kind::Text(0, 32_768);

// The document leaves these two bodies open.
const NEW: &[Field] = &[
    Field::required("key", KEY),
    Field::required("value", VALUE),
    Field::optional("is_runtime", Kind::Bool),
    Field::optional("is_buildtime", Kind::Bool),
];

const CHANGED: &[Field] = &[
    Field::optional("key", KEY),
    Field::optional("value", VALUE),
    Field::optional("is_runtime", Kind::Bool),
    Field::optional("is_buildtime", Kind::Bool),
];

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock) = (Page::of(context.ask)?, context.clock);
    let application = named(context)?;
    Ok(page(&application.env_vars, asked, |variable| {
        write(application, variable, clock)
    }))
}

fn create(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let body = schema::open(context.ask, NEW)?;
    let application = named(context)?;
    let mut variable = EnvVar::new("", "");
    (variable.created, variable.updated) = (now, now);
    fill(&mut variable, &body);
    refuse_twin(application, &variable)?;
    let written = write(application, &variable, clock);
    application.env_vars.push(variable);
    Ok(Answer::json(201, &written))
}

fn update(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let id = path_id(context.ask, "env_var_id")?;
    let body = schema::open(context.ask, CHANGED)?;
    let application = named(context)?;
    let mut variables = application.env_vars.iter();
    let index = variables.position(|known| known.id.eq_ignore_ascii_case(&id));
    let known = index.and_then(|index| application.env_vars.get(index));
    let mut variable = known.cloned().ok_or_else(unknown)?;
    fill(&mut variable, &body);
    variable.updated = now;
    refuse_twin(application, &variable)?;
    let written = write(application, &variable, clock);
    if let Some(place) = index.and_then(|index| application.env_vars.get_mut(index)) {
        *place = variable;
    }
    Ok(Answer::json(200, &written))
}

fn delete(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let id = path_id(context.ask, "env_var_id")?;
    let application = named(context)?;
    let before = application.env_vars.len();
    let variables = &mut application.env_vars;
    variables.retain(|known| !known.id.eq_ignore_ascii_case(&id));
    if variables.len() == before {
        return Err(unknown());
    }
    Ok(message("Environment variable deleted"))
}

fn unknown() -> Refusal {
    Refusal::not_found("Environment variable")
}

/// What the real API does with a second variable of a name is not documented.
fn refuse_twin(application: &Application, variable: &EnvVar) -> Result<(), Refusal> {
    let mut others = application.env_vars.iter();
    if others.any(|known| known.key == variable.key && known.id != variable.id) {
        let what = format!("Environment variable {} already exists", variable.key);
        return Err(Refusal::bad_request(what));
    }
    Ok(())
}

fn fill(variable: &mut EnvVar, body: &Map<String, Value>) {
    if let Some(key) = schema::text(body, "key") {
        variable.key = key;
    }
    if let Some(value) = schema::text(body, "value") {
        variable.value = value;
    }
    let flag = |name| body.get(name).and_then(Value::as_bool);
    variable.is_runtime = flag("is_runtime").or(variable.is_runtime);
    variable.is_buildtime = flag("is_buildtime").or(variable.is_buildtime);
}

fn write(application: &Application, variable: &EnvVar, clock: &Clock) -> Value {
    json!({
        "id": variable.id,
        "app_id": application.id,
        "key": variable.key,
        "value": variable.value,
        "is_runtime": variable.is_runtime,
        "is_buildtime": variable.is_buildtime,
        "created_at": clock.rfc3339(variable.created),
        "updated_at": clock.rfc3339(variable.updated),
    })
}
