//! What the run will do: inputs combined, defaults settled, contradictions
//! found. Pure: nothing is read or sent here.

mod report_paths;

use std::time::Duration;

use url::Url;

use crate::actions::deploy::rerun::RerunRule;
use crate::actions::deploy::resolve as deploy;
pub use crate::actions::deploy::tested_commit::{ExpectedRevision, GuardGap};
use crate::actions::doctor::resolve as doctor;
use crate::actions::manage::resolve as manage;
pub use crate::actions::manage::resolve::{
    Credentials, DatabaseConnection, DeleteRequest, ListTarget, NewDatabase, ResourceAction,
    ShowTarget, Update,
};
use crate::actions::named::{drop_unused, refuse_names};
use crate::actions::preview::resolve as preview;
pub use crate::actions::resolve::report_paths::{files, unusable_files};
use crate::actions::run_journal::RunJournal;
use crate::actions::stack::resolve as stack;
use crate::actions::task::{DeploymentSelector, Promotion, Task};
use crate::actions::validation::Validation;
use crate::ci::{Facts, Repository};
use crate::deployment::Service;
use crate::inputs::{
    Abandon, ActionName, Comment, ExpectedCommit, GivenName, Inputs, Logs, OnFailure, OnFork,
    OnMismatch, OnSkipped, Problem, ProblemKind, VerifyUrl, WhenBusy,
};
use crate::messages::Warning;
use crate::report_files::ReportFiles;
use crate::resource::MutableKind;
use crate::secret::{ApiToken, Password};
use crate::verify::Check;

/// What a run does, without a question left open.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the user's"
)]
pub struct Plan {
    /// What to do.
    pub task: Task,
    /// The key. Without one only a hook can be called, and nothing followed.
    pub token: Option<ApiToken>,
    /// The address of the API.
    pub api_url: Url,
    /// Follow what was started to its end.
    pub follow: bool,
    /// How long the whole run may take.
    pub timeout: Duration,
    /// What to do with the deployment when the time is over.
    pub on_timeout: Abandon,
    /// What to do with the deployment when the job is cancelled.
    pub on_cancel: Abandon,
    /// What to do after a failure.
    pub on_failure: OnFailure,
    /// What to do when another deployment waits or runs.
    pub when_busy: WhenBusy,
    /// The commit that the deployment must have.
    pub expected_commit: ExpectedRevision,
    /// What to do when it has another.
    pub on_mismatch: OnMismatch,
    /// What to do when it was skipped, if the user says so.
    pub on_skipped: Option<OnSkipped>,
    /// What to do when the pull request turns out to be a fork's.
    pub on_fork: OnFork,
    /// Whether what was deployed answers well.
    pub check: Option<Check>,
    /// Whether to empty the caches after a success.
    pub purge_cache: bool,
    /// Whether to comment on the pull request of a preview.
    pub comment: Comment,
    /// Where and with what to ask about pull requests.
    pub code_host: Option<(Repository, ApiToken)>,
    /// When to show the deployment's log.
    pub logs: Logs,
    /// The files to write.
    pub files: ReportFiles,
    /// Write a job summary.
    pub summary: bool,
    /// Only read.
    pub dry_run: bool,
    /// Where the run keeps its journal, if it keeps one.
    pub journal: Option<RunJournal>,
    /// How the deployment of an earlier attempt is recognized, if one is to be
    /// followed.
    pub rerun: Option<RerunRule>,
    /// The names whose ids are to be looked up before the task.
    pub(crate) names: Vec<GivenName>,
    /// Doubts about what the user gave that do not stop the run.
    pub warnings: Vec<(Warning, String)>,
}

/// Why the run does nothing at all, where that is the user's wish.
pub fn passes(inputs: &Inputs, facts: &Facts) -> Option<String> {
    let is_skipped = |action| crate::actions::preview::fork::is_skipped(action, inputs, facts);
    if inputs.on_fork == OnFork::Skip && action_of(inputs).is_some_and(is_skipped) {
        return Some(crate::actions::preview::fork::REASON.to_owned());
    }
    let lacks_key = !inputs.is_given("sevalla-token") && !inputs.is_given("deploy-hook-url");
    (inputs.skip_without_token && lacks_key).then(|| match why_no_secrets(facts) {
        Some(why) => format!("sevalla-token is missing: {why}"),
        None => "sevalla-token is missing".to_owned(),
    })
}

