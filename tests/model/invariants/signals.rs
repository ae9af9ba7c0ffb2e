//! What signals and the time limit do.

use super::Verdict;
use crate::case::Case;
use crate::journal::{seconds, tail};
use crate::scenario::Abandon;
use crate::service::{Ask, signed};

pub(super) fn the_end_is_in_time(case: &Case) -> Verdict {
    let limit = case.scenario().inputs.timeout + 10_000;
    if case.ended() > limit {
        return Err(format!(
            "at {}, not by {}",
            seconds(case.ended()),
            seconds(limit)
        ));
    }
    Ok(())
}

pub(super) fn signals_are_obeyed(case: &Case) -> Verdict {
    let first = case.signal().map(|at| (at, 6_000));
    let insists = case.insisting_signal().map(|at| (at, 100));
    for (at, limit) in first.into_iter().chain(insists) {
        let took = case.ended().saturating_sub(at);
        if took > limit {
            return Err(format!(
                "{} after the one at {}",
                seconds(took),
                seconds(at)
            ));
        }
    }
    Ok(())
}

pub(super) fn nothing_new_after_a_signal(case: &Case) -> Verdict {
    if case.requests().len() > case.sent_by_the_end {
        return Err("a request was sent after the run had ended".to_owned());
    }
    let inputs = &case.scenario().inputs;
    let Some((told, before)) = case.world.journal.signals.first() else {
        return Ok(());
    };
    for sent in case.requests().iter().skip(*before) {
        let is_cancel = matches!(sent.ask, Ask::Cancel { .. });
        if sent.ask.is_write() && !is_cancel {
            return Err(format!("after the signal at {}: {sent}", seconds(*told)));
        }
        if is_cancel && inputs.on_cancel == Abandon::Leave {
            return Err(format!("asked to leave it: {sent}"));
        }
    }
    Ok(())
}

/// With a service that answers, whatever was started when a signal came is
/// cancelled, if that is wanted and possible.
pub(super) fn signal_cancels(case: &Case) -> Verdict {
    let scenario = case.scenario();
    let Some(at) = case.signal() else {
        return Ok(());
    };
    let leaves_no_time = case
        .insisting_signal()
        .is_some_and(|second| second < at + 5_000);
    let is_wanted = scenario.inputs.on_cancel == Abandon::Cancel && scenario.has_key();
    let is_interrupted = case.word() == "interrupted";
    // Several new deployments that could be the hook's: none is touched.
    let is_unclear =
        case.start_is_unnamed() && !(scenario.others.is_empty() && scenario.is_listed_clearly());
    if !scenario.is_healthy() || !is_wanted || !is_interrupted || leaves_no_time || is_unclear {
        return Ok(());
    }
    match case.made().find(|made| {
        !made.cancel_asked && made.ended.is_none_or(|ended| ended > signed(case.ended()))
    }) {
        Some(left) => Err(format!("{} goes on", tail(&left.id))),
        None => Ok(()),
    }
}
