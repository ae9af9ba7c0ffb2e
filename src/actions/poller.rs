//! Looks at what takes its time, the last one when the time is over.

use tokio::time::{Instant, sleep_until};

use crate::backoff::Schedule;
use crate::sevalla::Client;

/// Looks until the client's deadline.
pub(crate) struct Poller {
    client: Client,
    waits: Schedule,
    deadline: Instant,
}

impl Poller {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.with_grace(),
            waits: Schedule::for_looks(),
            deadline: client.deadline(),
        }
    }

    /// What to look with: the last look may be answered after the deadline.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until the next look; `false` when the last one has been taken.
    pub(crate) async fn wait(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.deadline {
            return false;
        }
        sleep_until((now + self.waits.next_wait(None)).min(self.deadline)).await;
        true
    }
}
