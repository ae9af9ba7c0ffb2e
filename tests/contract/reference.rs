//! The tables of `docs/reference.md`.

use sevalla_deploy::exit_status::{EXIT_CODES, words};
use sevalla_deploy::inputs::{ACTIONS, Action, Input, InputGroup, TABLE};
use sevalla_deploy::outputs::OUTPUTS;

/// A table in Markdown.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = " --- |".repeat(head.len());
    let mut table = format!("| {} |\n|{rule}\n", head.join(" | "));
    for row in rows {
        table.push('|');
        for cell in row {
            // A bar would end the cell.
            let cell = cell.replace('|', "\\|");
            let space = if cell.is_empty() { "" } else { " " };
            table.push_str(&format!(" {cell}{space}|"));
        }
        table.push('\n');
    }
    table
}

/// Names in code, as a list.
fn names(names: &[&str], separator: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(separator)
}

fn actions() -> String {
    let required = |action: &Action| {
        let one_of = (!action.one_of.is_empty()).then(|| names(action.one_of, " or "));
        let others = action.requires.iter().map(|name| names(&[name], ""));
        one_of.into_iter().chain(others).collect::<Vec<_>>()
    };
    let rows = ACTIONS.iter().map(|action| {
        let takes = [action.at_most_one_of, action.takes].concat();
        vec![
            names(&[action.name.word()], ""),
            action.summary.to_owned(),
            if action.writes { "yes" } else { "no" }.to_owned(),
            required(action).join(", "),
            names(&takes, ", "),
        ]
    });
    let head = ["action", "what it does", "writes", "requires", "also takes"];
    table(&head, rows)
}

/// Text with names in code: those with a hyphen, and the words that an input
/// takes. The names of actions that are also words are marked in the text.
fn in_code(text: &str, words: &[&str]) -> String {
    let is_name = |word: &str| {
        let is_action = ACTIONS.iter().any(|action| action.name.word() == word);
        words.contains(&word) || word.contains('-') && (is_action || Input::named(word).is_some())
    };
    let part = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let mut marked = String::new();
    for word in text.split_inclusive(part) {
        let name = word.trim_end_matches(part);
        let is_filled_in = marked.ends_with(['{', '`']);
        match word.strip_prefix(name) {
            Some(rest) if is_name(name) && !is_filled_in => {
                marked.push_str(&format!("`{name}`{rest}"));
            }
            _ => marked.push_str(word),
        }
    }
    marked
}

/// The actions that require an input, then those that only take it.
fn used_by(input: &str) -> String {
    let word = |action: &&&Action| action.name.word();
    let (requiring, taking): (Vec<&&Action>, Vec<&&Action>) = ACTIONS
        .iter()
        .filter(|action| action.uses(input))
        .partition(|action| action.requires.contains(&input) || action.one_of == [input]);
    let taking = names(&taking.iter().map(word).collect::<Vec<_>>(), ", ");
    let requiring = names(&requiring.iter().map(word).collect::<Vec<_>>(), ", ");
    match (requiring.is_empty(), taking.is_empty()) {
        (true, true) => {
            let users = Input::named(input).unwrap().users();
            assert!(!users.is_empty(), "which actions use {input}?");
            users.to_owned()
        }
        (true, false) => taking,
        (false, true) => format!("**required** by {requiring}"),
        (false, false) => format!("**required** by {requiring}; also {taking}"),
    }
}

fn inputs() -> String {
    let mut text = String::new();
    let mut all: Vec<String> = TABLE.iter().map(Input::name).collect();
    all.sort_unstable();
    let links: Vec<String> = all
        .iter()
        .map(|name| format!("[{name}](#{name})"))
        .collect();
    text.push_str(&format!("{}.\n", links.join(", ")));
    text.push_str(
        "\n*Used by* names the actions. *Deploying* stands for `deploy-app`, \
         `deploy-static-site`,\n`promote-app`, `create-preview-app`, `preview`, `rollback-app`, \
         and `rollback-static-site`.\n",
    );
    for group in InputGroup::ALL {
        text.push_str(&format!("\n### {}\n\n", group.title()));
        let rows = group.inputs().map(|input| {
            let name = input.name();
            let default = input.default.map(|value| names(&[value], ""));
            let secret = if input.secret { " (secret)" } else { "" };
            vec![
                format!("<a id=\"{name}\"></a>`{name}`{secret}"),
                default.unwrap_or_default(),
                in_code(&input.marked_help(), input.words),
                used_by(&name),
            ]
        });
        text.push_str(&table(&["input", "default", "meaning", "used by"], rows));
    }
    text
}

fn outputs() -> String {
    let rows = OUTPUTS
        .iter()
        .map(|(name, meaning)| vec![names(&[name], ""), in_code(meaning, &[])]);
    table(&["output", "meaning"], rows)
}

fn exit_codes() -> String {
    let rows = EXIT_CODES.iter().map(|(code, meaning)| {
        let words = names(&words(*code), ", ");
        vec![code.to_string(), words, (*meaning).to_owned()]
    });
    table(&["exit code", "`outcome`", "meaning"], rows)
}

#[test]
fn it_shows_the_tables() {
    let parts = [
        ("actions", actions()),
        ("inputs", inputs()),
        ("outputs", outputs()),
        ("exit codes", exit_codes()),
    ];
    crate::generated::hold("docs/reference.md", &parts);
}

#[test]
fn it_names_every_variable_that_has_a_name_of_its_own() {
    let reference = crate::read("docs/reference.md");
    for variable in TABLE.iter().flat_map(|input| input.also) {
        assert!(reference.contains(&format!("`{variable}`")), "{variable}");
    }
}
