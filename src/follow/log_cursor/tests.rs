use super::*;
use proptest::prelude::*;

fn line(number: usize, at_micros: i64) -> LogLine {
    LogLine {
        id: format!("line-{number}"),
        at_micros,
        severity: "INFO".to_owned(),
        message: format!("message {number}"),
    }
}

/// How a server chooses and orders the lines of a window.
#[derive(Debug, Clone, Copy)]
enum WindowOrder {
    OldestFirst,
    NewestFirst,
    NewestAscending,
}

fn serve(log: &[LogLine], window: LogWindow, habit: WindowOrder, page: usize) -> Vec<LogLine> {
    let from = window.from_micros / 1000 * 1000;
    let to = window.to_micros.map_or(i64::MAX, |to| to / 1000 * 1000);
    let mut lines: Vec<LogLine> = log
        .iter()
        .filter(|line| (from..=to).contains(&line.at_micros))
        .filter(|line| window.severity.is_none_or(|word| word == line.severity))
        .cloned()
        .collect();
    lines.sort_by_key(|line| line.at_micros);
    let limit = window.limit.min(page);
    match habit {
        WindowOrder::OldestFirst => lines.truncate(limit),
        WindowOrder::NewestFirst => {
            lines.reverse();
            lines.truncate(limit);
        }
        WindowOrder::NewestAscending => {
            lines.drain(..lines.len().saturating_sub(limit));
        }
    }
    lines
}

fn read_all(cursor: &mut LogCursor, log: &[LogLine], habit: WindowOrder) -> (Vec<LogLine>, usize) {
    let (mut taken, mut calls) = (Vec::new(), 0);
    cursor.begin(None);
    while let Some(window) = cursor.window() {
        calls += 1;
        assert!(calls < 10_000, "the reading does not end");
        taken.extend(cursor.take(serve(log, window, habit, usize::MAX)));
    }
    taken.sort_by_key(|line| line.at_micros);
    (taken, calls)
}

#[test]
fn lines_are_told_once_although_readings_overlap() {
    let mut cursor = LogCursor::new(0);
    let log = [line(1, 5_000), line(2, 6_000)];
    assert_eq!(read_all(&mut cursor, &log, WindowOrder::OldestFirst).0, log);
    let late = [
        line(1, 5_000),
        line(3, 5_500),
        line(2, 6_000),
        line(4, 7_000),
    ];
    let (taken, calls) = read_all(&mut cursor, &late, WindowOrder::OldestFirst);
    assert_eq!((taken, calls), (vec![line(3, 5_500), line(4, 7_000)], 1));
    assert!(
        read_all(&mut cursor, &late, WindowOrder::OldestFirst)
            .0
            .is_empty()
    );
}

#[test]
fn a_log_longer_than_a_page_is_read_whole_whatever_the_habit() {
    let log: Vec<LogLine> = (0..23_456)
        .map(|n| line(n, i64::try_from(n).unwrap() * 700))
        .collect();
    for habit in [
        WindowOrder::OldestFirst,
        WindowOrder::NewestFirst,
        WindowOrder::NewestAscending,
    ] {
        let (taken, calls) = read_all(&mut LogCursor::new(0), &log, habit);
        assert_eq!(taken.len(), log.len(), "{habit:?}");
        assert_eq!(taken, log);
        assert!(calls <= 12, "{habit:?} took {calls} calls");
    }
}

#[test]
fn a_crowded_log_is_not_read_again_from_far_back() {
    let log: Vec<LogLine> = (0..50_000)
        .map(|n| line(n, i64::try_from(n).unwrap() * 40))
        .collect();
    let mut cursor = LogCursor::new(0);
    assert_eq!(
        read_all(&mut cursor, &log, WindowOrder::OldestFirst)
            .0
            .len(),
        log.len()
    );
    let (more, calls) = read_all(&mut cursor, &log, WindowOrder::OldestFirst);
    assert_eq!((more.len(), calls), (0, 1));
}

