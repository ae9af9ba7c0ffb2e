//! The one mechanism for every write that must not happen twice.

use std::time::Duration;

use tokio::time::sleep;

use super::{Search, Tell, TriggerError};
use crate::deployment::{Deployment, DeploymentId};
use crate::report::Event;
use crate::sevalla::{ApiError, Cause, Next};

/// The waits before each look for the effect of a write whose answer was lost.
const SEARCH: &[Duration] = &[
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// One more after a time-out: the service may still be at it.
const SLOW_SEARCH: Duration = Duration::from_secs(10);

/// Makes a write take effect at most once.
///
/// When the answer to `send` is lost, `search` lists what could be its effect.
/// Exactly one: that is it. None after a bounded time: the request had no
/// effect, and is sent once more, unless `may_send_again` says that nothing
/// new is to be begun. Anything else cannot be told.
pub(super) async fn at_most_once<T: Candidate>(
    send: impl AsyncFn() -> Result<T, ApiError>,
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
    may_send_again: impl Fn() -> bool,
    tell: Tell<'_>,
) -> Result<T, TriggerError> {
    let mut sendings = 0;
    loop {
        sendings += 1;
        let lost = match send().await {
            Ok(made) => {
                if sendings > 1 {
                    tell_of_others(&made, &search, tell).await;
                }
                return Ok(made);
            }
            Err(error) if error.next() == Next::Lost => error,
            // The second sending was refused, but the first may have worked.
            Err(error) if sendings > 1 => {
                return Err(ambiguous(error, Search::None { sent: sendings }));
            }
            Err(error) => return Err(TriggerError::Api(error)),
        };
        tell(Event::Note(&format!(
            "The answer was lost ({}). Looking whether the request took effect.",
            lost.cause
        )));
        let is_slow = matches!(lost.cause, Cause::TimedOut { .. });
        let search = match find_one(&search, is_slow).await {
            Ok(found) => {
                tell(Event::Note(
                    "It did: exactly one new deployment matches. Going on with that one.",
                ));
                return Ok(found);
            }
            Err(NotOne::None) if sendings == 1 && may_send_again() => {
                tell(Event::Note(
                    "It did not: no new deployment matches. Sending it once more.",
                ));
                continue;
            }
            Err(not_one) => Search::from(not_one).after(sendings),
        };
        return Err(ambiguous(lost, search));
    }
}

/// The request was sent twice and the second was answered. If the first has
/// taken effect after all, somebody must know.
async fn tell_of_others<T: Candidate>(
    made: &T,
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
    tell: Tell<'_>,
) {
    let found = search().await.ok().flatten().unwrap_or_default();
    for other in found
        .iter()
        .filter_map(Candidate::id)
        .filter(|id| Some(*id) != made.id())
    {
        tell(Event::Warning(&format!(
            "Deployment {other} is new too: the first request, whose answer was lost, may have started it. \
             Look in the dashboard whether it should go on."
        )));
    }
}

fn ambiguous(lost: ApiError, search: Search) -> TriggerError {
    TriggerError::Ambiguous {
        lost: Box::new(lost),
        search,
    }
}

/// Why a search did not find exactly one.
pub(super) enum NotOne<T> {
    None,
    Several(Vec<T>),
    Failed(ApiError),
    Impossible,
}

impl<T: Candidate> From<NotOne<T>> for Search {
    fn from(not_one: NotOne<T>) -> Self {
        match not_one {
            NotOne::None => Self::None { sent: 1 },
            NotOne::Several(candidates) => Self::Several(
                candidates
                    .into_iter()
                    .filter_map(Candidate::into_deployment)
                    .collect(),
            ),
            NotOne::Failed(error) => Self::Failed(Box::new(error)),
            NotOne::Impossible => Self::Impossible,
        }
    }
}

impl Search {
    /// The same after so many sendings.
    fn after(self, sent: u32) -> Self {
        match self {
            Self::None { .. } => Self::None { sent },
            other => other,
        }
    }
}

/// Searches again and again for a bounded time until there is one.
pub(super) async fn find_one<T>(
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
    is_slow: bool,
) -> Result<T, NotOne<T>> {
    let more = Some(&SLOW_SEARCH).filter(|_| is_slow);
    for wait in SEARCH.iter().chain(more) {
        sleep(*wait).await;
        if let Some(one) = search_once(&search).await? {
            return Ok(one);
        }
    }
    Err(NotOne::None)
}

/// Searches once; `None` if there is nothing yet.
pub(super) async fn search_once<T>(
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
) -> Result<Option<T>, NotOne<T>> {
    let mut found = search()
        .await
        .map_err(NotOne::Failed)?
        .ok_or(NotOne::Impossible)?;
    if found.len() > 1 {
        return Err(NotOne::Several(found));
    }
    Ok(found.pop())
}

/// What a write may have made.
pub(super) trait Candidate {
    fn into_deployment(self) -> Option<Deployment>;
    fn id(&self) -> Option<&DeploymentId>;
}

impl Candidate for Deployment {
    fn into_deployment(self) -> Option<Deployment> {
        Some(self)
    }

    fn id(&self) -> Option<&DeploymentId> {
        Some(&self.id)
    }
}

/// A hook's answer: an id, or none.
impl Candidate for Option<DeploymentId> {
    fn into_deployment(self) -> Option<Deployment> {
        self.map(Deployment::only_its_id)
    }

    fn id(&self) -> Option<&DeploymentId> {
        self.as_ref()
    }
}
