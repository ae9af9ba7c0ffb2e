//! [`HostConnection`]: sends requests to the code host, with the token to its
//! API only, within limits, and again where that can do no harm. What the
//! requests are is in [`super::github`] and [`super::gitlab`].

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::backoff::Schedule;
use crate::code_host::{HostCall, Reason};
use crate::http::retry_after::requested_wait;
use crate::http::{Reach, Request, Response, Transport, TransportError};
use crate::lenient_json;
use crate::sanitize::Sanitizer;
use crate::secret::{ApiToken, is_https_or_loopback};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How often a request is sent. Nothing here is worth a long wait.
const MOST_ATTEMPTS: u32 = 3;

/// No longer a wait is worth it either.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The most that is read of a body, in bytes: a page of the longest comments.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How many redirects in a row are followed.
const MOST_REDIRECTS: usize = 3;

/// The most that is repeated of what the host said, in characters.
const LONGEST_SAID: usize = 300;

static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

pub(super) struct HostConnection {
    exchange: Box<dyn Transport>,
    base: Url,
    authorization: HeaderValue,
    sanitizer: Sanitizer,
    deadline: Instant,
}

/// A complete response with a status of success.
pub(super) struct HostResponse {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl HostConnection {
    pub(super) fn new(
        exchange: Box<dyn Transport>,
        base: &Url,
        token: &ApiToken,
        sanitizer: Sanitizer,
        deadline: Instant,
    ) -> Result<Self, Reason> {
        if !is_https_or_loopback(base) {
            return Err(Reason::Insecure);
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| Reason::UnusableToken)?;
        authorization.set_sensitive(true);
        Ok(Self {
            exchange,
            base: base.clone(),
            authorization,
            sanitizer,
            deadline,
        })
    }

    /// Sends a request and, where it can have had no effect or repeating it has
    /// none, sends it again.
    pub(super) async fn send(&self, call: &HostCall) -> Result<HostResponse, Reason> {
        let mut schedule = Schedule::for_requests();
        let mut attempt = 1;
        loop {
            let reason = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(reason) => reason,
            };
            tracing::debug!(doing = call.doing, attempt, %reason, "failed");
            let wait = schedule.next_wait(reason.requested_wait());
            let is_worth_it = wait <= LONGEST_WAIT && Instant::now() + wait < self.deadline;
            if attempt == MOST_ATTEMPTS || !is_worth_it || !may_repeat(&call.method, &reason) {
                return Err(reason);
            }
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &HostCall) -> Result<HostResponse, Reason> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Reason::NoTime);
        }
        let by = Instant::now() + left.min(ATTEMPT);
        let mut url = self.url(call);
        let mut reply = self.exchange_once(call, url.clone(), by).await?;
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = followed(&call.method, &url, &reply) else {
                break;
            };
            url = next;
            reply = self.exchange_once(call, url.clone(), by).await?;
        }
        if !(200..300).contains(&reply.status) {
            return Err(self.refused(reply));
        }
        let body = match reply.body {
            Ok(body) => body,
            // It was done; what it says about that is not needed.
            Err(_) if call.method != Method::GET => Vec::new(),
            Err(cause) => return Err(self.unavailable(&cause)),
        };
        Ok(HostResponse {
            headers: reply.headers,
            body,
        })
    }

    async fn exchange_once(
        &self,
        call: &HostCall,
        url: Url,
        by: Instant,
    ) -> Result<Response, Reason> {
        let request = Request {
            method: call.method.clone(),
            url,
            accept: "application/json",
            authorization: Some(self.authorization.clone()),
            body: call.body.as_ref().map(|body| body.to_string().into_bytes()),
            body_limit: BODY_LIMIT,
            reach: Reach::Anywhere,
            is_fresh: false,
        };
        let left = by.saturating_duration_since(Instant::now());
        let reply = self.exchange.exchange(request, left).await;
        reply.map_err(|cause| self.unavailable(&cause))
    }

    fn url(&self, call: &HostCall) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }

    fn unavailable(&self, cause: &TransportError) -> Reason {
        match cause {
            TransportError::TooLarge { .. } => Reason::Unreadable(self.shown(&cause.to_string())),
            TransportError::NotConnected { may_heal, .. } => Reason::NotConnected {
                message: self.shown(&cause.to_string()),
                may_heal: *may_heal,
            },
            TransportError::ProxyRefused { .. } => Reason::NotConnected {
                message: self.shown(&cause.to_string()),
                may_heal: false,
            },
            _ => Reason::Broken(self.shown(&cause.to_string())),
        }
    }

    fn refused(&self, reply: Response) -> Reason {
        let message = message_of(&reply.body.unwrap_or_default()).map(|text| self.shown(&text));
        let wait = requested_wait(reply.status, &reply.headers);
        let is_spent = reply
            .headers
            .get(&REMAINING)
            .is_some_and(|left| left == "0");
        let says_limit = message
            .as_ref()
            .is_some_and(|message| message.to_lowercase().contains("rate limit"));
        match reply.status {
            429 => Reason::RateLimited(wait),
            // GitHub's limits come as refusals too. It names these three signs.
            403 if wait.is_some() || is_spent || says_limit => Reason::RateLimited(wait),
            401 => Reason::TokenRefused(message),
            403 => Reason::NotPermitted(message),
            404 | 410 => Reason::NotFound,
            408 | 425 | 500..=599 => Reason::Failing {
                status: reply.status,
                wait,
            },
            status => Reason::Refused { status, message },
        }
    }

    /// The beginning of a text for people, without secrets. It is sanitized
    /// before it is cut: a part of a secret would not be recognized.
    pub(super) fn shown(&self, text: &str) -> String {
        let line = self.sanitizer.line(text);
        let text = line.as_str();
        match text.char_indices().nth(LONGEST_SAID) {
            Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

/// Where a redirect leads that is followed: hosts redirect reads of a repository
/// that was renamed. The token never goes to another host or port, or from https
/// to http.
fn followed(method: &Method, from: &Url, reply: &Response) -> Option<Url> {
    if *method != Method::GET || !matches!(reply.status, 301 | 302 | 307 | 308) {
        return None;
    }
    let location = reply.headers.get(LOCATION)?.to_str().ok()?;
    let next = from.join(location).ok()?;
    let has_user = !next.username().is_empty() || next.password().is_some();
    (next.origin() == from.origin() && !has_user).then_some(next)
}

/// Writing the same text into the same comment twice, or deleting it twice, does
/// no harm; writing a second comment does.
fn may_repeat(method: &Method, reason: &Reason) -> bool {
    match reason {
        Reason::NotConnected { may_heal, .. } => *may_heal,
        Reason::Broken(_) | Reason::Failing { .. } => *method != Method::POST,
        _ => false,
    }
}

/// What an error's body says: GitHub has a `message` and sometimes `errors`,
/// GitLab a `message` of any shape, or an `error`.
fn message_of(body: &[u8]) -> Option<String> {
    let body: Value = lenient_json::from_slice(body).ok()?;
    let message: Vec<String> = ["message", "error", "errors"]
        .iter()
        .filter_map(|name| match body.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect();
    (!message.is_empty()).then(|| message.join("; "))
}
