//! What the run will do: inputs combined, defaults settled, contradictions
//! found. Pure: nothing is read or sent here.

mod deploy;
mod manage;
mod previews;
mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;
use uuid::Uuid;

pub use self::manage::{
    Credentials, Doomed, Inventory, Link, Management, NewDatabase, Subject, Update,
};
use crate::ci::{Facts, Repository};
use crate::deployment::{Deployment, DeploymentId, Service, ServiceKind};
use crate::inputs::{
    Abandon, ActionName, Comment, ExpectedCommit, Flaw, Inputs, Logs, OnFailure, OnMismatch,
    OnSkipped, Problem, VerifyUrl, WhenBusy, meaning,
};
use crate::messages::Warning;
use crate::report::Files;
use crate::secret::{ApiToken, HookUrl, Password};
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
    pub expected_commit: Expected,
    /// What to do when it has another.
    pub on_mismatch: OnMismatch,
    /// What to do when it was skipped, if the user says so.
    pub on_skipped: Option<OnSkipped>,
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
    pub files: Files,
    /// Write a job summary.
    pub summary: bool,
    /// Only read.
    pub dry_run: bool,
    /// Doubts about what the user gave that do not stop the run.
    pub warnings: Vec<(Warning, String)>,
}

/// What a run does.
#[derive(Debug, Clone)]
pub enum Task {
    /// Start one deployment.
    Deploy(Work),
    /// Go back to the last success of a static site before the one that is live.
    RollBackStaticSite(Uuid),
    /// Promote an application to others.
    Promote(Promotion),
    /// Make sure of a preview app, and deploy it.
    CreatePreview(NewPreview),
    /// Delete a preview app.
    DeletePreview(Preview),
    /// Delete the preview app of a pull request that was closed, as the event
    /// says.
    EndPreview(Preview),
    /// Delete previews that nobody needs.
    CleanPreviews(Cleaning),
    /// Follow a deployment that somebody else started.
    Follow(Service, Sought),
    /// Cancel a deployment.
    Cancel(Service, DeploymentId),
    /// Something beside deploying.
    Manage(Box<Management>),
}

/// A change on Sevalla that starts one deployment.
#[derive(Debug, Clone)]
pub enum Work {
    /// Deploy an application through the API.
    DeployApplication {
        /// The application.
        app: Uuid,
        /// What of it to deploy.
        order: Order,
    },
    /// Deploy an application by calling its hook.
    CallHook {
        /// The hook.
        hook: HookUrl,
        /// The application, if it is known.
        app: Option<Uuid>,
    },
    /// Deploy a static site through the API.
    DeployStaticSite {
        /// The site.
        site: Uuid,
        /// The branch; `None` is the site's default branch.
        branch: Option<String>,
    },
    /// Deploy an application's most recent success again.
    RollBackApplication {
        /// The application.
        app: Uuid,
    },
    /// Publish an earlier deployment of a static site again.
    RollBackStaticSite {
        /// The site.
        site: Uuid,
        /// The deployment.
        to: DeploymentId,
    },
}

/// What to deploy of an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// The branch to build; `None` is the application's default branch.
    pub branch: Option<String>,
    /// The image to run.
    pub docker_image: Option<String>,
    /// Take the last artifact again instead of building.
    pub restart: bool,
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The pipeline.
    pub pipeline: Uuid,
    /// The application whose latest success is promoted.
    pub source: Uuid,
    /// The applications that get it; at least one.
    pub targets: Vec<Uuid>,
}

/// A preview app, as far as it can be told without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Its id, if the user gave one.
    pub app: Option<Uuid>,
    /// Its pipeline, if the user gave it.
    pub pipeline: Option<Uuid>,
    /// The branch it shows.
    pub branch: Option<String>,
    /// The pull request it belongs to.
    pub pull_request: Option<u64>,
    /// `owner/name` of the repository, as the CI calls it.
    pub repository: Option<String>,
}

/// A preview app to be made or deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPreview {
    /// The pipeline to make it in.
    pub pipeline: Uuid,
    /// Which.
    pub preview: Preview,
    /// Its branch, which making it needs.
    pub branch: String,
    /// The commit at the branch's tip, as the CI knows it.
    pub commit: Option<String>,
    /// Whether it must not outlive its pull request, even if that is closed
    /// while the preview is built.
    pub ends_with_pull_request: bool,
}

/// Which previews to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaning {
    /// Those without a deployment for this long.
    pub max_age: Option<Duration>,
    /// Those of pull requests of this repository that are closed.
    pub closed_in: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// Which deployment to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// This one.
    Known(DeploymentId),
    /// The one that Sevalla starts by itself for this commit.
    OfCommit {
        /// The commit.
        commit: String,
        /// The branch; `None` is the service's default branch.
        branch: Option<String>,
    },
}

