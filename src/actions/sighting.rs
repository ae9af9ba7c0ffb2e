//! What was last seen of a deployment, for a run that has to leave it: whatever
//! happens after that moment, the run does not know.

use std::cell::RefCell;

use jiff::Timestamp;

use crate::deployment::{Deployment, DeploymentId, LogLine, Status};
use crate::follow::{DeploymentClient, DeploymentSource};
use crate::outcome::LastSeen;
use crate::sevalla::limits::BudgetShare;
use crate::sevalla::{ApiError, LogWindow};

/// A source of a deployment's status and log that notes the last look.
pub(crate) struct SightingSource<'a> {
    source: &'a DeploymentClient,
    clock: fn() -> Timestamp,
    last: RefCell<Option<LastSeen>>,
}

impl<'a> SightingSource<'a> {
    /// Notes the looks at a deployment, of which this is known now.
    pub(crate) fn new(
        source: &'a DeploymentClient,
        known: &Deployment,
        clock: fn() -> Timestamp,
    ) -> Self {
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
    pub(crate) fn last(&self) -> Option<LastSeen> {
        self.last.borrow().clone()
    }

    fn note(&self, deployment: &Deployment) {
        self.last.replace(Some(LastSeen {
            status: deployment.status.clone(),
            at: (self.clock)(),
        }));
    }
}

impl DeploymentSource for SightingSource<'_> {
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

    fn share(&self) -> Option<BudgetShare> {
        self.source.share()
    }

    fn log_share(&self) -> Option<BudgetShare> {
        self.source.log_share()
    }
}
