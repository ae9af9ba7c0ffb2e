//! [`Reader`]: the requests of the doctor, counted and kept.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::evidence::Evidence;
use crate::sevalla::operation::Operation;
use crate::sevalla::{ApiError, ApiErrorKind, Client, Observed};

/// The most requests of one checkup.
pub(crate) const MOST_REQUESTS: u32 = 15;

/// The longest checkup.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// The longest wait for one response: the others have to be read as well.
const EACH: Duration = Duration::from_secs(5);

/// How much of the checkup the visit of an address may take.
const KEPT: Duration = Duration::from_secs(5);

/// Reads, and remembers what it read.
pub(crate) struct Reader {
    client: Client,
    left: Cell<u32>,
    evidence: RefCell<Evidence>,
}

impl Reader {
    /// A reader for one checkup that begins now.
    pub(crate) fn new(client: &Client) -> Self {
        let end = Instant::now() + LONGEST - KEPT;
        Self {
            client: client.until(end.min(client.deadline())),
            left: Cell::new(MOST_REQUESTS),
            evidence: RefCell::default(),
        }
    }

    /// Reads once. Without a request left there is no response.
    pub(crate) async fn read(
        &self,
        operation: &'static Operation,
        ids: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<Rc<Observed>, ApiError> {
        if !self.spend() {
            return Err(ApiError {
                operation,
                path: operation.path.to_owned(),
                cause: ApiErrorKind::NoTime,
                attempts: 0,
                elapsed: Duration::ZERO,
            });
        }
        let end = self.client.deadline().min(Instant::now() + EACH);
        let client = self.client.until(end);
        let read = client.observe(operation, ids, query).await;
        let mut evidence = self.evidence.borrow_mut();
        match read {
            Ok(answer) => {
                let answer = Rc::new(answer);
                evidence.answers.push(Rc::clone(&answer));
                Ok(answer)
            }
            Err(error) => {
                let status = error.status();
                evidence
                    .refused
                    .extend(status.map(|status| (operation.id, status)));
                Err(error)
            }
        }
    }

    /// Takes one of the requests, if there is one left.
    pub(crate) fn spend(&self) -> bool {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    /// What was read so far.
    pub(crate) fn evidence(&self) -> Ref<'_, Evidence> {
        self.evidence.borrow()
    }
}
