//! The log of the last deployment that succeeded: lines that it has too say
//! less about a failure.

use std::time::Duration;

use tokio::time::Instant;

use crate::actions::ActionContext;
use crate::deployment::Deployment;
use crate::deployment_log::LogDiagnosis;
use crate::follow::{DeploymentClient, LogMode};
use crate::sevalla::{LOG_PAGE, LogWindow};

/// How long reading it may take.
const COMPARING: Duration = Duration::from_secs(2);

impl ActionContext<'_> {
    /// After a failure, reads a page of the log of the last success and compares
    /// it with `log`. Without it, the diagnosis knows less, so any error is ignored.
    pub(crate) async fn compare_with_last_good(
        &self,
        source: &DeploymentClient,
        good: Option<&Deployment>,
        log: &LogDiagnosis,
    ) {
        let service = source.service;
        let is_read = self.reading() != LogMode::Never;
        let Some(good) = good.filter(|_| is_read && source.client.has_room_for_log()) else {
            return;
        };
        if log.digest().is_empty() {
            return;
        }
        let begun = good.created_at.map_or(0, jiff::Timestamp::as_microsecond);
        let window = LogWindow {
            from_micros: begun,
            to_micros: None,
            limit: LOG_PAGE,
        };
        let client = source.client.hurried(Instant::now() + COMPARING);
        let read = Box::pin(client.deployment_logs(service, &good.id, window));
        if let Some(Ok(lines)) = self.for_more_words(read).await {
            log.compare_with(&lines);
        }
    }
}
