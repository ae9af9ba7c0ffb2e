//! From what a stage found to the outcome: which number it has, why, and what
//! to do next.

use super::{Ending, Outcome};
use crate::deployment::{Deployment, DeploymentId, Service, Status, Verdict};
use crate::inputs::Problem;
use crate::report::duration;
use crate::sevalla::operation::CALL_HOOK;
use crate::sevalla::{ApiError, Cause, Next};
use crate::stop::Signal;
use crate::trigger::{Cancelled, Search, TriggerError};
use crate::watch::Ended;

impl Outcome {
    /// The inputs cannot be used.
    pub fn invalid(problems: &[Problem]) -> Self {
        let mut outcome = Self::new(
            Ending::InvalidInput,
            "The inputs cannot be used; nothing was sent",
        );
        outcome.why = problems.iter().map(ToString::to_string).collect();
        outcome.hint("Correct them and run again; sevalla-deploy --help lists all inputs")
    }

    /// A signal ended the run.
    pub fn interrupted(signal: Signal) -> Self {
        Self::new(
            Ending::Interrupted(signal),
            format!("{} ended the run", signal.name()),
        )
    }

    /// A second signal ended the run in the middle of what it did.
    pub fn at_once(signal: Option<Signal>) -> Self {
        Self::interrupted(signal.unwrap_or(Signal::Interrupt))
            .because("A second signal came: what had been started goes on unless its cancelling was already told")
    }

    /// A request failed before anything was started, or after a deployment was.
    pub fn of_api_error(error: &ApiError) -> Self {
        let headline = format!("Could not {}", error.operation.doing);
        let (ending, hint) = judge(error);
        Self::new(ending, headline)
            .because(error.to_string())
            .after(Some(error.effort()))
            .hint(hint)
    }

    /// Nothing was started, or it cannot be told.
    pub fn of_trigger_error(error: TriggerError) -> Self {
        match error {
            TriggerError::Api(error) => Self::of_api_error(&error),
            TriggerError::Refused { reason, hint } => {
                Self::new(Ending::Rejected, "Nothing was changed")
                    .because(reason)
                    .hint(hint)
            }
            TriggerError::At(place, error) => Self::of_trigger_error(*error).because(place),
            TriggerError::Unidentified(search) => {
                let headline =
                    "The request was accepted, but which deployment it started cannot be told";
                explain(Self::new(Ending::Ambiguous, headline), search)
                    .hint("Look in the dashboard how it ends")
            }
            TriggerError::Ambiguous { lost, search } => ambiguous(&lost, search),
        }
    }

    /// The watch over a deployment ended. `target` is the service in words.
    pub fn of_ended(ended: &Ended, service: Service) -> Self {
        match ended {
            Ended::Seen(deployment, verdict) => of_verdict(deployment, *verdict, service),
            Ended::TimedOut {
                last,
                trouble: None,
            } => timed_out(last),
            Ended::TimedOut {
                last,
                trouble: Some(error),
            } => Self::of_api_error(error).because(left_at(last)),
            Ended::Lost { last, error } => {
                let mut outcome = Self::of_api_error(error).because(left_at(last));
                outcome.headline = format!("Lost sight of deployment {}", last.id);
                outcome
            }
        }
    }
}

/// Deployed, and yet not as it should be; or not deployed after all.
impl Outcome {
    /// What was deployed does not answer well, or is another commit.
    pub fn unverified(id: &DeploymentId) -> Self {
        Self::new(
            Ending::Unverified,
            format!("Deployment {id} succeeded and is live, but it is not what it should be"),
        )
        .hint("Look at what is live; on-failure: rollback goes back by itself")
    }

    /// It has another commit than the expected one, and was to be cancelled for
    /// it.
    pub fn mismatched(id: &DeploymentId, cancelled: &Cancelled) -> Self {
        let ending = match cancelled {
            Cancelled::Ended(..) => Ending::Cancelled,
            // It may be live by now.
            _ => Ending::Unverified,
        };
        Self::new(
            ending,
            format!("Deployment {id} has another commit than the one that was tested"),
        )
        .hint("Run again for the commit at the tip of the branch")
    }

    /// A newer deployment took its place.
    #[must_use]
    pub fn superseded_by(self, newer: &Deployment) -> Self {
        Self {
            ending: Ending::Superseded,
            why: vec![format!("A newer one took its place: {}", newer.summary())],
            hint: Some("Nothing to do, unless the newer one is not meant to be live".to_owned()),
            ..self
        }
    }
}

/// Several at once.
impl Outcome {
    /// One outcome from those of all targets, with their names: a success only
    /// if all are, else the gravest.
    pub fn of_targets(ends: &[(String, Self)]) -> Self {
        let all = ends.len();
        let failed: Vec<&(String, Self)> = ends.iter().filter(|(_, end)| !end.is_good()).collect();
        let Some((_, gravest)) = failed.iter().min_by_key(|(_, end)| gravity(end.ending)) else {
            return all_good(ends);
        };
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        let headline = match names.len() {
            count if count == all && all > 1 => "The promotion failed for every target".to_owned(),
            _ => format!(
                "The promotion failed for {} of {all}: {}",
                names.len(),
                names.join(", ")
            ),
        };
        let mut outcome = Self::new(gravest.ending, headline).after(gravest.effort.clone());
        outcome.hint.clone_from(&gravest.hint);
        for (name, end) in ends {
            outcome = outcome.because(format!("{name}: {}", end.headline));
            let why = end.why.iter().map(|why| format!("{name}: {why}"));
            outcome.why.extend(why);
        }
        outcome
    }
}

