//! Programs that a CI brings along, such as `buildkite-agent`. The only module
//! that starts any.
//!
//! A program never runs in a shell, and gets no more of the environment than
//! the call contains. Waiting for one blocks nothing: signals and timers keep
//! running. The caller limits the time by dropping the future, which kills the
//! program.

use std::convert::Infallible;
use std::future::pending;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramCall {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments. Everybody on the machine can read them.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// What it reads from its input.
    pub input: String,
}

/// Starts a program when first polled, and returns why it failed, if it did.
pub type Launch = fn(ProgramCall) -> Launched;

/// A program that runs, or will when polled.
pub type Launched = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Starts programs with the operating system.
pub fn launch(call: ProgramCall) -> Launched {
    Box::pin(async move { run(call).await.map_err(|error| error.to_string())? })
}

async fn run(call: ProgramCall) -> std::io::Result<Result<(), String>> {
    #[expect(clippy::disallowed_methods, reason = "the one module that may")]
    let mut command = Command::new(&call.program);
    // Its output may contain text of a stranger, which no CI may obey.
    let mut child = command
        .args(&call.arguments)
        .env_clear()
        .envs(call.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            let _closed = stdin.write_all(call.input.as_bytes()).await;
        }
        pending::<Infallible>().await
    };
    // The program may end without having read all of its input.
    let status = tokio::select! {
        status = child.wait() => status?,
        never = feed => match never {},
    };
    Ok(if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::{Instant, timeout};

    use super::*;

    fn shell(script: &str, input: &str) -> ProgramCall {
        ProgramCall {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: vec![("GIVEN".to_owned(), "1".to_owned())],
            input: input.to_owned(),
        }
    }

    #[tokio::test]
    async fn each_gets_its_input_and_only_the_given_environment() {
        let calls = [
            shell("test \"$(/bin/cat)\" = \"a b\"", "a b"),
            shell("test \"$GIVEN$CARGO$HOME\" = 1", ""),
            // A value that is not read, longer than a pipe holds.
            shell("exit 3", &"x".repeat(1024 * 1024)),
            ProgramCall {
                program: "/nonexistent/program".into(),
                ..shell("", "")
            },
        ];
        let results = join_all(calls.map(launch)).await;
        assert_eq!(results[..2], [Ok(()), Ok(())]);
        assert!(results[2].as_ref().unwrap_err().contains('3'));
        assert!(results[3].is_err());
    }

    /// Its child keeps the input open, and reads nothing of it.
    #[tokio::test]
    async fn a_program_has_ended_although_its_child_has_not() {
        let script = "/bin/sleep 2 <&0 & exit 3";
        let started = Instant::now();
        let result = launch(shell(script, &"x".repeat(1024 * 1024))).await;
        assert!(result.unwrap_err().contains('3'));
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_program_that_hangs_blocks_no_timer_and_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec /bin/sleep 1000", file.display());
        let hanging = launch(shell(&script, &"x".repeat(1024 * 1024)));
        let started = async {
            while !std::fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n')) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            result = hanging => panic!("{result:?}"),
            () = started => {}
        }
        let pid = std::fs::read_to_string(&file).unwrap();
        let process = std::path::Path::new("/proc").join(pid.trim()).join("exe");
        let is_killed = async {
            while process.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), is_killed).await.unwrap();
    }
}
