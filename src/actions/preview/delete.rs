//! Deleting preview apps: one, those of a closed pull request, and many.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::actions::ActionContext;
use crate::actions::deletion::{DeletionProgress, DeletionResult};
use crate::actions::deploy::past;
use crate::actions::error::TriggerError;
use crate::actions::preview::comment::{BEFORE_THE_START, PATIENCE, PullRequestError};
use crate::actions::preview::request_deletion::{self, Deleted};
use crate::actions::preview::{find, matching};
use crate::actions::task::{CleanupPolicy, Preview};
use crate::branch::is_same;
use crate::ci::ChangeState;
use crate::code_host::{KeptApps, Marker, PullRequest};
use crate::deployment::Service;
use crate::event::EventKind;
use crate::exit_status::ExitStatus;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::report::CommentStatus;
use crate::sevalla::{AppSummary, Application, Patience};
use crate::text::duration::counted;

/// Said after what was begun: nothing of it is done twice.
const RUN_AGAIN: &str = "Run this again: deleting twice does no harm";

impl ActionContext<'_> {
    /// Deletes the preview app that is meant; one that is gone is as good.
    pub(crate) async fn delete_preview(&self, preview: &Preview) -> Outcome {
        // An id says which app it is, whatever its pull request is.
        let number = preview.pull_request.filter(|_| preview.app.is_none());
        let request = self.pull_request(number, BEFORE_THE_START).await;
        self.delete_and_say(&as_it_is(preview, request.as_ref()))
            .await
    }

    /// Deletes the preview app of a pull request that the event says is closed. An
    /// old job may be run again after it was reopened.
    pub(crate) async fn end_preview(&self, preview: &Preview) -> Outcome {
        let number = preview.pull_request;
        let request = self.pull_request(number, BEFORE_THE_START).await;
        let state = request.as_ref().map(|request| request.state);
        if state == Some(ChangeState::Open) {
            return Outcome::passed("The pull request is open again, so its preview stays");
        }
        self.delete_and_say(&as_it_is(preview, request.as_ref()))
            .await
    }

    async fn delete_and_say(&self, preview: &Preview) -> Outcome {
        let apps = RefCell::default();
        let outcome = self.find_and_delete(preview, None, &apps).await;
        self.say_gone_or_why_not(preview, &apps.into_inner(), &outcome)
            .await;
        outcome
    }

    /// The pull request is closed: nothing may be left of its preview. `made`
    /// is the app that this run has made.
    pub(crate) async fn was_closed(&self, preview: &Preview, made: Option<Uuid>) -> Outcome {
        let preview = Preview {
            app: made.or(preview.app),
            ..preview.clone()
        };
        let outcome = self
            .find_and_delete(&preview, None, &RefCell::default())
            .await;
        if let ExitStatus::Interrupted(_) = outcome.ending() {
            return outcome.because("The pull request is closed: its preview app is not needed");
        }
        if outcome.ending() != ExitStatus::Success {
            return outcome;
        }
        Outcome::passed("The pull request was closed meanwhile, so there is no preview")
    }

    /// Says in the comment, wherever that is to be found, that the preview is
    /// gone, or why it may not be. `apps` are those that were to be deleted.
    async fn say_gone_or_why_not(&self, preview: &Preview, apps: &[Uuid], outcome: &Outcome) {
        let news = match outcome.ending() {
            ExitStatus::Success => CommentStatus::Deleted,
            _ => CommentStatus::Ended(outcome),
        };
        let number = preview.pull_request;
        if let Some(pipeline) = preview.pipeline {
            self.correct_comment(number, Marker::of(&pipeline.to_string()), news)
                .await;
            return;
        }
        for app in apps {
            self.correct_comment(number, Marker::of_app(*app), news)
                .await;
        }
    }

    /// Deletes, unless somebody asks to end: then says how far that has come.
    pub(crate) async fn unless_left(
        &self,
        progress: &DeletionProgress,
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let signal = match self.until_stopped(work).await {
            Ok(outcome) => return outcome,
            Err(signal) => signal,
        };
        let outcome = Outcome::interrupted(signal);
        let outcome = progress
            .so_far()
            .into_iter()
            .fold(outcome, Outcome::because);
        if progress.has_written() {
            outcome.hint(RUN_AGAIN)
        } else {
            outcome
        }
    }

    /// Deletes what is meant. `known` are the apps that comments name; if they are not
    /// given, the comments are read.
    pub(super) async fn find_and_delete(
        &self,
        preview: &Preview,
        known: Option<KeptApps>,
        found: &RefCell<Vec<Uuid>>,
    ) -> Outcome {
        let progress = DeletionProgress::default();
        let ends = RefCell::default();
        let all = async {
            let deleted = async {
                let apps = match preview.app {
                    Some(app) => vec![app],
                    // Boxed: what waits in it is large.
                    None => Box::pin(self.previews_to_delete(preview, known)).await?,
                };
                found.borrow_mut().clone_from(&apps);
                self.delete_each(apps, &progress, &ends).await;
                Ok(())
            };
            match deleted.await {
                Ok(()) => all_deleted(ends.take()),
                Err(error) => self.not_started(error).await,
            }
        };
        let outcome = self.unless_left(&progress, all).await;
        // There are any left only where a signal came.
        let also = |outcome: Outcome, end: Outcome| outcome.because(end.headline);
        ends.take().into_iter().fold(outcome, also)
    }

    async fn delete_each(
        &self,
        apps: Vec<Uuid>,
        progress: &DeletionProgress,
        ends: &RefCell<Vec<Outcome>>,
    ) {
        for app in apps {
            progress.begin();
            let end = match self.delete_one(app, progress).await {
                Ok(end) => end,
                Err(error) => self.not_started(error).await,
            };
            ends.borrow_mut().push(end);
        }
        progress.begin();
    }

    async fn previews_to_delete(
        &self,
        preview: &Preview,
        known: Option<KeptApps>,
    ) -> Result<Vec<Uuid>, TriggerError> {
        let kept = match known {
            Some(known) => known,
            None => KeptApps {
                elsewhere: Vec::new(),
                ..self.kept_apps(preview).await
            },
        };
        let mut apps = find::find_previews_to_delete(&self.client, preview, &kept).await?;
        apps.existing = self.without_others(preview, apps.existing, true).await?;
        Ok(apps.sure()?.into_iter().map(|app| app.id).collect())
    }

    async fn delete_one(
        &self,
        app: Uuid,
        progress: &DeletionProgress,
    ) -> Result<Outcome, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let Some(record) = request_deletion::preflight_deletion(&self.client, app).await? else {
            let headline = format!("Preview app {app} was already gone");
            return Ok(Outcome::success(headline));
        };
        report(EventKind::PreviewApp {
            app,
            name: record.display_name.as_deref(),
            is_new: false,
        });
        if self.plan.dry_run {
            return Ok(Outcome::planned(&format!("delete preview app {app}")));
        }
        let Deleted { label, end } =
            request_deletion::delete_known_preview(&self.client, app, record, progress, &report)
                .await?;
        Ok(of_removed(&label, &end, progress))
    }
}