#[test]
fn lines_of_one_moment_keep_their_order() {
    let log = [
        line(1, 5_000),
        line(2, 6_000),
        line(3, 6_000),
        line(4, 6_000),
        line(5, 7_000),
    ];
    for habit in [WindowOrder::OldestFirst, WindowOrder::NewestFirst] {
        assert_eq!(
            read_all(&mut LogCursor::new(0), &log, habit).0,
            log,
            "{habit:?}"
        );
    }
}

#[test]
fn more_lines_in_one_millisecond_than_a_page_holds_do_not_stop_the_reading() {
    let mut log: Vec<LogLine> = (0..6_000).map(|n| line(n, 1_000_000)).collect();
    log.push(line(9_999, 2_000_000));
    let (taken, _) = read_all(&mut LogCursor::new(0), &log, WindowOrder::OldestFirst);
    assert!(taken.contains(&line(9_999, 2_000_000)));
}

#[test]
fn lines_that_no_call_can_ask_for_are_reported_once_as_missing() {
    let many = |count: usize| -> Vec<LogLine> {
        let crowd = (0..count).map(|n| line(n + 10, 1_000_000));
        let before = (0..3).map(|n| line(n, 900_000));
        let after = std::iter::once(line(99_999, 2_000_000));
        before.chain(crowd).chain(after).collect()
    };
    for habit in [
        WindowOrder::OldestFirst,
        WindowOrder::NewestFirst,
        WindowOrder::NewestAscending,
    ] {
        for (count, gap) in [(6_000, Some(1_000_000)), (LOG_PAGE - 10, None)] {
            let mut cursor = LogCursor::new(0);
            read_all(&mut cursor, &many(count), habit);
            assert_eq!(cursor.gap_to_report(), gap, "{habit:?}, {count}");
            read_all(&mut cursor, &many(count), habit);
            assert_eq!(cursor.gap_to_report(), None, "{habit:?}, {count}");
        }
    }
}

/// So many lines of each severity at one moment, between others.
fn crowd(of_each: &[(&str, usize)]) -> Vec<LogLine> {
    let words = of_each
        .iter()
        .flat_map(|(word, count)| std::iter::repeat_n(*word, *count));
    let crowd = words.enumerate().map(|(n, word)| LogLine {
        severity: word.to_owned(),
        ..line(n + 10, 1_000_500)
    });
    let before = (0..3).map(|n| line(n, 900_000));
    let after = std::iter::once(line(99_999, 2_000_000));
    before.chain(crowd).chain(after).collect()
}

#[test]
fn lines_of_a_millisecond_that_fills_a_page_are_read_by_severity() {
    for habit in [
        WindowOrder::OldestFirst,
        WindowOrder::NewestFirst,
        WindowOrder::NewestAscending,
    ] {
        for (of_each, missing, gap) in [
            ([("INFO", 4_000), ("WARN", 3_000), ("ERROR", 500)], 0, false),
            ([("INFO", 6_000), ("WARN", 10), ("ERROR", 20)], 1_000, true),
            (
                [("INFO", 10), ("notice", 6_000), ("ERROR", 20)],
                1_020,
                true,
            ),
        ] {
            let mut cursor = LogCursor::new(0);
            let log = crowd(&of_each);
            let (taken, calls) = read_all(&mut cursor, &log, habit);
            let lost = log.len() - taken.len();
            assert!(lost <= missing, "{habit:?}, {of_each:?}: {lost}");
            assert_eq!(
                cursor.gap_to_report().is_some(),
                gap,
                "{habit:?}, {of_each:?}"
            );
            assert!(calls <= 9, "{habit:?}, {of_each:?}: {calls}");
            for word in ["ERROR", "WARN"] {
                let count =
                    |lines: &[LogLine]| lines.iter().filter(|line| line.severity == word).count();
                assert_eq!(count(&taken), count(&log), "{habit:?}, {of_each:?}");
            }
            // Not again and again.
            read_all(&mut cursor, &log, habit);
            let (_, calls) = read_all(&mut cursor, &log, habit);
            assert!(calls <= 3, "{habit:?}, {of_each:?}: {calls}");
        }
    }
}

