//! The text of the live line on a terminal: what the run does now, and what Ctrl-C
//! would do. Pure: [`LiveLine`](crate::ci) draws it.

use std::time::Duration;

use crate::deployment::{Deployment, Status, Verdict};
use crate::event::{EventKind, Phase};
use crate::forecast::Estimate;
use crate::inputs::Abandon;
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};

/// The least that Ctrl-C does.
const ENDS: &str = "Ctrl-C ends this";

/// What the run does after an event, if the event changes it, and the time that is
/// probably left. `record` includes the event.
pub(super) fn after(
    event: EventKind<'_>,
    record: &RunRecord,
) -> Option<(String, Option<Duration>)> {
    let left = match event {
        EventKind::Started(..)
        | EventKind::Found(..)
        | EventKind::Seen(_)
        | EventKind::TypicalDuration(_) => left(record),
        EventKind::StillWaiting(..) | EventKind::Doing(_) => {
            estimate(event).map(|estimate| estimate.left)
        }
        EventKind::RollingBack(_)
        | EventKind::Cancelling
        | EventKind::Stopping(..)
        | EventKind::Begins(_)
        | EventKind::Ends(..) => None,
        _ => return None,
    };
    Some((words(event, record), left))
}

fn words(event: EventKind<'_>, record: &RunRecord) -> String {
    if record.is_stopping {
        return "ending".to_owned();
    }
    match (record.service_records(), event) {
        ([_], EventKind::RollingBack(rollback)) => format!("rollback {}", console::state(rollback)),
        ([one], _) => {
            let words = words_of_one(one);
            let doing = estimate(event).and_then(|estimate| estimate.doing);
            match doing.filter(|_| is_plain(one)) {
                Some(doing) => format!("{words}, {doing}"),
                None => words,
            }
        }
        (targets, _) => words_of_several(targets),
    }
}

/// The estimate in this event, if it has one.
const fn estimate(event: EventKind<'_>) -> Option<Estimate> {
    match event {
        EventKind::StillWaiting(_, _, estimate) => estimate,
        EventKind::Doing(estimate) => Some(estimate),
        _ => None,
    }
}

fn words_of_one(service_record: &ServiceRecord) -> String {
    let Some(deployment) = &service_record.deployment else {
        // The preparation is over.
        return service_record.doing().map_or("starting", doing).to_owned();
    };
    let state = console::state(deployment);
    match service_record.doing() {
        Some(Phase::Log) if !goes_on(service_record) => format!("{state}, reading the log"),
        Some(phase) => doing(phase).to_owned(),
        None if service_record.is_cancelling && goes_on(service_record) => {
            "cancelling the deployment".to_owned()
        }
        None => state,
    }
}

const fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Preparing | Phase::Queue | Phase::Running => "starting",
        Phase::Waiting => "waiting for other deployments",
        Phase::Log => "reading the log",
        Phase::Purge => "emptying the caches",
        Phase::Verification => "verifying that it answers",
        Phase::Rollback => "rolling back",
    }
}

/// How many of them have ended; once all have, what is still done.
fn words_of_several(targets: &[ServiceRecord]) -> String {
    let ended = targets
        .iter()
        .filter(|service_record| service_record.verdict().is_some());
    let ended = format!("{} of {} targets ended", ended.count(), targets.len());
    if targets.iter().any(goes_on) {
        return ended;
    }
    match targets.iter().find_map(ServiceRecord::doing) {
        Some(phase) => format!("{ended}, {}", doing(phase)),
        None => ended,
    }
}

/// Whether there is a deployment whose end was not seen.
fn goes_on(service_record: &ServiceRecord) -> bool {
    service_record.deployment.is_some() && service_record.verdict().is_none()
}

/// Whether nothing is done but to watch.
fn is_plain(service_record: &ServiceRecord) -> bool {
    !service_record.is_cancelling && service_record.doing().is_none()
}

/// How much longer a deployment that runs takes, if it takes as long as others.
fn left(record: &RunRecord) -> Option<Duration> {
    let [one] = record.service_records() else {
        return None;
    };
    let is_running = |deployment: &Deployment| deployment.status == Status::InProgress;
    one.deployment
        .as_ref()
        .filter(|deployment| !record.is_stopping && is_plain(one) && is_running(deployment))?;
    let ran = one.run().unwrap_or_default();
    Some(one.usual.as_ref()?.time().saturating_sub(ran))
}

