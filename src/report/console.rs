//! Events and outcomes as console lines. Pure: the reporter prints them.

use std::borrow::Cow;

use crate::deployment::{Deployment, Status};
use crate::event::EventKind;
use crate::forecast::Estimate;
use crate::forecast::history::TypicalDuration;
use crate::inputs::Abandon;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::report::causes;
use crate::report::causes::FailureCause;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sevalla::ApiError;
use crate::shutdown::Signal;
use crate::text::duration::duration;

/// The line that reports an event; some events have none.
pub(super) fn describe(event: EventKind<'_>) -> Option<String> {
    if let Some((warning, text)) = warning(event) {
        return Some(warned(warning, &text));
    }
    Some(match event {
        EventKind::Note(text) | EventKind::Row(text) => text.to_owned(),
        EventKind::Target(service, Some(name)) => {
            format!("{} {name} ({})", service.kind.title(), service.id)
        }
        EventKind::Target(service, None) => format!("{} {}", service.kind.title(), service.id),
        // A promotion and a deploy hook return nothing but the id.
        EventKind::Started(_, deployment) if deployment.status == Status::Absent => {
            format!("Deployment {} started", deployment.id)
        }
        EventKind::Started(_, deployment) if deployment.status.verdict().is_some() => format!(
            "Deployment {} has ended already: {}",
            deployment.id,
            state(deployment)
        ),
        EventKind::Started(_, deployment) => format!(
            "Deployment {} started: {}",
            deployment.id,
            state(deployment)
        ),
        EventKind::Found(_, deployment) => {
            format!("Deployment {}: {}", deployment.id, state(deployment))
        }
        EventKind::TypicalDuration(usual) => usually(usual),
        EventKind::Seen(deployment) => state(deployment),
        EventKind::RollingBack(rollback) => {
            format!("Rollback, deployment {}: {}", rollback.id, state(rollback))
        }
        EventKind::StillWaiting(deployment, elapsed, estimate) => format!(
            "Still {}, {} after the start{}",
            state(deployment),
            duration(elapsed),
            estimate.map(left).unwrap_or_default()
        ),
        EventKind::Retrying(error, wait) => retrying(error, wait),
        EventKind::Stopping(signal, then) => stopping(signal, then),
        EventKind::PreviewApp { app, name, is_new } => {
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            let made = if is_new { "created" } else { "found" };
            format!("Preview app{name} ({app}) {made}")
        }
        _ => return None,
    })
}

/// The warning that an event raises, if it raises one.
pub(super) fn warning(event: EventKind<'_>) -> Option<(Warning, Cow<'_, str>)> {
    match event {
        EventKind::Warning(warning, text) => Some((warning, text.into())),
        EventKind::LogUnavailable(error) => {
            let text =
                format!("The log cannot be shown ({error}). The result does not depend on it.");
            Some((Warning::LogNotShown, text.into()))
        }
        EventKind::LogIncomplete => Some((
            Warning::LogIncomplete,
            "The log may lack its last lines. Read them in the dashboard: https://app.sevalla.com"
                .into(),
        )),
        EventKind::LogGap { at_micros } => {
            Some((Warning::LogIncomplete, log_gap(at_micros).into()))
        }
        _ => None,
    }
}

/// Which lines of the log may be missing.
pub(super) fn log_gap(at_micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(at_micros);
    let at = at.map_or_else(
        |_| "one time stamp".to_owned(),
        |at| format!("time {at:.3}"),
    );
    format!(
        "The log may lack lines: Sevalla has more of them with {at} than it returns. Read them in \
         the dashboard."
    )
}

/// What a signal does to the run and to the deployment.
fn stopping(signal: Signal, then: Option<Abandon>) -> String {
    let (and, without) = match then {
        Some(Abandon::Cancel) => (
            " and cancelling the deployment",
            " without waiting for that",
        ),
        Some(Abandon::Leave) => ("; the deployment keeps running", ""),
        None => ("", " and leaves everything as it is"),
    };
    let name = signal.name();
    format!(
        "{name}: ending the run{and}. Another signal, 1.5s later or more, ends it at once{without}."
    )
}

/// A warning in a line.
pub(super) fn warned(warning: Warning, text: &str) -> String {
    format!("Warning: {}", named(warning, text))
}

/// The text of a warning, with the name of its entry in the catalogue.
pub(super) fn named(warning: Warning, text: &str) -> String {
    format!("{text} [{}]", warning.slug())
}

/// "Usually takes 1m50s (median of the last 18)".
fn usually(usual: &TypicalDuration) -> String {
    let time = duration(usual.time());
    match usual.count() {
        1 => format!("The last similar deployment took {time}"),
        count => format!("Usually takes {time} (median of the last {count})"),
    }
}

