//! [`Reader`]: the requests of the doctor, counted and kept.

use std::cell::{Cell, Ref, RefCell};
use std::future::ready;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::evidence::{Evidence, RefusedRequest};
use crate::http::{Request, ResponseFuture, Transport, TransportError};
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

/// Sends what does not go to the API, redirects included, as requests of the
/// checkup.
pub(crate) struct Metered<'a> {
    inner: &'a dyn Transport,
    reader: &'a Reader,
    sent: Cell<u32>,
}

impl<'a> Metered<'a> {
    pub(crate) fn new(inner: &'a dyn Transport, reader: &'a Reader) -> Self {
        Self {
            inner,
            reader,
            sent: Cell::new(0),
        }
    }

    /// Whether none was left for the first.
    pub(crate) fn is_unsent(&self) -> bool {
        self.sent.get() == 0 && !self.reader.can_spend()
    }
}

impl Transport for Metered<'_> {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        if self.reader.spend() {
            self.sent.set(self.sent.get() + 1);
            return self.inner.exchange(request, limit);
        }
        Box::pin(ready(Err(TransportError::NotConnected {
            reason: "the 15 requests of a checkup were used up".to_owned(),
            may_heal: false,
        })))
    }
}

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
                let refused = error.status().zip(error.head());
                let refused = refused.map(|(status, head)| RefusedRequest {
                    operation: operation.id,
                    status,
                    head: head.clone(),
                });
                evidence.refused.extend(refused);
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

    /// Whether there is a request left.
    pub(crate) fn can_spend(&self) -> bool {
        self.left.get() > 0
    }

    /// What was read so far.
    pub(crate) fn evidence(&self) -> Ref<'_, Evidence> {
        self.evidence.borrow()
    }
}