/// The outcome of targets of which none has failed.
fn all_good(ends: &[(String, Outcome)]) -> Outcome {
    let all = ends.len();
    let skipped = ends.iter().filter(|(_, end)| end.ending == Ending::Passed);
    let skipped: Vec<&str> = skipped.map(|(name, _)| name.as_str()).collect();
    let triggered = ends.iter().any(|(_, end)| end.ending == Ending::Triggered);
    let (ending, headline) = match skipped.len() {
        0 if triggered => (
            Ending::Triggered,
            format!("Promoted to {all}; not waiting for their ends"),
        ),
        0 if all == 1 => (
            Ending::Success,
            "Promoted: the deployment succeeded".to_owned(),
        ),
        0 => (
            Ending::Success,
            format!("Promoted: all {all} deployments succeeded"),
        ),
        count => (
            Ending::Passed,
            format!(
                "Promoted to {} of {all}; skipped: {}",
                all - count,
                skipped.join(", ")
            ),
        ),
    };
    Outcome::new(ending, headline)
}

/// The order in which one ending stands for several; the gravest first.
const fn gravity(ending: Ending) -> u8 {
    match ending {
        Ending::Internal => 0,
        Ending::Ambiguous => 1,
        Ending::Failed => 2,
        Ending::Unverified => 3,
        Ending::Unauthorized => 4,
        Ending::Rejected => 5,
        Ending::Unavailable => 6,
        Ending::TimedOut => 7,
        _ => 8,
    }
}

/// What became of a deployment that this run stopped following.
impl Outcome {
    /// Says that it was left alone.
    #[must_use]
    pub fn and_left(self, id: &DeploymentId) -> Self {
        self.because(format!("Deployment {id} goes on without this run"))
    }

    /// Says what came of the wish to cancel it.
    #[must_use]
    pub fn and_cancelled(self, id: &DeploymentId, cancelled: &Cancelled) -> Self {
        match cancelled {
            Cancelled::Ended(deployment, _) => self.because(format!(
                "Deployment {id} was asked to stop; it ended {}",
                deployment.status.word()
            )),
            Cancelled::Accepted => self.because(format!(
                "Sevalla accepted to cancel deployment {id}; it had not ended yet when this run did"
            )),
            Cancelled::TooLate(_) => self.because(format!(
                "Too late to cancel: deployment {id} had already succeeded and is live"
            )),
            Cancelled::Refused(error) => self
                .because(format!(
                    "Sevalla refused to cancel deployment {id}, which goes on: {error}"
                ))
                .hint("Cancel it in the dashboard if it must not go live"),
            Cancelled::Unknown(error) => self
                .because(format!(
                    "It is not known whether deployment {id} was cancelled: {error}"
                ))
                .hint("Look in the dashboard, and cancel it there if it must not go live"),
        }
    }
}

/// The outcome of a failed request, and what to do about it.
fn judge(error: &ApiError) -> (Ending, String) {
    if error.next() == Next::Lost {
        return (
            Ending::Ambiguous,
            "Look in the dashboard whether it took effect".to_owned(),
        );
    }
    match (&error.cause, error.status()) {
        (_, Some(401)) => (
            Ending::Unauthorized,
            "The key is wrong, revoked, disabled or expired. Make one under API keys in the company's \
             settings and pass it as sevalla-token"
                .to_owned(),
        ),
        (_, Some(403)) => (
            Ending::Unauthorized,
            "The key is valid but may not do this. Give it read and update access to this service".to_owned(),
        ),
        (_, Some(404)) => (
            Ending::Rejected,
            "Check the id, and that the key belongs to the company that owns it".to_owned(),
        ),
        (_, Some(300..=399)) => (Ending::Rejected, "Check api-url: it should be the address of the API itself".to_owned()),
        (_, Some(429)) => (
            Ending::Unavailable,
            "The company's rate limit is used up, by this or by other jobs. Run again later".to_owned(),
        ),
        (_, Some(500..)) => (Ending::Unavailable, "Run again later; Sevalla's status page may know more".to_owned()),
        (_, Some(_)) => (Ending::Rejected, "Correct what the service complains of and run again".to_owned()),
        (Cause::NotConnected { may_heal: false, .. }, None) => (
            Ending::Unavailable,
            "Check api-url. Behind a proxy that inspects TLS, name its certificate in SSL_CERT_FILE".to_owned(),
        ),
        (Cause::Stopped, None) => (Ending::Rejected, "Run again".to_owned()),
        (Cause::NoTime, None) => (Ending::TimedOut, "Raise timeout".to_owned()),
        (_, None) if error.operation.id == CALL_HOOK.id => (
            Ending::Unavailable,
            "Check deploy-hook-url, and that this machine reaches its host; then run again".to_owned(),
        ),
        (_, None) => (
            Ending::Unavailable,
            "Check api-url, and that this machine reaches it (proxy, firewall); then run again".to_owned(),
        ),
    }
}