/// ", about 40s left", or how unusually long it takes already.
fn left(estimate: Estimate) -> String {
    /// Above this share of past deployments, they say little about the end.
    const LATE: usize = 95;
    if estimate.of > 1 && estimate.percent_below >= 100 {
        return format!(", longer than all of the last {}", estimate.of);
    }
    if estimate.of > 1 && estimate.percent_below >= LATE {
        return format!(
            ", longer than {} % of the last {}",
            estimate.percent_below, estimate.of
        );
    }
    let doing = estimate.doing.map(|doing| format!(", {doing}"));
    let doing = doing.unwrap_or_default();
    format!("{doing}, about {} left", duration(estimate.left))
}

/// How the time of this run compares: "1m50s; this one took longer than 19 of the
/// last 20".
pub(super) fn comparison(record: &RunRecord) -> Option<String> {
    let service_record = record.one();
    let usual = service_record.usual.as_ref()?;
    let time = duration(usual.time());
    if usual.count() == 1 {
        return Some(format!("{time} (the last similar deployment)"));
    }
    let Some(run) = service_record.run() else {
        return Some(format!("{time}, of the last {}", usual.count()));
    };
    let count = usual.count();
    let of_them = match usual.times().filter(|time| *time < run).count() {
        0 => "no longer than".to_owned(),
        shorter if shorter == count => "longer than all of".to_owned(),
        shorter => format!("longer than {shorter} of"),
    };
    Some(format!("{time}; this one took {of_them} the last {count}"))
}

fn retrying(error: &ApiError, wait: std::time::Duration) -> String {
    let effort = error.effort().filter(|_| error.attempts > 1);
    let effort = effort.map_or_else(String::new, |effort| format!(" ({effort})"));
    format!(
        "Could not {}: {}{effort}. Trying again in {}.",
        error.operation.doing,
        error.cause,
        duration(wait)
    )
}

/// A deployment's status in words, with its commit or image.
pub(super) fn state(deployment: &Deployment) -> String {
    let status = match &deployment.status {
        Status::Waiting => "waiting in the queue".to_owned(),
        Status::InProgress => "in progress".to_owned(),
        Status::Success => "success".to_owned(),
        Status::Failed => "failed".to_owned(),
        Status::Cancelled => "cancelled".to_owned(),
        Status::Skipped => "skipped".to_owned(),
        Status::Other(word) => format!("in a state this program does not know ({word})"),
        Status::Absent => "in a state that Sevalla does not report".to_owned(),
    };
    match deployment.made_from() {
        Some(source) => format!("{status} ({source})"),
        None => status,
    }
}

/// Why a run failed, how often it tried, and what to do.
pub(super) fn explanation(outcome: &Outcome, causes: &[FailureCause]) -> Vec<String> {
    let line = |name: &str, text: &str| format!("  {name:<6} {text}");
    let found = causes::known_lines(causes).into_iter();
    let mut lines: Vec<String> = found.map(|found| line("log:", &found)).collect();
    lines.extend(outcome.why.iter().map(|why| line("why:", why)));
    lines.extend(outcome.effort.iter().map(|effort| line("tried:", effort)));
    lines.extend(outcome.hint.iter().map(|hint| line("next:", hint)));
    lines.extend(more(outcome).map(|address| line("more:", &address)));
    lines
}

/// "this run took 8s", of a run that failed.
pub(super) fn elapsed(outcome: &Outcome) -> Option<String> {
    let elapsed = outcome.elapsed.map(duration);
    elapsed.map(|elapsed| format!("this run took {elapsed}"))
}

/// How long a run that failed took, and the parts of that.
pub(super) fn time(outcome: &Outcome, record: &RunRecord) -> Option<String> {
    let times: Vec<String> = elapsed(outcome).into_iter().chain(times(record)).collect();
    (!times.is_empty()).then(|| format!("  time:  {}", times.join("; ")))
}

/// The last line of a run that failed.
pub(super) fn ending(outcome: &Outcome) -> String {
    let ending = outcome.ending();
    format!("Outcome: {} (exit code {})", ending.word(), ending.code())
}

/// The last lines of a run that ended well.
pub(super) fn conclude(outcome: &Outcome, record: &RunRecord) -> Vec<String> {
    let mut line = outcome.headline.clone();
    if let Some(times) = times(record) {
        line.push_str(&format!(" ({times})"));
    }
    let mut lines = vec![line];
    lines.extend(outcome.why.iter().cloned());
    lines.extend(outcome.hint.iter().cloned());
    // Last, where it is found and clicked.
    lines.extend(record.one().url.iter().map(|url| format!("URL: {url}")));
    lines
}

