//! How a watch ends, and when it looks.

use std::time::Duration;

use sevalla_deploy::deployment::Verdict;
use sevalla_deploy::follow::{FollowResult, LogMode};

use crate::script::{
    Answer, LAST_REQUESTS, LATEST_END, LONGEST_GAP, Script, Trouble, What, follow, millis, secs,
    waits,
};

#[tokio::test(start_paused = true)]
async fn each_final_word_ends_with_its_verdict() {
    for (word, verdict) in [
        ("success", Verdict::Success),
        ("failed", Verdict::Failed),
        ("cancelled", Verdict::Cancelled),
        ("skipped", Verdict::Skipped),
    ] {
        let run = follow(Script::ending(90, word), LogMode::Never).await;
        assert_eq!(run.verdict(), Some(verdict), "{word}");
        assert!(
            run.took >= secs(90) && run.took <= secs(90) + LONGEST_GAP,
            "{run:?}"
        );
        assert_eq!(run.seen(), ["inProgress", word]);
        assert!(run.reads.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn no_other_word_ends_it() {
    for word in [
        None,
        Some(""),
        Some("SUCCESS"),
        Some("Success"),
        Some("success "),
        Some("succeeded"),
        Some("Failed"),
        Some("canceled"),
        Some("deploymentSuccess"),
        Some("null"),
    ] {
        let script = Script::of(&[(0, Some("waiting")), (10, word), (200, Some("failed"))]);
        let run = follow(script, LogMode::Never).await;
        assert_eq!(run.verdict(), Some(Verdict::Failed), "{word:?}");
        assert!(run.took >= secs(200), "{word:?}");

        let script = Script::of(&[(0, Some("waiting")), (10, word)]).until(60);
        let run = follow(script, LogMode::Never).await;
        assert!(
            matches!(run.ended, FollowResult::TimedOut { trouble: None, .. }),
            "{word:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_goes_backwards_does_not_matter() {
    let script = Script::of(&[
        (0, Some("inProgress")),
        (30, Some("waiting")),
        (60, None),
        (90, Some("inProgress")),
        (120, Some("waiting")),
        (150, Some("success")),
    ]);
    let run = follow(script, LogMode::Never).await;
    assert_eq!(run.verdict(), Some(Verdict::Success));
    assert_eq!(
        run.seen(),
        [
            "waiting",
            "without a status",
            "inProgress",
            "waiting",
            "success"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_appears_late_is_told_once() {
    let mut script = Script::ending(120, "success");
    script.commit = secs(50);
    let run = follow(script, LogMode::Never).await;
    let with_commit = |what: &What| matches!(what, What::Seen(_, Some(_)));
    let first = run
        .told
        .iter()
        .find(|told| with_commit(&told.what))
        .unwrap();
    assert!(first.at >= secs(50) && first.at <= secs(50) + LONGEST_GAP);
    // Once when it appeared, once with the end.
    assert_eq!(run.tells(with_commit), 2);
}

#[tokio::test(start_paused = true)]
async fn looks_are_a_second_to_ten_apart_and_the_last_is_at_the_deadline() {
    for deadline in 1..120 {
        for latency in [0, 300] {
            let script =
                Script::endless(deadline).looks(move |_| Answer::FINE.after(millis(latency)));
            let run = follow(script, LogMode::Never).await;
            assert!(matches!(
                run.ended,
                FollowResult::TimedOut { trouble: None, .. }
            ));
            let first = run.looks.first().unwrap().at;
            assert!(first >= secs(1), "{first:?}");
            let waits = waits(&run.looks);
            // The last wait is cut short by the deadline.
            let (last, others) = waits.split_last().unzip();
            for wait in others.unwrap_or_default() {
                assert!(*wait >= secs(1) && *wait <= LONGEST_GAP, "{wait:?}");
            }
            assert!(last.is_none_or(|wait| *wait <= LONGEST_GAP));
            let late: Vec<Duration> = run
                .looks
                .iter()
                .map(|look| look.at)
                .filter(|at| *at >= secs(deadline))
                .collect();
            let before = run.looks.iter().rev().nth(1);
            let overlaps = before
                .and_then(|look| look.answered)
                .filter(|answered| *answered > secs(deadline));
            // A look that is under way at the deadline shows what was so
            // before: the last one follows it.
            assert_eq!(late, [overlaps.unwrap_or(secs(deadline))]);
            assert_eq!(run.took, run.known_at());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_right_before_the_deadline_is_seen() {
    for deadline in 20..60 {
        for latency in [0, 400, 2000] {
            let mut script =
                Script::endless(deadline).looks(move |_| Answer::FINE.after(millis(latency)));
            let end = secs(deadline) - millis(1);
            script.words.push((end, Some("success".to_owned())));
            let run = follow(script, LogMode::Never).await;
            assert_eq!(run.verdict(), Some(Verdict::Success), "{run:?}");
            assert!(run.took <= secs(deadline) + millis(2 * latency));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_after_the_deadline_is_not_waited_for() {
    let run = follow(Script::ending(61, "success").until(60), LogMode::Never).await;
    assert!(matches!(
        run.ended,
        FollowResult::TimedOut { trouble: None, .. }
    ));
    assert_eq!(run.took, secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_over_still_allows_one_look() {
    let run = follow(Script::ending(0, "success").until(0), LogMode::Never).await;
    assert_eq!(
        (run.verdict(), run.looks.len()),
        (Some(Verdict::Success), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn only_three_failed_looks_in_a_row_at_the_deadline_are_trouble() {
    let mut with_trouble = 0;
    let mut with_two = 0;
    let late = (110_000..120_000).step_by(20);
    for failing_since in (60_000..110_000).step_by(1000).chain(late) {
        let script = Script::endless(120).looks(move |request| {
            if request.at >= millis(failing_since) {
                Answer::from(Trouble::Refused(503))
            } else {
                Answer::FINE
            }
        });
        let run = follow(script, LogMode::Never).await;
        let failed = run.looks.iter().rev().take_while(|look| look.failed);
        let failed: Vec<_> = failed.collect();
        let FollowResult::TimedOut { trouble, .. } = &run.ended else {
            panic!("{:?}", run.ended)
        };
        assert_eq!(trouble.is_some(), failed.len() >= 3, "{run:?}");
        with_two += usize::from(failed.len() == 2);
        if let Some(error) = trouble {
            with_trouble += 1;
            assert_eq!(usize::try_from(error.attempts), Ok(failed.len()));
            assert_eq!(error.elapsed, secs(120) - failed.last().unwrap().at);
        }
        assert_eq!(run.looks.last().unwrap().at, secs(120));
    }
    assert!(
        with_trouble > 10 && with_two > 3,
        "{with_trouble} {with_two}"
    );
}

#[tokio::test(start_paused = true)]
async fn failed_looks_before_a_good_one_are_no_trouble() {
    let script = Script::endless(120).looks(|request| {
        if request.at < secs(110) {
            Answer::from(Trouble::Refused(500))
        } else {
            Answer::FINE
        }
    });
    let run = follow(script, LogMode::Never).await;
    assert!(matches!(
        run.ended,
        FollowResult::TimedOut { trouble: None, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn looks_that_hang_cannot_hold_it_after_the_deadline() {
    for deadline in [1, 5, 28, 29, 30, 31, 33, 60, 64, 100, 240, 600] {
        for reading in [LogMode::Never, LogMode::Live, LogMode::AtTheEnd] {
            let script = Script::endless(deadline)
                .looks(|_| Trouble::Hangs)
                .reads(|_| Trouble::Hangs);
            let run = follow(script, reading).await;
            let FollowResult::TimedOut { trouble, .. } = &run.ended else {
                panic!("{:?}", run.ended)
            };
            assert!(run.took <= secs(deadline) + LATEST_END, "{:?}", run.took);
            assert!(run.known_at() <= secs(deadline) + LAST_REQUESTS);
            if deadline >= 240 {
                // What is told is what the service did, not that time is over.
                let error = trouble.as_ref().unwrap().to_string();
                assert!(error.contains("no complete answer"), "{error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_says_at_least_every_minute_that_it_waits() {
    for latency in [0, 4, 25] {
        let script = Script::endless(1200).looks(move |_| Answer::FINE.after(secs(latency)));
        let run = follow(script, LogMode::Never).await;
        let mut before = Duration::ZERO;
        for told in &run.told {
            assert!(told.at - before <= secs(60), "{before:?} to {:?}", told.at);
            before = told.at;
            if let What::StillWaiting(elapsed) = told.what {
                assert_eq!(elapsed, told.at);
            }
        }
        assert!(run.took - before <= secs(60));
        let beats = run.tells(|what| matches!(what, What::StillWaiting(_)));
        assert!((15..=24).contains(&beats), "{beats}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_also_says_so_while_the_service_asks_for_a_long_wait() {
    let script = Script::endless(1200).looks(|_| Trouble::AskedToWait(429, 120));
    let run = follow(script, LogMode::Never).await;
    let mut before = Duration::ZERO;
    for told in &run.told {
        assert!(told.at - before <= secs(60), "{before:?} to {:?}", told.at);
        before = told.at;
    }
}
