//! What `cargo bench --bench pace` measures, with few deployments: the same
//! goals, a little further off where chance needs room.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../../benches/pace/episodes.rs"]
mod episodes;
#[path = "../../benches/pace/fleet.rs"]
#[expect(dead_code, reason = "the benchmark shows more")]
mod fleet;
#[path = "../../benches/pace/goals.rs"]
#[expect(dead_code, reason = "the benchmark shows more")]
mod goals;
#[path = "../../benches/pace/optimum.rs"]
mod optimum;

use std::time::Duration;

use self::episodes::{Case, Rule};
use self::fleet::Fleet;
use self::goals::Row;

const EPISODES: u32 = 150;

/// What chance may add to a goal with so few.
const ROOM: f64 = 1.06;

#[tokio::test(start_paused = true)]
async fn looks_are_as_good_as_the_benchmark_says() {
    for (median, sigma, spacing) in [
        (45.0, 0.08, 10),
        (45.0, 0.15, 10),
        (180.0, 0.15, 10),
        (45.0, 0.15, 5),
        (180.0, 0.6, 5),
    ] {
        let row = Row::measure(Case { median, sigma }, spacing, EPISODES).await;
        for goal in row.goals() {
            assert!(
                goal.is <= goal.limit * ROOM,
                "{median} {sigma} {spacing}: {} is {:.3}, at most {}",
                goal.what,
                goal.is,
                goal.limit
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_shares_the_budget_without_refusals() {
    for (runners, most) in [(10, 10.0), (100, 15.0), (1000, 66.0)] {
        let fleet = Fleet {
            runners,
            ..Fleet::default()
        };
        let outcome = fleet.run().await;
        println!(
            "{runners}: {:.1} s, {:.2} %",
            outcome.lag(),
            100.0 * outcome.refused()
        );
        assert_eq!(outcome.failed(), 0, "{runners}");
        // The program draws its jitter: about one in a hundred, more or less.
        assert!(
            outcome.refused() < 0.015,
            "{runners}: {}",
            outcome.refused()
        );
        assert!(outcome.lag() <= most, "{runners}: {}", outcome.lag());
    }
}

#[tokio::test(start_paused = true)]
async fn forty_that_begin_together_are_no_load() {
    // Every five seconds would be 2.6 s under 400 reads a minute, and 23 s with
    // two thirds refused under 120 requests. The program draws its jitter, so a
    // mean of forty varies by a tenth.
    for (limit, is_one, mean, late, refused) in
        [(400, false, 2.45, 9.0, 0.0), (120, true, 17.0, 75.0, 0.015)]
    {
        for starts in [1, 3, 5] {
            let fleet = Fleet {
                runners: 40,
                starts: Duration::from_secs(starts),
                case: Case {
                    median: 90.0,
                    sigma: 0.12,
                },
                spread: 0.33,
                limit,
                is_one,
                ..Fleet::default()
            };
            let outcome = fleet.run().await;
            assert_eq!(outcome.failed(), 0);
            assert!(
                outcome.refused() <= refused,
                "{limit}: {}",
                outcome.refused()
            );
            assert!(outcome.lag() <= mean, "{limit}: {}", outcome.lag());
            let last = outcome.late_lag();
            assert!(last <= late, "{limit}: {last}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_of_the_log_shows_when_the_end_comes_and_one_that_lies_costs_little() {
    let case = Case {
        median: 180.0,
        sigma: 0.15,
    };
    let blind = Rule::PollSchedule {
        past: 10,
        spacing: 5,
    };
    let blind = episodes::follow(case, blind, 600).await;
    let mut missed = false;
    for (part, is_true, lag, requests) in [
        (0.5, true, 0.7, 1.0),
        (0.7, true, 0.7, 1.0),
        (0.9, true, 0.7, 1.0),
        (0.7, false, 1.15, 1.1),
    ] {
        let cost = episodes::follow(case, Rule::Log { part, is_true }, 600).await;
        println!(
            "line at {part}, {is_true}: lag {:.2} of {:.2} ({:.2}), requests {:.1} of {:.1}",
            cost.lag,
            blind.lag,
            cost.lag / blind.lag,
            cost.requests,
            blind.requests
        );
        missed |= cost.lag > blind.lag * lag * ROOM || cost.requests > blind.requests * requests;
    }
    assert!(!missed);
}

#[tokio::test(start_paused = true)]
async fn steps_that_follow_each_other_read_their_logs() {
    for (median, apart) in [(6.0, 10), (10.0, 15), (12.0, 20), (20.0, 27)] {
        let fleet = Fleet {
            runners: 40,
            starts: Duration::from_secs(40 * apart),
            case: Case { median, sigma: 0.1 },
            ..Fleet::default()
        };
        let outcome = fleet.run().await;
        assert_eq!(outcome.without_log(), 0, "{median} {apart}");
    }
}
