//! Application records and their cache.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::application::Application;
use crate::clock::{Clock, Moment};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::paging::{message, page};
use crate::state::Context;
use crate::validate::{Page, path_id};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listApplicationsV3",
        Method::Get,
        "/v3/applications",
        Tier::Read,
        list,
    ),
    Operation::new(
        "getApplicationV3",
        Method::Get,
        "/v3/applications/{id}",
        Tier::Read,
        get,
    ),
    Operation::new(
        "deleteApplicationV3",
        Method::Delete,
        "/v3/applications/{id}",
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
];

/// The application the path names.
pub(crate) fn named<'a>(context: &'a mut Context<'_>) -> Result<&'a mut Application, Refusal> {
    let id = path_id(context.ask, "id")?;
    let found = context.state.application(&id);
    found.ok_or_else(|| Refusal::not_found("Application"))
}

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let asked = Page::of(context.ask)?;
    let mut applications: Vec<&Application> = context.state.applications().collect();
    applications.sort_by_key(|application| std::cmp::Reverse(application.created));
    let (clock, now) = (&context.clock, context.now);
    Ok(page(&applications, asked, |application| {
        summary(application, clock, now)
    }))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let application = named(context)?;
    let mut record = summary(application, &clock, now);
    if let (Value::Object(record), Value::Object(rest)) =
        (&mut record, details(application, &company, &project))
    {
        record.extend(rest);
    }
    Ok(Answer::json(200, &record))
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

/// As lists tell it.
pub(crate) fn summary(application: &Application, clock: &Clock, now: Moment) -> Value {
    let newest = application.lane.views(now);
    let updated = newest
        .first()
        .map_or(application.created, super::super::deployment::View::updated);
    json!({
        "id": application.id,
        "name": application.name(),
        "display_name": application.display_name,
        "status": application.status(now),
        "type": application.kind,
        "source": application.source,
        "is_suspended": application.suspended,
        "created_at": clock.rfc3339(application.created),
        "updated_at": clock.rfc3339(updated),
    })
}

/// What the full record has more than the summary.
fn details(application: &Application, company: &str, project: &str) -> Value {
    let git = !application.is_image();
    json!({
        "company_id": company,
        "project_id": project,
        "namespace": format!("{}-abcde", application.name()),
        "build_cache_enabled": true,
        "hibernation_enabled": false,
        "hibernate_after_seconds": null,
        "auto_deploy": application.auto_deploy,
        "git_type": git.then_some(&application.git_type),
        "repo_url": git.then_some(&application.repo_url),
        "default_branch": git.then_some(&application.default_branch),
        "docker_image": application.docker_image,
        "build_type": "nixpacks",
        "build_path": ".",
        "pack_builder": null,
        "nixpacks_version": "1.41",
        "dockerfile_path": null,
        "docker_context": null,
        "allow_deploy_paths": [],
        "ignore_deploy_paths": [],
        "buildpacks": [],
        "cluster_id": null,
        "docker_registry_credential_id": null,
        "created_by": null,
    })
}
