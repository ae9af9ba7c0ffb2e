//! What was last seen of a deployment, for a run that has to leave it: whatever
//! happens after that moment, the run does not know.

use std::cell::RefCell;

use jiff::Timestamp;

use crate::deployment::{Deployment, DeploymentId, LogLine, Status};
use crate::follow::{Remote, Source};
use crate::outcome::Sighting;
use crate::sevalla::limits::Share;
use crate::sevalla::{ApiError, LogWindow};

/// A source of a deployment's status and log that notes the last look.
pub(crate) struct Noting<'a> {
    source: &'a Remote,
    clock: fn() -> Timestamp,
    last: RefCell<Option<Sighting>>,
}

impl<'a> Noting<'a> {
    /// Notes the looks at a deployment, of which this is known now.
    pub(crate) fn new(source: &'a Remote, known: &Deployment, clock: fn() -> Timestamp) -> Self {
        let noting = Self {
            source,
            clock,
            last: RefCell::default(),
        };
        // Of some only the id is known so far.
        if known.status != Status::Absent {
            noting.note(known);
        }
        noting
    }

    /// The last look that has shown something.
    pub(crate) fn last(&self) -> Option<Sighting> {
        self.last.borrow().clone()
    }

    fn note(&self, deployment: &Deployment) {
        self.last.replace(Some(Sighting {
            status: deployment.status.clone(),
            at: (self.clock)(),
        }));
    }
}

impl Source for Noting<'_> {
    async fn look(&self) -> Result<Deployment, ApiError> {
        let deployment = self.source.look().await?;
        self.note(&deployment);
        Ok(deployment)
    }

    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError> {
        self.source.read_log(window).await
    }

    async fn read_log_of(
        &self,
        id: &DeploymentId,
        window: LogWindow,
    ) -> Result<Vec<LogLine>, ApiError> {
        self.source.read_log_of(id, window).await
    }

    fn share(&self) -> Option<Share> {
        self.source.share()
    }

    fn log_share(&self) -> Option<Share> {
        self.source.log_share()
    }
}
