//! The processes, and what they did.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use jiff::Timestamp;
use sevalla_simulator::Simulator;

use super::works::{LATE, LINES, Work};

/// What one program did with all deployments of a work.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// From the end on the service to the end of the process, in seconds.
    pub(crate) lags: Vec<f64>,
    pub(crate) looks: usize,
    pub(crate) readings: usize,
    pub(crate) others: usize,
    /// Answers with 429: of looks, of readings of the log, of others.
    pub(crate) refused: [usize; 3],
    /// Lines of the logs that were not shown, and how many of those in runs
    /// that do not say so.
    pub(crate) lost: usize,
    pub(crate) lost_silently: usize,
    /// Runs that ended in another way than their deployment.
    pub(crate) wrong: usize,
}

/// The program that is measured.
pub(crate) fn ours() -> Command {
    let other = std::env::var_os("LAG_PROGRAM").map(PathBuf::from);
    Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_sevalla-deploy").into()))
}

/// The loop that it is measured against.
pub(crate) fn theirs() -> Command {
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/process/poll.mjs"));
    node
}

/// A process that has ended.
struct Ended {
    at: Timestamp,
    is_right: bool,
    output: String,
}

/// Lets a program do the work. `shows_log` is whether it shows the log.
pub(crate) fn measure(work: &Work, program: fn() -> Command, shows_log: bool) -> Measured {
    let simulators = work.simulators();
    let mut measured = Measured::default();
    let jobs = simulators
        .iter()
        .flat_map(|(simulator, ids)| ids.iter().map(move |id| (simulator, id)));
    let jobs: Mutex<VecDeque<_>> = Mutex::new(jobs.collect());
    let ended = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..work.at_once {
            scope.spawn(|| {
                while let Some((simulator, id)) = take(&jobs) {
                    let run = run(program(), simulator, id, work.fails);
                    ended
                        .lock()
                        .expect("nobody panics")
                        .push((simulator, id, run));
                }
            });
        }
    });
    for (simulator, id, run) in ended.into_inner().expect("nobody panics") {
        measured.wrong += usize::from(!run.is_right);
        measured.lags.extend(lag(simulator, id, run.at));
        if shows_log {
            measured.count_lines(work, &run.output);
        }
    }
    for (simulator, _) in &simulators {
        measured.count_requests(simulator);
    }
    measured
}

fn take<T>(jobs: &Mutex<VecDeque<T>>) -> Option<T> {
    jobs.lock().expect("nobody panics").pop_front()
}

fn run(mut program: Command, simulator: &Simulator, id: &str, fails: bool) -> Ended {
    let output = program
        .env("SEVALLA_API_URL", simulator.url())
        .env("SEVALLA_TOKEN", simulator.key())
        .env("SEVALLA_APP_ID", id)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    Ended {
        at: Timestamp::now(),
        is_right: output.status.code() == Some(i32::from(fails)),
        output: [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat(),
    }
}

/// From the end of the service's newest deployment to this moment, in seconds.
fn lag(simulator: &Simulator, id: &str, at: Timestamp) -> Option<f64> {
    let newest = simulator.deployments(id).into_iter().next()?;
    let finished: Timestamp = newest.finished_at?.parse().ok()?;
    Some(at.duration_since(finished).as_secs_f64())
}

impl Measured {
    fn count_lines(&mut self, work: &Work, output: &str) {
        let shown = |text: &str| output.contains(&format!("{text}\n"));
        let missing = (1..=LINES).filter(|line| !shown(&format!("| line {line} of {LINES}")));
        let mut lost = missing.count();
        if work.fails {
            let missing = (1..=LATE).filter(|line| !shown(&format!("| late {line} of {LATE}")));
            lost += missing.count();
        }
        self.lost += lost;
        if !output.contains("[log-incomplete]") {
            self.lost_silently += lost;
        }
    }

    fn count_requests(&mut self, simulator: &Simulator) {
        for call in simulator.journal() {
            let is_get = call.method == "GET";
            let (count, refused) = match call.path.rsplit('/').next() {
                Some("logs") => (&mut self.readings, 1),
                Some(last) if is_get && call.path.contains("/deployments/") && last != "logs" => {
                    (&mut self.looks, 0)
                }
                _ => (&mut self.others, 2),
            };
            *count += 1;
            if call.status == Some(429)
                && let Some(refused) = self.refused.get_mut(refused)
            {
                *refused += 1;
            }
        }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.lags.iter().sum::<f64>() / count(self.lags.len()).max(1.0)
    }

    /// What so many of a hundred lags do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.lags.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let index = (last * percent).div_ceil(100);
        sorted.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn requests(&self) -> usize {
        self.looks + self.readings + self.others
    }
}

pub(crate) fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