/// A preview with what the code host says of its pull request. A fork's branch is
/// not ours, whatever its name.
pub(crate) fn as_it_is(preview: &Preview, request: Option<&PullRequest>) -> Preview {
    let given = preview.branch.clone();
    let branch = match request {
        Some(request) if request.is_fork => None,
        Some(request) => given.or_else(|| Some(request.head_branch.clone())),
        None => given,
    };
    Preview {
        branch,
        ..preview.clone()
    }
}

/// What became of the wish to delete, with what was stopped for it.
pub(crate) fn of_removed(
    label: &str,
    removed: &DeletionResult,
    progress: &DeletionProgress,
) -> Outcome {
    let outcome = match removed {
        DeletionResult::Gone => return Outcome::success(format!("Deleted {label}")),
        DeletionResult::Accepted => Outcome::of(
            Failure::NotGoneInTime,
            format!("Sevalla agreed to delete {label}, which was not gone in time"),
        )
        .hint(RUN_AGAIN),
        DeletionResult::Unanswered => Outcome::of(
            Failure::TimeUp,
            format!("Timed out before Sevalla answered whether it deletes {label}"),
        )
        .because("Whether it agreed was not seen")
        .hint(RUN_AGAIN),
        DeletionResult::Failed => Outcome::of(
            Failure::DeletionFailed,
            format!("Sevalla failed to delete {label}"),
        )
        .hint("Run this again, delete it in the dashboard, or ask Sevalla's support"),
    };
    progress
        .stopped()
        .into_iter()
        .fold(outcome, Outcome::because)
}

/// One outcome from those of all: a success only if all are.
pub(super) fn all_deleted(ends: Vec<Outcome>) -> Outcome {
    let is_bad = |end: &Outcome| !end.is_good();
    let (bad, good): (Vec<_>, Vec<_>) = ends.into_iter().partition(is_bad);
    if let Some(bad) = bad.into_iter().next() {
        let also = |bad: Outcome, good: Outcome| bad.because(good.headline);
        return good.into_iter().fold(bad, also);
    }
    let also = |one: Outcome, other: Outcome| {
        let headline = format!("{}; {}", one.headline, other.headline);
        one.headed(headline)
    };
    let none = || Outcome::success("There is no such preview app (any more)");
    good.into_iter().reduce(also).unwrap_or_else(none)
}

