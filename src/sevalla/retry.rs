//! What a failed request allows: sending it again, looking what became of it,
//! or nothing. Pure.

use std::time::Duration;

use reqwest::Method;

use super::error::Cause;

/// What may follow a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It had no effect, or repeating it has none: send it again, not before
    /// the time the service asked for.
    Again(Option<Duration>),
    /// It may have taken effect; sending it again could do it twice.
    Lost,
    /// Sending it again cannot help.
    Final,
}

/// What may follow a request with this method that failed for this cause.
pub(super) fn next(method: &Method, cause: &Cause) -> Next {
    // Deleting what is gone and setting what is set change nothing.
    let repeatable = *method != Method::POST;
    let is_read = *method == Method::GET;
    let unsure = |asked| {
        if repeatable {
            Next::Again(asked)
        } else {
            Next::Lost
        }
    };
    match cause {
        // The service says it did not carry the request out.
        Cause::Refused(refusal) if refusal.status == 429 => Next::Again(refusal.retry_after),
        Cause::Refused(refusal) => match refusal.status {
            // 499 comes from a proxy that has given up waiting for the service.
            408 | 425 | 499 | 500..=599 => unsure(refusal.retry_after),
            _ => Next::Final,
        },
        Cause::BudgetUsedUp { frees_in } => Next::Again(Some(*frees_in)),
        Cause::NotConnected { may_heal: true, .. } => Next::Again(None),
        Cause::NotConnected {
            may_heal: false, ..
        }
        | Cause::ProxyRefused { .. }
        | Cause::NoTime
        | Cause::Stopped => Next::Final,
        Cause::Broken { .. } | Cause::TimedOut { .. } => unsure(None),
        Cause::Undecodable { .. } if is_read => Next::Again(None),
        Cause::TooLarge { .. } if is_read => Next::Final,
        // A success, but of what? The caller has to look.
        Cause::Undecodable { .. } | Cause::TooLarge { .. } => Next::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Refusal;
    use super::*;

    fn refused(status: u16) -> Cause {
        Cause::Refused(Box::new(Refusal {
            status,
            retry_after: Some(Duration::from_secs(7)),
            ..Refusal::default()
        }))
    }

    #[test]
    fn every_status_of_a_read_and_of_a_write() {
        let asked = Next::Again(Some(Duration::from_secs(7)));
        for status in 100..=999 {
            let (read, write) = match status {
                429 => (asked, asked),
                408 | 425 | 499..=599 => (asked, Next::Lost),
                _ => (Next::Final, Next::Final),
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
        let undecodable = Cause::Undecodable {
            status: 200,
            reason: String::new(),
            request_id: None,
        };
        for cause in [undecodable, Cause::TooLarge { limit: 1 }] {
            for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                assert_eq!(next(&method, &cause), Next::Lost, "{method} {cause:?}");
            }
        }
    }

    #[test]
    fn every_other_cause_of_a_read_and_of_a_write() {
        let reason = String::new;
        let again = Next::Again(None);
        let connect = |may_heal| Cause::NotConnected {
            reason: reason(),
            may_heal,
        };
        let undecodable = Cause::Undecodable {
            status: 200,
            reason: reason(),
            request_id: None,
        };
        let refused_by_proxy = Cause::ProxyRefused {
            proxy: reason(),
            status: 407,
        };
        for (cause, read, write) in [
            (connect(true), again, again),
            (connect(false), Next::Final, Next::Final),
            (Cause::Broken { reason: reason() }, again, Next::Lost),
            (
                Cause::TimedOut {
                    limit: Duration::ZERO,
                },
                again,
                Next::Lost,
            ),
            (undecodable, again, Next::Lost),
            (Cause::TooLarge { limit: 1 }, Next::Final, Next::Lost),
            (refused_by_proxy, Next::Final, Next::Final),
            (
                Cause::BudgetUsedUp {
                    frees_in: Duration::ZERO,
                },
                Next::Again(Some(Duration::ZERO)),
                Next::Again(Some(Duration::ZERO)),
            ),
            (Cause::NoTime, Next::Final, Next::Final),
            (Cause::Stopped, Next::Final, Next::Final),
        ] {
            assert_eq!(next(&Method::GET, &cause), read, "GET {cause:?}");
            assert_eq!(next(&Method::POST, &cause), write, "POST {cause:?}");
        }
    }
}
