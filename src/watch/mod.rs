//! Following a deployment to its end: two loops side by side.
//!
//! The status loop decides how it ended. The log loop only tells; whatever
//! happens to it changes no result. Both stop when the future is dropped, so a
//! signal can end the watch at any moment.

pub mod belief;
mod log_cursor;
pub mod pace;
pub mod past;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

pub use self::log_cursor::LogCursor;
use self::pace::Pace;
use self::past::{Kind, Past};
use crate::deadline::Deadline;
use crate::deployment::{Deployment, DeploymentId, LogLine, Service, Status, Verdict};
use crate::report::Event;
use crate::report::timeline::{Phase, State};
use crate::schedule::{Backoff, Schedule, chance};
use crate::sevalla::{ApiError, Cause, Client, LogWindow, Next};

/// How long a deployment that was just created may be unknown to the service:
/// its own parts need a moment to agree.
const GRACE_FOR_404: Duration = Duration::from_secs(20);

/// How often a CI is told that we still wait. Some end a step that is silent
/// for ten minutes.
const HEARTBEAT: Duration = Duration::from_secs(55);

/// Between two readings of the log. The company shares 30 a minute.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// Lines arrive late: after the end, the log is read until nothing new has
/// come for this long.
const LOG_QUIET: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How long a reading that was under way at the end may still take.
const HUNG_READING: Duration = Duration::from_secs(2);

/// How often new lines may come after the end before reading slows down.
const LOG_BURSTS: u32 = 3;

/// How much longer the next wait is then.
const LOG_PACE: Duration = Duration::from_secs(1);

/// How long the log may keep the run waiting after the end.
const LOG_DRAIN: Duration = Duration::from_secs(30);

/// How long after the deadline that may still go on: enough for late lines
/// after an end that only the last look has shown.
const LATE_DRAIN: Duration = Duration::from_secs(6);

/// How long the log may keep the run waiting once our own time is over.
const LAST_READING: Duration = Duration::from_secs(3);

/// From how many failed looks in a row at the end of our patience the service
/// counts as unavailable, rather than the deployment as slow.
const FAILING: u32 = 3;

/// Where a deployment's status and log come from.
#[allow(
    async_fn_in_trait,
    reason = "both implementations are ours, and neither leaves its thread"
)]
pub trait Source {
    /// Reads the deployment, once.
    async fn look(&self) -> Result<Deployment, ApiError>;
    /// Reads a part of its log, once.
    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError>;
    /// Which part of the looks that the service allows the company is used by
    /// all of its jobs: from zero to one.
    fn load(&self) -> f64 {
        0.0
    }
}

/// A deployment on Sevalla.
pub struct Remote {
    /// The client; its deadline must lie after the watch's, so that the last
    /// look has time.
    pub client: Client,
    /// The service that is deployed.
    pub service: Service,
    /// The deployment.
    pub id: DeploymentId,
}

impl Source for Remote {
    async fn look(&self) -> Result<Deployment, ApiError> {
        self.client.deployment(self.service, &self.id).await
    }

    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError> {
        self.client
            .deployment_logs(self.service, &self.id, window)
            .await
    }

    fn load(&self) -> f64 {
        self.client.load()
    }
}

/// When to read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Again and again while the deployment runs.
    Live,
    /// After the end.
    AtTheEnd,
    /// After the end, unless it was a success.
    AfterFailure,
    /// Not at all.
    Never,
}

/// How the watch ended.
#[derive(Debug)]
pub enum Ended {
    /// The deployment was seen to have ended.
    Seen(Deployment, Verdict),
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
pub type SeenEnd = RefCell<Option<(Deployment, Verdict)>>;

/// A watch over one deployment.
pub struct Watch<'a, S> {
    source: &'a S,
    deadline: Deadline,
    reading: Reading,
    tell: &'a dyn Fn(Event<'_>),
    pace: Pace,
    last: RefCell<Deployment>,
    /// Whether the service has known the deployment since it was created.
    is_known: Cell<bool>,
    /// What the log loop is to do once the status loop has ended.
    farewell: Cell<Farewell>,
    /// Whether the log was read to its end after the deployment's.
    is_log_read: Cell<bool>,
    over: CancellationToken,
    /// Where the end is noted as soon as it is seen.
    end: Option<&'a SeenEnd>,
    /// Lines that were read while some before them are still missing.
    held: RefCell<Vec<LogLine>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    /// Read until nothing new comes.
    Drain,
    /// Read what is there.
    ReadOnce,
    /// Read nothing.
    Leave,
}

