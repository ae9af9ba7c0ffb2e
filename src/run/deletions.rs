//! Deleting preview apps: one, those of a closed pull request, and many.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::Run;
use crate::code_host::Marker;
use crate::deployment::Service;
use crate::messages::{Failure, Warning};
use crate::outcome::{Ending, Outcome};
use crate::plan::{Cleaning, NewPreview, Preview};
use crate::report::{Event, News, counted};
use crate::sevalla::{AppSummary, Application, Patience};
use crate::trigger::{self, Course, Deleted, Removed, TriggerError};

/// Said after what was begun: nothing of it is done twice.
const AGAIN: &str = "Run this again: deleting twice does no harm";

impl Run<'_> {
    /// Deletes the preview app that is meant; one that is gone is as good.
    pub(super) async fn delete_preview(&self, preview: &Preview) -> Outcome {
        let outcome = self.find_and_delete(preview).await;
        self.say_gone_or_why_not(preview, &outcome).await;
        outcome
    }

    /// The same for a pull request that was closed when the event was made. An
    /// old job may be run again after it was reopened.
    pub(super) async fn end_preview(&self, preview: &Preview) -> Outcome {
        if self.is_still_open(preview.pull_request).await == Some(true) {
            return Outcome::passed("The pull request is open again, so its preview stays");
        }
        self.delete_preview(preview).await
    }

    /// The pull request is closed: nothing may be left of its preview. `made`
    /// is the app that this run has made.
    pub(super) async fn was_closed(&self, new: &NewPreview, made: Option<Uuid>) -> Outcome {
        let preview = Preview {
            app: made.or(new.preview.app),
            ..new.preview.clone()
        };
        let outcome = self.find_and_delete(&preview).await;
        if let Ending::Interrupted(_) = outcome.ending() {
            return outcome.because("The pull request is closed: its preview app is not needed");
        }
        if outcome.ending() != Ending::Success {
            return outcome;
        }
        Outcome::passed("The pull request was closed meanwhile, so there is no preview")
    }

    /// Says in the comment, wherever that is to be found, that the preview is
    /// gone, or why it may not be.
    async fn say_gone_or_why_not(&self, preview: &Preview, outcome: &Outcome) {
        let news = match outcome.ending() {
            Ending::Success => News::Deleted,
            _ => News::Ended(outcome),
        };
        let number = preview.pull_request;
        if let Some(pipeline) = preview.pipeline {
            self.correct_comment(number, Marker::of(&pipeline.to_string()), news)
                .await;
        } else if let (Some(number), Some(app)) = (number, preview.app) {
            self.correct_comment(Some(number), Marker::of_app(app), news)
                .await;
        }
    }

    /// Deletes, unless somebody asks to end: then says how far that has come.
    pub(super) async fn unless_left(
        &self,
        course: &Course,
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let signal = match self.until_stopped(work).await {
            Ok(outcome) => return outcome,
            Err(signal) => signal,
        };
        let outcome = Outcome::interrupted(signal);
        let outcome = course.so_far().into_iter().fold(outcome, Outcome::because);
        if course.has_written() {
            outcome.hint(AGAIN)
        } else {
            outcome
        }
    }

    async fn find_and_delete(&self, preview: &Preview) -> Outcome {
        let course = Course::default();
        let ends = RefCell::default();
        let all = async {
            match self.delete_each(preview, &course, &ends).await {
                Ok(()) => all_deleted(ends.take()),
                Err(error) => self.not_started(error).await,
            }
        };
        let outcome = self.unless_left(&course, all).await;
        // There are any left only where a signal came.
        let also = |outcome: Outcome, end: Outcome| outcome.because(end.headline);
        ends.take().into_iter().fold(outcome, also)
    }

    async fn delete_each(
        &self,
        preview: &Preview,
        course: &Course,
        ends: &RefCell<Vec<Outcome>>,
    ) -> Result<(), TriggerError> {
        let apps = if let Some(app) = preview.app {
            vec![app]
        } else {
            let apps = trigger::previews_to_delete(&self.client, preview).await?;
            apps.iter().map(|app| app.id).collect()
        };
        for app in apps {
            course.begin();
            let end = match self.delete_one(app, course).await {
                Ok(end) => end,
                Err(error) => self.not_started(error).await,
            };
            ends.borrow_mut().push(end);
        }
        course.begin();
        Ok(())
    }

    async fn delete_one(&self, app: Uuid, course: &Course) -> Result<Outcome, TriggerError> {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let Some(record) = trigger::look_before_deletion(&self.client, app).await? else {
            let headline = format!("Preview app {app} was already gone");
            return Ok(Outcome::success(headline));
        };
        tell(Event::PreviewApp {
            app,
            name: record.display_name.as_deref(),
            is_new: false,
        });
        if self.plan.dry_run {
            return Ok(Outcome::planned(&format!("delete preview app {app}")));
        }
        let Deleted { label, end } =
            trigger::delete_known_preview(&self.client, app, record, course, &tell).await?;
        Ok(of_removed(&label, &end, course))
    }
}

/// What became of the wish to delete, with what was stopped for it.
pub(super) fn of_removed(label: &str, removed: &Removed, course: &Course) -> Outcome {
    let outcome = match removed {
        Removed::Gone => return Outcome::success(format!("Deleted {label}")),
        Removed::Accepted => Outcome::of(
            Failure::NotGoneInTime,
            format!("Sevalla agreed to delete {label}, which was not gone in time"),
        )
        .hint(AGAIN),
        Removed::Unanswered => Outcome::of(
            Failure::TimeUp,
            format!("The run's time was over before Sevalla answered whether it deletes {label}"),
        )
        .because("Whether it agreed was not seen")
        .hint(AGAIN),
        Removed::Failed => Outcome::of(
            Failure::DeletionFailed,
            format!("Sevalla failed to delete {label}"),
        )
        .hint("Run this again, delete it in the dashboard, or ask Sevalla's support"),
    };
    course.stopped().into_iter().fold(outcome, Outcome::because)
}

