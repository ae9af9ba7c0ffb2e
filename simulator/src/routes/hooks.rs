//! Deployment hooks: managing them, and calling them.

use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::deployment::Origin;
use crate::ids;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::applications::named;
use crate::routes::deployments::refuse_unfit;
use crate::state::Context;

const PATH: &str = "/v3/applications/{id}/deployment-hook";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new("getDeploymentHookV3", Method::Get, PATH, Tier::Read, get),
    Operation::new(
        "enableDeploymentHookV3",
        Method::Post,
        PATH,
        Tier::Write,
        enable,
    ),
    Operation::new(
        "regenerateDeploymentHookV3",
        Method::Put,
        PATH,
        Tier::Write,
        regenerate,
    ),
    Operation::new(
        "disableDeploymentHookV3",
        Method::Delete,
        PATH,
        Tier::Write,
        disable,
    ),
    Operation::new(
        "hook",
        Method::Post,
        "/apps/{id}/deploy/{secret}",
        Tier::Deployment,
        call,
    )
    .without_key(),
];

/// The address of an application's hook.
pub(crate) fn url(origin: &str, application: &str, secret: &str) -> String {
    format!("{origin}/apps/{application}/deploy/{secret}")
}

fn told(status: u16, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let origin = context.origin;
    let application = named(context)?;
    let secret = application.hook.as_ref();
    let secret = secret.ok_or_else(|| Refusal::not_found("Deployment hook"))?;
    let url = url(origin, &application.id, secret);
    Ok(Answer::json(status, &json!({ "url": url })))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    told(200, context)
}

fn enable(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    named(context)?.hook.get_or_insert_with(ids::hook_secret);
    told(201, context)
}

fn regenerate(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    named(context)?.hook = Some(ids::hook_secret());
    told(200, context)
}

fn disable(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    named(context)?.hook = None;
    Ok(Answer::empty(204))
}

/// Deploys the default branch or image. Nothing documents parameters.
fn call(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let secret = context.ask.param("secret").to_owned();
    let (kind, trigger) = context.state.world.hook_origin.clone();
    let application = named(context)?;
    if application.hook.as_ref() != Some(&secret) {
        return Err(Refusal::not_found("Deployment hook"));
    }
    refuse_unfit(application, now)?;
    let origin = Origin {
        kind,
        trigger,
        ..Origin::called("")
    };
    let artifact = application.artifact(None, None);
    let script = application.lane.next_script();
    let id = application.lane.add(now, origin, artifact, script);
    Ok(Answer::json(200, &json!({ "deployment": { "id": id } })))
}
