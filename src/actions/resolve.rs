//! What the run will do: inputs combined, defaults settled, contradictions
//! found. Pure: nothing is read or sent here.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

pub use crate::actions::deploy::tested_commit::{ExpectedRevision, GuardGap};
pub use crate::actions::manage::resolve::{
    Credentials, DatabaseConnection, DeleteRequest, ListTarget, NewDatabase, ResourceAction,
    ShowTarget, Update,
};
use crate::actions::task::{DeploymentSelector, Promotion, Task};
use crate::actions::validation::Validation;
use crate::ci::{Facts, Repository};
use crate::deployment::Service;
use crate::files::{FileIdentity, are_one};
use crate::inputs::{
    Abandon, ActionName, Comment, ExpectedCommit, Inputs, Logs, OnFailure, OnFork, OnMismatch,
    OnSkipped, Problem, ProblemKind, VerifyUrl, WhenBusy,
};
use crate::messages::Warning;
use crate::report_files::ReportFiles;
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
    /// Combines the inputs with what the CI tells, or tells everything that
    /// does not fit, together with the `problems` that reading them brought.
    pub fn resolve(
        mut inputs: Inputs,
        facts: &Facts,
        problems: Vec<Problem>,
    ) -> Result<Self, Vec<Problem>> {
        let mut doubts = Validation {
            problems,
            warnings: Vec::new(),
            why_no_secrets: why_no_secrets(facts),
        };
        name_branch(&mut inputs, facts, &mut doubts);
        let task = action(&inputs, &mut doubts)
            .and_then(|action| task_of(action, &inputs, facts, &mut doubts));
        let Some(task) = task.filter(|_| doubts.problems.is_empty()) else {
            return Err(doubts.problems);
        };
        let follow = inputs.wait_for_finish && can_follow(&task, &inputs, &mut doubts);
        let expected_commit = ExpectedRevision::of(&inputs, facts);
        let check = check(&inputs);
        // What somebody else has started is theirs to stop.
        let on_cancel = inputs.on_cancel.unwrap_or(match task {
            Task::Follow(..) => Abandon::Leave,
            _ => Abandon::Cancel,
        });
        let spelling = inputs.spelling("on-commit-mismatch");
        let plan = Self {
            task,
            files: files(&inputs),
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
            warnings: doubts.warnings,
        };
        plan.with_guard(spelling)
    }

    /// The same, unless the commit guard cannot do what it was asked for.
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
                let told = gap.map(|gap| (Warning::CommitNotCompared, gap.as_warning()));
                self.warnings.extend(told);
                Ok(self)
            }
        }
    }

    /// The same with a password for a new database for which none was given.
    #[must_use]
    pub fn with_drawn(mut self, password: Option<Password>) -> Self {
        if let Task::Manage(management) = &mut self.task {
            management.draw(password);
        }
        self
    }
}

/// The files that the user wants written.
pub fn files(inputs: &Inputs) -> ReportFiles {
    ReportFiles {
        log: inputs.log_file.clone(),
        report: inputs.report_file.clone(),
        junit: inputs.junit_file.clone(),
        code_quality: inputs.code_quality_file.clone(),
        outputs: inputs.output_file.clone(),
        links: inputs.links_file.clone(),
        page: inputs.html_report.clone(),
    }
}

