//! Looks that fail: what heals is waited for, what cannot ends the watch.

use sevalla_deploy::deployment::Verdict;
use sevalla_deploy::follow::LogMode;

use crate::script::{Answer, Run, Script, Trouble, What, follow, millis, secs, waits};

const HEALS: [Trouble; 11] = [
    Trouble::Refused(429),
    Trouble::Refused(408),
    Trouble::Refused(500),
    Trouble::Refused(502),
    Trouble::Refused(503),
    Trouble::Refused(504),
    Trouble::AskedToWait(503, 20),
    Trouble::NotConnected,
    Trouble::Broken,
    Trouble::Undecodable,
    Trouble::Hangs,
];

/// Fails like this from one second to another.
fn failing(script: Script, from: u64, to: u64, trouble: Trouble) -> Script {
    script.looks(move |request| {
        if (secs(from)..secs(to)).contains(&request.at) {
            Answer::from(trouble)
        } else {
            Answer::FINE
        }
    })
}

/// What is told of the next try is what happens.
fn assert_tells_the_truth(run: &Run) {
    for told in &run.told {
        if let What::Retrying(error, wait) = &told.what {
            let next = run.looks.iter().find(|look| look.at >= told.at + *wait);
            let next = next.unwrap_or_else(|| panic!("no try follows {told:?}"));
            assert!(
                next.at - (told.at + *wait) <= millis(1),
                "{told:?} {next:?}"
            );
            assert!(error.attempts > 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn minutes_of_trouble_are_outlasted() {
    for trouble in HEALS {
        for (from, to) in [(0, 240), (20, 300), (280, 420)] {
            let script = failing(Script::ending(290, "success"), from, to, trouble);
            let run = follow(script, LogMode::Never).await;
            assert_eq!(run.verdict(), Some(Verdict::Success), "{trouble:?}");
            assert!(run.took >= secs(290) && run.took <= secs(to.max(290) + 65));
            assert!(run.looks.iter().filter(|look| look.failed).count() >= 3);
            assert_tells_the_truth(&run);
            for wait in waits(&run.looks) {
                assert!(wait >= secs(1), "{wait:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_of_changing_kinds_is_outlasted() {
    let script = Script::ending(100, "failed").looks(|request| {
        if request.at < secs(500) {
            Answer::from(HEALS[request.nth % HEALS.len()]).after(millis(700))
        } else {
            Answer::FINE
        }
    });
    let run = follow(script, LogMode::Never).await;
    assert_eq!(run.verdict(), Some(Verdict::Failed));
    assert_tells_the_truth(&run);
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_the_next_try_is_true_up_to_the_deadline() {
    for deadline in 30..60 {
        let script = failing(
            Script::endless(deadline),
            10,
            999,
            Trouble::AskedToWait(429, 9),
        );
        assert_tells_the_truth(&follow(script, LogMode::Never).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_service_asks_for_is_the_least() {
    for status in [429, 503] {
        for asked in [3, 17, 60, 120] {
            let script = Script::ending(5, "success").looks(move |request| {
                if request.nth < 4 {
                    Answer::from(Trouble::AskedToWait(status, asked)).after(millis(50))
                } else {
                    Answer::FINE
                }
            });
            let run = follow(script, LogMode::Never).await;
            assert_eq!(run.verdict(), Some(Verdict::Success));
            assert_eq!(run.looks.len(), 5);
            for wait in waits(&run.looks) {
                let most = secs(asked) + secs(asked) / 5 + millis(1);
                assert!(wait >= secs(asked) && wait <= most, "{asked} {wait:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_asked_for_is_still_a_second() {
    let script = failing(
        Script::ending(60, "success"),
        0,
        30,
        Trouble::AskedToWait(429, 0),
    );
    let run = follow(script, LogMode::Never).await;
    assert!(waits(&run.looks).iter().all(|wait| *wait >= secs(1)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_heal_ends_it_at_once() {
    for trouble in [
        Trouble::Refused(400),
        Trouble::Refused(401),
        Trouble::Refused(403),
        Trouble::Refused(302),
        Trouble::Refused(409),
        Trouble::Refused(410),
        Trouble::Refused(422),
        Trouble::Untrusted,
    ] {
        for from in [0, 40] {
            let script = failing(Script::ending(300, "success"), from, 9999, trouble);
            let run = follow(script, LogMode::Live).await;
            assert_eq!(run.lost_to().attempts, 1);
            assert_eq!(run.looks.iter().filter(|look| look.failed).count(), 1);
            assert_eq!(run.took, run.known_at(), "{trouble:?}");
            assert_eq!(run.tells(|what| matches!(what, What::Retrying(..))), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_effort_in_the_error_spans_the_whole_row_of_failures() {
    let script = Script::endless(1800).looks(|request| match request.nth {
        // A row that a good look ends does not count.
        0 | 1 => Answer::from(Trouble::Refused(502)),
        2 => Answer::FINE,
        3 => Answer::from(Trouble::Hangs),
        4 => Answer::from(Trouble::Refused(503)).after(millis(100)),
        5 => Answer::from(Trouble::Broken).after(secs(7)),
        _ => Answer::from(Trouble::Refused(403)).after(millis(200)),
    });
    let run = follow(script, LogMode::Never).await;
    let error = run.lost_to();
    assert_eq!((error.attempts, error.status()), (4, Some(403)));
    assert_eq!(error.elapsed, run.known_at() - run.looks[3].at);
    let told: Vec<_> = run
        .told
        .iter()
        .filter_map(|told| match &told.what {
            What::Retrying(error, _) => Some((error.attempts, told.at - error.elapsed)),
            _ => None,
        })
        .collect();
    let (first, second) = (run.looks[0].at, run.looks[3].at);
    assert_eq!(
        told,
        [
            (1, first),
            (2, first),
            (1, second),
            (2, second),
            (3, second)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_just_created_may_be_unknown_for_a_while() {
    for known in [2, 10, 19] {
        let script = failing(
            Script::ending(60, "success"),
            0,
            known,
            Trouble::Refused(404),
        );
        let run = follow(script, LogMode::Live).await;
        assert_eq!(run.verdict(), Some(Verdict::Success), "{known}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_stays_unknown_is_lost() {
    for _ in 0..20 {
        let script = failing(
            Script::ending(300, "success"),
            0,
            9999,
            Trouble::Refused(404),
        );
        let run = follow(script, LogMode::Never).await;
        assert_eq!(run.lost_to().status(), Some(404));
        assert_eq!(usize::try_from(run.lost_to().attempts), Ok(run.looks.len()));
        assert_eq!(run.lost_to().elapsed, run.known_at() - run.looks[0].at);
        assert!(
            run.took >= secs(20) && run.took <= secs(60),
            "{:?}",
            run.took
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_seen_and_is_gone_is_lost_at_once() {
    for from in [5, 12, 100] {
        let script = failing(
            Script::ending(300, "success"),
            from,
            9999,
            Trouble::Refused(404),
        );
        let run = follow(script, LogMode::Never).await;
        assert_eq!(
            (run.lost_to().status(), run.lost_to().attempts),
            (Some(404), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_no_grace_for_a_deployment_first_missed_late() {
    let script = Script::ending(300, "success")
        .looks(|request| Trouble::Refused(if request.at < secs(30) { 503 } else { 404 }));
    let run = follow(script, LogMode::Never).await;
    assert_eq!(run.lost_to().status(), Some(404));
    assert!(run.looks.iter().filter(|look| look.at >= secs(30)).count() == 1);
}
