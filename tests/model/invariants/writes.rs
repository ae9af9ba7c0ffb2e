//! What a run sends: what changes something, how often, and to whom.

use super::Verdict;
use crate::case::Case;
use crate::journal::{Heard, Sent, seconds, tail};
use crate::scenario::{Abandon, Target};
use crate::service::{Ask, By, Deployment};

pub(super) fn the_api_is_respected(case: &Case) -> Verdict {
    match case.requests().iter().find(|sent| sent.offence.is_some()) {
        Some(sent) => Err(format!("{sent}: {}", sent.offence.unwrap_or_default())),
        None => Ok(()),
    }
}

pub(super) fn one_deployment(case: &Case) -> Verdict {
    let made: Vec<&str> = case.made().map(|made| tail(&made.id)).collect();
    if made.len() > 1 {
        return Err(format!("the run made {made:?}"));
    }
    Ok(())
}

pub(super) fn dry_run_only_reads(case: &Case) -> Verdict {
    let wrote = case.requests().iter().find(|sent| sent.ask.is_write());
    match wrote {
        Some(sent) if case.scenario().inputs.dry_run => Err(sent.to_string()),
        _ => Ok(()),
    }
}

/// Where the list can be read and nobody else deploys, the one deployment that
/// was made is found.
pub(super) fn lost_answers_are_looked_up(case: &Case) -> Verdict {
    let scenario = case.scenario();
    let faults = &scenario.faults;
    let can_look = scenario.has_key()
        && faults.search == 0
        && faults.closed.is_none()
        && !faults.write_only
        && scenario.crowd.reads == 0
        && scenario.others.is_empty()
        && scenario.is_listed_clearly();
    let sent_first = case.requests().iter().find(|sent| sent.ask.is_start());
    let has_time = sent_first.is_some_and(|sent| sent.at + 120_000 < scenario.inputs.timeout);
    if can_look && has_time && case.word() == "ambiguous" && case.made().next().is_some() {
        return Err("it was made, and not found".to_owned());
    }
    Ok(())
}

/// Once the list shows two that could be the run's, it must not pick one.
pub(super) fn none_of_several_is_chosen(case: &Case) -> Verdict {
    let mut later = case
        .requests()
        .iter()
        .skip_while(|sent| sent.candidates < 2);
    let unclear = later.next();
    let was_told =
        |sent: &&Sent| sent.ask.is_start() && matches!(&sent.heard, Heard::Answer(_, Some(_)));
    if case.requests().iter().any(|sent| was_told(&sent)) {
        return Ok(());
    }
    match unclear
        .and_then(|_| later.find(|sent| matches!(sent.ask, Ask::Get { .. } | Ask::Cancel { .. })))
    {
        Some(sent) => Err(format!("{sent} at {}", seconds(sent.at))),
        None => Ok(()),
    }
}

/// Once the list has shown one that could be the run's, nothing is sent again.
pub(super) fn nothing_is_sent_beside_another(case: &Case) -> Verdict {
    let mut seen = None;
    for sent in case.requests() {
        if sent.ask.is_start()
            && let Some(seen) = seen
        {
            return Err(format!("{sent}, after {seen}"));
        }
        if sent.candidates > 0 {
            seen = Some(sent.to_string());
        }
    }
    Ok(())
}

pub(super) fn cancels_are_ours(case: &Case) -> Verdict {
    let inputs = &case.scenario().inputs;
    for (number, sent) in case.requests().iter().enumerate() {
        let Ask::Cancel { id } = &sent.ask else {
            continue;
        };
        let signals = &case.world.journal.signals;
        let after_signal = signals.first().is_some_and(|(_, before)| number >= *before);
        let after_time = inputs.on_timeout == Abandon::Cancel && sent.at >= inputs.timeout;
        if !after_signal && !after_time {
            return Err(format!(
                "nothing asks for it at {}: {sent}",
                seconds(sent.at)
            ));
        }
        let deployments = &case.world.service.deployments;
        let found = deployments.iter().find(|deployment| deployment.id == *id);
        may_be_adopted(case, found.ok_or("it does not exist")?)?;
    }
    Ok(())
}

/// A deployment of somebody else is followed only when the answer to our own
/// request was lost, and it is one that our request could have made.
pub(super) fn may_be_adopted(case: &Case, deployment: &Deployment) -> Verdict {
    if deployment.by != By::Somebody {
        return Ok(());
    }
    let is_hook = matches!(case.scenario().inputs.target, Target::Hook { .. });
    let could_be_ours = deployment.created >= 0
        && (!deployment.automatic || is_hook)
        && (deployment.branch == case.scenario().branch() || case.scenario().inputs.restart);
    if (case.start_was_lost() || case.start_is_unnamed()) && could_be_ours {
        return Ok(());
    }
    Err(format!("{} is somebody else's", tail(&deployment.id)))
}
