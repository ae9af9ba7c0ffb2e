//! The pull request of a preview: what the code host says of it, and the comment
//! on it.
//!
//! What goes wrong here is a warning, except where the run depends on what the
//! pull request is.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::actions::error::TriggerError;
use crate::actions::preview::matching::PreviewMatch;
use crate::actions::task::Preview;
use crate::actions::{ActionContext, LAST_REQUESTS};
use crate::ci::ChangeState;
use crate::code_host::{CodeHost, CodeHostError, KeptApps, Marker, PullRequest, Reason};
use crate::event::EventKind;
use crate::inputs::Comment;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::report::{CommentStatus, Reporter};
use crate::sanitize::SanitizedText;

/// How long asking or writing may keep the run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may keep a deployment from being started.
pub(crate) const BEFORE_THE_START: Duration = Duration::from_secs(5);

/// How long writing may go on while a signal is heeded.
const STOPPING_TIMEOUT: Duration = Duration::from_secs(4);

/// How long after a signal the end may still be written. The process has to be
/// gone after six seconds.
pub(super) const AFTER_SIGNAL: Duration = Duration::from_millis(5400);

/// How long it may go on being written after the run's time.
pub(super) const AFTER_DEADLINE: Duration = Duration::from_secs(5);

/// The most pull requests whose comments are read to know whose an app is.
const MOST_ASKED: usize = 50;

/// A code host that was given less time to answer is not called silent.
const FAIR: Duration = Duration::from_secs(1);

/// Which comment is meant, and whether it is made where there is none.
struct CommentScope {
    number: Option<u64>,
    marker: Marker,
    is_made: bool,
}

/// What is still to be written in a comment after a signal, or after the run's
/// time. Outputs and summary come first: the code host may be slow.
pub(crate) struct DeferredComment {
    host: CodeHost,
    number: u64,
    marker: Marker,
    is_made: bool,
    is_deleted: bool,
    by: Instant,
}

impl DeferredComment {
    /// Writes how the run ended into the comment.
    pub(crate) async fn write(&self, outcome: &Outcome, reporter: &Reporter) {
        let status = if self.is_deleted {
            CommentStatus::Deleted
        } else {
            CommentStatus::Ended(outcome)
        };
        let text = reporter.comment(&self.marker, &status);
        let write = write(&self.host, self.number, &self.marker, &text, self.is_made);
        let trouble = match timeout_at(self.by, write).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the code host (GitHub, GitLab) did not answer in time".to_owned(),
        };
        // Outputs and summary are written, so a warning would be in none.
        reporter.on(EventKind::Note(&format!(
            "The comment on the pull request does not report how the run ended: {trouble}"
        )));
    }
}

/// Writes a comment; where it is not to be made and there is none, there is
/// nothing to correct.
pub(super) async fn write(
    host: &CodeHost,
    number: u64,
    marker: &Marker,
    text: &SanitizedText,
    is_made: bool,
) -> Result<(), CodeHostError> {
    if is_made {
        host.put_comment(number, marker, text).await.map(drop)
    } else {
        host.update_comment(number, marker, text).await.map(drop)
    }
}

fn may_be_anothers(one: &PreviewMatch) -> TriggerError {
    TriggerError::refused(
        Failure::CodeHostFailing,
        format!(
            "Preview app {} was not deleted: whether another open pull request from its branch \
             uses it could not be read",
            one.app.label()
        ),
        "Run this again later, or name the app with app-id",
    )
}

/// Why a pull request could not be read.
pub(crate) enum PullRequestError {
    /// There is no token, or nowhere to ask.
    CannotAsk,
    /// The code host refused, or did not do it.
    Error(CodeHostError),
    /// It did not answer in time, or has not before.
    Silent,
}

impl PullRequestError {
    /// The outcome of a run that depends on the pull request.
    pub(crate) fn outcome(&self, number: u64) -> Outcome {
        let headline = format!("Could not read pull request {number}");
        let error = match self {
            Self::CannotAsk => {
                return Outcome::of(Failure::PullRequestNotReadable, headline)
                    .because("There is no github-token for the repository")
                    .hint("Set github-token");
            }
            Self::Silent => {
                return Outcome::of(
                    Failure::CodeHostFailing,
                    format!("{headline}: the code host did not answer in time"),
                )
                .hint("Run this again later");
            }
            Self::Error(error) => error,
        };
        let is_refused = matches!(
            error.reason,
            Reason::TokenRefused(_)
                | Reason::NotPermitted(_)
                | Reason::NotFound
                | Reason::NoApi(_)
                | Reason::Insecure
                | Reason::UnusableToken
        );
        let (failure, hint) = if is_refused {
            let hint = "Give github-token the right to read pull requests of the repository";
            (Failure::PullRequestNotReadable, hint)
        } else {
            (Failure::CodeHostFailing, "Run this again later")
        };
        let headline = format!("{headline}: {}", error.reason);
        Outcome::of(failure, headline).hint(hint)
    }
}

