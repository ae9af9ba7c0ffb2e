//! One run, stage by stage: look, start, follow; and at each stage, what a
//! signal or the end of the time means.

pub(crate) mod at_most_once;
pub(crate) mod at_once;
pub(crate) mod database;
pub(crate) mod deletion;
pub mod deploy;
pub mod doctor;
pub mod error;
pub(crate) mod explain;
pub(crate) mod follow;
pub(crate) mod journaling;
mod lateness;
pub(crate) mod lookup;
pub(crate) mod manage;
pub(crate) mod named;
mod poller;
pub mod preview;
pub(crate) mod promote;
pub mod resolve;
pub mod run_journal;
pub(crate) mod sighting;
pub mod stack;
pub mod task;
pub(crate) mod validation;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::actions::deploy::finalize::FinishedDeployment;
use crate::actions::error::{Report, TriggerError};
pub(crate) use crate::actions::preview::comment::DeferredComment;
use crate::actions::resolve::Plan;
use crate::actions::task::Task;
use crate::deadline::Deadline;
use crate::deployment::{DeploymentId, Service};
use crate::deployment_log::LogDiagnosis;
use crate::environment::Variables;
use crate::event::EventKind;
use crate::follow::{DeploymentClient, FollowedCount, LogMode};
use crate::http::{ConnectionError, Transport};
use crate::inputs::{Abandon, Logs};
use crate::journal::Journal;
use crate::messages::Warning;
use crate::outcome::Outcome;
use crate::report::ScopedReporter;
use crate::sanitize::Sanitizer;
use crate::sevalla::{self, Client};
use crate::shutdown::{Shutdown, Signal};

/// How long after the run's time the last requests may still take.
const LAST_REQUESTS: Duration = sevalla::SPARED;

/// How long after the run's time cancelling may still take, if that is wanted.
const LATE_CANCEL: Duration = Duration::from_millis(9700);

/// How long cleaning up may take after a signal. A CI sends the next one after
/// seven and a half seconds; a second of ours is left for reporting.
const CLEAN_UP: Duration = Duration::from_millis(4800);

/// How much of that an answer may take that is on its way.
const IN_FLIGHT: Duration = Duration::from_millis(2200);

/// How much of that is kept for cancelling what looking up a lost answer finds.
const KEPT_FOR_CANCELLING: Duration = Duration::from_millis(1200);

/// How long the check of the key may take.
const KEY_CHECK: Duration = Duration::from_secs(3);

/// How long what only adds words may keep the run after its end is known.
const DETAIL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a deployment of another commit is watched after it was cancelled.
const MISMATCH: Duration = Duration::from_secs(30);

/// A key that expires sooner than this deserves a warning.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// How a write ended that a signal may interrupt.
pub(crate) enum WriteResult<T> {
    /// No signal came meanwhile.
    Done(T),
    /// A signal came first.
    Interrupted(Interruption<T>),
}

/// A signal that came while a write was on its way.
pub(crate) struct Interruption<T> {
    pub(crate) signal: Signal,
    /// The result of the write, if it came within [`IN_FLIGHT`].
    pub(crate) result: Option<T>,
    /// When cleaning up has to end.
    pub(crate) by: Instant,
}

/// One run with everything it needs.
pub(crate) struct ActionContext<'a> {
    pub(crate) client: Client,
    pub(crate) plan: &'a Plan,
    pub(crate) deadline: Deadline,
    pub(crate) stop: &'a Shutdown,
    pub(crate) reporter: ScopedReporter<'a>,
    pub(crate) clock: fn() -> Timestamp,
    /// The process's variables.
    pub(crate) variables: &'a Variables,
    /// What every text from outside passes.
    pub(crate) sanitizer: &'a Sanitizer,
    /// Sets up what carries requests to others than Sevalla.
    pub(crate) connect: &'a dyn Fn() -> Result<Box<dyn Transport>, ConnectionError>,
    /// Whether the code host has once not answered in time.
    pub(crate) is_host_silent: Cell<bool>,
    /// What is to be written in a comment once the end is reported.
    pub(crate) deferred_comment: &'a Cell<Option<DeferredComment>>,
    /// The journal, once it is open, if the run has one.
    pub(crate) journal: OnceCell<Rc<Journal>>,
    /// Lets few deployments at a time prepare their start, if there are several.
    pub(crate) turns: Option<&'a Semaphore>,
    /// How many deployments the run follows.
    pub(crate) followed: FollowedCount,
    /// The deployment that was seen to end last.
    pub(crate) finished: RefCell<Option<FinishedDeployment>>,
}

