//! From a stack file and a pull request to the previews of the stack.

use uuid::Uuid;

use crate::actions::preview::resolve::{can_ask, commit, is_closed, preview};
use crate::actions::preview::stack::StackPreviewTask;
use crate::actions::stack::StackTask;
use crate::actions::stack::resolve::stack;
use crate::actions::task::{PreviewSelector, Task};
use crate::actions::validation::Validation;
use crate::ci::Facts;
use crate::inputs::{ActionName, Comment, Inputs, Problem, ProblemKind};
use crate::messages::Failure;

/// The previews of a stack for the pull request of the run.
pub(crate) fn preview_stack(
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<Task> {
    let preview = preview(inputs, facts);
    if preview.pull_request.is_none() {
        let message =
            "there is no pull request. Set `pull-request-number`, or run in a pull request";
        validation.problem(ProblemKind::Missing, "pull-request-number", message);
    } else if inputs.github_token.is_some() && !can_ask(inputs, facts) {
        let message = "the CI does not say where the API of the repository is, so the pull request \
                       cannot be read. Remove it";
        validation.problem(
            ProblemKind::Conflict,
            inputs.spelling("github-token"),
            message,
        );
    }
    if inputs.comment == Comment::Never {
        let message = "the comment on the pull request keeps which preview app belongs to which \
                       service. Remove it";
        validation.problem(ProblemKind::Conflict, inputs.spelling("comment"), message);
    }
    let is_closed = is_closed(inputs, facts);
    let stack = if is_closed {
        // Which previews there are is in the comment.
        let is_of_file = |problem: &Problem| problem.failure() == Failure::UnusableStack;
        validation.problems.retain(|problem| !is_of_file(problem));
        StackTask::default()
    } else {
        let stack = stack(ActionName::PreviewStack, inputs, facts, validation)?;
        if stack.previews.is_empty() {
            let message = "the stack has no `previews`. Add the services that get a preview";
            validation.problem(ProblemKind::Missing, "stack", message);
        }
        stack
    };
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
