//! Making a preview app: once, whatever other runs make at the same time, and
//! what a signal means meanwhile.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::actions::deletion::{DeletionProgress, DeletionResult};
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::{past, start};
use crate::actions::error::TriggerError;
use crate::actions::journaling::{PREVIEW, WriteEntry};
use crate::actions::preview::delete::of_removed;
use crate::actions::preview::find::{PreviewApp, PreviewLookup};
use crate::actions::preview::{
    NextStep, PreviewResult, creation, matching, of_branch, request_deletion, too_late,
};
use crate::actions::task::{DeployOperation, NewPreview};
use crate::actions::{
    ActionContext, CLEAN_UP, Interruption, LAST_REQUESTS, WriteResult, nothing_started,
};
use crate::backoff::Schedule;
use crate::deployment::{DeploySource, Deployment, Service};
use crate::event::EventKind;
use crate::exit_status::ExitStatus;
use crate::inputs::Abandon;
use crate::journal::{Effect, WriteRecord};
use crate::messages::{Failure, Warning};
use crate::outcome::{Outcome, PreviouslyLive};
use crate::sevalla::operation::CREATE_PREVIEW_APP;
use crate::sevalla::{ApiError, Client, Patience};
use crate::shutdown::Signal;

/// How long the first deployment of a new app may take to appear.
const FIRST_DEPLOYMENT: Duration = Duration::from_secs(120);

/// How long deleting an app that another run has made too may take.
const MAKING_WAY: Duration = Duration::from_secs(60);

