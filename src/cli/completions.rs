//! Scripts that complete the command line in a shell.

use super::COMMANDS;
use super::help;
use crate::inputs::{ACTIONS, Input, TABLE};

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

/// An option of the command line.
struct CliOption {
    flag: String,
    input: &'static Input,
    /// The actions that can use it.
    users: Vec<&'static str>,
}

/// All options. The action is a word instead.
fn options() -> impl Iterator<Item = CliOption> {
    let all = TABLE.iter().filter(|input| input.name() != "action");
    all.filter_map(|input| {
        let users = ACTIONS.iter().filter(|action| action.can_use(input));
        Some(CliOption {
            flag: input.option()?,
            input,
            users: users.map(|action| action.name.word()).collect(),
        })
    })
}

fn actions() -> Vec<&'static str> {
    ACTIONS.iter().map(|action| action.name.word()).collect()
}

/// The flags of some options.
fn flags(is: impl Fn(&CliOption) -> bool) -> Vec<String> {
    let some = options().filter(is);
    some.map(|option| option.flag).collect()
}

/// Whether the next word is its value, even if it is that of an action.
fn takes_a_word(option: &CliOption) -> bool {
    !option.input.is_switch()
}

/// A line for each action, made from its word and its options.
fn by_action(line: impl Fn(&str, &str) -> String) -> String {
    let lines = actions().into_iter().map(|action| {
        let flags = flags(|option| option.users.contains(&action));
        line(action, &flags.join(" "))
    });
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

/// What each of these words means.
fn meanings_of(input: &Input) -> &'static [&'static str] {
    match input.name().as_str() {
        "verify-url" => &["The address of the service."],
        "expected-commit" => &["The commit of this CI job.", "Compare nothing."],
        _ => input.meanings,
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
    let names = |is: fn(&Input) -> bool| flags(|option| is(option.input));
    let is_choice = |input: &Input| !words_of(input).is_empty() && !input.is_switch();
    let choices = options().filter(|option| is_choice(option.input));
    let choices = choices.map(|option| {
        let words = words_of(option.input).join(" ");
        format!("        {}) words=\"{words}\" ;;", option.flag)
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
        ("with-values", flags(takes_a_word).join("|")),
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
        ("with-values", flags(takes_a_word).join(" ")),
        (
            "options-of-actions",
            by_action(|action, options| format!("        {action} '{options}'")),
        ),
        (
            "options",
            options()
                .map(|option| of_zsh(&option.flag, option.input))
                .collect::<Vec<_>>()
                .join("\n        "),
        ),
    ];
    filled_in(include_str!("completions/zsh.in"), &parts)
}

/// What zsh's `_arguments` takes for an option.
fn of_zsh(option: &str, input: &Input) -> String {
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

/// The beginning of every line for fish.
const COMPLETE: &str = "complete -c sevalla-deploy";

/// A text in the single quotes of fish.
fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text, &[("\\", "\\\\"), ("'", "\\'")]))
}

/// A line for fish that applies where one of these words was given before, or
/// where there `is_none` of the `commands` yet.
fn after(words: &[&str], is_none: bool, completion: &str) -> String {
    const IS: &str = "__sevalla_deploy_is";
    let no_command = is_none.then(|| IS.to_owned());
    let word = (!words.is_empty()).then(|| format!("{IS} {}", words.join(" ")));
    let conditions: Vec<String> = no_command.into_iter().chain(word).collect();
    let condition = quoted(&conditions.join("; or "));
    format!("{COMPLETE} -n {condition} {completion}\n")
}

/// What fish's `complete` takes for the value of an option: each word with its
/// meaning, since fish would describe it by the option otherwise.
fn value_for_fish(input: &Input) -> String {
    if input.is_switch() {
        return "-f".to_owned();
    }
    if input.is_path() {
        return "-rF".to_owned();
    }
    let words = words_of(input);
    if words.is_empty() {
        return "-x".to_owned();
    }
    // In double quotes, as fish reads the argument once more.
    let describe = |(word, meaning): (&&str, &&str)| {
        let signs = [("\\", "\\\\"), ("\"", "\\\""), ("$", "\\$")];
        format!("{word}\\t\"{}\"", escaped(meaning.trim(), &signs))
    };
    let described: Vec<String> = words.iter().zip(meanings_of(input)).map(describe).collect();
    format!("-x -a {}", quoted(&described.join(" ")))
}

fn option_for_fish(option: &CliOption) -> String {
    let CliOption { flag, input, users } = option;
    let completion = format!(
        "-l {} {} -d {}",
        flag.trim_start_matches('-'),
        value_for_fish(input),
        quoted(input.short)
    );
    if input.is_used_by_all() {
        return format!("{COMPLETE} {completion}\n");
    }
    after(users, true, &completion)
}

fn fish() -> String {
    let parts = [
        ("with-values", flags(takes_a_word).join(" ")),
        ("commands", super::commands().join(" ")),
    ];
    let mut script = filled_in(include_str!("completions/fish.in"), &parts);
    script.push_str(&format!("{COMPLETE} -f\n"));
    let actions = ACTIONS.iter().map(|row| (row.name.word(), row.summary));
    for (word, summary) in actions.chain(DESCRIBED_COMMANDS) {
        let completion = format!("-f -a {word} -d {}", quoted(summary));
        script.push_str(&after(&[], true, &completion));
    }
    for (command, words) in [
        ("help", help::topics().join(" ")),
        ("completions", SHELLS.join(" ")),
    ] {
        let completion = format!("-f -a {}", quoted(&words));
        script.push_str(&after(&[command], false, &completion));
    }
    for option in [
        "-s h -l help -d 'Show help'",
        "-s V -l version -d 'Show the version'",
    ] {
        script.push_str(&format!("{COMPLETE} {option}\n"));
    }
    script.extend(options().map(|option| option_for_fish(&option)));
    script
}
