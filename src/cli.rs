//! `--help` and `--version`.

use std::ffi::OsString;

use crate::inputs::TABLE;
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

/// The table of inputs, and of outputs.
pub fn help() -> String {
    let mut text =
        "Deploys an application or a static site on Sevalla and follows it to its end.\n\n\
        Inputs are environment variables. Input app-id is read from INPUT_APP-ID,\n\
        INPUT_APP_ID, PLUGIN_APP_ID or SEVALLA_APP_ID, whichever is given first.\n\n\
        Usage:\n  SEVALLA_TOKEN=... SEVALLA_APP_ID=... sevalla-deploy\n  \
        sevalla-deploy --help | --version\n  \
        sevalla-deploy PROGRAM [ARGUMENT]...   becomes that program, as CIs want of an image\n\n\
        Inputs:\n"
            .to_owned();
    for input in TABLE {
        let default = input
            .default
            .map(|value| format!(" [{value}]"))
            .unwrap_or_default();
        let secret = if input.secret { " (secret)" } else { "" };
        text.push_str(&format!(
            "  {}: {}{secret}{default}\n      {}\n",
            input.name(),
            input.accepts,
            input.help
        ));
        if !input.also.is_empty() {
            text.push_str(&format!(
                "      Also read from {}.\n",
                input.also.join(", ")
            ));
        }
    }
    text.push_str("\nOutputs:\n");
    for (name, meaning) in OUTPUTS {
        text.push_str(&format!("  {name}\n      {meaning}\n"));
    }
    text.push_str(&format!(
        "\nEvery warning and error, with its cause and its remedy:\n  {}\n",
        messages::page()
    ));
    text.push_str(EXIT_CODES);
    text
}

const EXIT_CODES: &str = "
Exit codes:
    0  success, planned (dry run), triggered (not followed), skipped (by rule)
    1  failed: the deployment failed
    2  invalid-input: nothing was sent
    3  cancelled, skipped, superseded: it ended without being deployed
    4  timed-out: the time was over; the deployment may go on
    5  unauthorized: 401 or 403
    6  unavailable: the API could not be reached or kept failing
    7  ambiguous: it cannot be told whether a request took effect
    8  unverified: deployed, but it does not answer well or has another commit
    9  rejected: the API refused the request
   10  internal: a bug of this program
  129  interrupted by SIGHUP
  130  interrupted by SIGINT
  143  interrupted by SIGTERM
";

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
