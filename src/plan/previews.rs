//! Actions on preview apps.

use super::fork::request_of;
use super::{Cleaning, Doubts, NewPreview, Preview, Task};
use crate::ci::{ChangeAction, ChangeState, Facts};
use crate::inputs::{ActionName, Flaw, Inputs};

/// A preview app that is made if it is not there, and deployed if it is.
pub(super) fn create(inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Option<Task> {
    new(ActionName::CreatePreviewApp, inputs, facts, doubts).map(Task::CreatePreview)
}

/// A preview app that is deleted.
pub(super) fn delete(inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Task {
    let action = ActionName::DeletePreviewApp;
    doubts.need(action, inputs, &["sevalla-token"]);
    let preview = preview(inputs, facts);
    if preview.app.is_none() && preview.branch.is_none() && preview.pull_request.is_none() {
        doubts.problem(
            Flaw::Missing,
            "app-id",
            "there is no preview to delete. Set `app-id`, `branch` or `pull-request-number`, or run \
             in a pull request",
        );
    }
    Task::DeletePreview(preview)
}

/// One or the other, as the event of the pull request asks.
pub(super) fn by_event(inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Option<Task> {
    let is_closed = request_of(inputs, facts).is_some_and(|request| {
        request.action == Some(ChangeAction::Closed)
            || request
                .state
                .is_some_and(|state| state != ChangeState::Open)
    });
    if is_closed {
        doubts.need(ActionName::Preview, inputs, &["sevalla-token"]);
        return Some(Task::EndPreview(preview(inputs, facts)));
    }
    let new = new(ActionName::Preview, inputs, facts, doubts)?;
    Some(Task::CreatePreview(NewPreview {
        ends_with_pull_request: true,
        ..new
    }))
}

/// Previews of closed pull requests, and previews that are too old.
pub(super) fn clean(inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Task {
    doubts.need(ActionName::CleanPreviews, inputs, &["sevalla-token"]);
    let closed_in = slug(facts).filter(|_| inputs.github_token.is_some());
    if closed_in.is_none() && inputs.max_age.is_none() && !inputs.is_given("max-age") {
        doubts.problem(
            Flaw::Missing,
            "max-age",
            "there is no rule for which previews to delete. Set `max-age`, or `github-token` to \
             delete those of closed pull requests",
        );
    }
    Task::CleanPreviews(Cleaning {
        max_age: inputs.max_age.map(|age| age.0),
        closed_in,
        most: usize::try_from(inputs.max_deletions.0).unwrap_or(usize::MAX),
    })
}

fn new(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    doubts: &mut Doubts,
) -> Option<NewPreview> {
    doubts.need(action, inputs, &["pipeline-id", "sevalla-token"]);
    let preview = preview(inputs, facts);
    if preview.branch.is_none()
        && !inputs.is_given("branch")
        && !super::fork::is_refused(action, inputs, facts)
    {
        doubts.problem(
            Flaw::Missing,
            "branch",
            "there is no branch to preview. Set `branch`, or run in a pull request",
        );
    }
    Some(NewPreview {
        pipeline: inputs.pipeline_id?,
        branch: preview.branch.clone()?,
        commit: commit(inputs, facts),
        preview,
        ends_with_pull_request: false,
    })
}

/// The commit at the tip of the branch to preview, if it is the CI's.
fn commit(inputs: &Inputs, facts: &Facts) -> Option<String> {
    let given = inputs.branch.as_ref().map(|branch| branch.name.clone());
    let previewed = given.or_else(|| own_branch(inputs, facts));
    let is_its = previewed.is_some() && previewed == facts.branch && !facts.is_of_fork();
    facts.commit.clone().filter(|_| is_its)
}

fn preview(inputs: &Inputs, facts: &Facts) -> Preview {
    let request = facts.change_request.as_ref();
    let branch = inputs.branch.as_ref().map(|branch| branch.name.clone());
    let number = inputs.pull_request_number.map(|number| number.0);
    Preview {
        app: inputs.app_id,
        pipeline: inputs.pipeline_id,
        branch: branch.or_else(|| own_branch(inputs, facts)),
        pull_request: number.or_else(|| request.map(|request| request.number)),
        repository: slug(facts),
    }
}

/// The branch of the pull request. One of a fork is not ours, whatever its
/// name: a stranger chose that.
fn own_branch(inputs: &Inputs, facts: &Facts) -> Option<String> {
    let request = request_of(inputs, facts)?;
    let is_fork = request.is_fork == Some(true);
    facts.branch.clone().filter(|_| !is_fork)
}

/// `owner/name` of the repository.
fn slug(facts: &Facts) -> Option<String> {
    let repository = facts.repository.as_ref()?;
    Some(repository.slug.clone())
}
