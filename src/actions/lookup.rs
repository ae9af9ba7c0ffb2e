//! Looking for the effect of a write whose answer did not name it.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::actions::at_most_once::TimeBudget;
use crate::actions::deploy::matcher::Ownership;
use crate::actions::error::{LookupFailure, TriggerError};
use crate::deployment::{Deployment, DeploymentId};
use crate::sevalla::{ApiError, Client, RetryDecision};

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

/// Between two looks once the run has to end.
const LOOK_INTERVAL: Duration = Duration::from_millis(400);

/// A look at what is new for a key. It is boxed, since every action has one of
/// its own, and what is done with it would be compiled for each.
pub(super) type EffectSearch<'a, K, T> = dyn Fn(K) -> LocalBoxFuture<'a, SearchResult<T>> + 'a;

/// What a look gives; `None` if it cannot show anything.
pub(super) type SearchResult<T> = Result<Option<Vec<Candidates<T>>>, ApiError>;

/// Why a search did not find exactly one.
pub(crate) enum LookupError<T> {
    None,
    Several(Vec<T>),
    Failed(ApiError),
    Impossible,
}

impl<T: Candidate> LookupError<T> {
    /// The failure for people, after the write was sent so many times.
    pub(crate) fn after(self, sent: u32) -> LookupFailure {
        let noun = T::NOUN;
        match self {
            Self::None => LookupFailure::None { sent, noun },
            Self::Several(candidates) => LookupFailure::Several {
                candidates: candidates.iter().map(Candidate::describe).collect(),
                noun,
            },
            Self::Failed(error) => LookupFailure::Failed(Box::new(error)),
            Self::Impossible => LookupFailure::Impossible,
        }
    }
}

/// Looks for what an accepted request has made without naming it: again and
/// again for a bounded time, until there is one.
pub(crate) async fn find_one<T: Candidate>(
    search: impl AsyncFn() -> SearchResult<T>,
    within: &impl TimeBudget,
) -> Result<T, TriggerError> {
    let LookupResult { found, missing, .. } =
        find_each(&[()], &|()| Box::pin(search()), false, within).await;
    let not_one = missing.into_iter().next().map(|((), not_one)| not_one);
    let made = found.into_iter().next().map(|((), made)| made);
    made.ok_or_else(|| unidentified(not_one.unwrap_or(LookupError::None)))
}

pub(super) fn unidentified<T: Candidate>(not_one: LookupError<T>) -> TriggerError {
    TriggerError::Unidentified(not_one.after(1))
}

/// What was found for each key, and why not for the others.
pub(super) struct LookupResult<K, T> {
    pub(super) found: Vec<(K, T)>,
    pub(super) missing: Vec<(K, LookupError<T>)>,
    /// Whether there was no time for all looks.
    pub(super) is_cut_short: bool,
}

/// Searches for the effect of each key, again and again for a bounded time.
pub(super) async fn find_each<K: Copy, T: Candidate>(
    keys: &[K],
    search: &EffectSearch<'_, K, T>,
    is_slow: bool,
    within: &impl TimeBudget,
) -> LookupResult<K, T> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let mut open: Vec<(K, Vec<T>)> = keys.iter().map(|key| (*key, Vec::new())).collect();
    let mut is_cut_short = false;
    let more = Some(&SLOW_SEARCH).filter(|_| is_slow);
    for wait in SEARCH.iter().chain(more) {
        if open.is_empty() {
            break;
        }
        is_cut_short = Instant::now() + *wait >= within.looks_until();
        if is_cut_short {
            break;
        }
        sleep(*wait).await;
        let mut still_open = Vec::new();
        for (key, uncertain) in open {
            let all = match search(key).await {
                Ok(Some(all)) => all,
                Ok(None) => {
                    missing.push((key, LookupError::Impossible));
                    continue;
                }
                Err(error) => {
                    missing.push((key, LookupError::Failed(error)));
                    continue;
                }
            };
            match classify(all, uncertain) {
                LookVerdict::One(one) => found.push((key, one)),
                LookVerdict::Several(several) => missing.push((key, LookupError::Several(several))),
                LookVerdict::Open(uncertain) => still_open.push((key, uncertain)),
            }
        }
        open = still_open;
    }
    missing.extend(open.into_iter().map(|(key, uncertain)| {
        let not_one = if uncertain.is_empty() {
            LookupError::None
        } else {
            LookupError::Several(uncertain)
        };
        (key, not_one)
    }));
    LookupResult {
        found,
        missing,
        is_cut_short,
    }
}

/// What one look means.
enum LookVerdict<T> {
    /// This is it.
    One(T),
    /// All of these could be it, and looking again will not change that.
    Several(Vec<T>),
    /// Nothing, or what is not certain yet: the service may fill in later what
    /// shows whose it is.
    Open(Vec<T>),
}

