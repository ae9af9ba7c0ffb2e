//! Pull requests from forks. Sevalla builds branches of the connected
//! repository, so a preview or deployment for a fork's pull request would be of
//! something else: a branch of ours with the same name, or the default branch.

use crate::ci::{ChangeAction, ChangeRequest, ChangeState, Facts};
use crate::inputs::{ActionName, Inputs};

/// Why nothing is deployed for such a pull request.
pub(crate) const REASON: &str =
    "the pull request comes from a fork, whose branches Sevalla does not build";

/// What to do about it.
pub(crate) const ADVICE: &str = "Set on-fork to skip to let such runs pass";

/// Whether `on-fork: skip` ends the run, as far as the CI says that the pull
/// request is a fork's.
pub(crate) fn is_skipped(action: ActionName, inputs: &Inputs, facts: &Facts) -> bool {
    let request = fork_of(inputs, facts);
    match action {
        ActionName::DeployApp
        | ActionName::DeployStaticSite
        | ActionName::DeployStack
        | ActionName::PreviewStack
        | ActionName::Preview => facts.is_foreign || request.is_some_and(is_open),
        ActionName::CreatePreviewApp => facts.is_foreign || request.is_some(),
        _ => false,
    }
}

/// Whether `on-fork: fail` refuses the run. An image and a restart build no
/// branch, so they are what the user means.
pub(crate) fn is_refused(action: ActionName, inputs: &Inputs, facts: &Facts) -> bool {
    let builds_nothing = inputs.is_restart || inputs.is_given("docker-image");
    match action {
        ActionName::DeployApp if builds_nothing => false,
        // Each of its services is judged by itself, if the workflow's author wrote the
        // stack. In a file of the checkout, the fork chooses the images.
        ActionName::DeployStack if inputs.is_given("stack") => false,
        ActionName::PreviewStack => false,
        _ => is_skipped(action, inputs, facts),
    }
}

/// The pull request of the run, unless the user names another one: what the
/// CI says is not about that.
pub(crate) fn request_of<'a>(inputs: &Inputs, facts: &'a Facts) -> Option<&'a ChangeRequest> {
    let request = facts.change_request.as_ref()?;
    let number = inputs.pull_request_number.map(|number| number.0);
    number
        .is_none_or(|number| number == request.number)
        .then_some(request)
}

/// The pull request of the run, if its branch is in another repository.
fn fork_of<'a>(inputs: &Inputs, facts: &'a Facts) -> Option<&'a ChangeRequest> {
    request_of(inputs, facts).filter(|request| request.is_fork == Some(true))
}

/// Once it is merged, its commits are in a branch of ours.
fn is_open(request: &ChangeRequest) -> bool {
    let is_over = request
        .state
        .is_some_and(|state| state != ChangeState::Open);
    !is_over && request.action != Some(ChangeAction::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::environment::Variables;

    /// Whether a run is skipped and whether it is refused, by its action, what
    /// happened to the fork's pull request 7, and further inputs.
    fn judged(action: ActionName, event: &str, given: &[(&str, &str)]) -> (bool, bool) {
        let given = given
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let (inputs, _) = Inputs::read(&given.collect());
        let variables = Variables::from([
            ("CI_PIPELINE_EVENT", event),
            ("CI_COMMIT_PULL_REQUEST", "7"),
        ]);
        let mut facts = Facts::read(Host::Woodpecker, &variables);
        facts.change_request.as_mut().unwrap().is_fork = Some(true);
        (
            is_skipped(action, &inputs, &facts),
            is_refused(action, &inputs, &facts),
        )
    }

    #[test]
    fn what_builds_a_branch_for_an_open_pull_request_of_a_fork_is_refused() {
        use ActionName::{CreatePreviewApp, DeployApp, DeployStaticSite, PromoteApp};
        let open = "pull_request";
        let image = ("SEVALLA_DOCKER_IMAGE", "a:1");
        let restart = ("SEVALLA_IS_RESTART", "true");
        let same = ("SEVALLA_PULL_REQUEST_NUMBER", "7");
        let another = ("SEVALLA_PULL_REQUEST_NUMBER", "8");
        for (action, event, given, is_skipped, is_refused) in [
            (DeployApp, open, &[][..], true, true),
            (DeployStaticSite, open, &[], true, true),
            (CreatePreviewApp, open, &[same], true, true),
            (ActionName::Preview, open, &[], true, true),
            (DeployApp, open, &[image], true, false),
            (DeployApp, open, &[restart], true, false),
            (CreatePreviewApp, open, &[another], false, false),
            (DeployApp, "pull_request_closed", &[], false, false),
            (
                ActionName::Preview,
                "pull_request_closed",
                &[],
                false,
                false,
            ),
            (PromoteApp, open, &[], false, false),
        ] {
            let expected = (is_skipped, is_refused);
            assert_eq!(
                judged(action, event, given),
                expected,
                "{action:?} {given:?}"
            );
        }
    }
}
