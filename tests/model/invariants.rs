//! What must hold in every case. Each function is one promise; its error says
//! in words what broke it.

use sevalla_deploy::exit_status::ExitStatus;
use sevalla_deploy::shutdown::SAME_REQUEST;

use crate::case::Case;
use crate::journal::{Heard, Sent, seconds, tail};
use crate::scenario::{Abandon, Headers, Host, Scenario, Target};
use crate::service::{Ask, By, Deployment, HOOK, HOOK_SECRET, KEY, Left, Tier, signed};

type Verdict = Result<(), String>;

/// A promise in words, and what looks whether it was kept.
type Promise = (&'static str, fn(&Case) -> Verdict);

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

const MINUTE: u64 = 60_000;

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

fn the_api_is_respected(case: &Case) -> Verdict {
    match case.requests().iter().find(|sent| sent.offence.is_some()) {
        Some(sent) => Err(format!("{sent}: {}", sent.offence.unwrap_or_default())),
        None => Ok(()),
    }
}

fn one_deployment(case: &Case) -> Verdict {
    let made: Vec<&str> = case.made().map(|made| tail(&made.id)).collect();
    if made.len() > 1 {
        return Err(format!("the run made {made:?}"));
    }
    Ok(())
}

fn the_good_end_is_true(case: &Case) -> Verdict {
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

/// A deployment of somebody else is followed only when the answer to our own
/// request was lost, and it is one that our request could have made.
fn may_be_adopted(case: &Case, deployment: &Deployment) -> Verdict {
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

fn the_verdict_is_true(case: &Case) -> Verdict {
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

fn dry_run_only_reads(case: &Case) -> Verdict {
    let wrote = case.requests().iter().find(|sent| sent.ask.is_write());
    match wrote {
        Some(sent) if case.scenario().inputs.dry_run => Err(sent.to_string()),
        _ => Ok(()),
    }
}

fn the_words_are_the_contract(case: &Case) -> Verdict {
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

fn ambiguous_is_earned(case: &Case) -> Verdict {
    // A hook that was called and does not tell what it started is as unsure.
    let is_unsure = case.start_was_lost() || case.start_is_unnamed();
    if case.word() == "ambiguous" && !is_unsure {
        return Err("no answer to a write was lost".to_owned());
    }
    Ok(())
}

/// Where the list can be read and nobody else deploys, the one deployment that
/// was made is found.
fn lost_answers_are_looked_up(case: &Case) -> Verdict {
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
fn none_of_several_is_chosen(case: &Case) -> Verdict {
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
fn nothing_is_sent_beside_another(case: &Case) -> Verdict {
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

/// Nothing is waited for after a refusal that time cannot heal.
fn refusals_end_the_run(case: &Case) -> Verdict {
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
fn the_end_has_its_reason(case: &Case) -> Verdict {
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

fn the_end_is_in_time(case: &Case) -> Verdict {
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

fn signals_are_obeyed(case: &Case) -> Verdict {
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

fn nothing_new_after_a_signal(case: &Case) -> Verdict {
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

fn cancels_are_ours(case: &Case) -> Verdict {
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

/// With a service that answers, whatever was started when a signal came is
/// cancelled, if that is wanted and possible.
fn signal_cancels(case: &Case) -> Verdict {
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

fn budgets_are_kept(case: &Case) -> Verdict {
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
fn looks_have_their_rhythm(case: &Case) -> Verdict {
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

fn the_log_is_whole(case: &Case) -> Verdict {
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

fn no_secret_leaks(case: &Case) -> Verdict {
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

/// Where nothing goes wrong, the outcome follows from the scenario.
fn healthy_service_is_followed(case: &Case) -> Verdict {
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
