//! Another deployment of the same service waits or runs already.
//!
//! Two runs that look at the same moment both see nothing: then both start a
//! deployment, and the service queues the second. Nothing here can prevent
//! that, and nothing needs to.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Run;
use crate::deployment::{Deployment, Service};
use crate::inputs::WhenBusy;
use crate::outcome::{Ending, Outcome};
use crate::plan::Work;
use crate::report::Event;
use crate::schedule::Schedule;
use crate::trigger::{self, Before, TriggerError};

/// How long a cancelled deployment may take to end before the next is started.
const CANCELLING: Duration = Duration::from_secs(60);

/// What to do about it.
pub(super) enum Next {
    /// Start, from what is known now.
    Start(Box<Before>),
    /// Follow this one instead.
    Join(Box<Deployment>),
    /// Give up.
    End(Outcome),
}

impl Run<'_> {
    /// Makes way, waits or gives way, as the user wants.
    pub(super) async fn make_way(&self, work: &Work, before: Before) -> Result<Next, TriggerError> {
        let Some(service) = work.service().filter(|_| !before.busy.is_empty()) else {
            return Ok(Next::Start(Box::new(before)));
        };
        match self.plan.when_busy {
            WhenBusy::Queue => {
                self.reporter.on(Event::Note(&format!(
                    "{} of this service already: this one may have to wait.",
                    count(&before.busy)
                )));
                Ok(Next::Start(Box::new(before)))
            }
            WhenBusy::Fail => Ok(Next::End(busy(&before.busy))),
            WhenBusy::Join => Ok(match before.same() {
                Some(same) => Next::Join(Box::new(same.clone())),
                None => Next::Start(Box::new(before)),
            }),
            WhenBusy::Wait => self.wait_for_others(service, work).await,
            WhenBusy::CancelPrevious => {
                self.cancel_others(service, &before.busy).await;
                self.look_again(work).await
            }
        }
    }

    async fn wait_for_others(&self, service: Service, work: &Work) -> Result<Next, TriggerError> {
        self.reporter.on(Event::Note(
            "Another deployment of this service waits or runs. Waiting for its end.",
        ));
        let started = Instant::now();
        let mut looks = Schedule::for_looks();
        loop {
            let wait = looks.next_wait(None);
            if Instant::now() + wait >= self.deadline.moment() {
                return Ok(Next::End(still_busy(started.elapsed())));
            }
            sleep(wait).await;
            let past = trigger::read_past(&self.client, service).await?;
            if past.iter().all(|other| other.status.verdict().is_some()) {
                return self.look_again(work).await;
            }
        }
    }

    async fn cancel_others(&self, service: Service, others: &[Deployment]) {
        let tell = |event: Event<'_>| self.reporter.on(event);
        for other in others {
            tell(Event::Note(&format!(
                "Cancelling {}, as when-busy asks.",
                other.summary()
            )));
            let by = self.deadline.moment().min(Instant::now() + CANCELLING);
            let client = self.client.until(by);
            trigger::cancel(&client, service, &other.id, &|_| {}).await;
        }
    }

    /// What was read before is old: a new mark is needed.
    async fn look_again(&self, work: &Work) -> Result<Next, TriggerError> {
        let before = trigger::look_before(&self.client, self.plan, work, &|_| {}).await?;
        Ok(Next::Start(Box::new(before)))
    }
}

fn count(busy: &[Deployment]) -> String {
    match busy.len() {
        1 => "1 deployment waits or runs".to_owned(),
        many => format!("{many} deployments wait or run"),
    }
}

fn busy(busy: &[Deployment]) -> Outcome {
    let outcome = Outcome::new(Ending::Rejected, "Nothing was deployed")
        .because(format!("{} already, and when-busy is fail", count(busy)))
        .hint("Run again when it has ended, or set when-busy to wait");
    busy.iter().fold(outcome, |outcome, other| {
        outcome.because(format!("{} is {}", other.summary(), other.status.word()))
    })
}

fn still_busy(elapsed: Duration) -> Outcome {
    Outcome::new(
        Ending::TimedOut,
        "Nothing was deployed: another deployment of this service went on until the time was over",
    )
    .because(format!("Waited for {}", crate::report::duration(elapsed)))
    .hint("Raise timeout, or look in the dashboard whether it is stuck")
}
