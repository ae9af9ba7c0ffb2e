//! The program becomes another one: after `--`, and in the image for what CI
//! systems start there.

use std::os::unix::fs::PermissionsExt;

use sevalla_deploy::exec::IN_IMAGE;
use sevalla_simulator::Script;

use crate::harness::{Finished, Runner, application};

/// A run with a `PATH`, which the harness otherwise omits, that hands over.
fn with_path() -> Runner {
    let runner = Runner::bare().set("PATH", "/usr/local/bin:/usr/bin:/bin");
    runner.argument("--")
}

/// The same as in the image.
fn in_image() -> Runner {
    let runner = Runner::bare().set("PATH", "/usr/local/bin:/usr/bin:/bin");
    runner.set(IN_IMAGE, "1")
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
    for runner in [with_path(), in_image()] {
        let run = script(runner, "printf '%s|' \"$0\" \"$@\"").await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "sh|"));
    }
    let odd = ["", "two words", "$HOME", "--help", "--", "a\nb", "*"];
    let runner = with_path().argument("printf").argument("%s|");
    let run = odd.into_iter().fold(runner, Runner::argument).run().await;
    assert_eq!(run.stdout, "|two words|$HOME|--help|--|a\nb|*|");
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
        .set(IN_IMAGE, "1")
        .argument(env!("CARGO_BIN_EXE_sevalla-deploy"))
        .run()
        .await;
    run.assert_ended(0, "success");
}

/// What CI systems do to an image: GitLab, Jenkins, a runner on Kubernetes.
#[tokio::test]
async fn in_the_image_a_ci_starts_its_shell_and_nothing_else() {
    let run = in_image().arguments_are(&["cat"]).run().await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    let run = in_image()
        .arguments_are(&["/bin/sh", "-c", "echo $0"])
        .run()
        .await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "/bin/sh\n"));
    let run = in_image()
        .arguments_are(&["tail", "-n1", "/etc/hosts"])
        .run()
        .await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for word in ["env", "ls", "init", "printf", "./sh", "depoy-app"] {
        let run = in_image()
            .secret("SEVALLA_TOKEN", "svl_0123456789abcdef")
            .argument(word)
            .run()
            .await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{word}");
    }
    // Any other value is no marker.
    for marker in ["", "0", "true", "yes"] {
        let run = in_image()
            .set(IN_IMAGE, marker)
            .arguments_are(&["sh", "-c", "echo executed"])
            .run()
            .await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{marker}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_and_nothing_is_sent() {
    let next = "Check its name and PATH";
    for (word, next) in [
        ("deploy", next),
        ("/nonexistent/sh", next),
        (
            "deploy-app",
            "To run this action, write: sevalla-deploy deploy-app",
        ),
    ] {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .set("PATH", "/usr/bin:/bin")
            .arguments_are(&["--", word])
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
        .arguments_are(&["--", key])
        .run()
        .await;
    assert_eq!(run.code, Some(127));
    assert!(!run.stderr.contains(key), "{}", run.stderr);
}
