//! Changes to applications, and their deletion.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal};
use crate::application::Application;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::applications::{named, record};
use crate::routes::paging::message;
use crate::schema::{self, ANY_TEXT, Field, Kind};
use crate::state::Context;
use crate::validate::path_id;

const PATH: &str = "/v3/applications/{id}";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "updateApplicationV3",
        Method::Patch,
        PATH,
        Tier::Mutation,
        update,
    ),
    Operation::new(
        "deleteApplicationV3",
        Method::Delete,
        PATH,
        Tier::Mutation,
        delete,
    ),
    Operation::new(
        "purgeApplicationCacheV3",
        Method::Post,
        "/v3/applications/{id}/purge-cache",
        Tier::Write,
        purge,
    ),
    Operation::new(
        "toggleApplicationCdnV3",
        Method::Post,
        "/v3/applications/{id}/cdn/toggle",
        Tier::Write,
        toggle_cdn,
    ),
];

const GIT_TYPE: Kind = Kind::Word(&["github", "bitbucket", "gitlab"]);

const BODY: &[Field] = &[
    Field::optional("display_name", Kind::Text(1, 64)),
    Field::optional("auto_deploy", Kind::Bool),
    Field::optional("default_branch", Kind::Text(1, usize::MAX)),
    Field::optional("hibernation_enabled", Kind::Bool),
    Field::optional("hibernate_after_seconds", Kind::Integer(1, 604_800)),
    Field::optional(
        "build_type",
        Kind::Word(&["dockerfile", "pack", "nixpacks", "railpack", "ingot"]),
    ),
    Field::optional("build_path", ANY_TEXT),
    Field::optional("dockerfile_path", ANY_TEXT),
    Field::optional("docker_context", ANY_TEXT),
    Field::optional("build_cache_enabled", Kind::Bool),
    Field::optional("docker_registry_credential_id", Kind::Uuid),
    Field::optional(
        "pack_builder",
        Kind::Word(&["heroku/builder:22", "heroku/builder:24"]),
    ),
    Field::optional("nixpacks_version", Kind::Word(&["1.29", "1.39", "1.41"])),
    Field::optional("buildpacks", Kind::List(0, &Kind::Object(BUILDPACK))),
    Field::optional("allow_deploy_paths", Kind::List(0, &ANY_TEXT)),
    Field::optional("ignore_deploy_paths", Kind::List(0, &ANY_TEXT)),
    Field::optional(
        "source",
        Kind::Word(&["privateGit", "publicGit", "dockerImage"]),
    ),
    Field::optional("git_type", GIT_TYPE),
    Field::optional("repo_url", ANY_TEXT),
    Field::optional("docker_image", ANY_TEXT),
];

const BUILDPACK: &[Field] = &[
    Field::required("order", Kind::Integer(0, 20)),
    Field::required("source", Kind::Text(0, 500)),
];

fn update(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let body = schema::closed(context.ask, BODY)?;
    refuse_both_paths(&body)?;
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let application = named(context)?;
    refuse_without_origin(application, &body)?;
    application.change(body, now);
    let mut record = record(application, &company, &project, clock, now);
    if let Some(fields) = record.as_object_mut() {
        for name in ["buildpacks", "cluster_id", "docker_registry_credential_id"] {
            fields.remove(name);
        }
    }
    Ok(Answer::json(200, &record))
}

/// Paths that deploy and paths that do not exclude each other.
pub(super) fn refuse_both_paths(body: &Map<String, Value>) -> Result<(), Refusal> {
    if body.contains_key("allow_deploy_paths") && body.contains_key("ignore_deploy_paths") {
        let what = "allow_deploy_paths and ignore_deploy_paths are mutually exclusive";
        return Err(Refusal::bad_request(what));
    }
    Ok(())
}

/// An image to run or a repository to build must be known.
fn refuse_without_origin(
    application: &Application,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    let image = body.contains_key("docker_image") || application.docker_image.is_some();
    let becomes_image = body
        .get("source")
        .is_some_and(|source| source == "dockerImage");
    if becomes_image && !image {
        let what = "docker_image is required when source is dockerImage";
        return Err(Refusal::bad_request(what));
    }
    let becomes_git = body.contains_key("source") && !becomes_image;
    if becomes_git && application.is_image() && !body.contains_key("repo_url") {
        let what = "repo_url is required when source is a repository";
        return Err(Refusal::bad_request(what));
    }
    Ok(())
}

fn delete(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let application = named(context)?;
    let busy = application.lane.is_busy(now);
    application.removal.call(now, busy, 400)?;
    Ok(message("Application is being deleted"))
}

fn purge(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    named(context)?.cache_purges += 1;
    Ok(message("Cache purged successfully"))
}

fn toggle_cdn(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let application = named(context)?;
    application.cdn = !application.cdn;
    let on = application.cdn;
    Ok(Answer::json(200, &json!({ "is_turned_on": on })))
}
