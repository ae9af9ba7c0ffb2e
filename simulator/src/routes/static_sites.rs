//! Static sites and their deployments.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::changes::overlay;
use crate::clock::{Clock, Moment};
use crate::deployment::{Origin, View};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::removal::Phase;
use crate::routes::deployments::{Reading, cancel_in, window};
use crate::routes::paging::page;
use crate::state::Context;
use crate::static_site::StaticSite;
use crate::validate::{self, Page, path_id};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listStaticSitesV3",
        Method::Get,
        "/v3/static-sites",
        Tier::Read,
        list,
    ),
    Operation::new(
        "getStaticSiteV3",
        Method::Get,
        "/v3/static-sites/{id}",
        Tier::Read,
        get,
    ),
    Operation::new(
        "listStaticSiteDeploymentsV3",
        Method::Get,
        "/v3/static-sites/{id}/deployments",
        Tier::Read,
        list_deployments,
    ),
    Operation::new(
        "deployStaticSiteV3",
        Method::Post,
        "/v3/static-sites/{id}/deployments",
        Tier::Deployment,
        deploy,
    ),
    Operation::new(
        "getStaticSiteDeploymentV3",
        Method::Get,
        "/v3/static-sites/{id}/deployments/{deployment_id}",
        Tier::Read,
        get_deployment,
    ),
    Operation::new(
        "cancelStaticSiteDeploymentV3",
        Method::Post,
        "/v3/static-sites/{id}/deployments/{deployment_id}/cancel",
        Tier::Deployment,
        cancel,
    ),
    Operation::new(
        "getStaticSiteDeploymentLogsV3",
        Method::Get,
        "/v3/static-sites/{id}/deployments/{deployment_id}/logs",
        Tier::Logs,
        logs,
    ),
];

/// The static site the path names.
pub(crate) fn named<'a>(context: &'a mut Context<'_>) -> Result<&'a mut StaticSite, Refusal> {
    let id = path_id(context.ask, "id")?;
    let found = context.state.static_site(&id);
    found.ok_or_else(|| Refusal::not_found("Static site"))
}

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, now) = (Page::of(context.ask)?, context.now);
    let mut sites: Vec<&StaticSite> = context.state.static_sites().collect();
    sites.sort_by_key(|site| std::cmp::Reverse(site.created));
    Ok(page(&sites, asked, |site| {
        json!({
            "id": site.id,
            "name": site.name(),
            "display_name": site.display_name,
            "status": site.status(now),
        })
    }))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let site = named(context)?;
    let record = record(site, &company, &project, clock, now);
    Ok(Answer::json(200, &record))
}

/// The full record.
pub(crate) fn record(
    site: &StaticSite,
    company: &str,
    project: &str,
    clock: &Clock,
    now: Moment,
) -> Value {
    let views = site.lane.views(now);
    let updated = views.first().map_or(site.created, View::updated);
    let mut record = json!({
        "id": site.id,
        "company_id": company,
        "project_id": project,
        "name": site.name(),
        "display_name": site.display_name,
        "status": site.status(now),
        "source": site.source,
        "repo_url": site.repo_url,
        "default_branch": site.default_branch,
        "auto_deploy": site.auto_deploy,
        "is_preview_enabled": site.preview_enabled,
        "git_type": "github",
        "hostname": site.hostname,
        "install_command": "npm install",
        "build_command": "npm run build",
        "published_directory": "dist",
        "root_directory": "/",
        "node_version": "20",
        "index_file": "index.html",
        "error_file": null,
        "created_at": clock.rfc3339(site.created),
        "updated_at": clock.rfc3339(updated.max(site.changed)),
    });
    overlay(&mut record, &site.settings);
    // Only newer records have them.
    let is_newer = |name: &str| matches!(name, "allow_deploy_paths" | "ignore_deploy_paths");
    let settings = site.settings.iter();
    let newer = settings.filter(|(name, _)| is_newer(name));
    if let Value::Object(record) = &mut record {
        record.extend(newer.map(|(name, value)| (name.clone(), value.clone())));
    }
    record
}

