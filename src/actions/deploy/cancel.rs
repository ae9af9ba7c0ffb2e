//! Taking back a deployment that was started.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::actions::ActionContext;
use crate::actions::error::Report;
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, Service, Verdict};
use crate::deployment_log::LogDiagnosis;
use crate::event::EventKind;
use crate::follow::{FollowResult, Follower};
use crate::sevalla::{ApiError, Client, RetryDecision};

/// Between two looks at a deployment that was asked to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(400);

/// Between two attempts at asking it.
const RETRY_INTERVAL: Duration = Duration::from_millis(300);

/// The longest wait before asking again after a refusal.
const LONGEST: Duration = Duration::from_secs(2);

/// The least time for asking again.
const ENOUGH: Duration = Duration::from_millis(500);

/// How long a refusal may be news of the moment: right after its start not all
/// parts of the service know a deployment, or that it can be cancelled.
const REFUSING: Duration = Duration::from_secs(10);

/// What became of the wish to cancel a deployment.
#[derive(Debug)]
pub enum CancelResult {
    /// It was cancelled, or failed meanwhile, and was seen to have ended.
    Ended(EndedDeployment),
    /// The service accepted, and the deployment had not ended yet when our
    /// time was over.
    Accepted,
    /// It had succeeded already.
    TooLate(EndedDeployment),
    /// The service refused, and the deployment goes on.
    Refused(ApiError),
    /// No answer that says whether it was accepted.
    Unknown(ApiError),
}

/// What is seen of a deployment after the service has accepted to cancel it.
pub(crate) enum EndOfCancelled {
    /// It has ended, in whatever way.
    Ended(EndedDeployment),
    /// It is not there any more: a deployment can vanish once it is cancelled.
    Gone,
    /// No end, until the run's time was over or nothing could be seen any more.
    NotSeen(FollowResult),
}

impl ActionContext<'_> {
    /// Waits for the end of a deployment that the service was asked to cancel.
    pub(crate) async fn end_of_cancelled(
        &self,
        service: Service,
        deployment: Deployment,
        report: Report<'_>,
    ) -> EndOfCancelled {
        let source = self.source(service, &deployment.id);
        let log = LogDiagnosis::new(self.sanitizer.clone());
        let watch = Follower::new(&source, deployment, self.deadline, &log, report);
        match Box::pin(watch.follow()).await {
            FollowResult::Seen(ended) => EndOfCancelled::Ended(ended),
            FollowResult::Lost { error, .. } if error.is_gone() => EndOfCancelled::Gone,
            ended => EndOfCancelled::NotSeen(ended),
        }
    }
}

/// Asks the service to cancel a deployment, and watches it until the client's
/// deadline. Cancelling twice does no harm, so it is asked again whenever the
/// answer is lost, and for a while when it is refused.
pub async fn cancel(
    client: &Client,
    service: Service,
    id: &DeploymentId,
    report: Report<'_>,
) -> CancelResult {
    let deadline = client.deadline();
    let mut asking = CancelProgress::new();
    let mut last: Option<Deployment> = None;
    loop {
        if asking.is_due(deadline) {
            asking.ask(client, service, id, report).await;
        }
        // Whatever the answer: the status is the truth.
        match client.deployment(service, id).await {
            Ok(deployment) => {
                let status = |deployment: &Deployment| deployment.status.clone();
                if last.as_ref().map(status) != Some(status(&deployment)) {
                    report(EventKind::Seen(&deployment));
                }
                match deployment.ended() {
                    Some(ended) if ended.verdict() == Verdict::Success => {
                        return CancelResult::TooLate(ended);
                    }
                    Some(ended) => return CancelResult::Ended(ended),
                    None => last = Some(deployment),
                }
            }
            // A deployment can vanish once it is cancelled.
            Err(error) if error.status() == Some(404) && asking.is_accepted() => break,
            // The deployment cannot be seen, and nothing more is to be sent.
            Err(error) if is_lasting(&error) && asking.next.is_none() => break,
            Err(_) => {}
        }
        if (asking.is_over() && last.is_some()) || Instant::now() >= deadline {
            break;
        }
        sleep_until(asking.next_step().min(deadline)).await;
    }
    asking.end()
}

/// Whether a refusal is more than news of the moment.
fn is_lasting(error: &ApiError) -> bool {
    let may_change = matches!(error.status(), Some(400 | 404 | 409 | 422 | 423));
    error.next() == RetryDecision::Fatal && !may_change
}

/// How far asking has come.
struct CancelProgress {
    began: Instant,
    /// When to ask again; `None` if that is pointless.
    next: Option<Instant>,
    refusals: u32,
    /// The last answer; `None` before the first.
    answer: Option<Result<(), ApiError>>,
}

impl CancelProgress {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            next: Some(now),
            refusals: 0,
            answer: None,
        }
    }

    /// Whether to ask now. What is known is not given up for an answer that has
    /// no time to come.
    fn is_due(&self, deadline: Instant) -> bool {
        let now = Instant::now();
        let has_time = self.answer.is_none() || now + ENOUGH < deadline;
        has_time && self.next.is_some_and(|next| next <= now)
    }

    /// Whether it is not asked again, without having been accepted.
    const fn is_over(&self) -> bool {
        self.next.is_none() && !self.is_accepted()
    }

    const fn is_accepted(&self) -> bool {
        matches!(self.answer, Some(Ok(())))
    }

    /// When to look or to ask again.
    fn next_step(&self) -> Instant {
        let now = Instant::now();
        let look = now + LOOK_INTERVAL;
        let next = self.next.filter(|next| *next > now);
        next.map_or(look, |next| next.min(look))
    }

    async fn ask(
        &mut self,
        client: &Client,
        service: Service,
        id: &DeploymentId,
        report: Report<'_>,
    ) {
        let answer = client.writes().cancel(service, id).await;
        self.next = match &answer {
            Ok(()) => None,
            Err(error) => self.wait_after(error).map(|wait| Instant::now() + wait),
        };
        let is_news = self.answer.is_none();
        if let Err(error) = &answer
            && (is_news || self.next.is_none())
        {
            report(EventKind::Note(&format!(
                "Could not {}: {}",
                error.operation.doing, error.cause
            )));
        }
        self.answer = Some(answer);
    }

    /// How long to wait before asking again; `None` if that is pointless.
    fn wait_after(&mut self, error: &ApiError) -> Option<Duration> {
        match error.next() {
            RetryDecision::Retry(asked) => Some(asked.unwrap_or_default().max(RETRY_INTERVAL)),
            RetryDecision::Ambiguous => Some(RETRY_INTERVAL),
            RetryDecision::Fatal => {
                let wait = RETRY_INTERVAL
                    .saturating_mul(1 << self.refusals.min(8))
                    .min(LONGEST);
                self.refusals += 1;
                (!is_lasting(error) && self.began.elapsed() + wait < REFUSING).then_some(wait)
            }
        }
    }

    fn end(self) -> CancelResult {
        match self.answer {
            Some(Ok(())) | None => CancelResult::Accepted,
            // After 429 too: the request was not carried out.
            Some(Err(error))
                if error.next() != RetryDecision::Ambiguous && error.status().is_some() =>
            {
                CancelResult::Refused(error)
            }
            Some(Err(error)) => CancelResult::Unknown(error),
        }
    }
}