impl ActionContext<'_> {
    /// Does what the plan says, to its end, and keeps the journal of that.
    pub(crate) async fn carry_out(&self) -> Outcome {
        if let Err(outcome) = Box::pin(self.open_journal()).await {
            return outcome;
        }
        let outcome = self.carry_out_task().await;
        self.close_journal(outcome)
    }

    async fn carry_out_task(&self) -> Outcome {
        match &self.plan.task {
            Task::Deploy(work) => {
                let is_rollback = work.is_rollback();
                let resumed = self.resume(work.service(), work.operation(), is_rollback);
                match Box::pin(resumed).await {
                    Some(outcome) => outcome,
                    None => self.deploy(work).await,
                }
            }
            Task::RollBack(service) => Box::pin(self.roll_back(*service)).await,
            Task::Promote(promotion) => self.promote(promotion).await,
            // The largest of them, which the others need not make room for.
            Task::CreatePreview(new) => Box::pin(self.create_preview(new)).await,
            Task::DeletePreview(preview) => self.delete_preview(preview).await,
            Task::EndPreview(preview) => self.end_preview(preview).await,
            Task::CleanPreviews(cleaning) => self.clean_previews(cleaning).await,
            Task::DeployStack(stack) => Box::pin(self.deploy_stack(stack)).await,
            Task::PreviewStack(stack) => Box::pin(self.preview_stack(stack)).await,
            Task::PlanStack(stack) => Box::pin(self.plan_stack(stack)).await,
            Task::Follow(service, sought) => self.attach(*service, sought).await,
            Task::Cancel(service, id) => self.cancel(*service, id).await,
            // Large, and rarely needed: not a part of every run's future.
            Task::Manage(management) => Box::pin(self.manage(management)).await,
            Task::CheckUp(checkup) => {
                let work = Box::pin(self.check_up(checkup));
                self.unless_stopped(work, manage::only_read).await
            }
        }
    }

    /// A part of the run whose events are about one service.
    pub(crate) fn about(&self, service: Service) -> ActionContext<'_> {
        ActionContext {
            client: self.client.clone(),
            plan: self.plan,
            deadline: self.deadline,
            stop: self.stop,
            reporter: self.reporter.about(service),
            clock: self.clock,
            variables: self.variables,
            sanitizer: self.sanitizer,
            connect: self.connect,
            is_host_silent: Cell::new(self.is_host_silent.get()),
            deferred_comment: self.deferred_comment,
            journal: OnceCell::new(),
            turns: None,
            followed: self.followed.clone(),
            finished: RefCell::new(None),
        }
    }

    /// Does something of which no part has to be waited for once somebody
    /// asks to end; what the signal means is for the caller to say.
    async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            // The signal first: it also makes requests give up, and then what
            // they give up with is not the reason for the end.
            biased;
            signal = self.stop.requested() => {
                self.reporter.on(EventKind::Stopping(signal, None));
                Err(signal)
            }
            done = work => Ok(done),
        }
    }

    /// Makes a write. After a signal its answer still has a moment to arrive;
    /// `then` is what happens to the deployment that it starts.
    async fn write_or_stop<T>(
        &self,
        mut write: impl Future<Output = T> + Unpin,
        then: Option<Abandon>,
        report: Report<'_>,
    ) -> WriteResult<T> {
        tokio::select! {
            // The signal first, as in `until_stopped`.
            biased;
            signal = self.stop.requested() => {
                let by = Instant::now() + CLEAN_UP;
                report(EventKind::Stopping(signal, then));
                let result = timeout(IN_FLIGHT, write).await.ok();
                WriteResult::Interrupted(Interruption { signal, result, by })
            }
            result = &mut write => WriteResult::Done(result),
        }
    }

    /// A diagnosis of the log of a deployment that is about to be followed. The
    /// reporter shows what it finds.
    fn diagnose_log(&self, report: Report<'_>) -> LogDiagnosis {
        let log = LogDiagnosis::new(self.sanitizer.clone());
        report(EventKind::LogDiagnosis(&log));
        log
    }

    /// When the log is worth reading.
    const fn reading(&self) -> LogMode {
        let files = &self.plan.files;
        match self.plan.logs {
            Logs::Live => LogMode::Live,
            _ if files.log.is_some() || files.page.is_some() => LogMode::AtTheEnd,
            Logs::OnFailure => LogMode::AfterFailure,
            Logs::Off => LogMode::Never,
        }
    }

    /// A client to look up what a request has made whose answer the run does
    /// not wait for any more. What it finds can still be cancelled `by` then.
    fn looking_up(&self, by: Instant) -> Client {
        self.client.for_cleanup(by - KEPT_FOR_CANCELLING)
    }

    /// What a deployment is followed through.
    fn source(&self, service: Service, id: &DeploymentId) -> DeploymentClient {
        DeploymentClient {
            client: self.client.until(self.deadline.moment() + LAST_REQUESTS),
            service,
            id: id.clone(),
            counted: self.followed.one_more(),
        }
    }
}

