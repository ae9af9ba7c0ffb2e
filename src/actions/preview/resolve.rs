//! Actions on preview apps.

use crate::actions::preview::fork::request_of;
use crate::actions::task::{CleanupPolicy, Preview, PreviewSelector, Task};
use crate::actions::validation::Validation;
use crate::branch::is_same;
use crate::ci::{ChangeAction, ChangeState, Facts, Repository};
use crate::inputs::{ActionName, Inputs, ProblemKind};

/// A preview app that is made if it is not there, and deployed if it is.
pub(crate) fn create(inputs: &Inputs, facts: &Facts, validation: &mut Validation) -> Option<Task> {
    wanted(ActionName::CreatePreviewApp, inputs, facts, validation).map(Task::CreatePreview)
}

/// A preview app that is deleted.
pub(crate) fn delete(inputs: &Inputs, facts: &Facts, validation: &mut Validation) -> Task {
    let preview = preview(inputs, facts);
    if preview.app.is_none() && preview.branch.is_none() && preview.pull_request.is_none() {
        validation.problem(
            ProblemKind::Missing,
            "app-id",
            "there is no preview to delete. Set `app-id`, `branch` or `pull-request-number`, or run \
             in a pull request",
        );
    }
    Task::DeletePreview(preview)
}

/// One or the other, as the event of the pull request asks.
pub(crate) fn by_event(
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<Task> {
    if is_closed(inputs, facts) {
        validation.need_token(inputs);
        return Some(Task::EndPreview(preview(inputs, facts)));
    }
    validation.need(ActionName::Preview, inputs);
    let wanted = wanted(ActionName::Preview, inputs, facts, validation)?;
    Some(Task::CreatePreview(PreviewSelector {
        ends_with_pull_request: true,
        ..wanted
    }))
}

/// Whether the CI says that the pull request of the run is closed.
pub(crate) fn is_closed(inputs: &Inputs, facts: &Facts) -> bool {
    request_of(inputs, facts).is_some_and(|request| {
        request.action == Some(ChangeAction::Closed)
            || request
                .state
                .is_some_and(|state| state != ChangeState::Open)
    })
}

/// Previews of closed pull requests, and previews that are too old.
pub(crate) fn clean(inputs: &Inputs, facts: &Facts, validation: &mut Validation) -> Task {
    let has_api = |repository: &&Repository| repository.api.is_some();
    let repository = facts.repository.as_ref().filter(has_api);
    let has_token = inputs.github_token.is_some();
    validation.ignored(
        "on the pull requests: the CI does not say where they can be read",
        [(has_token && repository.is_none(), "github-token")],
    );
    let closed_in = repository.map(|repository| repository.slug.clone());
    let closed_in = closed_in.filter(|_| has_token);
    if closed_in.is_none() && inputs.max_age.is_none() && !inputs.is_given("max-age") {
        validation.problem(
            ProblemKind::Missing,
            "max-age",
            "there is no rule for which previews to delete. Set `max-age`, or `github-token` to \
             delete those of closed pull requests",
        );
    }
    Task::CleanPreviews(CleanupPolicy {
        max_age: inputs.max_age.map(|age| age.0),
        closed_in,
        most: usize::try_from(inputs.max_deletions.0).unwrap_or(usize::MAX),
    })
}

fn wanted(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<PreviewSelector> {
    let preview = preview(inputs, facts);
    let is_refused = crate::actions::preview::fork::is_refused(action, inputs, facts);
    let can_ask = can_ask(inputs, facts);
    let is_branch_given = inputs.is_given("branch");
    let is_unknown = preview.pull_request.is_some() && preview.is_fork.is_none();
    if !is_branch_given && !is_refused && !can_ask {
        let of_ci = branch_of_event(inputs, facts);
        if preview.branch.is_none() && of_ci.is_none() {
            let advice = match preview.pull_request {
                Some(_) => "`github-token`, so that the pull request can be read, or `branch`",
                None => "`branch`, or run in a pull request",
            };
            let message = format!("there is no branch to preview. Set {advice}");
            validation.problem(ProblemKind::Missing, "branch", &message);
        } else if is_unknown {
            validation.problem(
                ProblemKind::Missing,
                "github-token",
                "the CI does not say whether the pull request comes from a fork, and a fork's \
                 branch may have the name of one of yours; set it, so that the pull request can be \
                 read, or set branch to a branch of your repository",
            );
        }
    }
    Some(PreviewSelector {
        pipeline: inputs.pipeline_id?,
        needs_pull_request: can_ask && (preview.branch.is_none() || is_unknown),
        commit: commit(inputs, facts),
        is_branch_given,
        preview,
        ends_with_pull_request: false,
    })
}

/// Whether the code host can be asked about the pull request.
pub(super) fn can_ask(inputs: &Inputs, facts: &Facts) -> bool {
    let has_number = inputs.pull_request_number.is_some() || facts.change_request.is_some();
    let repository = facts.repository.as_ref();
    let has_api = repository.is_some_and(|repository| repository.api.is_some());
    has_number && has_api && inputs.github_token.is_some()
}

/// The commit at the tip of the branch to preview, if it is the CI's.
pub(super) fn commit(inputs: &Inputs, facts: &Facts) -> Option<String> {
    let given = inputs.branch.as_ref().map(|branch| branch.name.clone());
    let previewed = given.or_else(|| branch_of_event(inputs, facts))?;
    let of_ci = facts.branch.as_deref();
    let is_its = of_ci.is_some_and(|branch| is_same(branch, &previewed)) && !facts.is_of_fork();
    facts.commit.clone().filter(|_| is_its)
}

pub(super) fn preview(inputs: &Inputs, facts: &Facts) -> Preview {
    let request = facts.change_request.as_ref();
    let branch = inputs.branch.as_ref().map(|branch| branch.name.clone());
    let number = inputs.pull_request_number.map(|number| number.0);
    let of_event = request_of(inputs, facts);
    let is_fork = of_event.and_then(|request| request.is_fork);
    // One that may be a fork's is not ours, whatever its name: a stranger may
    // have chosen that.
    let own = || branch_of_event(inputs, facts).filter(|_| is_fork == Some(false));
    Preview {
        app: inputs.app_id,
        pipeline: inputs.pipeline_id,
        branch: branch.or_else(own),
        pull_request: number.or_else(|| request.map(|request| request.number)),
        is_fork,
        repository: slug(facts),
    }
}

/// The branch of that pull request, as the CI names it.
fn branch_of_event(inputs: &Inputs, facts: &Facts) -> Option<String> {
    request_of(inputs, facts)?;
    facts.branch.clone()
}

/// `owner/name` of the repository.
fn slug(facts: &Facts) -> Option<String> {
    let repository = facts.repository.as_ref()?;
    Some(repository.slug.clone())
}
