//! Changes to static sites, and their deletion.

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::application_changes::refuse_both_paths;
use crate::routes::paging::message;
use crate::routes::static_sites::{named, record};
use crate::schema::{self, ANY_TEXT, Field, Kind};
use crate::state::Context;
use crate::validate::path_id;

const PATH: &str = "/v3/static-sites/{id}";

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "updateStaticSiteV3",
        Method::Patch,
        PATH,
        Tier::Mutation,
        update,
    ),
    Operation::new(
        "deleteStaticSiteV3",
        Method::Delete,
        PATH,
        Tier::Mutation,
        delete,
    ),
    Operation::new(
        "purgeStaticSiteCacheV3",
        Method::Post,
        "/v3/static-sites/{id}/purge-cache",
        Tier::Write,
        purge,
    ),
];

const TEXT_OR_NULL: Kind = Kind::OrNull(&ANY_TEXT);
const SOME_TEXT: Kind = Kind::Text(1, usize::MAX);

const BODY: &[Field] = &[
    Field::optional("display_name", Kind::Text(1, 64)),
    Field::optional("auto_deploy", Kind::Bool),
    Field::optional("default_branch", SOME_TEXT),
    Field::optional("build_command", TEXT_OR_NULL),
    Field::optional("node_version", TEXT_OR_NULL),
    Field::optional("published_directory", TEXT_OR_NULL),
    Field::optional("is_preview_enabled", Kind::Bool),
    Field::optional("install_command", TEXT_OR_NULL),
    Field::optional("root_directory", TEXT_OR_NULL),
    Field::optional("index_file", SOME_TEXT),
    Field::optional("error_file", TEXT_OR_NULL),
    Field::optional("source", Kind::Word(&["privateGit", "publicGit"])),
    Field::optional(
        "git_type",
        Kind::OrNull(&Kind::Word(&["github", "bitbucket", "gitlab"])),
    ),
    Field::optional("repo_url", SOME_TEXT),
    Field::optional("allow_deploy_paths", Kind::List(0, &ANY_TEXT)),
    Field::optional("ignore_deploy_paths", Kind::List(0, &ANY_TEXT)),
];

fn update(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let body = schema::closed(context.ask, BODY)?;
    refuse_both_paths(&body)?;
    let site = named(context)?;
    site.change(body, now);
    let mut record = record(site, "", "", clock, now);
    if let Some(fields) = record.as_object_mut() {
        for name in ["company_id", "project_id", "name", "hostname", "created_at"] {
            fields.remove(name);
        }
    }
    Ok(Answer::json(200, &record))
}

fn delete(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let site = named(context)?;
    let busy = site.lane.is_busy(now);
    site.removal.call(now, busy, 409)?;
    Ok(message("Static site is being deleted"))
}

fn purge(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    named(context)?.cache_purges += 1;
    Ok(message("Cache purged successfully"))
}
