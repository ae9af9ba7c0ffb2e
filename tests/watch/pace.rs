//! What `cargo bench --bench pace` measures, with few deployments: the same
//! goals, a little further off where chance needs room.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../../benches/pace/dice.rs"]
mod dice;
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

use self::episodes::Case;
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
    for (runners, most) in [(10, 10.0), (100, 15.0), (1000, 60.0)] {
        let fleet = Fleet {
            runners,
            starts: Duration::from_secs(600),
            case: Case {
                median: 600.0,
                sigma: 0.15,
            },
        };
        let outcome = fleet.run().await;
        println!(
            "{runners}: {} requests, {:.2} % refused, of {:?} readings; lag {:.1} s, {:.1} and {:.1} s",
            outcome.requests.len(),
            100.0 * outcome.refused(),
            outcome.readings,
            outcome.lag(),
            outcome.lag_of_the_first(),
            outcome.lag_of_the_last(),
        );
        assert_eq!(outcome.failed(), 0, "{runners}");
        assert!(outcome.refused() < 0.01, "{runners}: {}", outcome.refused());
        assert!(outcome.lag() <= most, "{runners}: {}", outcome.lag());
    }
}