/// A preview that nobody needs any more.
struct StalePreview {
    app: Uuid,
    /// What people call it.
    label: String,
    why: String,
    /// Its pull request, as its name gives it.
    request: Option<u64>,
}

/// What a cleaning has come to so far.
#[derive(Default)]
struct CleanupSummary {
    /// How many pull requests were read.
    read: usize,
    /// Why the first of those was not read that were not, with its number.
    unread: Option<(u64, PullRequestError)>,
    /// The preview that is being deleted, with its pull request.
    current: Option<(Uuid, u64)>,
    gone: usize,
    gone_before: usize,
    /// What people call those that were accepted, and not gone in time.
    accepted: Vec<String>,
}

impl CleanupSummary {
    fn count(&mut self, deleted: Option<&Deleted>) {
        match deleted.map(|deleted| (&deleted.end, &deleted.label)) {
            None => self.gone_before += 1,
            Some((DeletionResult::Gone, _)) => self.gone += 1,
            Some((DeletionResult::Accepted, label)) => self.accepted.push(label.clone()),
            Some((DeletionResult::Failed | DeletionResult::Unanswered, _)) => {}
        }
    }
}

impl fmt::Display for CleanupSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deleted {}", counted(self.gone, "preview app"))?;
        if self.gone_before > 0 {
            write!(f, "; already gone: {}", self.gone_before)?;
        }
        if !self.accepted.is_empty() {
            let all = self.accepted.join(", ");
            let count = self.accepted.len();
            write!(f, "; accepted, but not gone in time: {count} ({all})")?;
        }
        Ok(())
    }
}

