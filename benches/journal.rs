//! What a write of the journal costs, against bare fsyncs of a file of the same
//! size on the same disk: as many as it makes itself.
//!
//!     cargo bench --bench journal
//!
//! A write on Sevalla has two of them, before and after. The aim is 5 ms for each
//! on a local disk. Each write is paired with bare fsyncs right after or before it,
//! and the ratio is the median of those of the pairs: a disk that others use makes
//! both slower. `TMPDIR` chooses the disk.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints numbers, and ends when it cannot"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

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

/// The median, and below and above it the values of which a quarter is lower or higher.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    let at = |quarter| values.get(values.len() * quarter / 4);
    [1, 2, 3].map(|quarter| at(quarter).copied().unwrap_or(f64::NAN))
}

/// The time that this takes, in milliseconds.
fn timed(what: impl FnOnce() -> std::io::Result<()>) -> f64 {
    let started = Instant::now();
    what().expect("the disk takes it");
    started.elapsed().as_secs_f64() * 1000.0
}

/// Writes a file of this content in place, with as many fsyncs as the journal.
fn write_bare(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for _ in 0..FSYNCS {
        file.write_all(content)?;
        file.sync_all()?;
    }
    Ok(())
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("state");
    let journal = journal(&path);
    let deploy = [("deploy".to_owned(), before())];
    let made = [("deploy".to_owned(), Effect::Made { id: "x".repeat(36) })];
    let bare_path = folder.path().join("bare");
    let mut pairs = Vec::new();
    for write in 0..2 * WRITES {
        let ours = || {
            timed(|| match write % 2 {
                0 => journal.sending(&deploy, Some(0)),
                _ => journal.settle(&made),
            })
        };
        let content = std::fs::read(&path).unwrap_or_default();
        let bare = || timed(|| write_bare(&bare_path, &content));
        // Each is first in half of the pairs.
        let pair = if write / 2 % 2 == 0 {
            let ours = ours();
            (ours, bare())
        } else {
            let bare = bare();
            (ours(), bare)
        };
        // The first write makes the files.
        if write > 0 {
            pairs.push(pair);
        }
    }
    let bytes = path.metadata().map_or(0, |there| there.len());
    let [_, ours, _] = quartiles(pairs.iter().map(|(ours, _)| *ours).collect());
    let [_, bare, _] = quartiles(pairs.iter().map(|(_, bare)| *bare).collect());
    let ratios = pairs.iter().map(|(ours, bare)| ours / bare).collect();
    let [low, ratio, high] = quartiles(ratios);
    println!(
        "{} writes of a journal with {bytes} bytes, medians:",
        2 * WRITES
    );
    println!("  the journal {ours:.2} ms");
    println!("  {FSYNCS} bare fsyncs {bare:.2} ms");
    println!("  ratio of each pair {ratio:.2} (half of them {low:.2} to {high:.2})");
}
