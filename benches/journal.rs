//! What a write of the journal costs, against bare fsyncs of a file of the same
//! size on the same disk: as many as it makes itself.
//!
//!     cargo bench --bench journal
//!
//! A write on Sevalla has two of them, before and after. The aim is 5 ms for each
//! on a local disk; the ratio depends on the disk less than the time does. `TMPDIR`
//! chooses the disk.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints numbers, and ends when it cannot"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sevalla_deploy::journal::{Effect, Journal, Opening, RunIdentity};
use sevalla_deploy::secret::ApiToken;

/// Writes on Sevalla that are measured.
const WRITES: usize = 100;

/// Of the file, then of its folder.
const FSYNCS: usize = 2;

/// What there is before a deployment: the ids of a whole page of the list.
fn before() -> Value {
    let known: Vec<String> = (0..100)
        .map(|number| format!("4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f{number:04}"))
        .collect();
    json!({ "kind": "application", "mark": { "known": known } })
}

fn journal(path: &Path) -> Journal {
    let token = ApiToken::parse("svl_0123456789abcdef").expect("it is a key");
    let opened = Journal::open(path, &token, RunIdentity::default());
    let Ok(Opening::Fresh(journal)) = opened else {
        unreachable!("the folder is new");
    };
    journal
}

/// The median of the times in order.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2);
    middle.map_or(f64::NAN, Duration::as_secs_f64) * 1000.0
}

fn timed(what: impl FnOnce() -> std::io::Result<()>) -> Duration {
    let started = Instant::now();
    what().expect("the disk takes it");
    started.elapsed()
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("state");
    let journal = journal(&path);
    let deploy = [("deploy".to_owned(), before())];
    let made = [("deploy".to_owned(), Effect::Made { id: "x".repeat(36) })];
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..WRITES {
        // Alternating, since a disk is slower at some times than at others.
        ours.push(timed(|| journal.sending(&deploy, Some(0))));
        ours.push(timed(|| journal.settle(&made)));
        let content = std::fs::read(&path).expect("it was written");
        let other = folder.path().join("bare");
        bare.push(timed(|| {
            let mut file = File::create(&other)?;
            for _ in 0..FSYNCS {
                file.write_all(&content)?;
                file.sync_all()?;
            }
            Ok(())
        }));
    }
    let bytes = path.metadata().map_or(0, |there| there.len());
    let (ours, bare) = (median(ours), median(bare));
    println!("{WRITES} writes of a journal with {bytes} bytes, medians:");
    println!("  the journal {ours:.2} ms");
    println!("  {FSYNCS} bare fsyncs {bare:.2} ms");
    println!("  ratio {:.2}", ours / bare);
}
