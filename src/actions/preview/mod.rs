//! Preview apps: finding the one that is meant, and deploying it.

pub(crate) mod comment;
pub(crate) mod create;
mod creation;
pub(crate) mod delete;
pub(crate) mod find;
mod finish;
pub(crate) mod fork;
pub(crate) mod matching;
pub(crate) mod request_deletion;
pub(crate) mod resolve;
pub mod stack;

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::past;
use crate::actions::error::TriggerError;
use crate::actions::preview::comment::{BEFORE_THE_START, PATIENCE};
use crate::actions::preview::find::{PreviewApp, PreviewLookup};
use crate::actions::task::{NewPreview, Preview, PreviewSelector};
use crate::actions::{ActionContext, nothing_started};
use crate::backoff::Schedule;
use crate::branch::is_same;
use crate::ci::ChangeState;
use crate::code_host::{KeptApps, Marker, PullRequest};
use crate::deployment::{Deployment, EndedDeployment, Origin, Service, Status, Verdict};
use crate::event::EventKind;
use crate::exit_status::ExitStatus;
use crate::inputs::OnFork;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::report::CommentStatus;
use crate::resource::{ResourceKind, ResourceList};
use crate::sevalla::operation::TRIGGER_DEPLOYMENT;
use crate::sevalla::{ApiError, Patience, ResourceRecord};

/// How long an app or a deployment that Sevalla makes by itself may take to
/// appear, before this run makes it.
const APPEARANCE_TIMEOUT: Duration = Duration::from_secs(45);

/// What there is when a preview is asked for.
enum ExistingPreview {
    /// The app, to be deployed, and others of the same pull request that are too
    /// many.
    App(Box<PreviewApp>, Vec<PreviewApp>),
    /// The app that an earlier process of this run has made, and what there was
    /// beside it.
    Created(Box<PreviewApp>, PreviewLookup),
    /// None, and what there is beside it.
    None(PreviewLookup),
    /// None before the run timed out.
    Late,
}

impl From<PreviewApp> for ExistingPreview {
    fn from(app: PreviewApp) -> Self {
        Self::App(Box::new(app), Vec::new())
    }
}

/// What to do with an app that is there.
enum NextStep {
    /// Its commit is live already.
    Nothing(Box<EndedDeployment>),
    /// Sevalla deploys the commit by itself.
    Follow(Box<Deployment>),
    /// Start a deployment.
    Deploy,
    /// The run's time is over.
    TooLate,
}

/// How bringing up a preview has ended so far.
pub(crate) struct PreviewResult {
    pub(crate) outcome: Outcome,
    /// The app, if there is one.
    pub(crate) app: Option<Uuid>,
    /// Whether this run has made it.
    pub(crate) is_made: bool,
}

impl PreviewResult {
    /// This result, which is no success if a second app of the pull request is left.
    pub(crate) fn with_extra(self, failed: Option<Outcome>) -> Self {
        let outcome = match failed {
            Some(failed) if self.outcome.is_good() => failed.because(self.outcome.headline),
            Some(failed) => self.outcome.because(failed.headline),
            None => self.outcome,
        };
        Self { outcome, ..self }
    }

    /// There is no app.
    pub(crate) const fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            app: None,
            is_made: false,
        }
    }
}