/// The problems of the files that are to be written: two that are the same, of
/// which only the last would remain; one that the CI reads, by the variable
/// that names it; and one behind a link that a checkout can contain. The last
/// two are taken out of `files`, because reports are written after a refusal
/// too.
pub fn unusable_files(
    inputs: &Inputs,
    files: &mut ReportFiles,
    of_ci: &[(String, PathBuf)],
) -> Vec<Problem> {
    let files = [
        ("log-file", &mut files.log),
        ("report-file", &mut files.report),
        ("junit-file", &mut files.junit),
        ("code-quality-file", &mut files.code_quality),
        ("output-file", &mut files.outputs),
        ("links-file", &mut files.links),
        ("html-report", &mut files.page),
    ];
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    let mut problems = Vec::new();
    for (name, file) in files {
        let Some(path) = file.clone() else {
            continue;
        };
        let mut refuse = |reason: String| {
            let spelling = inputs.spelling(name);
            problems.push(Problem::new(ProblemKind::Conflict, spelling, None, reason));
        };
        if let Some((variable, _)) = of_ci.iter().find(|(_, other)| are_one(&path, other)) {
            refuse(format!(
                "it names the same file as {variable}, which belongs to the CI. Set another path"
            ));
            *file = None;
        }
        // What cannot be written for another reason is a warning later on.
        let place = FileIdentity::of(&path).ok();
        if let Some(objection) = place.as_ref().and_then(FileIdentity::objection) {
            refuse(format!("{objection}. Set the path of the file itself"));
            *file = None;
        }
        let path = place.map_or(path, |place| place.path);
        match seen.iter().find(|(_, other)| *other == path) {
            Some((other, _)) => refuse(format!(
                "it names the same file as {}",
                inputs.spelling(other)
            )),
            None => seen.push((name, path)),
        }
    }
    problems
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
fn name_branch(inputs: &mut Inputs, facts: &Facts, doubts: &mut Validation) {
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
        doubts.problem(ProblemKind::Unusable, inputs.spelling("branch"), &message);
    }
}

pub(crate) fn action(inputs: &Inputs, doubts: &mut Validation) -> Option<ActionName> {
    let action = action_of(inputs);
    if action.is_some() || inputs.is_given("action") {
        // Whatever it was to be: only calling a hook needs no key.
        let may_call = action.is_some() || inputs.is_given("deploy-hook-url");
        if !may_call && !inputs.is_given("sevalla-token") {
            doubts.need_token();
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
        doubts.problem(ProblemKind::Conflict, "action", &message);
        return None;
    }
    doubts.problem(
        ProblemKind::Missing,
        "app-id",
        "there is nothing to deploy. Set `app-id` (or `deploy-hook-url`) for an application, \
         `static-site-id` for a static site, or `action` for anything else",
    );
    if !inputs.is_given("sevalla-token") {
        doubts.need_token();
    }
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
        )
}

/// Whether the deployment that the task starts can be followed; a warning if not.
fn can_follow(task: &Task, inputs: &Inputs, doubts: &mut Validation) -> bool {
    let can_follow = match task {
        Task::Deploy(work) => inputs.sevalla_token.is_some() && work.service().is_some(),
        _ => true,
    };
    if !can_follow {
        doubts.warnings.push((
            Warning::DeploymentNotFollowed,
            "The deployment cannot be followed: that needs sevalla-token, and app-id where the \
             hook's address does not tell the application. The run ends once the deployment is \
             started."
                .to_owned(),
        ));
    }
    can_follow
}

/// Notes what speaks against the action, whatever its own inputs are.
fn object(action: ActionName, inputs: &Inputs, facts: &Facts, doubts: &mut Validation) {
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
        doubts.problem(ProblemKind::Upstream, event, &message);
    }
    doubts.ignored(
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
        doubts.problem(ProblemKind::Fork, "on-fork", &message);
    }
}

