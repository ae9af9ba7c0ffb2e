//! One call, from the socket to the state and back.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use hyper::header::{HeaderName, HeaderValue};

use crate::answer::{Answer, Refusal};
use crate::ask::Ask;
use crate::delivery::{self, Delivery};
use crate::fault::{Behaviour, Payload};
use crate::ids;
use crate::journal::Call;
use crate::limits::{Standing, Tier, Windows};
use crate::operation::Operation;
use crate::state::{Context, Shared, State};
use crate::validate;
use crate::wire::Doom;

/// The connection a request came in on.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) doom: Doom,
}

/// Marks a response that must not be sent: the connection ends instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a simulated connection ends without an answer")
    }
}

impl std::error::Error for NoAnswer {}

/// Fastify's own default.
const BODY_LIMIT: usize = 1024 * 1024;

/// A call on its way through.
struct Passage {
    shared: Arc<Shared>,
    operation: Option<Operation>,
    connection: Connection,
    /// Its place in the journal.
    index: usize,
    request_id: String,
    ask: Ask,
}

/// Answers one request; `None` is no operation at all.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    operation: Option<Operation>,
    params: Option<RawPathParams>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let connection = head.extensions.get().cloned().unwrap_or(Connection {
        number: 0,
        doom: Doom::default(),
    });
    let mut ask = Ask {
        is_get: head.method == hyper::Method::GET || head.method == hyper::Method::HEAD,
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: headers(&head.headers),
        ..Ask::default()
    };
    for (name, value) in params.iter().flatten() {
        ask.params.insert(name.to_owned(), value.to_owned());
    }
    let request_id = ids::request_id();
    let index = shared.state().note(Call {
        at: shared.clock.now().since_start(),
        operation: operation.map_or("unknown", |known| known.name).to_owned(),
        method: head.method.to_string(),
        path: ask.path.clone(),
        query: head.uri.query().map(str::to_owned),
        headers: ask.headers.clone(),
        body: Vec::new(),
        status: None,
        request_id: request_id.clone(),
        connection: connection.number,
    });
    let body = to_bytes(body, BODY_LIMIT).await;
    let mut passage = Passage {
        shared,
        operation,
        connection,
        index,
        request_id,
        ask,
    };
    let Ok(body) = body else {
        let refusal = Refusal::new(413, "Request body is too large");
        return passage.send(refusal.into(), None);
    };
    passage.shared.state().note_body(index, &body);
    passage.ask.body = body;
    passage.go().await
}

impl Passage {
    async fn go(self) -> Response {
        let name = self.operation.map_or("unknown", |known| known.name);
        let now = self.shared.clock.now();
        let struck = self.shared.state().strike(name, &self.ask.path, now);
        let Some(fault) = struck else {
            let answer = self.apply();
            return self.send(answer, None);
        };
        tokio::time::sleep(fault.delay).await;
        if let Behaviour::Delay(delay) = fault.behaviour {
            tokio::time::sleep(delay).await;
        }
        if fault.behaviour.applies() {
            let answer = self.apply();
            self.after(fault.behaviour, answer).await
        } else {
            self.instead(fault.behaviour).await
        }
    }

    /// Faults that keep the call from taking effect.
    async fn instead(self, behaviour: Behaviour) -> Response {
        match behaviour {
            Behaviour::Status(code, payload, headers) => {
                let mut answer = self.dressed(made_up(code, payload));
                for (name, value) in headers {
                    answer.set(&name, &value);
                }
                self.send(answer, None)
            }
            Behaviour::RateLimited { retry_after, reset } => {
                let refusal = Refusal::new(429, "Too many requests");
                let mut answer = self.dressed(refusal.into());
                answer.set("x-ratelimit-remaining", "0");
                for (name, value) in [("retry-after", retry_after), ("x-ratelimit-reset", reset)] {
                    answer.remove(name);
                    if let Some(value) = value {
                        answer.set(name, &value);
                    }
                }
                self.send(answer, None)
            }
            Behaviour::Redirect(location) => {
                let mut answer = self.dressed(Answer::empty(307));
                answer.set("location", &location);
                self.send(answer, None)
            }
            Behaviour::ResetBeforeApplying => self.silence(true),
            Behaviour::CloseBeforeApplying => self.silence(false),
            _ => std::future::pending().await,
        }
    }

