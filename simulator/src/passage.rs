//! A call that was read in full: its effect, and its answer as HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

use crate::answer::{Answer, Refusal};
use crate::ask::Ask;
use crate::delivery::{self, Delivery};
use crate::limits::{Standing, Tier, Windows};
use crate::operation::Operation;
use crate::quirk::{self, Quirk};
use crate::state::{Context, Shared};
use crate::validate;
use crate::wire::{Connection, NoAnswer};

/// A call on its way through.
pub(crate) struct Passage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) operation: Option<Operation>,
    pub(crate) connection: Connection,
    /// Its place in the journal.
    pub(crate) index: usize,
    pub(crate) request_id: String,
    pub(crate) ask: Ask,
}

impl Passage {
    fn tier(&self) -> Tier {
        self.operation.map_or(Tier::Read, |known| known.tier)
    }

    /// The headers every answer has, on one that counts nowhere.
    pub(crate) fn dressed(&self, mut answer: Answer) -> Answer {
        let state = self.shared.state();
        let limits = &state.world.limits;
        if limits.headers {
            answer.set_standing(Windows::untouched(limits, self.tier()));
        }
        answer
    }

    /// Key, limit, permission, validation, effect: in this order.
    pub(crate) fn apply(&self) -> Answer {
        let mut state = self.shared.current();
        let known = |known: &Operation| !state.world.missing.contains(known.name);
        let Some(operation) = self.operation.filter(known) else {
            drop(state);
            return self.dressed(Refusal::new(404, "Route not found").into());
        };
        let now = state.now;
        if operation.keyed && !state.accepts(self.ask.header("authorization")) {
            drop(state);
            return self.dressed(Refusal::new(401, "Unauthorized").into());
        }
        let state = &mut *state;
        let service = self.ask.param("id").to_ascii_lowercase();
        let limits = &state.world.limits;
        let standing = state.windows.take(limits, operation.tier, &service, now);
        let with_headers = limits.headers;
        let quirks = state.world.quirks.clone();
        let mut context = Context {
            state,
            ask: &self.ask,
            clock: &self.shared.clock,
            now,
            origin: &self.shared.origin,
        };
        let mut answer = let_in(&mut context, operation, standing)
            .and_then(|()| (operation.handler)(&mut context))
            .unwrap_or_else(Answer::from);
        if with_headers {
            answer.set_standing(standing);
        }
        if !quirks.is_empty() {
            quirk::bend(&quirks, operation.name, &mut answer);
        }
        answer
    }

    pub(crate) fn silence(self, reset: bool) -> Response {
        if reset {
            self.connection.doom.reset();
        }
        NoAnswer.response()
    }

    pub(crate) fn send(self, answer: Answer, delivery: Option<Delivery>) -> Response {
        let mut response = self.head(&answer);
        let (shared, index, status) = (self.shared, self.index, answer.status);
        let Some(delivery) = delivery else {
            shared.state().note_status(index, status);
            *response.body_mut() = Body::from(answer.body);
            return response;
        };
        if !matches!(delivery, Delivery::Huge(_)) {
            let length = HeaderValue::from(answer.body.len());
            response.headers_mut().insert("content-length", length);
        }
        let sent = move || shared.state().note_status(index, status);
        *response.body_mut() = delivery::body(delivery, answer.body, sent);
        response
    }

    fn head(&self, answer: &Answer) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
        let headers = response.headers_mut();
        for (name, value) in &answer.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                headers.append(name, value);
            }
        }
        let is_without_id = self.shared.state().world.quirks.contains(&Quirk::RequestId);
        if let (Ok(id), false) = (HeaderValue::from_str(&self.request_id), is_without_id) {
            headers.entry("x-request-id").or_insert(id);
        }
        response
    }
}

/// Whether an authentic call may go on to its handler.
fn let_in(
    context: &mut Context<'_>,
    operation: Operation,
    standing: Standing,
) -> Result<(), Refusal> {
    if standing.refused {
        return Err(Refusal::new(429, "Too many requests"));
    }
    if context.state.world.forbidden.contains(operation.name) {
        return Err(Refusal::new(403, "Forbidden"));
    }
    validate::body_type(context.ask)
}
