//! Handing over to another program: what the arguments name after `--`, and in
//! the image what CI systems start there.
//!
//! CIs that run a script inside an image start it with a program of their own:
//! GitLab with `sh`, Jenkins with `cat`. With this program as the entry point
//! those words arrive here as arguments. They are obeyed, so that nobody has to
//! override the entry point. The other program takes the place of this one:
//! same process, arguments and environment, no shell in between. On Windows,
//! where no program can take another's place, it is waited for.
//!
//! No other word is ever executed: a misspelled action must not start a program
//! of the machine. The marker of the image is a variable, so an environment can
//! add or remove it. It allows only words that the caller has written as the
//! first argument, and only the few below, so it gives nobody a program that
//! they could not have started themselves.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;

use crate::environment::Variables;
use crate::inputs;
use crate::messages::StartupError;

/// The other program could not be started.
#[derive(Debug)]
pub struct ExecError {
    /// What went wrong and what to do, on one line. May hold a secret that
    /// somebody gave as an argument.
    pub text: String,
    /// Its entry in the catalogue.
    pub topic: StartupError,
    /// What a shell ends with then: 127 if there is no such program, else 126.
    pub code: u8,
}

/// The variable that the image sets to `1`.
pub const IN_IMAGE: &str = "SEVALLA_DEPLOY_IN_IMAGE";

/// What CI systems start in an image, apart from absolute paths.
const STARTED_BY_CI: [&str; 5] = ["sh", "bash", "cat", "tail", "sleep"];

/// Becomes the program that the arguments name. Returns only if they name none,
/// or if it cannot be started.
pub fn attempt(arguments: &[OsString], variables: &Variables) -> Option<ExecError> {
    let (program, rest) = named(arguments, variables.text(IN_IMAGE) == Some("1"))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "before a run and in its place, never from within one"
    )]
    let error = replace(Command::new(program).args(rest));
    Some(ExecError::new(program, &error))
}

/// Becomes another program. Returns only if that cannot be started.
#[cfg(unix)]
fn replace(command: &mut Command) -> io::Error {
    use std::os::unix::process::CommandExt as _;

    command.exec()
}

/// Waits for another program and ends as it ended. Returns only if that cannot
/// be started.
#[cfg(windows)]
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "in place of a run, never from within one"
)]
fn replace(command: &mut Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// The program in the arguments, and its own arguments.
fn named(arguments: &[OsString], is_in_image: bool) -> Option<(&OsStr, &[OsString])> {
    let (first, rest) = arguments.split_first()?;
    if first == "--" {
        let (program, rest) = rest.split_first()?;
        return (!program.is_empty()).then_some((program, rest));
    }
    let is_of_ci = Path::new(first).has_root() || STARTED_BY_CI.iter().any(|word| first == *word);
    (is_in_image && is_of_ci).then_some((first, rest))
}

impl ExecError {
    fn new(program: &OsStr, error: &io::Error) -> Self {
        let word = program.to_string_lossy();
        let is_absent = error.kind() == io::ErrorKind::NotFound;
        let why = if !is_absent {
            format!("the program {word:?} cannot be started: {error}")
        } else if word.contains('/') && Path::new(program).exists() {
            // The system's answer is the same, and puzzles everybody.
            format!("what {word:?} needs to start is not here: its interpreter or loader")
        } else {
            format!("there is no program {word:?} to hand over to")
        };
        let next = if inputs::is_action(&word) {
            format!("To run this action, write: sevalla-deploy {word}")
        } else {
            "Check its name and PATH".to_owned()
        };
        Self {
            text: format!("{why}. {next}"),
            topic: StartupError::ProgramNotStarted,
            code: if is_absent { 127 } else { 126 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(given: &[&str], is_in_image: bool) -> Option<(String, usize)> {
        let arguments: Vec<OsString> = given.iter().map(Into::into).collect();
        let (program, rest) = named(&arguments, is_in_image)?;
        Some((program.to_str().unwrap().to_owned(), rest.len()))
    }

    #[test]
    fn what_follows_two_hyphens_is_a_program() {
        for is_in_image in [true, false] {
            for (given, name, rest) in [
                (&["--", "ls"][..], "ls", 0),
                (&["--", "sh", "-c", "true"], "sh", 2),
                (&["--", "--", "x"], "--", 1),
                (&["--", "deploy-app"], "deploy-app", 0),
            ] {
                assert_eq!(
                    program(given, is_in_image),
                    Some((name.to_owned(), rest)),
                    "{given:?}"
                );
            }
            for given in [&["--"][..], &["--", ""], &["deploy-app", "--", "sh"]] {
                assert_eq!(program(given, is_in_image), None, "{given:?}");
            }
        }
    }

    #[test]
    fn only_in_the_image_a_first_word_is_one_and_only_of_a_few() {
        for word in ["sh", "bash", "cat", "tail", "sleep", "/bin/ls", "/"] {
            assert_eq!(program(&[word, "x"], false), None, "{word}");
            assert_eq!(program(&[word, "x"], true), Some((word.to_owned(), 1)));
        }
        for word in [
            "", "init", "ls", "env", "./sh", "bin/sh", "sh ", "SH", "-h", "list",
        ] {
            assert_eq!(program(&[word], true), None, "{word}");
        }
        assert_eq!(program(&[], true), None);
    }

    #[test]
    fn a_program_that_is_absent_has_a_hint() {
        let absent = io::Error::from(io::ErrorKind::NotFound);
        for (word, next) in [
            ("deploy-app", "write: sevalla-deploy deploy-app"),
            ("frobnicate", "Check its name and PATH"),
        ] {
            let refusal = ExecError::new(OsStr::new(word), &absent);
            assert!(refusal.text.ends_with(next), "{}", refusal.text);
            assert!(refusal.topic.address().ends_with("#program-not-started"));
        }
    }
}