fn list_deployments(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let asked = Page::of(context.ask)?;
    let (clock, now, lag) = (
        context.clock,
        context.now,
        context.state.world.visible_after,
    );
    let site = named(context)?;
    let mut views = site.lane.views(now);
    views.retain(|view| view.deployment.created.plus(lag) <= now);
    Ok(page(&views, asked, |view| write(site, view, clock)))
}

fn deploy(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    path_id(context.ask, "id")?;
    let body = validate::object(context.ask)?;
    validate::only(&body, &["branch", "deployment_id"])?;
    let branch = validate::string(&body, "branch")?;
    let target = validate::string(&body, "deployment_id")?;
    if target.as_ref().is_some_and(|id| !validate::is_uuid(id)) {
        return Err(Refusal::bad_request("body/deployment_id Invalid UUID"));
    }
    let site = named(context)?;
    if site.removal.phase(now) == Phase::Deleting {
        return Err(Refusal::bad_request("Static site is being deleted"));
    }
    let (origin, artifact) = if let Some(target) = target {
        let view = site.lane.view(&target, now);
        let view = view.ok_or_else(|| Refusal::not_found("Deployment"))?;
        let artifact = view.deployment.artifact.clone();
        (Origin::reusing("ROLLBACK_DEPLOYMENT"), artifact)
    } else {
        (Origin::called("MANUAL_DEPLOY"), site.artifact(branch))
    };
    let script = site.lane.next_script();
    let id = site.lane.add(now, origin, artifact, script);
    let view = site.lane.view(&id, now);
    let view = view.ok_or_else(|| Refusal::not_found("Deployment"))?;
    Ok(Answer::json(201, &write(site, &view, clock)))
}

fn get_deployment(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let clock = context.clock;
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let (now, lag) = (context.now, context.state.world.visible_after);
    let site = named(context)?;
    let view = site.lane.view(&deployment_id, now);
    let view = view
        .filter(|view| view.deployment.created.plus(lag) <= now)
        .ok_or_else(|| Refusal::not_found("Deployment"))?;
    let mut record = write(site, &view, clock);
    // The document has these two in lists and in the trigger's answer only.
    if let Some(fields) = record.as_object_mut() {
        fields.remove("cloud_build_id");
        fields.remove("build_error");
    }
    Ok(Answer::json(200, &record))
}

fn cancel(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let now = context.now;
    cancel_in(&mut named(context)?.lane, &deployment_id, now)
}

fn logs(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let window = window(context)?;
    let reading = Reading::of(context);
    reading.answer(
        &named(context)?.lane,
        &deployment_id,
        &window,
        "SS_DEPLOYMENT",
    )
}

fn write(site: &StaticSite, view: &View<'_>, clock: &Clock) -> Value {
    let deployment = view.deployment;
    let artifact = &deployment.artifact;
    let time = |at| clock.rfc3339(at);
    let commit = |text: &Option<String>| text.clone().filter(|_| view.commit_known());
    let avatar = commit(&artifact.author).map(|login| format!("https://github.com/{login}.png"));
    let build_error = &deployment.script.build_error;
    let record = json!({
        "id": deployment.id,
        "static_site_id": site.id,
        "status": view.shown_status(),
        "type": deployment.origin.kind.word(),
        "repo_url": site.repo_url,
        "branch": artifact.branch,
        "is_preview": deployment.origin.is_preview,
        "author_login": commit(&artifact.author),
        "author_img": avatar,
        "commit_sha": commit(&artifact.commit_sha),
        "commit_message": commit(&artifact.commit_message),
        "cloud_build_id": view.started().map(|_| &deployment.cloud_build_id),
        "build_error": build_error.clone().filter(|_| view.ended().is_some()),
        "created_at": time(deployment.created),
        "updated_at": time(view.updated()),
        "finished_at": view.ended().map(time),
        "started_at": view.started().map(time),
    });
    view.disguise(record)
}