/// "4s in the queue, 1m52s running".
pub(super) fn times(record: &RunRecord) -> Option<String> {
    times_of(record.one())
}

/// The times of one service.
pub(super) fn times_of(service_record: &ServiceRecord) -> Option<String> {
    let queue = service_record
        .queue()
        .map(|time| format!("{} in the queue", duration(time)));
    let run = service_record
        .run()
        .map(|time| format!("{} running", duration(time)));
    let parts: Vec<String> = queue.into_iter().chain(run).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Why the run failed, in a few lines, for an annotation.
pub(super) fn cause(outcome: &Outcome, causes: &[FailureCause]) -> String {
    let mut lines = vec![outcome.headline.clone()];
    lines.extend(causes::lines(causes));
    lines.extend(outcome.why.iter().cloned());
    lines.extend(outcome.effort.iter().cloned());
    lines.extend(outcome.hint.iter().cloned());
    lines.extend(more(outcome).map(|address| format!("More: {address}")));
    lines.join("\n")
}

/// The address of the failure's entry in the catalogue.
pub(super) fn more(outcome: &Outcome) -> Option<String> {
    outcome.failure().map(Failure::address)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::ci::Facts;
    use crate::deployment::{DeploymentId, Service};
    use crate::event::Event;
    use crate::forecast::history::{History, HistoryKind};

    fn took(seconds: i64) -> Deployment {
        let at = |second| Timestamp::from_second(second).ok();
        Deployment {
            status: Status::Success,
            started_at: at(0),
            finished_at: at(seconds),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_seen_to_wait_has_waited() {
        let waiting = Deployment {
            status: Status::Waiting,
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        };
        let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
        let service = Service::application(uuid::Uuid::nil());
        record.apply(EventKind::Started(service, &waiting).into());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(times(&record), None);
        record.apply(EventKind::Seen(&waiting).into());
        assert_eq!(times(&record).as_deref(), Some("4s in the queue"));
    }

    #[test]
    fn no_state_is_reported_twice_in_a_row() {
        let now = |status: &Status, commit: Option<&str>| Deployment {
            status: status.clone(),
            commit_sha: commit.map(str::to_owned),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        };
        let (waiting, running) = (Status::Waiting, Status::InProgress);
        let service = Service::application(uuid::Uuid::nil());
        for is_target in [false, true] {
            let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            let mut is_new = |seen: &Deployment| {
                let event = Event {
                    service: is_target.then_some(service),
                    kind: EventKind::Seen(seen),
                };
                let is_new = !record.is_duplicate(event);
                record.apply(event);
                is_new
            };
            assert!(is_new(&now(&waiting, None)));
            assert!(is_new(&now(&running, None)));
            assert!(!is_new(&now(&running, None)));
            assert!(is_new(&now(&running, Some("abc"))));
            assert!(!is_new(&now(&running, Some("abc"))));
            assert!(is_new(&now(&Status::Cancelled, Some("abc"))));
        }
    }

    #[test]
    fn a_signal_is_reported_with_its_effect_on_the_deployment() {
        for (then, expected) in [
            (
                Some(Abandon::Cancel),
                "SIGINT: ending the run and cancelling the deployment. Another signal, \
                 1.5s later or more, ends it at once without waiting for that.",
            ),
            (
                Some(Abandon::Leave),
                "SIGINT: ending the run; the deployment keeps running. Another signal, 1.5s \
                 later or more, ends it at once.",
            ),
            (
                None,
                "SIGINT: ending the run. Another signal, 1.5s later or more, ends it at once and \
                 leaves everything as it is.",
            ),
        ] {
            assert_eq!(
                describe(EventKind::Stopping(Signal::Interrupt, then)),
                Some(expected.replace("SIGINT", Signal::Interrupt.name()))
            );
        }
    }

    #[test]
    fn the_time_is_compared_with_that_of_others() {
        for (past, expected, comparison_of_100) in [
            (
                vec![80],
                "The last similar deployment took 1m20s",
                "1m20s (the last similar deployment)",
            ),
            (
                vec![80, 90, 95, 130],
                "Usually takes 1m32s (median of the last 4)",
                "1m32s; this one took longer than 3 of the last 4",
            ),
        ] {
            let past: Vec<Deployment> = past.into_iter().map(took).collect();
            let usual = TypicalDuration::of(&History::of(&past), HistoryKind::Build).unwrap();
            assert_eq!(
                describe(EventKind::TypicalDuration(&usual)).as_deref(),
                Some(expected)
            );
            let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            record.apply(EventKind::TypicalDuration(&usual).into());
            let service = Service::application(uuid::Uuid::nil());
            record.apply(EventKind::Started(service, &took(100)).into());
            assert_eq!(comparison(&record).as_deref(), Some(comparison_of_100));
        }
    }
}
