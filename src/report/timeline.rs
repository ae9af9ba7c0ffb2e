//! The phases of a run as spans of time. Pure.
//!
//! Two clocks measure them: ours of what this program does, and the service's
//! of the deployment. They may differ by any amount, so times of both are never
//! compared as they are. What is certain bounds the difference: the service
//! cannot have ended a deployment after we have seen its end, nor made one that
//! this run has asked for before the run began. Where the two clocks agree
//! within these bounds nothing is moved; otherwise the service's times are
//! moved together, as little as possible, so that what it took stays as it is.

use jiff::{SignedDuration, Timestamp};

use crate::deployment::{Deployment, Status};
use crate::event::{Phase, State};

/// A phase from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which phase.
    pub name: Phase,
    /// When it began, by our clock.
    pub begin: Timestamp,
    /// When it ended, by our clock; `None` if that was not seen.
    pub end: Option<Timestamp>,
    /// What became of it.
    pub state: State,
}

impl Span {
    /// Whether it is a check that failed after a success: what is live is unverified.
    pub(super) fn is_unverified(&self) -> bool {
        self.name == Phase::Verification && self.state == State::Failed
    }

    /// How long it took; one whose end was not seen, until `now`. Never
    /// negative.
    pub fn length(&self, now: Timestamp) -> SignedDuration {
        let end = self.end.unwrap_or(now);
        end.duration_since(self.begin).max(SignedDuration::ZERO)
    }
}

/// The spans of one service in their order. None overlaps another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lane {
    /// The target of a promotion as people call it, a text of strangers; none
    /// for the run itself and for the one service of a run.
    pub target: Option<String>,
    /// The spans, in order.
    pub spans: Vec<Span>,
    /// Whether the run would have ended earlier without its time.
    pub is_critical: bool,
    /// How far the service's clock was found to be ahead of ours at least;
    /// negative if it is behind, zero where nothing speaks against agreement.
    pub skew: SignedDuration,
}

/// The spans of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// One for the run or its one service; for a promotion, one for the run
    /// and then one for each target. Lanes without a span are left out.
    pub lanes: Vec<Lane>,
    /// When the run began, by our clock.
    pub began: Timestamp,
    /// Until when it is shown, by our clock.
    pub now: Timestamp,
}

impl Timeline {
    /// When the first span begins and the last one ends; `None` without spans.
    pub fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = || self.lanes.iter().flat_map(|lane| &lane.spans);
        let begin = spans().map(|span| span.begin).min()?;
        let end = spans().map(|span| span.end.unwrap_or(self.now)).max()?;
        Some((begin, end.max(begin)))
    }

    /// The first span of this phase in the lane of the one service.
    pub fn find(&self, phase: Phase) -> Option<&Span> {
        let spans = self.lanes.iter().flat_map(|lane| &lane.spans);
        spans.into_iter().find(|span| span.name == phase)
    }
}

/// What is known of one service's time, by our clock where nothing else is
/// said.
#[derive(Debug, Clone, Default)]
pub(super) struct TimelineInput<'a> {
    /// When the run began; none in the lanes of targets, whose way to the
    /// start is the run's.
    pub(super) began: Option<Timestamp>,
    /// Whether this run has asked for the deployment, after `began`.
    pub(super) is_ours: bool,
    /// When the deployment was known to be there.
    pub(super) known: Option<Timestamp>,
    /// When it was last seen in the queue.
    pub(super) waiting: Option<Timestamp>,
    /// When it was first seen to run.
    pub(super) running: Option<Timestamp>,
    /// When it was last seen not to have ended.
    pub(super) going_on: Option<Timestamp>,
    /// When it was first seen to have ended.
    pub(super) ended: Option<Timestamp>,
    /// The deployment as last seen, with the service's own times.
    pub(super) deployment: Option<&'a Deployment>,
    /// What we did, in its order.
    pub(super) own: &'a [Span],
    /// Until when there is something to show.
    pub(super) now: Timestamp,
}

/// The service's three times, where they are in order.
#[derive(Clone, Copy, Default)]
struct ServiceTimes {
    created: Option<Timestamp>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
}

impl ServiceTimes {
    fn of(deployment: &Deployment) -> Self {
        let created = deployment.created_at;
        let after = |time: Option<Timestamp>, other: Option<Timestamp>| {
            time.filter(|time| other.is_none_or(|other| *time >= other))
        };
        let started = after(deployment.started_at, created);
        Self {
            created,
            started,
            finished: after(deployment.finished_at, started.or(created)),
        }
    }