/// Why the CI withholds its secrets from this run, if it says that.
pub(crate) fn why_no_secrets(facts: &Facts) -> Option<&'static str> {
    let is_dependabot = facts.is_dependabot();
    facts.has_no_secrets().then_some(if is_dependabot {
        "Dependabot started this run, and its secrets are kept apart from those of the repository"
    } else {
        "the pull request comes from a fork, and CIs pass no secrets to those"
    })
}

impl Plan {
    /// Whether it is the doctor's, who reports what cannot be used and continues.
    pub const fn is_checkup(&self) -> bool {
        matches!(self.task, Task::CheckUp(_))
    }

    /// Combines the inputs with the CI's facts, or returns everything that
    /// does not fit, together with the `problems` that reading them brought.
    pub fn resolve(
        mut inputs: Inputs,
        facts: &Facts,
        problems: Vec<Problem>,
    ) -> Result<Self, Vec<Problem>> {
        let mut validation = Validation {
            problems,
            warnings: Vec::new(),
            why_no_secrets: why_no_secrets(facts),
        };
        name_branch(&mut inputs, facts, &mut validation);
        let task = action(&inputs, &mut validation)
            .and_then(|action| task(action, &mut inputs, facts, &mut validation));
        let journal = journal(&inputs, facts, &mut validation);
        let Some(task) = task.filter(|_| validation.problems.is_empty()) else {
            return Err(validation.problems);
        };
        let follow = inputs.wait_for_finish && can_follow(&task, &inputs, &mut validation);
        let expected_commit = ExpectedRevision::of(&inputs, facts);
        let check = check(&inputs);
        // What somebody else has started is theirs to stop.
        let on_cancel = inputs.on_cancel.unwrap_or(match task {
            Task::Follow(..) => Abandon::Leave,
            _ => Abandon::Cancel,
        });
        let (spelling, mut files) = (inputs.spelling("on-commit-mismatch"), files(&inputs));
        if let Task::CheckUp(_) = task {
            // Its report is another, and it looks up names in its own time.
            files.report = None;
            inputs.names.clear();
        }
        let plan = Self {
            task,
            files,
            token: inputs.sevalla_token,
            api_url: inputs.api_url.0,
            follow,
            timeout: inputs.timeout,
            on_timeout: inputs.on_timeout,
            on_cancel,
            on_failure: inputs.on_failure,
            when_busy: inputs.when_busy,
            expected_commit,
            on_mismatch: inputs.on_commit_mismatch,
            on_skipped: inputs.on_skipped,
            on_fork: inputs.on_fork,
            check,
            purge_cache: inputs.purge_cache,
            comment: inputs.comment,
            code_host: facts.repository.clone().zip(inputs.github_token),
            logs: inputs.logs,
            summary: inputs.summary,
            dry_run: inputs.dry_run,
            journal,
            rerun: RerunRule::of(inputs.on_rerun, facts),
            names: inputs.names,
            warnings: validation.warnings,
        };
        plan.with_guard(spelling)
    }

    /// This plan, unless the commit guard cannot do what the inputs ask for.
    fn with_guard(mut self, spelling: String) -> Result<Self, Vec<Problem>> {
        match self.gap() {
            Some(gap) if gap.is_fatal => {
                let message = format!("{}. {}", gap.headline(), gap.advice);
                Err(vec![Problem::new(
                    ProblemKind::Guard,
                    spelling,
                    None,
                    message,
                )])
            }
            gap => {
                let reported = gap.map(|gap| (Warning::CommitNotCompared, gap.as_warning()));
                self.warnings.extend(reported);
                Ok(self)
            }
        }
    }

    /// This plan with a password for a new database for which none was given.
    #[must_use]
    pub fn with_drawn(mut self, password: Option<Password>) -> Self {
        if let Task::Manage(management) = &mut self.task {
            management.draw(password);
        }
        self
    }
}

