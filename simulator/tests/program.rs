//! The simulator as a program: its arguments, and what it prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sevalla-simulator"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn help_is_a_text_and_starts_nothing() {
    for argument in ["--help", "-h"] {
        let run = run(&[argument]);
        assert!(run.status.success());
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(text.starts_with("Usage: sevalla-simulator"), "{text}");
        assert!(!text.contains("export "), "{text}");
    }
}

#[test]
fn an_argument_that_it_does_not_know_is_refused() {
    for arguments in [&["--hlep"][..], &["start"], &["--help", "x"]] {
        let run = run(arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(run.stdout.is_empty());
        let text = String::from_utf8(run.stderr).unwrap();
        assert!(text.contains("See --help"), "{text}");
    }
}

/// Scripts read until there.
#[test]
fn the_last_variable_is_that_of_the_hook() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_sevalla-simulator"))
        .env_remove("SIMULATOR_PORT")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stderr.take().unwrap())
        .lines()
        .next();
    assert!(said.unwrap().unwrap().starts_with("Listening"));
    process.kill().unwrap();
    let output = process.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().next_back().unwrap();
    assert!(last.starts_with("export HOOK_URL="), "{text}");
}
