//! Whatever happens to the log, the result and its moment stay the same.

use std::time::Duration;

use sevalla_deploy::deployment::Verdict;
use sevalla_deploy::follow::{FollowResult, LogMode};

use crate::script::{
    Answer, LATEST_END, LONGEST_GAP, Line, Run, Script, Trouble, follow, millis, secs, waits,
};

/// How long the log may keep the run waiting after the end.
const LONGEST_DRAIN: u64 = 10;

const TROUBLES: [Trouble; 12] = [
    Trouble::Refused(400),
    Trouble::Refused(403),
    Trouble::Refused(404),
    Trouble::Refused(429),
    Trouble::AskedToWait(429, 100),
    Trouble::Refused(500),
    Trouble::NotConnected,
    Trouble::Untrusted,
    Trouble::Broken,
    Trouble::Undecodable,
    Trouble::TooLarge,
    Trouble::Hangs,
];

fn assert_is_unmoved(run: &Run, end: u64) {
    assert_eq!(run.verdict(), Some(Verdict::Failed));
    assert!(run.known_at() >= secs(end) && run.known_at() <= secs(end) + LONGEST_GAP);
    assert!(run.looks[0].at >= secs(1));
    for wait in waits(&run.looks) {
        assert!(wait >= secs(1) && wait <= LONGEST_GAP, "{wait:?}");
    }
    assert!(run.took <= run.known_at() + secs(LONGEST_DRAIN));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_never_works_changes_nothing() {
    for trouble in TROUBLES {
        for reading in [LogMode::Live, LogMode::AtTheEnd, LogMode::AfterFailure] {
            let script = Script::ending(200, "failed").reads(move |_| trouble);
            let run = follow(script, reading).await;
            assert_is_unmoved(&run, 200);
            assert!(run.tells_unavailable() <= 1, "{trouble:?}");
            assert!(run.tells_incomplete() <= 1, "{trouble:?}");
            // That lines may be missing is said, in one way or the other.
            assert_eq!(
                run.tells_unavailable() + run.tells_incomplete(),
                1,
                "{trouble:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_heal_is_not_asked_for_again() {
    for trouble in [
        Trouble::Refused(400),
        Trouble::Refused(403),
        Trouble::Untrusted,
    ] {
        let script = Script::ending(200, "failed").reads(move |_| trouble);
        let run = follow(script, LogMode::Live).await;
        assert_eq!((run.reads.len(), run.tells_unavailable()), (1, 1));
        assert_eq!(run.took, run.known_at());
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_exist_yet_is_asked_for_again() {
    let log = (0..20).map(|n| Line::with_lag(secs(60 + n), millis(300)));
    let script = Script::ending(200, "failed").log(log).reads(|request| {
        if request.at < secs(90) {
            Answer::from(Trouble::Refused(404))
        } else {
            Answer::FINE
        }
    });
    let run = follow(script, LogMode::Live).await;
    assert_eq!(run.lines(), (0..20).collect::<Vec<_>>());
    assert_eq!((run.tells_unavailable(), run.tells_incomplete()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_heals_is_told_whole() {
    for trouble in TROUBLES {
        if matches!(
            trouble,
            Trouble::Refused(400 | 403) | Trouble::Untrusted | Trouble::TooLarge
        ) {
            continue;
        }
        let log = (0..180).map(|n| Line::with_lag(secs(3 + n), millis(300)));
        let script = Script::ending(200, "failed")
            .log(log)
            .reads(move |request| {
                if (secs(40)..secs(150)).contains(&request.at) {
                    Answer::from(trouble)
                } else {
                    Answer::FINE
                }
            });
        let run = follow(script, LogMode::Live).await;
        assert_is_unmoved(&run, 200);
        // One that was asked to wait, or hangs, may not be back in time.
        if run.tells_incomplete() == 0 {
            assert_eq!(run.lines(), (0..180).collect::<Vec<_>>(), "{trouble:?}");
        } else {
            assert_eq!(trouble, Trouble::AskedToWait(429, 100));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_asked_for_less_often_and_as_late_as_it_wants() {
    let script = Script::endless(600).reads(|_| Trouble::AskedToWait(429, 40));
    let run = follow(script, LogMode::Live).await;
    let live: Vec<_> = run
        .reads
        .iter()
        .filter(|read| read.at < secs(600))
        .cloned()
        .collect();
    assert!(waits(&live).iter().all(|wait| *wait >= secs(40)));
    assert!(live.len() >= 10);

    let script = Script::endless(600).reads(|_| Trouble::Refused(500));
    let run = follow(script, LogMode::Live).await;
    let live: Vec<_> = run
        .reads
        .iter()
        .filter(|read| read.at < secs(600))
        .cloned()
        .collect();
    assert!(waits(&live).iter().all(|wait| *wait >= secs(5)));
    assert!(live.len() < 80, "{}", live.len());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_never_goes_quiet_is_left() {
    for reading in [LogMode::Live, LogMode::AtTheEnd] {
        let log = (0..2000).map(|n| Line::with_lag(millis(3000 + 500 * n), millis(100)));
        let run = follow(Script::ending(100, "failed").log(log), reading).await;
        assert_is_unmoved(&run, 100);
        assert_eq!(run.took, run.known_at() + secs(LONGEST_DRAIN));
        assert_eq!(run.tells_incomplete(), 1);
        let told = run.lines();
        assert_eq!(told, (0..told.len()).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_the_log_as_well() {
    for trouble in TROUBLES {
        for end in [1, 40, 58, 59] {
            for reading in [LogMode::Live, LogMode::AtTheEnd] {
                let script = Script::ending(end, "failed")
                    .until(60)
                    .reads(move |_| trouble);
                let run = follow(script, reading).await;
                assert_eq!(run.verdict(), Some(Verdict::Failed));
                assert!(
                    run.took <= secs(60) + LATEST_END,
                    "{trouble:?} {:?}",
                    run.took
                );
            }
        }
        let script = Script::endless(60).reads(move |_| trouble);
        let run = follow(script, LogMode::Live).await;
        assert!(matches!(
            run.ended,
            FollowResult::TimedOut { trouble: None, .. }
        ));
        assert_eq!(run.looks.last().unwrap().at, secs(60));
        assert!(
            run.took <= secs(60) + LATEST_END,
            "{trouble:?} {:?}",
            run.took
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_at_the_deadline_leaves_time_for_late_lines() {
    // The end is seen at the deadline, so how late the last line is is exact.
    for lag in [0, 900, 2500] {
        let log = (0..56)
            .map(|n| Line::with_lag(secs(3 + n), Duration::ZERO))
            .chain([Line::with_lag(millis(59_990), millis(lag))]);
        let mut script = Script::endless(60).log(log);
        script
            .words
            .push((millis(59_999), Some("failed".to_owned())));
        let run = follow(script, LogMode::Live).await;
        assert_eq!(run.lines(), (0..57).collect::<Vec<_>>());
        // After the latest, the time is over in the very moment in which it
        // would be seen that nothing follows.
        if lag < 2500 {
            assert_eq!(run.tells_incomplete(), 0, "{lag}");
        }
    }
}
