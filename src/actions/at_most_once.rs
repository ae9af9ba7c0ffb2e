//! The one mechanism for every write that must not happen twice.

use std::fmt::Display;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, timeout};

use crate::actions::deploy::matcher::Ownership;
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::lookup::{
    Candidate, EffectSearch, LookupError, LookupResult, SearchResult, find_each, unidentified,
};
use crate::event::EventKind;
use crate::http::TransportError;
use crate::messages::{Failure, Warning};
use crate::sevalla::{ApiError, ApiErrorKind, Client, RetryDecision};

/// How long looking for a late effect of the first sending may hold up the run
/// that the second has started.
const LATE_EFFECT: Duration = Duration::from_secs(2);

/// How far a write may go.
pub(crate) trait TimeBudget {
    /// Whether it may be sent: nobody has asked to end, and there is time.
    async fn may_begin(&self) -> bool;

    /// Until when its effect may be looked for.
    fn looks_until(&self) -> Instant;
}

impl TimeBudget for Client {
    async fn may_begin(&self) -> bool {
        !self.is_closing().await && Instant::now() < self.deadline()
    }

    fn looks_until(&self) -> Instant {
        self.with_grace().deadline()
    }
}

/// Makes a write take effect at most once.
///
/// When the answer to `send` is lost, `search` lists what is new. Exactly one
/// that is not somebody else's, and that is ours: that is it. Nothing after a
/// bounded time: the request had no effect, and is sent once more, unless
/// nothing new is to be begun `within` these bounds. Anything else remains
/// unknown. `entry` records each step before it is taken.
pub(crate) async fn at_most_once<T: Candidate>(
    send: impl AsyncFn() -> Result<T, ApiError>,
    search: impl AsyncFn() -> SearchResult<T>,
    within: &impl TimeBudget,
    entry: &WriteEntry,
    report: Report<'_>,
) -> Result<T, TriggerError> {
    let keys = [WriteEntry::ONLY];
    let send = async |_: &[&str]| Ok(vec![(WriteEntry::ONLY, send().await?)]);
    let search = async |_: &str| search().await;
    let mut ends = each_at_most_once(&keys, send, search, within, entry, report)
        .await
        .into_iter();
    #[expect(clippy::expect_used, reason = "one key goes in, so one end comes out")]
    ends.next()
        .map(|(_, end)| end)
        .expect("an end for each key")
}

/// Like [`at_most_once`], for a write with one effect for each key: `send` gives what
/// the answer names, `search` looks for the effect of one key. Only keys
/// without an effect are sent a second time.
pub(crate) async fn each_at_most_once<K: Copy + PartialEq + Display, T: Candidate>(
    keys: &[K],
    send: impl AsyncFn(&[K]) -> Result<Vec<(K, T)>, ApiError>,
    search: impl AsyncFn(K) -> SearchResult<T>,
    within: &impl TimeBudget,
    entry: &WriteEntry,
    report: Report<'_>,
) -> Vec<(K, Result<T, TriggerError>)> {
    let (send, search) = (&send, &search);
    let send =
        |keys: Vec<K>| -> LocalBoxFuture<'_, _> { Box::pin(async move { send(&keys).await }) };
    let search = |key: K| -> LocalBoxFuture<'_, _> { Box::pin(search(key)) };
    let ends = send_and_find(keys, &send, &search, within, entry, report).await;
    entry.settle(&ends, report);
    ends
}

/// Sends a write for these keys; gives what the answer names. It is boxed for the
/// reason that [`EffectSearch`] is.
type Sending<'a, K, T> = dyn Fn(Vec<K>) -> LocalBoxFuture<'a, Result<Vec<(K, T)>, ApiError>> + 'a;

