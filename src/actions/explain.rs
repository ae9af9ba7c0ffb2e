//! From what a stage found to the outcome: which number it has, why, and what
//! to do next.

mod requests;
mod targets;

use jiff::Timestamp;

use crate::actions::deploy::cancel::CancelResult;
use crate::actions::error::{LookupFailure, TriggerError};
use crate::actions::explain::requests::{ambiguous, classify, explain};
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, Origin, Service, Verdict};
use crate::exit_status::ExitStatus;
use crate::follow::FollowResult;
use crate::inputs::Problem;
use crate::messages::Failure;
use crate::outcome::{FailureContext, LastSeen, LogEvidence, Outcome, PreviouslyLive, Success};
use crate::sevalla::ApiError;
use crate::shutdown::Signal;

/// What a refusal of this program's own says of its effect.
pub(crate) const NOTHING_CHANGED: &str = "Nothing was changed";

impl Outcome {
    /// The inputs cannot be used. The entry is that of the first problem: the
    /// others are beside it.
    pub fn invalid(problems: &[Problem]) -> Self {
        let first = problems.first().map(Problem::failure);
        let failure = first.unwrap_or(Failure::UnusableValue);
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let (headline, why) = if let [only] = texts.as_slice() {
            let (cause, more) = only.split_once(". ").unwrap_or((only, ""));
            let more = Some(more.to_owned()).filter(|more| !more.is_empty());
            (
                format!("Invalid input: {cause}"),
                more.into_iter().collect(),
            )
        } else {
            let mut names: Vec<&str> = Vec::new();
            for problem in problems {
                if !names.contains(&problem.input.as_str()) {
                    names.push(&problem.input);
                }
            }
            let noun = if names.len() == 1 { "input" } else { "inputs" };
            (format!("Invalid {noun}: {}", names.join(", ")), texts)
        };
        let mut outcome = Self::of(failure, headline);
        outcome.why = why;
        outcome
            .because("No request was sent")
            .hint("Fix the input and run again; sevalla-deploy --help lists all inputs")
    }

    /// A signal ended the run.
    pub fn interrupted(signal: Signal) -> Self {
        let failure = match signal {
            Signal::HangUp => Failure::HungUp,
            Signal::Interrupt => Failure::Interrupted,
            Signal::Terminate => Failure::Terminated,
        };
        Self::of(failure, format!("{} ended the run", signal.name()))
            .hint("If you did not mean to cancel, run it again")
    }

    /// The outcome of a run that a signal ended while it rolled back.
    #[must_use]
    pub fn interrupted_by(self, signal: Signal) -> Self {
        let mut interrupted = Self::interrupted(signal).because(self.headline);
        interrupted.why.extend(self.why);
        interrupted.hint("Check the live version in the dashboard")
    }

    /// A second signal ended the run in the middle of what it did.
    pub fn at_once(signal: Option<Signal>) -> Self {
        Self::interrupted(signal.unwrap_or(Signal::Interrupt))
            .because(
                "Another signal came, so the run ended at once: deployments may still be running",
            )
            .hint("Check in the dashboard what happens, and cancel it there if it must not go live")
    }

    /// A request failed before anything was started, or after a deployment was.
    pub fn of_api_error(error: &ApiError) -> Self {
        let headline = format!("Could not {}", error.operation.doing);
        let (failure, hint) = classify(error);
        Self::of(failure, headline)
            .because(error.to_string())
            .after(error.effort())
            .hint(hint)
    }

    /// Nothing was started, or it is not known.
    pub fn of_trigger_error(error: TriggerError) -> Self {
        match error {
            TriggerError::Api(error) => Self::of_api_error(&error),
            TriggerError::Refused(refused) => {
                let mut outcome = Self::of(refused.failure, refused.reason);
                outcome.why = refused.details;
                outcome.because(NOTHING_CHANGED).hint(refused.hint)
            }
            TriggerError::At(place, error) => Self::of_trigger_error(*error).because(place),
            TriggerError::Unidentified(search @ LookupFailure::NoVersion { .. }) => {
                let headline = "It is unknown whether an earlier attempt has started the same";
                explain(Self::of(Failure::UnidentifiedDeployment, headline), search).hint(
                    "Check in the dashboard before running this again. To start another one all \
                     the same, set on-rerun to deploy",
                )
            }
            TriggerError::Unidentified(search) => {
                let headline =
                    "The request was accepted, but which deployment it started is unknown";
                explain(Self::of(Failure::UnidentifiedDeployment, headline), search)
                    .hint("Check in the dashboard how the deployment ends")
            }
            TriggerError::Ambiguous { lost, search } => ambiguous(&lost, search),
        }
    }

    /// The watch over a deployment ended.
    pub fn of_ended(ended: &FollowResult, service: Service) -> Self {
        Self::of_ended_at(ended, service, None)
    }

