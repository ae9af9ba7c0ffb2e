//! Handing over to another program, when the first argument names one.
//!
//! CIs that run a script inside an image start it with a program of their own:
//! GitLab with `sh`, Jenkins with `cat`. With this program as the entry point
//! those words arrive here as arguments. They are obeyed, so that nobody has to
//! override the entry point. The other program takes the place of this one:
//! same process, arguments and environment, no shell in between.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::inputs;
use crate::messages::Misstart;

/// The other program could not be started.
#[derive(Debug)]
pub struct ExecError {
    /// What went wrong and what to do, on one line. May hold a secret that
    /// somebody gave as an argument.
    pub told: String,
    /// Its entry in the catalogue.
    pub topic: Misstart,
    /// What a shell ends with then: 127 if there is no such program, else 126.
    pub code: u8,
}

/// Becomes the program that the arguments name. Returns only if they name none,
/// or if it cannot be started.
pub fn attempt(arguments: &[OsString]) -> Option<ExecError> {
    let (program, rest) = named(arguments)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "before a run and in its place, never from within one"
    )]
    let error = Command::new(program).args(rest).exec();
    Some(ExecError::new(program, &error))
}

/// The program in the arguments, and what it is given: the first argument,
/// unless it is empty or an option.
fn named(arguments: &[OsString]) -> Option<(&OsStr, &[OsString])> {
    let (first, rest) = arguments.split_first()?;
    let is_option = first.as_encoded_bytes().starts_with(b"-");
    (!first.is_empty() && !is_option).then_some((first, rest))
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
        let next = match word.as_ref() {
            "help" | "version" => format!("Did you mean --{word}?"),
            action if inputs::is_action(action) => {
                format!("To run this action set SEVALLA_ACTION={action}")
            }
            _ => "Inputs are environment variables; see --help".to_owned(),
        };
        Self {
            told: format!("{why}. {next}"),
            topic: Misstart::ProgramNotStarted,
            code: if is_absent { 127 } else { 126 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_help_without_hyphens_is_told_how() {
        let absent = io::Error::from(io::ErrorKind::NotFound);
        for (word, next) in [
            ("help", "Did you mean --help?"),
            ("version", "Did you mean --version?"),
            ("deploy-app", "set SEVALLA_ACTION=deploy-app"),
            ("frobnicate", "see --help"),
        ] {
            let refusal = ExecError::new(OsStr::new(word), &absent);
            assert!(refusal.told.ends_with(next), "{}", refusal.told);
            assert!(refusal.topic.address().ends_with("#program-not-started"));
        }
    }

    #[test]
    fn a_first_argument_that_is_no_option_is_a_program() {
        for (given, program) in [
            (&[][..], None),
            (&[""], None),
            (&["-h"], None),
            (&["--", "sh"], None),
            (&["--help", "sh"], None),
            (&["sh", "-c", "true"], Some("sh")),
            (&["/bin/cat"], Some("/bin/cat")),
        ] {
            let arguments: Vec<OsString> = given.iter().map(Into::into).collect();
            let named = named(&arguments);
            assert_eq!(named.map(|(program, _)| program), program.map(OsStr::new));
            let rest = named.map_or(0, |(_, rest)| rest.len() + 1);
            assert!(program.is_none() || rest == arguments.len(), "{given:?}");
        }
    }
}