async fn send_and_find<K: Copy + PartialEq + Display, T: Candidate>(
    keys: &[K],
    send: &Sending<'_, K, T>,
    search: &EffectSearch<'_, K, T>,
    within: &impl TimeBudget,
    entry: &WriteEntry,
    report: Report<'_>,
) -> Vec<(K, Result<T, TriggerError>)> {
    let mut ends = Vec::new();
    let mut open = keys.to_vec();
    // An earlier process may have sent it, and this one has found no effect.
    let mut first_loss: Option<ApiError> = entry.loss_before(keys);
    loop {
        if let Err(error) = entry.record(&open) {
            let end = |key| (key, Err(unrecorded::<T>(&error, first_loss.as_ref())));
            ends.extend(open.into_iter().map(end));
            return ends;
        }
        let lost = match send(open.clone()).await {
            Ok(made) => {
                if first_loss.is_some() {
                    report_others(&made, search, report).await;
                }
                ends.extend(take_answer(&mut open, made));
                ends.extend(find_unnamed(&open, search, within).await);
                return ends;
            }
            Err(error) if error.next() == RetryDecision::Ambiguous => error,
            // The second sending was refused, but the first may have worked.
            Err(error) => {
                let end = |key| (key, Err(refused::<T>(&error, first_loss.as_ref())));
                ends.extend(open.into_iter().map(end));
                return ends;
            }
        };
        let LookupResult {
            found,
            missing,
            is_cut_short,
        } = find_effects(&lost, &open, keys, search, within, report).await;
        ends.extend(found.into_iter().map(|(key, made)| (key, Ok(made))));
        // After a shorter search its effect may still be to come.
        let may_repeat = first_loss.is_none() && !is_cut_short && within.may_begin().await;
        let sendings = 1 + u32::from(first_loss.is_some());
        open.clear();
        for (key, not_one) in missing {
            match not_one {
                LookupError::None if may_repeat => open.push(key),
                not_one => ends.push((key, Err(ambiguous(lost.clone(), not_one, sendings)))),
            }
        }
        if open.is_empty() {
            return ends;
        }
        report_repetition::<T>(&of_all(open.len(), keys), report);
        first_loss = Some(lost);
    }
}

fn report_repetition<T: Candidate>(of_all: &str, report: Report<'_>) {
    report(EventKind::Note(&format!(
        "It did not{of_all}: no new {} matches. Sending it once more.",
        T::NOUN
    )));
}

/// How many of the keys a message is about; empty for the only one.
fn of_all<K>(part: usize, keys: &[K]) -> String {
    match keys.len() {
        1 => String::new(),
        all => format!(" for {part} of {all}"),
    }
}

/// Looks for what an accepted request may have started without naming it.
async fn find_unnamed<K: Copy, T: Candidate>(
    open: &[K],
    search: &EffectSearch<'_, K, T>,
    within: &impl TimeBudget,
) -> impl Iterator<Item = (K, Result<T, TriggerError>)> {
    let LookupResult { found, missing, .. } = find_each(open, search, false, within).await;
    let found = found.into_iter().map(|(key, made)| (key, Ok(made)));
    let missing = missing.into_iter();
    found.chain(missing.map(|(key, not_one)| (key, Err(unidentified(not_one)))))
}

/// Looks for the effects of a request whose answer was lost. `open` are those of
/// the `keys` whose effect is not known yet.
async fn find_effects<K: Copy, T: Candidate>(
    lost: &ApiError,
    open: &[K],
    keys: &[K],
    search: &EffectSearch<'_, K, T>,
    within: &impl TimeBudget,
    report: Report<'_>,
) -> LookupResult<K, T> {
    report(EventKind::Note(&format!(
        "The answer was lost ({}). Looking whether the request took effect.",
        lost.cause
    )));
    let is_slow = matches!(
        lost.cause,
        ApiErrorKind::Transport(TransportError::TimedOut { .. })
    );
    let effects = find_each(open, search, is_slow, within).await;
    if !effects.found.is_empty() {
        report(EventKind::Note(&format!(
            "It did{}: exactly one new {} matches. Going on with that one.",
            of_all(effects.found.len(), keys),
            T::NOUN
        )));
    }
    effects
}

/// Nothing is sent that could not be recorded.
fn unrecorded<T: Candidate>(error: &std::io::Error, first_loss: Option<&ApiError>) -> TriggerError {
    let reason = format!("The state-file could not be written: {error}");
    match first_loss {
        Some(first) => ambiguous::<T>(first.clone(), LookupError::None, 1).at(reason),
        None => TriggerError::refused(
            Failure::StateFileUnusable,
            reason,
            Failure::StateFileUnusable.first_step(),
        ),
    }
}

/// A sending was refused, or never went out.
fn refused<T: Candidate>(error: &ApiError, first_loss: Option<&ApiError>) -> TriggerError {
    let Some(first) = first_loss else {
        return TriggerError::Api(error.clone());
    };
    match error.cause {
        ApiErrorKind::Stopped
        | ApiErrorKind::NoTime
        | ApiErrorKind::BudgetUsedUp { .. }
        | ApiErrorKind::Transport(
            TransportError::NotConnected { .. } | TransportError::ProxyRefused { .. },
        ) => ambiguous::<T>(first.clone(), LookupError::None, 1).at(error.to_string()),
        _ => ambiguous::<T>(error.clone(), LookupError::None, 2)
            .at(format!("The answer to the first was lost: {}", first.cause)),
    }
}