impl<'a, S: Source> Watch<'a, S> {
    /// A watch over `deployment`, which was just created or found. It ends by
    /// `deadline`, after a last look at that moment, or right after a look that
    /// was still under way then.
    pub fn new(
        source: &'a S,
        deployment: Deployment,
        deadline: impl Into<Deadline>,
        reading: Reading,
        tell: &'a dyn Fn(Event<'_>),
    ) -> Self {
        Self {
            source,
            deadline: deadline.into(),
            reading,
            tell,
            pace: Pace::new(Past::default(), Box::new(chance)),
            last: RefCell::new(deployment),
            is_known: Cell::new(false),
            farewell: Cell::new(Farewell::Drain),
            is_log_read: Cell::new(false),
            over: CancellationToken::new(),
            end: None,
            held: RefCell::default(),
        }
    }

    /// The same, which looks when the past says that there is something to be
    /// seen.
    #[must_use]
    pub fn knowing(self, past: Past) -> Self {
        Self {
            pace: Pace::new(past, Box::new(chance)),
            ..self
        }
    }

    /// The same, which notes the end before it reads the rest of the log, for
    /// whoever stops it meanwhile.
    #[must_use]
    pub fn noting(self, end: &'a SeenEnd) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }

    /// Follows the deployment to its end.
    pub async fn follow(self) -> Ended {
        self.begin();
        let status = async {
            let ended = tokio::select! {
                ended = self.follow_status(&self.pace) => ended,
                never = self.beat() => match never {},
            };
            if let (Some(end), Ended::Seen(deployment, verdict)) = (self.end, &ended) {
                end.replace(Some((deployment.clone(), *verdict)));
            }
            self.farewell.set(self.farewell_after(&ended));
            self.over.cancel();
            (self.tell)(Event::Begins(Phase::Log));
            ended
        };
        let log = async {
            let too_long = async {
                self.over.cancelled().await;
                sleep_until(self.end_of_reading()).await;
            };
            tokio::select! {
                () = self.follow_log() => {}
                () = too_long => self.stop_reading(if self.is_log_read.get() {
                    Event::Note("The log was read to its end; looking again for late lines took too long.")
                } else {
                    Event::LogIncomplete
                }),
            }
        };
        let ended = tokio::join!(status, log).0;
        (self.tell)(Event::Ends(Phase::Log, State::Done));
        ended
    }

    /// Tells how long it usually takes, and notes what is known so far.
    fn begin(&self) {
        let last = self.last.borrow();
        let kind = Kind::of(last.trigger.as_deref());
        if let Some(usual) = self.pace.usual(kind) {
            (self.tell)(Event::Usual(&usual));
        }
        self.pace.see(&last, self.source.load());
    }

    /// Until when the log may be read once the status loop has ended.
    fn end_of_reading(&self) -> Instant {
        let now = Instant::now();
        let least = now + LAST_READING;
        match self.farewell.get() {
            Farewell::Drain => (now + LOG_DRAIN)
                .min(self.deadline.moment() + LATE_DRAIN)
                .max(least),
            Farewell::ReadOnce | Farewell::Leave => least,
        }
    }

    fn farewell_after(&self, ended: &Ended) -> Farewell {
        match ended {
            Ended::Lost { .. } => Farewell::Leave,
            Ended::Seen(_, Verdict::Success) if self.reading == Reading::AfterFailure => {
                Farewell::Leave
            }
            Ended::Seen(..) => Farewell::Drain,
            Ended::TimedOut { .. } => Farewell::ReadOnce,
        }
    }
}

