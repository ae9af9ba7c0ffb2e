//! The arguments: an action and options, or a request for a text such as
//! `--help`. A program to hand over to does not get here: see [`crate::exec`].

pub mod completions;
pub mod help;
mod layout;

use std::ffi::{OsStr, OsString};

use lexopt::{Arg, Parser};

use crate::inputs::{self, ACTIONS, Input, Resource, TABLE};
use crate::messages::Failure;
use crate::secret::HookUrl;

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum CliRequest {
    /// A run, with the inputs that are given as options, by their names there.
    Run(Vec<(String, OsString)>),
    /// A text for the output.
    Text(String),
    /// Something this program does not take.
    Unknown(Complaint),
}

/// Why the arguments cannot be used. It is shown, with what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Its entry in the catalogue.
    pub failure: Failure,
    /// What is wrong, without the value of a secret.
    pub text: String,
}

impl From<String> for Complaint {
    fn from(text: String) -> Self {
        Self {
            failure: Failure::UnknownArgument,
            text,
        }
    }
}

/// The option that holds the action, which users write without it.
const ACTION: &str = "--action";

/// The words beside the actions that can come first.
const COMMANDS: [&str; 2] = ["help", "completions"];

/// Reads the arguments. Texts are wrapped to so many columns.
pub fn parse(arguments: &[OsString], columns: usize) -> CliRequest {
    read(arguments, columns).unwrap_or_else(CliRequest::Unknown)
}

fn read(arguments: &[OsString], columns: usize) -> Result<CliRequest, Complaint> {
    if let Some(request) = command(arguments, columns) {
        return request;
    }
    let mut parser = Parser::from_args(arguments);
    let mut given = Vec::new();
    loop {
        if peek(&mut parser).is_some_and(|next| next == "--") {
            let text = "-- must come first, before a program: sevalla-deploy -- PROGRAM";
            return Err(text.to_owned().into());
        }
        let has_value = peek(&mut parser).is_some_and(|next| lossy(&next).contains('='));
        let Some(argument) = parser.next().map_err(|error| error.to_string())? else {
            return Ok(CliRequest::Run(given));
        };
        match argument {
            Arg::Long(name @ ("help" | "version")) if has_value => {
                return Err(format!("--{name} takes no value. See --help").into());
            }
            Arg::Short('h') | Arg::Long("help") => {
                return Ok(CliRequest::Text(help_about(&given, columns)));
            }
            Arg::Short('V') | Arg::Long("version") => return Ok(CliRequest::Text(version())),
            Arg::Short(letter) => {
                let text = format!(
                    "unknown option -{letter}. Options have two hyphens, such as --app-id; see --help"
                );
                return Err(text.into());
            }
            Arg::Long(name) => {
                let input = input(name)?;
                let value = value(input, &mut parser)?;
                add(&mut given, format!("--{}", input.name()), value)?;
            }
            Arg::Value(word) => {
                let action = action(&word, &given)?;
                add(&mut given, ACTION.to_owned(), action.into())?;
            }
        }
    }
}

/// `help`, `completions` and `--`, which come first and have words of their own.
fn command(arguments: &[OsString], columns: usize) -> Option<Result<CliRequest, Complaint>> {
    let (first, rest) = arguments.split_first()?;
    let rest: Vec<String> = rest.iter().map(|word| lossy(word)).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let text = match (first.to_str()?, rest.as_slice()) {
        // Of a program with a name it is `exec`'s.
        ("--", _) => Err("-- requires a program: sevalla-deploy -- PROGRAM"),
        ("help", []) => Ok(help::overview(columns)),
        ("help", [topic]) => match help::about(topic, columns) {
            Some(text) => Ok(text),
            None => return Some(Err(no_help_about(topic))),
        },
        ("completions", [shell]) if completions::of(shell).is_some() => {
            Ok(completions::of(shell).unwrap_or_default())
        }
        ("completions", ["--help" | "-h"]) => {
            Ok(help::about("completions", columns).unwrap_or_default())
        }
        ("help", _) => {
            Err("help takes one word: an action, an input, outputs, exit-codes, completions or all")
        }
        ("completions", _) => Err("completions takes one of bash, zsh, fish"),
        _ => return None,
    };
    let text = text.map_err(|complaint| complaint.to_owned().into());
    Some(text.map(CliRequest::Text))
}

