//! The pull request of a preview: whether it is open, and the comment on it.
//!
//! Nothing here is ever the result of a run: what goes wrong is a warning.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::Run;
use crate::ci::ChangeState;
use crate::code_host::{CodeHost, CodeHostError, Marker};
use crate::inputs::Comment;
use crate::report::{Event, News};

/// How long asking or writing may keep the run.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long writing may go on after a signal: as long as cleaning up may, and
/// beside it.
const LAST_WORDS: Duration = Duration::from_secs(4);

impl Run<'_> {
    /// Whether the pull request of a preview is open; `None` if that cannot be
    /// told.
    pub(super) async fn is_open(&self, number: Option<u64>) -> Option<bool> {
        let number = number?;
        let host = self.code_host()?;
        let asked = match host {
            Ok(host) => self.in_time(host.pull_request(number)).await?,
            Err(error) => Err(error),
        };
        match asked {
            Ok(request) => Some(request.state == ChangeState::Open),
            Err(error) => {
                self.reporter.on(Event::Warning(&error.to_string()));
                None
            }
        }
    }

    /// Keeps the comment on the pull request up to date. `pipeline` tells the
    /// comments of several previews apart.
    pub(super) async fn comment(&self, number: Option<u64>, pipeline: &str, news: News<'_>) {
        let marker = Marker::of(pipeline);
        tokio::select! {
            () = self.write_comment(number, &marker, news) => {}
            _ = self.stop.asked() => {}
        }
    }

    /// Says in the comment about an application that it is gone, whatever its
    /// pipeline.
    pub(super) async fn comment_gone(&self, number: u64, app: Uuid) {
        let marker = Marker::of_app(app);
        tokio::select! {
            () = self.write_comment(Some(number), &marker, News::Deleted) => {}
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
        let say = self.write_comment(number, &marker, News::Cancelled);
        let (done, _in_time) = tokio::join!(work, timeout(LAST_WORDS, say));
        done
    }

    async fn write_comment(&self, number: Option<u64>, marker: &Marker, news: News<'_>) {
        if self.plan.comment == Comment::Never {
            return;
        }
        let (Some(number), Some(host)) = (number, self.code_host()) else {
            if self.plan.comment == Comment::Always {
                self.reporter.on(Event::Warning(
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
                let updated = timeout(PATIENCE, update).await.ok();
                updated.map(|updated| updated.map(drop))
            }
            Ok(host) => {
                let put = host.put_comment(number, marker, &text);
                let put = timeout(PATIENCE, put).await.ok();
                put.map(|put| put.map(drop))
            }
            Err(error) => Some(Err(error)),
        };
        let warning = match written {
            Some(Ok(())) => return,
            Some(Err(error)) => error.to_string(),
            None => "The comment on the pull request was not written in time".to_owned(),
        };
        self.reporter.on(Event::Warning(&warning));
    }

    fn code_host(&self) -> Option<Result<CodeHost, CodeHostError>> {
        let (repository, token) = self.plan.code_host.as_ref()?;
        let exchange = (self.connect)().ok()?;
        let by = Instant::now() + PATIENCE;
        Some(CodeHost::over(
            exchange,
            repository,
            token,
            self.gate.clone(),
            by,
        ))
    }

    async fn in_time<T>(&self, ask: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            asked = timeout(PATIENCE, ask) => asked.ok(),
            _ = self.stop.asked() => None,
        }
    }
}