/// Cleaning up.
impl ActionContext<'_> {
    /// Deletes previews that nobody needs any more.
    pub(crate) async fn clean_previews(&self, cleaning: &CleanupPolicy) -> Outcome {
        let progress = DeletionProgress::default();
        let summary = RefCell::default();
        // Boxed: what waits in it is large.
        let work = Box::pin(self.clean(cleaning, &progress, &summary));
        let mut outcome = self.unless_left(&progress, work).await;
        if let ExitStatus::Interrupted(_) = outcome.ending() {
            outcome = outcome.because("Some previews may not have been looked at");
            let current = summary.borrow_mut().current.take();
            if let Some((app, number)) = current.filter(|_| progress.has_requested()) {
                let marker = Marker::of_app(app);
                self.correct_comment(Some(number), marker, CommentStatus::Ended(&outcome))
                    .await;
            }
        }
        if outcome.is_good() {
            outcome
        } else {
            outcome.because(summary.borrow().to_string())
        }
    }

    /// Each preview is judged right before it is deleted: what was true of it
    /// before the others went may not be so any more.
    async fn clean(
        &self,
        cleaning: &CleanupPolicy,
        progress: &DeletionProgress,
        summary: &RefCell<CleanupSummary>,
    ) -> Outcome {
        let listed = match find::list_previews(&self.client).await {
            Ok(listed) => listed,
            Err(error) => return self.not_started(error.into()).await,
        };
        if listed.has_more {
            self.reporter.on(EventKind::Warning(
                Warning::PreviewsNotListed,
                "There are more apps than are looked through: the oldest previews may be missed.",
            ));
        }
        let mut failed: Option<Outcome> = None;
        let mut tried = 0;
        // The oldest are the likeliest, and the longest in the way.
        for app in listed.all.into_iter().rev() {
            progress.begin();
            let stale = match self.classify(cleaning, app, summary).await {
                Ok(Some(stale)) => stale,
                Ok(None) => continue,
                Err(error) => {
                    let error = self.not_started(error).await;
                    return failed.unwrap_or(error);
                }
            };
            if tried == cleaning.most {
                let text = format!(
                    "More previews could be deleted; max-deletions allows {tried} in one run."
                );
                self.reporter
                    .on(EventKind::Warning(Warning::PreviewsLeft, &text));
                break;
            }
            tried += 1;
            let reported = format!("{}: {}", stale.label, stale.why);
            self.reporter.on(EventKind::Note(&reported));
            if !self.plan.dry_run {
                failed = failed.or(self.remove(stale, progress, summary).await);
            }
        }
        let failed = failed.or_else(|| Self::read_none(summary));
        if self.plan.dry_run && failed.is_none() {
            return Outcome::planned(&format!("delete {tried} preview apps"));
        }
        failed.unwrap_or_else(|| Outcome::success(summary.borrow().to_string()))
    }

    /// The outcome of a cleaning that has read no pull request, though there were
    /// some to read.
    fn read_none(summary: &RefCell<CleanupSummary>) -> Option<Outcome> {
        let summary = summary.borrow();
        let (number, unread) = summary.unread.as_ref().filter(|_| summary.read == 0)?;
        let outcome = unread.outcome(*number);
        Some(
            outcome
                .because("No pull request could be read, so no preview of a closed one is known"),
        )
    }

    /// Deletes one, and returns what went wrong.
    async fn remove(
        &self,
        stale: StalePreview,
        progress: &DeletionProgress,
        summary: &RefCell<CleanupSummary>,
    ) -> Option<Outcome> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        summary.borrow_mut().current = stale.request.map(|number| (stale.app, number));
        let deleted =
            request_deletion::delete_preview(&self.client, stale.app, progress, &report).await;
        let end = match deleted {
            Ok(deleted) => {
                summary.borrow_mut().count(deleted.as_ref());
                deleted.map(|Deleted { label, end }| of_removed(&label, &end, progress))
            }
            Err(error) => {
                let error = self.not_started(error).await;
                Some(error.because(format!("It was {}", stale.label)))
            }
        };
        let was_asked = progress.has_requested();
        progress.begin();
        let failed = end.filter(|end| !end.is_good());
        let news = match &failed {
            Some(failed) => CommentStatus::Ended(failed),
            None => CommentStatus::Deleted,
        };
        // One that nobody tried to delete is what it was.
        if let Some(number) = stale.request.filter(|_| failed.is_none() || was_asked) {
            let marker = Marker::of_app(stale.app);
            self.correct_comment(Some(number), marker, news).await;
        }
        summary.borrow_mut().current = None;
        failed
    }

    /// Whether a preview is one that nobody needs, as of now.
    async fn classify(
        &self,
        cleaning: &CleanupPolicy,
        app: AppSummary,
        summary: &RefCell<CleanupSummary>,
    ) -> Result<Option<StalePreview>, TriggerError> {
        let patience = Patience::FOR_A_SEARCH;
        let record = match self.client.get_application(app.id, patience).await {
            Ok(record) => record,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if request_deletion::refuse_no_preview(&record).is_err() {
            return Ok(None);
        }
        let slug = cleaning.closed_in.as_deref();
        let request = slug.and_then(|slug| matching::pull_request_of(&record, slug));
        let is_closed = match request {
            // Boxed: what waits in it is large.
            Some(number) => Box::pin(self.is_closed(number, app.id, &record, summary)).await,
            None => false,
        };
        let why = match request.filter(|_| is_closed) {
            Some(number) => Some(format!("pull request {number} is closed")),
            None => self.why_old(cleaning, &record, app.id).await?,
        };
        let label = match app.display_name {
            Some(name) => format!("{name} ({})", app.id),
            None => app.id.to_string(),
        };
        Ok(why.map(|why| StalePreview {
            app: app.id,
            label,
            why,
            request,
        }))
    }

    /// Whether the pull request is closed whose number the app's name has. A name
    /// can be changed by hand: the branch has to be the pull request's too, unless
    /// the comment on it is about this app.
    async fn is_closed(
        &self,
        number: u64,
        app: Uuid,
        record: &Application,
        summary: &RefCell<CleanupSummary>,
    ) -> bool {
        let request = match self.ask_for(number, PATIENCE).await {
            Ok(request) => request,
            Err(unread) => {
                self.warn_of(&unread);
                summary.borrow_mut().unread.get_or_insert((number, unread));
                return false;
            }
        };
        summary.borrow_mut().read += 1;
        if request.state == ChangeState::Open {
            return false;
        }
        let branch = record.default_branch.as_deref();
        if !request.is_fork && branch.is_some_and(|branch| is_same(branch, &request.head_branch)) {
            return true;
        }
        let preview = Preview {
            pull_request: Some(number),
            ..Preview::default()
        };
        self.kept_apps(&preview).await.contains(app)
    }

    async fn why_old(
        &self,
        cleaning: &CleanupPolicy,
        record: &Application,
        id: Uuid,
    ) -> Result<Option<String>, TriggerError> {
        let Some(max_age) = cleaning.max_age else {
            return Ok(None);
        };
        let past = past::read_past(&self.client, Service::application(id)).await?;
        if past.iter().any(past::is_busy) {
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
