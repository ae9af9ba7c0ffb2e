//! Programs that a host brings along to be told things through. The one place
//! that starts any.
//!
//! Never through a shell, never with more of the environment than is handed
//! in, and never for longer than there is time.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

/// How often to look whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

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

/// Starts all programs at once, and gives for each whether it ended well, or
/// why it did not. What does not end within the time is ended.
pub type Launch = fn(Vec<ProgramCall>, Duration) -> Vec<Result<(), String>>;

/// The operating system's way to [`Launch`].
pub fn launch(calls: Vec<ProgramCall>, time: Duration) -> Vec<Result<(), String>> {
    let until = Instant::now() + time;
    let started: Vec<_> = calls.into_iter().map(start).collect();
    let results = started
        .into_iter()
        .map(|child| child.and_then(|child| end(child, until)));
    results.collect()
}

fn start(call: ProgramCall) -> Result<Child, String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    let mut command = Command::new(&call.program);
    // What it says may be what a stranger has written; nobody may obey that.
    let started = command
        .args(&call.arguments)
        .env_clear()
        .envs(call.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // Aside, since it may never read all of it.
        thread::spawn(move || stdin.write_all(call.input.as_bytes()));
    }
    Ok(child)
}

fn end(mut child: Child, until: Instant) -> Result<(), String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if Instant::now() < until => thread::sleep(LOOK),
            Ok(None) => {
                let _has_ended_just_now = child.kill().and_then(|()| child.wait());
                return Err("it did not end in time".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, input: &str) -> ProgramCall {
        ProgramCall {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: vec![("GIVEN".to_owned(), "1".to_owned())],
            input: input.to_owned(),
        }
    }

    #[test]
    fn each_gets_its_input_and_only_the_given_environment() {
        let results = launch(
            vec![
                shell("test \"$(/bin/cat)\" = \"a b\"", "a b"),
                shell("test \"$GIVEN$CARGO$HOME\" = 1", ""),
                // A value that is not read, longer than a pipe holds.
                shell("exit 3", &"x".repeat(1024 * 1024)),
                ProgramCall {
                    program: "/nonexistent/program".into(),
                    ..shell("", "")
                },
            ],
            Duration::from_secs(60),
        );
        assert_eq!(results[..2], [Ok(()), Ok(())]);
        assert!(results[2].as_ref().unwrap_err().contains('3'));
        assert!(results[3].is_err());
    }

    #[test]
    fn what_hangs_is_ended_and_keeps_nobody() {
        let started = Instant::now();
        let hanging = shell("exec /bin/sleep 1000", &"x".repeat(1024 * 1024));
        let results = launch(vec![hanging; 3], Duration::from_millis(200));
        assert!(results.iter().all(Result::is_err), "{results:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
