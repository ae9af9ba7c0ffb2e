//! Actions that start one deployment of one service.

use crate::actions::task::{DeployOperation, EarlierDeployment, Task};
use crate::actions::validation::Validation;
use crate::deployment::{DeploySource, Service};
use crate::inputs::{ActionName, Inputs, ProblemKind};
use crate::secret::HookUrl;

/// An application, through the API or by its hook.
pub(crate) fn application(inputs: &Inputs, validation: &mut Validation) -> Option<DeployOperation> {
    validation.unused(ActionName::DeployApp, inputs, "");
    if inputs.deploy_hook_url.is_none() && inputs.is_given("deploy-hook-url") {
        return None;
    }
    match &inputs.deploy_hook_url {
        Some(hook) => call_hook(inputs, hook, validation),
        None => order_application(inputs, validation),
    }
}

fn call_hook(
    inputs: &Inputs,
    hook: &HookUrl,
    validation: &mut Validation,
) -> Option<DeployOperation> {
    validation.ignored(
        "with deploy-hook-url: a hook always deploys the default branch or image",
        [
            (inputs.branch.is_some(), "branch"),
            (inputs.docker_image.is_some(), "docker-image"),
            (inputs.is_restart, "is-restart"),
        ],
    );
    if let (Some(given), Some(own)) = (inputs.app_id, hook.app_id())
        && given != own
    {
        let message = format!(
            "it is not the application of {}. Remove it, or correct one of the two",
            inputs.spelling("deploy-hook-url")
        );
        validation.problem(ProblemKind::Conflict, inputs.spelling("app-id"), &message);
        return None;
    }
    Some(DeployOperation::CallHook {
        hook: hook.clone(),
        app: inputs.app_id.or(hook.app_id()),
    })
}

fn order_application(inputs: &Inputs, validation: &mut Validation) -> Option<DeployOperation> {
    if inputs.branch.is_some() && inputs.docker_image.is_some() {
        let message = format!(
            "{} is given too, and an application is built from a branch or runs an image. Remove one \
             of them",
            inputs.spelling("branch")
        );
        validation.problem(
            ProblemKind::Conflict,
            inputs.spelling("docker-image"),
            &message,
        );
    }
    if inputs.docker_image.is_some()
        && crate::actions::resolve::check(inputs).is_some_and(|it| it.needs_commit())
    {
        validation.problem(
            ProblemKind::Conflict,
            inputs.spelling("docker-image"),
            "an image has no commit, so verify-url and verify-contains must not contain {commit} or \
             {commit-short}",
        );
    }
    validation.ignored(
        "with is-restart: a restart takes the last artifact",
        [
            (inputs.is_restart && inputs.branch.is_some(), "branch"),
            (
                inputs.is_restart && inputs.docker_image.is_some(),
                "docker-image",
            ),
        ],
    );
    Some(DeployOperation::DeployApplication {
        app: inputs.app_id?,
        order: DeploySource {
            branch: inputs.branch.as_ref().map(|branch| branch.name.clone()),
            docker_image: inputs.docker_image.as_ref().map(|image| image.0.clone()),
            restart: inputs.is_restart,
        },
    })
}

/// A static site.
pub(crate) fn static_site(inputs: &Inputs, validation: &mut Validation) -> Option<DeployOperation> {
    validation.unused(ActionName::DeployStaticSite, inputs, "");
    Some(DeployOperation::DeployStaticSite {
        site: inputs.static_site_id?,
        branch: inputs.branch.as_ref().map(|branch| branch.name.clone()),
    })
}

/// An application, back to an earlier deployment.
pub(crate) fn rollback_application(inputs: &Inputs, validation: &mut Validation) -> Option<Task> {
    let advice = ": set deployment-id to choose a version";
    validation.unused(ActionName::RollbackApp, inputs, advice);
    rollback(inputs, Service::application(inputs.app_id?))
}

/// A static site, back to an earlier deployment.
pub(crate) fn rollback_static_site(inputs: &Inputs, validation: &mut Validation) -> Option<Task> {
    validation.unused(ActionName::RollbackStaticSite, inputs, "");
    rollback(inputs, Service::static_site(inputs.static_site_id?))
}

/// Back to the deployment that is named, else to the last success before the
/// one that is live.
fn rollback(inputs: &Inputs, service: Service) -> Option<Task> {
    match &inputs.deployment_id {
        Some(id) => {
            let earlier = EarlierDeployment::named(id.0.clone());
            Some(Task::Deploy(DeployOperation::back_to(service, earlier)))
        }
        // One that cannot be read is a problem already.
        None if inputs.is_given("deployment-id") => None,
        None => Some(Task::RollBack(service)),
    }
}
