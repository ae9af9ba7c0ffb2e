//! How often a run asks.

use super::Verdict;
use crate::case::Case;
use crate::journal::{Heard, Sent, seconds};
use crate::scenario::Headers;
use crate::service::{Ask, Left, Tier};

const MINUTE: u64 = 60_000;

pub(super) fn budgets_are_kept(case: &Case) -> Verdict {
    let requests = case.requests();
    in_any_minute(requests, 120, |_| true)
        .map_err(|count| format!("{count} requests in a minute"))?;
    in_any_minute(requests, 30, |sent| sent.tier() == Tier::Logs)
        .map_err(|count| format!("{count} readings of the log in a minute"))?;
    let scenario = case.scenario();
    if scenario.crowd.headers != Headers::Truthful || !scenario.has_no_faults() {
        return Ok(());
    }
    for tier in [Tier::Read, Tier::Logs, Tier::Deployment] {
        let of_tier = |sent: &&Sent| sent.tier() == tier;
        let patient: Vec<&Sent> = requests
            .iter()
            .enumerate()
            .filter(|(number, sent)| !case.is_hurried(*number, sent))
            .map(|(_, sent)| sent)
            .filter(of_tier)
            .collect();
        refusals_are_few(case, tier, &patient)?;
        nothing_into_an_empty_budget(tier, &patient)?;
    }
    Ok(())
}

fn in_any_minute(
    requests: &[Sent],
    most: usize,
    counts: impl Fn(&Sent) -> bool,
) -> Result<(), usize> {
    let times: Vec<u64> = requests
        .iter()
        .filter(|sent| counts(sent))
        .map(|sent| sent.at)
        .collect();
    let mut first = 0;
    for (last, at) in times.iter().enumerate() {
        while times[first] + MINUTE <= *at {
            first += 1;
        }
        if last - first + 1 > most {
            return Err(last - first + 1);
        }
    }
    Ok(())
}

/// No window of a budget sees more than two refusals of this run.
fn refusals_are_few(case: &Case, tier: Tier, requests: &[&Sent]) -> Verdict {
    let offset = case.scenario().crowd.offset;
    let mut last = (u64::MAX, 0);
    for sent in requests {
        if !matches!(sent.heard, Heard::Answer(429, _)) {
            continue;
        }
        let window = (sent.heard_at.unwrap_or(sent.at) + offset) / MINUTE;
        last = (window, if window == last.0 { last.1 + 1 } else { 1 });
        if last.1 > 2 {
            return Err(format!("{} refusals of {tier:?} in one window", last.1));
        }
    }
    Ok(())
}

/// Nothing is sent before a budget that was told to be empty is filled up.
fn nothing_into_an_empty_budget(tier: Tier, requests: &[&Sent]) -> Verdict {
    let mut closed = 0;
    for sent in requests {
        if sent.at < closed {
            return Err(format!(
                "{tier:?} is empty until {}: {sent}, sent at {}",
                seconds(closed),
                seconds(sent.at)
            ));
        }
        if let (
            Some(Left {
                remaining: 0,
                reset,
                ..
            }),
            Some(at),
        ) = (sent.left, sent.heard_at)
        {
            // A whole second is left to rounding.
            closed = at + reset.saturating_sub(1) * 1000;
        }
    }
    Ok(())
}

/// Looks at the status are at least a second apart, and at most half a minute
/// and what the service itself took or asked for; five minutes where the
/// company's budget may run short.
pub(super) fn looks_have_their_rhythm(case: &Case) -> Verdict {
    let scenario = case.scenario();
    let looks: Vec<&Sent> = case
        .requests()
        .iter()
        .enumerate()
        .filter(|(number, sent)| !case.is_hurried(*number, sent))
        .map(|(_, sent)| sent)
        .filter(|sent| matches!(sent.ask, Ask::Get { .. }))
        .collect();
    // Sparing the company's budget may take a window, and a fifth more.
    let (wait, sparing) = if scenario.crowd.headers == Headers::Missing {
        (30_000, 0)
    } else {
        (300_000, 72_000)
    };
    for pair in looks.windows(2) {
        let gap = pair[1].at - pair[0].at;
        let attempt = pair[0].heard_at.unwrap_or(pair[0].at) - pair[0].at;
        let longest = wait + attempt + pair[0].asked * 6 / 5 + sparing;
        if gap < 1_000 {
            return Err(format!(
                "{} between two, at {}",
                seconds(gap),
                seconds(pair[1].at)
            ));
        }
        if gap > longest {
            return Err(format!(
                "{} between two, until {}",
                seconds(gap),
                seconds(pair[1].at)
            ));
        }
    }
    Ok(())
}
