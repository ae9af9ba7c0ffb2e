//! [`Follower`]: follows a deployment to its end with two concurrent loops.
//!
//! The status loop decides how the deployment ended. The log loop only informs;
//! whatever happens to it changes no result. Both stop when the future is
//! dropped, so a signal can stop both at any moment. What an end means
//! for the run is decided in [`crate::actions`], which makes a `Follower` for
//! each deployment.

mod log_cursor;
mod log_loop;
pub mod log_phases;
pub mod log_schedule;
pub mod poll_schedule;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, Schedule};
use crate::deadline::Deadline;
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, LogLine, Service, Verdict};
use crate::deployment_log::LogDiagnosis;
use crate::event::{EventKind, Phase, State};
pub use crate::follow::log_cursor::LogCursor;
use crate::follow::log_phases::LogPhases;
use crate::follow::log_schedule::Lateness;
use crate::follow::poll_schedule::PollSchedule;
use crate::forecast::history::{History, HistoryKind};
use crate::http::TransportError;
use crate::sevalla::limits::BudgetShare;
use crate::sevalla::{ApiError, ApiErrorKind, Client, LogWindow, RetryDecision};

/// How long a deployment that was just created may be unknown to the service:
/// its own parts need a moment to agree.
const GRACE_FOR_404: Duration = Duration::from_secs(20);

/// How often a line says that the run still waits. Some CI systems end a step
/// that prints nothing for ten minutes.
const HEARTBEAT: Duration = Duration::from_secs(55);

/// How long after the deadline the log may still be read: enough for late lines
/// after an end that only the last look has shown.
const LATE_DRAIN: Duration = Duration::from_secs(6);

/// How long the log may keep the run waiting after an end that is no success.
const AFTER_A_FAILURE: Duration = Duration::from_secs(10);

/// How long the log may keep the run waiting after a success: the last reading
/// has to arrive, and late lines get a second.
const AFTER_A_SUCCESS: Duration = Duration::from_secs(3);

/// From how many failed looks in a row at the end of our patience the service
/// counts as unavailable, rather than the deployment as slow.
const FAILING: u32 = 3;

/// The source of a deployment's status and log: the API client, or a script in
/// a test.
#[allow(
    async_fn_in_trait,
    reason = "both implementations are ours, and neither leaves its thread"
)]
pub trait DeploymentSource {
    /// Reads the deployment, once.
    async fn look(&self) -> Result<Deployment, ApiError>;
    /// Reads a part of its log, once.
    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError>;
    /// Reads a part of the log of another deployment of the service, once.
    async fn read_log_of(&self, _: &DeploymentId, _: LogWindow) -> Result<Vec<LogLine>, ApiError> {
        Ok(Vec::new())
    }
    /// What is known of the looks that the service allows the company.
    fn share(&self) -> Option<BudgetShare> {
        None
    }
    /// What is known of the readings of logs that the service allows the
    /// company.
    fn log_share(&self) -> Option<BudgetShare> {
        None
    }
}

/// The [`DeploymentSource`] of a run: one deployment on Sevalla, through the
/// API client.
pub struct DeploymentClient {
    /// The client; its deadline must lie after the watch's, so that the last
    /// look has time.
    pub client: Client,
    /// The service that is deployed.
    pub service: Service,
    /// The deployment.
    pub id: DeploymentId,
    /// Counts it among those that this run follows.
    pub counted: Followed,
}

/// Counts the deployments that one run follows at the same time. A clone is the same
/// count.
#[derive(Debug, Clone, Default)]
pub struct FollowedCount(Rc<Cell<u32>>);

impl FollowedCount {
    /// Counts one more, until this is dropped.
    #[must_use]
    pub fn one_more(&self) -> Followed {
        self.0.set(self.0.get() + 1);
        Followed(self.clone())
    }
}

/// A deployment that is counted.
#[derive(Debug)]
pub struct Followed(FollowedCount);

impl Followed {
    /// A budget with the number of deployments that share it within this run.
    fn among(&self, share: Option<BudgetShare>) -> Option<BudgetShare> {
        let followed = f64::from(self.0.0.get());
        share.map(|share| BudgetShare { followed, ..share })
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let count = &self.0.0;
        count.set(count.get().saturating_sub(1));
    }
}

