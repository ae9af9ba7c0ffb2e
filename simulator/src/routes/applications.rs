//! Application records.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::application::Application;
use crate::changes::overlay;
use crate::clock::{Clock, Moment};
use crate::deployment::View;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::paging::page;
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
    let (clock, now) = (context.clock, context.now);
    Ok(page(&applications, asked, |application| {
        summary(application, clock, now)
    }))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let application = named(context)?;
    let record = record(application, &company, &project, clock, now);
    Ok(Answer::json(200, &record))
}

/// The full record.
pub(crate) fn record(
    application: &Application,
    company: &str,
    project: &str,
    clock: &Clock,
    now: Moment,
) -> Value {
    let mut record = summary(application, clock, now);
    if let (Value::Object(record), Value::Object(rest)) =
        (&mut record, details(application, company, project))
    {
        record.extend(rest);
    }
    overlay(&mut record, &application.settings);
    record
}

/// As lists tell it.
pub(crate) fn summary(application: &Application, clock: &Clock, now: Moment) -> Value {
    let newest = application.lane.views(now);
    let updated = newest
        .first()
        .map_or(application.created, View::updated)
        .max(application.changed);
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
        "cluster_id": application.cluster,
        "docker_registry_credential_id": null,
        "created_by": null,
    })
}
