//! One outcome from those of all targets of a promotion.

use crate::exit_status::ExitStatus;
use crate::outcome::{Outcome, Success};

/// Several at once.
impl Outcome {
    /// One outcome from those of all targets, with their names: a success only
    /// if all are, else the gravest.
    pub fn of_targets(ends: &[(String, Self)]) -> Self {
        let all = ends.len();
        let failed: Vec<&(String, Self)> = ends.iter().filter(|(_, end)| !end.is_good()).collect();
        let Some((its, gravest)) = failed.iter().min_by_key(|(_, end)| gravity(end.ending()))
        else {
            return all_good(ends);
        };
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        let headline = match names.len() {
            count if count == all && all > 1 => "The promotion failed for every target".to_owned(),
            _ => format!(
                "The promotion failed for {} of {all}: {}",
                names.len(),
                names.join(", ")
            ),
        };
        let mut outcome = Self::new(gravest.result, headline).after(gravest.effort.clone());
        outcome.hint = gravest.hint.as_ref().map(|hint| match all {
            1 => hint.clone(),
            _ => format!("{its}: {hint}"),
        });
        for (name, end) in ends {
            outcome = outcome.because(format!("{name}: {}", end.headline));
            let why = end.why.iter().map(|why| format!("{name}: {why}"));
            outcome.why.extend(why);
        }
        outcome
    }
}

impl Outcome {
    /// Not followed, and on so many of all targets nothing was started.
    pub(crate) fn promoted_before(found: usize, all: usize) -> Self {
        let started = match all - found {
            0 => "Promoted nothing".to_owned(),
            started => format!("Promoted to {started} of {all}"),
        };
        let headline = format!(
            "{started}: found what an earlier attempt may have started for {found} of {all}; not \
             waiting for their ends"
        );
        Self::new(Ok(Success::Triggered), headline)
    }
}

/// The outcome of targets of which none has failed.
fn all_good(ends: &[(String, Outcome)]) -> Outcome {
    let all = ends.len();
    let skipped = ends
        .iter()
        .filter(|(_, end)| end.result == Ok(Success::Passed));
    let skipped: Vec<&str> = skipped.map(|(name, _)| name.as_str()).collect();
    let triggered = ends
        .iter()
        .any(|(_, end)| end.result == Ok(Success::Triggered));
    let (success, headline) = match skipped.len() {
        0 if triggered => (
            Success::Triggered,
            format!("Promoted to {all}; not waiting for their ends"),
        ),
        0 if all == 1 => (
            Success::Done,
            "Promoted: the deployment succeeded".to_owned(),
        ),
        0 => (
            Success::Done,
            format!("Promoted: all {all} deployments succeeded"),
        ),
        count => (
            Success::Passed,
            format!(
                "Promoted to {} of {all}; skipped: {}",
                all - count,
                skipped.join(", ")
            ),
        ),
    };
    Outcome::new(Ok(success), headline)
}

/// The order in which one ending stands for several; the gravest first.
const fn gravity(ending: ExitStatus) -> u8 {
    match ending {
        ExitStatus::Internal => 0,
        ExitStatus::Ambiguous => 1,
        ExitStatus::Failed => 2,
        ExitStatus::Unverified => 3,
        ExitStatus::Unauthorized => 4,
        ExitStatus::Rejected => 5,
        ExitStatus::Unavailable => 6,
        ExitStatus::TimedOut => 7,
        _ => 8,
    }
}