impl ActionContext<'_> {
    /// The app that an earlier process of this run has made, if it has.
    pub(super) async fn resume_preview(
        &self,
        new: &NewPreview,
    ) -> Result<Option<(PreviewApp, PreviewLookup)>, TriggerError> {
        let Some(write) = self.write_before(PREVIEW) else {
            return Ok(None);
        };
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let before = PreviewLookup::of_record(&write.before);
        let made = match &write.effect {
            Effect::Cancelling { id } if self.was_first_cancelled(&write, id).await? => None,
            Effect::Made { id } | Effect::Cancelling { id } => {
                id.parse().ok().map(|id| PreviewApp {
                    id,
                    name: None,
                    record: None,
                })
            }
            _ => {
                let late = self.client.with_grace();
                let find = async || {
                    let found = creation::find_lost(&late, new, &before).await?;
                    Ok(Some(found))
                };
                self.find_effect(&write, &CREATE_PREVIEW_APP, find, &report)
                    .await?
            }
        };
        Ok(made.map(|app| (app, before)))
    }

    /// Whether the run itself has cancelled the first deployment of the app that it
    /// has made.
    async fn was_first_cancelled(
        &self,
        write: &WriteRecord,
        app: &str,
    ) -> Result<bool, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let Ok(app) = app.parse() else {
            return Ok(false);
        };
        let service = Service::application(app);
        match self.first_deployment(service).await? {
            Some(first) => self.was_cancelled(write, service, &first.id, &report).await,
            None => Ok(false),
        }
    }

    /// Makes the app, and follows its first deployment.
    pub(crate) async fn make_preview(
        &self,
        new: &NewPreview,
        before: PreviewLookup,
    ) -> PreviewResult {
        let recorded = vec![(WriteEntry::ONLY.to_owned(), before.recorded())];
        let entry = self.entry(PREVIEW, &CREATE_PREVIEW_APP, recorded);
        let before = &PreviewLookup { entry, ..before };
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let create = pin!(creation::create_preview(&self.client, new, before, &report));
        let then = Some(self.on_cancel());
        let app = match self.write_or_stop(create, then, &report).await {
            WriteResult::Interrupted(interruption) => {
                let outcome = self.stop_making(interruption, new, before).await;
                return PreviewResult::nothing(outcome);
            }
            WriteResult::Done(Ok(app)) => app,
            WriteResult::Done(Err(error)) => {
                return match self.made_meanwhile(new, &error).await {
                    Some(app) => Box::pin(self.deploy_preview(new, &app)).await,
                    None => PreviewResult::nothing(self.not_started(error).await),
                };
            }
        };
        self.bring_up_made(new, &app, before).await
    }

    /// Follows the first deployment of an app that this run has made.
    pub(crate) async fn bring_up_made(
        &self,
        new: &NewPreview,
        app: &PreviewApp,
        before: &PreviewLookup,
    ) -> PreviewResult {
        self.reporter.on(EventKind::PreviewApp {
            app: app.id,
            name: app.name.as_deref(),
            is_new: true,
        });
        let duplicate = tokio::select! {
            duplicate = creation::find_duplicate(&self.client, new, app, before, true) => duplicate,
            signal = self.stop.requested() => {
                let outcome = self.signal_after_creation(signal, app).await;
                return PreviewResult::nothing(outcome);
            }
        };
        if let Ok(Some(oldest)) = duplicate {
            return self.make_way_for(new, app, &oldest).await;
        }
        self.for_more_words(self.warn_of_repository(new, app.id))
            .await;
        let outcome = self.follow_first(new, app.id).await;
        let result = PreviewResult {
            outcome,
            app: Some(app.id),
            is_made: true,
        };
        self.without_duplicate(new, app, before, result).await
    }

    /// Looks once more for an older app of the same pull request: a list may have
    /// lacked it, and another run may have deleted ours as the younger one. What
    /// cannot be known of this is no success.
    async fn without_duplicate(
        &self,
        new: &NewPreview,
        ours: &PreviewApp,
        before: &PreviewLookup,
        result: PreviewResult,
    ) -> PreviewResult {
        if let ExitStatus::Interrupted(_) = result.outcome.ending() {
            return result;
        }
        let by = self.deadline.moment() + LAST_REQUESTS;
        let client = self.client.until(by);
        let duplicate = tokio::select! {
            duplicate = creation::find_duplicate(&client, new, ours, before, false) => duplicate,
            signal = self.stop.requested() => {
                let reason = format!("Preview app {} was created", ours.label());
                let outcome = Outcome::interrupted(signal).because(result.outcome.headline);
                return PreviewResult { outcome: outcome.because(reason), ..result };
            }
        };
        let duplicate = match duplicate {
            Ok(None) => self.disputed_duplicate(&client, new, ours, before).await,
            duplicate => duplicate,
        };
        match duplicate {
            Ok(None) => result,
            Ok(Some(oldest)) => self.make_way_for(new, ours, &oldest).await,
            Err(error) => {
                let unknown = self.not_started(error.into()).await.because(format!(
                    "Whether another run created a preview app for the same at the same time is \
                     not known; {} stays",
                    ours.label()
                ));
                result.with_extra(Some(unknown))
            }
        }
    }

    /// The older app of the same pull request which looked like that of another
    /// one before ours was created, since another run had only just created it
    /// and no comment named it. It is not the other's if that has one.
    async fn disputed_duplicate(
        &self,
        client: &Client,
        new: &NewPreview,
        ours: &PreviewApp,
        before: &PreviewLookup,
    ) -> Result<Option<PreviewApp>, ApiError> {
        let oldest = creation::older_twin_among(client, ours, &before.disputed).await?;
        let Some(oldest) = oldest else {
            return Ok(None);
        };
        let is_ours = self.others_keep_other_apps(&new.preview, oldest.id).await;
        Ok(Some(oldest).filter(|_| is_ours))
    }

    /// A signal came when the app was made, and its deployment not seen yet.
    pub(super) async fn signal_after_creation(&self, signal: Signal, app: &PreviewApp) -> Outcome {
        let by = Instant::now() + CLEAN_UP;
        self.reporter
            .on(EventKind::Stopping(signal, Some(self.on_cancel())));
        let created = format!("Preview app {} was created", app.label());
        let service = Service::application(app.id);
        self.stop_first(signal, service, &created, by).await
    }

    /// Another run has made an app for the same at the same time, and a bit
    /// earlier: with two of them every later run would not know which is meant.
    async fn make_way_for(
        &self,
        new: &NewPreview,
        ours: &PreviewApp,
        oldest: &PreviewApp,
    ) -> PreviewResult {
        let failed = match self.delete_extra(std::slice::from_ref(ours), oldest).await {
            Ok(failed) => failed,
            Err(interrupted) => return PreviewResult::nothing(interrupted),
        };
        self.reporter.on(EventKind::PreviewApp {
            app: oldest.id,
            name: oldest.name.as_deref(),
            is_new: false,
        });
        let result = PreviewResult {
            outcome: self.follow_anothers(new, oldest.id).await,
            app: Some(oldest.id),
            is_made: false,
        };
        result.with_extra(failed)
    }

    /// Deletes apps of the same pull request that are too many, as runs at the
    /// same time leave them; what went wrong with that. The error is the outcome
    /// after a signal.
    pub(crate) async fn delete_extra(
        &self,
        extra: &[PreviewApp],
        oldest: &PreviewApp,
    ) -> Result<Option<Outcome>, Outcome> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let by = self.deadline.moment().min(Instant::now() + MAKING_WAY);
        let client = self.client.until(by);
        let mut failed = None;
        for app in extra {
            report(EventKind::Note(&format!(
                "{} is of the same pull request or branch, and older. Deleting {}.",
                oldest.label(),
                app.label()
            )));
            let progress = DeletionProgress::default();
            let deleted = tokio::select! {
                // The signal first, as in `until_stopped`.
                biased;
                signal = self.stop.requested() => {
                    let reason = format!("Preview app {} is an extra one", app.label());
                    let outcome = Outcome::interrupted(signal).because(reason);
                    return Err(outcome.hint("Delete it with delete-preview-app and app-id"));
                }
                deleted = request_deletion::delete_preview(&client, app.id, &progress, &report) => deleted,
            };
            let end = match deleted {
                // What was accepted goes by itself.
                Ok(None) => continue,
                Ok(Some(deleted))
                    if matches!(deleted.end, DeletionResult::Gone | DeletionResult::Accepted) =>
                {
                    continue;
                }
                Ok(Some(deleted)) => of_removed(&deleted.label, &deleted.end, &progress),
                Err(error) => self.not_started(error).await,
            };
            let text = format!(
                "There are two preview apps for the same, and {}, which is one too many, could not \
                 be deleted.",
                app.label()
            );
            report(EventKind::Warning(Warning::ExtraPreview, &text));
            failed = failed.or(Some(end.because(text)));
        }
        Ok(failed)
    }

    /// An app of another repository than the run's is not known as its own by
    /// the next run, which would make one more.
    async fn warn_of_repository(&self, new: &NewPreview, app: Uuid) {
        let Ok(record) = self.client.get_application(app, Patience::Once).await else {
            return;
        };
        if let Some(other) = matching::other_repository(&new.preview, &record) {
            let ours = new.preview.repository.as_deref().unwrap_or_default();
            let mut text = format!(
                "The pipeline builds {other}, which is not the repository of this run ({ours})."
            );
            if !self.keeps_app(new.preview.pull_request) {
                text.push_str(
                    " The next run will not know this preview app as its own and create another, \
                     unless it is given as app-id.",
                );
            }
            self.reporter.on(EventKind::Warning(
                Warning::PipelineOfAnotherRepository,
                &text,
            ));
        }
    }

    /// The app that another run, or Sevalla itself, has made since this one
    /// looked: then making a second one may be refused.
    async fn made_meanwhile(&self, new: &NewPreview, error: &TriggerError) -> Option<PreviewApp> {
        if !matches!(error.status(), Some(400 | 409 | 422)) {
            return None;
        }
        let kept = self.kept_apps(&new.preview).await;
        let look = self.find_preview(&new.preview, &kept);
        let (found, _) = self.for_more_words(look).await?.ok()?;
        let (app, _) = found?;
        self.reporter.on(EventKind::PreviewApp {
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
            signal = self.stop.requested() => return Outcome::interrupted(signal)
                .because(format!("Preview app {app} of the other run was left as it is")),
        };
        let context = DeploymentContext {
            is_anothers: true,
            ..of_new(new)
        };
        self.follow_seen(app, first, &context).await
    }

    /// Follows the first deployment of a new app.
    pub(super) async fn follow_first(&self, new: &NewPreview, app: Uuid) -> Outcome {
        let service = Service::application(app);
        let first = tokio::select! {
            first = self.first_deployment(service) => first,
            signal = self.stop.requested() => {
                let by = Instant::now() + CLEAN_UP;
                self.reporter.on(EventKind::Stopping(signal, Some(self.on_cancel())));
                let created = format!("Preview app {app} was created");
                return self.stop_first(signal, service, &created, by).await;
            }
        };
        self.follow_seen(app, first, &of_new(new)).await
    }

    async fn follow_seen(
        &self,
        app: Uuid,
        first: Result<Option<Deployment>, TriggerError>,
        context: &DeploymentContext,
    ) -> Outcome {
        let service = Service::application(app);
        match first {
            Ok(Some(deployment)) => {
                self.reporter.on(EventKind::Started(service, &deployment));
                if !self.plan.follow {
                    return Outcome::triggered(Some(&deployment));
                }
                self.follow(service, deployment, context).await
            }
            Ok(None) => Outcome::of(
                Failure::FirstDeploymentMissing,
                "The preview app was created, but no deployment of it was seen",
            )
            .because(format!(
                "Sevalla starts the first deployment of {app} by itself"
            ))
            .hint("Check in the dashboard, or run this again: the app is there now"),
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
            let all = match past::read_past(&self.client, service).await {
                // The service's own parts need a moment to agree that it exists.
                Err(error) if error.status() == Some(404) && Instant::now() < give_up => Vec::new(),
                other => other?,
            };
            // The oldest: what came after it is somebody else's.
            if let Some(first) = all.into_iter().rfind(|one| !one.is_unreadable()) {
                return Ok(Some(first));
            }
            let wait = looks.next_wait(None);
            if Instant::now() + wait >= give_up {
                return Ok(None);
            }
            sleep(wait).await;
        }
    }

    /// A signal came while the request that makes the app was on its way.
    pub(super) async fn stop_making(
        &self,
        interruption: Interruption<Result<PreviewApp, TriggerError>>,
        new: &NewPreview,
        before: &PreviewLookup,
    ) -> Outcome {
        let Interruption { signal, result, by } = interruption;
        if let Some(Err(error)) = &result
            && let Some(refused) = error.failed_request()
        {
            return nothing_started(signal).because(refused.to_string());
        }
        let app = if let Some(Ok(app)) = result {
            Some(app)
        } else {
            let client = self.looking_up(by);
            creation::find_made_preview(&client, new, before).await
        };
        let Some(app) = app else {
            return Outcome::interrupted(signal)
                .because("The request that creates the preview app was on its way; whether it took effect is not known")
                .hint("Check in the dashboard, and delete the app there if there is one");
        };
        self.reporter.on(EventKind::PreviewApp {
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
            return Outcome::interrupted(signal)
                .because(format!("{created} and was left as it is"));
        }
        let first = start::find_first(&self.looking_up(by), service).await;
        let outcome = match first {
            Some(deployment) => {
                self.reporter.on(EventKind::Started(service, &deployment));
                self.stop_following(signal, service, &deployment.id, by)
                    .await
                    .because(created)
            }
            None => Outcome::interrupted(signal)
                .because(format!("{created}; its first deployment was not seen yet")),
        };
        outcome.hint("If nobody uses the app, delete it with delete-preview-app")
    }

    /// Does what is to be done with an app that is there.
    pub(super) async fn take_step(
        &self,
        new: &NewPreview,
        app: Uuid,
        step: Result<NextStep, TriggerError>,
    ) -> Outcome {
        let service = Service::application(app);
        match step {
            Err(error) => self.not_started(error).await,
            Ok(NextStep::TooLate) => too_late("Sevalla's own deployment did not show its commit"),
            Ok(NextStep::Follow(deployment)) => {
                self.reporter.on(EventKind::Found(service, &deployment));
                if self.plan.follow {
                    self.follow(service, *deployment, &of_branch(new)).await
                } else {
                    Outcome::joined(&deployment)
                }
            }
            Ok(NextStep::Nothing(deployment)) => {
                self.is_up_to_date(new, service, *deployment).await
            }
            Ok(NextStep::Deploy) => {
                let order = DeploySource {
                    branch: Some(new.branch.clone()),
                    ..DeploySource::default()
                };
                self.deploy(&DeployOperation::DeployApplication { app, order })
                    .await
            }
        }
    }
}

/// The scene of the first deployment of a new app.
fn of_new(new: &NewPreview) -> DeploymentContext {
    DeploymentContext {
        live_before: PreviouslyLive::Nothing { read: 0 },
        is_first: true,
        ..of_branch(new)
    }
}
