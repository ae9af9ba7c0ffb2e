//! The pull request of a preview: whether it is open, and the comment on it.
//!
//! Nothing here is ever the result of a run: what goes wrong is a warning.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::{LAST_REQUESTS, Run};
use crate::ci::ChangeState;
use crate::code_host::{CodeHost, CodeHostError, Marker, PullRequest};
use crate::inputs::Comment;
use crate::messages::Warning;
use crate::report::{Event, News};

/// How long asking or writing may keep the run.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may keep a deployment from being started.
const BEFORE_THE_START: Duration = Duration::from_secs(5);

/// How long writing may go on after a signal: as long as cleaning up may, and
/// beside it.
const LAST_WORDS: Duration = Duration::from_secs(4);

impl Run<'_> {
    /// Whether the pull request of a preview is open; `None` if that cannot be
    /// told.
    pub(super) async fn is_open(&self, number: Option<u64>) -> Option<bool> {
        let request = self.pull_request(number, PATIENCE).await?;
        Some(request.state == ChangeState::Open)
    }

    /// The same before anything is begun, which must not wait for it long.
    pub(super) async fn is_still_open(&self, number: Option<u64>) -> Option<bool> {
        let request = self.pull_request(number, BEFORE_THE_START).await?;
        Some(request.state == ChangeState::Open)
    }

    /// Whether the pull request is known to be closed, and to be that of this
    /// branch: a number alone may be another's.
    pub(super) async fn is_closed(&self, number: Option<u64>, branch: Option<&str>) -> bool {
        let request = self.pull_request(number, PATIENCE).await;
        request.is_some_and(|request| {
            request.state != ChangeState::Open
                && !request.is_fork
                && Some(request.head_branch.as_str()) == branch
        })
    }

    async fn pull_request(&self, number: Option<u64>, most: Duration) -> Option<PullRequest> {
        let number = number?;
        let by = self.deadline.moment().min(Instant::now() + most);
        let asked = match self.code_host(by)? {
            Ok(host) => {
                let ask = self.in_time(by, host.pull_request(number));
                tokio::select! {
                    asked = ask => asked?,
                    _ = self.stop.asked() => return None,
                }
            }
            Err(error) => Err(error),
        };
        asked.map_err(|error| self.warn(&error)).ok()
    }

    /// Keeps the comment on the pull request up to date. `pipeline` tells the
    /// comments of several previews apart.
    pub(super) async fn comment(&self, number: Option<u64>, pipeline: &str, news: News<'_>) {
        let marker = Marker::of(pipeline);
        let most = match news {
            News::Deploying => BEFORE_THE_START,
            _ => PATIENCE,
        };
        tokio::select! {
            () = self.write_comment(number, &marker, news, most) => {}
            _ = self.stop.asked() => {}
        }
    }

    /// Says in the comment about an application that it is gone, whatever its
    /// pipeline.
    pub(super) async fn comment_gone(&self, number: u64, app: Uuid) {
        let marker = Marker::of_app(app);
        tokio::select! {
            () = self.write_comment(Some(number), &marker, News::Deleted, PATIENCE) => {}
            _ = self.stop.asked() => {}
        }
    }

    /// Does the work on a preview. If a signal ends it, the comment says so at
    /// the same time: it would tell of a deployment for ever.
    pub(super) async fn or_cancelled<T>(
        &self,
        number: Option<u64>,
        pipeline: &str,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            _ = self.stop.asked() => {}
            done = &mut work => return done,
        }
        let marker = Marker::of(pipeline);
        let say = self.write_comment(number, &marker, News::Cancelled, LAST_WORDS);
        let (done, _in_time) = tokio::join!(work, timeout(LAST_WORDS, say));
        done
    }

    async fn write_comment(
        &self,
        number: Option<u64>,
        marker: &Marker,
        news: News<'_>,
        most: Duration,
    ) {
        if self.plan.comment == Comment::Never || self.plan.dry_run || self.is_host_silent.get() {
            return;
        }
        // That the time was over is to be told as well.
        let by = (self.deadline.moment() + LAST_REQUESTS).min(Instant::now() + most);
        let (Some(number), Some(host)) = (number, self.code_host(by)) else {
            if self.plan.comment == Comment::Always {
                self.reporter.on(Event::Warning(
                    Warning::NoComment,
                    "There is no comment: that needs github-token, and a pull request whose \
                     repository the CI names.",
                ));
            }
            return;
        };
        let text = self.reporter.comment(marker, &news);
        let written = match host {
            // Where there is no comment, there is nothing to take back.
            Ok(host) if matches!(news, News::Deleted | News::Cancelled) => {
                let update = host.update_comment(number, marker, &text);
                let updated = self.in_time(by, update).await;
                updated.map(|updated| updated.map(drop))
            }
            Ok(host) => {
                let put = self.in_time(by, host.put_comment(number, marker, &text));
                put.await.map(|put| put.map(drop))
            }
            Err(error) => Some(Err(error)),
        };
        if let Some(Err(error)) = written {
            self.warn(&error);
        }
    }

    /// The code host, unless it is not known or has been silent.
    fn code_host(&self, by: Instant) -> Option<Result<CodeHost, CodeHostError>> {
        let (repository, token) = self.plan.code_host.as_ref()?;
        if self.is_host_silent.get() {
            return None;
        }
        let exchange = (self.connect)().ok()?;
        Some(CodeHost::over(
            exchange,
            repository,
            token,
            self.gate.clone(),
            by,
        ))
    }

    /// What the code host answers by then. One that does not is asked nothing
    /// more: each further wait would be as vain, and they add up.
    async fn in_time<T>(
        &self,
        by: Instant,
        ask: impl Future<Output = Result<T, CodeHostError>>,
    ) -> Option<Result<T, CodeHostError>> {
        match timeout_at(by, ask).await {
            Ok(Ok(answer)) => Some(Ok(answer)),
            Ok(Err(error)) if Instant::now() < by => Some(Err(error)),
            _ => {
                self.is_host_silent.set(true);
                self.reporter.on(Event::Warning(
                    Warning::CodeHostSilent,
                    "The code host (GitHub, GitLab) did not answer in time, and is asked nothing \
                     more in this run: the comment on the pull request may be out of date.",
                ));
                None
            }
        }
    }

    fn warn(&self, error: &CodeHostError) {
        self.reporter
            .on(Event::Warning(Warning::CodeHostError, &error.to_string()));
    }
}
