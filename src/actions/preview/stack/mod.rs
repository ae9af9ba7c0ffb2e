//! `preview-stack`: the previews of a pull request for several services, of
//! which one can refer to the address of another.
//!
//! Nothing in the API ties a preview app to its pipeline, and the apps of one pull
//! request look alike. So the comment on the pull request keeps which app belongs
//! to which pipeline, and an app that no comment names is never taken for one of
//! several.

mod bring_up;
mod find;
pub(crate) mod resolve;

use std::cell::RefCell;

use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::ActionContext;
use crate::actions::preview::comment::{AFTER_DEADLINE, AFTER_SIGNAL, PATIENCE, PullRequestError};
use crate::actions::preview::delete::{all_deleted, as_it_is};
use crate::actions::preview::find::PreviewApp;
use crate::actions::stack::changed::DeployDecision;
use crate::actions::stack::{StackMember, StackTask};
use crate::actions::task::{NewPreview, Preview, PreviewSelector};
use crate::ci::ChangeState;
use crate::code_host::{CodeHost, KeptApps, KeptComment, Marker, PullRequest};
use crate::deployment::Service;
use crate::event::EventKind;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report::{PreviewRow, StackCommentStatus};
use crate::sanitize::SanitizedText;
use crate::stack::StackPreview;

/// The previews of a stack for one pull request.
#[derive(Debug, Clone)]
pub struct StackPreviewTask {
    /// The stack.
    pub stack: StackTask,
    /// The pull request and its branch. The pipeline is that of no service.
    pub wanted: PreviewSelector,
    /// Whether the event says that the pull request is closed.
    pub is_closed: bool,
}

/// The preview of one service.
struct ServicePreview<'t> {
    file: &'t StackPreview,
    member: StackMember,
    /// Its pipeline, and the pull request's branch.
    new: NewPreview,
    /// The app, if there is one.
    app: Option<PreviewApp>,
    /// Whether this run has made the app.
    is_made: bool,
    decision: DeployDecision,
}

impl ServicePreview<'_> {
    fn key(&self) -> String {
        self.new.pipeline.to_string()
    }

    fn app_id(&self) -> Option<Uuid> {
        self.app.as_ref().map(|app| app.id)
    }
}

