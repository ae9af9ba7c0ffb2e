//! What was created long after a request was sent may be somebody else's.

use std::cell::Cell;

use jiff::Timestamp;

use crate::actions::at_most_once::TimeBudget;
use crate::actions::deploy::matcher::Ownership;
use crate::actions::error::{LookupFailure, TriggerError};
use crate::actions::lookup::{Candidate, LookupError, LookupResult, SearchResult, find_each};

/// How long after a request was recorded Sevalla may have taken it, at the most,
/// with room for clocks that are read to the second.
const LATEST_EFFECT: i64 = 60;

/// What looking for the effect of a write of an earlier process has shown.
pub(super) struct EarlierEffect<T> {
    pub(super) found: Result<T, LookupError<T>>,
    /// Whether there was no time for all looks.
    pub(super) is_cut_short: bool,
    /// Whether something was doubted because it came late.
    pub(super) is_late: bool,
}

/// Looks for the effect of a write that an earlier process has sent, last at this
/// second of the service's clock.
pub(super) async fn look_for_earlier<T: Candidate>(
    search: impl AsyncFn() -> SearchResult<T>,
    sent_at: Option<i64>,
    within: &impl TimeBudget,
) -> EarlierEffect<T> {
    let is_late = Cell::new(false);
    let search = async || doubt_late(search().await, sent_at, &is_late);
    let LookupResult {
        found,
        missing,
        is_cut_short,
    } = find_each(&[()], &|()| Box::pin(search()), false, within).await;
    let found = found.into_iter().next().map(|((), made)| made);
    let not_one = missing.into_iter().next().map(|((), not_one)| not_one);
    EarlierEffect {
        found: found.ok_or_else(|| not_one.unwrap_or(LookupError::None)),
        is_cut_short,
        is_late: is_late.get(),
    }
}

/// What was created long after the last sending, at this second of the service's
/// clock, may be somebody else's that looks the same. It may be ours as well: a
/// machine that sleeps sends late.
fn doubt_late<T: Candidate>(
    found: SearchResult<T>,
    sent_at: Option<i64>,
    is_doubted: &Cell<bool>,
) -> SearchResult<T> {
    let mut found = found?;
    for candidate in found.iter_mut().flatten() {
        let created = candidate.it.created_at().map(Timestamp::as_second);
        let is_late = created
            .zip(sent_at)
            .is_some_and(|(created, sent)| created > sent.saturating_add(LATEST_EFFECT));
        if is_late && candidate.whose == Ownership::Ours {
            candidate.whose = Ownership::Unclear;
            is_doubted.set(true);
        }
    }
    Ok(found)
}

/// This error, which says that only the time speaks against the one that was
/// found, if that is so.
pub(super) fn doubted(mut error: TriggerError, is_late: bool) -> TriggerError {
    if let TriggerError::Ambiguous { search, .. } | TriggerError::Unidentified(search) = &mut error
        && let LookupFailure::Several { candidates, noun } = search
        && let [candidate] = candidates.as_mut_slice()
        && is_late
    {
        let candidate = std::mem::take(candidate);
        *search = LookupFailure::Late { candidate, noun };
    }
    error
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::lookup::Candidates;
    use crate::deployment::{Deployment, DeploymentId};
    use crate::sevalla::ResourceRecord;

    #[test]
    fn what_was_created_long_after_the_sending_is_not_surely_ours() {
        fn whose<T: Candidate>(it: T, sent: Option<i64>) -> Ownership {
            let found = doubt_late(
                Ok(Some(vec![Candidates::ours(it)])),
                sent,
                &Cell::new(false),
            );
            found.unwrap().unwrap()[0].whose
        }
        let deployment = |second| Deployment {
            created_at: Timestamp::from_second(second).ok(),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        };
        assert_eq!(whose(deployment(1_060), Some(1_000)), Ownership::Ours);
        assert_eq!(whose(deployment(1_061), Some(1_000)), Ownership::Unclear);
        assert_eq!(whose(deployment(9_000), None), Ownership::Ours);
        // The same for what is no deployment.
        let database = json!({ "id": "x", "created_at": "1970-01-01T00:17:41Z" });
        let database = || serde_json::from_value::<ResourceRecord>(database.clone()).unwrap();
        assert_eq!(whose(database(), Some(1_001)), Ownership::Ours);
        assert_eq!(whose(database(), Some(1_000)), Ownership::Unclear);
    }
    #[test]
    fn only_a_single_one_is_doubted_for_its_time_alone() {
        let several = |candidates: &[&str]| {
            TriggerError::Unidentified(LookupFailure::Several {
                candidates: candidates.iter().map(|&it| it.to_owned()).collect(),
                noun: "deployment",
            })
        };
        let is_late = |error, late| {
            let TriggerError::Unidentified(search) = doubted(error, late) else {
                panic!("it stays what it is");
            };
            matches!(search, LookupFailure::Late { candidate, .. } if candidate == "a")
        };
        assert!(is_late(several(&["a"]), true));
        assert!(!is_late(several(&["a"]), false));
        assert!(!is_late(several(&["a", "b"]), true));
    }
}
