//! Files and streams that cannot be written. A deployment that succeeded stays
//! a success, and what stood in a file before still stands there.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sevalla_simulator::{Script, Simulator};
use tokio::process::Command;

use crate::harness::{APP, Finished, Runner, application};

const EARLIER: &str = "earlier=kept\n";

async fn simulator() -> Simulator {
    let script = Script::success()
        .log_line(Duration::from_millis(10), "INFO", "first line")
        .log_line(Duration::from_millis(90), "INFO", "last line");
    application(script).await
}

/// A run on GitHub in which `spoil` has had its way before the start.
async fn run(spoil: impl FnOnce(Runner) -> Runner) -> Finished {
    let simulator = simulator().await;
    let runner = Runner::deploys_app(&simulator)
        .on_github()
        .set("SEVALLA_LOG_FILE", "deploy.log");
    for file in ["github-output", "github-summary", "deploy.log"] {
        std::fs::write(runner.path(file), EARLIER).unwrap();
    }
    let run = spoil(runner).run().await;
    assert_eq!(run.code, Some(0), "{}", run.streams());
    run.assert_told("Deployed: deployment");
    assert_eq!(simulator.deployments_made(), 1);
    let partial = |name: &String| name.contains("partial");
    assert!(!run.files().iter().any(partial), "{:?}", run.files());
    run
}

#[tokio::test]
async fn a_full_disk_under_the_outputs_or_the_summary_is_told_and_no_failure() {
    let spoilt = run(|runner| runner.set("GITHUB_OUTPUT", "/dev/full")).await;
    spoilt.assert_told("Warning: The outputs could not be written to /dev/full");
    spoilt.assert_told("The result of the run stays as it is");
    assert!(spoilt.file("github-summary").unwrap().contains("success"));

    let spoilt = run(|runner| runner.set("GITHUB_STEP_SUMMARY", "/dev/full")).await;
    spoilt.assert_told("Warning: The summary could not be written to /dev/full");
    assert_eq!(spoilt.output("outcome"), "success");
}

#[tokio::test]
async fn a_full_disk_in_the_middle_of_a_file_takes_back_what_was_written() {
    // A limit on the size of files stands for the full disk: it, too, lets a
    // part of what is written in before it fails.
    let simulator = simulator().await;
    let runner = Runner::deploys_app(&simulator).on_github();
    let output = runner.path("github-output");
    let summary = runner.path("github-summary");
    // A KiB: both files begin under it and would end above.
    let earlier = format!("earlier={}\n", "x".repeat(1000));
    std::fs::write(&output, &earlier).unwrap();
    std::fs::write(&summary, &earlier).unwrap();
    let program = env!("CARGO_BIN_EXE_sevalla-deploy");
    let limited = format!("trap '' XFSZ; ulimit -f 1; exec {program}");
    let ended = Command::new("bash")
        .args(["-c", &limited])
        .env_clear()
        .env("SEVALLA_API_URL", simulator.url())
        .env("SEVALLA_TOKEN", simulator.key())
        .env("SEVALLA_APP_ID", APP)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(
        told.contains("The outputs could not be written to"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(&output).unwrap(), earlier);
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), earlier);
}

#[tokio::test]
async fn a_folder_that_has_gone_is_told_and_no_failure() {
    let spoilt = run(|runner| {
        // Nor can it be made.
        std::fs::write(runner.path("gone"), "").unwrap();
        runner
            .set("GITHUB_OUTPUT", "gone/output")
            .set("GITHUB_STEP_SUMMARY", "gone/summary")
            .set("SEVALLA_LOG_FILE", "gone/deploy.log")
    })
    .await;
    spoilt.assert_told("The outputs could not be written to gone/output");
    spoilt.assert_told("The summary could not be written to gone/summary");
    spoilt.assert_told("The log could not be written to gone/deploy.log");
    assert_eq!(spoilt.file("deploy.log").as_deref(), Some(EARLIER));
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_is_told_and_no_failure() {
    let spoilt = run(|runner| {
        let folder = runner.path("folder");
        std::fs::create_dir(&folder).unwrap();
        runner
            .set("GITHUB_OUTPUT", &folder)
            .set("GITHUB_STEP_SUMMARY", &folder)
            .set("SEVALLA_LOG_FILE", "folder")
    })
    .await;
    spoilt.assert_told("The outputs could not be written to");
    spoilt.assert_told("The summary could not be written to");
    spoilt.assert_told("The log could not be written to folder");
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_told_and_keeps_what_it_held() {
    let lock = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o444)).unwrap();
    };
    let simulator = simulator().await;
    let runner = Runner::deploys_app(&simulator).on_github();
    let output = runner.path("github-output");
    std::fs::write(&output, EARLIER).unwrap();
    lock(&output);
    // Root may write anything, so then there is nothing to see.
    let is_root = std::fs::OpenOptions::new()
        .append(true)
        .open(&output)
        .is_ok();
    let run = runner.run().await;
    assert_eq!(run.code, Some(0), "{}", run.streams());
    if !is_root {
        run.assert_told("The outputs could not be written to");
        assert_eq!(run.file("github-output").as_deref(), Some(EARLIER));
    }
}