    /// Like [`Self::of_ended`], with the moment of the last look.
    pub fn of_ended_at(ended: &FollowResult, service: Service, at: Option<Timestamp>) -> Self {
        match ended {
            FollowResult::Seen(ended) => {
                Self::of_verdict(ended, service, FailureContext::default())
            }
            FollowResult::TimedOut {
                last,
                trouble: None,
            } => timed_out(last, at),
            FollowResult::TimedOut {
                last,
                trouble: Some(error),
            } => Self::of_api_error(error).because(left_at(last, at)),
            FollowResult::Lost { last, error } => {
                let mut outcome = Self::of_api_error(error).because(left_at(last, at));
                outcome.headline = format!("Lost track of deployment {}", last.id);
                outcome
            }
        }
    }

    /// The deployment was seen to have ended.
    pub fn of_verdict(
        deployment: &EndedDeployment,
        service: Service,
        context: FailureContext,
    ) -> Self {
        let subject = format!(
            "Deployment {} of the {}",
            deployment.id,
            service.kind.noun()
        );
        match deployment.verdict() {
            Verdict::Success => Self::success(format!(
                "Deployed: deployment {} of the {} succeeded",
                deployment.id,
                service.kind.noun()
            )),
            Verdict::Failed => of_failed(deployment, &subject, context),
            Verdict::Cancelled => Self::of(
                Failure::DeploymentCancelled,
                format!("{subject} was cancelled"),
            )
            .because("Somebody, or a newer deployment, stopped it while it ran")
            .hint(context.after_nothing("Run again if it should be deployed")),
            Verdict::Skipped => of_skipped(deployment, &subject, context),
        }
    }
}

fn of_skipped(deployment: &Deployment, subject: &str, context: FailureContext) -> Outcome {
    let (cause, step) = match deployment.origin {
        Origin::Manual => (
            "Path filters skip pushes only, so it was cancelled while it waited in the queue, or a \
             newer deployment took its place",
            "Check in the dashboard whether somebody cancelled it",
        ),
        Origin::Automatic | Origin::Unknown => (
            "Its push touched none of the paths that deploy the service (path filters), or it was \
             cancelled while it waited in the queue",
            "If this push should be deployed, check the path filters in the service's settings on \
             Sevalla",
        ),
    };
    Outcome::of(Failure::DeploymentSkipped, format!("{subject} was skipped"))
        .because(cause)
        .hint(context.after_nothing(step))
}

/// Ends without a deployment that are no failures.
impl Outcome {
    /// The deployment was skipped, which is no failure by the user's rule or
    /// because path filters do that.
    pub fn nothing_deployed(
        deployment: &Deployment,
        service: Service,
        live: PreviouslyLive,
    ) -> Self {
        let noun = service.kind.noun();
        let outcome = Self::passed(format!(
            "Nothing was deployed: Sevalla skipped deployment {} of the {noun}",
            deployment.id
        ));
        let outcome = match deployment.origin {
            Origin::Manual => outcome,
            Origin::Automatic | Origin::Unknown => outcome.because(format!(
                "Sevalla does so when a push touches none of the paths that deploy the {noun}"
            )),
        };
        match live.now() {
            Some(live) => outcome.because(live),
            None => outcome,
        }
    }

    /// No deployment of the commit appeared, as path filters explain, and that
    /// is no failure by the user's rule.
    pub fn filtered_out(commit: &str) -> Self {
        Self::passed(format!(
            "Nothing was deployed: Sevalla started no deployment of commit {commit}"
        ))
    }
}

fn of_failed(deployment: &Deployment, subject: &str, context: FailureContext) -> Outcome {
    let mut outcome = Outcome::of(Failure::DeploymentFailed, format!("{subject} failed"));
    let Some(error) = &deployment.build_error else {
        return outcome.hint(context.after_failure());
    };
    outcome.why.push(format!("The build said: {error}"));
    let context = FailureContext {
        log: LogEvidence::Cause,
        ..context
    };
    outcome.hint(context.after_failure())
}

/// Deployed, and yet not as it should be; or not deployed after all.
impl Outcome {
    /// What was deployed does not answer well, is another commit or version, or
    /// could not be checked.
    pub fn unverified(failure: Failure, id: &DeploymentId) -> Self {
        let outcome = Self::of(
            failure,
            format!(
                "Deployment {id} succeeded and is live, but {}",
                failure.objection()
            ),
        );
        if failure.calls_for_rollback() {
            outcome
                .hint("Check the live version. With on-failure: rollback, the run rolls back automatically")
        } else {
            outcome
        }
    }

