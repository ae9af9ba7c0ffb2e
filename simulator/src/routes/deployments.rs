//! Deployments of applications.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::application::{Application, RollbackBody};
use crate::clock::{Clock, Moment};
use crate::deployment::{Artifact, Origin, View};
use crate::lane::{Lane, NotCancelled};
use crate::limits::Tier;
use crate::logs::{Window, horizon};
use crate::operation::{Method, Operation};
use crate::removal::Phase;
use crate::routes::applications::named;
use crate::routes::paging::{message, page};
use crate::state::Context;
use crate::validate::{self, Page, path_id};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listDeploymentsV3",
        Method::Get,
        "/v3/applications/{id}/deployments",
        Tier::Read,
        list,
    ),
    Operation::new(
        "triggerDeploymentV3",
        Method::Post,
        "/v3/applications/{id}/deployments",
        Tier::Deployment,
        trigger,
    ),
    Operation::new(
        "rollbackDeploymentV3",
        Method::Post,
        "/v3/applications/{id}/deployments/rollback",
        Tier::Deployment,
        rollback,
    ),
    Operation::new(
        "getDeploymentV3",
        Method::Get,
        "/v3/applications/{id}/deployments/{deployment_id}",
        Tier::Read,
        get,
    ),
    Operation::new(
        "cancelDeploymentV3",
        Method::Post,
        "/v3/applications/{id}/deployments/{deployment_id}/cancel",
        Tier::Deployment,
        cancel,
    ),
    Operation::new(
        "getApplicationDeploymentLogsV3",
        Method::Get,
        "/v3/applications/{id}/deployments/{deployment_id}/logs",
        Tier::Logs,
        logs,
    ),
];

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let asked = Page::of(context.ask)?;
    let (clock, now, lag) = (
        context.clock,
        context.now,
        context.state.world.visible_after,
    );
    let application = named(context)?;
    let mut views = application.lane.views(now);
    views.retain(|view| view.deployment.created.plus(lag) <= now);
    Ok(page(&views, asked, |view| write(application, view, clock)))
}

fn trigger(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    path_id(context.ask, "id")?;
    let body = validate::object(context.ask)?;
    let branch = validate::string(&body, "branch")?;
    let image = validate::string(&body, "docker_image")?;
    let is_restart = validate::boolean(&body, "is_restart")?;
    let application = named(context)?;
    refuse_unfit(application, now)?;
    if application.is_image() && branch.is_some() {
        return Err(Refusal::bad_request(
            "A branch cannot be deployed to an application that runs a Docker image",
        ));
    }
    if !application.is_image() && image.is_some() {
        return Err(Refusal::bad_request(
            "A Docker image cannot be deployed to an application built from a repository",
        ));
    }
    let (origin, artifact) = if is_restart {
        let none = || Refusal::bad_request("No successful deployment to restart from");
        let artifact = application.lane.latest_success(now).ok_or_else(none)?;
        (Origin::reusing("RESTART"), artifact)
    } else {
        let origin = Origin::called("MANUAL_DEPLOY");
        (origin, application.artifact(branch, image))
    };
    deploy(context, origin, artifact)
}

fn rollback(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    let id = named_by_body(context)?;
    let application = named(context)?;
    refuse_unfit(application, now)?;
    let rollback = application.rollback;
    let none = || Refusal::new(rollback.refusal, "No successful deployment to roll back to");
    let found = match (rollback.body, id) {
        (RollbackBody::Refused, Some(_)) => {
            return Err(Refusal::bad_request("body must be null"));
        }
        (RollbackBody::Honoured, Some(id)) => application.lane.success_of(&id, now),
        _ => application.lane.success(rollback.passes, now),
    };
    let artifact = found.ok_or_else(none)?;
    deploy(context, Origin::reusing("ROLLBACK_DEPLOYMENT"), artifact)
}

/// The deployment that the body of a rollback names, if it has one.
fn named_by_body(context: &Context<'_>) -> Result<Option<String>, Refusal> {
    if context.ask.body.is_empty() {
        return Ok(None);
    }
    let body = validate::object(context.ask)?;
    validate::only(&body, &["deployment_id"])?;
    let id = validate::string(&body, "deployment_id")?;
    if id.as_ref().is_some_and(|id| !validate::is_uuid(id)) {
        return Err(Refusal::bad_request("body/deployment_id Invalid UUID"));
    }
    Ok(id)
}

fn deploy(
    context: &mut Context<'_>,
    origin: Origin,
    artifact: Artifact,
) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let application = named(context)?;
    let script = application.lane.next_script();
    let id = application.lane.add(now, origin, artifact, script);
    let view = application.lane.view(&id, now);
    let view = view.ok_or_else(|| Refusal::not_found("Deployment"))?;
    Ok(Answer::json(200, &write(application, &view, clock)))
}