impl Work {
    /// The service that changes, if it is known.
    pub fn service(&self) -> Option<Service> {
        match self {
            Self::DeployApplication { app, .. } | Self::RollBackApplication { app } => {
                Some(Service::application(*app))
            }
            Self::CallHook { app, .. } => app.map(Service::application),
            Self::DeployStaticSite { site, .. } | Self::RollBackStaticSite { site, .. } => {
                Some(Service::static_site(*site))
            }
        }
    }

    /// Goes back to what was live on a service before.
    pub fn back_to(service: Service, live: &Deployment) -> Self {
        match service.kind {
            ServiceKind::Application => Self::RollBackApplication { app: service.id },
            ServiceKind::StaticSite => Self::RollBackStaticSite {
                site: service.id,
                to: live.id.clone(),
            },
        }
    }
}

/// Why the run does nothing at all, where that is the user's wish.
pub fn passes(inputs: &Inputs, facts: &Facts) -> Option<String> {
    let lacks_key = !inputs.is_given("sevalla-token") && !inputs.is_given("deploy-hook-url");
    (inputs.skip_without_token && lacks_key).then(|| match why_no_secrets(facts) {
        Some(why) => format!("sevalla-token is missing: {why}"),
        None => "sevalla-token is missing".to_owned(),
    })
}

