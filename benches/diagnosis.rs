//! How fast a failed build's log is diagnosed, against the least that could be
//! done with the same text: finding the ends of its lines.
//!
//!     cargo bench --bench diagnosis
//!
//! The aim is 100 MB/s on one core; about 80 MB/s are reached on ordinary text, less
//! where much fails. The ratio depends on the machine less than the rate does.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints numbers"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sevalla_deploy::diagnosis::Diagnosis;

/// What builds print while all is well.
const ORDINARY: &str = "\
#8 [deps 4/6] RUN npm ci --no-audit --no-fund
#8 4.211 npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported
#8 21.50 added {} packages, and audited 1188 packages in 23s
#14 sha256:9f13f5e3d54a5e1b5a2a1fd1b4e4a6b2f8b8d0f6c5a4e3d2c1b0a99887766554 29.54MB / 29.54MB 1.2s done
   Compiling serde_json v1.0.{}
src/components/Table{}.tsx(214,17): warning TS6133: 'index' is declared but its value is never read.
GET https://registry.npmjs.org/react-{}/-/react-19.2.0.tgz 200 142ms
dist/assets/index-BfNqvN{}.js   482.17 kB │ gzip: 154.03 kB
✓ {} modules transformed.
2026-03-01T10:00:00.123Z INFO server::http: request path=/api/items/{} status=200
";

/// What they print when something fails.
const FAILING: &str = "\
not ok {} - adds what is in the basket
  at Object.total (/app/src/basket{}.js:12:7)
src/a{}.ts(3,5): error TS2304: Cannot find name 'x{}'.
AssertionError: expected {} to equal 3
error: could not compile `shop` (lib) due to {} previous errors
npm error code ELIFECYCLE
make: *** [test] Error 1
";

/// The logs of the tests, each behind what builds print while all is well.
fn logs_of_tests(bytes: usize) -> String {
    let logs = [
        include_str!("../tests/diagnosis/first.txt"),
        include_str!("../tests/diagnosis/second.txt"),
        include_str!("../tests/diagnosis/third.txt"),
        include_str!("../tests/diagnosis/fourth.txt"),
        include_str!("../tests/diagnosis/fifth.txt"),
        include_str!("../tests/diagnosis/silent.txt"),
    ]
    .concat();
    let logs = logs.split("### ").filter_map(|log| log.split_once("---\n"));
    let each = bytes / 400;
    let mixed: String = logs
        .map(|(_, log)| format!("{}{log}", text(ORDINARY, each.saturating_sub(log.len()))))
        .collect();
    mixed.repeat(1 + bytes / mixed.len())
}

/// The piece with other numbers each time, in text of so many bytes.
fn text(piece: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + piece.len());
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        text.push_str(&piece.replace("{}", &number.to_string()));
    }
    text
}

fn diagnose(text: &str) -> usize {
    let mut diagnosis = Diagnosis::default();
    text.lines()
        .for_each(|line| diagnosis.take(black_box(line)));
    black_box(diagnosis.digest()).findings.len()
}

/// The ends of the lines, and nothing else.
fn split(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    ends.map(|end| black_box(end) & 1).sum()
}

/// Every byte once, in a loop that nothing makes faster.
fn hash(text: &str) -> usize {
    let hash = text.bytes().fold(0_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    usize::try_from(hash & 1).unwrap_or_default()
}

/// The best of some, which a busy machine disturbs least.
fn best(mut run: impl FnMut() -> usize) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        black_box(run());
        best = best.min(started.elapsed());
    }
    best.as_secs_f64()
}

fn main() {
    const SIZE: usize = 4 << 20;
    let mixed = format!("{}{}", text(ORDINARY, SIZE), text(FAILING, SIZE / 64));
    for (name, text) in [
        ("ordinary", text(ORDINARY, SIZE)),
        ("with a failure at the end", mixed),
        ("the logs of the tests", logs_of_tests(SIZE)),
        ("nothing but failures", text(FAILING, SIZE)),
    ] {
        let diagnosing = best(|| diagnose(black_box(&text)));
        let splitting = best(|| split(black_box(&text)));
        let hashing = best(|| hash(black_box(&text)));
        println!(
            "{name}: {:.0} MB/s, {:.1} times the time of a hash of each byte, \
             {:.0} times that of finding the ends of lines",
            text.len() as f64 / diagnosing / 1e6,
            diagnosing / hashing,
            diagnosing / splitting
        );
    }
}
