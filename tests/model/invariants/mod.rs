//! What must hold in every case. Each function is one promise; its error says
//! in words what broke it.

mod outcome;
mod pace;
mod reporting;
mod signals;
mod writes;

use sevalla_deploy::shutdown::SAME_REQUEST;

use self::outcome::{
    ambiguous_is_earned, healthy_service_is_followed, refusals_end_the_run, the_end_has_its_reason,
    the_good_end_is_true, the_verdict_is_true, the_words_are_the_contract,
};
use self::pace::{budgets_are_kept, looks_have_their_rhythm};
use self::reporting::{no_secret_leaks, the_log_is_whole};
use self::signals::{
    nothing_new_after_a_signal, signal_cancels, signals_are_obeyed, the_end_is_in_time,
};
use self::writes::{
    cancels_are_ours, dry_run_only_reads, lost_answers_are_looked_up, none_of_several_is_chosen,
    nothing_is_sent_beside_another, one_deployment, the_api_is_respected,
};
use crate::case::Case;
use crate::journal::{Heard, Sent};
use crate::scenario::Scenario;
use crate::service::{Ask, By, Deployment};

type Verdict = Result<(), String>;

/// A promise in words, and what looks whether it was kept.
type Promise = (&'static str, fn(&Case) -> Verdict);

/// Checks everything; the error names the first promise that was broken.
pub(crate) fn check(case: &Case) -> Verdict {
    let promises: [Promise; 21] = [
        ("requests are what the API takes", the_api_is_respected),
        ("one deployment at most", one_deployment),
        ("a good end is the truth", the_good_end_is_true),
        ("a verdict is the service's", the_verdict_is_true),
        ("a dry run writes nothing", dry_run_only_reads),
        ("word and code belong together", the_words_are_the_contract),
        ("ambiguous only after a lost write", ambiguous_is_earned),
        ("a lost answer is looked up", lost_answers_are_looked_up),
        ("among several none is chosen", none_of_several_is_chosen),
        (
            "beside one that could be it nothing is sent again",
            nothing_is_sent_beside_another,
        ),
        ("what cannot heal ends the run", refusals_end_the_run),
        ("the end has its reason", the_end_has_its_reason),
        ("the end comes in time", the_end_is_in_time),
        ("a signal ends the run in time", signals_are_obeyed),
        (
            "nothing is begun after a signal",
            nothing_new_after_a_signal,
        ),
        ("only what is ours is cancelled", cancels_are_ours),
        ("a signal cancels what was started", signal_cancels),
        ("the budgets are kept", budgets_are_kept),
        ("looks have their rhythm", looks_have_their_rhythm),
        ("the log is told once and in order", the_log_is_whole),
        ("no secret leaks", no_secret_leaks),
    ];
    for (name, holds) in promises {
        holds(case).map_err(|problem| format!("{name}: {problem}"))?;
    }
    healthy_service_is_followed(case)
        .map_err(|problem| format!("a healthy service is followed to its end: {problem}"))
}

impl Case {
    fn scenario(&self) -> &Scenario {
        &self.world.scenario
    }

    fn requests(&self) -> &[Sent] {
        &self.world.journal.requests
    }

    fn made(&self) -> impl Iterator<Item = &Deployment> {
        let all = self.world.service.deployments.iter();
        all.filter(|deployment| deployment.by != By::Somebody)
    }

    fn ended(&self) -> u64 {
        self.world.journal.ended.unwrap_or(u64::MAX)
    }

    fn signal(&self) -> Option<u64> {
        self.world.journal.signals.first().map(|(at, _)| *at)
    }

    /// The first signal that is not the same request as the first of all.
    fn insisting_signal(&self) -> Option<u64> {
        let latest_same = self.signal()? + u64::try_from(SAME_REQUEST.as_millis()).ok()?;
        let mut signals = self.world.journal.signals.iter().map(|(at, _)| *at);
        signals.find(|at| *at > latest_same)
    }

    fn word(&self) -> &'static str {
        self.outcome.ending().word()
    }

    /// Whether this request belongs to cleaning up: after a signal, or after
    /// the time when that cancels.
    fn is_hurried(&self, number: usize, sent: &Sent) -> bool {
        let signals = &self.world.journal.signals;
        let after_signal = signals.first().is_some_and(|(_, before)| number >= *before);
        after_signal || sent.at >= self.scenario().inputs.timeout
    }

    /// The id of the deployment that the run follows or followed.
    fn followed(&self) -> Option<&str> {
        self.requests().iter().find_map(|sent| match &sent.ask {
            Ask::Get { id } => Some(id.as_str()),
            _ => None,
        })
    }

    fn start_was_lost(&self) -> bool {
        let mut requests = self.requests().iter();
        requests.any(|sent| sent.ask.is_start() && sent.is_lost())
    }

    /// Whether a start was accepted whose deployment no answer names.
    fn start_is_unnamed(&self) -> bool {
        self.hook_kept_silent() || self.scenario().service.odd_id
    }

    /// Whether the hook was called and did not tell what it started.
    fn hook_kept_silent(&self) -> bool {
        self.requests().iter().any(|sent| {
            sent.ask == Ask::Hook
                && matches!(
                    &sent.heard,
                    Heard::Answer(200..=299, None) | Heard::Garbage(_)
                )
        })
    }
}
