//! Preview apps: making and deploying one, deleting one, deleting many.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::settle::Scene;
use super::{CLEAN_UP, IN_FLIGHT, LOOK_UP, Run, nothing_started};
use crate::deployment::{Deployment, Origin, Service, Verdict};
use crate::inputs::Abandon;
use crate::outcome::{Ending, Outcome};
use crate::plan::{Cleaning, NewPreview, Order, Preview, Work};
use crate::report::Event;
use crate::schedule::Schedule;
use crate::sevalla::{Application, Patience};
use crate::stop::Signal;
use crate::trigger::{self, Deleted, PreviewApp, Previews, TriggerError};

/// How long an app or a deployment that Sevalla makes by itself may take to
/// appear, before this run makes it.
const APPEARANCE: Duration = Duration::from_secs(45);

/// How long the first deployment of a new app may take to appear.
const FIRST_DEPLOYMENT: Duration = Duration::from_secs(120);

/// How long the address of a new app may take to appear after its deployment.
const ADDRESS: Duration = Duration::from_secs(60);

/// What there is when a preview is asked for.
enum There {
    /// The app, to be deployed.
    App(Box<PreviewApp>),
    /// None, and what there is beside it.
    None(Previews),
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
}

impl Run<'_> {
    /// Makes sure that there is a preview app, and that it is deployed.
    pub(super) async fn create_preview(&self, new: &NewPreview) -> Outcome {
        let there = tokio::select! {
            there = self.look_for_preview(new) => there,
            signal = self.stop.asked() => return nothing_started(signal),
        };
        let is_closed = new.ends_with_pull_request
            && self.is_open(new.preview.pull_request).await == Some(false);
        if is_closed {
            return self.was_closed_before(there).await;
        }
        match there {
            Ok(There::App(app)) if self.plan.dry_run => {
                Outcome::planned(&format!("deploy preview app {}", app.label()))
            }
            Ok(There::None(_)) if self.plan.dry_run => {
                Outcome::planned(&format!("create a preview app for branch {}", new.branch))
            }
            Err(error) => self.not_started(error).await,
            Ok(there) => {
                let key = new.pipeline.to_string();
                self.comment(&new.preview, &key, None).await;
                let outcome = match there {
                    // Boxed: what waits in them is large.
                    There::App(app) => Box::pin(self.deploy_preview(new, &app)).await,
                    There::None(before) => Box::pin(self.make_preview(new, &before)).await,
                };
                if !matches!(outcome.ending, Ending::Interrupted(_)) {
                    self.comment(&new.preview, &key, Some(&outcome)).await;
                }
                outcome
            }
        }
    }

    /// The pull request is closed already: nothing may be left of it.
    async fn was_closed_before(&self, there: Result<There, TriggerError>) -> Outcome {
        match there {
            Ok(There::App(app)) if self.plan.dry_run => {
                Outcome::planned(&format!("delete preview app {}", app.label()))
            }
            Ok(There::App(app)) => self.was_closed(app.id).await,
            Ok(There::None(_)) => Outcome::new(
                Ending::Passed,
                "The pull request is closed, so there is no preview",
            ),
            Err(error) => self.not_started(error).await,
        }
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
            if let Some(app) = one_of(&mut before.found)? {
                tell(Event::PreviewApp {
                    app: app.id,
                    name: app.name.as_deref(),
                    is_new: false,
                });
                return Ok(app.into());
            }
            if !makes_apps || started.elapsed() > APPEARANCE || self.plan.dry_run {
                return Ok(There::None(before));
            }
            sleep(looks.next_wait(None)).await;
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
    async fn deploy_preview(&self, new: &NewPreview, app: &PreviewApp) -> Outcome {
        let service = Service::application(app.id);
        let todo = tokio::select! {
            todo = self.what_to_do(new, app) => todo,
            signal = self.stop.asked() => return nothing_started(signal),
        };
        let outcome = match todo {
            Err(error) => self.not_started(error).await,
            Ok(Todo::Follow(deployment)) => {
                self.reporter.on(Event::Found(service, &deployment));
                self.follow(service, *deployment, &of_branch(new)).await
            }
            Ok(Todo::Nothing(deployment)) => {
                self.reporter.on(Event::Found(service, &deployment));
                let id = &deployment.id;
                Outcome::new(
                    Ending::Success,
                    format!("The preview is up to date: deployment {id} has this commit"),
                )
            }
            Ok(Todo::Deploy) => {
                let order = Order {
                    branch: Some(new.branch.clone()),
                    ..Order::default()
                };
                let app = app.id;
                self.deploy(&Work::DeployApplication { app, order }).await
            }
        };
        self.finish_preview(new, app.id, outcome).await
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
            sleep(looks.next_wait(None)).await;
        }
    }

    async fn make_preview(&self, new: &NewPreview, before: &Previews) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let mut creation = pin!(trigger::create_preview(&self.client, new, before, &tell));
        let made = tokio::select! {
            biased;
            signal = self.stop.asked() => {
                let by = Instant::now() + CLEAN_UP;
                tell(Event::Stopping(signal));
                let made = timeout(IN_FLIGHT, creation).await.ok();
                return self.stop_making(signal, new, made, before, by).await;
            }
            made = &mut creation => made,
        };
        let app = match made {
            Ok(app) => app,
            Err(error) => {
                return match self.made_meanwhile(new, &error).await {
                    Some(app) => self.deploy_preview(new, &app).await,
                    None => self.not_started(error).await,
                };
            }
        };
        tell(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: true,
        });
        self.for_more_words(self.warn_of_repository(new, app.id))
            .await;
        let outcome = self.follow_first(new, app.id).await;
        self.finish_preview(new, app.id, outcome).await
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
        let app = one_of(&mut before.found).ok()??;
        self.reporter.on(Event::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: false,
        });
        Some(app)
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
        match first {
            Ok(Some(deployment)) => {
                self.reporter.on(Event::Started(service, &deployment));
                if !self.plan.follow {
                    return Outcome::triggered(Some(&deployment));
                }
                self.follow(service, deployment, &of_branch(new)).await
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

    /// What is left to do once a preview was deployed.
    async fn finish_preview(&self, new: &NewPreview, app: Uuid, outcome: Outcome) -> Outcome {
        let is_live = outcome.ending == Ending::Success;
        let outcome = match outcome.ending {
            Ending::Interrupted(_) => return outcome,
            _ if new.ends_with_pull_request && !self.stays(new, app).await => {
                return self.was_closed(app).await;
            }
            _ => outcome,
        };
        if is_live {
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
        outcome
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

    async fn was_closed(&self, app: Uuid) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let deleted = tokio::select! {
            deleted = trigger::delete_preview(&self.client, app, &tell) => deleted,
            signal = self.stop.asked() => return Outcome::interrupted(signal)
                .because(format!("Preview app {app} is being deleted")),
        };
        match deleted {
            Ok(Deleted::Gone(_) | Deleted::GoneBefore | Deleted::Accepted) => Outcome::new(
                Ending::Passed,
                "The pull request was closed meanwhile, so there is no preview",
            ),
            Ok(Deleted::Failed) => deletion_failed(app),
            Err(error) => self.not_started(error).await,
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

/// Deleting.
impl Run<'_> {
    /// Deletes the preview app that is meant; one that is gone is as good.
    pub(super) async fn delete_preview(&self, preview: &Preview) -> Outcome {
        let outcome = tokio::select! {
            outcome = self.find_and_delete(preview) => outcome,
            signal = self.stop.asked() => return Outcome::interrupted(signal)
                .because("Whether the preview app was deleted was not seen")
                .hint("Run this again: deleting twice does no harm"),
        };
        if let (Ending::Success, Some(pipeline)) = (outcome.ending, preview.pipeline) {
            self.comment_deleted(preview, &pipeline.to_string()).await;
        }
        outcome
    }

    async fn only_preview(&self, preview: &Preview) -> Result<Option<PreviewApp>, TriggerError> {
        let mut previews = trigger::find_previews(&self.client, preview).await?;
        one_of(&mut previews.found)
    }

    async fn find_and_delete(&self, preview: &Preview) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let app = match preview.app {
            Some(app) => Some(app),
            None => match self.only_preview(preview).await {
                Ok(app) => app.map(|app| app.id),
                Err(error) => return self.not_started(error).await,
            },
        };
        let Some(app) = app else {
            return Outcome::new(Ending::Success, "There is no such preview app (any more)");
        };
        tell(Event::PreviewApp {
            app,
            name: None,
            is_new: false,
        });
        if self.plan.dry_run {
            return Outcome::planned(&format!("delete preview app {app}"));
        }
        match trigger::delete_preview(&self.client, app, &tell).await {
            Ok(Deleted::Gone(name)) => Outcome::new(
                Ending::Success,
                match name {
                    Some(name) => format!("Deleted preview app {name} ({app})"),
                    None => format!("Deleted preview app {app}"),
                },
            ),
            Ok(Deleted::GoneBefore) => Outcome::new(
                Ending::Success,
                format!("Preview app {app} was gone before"),
            ),
            Ok(Deleted::Accepted) => Outcome::new(
                Ending::TimedOut,
                format!("Sevalla accepted to delete preview app {app}, which was not gone in time"),
            ),
            Ok(Deleted::Failed) => deletion_failed(app),
            Err(error) => self.not_started(error).await,
        }
    }

    /// Deletes previews that nobody needs any more.
    pub(super) async fn clean_previews(&self, cleaning: &Cleaning) -> Outcome {
        tokio::select! {
            outcome = self.clean(cleaning) => outcome,
            signal = self.stop.asked() => Outcome::interrupted(signal)
                .because("Some previews may not have been looked at")
                .hint("Run this again: deleting twice does no harm"),
        }
    }

    async fn clean(&self, cleaning: &Cleaning) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let stale = match self.stale_previews(cleaning).await {
            Ok(stale) => stale,
            Err(error) => return self.not_started(error).await,
        };
        let more = stale.len().saturating_sub(cleaning.most);
        if more > 0 {
            tell(Event::Warning(&format!(
                "{more} more previews could go; max-deletions allows {} in one run.",
                cleaning.most
            )));
        }
        let mut outcome: Option<Outcome> = None;
        let mut count = 0;
        for (app, why) in stale.iter().take(cleaning.most) {
            tell(Event::Note(&format!("{}: {why}", app.label())));
            if self.plan.dry_run {
                continue;
            }
            let deleted = trigger::delete_preview(&self.client, app.id, &tell).await;
            let failed = match deleted {
                Ok(Deleted::Gone(_) | Deleted::GoneBefore | Deleted::Accepted) => {
                    count += 1;
                    continue;
                }
                Ok(Deleted::Failed) => deletion_failed(app.id),
                Err(error) => self.not_started(error).await,
            };
            outcome = outcome.or(Some(failed.because(format!("It was {}", app.label()))));
        }
        if self.plan.dry_run {
            let planned = stale.len().min(cleaning.most);
            return Outcome::planned(&format!("delete {planned} preview apps"));
        }
        outcome.unwrap_or_else(|| {
            Outcome::new(Ending::Success, format!("Deleted {count} preview apps"))
        })
    }

    /// The previews that nobody needs, with the reason.
    async fn stale_previews(
        &self,
        cleaning: &Cleaning,
    ) -> Result<Vec<(PreviewApp, String)>, TriggerError> {
        let mut stale = Vec::new();
        for app in trigger::all_previews(&self.client).await? {
            let patience = Patience::FOR_A_SEARCH;
            let record = match self.client.get_application(app.id, patience).await {
                Ok(record) => record,
                Err(error) if error.status() == Some(404) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(why) = self.why_stale(cleaning, &record, app.id).await? {
                let app = PreviewApp {
                    id: app.id,
                    name: app.display_name,
                    record: Some(record),
                };
                stale.push((app, why));
            }
        }
        Ok(stale)
    }

    async fn why_stale(
        &self,
        cleaning: &Cleaning,
        record: &Application,
        id: Uuid,
    ) -> Result<Option<String>, TriggerError> {
        if trigger::refuse_no_preview(record).is_err() {
            return Ok(None);
        }
        if let Some(number) = of_repository(cleaning, record)
            && self.is_open(Some(number)).await == Some(false)
        {
            return Ok(Some(format!("pull request {number} is closed")));
        }
        let Some(max_age) = cleaning.max_age else {
            return Ok(None);
        };
        let past = trigger::read_past(&self.client, Service::application(id)).await?;
        if past
            .iter()
            .any(|deployment| deployment.status.verdict().is_none())
        {
            return Ok(None);
        }
        let times = past.iter().filter_map(|deployment| deployment.created_at);
        let Some(last) = times.max().or(record.created_at) else {
            return Ok(None);
        };
        let age = (self.clock)().duration_since(last);
        let is_old = Duration::try_from(age).is_ok_and(|age| age > max_age);
        Ok(is_old.then(|| format!("not deployed since {last:.0}")))
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

/// Whether a deployment may turn out to be that of a push whose commit it does
/// not tell yet.
fn may_be_of_a_push(deployment: &Deployment) -> bool {
    deployment.origin != Origin::Manual
        && deployment.commit_sha.is_none()
        && deployment.status.verdict().is_none()
}

/// The number of the pull request that a preview app of the repository belongs
/// to, as its name tells it.
fn of_repository(cleaning: &Cleaning, record: &Application) -> Option<u64> {
    let slug = cleaning.closed_in.as_deref()?;
    trigger::pull_request_of(record, slug)
}

/// A deployment that Sevalla has started for the preview's branch.
fn of_branch(new: &NewPreview) -> Scene {
    Scene {
        branch: Some(new.branch.clone()),
        ..Scene::default()
    }
}

/// The preview app that is meant, if there is one.
fn one_of(found: &mut Vec<PreviewApp>) -> Result<Option<PreviewApp>, TriggerError> {
    if found.len() > 1 {
        let labels: Vec<String> = found.iter().map(PreviewApp::label).collect();
        return Err(TriggerError::Refused {
            reason: format!("Several preview apps could be meant: {}", labels.join(", ")),
            hint: "Delete all but one, or name it with app-id.".to_owned(),
        });
    }
    Ok(found.pop())
}

fn deletion_failed(app: Uuid) -> Outcome {
    Outcome::new(
        Ending::Failed,
        format!("Sevalla failed to delete preview app {app}"),
    )
    .hint("Delete it in the dashboard, or ask Sevalla's support")
}
