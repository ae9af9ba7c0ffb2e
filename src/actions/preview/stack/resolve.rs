//! From a stack file and a pull request to the previews of the stack.

use uuid::Uuid;

use crate::actions::preview::fork::request_of;
use crate::actions::preview::resolve::{can_ask, commit, preview};
use crate::actions::preview::stack::StackPreviewTask;
use crate::actions::stack::resolve::stack;
use crate::actions::task::{PreviewSelector, Task};
use crate::actions::validation::Validation;
use crate::ci::{ChangeAction, ChangeState, Facts};
use crate::inputs::{ActionName, Comment, Inputs, ProblemKind};

/// The previews of a stack for the pull request of the run.
pub(crate) fn preview_stack(
    inputs: &Inputs,
    facts: &Facts,
    doubts: &mut Validation,
) -> Option<Task> {
    let preview = preview(inputs, facts);
    if preview.pull_request.is_none() {
        let message =
            "there is no pull request. Set `pull-request-number`, or run in a pull request";
        doubts.problem(ProblemKind::Missing, "pull-request-number", message);
    } else if inputs.github_token.is_some() && !can_ask(inputs, facts) {
        let message = "the CI does not say where the API of the repository is, so the pull request \
                       cannot be read. Remove it";
        doubts.problem(
            ProblemKind::Conflict,
            inputs.spelling("github-token"),
            message,
        );
    }
    if inputs.comment == Comment::Never {
        let message = "the comment on the pull request keeps which preview app belongs to which \
                       service. Remove it";
        doubts.problem(ProblemKind::Conflict, inputs.spelling("comment"), message);
    }
    let stack = stack(ActionName::PreviewStack, inputs, facts, doubts)?;
    if stack.previews.is_empty() {
        let message = "the stack has no `previews`. Add the services that get a preview";
        doubts.problem(ProblemKind::Missing, "stack", message);
    }
    let is_closed = request_of(inputs, facts).is_some_and(|request| {
        request.action == Some(ChangeAction::Closed)
            || request
                .state
                .is_some_and(|state| state != ChangeState::Open)
    });
    let wanted = PreviewSelector {
        // Each service has its own.
        pipeline: Uuid::nil(),
        commit: commit(inputs, facts),
        is_branch_given: false,
        needs_pull_request: true,
        ends_with_pull_request: true,
        preview,
    };
    Some(Task::PreviewStack(Box::new(StackPreviewTask {
        stack,
        wanted,
        is_closed,
    })))
}
