//! `--help` and `--version`.

use std::ffi::OsString;

use crate::exit_status::{EXIT_CODES, words};
use crate::inputs::{ACTIONS, TABLE};
use crate::messages;
use crate::outputs::OUTPUTS;

/// What the arguments ask for instead of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum CliRequest {
    /// Nothing: there are no arguments.
    Run,
    /// A text for the output.
    Text(String),
    /// Something this program does not know, with a complaint.
    Unknown(String),
}

/// Reads the arguments. Inputs come from variables alone, so that no value can
/// be torn or show up in a list of processes. An argument that is a program's
/// name does not get here: see [`crate::exec`].
pub fn asked(arguments: &[OsString]) -> CliRequest {
    let mut parser = lexopt::Parser::from_args(arguments);
    match parser.next() {
        Ok(None) => CliRequest::Run,
        Ok(Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h'))) => CliRequest::Text(help()),
        Ok(Some(lexopt::Arg::Long("version") | lexopt::Arg::Short('V'))) => {
            CliRequest::Text(version())
        }
        Ok(Some(other)) => CliRequest::Unknown(complain(&other.unexpected())),
        Err(error) => CliRequest::Unknown(complain(&error)),
    }
}

fn complain(error: &lexopt::Error) -> String {
    format!("{error}. Inputs are environment variables; see --help")
}

/// The version, and the commit it was built from.
pub fn version() -> String {
    let commit = option_env!("SEVALLA_DEPLOY_COMMIT").filter(|commit| !commit.is_empty());
    format!(
        "sevalla-deploy {} ({})\n",
        env!("CARGO_PKG_VERSION"),
        commit.unwrap_or("commit unknown")
    )
}

/// How the program is used, and what its tables declare.
pub fn help() -> String {
    let page = messages::page();
    format!(
        "Deploys an application or a static site on Sevalla and follows it to its end.\n\n\
        Inputs are environment variables. Input app-id is read from INPUT_APP-ID,\n\
        INPUT_APP_ID, PLUGIN_APP_ID or SEVALLA_APP_ID, whichever is given first.\n\n\
        Usage:\n  SEVALLA_TOKEN=... SEVALLA_APP_ID=... sevalla-deploy\n  \
        sevalla-deploy --help | --version\n  \
        sevalla-deploy PROGRAM [ARGUMENT]...   runs PROGRAM instead, so CI systems can use the image\n\n\
        Actions:\n{}\nInputs:\n{}\nOutputs:\n{}\n\
        Every warning and error, with its cause and its remedy:\n  {page}\n\n\
        Exit codes:\n{}",
        actions(),
        inputs(),
        outputs(),
        exit_codes(),
    )
}

fn actions() -> String {
    let entries = ACTIONS.iter().map(|action| {
        let mut entry = format!("  {}\n      {}", action.name.word(), action.summary);
        let mut requires: Vec<String> = action.requires.iter().map(|&name| name.into()).collect();
        if !action.one_of.is_empty() {
            requires.insert(0, action.one_of.join(" or "));
        }
        if !requires.is_empty() {
            entry.push_str(&format!(" Requires {}.", requires.join(", ")));
        }
        let takes = [action.at_most_one_of, action.takes].concat();
        if !takes.is_empty() {
            entry.push_str(&format!(" Takes {}.", takes.join(", ")));
        }
        entry + "\n"
    });
    entries.collect()
}

fn inputs() -> String {
    let entries = TABLE.iter().map(|input| {
        let default = input.default.map(|value| format!(" [{value}]"));
        let secret = if input.secret { " (secret)" } else { "" };
        let mut entry = format!(
            "  {}: {}{secret}{}\n      {}\n",
            input.name(),
            input.accepts,
            default.unwrap_or_default(),
            input.help()
        );
        if !input.also.is_empty() {
            let also = input.also.join(", ");
            entry.push_str(&format!("      Also read from {also}.\n"));
        }
        entry
    });
    entries.collect()
}

fn outputs() -> String {
    let entries = OUTPUTS.iter();
    entries
        .map(|(name, meaning)| format!("  {name}\n      {meaning}\n"))
        .collect()
}

fn exit_codes() -> String {
    let entries = EXIT_CODES.iter().map(|(code, meaning)| {
        let (words, meaning) = (words(*code).join(", "), meaning.replace('`', ""));
        format!("  {code:>3}  {words}\n       {meaning}\n")
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_ask_for_help_or_the_version_or_are_refused() {
        let ask = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
            asked(&arguments)
        };
        assert_eq!(ask(&[]), CliRequest::Run);
        assert!(matches!(ask(&["--help"]), CliRequest::Text(text) if text.contains("app-id")));
        assert!(
            matches!(ask(&["--version"]), CliRequest::Text(text) if text.starts_with("sevalla-deploy "))
        );
        for arguments in [&["--app-id=x"][..], &["deploy"], &["-x"]] {
            assert!(
                matches!(ask(arguments), CliRequest::Unknown(_)),
                "{arguments:?}"
            );
        }
    }
}