/// Judges what is new now. `uncertain` is what earlier looks left in doubt: it
/// stays so even when it disappears, until a look shows that it is somebody
/// else's.
fn classify<T: Candidate>(all: Vec<Candidates<T>>, mut uncertain: Vec<T>) -> LookVerdict<T> {
    uncertain.retain(|earlier| !all.iter().any(|now| now.it.id() == earlier.id()));
    let mut possible = all;
    possible.retain(|found| found.whose != Ownership::Others);
    let is_certain =
        uncertain.is_empty() && possible.iter().all(|one| one.whose == Ownership::Ours);
    let mut possible: Vec<T> = possible.into_iter().map(|found| found.it).collect();
    match possible.pop() {
        Some(one) if is_certain && possible.is_empty() => LookVerdict::One(one),
        Some(one) => {
            possible.push(one);
            possible.extend(uncertain);
            if is_certain {
                LookVerdict::Several(possible)
            } else {
                LookVerdict::Open(possible)
            }
        }
        None => LookVerdict::Open(uncertain),
    }
}

/// Searches again and again until the client's deadline, for when the run has
/// to end; `None` unless there is exactly one, and it is ours.
pub(crate) async fn search_to_the_end<T: Candidate>(
    client: &Client,
    search: impl AsyncFn() -> SearchResult<T>,
) -> Option<T> {
    let mut uncertain = Vec::new();
    loop {
        match search().await {
            Ok(None) => return None,
            Ok(Some(all)) => match classify(all, uncertain) {
                LookVerdict::One(one) => return Some(one),
                LookVerdict::Several(several) => uncertain = several,
                LookVerdict::Open(open) => uncertain = open,
            },
            Err(error) if error.next() == RetryDecision::Fatal => return None,
            Err(_) => {}
        }
        if Instant::now() + LOOK_INTERVAL >= client.deadline() {
            return None;
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// One that a search has found.
#[derive(Debug)]
pub(crate) struct Candidates<T> {
    pub(crate) it: T,
    pub(crate) whose: Ownership,
}

impl<T> Candidates<T> {
    /// What can only be ours.
    pub(crate) const fn ours(it: T) -> Self {
        Self {
            it,
            whose: Ownership::Ours,
        }
    }

    /// What could be ours.
    pub(crate) const fn unclear(it: T) -> Self {
        Self {
            it,
            whose: Ownership::Unclear,
        }
    }
}

/// What a write may have made.
pub(crate) trait Candidate {
    /// What it is, in a sentence.
    const NOUN: &'static str;
    /// Its id, if it is known.
    fn id(&self) -> Option<&str>;
    /// What a person recognises it by.
    fn describe(&self) -> String;
    /// When it was created, if that is known.
    fn created_at(&self) -> Option<Timestamp> {
        None
    }
    /// The id by which the journal knows it, if it has one.
    fn recorded(&self) -> Option<String> {
        self.id().map(str::to_owned)
    }
}

impl Candidate for Deployment {
    const NOUN: &'static str = "deployment";

    fn id(&self) -> Option<&str> {
        Some(&self.id.0)
    }

    fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    fn describe(&self) -> String {
        let source = self.branch.as_deref().or(self.docker_image.as_deref());
        let created = self.created_at.map(|time| format!(", created {time:.0}"));
        format!(
            "{} ({}{})",
            self.id,
            source.unwrap_or(self.status.word()),
            created.unwrap_or_default()
        )
    }
}

/// A hook's answer: an id, or none.
impl Candidate for Option<DeploymentId> {
    const NOUN: &'static str = Deployment::NOUN;

    fn id(&self) -> Option<&str> {
        self.as_ref().map(|id| id.0.as_str())
    }

    fn describe(&self) -> String {
        self.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(id: &str) -> Deployment {
        Deployment::only_its_id(DeploymentId(id.to_owned()))
    }

    #[test]
    fn of_one_look_only_what_is_certain_is_taken() {
        let ours = |ids: &[&str]| ids.iter().map(|id| Candidates::ours(made(id))).collect();
        let one = |all| match classify(all, Vec::new()) {
            LookVerdict::One(one) => Some(one),
            LookVerdict::Several(_) | LookVerdict::Open(_) => None,
        };
        assert_eq!(one(ours(&["a"])), Some(made("a")));
        assert_eq!(one(ours(&[])), None);
        assert_eq!(one(ours(&["a", "b"])), None);
        assert_eq!(one(vec![Candidates::unclear(made("a"))]), None);
    }

    #[test]
    fn a_candidate_is_told_by_what_a_person_recognises() {
        let of_branch = Deployment {
            branch: Some("main".to_owned()),
            docker_image: Some("left:over".to_owned()),
            created_at: Timestamp::from_second(1_767_225_600).ok(),
            ..made("a")
        };
        let of_image = Deployment {
            docker_image: Some("shop:2".to_owned()),
            ..made("b")
        };
        let waiting = Deployment {
            status: crate::deployment::Status::Waiting,
            ..made("c")
        };
        assert_eq!(
            of_branch.describe(),
            "a (main, created 2026-01-01T00:00:00Z)"
        );
        assert_eq!(of_image.describe(), "b (shop:2)");
        assert_eq!(waiting.describe(), "c (waiting)");
        let by_hook = Some(DeploymentId("d".to_owned()));
        assert_eq!(
            (by_hook.describe().as_str(), by_hook.id()),
            ("d", Some("d"))
        );
        assert_eq!(
            (None.describe().as_str(), None::<DeploymentId>.id()),
            ("", None)
        );
    }
}
