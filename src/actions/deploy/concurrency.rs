//! Another deployment of the same service waits or runs already.
//!
//! Two runs that look at the same moment both see nothing: then both start a
//! deployment, and the service queues the second. Nothing here can prevent
//! that, and nothing needs to.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::actions::ActionContext;
use crate::actions::deploy::cancel::{self, CancelResult};
use crate::actions::deploy::commit_guard::CommitGuard;
use crate::actions::deploy::past;
use crate::actions::deploy::preflight::{self, Preflight};
use crate::actions::error::TriggerError;
use crate::actions::task::DeployOperation;
use crate::backoff::Schedule;
use crate::deployment::{Deployment, Service};
use crate::event::{EventKind, Phase, State};
use crate::inputs::WhenBusy;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::sevalla::ApiErrorKind;
use crate::text::duration::counted;

/// How long a cancelled deployment may take to end before the next is started.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the run waits without a message.
const SILENCE: Duration = Duration::from_secs(60);

/// What to do about it.
pub(crate) enum BusyDecision {
    /// Start, from what is known now.
    Start(Box<Preflight>),
    /// Follow this one instead, which deploys the same.
    Join(Box<Preflight>, Box<Deployment>),
    /// Give up.
    End(Outcome),
}

impl ActionContext<'_> {
    /// Makes way, waits or gives way, as the user wants.
    pub(crate) async fn make_way(
        &self,
        work: &DeployOperation,
        before: Preflight,
    ) -> Result<BusyDecision, TriggerError> {
        let Some(service) = work.service().filter(|_| !before.busy.is_empty()) else {
            return Ok(BusyDecision::Start(Box::new(before)));
        };
        match self.plan.when_busy {
            WhenBusy::Queue => Ok(self.queue(before)),
            WhenBusy::Fail => Ok(BusyDecision::End(busy(&before.busy))),
            WhenBusy::Join => {
                // The branch may have moved on since that one was started.
                let guard = CommitGuard::new(self.plan, before.branch());
                let same = before.same().find(|other| guard.may_be(other)).cloned();
                Ok(match same {
                    Some(same) => BusyDecision::Join(Box::new(before), Box::new(same)),
                    None => self.queue(before),
                })
            }
            WhenBusy::Wait => {
                self.reporter.on(EventKind::Begins(Phase::Waiting));
                let next = self.wait_for_others(service, work, &before.busy).await;
                let state = match next {
                    Ok(BusyDecision::Start(_)) => State::Done,
                    _ => State::Failed,
                };
                self.reporter.on(EventKind::Ends(Phase::Waiting, state));
                next
            }
            WhenBusy::CancelPrevious => {
                self.reporter.on(EventKind::Begins(Phase::Waiting));
                self.cancel_others(service, &before.busy).await;
                self.reporter
                    .on(EventKind::Ends(Phase::Waiting, State::Done));
                Ok(BusyDecision::Start(Box::new(
                    self.refresh_preflight(work).await?,
                )))
            }
        }
    }

    fn queue(&self, before: Preflight) -> BusyDecision {
        self.reporter.on(EventKind::Note(&format!(
            "{} already: this one may have to wait.",
            count(&before.busy)
        )));
        BusyDecision::Start(Box::new(before))
    }

    async fn wait_for_others(
        &self,
        service: Service,
        work: &DeployOperation,
        others: &[Deployment],
    ) -> Result<BusyDecision, TriggerError> {
        let names: Vec<String> = others.iter().map(Deployment::summary).collect();
        self.reporter.on(EventKind::Note(&format!(
            "Waiting for the end of {}, as when-busy asks.",
            names.join(" and of ")
        )));
        let started = Instant::now();
        let mut reported = started;
        let mut looks = Schedule::for_looks();
        loop {
            let wait = looks.next_wait(None);
            if Instant::now() + wait >= self.deadline.moment() {
                return Ok(BusyDecision::End(still_busy(started.elapsed())));
            }
            sleep(wait).await;
            if reported.elapsed() >= SILENCE {
                reported = Instant::now();
                self.reporter.on(EventKind::Note(&format!(
                    "Still waiting, for {} by now.",
                    crate::text::duration::duration(started.elapsed())
                )));
            }
            let past = match past::read_past(&self.client, service).await {
                Err(error) if is_too_late(&error) => {
                    return Ok(BusyDecision::End(still_busy(started.elapsed())));
                }
                past => past?,
            };
            if past.iter().any(past::is_busy) {
                continue;
            }
            // Another run may have waited for the same and be quicker.
            let before = self.refresh_preflight(work).await?;
            if before.busy.is_empty() {
                return Ok(BusyDecision::Start(Box::new(before)));
            }
        }
    }

    async fn cancel_others(&self, service: Service, others: &[Deployment]) {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        // Newest first: what waits would start to run once the way is free.
        for other in others {
            report(EventKind::Note(&format!(
                "Cancelling {}, as when-busy asks.",
                other.summary()
            )));
            let by = self.deadline.moment().min(Instant::now() + CANCEL_TIMEOUT);
            let client = self.client.until(by);
            let id = &other.id;
            match cancel::cancel(&client, service, id, &|_| {}).await {
                CancelResult::Ended(ended) => {
                    report(EventKind::Note(&format!(
                        "Deployment {id} ended {}.",
                        ended.status.word()
                    )));
                }
                CancelResult::TooLate(_) => report(EventKind::Note(&format!(
                    "Deployment {id} had succeeded already."
                ))),
                CancelResult::Accepted => report(EventKind::Warning(
                    Warning::EarlierDeploymentRemains,
                    &format!(
                        "Deployment {id} is being cancelled and has not ended yet: this one may have to wait."
                    ),
                )),
                CancelResult::Refused(error) | CancelResult::Unknown(error) => {
                    report(EventKind::Warning(
                        Warning::EarlierDeploymentRemains,
                        &format!(
                            "Deployment {id} could not be cancelled: {error}. This one may have to wait for it."
                        ),
                    ));
                }
            }
        }
    }

    /// What was read before is old: a new mark is needed.
    async fn refresh_preflight(&self, work: &DeployOperation) -> Result<Preflight, TriggerError> {
        preflight::preflight(&self.client, self.plan, work, &|_| {}).await
    }
}

fn count(busy: &[Deployment]) -> String {
    let deployments = counted(busy.len(), "deployment");
    let is = if busy.len() == 1 { "is" } else { "are" };
    format!("{deployments} of this service {is} waiting or running")
}

fn busy(busy: &[Deployment]) -> Outcome {
    let outcome = Outcome::of(Failure::Busy, "Nothing was deployed")
        .because(format!("{} already, and when-busy is fail", count(busy)))
        .hint("Run again when it has ended, or set when-busy to wait");
    busy.iter().fold(outcome, |outcome, other| {
        outcome.because(format!(
            "{} is {}",
            other.summary(),
            other.status.in_words()
        ))
    })
}

/// Whether there was no time left for a request.
fn is_too_late(error: &TriggerError) -> bool {
    let failed = error.failed_request();
    failed.is_some_and(|error| matches!(error.cause, ApiErrorKind::NoTime))
}

fn still_busy(elapsed: Duration) -> Outcome {
    Outcome::of(
        Failure::StillBusy,
        "Nothing was deployed: when timeout expired, another deployment of this service had not ended",
    )
    .because(format!("Waited for {}", crate::text::duration::duration(elapsed)))
    .hint("Raise timeout, or check in the dashboard whether it is stuck")
}
