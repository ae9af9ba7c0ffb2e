//! Preview apps: finding or making one, and deploying it.

use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::settle::Scene;
use super::{CLEAN_UP, IN_FLIGHT, LOOK_UP, Run, nothing_started};
use crate::deployment::{Deployment, Origin, Service, Verdict};
use crate::inputs::Abandon;
use crate::outcome::{Ending, Outcome};
use crate::plan::{NewPreview, Order, Work};
use crate::report::{Event, News};
use crate::resource::{Collection, Kind};
use crate::schedule::Schedule;
use crate::sevalla::{Patience, Record};
use crate::stop::Signal;
use crate::trigger::{self, Deleted, PreviewApp, Previews, TriggerError};

/// How long an app or a deployment that Sevalla makes by itself may take to
/// appear, before this run makes it.
const APPEARANCE: Duration = Duration::from_secs(45);

/// How long the first deployment of a new app may take to appear.
const FIRST_DEPLOYMENT: Duration = Duration::from_secs(120);

/// How long deleting an app that another run has made too may take.
const MAKING_WAY: Duration = Duration::from_secs(60);

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

/// How bringing up a preview has ended so far.
struct Brought {
    outcome: Outcome,
    /// The app, if there is one.
    app: Option<Uuid>,
    /// Whether this run has made it.
    is_made: bool,
}

