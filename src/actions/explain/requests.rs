//! What a failed request, or one whose answer was lost, means for the run.

use crate::actions::error::LookupFailure;
use crate::http::TransportError;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::sevalla::operation::CALL_HOOK;
use crate::sevalla::{ApiError, ApiErrorKind, RetryDecision};

/// What a failed request comes to, and what to do about it.
pub(super) fn classify(error: &ApiError) -> (Failure, &'static str) {
    if error.next() == RetryDecision::Ambiguous {
        return (
            Failure::AnswerLost,
            "Check in the dashboard whether it took effect",
        );
    }
    match error.status() {
        Some(403) if error.operation.method == "DELETE" => (
            Failure::KeyWithoutPermission,
            "The key is valid but may not delete this. Give it access to delete, or delete it in \
             the dashboard",
        ),
        Some(404) if !error.is_gone() && error.operation.id != CALL_HOOK.id => (
            Failure::NotFound,
            "Check api-url: what answered there is not Sevalla's API, or does not know this request",
        ),
        Some(status) => classify_status(status),
        None => classify_cause(error),
    }
}

const fn classify_status(status: u16) -> (Failure, &'static str) {
    match status {
        401 => (
            Failure::KeyNotAccepted,
            "The key is wrong, revoked, disabled or expired. Create one at \
             https://app.sevalla.com/api-keys and pass it as sevalla-token",
        ),
        403 => (
            Failure::KeyWithoutPermission,
            "The key is valid but may not do this. Give it read and update access to this service",
        ),
        404 => (
            Failure::NotFound,
            "Check the id, and that the key belongs to the company that owns it",
        ),
        300..=399 => (
            Failure::Redirected,
            "Check api-url: it should be the address of the API itself",
        ),
        429 => (
            Failure::RateLimit,
            "The company's rate limit is used up, by this or by other jobs. Run again later",
        ),
        500.. => (
            Failure::SevallaServerError,
            "Run again later; Sevalla's status page may know more",
        ),
        _ => (
            Failure::RequestRefused,
            "Fix the problem Sevalla reported, then run again",
        ),
    }
}

fn classify_cause(error: &ApiError) -> (Failure, &'static str) {
    match &error.cause {
        ApiErrorKind::Transport(TransportError::NotConnected {
            may_heal: false, ..
        }) => (
            Failure::UntrustedConnection,
            "Check api-url. Behind a proxy that inspects TLS, name its certificate in SSL_CERT_FILE",
        ),
        ApiErrorKind::Transport(TransportError::ProxyRefused { .. }) => (
            Failure::ProxyRefused,
            "Write the proxy's user and password into the variable that names it, have it allow the \
             address, or name the address in NO_PROXY",
        ),
        ApiErrorKind::Stopped => (Failure::NotSent, "Run again"),
        ApiErrorKind::BudgetUsedUp { .. } => classify_status(429),
        ApiErrorKind::NoTime => (Failure::TimeUp, "Raise timeout"),
        ApiErrorKind::Undecodable { .. }
        | ApiErrorKind::Transport(TransportError::TooLarge { .. }) => (
            Failure::UnreadableAnswer,
            "Check api-url, and that no proxy or login page answers in place of the API",
        ),
        _ if error.operation.id == CALL_HOOK.id => (
            Failure::NoConnection,
            "Check deploy-hook-url, and that this machine reaches its host; then run again",
        ),
        _ => (
            Failure::NoConnection,
            "Check api-url, and that this machine reaches it (proxy, firewall); then run again",
        ),
    }
}

pub(super) fn ambiguous(lost: &ApiError, search: LookupFailure) -> Outcome {
    let headline = format!(
        "It is unknown whether the attempt to {} took effect",
        lost.operation.doing
    );
    explain(
        Outcome::of(Failure::AnswerLost, headline).because(lost.to_string()),
        search,
    )
    .hint(
        "Check in the dashboard before running this again: a second run could deploy a second time",
    )
}

/// Says why a search did not find exactly one.
pub(super) fn explain(mut outcome: Outcome, search: LookupFailure) -> Outcome {
    match search {
        LookupFailure::Several { candidates, noun } => {
            let many = match candidates.len() {
                1 => format!("One new {noun} could be it, but does not match what was asked for:"),
                count => format!("{count} new {noun}s could be it:"),
            };
            outcome = outcome.because(many);
            outcome.why.extend(candidates);
            outcome
        }
        LookupFailure::Late { candidate, noun } => outcome
            .because(format!(
                "One new {noun} matches, but was created so long after the request was sent that \
                 it may be another run's:"
            ))
            .because(candidate),
        LookupFailure::NoVersion { candidates } => {
            let many = match candidates.len() {
                1 => "One deployment does not show its version yet, and may be it:".to_owned(),
                count => {
                    format!("{count} deployments do not show their versions yet, and may be it:")
                }
            };
            outcome = outcome.because(many);
            outcome.why.extend(candidates);
            outcome
        }
        LookupFailure::None { sent, noun } => {
            let times = if sent > 1 { "twice" } else { "once" };
            outcome.because(format!(
                "No new {noun} appeared; the request was sent {times}"
            ))
        }
        LookupFailure::Failed(error) => outcome.because(format!("Looking for it failed: {error}")),
        LookupFailure::Impossible => outcome.because(
            "Looking for it needs sevalla-token with read access, and the application's id",
        ),
    }
}
