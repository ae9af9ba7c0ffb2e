//! The log loop of the [`Follower`]: reads new lines and reports them. It only
//! informs, and never delays a look at the status.

use crate::http::TransportError;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Schedule;
use crate::deployment::{LogLine, Status, Verdict};
use crate::event::EventKind;
use crate::follow::log_phases::LogPhases;
use crate::follow::log_schedule::{INTERVAL, ReadBudgets};
use crate::follow::{DeploymentSource, Follower, LogCursor, LogMode, LogShutdown};
use crate::sevalla::{ApiError, ApiErrorKind, LOG_PAGE, LogWindow, RetryDecision};

/// Lines arrive late: after a failure, the log is read until nothing new has
/// come for this long.
const QUIET: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How long late lines may keep the run waiting after a success.
const LATE_LINES: Duration = Duration::from_secs(1);

/// How long reading the log of the last success may take after a failure: no
/// longer than late lines are awaited.
const COMPARING: Duration = Duration::from_secs(2);

/// How long a reading that was under way at the end may still take.
const HUNG_READING: Duration = Duration::from_secs(1);

impl<S: DeploymentSource> Follower<'_, S> {
    pub(crate) async fn follow_log(&self) {
        let began = Instant::now();
        let created = self
            .last
            .borrow()
            .created_at
            .map_or(0, jiff::Timestamp::as_microsecond);
        let mut cursor = LogCursor::new(created);
        match self.reading {
            LogMode::Never => return,
            LogMode::Live => {
                if !self.read_while_it_runs(&mut cursor).await {
                    return;
                }
            }
            LogMode::AtTheEnd | LogMode::AfterFailure => self.over.cancelled().await,
        }
        match self.log_shutdown.get() {
            LogShutdown::Drain => self.drain(&mut cursor).await,
            LogShutdown::Finish => self.finish(&mut cursor, began.elapsed()).await,
            LogShutdown::ReadOnce => {
                self.read_or_report(&mut cursor).await;
            }
            LogShutdown::Leave => {
                self.report_held();
            }
        }
    }

    /// Reads until the status loop has ended; `false` when reading is no use.
    async fn read_while_it_runs(&self, cursor: &mut LogCursor) -> bool {
        let mut retries = Schedule::for_requests();
        let (mut last, mut is_first, turn) = (Instant::now(), true, fastrand::f64());
        let mut not_before = Duration::ZERO;
        loop {
            let wait = self.budgets().wait(last.elapsed(), is_first, turn);
            if !wait.max(not_before).is_zero() {
                if timeout(wait.max(not_before), self.over.cancelled())
                    .await
                    .is_ok()
                {
                    return true;
                }
                not_before = Duration::ZERO;
                continue;
            }
            // Nothing runs in the queue, so there is nothing to read.
            if self.last.borrow().status == Status::Waiting {
                not_before = INTERVAL;
                continue;
            }
            if std::mem::take(&mut is_first) {
                let is_alone = !self.budgets().is_shared();
                if is_alone {
                    Box::pin(self.read_last_success(HUNG_READING * 5)).await;
                }
            }
            // A reading that hangs when the end has come makes way for the
            // next: the cursor continues where it was.
            let hung = async {
                self.over.cancelled().await;
                sleep(HUNG_READING).await;
            };
            let read = tokio::select! {
                read = self.read_new(cursor) => read,
                () = hung => return true,
            };
            last = Instant::now();
            match read {
                Ok(_) => retries.reset(),
                Err(error) => match error.next() {
                    RetryDecision::Retry(requested) => not_before = retries.next_wait(requested),
                    // A log that does not exist yet is no reason to give up.
                    RetryDecision::Fatal if error.status() == Some(404) => {}
                    RetryDecision::Fatal | RetryDecision::Ambiguous => {
                        self.stop_reading(EventKind::LogUnavailable(&error));
                        return false;
                    }
                },
            }
        }
    }

    /// Reads a page of the log of the last success: its lines show how far this
    /// deployment is, and which of the lines of a failure are new.
    async fn read_last_success(&self, patience: Duration) {
        let Some((last, ran)) = self.pace.last_success() else {
            return;
        };
        let window = LogWindow {
            from_micros: last.created_micros,
            to_micros: None,
            limit: LOG_PAGE,
            severity: None,
        };
        let read = self.source.read_log_of(&last.id, window);
        let Ok(Ok(log)) = timeout(patience, read).await else {
            return;
        };
        if let Some((started, finished)) = ran {
            self.phases.replace(LogPhases::of(&log, started, finished));
        }
        self.last_success.replace(Some(log));
    }

    /// After a failure, compares the log with that of the last success. If it was not
    /// read before, it is read now where the budget has room.
    async fn compare_with_last_success(&self) {
        let is_read = self.last_success.borrow().is_some();
        if !is_read && self.has_shown_lines.get() && self.budgets().has_room_to_compare() {
            Box::pin(self.read_last_success(COMPARING)).await;
        }
        if let Some(log) = self.last_success.take() {
            self.log.compare_with(&log);
        }
    }

    /// Reports new lines, and uses what they show about the end.
    fn report_lines(&self, lines: &[LogLine]) {
        if let Some(evidence) = self.phases.borrow_mut().take(lines) {
            self.pace.learn(evidence);
            self.news.notify_one();
            let estimate = self.pace.estimate();
            if let Some(estimate) = estimate.filter(|estimate| estimate.doing.is_some()) {
                (self.report)(EventKind::Doing(estimate));
            }
        }
        self.has_shown_lines.set(true);
        let entries = self.log.read(lines);
        (self.report)(EventKind::Log(&entries));
    }

    fn budgets(&self) -> ReadBudgets {
        ReadBudgets {
            reads: self.source.share(),
            logs: self.source.log_share(),
        }
    }

    /// After a failure: reads until nothing new has come for a while, and
    /// compares meanwhile.
    async fn drain(&self, cursor: &mut LogCursor) {
        if self.budgets().are_used_up_until(self.give_up.get()) {
            return self.stop_reading(EventKind::LogIncomplete);
        }
        let ended = self.ended_at();
        let read = self.read_or_report(cursor).await;
        // A deployment that was stopped without a line has no cause to wait for.
        let is_stopped = matches!(
            self.last.borrow().status.verdict(),
            Some(Verdict::Cancelled | Verdict::Skipped)
        );
        if let Some(new) = read.filter(|_| is_stopped && !self.has_shown_lines.get()) {
            self.is_log_read.set(true);
            return self.read_missing(cursor, new, ended).await;
        }
        let is_readable = read.is_some();
        let late_lines = async {
            if is_readable {
                self.read_until_quiet(cursor).await;
            }
        };
        tokio::join!(late_lines, self.compare_with_last_success());
    }

    async fn read_until_quiet(&self, cursor: &mut LogCursor) {
        self.is_log_read.set(true);
        let mut quiet = QUIET.iter();
        while let Some(wait) = quiet.next() {
            sleep(*wait).await;
            match self.read_or_report(cursor).await {
                Some(0) => self.is_log_read.set(true),
                // Late lines have come, so more may.
                Some(_) => {
                    self.is_log_read.set(false);
                    quiet = QUIET.iter();
                }
                None => return,
            }
        }
    }

    /// After a success: reads once more, and again only while lines may still
    /// arrive. A budget that is used up is no reason to wait.
    async fn finish(&self, cursor: &mut LogCursor, age: Duration) {
        if !self.budgets().has_one_left(age, fastrand::f64()) {
            return self.stop_reading(EventKind::LogIncomplete);
        }
        let ended = self.ended_at();
        let Some(new) = self.read_or_report(cursor).await else {
            return;
        };
        self.is_log_read.set(true);
        self.read_missing(cursor, new, ended).await;
    }

    /// Reads again while lines of the end may still arrive, after a reading that
    /// brought `new` ones.
    async fn read_missing(&self, cursor: &mut LogCursor, mut new: usize, ended: Option<i64>) {
        // From here: a reading that took long must not be the last.
        let by = Instant::now() + LATE_LINES;
        let mut late = 0;
        while let Some(missing) = self.missing(ended) {
            let now = Instant::now();
            if now >= by {
                if new > 0 {
                    self.stop_reading(EventKind::LogIncomplete);
                }
                return;
            }
            sleep(missing.min(by - now)).await;
            match self.read_or_report(cursor).await {
                // The last wait may be too short for another line.
                Some(lines) => {
                    late += lines;
                    new = late;
                }
                None => return,
            }
        }
    }

    /// When the deployment ended, by the service's clock, in microseconds; if
    /// it does not say so, when that was seen.
    fn ended_at(&self) -> Option<i64> {
        let finished = self.last.borrow().finished_at;
        let ended = finished.or_else(|| self.pace.service_time());
        ended.map(jiff::Timestamp::as_microsecond)
    }

    fn missing(&self, ended: Option<i64>) -> Option<Duration> {
        let missing = self.lateness.borrow().missing(ended?);
        (!missing.is_zero()).then_some(missing)
    }

    /// Reads what is new, again while time can heal what goes wrong; `None`
    /// when it cannot. The caller's limit bounds it.
    async fn read_or_report(&self, cursor: &mut LogCursor) -> Option<usize> {
        let mut retries = Schedule::for_requests();
        loop {
            let error = match self.read_new(cursor).await {
                Ok(lines) => return Some(lines),
                Err(error) => error,
            };
            let wait = match error.next() {
                RetryDecision::Retry(requested) => retries.next_wait(requested),
                RetryDecision::Fatal | RetryDecision::Ambiguous => {
                    let is_late = matches!(error.cause, ApiErrorKind::NoTime);
                    self.stop_reading(if is_late {
                        EventKind::LogIncomplete
                    } else {
                        EventKind::LogUnavailable(&error)
                    });
                    return None;
                }
            };
            if Instant::now() + wait >= self.give_up.get() {
                self.stop_reading(EventKind::LogIncomplete);
                return None;
            }
            sleep(wait).await;
        }
    }

    /// Reads what is new and reports it, oldest first. What was read before an
    /// error is held until the next call has read what comes before it.
    async fn read_new(&self, cursor: &mut LogCursor) -> Result<usize, ApiError> {
        let mut reported = 0;
        let mut oldest: Option<i64> = None;
        let requested = self.pace.service_time();
        let requested = requested.map(jiff::Timestamp::as_microsecond);
        cursor.begin(requested);
        while let Some(window) = cursor.window() {
            match self.source.read_log(window).await {
                Ok(page) => {
                    let new = cursor.take(page);
                    let first = new.first().map(|line| line.at_micros);
                    oldest = oldest.into_iter().chain(first).min();
                    self.held.borrow_mut().extend(new);
                }
                Err(ApiError {
                    cause: ApiErrorKind::Transport(TransportError::TooLarge { .. }),
                    ..
                }) if cursor.ask_for_less() => {}
                // No filter is needed to read the rest of the log.
                Err(error) if error.next() == RetryDecision::Fatal && cursor.skip_filtered() => {}
                Err(error) => return Err(error),
            }
            if cursor.is_gapless() {
                reported += self.report_held();
            }
        }
        self.lateness.borrow_mut().note(requested, oldest);
        if let Some(at_micros) = cursor.gap_to_report() {
            (self.report)(EventKind::LogGap { at_micros });
        }
        Ok(reported)
    }

    /// Reports the lines held back, and returns how many they were.
    fn report_held(&self) -> usize {
        let mut held = self.held.take();
        held.sort_by_key(|line| line.at_micros);
        if !held.is_empty() {
            self.report_lines(&held);
        }
        held.len()
    }

    /// Tells what there is, and why there will be no more.
    pub(crate) fn stop_reading(&self, why: EventKind<'_>) {
        self.report_held();
        (self.report)(why);
    }
}