/// Runs the program with this output stream and these variables, outside any CI; its
/// exit code and the error stream.
async fn with_stdout(stdout: Stdio, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let simulator = simulator().await;
    let ended = Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
        .env_clear()
        .env("SEVALLA_API_URL", simulator.url())
        .env("SEVALLA_TOKEN", simulator.key())
        .envs(variables.iter().copied())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .await
        .unwrap();
    (
        ended.status.code(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

/// An output stream whose disk is full.
fn full() -> Stdio {
    let full = File::options().write(true).open("/dev/full");
    full.unwrap().into()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (_reader, writer) = std::io::pipe().unwrap();
    writer.into()
}

#[tokio::test]
async fn a_full_or_closed_output_stream_is_told_and_no_failure() {
    let deploys = [("SEVALLA_APP_ID", APP)];
    let (code, told) = with_stdout(full(), &deploys).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("The outputs could not be written to the output stream"),
        "{told}"
    );

    let (code, told) = with_stdout(closed(), &deploys).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("The outputs could not be written to the output stream"),
        "{told}"
    );
}

#[tokio::test]
async fn a_text_that_is_lost_is_a_failure() {
    let ask = |arguments: &'static [&'static str], output: Stdio| async move {
        let program = env!("CARGO_BIN_EXE_sevalla-deploy");
        let mut asked = Command::new(program);
        let asked = asked.args(arguments).env_clear().stdout(output);
        let asked = asked.stderr(Stdio::piped()).spawn().unwrap();
        asked.wait_with_output().await.unwrap()
    };
    for arguments in [&["--help"][..], &["--version"], &["completions", "bash"]] {
        let lost = ask(arguments, full()).await;
        let reported = String::from_utf8(lost.stderr).unwrap();
        assert_eq!(lost.status.code(), Some(2), "{reported}");
        assert!(
            reported.contains("the text could not be written")
                && reported.contains("#result-not-written"),
            "{reported}"
        );
        let closed = ask(arguments, closed()).await;
        assert_eq!(closed.status.code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_result_that_is_lost_is_a_failure() {
    let stack = "services: {web: {app: fb5e5168-4281-4bec-94c5-0d1584e9e657}}";
    for (action, input) in [
        ("list", ("SEVALLA_RESOURCE", "applications")),
        ("show", ("SEVALLA_APP_ID", APP)),
        ("doctor", ("SEVALLA_APP_ID", APP)),
        ("plan-stack", ("SEVALLA_STACK", stack)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.json");
        let variables = [
            ("SEVALLA_ACTION", action),
            input,
            ("SEVALLA_REPORT_FILE", report.to_str().unwrap()),
        ];
        let (code, told) = with_stdout(full(), &variables).await;
        assert_eq!(code, Some(2), "{action}: {told}");
        let last: Vec<&str> = told.lines().rev().take(4).collect();
        assert!(
            last[3].contains(" could not be written to the output stream: No space left")
                && last[1].ends_with("#result-not-written")
                && last[0].ends_with("Outcome: invalid-input (exit code 2)"),
            "{action}: {told}"
        );
        assert!(!told.contains("Warning: The"), "{action}: {told}");
        if action != "doctor" {
            let report = std::fs::read_to_string(&report).unwrap();
            assert!(report.contains("\"result-not-written\""), "{report}");
        }

        let (code, told) = with_stdout(closed(), &variables).await;
        assert_eq!(code, Some(0), "{action}: {told}");
        assert!(!told.contains("could not be written"), "{action}: {told}");
    }
}

#[tokio::test]
async fn streams_that_are_closed_change_nothing() {
    let mut runs = Vec::new();
    for redirection in [">&-", "2>&-", ">&- 2>&-", "> /dev/full 2> /dev/full"] {
        for github in ["true", ""] {
            runs.push(tokio::spawn(redirected(redirection, github)));
        }
    }
    for run in runs {
        run.await.unwrap();
    }
}

async fn redirected(redirection: &str, github: &str) {
    let simulator = simulator().await;
    let program = env!("CARGO_BIN_EXE_sevalla-deploy");
    let status = Command::new("sh")
        .args(["-c", &format!("exec {program} {redirection}")])
        .env_clear()
        .env("SEVALLA_API_URL", simulator.url())
        .env("SEVALLA_TOKEN", simulator.key())
        .env("SEVALLA_APP_ID", APP)
        .env("GITHUB_ACTIONS", github)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0), "{redirection} {github}");
    assert_eq!(simulator.deployments_made(), 1);
}