/// What the real API does with an application that is suspended or being
/// deleted is not documented.
pub(crate) fn refuse_unfit(application: &Application, now: Moment) -> Result<(), Refusal> {
    if application.removal.phase(now) == Phase::Deleting {
        return Err(Refusal::bad_request("Application is being deleted"));
    }
    if application.suspended && application.refuses_suspended {
        return Err(Refusal::bad_request("Application is suspended"));
    }
    Ok(())
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let clock = context.clock;
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let (now, lag) = (context.now, context.state.world.visible_after);
    let application = named(context)?;
    let view = application.lane.view(&deployment_id, now);
    let view = view
        .filter(|view| view.deployment.created.plus(lag) <= now)
        .ok_or_else(|| Refusal::not_found("Deployment"))?;
    Ok(Answer::json(200, &write(application, &view, clock)))
}

fn cancel(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let now = context.now;
    cancel_in(&mut named(context)?.lane, &deployment_id, now)
}

/// Cancels a deployment of any service.
pub(crate) fn cancel_in(lane: &mut Lane, id: &str, now: Moment) -> Result<Answer, Refusal> {
    match lane.cancel(id, now) {
        Ok(()) => Ok(message("Deployment is being cancelled")),
        Err(NotCancelled::Unknown) => Err(Refusal::not_found("Deployment")),
        Err(NotCancelled::Ended) => Err(Refusal::bad_request(
            "Deployment has already finished and cannot be cancelled",
        )),
    }
}

fn logs(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let deployment_id = path_id(context.ask, "deployment_id")?;
    let window = window(context)?;
    let reading = Reading::of(context);
    reading.answer(
        &named(context)?.lane,
        &deployment_id,
        &window,
        "APP_DEPLOYMENT",
    )
}

/// The window a log read asks for.
pub(crate) fn window(context: &Context<'_>) -> Result<Window, Refusal> {
    let (ask, clock) = (context.ask, context.clock);
    let hour = std::time::Duration::from_secs(3600);
    Ok(Window {
        from: validate::time(ask, "from", clock)?.unwrap_or(context.now.minus(hour)),
        to: validate::time(ask, "to", clock)?.unwrap_or(context.now),
        limit: validate::integer(ask, "limit", 1, 5000, 1000)?,
        severity: validate::severity(ask)?,
        order: context.state.world.log_order,
    })
}

/// What a log read needs besides the lane, which borrows the context.
pub(crate) struct Reading<'a> {
    clock: &'a Clock,
    now: Moment,
    horizon: Moment,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(context: &Context<'a>) -> Self {
        Self {
            clock: context.clock,
            now: context.now,
            horizon: horizon(context.now, context.state.world.log_lag),
        }
    }

    pub(crate) fn answer(
        &self,
        lane: &Lane,
        id: &str,
        window: &Window,
        service: &str,
    ) -> Result<Answer, Refusal> {
        let view = lane.view(id, self.now);
        let view = view.ok_or_else(|| Refusal::not_found("Deployment"))?;
        let log = &view.deployment.log;
        let body = log.read(window, &view.times, self.horizon, service, self.clock);
        Ok(Answer::text(200, crate::answer::JSON, body))
    }
}

fn write(application: &Application, view: &View<'_>, clock: &Clock) -> Value {
    let deployment = view.deployment;
    let artifact = &deployment.artifact;
    let git = !application.is_image();
    let time = |at| clock.rfc3339(at);
    // An image is known from the start unless it must be built first.
    let image_known = !git || deployment.origin.reuses || view.succeeded();
    let commit = |text: &Option<String>| text.clone().filter(|_| view.commit_known());
    let message = commit(&artifact.commit_message)
        .map(|message| message.chars().take(1000).collect::<String>());
    let avatar = commit(&artifact.author).map(|login| format!("https://github.com/{login}.png"));
    let record = json!({
        "id": deployment.id,
        "app_id": application.id,
        "status": view.shown_status(),
        "type": deployment.origin.kind.word(),
        "trigger": deployment.origin.trigger,
        "steps": steps(git, view),
        "docker_image_url": artifact.image.clone().filter(|_| image_known),
        "git_type": git.then_some(&application.git_type),
        "repo_url": git.then_some(&application.repo_url),
        "branch": artifact.branch,
        "commit_sha": commit(&artifact.commit_sha),
        "commit_message": message,
        "author_login": commit(&artifact.author),
        "author_img": avatar,
        "started_at": view.started().map(time),
        "finished_at": view.ended().map(time),
        "created_at": time(deployment.created),
        "updated_at": time(view.updated()),
    });
    view.disguise(record)
}

fn steps(git: bool, view: &View<'_>) -> Vec<String> {
    if let Some(steps) = &view.deployment.script.steps {
        return steps.clone();
    }
    let steps: &[&str] = match (view.deployment.origin.reuses, git) {
        (true, _) => &["rollout"],
        (false, true) => &["checkout", "build", "rollout", "syncConnections"],
        (false, false) => &["rollout", "syncConnections"],
    };
    steps.iter().map(|step| (*step).to_owned()).collect()
}
