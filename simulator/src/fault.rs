//! What goes wrong, and when.

use std::time::Duration;

use serde_json::Value;

use crate::clock::Moment;
use crate::script::Script;
use crate::status::DeploymentType;

/// The body of an answer made up by a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// No body.
    Empty,
    /// `application/json`.
    Json(Value),
    /// `text/html`, as a proxy in front of the API writes it.
    Html(String),
    /// Any bytes with any content type.
    Raw(String, Vec<u8>),
}

impl Payload {
    /// The error page of a proxy.
    pub fn error_page(code: u16) -> Self {
        Self::Html(format!(
            "<html>\n<head><title>{code}</title></head>\n<body><center><h1>{code}</h1></center>\
             <hr><center>cloudflare</center></body>\n</html>\n"
        ))
    }
}

/// What a fault does to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Answers this status, body and further headers; the call is not applied.
    Status(u16, Payload, Vec<(String, String)>),
    /// Answers 429 in the API's shape with these headers (`None`: without the
    /// header); the call is not applied.
    RateLimited {
        /// `retry-after`: seconds, a date, or nonsense.
        retry_after: Option<String>,
        /// `x-ratelimit-reset`.
        reset: Option<String>,
    },
    /// Answers 307 to this location; the call is not applied.
    Redirect(String),
    /// Waits, then goes on as if nothing had happened.
    Delay(Duration),
    /// Resets the connection without an answer; the call is not applied.
    ResetBeforeApplying,
    /// Applies the call, then resets the connection without an answer.
    ResetAfterApplying,
    /// Closes the connection in order but without an answer; not applied.
    CloseBeforeApplying,
    /// Applies the call, then closes the connection in order, no answer.
    CloseAfterApplying,
    /// Never answers; the call is not applied.
    HangBeforeApplying,
    /// Applies the call, then never answers.
    HangAfterApplying,
    /// Applies the call, sends all headers and half the body, then nothing.
    HangInBody,
    /// Applies the call, sends all headers and half the body, then closes.
    CutBody,
    /// As [`Behaviour::CutBody`], but with a reset.
    ResetInBody,
    /// Applies the call, then answers 200 with a page of HTML.
    NotJson,
    /// Applies the call, then answers its own status with no body.
    EmptyBody,
    /// Applies the call, then answers its own status with this body.
    WrongShape(Value),
    /// Applies the call; in its answer these bytes come first in each text of the
    /// fields of this name, however little they are JSON.
    Spoilt(&'static str, Vec<u8>),
    /// Applies the call; in its answer this comes before the first entry of each
    /// list of objects.
    StrangeEntry(Value),
    /// Applies the call, then answers this status and body.
    ErrorAfterApplying(u16, Payload),
    /// Applies the call; its answer comes so many bytes per interval.
    SlowBody(usize, Duration),
    /// Applies the call; its answer is a string of so many bytes in JSON, or
    /// one without end.
    HugeBody(Option<u64>),
    /// Applies the call; its answer carries these headers instead of its own
    /// of the same names.
    Headers(Vec<(String, String)>),
}

impl Behaviour {
    /// An error in the API's own shape, not applied.
    pub fn status(code: u16) -> Self {
        let body = serde_json::json!({ "message": format!("Simulated {code}"), "status": code });
        Self::Status(code, Payload::Json(body), Vec::new())
    }

    /// An error page of a proxy, not applied.
    pub fn html(code: u16) -> Self {
        Self::Status(code, Payload::error_page(code), Vec::new())
    }

    /// Whether the call takes effect.
    pub(crate) fn applies(&self) -> bool {
        !matches!(
            self,
            Self::Status(..)
                | Self::RateLimited { .. }
                | Self::Redirect(_)
                | Self::ResetBeforeApplying
                | Self::CloseBeforeApplying
                | Self::HangBeforeApplying
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Occurrence {
    Always,
    Nth(usize),
    First(usize),
    Every(usize),
    After(usize),
}

/// A behaviour woven into the calls of one operation.
#[derive(Debug, Clone)]
pub struct Fault {
    operation: String,
    occurrence: Occurrence,
    from: Duration,
    until: Option<Duration>,
    path: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) answers: Option<(String, usize)>,
    pub(crate) others: Vec<(String, DeploymentType, Script)>,
    pub(crate) behaviour: Behaviour,
    seen: usize,
}

impl Fault {
    /// On every call of the operation with this `operationId` (`hook` for the
    /// hook, `*` for all), the fault answers 500 unless told otherwise.
    pub fn on(operation: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            occurrence: Occurrence::Always,
            from: Duration::ZERO,
            until: None,
            path: None,
            delay: Duration::ZERO,
            answers: None,
            others: Vec::new(),
            behaviour: Behaviour::status(500),
            seen: 0,
        }
    }

    /// Only on the `n`th call, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.occurrence = Occurrence::Nth(n);
        self
    }

    /// Only on the first `n` calls.
    #[must_use]
    pub fn first(mut self, n: usize) -> Self {
        self.occurrence = Occurrence::First(n);
        self
    }

    /// Only on every `n`th call.
    #[must_use]
    pub fn every(mut self, n: usize) -> Self {
        self.occurrence = Occurrence::Every(n);
        self
    }

    /// Only after `n` calls.
    #[must_use]
    pub fn after(mut self, n: usize) -> Self {
        self.occurrence = Occurrence::After(n);
        self
    }

    /// Only from this time on after the simulator's start. Earlier calls are
    /// not counted.
    #[must_use]
    pub fn from(mut self, time: Duration) -> Self {
        self.from = time;
        self
    }

    /// Only until this time after the simulator's start.
    #[must_use]
    pub fn until(mut self, time: Duration) -> Self {
        self.until = Some(time);
        self
    }

    /// Only on paths that contain this text, such as an id. Other calls are not
    /// counted.
    #[must_use]
    pub fn path_contains(mut self, text: impl Into<String>) -> Self {
        self.path = Some(text.into());
        self
    }

    /// Waits so long before anything else.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// A call that takes effect does so only after this many calls of an
    /// operation have been answered.
    #[must_use]
    pub fn after_answers(mut self, operation: impl Into<String>, count: usize) -> Self {
        self.answers = Some((operation.into(), count));
        self
    }

    /// Right before the call takes effect, somebody else (manual) or a push
    /// (automatic) deploys this service.
    #[must_use]
    pub fn beside(
        mut self,
        service: impl Into<String>,
        kind: DeploymentType,
        script: Script,
    ) -> Self {
        self.others.push((service.into(), kind, script));
        self
    }

    /// What happens.
    #[must_use]
    pub fn does(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Counts a call; true if the fault strikes it.
    pub(crate) fn strikes(&mut self, operation: &str, path: &str, now: Moment) -> bool {
        let now = now.since_start();
        let concerned = (self.operation == "*" || self.operation == operation)
            && self.path.as_ref().is_none_or(|text| path.contains(text))
            && now >= self.from
            && self.until.is_none_or(|until| now < until);
        if !concerned {
            return false;
        }
        self.seen += 1;
        match self.occurrence {
            Occurrence::Always => true,
            Occurrence::Nth(n) => self.seen == n,
            Occurrence::First(n) => self.seen <= n,
            Occurrence::Every(n) => n > 0 && self.seen.is_multiple_of(n),
            Occurrence::After(n) => self.seen > n,
        }
    }
}
