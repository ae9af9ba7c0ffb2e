//! Files that inputs and the CI name: what is not a regular file never makes a
//! run wait, no report takes the place of a CI's file, and no link of a
//! checkout is followed.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use sevalla_simulator::Script;
use tempfile::TempDir;

use crate::harness::{Runner, application, together};

/// The inputs that name a file to be written.
const INPUTS: [&str; 7] = [
    "SEVALLA_LOG_FILE",
    "SEVALLA_REPORT_FILE",
    "SEVALLA_JUNIT_FILE",
    "SEVALLA_CODE_QUALITY_FILE",
    "SEVALLA_OUTPUT_FILE",
    "SEVALLA_LINKS_FILE",
    "SEVALLA_HTML_REPORT",
];

/// A named pipe, apart from the run's folder: all files in there are read.
fn pipe() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    (folder, path)
}

#[tokio::test]
async fn a_named_pipe_makes_nothing_wait() {
    let read = ["GITHUB_EVENT_PATH"];
    let written = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];
    let names = read.into_iter().chain(written).chain(INPUTS);
    together(names.map(|name| async move {
        let simulator = application(Script::success()).await;
        let runner = Runner::deploys_app(&simulator)
            .on_github()
            .set("SEVALLA_LOGS", "off");
        let (_folder, pipe) = pipe();
        let run = runner.set(name, &pipe).run().await;
        assert_eq!(run.code, Some(0), "{name}: {}", run.streams());
        if name != "GITHUB_EVENT_PATH" {
            run.assert_warned(&[&format!("{}: it is ", pipe.display())]);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_named_pipe_of_other_hosts_makes_nothing_wait() {
    let cases = [
        ("CIRCLECI", "BASH_ENV"),
        ("BITBUCKET_COMMIT", "BITBUCKET_PIPELINES_VARIABLES_PATH"),
    ];
    together(cases.map(|(host, variable)| async move {
        let simulator = application(Script::success()).await;
        let (_folder, pipe) = pipe();
        let runner = Runner::deploys_app(&simulator).set(host, "true");
        let run = runner.set(variable, pipe).run().await;
        assert_eq!(run.code, Some(0), "{variable}: {}", run.streams());
        run.assert_told("pipe: it is a named pipe");
    }))
    .await;
}

#[tokio::test]
async fn a_named_pipe_with_certificates_is_refused() {
    let simulator = application(Script::success()).await;
    let (_folder, pipe) = pipe();
    let runner = Runner::deploys_app(&simulator);
    let run = runner.set("SSL_CERT_FILE", pipe).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("it is a named pipe");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn outputs_may_go_to_the_output_stream() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator).on_github();
    let run = runner.set("GITHUB_OUTPUT", "/dev/stdout").run().await;
    assert_eq!(run.code, Some(0), "{}", run.streams());
    assert!(run.stdout.contains("outcome<<"), "{}", run.stdout);
}

/// Each way to name a file, made in the run's folder.
fn ways_to(file: &str, runner: &Runner) -> [String; 4] {
    let path = |name: &str| runner.path(name);
    std::fs::create_dir(path("folder")).unwrap();
    std::fs::hard_link(path(file), path("hard")).unwrap();
    symlink(path(file), path("link")).unwrap();
    [
        path(file).display().to_string(),
        format!("folder/../{file}"),
        "hard".to_owned(),
        "link".to_owned(),
    ]
}

#[tokio::test]
async fn no_report_takes_the_place_of_a_file_of_the_ci() {
    let variables = [
        "GITHUB_OUTPUT",
        "GITHUB_ENV",
        "GITHUB_PATH",
        "GITHUB_STATE",
        "GITHUB_STEP_SUMMARY",
        "GITHUB_EVENT_PATH",
        "BUILDKITE_ENV_FILE",
        "BASH_ENV",
        "SSL_CERT_FILE",
        "BITBUCKET_PIPELINES_VARIABLES_PATH",
    ];
    let cases = variables
        .into_iter()
        .enumerate()
        .flat_map(|(number, variable)| {
            // Every variable in every way, and every input with some of them.
            [0, 1, 2, 3].map(|way| (variable, way, INPUTS[(number + way) % INPUTS.len()]))
        });
    together(cases.map(|(variable, way, input)| async move {
        let simulator = application(Script::success()).await;
        let runner = Runner::deploys_app(&simulator);
        std::fs::write(runner.path("of-ci"), "kept").unwrap();
        let of_ci = runner.path("of-ci");
        let path = ways_to("of-ci", &runner)[way].clone();
        let run = runner.set(variable, of_ci).set(input, &path).run().await;
        run.assert_told(&format!("{input}: it names the same file as {variable}"));
        assert_eq!(run.code, Some(2), "{}", run.streams());
        assert!(simulator.journal().is_empty());
        // Outputs and summary are added to it.
        let kept = run.file("of-ci").unwrap();
        assert!(kept.starts_with("kept"), "{variable} {path}: {kept}");
    }))
    .await;
}

#[tokio::test]
async fn a_file_of_the_ci_that_does_not_exist_yet_is_kept_free_too() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator);
    let of_ci = runner.path("later");
    let runner = runner.set("GITHUB_ENV", of_ci);
    let run = runner.set("SEVALLA_LOG_FILE", "new/../later").run().await;
    assert_eq!(run.code, Some(2), "{}", run.streams());
    run.assert_told("SEVALLA_LOG_FILE: it names the same file as GITHUB_ENV");
}

#[tokio::test]
async fn folders_of_reports_are_made() {
    let simulator = application(Script::success()).await;
    let mut runner = Runner::deploys_app(&simulator);
    for input in INPUTS {
        runner = runner.set(input, format!("reports/{input}/file"));
    }
    let absolute = runner.path("elsewhere/deep/report.json");
    let runner = runner.set("SEVALLA_REPORT_FILE", &absolute);
    let run = runner.run().await;
    assert_eq!(run.code, Some(0), "{}", run.streams());
    assert!(!run.streams().contains("Warning"), "{}", run.streams());
    for input in INPUTS
        .iter()
        .filter(|input| **input != "SEVALLA_REPORT_FILE")
    {
        assert!(
            run.file(&format!("reports/{input}/file")).is_some(),
            "{input}"
        );
    }
    assert!(run.file("elsewhere/deep/report.json").is_some());
}

/// A checkout can hold links to anywhere.
#[tokio::test]
async fn no_link_in_the_working_directory_is_followed() {
    let cases = INPUTS.into_iter().flat_map(|input| {
        let names = ["link", "folder/file", "sub/../link"];
        names.map(|name| (input, name))
    });
    together(cases.map(|(input, name)| async move {
        for is_absolute in [false, true] {
            let outside = TempDir::new().unwrap();
            let target = outside.path().join("file");
            std::fs::write(&target, "kept").unwrap();
            let simulator = application(Script::success()).await;
            let runner = Runner::deploys_app(&simulator);
            std::fs::create_dir(runner.path("sub")).unwrap();
            symlink(&target, runner.path("link")).unwrap();
            symlink(outside.path(), runner.path("folder")).unwrap();
            let path = if is_absolute {
                runner.path(name).display().to_string()
            } else {
                name.to_owned()
            };
            let run = runner.set(input, path).run().await;
            run.assert_told("is a symbolic link");
            run.assert_told(input);
            assert_eq!(run.code, Some(2), "{}", run.streams());
            assert!(simulator.journal().is_empty());
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "kept");
            assert_eq!(outside.path().read_dir().unwrap().count(), 1);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_link_outside_of_the_working_directory_is_followed() {
    let outside = TempDir::new().unwrap();
    let path = |name: &str| outside.path().join(name);
    std::fs::create_dir(path("volume")).unwrap();
    symlink("volume", path("logs")).unwrap();
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator);
    let run = runner
        .set("SEVALLA_LOG_FILE", path("logs/deploy.log"))
        .run()
        .await;
    run.assert_ended(0, "success");
    assert!(path("volume/deploy.log").is_file());
}

#[tokio::test]
#[should_panic(expected = "a secret is in ")]
async fn a_secret_in_bytes_of_a_file_below_the_folder_is_seen() {
    let runner = Runner::bare().hides("hunter2").argument("--version");
    std::fs::create_dir(runner.path("below")).unwrap();
    std::fs::write(runner.path("below/file"), b"\xff\x00hunter2\xfe").unwrap();
    runner.run().await;
}
