//! What goes on at the moment, and what Ctrl-C does then, in a few words for a
//! live line. Pure.

use std::time::Duration;

use crate::deployment::{Deployment, Status, Verdict};
use crate::event::{Event, Phase};
use crate::forecast::Estimate;
use crate::inputs::Abandon;
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};

/// What Ctrl-C does at the least.
const ENDS: &str = "Ctrl-C ends this";

/// What goes on after an event, if that changes it, and how much longer it will
/// probably take. `story` has taken in the event.
pub(super) fn after(event: Event<'_>, story: &RunRecord) -> Option<(String, Option<Duration>)> {
    let left = match event {
        Event::Started(..) | Event::Found(..) | Event::Seen(_) | Event::TypicalDuration(_) => {
            left(story)
        }
        Event::StillWaiting(..) | Event::Doing(_) => estimate(event).map(|estimate| estimate.left),
        Event::RollingBack(_)
        | Event::Cancelling
        | Event::Stopping(..)
        | Event::Begins(_)
        | Event::Ends(..) => None,
        _ => return None,
    };
    Some((words(event, story), left))
}

fn words(event: Event<'_>, story: &RunRecord) -> String {
    if story.is_stopping {
        return "ending".to_owned();
    }
    match (story.tales(), event) {
        ([_], Event::RollingBack(rollback)) => format!("rollback {}", console::state(rollback)),
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

/// What the past says in this event.
const fn estimate(event: Event<'_>) -> Option<Estimate> {
    match event {
        Event::StillWaiting(_, _, estimate) => estimate,
        Event::Doing(estimate) => Some(estimate),
        _ => None,
    }
}

fn words_of_one(tale: &ServiceRecord) -> String {
    let Some(deployment) = &tale.deployment else {
        // What came before the start is over.
        return tale.doing().map_or("starting", doing).to_owned();
    };
    let state = console::state(deployment);
    match tale.doing() {
        Some(Phase::Log) if !goes_on(tale) => format!("{state}, reading the log"),
        Some(phase) => doing(phase).to_owned(),
        None if tale.is_cancelling && goes_on(tale) => "cancelling the deployment".to_owned(),
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
    let ended = targets.iter().filter(|tale| tale.verdict().is_some());
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
fn goes_on(tale: &ServiceRecord) -> bool {
    tale.deployment.is_some() && tale.verdict().is_none()
}

/// Whether nothing is done but to watch.
fn is_plain(tale: &ServiceRecord) -> bool {
    !tale.is_cancelling && tale.doing().is_none()
}

/// How much longer a deployment that runs takes, if it takes as long as others.
fn left(story: &RunRecord) -> Option<Duration> {
    let [one] = story.tales() else {
        return None;
    };
    let is_running = |deployment: &Deployment| deployment.status == Status::InProgress;
    one.deployment
        .as_ref()
        .filter(|deployment| !story.is_stopping && is_plain(one) && is_running(deployment))?;
    let ran = one.run().unwrap_or_default();
    Some(one.usual.as_ref()?.time().saturating_sub(ran))
}

/// What Ctrl-C does to what goes on; empty while nothing is known. `then` is
/// what becomes of a deployment that has not ended.
pub(super) fn interrupt(story: &RunRecord, then: Abandon) -> &'static str {
    let tales = story.tales();
    let is_doing = |phase| tales.iter().any(|tale| tale.doing() == Some(phase));
    if story.is_stopping {
        "Ctrl-C again (after 1.5s) leaves everything as it is"
    } else if is_doing(Phase::Waiting) {
        "Ctrl-C ends this, nothing is started"
    } else if is_doing(Phase::Rollback) {
        let is_started = tales.iter().any(|tale| tale.rollback.is_some());
        if is_started {
            "Ctrl-C ends this, the rollback continues"
        } else {
            ENDS
        }
    } else if tales.iter().any(goes_on) {
        while_it_goes_on(tales, then)
    } else {
        after_the_end(story)
    }
}

fn while_it_goes_on(tales: &[ServiceRecord], then: Abandon) -> &'static str {
    let mut open = tales.iter().filter(|tale| goes_on(tale));
    match (then, tales.len() > 1) {
        _ if open.all(|tale| tale.is_cancelling) => ENDS,
        (Abandon::Cancel, true) => "Ctrl-C cancels what has not ended",
        (Abandon::Cancel, false) => "Ctrl-C cancels the deployment",
        (Abandon::Leave, true) => "Ctrl-C ends this, the deployments go on",
        (Abandon::Leave, false) => "Ctrl-C ends this, the deployment continues",
    }
}

fn after_the_end(story: &RunRecord) -> &'static str {
    let tales = story.tales();
    let has_ended = tales.iter().any(|tale| tale.deployment.is_some());
    let is_live = |tale: &ServiceRecord| tale.verdict() == Some(Verdict::Success);
    // A preview that nobody needs any more is deleted.
    let stays = story.preview.is_none() && tales.iter().all(|tale| tale.rollback.is_none());
    match (tales.len() > 1, stays && tales.iter().any(is_live)) {
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
    use crate::event::State;
    use crate::forecast::history::{History, HistoryKind, TypicalDuration};
    use crate::shutdown::Signal;

    const CANCELS: &str = "Ctrl-C cancels the deployment";
    const AGAIN: &str = "Ctrl-C again (after 1.5s) leaves everything as it is";
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

    /// A run of which these events were told, and what the live line said after
    /// each that changed it.
    struct Replay {
        story: RunRecord,
        then: Abandon,
    }

    impl Replay {
        fn of(then: Abandon) -> Self {
            let mut story = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            story.take_in(Event::Target(service(1), None));
            Self { story, then }
        }

        /// A promotion to two targets.
        fn of_two(then: Abandon) -> Self {
            let mut story = RunRecord::new(Facts::default(), Timestamp::UNIX_EPOCH);
            for number in [1, 2] {
                let target = Event::Target(service(number), None);
                story.take_in(Event::Of(service(number), &target));
            }
            Self { story, then }
        }

        /// What the live line says after this event.
        fn says(&mut self, event: Event<'_>) -> (String, &'static str) {
            self.story.take_in(event);
            let (text, _) = after(event, &self.story).expect("it changes what goes on");
            (text, interrupt(&self.story, self.then))
        }

        fn says_of(&mut self, number: u128, event: Event<'_>) -> (String, &'static str) {
            self.story.take_in(Event::Of(service(number), &event));
            let (text, _) = after(event, &self.story).expect("it changes what goes on");
            (text, interrupt(&self.story, self.then))
        }
    }

    fn said(text: &str, interrupt: &'static str) -> (String, &'static str) {
        (text.to_owned(), interrupt)
    }

    #[test]
    fn it_is_cancelled_only_until_it_has_ended() {
        let mut told = Replay::of(Abandon::Cancel);
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        for (event, text, interrupt) in [
            (
                Event::Begins(Phase::Waiting),
                "waiting for other deployments",
                NOTHING,
            ),
            (Event::Ends(Phase::Waiting, State::Done), "starting", ""),
            (Event::Started(service(1), &running), "in progress", CANCELS),
            (Event::Seen(&success), "success", STAYS),
            (Event::Begins(Phase::Log), "success, reading the log", STAYS),
            (Event::Ends(Phase::Log, State::Done), "success", STAYS),
            (Event::Begins(Phase::Purge), "emptying the caches", STAYS),
            (Event::Ends(Phase::Purge, State::Failed), "success", STAYS),
            (
                Event::Begins(Phase::Verification),
                "verifying that it answers",
                STAYS,
            ),
            (
                Event::Ends(Phase::Verification, State::Done),
                "success",
                STAYS,
            ),
        ] {
            assert_eq!(told.says(event), said(text, interrupt), "{event:?}");
        }
    }

    #[test]
    fn a_line_of_the_log_shows_what_it_does() {
        let mut told = Replay::of(Abandon::Cancel);
        let running = deployment(Status::InProgress);
        told.says(Event::Started(service(1), &running));
        let estimate = |doing| Estimate {
            left: Duration::from_secs(40),
            percent_below: 10,
            of: 10,
            doing,
        };
        let building = estimate(Some("building"));
        let heartbeat = |estimate| Event::StillWaiting(&running, Duration::from_secs(55), estimate);
        for (event, text) in [
            (Event::Doing(building), "in progress, building"),
            (heartbeat(Some(building)), "in progress, building"),
            (heartbeat(Some(estimate(None))), "in progress"),
            (heartbeat(None), "in progress"),
        ] {
            assert_eq!(told.says(event), said(text, CANCELS), "{event:?}");
        }
        let (_, left) = after(Event::Doing(building), &told.story).expect("it is shown");
        assert_eq!(left, Some(Duration::from_secs(40)));
        told.says(Event::Cancelling);
        let cancelling = said("cancelling the deployment", ENDS);
        assert_eq!(told.says(Event::Doing(building)), cancelling);
    }

    #[test]
    fn a_failure_and_its_rollback_are_told_as_they_are() {
        let mut told = Replay::of(Abandon::Cancel);
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        let failed = deployment(Status::Failed);
        told.says(Event::Started(service(1), &running));
        let goes_on = "Ctrl-C ends this, the rollback continues";
        for (event, text, interrupt) in [
            (Event::Seen(&failed), "failed", ENDS),
            (Event::Begins(Phase::Log), "failed, reading the log", ENDS),
            (Event::Ends(Phase::Log, State::Done), "failed", ENDS),
            (Event::Begins(Phase::Rollback), "rolling back", ENDS),
            (
                Event::RollingBack(&running),
                "rollback in progress",
                goes_on,
            ),
            (Event::RollingBack(&success), "rollback success", ENDS),
            (
                Event::Begins(Phase::Verification),
                "verifying that it answers",
                ENDS,
            ),
        ] {
            assert_eq!(told.says(event), said(text, interrupt), "{event:?}");
        }
    }

    #[test]
    fn after_a_signal_only_another_one_matters() {
        let mut told = Replay::of(Abandon::Cancel);
        let (running, cancelled) = (
            deployment(Status::InProgress),
            deployment(Status::Cancelled),
        );
        told.says(Event::Started(service(1), &running));
        for event in [
            Event::Stopping(Signal::Interrupt, Some(Abandon::Cancel)),
            Event::Seen(&running),
            Event::Seen(&cancelled),
        ] {
            assert_eq!(told.says(event), said("ending", AGAIN), "{event:?}");
        }
    }

    #[test]
    fn what_is_left_alone_is_not_said_to_be_cancelled() {
        let running = deployment(Status::InProgress);
        let mut told = Replay::of(Abandon::Leave);
        assert_eq!(
            told.says(Event::Found(service(1), &running)),
            said("in progress", "Ctrl-C ends this, the deployment continues")
        );
        // The run's time is over, and still a signal would cancel it.
        let mut told = Replay::of(Abandon::Cancel);
        told.says(Event::Started(service(1), &running));
        assert_eq!(
            told.says(Event::Begins(Phase::Log)),
            said("reading the log", CANCELS)
        );
        told.says(Event::Ends(Phase::Log, State::Done));
        // It was asked to stop already: a signal does not do it once more.
        for event in [Event::Cancelling, Event::Seen(&running)] {
            assert_eq!(told.says(event), said("cancelling the deployment", ENDS));
        }
    }

    #[test]
    fn a_preview_is_not_said_to_stay() {
        let mut told = Replay::of(Abandon::Cancel);
        told.story.take_in(Event::PreviewApp {
            app: Uuid::from_u128(1),
            name: None,
            is_new: true,
        });
        let success = deployment(Status::Success);
        assert_eq!(
            told.says(Event::Found(service(1), &success)),
            said("success", ENDS)
        );
    }

    #[test]
    fn several_targets_are_told_together() {
        let (running, success) = (deployment(Status::InProgress), deployment(Status::Success));
        let cancels = "Ctrl-C cancels what has not ended";
        let mut told = Replay::of_two(Abandon::Cancel);
        told.says_of(1, Event::Started(service(1), &running));
        for (number, event, text, interrupt) in [
            (
                2,
                Event::Started(service(2), &running),
                "0 of 2 targets ended",
                cancels,
            ),
            (1, Event::Seen(&success), "1 of 2 targets ended", cancels),
            (
                1,
                Event::Begins(Phase::Verification),
                "1 of 2 targets ended",
                cancels,
            ),
            (
                2,
                Event::Seen(&success),
                "2 of 2 targets ended, verifying that it answers",
                "Ctrl-C ends this, what has succeeded stays live",
            ),
        ] {
            assert_eq!(
                told.says_of(number, event),
                said(text, interrupt),
                "{event:?}"
            );
        }
        let mut told = Replay::of_two(Abandon::Leave);
        assert_eq!(
            told.says_of(1, Event::Started(service(1), &running)),
            said(
                "0 of 2 targets ended",
                "Ctrl-C ends this, the deployments go on"
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
        let mut told = Replay::of(Abandon::Cancel);
        told.says(Event::Started(service(1), &running));
        told.says(Event::TypicalDuration(&usual));
        let seconds = Duration::from_secs;
        for (later, left) in [(0, 90), (30, 60), (100, 0)] {
            tokio::time::advance(seconds(later)).await;
            let (_, now) = after(Event::Seen(&running), &told.story).expect("it is shown");
            assert_eq!(now, Some(seconds(left)), "{later}");
        }
        // Nothing is left of it once it has ended.
        told.says(Event::Seen(&deployment(Status::Success)));
        let (_, now) = after(Event::TypicalDuration(&usual), &told.story).expect("it is shown");
        assert_eq!(now, None);
    }
}
