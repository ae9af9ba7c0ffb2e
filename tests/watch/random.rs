//! Random time lines with random faults: what holds whatever happens.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sevalla_deploy::deployment::{Status, Verdict};
use sevalla_deploy::follow::{FollowResult, LogMode};

use crate::script::{Answer, Habit, LATEST_END, Line, Run, Script, Trouble, follow, millis, secs};

/// A fault from one moment to another, in milliseconds.
type Fault = (u64, u64, Trouble);

#[derive(Debug, Clone)]
struct Case {
    deadline: u64,
    words: Vec<(u64, Option<&'static str>)>,
    end: Option<(u64, &'static str)>,
    look_faults: Vec<Fault>,
    look_latency: u64,
    read_faults: Vec<Fault>,
    read_latency: u64,
    gaps: Vec<u64>,
    lag: u64,
    habit: Habit,
    page: usize,
    reading: LogMode,
}

impl Case {
    fn script(&self) -> Script {
        let mut words: Vec<_> = self.words.clone();
        words.sort_by_key(|(since, _)| *since);
        if let Some((end, _)) = self.end {
            words.retain(|(since, _)| *since < end);
        }
        words.insert(0, (0, Some("waiting")));
        words.extend(self.end.map(|(end, word)| (end, Some(word))));
        let mut script = Script::of(&[])
            .until(self.deadline)
            .habit(self.habit)
            .page(self.page)
            .looks(answers(&self.look_faults, self.look_latency))
            .reads(answers(&self.read_faults, self.read_latency));
        script.words = words
            .into_iter()
            .map(|(since, word)| (millis(since), word.map(str::to_owned)))
            .collect();
        let last = self.end.map_or(u64::MAX, |(end, _)| end);
        let mut at = 0;
        let times = self.gaps.iter().map(|gap| {
            at += gap + 1;
            at
        });
        script.log(
            times
                .take_while(|at| *at <= last)
                .map(|at| Line::with_lag(millis(at), millis(self.lag))),
        )
    }
}

fn answers(faults: &[Fault], latency: u64) -> impl Fn(crate::script::Request) -> Answer + 'static {
    let faults = faults.to_vec();
    move |request| {
        let fault = faults
            .iter()
            .find(|(from, length, _)| (millis(*from)..millis(from + length)).contains(&request.at))
            .map_or(Answer::FINE, |(_, _, trouble)| Answer::from(*trouble));
        fault.after(millis(latency))
    }
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        8 => prop::sample::select(vec![
            Trouble::Refused(429),
            Trouble::Refused(500),
            Trouble::AskedToWait(503, 15),
            Trouble::AskedToWait(429, 120),
            Trouble::NotConnected,
            Trouble::Broken,
            Trouble::Undecodable,
            Trouble::Hangs,
        ]),
        1 => prop::sample::select(vec![Trouble::Refused(403), Trouble::Refused(404)]),
    ]
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec((0..300_000_u64, 0..60_000_u64, trouble()), 0..5)
}

fn case() -> impl Strategy<Value = Case> {
    let words = vec![
        None,
        Some("waiting"),
        Some("inProgress"),
        Some("SUCCESS"),
        Some("archived"),
    ];
    let finals = vec!["success", "failed", "cancelled", "skipped"];
    let habits = vec![
        Habit::OldestFirst,
        Habit::NewestFirst,
        Habit::NewestAscending,
    ];
    let readings = vec![
        LogMode::Live,
        LogMode::Live,
        LogMode::AtTheEnd,
        LogMode::AfterFailure,
        LogMode::Never,
    ];
    let life = (
        1..400_u64,
        prop::collection::vec((0..300_000_u64, prop::sample::select(words)), 0..6),
        prop::option::weighted(0.8, (0..300_000_u64, prop::sample::select(finals))),
        faults(),
        0..3000_u64,
    );
    let log = (
        prop_oneof![Just(Vec::new()), faults()],
        0..100_u64,
        prop::collection::vec(prop_oneof![3 => 0..50_u64, 1 => 0..5000_u64], 0..300),
        0..=2500_u64,
        prop::sample::select(habits),
        prop_oneof![Just(usize::MAX), 50..600_usize],
        prop::sample::select(readings),
    );
    (life, log).prop_map(|(life, log)| Case {
        deadline: life.0,
        words: life.1,
        end: life.2,
        look_faults: life.3,
        look_latency: life.4,
        read_faults: log.0,
        read_latency: log.1,
        gaps: log.2,
        lag: log.3,
        habit: log.4,
        page: log.5,
        reading: log.6,
    })
}

