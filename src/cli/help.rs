//! `--help` and `help …`: what the tables declare, on two screens, about one
//! action or input, or all of it.

use super::layout::HelpText;
use crate::exit_status::{EXIT_CODES, words};
use crate::inputs::{ACTIONS, Action, Input, InputGroup, TABLE};
use crate::messages;
use crate::outputs::OUTPUTS;

/// The column of the groups' titles in the overview, and that of the variables.
const TITLES: usize = 10;
const VARIABLES: usize = 29;

/// Where the meaning begins in the other lists, whose names are shorter.
const NARROW: usize = 18;

/// The commonest tasks. The longest line has 80 columns.
const EXAMPLES: [(&str, &str); 5] = [
    ("--app-id UUID --branch main", "deploy an application"),
    ("--static-site-id UUID", "deploy a static site"),
    (
        "preview --pipeline-id UUID --branch NAME",
        "preview a branch",
    ),
    ("rollback-app --app-id UUID", "roll back"),
    ("list", "list applications"),
];

/// What `help` knows beside actions and inputs.
const SECTIONS: [&str; 4] = ["completions", "outputs", "exit-codes", "all"];

/// What `--help` shows.
pub fn overview(columns: usize) -> String {
    let mut page = HelpText::new(columns);
    for (head, usage) in [
        ("Usage:", "sevalla-deploy [ACTION] [--INPUT VALUE]..."),
        (
            "",
            "sevalla-deploy help [ACTION|INPUT|outputs|exit-codes|completions|all]",
        ),
    ] {
        page.hanging(head, 7, usage);
    }
    page.line("Examples, with the API key in SEVALLA_TOKEN:");
    for (arguments, task) in EXAMPLES {
        page.entry(&format!("  sevalla-deploy {arguments}"), 59, task);
    }
    let actions: Vec<&str> = ACTIONS.iter().map(|action| action.name.word()).collect();
    page.paragraph(0, &format!("Actions: {}.", actions.join(", ")));
    page.paragraph(
        0,
        "Inputs, as variables or, if not secret, as options: SEVALLA_APP_ID is --app-id.",
    );
    for group in InputGroup::ALL {
        let inputs = group.inputs();
        let entries = inputs.map(|input| (input.variable(), in_short(input)));
        let entries: Vec<_> = entries.collect();
        page.section(group.title(), TITLES, &entries, VARIABLES);
    }
    page.text
}

/// The short line of an input, with its default.
fn in_short(input: &Input) -> String {
    let secret = if input.secret { " (secret)" } else { "" };
    let default = input.default.map(|default| format!(" [{default}]"));
    format!("{}{secret}{}", input.short, default.unwrap_or_default())
}

/// What there is help about.
pub(super) fn topics() -> Vec<String> {
    let actions = ACTIONS.iter().map(|action| action.name.word().to_owned());
    let inputs = TABLE.iter().map(Input::name);
    let sections = SECTIONS.map(str::to_owned);
    actions.chain(inputs).chain(sections).collect()
}

/// What is known about an action, an input, or both where they share a name.
pub fn about(topic: &str, columns: usize) -> Option<String> {
    let mut page = HelpText::new(columns);
    match topic {
        "all" => return Some(reference(columns)),
        "completions" => completions(&mut page),
        "help" | "--help" | "-h" => return Some(overview(columns)),
        "outputs" => outputs(&mut page),
        "exit-codes" => exit_codes(&mut page),
        _ => {}
    }
    let is_it = |action: &&&Action| action.name.word() == topic;
    if let Some(action) = ACTIONS.iter().find(is_it) {
        about_action(action, &mut page);
    }
    if let Some(input) = Input::meant_by(topic) {
        if !page.text.is_empty() {
            page.line("");
        }
        about_input(input, &mut page);
    }
    Some(page.text).filter(|text| !text.is_empty())
}