impl Brought {
    /// There is no app.
    const fn nothing(outcome: Outcome) -> Self {
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
        if new.ends_with_pull_request && self.is_open(number).await == Some(false) {
            let outcome = self.was_closed(new, None).await;
            if outcome.ending == Ending::Passed {
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
                let (outcome, is_deleted) = self.or_cancelled(number, &key, work).await;
                let news = if is_deleted {
                    News::Deleted
                } else {
                    News::of(&outcome)
                };
                if !matches!(outcome.ending, Ending::Interrupted(_)) {
                    self.comment(number, &key, news).await;
                }
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
            return Err(TriggerError::Refused {
                reason: "Previews are not enabled on the pipeline".to_owned(),
                hint: "Enable them in the dashboard, and fill in the settings of preview apps."
                    .to_owned(),
            });
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
        let with_previews = pipelines.iter().filter(|pipeline| has_previews(pipeline));
        if with_previews.count() > 1 {
            self.reporter.on(Event::Warning(&format!(
                "Several pipelines have previews, and Sevalla does not tell of which one {} is. \
                 If it is another's, name the right app with app-id.",
                app.label()
            )));
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
    async fn deploy_preview(&self, new: &NewPreview, app: &PreviewApp) -> Brought {
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
        match outcome.ending {
            Ending::Success => Outcome {
                headline,
                ..outcome
            },
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

    async fn make_preview(&self, new: &NewPreview, before: &Previews) -> Brought {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let mut creation = pin!(trigger::create_preview(&self.client, new, before, &tell));
        let made = tokio::select! {
            biased;
            signal = self.stop.asked() => {
                let by = Instant::now() + CLEAN_UP;
                tell(Event::Stopping(signal));
                let made = timeout(IN_FLIGHT, creation).await.ok();
                let outcome = self.stop_making(signal, new, made, before, by).await;
                return Brought::nothing(outcome);
            }
            made = &mut creation => made,
        };
        let app = match made {
            Ok(app) => app,
            Err(error) => {
                return match self.made_meanwhile(new, &error).await {
                    Some(app) => self.deploy_preview(new, &app).await,
                    None => Brought::nothing(self.not_started(error).await),
                };
            }
        };
        tell(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: true,
        });
        let twin = trigger::older_twin(&self.client, new, &app, before);
        if let Some(Some(oldest)) = self.for_more_words(twin).await {
            return self.make_way_for(new, &app, &oldest).await;
        }
        self.for_more_words(self.warn_of_repository(new, app.id))
            .await;
        Brought {
            outcome: self.follow_first(new, app.id).await,
            app: Some(app.id),
            is_made: true,
        }
    }

    /// Another run has made an app for the same at the same time, and a bit
    /// earlier: with two of them every later run would not know which is meant.
    async fn make_way_for(
        &self,
        new: &NewPreview,
        ours: &PreviewApp,
        oldest: &PreviewApp,
    ) -> Brought {
        let tell = |event: Event<'_>| self.reporter.on(event);
        tell(Event::Note(&format!(
            "Another run has created {} for the same at the same time. Deleting {}.",
            oldest.label(),
            ours.label()
        )));
        let by = self.deadline.moment().min(Instant::now() + MAKING_WAY);
        let client = self.client.until(by);
        let deleted = tokio::select! {
            deleted = trigger::delete_preview(&client, ours.id, &tell) => deleted,
            signal = self.stop.asked() => {
                let said = format!("Preview app {} is one too many", ours.label());
                let outcome = Outcome::interrupted(signal).because(said);
                return Brought::nothing(outcome.hint("Delete it with delete-preview-app and app-id"));
            }
        };
        if !matches!(
            deleted,
            Ok(Deleted::Gone(_) | Deleted::GoneBefore | Deleted::Accepted)
        ) {
            tell(Event::Warning(&format!(
                "Preview app {} is one too many, and could not be deleted.",
                ours.label()
            )));
        }
        tell(Event::PreviewApp {
            app: oldest.id,
            name: oldest.name.as_deref(),
            is_new: false,
        });
        Brought {
            outcome: self.follow_anothers(new, oldest.id).await,
            app: Some(oldest.id),
            is_made: false,
        }
    }

    /// An app of another repository than the run's is not known as its own by
    /// the next run, which would make one more.
    async fn warn_of_repository(&self, new: &NewPreview, app: Uuid) {
        let Ok(record) = self.client.get_application(app, Patience::Once).await else {
            return;
        };
        if let Some(other) = trigger::other_repository(&new.preview, &record) {
            self.reporter.on(Event::Warning(&format!(
                "The pipeline builds {other}, which is not the repository of this run ({}). The \
                 next run will not know this preview app as its own and create another, unless it \
                 is given as app-id.",
                new.preview.repository.as_deref().unwrap_or_default()
            )));
        }
    }

    /// The app that another run, or Sevalla itself, has made since this one
    /// looked: then making a second one may be refused.
    async fn made_meanwhile(&self, new: &NewPreview, error: &TriggerError) -> Option<PreviewApp> {
        if !matches!(error.status(), Some(400 | 409 | 422)) {
            return None;
        }
        let look = trigger::find_previews(&self.client, &new.preview);
        let mut before = self.for_more_words(look).await?.ok()?;
        let app = trigger::one_of(&mut before.found).ok()??;
        self.reporter.on(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: false,
        });
        Some(app)
    }

    /// Follows the first deployment of an app that another run has made.
    async fn follow_anothers(&self, new: &NewPreview, app: Uuid) -> Outcome {
        let first = tokio::select! {
            first = self.first_deployment(Service::application(app)) => first,
            signal = self.stop.asked() => return Outcome::interrupted(signal)
                .because(format!("Preview app {app} of the other run goes on")),
        };
        let scene = Scene {
            is_anothers: true,
            ..of_branch(new)
        };
        self.follow_seen(app, first, &scene).await
    }

    /// Follows the first deployment of a new app.
    async fn follow_first(&self, new: &NewPreview, app: Uuid) -> Outcome {
        let service = Service::application(app);
        let first = tokio::select! {
            first = self.first_deployment(service) => first,
            signal = self.stop.asked() => {
                let by = Instant::now() + CLEAN_UP;
                self.reporter.on(Event::Stopping(signal));
                let created = format!("Preview app {app} was created");
                return self.stop_first(signal, service, &created, by).await;
            }
        };
        self.follow_seen(app, first, &of_branch(new)).await
    }

    async fn follow_seen(
        &self,
        app: Uuid,
        first: Result<Option<Deployment>, TriggerError>,
        scene: &Scene,
    ) -> Outcome {
        let service = Service::application(app);
        match first {
            Ok(Some(deployment)) => {
                self.reporter.on(Event::Started(service, &deployment));
                if !self.plan.follow {
                    return Outcome::triggered(Some(&deployment));
                }
                self.follow(service, deployment, scene).await
            }
            Ok(None) => Outcome::new(
                Ending::TimedOut,
                "The preview app was created, but no deployment of it was seen",
            )
            .because(format!(
                "Sevalla starts the first deployment of {app} by itself"
            ))
            .hint("Look in the dashboard, or run this again: the app is there now"),
            Err(error) => self.not_started(error).await,
        }
    }

    async fn first_deployment(&self, service: Service) -> Result<Option<Deployment>, TriggerError> {
        let give_up = self
            .deadline
            .moment()
            .min(Instant::now() + FIRST_DEPLOYMENT);
        let mut looks = Schedule::for_looks();
        loop {
            let all = match trigger::read_past(&self.client, service).await {
                // The service's own parts need a moment to agree that it exists.
                Err(error) if error.status() == Some(404) && Instant::now() < give_up => Vec::new(),
                other => other?,
            };
            // The oldest: what came after it is somebody else's.
            if let Some(first) = all.into_iter().last() {
                return Ok(Some(first));
            }
            let wait = looks.next_wait(None);
            if Instant::now() + wait >= give_up {
                return Ok(None);
            }
            sleep(wait).await;
        }
    }

    /// What is left to do once a preview was deployed; and whether it was
    /// deleted, because nobody needs it any more.
    async fn finish_preview(&self, new: &NewPreview, brought: Brought) -> (Outcome, bool) {
        let outcome = brought.outcome;
        let app = match brought.app {
            Some(app) if !matches!(outcome.ending, Ending::Interrupted(_)) => app,
            _ => return (outcome, false),
        };
        if new.ends_with_pull_request && !self.stays(new, app).await {
            let made = brought.app.filter(|_| brought.is_made);
            let outcome = self.was_closed(new, made).await;
            let is_deleted = outcome.ending == Ending::Passed;
            return (outcome, is_deleted);
        }
        if outcome.ending == Ending::Success {
            let host = tokio::select! {
                host = self.wait_for_host(app) => host,
                _ = self.stop.asked() => None,
            };
            if host.is_none() {
                self.reporter.on(Event::Warning(
                    "The preview is deployed, but the service does not tell its address.",
                ));
            }
        }
        (outcome, false)
    }

    /// Whether the preview is still wanted. Where the pull request cannot be
    /// asked, the app tells: Sevalla deletes it when its pull request is closed.
    async fn stays(&self, new: &NewPreview, app: Uuid) -> bool {
        if self.is_open(new.preview.pull_request).await == Some(false) {
            return false;
        }
        let patience = Patience::FOR_A_SEARCH;
        match self.client.get_application(app, patience).await {
            Ok(record) => record.status.as_deref() != Some("deleting"),
            Err(error) => error.status() != Some(404),
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

    /// A signal came while the request that makes the app was on its way.
    async fn stop_making(
        &self,
        signal: Signal,
        new: &NewPreview,
        made: Option<Result<PreviewApp, TriggerError>>,
        before: &Previews,
        by: Instant,
    ) -> Outcome {
        let app = match made {
            Some(Ok(app)) => Some(app),
            Some(Err(TriggerError::Api(error))) => {
                return nothing_started(signal).because(error.to_string());
            }
            Some(Err(_)) | None => {
                let client = self.client.hurried(by.min(Instant::now() + LOOK_UP));
                trigger::find_made_preview(&client, new, before).await
            }
        };
        let Some(app) = app else {
            return Outcome::interrupted(signal)
                .because("The request that creates the preview app was on its way; whether it took effect is not known")
                .hint("Look in the dashboard, and delete the app there if there is one");
        };
        self.reporter.on(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: true,
        });
        let created = format!("Preview app {} was created", app.label());
        let service = Service::application(app.id);
        self.stop_first(signal, service, &created, by).await
    }

    /// Cancels the first deployment of a new app, if that is wanted and it is
    /// to be seen yet.
    async fn stop_first(
        &self,
        signal: Signal,
        service: Service,
        created: &str,
        by: Instant,
    ) -> Outcome {
        if self.plan.on_cancel == Abandon::Leave {
            return Outcome::interrupted(signal).because(format!("{created} and goes on"));
        }
        let client = self.client.hurried(by);
        let first = client.deployments(service, 1, Patience::Once).await;
        let outcome = match first.ok().and_then(|mut all| all.pop()) {
            Some(deployment) => {
                self.reporter.on(Event::Started(service, &deployment));
                self.stop_following(signal, service, &deployment.id, by)
                    .await
                    .because(created)
            }
            None => Outcome::interrupted(signal)
                .because(format!("{created}; its first deployment was not seen yet")),
        };
        outcome.hint("Delete the app with delete-preview-app if it is not wanted")
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
    Outcome::new(
        Ending::TimedOut,
        format!("The time was over before a deployment could be started: {what}"),
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
fn of_branch(new: &NewPreview) -> Scene {
    Scene {
        branch: Some(new.branch.clone()),
        ..Scene::default()
    }
}