    fn moved(self, skew: SignedDuration) -> Self {
        let moved = |time: Option<Timestamp>| time?.checked_sub(skew).ok();
        Self {
            created: moved(self.created),
            started: moved(self.started),
            finished: moved(self.finished),
        }
    }
}

impl TimelineInput<'_> {
    /// How far the service's clock is ahead of ours at least: the difference
    /// that is closest to none, of those that what was seen allows.
    fn skew(&self, theirs: ServiceTimes) -> SignedDuration {
        let ahead = |theirs: Option<Timestamp>, ours: Option<Timestamp>| {
            Some(theirs?.duration_since(ours?))
        };
        let began = self.began.filter(|_| self.is_ours);
        let ended = self.deployment.and_then(|last| last.status.verdict());
        let still_waiting = self.waiting.filter(|_| theirs.started.is_some());
        let least = [
            // It was there before we knew it, and so on.
            ahead(theirs.created, self.known),
            ahead(theirs.started, self.running),
            ahead(theirs.finished, self.ended.filter(|_| ended.is_some())),
        ];
        let most = [
            ahead(theirs.created, began),
            ahead(theirs.started, still_waiting),
            ahead(theirs.finished, self.going_on),
        ];
        let least = least.into_iter().flatten().max();
        let most = most.into_iter().flatten().min();
        // What was seen comes last: nothing is seen before it happens, while
        // what was read may be older than it looks.
        let skew = SignedDuration::ZERO.min(most.unwrap_or(SignedDuration::MAX));
        skew.max(least.unwrap_or(SignedDuration::MIN))
    }

    /// The spans in their order.
    pub(super) fn lane(&self, target: Option<String>) -> Lane {
        let theirs = self.deployment.map(ServiceTimes::of).unwrap_or_default();
        let skew = self.skew(theirs);
        let theirs = theirs.moved(skew);
        let created = theirs.created.or(self.known);
        let is_before = |span: &&Span| created.is_none_or(|created| span.begin < created);
        let mut spans = Vec::new();
        self.prepare(created, self.own.iter().filter(is_before), &mut spans);
        self.deploy(created, theirs, &mut spans);
        spans.extend(self.own.iter().filter(|span| !is_before(span)));
        Lane {
            is_critical: false,
            target,
            spans: in_sequence(spans, self.now),
            skew,
        }
    }

    /// Our steps before the start, around those that have a name of their own.
    fn prepare<'a>(
        &self,
        created: Option<Timestamp>,
        named: impl Iterator<Item = &'a Span>,
        spans: &mut Vec<Span>,
    ) {
        let preparing = |begin, end: Option<Timestamp>| Span {
            name: Phase::Preparing,
            begin,
            end,
            state: if end.is_some() {
                State::Done
            } else {
                State::Open
            },
        };
        let mut since = self.began;
        for span in named {
            spans.extend(since.map(|since| preparing(since, Some(span.begin))));
            spans.push(*span);
            since = span.end.filter(|_| self.began.is_some());
        }
        // A deployment that was there before us needed no steps of ours.
        let is_needed = |since: &Timestamp| created.is_none_or(|created| created > *since);
        spans.extend(
            since
                .filter(is_needed)
                .map(|since| preparing(since, created)),
        );
    }

    /// The deployment's own phases.
    fn deploy(&self, created: Option<Timestamp>, theirs: ServiceTimes, spans: &mut Vec<Span>) {
        let (Some(created), Some(deployment)) = (created, self.deployment) else {
            return;
        };
        let verdict = deployment.status.verdict();
        let ended = verdict.and_then(|_| theirs.finished.or(self.ended));
        let started = theirs.started.or(self.running);
        let state = verdict.map_or(State::Open, State::of);
        let span = |name, begin, end, state| Span {
            name,
            begin,
            end,
            state,
        };
        let Some(started) = started else {
            // What ends without having been seen to run may have run.
            let name = match deployment.status {
                Status::Success | Status::Failed => Phase::Running,
                _ => Phase::Queue,
            };
            if deployment.status != Status::Absent {
                spans.push(span(name, created, ended, state));
            }
            return;
        };
        spans.push(span(Phase::Queue, created, Some(started), State::Done));
        spans.push(span(Phase::Running, started, ended, state));
    }
}