impl DeploymentSource for DeploymentClient {
    async fn look(&self) -> Result<Deployment, ApiError> {
        self.client.deployment(self.service, &self.id).await
    }

    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError> {
        self.client
            .deployment_logs(self.service, &self.id, window)
            .await
    }

    async fn read_log_of(
        &self,
        id: &DeploymentId,
        window: LogWindow,
    ) -> Result<Vec<LogLine>, ApiError> {
        self.client.deployment_logs(self.service, id, window).await
    }

    fn share(&self) -> Option<BudgetShare> {
        self.counted.among(self.client.share())
    }

    fn log_share(&self) -> Option<BudgetShare> {
        self.counted.among(self.client.log_share())
    }
}

/// When to read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogMode {
    /// Again and again while the deployment runs.
    Live,
    /// After the end.
    AtTheEnd,
    /// After the end, unless it was a success.
    AfterFailure,
    /// Not at all.
    Never,
}

/// The result of following, for the action that made the [`Follower`].
#[derive(Debug)]
pub enum FollowResult {
    /// The deployment was seen to have ended.
    Seen(EndedDeployment),
    /// Our time was over first.
    TimedOut {
        /// The deployment when it was last seen.
        last: Deployment,
        /// What the last looks failed of, if they did.
        trouble: Option<ApiError>,
    },
    /// The deployment cannot be looked at any more.
    Lost {
        /// The deployment when it was last seen.
        last: Deployment,
        /// Why.
        error: ApiError,
    },
}

/// The end of a deployment, from the moment it is seen: the log may still be
/// read then.
pub type EndSignal = RefCell<Option<EndedDeployment>>;

/// Follows one deployment to its end.
pub struct Follower<'a, S> {
    source: &'a S,
    deadline: Deadline,
    reading: LogMode,
    report: &'a dyn Fn(EventKind<'_>),
    pace: PollSchedule,
    last: RefCell<Deployment>,
    /// Whether the service has known the deployment since it was created.
    is_known: Cell<bool>,
    /// What the log loop is to do once the status loop has ended.
    log_shutdown: Cell<LogShutdown>,
    /// Until when the log may be read, once the status loop has ended.
    give_up: Cell<Instant>,
    /// Whether the log was read to its end after the deployment's.
    is_log_read: Cell<bool>,
    /// What its lines say of the end.
    phases: RefCell<LogPhases>,
    /// Notified when the phases have shown something new.
    news: Notify,
    /// The log of the last success, once it was read.
    last_success: RefCell<Option<Vec<LogLine>>>,
    has_shown_lines: Cell<bool>,
    /// How late its lines are.
    lateness: RefCell<Lateness>,
    over: CancellationToken,
    /// Where the end is noted as soon as it is seen.
    end: Option<&'a EndSignal>,
    /// Called with the deployment as each look has shown it.
    observer: Option<&'a dyn Fn(&Deployment)>,
    /// What the log is read into.
    log: &'a LogDiagnosis,
    /// Lines that were read while some before them are still missing.
    held: RefCell<Vec<LogLine>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogShutdown {
    /// Read until nothing new comes.
    Drain,
    /// Read once more, and again only while lines still arrive.
    Finish,
    /// Read what is there.
    ReadOnce,
    /// Read nothing.
    Leave,
}

