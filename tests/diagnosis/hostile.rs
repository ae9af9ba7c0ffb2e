//! Logs written to mislead, to crowd out, or to take long.

use std::time::Instant;

use sevalla_deploy::diagnosis::Diagnosis;

use super::digest;

#[test]
fn a_flood_of_one_kind_leaves_room_for_others() {
    let mut log = String::new();
    for number in 1..20_000 {
        log.push_str(&format!(
            "fake/a.ts({number},1): error TS2304: Cannot find name 'a'.\n"
        ));
    }
    log.push_str(
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n",
    );
    let digest = digest(&log, "INFO");
    assert_eq!(digest.findings.len(), 10);
    assert!(
        digest
            .findings
            .iter()
            .any(|finding| finding.title == "Out of memory"),
        "{digest:#?}"
    );
}

#[test]
fn what_is_kept_of_a_line_and_of_a_finding_is_bounded() {
    let filler = "x".repeat(1 << 20);
    let log = format!(
        "src/a.ts(1,1): error TS1: {filler}\nnpm error code ERESOLVE {filler}\n{}",
        format!("npm error {filler}\n").repeat(100)
    );
    let digest = digest(&log, "ERROR");
    for finding in &digest.findings {
        assert!(finding.lines.len() < 12, "{}", finding.lines.len());
        assert!(finding.lines.iter().all(|line| line.len() < 500));
    }
    // The last line of all, as the two lie long before it.
    let known: Vec<bool> = digest
        .findings
        .iter()
        .map(|finding| finding.is_known)
        .collect();
    assert_eq!(known, [true, true, false], "{digest:#?}");
}

#[test]
fn no_log_names_a_place_outside_the_repository() {
    for file in [
        "../../etc/passwd.sh",
        "/etc/cron.d/x.sh",
        "/app/../../x.ts",
        "https://evil.example/x.ts",
        "//evil/x.ts",
        "~/x.ts",
        "node_modules/x/y.ts",
        ".git/x.sh",
        "a b/x.ts",
        "x\u{202e}.ts/../y.ts",
        "x.ts%0A::error::x",
        "src/a.exe",
    ] {
        for line in [
            format!("{file}(3,5): error TS2304: x"),
            format!("{file}:3:5 - error TS2304: x"),
            format!(
                "Traceback (most recent call last):\n  File \"{file}\", line 3, in x\nKeyError: 'x'"
            ),
            format!("PHP Parse error:  x in {file} on line 3"),
            format!("[ERROR] {file}:[12,5] cannot find symbol"),
            format!("{file}\n  3:5  error  x  rule"),
        ] {
            for finding in digest(&line, "ERROR").findings {
                let place = finding.place.map(|place| place.file);
                let is_harmless = place.as_deref().is_none_or(|file| {
                    !file.contains("..")
                        && !file.starts_with('/')
                        && !file.contains(['%', ':', ' ', '\n'])
                });
                assert!(is_harmless, "{line}: {place:?}");
                assert!(!place.is_some_and(|place| file.contains("node_modules") || place.contains("etc")), "{line}");
            }
        }
    }
}

/// Seconds for so many lines of this kind; the least of some tries. On a busy
/// machine only a short try runs without a break.
fn seconds(line: &str, count: usize) -> f64 {
    let once = || {
        let started = Instant::now();
        let mut diagnosis = Diagnosis::default();
        for _ in 0..count {
            diagnosis.take(line);
        }
        assert!(!diagnosis.digest().is_empty());
        started.elapsed().as_secs_f64()
    };
    (0..60).map(|_| once()).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_line_takes_much_longer_than_another_of_its_length() {
    let ordinary = seconds(
        &"added 1187 packages, and audited 1188 packages in 23s. ".repeat(40),
        30,
    );
    for piece in [
        "error TS1",
        "error TS",
        "a(1,1): ",
        "x.ts(1,1): error TS1: ",
        "--> x.rs:1:1 ",
        "File \"x\", line 1 ",
        "(1",
        ":1",
        "/",
        "exit code: 137 ",
        "npm error code E404 ",
        "KeyError: 'A",
        "│ ✘ ",
        "x: ",
        " | ",
        "#1 ",
        "[1/1] ",
        "\"",
        "nvironment variable ",
        ".go:1:1: ",
        "at /app/x.js:1:1 ",
        "error ",
        "page \"EADDRINUSE",
        "npm error ",
        "1.5 ",
        "2 of 2 ready ",
        "Tests: passed ",
        ": line 1: ",
        "10:00:00 ",
    ] {
        let line = piece.repeat(2200 / piece.len());
        let took = seconds(&line, 30);
        assert!(
            took < 60.0 * ordinary,
            "{piece}: {} times as long",
            took / ordinary
        );
    }
}

#[test]
fn a_line_takes_no_longer_the_more_were_before_it() {
    // A file, a step of the build, a container, a package each.
    for form in ["", "#{} 1.2 ", "app-{} | ", "apps/a{} build: "] {
        let mut diagnosis = Diagnosis::default();
        let mut number = 0_u32;
        let mut thousand = || {
            let started = Instant::now();
            for _ in 0..1000 {
                number += 1;
                let front = form.replace("{}", &number.to_string());
                let line = format!("{front}src/a{number}.ts({number},1): error TS2304: no 'a'.");
                diagnosis.take_marked(&line);
            }
            started.elapsed().as_secs_f64()
        };
        let times: Vec<f64> = (0..40).map(|_| thousand()).collect();
        // The least, which a busy machine disturbs least.
        let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let (begun, ended) = (least(&times[..10]), least(&times[30..]));
        assert!(
            // Thirty times, if each line were compared with all before it.
            ended < 15.0 * begun,
            "{form}: {} times as long",
            ended / begun
        );
    }
}