/// Why the CI withholds its secrets from this run, if it says that.
fn why_no_secrets(facts: &Facts) -> Option<&'static str> {
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
        inputs: Inputs,
        facts: &Facts,
        problems: Vec<Problem>,
    ) -> Result<Self, Vec<Problem>> {
        let mut doubts = Doubts {
            problems,
            warnings: Vec::new(),
            why_no_secrets: why_no_secrets(facts),
        };
        let task = action(&inputs, &mut doubts)
            .and_then(|action| settle(action, &inputs, facts, &mut doubts));
        let Some(task) = task.filter(|_| doubts.problems.is_empty()) else {
            return Err(doubts.problems);
        };
        let can_follow = match &task {
            Task::Deploy(work) => inputs.sevalla_token.is_some() && work.service().is_some(),
            _ => true,
        };
        if inputs.wait_for_finish && !can_follow {
            doubts.warnings.push((
                Warning::DeploymentNotFollowed,
                "The deployment cannot be followed: that needs sevalla-token, and app-id where the \
                 hook's address does not tell the application. The run ends once the deployment is \
                 started."
                    .to_owned(),
            ));
        }
        let expected_commit = expected_commit(&inputs, facts);
        let check = check(&inputs);
        // What somebody else has started is theirs to stop.
        let is_theirs = matches!(task, Task::Follow(..)) && !inputs.is_given("on-cancel");
        let on_cancel = if is_theirs {
            Abandon::Leave
        } else {
            inputs.on_cancel
        };
        Ok(Self {
            task,
            files: files(&inputs),
            token: inputs.sevalla_token,
            api_url: inputs.api_url.0,
            follow: inputs.wait_for_finish && can_follow,
            timeout: inputs.timeout,
            on_timeout: inputs.on_timeout,
            on_cancel,
            on_failure: inputs.on_failure,
            when_busy: inputs.when_busy,
            expected_commit,
            on_mismatch: inputs.on_commit_mismatch,
            on_skipped: inputs.on_skipped,
            check,
            purge_cache: inputs.purge_cache,
            comment: inputs.comment,
            code_host: facts.repository.clone().zip(inputs.github_token),
            logs: inputs.logs,
            summary: inputs.summary,
            dry_run: inputs.dry_run,
            warnings: doubts.warnings,
        })
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
pub fn files(inputs: &Inputs) -> Files {
    Files {
        log: inputs.log_file.clone(),
        report: inputs.report_file.clone(),
        junit: inputs.junit_file.clone(),
        code_quality: inputs.code_quality_file.clone(),
        outputs: inputs.output_file.clone(),
        links: inputs.links_file.clone(),
        page: inputs.html_report.clone(),
    }
}

/// The problems of files that are the same by their `destination`: the last to
/// be written would be the only one.
pub fn files_given_twice(
    inputs: &Inputs,
    destination: impl Fn(&Path) -> io::Result<PathBuf>,
) -> Vec<Problem> {
    let files = [
        ("log-file", &inputs.log_file),
        ("report-file", &inputs.report_file),
        ("junit-file", &inputs.junit_file),
        ("code-quality-file", &inputs.code_quality_file),
        ("output-file", &inputs.output_file),
        ("links-file", &inputs.links_file),
        ("html-report", &inputs.html_report),
    ];
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    let mut problems = Vec::new();
    for (name, path) in files {
        let Some(path) = path else {
            continue;
        };
        let path = destination(path).unwrap_or_else(|_| path.clone());
        match seen.iter().find(|(_, other)| *other == path) {
            Some((other, _)) => problems.push(Problem::new(
                Flaw::Conflict,
                inputs.spelling(name),
                None,
                format!("it names the same file as {}", inputs.spelling(other)),
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

/// The commit that the deployment must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Any.
    Any,
    /// This one, if this branch is deployed.
    OfBranch {
        /// The commit, or its beginning.
        commit: String,
        /// The branch.
        branch: String,
    },
    /// This one.
    Is(String),
}

fn expected_commit(inputs: &Inputs, facts: &Facts) -> Expected {
    match &inputs.expected_commit {
        ExpectedCommit::Off => Expected::Any,
        ExpectedCommit::Is(commit) => Expected::Is(commit.0.clone()),
        // A fork's branch may have the name of the branch that is deployed.
        ExpectedCommit::Auto if facts.is_of_fork() => Expected::Any,
        ExpectedCommit::Auto => match (&facts.commit, &facts.branch) {
            (Some(commit), Some(branch)) => Expected::OfBranch {
                commit: commit.clone(),
                branch: branch.clone(),
            },
            _ => Expected::Any,
        },
    }
}

fn check(inputs: &Inputs) -> Option<Check> {
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

/// What was found while combining.
struct Doubts {
    problems: Vec<Problem>,
    warnings: Vec<(Warning, String)>,
    /// Why the CI withholds its secrets, if it does.
    why_no_secrets: Option<&'static str>,
}

impl Doubts {
    fn problem(&mut self, flaw: Flaw, input: impl Into<String>, message: &str) {
        self.problems.push(Problem::new(flaw, input, None, message));
    }

    /// Tells of each input that an action cannot do without.
    fn need(&mut self, action: ActionName, inputs: &Inputs, names: &[&str]) {
        for name in names.iter().filter(|name| !inputs.is_given(name)) {
            if *name == "sevalla-token" {
                self.need_token();
            } else {
                let message = format!("{} needs it: {}", action.word(), meaning(name));
                self.problem(Flaw::Missing, *name, &message);
            }
        }
    }

    fn need_token(&mut self) {
        let message = match self.why_no_secrets {
            Some(why) => format!("it is missing: {why}. skip-without-token lets such a run pass"),
            None => {
                "it is missing or empty; set it to an API key of your Sevalla company. CIs pass \
                     no secrets to pull requests from forks"
                    .to_owned()
            }
        };
        self.problem(Flaw::MissingKey, "sevalla-token", &message);
    }

    /// Warns of each input that is given and has no effect.
    fn ignored<'a>(&mut self, why: &str, given: impl IntoIterator<Item = (bool, &'a str)>) {
        for (_, name) in given.into_iter().filter(|(is_given, _)| *is_given) {
            let text = format!("{name} has no effect {why}.");
            self.warnings.push((Warning::InputWithoutEffect, text));
        }
    }
}

fn action(inputs: &Inputs, doubts: &mut Doubts) -> Option<ActionName> {
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
        doubts.problem(
            Flaw::Conflict,
            "action",
            "both an application and a static site are given; set it to deploy-app or deploy-static-site",
        );
        return None;
    }
    doubts.problem(
        Flaw::Missing,
        "app-id",
        "nothing says what to deploy; set app-id (or deploy-hook-url) for an application, \
         static-site-id for a static site, or action for anything else",
    );
    if !inputs.is_given("sevalla-token") {
        doubts.need_token();
    }
    None
}

/// What the action comes to with these inputs.
fn settle(action: ActionName, inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Option<Task> {
    match action {
        ActionName::DeployApp => deploy::application(inputs, doubts).map(Task::Deploy),
        ActionName::DeployStaticSite => deploy::static_site(inputs, doubts).map(Task::Deploy),
        ActionName::RollbackApp => deploy::rollback_application(inputs, doubts).map(Task::Deploy),
        ActionName::RollbackStaticSite => deploy::rollback_static_site(inputs, doubts),
        ActionName::PromoteApp => promote(inputs, doubts),
        ActionName::CreatePreviewApp => previews::create(inputs, facts, doubts),
        ActionName::DeletePreviewApp => Some(previews::delete(inputs, facts, doubts)),
        ActionName::Preview => previews::by_event(inputs, facts, doubts),
        ActionName::CleanPreviews => Some(previews::clean(inputs, facts, doubts)),
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
        | ActionName::ToggleCdn => manage::settle(action, inputs, doubts),
    }
}

fn promote(inputs: &Inputs, doubts: &mut Doubts) -> Option<Task> {
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
            Flaw::Conflict,
            inputs.spelling("target-app-ids"),
            "the source is among the targets; leave it out",
        );
    }
    doubts.ignored(
        "on promote-app: each target has a queue of its own",
        [(inputs.is_given("when-busy"), "when-busy")],
    );
    Some(Task::Promote(promotion))
}

fn follow(inputs: &Inputs, facts: &Facts, doubts: &mut Doubts) -> Option<Task> {
    let service = one_service(ActionName::Follow, inputs, doubts);
    let sought = match (&inputs.deployment_id, &inputs.expected_commit) {
        (Some(id), _) => Some(Sought::Known(id.0.clone())),
        (None, _) if inputs.is_given("deployment-id") => None,
        (None, expected) => {
            let commit = match expected {
                ExpectedCommit::Is(commit) => Some(commit.0.clone()),
                ExpectedCommit::Auto => facts.commit.clone(),
                ExpectedCommit::Off => None,
            };
            if commit.is_none() {
                doubts.problem(
                    Flaw::Missing,
                    "deployment-id",
                    "nothing says which deployment to follow; set it, or expected-commit to the \
                     commit whose deployment Sevalla starts by itself",
                );
            }
            // The CI's branch goes with the CI's commit.
            let its = matches!(expected, ExpectedCommit::Auto);
            let branch = inputs.branch.as_ref().map(|branch| branch.0.clone());
            Some(Sought::OfCommit {
                commit: commit?,
                branch: branch.or_else(|| facts.branch.clone().filter(|_| its)),
            })
        }
    };
    Some(Task::Follow(service?, sought?))
}

fn cancel(inputs: &Inputs, doubts: &mut Doubts) -> Option<Task> {
    let service = one_service(ActionName::Cancel, inputs, doubts);
    doubts.need(ActionName::Cancel, inputs, &["deployment-id"]);
    let id = inputs.deployment_id.as_ref()?.0.clone();
    Some(Task::Cancel(service?, id))
}

/// The one service that the inputs name.
fn one_service(action: ActionName, inputs: &Inputs, doubts: &mut Doubts) -> Option<Service> {
    doubts.need(action, inputs, &["sevalla-token"]);
    match (inputs.is_given("app-id"), inputs.is_given("static-site-id")) {
        (true, true) => doubts.problem(
            Flaw::Conflict,
            inputs.spelling("static-site-id"),
            "app-id is given too; leave one of them out",
        ),
        (false, false) => doubts.problem(
            Flaw::Missing,
            "app-id",
            &format!(
                "{} needs it, or static-site-id: the UUID of an application or of a static site",
                action.word()
            ),
        ),
        _ => {}
    }
    let app = inputs.app_id.map(Service::application);
    app.or(inputs.static_site_id.map(Service::static_site))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Variables;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
    const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
    const HOOK: &str =
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

    fn resolve<const N: usize>(pairs: [(&str, &str); N]) -> Result<Plan, Vec<Problem>> {
        let (inputs, problems) = Inputs::read(&Variables::from(pairs));
        Plan::resolve(inputs, &Facts::default(), problems)
    }

    #[test]
    fn the_action_is_inferred_when_only_one_fits() {
        let app = resolve([("SEVALLA_APP_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
        assert!(matches!(app.task, Task::Deploy(Work::DeployApplication { .. })) && app.follow);
        let site = resolve([("SEVALLA_STATIC_SITE_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
        assert!(matches!(site.task, Task::Deploy(Work::DeployStaticSite { .. })) && site.follow);
        let hook = resolve([("SEVALLA_DEPLOY_HOOK_URL", HOOK)]).unwrap();
        assert!(matches!(
            hook.task,
            Task::Deploy(Work::CallHook { app: Some(_), .. })
        ));
        assert!(!hook.follow && hook.warnings[0].1.contains("cannot be followed"));
        let both = [
            ("SEVALLA_APP_ID", ID),
            ("SEVALLA_STATIC_SITE_ID", ID),
            ("SEVALLA_TOKEN", "key"),
        ];
        assert_eq!(resolve(both).unwrap_err()[0].input, "action");
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let told =
            |problems: Vec<Problem>| problems.into_iter().map(|p| p.input).collect::<Vec<_>>();
        assert_eq!(told(resolve([]).unwrap_err()), ["app-id", "sevalla-token"]);
        let app = resolve([("INPUT_ACTION", "deploy-app")]).unwrap_err();
        assert_eq!(told(app), ["app-id", "sevalla-token"]);
        let site = resolve([("INPUT_ACTION", "deploy-static-site")]).unwrap_err();
        assert_eq!(told(site), ["static-site-id", "sevalla-token"]);
        let unreadable = resolve([("SEVALLA_APP_ID", "x"), ("SEVALLA_TIMEOUT", "y")]).unwrap_err();
        assert_eq!(
            told(unreadable),
            ["SEVALLA_APP_ID", "SEVALLA_TIMEOUT", "sevalla-token"]
        );
    }

    fn problems_of(pairs: &[(&str, &str)]) -> Vec<Problem> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let (inputs, problems) = Inputs::read(&pairs.collect());
        Plan::resolve(inputs, &Facts::default(), problems).unwrap_err()
    }

    #[test]
    fn what_is_missing_is_told_with_what_would_be_accepted() {
        let told = |pairs: &[(&str, &str)]| {
            let problems = problems_of(pairs);
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            told.join("\n")
        };
        for (action, accepted) in [
            (
                "list",
                "resource: list needs it: What list lists and show shows, applications, ",
            ),
            (
                "delete-app",
                "confirm: delete-app needs it: Display name of what ",
            ),
            (
                "delete-app",
                "app-id: delete-app needs it: UUID of the application",
            ),
            (
                "deploy-static-site",
                "deploy-static-site needs it: UUID of the static site",
            ),
            (
                "deploy-app",
                "or deploy-hook-url: the UUID of the application",
            ),
            (
                "cancel",
                "or static-site-id: the UUID of an application or of a static site",
            ),
        ] {
            let told = told(&[("SEVALLA_ACTION", action)]);
            assert!(told.contains(accepted), "{told}");
            assert!(!told.contains("needs it\n"), "{told}");
        }
    }

    #[test]
    fn an_action_that_is_none_hides_no_missing_key() {
        let hook = ("SEVALLA_DEPLOY_HOOK_URL", HOOK);
        let action = ("SEVALLA_ACTION", "deploy");
        let problems = resolve([action]).unwrap_err();
        assert!(problems[0].message.ends_with("; did you mean deploy-app?"));
        assert_eq!(problems[1].input, "sevalla-token");
        for sufficient in [hook, ("SEVALLA_TOKEN", "key")] {
            assert_eq!(resolve([action, sufficient]).unwrap_err().len(), 1);
        }
    }

    #[test]
    fn what_is_missing_is_told_beside_what_cannot_be_read() {
        let told = |pairs: &[(&str, &str)]| {
            let problems = problems_of(pairs);
            problems.into_iter().map(|p| p.input).collect::<Vec<_>>()
        };
        let late = ("SEVALLA_TIMEOUT", "soon");
        assert_eq!(
            told(&[late]),
            ["SEVALLA_TIMEOUT", "app-id", "sevalla-token"]
        );
        let app = ("SEVALLA_APP_ID", ID);
        assert_eq!(told(&[late, app]), ["SEVALLA_TIMEOUT", "sevalla-token"]);
        // These are consequences.
        assert_eq!(
            told(&[("SEVALLA_APP_ID", "x")]),
            ["SEVALLA_APP_ID", "sevalla-token"]
        );
        let hook = ("SEVALLA_DEPLOY_HOOK_URL", "x");
        assert_eq!(told(&[hook]), ["SEVALLA_DEPLOY_HOOK_URL"]);
        let key = ("SEVALLA_TOKEN", "a b");
        assert_eq!(told(&[key, app]), ["SEVALLA_TOKEN"]);
    }

    #[test]
    fn contradictions_are_refused_and_useless_inputs_are_told() {
        let base = [("SEVALLA_APP_ID", ID), ("SEVALLA_TOKEN", "key")];
        let image = resolve([
            base[0],
            base[1],
            ("SEVALLA_BRANCH", "a"),
            ("INPUT_DOCKER-IMAGE", "a:1"),
        ]);
        assert_eq!(image.unwrap_err()[0].input, "INPUT_DOCKER-IMAGE");
        let hook = resolve([("SEVALLA_APP_ID", OTHER), ("SEVALLA_DEPLOY_HOOK_URL", HOOK)]);
        assert_eq!(hook.unwrap_err()[0].input, "SEVALLA_APP_ID");
        let restart = resolve([
            base[0],
            base[1],
            ("SEVALLA_BRANCH", "a"),
            ("SEVALLA_IS_RESTART", "true"),
        ]);
        assert!(
            restart.unwrap().warnings[0]
                .1
                .starts_with("branch has no effect")
        );
    }
}