    /// This outcome, once something else may be live: there is nothing to check.
    #[must_use]
    pub fn unverified_before(self, id: &DeploymentId) -> Self {
        let objection = self.failure().map_or("", Failure::objection);
        let next = match self.failure() {
            Some(Failure::HealthCheckFailed) => {
                "Find out why it does not answer, for example in the application's own log in the \
                 dashboard"
            }
            Some(failure @ (Failure::CheckNotMade | Failure::AnotherVersionLive)) => {
                return self
                    .headed(format!("Deployment {id} succeeded, but {objection}"))
                    .hint(failure.first_step());
            }
            Some(Failure::CommitNotReported) => {
                "Check the live version in the dashboard; expected-commit: off turns the comparison off"
            }
            _ => "Run again for the commit at the tip of the branch",
        };
        self.headed(format!("Deployment {id} succeeded, but {objection}"))
            .hint(next)
    }

    /// It has another commit than the expected one, and was to be cancelled for
    /// it.
    pub fn mismatched(id: &DeploymentId, cancelled: &CancelResult) -> Self {
        let failure = match cancelled {
            CancelResult::Ended(..) => Failure::AnotherCommitCancelled,
            // It may be live by now.
            _ => Failure::AnotherCommitLive,
        };
        Self::of(
            failure,
            format!("Sevalla deployed another commit as deployment {id} than this run has tested"),
        )
        .hint("Run again for the commit at the tip of the branch")
    }

    /// A newer deployment took its place.
    #[must_use]
    pub fn superseded_by(self, newer: &Deployment) -> Self {
        Self {
            result: Err(Failure::Superseded),
            why: vec![format!("A newer one took its place: {}", newer.summary())],
            hint: Some("Nothing to do, unless the newer one is not meant to be live".to_owned()),
            ..self
        }
    }
}

impl Failure {
    /// What is wrong with a deployment that has succeeded.
    const fn objection(self) -> &'static str {
        match self {
            Self::HealthCheckFailed => "its health check failed",
            Self::CommitNotReported => "Sevalla does not report its commit",
            Self::CheckNotMade => "its health check could not be made",
            Self::AnotherVersionLive => "is not the requested version",
            _ => "this run has tested another commit",
        }
    }
}

/// What became of a deployment that this run stopped following.
impl Outcome {
    /// Says that it was left alone, and what was last seen of it. More the run
    /// does not know: it may have ended since.
    #[must_use]
    pub fn and_left(self, id: &DeploymentId, seen: Option<&LastSeen>) -> Self {
        let reason = match seen {
            Some(LastSeen { status, at }) => {
                let words = status.in_words();
                format!("Deployment {id} was last seen {words}, at {at:.0}")
            }
            None => format!("Deployment {id} was left as it was; this run did not see its end"),
        };
        self.because(reason)
            .hint_if_interrupted("Check in the dashboard how the deployment ends")
    }

    /// Says that it had ended before the run was stopped.
    #[must_use]
    pub fn and_ended(self, deployment: &EndedDeployment) -> Self {
        let id = &deployment.id;
        match deployment.verdict() {
            Verdict::Success => self
                .because(format!(
                    "Deployment {id} had succeeded and is live; what was still to be done after \
                     that was not finished"
                ))
                .hint("Check the live version, and run again if it is not healthy"),
            Verdict::Failed => self
                .because(format!("Deployment {id} had failed before"))
                .hint("Read the end of the deployment's log"),
            Verdict::Cancelled | Verdict::Skipped => self.because(format!(
                "Deployment {id} had ended as {} before",
                deployment.status.word()
            )),
        }
    }

    /// A reason for the end that is no signal has a remedy of its own.
    fn hint_if_interrupted(self, hint: &str) -> Self {
        match self.ending() {
            ExitStatus::Interrupted(_) => self.hint(hint),
            _ => self,
        }
    }

    /// Says what came of the wish to cancel it.
    #[must_use]
    pub fn and_cancelled(self, id: &DeploymentId, cancelled: &CancelResult) -> Self {
        match cancelled {
            CancelResult::Ended(deployment) if deployment.verdict() == Verdict::Failed => {
                self.because(format!("Deployment {id} failed before it was cancelled"))
            }
            CancelResult::Ended(deployment) => {
                let ended = match deployment.verdict() {
                    Verdict::Cancelled => String::new(),
                    _ => format!("; it ended as {}", deployment.status.word()),
                };
                let outcome = self.because(format!("Cancelled deployment {id}{ended}"));
                match outcome.ending() {
                    ExitStatus::TimedOut => outcome.hint("Raise timeout"),
                    _ => outcome,
                }
            }
            CancelResult::Accepted => self
                .because(format!(
                    "Sevalla agreed to cancel deployment {id}; this run did not see it end"
                ))
                .hint_if_interrupted("Check in the dashboard how the deployment ends"),
            CancelResult::TooLate(_) => self
                .because(format!(
                    "Too late to cancel: deployment {id} had already succeeded and is live"
                ))
                .hint_if_interrupted("To undo it, use rollback-app or rollback-static-site"),
            CancelResult::Refused(error) => self
                .because(format!(
                    "Sevalla refused to cancel deployment {id}, which may still be running: {error}"
                ))
                .hint("Cancel it in the dashboard if it must not go live"),
            CancelResult::Unknown(error) => self
                .because(format!(
                    "It is not known whether deployment {id} was cancelled: {error}"
                ))
                .hint("Check in the dashboard, and cancel it there if it must not go live"),
        }
    }
}