fn about_action(action: &Action, page: &mut HelpText) {
    let word = action.name.word();
    page.line(&format!("Action {word}"));
    page.paragraph(2, action.summary);
    let effect = if action.writes {
        "Changes something on Sevalla, unless dry-run is true."
    } else {
        "Only reads."
    };
    page.paragraph(2, effect).line("");
    let options = action.one_of.first().into_iter().chain(action.requires);
    let options = options.filter_map(|name| {
        let input = Input::named(name)?;
        let value = placeholder(input, action);
        Some(format!(" {}{value}", input.option()?))
    });
    let options: String = options.collect();
    page.paragraph(0, &format!("Usage: sevalla-deploy {word}{options}"));
    let (required, alternatives) = required_by(action);
    let parts = [
        ("Requires one of:", alternatives),
        ("Requires:", required),
        ("Takes at most one of:", action.at_most_one_of.to_vec()),
        ("Takes:", action.takes.to_vec()),
    ];
    for (title, names) in parts.iter().filter(|(_, names)| !names.is_empty()) {
        page.line("").line(title);
        for input in names.iter().filter_map(|name| Input::named(name)) {
            page.entry(
                &format!("  {}", input.name()),
                23,
                &in_short_for(input, action),
            );
        }
    }
    let of_some: Vec<&Input> = action.also_takes().collect();
    if !of_some.is_empty() {
        page.line("")
            .line("Takes, as every action that follows a deployment:");
        for input in of_some {
            page.entry(&format!("  {}", input.name()), 23, &in_short(input));
        }
    }
    let of_all = TABLE.iter().filter(|input| input.is_used_by_all());
    let of_all = of_all.map(Input::name).filter(|name| name != "action");
    let of_all: Vec<String> = of_all.collect();
    page.line("")
        .paragraph(0, &format!("Every action takes {}.", of_all.join(", ")));
}

/// The short line of an input of an action: where it takes no name for an id, none
/// is mentioned.
fn in_short_for(input: &Input, action: &Action) -> String {
    let short = in_short(input);
    if action.by_name.contains(&input.name().as_str()) {
        return short;
    }
    short.replace("UUID or name of", "UUID of")
}

/// The inputs that an action requires, and those of which it requires one.
fn required_by(action: &Action) -> (Vec<&'static str>, Vec<&'static str>) {
    match action.one_of {
        [only] => ([&[*only], action.requires].concat(), Vec::new()),
        several => (action.requires.to_vec(), several.to_vec()),
    }
}

/// A sample value in a usage.
fn placeholder(input: &Input, action: &Action) -> &'static str {
    if input.is_switch() {
        ""
    } else if action.by_name.contains(&input.name().as_str()) {
        " UUID|NAME"
    } else if input.accepts == "a UUID" {
        " UUID"
    } else {
        " VALUE"
    }
}

fn about_input(input: &Input, page: &mut HelpText) {
    page.line(&format!("Input {}", input.name()));
    page.paragraph(2, &input.help()).line("");
    let option = input.option().unwrap_or_else(|| {
        "none: the value is secret, and everybody on the machine can read arguments".to_owned()
    });
    let default = input.default.unwrap_or("none");
    page.entry("  Value", NARROW, &input.value_in_words())
        .entry("  Default", NARROW, default)
        .entry("  Group", NARROW, input.group.title())
        .entry("  Option", NARROW, &option)
        .entry("  Variables", NARROW, &input.spellings().join(", "));
    if let Some(file) = input.file_variable() {
        page.entry("  File", NARROW, &format!("its path in {file}"));
    }
    let name = input.name();
    let words = |by: &dyn Fn(&Action) -> bool| {
        let actions = ACTIONS.iter().filter(|action| by(action));
        let words: Vec<&str> = actions.map(|action| action.name.word()).collect();
        words.join(", ")
    };
    let required = |action: &Action| required_by(action).0.contains(&name.as_str());
    let alternative = |action: &Action| required_by(action).1.contains(&name.as_str());
    let taken = |action: &Action| {
        let in_row = action.uses(&name) && !required(action) && !alternative(action);
        in_row || !input.is_used_by_all() && input.is_used_with(action.name)
    };
    let by_name = |action: &Action| action.by_name.contains(&name.as_str());
    let lists = [
        ("  Required by", words(&required)),
        ("  Alternative in", words(&alternative)),
        ("  Taken by", words(&taken)),
        ("  By name in", words(&by_name)),
    ];
    if input.is_used_by_all() {
        page.entry("  Taken by", NARROW, &input.users().replace("**", ""));
    }
    for (title, actions) in lists.iter().filter(|(_, actions)| !actions.is_empty()) {
        page.entry(title, NARROW, actions);
    }
}

