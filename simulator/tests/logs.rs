//! Reading logs.

#![allow(
    clippy::expect_used,
    reason = "the lints' own exception for tests ends at helper functions"
)]

mod common;

use std::time::{Duration, Instant};

use common::{APP, Client, deployment, deployments, ms, start};
use serde_json::Value;
use sevalla_simulator::{Application, Script, Simulator, World};

/// A deployment under way, and the path of its logs.
fn under_way(world: World, script: Script) -> (Simulator, Client, String) {
    let application = Application::new(APP).next(script.queue(ms(0)));
    let simulator = start(world.application(application));
    let client = Client::of(&simulator);
    let id = client.post_json(&deployments(APP), "{}").text("id");
    (simulator, client, format!("{}/logs", deployment(APP, &id)))
}

fn messages(client: &Client, path: &str) -> Vec<String> {
    let lines = client.get(path).json();
    let lines = lines.as_array().expect("is a bare array");
    let message = |line: &Value| line["message"].as_str().map(str::to_owned);
    lines.iter().filter_map(message).collect()
}

#[test]
fn lines_appear_in_time() {
    let script = Script::success()
        .run(ms(200))
        .log_line(ms(150), "ERROR", "later")
        .log_line(ms(0), "INFO", "first \u{1b}[31m\"quoted\"");
    let (simulator, client, logs) = under_way(World::new().log_lag(ms(50)), script);
    assert_eq!(messages(&client, &logs), [""; 0]);
    simulator.advance(ms(100));
    let lines = client.get(&logs).json();
    let line = &lines[0];
    assert_eq!(line["message"], "first \u{1b}[31m\"quoted\"");
    assert_eq!(line["service"], "APP_DEPLOYMENT");
    assert_eq!(line["timestamp"].as_str().map(str::len), Some(23));
    assert!(line["unix_timestamp"].as_i64() > Some(1_700_000_000_000_000));
    simulator.advance(ms(130));
    assert_eq!(messages(&client, &logs).len(), 2);
    let errors = "filters=[%7B%22key%22:%22severity%22,%22operator%22:%22EQUALS%22,\
                  %22value%22:%22ERROR%22%7D]";
    assert_eq!(messages(&client, &format!("{logs}?{errors}")), ["later"]);
}

#[test]
fn a_window_has_its_oldest_lines_unless_told() {
    let script = || Script::success().run(ms(10)).generated_lines(10);
    let (simulator, client, logs) = under_way(World::new(), script());
    simulator.advance(ms(30));
    let path = format!("{logs}?limit=2");
    assert_eq!(messages(&client, &path), ["line 1 of 10", "line 2 of 10"]);

    let (simulator, client, logs) = under_way(World::new().logs_newest_first(true), script());
    simulator.advance(ms(30));
    let path = format!("{logs}?limit=2");
    assert_eq!(messages(&client, &path), ["line 10 of 10", "line 9 of 10"]);

    let (simulator, client, logs) = under_way(World::new().logs_shuffled(true), script());
    simulator.advance(ms(30));
    let shuffled = messages(&client, &logs);
    let mut sorted = shuffled.clone();
    sorted.sort_by_key(String::len);
    assert_eq!(shuffled.len(), 10);
    assert_ne!(shuffled, sorted);
}

#[test]
fn a_cancelled_run_writes_no_more() {
    let script = Script::success()
        .run(ms(1000))
        .cancel_delay(ms(0))
        .generated_lines(100);
    let (simulator, client, logs) = under_way(World::new(), script);
    simulator.advance(ms(100));
    client.post(&logs.replace("/logs", "/cancel"));
    let count = messages(&client, &logs).len();
    assert!((1..90).contains(&count), "{count}");
    simulator.advance(ms(100));
    assert_eq!(messages(&client, &logs).len(), count);
}

#[test]
fn many_lines_and_a_long_one_are_quick() {
    let script = Script::success()
        .run(ms(50))
        .generated_lines(50_000)
        .log_line(ms(1), "INFO", "x".repeat(1024 * 1024));
    let began = Instant::now();
    let (simulator, client, logs) = under_way(World::new(), script);
    simulator.advance(ms(60));
    let mut seen = std::collections::HashSet::new();
    let mut from = String::new();
    loop {
        let lines = client.get(&format!("{logs}?limit=5000{from}")).json();
        let lines = lines.as_array().expect("is an array");
        let before = seen.len();
        seen.extend(lines.iter().map(|line| line["id"].to_string()));
        if seen.len() == before {
            break;
        }
        let last = lines.last().expect("has lines");
        let time = last["timestamp"].as_str().expect("has a time");
        from = format!("&from={}Z", time.replace(' ', "T"));
    }
    assert_eq!(seen.len(), 50_001);
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}
