//! The program becomes another one when the first argument names it.

use std::os::unix::fs::PermissionsExt;

use sevalla_simulator::Script;

use crate::harness::{Finished, Runner, application};

/// A run with a `PATH`, which the harness otherwise leaves out.
fn with_path() -> Runner {
    Runner::bare().set("PATH", "/usr/local/bin:/usr/bin:/bin")
}

/// Runs a script as a CI does that finds the program as an image's entry point.
async fn script(runner: Runner, text: &str) -> Finished {
    runner
        .argument("sh")
        .argument("-c")
        .argument(text)
        .run()
        .await
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let run = script(with_path(), "printf '%s|' \"$0\" \"$@\"").await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "sh|"));
    let odd = ["", "two words", "$HOME", "--help", "a\nb", "*"];
    let runner = with_path().argument("printf").argument("%s|");
    let run = odd.into_iter().fold(runner, Runner::argument).run().await;
    assert_eq!(run.stdout, "|two words|$HOME|--help|a\nb|*|");
    assert_eq!(run.stderr, "");
}

#[tokio::test]
async fn the_environment_is_handed_on_untouched() {
    let run = with_path()
        .set("INPUT_APP-ID", "not a UUID")
        .set("SEVALLA_TOKEN", "svl_of_whoever_starts_it")
        .argument("env")
        .run()
        .await;
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "INPUT_APP-ID=not a UUID",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "SEVALLA_TOKEN=svl_of_whoever_starts_it",
        ]
    );
}

#[tokio::test]
async fn it_is_the_same_process_and_its_end_is_told() {
    let running = script_started("echo $$; exit 7");
    let id = running.id().to_string();
    let run = running.finish().await;
    assert_eq!((run.code, run.stdout.trim()), (Some(7), id.as_str()));
    let running = script_started("kill -s TERM $$");
    assert_eq!(running.finish().await.code, None, "ended by the signal");
}

fn script_started(text: &str) -> crate::harness::Running {
    with_path()
        .argument("sh")
        .argument("-c")
        .argument(text)
        .start()
}

/// Rust ignores SIGPIPE, and what is ignored stays so in the next program:
/// `yes | head` would never end.
#[tokio::test]
async fn a_closed_pipe_is_not_ignored_in_the_other_program() {
    let run = with_path()
        .argument("cat")
        .argument("/proc/self/status")
        .run()
        .await;
    let mut lines = run.stdout.lines();
    let line = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
    assert_eq!(mask & (1 << 12), 0, "SIGPIPE is number 13: {mask:x}");
}

#[tokio::test]
async fn it_can_be_told_to_become_itself() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .argument(env!("CARGO_BIN_EXE_sevalla-deploy"))
        .run()
        .await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_and_nothing_is_sent() {
    let next = "Inputs are environment variables; see --help";
    for (word, next) in [
        ("deploy", next),
        ("/nonexistent/sh", next),
        ("help", "Did you mean --help?"),
        (
            "deploy-app",
            "To run this action set SEVALLA_ACTION=deploy-app",
        ),
    ] {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .set("PATH", "/usr/bin:/bin")
            .argument(word)
            .run()
            .await;
        let page = sevalla_deploy::messages::page();
        let told = format!(
            "sevalla-deploy: there is no program {word:?} to hand over to. {next}\n  more:  \
             {page}#program-not-started\n"
        );
        assert_eq!((run.code, run.stderr.as_str()), (Some(127), told.as_str()));
        assert_eq!(run.stdout, "");
        assert!(simulator.journal().is_empty(), "{word}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_told_apart() {
    for (interpreter, mode, code, why) in [
        ("/bin/sh", 0o644, 126, "Permission denied"),
        ("/nonexistent/sh", 0o755, 127, "its interpreter or loader"),
    ] {
        let runner = with_path();
        let path = runner.path("tool");
        std::fs::write(&path, format!("#!{interpreter}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let run = runner.argument(path.to_str().unwrap()).run().await;
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[tokio::test]
async fn a_key_among_the_arguments_is_not_shown() {
    let key = "svl_0123456789abcdef";
    let run = Runner::bare()
        .secret("SEVALLA_TOKEN", key)
        .argument(key)
        .run()
        .await;
    assert_eq!(run.code, Some(127));
    assert!(!run.stderr.contains(key), "{}", run.stderr);
}
