//! Scripts that complete the command line in a shell.

use super::COMMANDS;
use super::help;
use crate::inputs::{ACTIONS, Action, Input, TABLE};

/// The shells.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The script for a shell.
pub fn of(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

/// The words beside actions, for shells that describe them.
const DESCRIBED_COMMANDS: [(&str, &str); 2] = [
    ("help", "Shows help about an action or input."),
    ("completions", "Writes a completion script for a shell."),
];

/// The inputs with an option. The action is a word instead.
fn options() -> impl Iterator<Item = (String, &'static Input)> {
    let all = TABLE.iter().filter(|input| input.name() != "action");
    all.filter_map(|input| Some((input.option()?, input)))
}

fn actions() -> Vec<&'static str> {
    ACTIONS.iter().map(|action| action.name.word()).collect()
}

/// The options of an action.
fn options_of(action: &Action) -> String {
    let fitting = options().filter(|(_, input)| action.can_use(input));
    let names: Vec<String> = fitting.map(|(option, _)| option).collect();
    names.join(" ")
}

/// A line for each action, made from its word and its options.
fn by_action(line: impl Fn(&str, &str) -> String) -> String {
    let lines = ACTIONS
        .iter()
        .map(|action| line(action.name.word(), &options_of(action)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The words that a value can be, also where others are possible.
fn words_of(input: &Input) -> &'static [&'static str] {
    match input.name().as_str() {
        "verify-url" => &["auto"],
        "expected-commit" => &["auto", "off"],
        _ => input.words,
    }
}

/// A script with each `@name@` replaced.
fn filled_in(script: &str, parts: &[(&str, String)]) -> String {
    let mut script = script.to_owned();
    for (name, part) in parts {
        script = script.replace(&format!("@{name}@"), part);
    }
    script
}

/// In it are only names of the tables, which are letters and hyphens.
fn bash() -> String {
    let names = |is: fn(&Input) -> bool| -> Vec<String> {
        let some = options().filter(|(_, input)| is(input));
        some.map(|(option, _)| option).collect()
    };
    let choices = options().filter(|(_, input)| !words_of(input).is_empty() && !input.is_switch());
    let choices = choices.map(|(option, input)| {
        let words = words_of(input).join(" ");
        format!("        {option}) words=\"{words}\" ;;")
    });
    let parts = [
        ("actions", actions().join(" ")),
        ("topics", topics().join(" ")),
        ("shells", SHELLS.join(" ")),
        ("commands", COMMANDS.join(" ")),
        ("options", names(|_| true).join(" ")),
        (
            "options-of-actions",
            by_action(|action, options| format!("        {action}) options=\"{options}\" ;;")),
        ),
        ("options-with-words", choices.collect::<Vec<_>>().join("\n")),
        ("switches", names(Input::is_switch).join("|")),
        ("paths", names(Input::is_path).join("|")),
        (
            "others",
            names(|input| words_of(input).is_empty() && !input.is_path()).join("|"),
        ),
    ];
    filled_in(include_str!("completions/bash.in"), &parts)
}

/// What `help` takes beside actions.
fn topics() -> Vec<String> {
    let names = actions();
    let mut topics = help::topics();
    topics.retain(|topic| !names.contains(&topic.as_str()));
    topics
}

/// A text for between the quotes of a shell.
fn escaped(text: &str, signs: &[(&str, &str)]) -> String {
    let escape = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    signs.iter().fold(text.to_owned(), escape)
}

/// The signs that a description in zsh may not contain bare.
const SIGNS_OF_ZSH: [(&str, &str); 5] = [
    ("\\", "\\\\"),
    ("[", "\\["),
    ("]", "\\]"),
    (":", "\\:"),
    ("'", "'\\''"),
];

fn zsh() -> String {
    let described =
        |(word, text): (&str, &str)| format!("'{word}:{}'", escaped(text, &SIGNS_OF_ZSH));
    let actions = ACTIONS.iter().map(|row| (row.name.word(), row.summary));
    let actions = actions.chain(DESCRIBED_COMMANDS).map(described);
    let parts = [
        (
            "described-actions",
            actions.collect::<Vec<_>>().join("\n        "),
        ),
        ("actions", self::actions().join(" ")),
        ("topics", topics().join(" ")),
        ("shells", SHELLS.join(" ")),
        (
            "options-of-actions",
            by_action(|action, options| format!("        {action} '{options}'")),
        ),
        (
            "options",
            options().map(of_zsh).collect::<Vec<_>>().join("\n        "),
        ),
    ];
    filled_in(include_str!("completions/zsh.in"), &parts)
}

/// What zsh's `_arguments` takes for an option.
fn of_zsh((option, input): (String, &Input)) -> String {
    let words = words_of(input).join(" ");
    let (attached, value) = if input.is_switch() {
        // Only behind `=`, and it may be omitted.
        ("-", format!("::value:({words})"))
    } else if input.is_path() {
        ("", ":path:_files".to_owned())
    } else if words_of(input).is_empty() {
        ("", ":value: ".to_owned())
    } else {
        ("", format!(":value:({words})"))
    };
    let short = escaped(input.short, &SIGNS_OF_ZSH);
    format!("'{option}={attached}[{short}]{value}'")
}

fn fish() -> String {
    let quote = |text: &str| format!("'{}'", escaped(text, &[("\\", "\\\\"), ("'", "\\'")]));
    let complete = |rest: String| format!("complete -c sevalla-deploy {rest}\n");
    let commands: Vec<String> = super::commands();
    let no_action = format!("not __fish_seen_subcommand_from {}", commands.join(" "));
    let actions = ACTIONS.iter().map(|row| (row.name.word(), row.summary));
    let actions = actions.chain(DESCRIBED_COMMANDS).map(|(word, summary)| {
        let summary = quote(summary);
        complete(format!(
            "-f -n {} -a {word} -d {summary}",
            quote(&no_action)
        ))
    });
    let after = |command: &str, words: &[String]| {
        let condition = quote(&format!("__fish_seen_subcommand_from {command}"));
        complete(format!("-f -n {condition} -a {}", quote(&words.join(" "))))
    };
    let commands = [
        after("help", &help::topics()),
        after("completions", &SHELLS.map(str::to_owned)),
        complete("-s h -l help -d 'Show help'".to_owned()),
        complete("-s V -l version -d 'Show the version'".to_owned()),
    ];
    let options = options().map(|(option, input)| {
        let name = option.trim_start_matches('-');
        let value = if input.is_switch() {
            "-f".to_owned()
        } else if input.is_path() {
            "-rF".to_owned()
        } else if words_of(input).is_empty() {
            "-x".to_owned()
        } else {
            format!("-x -a {}", quote(&words_of(input).join(" ")))
        };
        let users = ACTIONS.iter().filter(|action| action.can_use(input));
        let users: Vec<&str> = users.map(|action| action.name.word()).collect();
        let condition = if input.is_used_by_all() {
            String::new()
        } else {
            let users = users.join(" ");
            format!(
                "-n {} ",
                quote(&format!(
                    "{no_action}; or __fish_seen_subcommand_from {users}"
                ))
            )
        };
        complete(format!(
            "{condition}-l {name} {value} -d {}",
            quote(input.short)
        ))
    });
    let lines = actions.chain(commands).chain(options);
    let lines: String = lines.collect();
    format!("# fish completion for sevalla-deploy\ncomplete -c sevalla-deploy -f\n{lines}")
}