impl<'a, S: DeploymentSource> Follower<'a, S> {
    /// A follower of `deployment`, which was just created or found. It ends by
    /// `deadline`, after a last look at that moment, or right after a look that
    /// was still under way then. It reads no log unless [`Self::reading`] says so.
    pub fn new(
        source: &'a S,
        deployment: Deployment,
        deadline: impl Into<Deadline>,
        log: &'a LogDiagnosis,
        report: &'a dyn Fn(EventKind<'_>),
    ) -> Self {
        Self {
            source,
            deadline: deadline.into(),
            reading: LogMode::Never,
            report,
            pace: PollSchedule::new(History::default(), Box::new(fastrand::f64)),
            last: RefCell::new(deployment),
            is_known: Cell::new(false),
            log_shutdown: Cell::new(LogShutdown::Drain),
            give_up: Cell::new(Instant::now()),
            is_log_read: Cell::new(false),
            phases: RefCell::default(),
            news: Notify::new(),
            last_success: RefCell::default(),
            has_shown_lines: Cell::new(false),
            lateness: RefCell::default(),
            over: CancellationToken::new(),
            end: None,
            observer: None,
            log,
            held: RefCell::default(),
        }
    }

    /// With a poll schedule from past deployments.
    #[must_use]
    pub fn with_history(self, past: History) -> Self {
        Self {
            pace: PollSchedule::new(past, Box::new(fastrand::f64)),
            ..self
        }
    }

    /// With a place where the end is noted before the rest of the log is read,
    /// for a caller that stops the follower meanwhile.
    #[must_use]
    pub fn with_end_signal(self, end: &'a EndSignal) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }

    /// Calls `observer` with the deployment as each look has shown it.
    #[must_use]
    pub fn observed_by(self, observer: &'a dyn Fn(&Deployment)) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// A follower that reads the log at these times.
    #[must_use]
    pub fn reading(self, reading: LogMode) -> Self {
        Self { reading, ..self }
    }

    /// Follows the deployment to its end.
    pub async fn follow(self) -> FollowResult {
        self.begin();
        let status = async {
            let ended = tokio::select! {
                ended = self.follow_status(&self.pace) => ended,
                never = self.beat() => match never {},
            };
            if let (Some(end), FollowResult::Seen(deployment)) = (self.end, &ended) {
                end.replace(Some(deployment.clone()));
            }
            self.log_shutdown.set(self.log_shutdown_after(&ended));
            self.give_up.set(self.end_of_reading());
            self.over.cancel();
            (self.report)(EventKind::Begins(Phase::Log));
            ended
        };
        let log = async {
            let too_long = async {
                self.over.cancelled().await;
                sleep_until(self.give_up.get()).await;
            };
            tokio::select! {
                () = self.follow_log() => {}
                () = too_long => self.stop_reading(if self.is_log_read.get() {
                    EventKind::Note("The log was read to its end; looking again for late lines took too long.")
                } else {
                    EventKind::LogIncomplete
                }),
            }
        };
        let ended = tokio::join!(status, log).0;
        (self.report)(EventKind::Ends(Phase::Log, State::Done));
        ended
    }

    /// Reports how long it usually takes, and notes what is known so far.
    fn begin(&self) {
        let last = self.last.borrow();
        let kind = HistoryKind::of(last.trigger.as_deref());
        if let Some(usual) = self.pace.usual(kind) {
            (self.report)(EventKind::TypicalDuration(&usual));
        }
        self.pace.see(&last, self.source.share());
    }

    /// Until when the log may be read once the status loop has ended.
    fn end_of_reading(&self) -> Instant {
        let now = Instant::now();
        match self.log_shutdown.get() {
            LogShutdown::Drain => (now + AFTER_A_FAILURE)
                .min(self.deadline.moment() + LATE_DRAIN)
                .max(now + AFTER_A_SUCCESS),
            // All of it is read now, for a file that an input names.
            LogShutdown::Finish if self.reading == LogMode::AtTheEnd => now + AFTER_A_FAILURE,
            LogShutdown::Finish | LogShutdown::ReadOnce | LogShutdown::Leave => {
                now + AFTER_A_SUCCESS
            }
        }
    }

    fn log_shutdown_after(&self, ended: &FollowResult) -> LogShutdown {
        match ended {
            FollowResult::Lost { .. } => LogShutdown::Leave,
            FollowResult::Seen(deployment) => match deployment.verdict() {
                Verdict::Success if self.reading == LogMode::AfterFailure => LogShutdown::Leave,
                Verdict::Success => LogShutdown::Finish,
                Verdict::Failed | Verdict::Cancelled | Verdict::Skipped => LogShutdown::Drain,
            },
            FollowResult::TimedOut { .. } => LogShutdown::ReadOnce,
        }
    }
}

/// The status loop.
impl<S: DeploymentSource> Follower<'_, S> {
    async fn follow_status(&self, mut looks: impl Backoff) -> FollowResult {
        let started = Instant::now();
        let mut wait_for_a_look = || looks.next_backoff().unwrap_or(poll_schedule::ALONE);
        let mut retries = Schedule::for_requests();
        let mut streak = Streak::default();
        let mut next_look = started + wait_for_a_look();
        loop {
            tokio::select! {
                () = sleep_until(next_look.min(self.deadline.moment())) => {}
                () = self.news.notified() => {
                    next_look = next_look.min(Instant::now() + wait_for_a_look());
                    continue;
                }
            }
            let begun = Instant::now();
            // Not by when the answer comes: a look that is under way at the
            // deadline shows what was so before.
            let is_last = self.deadline.is_over();
            let wait = match self.source.look().await {
                // Nothing was sent, so nothing has failed.
                Err(ApiError {
                    cause: ApiErrorKind::NoTime | ApiErrorKind::BudgetUsedUp { .. },
                    ..
                }) => Duration::from_secs(1),
                Ok(seen) => {
                    streak = Streak::default();
                    retries.reset();
                    if let Some(ended) = self.see(seen) {
                        return ended;
                    }
                    wait_for_a_look()
                }
                Err(error) => match self.after_a_miss(&error, started) {
                    RetryDecision::Retry(asked) => {
                        let is_refused =
                            error.status() == Some(429) && self.source.share().is_some();
                        streak.add(error, begun);
                        let wait = retries.next_wait(asked).max(Duration::from_secs(1));
                        self.pace.observe(self.source.share());
                        // All the others that were refused wait for the reset.
                        if is_refused {
                            wait.max(wait_for_a_look())
                        } else {
                            wait
                        }
                    }
                    RetryDecision::Fatal | RetryDecision::Ambiguous => {
                        return self.lost(streak.add(error, begun));
                    }
                },
            };
            if is_last {
                return self.timed_out(streak);
            }
            let now = Instant::now();
            next_look = (now + wait).min(self.deadline.moment());
            streak.report(self.report, next_look.saturating_duration_since(now));
        }
    }

    /// Says at times that we still wait. By a clock of its own: a look may
    /// take long, and so may the wait for the next.
    async fn beat(&self) -> Infallible {
        let started = Instant::now();
        loop {
            sleep(HEARTBEAT).await;
            let estimate = self.pace.estimate();
            (self.report)(EventKind::StillWaiting(
                &self.last.borrow(),
                started.elapsed(),
                estimate,
            ));
        }
    }

    /// Takes in what a look has shown; the end, if it was one.
    fn see(&self, seen: Deployment) -> Option<FollowResult> {
        self.is_known.set(true);
        self.pace.see(&seen, self.source.share());
        let is_news = self.last.borrow().status != seen.status
            || self.last.borrow().commit_sha != seen.commit_sha;
        self.last.replace(seen);
        let last = self.last.borrow();
        if is_news {
            (self.report)(EventKind::Seen(&last));
        }
        if let Some(observer) = self.observer {
            observer(&last);
        }
        last.ended().map(FollowResult::Seen)
    }

    /// Whether another look can help.
    fn after_a_miss(&self, error: &ApiError, started: Instant) -> RetryDecision {
        let is_young = !self.is_known.get() && started.elapsed() < GRACE_FOR_404;
        match error.next() {
            RetryDecision::Fatal if error.status() == Some(404) && is_young => {
                RetryDecision::Retry(None)
            }
            // As any other body that is not what it should be.
            RetryDecision::Fatal
                if matches!(
                    error.cause,
                    ApiErrorKind::Transport(TransportError::TooLarge { .. })
                ) =>
            {
                RetryDecision::Retry(None)
            }
            next => next,
        }
    }

    fn lost(&self, error: ApiError) -> FollowResult {
        FollowResult::Lost {
            last: self.last.borrow().clone(),
            error,
        }
    }

    fn timed_out(&self, streak: Streak) -> FollowResult {
        FollowResult::TimedOut {
            last: self.last.borrow().clone(),
            trouble: streak.last.filter(|error| error.attempts >= FAILING),
        }
    }
}

/// Looks that failed one after the other.
#[derive(Default)]
struct Streak {
    since: Option<Instant>,
    last: Option<ApiError>,
}

impl Streak {
    /// Adds one that was begun at this moment; returns it with the attempts and
    /// the time of the streak.
    fn add(&mut self, error: ApiError, begun: Instant) -> ApiError {
        let since = *self.since.get_or_insert(begun);
        let before = self.last.as_ref().map_or(0, |last| last.attempts);
        let error = ApiError {
            attempts: before + 1,
            elapsed: since.elapsed(),
            ..error
        };
        self.last = Some(error.clone());
        error
    }

    fn report(&self, report: &dyn Fn(EventKind<'_>), wait: Duration) {
        if let Some(error) = &self.last {
            report(EventKind::Retrying(error, wait));
        }
    }
}
