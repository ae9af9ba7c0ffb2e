//! Explains failed builds: prints what is found in each log.
//!
//!     cargo run --example explain -- [--json] [--] FILE...
//!
//! With `--json`, prints one object a line: `path`, `findings` (`title`,
//! `known`, `lines`, `place`, `advice`) and `us`, the microseconds it took.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints, and measures real time"
)]

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use sevalla_deploy::diagnosis::{Diagnosis, Digest, Finding};
use sevalla_deploy::sanitize::redactor::PartialMatch;
use sevalla_deploy::sanitize::{SanitizedLine, Sanitizer};

fn main() -> anyhow::Result<()> {
    let Some((is_json, paths)) = parsed(std::env::args().skip(1)) else {
        println!("usage: explain [--json] [--] FILE...");
        return Ok(());
    };
    anyhow::ensure!(!paths.is_empty(), "usage: explain [--json] [--] FILE...");
    for path in &paths {
        let log = std::fs::read(path).with_context(|| path.clone())?;
        let (digest, took) = explain(&String::from_utf8_lossy(&log));
        if is_json {
            println!("{}", object(path, &digest, took));
        } else {
            println!("{path}\n{}", text(&digest));
        }
    }
    Ok(())
}

/// Whether to print JSON, and the paths; nothing if help is asked for.
fn parsed(args: impl Iterator<Item = String>) -> Option<(bool, Vec<String>)> {
    let (mut is_json, mut paths, mut are_paths) = (false, Vec::new(), false);
    for arg in args {
        match arg.as_str() {
            "--json" if !are_paths => is_json = true,
            "--help" | "-h" if !are_paths => return None,
            "--" if !are_paths => are_paths = true,
            _ => paths.push(arg),
        }
    }
    Some((is_json, paths))
}

/// Reads a log as a run does, cleaned and line by line.
fn explain(log: &str) -> (Digest, Duration) {
    let (sanitizer, mut broken) = (Sanitizer::default(), PartialMatch::default());
    let lines: Vec<SanitizedLine> = sanitizer.lines(log, &mut broken).collect();
    let started = Instant::now();
    let mut diagnosis = Diagnosis::default();
    for line in &lines {
        diagnosis.take(line.as_str());
    }
    (diagnosis.digest(), started.elapsed())
}

fn object(path: &str, digest: &Digest, took: Duration) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "title": finding.title,
            "known": finding.is_known,
            "lines": finding.lines,
            "place": place(finding),
            "advice": finding.advice,
        })
    };
    let findings: Vec<_> = digest.findings.iter().map(finding).collect();
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    json!({ "path": path, "findings": findings, "us": us })
}

fn text(digest: &Digest) -> String {
    let mut text = String::new();
    for finding in &digest.findings {
        let place = place(finding).map(|place| format!(" ({place})"));
        text.push_str(&format!(
            "  {}{}\n",
            finding.title,
            place.unwrap_or_default()
        ));
        for line in &finding.lines {
            text.push_str(&format!("    {line}\n"));
        }
        if finding.is_known {
            text.push_str(&format!("    Try: {}\n", finding.advice));
        }
    }
    text
}

fn place(finding: &Finding) -> Option<String> {
    let place = finding.place.as_ref()?;
    let column = place.column.map(|column| format!(":{column}"));
    let column = column.unwrap_or_default();
    Some(format!("{}:{}{column}", place.file, place.line))
}
