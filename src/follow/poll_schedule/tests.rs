use tokio::time::advance;

use super::*;
use crate::deployment::DeploymentId;
use crate::sevalla::limits::BudgetSample;

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

fn running(created: i64, started: i64) -> Deployment {
    Deployment {
        status: Status::InProgress,
        created_at: at(created),
        started_at: at(started),
        ..Deployment::only_its_id(DeploymentId("x".to_owned()))
    }
}

/// Ten that took about this long.
fn past(seconds: i64) -> History {
    let deployments: Vec<Deployment> = (-5..5)
        .map(|more| Deployment {
            status: Status::Success,
            finished_at: at(seconds + more),
            ..running(0, 0)
        })
        .collect();
    History::of(&deployments)
}

/// So many that took exactly this long.
fn alike(seconds: i64, count: usize) -> History {
    let one = Deployment {
        status: Status::Success,
        finished_at: at(seconds),
        ..running(0, 0)
    };
    History::of(&vec![one; count])
}

/// For somebody who can afford less than a look in five seconds.
fn pace(past: History, chance: f64) -> PollSchedule {
    PollSchedule::new(past, Box::new(move || chance)).with_spacing(Duration::from_secs(10))
}

fn wait(pace: &PollSchedule) -> Duration {
    let mut waits = pace;
    waits.next_backoff().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_clocks_need_not_agree() {
    // Whatever the service's clock says, a run that we have seen to start
    // a minute after its creation is as old as that.
    for now in [0, 1_772_000_000, 200_000_000_000] {
        let pace = pace(past(100), 0.5);
        let waiting = Deployment {
            status: Status::Waiting,
            started_at: None,
            ..running(now, now)
        };
        pace.see(&waiting, None);
        advance(Duration::from_secs(155)).await;
        pace.see(&running(now, now + 60), None);
        assert!(wait(&pace) < Duration::from_secs(3), "{:?}", wait(&pace));
    }
}

#[tokio::test(start_paused = true)]
async fn times_that_make_no_sense_give_no_age() {
    for (created, started) in [(1000, 0), (0, 100_000_000_000), (-5_000_000, -9_000_000)] {
        let pace = pace(past(100), 0.5);
        pace.see(&running(created, started), None);
        assert_eq!(wait(&pace), LONGEST_WAIT, "{created} {started}");
        advance(Duration::from_secs(95)).await;
        assert!(wait(&pace) < Duration::from_secs(3));
    }
}

#[tokio::test(start_paused = true)]
async fn with_nothing_known_looks_are_quick_at_first_and_four_seconds_apart_then() {
    let pace = PollSchedule::new(History::default(), Box::new(|| 1.0));
    assert!(wait(&pace) < Duration::from_millis(1500));
    pace.see(&running(0, 0), None);
    let mut waits = Vec::new();
    for _ in 0..10 {
        waits.push(wait(&pace));
        advance(wait(&pace)).await;
    }
    assert!(waits[0] < Duration::from_millis(1500) && waits[1] < Duration::from_secs(2));
    assert_eq!(waits[9], Duration::from_millis(3850));
}

#[tokio::test(start_paused = true)]
async fn one_odd_deployment_does_not_blind_us() {
    let pace = pace(alike(20_000, 1), 0.5);
    pace.see(&running(0, 0), None);
    for seconds in [5, 5] {
        advance(Duration::from_secs(seconds)).await;
    }
    assert!(wait(&pace) <= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn two_that_began_together_part() {
    let waits = [0.0, 0.3, 1.0].map(|chance| {
        let pace = pace(past(100), chance);
        pace.see(&running(0, 0), None);
        wait(&pace)
    });
    assert!(waits[0] < waits[1] && waits[1] < waits[2]);
    assert_eq!(waits[2], LONGEST_WAIT);
}

#[tokio::test(start_paused = true)]
async fn what_takes_seconds_is_seen_within_seconds() {
    for (seconds, length, count) in [
        (0, 0.0, 3),
        (1, 1.3, 20),
        (2, 2.6, 3),
        (4, 5.2, 20),
        (8, 10.4, 10),
    ] {
        let pace = pace(alike(seconds, count), 0.5);
        pace.see(&running(0, 0), None);
        let began = Instant::now();
        let mut looks = 0;
        // One that takes half a minute longer than ever.
        while began.elapsed() < Duration::from_secs(30) {
            let wait = wait(&pace);
            let most = began.elapsed().mul_f64(0.5) + Duration::from_millis(2500);
            let most = most.max(Duration::from_secs(1).mul_f64(length));
            assert!(wait <= most, "{seconds} {:?} {wait:?}", began.elapsed());
            advance(wait).await;
            looks += 1;
        }
        assert!((5..12).contains(&looks), "{seconds}: {looks}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_before_what_takes_seconds_is_not_looked_at_every_second() {
    for (seconds, count) in [(0, 20), (1, 3), (1, 20), (2, 20)] {
        let pace = pace(alike(seconds, count), 0.5);
        let waiting = Deployment {
            status: Status::Waiting,
            started_at: None,
            ..running(0, 0)
        };
        let began = Instant::now();
        let mut looks = 0;
        while began.elapsed() < Duration::from_secs(300) {
            pace.see(&waiting, None);
            advance(wait(&pace)).await;
            looks += 1;
        }
        assert!(looks < 45, "{seconds}: {looks}");
    }
}

fn share(runs: f64, remaining: f64, pressure: f64) -> BudgetShare {
    let at = Instant::now();
    BudgetShare {
        seen: BudgetSample {
            limit: 400.0,
            remaining,
            ends: at + Duration::from_secs(30),
            at,
        },
        runs,
        rate: None,
        pressure,
        crowd: runs,
        readers: runs,
        followed: 1.0,
    }
}

#[tokio::test(start_paused = true)]
async fn looks_grow_dear_with_the_number_of_runs_and_for_what_lasts_with_the_rate() {
    let prices = |seconds, shares: &[(f64, f64, f64)]| -> Vec<f64> {
        let pace = PollSchedule::new(past(seconds), Box::new(|| 0.5));
        let price = |(runs, remaining, pressure): &(f64, f64, f64)| {
            pace.see(&running(0, 0), Some(share(*runs, *remaining, *pressure)));
            pace.sight.borrow().as_ref().map(|sight| sight.price)
        };
        shares.iter().filter_map(price).collect()
    };
    let by_number = prices(
        100,
        &[1.0, 40.0, 100.0, 1000.0].map(|runs| (runs, 300.0, 0.0)),
    );
    assert!(
        by_number.is_sorted() && by_number[0] * 20.0 < by_number[3],
        "{by_number:?}"
    );
    let by_rate = prices(
        600,
        &[0.0, 0.7, 0.9, 1.0].map(|pressure| (1.0, 300.0, pressure)),
    );
    assert!(
        by_rate.is_sorted() && by_rate[0] * 20.0 < by_rate[3],
        "{by_rate:?}"
    );
    // The rate of a burst passes: only what it has left of this window counts.
    let burst = prices(
        30,
        &[(20.0, 300.0, 0.0), (20.0, 300.0, 1.0), (20.0, 40.0, 1.0)],
    );
    assert!(burst[0].total_cmp(&burst[1]).is_eq(), "{burst:?}");
    assert!(
        burst[1] < burst[2] && burst[2] < burst[0] * 100.0,
        "{burst:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_left_for_others_is_not_taken() {
    let pace = pace(past(10), 0.5);
    advance(Duration::from_secs(8)).await;
    let next = |remaining| {
        pace.see(&running(0, 0), Some(share(1.0, remaining, 0.0)));
        wait(&pace)
    };
    assert!(next(100.0) < Duration::from_secs(30));
    assert!(next(11.0) < Duration::from_secs(30));
    assert!(next(9.0) > Duration::from_secs(30));
    assert!(next(0.0) < Duration::from_secs(62));
}
