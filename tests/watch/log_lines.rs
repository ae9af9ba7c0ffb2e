//! Every line of a log that can be read is told once, and in order.

use std::time::Duration;

use sevalla_deploy::deployment::Verdict;
use sevalla_deploy::follow::{FollowResult, LogMode};

use crate::script::{Answer, Habit, Line, Run, Script, Trouble, What, follow, millis, secs, waits};
use testkit::Dice;

/// Lines that become readable this long after the end was seen are told. The
/// readings are 1 s and 2 s after the last that had something new.
const LAG: Duration = Duration::from_millis(2500);

const HABITS: [Habit; 3] = [
    Habit::OldestFirst,
    Habit::NewestFirst,
    Habit::NewestAscending,
];

/// Lines from one second to another, evenly.
fn lines(count: u64, from: u64, to: u64, lag: Duration) -> impl Iterator<Item = Line> {
    let step = (to - from) * 1_000_000 / count;
    (0..count).map(move |n| Line::with_lag(secs(from) + Duration::from_micros(n * step), lag))
}

fn assert_tells_all(run: &Run, count: usize) {
    assert_eq!(run.lines(), (0..count).collect::<Vec<_>>());
    assert_eq!((run.tells_unavailable(), run.tells_incomplete()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn lines_are_told_while_it_runs() {
    let script = Script::ending(60, "success").log(lines(200, 3, 60, millis(400)));
    let run = follow(script, LogMode::Live).await;
    assert_tells_all(&run, 200);
    for told in &run.told {
        if let What::Log(lines) = &told.what {
            let last: u64 = lines.last().unwrap().lines[0].as_str().parse().unwrap();
            let readable = secs(3) + millis(285 * last) + millis(400);
            // A reading every five seconds, while the status does not stop it.
            assert!(told.at <= readable + secs(20), "{told:?}");
        }
    }
    assert!(run.tells(|what| matches!(what, What::Log(_))) >= 8);
}

#[tokio::test(start_paused = true)]
async fn late_lines_are_told() {
    for lag in [0, 500, 1000, 2000, 2500] {
        for reading in [LogMode::Live, LogMode::AtTheEnd] {
            let lag = millis(lag).min(LAG);
            let log = lines(300, 3, 90, lag);
            let run = follow(Script::ending(90, "failed").log(log), reading).await;
            assert_tells_all(&run, 300);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failures_lose_no_line_that_can_be_read_two_seconds_after_the_end() {
    const LATEST: Duration = Duration::from_secs(2);
    let mut dice = Dice::new(18);
    for number in 0..1000_usize {
        let end = 10 + u64::from(u8::try_from(number % 90).unwrap());
        let mut late: Vec<Line> = (0..20)
            .map(|_| {
                let readable = LATEST.mul_f64(dice.chance());
                let written = readable.mul_f64(dice.chance());
                Line::with_lag(secs(end) + written, readable - written)
            })
            .collect();
        late.sort_by_key(|line| line.at);
        let log = lines(50, 3, end, millis(300)).chain(late);
        let latency = millis(300).mul_f64(dice.chance());
        let script = Script::ending(end, "failed")
            .log(log)
            .habit(HABITS[number % HABITS.len()])
            .reads(move |_| Answer::FINE.after(latency));
        let reading = [LogMode::Live, LogMode::AfterFailure][number % 2];
        let run = follow(script, reading).await;
        let mut told = run.lines();
        told.sort_unstable();
        assert_eq!(told, (0..70).collect::<Vec<_>>(), "{number}");
        assert_eq!((run.tells_unavailable(), run.tells_incomplete()), (0, 0));
        assert!(run.took <= run.known_at() + secs(10), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_come_after_a_failure_are_told_while_they_keep_coming() {
    // One by one, each 2 s after the one before.
    let trickle = (0..4).map(|n| Line::with_lag(secs(90), secs(2) * (n + 1)));
    let log = lines(50, 3, 90, Duration::ZERO).chain(trickle);
    let script = Script::ending(90, "failed").log(log);
    let run = follow(script, LogMode::Live).await;
    assert_tells_all(&run, 54);
    assert!(run.took <= run.known_at() + secs(10));
}

#[tokio::test(start_paused = true)]
async fn late_lines_keep_a_success_waiting_for_a_second_and_none_is_lost_in_silence() {
    for lag in [0, 300, 800, 1500, 4000] {
        for end in 40..60 {
            let log = lines(300, 3, end, millis(lag));
            let run = follow(Script::ending(end, "success").log(log), LogMode::Live).await;
            assert!(run.took <= run.known_at() + secs(1), "{lag} {end}");
            let is_whole = run.lines().len() == 300;
            assert!(is_whole || run.tells_incomplete() == 1, "{lag} {end}");
            if lag <= 300 {
                assert_tells_all(&run, 300);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_with_lines_that_are_not_late_ends_at_once() {
    for end in 40..60 {
        let log = lines(300, 3, end, Duration::ZERO);
        let mut script = Script::ending(end, "success").log(log);
        script.knows_its_end = true;
        let run = follow(script, LogMode::Live).await;
        assert_tells_all(&run, 300);
        assert!(
            run.took <= run.known_at() + millis(200),
            "{:?}",
            run.took - run.known_at()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_readable_after_younger_ones_is_told_too() {
    let mut log: Vec<Line> = lines(100, 3, 60, millis(100)).collect();
    for line in log.iter_mut().step_by(7) {
        line.readable += secs(20);
    }
    let run = follow(Script::ending(100, "success").log(log), LogMode::Live).await;
    let mut told = run.lines();
    told.sort_unstable();
    assert_eq!(told, (0..100).collect::<Vec<_>>());
    for told in &run.told {
        if let What::Log(lines) = &told.what {
            assert!(lines.is_sorted_by_key(|line| line.at_micros));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_longer_than_a_page_is_told_whole() {
    for habit in HABITS {
        for reading in [LogMode::Live, LogMode::AtTheEnd] {
            let script = Script::ending(100, "failed")
                .log(lines(12_000, 3, 100, millis(300)))
                .habit(habit);
            let run = follow(script, reading).await;
            assert_tells_all(&run, 12_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_longer_than_a_page_is_told_whole() {
    for habit in HABITS {
        let script = Script::ending(60, "failed")
            .log(lines(11_000, 30, 32, millis(300)))
            .reads(|_| Answer::FINE.after(millis(200)))
            .habit(habit);
        let run = follow(script, LogMode::Live).await;
        assert_tells_all(&run, 11_000);
    }
}

#[tokio::test(start_paused = true)]
async fn smaller_pages_are_asked_for_when_one_is_too_large() {
    for (page, limit) in [(4999, 500), (500, 500), (499, 50), (60, 50), (20, 5)] {
        for habit in HABITS {
            let script = Script::ending(60, "failed")
                .log(lines(600, 3, 59, Duration::ZERO))
                .habit(habit)
                .page(page);
            let run = follow(script, LogMode::AtTheEnd).await;
            assert_tells_all(&run, 600);
            let asked = run.reads.last().unwrap().limit;
            assert_eq!(asked, if page == 4999 { 5000 } else { limit });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_whose_single_line_is_too_large_is_told_unavailable() {
    let script = Script::ending(60, "success")
        .log(lines(10, 3, 60, Duration::ZERO))
        .page(0);
    let run = follow(script, LogMode::AtTheEnd).await;
    assert_eq!(
        (run.verdict(), run.tells_unavailable()),
        (Some(Verdict::Success), 1)
    );
    assert_eq!(run.reads.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn lines_stay_in_order_when_a_reading_fails_between_its_pages() {
    for habit in HABITS {
        for failing in 1..6 {
            let script = Script::ending(60, "failed")
                .log(lines(14_000, 3, 59, Duration::ZERO))
                .habit(habit)
                .reads(move |request| {
                    if request.nth == failing {
                        Answer::from(Trouble::Refused(502))
                    } else {
                        Answer::FINE
                    }
                });
            let run = follow(script, LogMode::AtTheEnd).await;
            assert_tells_all(&run, 14_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_were_read_are_told_even_if_the_rest_does_not_come() {
    for trouble in [Trouble::Hangs, Trouble::Refused(502), Trouble::Refused(403)] {
        let script = Script::ending(60, "failed")
            .log(lines(14_000, 3, 59, Duration::ZERO))
            .habit(Habit::NewestFirst)
            .reads(move |request| {
                if request.nth >= 2 {
                    Answer::from(trouble)
                } else {
                    Answer::FINE
                }
            });
        let run = follow(script, LogMode::AtTheEnd).await;
        let told = run.lines();
        assert!(
            told.ends_with(&[13_998, 13_999]),
            "{trouble:?} {}",
            told.len()
        );
        assert!(told.is_sorted());
        assert_eq!(run.tells_unavailable() + run.tells_incomplete(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_while_it_waits_in_the_queue() {
    let script = Script::of(&[
        (0, Some("waiting")),
        (300, Some("inProgress")),
        (400, Some("success")),
    ]);
    let run = follow(script.log(lines(10, 300, 400, secs(1))), LogMode::Live).await;
    assert!(run.reads.iter().all(|read| read.at >= secs(300)));
    assert_tells_all(&run, 10);
}

#[tokio::test(start_paused = true)]
async fn readings_are_five_seconds_apart_and_bounded() {
    for latency in [0, 900] {
        let script = Script::ending(600, "success")
            .log(lines(2000, 3, 600, millis(500)))
            .reads(move |_| Answer::FINE.after(millis(latency)));
        let run = follow(script, LogMode::Live).await;
        let end = run.known_at();
        let (live, after): (Vec<_>, Vec<_>) =
            run.reads.iter().cloned().partition(|read| read.at < end);
        assert!(waits(&live).iter().all(|wait| *wait >= secs(5)));
        assert!(live.len() <= 122, "{}", live.len());
        // Two with something new, and two without.
        assert!(after.len() <= 4, "{}", after.len());
        assert_tells_all(&run, 2000);
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_is_read_when_it_was_asked_for() {
    let word = ["success", "failed", "cancelled", "skipped"];
    for reading in [
        LogMode::Live,
        LogMode::AtTheEnd,
        LogMode::AfterFailure,
        LogMode::Never,
    ] {
        for word in word {
            let log = lines(40, 3, 60, millis(200));
            let run = follow(Script::ending(60, word).log(log), reading).await;
            let end = run.known_at();
            let while_it_ran = run.reads.iter().any(|read| read.at < end);
            assert_eq!(while_it_ran, reading == LogMode::Live);
            let is_wanted = match reading {
                LogMode::Live | LogMode::AtTheEnd => true,
                LogMode::AfterFailure => word != "success",
                LogMode::Never => false,
            };
            assert_eq!(run.reads.iter().any(|read| read.at >= end), is_wanted);
            assert_tells_all(&run, if is_wanted { 40 } else { 0 });
            if !is_wanted {
                assert_eq!(run.took, end);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_log_of_a_deployment_that_was_stopped_without_one() {
    for word in ["cancelled", "skipped"] {
        for reading in [LogMode::Live, LogMode::AtTheEnd, LogMode::AfterFailure] {
            let run = follow(Script::ending(60, word), reading).await;
            let end = run.known_at();
            assert!(run.reads.iter().any(|read| read.at >= end), "{word}");
            assert!(run.took <= end + secs(1), "{word}: {:?}", run.took - end);
            assert_eq!((run.tells_unavailable(), run.tells_incomplete()), (0, 0));
        }
    }
    // A line that is late is waited for, as after a success.
    let log = lines(1, 58, 59, millis(1300));
    let run = follow(Script::ending(60, "cancelled").log(log), LogMode::AtTheEnd).await;
    assert_tells_all(&run, 1);
}

#[tokio::test(start_paused = true)]
async fn when_time_is_over_what_there_is_is_read_once() {
    for reading in [LogMode::Live, LogMode::AtTheEnd, LogMode::AfterFailure] {
        let script = Script::endless(60).log(lines(40, 3, 120, Duration::ZERO));
        let run = follow(script, reading).await;
        assert!(matches!(run.ended, FollowResult::TimedOut { .. }));
        let at_the_end = run.reads.iter().filter(|read| read.at >= secs(60));
        assert_eq!(at_the_end.count(), 1);
        assert_tells_all(&run, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_of_a_deployment_that_was_lost() {
    for reading in [LogMode::AtTheEnd, LogMode::AfterFailure, LogMode::Never] {
        let script = Script::endless(60).looks(|_| Trouble::Refused(401));
        let run = follow(script, reading).await;
        assert!(run.reads.is_empty() && run.told.is_empty());
    }
}
