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
const LONGEST: Duration = Duration::from_secs(20);

/// The longest wait for one response: the others have to be read as well.
const EACH: Duration = Duration::from_secs(5);

/// How much of the checkup the visits of addresses may take.
const KEPT: Duration = Duration::from_secs(5);

/// How much the checkup itself needs after its last request: what the end of all of it
/// interrupts is not known to be slow.
const OWN: Duration = Duration::from_millis(250);

/// The time of a checkup.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimit {
    /// The end of all of it.
    pub(crate) end: Instant,
    /// The end of the requests to the API.
    pub(crate) reads_end: Instant,
    /// How long the requests to the API may take.
    pub(crate) reads: Duration,
    /// Whether `timeout` made it shorter.
    pub(crate) is_cut: bool,
}

impl TimeLimit {
    /// The limit of a checkup that begins now in a run with this deadline. Time is
    /// kept for the visits of addresses, if there will be any.
    pub(crate) fn new(deadline: Instant, visits: bool) -> Self {
        let begun = Instant::now();
        let all = LONGEST.min(deadline.saturating_duration_since(begun));
        let kept = if visits { KEPT.min(all / 4) } else { OWN };
        let reads = all.saturating_sub(kept);
        Self {
            end: begun + all,
            reads_end: begun + reads,
            reads,
            is_cut: all < LONGEST,
        }
    }
}

/// Sends what does not go to the API, redirects included, as requests of the
/// checkup.
pub(crate) struct Metered<'a> {
    inner: &'a dyn Transport,
    reader: &'a Reader,
    has_refused: Cell<bool>,
}

impl<'a> Metered<'a> {
    pub(crate) fn new(inner: &'a dyn Transport, reader: &'a Reader) -> Self {
        Self {
            inner,
            reader,
            has_refused: Cell::new(false),
        }
    }

    /// Whether a request was not sent because none was left.
    pub(crate) const fn has_refused(&self) -> bool {
        self.has_refused.get()
    }
}

impl Transport for Metered<'_> {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        if self.reader.spend() {
            return self.inner.exchange(request, limit);
        }
        self.has_refused.set(true);
        Box::pin(ready(Err(TransportError::NotConnected {
            reason: format!("the {MOST_REQUESTS} requests of a checkup were used up"),
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
    /// A reader for one checkup.
    pub(crate) fn new(client: &Client, time: TimeLimit) -> Self {
        Self {
            client: client.until(time.reads_end),
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
            Err(mut error) => {
                // Only the checkup's own end was too early for a response.
                if self.client.ran_out_of_time(&error) {
                    error.cause = ApiErrorKind::NoTime;
                }
                let refused = error.status().zip(error.head());
                let refused = refused.map(|(status, head)| RefusedRequest {
                    operation,
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
