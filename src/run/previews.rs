//! Preview apps: finding the one that is meant, and deploying it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::settle::Scene;
use super::{Run, nothing_started};
use crate::deployment::{Deployment, Origin, Service, Verdict};
use crate::messages::{Failure, Warning};
use crate::outcome::{Ending, Outcome};
use crate::plan::{NewPreview, Order, Work};
use crate::report::{Event, News};
use crate::resource::{Collection, Kind};
use crate::schedule::Schedule;
use crate::sevalla::{Patience, Record};
use crate::trigger::{self, PreviewApp, Previews, TriggerError};

/// How long an app or a deployment that Sevalla makes by itself may take to
/// appear, before this run makes it.
const APPEARANCE: Duration = Duration::from_secs(45);

/// How long the address of a new app may take to appear after its deployment.
const ADDRESS: Duration = Duration::from_secs(60);

/// What there is when a preview is asked for.
enum There {
    /// The app, to be deployed.
    App(Box<PreviewApp>),
    /// None, and what there is beside it.
    None(Previews),
    /// None before the run's time was over.
    Late,
}

impl From<PreviewApp> for There {
    fn from(app: PreviewApp) -> Self {
        Self::App(Box::new(app))
    }
}

/// What to do with an app that is there.
enum Todo {
    /// Its commit is live already.
    Nothing(Box<Deployment>),
    /// Sevalla deploys the commit by itself.
    Follow(Box<Deployment>),
    /// Start a deployment.
    Deploy,
    /// The run's time is over.
    TooLate,
}

/// What has become of a preview while it was deployed.
enum Standing {
    /// It is there, and wanted.
    Stays,
    /// Its pull request is closed.
    Closed,
    /// It is gone, and wanted.
    Vanished,
}

/// How bringing up a preview has ended so far.
pub(super) struct Brought {
    pub(super) outcome: Outcome,
    /// The app, if there is one.
    pub(super) app: Option<Uuid>,
    /// Whether this run has made it.
    pub(super) is_made: bool,
}

impl Brought {
    /// There is no app.
    pub(super) const fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            app: None,
            is_made: false,
        }
    }
}