fn run(case: &Case) -> Run {
    testkit::in_virtual_time(follow(case.script(), case.reading))
}

fn check(case: &Case, run: &Run) -> Result<(), TestCaseError> {
    let deadline = secs(case.deadline);
    prop_assert!(run.took <= deadline + LATEST_END, "{:?}", run.took);
    let last = run.looks.last().unwrap();
    match &run.ended {
        FollowResult::Seen(seen) => {
            prop_assert_eq!(last.shown.as_ref(), Some(&seen.status));
            prop_assert_eq!(seen.status.verdict(), Some(seen.verdict()));
            let word = case.end.map(|(_, word)| word);
            prop_assert_eq!(Some(seen.status.word()), word);
            prop_assert!(last.at >= millis(case.end.unwrap().0));
        }
        FollowResult::TimedOut { .. } => {
            prop_assert!(last.at >= deadline, "{:?}", last);
            let before = run.looks.iter().rev().nth(1);
            let overlap = before.and_then(|look| look.answered);
            prop_assert!(last.at <= overlap.unwrap_or(deadline).max(deadline));
        }
        FollowResult::Lost { error, .. } => {
            prop_assert!(matches!(error.status(), Some(403 | 404)));
            prop_assert!(last.failed);
        }
    }
    // No word but the last one was an end.
    let (_, others) = run.looks.split_last().unwrap();
    for look in others {
        prop_assert_eq!(look.shown.as_ref().and_then(Status::verdict), None);
    }
    prop_assert!(run.tells_unavailable() + run.tells_incomplete() <= 1);

    let mut told = run.lines();
    let in_order: Vec<usize> = (0..told.len()).collect();
    let is_healthy = case.read_faults.is_empty();
    if is_healthy {
        prop_assert!(told.is_sorted_by(|a, b| a < b), "{:?}", told);
        // Time may be over amid the pages: then the youngest are told.
        if run.tells_incomplete() == 0 {
            prop_assert_eq!(&told, &in_order);
        }
        prop_assert_eq!(run.tells_unavailable(), 0);
    } else {
        told.sort_unstable();
        told.dedup();
        prop_assert_eq!(told.len(), in_order.len(), "a line was told twice");
    }
    let reads_all = match (&run.ended, case.reading) {
        (FollowResult::Seen(..), LogMode::Live | LogMode::AtTheEnd) => true,
        (FollowResult::Seen(seen), LogMode::AfterFailure) => seen.status != Status::Success,
        _ => false,
    };
    let has_time = run.known_at() + secs(5) <= deadline;
    if reads_all && is_healthy && has_time {
        let log = case.script().log;
        // What was cancelled or skipped before its first line may have no log.
        let has_no_log = told.is_empty() && run.verdict() != Some(Verdict::Failed);
        if run.verdict() == Some(Verdict::Success) || has_no_log {
            // Late lines get a second; no line that was there is missed.
            let end = run.known_at();
            let there = log.iter().filter(|line| line.readable <= end);
            prop_assert!(told.len() >= there.count());
            prop_assert!(run.took <= end + secs(2) + 4 * millis(case.read_latency));
        } else {
            prop_assert_eq!(run.tells_incomplete(), 0);
            prop_assert_eq!(told.len(), log.len());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_watch_tells_the_truth_in_time(case in case()) {
        check(&case, &run(&case))?;
    }
}
