//! How fast a log is sanitized: cleaned, redacted, split into lines. The
//! aim is 200 MB/s of ordinary log text on one core. And what the search for the
//! cause of a failure adds to that.
//!
//!     cargo bench --bench sanitizer

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints numbers"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::BytesCount;
use sevalla_deploy::diagnosis::Diagnosis;
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sanitize::redactor::{PartialMatch, Redactor};

/// What builds print, in the mixture in which they print it.
const ORDINARY: &str = "\
Step 4/12 : RUN npm ci --no-audit --no-fund
added 1187 packages, and audited 1188 packages in 23s
npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported
#14 [build 5/9] COPY --from=deps /app/node_modules ./node_modules
#14 sha256:9f13f5e3d54a5e1b5a2a1fd1b4e4a6b2f8b8d0f6c5a4e3d2c1b0a99887766554 29.54MB / 29.54MB 1.2s done
   Compiling serde_json v1.0.154
src/components/Table.tsx(214,17): warning TS6133: 'index' is declared but its value is never read.
GET https://registry.npmjs.org/react/-/react-19.2.0.tgz 200 142ms
dist/assets/index-BfNqvNDl.js   482.17 kB │ gzip: 154.03 kB
✓ 1893 modules transformed.
";

/// The same with the colours that some tools send without being asked.
const COLOURED: &str = "\
\u{1b}[36m[info]\u{1b}[0m \u{1b}[1mcompiled\u{1b}[22m successfully in \u{1b}[32m1.34s\u{1b}[39m
\u{1b}[2m2026-03-01T10:00:00.123Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m server::http: slow request path=/api/items
";

const OTHER_SCRIPT: &str = "ビルドが完了しました。デプロイを開始しています… 所要時間: 12秒\n";

fn gate() -> Sanitizer {
    Sanitizer::new(Redactor::new([
        "svl_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl",
        "ghs_0123456789abcdefghijABCDEFGHIJ012345",
        "http://user:password@proxy.example.com:8080",
    ]))
}

fn text(piece: &str) -> String {
    piece.repeat((1 << 20) / piece.len())
}

fn pass(gate: &Sanitizer, text: &str) -> usize {
    let mut broken = PartialMatch::default();
    let lines = gate.lines(text, &mut broken);
    lines.map(|line| black_box(line).as_str().len()).sum()
}

/// Looks for the cause of a failure in lines that have passed.
fn diagnose(text: &str) -> usize {
    let mut diagnosis = Diagnosis::default();
    text.lines()
        .for_each(|line| diagnosis.take(black_box(line)));
    black_box(diagnosis.digest()).findings.len()
}

/// A copy of the lines, each in a text of its own: the least that could be done.
fn copy(text: &str) -> usize {
    text.lines()
        .map(|line| black_box(line.to_owned()).len())
        .sum()
}

#[divan::bench(args = [("ordinary", ORDINARY), ("coloured", COLOURED), ("other script", OTHER_SCRIPT)])]
fn pass_the_gate(bencher: Bencher<'_, '_>, (_, piece): (&str, &str)) {
    let (gate, text) = (gate(), text(piece));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| pass(&gate, black_box(&text)));
}

#[divan::bench(args = [("ordinary", ORDINARY)])]
fn copy_the_lines(bencher: Bencher<'_, '_>, (_, piece): (&str, &str)) {
    let text = text(piece);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| copy(black_box(&text)));
}

#[divan::bench(args = [("ordinary", ORDINARY)])]
fn look_for_the_cause(bencher: Bencher<'_, '_>, (_, piece): (&str, &str)) {
    let text = text(piece);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| diagnose(black_box(&text)));
}

/// The best of many, which a busy machine disturbs least.
fn best(mut run: impl FnMut() -> usize) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..50 {
        let started = Instant::now();
        black_box(run());
        best = best.min(started.elapsed());
    }
    best.as_secs_f64()
}

fn main() {
    divan::main();
    let gate = gate();
    for (name, piece) in [
        ("ordinary", ORDINARY),
        ("coloured", COLOURED),
        ("other script", OTHER_SCRIPT),
    ] {
        let text = text(piece);
        let passing = best(|| pass(&gate, black_box(&text)));
        let copying = best(|| copy(black_box(&text)));
        let diagnosing = best(|| diagnose(black_box(&text)));
        println!(
            "{name}: {:.0} MB/s, {:.1} times the time of a plain copy of the lines; \
             looking for a cause takes {:.1} times as long as passing",
            text.len() as f64 / passing / 1e6,
            passing / copying,
            diagnosing / passing
        );
    }
}
