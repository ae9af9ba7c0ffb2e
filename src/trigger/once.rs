//! The one mechanism for every write that must not happen twice.

use std::time::Duration;

use tokio::time::{sleep, timeout};

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

/// How long looking for a late effect of the first sending may hold up the run
/// that the second has started.
const LATE_EFFECT: Duration = Duration::from_secs(2);

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
            Err(not_one) => not_one.after(sendings),
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
    let found = timeout(LATE_EFFECT, search()).await;
    let found = found
        .ok()
        .and_then(Result::ok)
        .flatten()
        .unwrap_or_default();
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

impl<T: Candidate> NotOne<T> {
    /// The same for people, after the write was sent so many times.
    pub(super) fn after(self, sent: u32) -> Search {
        match self {
            Self::None => Search::None { sent },
            Self::Several(candidates) => {
                let candidates = candidates.into_iter();
                Search::Several(candidates.filter_map(Candidate::into_deployment).collect())
            }
            Self::Failed(error) => Search::Failed(Box::new(error)),
            Self::Impossible => Search::Impossible,
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::sevalla::Refusal;
    use crate::sevalla::operation::TRIGGER_DEPLOYMENT;

    fn failed(status: u16) -> ApiError {
        ApiError {
            operation: &TRIGGER_DEPLOYMENT,
            cause: Cause::Refused(Box::new(Refusal {
                status,
                ..Refusal::default()
            })),
            attempts: 1,
            elapsed: Duration::ZERO,
        }
    }

    fn made(id: &str) -> Deployment {
        Deployment::only_its_id(DeploymentId(id.to_owned()))
    }

    /// Sends with these answers in turn and finds these deployments each time;
    /// gives the result, how often was sent and what was told.
    async fn play(
        answers: Vec<Result<Deployment, ApiError>>,
        found: &[&str],
        may_send_again: bool,
    ) -> (Result<Deployment, TriggerError>, usize, String) {
        let (answers, sendings) = (RefCell::new(answers.into_iter()), Cell::new(0));
        let told = RefCell::new(String::new());
        let send = async || {
            sendings.set(sendings.get() + 1);
            answers.borrow_mut().next().unwrap()
        };
        // Nothing is to be seen before the second sending.
        let search = async || {
            let is_late = sendings.get() > 1;
            Ok(Some(
                found
                    .iter()
                    .filter(|_| is_late)
                    .map(|id| made(id))
                    .collect(),
            ))
        };
        let tell = |event: Event<'_>| told.borrow_mut().push_str(&format!("{event:?}"));
        let result = at_most_once(send, search, || may_send_again, &tell).await;
        (result, sendings.get(), told.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_carried_out_is_sent_once_more() {
        let (result, sendings, _) = play(vec![Err(failed(502)), Ok(made("a"))], &["a"], true).await;
        assert_eq!((result.unwrap().id.0.as_str(), sendings), ("a", 2));
        let (result, sendings, _) = play(vec![Err(failed(502))], &[], false).await;
        assert!(matches!(
            result,
            Err(TriggerError::Ambiguous {
                search: Search::None { sent: 1 },
                ..
            })
        ));
        assert_eq!(sendings, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_second_sending_does_not_tell_what_the_first_did() {
        let (result, sendings, _) = play(vec![Err(failed(502)), Err(failed(403))], &[], true).await;
        assert!(matches!(
            result,
            Err(TriggerError::Ambiguous {
                search: Search::None { sent: 2 },
                ..
            })
        ));
        assert_eq!(sendings, 2);
        let (result, sendings, _) = play(vec![Err(failed(403))], &[], true).await;
        assert!(matches!(result, Err(TriggerError::Api(_))));
        assert_eq!(sendings, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_never_sent_a_third_time() {
        let lost = || Err(failed(502));
        let (result, sendings, _) = play(vec![lost(), lost()], &[], true).await;
        assert!(matches!(
            result,
            Err(TriggerError::Ambiguous {
                search: Search::None { sent: 2 },
                ..
            })
        ));
        assert_eq!(sendings, 2);
        let (result, _, _) = play(vec![lost(), lost()], &["a", "b"], true).await;
        assert!(
            matches!(result, Err(TriggerError::Ambiguous { search: Search::Several(two), .. }) if two.len() == 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_effect_of_the_first_sending_is_told() {
        let (result, _, told) =
            play(vec![Err(failed(502)), Ok(made("b"))], &["b", "a"], true).await;
        assert_eq!(result.unwrap().id.0, "b");
        assert!(
            told.contains("Deployment a is new too") && !told.contains("Deployment b is"),
            "{told}"
        );
    }
}
