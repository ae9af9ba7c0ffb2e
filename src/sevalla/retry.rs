//! [`RetryDecision`]: whether a failed request may be sent again, by its
//! method, status and error. Pure; the waits are those of [`crate::backoff`].

use crate::http::TransportError;
use std::time::Duration;

use reqwest::Method;

use super::error::ApiErrorKind;

/// Whether a failed request may be sent again. Made by `next`; obeyed by the
/// client and the status loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// The request had no effect, or repeating it has none: send it again, not
    /// before the time that the service requires.
    Retry(Option<Duration>),
    /// The request may have taken effect; sending it again could do it twice.
    Ambiguous,
    /// Sending it again cannot help.
    Fatal,
}

/// What may follow a request with this method that failed for this cause.
pub(super) fn next(method: &Method, cause: &ApiErrorKind) -> RetryDecision {
    let is_read = *method == Method::GET;
    match cause {
        // The service says it did not carry the request out.
        ApiErrorKind::Refused(refusal) if refusal.status == 429 => {
            RetryDecision::Retry(refusal.retry_after)
        }
        ApiErrorKind::Refused(refusal) => match refusal.status {
            // 499 comes from a proxy that has given up waiting for the service.
            408 | 425 | 499 | 500..=599 => unanswered(method, refusal.retry_after),
            _ => RetryDecision::Fatal,
        },
        ApiErrorKind::Transport(error) => after_transport(method, error),
        ApiErrorKind::BudgetUsedUp { frees_in } => RetryDecision::Retry(Some(*frees_in)),
        ApiErrorKind::NoTime | ApiErrorKind::Stopped => RetryDecision::Fatal,
        ApiErrorKind::Undecodable { .. } if is_read => RetryDecision::Retry(None),
        // A success, but of what? Or perhaps never sent. The caller has to look.
        ApiErrorKind::Undecodable { .. } | ApiErrorKind::SenderEnded => RetryDecision::Ambiguous,
    }
}

fn after_transport(method: &Method, error: &TransportError) -> RetryDecision {
    match error {
        TransportError::NotConnected { may_heal: true, .. } => RetryDecision::Retry(None),
        TransportError::NotConnected { .. } | TransportError::ProxyRefused { .. } => {
            RetryDecision::Fatal
        }
        TransportError::Broken { .. } | TransportError::TimedOut { .. } => unanswered(method, None),
        TransportError::TooLarge { .. } if *method == Method::GET => RetryDecision::Fatal,
        TransportError::TooLarge { .. } => RetryDecision::Ambiguous,
    }
}

/// For a request that may have taken effect. Deleting what is gone and setting
/// what is set change nothing, so all but a POST can be sent again.
fn unanswered(method: &Method, retry_after: Option<Duration>) -> RetryDecision {
    if *method == Method::POST {
        RetryDecision::Ambiguous
    } else {
        RetryDecision::Retry(retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Refusal;
    use super::*;

    fn refused(status: u16) -> ApiErrorKind {
        ApiErrorKind::Refused(Box::new(Refusal {
            status,
            retry_after: Some(Duration::from_secs(7)),
            ..Refusal::default()
        }))
    }

    #[test]
    fn every_status_of_a_read_and_of_a_write() {
        let asked = RetryDecision::Retry(Some(Duration::from_secs(7)));
        for status in 100..=999 {
            let (read, write) = match status {
                429 => (asked, asked),
                408 | 425 | 499..=599 => (asked, RetryDecision::Ambiguous),
                _ => (RetryDecision::Fatal, RetryDecision::Fatal),
            };
            assert_eq!(next(&Method::GET, &refused(status)), read, "GET {status}");
            assert_eq!(
                next(&Method::POST, &refused(status)),
                write,
                "POST {status}"
            );
        }
    }

    #[test]
    fn a_write_that_nobody_has_confirmed_is_not_repeated_unseen() {
        let undecodable = ApiErrorKind::Undecodable {
            status: 200,
            reason: String::new(),
            request_id: None,
        };
        for cause in [
            undecodable,
            ApiErrorKind::Transport(TransportError::TooLarge { limit: 1 }),
        ] {
            for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                assert_eq!(
                    next(&method, &cause),
                    RetryDecision::Ambiguous,
                    "{method} {cause:?}"
                );
            }
        }
    }

    #[test]
    fn every_other_cause_of_a_read_and_of_a_write() {
        let reason = String::new;
        let again = RetryDecision::Retry(None);
        let connect = |may_heal| {
            ApiErrorKind::Transport(TransportError::NotConnected {
                reason: reason(),
                may_heal,
            })
        };
        let undecodable = ApiErrorKind::Undecodable {
            status: 200,
            reason: reason(),
            request_id: None,
        };
        let refused_by_proxy = ApiErrorKind::Transport(TransportError::ProxyRefused {
            proxy: reason(),
            status: 407,
        });
        for (cause, read, write) in [
            (connect(true), again, again),
            (connect(false), RetryDecision::Fatal, RetryDecision::Fatal),
            (
                ApiErrorKind::Transport(TransportError::Broken { reason: reason() }),
                again,
                RetryDecision::Ambiguous,
            ),
            (
                ApiErrorKind::Transport(TransportError::TimedOut {
                    limit: Duration::ZERO,
                }),
                again,
                RetryDecision::Ambiguous,
            ),
            (undecodable, again, RetryDecision::Ambiguous),
            (
                ApiErrorKind::Transport(TransportError::TooLarge { limit: 1 }),
                RetryDecision::Fatal,
                RetryDecision::Ambiguous,
            ),
            (refused_by_proxy, RetryDecision::Fatal, RetryDecision::Fatal),
            (
                ApiErrorKind::BudgetUsedUp {
                    frees_in: Duration::ZERO,
                },
                RetryDecision::Retry(Some(Duration::ZERO)),
                RetryDecision::Retry(Some(Duration::ZERO)),
            ),
            (
                ApiErrorKind::NoTime,
                RetryDecision::Fatal,
                RetryDecision::Fatal,
            ),
            (
                ApiErrorKind::Stopped,
                RetryDecision::Fatal,
                RetryDecision::Fatal,
            ),
        ] {
            assert_eq!(next(&Method::GET, &cause), read, "GET {cause:?}");
            assert_eq!(next(&Method::POST, &cause), write, "POST {cause:?}");
        }
    }
}