/// The action that the inputs name, or the only one that they leave.
pub fn action_of(inputs: &Inputs) -> Option<ActionName> {
    let app = inputs.is_given("app-id") || inputs.is_given("deploy-hook-url");
    match (inputs.action, app, inputs.is_given("static-site-id")) {
        (Some(action), _, _) => Some(action),
        // It is no action: what it was to be cannot be judged further.
        (None, _, _) if inputs.is_given("action") => None,
        (None, true, false) => Some(ActionName::DeployApp),
        (None, false, true) => Some(ActionName::DeployStaticSite),
        (None, ..) => None,
    }
}

/// The journal that the user wants, if the action has one.
fn journal(inputs: &Inputs, facts: &Facts, validation: &mut Validation) -> Option<RunJournal> {
    let action = action_of(inputs)?;
    let has = |name: &str| inputs.is_given(name) && !action.row().uses(name);
    validation.ignored(
        &format!("on {}", action.word()),
        [
            (has("state-file"), "state-file"),
            (has("run-key"), "run-key"),
            (has("on-rerun"), "on-rerun"),
        ],
    );
    if !action.row().uses("state-file") {
        return None;
    }
    let Some(path) = inputs.state_file.clone() else {
        let is_alone = inputs.is_given("run-key");
        validation.ignored("without state-file", [(is_alone, "run-key")]);
        return None;
    };
    // What it has written is looked up, and the file is authenticated with it.
    validation.need_token(inputs);
    let given = inputs.run_key.as_ref().map(|key| key.0.clone());
    let Some(key) = given.or_else(|| facts.run_key.clone()) else {
        if !inputs.is_given("run-key") {
            validation.problem(
                ProblemKind::Missing,
                "run-key",
                "`state-file` requires it, since no CI names this run. Set `run-key` to a name that \
                 only this run and its further attempts have",
            );
        }
        return None;
    };
    Some(RunJournal {
        path,
        key,
        attempt: facts.attempt.clone(),
        action,
    })
}

/// What is to be checked after a success.
pub(crate) fn check(inputs: &Inputs) -> Option<Check> {
    let address = match inputs.verify_url.clone()? {
        VerifyUrl::Auto => None,
        VerifyUrl::At(address) => Some(address),
    };
    Some(Check {
        address,
        statuses: inputs.verify_status.clone(),
        expectation: inputs.verify_contains.clone(),
        successes: inputs.verify_successes.0,
        timeout: inputs.verify_timeout,
    })
}

/// Takes the branch that the user gives for what the CI means by this text.
fn name_branch(inputs: &mut Inputs, facts: &Facts, validation: &mut Validation) {
    let Some(branch) = &mut inputs.branch else {
        return;
    };
    if facts.branch_spelling.as_ref() == Some(&branch.name)
        && let Some(name) = &facts.branch
    {
        branch.name.clone_from(name);
    }
    // In a run for a tag, most variables for the branch hold the tag.
    let is_tag = facts.branch.is_none() && facts.tag.as_ref() == Some(&branch.name);
    if is_tag && !branch.is_reference {
        let message = format!(
            "it is the tag that this run is for, and Sevalla deploys branches. If there is a \
             branch of this name, write refs/heads/{}",
            branch.name
        );
        validation.problem(ProblemKind::Unusable, inputs.spelling("branch"), &message);
    }
}

pub(crate) fn action(inputs: &Inputs, validation: &mut Validation) -> Option<ActionName> {
    let action = action_of(inputs);
    if action.is_some() || inputs.is_given("action") {
        // Whatever it was to be: only calling a hook needs no key.
        let may_call = action.is_some() || inputs.is_given("deploy-hook-url");
        if !may_call {
            validation.need_token(inputs);
        }
        return action;
    }
    if inputs.is_given("static-site-id") {
        let app = ["app-id", "deploy-hook-url"];
        let app = app.into_iter().find(|name| inputs.is_given(name));
        let message = format!(
            "{} names an application and {} a static site. Set `action` to deploy-app or \
             deploy-static-site",
            inputs.spelling(app.unwrap_or("app-id")),
            inputs.spelling("static-site-id")
        );
        validation.problem(ProblemKind::Conflict, "action", &message);
        return None;
    }
    validation.problem(
        ProblemKind::Missing,
        "app-id",
        "there is nothing to deploy. Set `app-id` (or `deploy-hook-url`) for an application, \
         `static-site-id` for a static site, or `action` for anything else",
    );
    validation.need_token(inputs);
    None
}