impl ActionContext<'_> {
    /// Makes sure that there is a preview app, and that it is deployed.
    pub(crate) async fn create_preview(&self, wanted: &PreviewSelector) -> Outcome {
        let request = match self.request_of(wanted).await {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        let state = request.as_ref().map(|request| request.state);
        if wanted.ends_with_pull_request && state.is_some_and(|state| state != ChangeState::Open) {
            return self.was_closed_before(wanted, request.as_ref()).await;
        }
        match self.new_preview(wanted, request.as_ref()) {
            Ok(new) => self.create_new(&new).await,
            Err(outcome) => outcome,
        }
    }

    /// The pull request as the code host says it is, where that is known.
    async fn request_of(&self, wanted: &PreviewSelector) -> Result<Option<PullRequest>, Outcome> {
        let Some(number) = wanted.preview.pull_request else {
            return Ok(None);
        };
        let most = if wanted.needs_pull_request {
            PATIENCE
        } else {
            BEFORE_THE_START
        };
        let answer = tokio::select! {
            answer = self.ask_for(number, most) => answer,
            signal = self.stop.requested() => return Err(nothing_started(signal)),
        };
        match answer {
            Ok(request) => Ok(Some(request)),
            Err(unread) if wanted.needs_pull_request => Err(unread
                .outcome(number)
                .because("Which branch it has, and whether it comes from a fork, is not known")
                .because("No preview was created or deployed")),
            Err(unread) => {
                self.warn_of(&unread);
                Ok(None)
            }
        }
    }

    /// The preview to make or to deploy, with the branch of its pull request.
    fn new_preview(
        &self,
        wanted: &PreviewSelector,
        request: Option<&PullRequest>,
    ) -> Result<NewPreview, Outcome> {
        let preview = &wanted.preview;
        let mut branch = preview.branch.clone();
        let mut commit = wanted.commit.clone();
        if let Some(request) = request {
            if request.is_fork {
                return Err(self.of_fork(request));
            }
            let ours = branch.as_deref();
            let is_its = ours.is_none_or(|branch| is_same(branch, &request.head_branch));
            if wanted.is_branch_given && !is_its {
                return Err(of_another(request, ours.unwrap_or_default()));
            }
            // A commit that the CI has tested comes first.
            commit = commit.filter(|_| ours.is_some() && is_its);
            commit = commit.or_else(|| request.head_commit.clone());
            if !wanted.is_branch_given || branch.is_none() {
                branch = Some(request.head_branch.clone());
            }
        }
        let Some(branch) = branch else {
            return Err(
                Outcome::of(Failure::MissingInput, "No branch is known to preview")
                    .hint("Set branch, or run in a pull request"),
            );
        };
        Ok(NewPreview {
            pipeline: wanted.pipeline,
            preview: Preview {
                branch: Some(branch.clone()),
                ..preview.clone()
            },
            branch,
            commit,
            ends_with_pull_request: wanted.ends_with_pull_request,
        })
    }

    /// Nothing is made for a fork's pull request: a branch of ours with the same
    /// name is another one.
    fn of_fork(&self, request: &PullRequest) -> Outcome {
        let from = request.head_repository.as_deref();
        let from = from.map_or(String::new(), |from| format!(" ({from})"));
        let reason = format!("pull request {}: {}{from}", request.number, fork::REASON);
        match self.plan.on_fork {
            OnFork::Skip => Outcome::skipped(&reason),
            OnFork::Fail => Outcome::of(
                Failure::ForkWithoutPreview,
                format!("No preview for {reason}"),
            )
            .hint(fork::ADVICE),
        }
    }

    /// The pull request is closed by now: nothing is made, and nothing is left.
    async fn was_closed_before(
        &self,
        wanted: &PreviewSelector,
        request: Option<&PullRequest>,
    ) -> Outcome {
        let preview = delete::as_it_is(&wanted.preview, request);
        let outcome = self.was_closed(&preview, None).await;
        let news = match outcome.ending() {
            ExitStatus::Passed => CommentStatus::Deleted,
            _ => CommentStatus::Ended(&outcome),
        };
        let marker = Marker::of(&wanted.pipeline.to_string());
        self.correct_comment(preview.pull_request, marker, news)
            .await;
        outcome
    }

    async fn create_new(&self, new: &NewPreview) -> Outcome {
        let there = tokio::select! {
            there = self.look_for_preview(new) => there,
            signal = self.stop.requested() => return nothing_started(signal),
        };
        let number = new.preview.pull_request;
        let key = new.pipeline.to_string();
        match there {
            Ok(ExistingPreview::Late) => {
                too_late("Sevalla's own preview app did not appear in time")
            }
            Ok(ExistingPreview::App(app, extra)) if self.plan.dry_run => would_deploy(&app, &extra),
            Ok(ExistingPreview::None(_)) if self.plan.dry_run => {
                Outcome::planned(&format!("create a preview app for branch {}", new.branch))
            }
            Err(error) => self.not_started(error).await,
            Ok(there) => {
                self.comment(number, &key, CommentStatus::Deploying).await;
                // Boxed: what waits in them is large.
                let work = Box::pin(self.bring_up(new, there));
                let (outcome, is_deleted) = self.or_stopping(number, &key, work).await;
                let news = if is_deleted {
                    CommentStatus::Deleted
                } else {
                    CommentStatus::Ended(&outcome)
                };
                self.comment(number, &key, news).await;
                outcome
            }
        }
    }

    /// Deploys the app or makes one; and whether it was deleted in the end.
    async fn bring_up(&self, new: &NewPreview, there: ExistingPreview) -> (Outcome, bool) {
        let result = match there {
            ExistingPreview::App(app, extra) => {
                let failed = match self.delete_extra(&extra, &app).await {
                    Ok(failed) => failed,
                    Err(interrupted) => return (interrupted, false),
                };
                let result = Box::pin(self.deploy_preview(new, &app)).await;
                result.with_extra(failed)
            }
            ExistingPreview::Created(app, before) => {
                Box::pin(self.bring_up_made(new, &app, &before)).await
            }
            ExistingPreview::None(before) => Box::pin(self.make_preview(new, before)).await,
            ExistingPreview::Late => return (too_late("There was no time to deploy"), false),
        };
        self.finish_preview(new, result).await
    }

    async fn look_for_preview(&self, new: &NewPreview) -> Result<ExistingPreview, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        if let Some(app) = new.preview.app {
            return self.given_preview(app).await.map(ExistingPreview::from);
        }
        if let Some((app, before)) = Box::pin(self.resume_preview(new)).await? {
            return Ok(ExistingPreview::Created(Box::new(app), before));
        }
        let makes_apps = self.look_at_pipeline(new).await?;
        let kept = self.kept_apps(&new.preview).await;
        let started = Instant::now();
        let mut looks = Schedule::for_looks();
        let mut has_looked = false;
        loop {
            let look = self.find_preview(&new.preview, &kept).await;
            // Sevalla has answered before: only the time is over.
            if has_looked && look.is_err() && self.deadline.is_over() {
                return Ok(ExistingPreview::Late);
            }
            let (found, before) = look?;
            has_looked = true;
            if let Some((app, extra)) = found {
                report(EventKind::PreviewApp {
                    app: app.id,
                    name: app.name.as_deref(),
                    is_new: false,
                });
                if !kept.ours.contains(&app.id) {
                    self.for_more_words(self.warn_of_other_pipelines(&app))
                        .await;
                }
                return Ok(ExistingPreview::App(Box::new(app), extra));
            }
            if !makes_apps || started.elapsed() > APPEARANCE_TIMEOUT || self.plan.dry_run {
                return Ok(ExistingPreview::None(before));
            }
            self.pause(&mut looks).await;
            if self.deadline.is_over() {
                return Ok(ExistingPreview::Late);
            }
        }
    }

    /// The preview app that is meant, with others of the same pull request that
    /// runs at the same time have left; and what there is beside them.
    pub(crate) async fn find_preview(
        &self,
        preview: &Preview,
        kept: &KeptApps,
    ) -> Result<(Option<(PreviewApp, Vec<PreviewApp>)>, PreviewLookup), TriggerError> {
        let mut before = find::find_previews(&self.client, preview, kept).await?;
        let found = std::mem::take(&mut before.found);
        before.disputed = found.iter().map(|found| found.app.clone()).collect();
        let found = self.without_others(preview, found, false).await?;
        let is_disputed = |app: &PreviewApp| found.iter().all(|found| found.app.id != app.id);
        before.disputed.retain(is_disputed);
        let Some((app, extra)) = find::oldest_of(found)? else {
            return Ok((None, before));
        };
        if extra.is_empty() || self.count_pipelines().await? < 2 {
            return Ok((Some((app, extra)), before));
        }
        // They may belong to different pipelines: only the comment distinguishes them
        // apart, and none is deleted.
        let all: Vec<PreviewApp> = std::iter::once(app).chain(extra).collect();
        let is_kept = |app: &&PreviewApp| kept.ours.contains(&app.id);
        let known: Vec<&PreviewApp> = all.iter().filter(is_kept).collect();
        match known.as_slice() {
            [only] => Ok((Some(((*only).clone(), Vec::new())), before)),
            _ => Err(find::several(&all)),
        }
    }

    /// How many pipelines have previews.
    async fn count_pipelines(&self) -> Result<usize, ApiError> {
        let list = ResourceList::All(ResourceKind::Pipeline);
        let patience = Patience::FOR_A_SEARCH;
        let pipelines = self.client.page(list, 0, patience).await?;
        let with_previews = pipelines
            .entries
            .iter()
            .filter(|pipeline| has_previews(pipeline));
        Ok(with_previews.count())
    }

    /// The pipeline is asked whether Sevalla makes an app for each pull request
    /// by itself.
    async fn look_at_pipeline(&self, new: &NewPreview) -> Result<bool, TriggerError> {
        let patience = Patience::BEFORE_THE_START;
        let pipeline = self.client.get_pipeline(new.pipeline, patience).await?;
        let mut stages = pipeline.stages.iter();
        let Some(stage) = stages.find(|stage| stage.kind.as_deref() == Some("preview")) else {
            return Err(TriggerError::refused(
                Failure::PreviewsNotEnabled,
                "Previews are not enabled on the pipeline",
                "Enable them in the dashboard, and fill in the settings of preview apps",
            ));
        };
        let is_automatic = stage.auto_create_app && new.preview.pull_request.is_some();
        if is_automatic {
            self.reporter.on(EventKind::Note(
                "Sevalla creates a preview app for each pull request of this pipeline by itself. \
                 Looking for that one first.",
            ));
        }
        Ok(is_automatic)
    }

    /// Waits before the next look, but not beyond the run's time.
    async fn pause(&self, looks: &mut Schedule) {
        let wait = looks.next_wait(None);
        sleep_until(self.deadline.moment().min(Instant::now() + wait)).await;
    }

    /// Nothing shows the pipeline of an app.
    async fn warn_of_other_pipelines(&self, app: &PreviewApp) {
        if self.count_pipelines().await.is_ok_and(|count| count > 1) {
            let text = format!(
                "Several pipelines have previews, and Sevalla does not report to which one {} belongs. \
                 If it is another's, name the right app with app-id.",
                app.label()
            );
            self.reporter
                .on(EventKind::Warning(Warning::SeveralPipelines, &text));
        }
    }

    async fn given_preview(&self, app: Uuid) -> Result<PreviewApp, TriggerError> {
        let patience = Patience::BEFORE_THE_START;
        let record = self.client.get_application(app, patience).await?;
        request_deletion::refuse_no_preview(&record)?;
        let app = PreviewApp {
            id: app,
            name: record.display_name.clone(),
            record: Some(record),
        };
        self.reporter.on(EventKind::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: false,
        });
        Ok(app)
    }

    /// Brings an app that is there up to date. Sevalla deploys pushes to it by
    /// itself, and doing so once more would be waste.
    pub(crate) async fn deploy_preview(&self, new: &NewPreview, app: &PreviewApp) -> PreviewResult {
        let service = Service::application(app.id);
        let resumed = self.resume(Some(service), &TRIGGER_DEPLOYMENT, false);
        if let Some(outcome) = Box::pin(resumed).await {
            return PreviewResult {
                outcome,
                app: Some(app.id),
                is_made: false,
            };
        }
        let todo = tokio::select! {
            todo = self.what_to_do(new, app) => todo,
            signal = self.stop.requested() => return PreviewResult::nothing(nothing_started(signal)),
        };
        PreviewResult {
            outcome: self.take_step(new, app.id, todo).await,
            app: Some(app.id),
            is_made: false,
        }
    }

    async fn what_to_do(
        &self,
        new: &NewPreview,
        app: &PreviewApp,
    ) -> Result<NextStep, TriggerError> {
        let Some(commit) = new.commit.as_deref() else {
            return Ok(NextStep::Deploy);
        };
        let deploys_pushes = app.record.as_ref().is_some_and(|record| {
            // After a rename of the branch it still waits for the old one.
            let its = record.default_branch.as_deref();
            record.auto_deploy && its.is_none_or(|its| is_same(its, &new.branch))
        });
        let service = Service::application(app.id);
        let give_up = self
            .deadline
            .moment()
            .min(Instant::now() + APPEARANCE_TIMEOUT);
        let mut looks = Schedule::for_looks();
        let mut is_first = true;
        loop {
            let all = past::read_past(&self.client, service).await?;
            if let Some(todo) = what_there_is(&all, commit, is_first) {
                return Ok(todo);
            }
            let may_come = all.iter().any(may_be_of_a_push);
            let is_over = !deploys_pushes || Instant::now() >= give_up;
            if is_over && !may_come {
                return Ok(NextStep::Deploy);
            }
            if is_first {
                self.reporter.on(EventKind::Note(&format!(
                    "Sevalla deploys pushes to this app by itself. Looking for the deployment of \
                     commit {commit}."
                )));
            }
            is_first = false;
            self.pause(&mut looks).await;
            if self.deadline.is_over() {
                return Ok(NextStep::TooLate);
            }
        }
    }
}

