//! `--help`.

use sevalla_deploy::cli::help;
use sevalla_deploy::exit_status::{EXIT_CODES, words};
use sevalla_deploy::inputs::{ACTIONS, TABLE};
use sevalla_deploy::outputs::OUTPUTS;

#[test]
fn it_names_every_input_with_its_default_its_variables_and_its_meaning() {
    let help = help();
    for input in TABLE {
        let name = input.name();
        let entry = entry(&help, &format!("  {name}: "));
        assert!(entry.contains(&input.help()), "{name}: {entry}");
        let default = input.default.map(|value| format!("[{value}]"));
        assert!(entry.contains(&default.unwrap_or_default()), "{entry}");
        for variable in input.also {
            assert!(entry.contains(variable), "{name}: {variable}: {entry}");
        }
    }
}

#[test]
fn it_names_every_output_with_its_meaning() {
    let help = help();
    for (name, meaning) in OUTPUTS {
        let entry = entry(&help, &format!("  {name}\n"));
        assert!(entry.contains(meaning), "{name}: {entry}");
    }
}

/// The line that begins with `head`, and the deeper ones below it.
fn entry<'a>(help: &'a str, head: &str) -> &'a str {
    let start = help
        .find(&format!("\n{head}"))
        .unwrap_or_else(|| panic!("no {head:?} in --help"));
    let rest = &help[start + 1..];
    let end = rest
        .match_indices('\n')
        .map(|(at, _)| at)
        .find(|at| !rest[at + 1..].starts_with("      "));
    &rest[..end.unwrap_or(rest.len())]
}

#[test]
fn it_names_every_action_with_what_it_requires() {
    let help = help();
    for action in ACTIONS {
        let entry = entry(&help, &format!("  {}\n", action.name.word()));
        assert!(entry.contains(action.summary), "{entry}");
        for input in action.one_of.iter().chain(action.requires) {
            assert!(entry.contains(input), "{entry}");
        }
    }
}

#[test]
fn it_names_every_exit_code_with_its_words() {
    let help = help();
    let (_, section) = help.split_once("Exit codes:\n").unwrap();
    for (code, _) in EXIT_CODES {
        let line = format!("  {code:>3}  {}\n", words(*code).join(", "));
        assert!(section.contains(&line), "{line}");
    }
}