/// The status loop.
impl<S: Source> Watch<'_, S> {
    async fn follow_status(&self, mut looks: impl Backoff) -> Ended {
        let started = Instant::now();
        let mut wait_for_a_look = || looks.next_backoff().unwrap_or(pace::ALONE);
        let mut retries = Schedule::for_requests();
        let mut streak = Streak::default();
        let mut next_look = started + wait_for_a_look();
        loop {
            sleep_until(next_look.min(self.deadline.moment())).await;
            let begun = Instant::now();
            // Not by when the answer comes: a look that is under way at the
            // deadline shows what was so before.
            let is_last = self.deadline.is_over();
            let wait = match self.source.look().await {
                // Nothing was asked, so nothing has failed.
                Err(ApiError {
                    cause: Cause::NoTime | Cause::BudgetUsedUp { .. },
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
                    Next::Again(asked) => {
                        streak.add(error, begun);
                        retries.next_wait(asked).max(Duration::from_secs(1))
                    }
                    Next::Final | Next::Lost => return self.lost(streak.add(error, begun)),
                },
            };
            if is_last {
                return self.timed_out(streak);
            }
            let now = Instant::now();
            next_look = (now + wait).min(self.deadline.moment());
            streak.tell(self.tell, next_look.saturating_duration_since(now));
        }
    }

    /// Says at times that we still wait. By a clock of its own: a look may
    /// take long, and so may the wait for the next.
    async fn beat(&self) -> Infallible {
        let started = Instant::now();
        loop {
            sleep(HEARTBEAT).await;
            let estimate = self.pace.estimate();
            (self.tell)(Event::StillWaiting(
                &self.last.borrow(),
                started.elapsed(),
                estimate,
            ));
        }
    }

    /// Takes in what a look has shown; the end, if it was one.
    fn see(&self, seen: Deployment) -> Option<Ended> {
        self.is_known.set(true);
        self.pace.see(&seen, self.source.load());
        let is_news = self.last.borrow().status != seen.status
            || self.last.borrow().commit_sha != seen.commit_sha;
        self.last.replace(seen);
        let last = self.last.borrow();
        if is_news {
            (self.tell)(Event::Seen(&last));
        }
        last.status
            .verdict()
            .map(|verdict| Ended::Seen(last.clone(), verdict))
    }

    /// Whether another look can help.
    fn after_a_miss(&self, error: &ApiError, started: Instant) -> Next {
        let is_young = !self.is_known.get() && started.elapsed() < GRACE_FOR_404;
        match error.next() {
            Next::Final if error.status() == Some(404) && is_young => Next::Again(None),
            // As any other body that is not what it should be.
            Next::Final if matches!(error.cause, Cause::TooLarge { .. }) => Next::Again(None),
            next => next,
        }
    }

    fn lost(&self, error: ApiError) -> Ended {
        Ended::Lost {
            last: self.last.borrow().clone(),
            error,
        }
    }

    fn timed_out(&self, streak: Streak) -> Ended {
        Ended::TimedOut {
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

    fn tell(&self, tell: &dyn Fn(Event<'_>), wait: Duration) {
        if let Some(error) = &self.last {
            tell(Event::Retrying(error, wait));
        }
    }
}

/// The log loop.
impl<S: Source> Watch<'_, S> {
    async fn follow_log(&self) {
        let created = self
            .last
            .borrow()
            .created_at
            .map_or(0, jiff::Timestamp::as_microsecond);
        let mut cursor = LogCursor::new(created);
        match self.reading {
            Reading::Never => return,
            Reading::Live => {
                if !self.read_while_it_runs(&mut cursor).await {
                    return;
                }
            }
            Reading::AtTheEnd | Reading::AfterFailure => self.over.cancelled().await,
        }
        match self.farewell.get() {
            Farewell::Drain => self.drain(&mut cursor).await,
            Farewell::ReadOnce => {
                self.read_or_tell(&mut cursor).await;
            }
            Farewell::Leave => {
                self.tell_held();
            }
        }
    }

    /// Reads until the status loop has ended; `false` when reading is no use.
    async fn read_while_it_runs(&self, cursor: &mut LogCursor) -> bool {
        let mut retries = Schedule::for_requests();
        let mut wait = Duration::from_secs(2);
        while timeout(wait, self.over.cancelled()).await.is_err() {
            wait = LOG_INTERVAL;
            // Nothing runs in the queue, so there is nothing to read.
            if self.last.borrow().status == Status::Waiting {
                continue;
            }
            // A reading that hangs when the end has come makes way for the next:
            // the cursor goes on where it was.
            let hung = async {
                self.over.cancelled().await;
                sleep(HUNG_READING).await;
            };
            let read = tokio::select! {
                read = self.read_new(cursor) => read,
                () = hung => return true,
            };
            match read {
                Ok(_) => retries.reset(),
                Err(error) => match error.next() {
                    Next::Again(asked) => wait = retries.next_wait(asked).max(LOG_INTERVAL),
                    // A log that does not exist yet is no reason to give up.
                    Next::Final if error.status() == Some(404) => {}
                    Next::Final | Next::Lost => {
                        self.stop_reading(Event::LogUnavailable(&error));
                        return false;
                    }
                },
            }
        }
        true
    }

    /// Reads until nothing new has come for a while.
    async fn drain(&self, cursor: &mut LogCursor) {
        if self.read_or_tell(cursor).await.is_none() {
            return;
        }
        self.is_log_read.set(true);
        let mut quiet = LOG_QUIET.iter();
        let mut bursts = 0;
        while let Some(wait) = quiet.next() {
            sleep(*wait).await;
            match self.read_or_tell(cursor).await {
                Some(0) => self.is_log_read.set(true),
                // Late lines have come, so more may; slower, since the company
                // shares the budget and these are not the last ones anyway.
                Some(_) => {
                    self.is_log_read.set(false);
                    quiet = LOG_QUIET.iter();
                    bursts += 1;
                    if bursts > LOG_BURSTS {
                        sleep(LOG_PACE).await;
                    }
                }
                None => return,
            }
        }
    }

    /// Reads what is new, again while time can heal what goes wrong; `None`
    /// when it cannot. The caller's limit bounds it.
    async fn read_or_tell(&self, cursor: &mut LogCursor) -> Option<usize> {
        let mut retries = Schedule::for_requests();
        loop {
            let error = match self.read_new(cursor).await {
                Ok(lines) => return Some(lines),
                Err(error) => error,
            };
            let Next::Again(asked) = error.next() else {
                let is_late = matches!(error.cause, Cause::NoTime);
                self.stop_reading(if is_late {
                    Event::LogIncomplete
                } else {
                    Event::LogUnavailable(&error)
                });
                return None;
            };
            sleep(retries.next_wait(asked)).await;
        }
    }

    /// Reads what is new and tells it, oldest first. What was read before an
    /// error is held until the next call has read what comes before it.
    async fn read_new(&self, cursor: &mut LogCursor) -> Result<usize, ApiError> {
        let mut told = 0;
        cursor.begin();
        while let Some(window) = cursor.window() {
            match self.source.read_log(window).await {
                Ok(page) => self.held.borrow_mut().extend(cursor.take(page)),
                Err(ApiError {
                    cause: Cause::TooLarge { .. },
                    ..
                }) if cursor.ask_for_less() => {}
                Err(error) => return Err(error),
            }
            if cursor.is_gapless() {
                told += self.tell_held();
            }
        }
        if let Some(at_micros) = cursor.gap_to_report() {
            (self.tell)(Event::LogGap { at_micros });
        }
        Ok(told)
    }

    /// Tells the lines held back, and how many they were.
    fn tell_held(&self) -> usize {
        let mut held = self.held.take();
        held.sort_by_key(|line| line.at_micros);
        if !held.is_empty() {
            (self.tell)(Event::Log(&held));
        }
        held.len()
    }

    /// Tells what there is, and why there will be no more.
    fn stop_reading(&self, why: Event<'_>) {
        self.tell_held();
        (self.tell)(why);
    }
}
