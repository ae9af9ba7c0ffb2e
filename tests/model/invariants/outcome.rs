//! The word and the code at the end: they are true and have a reason.

use sevalla_deploy::exit_status::ExitStatus;

use super::Verdict;
use super::writes::may_be_adopted;
use crate::case::Case;
use crate::journal::{Heard, Sent, tail};
use crate::scenario::{Abandon, Host};
use crate::service::{Ask, Deployment, signed};

/// The published words with their codes.
const CONTRACT: [(&str, &[u8]); 16] = [
    ("success", &[0]),
    ("planned", &[0]),
    ("triggered", &[0]),
    ("failed", &[1]),
    ("invalid-input", &[2]),
    ("cancelled", &[3]),
    ("skipped", &[3]),
    ("superseded", &[3]),
    ("timed-out", &[4]),
    ("unauthorized", &[5]),
    ("unavailable", &[6]),
    ("ambiguous", &[7]),
    ("unverified", &[8]),
    ("rejected", &[9]),
    ("internal", &[10]),
    ("interrupted", &[129, 130, 143]),
];

pub(super) fn the_good_end_is_true(case: &Case) -> Verdict {
    let inputs = &case.scenario().inputs;
    match case.word() {
        "planned" if !inputs.dry_run => Err("planned, and not asked to".to_owned()),
        "triggered" => {
            let is_asked = !inputs.follow || !case.scenario().has_key();
            if !is_asked {
                return Err("triggered, and asked to follow".to_owned());
            }
            let is_taken = case.requests().iter().any(|sent| {
                sent.ask.is_start()
                    && (sent.is_lost()
                        || matches!(sent.heard, Heard::Answer(200..=299, _) | Heard::Garbage(_)))
            });
            if is_taken {
                Ok(())
            } else {
                Err("triggered, and nothing was".to_owned())
            }
        }
        "success" => {
            let id = case
                .followed()
                .ok_or("success, and nothing was looked at")?;
            let deployments = &case.world.service.deployments;
            let found = deployments.iter().find(|deployment| deployment.id == id);
            let deployment = found.ok_or("success of a deployment that does not exist")?;
            if deployment.status != "success" {
                return Err(format!("{} is {}", tail(id), deployment.status));
            }
            if !case.outcome.headline.contains(id) {
                return Err(format!("the headline does not name {id}"));
            }
            may_be_adopted(case, deployment)
        }
        _ => Ok(()),
    }
}

/// What the service told last of the deployment, in an answer that arrived.
fn told_last(case: &Case) -> Option<&'static str> {
    case.requests()
        .iter()
        .rev()
        .find_map(|sent| match (&sent.ask, &sent.heard) {
            (Ask::Get { .. }, Heard::Answer(200, Some((_, word)))) => Some(*word),
            _ => None,
        })
}

pub(super) fn the_verdict_is_true(case: &Case) -> Verdict {
    let word = case.word();
    if word == "superseded" {
        return the_newer_one_is_there(case);
    }
    if !matches!(word, "success" | "failed" | "cancelled" | "skipped") {
        return Ok(());
    }
    match told_last(case) {
        Some(told) if told == word => Ok(()),
        told => Err(format!("the run says {word}, the service {told:?}")),
    }
}

/// It ended without being deployed, and something newer was asked for.
fn the_newer_one_is_there(case: &Case) -> Verdict {
    if !matches!(told_last(case), Some("cancelled" | "skipped")) {
        return Err(format!("superseded, and it was {:?}", told_last(case)));
    }
    let deployments = &case.world.service.deployments;
    let ours = case
        .followed()
        .and_then(|id| deployments.iter().find(|deployment| deployment.id == id));
    let ours = ours.ok_or("superseded, and nothing was looked at")?;
    let is_newer = |other: &&Deployment| other.created >= ours.created && other.id != ours.id;
    let newer = deployments.iter().find(is_newer);
    newer
        .map(drop)
        .ok_or_else(|| "superseded, and nothing is newer".to_owned())
}

pub(super) fn the_words_are_the_contract(case: &Case) -> Verdict {
    let outcome = &case.outcome;
    let (word, code) = (case.word(), outcome.ending().code());
    let known = CONTRACT
        .iter()
        .any(|(known, codes)| *known == word && codes.contains(&code));
    if !known {
        return Err(format!("{word} with code {code}"));
    }
    if matches!(
        outcome.ending(),
        ExitStatus::Internal | ExitStatus::InvalidInput
    ) {
        return Err(format!("{outcome:?}"));
    }
    let explains = !outcome.why.is_empty() || outcome.hint.is_some();
    if code != 0 && (outcome.headline.is_empty() || !explains) {
        return Err(format!("no explanation: {outcome:?}"));
    }
    let is_told =
        case.stderr.contains(&outcome.headline) || case.stdout.contains(&outcome.headline);
    if !is_told {
        return Err("the headline was not told".to_owned());
    }
    let outputs = format!("outcome={word}\n");
    if case.scenario().inputs.host != Host::GitHub && !case.stdout.contains(&outputs) {
        return Err(format!("the outputs do not say {outputs}"));
    }
    Ok(())
}

pub(super) fn ambiguous_is_earned(case: &Case) -> Verdict {
    // A hook that was called and does not tell what it started is as unsure.
    let is_unsure = case.start_was_lost() || case.start_is_unnamed();
    if case.word() == "ambiguous" && !is_unsure {
        return Err("no answer to a write was lost".to_owned());
    }
    Ok(())
}