/// What Ctrl-C does now; empty while that is unknown. `then` is what a signal does
/// to a deployment that still runs.
pub(super) fn interrupt(record: &RunRecord, then: Abandon) -> &'static str {
    let service_records = record.service_records();
    let is_doing = |phase| {
        service_records
            .iter()
            .any(|service_record| service_record.doing() == Some(phase))
    };
    if record.is_stopping {
        "Ctrl-C again (after 1.5s) leaves everything as it is"
    } else if is_doing(Phase::Waiting) {
        "Ctrl-C ends this, nothing is started"
    } else if is_doing(Phase::Rollback) {
        let is_started = service_records
            .iter()
            .any(|service_record| service_record.rollback.is_some());
        if is_started {
            "Ctrl-C ends this, the rollback continues"
        } else {
            ENDS
        }
    } else if service_records.iter().any(goes_on) {
        while_it_goes_on(service_records, then)
    } else {
        after_the_end(record)
    }
}

fn while_it_goes_on(service_records: &[ServiceRecord], then: Abandon) -> &'static str {
    let mut open = service_records
        .iter()
        .filter(|service_record| goes_on(service_record));
    match (then, service_records.len() > 1) {
        _ if open.all(|service_record| service_record.is_cancelling) => ENDS,
        (Abandon::Cancel, true) => "Ctrl-C cancels what has not ended",
        (Abandon::Cancel, false) => "Ctrl-C cancels the deployment",
        (Abandon::Leave, true) => "Ctrl-C ends this, the deployments continue",
        (Abandon::Leave, false) => "Ctrl-C ends this, the deployment continues",
    }
}