/// Takes the keys that an answer names out of the open ones.
fn take_answer<K: Copy + PartialEq, T>(
    open: &mut Vec<K>,
    made: Vec<(K, T)>,
) -> Vec<(K, Result<T, TriggerError>)> {
    let mut ends = Vec::new();
    for (key, made) in made {
        if let Some(at) = open.iter().position(|other| *other == key) {
            open.remove(at);
            ends.push((key, Ok(made)));
        }
    }
    ends
}

/// The request was sent twice and the second was answered. If the first has
/// taken effect after all, somebody must know.
async fn report_others<K: Copy + PartialEq, T: Candidate>(
    made: &[(K, T)],
    search: &EffectSearch<'_, K, T>,
    report: Report<'_>,
) {
    for (key, made) in made {
        let found = timeout(LATE_EFFECT, search(*key)).await;
        let found = found.ok().and_then(Result::ok).flatten();
        let found = found.unwrap_or_default();
        for other in found
            .iter()
            .filter(|found| found.whose != Ownership::Others)
            .filter_map(|found| found.it.id())
            .filter(|id| Some(*id) != made.id())
        {
            let text = format!(
                "{} {other} is new too: the first request, whose answer was lost, may have made it. \
                 Check in the dashboard whether it should stay.",
                capitalized(T::NOUN)
            );
            report(EventKind::Warning(Warning::PossibleDuplicate, &text));
        }
    }
}