fn no_help_about(topic: &str) -> Complaint {
    let name = before_value(topic);
    secret_in(topic).unwrap_or_else(|| {
        let did_you_mean = suggestion(name, &help::topics());
        format!("there is no help about {name:?}.{did_you_mean} See --help").into()
    })
}

/// The help about the action that was given, or about everything.
fn help_about(given: &[(String, OsString)], columns: usize) -> String {
    let action = given.iter().find(|(name, _)| name == ACTION);
    let action = action.and_then(|(_, word)| help::about(word.to_str()?, columns));
    action.unwrap_or_else(|| help::overview(columns))
}

fn add(
    given: &mut Vec<(String, OsString)>,
    name: String,
    value: OsString,
) -> Result<(), Complaint> {
    if given.iter().any(|(other, _)| *other == name) {
        let what = if name == ACTION { "the action" } else { &name };
        let input = Input::named(name.trim_start_matches('-'));
        let advice = match input.filter(|input| input.is_list()) {
            Some(_) => format!(". Give it once, with commas between the values: {name}=A,B"),
            None => String::new(),
        };
        return Err(format!("{what} is given twice{advice}").into());
    }
    given.push((name, value));
    Ok(())
}

/// The input of an option.
fn input(name: &str) -> Result<&'static Input, Complaint> {
    let meant = Input::meant_by(name);
    if let Some(secret) = meant.filter(|input| input.secret) {
        return Err(refusal(secret));
    }
    if let Some(input) = Input::named(name) {
        return Ok(input);
    }
    let switch = name.strip_prefix("no-").and_then(Input::named);
    let hint = match (switch.filter(|input| input.is_switch()), meant) {
        (Some(switch), _) => format!(" To switch it off, write --{}=false.", switch.name()),
        (None, Some(input)) => format!(" Did you mean --{}?", input.name()),
        (None, None) => match nearest(name, &names()) {
            // It may be a secret with a typing error: so is its value.
            Some(near) if Input::named(&near).is_some_and(|input| input.secret) => {
                return Err(refused(
                    &format!("--{name} looks like {near}, which"),
                    &near,
                ));
            }
            near => near.map_or_else(String::new, |near| format!(" Did you mean --{near}?")),
        },
    };
    Err(format!("unknown option --{name}.{hint} See --help").into())
}

/// Why a secret is refused, without its value.
fn refusal(secret: &Input) -> Complaint {
    refused(&secret.name(), &secret.name())
}

/// The refusal of what is or looks like the secret of an input.
fn refused(what: &str, input: &str) -> Complaint {
    let variable = Input::named(input).map_or_else(String::new, Input::variable);
    let text = format!(
        "{what} cannot be an argument: other users of the machine can read the arguments of a \
         process, and the history of your shell may have the secret now. Set the variable \
         {variable} instead, or {variable}_FILE to the path of a file that holds it"
    );
    Complaint {
        failure: Failure::SecretArgument,
        text,
    }
}

/// The refusal of a word that has the form of a secret.
fn secret_in(word: &str) -> Option<Complaint> {
    if word.starts_with("svl_") {
        return Some(refused("an API key", "sevalla-token"));
    }
    if HookUrl::is_like(word) {
        return Some(refused(
            "the address of a deployment hook",
            "deploy-hook-url",
        ));
    }
    let name = word.split_once('=')?.0.trim_start_matches('-');
    let meant = Input::meant_by(name).filter(|input| input.secret);
    meant.map(refusal)
}

/// An argument without a value behind `=`, which may be a secret.
fn before_value(word: &str) -> &str {
    word.split('=').next().unwrap_or_default()
}

