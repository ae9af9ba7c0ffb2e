//! The tables of `docs/performance.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::episodes::{Case, Cost, Rule, follow};
use super::fleet::{self, Fleet, LIMIT, Outcome};
use super::goals::{MEDIANS, Row, SIGMAS};

/// The first part: one runner.
pub(crate) async fn looks(episodes: u32) -> String {
    let mut text = String::new();
    let mut worst: BTreeMap<(u64, &str), (f64, f64)> = BTreeMap::new();
    for spacing in [10, 5] {
        text.push_str(&format!(
            "### As many requests as one in {spacing} s would be\n\n\
             | median | sigma | fixed {spacing} s | 5 s growing to 30 s | program, no history \
             | program, 1 past | program, 10 past | best possible | cost |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        ));
        for median in MEDIANS {
            for sigma in SIGMAS {
                let row = Row::measure(Case { median, sigma }, spacing, episodes).await;
                text.push_str(&line(&row));
                for goal in row.goals() {
                    let worst = worst
                        .entry((spacing, goal.what))
                        .or_insert((0.0, goal.limit));
                    worst.0 = worst.0.max(goal.is);
                }
            }
        }
        text.push('\n');
    }
    text.push_str(&evidence(episodes).await);
    text.push_str(
        "### Goals\n\n| against | what | worst | at most | |\n| --- | --- | --- | --- | --- |\n",
    );
    for ((spacing, what), (is, limit)) in worst {
        let verdict = if is <= limit { "reached" } else { "**missed**" };
        text.push_str(&format!(
            "| fixed {spacing} s | {what} | {is:.2} | {limit:.2} | {verdict} |\n"
        ));
    }
    text
}

/// What a line of the log is worth.
async fn evidence(episodes: u32) -> String {
    let case = Case {
        median: 180.0,
        sigma: 0.15,
    };
    let mut text = "### A line of the log, median 180, sigma 0.15\n\n\
         | the line | requests / lag |\n| --- | --- |\n"
        .to_owned();
    let blind = Rule::PollSchedule {
        past: 10,
        spacing: 5,
    };
    let log = |part, is_true| Rule::Log { part, is_true };
    for (name, rule) in [
        ("none", blind),
        ("after half of the time", log(0.5, true)),
        ("after nine tenths", log(0.9, true)),
        ("anywhere, and it means nothing", log(0.5, false)),
    ] {
        let cost = follow(case, rule, episodes).await;
        text.push_str(&format!(
            "| {name} | {:.1} / {:.2} |\n",
            cost.requests, cost.lag
        ));
    }
    text.push('\n');
    text
}

fn line(row: &Row) -> String {
    let pair = |cost: Cost| format!("{:.1} / {:.2}", cost.requests, cost.lag);
    format!(
        "| {:.0} | {:.2} | {} | {} | {} | {} | {} | {} | {:.2} |\n",
        row.case.median,
        row.case.sigma,
        pair(row.fixed),
        pair(row.growing),
        pair(row.unknown),
        pair(row.one),
        pair(row.known),
        pair(row.best),
        row.known.total(row.price) / row.best.total(row.price)
    )
}

/// The second part: a fleet.
pub(crate) struct Fleets {
    pub(crate) table: String,
    pub(crate) fleets: Vec<(u32, Outcome)>,
}

pub(crate) async fn fleets() -> Fleets {
    let mut table = "### A fleet\n\n\
         | runners | at once | requests | a minute, at most | refused | failed | lag | p95 | of the first tenth | of the last tenth | bound |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut fleets = Vec::new();
    for runners in [1, 10, 100, 1000] {
        let fleet = Fleet {
            runners,
            ..Fleet::default()
        };
        let outcome = fleet.run().await;
        table.push_str(&format!(
            "| {runners} | {} | {} | {} | {:.2} % | {} | {:.1} s | {:.1} s | {:.1} s | {:.1} s | {:.1} s |\n",
            outcome.most_at_once(),
            outcome.requests.len(),
            outcome.per_minute().into_iter().max().unwrap_or_default(),
            100.0 * outcome.refused(),
            outcome.failed(),
            outcome.lag(),
            outcome.late_lag(),
            outcome.lag_of_the_first(),
            outcome.lag_of_the_last(),
            bound(runners),
        ));
        fleets.push((runners, outcome));
    }
    Fleets { table, fleets }
}

/// The size of the fleet over the budget: the time in which the limit allows a
/// look for everybody. For the few, the ten seconds of somebody who is alone.
pub(crate) fn bound(runners: u32) -> f64 {
    (f64::from(runners) * 60.0 / f64::from(LIMIT)).max(10.0)
}

/// The third part: fleets of other sizes, durations and limits, beside a loop with
/// a fixed interval that makes no other request.
pub(crate) async fn mixes() -> String {
    let mut text = "### Other fleets, beside a poll every 5 s\n\n\
         | limit | start within | runners | median | lag | of the loop | p95 | of the loop \
         | refused | of the loop |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let (mut sum, mut count, mut worse) = (0.0, 0.0, 0);
    for (limit, is_one) in [(LIMIT, false), (120, true)] {
        for starts in [3, 300] {
            for runners in [3, 10, 40, 100] {
                for median in [30.0, 90.0, 240.0] {
                    let fleet = Fleet {
                        runners,
                        starts: Duration::from_secs(starts),
                        case: Case {
                            median,
                            sigma: 0.15,
                        },
                        spread: 0.33,
                        limit,
                        is_one,
                        ..Fleet::default()
                    };
                    let ours = repeated(fleet).await;
                    let rule = fleet::Rule::Every(LOOP);
                    let theirs = repeated(Fleet { rule, ..fleet }).await;
                    sum += (ours.lag / theirs.lag).ln();
                    count += 1.0;
                    worse += u32::from(ours.lag > theirs.lag);
                    text.push_str(&format!(
                        "| {limit} | {starts} s | {runners} | {median:.0} | {:.1} s | {:.1} s \
                         | {:.1} s | {:.1} s | {:.1} % | {:.1} % |\n",
                        ours.lag,
                        theirs.lag,
                        ours.late,
                        theirs.late,
                        100.0 * ours.refused,
                        100.0 * theirs.refused,
                    ));
                }
            }
        }
    }
    let mean = f64::exp(sum / count);
    text.push_str(&format!(
        "\nThe geometric mean of the {count:.0} ratios of the lags is {mean:.2}; {worse} are above 1.\n"
    ));
    text
}

/// The interval of the loop that fleets are compared with.
const LOOP: Duration = Duration::from_secs(5);

/// Deployments that a mean of them is made of, at least.
const ENOUGH: u32 = 60;

/// What runs of one fleet showed, as means.
struct Mean {
    lag: f64,
    late: f64,
    refused: f64,
}

async fn repeated(fleet: Fleet) -> Mean {
    let times = ENOUGH.div_ceil(fleet.runners);
    let mut mean = Mean {
        lag: 0.0,
        late: 0.0,
        refused: 0.0,
    };
    for seed in 1..=u64::from(times) {
        let outcome = Fleet { seed, ..fleet }.run().await;
        mean.lag += outcome.lag() / f64::from(times);
        mean.late += outcome.late_lag() / f64::from(times);
        mean.refused += outcome.refused() / f64::from(times);
    }
    mean
}
