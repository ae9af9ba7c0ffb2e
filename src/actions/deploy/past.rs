//! What a service's list of deployments says: what is live, and what is busy.

use crate::actions::deploy::start::HISTORY;
use crate::actions::error::TriggerError;
use crate::deployment::{Deployment, Service, Verdict};
use crate::outcome::PreviouslyLive;
use crate::sevalla::{Client, Patience};

/// Those that were live.
pub(crate) fn successes(past: &[Deployment]) -> impl Iterator<Item = &Deployment> {
    past.iter().filter(|deployment| is_success(deployment))
}

/// Whether a deployment was live. A preview of a pull request never was: going
/// back to one would publish what nobody has merged.
pub(crate) fn is_success(deployment: &Deployment) -> bool {
    deployment.status.verdict() == Some(Verdict::Success) && !deployment.is_preview
}

/// Whether anything is live, as far as these newest deployments show.
pub(crate) fn live_among(past: &[Deployment]) -> PreviouslyLive {
    if successes(past).next().is_some() {
        PreviouslyLive::Something
    } else if past.iter().any(|one| is_busy(one) || one.is_unreadable()) {
        // What still runs may be live soon, and what cannot be read may be live.
        PreviouslyLive::Unknown
    } else if past.len() >= HISTORY {
        PreviouslyLive::NotAmong { read: past.len() }
    } else {
        PreviouslyLive::Nothing { read: past.len() }
    }
}

/// Whether it waits or runs. What has a time of its end has ended, whatever the
/// service calls that; and previews of pull requests are somebody else's.
pub(crate) fn is_busy(deployment: &Deployment) -> bool {
    deployment.status.verdict().is_none()
        && deployment.finished_at.is_none()
        && !deployment.is_preview
        && !deployment.is_unreadable()
}

/// The newest deployments of a service, with [`Deployment::unreadable`] in the
/// place of an entry that cannot be read: one that is there before a change is
/// not its effect.
pub(crate) async fn read_past(
    client: &Client,
    service: Service,
) -> Result<Vec<Deployment>, TriggerError> {
    let past = client
        .deployments_and_unreadable(service, HISTORY, Patience::BEFORE_THE_START)
        .await?;
    Ok(past)
}