/// The value of an option: behind `=`, or the next argument.
fn value(input: &Input, parser: &mut Parser) -> Result<OsString, Complaint> {
    let name = input.name();
    if let Some(value) = parser.optional_value() {
        return not_blank(&name, value);
    }
    let next = peek(parser);
    if input.is_switch() {
        let words = ["true", "True", "TRUE", "false", "False", "FALSE"];
        let is_value = next.is_some_and(|next| words.iter().any(|word| next == *word));
        return if is_value {
            parser.value().map_err(|error| error.to_string().into())
        } else {
            Ok("true".into())
        };
    }
    match next {
        // In a script it is the next option, behind a variable that is empty.
        Some(next) if next.as_encoded_bytes().starts_with(b"-") => Err(format!(
            "--{name} requires a value. One that begins with - is written --{name}={}",
            before_value(&lossy(&next))
        )
        .into()),
        Some(_) => {
            let value = parser.value().map_err(|error| error.to_string())?;
            not_blank(&name, value)
        }
        None => Err(format!("--{name} requires a value: {}", input.value_in_words()).into()),
    }
}

/// A value that is blank is a variable that a script did not fill in: neither a
/// default nor a variable may apply instead.
fn not_blank(name: &str, value: OsString) -> Result<OsString, Complaint> {
    if lossy(&value).trim().is_empty() {
        let text = format!("the value of --{name} is empty. Give it one, or omit the option");
        return Err(text.into());
    }
    Ok(value)
}

/// The action that a word is.
fn action(word: &OsStr, given: &[(String, OsString)]) -> Result<String, Complaint> {
    let word = lossy(word);
    let is_first = given.iter().all(|(name, _)| name != ACTION);
    if inputs::is_action(&word) {
        return Ok(word);
    }
    let name = before_value(&word);
    if let Some(complaint) = secret_in(&word) {
        return Err(complaint);
    }
    let hint = match (Input::meant_by(name), word.as_str()) {
        (Some(secret), _) if secret.secret => return Err(refusal(secret)),
        (Some(input), _) => format!(" Did you mean --{}?", input.name()),
        (None, "version") => " Did you mean --version?".to_owned(),
        (None, command) if COMMANDS.contains(&command) => {
            format!(" {command} must come first: sevalla-deploy {command}.")
        }
        (None, _) if is_first => match synonym(&word) {
            Some(command) => format!(" Did you mean {command}?"),
            None => suggestion(&word, &commands()),
        },
        (None, _) => " Values belong to options, such as --branch main.".to_owned(),
    };
    let program = if hint.is_empty() {
        ". To run a program, write: sevalla-deploy -- PROGRAM"
    } else {
        ""
    };
    Err(format!("{name:?} is not an action.{hint} See --help{program}").into())
}

/// The command that a word of another tool means.
fn synonym(word: &str) -> Option<String> {
    let word = word.to_lowercase().replace('_', "-");
    let plural = word.strip_prefix("list-").unwrap_or(&word);
    if let Some(resource) = Resource::meant_by(plural) {
        return Some(format!("list --resource {}", resource.word()));
    }
    let command = match word.as_str() {
        "status" | "info" | "describe" | "get" => "show",
        "logs" | "watch" | "attach" => "follow",
        "redeploy" | "restart" => "deploy-app --is-restart",
        "rollback" => "rollback-app",
        "promote" => "promote-app",
        _ => return None,
    };
    Some(command.to_owned())
}

fn peek(parser: &mut Parser) -> Option<OsString> {
    Some(parser.try_raw_args()?.peek()?.to_owned())
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

/// The names of actions, and the other words that can come first.
fn commands() -> Vec<String> {
    let actions = ACTIONS.iter().map(|action| action.name.word());
    actions.chain(COMMANDS).map(str::to_owned).collect()
}

/// The names of options, and those of secrets, which have none.
fn names() -> Vec<String> {
    let inputs = TABLE.iter().map(Input::name);
    let others = ["help", "version"].map(str::to_owned);
    inputs.chain(others).collect()
}

/// " Did you mean deploy-app?", or nothing.
fn suggestion(text: &str, words: &[String]) -> String {
    let nearest = nearest(text, words);
    nearest.map_or_else(String::new, |word| format!(" Did you mean {word}?"))
}

fn nearest(text: &str, words: &[String]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    inputs::nearest(text, &words).map(str::to_owned)
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