/// Reading that adds words, and never changes a result.
impl ActionContext<'_> {
    /// Reads something only as long as it is worth the wait, and nobody asks
    /// to end.
    async fn for_more_words<T>(&self, read: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = timeout(DETAIL_TIMEOUT, read) => read.ok(),
            _ = self.stop.requested() => None,
        }
    }

    async fn not_started(&self, error: TriggerError) -> Outcome {
        let status = error.status();
        self.with_capabilities(Outcome::of_trigger_error(error), status)
            .await
    }

    /// After a 403, says what the key can do.
    async fn with_capabilities(&self, outcome: Outcome, status: Option<u16>) -> Outcome {
        if status != Some(403) {
            return outcome;
        }
        let client = self.client.for_cleanup(Instant::now() + KEY_CHECK);
        let capabilities = client.key_capabilities().await;
        if capabilities.is_empty() {
            return outcome;
        }
        outcome.because(format!("The key can: {}", capabilities.join(", ")))
    }

    /// Whether the company's other runs leave room for what only adds words.
    fn has_room(&self) -> bool {
        self.client.share().is_none_or(|share| share.has_room())
    }

    /// Whether a request would have to wait because the company's budget is used
    /// up.
    fn would_wait_for_budget(&self) -> bool {
        self.client
            .share()
            .is_some_and(|share| share.seen.remaining < 1.0 && Instant::now() < share.seen.ends)
    }

    async fn warn_of_expiry(&self) {
        // Others need what is left of the company's reads more.
        if !self.has_room() {
            return;
        }
        let Ok(Some(expires)) = self.client.key_expires_at().await else {
            return;
        };
        let left = expires.duration_since((self.clock)());
        if left < SOON {
            let text = if left.is_negative() {
                format!("The key expired on {expires:.0}. Create a new one.")
            } else {
                format!("The key expires on {expires:.0}. Create a new one before that.")
            };
            self.reporter
                .on(EventKind::Warning(Warning::KeyExpiresSoon, &text));
        }
    }
}

/// A signal came before anything was begun.
fn nothing_started(signal: Signal) -> Outcome {
    Outcome::interrupted(signal).because("No deployment was started")
}