impl ActionContext<'_> {
    /// Whether the pull request of a preview is open; `None` if that is not
    /// known.
    pub(crate) async fn is_open(&self, number: Option<u64>) -> Option<bool> {
        let request = self.pull_request(number, PATIENCE).await?;
        Some(request.state == ChangeState::Open)
    }

    /// The pull request as it is now, if it can be read in this time.
    pub(crate) async fn pull_request(
        &self,
        number: Option<u64>,
        most: Duration,
    ) -> Option<PullRequest> {
        let answer = tokio::select! {
            answer = self.ask_for(number?, most) => answer,
            _ = self.stop.requested() => return None,
        };
        answer.map_err(|unread| self.warn_of(&unread)).ok()
    }

    /// Says why a pull request was not read. One that is silent was named before.
    pub(crate) fn warn_of(&self, unread: &PullRequestError) {
        if let PullRequestError::Error(error) = unread {
            self.warn(error);
        }
    }

    /// Reads the pull request as it is now.
    pub(crate) async fn ask_for(
        &self,
        number: u64,
        most: Duration,
    ) -> Result<PullRequest, PullRequestError> {
        let by = self.deadline.moment().min(Instant::now() + most);
        let host = match self.code_host(by) {
            Some(host) => host.map_err(PullRequestError::Error)?,
            None if self.is_host_silent.get() => return Err(PullRequestError::Silent),
            None => return Err(PullRequestError::CannotAsk),
        };
        let answer = self.in_time(by, host.pull_request(number)).await;
        answer
            .ok_or(PullRequestError::Silent)?
            .map_err(PullRequestError::Error)
    }

    /// The preview apps that the comments on the pull request are about. Where
    /// they cannot be read, the apps are known by less.
    pub(crate) async fn kept_apps(&self, preview: &Preview) -> KeptApps {
        let by = self
            .deadline
            .moment()
            .min(Instant::now() + BEFORE_THE_START);
        let (Some(number), Some(Ok(host))) = (preview.pull_request, self.code_host(by)) else {
            return KeptApps::default();
        };
        let key = preview.pipeline.map(|pipeline| pipeline.to_string());
        let marker = Marker::of(&key.unwrap_or_default());
        let answer = self.unless_asked_to_end(by, host.kept_apps(number, &marker));
        match answer.await {
            // Without a pipeline, each may be the one.
            Some(Ok(mut kept)) if preview.pipeline.is_none() => {
                kept.ours.append(&mut kept.elsewhere);
                kept
            }
            Some(Ok(kept)) => kept,
            Some(Err(error)) => {
                // Writing the comment fails for the same reason, with a warning.
                tracing::debug!(%error, "the comments were not read");
                KeptApps::default()
            }
            None => KeptApps::default(),
        }
    }

    /// Those that are not the app of another open pull request, as far as the
    /// code host says. Before a deletion it is an error if the code host fails to
    /// say that of an app of which only the branch is known.
    pub(crate) async fn without_others(
        &self,
        preview: &Preview,
        found: Vec<PreviewMatch>,
        is_deletion: bool,
    ) -> Result<Vec<PreviewMatch>, TriggerError> {
        let Some(number) = preview.pull_request else {
            return Ok(found);
        };
        let mut left = Vec::new();
        for one in found {
            match self.is_of_another(number, &one).await {
                Some(true) => {}
                None if is_deletion && !one.is_certain() => return Err(may_be_anothers(&one)),
                _ => left.push(one),
            }
        }
        Ok(left)
    }

    async fn is_of_another(&self, number: u64, one: &PreviewMatch) -> Option<bool> {
        let Some(branch) = one.disputed_branch() else {
            return Some(false);
        };
        let of_branch = self.other_requests(number, Some(branch)).await?;
        if one.is_kept() {
            let is_numbered = one.number().is_some_and(|its| of_branch.contains(&its));
            return Some(is_numbered || self.any_keeps(&of_branch, one.app.id).await);
        }
        // One whose branch was renamed keeps its app.
        if !of_branch.is_empty() {
            return Some(true);
        }
        let mut all = self.other_requests(number, None).await?;
        all.truncate(MOST_ASKED);
        Some(self.any_keeps(&all, one.app.id).await)
    }

    /// Whether a comment on one of these pull requests is about this app.
    async fn any_keeps(&self, numbers: &[u64], app: Uuid) -> bool {
        for number in numbers {
            if self.kept_by(*number).await.contains(app) {
                return true;
            }
        }
        false
    }

    /// The apps that the comments on this pull request are about.
    async fn kept_by(&self, number: u64) -> KeptApps {
        let preview = Preview {
            pull_request: Some(number),
            ..Preview::default()
        };
        self.kept_apps(&preview).await
    }

    /// Whether the comments of every other open pull request with the branch are
    /// about an app, and about another one than this.
    pub(crate) async fn others_keep_other_apps(&self, preview: &Preview, app: Uuid) -> bool {
        let (Some(number), Some(branch)) = (preview.pull_request, &preview.branch) else {
            return false;
        };
        let Some(others) = self.other_requests(number, Some(branch)).await else {
            return false;
        };
        for other in others {
            let kept = self.kept_by(other).await;
            if kept.ours.is_empty() || kept.contains(app) {
                return false;
            }
        }
        true
    }

    /// The other open pull requests, or those that come from this branch: none
    /// where the code host cannot be asked, `None` where it fails.
    async fn other_requests(&self, number: u64, branch: Option<&str>) -> Option<Vec<u64>> {
        let by = self.deadline.moment().min(Instant::now() + PATIENCE);
        let Some(Ok(host)) = self.code_host(by) else {
            return (!self.is_host_silent.get()).then(Vec::new);
        };
        let answer = self.unless_asked_to_end(by, host.open_pull_requests(branch));
        match answer.await {
            Some(Ok(mut open)) => {
                open.retain(|other| *other != number);
                Some(open)
            }
            Some(Err(error)) => {
                self.warn(&error);
                (!error.reason.may_heal()).then(Vec::new)
            }
            None => None,
        }
    }

    async fn unless_asked_to_end<T>(
        &self,
        by: Instant,
        ask: impl Future<Output = Result<T, CodeHostError>>,
    ) -> Option<Result<T, CodeHostError>> {
        tokio::select! {
            answer = self.in_time(by, ask) => answer,
            _ = self.stop.requested() => None,
        }
    }

    /// Keeps the comment on the pull request up to date. `pipeline` gives the
    /// comments of several previews apart.
    pub(crate) async fn comment(
        &self,
        number: Option<u64>,
        pipeline: &str,
        status: CommentStatus<'_>,
    ) {
        let scope = CommentScope {
            number,
            marker: Marker::of(pipeline),
            is_made: !matches!(status, CommentStatus::Deleted),
        };
        self.write_or_defer(&scope, status).await;
    }

    /// Updates the comment with this mark, if there is one; creates none.
    pub(crate) async fn correct_comment(
        &self,
        number: Option<u64>,
        marker: Marker,
        status: CommentStatus<'_>,
    ) {
        let scope = CommentScope {
            number,
            marker,
            is_made: false,
        };
        self.write_or_defer(&scope, status).await;
    }

    /// Writes, unless a signal comes or the run's time is over: then the end is
    /// reported after everything else.
    async fn write_or_defer(&self, scope: &CommentScope, status: CommentStatus<'_>) {
        let most = match status {
            CommentStatus::Deploying => BEFORE_THE_START,
            // Outputs and summary wait for it.
            CommentStatus::Ended(_) => AFTER_DEADLINE,
            _ => PATIENCE,
        };
        let write = async {
            if self.deadline.is_over() {
                self.defer(scope, status, Instant::now() + AFTER_DEADLINE);
            } else {
                self.write_comment(scope, status, most).await;
            }
        };
        tokio::select! {
            biased;
            _ = self.stop.requested() => {
                let at = self.stop.requested_at().unwrap_or_else(Instant::now);
                self.defer(scope, status, at + AFTER_SIGNAL);
            }
            () = write => {}
        }
    }

    /// Leaves the comment to be written when the run has reported its end.
    fn defer(&self, scope: &CommentScope, status: CommentStatus<'_>, by: Instant) {
        let is_deleted = matches!(status, CommentStatus::Deleted);
        if !is_deleted && !matches!(status, CommentStatus::Ended(_)) || !self.may_comment() {
            return;
        }
        let (Some(number), Some(Ok(host))) = (scope.number, self.code_host(by)) else {
            return;
        };
        self.deferred_comment.set(Some(DeferredComment {
            host,
            number,
            marker: scope.marker.clone(),
            // After a signal there may be none, and then none is needed.
            is_made: scope.is_made && self.stop.signal().is_none(),
            is_deleted,
            by,
        }));
    }

    /// Does the work on a preview. If a signal ends it, the comment says so at
    /// the same time: it would show a deployment for ever if nothing more
    /// can be written. Nothing waits for that.
    pub(crate) async fn or_stopping<T>(
        &self,
        number: Option<u64>,
        pipeline: &str,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = self.stop.requested() => {}
        }
        let scope = CommentScope {
            number,
            marker: Marker::of(pipeline),
            is_made: false,
        };
        let write = self.write_comment(&scope, CommentStatus::Stopping, STOPPING_TIMEOUT);
        tokio::select! {
            biased;
            done = &mut work => return done,
            _in_time = timeout(STOPPING_TIMEOUT, write) => {}
        }
        work.await
    }

    async fn write_comment(&self, scope: &CommentScope, status: CommentStatus<'_>, most: Duration) {
        if !self.may_comment() {
            return;
        }
        let by = (self.deadline.moment() + LAST_REQUESTS).min(Instant::now() + most);
        let (Some(number), Some(host)) = (scope.number, self.code_host(by)) else {
            if self.plan.comment == Comment::Always {
                self.reporter.on(EventKind::Warning(
                    Warning::NoComment,
                    "There is no comment: that needs github-token, and a pull request whose \
                     repository the CI names.",
                ));
            }
            return;
        };
        let text = self.reporter.comment(&scope.marker, &status);
        let written = match host {
            Ok(host) => {
                let write = write(&host, number, &scope.marker, &text, scope.is_made);
                self.in_time(by, write).await
            }
            Err(error) => Some(Err(error)),
        };
        if let Some(Err(error)) = written {
            self.warn(&error);
        }
    }

    /// Whether the comment on the pull request keeps the id of the preview app.
    pub(crate) fn keeps_app(&self, number: Option<u64>) -> bool {
        number.is_some() && self.plan.code_host.is_some() && self.may_comment()
    }

    fn may_comment(&self) -> bool {
        self.plan.comment != Comment::Never && !self.plan.dry_run && !self.is_host_silent.get()
    }

    /// The code host, unless it is not known or has been silent.
    pub(crate) fn code_host(&self, by: Instant) -> Option<Result<CodeHost, CodeHostError>> {
        let (repository, token) = self.plan.code_host.as_ref()?;
        if self.is_host_silent.get() {
            return None;
        }
        let exchange = (self.connect)().ok()?;
        Some(CodeHost::over(
            exchange,
            repository,
            token,
            self.sanitizer.clone(),
            by,
        ))
    }

    /// What the code host answers by then, if there is time at all. One that does
    /// not answer is asked nothing more: each further wait would be as vain, and
    /// they add up.
    pub(super) async fn in_time<T>(
        &self,
        by: Instant,
        ask: impl Future<Output = Result<T, CodeHostError>>,
    ) -> Option<Result<T, CodeHostError>> {
        let left = by.saturating_duration_since(Instant::now());
        if left < FAIR {
            return None;
        }
        match timeout_at(by, ask).await {
            Ok(Ok(answer)) => Some(Ok(answer)),
            Ok(Err(error)) if Instant::now() < by => Some(Err(error)),
            _ => {
                self.is_host_silent.set(true);
                self.reporter.on(EventKind::Warning(
                    Warning::CodeHostNotResponding,
                    "The code host (GitHub, GitLab) did not answer in time, and is asked nothing \
                     more in this run: the comment on the pull request may be out of date.",
                ));
                None
            }
        }
    }

    fn warn(&self, error: &CodeHostError) {
        self.reporter.on(EventKind::Warning(
            Warning::CodeHostError,
            &error.to_string(),
        ));
    }
}
