//! Taking back a deployment that was started.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Tell;
use crate::deployment::{Deployment, DeploymentId, Service, Verdict};
use crate::report::Event;
use crate::sevalla::{ApiError, Client, Next};

/// Between two looks at a deployment that was asked to stop.
const LOOK: Duration = Duration::from_millis(400);

/// Between two attempts at asking it.
const AGAIN: Duration = Duration::from_millis(300);

/// What became of the wish to cancel a deployment.
#[derive(Debug)]
pub enum Cancelled {
    /// It was cancelled, or failed meanwhile, and was seen to have ended.
    Ended(Deployment, Verdict),
    /// The service accepted, and the deployment had not ended yet when our
    /// time was over.
    Accepted,
    /// It had succeeded already.
    TooLate(Deployment),
    /// The service refused, and the deployment goes on.
    Refused(ApiError),
    /// No answer that says whether it was accepted.
    Unknown(ApiError),
}

/// Asks the service to cancel a deployment, and watches what comes of it until
/// the client's deadline. Cancelling twice does no harm, so it is asked again
/// whenever the answer is lost.
pub async fn cancel(
    client: &Client,
    service: Service,
    id: &DeploymentId,
    tell: Tell<'_>,
) -> Cancelled {
    let deadline = client.deadline();
    let asked = ask(client, service, id, deadline).await;
    if let Err(error) = &asked {
        tell(Event::Note(&format!(
            "Could not {}: {}",
            error.operation.doing, error.cause
        )));
    }
    // Whatever the answer: the status is the truth.
    let mut last: Option<Deployment> = None;
    while Instant::now() < deadline {
        match client.deployment(service, id).await {
            Ok(deployment) => {
                let status = |deployment: &Deployment| deployment.status.clone();
                if last.as_ref().map(status) != Some(status(&deployment)) {
                    tell(Event::Seen(&deployment));
                }
                match deployment.status.verdict() {
                    Some(Verdict::Success) => return Cancelled::TooLate(deployment),
                    Some(verdict) => return Cancelled::Ended(deployment, verdict),
                    None => last = Some(deployment),
                }
            }
            // A deployment can vanish once it is cancelled.
            Err(error) if error.status() == Some(404) && asked.is_ok() => {
                return Cancelled::Accepted;
            }
            Err(error) if error.next() == Next::Final => break,
            Err(_) => {}
        }
        let is_refused = asked
            .as_ref()
            .is_err_and(|error| error.next() == Next::Final);
        if is_refused && last.is_some() {
            break;
        }
        sleep(LOOK.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
    match asked {
        Ok(()) => Cancelled::Accepted,
        // After 429 too: the request was not carried out.
        Err(error) if error.next() != Next::Lost && error.status().is_some() => {
            Cancelled::Refused(error)
        }
        Err(error) => Cancelled::Unknown(error),
    }
}

async fn ask(
    client: &Client,
    service: Service,
    id: &DeploymentId,
    deadline: Instant,
) -> Result<(), ApiError> {
    loop {
        let error = match client.cancel(service, id).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let wait = match error.next() {
            Next::Final => return Err(error),
            Next::Again(Some(asked)) => asked.max(AGAIN),
            Next::Again(None) | Next::Lost => AGAIN,
        };
        // Some of the time is needed to see what came of it.
        if Instant::now() + wait + LOOK >= deadline {
            return Err(error);
        }
        sleep(wait).await;
    }
}
