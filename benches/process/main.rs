//! What a whole run costs: the program as it is released against a stand-in for
//! the official action's loop in Node (`poll.mjs`), both on this machine and
//! against the same simulated service.
//!
//!     cargo bench --bench process
//!
//! CPU time is what the system counts for ended children, memory the highest
//! that /proc shows for a running one: Linux only. Without `node` on the path,
//! the program is measured alone.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark starts processes, measures real time, prints numbers, and ends when it cannot"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sevalla_simulator::{Application, PastDeployment, Script, Simulator, World};

const APP: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";

/// How long the deployment runs, after a queue of two seconds.
const RUN: Duration = Duration::from_secs(20);

/// How long past ones ran, in milliseconds.
const PAST: [u64; 10] = [
    19_800, 21_000, 18_900, 20_300, 22_400, 19_100, 20_700, 18_200, 21_600, 20_000,
];

/// Starts whose CPU time is averaged: the system counts it in hundredths of a
/// second.
const STARTS: u32 = 40;

/// What a process has used.
struct Used {
    wall: Duration,
    cpu: Duration,
    /// In kilobytes.
    peak: u64,
}

/// What one deployment took.
struct Deployment {
    used: Used,
    looks: usize,
    requests: usize,
}

fn main() {
    let program = || Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"));
    let node = || {
        let mut node = Command::new("node");
        node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/process/poll.mjs"));
        node
    };
    let has_node = Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());

    println!("start-up, CPU time of each of {STARTS}:");
    let ours = startup(program, "--version");
    println!("  ours {:.1} ms", milliseconds(ours));
    if has_node {
        let theirs = startup(node, "nothing");
        println!("  node {:.1} ms", milliseconds(theirs));
        ratio("start-up CPU", milliseconds(ours), milliseconds(theirs));
    }

    println!("one deployment of two and {} seconds:", RUN.as_secs());
    let ours = deploy("ours", program());
    let mut silent = program();
    silent.env("SEVALLA_LOGS", "off");
    let silent = deploy("ours, logs: off", silent);
    if has_node {
        let theirs = deploy("node", node());
        for (name, ours) in [("", &ours), (" (logs: off)", &silent)] {
            compare(name, ours, &theirs);
        }
    } else {
        println!("node is not on the path: nothing to compare with");
    }
}

fn startup(command: impl Fn() -> Command, argument: &str) -> Duration {
    let before = cpu_of_children();
    for _ in 0..STARTS {
        let status = command()
            .arg(argument)
            .stdout(Stdio::null())
            .status()
            .expect("it starts");
        assert!(status.success());
    }
    cpu_of_children().saturating_sub(before) / STARTS
}

/// Lets the command deploy to a service of its own.
fn deploy(name: &str, mut command: Command) -> Deployment {
    let past = PAST.iter().map(|milliseconds| PastDeployment {
        took: Duration::from_millis(*milliseconds),
        ..PastDeployment::success()
    });
    let script = Script::success().queue(Duration::from_secs(2)).run(RUN);
    let application = past.fold(Application::new(APP), Application::past);
    let simulator = Simulator::start_blocking(
        World::new().application(application.next(script.generated_lines(200))),
    );
    command
        .env("SEVALLA_API_URL", simulator.url())
        .env("SEVALLA_TOKEN", simulator.key())
        .env("SEVALLA_APP_ID", APP);
    let used = run(command);
    let deployment = Deployment {
        looks: simulator.calls("getDeploymentV3"),
        requests: simulator.journal().len(),
        used,
    };
    println!(
        "  {name}: {:.1} s, {} looks of {} requests, {:.0} ms CPU, {:.1} MB",
        deployment.used.wall.as_secs_f64(),
        deployment.looks,
        deployment.requests,
        milliseconds(deployment.used.cpu),
        megabytes(deployment.used.peak),
    );
    deployment
}

fn run(mut command: Command) -> Used {
    let before = cpu_of_children();
    let began = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut peak = 0;
    let status = loop {
        peak = peak_memory(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    Used {
        wall: began.elapsed(),
        cpu: cpu_of_children().saturating_sub(before),
        peak,
    }
}

/// The most memory that a running process has had, in kilobytes.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The CPU time of all children that have ended: fields 16 and 17 of
/// /proc/self/stat, in hundredths of a second.
fn cpu_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn compare(name: &str, ours: &Deployment, theirs: &Deployment) {
    let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    let wall = |deployment: &Deployment| deployment.used.wall.as_secs_f64();
    let peak = |deployment: &Deployment| megabytes(deployment.used.peak);
    let cpu = |deployment: &Deployment| milliseconds(deployment.used.cpu);
    ratio(
        &format!("looks{name}"),
        count(ours.looks),
        count(theirs.looks),
    );
    ratio(
        &format!("requests{name}"),
        count(ours.requests),
        count(theirs.requests),
    );
    ratio(&format!("wall time{name}"), wall(ours), wall(theirs));
    ratio(&format!("CPU{name}"), cpu(ours), cpu(theirs));
    ratio(&format!("peak memory{name}"), peak(ours), peak(theirs));
}

fn ratio(what: &str, ours: f64, theirs: f64) {
    println!("  {what}: {:.2} of node's", ours / theirs);
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn megabytes(kilobytes: u64) -> f64 {
    u32::try_from(kilobytes).map_or(f64::MAX, f64::from) / 1024.0
}