#[test]
fn a_filter_that_does_nothing_or_hides_lines_or_is_refused_is_a_gap() {
    let log = crowd(&[("INFO", 4_000), ("ERROR", 4_000)]);
    for hides in [Some(false), Some(true), None] {
        let mut cursor = LogCursor::new(0);
        cursor.begin(None);
        while let Some(window) = cursor.window() {
            let is_filtered = window.severity.is_some();
            let plain = LogWindow {
                severity: None,
                ..window
            };
            match hides {
                Some(true) if is_filtered => drop(cursor.take(Vec::new())),
                None if is_filtered => assert!(cursor.skip_filtered()),
                _ => {
                    drop(cursor.take(serve(&log, plain, WindowOrder::OldestFirst, usize::MAX)));
                }
            }
        }
        assert!(cursor.gap_to_report().is_some(), "{hides:?}");
        assert!(!cursor.skip_filtered());
    }
}

#[test]
fn a_server_that_ignores_the_window_does_not_stop_the_reading() {
    let log: Vec<LogLine> = (0..5_000)
        .map(|n| line(n, i64::try_from(n).unwrap() * 1000))
        .collect();
    let mut cursor = LogCursor::new(0);
    cursor.begin(None);
    let mut calls = 0;
    while cursor.window().is_some() {
        cursor.take(log.clone());
        calls += 1;
        assert!(calls < 10, "the reading does not end");
    }
}

#[test]
fn a_line_whose_clock_is_ahead_hides_no_later_line() {
    let second = |second: i64| second * 1_000_000;
    let mut cursor = LogCursor::new(second(1_000));
    let mut log = vec![line(1, second(1_001)), line(2, second(1_400))];
    assert_eq!(read_all(&mut cursor, &log, WindowOrder::OldestFirst).0, log);
    log.push(line(3, second(1_005)));
    cursor.begin(Some(second(1_006)));
    let window = cursor.window().unwrap();
    let page = serve(&log, window, WindowOrder::OldestFirst, usize::MAX);
    assert_eq!(cursor.take(page), [line(3, second(1_005))]);
    // Half a page of such lines is no reason to begin behind them either.
    let crowd = (10..700).map(|id| line(id, second(1_500)));
    log.extend(crowd);
    log.push(line(4, second(1_008)));
    read_all(&mut cursor, &log, WindowOrder::OldestFirst);
    cursor.begin(Some(second(1_010)));
    let window = cursor.window().unwrap();
    assert!(window.from_micros <= second(1_000), "{window:?}");
    // A clock that cannot be right is not used.
    drop(cursor.take(Vec::new()));
    cursor.begin(Some(0));
    assert!(cursor.window().unwrap().from_micros > second(1_010));
}

#[test]
fn lines_without_an_id_are_told_apart_by_what_they_say() {
    let nameless = |message: &str| LogLine {
        id: String::new(),
        message: message.to_owned(),
        ..line(0, 1_000)
    };
    let log = [nameless("a"), nameless("b"), nameless("a")];
    let (taken, _) = read_all(&mut LogCursor::new(0), &log, WindowOrder::OldestFirst);
    assert_eq!(taken.len(), 2);
}

proptest! {
    #[test]
    fn every_line_is_told_exactly_once(
        gaps in prop::collection::vec(0_i64..40_000, 0..300),
        page in 20_usize..60,
        habit in prop::sample::select(vec![WindowOrder::OldestFirst, WindowOrder::NewestFirst, WindowOrder::NewestAscending]),
        cut in 0_usize..300,
    ) {
        // At most a page's worth of lines share a millisecond.
        let mut at = 0;
        let log: Vec<LogLine> = gaps.iter().enumerate().map(|(n, gap)| { at += gap + 100; line(n, at) }).collect();
        let mut cursor = LogCursor::new(0);
        cursor.limit = page;
        let (early, _) = log.split_at(cut.min(log.len()));
        let (mut taken, _) = read_all(&mut cursor, early, habit);
        taken.extend(read_all(&mut cursor, &log, habit).0);
        prop_assert_eq!(taken, log);
    }
}