/// The spans with none beginning before the one before it has ended, and those
/// left out that took no time worth a word.
fn in_sequence(spans: Vec<Span>, now: Timestamp) -> Vec<Span> {
    /// Shorter ones of ours are only noise.
    const SHORTEST: SignedDuration = SignedDuration::from_millis(500);
    let begins: Vec<Timestamp> = spans.iter().map(|span| span.begin).collect();
    let next = begins.into_iter().skip(1).map(Some).chain([None]);
    let mut free = Timestamp::MIN;
    let mut all = Vec::with_capacity(spans.len());
    for (span, next) in spans.into_iter().zip(next) {
        let begin = span.begin.max(free);
        // Whatever is followed by something has ended by then.
        let end = span.end.or(next).map(|end| end.max(begin));
        let span = Span { begin, end, ..span };
        free = end.unwrap_or(now).max(begin);
        if !span.name.is_overhead() || span.length(now) >= SHORTEST {
            all.push(span);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deployment::DeploymentId;

    const BEGAN: i64 = 1_772_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(BEGAN + seconds).unwrap()
    }

    fn deployment(status: Status, times: [Option<i64>; 3]) -> Deployment {
        let [created_at, started_at, finished_at] = times.map(|time| time.map(at));
        Deployment {
            status,
            created_at,
            started_at,
            finished_at,
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    fn own(name: Phase, begin: i64, end: i64) -> Span {
        Span {
            name,
            begin: at(begin),
            end: Some(at(end)),
            state: State::Done,
        }
    }

    /// A run that asked at 2, saw the deployment wait at 3, run at 7, and end
    /// at 71.
    fn record<'a>(deployment: &'a Deployment, own: &'a [Span]) -> TimelineInput<'a> {
        TimelineInput {
            began: Some(at(0)),
            is_ours: true,
            known: Some(at(3)),
            waiting: Some(at(3)),
            running: Some(at(7)),
            going_on: Some(at(60)),
            ended: Some(at(71)),
            deployment: Some(deployment),
            own,
            now: at(100),
        }
    }

    /// Phase, begin, end, in seconds of the run.
    fn spans_of(lane: &Lane) -> Vec<(&'static str, i64, Option<i64>)> {
        let since = |time: Timestamp| time.as_second() - BEGAN;
        let spans = lane.spans.iter();
        spans
            .map(|span| (span.name.word(), since(span.begin), span.end.map(since)))
            .collect()
    }

    #[test]
    fn the_times_of_the_service_stand_between_ours() {
        let ended = deployment(Status::Success, [Some(2), Some(6), Some(70)]);
        let own = [own(Phase::Log, 71, 73), own(Phase::Verification, 73, 90)];
        let lane = record(&ended, &own).lane(None);
        assert_eq!(
            spans_of(&lane),
            [
                ("preparing", 0, Some(2)),
                ("queue", 2, Some(6)),
                ("running", 6, Some(70)),
                ("log", 71, Some(73)),
                ("verification", 73, Some(90)),
            ]
        );
        assert_eq!(lane.skew, SignedDuration::ZERO);
    }

    #[test]
    fn a_clock_that_differs_moves_its_times_together() {
        for ahead in [-7200, -300, 45, 3600] {
            let times = [2, 6, 70].map(|time| Some(time + ahead));
            let ended = deployment(Status::Success, times);
            let lane = record(&ended, &[]).lane(None);
            let spans = spans_of(&lane);
            let [.., (_, created, started), (_, _, ended)] = spans.as_slice() else {
                panic!("{spans:?}");
            };
            assert_eq!(started.unwrap() - created, 4);
            assert_eq!(ended.unwrap() - started.unwrap(), 64);
            assert!(
                (0..=3).contains(created) && ended.unwrap() <= 71,
                "{spans:?}"
            );
            let seconds = lane.skew.as_secs();
            assert!((ahead - 10..=ahead + 10).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn without_times_of_the_service_ours_stand() {
        let ended = deployment(Status::Failed, [None; 3]);
        assert_eq!(
            spans_of(&record(&ended, &[]).lane(None)),
            [
                ("preparing", 0, Some(3)),
                ("queue", 3, Some(7)),
                ("running", 7, Some(71)),
            ]
        );
        // Times that are in no order are none.
        let odd = deployment(Status::Failed, [Some(2), Some(-50), Some(-60)]);
        let lane = record(&odd, &[]).lane(None);
        assert_eq!(spans_of(&lane)[2], ("running", 7, Some(71)));
    }

    #[test]
    fn what_somebody_else_has_started_needed_no_steps_of_ours() {
        let found = deployment(Status::Success, [Some(-500), Some(-490), Some(70)]);
        let mut record = record(&found, &[]);
        record.is_ours = false;
        record.waiting = None;
        record.running = Some(at(3));
        assert_eq!(
            spans_of(&record.lane(None)),
            [("queue", -500, Some(-490)), ("running", -490, Some(70))]
        );
    }

    #[test]
    fn waiting_for_others_stands_among_our_steps() {
        let own = [own(Phase::Waiting, 1, 30)];
        let ended = deployment(Status::Success, [Some(32), Some(33), Some(70)]);
        let mut record = record(&ended, &own);
        (record.known, record.waiting) = (Some(at(32)), None);
        record.running = Some(at(34));
        let spans = spans_of(&record.lane(None));
        assert_eq!(
            spans[..3],
            [
                ("preparing", 0, Some(1)),
                ("waiting", 1, Some(30)),
                ("preparing", 30, Some(32)),
            ]
        );
    }

    #[test]
    fn what_was_broken_off_is_open() {
        let running = deployment(Status::InProgress, [Some(2), Some(6), None]);
        let mut record = record(&running, &[]);
        record.ended = None;
        let lane = record.lane(None);
        let last = lane.spans.last().unwrap();
        assert_eq!((last.state, last.end), (State::Open, None));
        assert_eq!(last.length(at(100)), SignedDuration::from_secs(94));
        let nothing = TimelineInput {
            began: Some(at(0)),
            now: at(5),
            ..TimelineInput::default()
        };
        assert_eq!(spans_of(&nothing.lane(None)), [("preparing", 0, None)]);
    }

    prop_compose! {
        fn a_status()(word in prop::sample::select(vec![
            None, Some("waiting"), Some("inProgress"), Some("success"), Some("failed"),
            Some("cancelled"), Some("skipped"), Some("odd"),
        ])) -> Status {
            Status::from_word(word)
        }
    }

    proptest! {
        #[test]
        fn no_span_is_negative_or_overlaps(
            status in a_status(),
            theirs in prop::array::uniform3(prop::option::of(-9000_i64..9000)),
            ours in prop::array::uniform5(prop::option::of(0_i64..100)),
            steps in prop::collection::vec((0_i64..120, 0_i64..50, 0_usize..8), 0..5),
            is_ours: bool,
            has_way: bool,
        ) {
            let deployment = deployment(status, theirs);
            let [known, waiting, running, going_on, ended] = ours.map(|time| time.map(at));
            let own: Vec<Span> = steps
                .iter()
                .map(|&(begin, length, phase)| Span {
                    end: (length > 0).then(|| at(begin + length)),
                    ..own(Phase::ALL[phase], begin, begin)
                })
                .collect();
            let record = TimelineInput {
                began: has_way.then(|| at(0)),
                is_ours, known, waiting, running, going_on, ended,
                deployment: Some(&deployment),
                own: &own,
                now: at(200),
            };
            let lane = record.lane(None);
            let mut free = Timestamp::MIN;
            for (number, span) in lane.spans.iter().enumerate() {
                prop_assert!(span.begin >= free, "{:?}", spans_of(&lane));
                let is_last = number + 1 == lane.spans.len();
                prop_assert!(span.end.is_some() || is_last, "{:?}", spans_of(&lane));
                free = span.end.unwrap_or(at(200));
                prop_assert!(free >= span.begin || span.end.is_none());
            }
        }

        #[test]
        fn what_the_service_took_stays_as_it_is(
            skew in -100_000_i64..100_000,
            queue in 0_i64..50,
            run in 1_i64..500,
            late in prop::array::uniform3(0_i64..30),
        ) {
            let (created, started) = (2, 2 + queue);
            let finished = started + run;
            let times = [created, started, finished].map(|time| Some(time + skew));
            let deployment = deployment(Status::Success, times);
            let record = TimelineInput {
                began: Some(at(0)),
                is_ours: true,
                known: Some(at(created + late[0])),
                // Seen late, and before the end.
                running: Some(at(started + late[1].min(run))),
                ended: Some(at(finished + late[2])),
                deployment: Some(&deployment),
                now: at(2000),
                ..TimelineInput::default()
            };
            let lane = record.lane(None);
            let length = |phase| {
                let span = lane.spans.iter().find(|span| span.name == phase).unwrap();
                span.length(at(2000)).as_secs()
            };
            prop_assert_eq!(length(Phase::Queue), queue);
            prop_assert_eq!(length(Phase::Running), run);
        }
    }
}