/// Nothing is waited for after a refusal that time cannot heal.
pub(super) fn refusals_end_the_run(case: &Case) -> Verdict {
    let mut first_look = None;
    let mut is_started = false;
    for sent in case.requests() {
        // After a second sending the list only tells of more.
        let only_tells = is_started && matches!(sent.ask, Ask::List { .. });
        is_started |=
            sent.ask.is_start() && matches!(sent.heard, Heard::Answer(200..=299, Some(_)));
        let is_look = matches!(sent.ask, Ask::Get { .. });
        let since = *first_look.get_or_insert(sent.at);
        if !is_look {
            first_look = None;
        }
        let decides =
            is_look || sent.ask.is_start() || matches!(sent.ask, Ask::Record | Ask::List { .. });
        let (Heard::Answer(status @ (401 | 403 | 404), _), Some(at)) = (&sent.heard, sent.heard_at)
        else {
            continue;
        };
        // What was just created may be unknown for a moment.
        let is_young = is_look && *status == 404 && at < since + 21_000;
        // A key that may only write is enough for a start that is not followed.
        let inputs = &case.scenario().inputs;
        let is_needed = sent.ask.is_start() || *status != 403 || inputs.follow || inputs.dry_run;
        if decides && !only_tells && is_needed && !is_young && case.ended() > at + 6_000 {
            return Err(format!("it went on after {sent}"));
        }
    }
    Ok(())
}

/// Each word for a bad end needs what it is about to have happened.
pub(super) fn the_end_has_its_reason(case: &Case) -> Verdict {
    let heard = |statuses: &[u16]| {
        let mut all = case.requests().iter();
        all.any(|sent| matches!(&sent.heard, Heard::Answer(status, _) if statuses.contains(status)))
    };
    let failed = |sent: &Sent| match &sent.heard {
        Heard::Answer(status, _) => *status == 429 || *status >= 500,
        _ => true,
    };
    let scenario = case.scenario();
    let holds = match case.outcome.ending() {
        ExitStatus::TimedOut => case.ended() >= scenario.inputs.timeout,
        ExitStatus::Unauthorized => heard(&[401, 403]),
        ExitStatus::Rejected => heard(&[404]) || scenario.is_refused(),
        ExitStatus::Unavailable => case.requests().iter().any(failed) || had_no_budget(case),
        ExitStatus::Interrupted(signal) => scenario
            .signals
            .first()
            .is_some_and(|(_, first)| *first == signal),
        _ => true,
    };
    if !holds {
        return Err(format!("nothing explains {}", case.word()));
    }
    let looked_last = case.requests().iter().any(|sent| {
        matches!(sent.ask, Ask::Get { .. }) && sent.heard_at >= Some(scenario.inputs.timeout)
    });
    let may_look =
        scenario.has_no_faults() && scenario.crowd.reads == 0 && case.followed().is_some();
    if case.outcome.ending() == ExitStatus::TimedOut && may_look && !looked_last {
        return Err("there was no last look at the end of the time".to_owned());
    }
    Ok(())
}

/// Whether the service reported a budget as used up until the end of the run:
/// what it would only refuse is not sent then.
fn had_no_budget(case: &Case) -> bool {
    case.requests().iter().any(|sent| {
        let is_used_up = sent.left.is_some_and(|left| left.remaining == 0);
        let frees = sent.left.zip(sent.heard_at);
        let frees = frees.map(|(left, at)| at + left.reset * 1000);
        is_used_up && frees >= Some(case.ended())
    })
}

/// Where nothing goes wrong, the outcome follows from the scenario.
pub(super) fn healthy_service_is_followed(case: &Case) -> Verdict {
    let scenario = case.scenario();
    let inputs = &scenario.inputs;
    if case.signal().is_some() || !scenario.has_no_faults() || !scenario.is_healthy() {
        let was_told = case
            .requests()
            .iter()
            .any(|sent| sent.ask == Ask::Record && matches!(sent.heard, Heard::Answer(200, _)));
        if scenario.is_refused() && was_told && case.made().next().is_some() {
            return Err("a service that is not ready was deployed".to_owned());
        }
        return Ok(());
    }
    let word = case.word();
    if inputs.dry_run {
        return expect(word, &["planned"]);
    }
    let made = case.made().next().ok_or("nothing was deployed")?;
    if case.start_is_unnamed() && !(scenario.others.is_empty() && scenario.is_listed_clearly()) {
        return Ok(());
    }
    if !inputs.follow || !scenario.has_key() {
        return expect(word, &["triggered"]);
    }
    if made.cancel_asked {
        // The end of the time and its own end crossed, or it was cancelled.
        return expect(word, &[made.status, "timed-out"]);
    }
    match made.ended {
        Some(ended) if ended + 1_500 <= signed(inputs.timeout) => expect(word, &[made.status]),
        Some(ended) if ended <= signed(case.ended()) => expect(word, &[made.status, "timed-out"]),
        _ if inputs.on_timeout == Abandon::Cancel => Err("it was to be cancelled".to_owned()),
        _ => expect(word, &["timed-out"]),
    }
}

fn expect(word: &str, expected: &[&str]) -> Verdict {
    // Whether there was a newer one is looked at elsewhere.
    let may_be_superseded = expected.contains(&"cancelled") || expected.contains(&"skipped");
    if expected.contains(&word) || (word == "superseded" && may_be_superseded) {
        return Ok(());
    }
    Err(format!("the outcome is {word}, not {expected:?}"))
}