/// Whether an action must not start after a workflow or check that did not
/// succeed: it deploys what that has tested.
fn asks_for_result(action: ActionName, inputs: &Inputs) -> bool {
    inputs.expected_commit != ExpectedCommit::Off
        && matches!(
            action,
            ActionName::DeployApp
                | ActionName::DeployStaticSite
                | ActionName::PromoteApp
                | ActionName::CreatePreviewApp
                | ActionName::Preview
                | ActionName::PreviewStack
        )
}

/// Whether the deployment that the task starts can be followed; a warning if not.
fn can_follow(task: &Task, inputs: &Inputs, validation: &mut Validation) -> bool {
    let can_follow = match task {
        Task::Deploy(work) => inputs.sevalla_token.is_some() && work.service().is_some(),
        _ => true,
    };
    if !can_follow {
        validation.warnings.push((
            Warning::DeploymentNotFollowed,
            "The deployment cannot be followed: that needs sevalla-token, and app-id where the \
             hook's address does not name the application. The run ends once the deployment is \
             started."
                .to_owned(),
        ));
    }
    can_follow
}

/// Notes what speaks against the action, whatever its own inputs are.
fn object(action: ActionName, inputs: &Inputs, facts: &Facts, validation: &mut Validation) {
    if let Some(failed) = facts
        .failed_upstream
        .as_ref()
        .filter(|_| asks_for_result(action, inputs))
    {
        let event = facts.event.as_deref().unwrap_or("event");
        let message = format!(
            "{failed}, and only what has passed is deployed. Add a condition on its success to the \
             job, such as `if: github.event.workflow_run.conclusion == 'success'`, or set \
             expected-commit to off to deploy whatever the result"
        );
        validation.problem(ProblemKind::Upstream, event, &message);
    }
    validation.ignored(
        "with expected-commit: off",
        [(
            inputs.expected_commit == ExpectedCommit::Off
                && inputs.on_commit_mismatch != OnMismatch::Warn,
            "on-commit-mismatch",
        )],
    );
    if crate::actions::preview::fork::is_refused(action, inputs, facts) {
        let message = format!(
            "{}. {}",
            crate::actions::preview::fork::REASON,
            crate::actions::preview::fork::ADVICE
        );
        validation.problem(ProblemKind::Fork, "on-fork", &message);
    }
}