fn timed_out(last: &Deployment, at: Option<Timestamp>) -> Outcome {
    Outcome::of(
        Failure::StillRunning,
        format!("Timed out before deployment {} ended", last.id),
    )
    .because(left_at(last, at))
    .hint("Raise timeout, or check in the dashboard how it ends")
}

/// What was last seen of a deployment that the run looks at no more.
fn left_at(last: &Deployment, at: Option<Timestamp>) -> String {
    if at.is_none() && *last == Deployment::only_its_id(last.id.clone()) {
        return "This run has seen nothing of it but its id".to_owned();
    }
    let at = at.map(|at| format!(", at {at:.0}")).unwrap_or_default();
    format!("It was last seen {}{at}", last.status.in_words())
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
            None => {
                "The hook was called; Sevalla did not report which deployment it started".to_owned()
            }
        };
        Self::new(Ok(Success::Triggered), headline)
    }

    /// Somebody else's deployment does, and is not followed.
    pub fn joined(other: &Deployment) -> Self {
        let does = match other.status.verdict() {
            Some(_) => "has deployed the same",
            None => "deploys the same; not waiting for its end",
        };
        let headline = format!("Started nothing, since {} {does}", other.summary());
        Self::new(Ok(Success::Triggered), headline)
    }

    /// Nothing was to be done, by the user's own rule.
    pub fn skipped(why: &str) -> Self {
        Self::passed(format!("Skipped: {why}"))
    }

    /// A dry run.
    pub fn planned(order: &str) -> Self {
        Self::new(
            Ok(Success::Planned),
            format!("Dry run: would {order}; nothing was changed"),
        )
    }

    /// Sets how long the whole run took, where no effort says as much.
    #[must_use]
    pub fn within(mut self, elapsed: std::time::Duration) -> Self {
        if self.effort.is_none() && !self.is_good() && self.ending() != ExitStatus::InvalidInput {
            self.elapsed = Some(elapsed);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Status;

    #[test]
    fn only_what_was_seen_is_said_of_a_deployment() {
        let unseen = Deployment::only_its_id(DeploymentId("a".to_owned()));
        let running = Deployment {
            status: Status::InProgress,
            ..unseen.clone()
        };
        let at = Timestamp::from_second(1_767_225_600).ok();
        for (last, at, reason) in [
            (&unseen, None, "This run has seen nothing of it but its id"),
            (
                &unseen,
                at,
                "It was last seen without a status, at 2026-01-01T00:00:00Z",
            ),
            (&running, None, "It was last seen running"),
        ] {
            assert_eq!(left_at(last, at), reason);
        }
    }

    #[test]
    fn whatever_fails_says_what_to_do_next() {
        for failure in Failure::ALL {
            let hint = Outcome::of(*failure, "").hint.unwrap_or_default();
            let is_sentence = hint.len() > 6 && !hint.contains(['`', '[']) && !hint.ends_with('.');
            assert!(is_sentence, "{failure:?}: {hint}");
        }
        let id = DeploymentId("d1".to_owned());
        for failure in [
            Failure::HealthCheckFailed,
            Failure::CheckNotMade,
            Failure::CommitNotReported,
            Failure::AnotherCommitLive,
        ] {
            let outcome = Outcome::unverified(failure, &id).unverified_before(&id);
            assert!(outcome.hint.is_some(), "{failure:?}");
        }
        for signal in [Signal::HangUp, Signal::Interrupt, Signal::Terminate] {
            let outcome = Outcome::interrupted(signal);
            let mut all = vec![
                Outcome::at_once(Some(signal)),
                outcome.clone().and_left(&id, None),
            ];
            let ended = |status| {
                let mut deployment = Deployment::only_its_id(id.clone());
                deployment.status = status;
                deployment.ended().unwrap()
            };
            let cancelled = [
                CancelResult::Ended(ended(Status::Cancelled)),
                CancelResult::Accepted,
                CancelResult::TooLate(ended(Status::Success)),
            ];
            all.extend(cancelled.map(|cancelled| outcome.clone().and_cancelled(&id, &cancelled)));
            all.push(outcome);
            for outcome in all {
                assert!(outcome.hint.is_some(), "{outcome:?}");
            }
        }
        let ends = [("shop".to_owned(), Outcome::of(Failure::Bug, ""))];
        assert!(Outcome::of_targets(&ends).hint.is_some());
    }
}