/// The action as these inputs describe it.
fn task_of(
    action: ActionName,
    inputs: &Inputs,
    facts: &Facts,
    doubts: &mut Validation,
) -> Option<Task> {
    object(action, inputs, facts, doubts);
    match action {
        ActionName::DeployApp => {
            crate::actions::deploy::resolve::application(inputs, doubts).map(Task::Deploy)
        }
        ActionName::DeployStaticSite => {
            crate::actions::deploy::resolve::static_site(inputs, doubts).map(Task::Deploy)
        }
        ActionName::RollbackApp => {
            crate::actions::deploy::resolve::rollback_application(inputs, doubts)
        }
        ActionName::RollbackStaticSite => {
            crate::actions::deploy::resolve::rollback_static_site(inputs, doubts)
        }
        ActionName::PromoteApp => promote(inputs, doubts),
        ActionName::CreatePreviewApp => {
            crate::actions::preview::resolve::create(inputs, facts, doubts)
        }
        ActionName::DeletePreviewApp => Some(crate::actions::preview::resolve::delete(
            inputs, facts, doubts,
        )),
        ActionName::Preview => crate::actions::preview::resolve::by_event(inputs, facts, doubts),
        ActionName::CleanPreviews => Some(crate::actions::preview::resolve::clean(
            inputs, facts, doubts,
        )),
        ActionName::Follow => follow(inputs, facts, doubts),
        ActionName::Cancel => cancel(inputs, doubts),
        ActionName::List
        | ActionName::Show
        | ActionName::UpdateApp
        | ActionName::UpdateStaticSite
        | ActionName::UpdateDatabase
        | ActionName::DeleteApp
        | ActionName::DeleteStaticSite
        | ActionName::DeleteDatabase
        | ActionName::CreateDatabase
        | ActionName::ConnectDatabase
        | ActionName::PurgeCache
        | ActionName::ToggleCdn => crate::actions::manage::resolve::settle(action, inputs, doubts),
    }
}

pub(crate) fn promote(inputs: &Inputs, doubts: &mut Validation) -> Option<Task> {
    let needed = [
        "pipeline-id",
        "source-app-id",
        "target-app-ids",
        "sevalla-token",
    ];
    doubts.need(ActionName::PromoteApp, inputs, &needed);
    let promotion = Promotion {
        pipeline: inputs.pipeline_id?,
        source: inputs.source_app_id?,
        targets: inputs.target_app_ids.clone()?.0,
    };
    if promotion.targets.contains(&promotion.source) {
        doubts.problem(
            ProblemKind::Conflict,
            inputs.spelling("target-app-ids"),
            "the source is among the targets. Remove it",
        );
    }
    doubts.ignored(
        "on promote-app: each target has a queue of its own",
        [(inputs.when_busy != WhenBusy::Queue, "when-busy")],
    );
    Some(Task::Promote(promotion))
}

pub(crate) fn follow(inputs: &Inputs, facts: &Facts, doubts: &mut Validation) -> Option<Task> {
    let service = one_service(ActionName::Follow, inputs, doubts);
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
                doubts.problem(
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

fn cancel(inputs: &Inputs, doubts: &mut Validation) -> Option<Task> {
    let service = one_service(ActionName::Cancel, inputs, doubts);
    doubts.need(ActionName::Cancel, inputs, &["deployment-id"]);
    let id = inputs.deployment_id.as_ref()?.0.clone();
    Some(Task::Cancel(service?, id))
}

/// The one service that the inputs name.
pub(crate) fn one_service(
    action: ActionName,
    inputs: &Inputs,
    doubts: &mut Validation,
) -> Option<Service> {
    doubts.need(action, inputs, &["sevalla-token"]);
    match (inputs.is_given("app-id"), inputs.is_given("static-site-id")) {
        (true, true) => {
            let app = inputs.spelling("app-id");
            let message =
                format!("{app} is given too, and the action takes one. Remove one of them");
            doubts.problem(
                ProblemKind::Conflict,
                inputs.spelling("static-site-id"),
                &message,
            );
        }
        (false, false) => doubts.problem(
            ProblemKind::Missing,
            "app-id",
            &format!(
                "{} requires it or static-site-id. Set `app-id` to the UUID of an application, or \
                 `static-site-id` to the UUID of a static site",
                action.word()
            ),
        ),
        _ => {}
    }
    let app = inputs.app_id.map(Service::application);
    app.or(inputs.static_site_id.map(Service::static_site))
}

#[cfg(test)]
mod tests;
