//! What a run prints: the log, and no secret.

use super::Verdict;
use crate::case::Case;
use crate::scenario::{Host, Target};
use crate::service::{HOOK, HOOK_SECRET, KEY};

/// The numbers of the log's lines that were told, in order.
fn told_lines(case: &Case) -> Vec<usize> {
    let stream = match case.scenario().inputs.host {
        Host::GitHub => &case.stdout,
        Host::Local | Host::OtherCi => &case.stderr,
    };
    let of_log = stream.lines().filter_map(|line| line.split_once("| step "));
    of_log
        .filter_map(|(_, rest)| rest.split(' ').next()?.parse().ok())
        .collect()
}

pub(super) fn the_log_is_whole(case: &Case) -> Verdict {
    let scenario = case.scenario();
    let told = told_lines(case);
    let mut unique = told.clone();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() != told.len() {
        return Err(format!("a line was told twice: {told:?}"));
    }
    let is_in_order = unique == told;
    if !scenario.log.is_uneven && !is_in_order {
        return Err(format!("the order is {told:?}"));
    }
    let ended = matches!(
        case.word(),
        "success" | "failed" | "cancelled" | "skipped" | "superseded"
    );
    let wanted = match scenario.inputs.logs {
        "live" => ended,
        "on-failure" => ended && case.word() != "success",
        _ => false,
    };
    if scenario.inputs.logs == "off" && !told.is_empty() {
        return Err("lines were told, and not asked for".to_owned());
    }
    // Lines later than the reading after the end waits for are lost to it, and
    // so are those after a signal or the end of the time.
    let hurries = case.signal().is_some() || case.ended() + 10_000 > scenario.inputs.timeout;
    let is_healthy = scenario.faults.log == 0
        && scenario.faults.closed.is_none()
        && !scenario.faults.write_only
        && scenario.crowd.logs == 0
        && scenario.log.lag <= 2_500;
    if !wanted || hurries || !is_healthy {
        return Ok(());
    }
    let deployments = &case.world.service.deployments;
    let followed = case
        .followed()
        .and_then(|id| deployments.iter().find(|d| d.id == id));
    let lines = followed.map_or(0, |deployment| case.world.service.lines(deployment).len());
    // Where others take the budget, the last lines may not be had in time; then
    // that is said.
    let is_admitted = format!("{}{}", case.stdout, case.stderr).contains("lack its last lines");
    // After a success late lines get a second at most: then, too, it is said
    // where it shows.
    let is_late = case.word() == "success" && (scenario.log.lag > 300 || scenario.log.is_uneven);
    if told.len() != lines && !is_late && !(is_admitted && scenario.crowd.reads > 0) {
        return Err(format!("{} of {lines} lines: {told:?}", told.len()));
    }
    Ok(())
}

pub(super) fn no_secret_leaks(case: &Case) -> Verdict {
    let is_hook = matches!(case.scenario().inputs.target, Target::Hook { .. });
    let secrets = [
        (case.scenario().has_key(), KEY),
        (is_hook, HOOK),
        (is_hook, HOOK_SECRET),
    ];
    let shown = [&case.stdout, &case.stderr];
    let lines = shown.iter().flat_map(|stream| stream.lines());
    for line in lines {
        for (_, secret) in secrets.iter().filter(|(is_given, _)| *is_given) {
            if line.contains(secret) {
                return Err(line.to_owned());
            }
        }
    }
    let outcome = format!("{:?}", case.outcome.headline);
    if outcome.contains(KEY) {
        Err(outcome)
    } else {
        Ok(())
    }
}
