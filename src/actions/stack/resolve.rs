//! From a stack file to the deployments of its services, each as the inputs of an
//! ordinary run would make it.

use crate::actions::preview::stack::resolve::preview_stack;
use crate::actions::resolve::Plan;
use crate::actions::stack::{RunRevision, StackMember, StackTask};
use crate::actions::task::Task;
use crate::actions::validation::Validation;
use crate::ci::Facts;
use crate::files;
use crate::inputs::{ActionName, Inputs, Problem, ProblemKind, StackText};
use crate::messages::Warning;
use crate::path_filter::PathFilter;
use crate::stack::{self, LARGEST, PlacedText, Stack, StackService};

/// The most entries of a checkout that are looked through.
const MOST_ENTRIES: usize = 50_000;

/// Whether an action is about a stack.
const fn is_of_stack(action: Option<ActionName>) -> bool {
    matches!(
        action,
        Some(ActionName::DeployStack | ActionName::PlanStack | ActionName::PreviewStack)
    )
}

/// The inputs with the text of the stack file, if the action needs one and no text
/// is given.
pub(crate) fn with_file(mut inputs: Inputs, problems: &mut Vec<Problem>) -> Inputs {
    if !is_of_stack(inputs.action) || inputs.is_given("stack") {
        return inputs;
    }
    let read = files::read(&inputs.stack_file, LARGEST);
    let text = read.map_err(|error| error.to_string()).and_then(|content| {
        String::from_utf8(content).map_err(|_| "it is not UTF-8 text".to_owned())
    });
    match text {
        Ok(text) => inputs.stack = Some(StackText(text)),
        Err(error) => {
            let message = format!(
                "{} cannot be read: {error}. Check out the repository first, or set `stack-file`",
                inputs.stack_file.display()
            );
            let spelling = inputs.spelling("stack-file");
            problems.push(Problem::new(ProblemKind::Stack, spelling, None, message));
        }
    }
    inputs
}

/// What the action does with the stack that the inputs describe.
pub(crate) fn task(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<Task> {
    if action == ActionName::PreviewStack {
        return preview_stack(inputs, facts, validation);
    }
    let stack = Box::new(stack(action, inputs, facts, validation)?);
    Some(match action {
        ActionName::PlanStack => Task::PlanStack(stack),
        _ => Task::DeployStack(stack),
    })
}

/// The stack that the inputs describe.
pub(crate) fn stack(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<StackTask> {
    validation.unused(action, inputs, ": the stack file names what is deployed");
    if !inputs.wait_for_finish {
        let spelling = inputs.spelling("wait-for-finish");
        let message =
            "a service starts when those before it are live, so each is followed. Remove it";
        validation.problem(ProblemKind::Conflict, spelling, message);
    }
    let file = if inputs.is_given("stack") {
        inputs.spelling("stack")
    } else {
        inputs.stack_file.display().to_string()
    };
    let Some(text) = &inputs.stack else {
        // A file that cannot be read is a problem already.
        if validation.problems.is_empty() {
            let message = "there is no stack. Set `stack` or `stack-file`";
            validation.problem(ProblemKind::Missing, "stack", message);
        }
        return None;
    };
    let (parsed, problems) = stack::parse(&text.0);
    for problem in problems {
        let message = problem.to_string();
        validation.problem(ProblemKind::Stack, file.clone(), &message);
    }
    warn_of_paths(&parsed, &file, validation);
    let order = parsed.order();
    let members = parsed.services.into_iter();
    let members: Vec<_> = members
        .filter_map(|service| member(service, inputs, &file, facts, validation))
        .collect();
    Some(StackTask {
        file,
        order,
        members,
        previews: parsed.previews,
        revision: RunRevision {
            commit: facts.commit.clone(),
            branch: facts.branch.clone(),
        },
        only_changed: inputs.only_changed,
        with_dependents: inputs.with_dependents,
    })
}

/// Warns of each glob that matches nothing, where the files are known: in a
/// checkout.
fn warn_of_paths(stack: &Stack, file: &str, validation: &mut Validation) {
    let globs = stack.services.iter().flat_map(|service| &service.paths);
    let globs: Vec<&PlacedText> = globs.collect();
    if globs.is_empty() || !validation.problems.is_empty() {
        return;
    }
    let Some(files) = files::checkout(MOST_ENTRIES) else {
        return;
    };
    for glob in globs {
        let filter = PathFilter::of_paths(std::slice::from_ref(&glob.value));
        if !files.iter().any(|file| filter.includes(file)) {
            let text = format!(
                "{file}: {}: {:?} matches no file of the checkout.",
                glob.place, glob.value
            );
            validation.warnings.push((Warning::PathsWithoutFile, text));
        }
    }
}

/// A service with the plan of its own deployment.
fn member(
    service: StackService,
    inputs: &Inputs,
    file: &str,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<StackMember> {
    let (own, problems) = inputs.of_service(&service, file, facts.commit.as_deref());
    let name = own.names.first().cloned();
    let problems = match Plan::resolve(own, facts, problems) {
        Ok(mut plan) => {
            for (warning, text) in std::mem::take(&mut plan.warnings) {
                if !validation.warnings.iter().any(|(_, known)| *known == text) {
                    validation.warnings.push((warning, text));
                }
            }
            let Task::Deploy(operation) = plan.task.clone() else {
                return None;
            };
            return Some(StackMember {
                service,
                name,
                operation,
                plan,
            });
        }
        Err(problems) => problems,
    };
    for problem in problems {
        if !validation.problems.contains(&problem) {
            validation.problems.push(problem);
        }
    }
    None
}