fn ambiguous(lost: &ApiError, search: Search) -> Outcome {
    let headline = format!(
        "Cannot tell whether the attempt to {} took effect",
        lost.operation.doing
    );
    explain(
        Outcome::new(Ending::Ambiguous, headline).because(lost.to_string()),
        search,
    )
    .hint(
        "Look in the dashboard before running this again: a second run could deploy a second time",
    )
}

/// Says why a search did not find exactly one.
fn explain(mut outcome: Outcome, search: Search) -> Outcome {
    match search {
        Search::Several { candidates, noun } => {
            let many = match candidates.len() {
                1 => format!("One new {noun} could be it, but is not like what was asked for:"),
                count => format!("{count} new {noun}s could be it:"),
            };
            outcome = outcome.because(many);
            outcome.why.extend(candidates);
            outcome
        }
        Search::None { sent, noun } => {
            let times = if sent > 1 { "twice" } else { "once" };
            outcome.because(format!(
                "No new {noun} is to be seen; the request was sent {times}"
            ))
        }
        Search::Failed(error) => outcome.because(format!("Looking for it failed: {error}")),
        Search::Impossible => outcome.because(
            "Looking for it needs sevalla-token with read access, and the application's id",
        ),
    }
}

fn of_verdict(deployment: &Deployment, verdict: Verdict, service: Service) -> Outcome {
    let noun = service.kind.noun();
    let id = &deployment.id;
    match verdict {
        Verdict::Success => Outcome::new(
            Ending::Success,
            format!("Deployed: deployment {id} of the {noun} succeeded"),
        ),
        Verdict::Failed => {
            let mut outcome = Outcome::new(
                Ending::Failed,
                format!("Deployment {id} of the {noun} failed"),
            );
            outcome.why.extend(
                deployment
                    .build_error
                    .iter()
                    .map(|error| format!("The build said: {error}")),
            );
            outcome.hint("The end of the deployment's log says why. What was live before still is")
        }
        Verdict::Cancelled => Outcome::new(
            Ending::Cancelled,
            format!("Deployment {id} of the {noun} was cancelled"),
        )
        .because("Somebody, or a newer deployment, stopped it while it ran")
        .hint("What was live before still is. Run again if it should be deployed"),
        Verdict::Skipped => Outcome::new(
            Ending::Skipped,
            format!("Deployment {id} of the {noun} was skipped"),
        )
        .because("It never ran: it was cancelled while it waited, or the service passed over it")
        .hint("What was live before still is. Run again if it should be deployed"),
    }
}

fn timed_out(last: &Deployment) -> Outcome {
    Outcome::new(
        Ending::TimedOut,
        format!("The time was over before deployment {} ended", last.id),
    )
    .because(left_at(last))
    .hint("Raise timeout, or look in the dashboard how it ends")
}

/// Where a deployment stands that we look at no more.
fn left_at(last: &Deployment) -> String {
    let status = last.status.word();
    match last.status.verdict() {
        Some(_) => format!("It was last seen {status}"),
        None => format!("It was last seen {}", in_words(last, status)),
    }
}

fn in_words(last: &Deployment, status: &str) -> String {
    match last.status {
        Status::Waiting => "waiting in the queue".to_owned(),
        Status::InProgress => "running".to_owned(),
        _ => status.to_owned(),
    }
}

/// The end of a run that did not wait.
impl Outcome {
    /// Started and not followed.
    pub fn triggered(deployment: Option<&Deployment>) -> Self {
        let headline = match deployment {
            Some(deployment) => format!(
                "Started deployment {}; not waiting for its end",
                deployment.id
            ),
            None => "The hook was called; the service did not tell which deployment it started"
                .to_owned(),
        };
        Self::new(Ending::Triggered, headline)
    }

    /// Somebody else's deployment does, and is not followed.
    pub fn joined(other: &Deployment) -> Self {
        Self::new(
            Ending::Triggered,
            format!(
                "Started nothing, since {} deploys the same; not waiting for its end",
                other.summary()
            ),
        )
    }

    /// Nothing was to be done, by the user's own rule.
    pub fn passed(why: &str) -> Self {
        Self::new(Ending::Passed, format!("Skipped: {why}"))
    }

    /// A dry run.
    pub fn planned(order: &str) -> Self {
        Self::new(
            Ending::Planned,
            format!("Dry run: would {order}; nothing was changed"),
        )
    }

    /// How long the whole run took, as effort where there is none.
    #[must_use]
    pub fn within(mut self, elapsed: std::time::Duration) -> Self {
        if self.effort.is_none() && !self.is_good() && self.ending != Ending::InvalidInput {
            self.effort = Some(format!("this run took {}", duration(elapsed)));
        }
        self
    }
}