/// One outcome from those of all: a success only if all are.
fn all_deleted(ends: Vec<Outcome>) -> Outcome {
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
struct Stale {
    app: Uuid,
    /// What people call it.
    label: String,
    why: String,
    /// Its pull request, as its name tells it.
    request: Option<u64>,
}

/// What a cleaning has come to so far.
#[derive(Default)]
struct Tally {
    gone: usize,
    gone_before: usize,
    /// What people call those that were accepted, and not gone in time.
    accepted: Vec<String>,
}

impl Tally {
    fn count(&mut self, deleted: Option<&Deleted>) {
        match deleted.map(|deleted| (&deleted.end, &deleted.label)) {
            None => self.gone_before += 1,
            Some((Removed::Gone, _)) => self.gone += 1,
            Some((Removed::Accepted, label)) => self.accepted.push(label.clone()),
            Some((Removed::Failed | Removed::Unanswered, _)) => {}
        }
    }
}

impl fmt::Display for Tally {
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
impl Run<'_> {
    /// Deletes previews that nobody needs any more.
    pub(super) async fn clean_previews(&self, cleaning: &Cleaning) -> Outcome {
        let course = Course::default();
        let tally = RefCell::default();
        let work = self.clean(cleaning, &course, &tally);
        let mut outcome = self.unless_left(&course, work).await;
        if let Ending::Interrupted(_) = outcome.ending() {
            outcome = outcome.because("Some previews may not have been looked at");
        }
        if outcome.is_good() {
            outcome
        } else {
            outcome.because(tally.borrow().to_string())
        }
    }

    /// Each preview is judged right before it is deleted: what was true of it
    /// before the others went may not be so any more.
    async fn clean(&self, cleaning: &Cleaning, course: &Course, tally: &RefCell<Tally>) -> Outcome {
        let listed = match trigger::list_previews(&self.client).await {
            Ok(listed) => listed,
            Err(error) => return self.not_started(error.into()).await,
        };
        if listed.has_more {
            self.reporter.on(Event::Warning(
                Warning::PreviewsNotListed,
                "There are more apps than are looked through: the oldest previews may be missed.",
            ));
        }
        let mut failed: Option<Outcome> = None;
        let mut tried = 0;
        // The oldest are the likeliest, and the longest in the way.
        for app in listed.all.into_iter().rev() {
            course.begin();
            let stale = match self.judge(cleaning, app).await {
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
                    .on(Event::Warning(Warning::PreviewsLeft, &text));
                break;
            }
            tried += 1;
            let told = format!("{}: {}", stale.label, stale.why);
            self.reporter.on(Event::Note(&told));
            if !self.plan.dry_run {
                failed = failed.or(self.remove(stale, course, tally).await);
            }
        }
        if self.plan.dry_run {
            return Outcome::planned(&format!("delete {tried} preview apps"));
        }
        failed.unwrap_or_else(|| Outcome::success(tally.borrow().to_string()))
    }

    /// Deletes one, and tells what went wrong with that.
    async fn remove(
        &self,
        stale: Stale,
        course: &Course,
        tally: &RefCell<Tally>,
    ) -> Option<Outcome> {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let deleted = trigger::delete_preview(&self.client, stale.app, course, &tell).await;
        let end = match deleted {
            Ok(deleted) => {
                tally.borrow_mut().count(deleted.as_ref());
                deleted.map(|Deleted { label, end }| of_removed(&label, &end, course))
            }
            Err(error) => {
                let error = self.not_started(error).await;
                Some(error.because(format!("It was {}", stale.label)))
            }
        };
        course.begin();
        if let Some(failed) = end.filter(|end| !end.is_good()) {
            return Some(failed);
        }
        if let Some(number) = stale.request {
            let marker = Marker::of_app(stale.app);
            self.correct_comment(Some(number), marker, News::Deleted)
                .await;
        }
        None
    }

    /// Whether a preview is one that nobody needs, as of now.
    async fn judge(
        &self,
        cleaning: &Cleaning,
        app: AppSummary,
    ) -> Result<Option<Stale>, TriggerError> {
        let patience = Patience::FOR_A_SEARCH;
        let record = match self.client.get_application(app.id, patience).await {
            Ok(record) => record,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if trigger::refuse_no_preview(&record).is_err() {
            return Ok(None);
        }
        let slug = cleaning.closed_in.as_deref();
        let request = slug.and_then(|slug| trigger::pull_request_of(&record, slug));
        let branch = record.default_branch.as_deref();
        let is_closed = self.is_closed(request, branch).await;
        let why = match request.filter(|_| is_closed) {
            Some(number) => Some(format!("pull request {number} is closed")),
            None => self.why_old(cleaning, &record, app.id).await?,
        };
        let label = match app.display_name {
            Some(name) => format!("{name} ({})", app.id),
            None => app.id.to_string(),
        };
        Ok(why.map(|why| Stale {
            app: app.id,
            label,
            why,
            request,
        }))
    }

    async fn why_old(
        &self,
        cleaning: &Cleaning,
        record: &Application,
        id: Uuid,
    ) -> Result<Option<String>, TriggerError> {
        let Some(max_age) = cleaning.max_age else {
            return Ok(None);
        };
        let past = trigger::read_past(&self.client, Service::application(id)).await?;
        if past.iter().any(trigger::is_busy) {
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