/// What the action comes to with these inputs.
fn task(
    action: ActionName,
    inputs: &mut Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<Task> {
    drop_unused(action, inputs, validation);
    object(action, inputs, facts, validation);
    refuse_names(action, inputs, validation);
    // The doctor has a line about the key, unless it cannot begin.
    let has_line = action == ActionName::Doctor && validation.problems.is_empty();
    // A preview that is to be deleted requires less.
    if action != ActionName::Preview && !has_line {
        validation.need(action, inputs);
    }
    task_of(action, inputs, facts, validation)
}

fn task_of(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    validation: &mut Validation,
) -> Option<Task> {
    use MutableKind::{Application, Database, StaticSite};
    let managed = match action {
        ActionName::DeployApp => return deploy::application(inputs, validation).map(Task::Deploy),
        ActionName::DeployStaticSite => {
            return deploy::static_site(inputs, validation).map(Task::Deploy);
        }
        ActionName::RollbackApp => return deploy::rollback_application(inputs, validation),
        ActionName::RollbackStaticSite => return deploy::rollback_static_site(inputs, validation),
        ActionName::PromoteApp => return promote(inputs, validation),
        ActionName::CreatePreviewApp => return preview::create(inputs, facts, validation),
        ActionName::DeletePreviewApp => return Some(preview::delete(inputs, facts, validation)),
        ActionName::Preview => return preview::by_event(inputs, facts, validation),
        ActionName::CleanPreviews => return Some(preview::clean(inputs, facts, validation)),
        ActionName::DeployStack | ActionName::PlanStack | ActionName::PreviewStack => {
            return stack::task(action, inputs, facts, validation);
        }
        ActionName::Follow => return follow(inputs, facts, validation),
        ActionName::Cancel => return cancel(inputs, validation),
        ActionName::Doctor => return Some(Task::CheckUp(Box::new(doctor::checkup(inputs, facts)))),
        ActionName::List => manage::list(inputs, validation),
        ActionName::Show => manage::show(inputs, validation),
        ActionName::UpdateApp => manage::update(Application, inputs, validation),
        ActionName::UpdateStaticSite => manage::update(StaticSite, inputs, validation),
        ActionName::UpdateDatabase => manage::update(Database, inputs, validation),
        ActionName::DeleteApp => manage::delete(Application, inputs),
        ActionName::DeleteStaticSite => manage::delete(StaticSite, inputs),
        ActionName::DeleteDatabase => manage::delete(Database, inputs),
        ActionName::CreateDatabase => manage::create(inputs, validation),
        ActionName::ConnectDatabase => manage::connect(inputs, validation),
        ActionName::PurgeCache => one_service(inputs, validation).map(ResourceAction::Purge),
        ActionName::ToggleCdn => manage::toggle_cdn(inputs),
    };
    Some(Task::Manage(Box::new(managed?)))
}

pub(crate) fn promote(inputs: &Inputs, validation: &mut Validation) -> Option<Task> {
    let promotion = Promotion {
        pipeline: inputs.pipeline_id?,
        source: inputs.source_app_id?,
        targets: inputs.target_app_ids.clone()?.0,
    };
    if promotion.targets.contains(&promotion.source) {
        validation.problem(
            ProblemKind::Conflict,
            inputs.spelling("target-app-ids"),
            "the source is among the targets. Remove it",
        );
    }
    validation.ignored(
        "on promote-app: each target has a queue of its own",
        [(inputs.when_busy != WhenBusy::Queue, "when-busy")],
    );
    Some(Task::Promote(promotion))
}

pub(crate) fn follow(inputs: &Inputs, facts: &Facts, validation: &mut Validation) -> Option<Task> {
    let service = one_service(inputs, validation);
    let sought = match (&inputs.deployment_id, &inputs.expected_commit) {
        (Some(id), _) => Some(DeploymentSelector::Known(id.0.clone())),
        (None, _) if inputs.is_given("deployment-id") => None,
        (None, expected) => {
            let commit = match expected {
                ExpectedCommit::Is(commit) => Some(commit.0.clone()),
                ExpectedCommit::Auto => facts.commit.clone(),
                ExpectedCommit::Off => None,
            };
            if commit.is_none() {
                validation.problem(
                    ProblemKind::Missing,
                    "deployment-id",
                    "there is no deployment to follow. Set `deployment-id`, or `expected-commit` to \
                     the commit whose deployment Sevalla starts by itself",
                );
            }
            // The CI's branch goes with the CI's commit.
            let its = matches!(expected, ExpectedCommit::Auto);
            let branch = inputs.branch.as_ref().map(|branch| branch.name.clone());
            Some(DeploymentSelector::OfCommit {
                commit: commit?,
                branch: branch.or_else(|| facts.branch.clone().filter(|_| its)),
            })
        }
    };
    Some(Task::Follow(service?, sought?))
}

fn cancel(inputs: &Inputs, validation: &mut Validation) -> Option<Task> {
    let service = one_service(inputs, validation);
    let id = inputs.deployment_id.as_ref()?.0.clone();
    Some(Task::Cancel(service?, id))
}

/// The one service that the inputs name.
pub(crate) fn one_service(inputs: &Inputs, validation: &mut Validation) -> Option<Service> {
    if inputs.is_given("app-id") && inputs.is_given("static-site-id") {
        let app = inputs.spelling("app-id");
        let message = format!("{app} is given too, and the action takes one. Remove one of them");
        validation.problem(
            ProblemKind::Conflict,
            inputs.spelling("static-site-id"),
            &message,
        );
    }
    let app = inputs.app_id.map(Service::application);
    app.or(inputs.static_site_id.map(Service::static_site))
}

#[cfg(test)]
mod tests;
