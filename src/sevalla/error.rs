//! [`ApiError`]: why a request to the API failed. Made by the client after the
//! last attempt; what it means for the run is decided in [`crate::actions`].

use std::fmt;
use std::time::Duration;

use super::observe::ResponseHead;
use super::operation::Operation;
use crate::http::{TransportError, http_status};
use crate::text::duration::{counted, duration};

/// A request that failed, after its last attempt.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The operation of the request.
    pub operation: &'static Operation,
    /// The path below the API's address, with its ids.
    pub path: String,
    /// What came instead.
    pub cause: ApiErrorKind,
    /// How often the request was sent.
    pub attempts: u32,
    /// From the first attempt to the last answer.
    pub elapsed: Duration,
}

/// Why a request failed.
#[derive(Debug, Clone)]
pub enum ApiErrorKind {
    /// An answer with a status that is not success.
    Refused(Box<Refusal>),
    /// No answer arrived, or not the whole of it.
    Transport(TransportError),
    /// A success whose body does not hold what it should.
    Undecodable {
        /// The status of the answer.
        status: u16,
        /// What is wrong, with the place in the body.
        reason: String,
        /// The service's id of the request.
        request_id: Option<String>,
    },
    /// The company's budget for such requests is known to be used up for longer
    /// than there is time, so nothing was sent.
    BudgetUsedUp {
        /// How long it still is.
        frees_in: Duration,
    },
    /// The run's time was over before the request could be sent.
    NoTime,
    /// A signal ended the run before the request was sent.
    Stopped,
    /// An earlier process of the run may have sent the request, and ended before
    /// the answer.
    SenderEnded,
}

/// The response of the service when it refused: status, message, request id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// `message` of the error body, or the title of an HTML page.
    pub message: Option<String>,
    /// `data.message` of the error body.
    pub detail: Option<String>,
    /// `data.code` of the error body: a code for the service's support.
    pub code: Option<String>,
    /// The header `x-request-id`.
    pub request_id: Option<String>,
    /// How long the service requires us to wait.
    pub retry_after: Option<Duration>,
    /// After a 429, when there is room again.
    pub frees_in: Option<Duration>,
    /// Where the answer points to, if it is a redirect.
    pub location: Option<String>,
    /// Its headers.
    pub head: ResponseHead,
    /// Whether the API itself refused the request: not a proxy, and not for a
    /// path that the API does not have.
    pub is_its_own: bool,
}

