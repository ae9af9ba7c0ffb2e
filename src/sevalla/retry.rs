//! What a failed request allows: sending it again, looking what became of it,
//! or nothing. Pure.

use crate::http::TransportError;
use std::time::Duration;

use reqwest::Method;

use super::error::ApiErrorKind;

/// What may follow a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// It had no effect, or repeating it has none: send it again, not before
    /// the time the service asked for.
    Again(Option<Duration>),
    /// It may have taken effect; sending it again could do it twice.
    Lost,
    /// Sending it again cannot help.
    Final,
}

/// What may follow a request with this method that failed for this cause.
pub(super) fn next(method: &Method, cause: &ApiErrorKind) -> RetryDecision {
    // Deleting what is gone and setting what is set change nothing.
    let repeatable = *method != Method::POST;
    let is_read = *method == Method::GET;
    let unsure = |asked| {
        if repeatable {
            RetryDecision::Again(asked)
        } else {
            RetryDecision::Lost
        }
    };
    match cause {
        // The service says it did not carry the request out.
        ApiErrorKind::Refused(refusal) if refusal.status == 429 => {
            RetryDecision::Again(refusal.retry_after)
        }
        ApiErrorKind::Refused(refusal) => match refusal.status {
            // 499 comes from a proxy that has given up waiting for the service.
            408 | 425 | 499 | 500..=599 => unsure(refusal.retry_after),
            _ => RetryDecision::Final,
        },
        ApiErrorKind::BudgetUsedUp { frees_in } => RetryDecision::Again(Some(*frees_in)),
        ApiErrorKind::Transport(TransportError::NotConnected { may_heal: true, .. }) => {
            RetryDecision::Again(None)
        }
        ApiErrorKind::Transport(TransportError::NotConnected {
            may_heal: false, ..
        })
        | ApiErrorKind::Transport(TransportError::ProxyRefused { .. })
        | ApiErrorKind::NoTime
        | ApiErrorKind::Stopped => RetryDecision::Final,
        ApiErrorKind::Transport(TransportError::Broken { .. })
        | ApiErrorKind::Transport(TransportError::TimedOut { .. }) => unsure(None),
        ApiErrorKind::Undecodable { .. } if is_read => RetryDecision::Again(None),
        ApiErrorKind::Transport(TransportError::TooLarge { .. }) if is_read => RetryDecision::Final,
        // A success, but of what? The caller has to look.
        ApiErrorKind::Undecodable { .. }
        | ApiErrorKind::Transport(TransportError::TooLarge { .. }) => RetryDecision::Lost,
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
        let asked = RetryDecision::Again(Some(Duration::from_secs(7)));
        for status in 100..=999 {
            let (read, write) = match status {
                429 => (asked, asked),
                408 | 425 | 499..=599 => (asked, RetryDecision::Lost),
                _ => (RetryDecision::Final, RetryDecision::Final),
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
                    RetryDecision::Lost,
                    "{method} {cause:?}"
                );
            }
        }
    }

    #[test]
    fn every_other_cause_of_a_read_and_of_a_write() {
        let reason = String::new;
        let again = RetryDecision::Again(None);
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
            (connect(false), RetryDecision::Final, RetryDecision::Final),
            (
                ApiErrorKind::Transport(TransportError::Broken { reason: reason() }),
                again,
                RetryDecision::Lost,
            ),
            (
                ApiErrorKind::Transport(TransportError::TimedOut {
                    limit: Duration::ZERO,
                }),
                again,
                RetryDecision::Lost,
            ),
            (undecodable, again, RetryDecision::Lost),
            (
                ApiErrorKind::Transport(TransportError::TooLarge { limit: 1 }),
                RetryDecision::Final,
                RetryDecision::Lost,
            ),
            (refused_by_proxy, RetryDecision::Final, RetryDecision::Final),
            (
                ApiErrorKind::BudgetUsedUp {
                    frees_in: Duration::ZERO,
                },
                RetryDecision::Again(Some(Duration::ZERO)),
                RetryDecision::Again(Some(Duration::ZERO)),
            ),
            (
                ApiErrorKind::NoTime,
                RetryDecision::Final,
                RetryDecision::Final,
            ),
            (
                ApiErrorKind::Stopped,
                RetryDecision::Final,
                RetryDecision::Final,
            ),
        ] {
            assert_eq!(next(&Method::GET, &cause), read, "GET {cause:?}");
            assert_eq!(next(&Method::POST, &cause), write, "POST {cause:?}");
        }
    }
}