fn after_the_end(record: &RunRecord) -> &'static str {
    let service_records = record.service_records();
    let has_ended = service_records
        .iter()
        .any(|service_record| service_record.deployment.is_some());
    let is_live =
        |service_record: &ServiceRecord| service_record.verdict() == Some(Verdict::Success);
    // A preview that nobody needs any more is deleted.
    let stays = record.preview.is_none()
        && service_records
            .iter()
            .all(|service_record| service_record.rollback.is_none());
    match (
        service_records.len() > 1,
        stays && service_records.iter().any(is_live),
    ) {
        (true, true) => "Ctrl-C ends this, what has succeeded stays live",
        (false, true) => "Ctrl-C ends this, the deployment stays live",
        (_, false) if has_ended => ENDS,
        (_, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::ci::Facts;
    use crate::deployment::{DeploymentId, Service};
    use crate::event::{Event, State};
    use crate::forecast::history::{History, HistoryKind, TypicalDuration};
    use crate::shutdown::Signal;

    const CANCELS: &str = "Ctrl-C cancels the deployment";
    const SECOND_SIGNAL: &str = "Ctrl-C again (after 1.5s) leaves everything as it is";
    const STAYS: &str = "Ctrl-C ends this, the deployment stays live";
    const NOTHING: &str = "Ctrl-C ends this, nothing is started";

    fn service(number: u128) -> Service {
        Service::application(Uuid::from_u128(number))
    }

    fn deployment(status: Status) -> Deployment {
        Deployment {
            status,
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    /// A run of which these events were reported, and what the live line said after
    /// each that changed it.
    struct Replay {
        record: RunRecord,
        then: Abandon,
    }

    impl Replay {
        fn of(then: Abandon) -> Self {
            let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            record.apply(EventKind::Target(service(1), None).into());
            Self { record, then }
        }

        /// A promotion to two targets.
        fn of_two(then: Abandon) -> Self {
            let mut record = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            for number in [1, 2] {
                let target = EventKind::Target(service(number), None);
                record.apply(Event::about(service(number), target));
            }
            Self { record, then }
        }

        /// What the live line says after this event.
        fn after_event(&mut self, event: EventKind<'_>) -> (String, &'static str) {
            self.record.apply(event.into());
            let (text, _) = after(event, &self.record).expect("it changes what goes on");
            (text, interrupt(&self.record, self.then))
        }

        fn after_event_of(&mut self, number: u128, event: EventKind<'_>) -> (String, &'static str) {
            self.record.apply(Event::about(service(number), event));
            let (text, _) = after(event, &self.record).expect("it changes what goes on");
            (text, interrupt(&self.record, self.then))
        }
    }

    fn shown(text: &str, interrupt: &'static str) -> (String, &'static str) {
        (text.to_owned(), interrupt)
    }

    #[test]
    fn it_is_cancelled_only_until_it_has_ended() {
        let mut replay = Replay::of(Abandon::Cancel);
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        for (event, text, interrupt) in [
            (
                EventKind::Begins(Phase::Waiting),
                "waiting for other deployments",
                NOTHING,
            ),
            (EventKind::Ends(Phase::Waiting, State::Done), "starting", ""),
            (
                EventKind::Started(service(1), &running),
                "in progress",
                CANCELS,
            ),
            (EventKind::Seen(&success), "success", STAYS),
            (
                EventKind::Begins(Phase::Log),
                "success, reading the log",
                STAYS,
            ),
            (EventKind::Ends(Phase::Log, State::Done), "success", STAYS),
            (
                EventKind::Begins(Phase::Purge),
                "emptying the caches",
                STAYS,
            ),
            (
                EventKind::Ends(Phase::Purge, State::Failed),
                "success",
                STAYS,
            ),
            (
                EventKind::Begins(Phase::Verification),
                "verifying that it answers",
                STAYS,
            ),
            (
                EventKind::Ends(Phase::Verification, State::Done),
                "success",
                STAYS,
            ),
        ] {
            assert_eq!(
                replay.after_event(event),
                shown(text, interrupt),
                "{event:?}"
            );
        }
    }

    #[test]
    fn a_line_of_the_log_shows_what_it_does() {
        let mut replay = Replay::of(Abandon::Cancel);
        let running = deployment(Status::InProgress);
        replay.after_event(EventKind::Started(service(1), &running));
        let estimate = |doing| Estimate {
            left: Duration::from_secs(40),
            percent_below: 10,
            of: 10,
            doing,
        };
        let building = estimate(Some("building"));
        let heartbeat =
            |estimate| EventKind::StillWaiting(&running, Duration::from_secs(55), estimate);
        for (event, text) in [
            (EventKind::Doing(building), "in progress, building"),
            (heartbeat(Some(building)), "in progress, building"),
            (heartbeat(Some(estimate(None))), "in progress"),
            (heartbeat(None), "in progress"),
        ] {
            assert_eq!(replay.after_event(event), shown(text, CANCELS), "{event:?}");
        }
        let (_, left) = after(EventKind::Doing(building), &replay.record).expect("it is shown");
        assert_eq!(left, Some(Duration::from_secs(40)));
        replay.after_event(EventKind::Cancelling);
        let cancelling = shown("cancelling the deployment", ENDS);
        assert_eq!(replay.after_event(EventKind::Doing(building)), cancelling);
    }

    #[test]
    fn a_failure_and_its_rollback_are_shown() {
        let mut replay = Replay::of(Abandon::Cancel);
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        let failed = deployment(Status::Failed);
        replay.after_event(EventKind::Started(service(1), &running));
        let goes_on = "Ctrl-C ends this, the rollback continues";
        for (event, text, interrupt) in [
            (EventKind::Seen(&failed), "failed", ENDS),
            (
                EventKind::Begins(Phase::Log),
                "failed, reading the log",
                ENDS,
            ),
            (EventKind::Ends(Phase::Log, State::Done), "failed", ENDS),
            (EventKind::Begins(Phase::Rollback), "rolling back", ENDS),
            (
                EventKind::RollingBack(&running),
                "rollback in progress",
                goes_on,
            ),
            (EventKind::RollingBack(&success), "rollback success", ENDS),
            (
                EventKind::Begins(Phase::Verification),
                "verifying that it answers",
                ENDS,
            ),
        ] {
            assert_eq!(
                replay.after_event(event),
                shown(text, interrupt),
                "{event:?}"
            );
        }
    }

    #[test]
    fn after_a_signal_only_another_one_matters() {
        let mut replay = Replay::of(Abandon::Cancel);
        let (running, cancelled) = (
            deployment(Status::InProgress),
            deployment(Status::Cancelled),
        );
        replay.after_event(EventKind::Started(service(1), &running));
        for event in [
            EventKind::Stopping(Signal::Interrupt, Some(Abandon::Cancel)),
            EventKind::Seen(&running),
            EventKind::Seen(&cancelled),
        ] {
            assert_eq!(
                replay.after_event(event),
                shown("ending", SECOND_SIGNAL),
                "{event:?}"
            );
        }
    }

    #[test]
    fn what_keeps_running_is_not_shown_as_cancelled() {
        let running = deployment(Status::InProgress);
        let mut replay = Replay::of(Abandon::Leave);
        assert_eq!(
            replay.after_event(EventKind::Found(service(1), &running)),
            shown("in progress", "Ctrl-C ends this, the deployment continues")
        );
        // The run's time is over, and still a signal would cancel it.
        let mut replay = Replay::of(Abandon::Cancel);
        replay.after_event(EventKind::Started(service(1), &running));
        assert_eq!(
            replay.after_event(EventKind::Begins(Phase::Log)),
            shown("reading the log", CANCELS)
        );
        replay.after_event(EventKind::Ends(Phase::Log, State::Done));
        // It was asked to stop already: a signal does not do it once more.
        for event in [EventKind::Cancelling, EventKind::Seen(&running)] {
            assert_eq!(
                replay.after_event(event),
                shown("cancelling the deployment", ENDS)
            );
        }
    }

    #[test]
    fn a_preview_is_not_shown_to_stay() {
        let mut replay = Replay::of(Abandon::Cancel);
        let preview = EventKind::PreviewApp {
            app: Uuid::from_u128(1),
            name: None,
            is_new: true,
        };
        replay.record.apply(preview.into());
        let success = deployment(Status::Success);
        assert_eq!(
            replay.after_event(EventKind::Found(service(1), &success)),
            shown("success", ENDS)
        );
    }

    #[test]
    fn several_targets_are_counted_together() {
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        let cancels = "Ctrl-C cancels what has not ended";
        let mut replay = Replay::of_two(Abandon::Cancel);
        replay.after_event_of(1, EventKind::Started(service(1), &running));
        for (number, event, text, interrupt) in [
            (
                2,
                EventKind::Started(service(2), &running),
                "0 of 2 targets ended",
                cancels,
            ),
            (
                1,
                EventKind::Seen(&success),
                "1 of 2 targets ended",
                cancels,
            ),
            (
                1,
                EventKind::Begins(Phase::Verification),
                "1 of 2 targets ended",
                cancels,
            ),
            (
                2,
                EventKind::Seen(&success),
                "2 of 2 targets ended, verifying that it answers",
                "Ctrl-C ends this, what has succeeded stays live",
            ),
        ] {
            assert_eq!(
                replay.after_event_of(number, event),
                shown(text, interrupt),
                "{event:?}"
            );
        }
        let mut replay = Replay::of_two(Abandon::Leave);
        assert_eq!(
            replay.after_event_of(1, EventKind::Started(service(1), &running)),
            shown(
                "0 of 2 targets ended",
                "Ctrl-C ends this, the deployments continue"
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_is_left_is_counted_from_the_start() {
        let at = |second| Timestamp::from_second(second).ok();
        let past = Deployment {
            started_at: at(0),
            finished_at: at(90),
            ..deployment(Status::Success)
        };
        let usual = TypicalDuration::of(&History::of(&[past]), HistoryKind::Build)
            .expect("there is a past");
        let running = deployment(Status::InProgress);
        let mut replay = Replay::of(Abandon::Cancel);
        replay.after_event(EventKind::Started(service(1), &running));
        replay.after_event(EventKind::TypicalDuration(&usual));
        let seconds = Duration::from_secs;
        for (later, left) in [(0, 90), (30, 60), (100, 0)] {
            tokio::time::advance(seconds(later)).await;
            let (_, now) = after(EventKind::Seen(&running), &replay.record).expect("it is shown");
            assert_eq!(now, Some(seconds(left)), "{later}");
        }
        // Nothing is left of it once it has ended.
        replay.after_event(EventKind::Seen(&deployment(Status::Success)));
        let (_, now) =
            after(EventKind::TypicalDuration(&usual), &replay.record).expect("it is shown");
        assert_eq!(now, None);
    }
}