fn capitalized(noun: &str) -> String {
    let mut letters = noun.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

pub(super) fn ambiguous<T: Candidate>(
    lost: ApiError,
    not_one: LookupError<T>,
    sent: u32,
) -> TriggerError {
    TriggerError::Ambiguous {
        lost: Box::new(lost),
        search: not_one.after(sent),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::actions::error::LookupFailure;
    use crate::actions::lookup::Candidates;
    use crate::deployment::{Deployment, DeploymentId};
    use crate::sevalla::Refusal;
    use crate::sevalla::operation::TRIGGER_DEPLOYMENT;

    fn failed(status: u16) -> ApiError {
        ApiError {
            operation: &TRIGGER_DEPLOYMENT,
            path: TRIGGER_DEPLOYMENT.path.to_owned(),
            cause: ApiErrorKind::Refused(Box::new(Refusal {
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

    /// Bounds that leave the time alone.
    struct NoTimeBudget {
        may_send_again: bool,
    }

    impl TimeBudget for NoTimeBudget {
        async fn may_begin(&self) -> bool {
            self.may_send_again
        }

        fn looks_until(&self) -> Instant {
            Instant::now() + Duration::from_secs(3600)
        }
    }

    /// Sends with these answers in turn and finds these deployments each time;
    /// gives the result, how often was sent and what was reported.
    async fn play(
        answers: Vec<Result<Deployment, ApiError>>,
        found: &[&str],
        may_send_again: bool,
    ) -> (Result<Deployment, TriggerError>, usize, String) {
        let (answers, sendings) = (RefCell::new(answers.into_iter()), Cell::new(0));
        let reported = RefCell::new(String::new());
        let send = async || {
            sendings.set(sendings.get() + 1);
            answers.borrow_mut().next().unwrap()
        };
        // Nothing is to be seen before the second sending.
        let search = async || {
            let is_late = sendings.get() > 1;
            let found = found.iter().filter(|_| is_late);
            Ok(Some(found.map(|id| Candidates::ours(made(id))).collect()))
        };
        let report = |event: EventKind<'_>| reported.borrow_mut().push_str(&format!("{event:?}"));
        let (free, entry) = (NoTimeBudget { may_send_again }, WriteEntry::default());
        let result = at_most_once(send, search, &free, &entry, &report).await;
        (result, sendings.get(), reported.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_carried_out_is_sent_once_more() {
        let (result, sendings, _) = play(vec![Err(failed(502)), Ok(made("a"))], &["a"], true).await;
        assert_eq!((result.unwrap().id.0.as_str(), sendings), ("a", 2));
        let (result, sendings, _) = play(vec![Err(failed(502))], &[], false).await;
        assert!(matches!(
            result,
            Err(TriggerError::Ambiguous {
                search: LookupFailure::None { sent: 1, .. },
                ..
            })
        ));
        assert_eq!(sendings, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_second_sending_does_not_tell_what_the_first_did() {
        let not_sent = ApiError {
            cause: ApiErrorKind::Stopped,
            ..failed(403)
        };
        for (second, status, reported) in [(failed(403), 403, 2), (not_sent, 502, 1)] {
            let answers = vec![Err(failed(502)), Err(second)];
            let (result, sendings, _) = play(answers, &[], true).await;
            let Err(TriggerError::At(_, end)) = result else {
                panic!("{result:?}");
            };
            let TriggerError::Ambiguous { lost, search } = *end else {
                panic!("{end:?}");
            };
            assert_eq!(lost.status(), Some(status));
            assert!(matches!(search, LookupFailure::None { sent, .. } if sent == reported));
            assert_eq!(sendings, 2);
        }
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
                search: LookupFailure::None { sent: 2, .. },
                ..
            })
        ));
        assert_eq!(sendings, 2);
        let (result, _, _) = play(vec![lost(), lost()], &["a", "b"], true).await;
        assert!(
            matches!(result, Err(TriggerError::Ambiguous { search: LookupFailure::Several { candidates: two, .. }, .. }) if two.len() == 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_only_one_that_could_be_it_is_taken() {
        let lost = || Err(failed(502));
        let (result, sendings, reported) = play(vec![lost(), lost()], &["a"], true).await;
        assert_eq!((result.unwrap().id.0.as_str(), sendings), ("a", 2));
        assert!(
            reported.contains("exactly one new deployment matches"),
            "{reported}"
        );
    }

    /// Loses the first answer, then finds these in turn, the last again and
    /// again; gives the result and how often was sent.
    async fn looks(
        looks: Vec<Vec<(&str, Ownership)>>,
    ) -> (Result<Deployment, TriggerError>, usize) {
        let (sendings, count) = (Cell::new(0), Cell::new(0));
        let send = async || {
            sendings.set(sendings.get() + 1);
            match sendings.get() {
                1 => Err(failed(502)),
                _ => Ok(made("second")),
            }
        };
        let search = async || {
            let look = &looks[count.get().min(looks.len() - 1)];
            count.set(count.get() + 1);
            let found = look.iter().map(|(id, whose)| Candidates {
                it: made(id),
                whose: *whose,
            });
            Ok(Some(found.collect()))
        };
        let free = NoTimeBudget {
            may_send_again: true,
        };
        let result = at_most_once(send, search, &free, &WriteEntry::default(), &|_| {}).await;
        (result, sendings.get())
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_is_looked_at_again_and_never_sent_again() {
        use Ownership::{Others, Ours, Unclear};
        // What is filled in later decides.
        let late = looks(vec![vec![], vec![("a", Unclear)], vec![("a", Ours)]]).await;
        assert_eq!((late.0.unwrap(), late.1), (made("a"), 1));
        // It was somebody else's, and ours was never made.
        let others = looks(vec![vec![("a", Unclear)], vec![("a", Others)]]).await;
        assert_eq!((others.0.unwrap(), others.1), (made("second"), 2));
        let context = looks(vec![vec![("a", Others), ("b", Ours)]]).await;
        assert_eq!((context.0.unwrap(), context.1), (made("b"), 1));
        for (seen, count) in [
            (vec![vec![("a", Unclear)]], 1),
            (vec![vec![("a", Ours), ("b", Unclear)]], 2),
            (vec![vec![("a", Ours), ("b", Ours)]], 2),
            // It disappears from the list: that proves nothing.
            (vec![vec![("a", Unclear)], vec![]], 1),
            (vec![vec![("a", Unclear)], vec![("b", Ours)]], 2),
        ] {
            let shown = format!("{seen:?}");
            let (result, sendings) = looks(seen).await;
            let Err(TriggerError::Ambiguous {
                search: LookupFailure::Several { candidates, .. },
                ..
            }) = result
            else {
                panic!("{shown}: {result:?}");
            };
            assert_eq!((candidates.len(), sendings), (count, 1), "{shown}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_effect_of_the_first_sending_is_told() {
        let (result, _, reported) =
            play(vec![Err(failed(502)), Ok(made("b"))], &["b", "a"], true).await;
        assert_eq!(result.unwrap().id.0, "b");
        assert!(
            reported.contains("Deployment a is new too") && !reported.contains("Deployment b is"),
            "{reported}"
        );
    }
}