impl ApiError {
    /// The status of the answer, if there was one that refused.
    pub const fn status(&self) -> Option<u16> {
        match &self.cause {
            ApiErrorKind::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The headers of the answer, if there was one that refused.
    pub const fn head(&self) -> Option<&ResponseHead> {
        match &self.cause {
            ApiErrorKind::Refused(refusal) => Some(&refusal.head),
            _ => None,
        }
    }

    /// A list has a new entry that cannot be read, so what was looked for may be
    /// in it.
    pub(crate) fn unreadable_entry(operation: &'static Operation) -> Self {
        Self::useless_list(
            operation,
            "an entry that was not there before cannot be read",
        )
    }

    /// A list lacks an entry that it had before, so it may lack others too.
    pub(crate) fn incomplete_list(operation: &'static Operation) -> Self {
        Self::useless_list(operation, "an entry that was there before is missing")
    }

    /// An earlier process of the run may have sent the request.
    pub(crate) fn sender_ended(operation: &'static Operation) -> Self {
        Self {
            operation,
            path: operation.path.to_owned(),
            cause: ApiErrorKind::SenderEnded,
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    fn useless_list(operation: &'static Operation, reason: &str) -> Self {
        Self {
            operation,
            path: operation.path.to_owned(),
            cause: ApiErrorKind::Undecodable {
                status: 200,
                reason: reason.to_owned(),
                request_id: None,
            },
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    /// Whether nothing has the requested id. A 404 that is not the API's own
    /// shows only that the address is wrong.
    pub fn is_gone(&self) -> bool {
        matches!(&self.cause, ApiErrorKind::Refused(refusal) if refusal.status == 404 && refusal.is_its_own)
    }

    /// When the limit frees, if a rate limit was the reason and the service
    /// reports it.
    pub fn frees_in(&self) -> Option<Duration> {
        match &self.cause {
            ApiErrorKind::Refused(refusal) => refusal.frees_in,
            ApiErrorKind::BudgetUsedUp { frees_in } => Some(*frees_in),
            _ => None,
        }
    }

    /// "3 attempts in 12s"; nothing if none was sent.
    pub fn effort(&self) -> Option<String> {
        let is_unsent = matches!(
            self.cause,
            ApiErrorKind::Stopped | ApiErrorKind::NoTime | ApiErrorKind::BudgetUsedUp { .. }
        );
        let sent = self.attempts.saturating_sub(u32::from(is_unsent));
        let attempts = counted(sent as usize, "attempt");
        (sent > 0).then(|| format!("{attempts} in {}", duration(self.elapsed)))
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation.method, self.path, self.cause)
    }
}

impl fmt::Display for ApiErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::Undecodable {
                status,
                reason,
                request_id,
            } => {
                write!(
                    f,
                    "HTTP {status}, but the body is not what it should be: {reason}"
                )?;
                request_id
                    .iter()
                    .try_for_each(|id| write!(f, " (request {id})"))
            }
            Self::BudgetUsedUp { frees_in } => write!(
                f,
                "not sent, since the company's rate limit is used up for another {}, and less time \
                 is left",
                duration(*frees_in)
            ),
            Self::NoTime => f.write_str("the run timed out"),
            Self::Stopped => f.write_str("not sent, because the run is ending"),
            Self::SenderEnded => {
                f.write_str("the process that was about to send it ended before the response")
            }
        }
    }
}

impl From<TransportError> for ApiErrorKind {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = http_status(self.status);
        f.write_str(&status)?;
        // "HTTP 403 Forbidden" holds "Forbidden" and "403".
        let is_news = |text: &&str| !repeats(&status, text);
        let parts: Vec<&str> = [&self.message, &self.detail]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(is_news)
            .collect();
        if !parts.is_empty() {
            write!(f, ": {}", parts.join("; "))?;
        }
        if let Some(location) = &self.location {
            write!(
                f,
                ": redirected to {location}, which is not followed since the key would travel along"
            )?;
        }
        let marks: Vec<String> = [("code", &self.code), ("request", &self.request_id)]
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}")))
            .collect();
        if !marks.is_empty() {
            write!(f, " ({})", marks.join(", "))?;
        }
        Ok(())
    }
}

/// Whether the words of the status line repeat this text.
fn repeats(status: &str, text: &str) -> bool {
    let words = status.strip_prefix("HTTP ").unwrap_or(status);
    let reason = words.split_once(' ').map(|(_, reason)| reason);
    let code = words.split(' ').next();
    let mut all = [Some(words), reason, code].into_iter().flatten();
    all.any(|words| words.eq_ignore_ascii_case(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_does_not_repeat_its_status() {
        let refusal = |status, message: &str| Refusal {
            status,
            message: Some(message.to_owned()),
            ..Refusal::default()
        };
        for (refusal, text) in [
            (refusal(403, "Forbidden"), "HTTP 403 Forbidden"),
            (refusal(403, "forbidden "), "HTTP 403 Forbidden"),
            (refusal(502, "502"), "HTTP 502 Bad Gateway"),
            (refusal(502, "502 Bad Gateway"), "HTTP 502 Bad Gateway"),
            (refusal(403, "Forbid"), "HTTP 403 Forbidden: Forbid"),
        ] {
            assert_eq!(refusal.to_string(), text);
        }
    }

    #[test]
    fn a_refusal_says_everything_the_service_said() {
        let refusal = Refusal {
            status: 403,
            message: Some("Forbidden".to_owned()),
            detail: Some("missing APP:UPDATE".to_owned()),
            code: Some("err-1".to_owned()),
            request_id: Some("req-1".to_owned()),
            ..Refusal::default()
        };
        assert_eq!(
            refusal.to_string(),
            "HTTP 403 Forbidden: missing APP:UPDATE (code err-1, request req-1)"
        );
        let bare = Refusal {
            status: 599,
            ..Refusal::default()
        };
        assert_eq!(bare.to_string(), "HTTP 599");
    }
}