/// The branch that the user gave is not that of the pull request.
fn of_another(request: &PullRequest, branch: &str) -> Outcome {
    let PullRequest {
        number,
        head_branch,
        ..
    } = request;
    Outcome::of(
        Failure::BranchOfAnotherPullRequest,
        format!(
            "Branch {branch} is not the branch of pull request {number}, which is {head_branch}"
        ),
    )
    .because("No preview was created or deployed")
    .hint("Remove branch: it is read from the pull request")
}

/// What a dry run says of an app that is there.
fn would_deploy(app: &PreviewApp, extra: &[PreviewApp]) -> Outcome {
    let mut order = format!("deploy preview app {}", app.label());
    for extra in extra {
        order.push_str(&format!(" and delete {}", extra.label()));
    }
    Outcome::planned(&order)
}

/// What the deployments of an app mean for one that is asked for of this
/// commit; `None` if there is none yet.
fn what_there_is(all: &[Deployment], commit: &str, is_first: bool) -> Option<NextStep> {
    let is_ours = |deployment: &&Deployment| {
        let its = deployment.commit_sha.as_deref();
        its.is_some_and(|its| its.eq_ignore_ascii_case(commit))
    };
    let ours = all.iter().find(is_ours)?;
    let is_success = |one: &&Deployment| one.status == Status::Success;
    Some(match ours.ended() {
        // Live, unless another came after it.
        Some(ended) if ended.verdict() == Verdict::Success => match all.iter().find(is_success) {
            Some(live) if live.id == ended.id => NextStep::Nothing(Box::new(ended)),
            _ => NextStep::Deploy,
        },
        // One that had ended before is what this run is to make good.
        Some(_) if is_first => NextStep::Deploy,
        _ => NextStep::Follow(Box::new(ours.clone())),
    })
}

/// Whether a pipeline has a stage of previews.
fn has_previews(pipeline: &ResourceRecord) -> bool {
    let stages = pipeline.get("stages").and_then(Value::as_array);
    let mut stages = stages.into_iter().flatten();
    stages.any(|stage| stage["type"] == "preview")
}

/// The run's time was over before anything was begun.
fn too_late(what: &str) -> Outcome {
    Outcome::of(
        Failure::TimeUp,
        format!("Timed out before a deployment could be started: {what}"),
    )
    .because("No deployment was started")
    .hint("Run this again, with more time (timeout)")
}

/// Whether a deployment may turn out to be that of a push whose commit it does
/// not tell yet.
fn may_be_of_a_push(deployment: &Deployment) -> bool {
    !deployment.is_unreadable()
        && deployment.origin != Origin::Manual
        && deployment.commit_sha.is_none()
        && deployment.status.verdict().is_none()
}

/// A deployment that Sevalla has started for the preview's branch.
pub(crate) fn of_branch(new: &NewPreview) -> DeploymentContext {
    DeploymentContext {
        branch: Some(new.branch.clone()),
        ..DeploymentContext::default()
    }
}