impl ActionContext<'_> {
    /// Brings the previews of a stack up to date, or deletes those of a pull
    /// request that is closed.
    pub(crate) async fn preview_stack(&self, task: &StackPreviewTask) -> Outcome {
        let request = match self.request_of(&task.wanted).await {
            Ok(Some(request)) => request,
            Ok(None) => return PullRequestError::CannotAsk.outcome(0),
            Err(outcome) => return outcome,
        };
        if request.state != ChangeState::Open {
            return self.end_previews(task, &request).await;
        }
        if task.is_closed {
            return Outcome::passed("The pull request is open again, so its previews stay");
        }
        let comments = match self.kept_previews(request.number).await {
            Ok(comments) => comments,
            Err(outcome) => return outcome,
        };
        let (previews, live) = match self.previews_to_deploy(task, &request, &comments).await {
            Ok(found) => found,
            Err(outcome) => {
                self.correct_comments(task, &request, &comments, &outcome)
                    .await;
                return outcome;
            }
        };
        let outcome = Box::pin(self.bring_up_stack(task, previews, &live)).await;
        if self.stop.signal().is_none() && self.is_open(Some(request.number)).await == Some(false) {
            return self.end_previews(task, &request).await;
        }
        outcome
    }

    /// The previews of an open pull request, and the services that are live; or the
    /// end of the run, if there is nothing to deploy.
    async fn previews_to_deploy<'t>(
        &self,
        task: &'t StackPreviewTask,
        request: &PullRequest,
        comments: &[KeptComment],
    ) -> Result<(Vec<ServicePreview<'t>>, Vec<Service>), Outcome> {
        let new = self.new_preview(&task.wanted, Some(request))?;
        let find = self.find_previews_of_stack(task, request, &new, comments);
        let (previews, live) = tokio::select! {
            found = Box::pin(find) => found?,
            signal = self.stop.requested() => return Err(crate::actions::nothing_started(signal)),
        };
        for preview in &previews {
            let word = if preview.decision.deploys {
                "previewed"
            } else {
                "not previewed"
            };
            let text = format!(
                "{}: {word} ({})",
                preview.member.name(),
                preview.decision.why
            );
            self.reporter.on(EventKind::Note(&text));
        }
        let names = previews.iter().filter(|preview| preview.decision.deploys);
        let names: Vec<&str> = names.map(|preview| preview.member.name()).collect();
        if names.is_empty() {
            let why = "The pull request changes no service that gets a preview";
            return Err(Outcome::passed(why));
        }
        if self.plan.dry_run {
            let what = format!("bring up previews of {}", names.join(", "));
            return Err(Outcome::planned(&what));
        }
        Ok((previews, live))
    }

    /// A run that was killed has left a comment that says that it deploys. A run that
    /// ends before it writes its own ends that one.
    async fn correct_comments(
        &self,
        task: &StackPreviewTask,
        request: &PullRequest,
        comments: &[KeptComment],
        outcome: &Outcome,
    ) {
        let marker = marker(task);
        for comment in comments.iter().filter(|it| marker.begins(&it.text)) {
            let text = self
                .reporter
                .corrected_stack_comment(&marker, &comment.text, outcome);
            if let Some(text) = text.filter(|_| !self.plan.dry_run) {
                self.put(request.number, &marker, &text, false).await;
            }
        }
    }

    /// Deletes the previews of a closed pull request: those that the comments name in
    /// the reverse order of the file, then all that are left of it. Nothing here needs
    /// the file, which the pull request may have broken.
    async fn end_previews(&self, task: &StackPreviewTask, request: &PullRequest) -> Outcome {
        let preview = as_it_is(&task.wanted.preview, Some(request));
        // What surely is of the pull request is deleted without them too.
        let (comments, mut ends) = match self.kept_previews(request.number).await {
            Ok(comments) => (comments, Vec::new()),
            Err(outcome) => (Vec::new(), vec![outcome]),
        };
        // They were kept in the order of the file.
        let kept: Vec<Uuid> = apps_of(&comments).map(|(_, app)| *app).collect();
        for app in kept.iter().rev() {
            let one = Preview {
                app: Some(*app),
                ..preview.clone()
            };
            ends.push(
                match self.until_stopped(self.proven(&preview, *app)).await {
                    Ok(Ok(_)) => {
                        Box::pin(self.find_and_delete(&one, None, &RefCell::default())).await
                    }
                    Ok(Err(error)) => self.not_started(error).await,
                    Err(signal) => Outcome::interrupted(signal),
                },
            );
            if self.stop.signal().is_some() {
                break;
            }
        }
        if self.stop.signal().is_none() {
            let known = KeptApps {
                ours: Vec::new(),
                elsewhere: kept,
            };
            let found = RefCell::default();
            let left = self.find_and_delete(&preview, Some(known), &found);
            ends.push(Box::pin(left).await);
        }
        let outcome = all_deleted(ends);
        if outcome.ending() == ExitStatus::Success {
            self.reporter.on(EventKind::PreviewGone);
            for comment in comments.iter().filter(|it| it.key.starts_with(KEY)) {
                let marker = Marker::of(&comment.key);
                let deleted = StackCommentStatus::Deleted;
                self.write(request.number, &marker, &[], deleted, false)
                    .await;
            }
        }
        outcome
    }

    /// The comments on the pull request that keep which app belongs to which
    /// pipeline, and all about stacks.
    async fn kept_previews(&self, number: u64) -> Result<Vec<KeptComment>, Outcome> {
        let by = self.deadline.moment().min(Instant::now() + PATIENCE);
        let is_ours = |key: &str| key.starts_with(KEY);
        let error = match self.code_host(by) {
            Some(Ok(host)) => {
                let kept = host.kept_by_comments(number, is_ours);
                match self.in_time(by, kept).await {
                    Some(Ok(kept)) => return Ok(kept),
                    Some(Err(error)) => PullRequestError::Error(error),
                    None => PullRequestError::Silent,
                }
            }
            Some(Err(error)) => PullRequestError::Error(error),
            None => PullRequestError::Silent,
        };
        Err(error
            .outcome(number)
            .because("Its comments record the preview app of each service"))
    }

    /// Writes the comment; the error says why it is not written.
    async fn write(
        &self,
        number: u64,
        marker: &Marker,
        rows: &[PreviewRow<'_>],
        status: StackCommentStatus<'_>,
        is_made: bool,
    ) -> Option<PullRequestError> {
        let text = self.reporter.stack_comment(marker, rows, status);
        self.put(number, marker, &text, is_made).await
    }

    /// Puts the text into the comment; the error says why it is not there.
    async fn put(
        &self,
        number: u64,
        marker: &Marker,
        text: &SanitizedText,
        is_made: bool,
    ) -> Option<PullRequestError> {
        let by = match self.stop.requested_at() {
            Some(reported) => reported + AFTER_SIGNAL,
            None => (self.deadline.moment() + AFTER_DEADLINE).min(Instant::now() + PATIENCE),
        };
        let host: CodeHost = match self.code_host(by) {
            Some(Ok(host)) => host,
            Some(Err(error)) => return Some(PullRequestError::Error(error)),
            None => return Some(PullRequestError::Silent),
        };
        let write = super::comment::write(&host, number, marker, text, is_made);
        match self.in_time(by, write).await {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(PullRequestError::Error(error)),
            None => Some(PullRequestError::Silent),
        }
    }
}

/// The apps that comments name, each with the key of its pipeline.
fn apps_of(comments: &[KeptComment]) -> impl DoubleEndedIterator<Item = &(String, Uuid)> {
    comments.iter().flat_map(|comment| &comment.apps)
}

/// What the keys of a stack's comments begin with.
const KEY: &str = "stack";

/// The mark of the comment: stacks with different pipelines have their own.
fn marker(task: &StackPreviewTask) -> Marker {
    let pipelines = task.stack.previews.iter();
    Marker::of_all(KEY, pipelines.map(|preview| &preview.pipeline.value))
}