impl Run<'_> {
    /// Makes sure that there is a preview app, and that it is deployed.
    pub(super) async fn create_preview(&self, new: &NewPreview) -> Outcome {
        let there = tokio::select! {
            there = self.look_for_preview(new) => there,
            signal = self.stop.asked() => return nothing_started(signal),
        };
        let number = new.preview.pull_request;
        let key = new.pipeline.to_string();
        if new.ends_with_pull_request && self.is_still_open(number).await == Some(false) {
            let outcome = self.was_closed(new, None).await;
            if outcome.ending() == Ending::Passed {
                self.comment(number, &key, News::Deleted).await;
            }
            return outcome;
        }
        match there {
            Ok(There::Late) => too_late("Sevalla's own preview app did not appear in time"),
            Ok(There::App(app)) if self.plan.dry_run => {
                Outcome::planned(&format!("deploy preview app {}", app.label()))
            }
            Ok(There::None(_)) if self.plan.dry_run => {
                Outcome::planned(&format!("create a preview app for branch {}", new.branch))
            }
            Err(error) => self.not_started(error).await,
            Ok(there) => {
                self.comment(number, &key, News::Deploying).await;
                // Boxed: what waits in them is large.
                let work = Box::pin(self.bring_up(new, there));
                let (outcome, is_deleted) = self.or_stopping(number, &key, work).await;
                let news = if is_deleted {
                    News::Deleted
                } else {
                    News::Ended(&outcome)
                };
                self.comment(number, &key, news).await;
                outcome
            }
        }
    }

    /// Deploys the app or makes one; and whether it was deleted in the end.
    async fn bring_up(&self, new: &NewPreview, there: There) -> (Outcome, bool) {
        let brought = match there {
            There::App(app) => self.deploy_preview(new, &app).await,
            There::None(before) => Box::pin(self.make_preview(new, &before)).await,
            There::Late => return (too_late("There was no time to deploy"), false),
        };
        self.finish_preview(new, brought).await
    }

    async fn look_for_preview(&self, new: &NewPreview) -> Result<There, TriggerError> {
        let tell = |event: Event<'_>| self.reporter.on(event);
        if let Some(app) = new.preview.app {
            return self.given_preview(app).await.map(There::from);
        }
        let makes_apps = self.look_at_pipeline(new).await?;
        let started = Instant::now();
        let mut looks = Schedule::for_looks();
        loop {
            let mut before = trigger::find_previews(&self.client, &new.preview).await?;
            if let Some(app) = trigger::one_of(&mut before.found)? {
                tell(Event::PreviewApp {
                    app: app.id,
                    name: app.name.as_deref(),
                    is_new: false,
                });
                self.for_more_words(self.warn_of_other_pipelines(&app))
                    .await;
                return Ok(app.into());
            }
            if !makes_apps || started.elapsed() > APPEARANCE || self.plan.dry_run {
                return Ok(There::None(before));
            }
            self.pause(&mut looks).await;
            if self.deadline.is_over() {
                return Ok(There::Late);
            }
        }
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
            self.reporter.on(Event::Note(
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

    /// Nothing tells of which pipeline an app is.
    async fn warn_of_other_pipelines(&self, app: &PreviewApp) {
        let list = Collection::All(Kind::Pipeline);
        let Ok(pipelines) = self.client.page(list, 0, Patience::Once).await else {
            return;
        };
        let with_previews = pipelines
            .entries
            .iter()
            .filter(|pipeline| has_previews(pipeline));
        if with_previews.count() > 1 {
            let text = format!(
                "Several pipelines have previews, and Sevalla does not tell to which one {} belongs. \
                 If it is another's, name the right app with app-id.",
                app.label()
            );
            self.reporter
                .on(Event::Warning(Warning::SeveralPipelines, &text));
        }
    }

    async fn given_preview(&self, app: Uuid) -> Result<PreviewApp, TriggerError> {
        let patience = Patience::BEFORE_THE_START;
        let record = self.client.get_application(app, patience).await?;
        trigger::refuse_no_preview(&record)?;
        let app = PreviewApp {
            id: app,
            name: record.display_name.clone(),
            record: Some(record),
        };
        self.reporter.on(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: false,
        });
        Ok(app)
    }

    /// Brings an app that is there up to date. Sevalla deploys pushes to it by
    /// itself, and doing so once more would be waste.
    pub(super) async fn deploy_preview(&self, new: &NewPreview, app: &PreviewApp) -> Brought {
        let todo = tokio::select! {
            todo = self.what_to_do(new, app) => todo,
            signal = self.stop.asked() => return Brought::nothing(nothing_started(signal)),
        };
        let service = Service::application(app.id);
        let outcome = match todo {
            Err(error) => self.not_started(error).await,
            Ok(Todo::TooLate) => too_late("Sevalla's own deployment did not show its commit"),
            Ok(Todo::Follow(deployment)) => {
                self.reporter.on(Event::Found(service, &deployment));
                if self.plan.follow {
                    self.follow(service, *deployment, &of_branch(new)).await
                } else {
                    Outcome::joined(&deployment)
                }
            }
            Ok(Todo::Nothing(deployment)) => self.is_up_to_date(new, service, *deployment).await,
            Ok(Todo::Deploy) => {
                let order = Order {
                    branch: Some(new.branch.clone()),
                    ..Order::default()
                };
                let app = app.id;
                self.deploy(&Work::DeployApplication { app, order }).await
            }
        };
        Brought {
            outcome,
            app: Some(app.id),
            is_made: false,
        }
    }

    /// The commit is live: what is to be done after a deployment is done all
    /// the same.
    async fn is_up_to_date(
        &self,
        new: &NewPreview,
        service: Service,
        deployment: Deployment,
    ) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        tell(Event::Found(service, &deployment));
        let headline = format!(
            "The preview is up to date: deployment {} has this commit",
            deployment.id
        );
        let source = self.source(service, &deployment.id);
        let scene = of_branch(new);
        let outcome = self
            .settle(&source, deployment, Verdict::Success, &scene, &tell)
            .await;
        match outcome.ending() {
            Ending::Success => outcome.headed(headline),
            _ => outcome,
        }
    }

    async fn what_to_do(&self, new: &NewPreview, app: &PreviewApp) -> Result<Todo, TriggerError> {
        let Some(commit) = new.commit.as_deref() else {
            return Ok(Todo::Deploy);
        };
        let deploys_pushes = app.record.as_ref().is_some_and(|record| record.auto_deploy);
        let service = Service::application(app.id);
        let give_up = self.deadline.moment().min(Instant::now() + APPEARANCE);
        let mut looks = Schedule::for_looks();
        let mut is_first = true;
        loop {
            let all = trigger::read_past(&self.client, service).await?;
            if let Some(todo) = what_there_is(&all, commit, is_first) {
                return Ok(todo);
            }
            let may_come = all.iter().any(may_be_of_a_push);
            let is_over = !deploys_pushes || Instant::now() >= give_up;
            if is_over && !may_come {
                return Ok(Todo::Deploy);
            }
            if is_first {
                self.reporter.on(Event::Note(&format!(
                    "Sevalla deploys pushes to this app by itself. Looking for the deployment of \
                     commit {commit}."
                )));
            }
            is_first = false;
            self.pause(&mut looks).await;
            if self.deadline.is_over() {
                return Ok(Todo::TooLate);
            }
        }
    }

    /// What is left to do once a preview was deployed; and whether it was
    /// deleted, because nobody needs it any more.
    async fn finish_preview(&self, new: &NewPreview, brought: Brought) -> (Outcome, bool) {
        let outcome = brought.outcome;
        let app = match brought.app {
            Some(app) if !matches!(outcome.ending(), Ending::Interrupted(_)) => app,
            _ => return (outcome, false),
        };
        if new.ends_with_pull_request {
            match self.standing(new, app).await {
                Standing::Stays => {}
                Standing::Vanished => {
                    let vanished = "The preview app was deleted while it was built";
                    let outcome = Outcome::of(Failure::PreviewVanished, vanished)
                        .because("The pull request is open")
                        .hint("Run this again to make another");
                    return (outcome, false);
                }
                Standing::Closed => {
                    let made = brought.app.filter(|_| brought.is_made);
                    let outcome = self.was_closed(new, made).await;
                    let is_deleted = outcome.ending() == Ending::Passed;
                    return (outcome, is_deleted);
                }
            }
        }
        if outcome.ending() == Ending::Success {
            let host = tokio::select! {
                host = self.wait_for_host(app) => host,
                _ = self.stop.asked() => None,
            };
            if host.is_none() {
                self.reporter.on(Event::Warning(
                    Warning::NoPreviewAddress,
                    "The preview is deployed, but Sevalla does not tell its address.",
                ));
            }
        }
        (outcome, false)
    }

    /// Whether the preview is still wanted. Where the pull request cannot be
    /// asked, the app tells: Sevalla deletes it when its pull request is closed.
    async fn standing(&self, new: &NewPreview, app: Uuid) -> Standing {
        let is_open = self.is_open(new.preview.pull_request).await;
        if is_open == Some(false) {
            return Standing::Closed;
        }
        let patience = Patience::FOR_A_SEARCH;
        let is_there = match self.client.get_application(app, patience).await {
            Ok(record) => record.status.as_deref() != Some("deleting"),
            Err(error) => error.status() != Some(404),
        };
        match (is_there, is_open) {
            (true, _) => Standing::Stays,
            (false, Some(true)) => Standing::Vanished,
            (false, _) => Standing::Closed,
        }
    }

    async fn wait_for_host(&self, app: Uuid) -> Option<()> {
        let give_up = self.deadline.moment().min(Instant::now() + ADDRESS);
        let mut looks = Schedule::for_looks();
        loop {
            if let Some(host) = self.client.application_host(app).await
                && let Some(url) = crate::sevalla::address(&host)
            {
                let url = url.as_str().trim_end_matches('/');
                self.reporter.on(Event::Url(url));
                return Some(());
            }
            if Instant::now() >= give_up {
                return None;
            }
            sleep(looks.next_wait(None)).await;
        }
    }
}