/// Everything: the reference.
fn reference(columns: usize) -> String {
    let mut page = HelpText::new(columns);
    page.line("Actions:");
    for action in ACTIONS {
        page.line(&format!("  {}", action.name.word()));
        page.paragraph(6, &requirements(action));
    }
    for group in InputGroup::ALL {
        page.line("").line(&format!("Inputs: {}", group.title()));
        for input in group.inputs() {
            let default = input.default.map(|value| format!(" [{value}]"));
            let secret = if input.secret { " (secret)" } else { "" };
            let default = default.unwrap_or_default();
            let (name, accepts) = (input.name(), input.value_in_words());
            page.paragraph(2, &format!("{name}: {accepts}{secret}{default}"));
            page.paragraph(6, &input.help());
            if !input.also.is_empty() {
                page.paragraph(6, &format!("Also read from {}.", input.also.join(", ")));
            }
        }
    }
    page.line("").paragraph(
        0,
        "An input such as app-id is read from the option --app-id, else from the variables \
         INPUT_APP-ID, INPUT_APP_ID, PLUGIN_APP_ID and SEVALLA_APP_ID, whichever is given first.",
    );
    page.line("");
    outputs(&mut page);
    page.line("");
    exit_codes(&mut page);
    page.line("")
        .line("Every warning and error, with its cause and its remedy:")
        .line(&format!("  {}", messages::page()));
    page.text
}

fn requirements(action: &Action) -> String {
    let mut requires: Vec<String> = action.requires.iter().map(|&name| name.into()).collect();
    if !action.one_of.is_empty() {
        requires.insert(0, action.one_of.join(" or "));
    }
    let takes = [action.at_most_one_of, action.takes].concat();
    let mut text = action.summary.to_owned();
    for (verb, names) in [
        ("Requires", requires.join(", ")),
        ("Takes", takes.join(", ")),
    ] {
        if !names.is_empty() {
            text.push_str(&format!(" {verb} {names}."));
        }
    }
    text
}

fn completions(page: &mut HelpText) {
    let bash = "eval \"$(sevalla-deploy completions bash)\"";
    page.line("Command completions")
        .paragraph(2, "Writes a script that completes actions and options.")
        .line("")
        .entry("  bash", 8, &format!("in ~/.bashrc: {bash}"))
        .entry(
            "  zsh",
            8,
            "in ~/.zshrc, after compinit: source <(sevalla-deploy completions zsh)",
        )
        .entry(
            "  fish",
            8,
            "in config.fish: sevalla-deploy completions fish | source",
        );
}

fn outputs(page: &mut HelpText) {
    page.line("Outputs:");
    for (name, meaning) in OUTPUTS {
        page.line(&format!("  {name}"))
            .paragraph(6, &meaning.replace('`', ""));
    }
}

fn exit_codes(page: &mut HelpText) {
    page.line("Exit codes:");
    for (code, meaning) in EXIT_CODES {
        page.line(&format!("  {code:>3}  {}", words(*code).join(", ")))
            .paragraph(7, &meaning.replace('`', ""));
    }
}
