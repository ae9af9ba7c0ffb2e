//! The pull request of a preview: whether it is open, and the comment on it.
//!
//! Nothing here is ever the result of a run: what goes wrong is a warning.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Run;
use crate::ci::ChangeState;
use crate::code_host::{CodeHost, CodeHostError, Marker};
use crate::inputs::Comment;
use crate::outcome::Outcome;
use crate::plan::Preview;
use crate::report::{Event, News};

/// How long asking or writing may keep the run.
const PATIENCE: Duration = Duration::from_secs(20);

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

    /// Keeps the comment on the pull request up to date. `app` tells the
    /// comments of several previews apart.
    pub(super) async fn comment(&self, preview: &Preview, app: &str, outcome: Option<&Outcome>) {
        self.write_comment(preview, app, News::of(outcome)).await;
    }

    /// Says in the comment, if there is one, that the preview is gone.
    pub(super) async fn comment_deleted(&self, preview: &Preview, app: &str) {
        self.write_comment(preview, app, News::Deleted).await;
    }

    async fn write_comment(&self, preview: &Preview, app: &str, news: News<'_>) {
        if self.plan.comment == Comment::Never {
            return;
        }
        let (Some(number), Some(host)) = (preview.pull_request, self.code_host()) else {
            if self.plan.comment == Comment::Always {
                self.reporter.on(Event::Warning(
                    "There is no comment: that needs github-token, and a pull request whose \
                     repository the CI names.",
                ));
            }
            return;
        };
        let marker = Marker::of(app);
        let text = self.reporter.comment(&marker, &news);
        let written = match host {
            Ok(host) if matches!(news, News::Deleted) => {
                let update = host.update_comment(number, &marker, &text);
                self.in_time(update).await.map(|updated| updated.map(drop))
            }
            Ok(host) => {
                let put = host.put_comment(number, &marker, &text);
                self.in_time(put).await.map(|put| put.map(drop))
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
