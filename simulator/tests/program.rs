//! The simulator as a program: its arguments.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::process::{Command, Output};

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