    /// Faults that spoil the answer to a call that took effect.
    async fn after(self, behaviour: Behaviour, mut answer: Answer) -> Response {
        match behaviour {
            Behaviour::ResetAfterApplying => self.silence(true),
            Behaviour::CloseAfterApplying => self.silence(false),
            Behaviour::HangAfterApplying => std::future::pending().await,
            Behaviour::HangInBody => self.send(answer, Some(Delivery::Hang)),
            Behaviour::CutBody => self.send(answer, Some(Delivery::Cut)),
            Behaviour::ResetInBody => {
                self.connection.doom.reset();
                self.send(answer, Some(Delivery::Cut))
            }
            Behaviour::SlowBody(bytes, interval) => {
                self.send(answer, Some(Delivery::Slow(bytes, interval)))
            }
            Behaviour::HugeBody(bytes) => self.send(answer, Some(Delivery::Huge(bytes))),
            Behaviour::NotJson => {
                answer.replace(made_up(200, Payload::error_page(200)));
                self.send(answer, None)
            }
            Behaviour::EmptyBody => {
                answer.replace(Answer::empty(answer.status));
                self.send(answer, None)
            }
            Behaviour::WrongShape(value) => {
                answer.replace(Answer::json(answer.status, &value));
                self.send(answer, None)
            }
            Behaviour::ErrorAfterApplying(code, payload) => {
                answer.replace(made_up(code, payload));
                self.send(answer, None)
            }
            Behaviour::Headers(headers) => {
                for (name, value) in headers {
                    answer.set(&name, &value);
                }
                self.send(answer, None)
            }
            _ => self.send(answer, None),
        }
    }

    fn tier(&self) -> Tier {
        self.operation.map_or(Tier::Read, |known| known.tier)
    }

    /// The headers every answer has, on one that counts nowhere.
    fn dressed(&self, mut answer: Answer) -> Answer {
        let state = self.shared.state();
        let limits = &state.world.limits;
        if limits.headers {
            answer.set_standing(Windows::untouched(limits, self.tier()));
        }
        answer
    }

    /// Key, limit, permission, validation, effect: in this order.
    fn apply(&self) -> Answer {
        let Some(operation) = self.operation else {
            return self.dressed(Refusal::new(404, "Route not found").into());
        };
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        if operation.keyed && !state.accepts(self.ask.header("authorization")) {
            drop(state);
            return self.dressed(Refusal::new(401, "Unauthorized").into());
        }
        let state = &mut *state;
        let service = self.ask.param("id").to_ascii_lowercase();
        let limits = &state.world.limits;
        let standing = state.windows.take(limits, operation.tier, &service, now);
        let with_headers = limits.headers;
        let mut context = Context {
            state,
            ask: &self.ask,
            clock: self.shared.clock,
            now,
            origin: &self.shared.origin,
        };
        let mut answer = let_in(&mut context, operation, standing)
            .and_then(|()| (operation.handler)(&mut context))
            .unwrap_or_else(Answer::from);
        if with_headers {
            answer.set_standing(standing);
        }
        answer
    }

    fn silence(self, reset: bool) -> Response {
        if reset {
            self.connection.doom.reset();
        }
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(NoAnswer);
        response
    }

    fn send(self, answer: Answer, delivery: Option<Delivery>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
        let headers = response.headers_mut();
        for (name, value) in &answer.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.entry("x-request-id").or_insert(id);
        }
        let (shared, index, status) = (self.shared, self.index, answer.status);
        match delivery {
            None => {
                shared.state().note_status(index, status);
                *response.body_mut() = Body::from(answer.body);
            }
            Some(delivery) => {
                if !matches!(delivery, Delivery::Huge(_)) {
                    headers.insert("content-length", HeaderValue::from(answer.body.len()));
                }
                let sent = move || shared.state().note_status(index, status);
                *response.body_mut() = delivery::body(delivery, answer.body, sent);
            }
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

fn made_up(code: u16, payload: Payload) -> Answer {
    match payload {
        Payload::Empty => Answer::empty(code),
        Payload::Json(value) => Answer::json(code, &value),
        Payload::Html(text) => Answer::text(code, "text/html; charset=UTF-8", text),
        Payload::Raw(content_type, bytes) => Answer::text(code, &content_type, bytes),
    }
}

impl State {
    fn note(&mut self, call: Call) -> usize {
        self.journal.push(call);
        self.journal.len() - 1
    }

    fn note_body(&mut self, index: usize, body: &[u8]) {
        if let Some(call) = self.journal.get_mut(index) {
            call.body = body.to_vec();
        }
    }

    fn note_status(&mut self, index: usize, status: u16) {
        if let Some(call) = self.journal.get_mut(index) {
            call.status = Some(status);
        }
    }

    fn accepts(&self, authorization: Option<&str>) -> bool {
        let key = authorization.and_then(|value| value.strip_prefix("Bearer "));
        self.key_works && key == Some(self.world.key.as_str())
    }
}

fn headers(map: &hyper::HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// A query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let text = format!("/?{query}");
    let parsed = text.parse::<hyper::Uri>().ok();
    parsed
        .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok())
        .map(|axum::extract::Query(pairs)| pairs)
        .unwrap_or_default()
}