/// What the deployments of an app mean for one that is asked for of this
/// commit; `None` if there is none yet.
fn what_there_is(all: &[Deployment], commit: &str, is_first: bool) -> Option<Todo> {
    let is_ours = |deployment: &&Deployment| {
        let its = deployment.commit_sha.as_deref();
        its.is_some_and(|its| its.eq_ignore_ascii_case(commit))
    };
    let ours = all.iter().find(is_ours)?;
    let is_success = |one: &&Deployment| one.status.verdict() == Some(Verdict::Success);
    Some(match ours.status.verdict() {
        // Live, unless another came after it.
        Some(Verdict::Success) => match all.iter().find(is_success) {
            Some(live) if live.id == ours.id => Todo::Nothing(Box::new(ours.clone())),
            _ => Todo::Deploy,
        },
        // One that had ended before is what this run is to make good.
        Some(_) if is_first => Todo::Deploy,
        _ => Todo::Follow(Box::new(ours.clone())),
    })
}

/// Whether a pipeline has a stage of previews.
fn has_previews(pipeline: &Record) -> bool {
    let stages = pipeline.get("stages").and_then(Value::as_array);
    let mut stages = stages.into_iter().flatten();
    stages.any(|stage| stage["type"] == "preview")
}

/// The run's time was over before anything was begun.
fn too_late(what: &str) -> Outcome {
    Outcome::of(
        Failure::TimeUp,
        format!("The run's time was over before a deployment could be started: {what}"),
    )
    .because("No deployment was started")
    .hint("Run this again, with more time (timeout)")
}

/// Whether a deployment may turn out to be that of a push whose commit it does
/// not tell yet.
fn may_be_of_a_push(deployment: &Deployment) -> bool {
    deployment.origin != Origin::Manual
        && deployment.commit_sha.is_none()
        && deployment.status.verdict().is_none()
}

/// A deployment that Sevalla has started for the preview's branch.
pub(super) fn of_branch(new: &NewPreview) -> Scene {
    Scene {
        branch: Some(new.branch.clone()),
        ..Scene::default()
    }
}
