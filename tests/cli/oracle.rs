//! What GitHub's runner would obey in what a step prints.
//!
//! A port of the runner's own rules (`ActionCommand.cs`,
//! `ActionCommandManager.cs`), a little stricter where the runner's own
//! reading depends on the culture of its machine: marks of no width do not
//! keep a line from beginning with a command.

use std::collections::{BTreeMap, HashSet};

/// The names that are registered with the runner.
const REGISTERED: [&str; 16] = [
    "error",
    "warning",
    "notice",
    "debug",
    "group",
    "endgroup",
    "add-mask",
    "stop-commands",
    "echo",
    "add-matcher",
    "remove-matcher",
    "save-state",
    "set-output",
    "set-env",
    "add-path",
    "internal-set-repo-path",
];

/// A command that the runner obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// In lower case; `resume` is the token that ends `stop-commands`.
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) data: String,
    /// The number of the line, counted from 0.
    pub(crate) line: usize,
}

/// Whether the runner heeds `stop-commands`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// As it is.
    Heeded,
    /// As if it were not there: the text alone has to be harmless.
    Ignored,
}

/// The lines that the runner sees: it begins a new one at `\n`, at `\r` and at
/// both together.
pub(crate) fn lines(stream: &str) -> Vec<String> {
    let text = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The commands that the runner obeys in a stream, in order.
pub(crate) fn obeyed(stream: &str, stopping: Stopping) -> Vec<Command> {
    let mut registered: HashSet<String> = REGISTERED.map(str::to_owned).into();
    let mut token: Option<String> = None;
    let mut commands = Vec::new();
    for (number, line) in lines(stream).iter().enumerate() {
        let found = double_colon(line, &registered).or_else(|| brackets(line, &registered));
        let Some(mut command) = found else {
            continue;
        };
        command.line = number;
        match &token {
            Some(waited) if command.name == *waited => {
                registered.remove(waited);
                "resume".clone_into(&mut command.name);
                token = None;
            }
            Some(_) if stopping == Stopping::Heeded => continue,
            _ => {}
        }
        if command.name == "stop-commands" {
            let word = command.data.to_lowercase();
            let is_valid =
                !word.is_empty() && word != "pause-logging" && !REGISTERED.contains(&word.as_str());
            assert!(is_valid, "the runner refuses the token {word:?}");
            registered.insert(word.clone());
            token = Some(word);
        }
        commands.push(command);
    }
    assert_eq!(token, None, "commands stay switched off");
    commands
}

/// `::name key=value,key=value::data`, after white space.
fn double_colon(line: &str, registered: &HashSet<String>) -> Option<Command> {
    let blank = |c: char| c.is_whitespace() || c.is_control() || is_of_no_width(c);
    let rest = line.trim_start_matches(blank).strip_prefix("::")?;
    let (head, data) = rest.split_once("::")?;
    command(head, ',', data, registered)
}

/// `##[name key=value;key=value]data`, anywhere.
fn brackets(line: &str, registered: &HashSet<String>) -> Option<Command> {
    let visible: String = line.chars().filter(|c| !is_of_no_width(*c)).collect();
    let (_, rest) = visible.split_once("##[")?;
    let (head, data) = rest.split_once(']')?;
    command(head, ';', data, registered)
}

fn command(
    head: &str,
    separator: char,
    data: &str,
    registered: &HashSet<String>,
) -> Option<Command> {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let name = name.to_lowercase();
    if !registered.contains(&name) {
        return None;
    }
    let properties = properties
        .split(separator)
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), unescape_property(value)))
        .collect();
    Some(Command {
        name,
        properties,
        data: unescape(data),
        line: 0,
    })
}

fn unescape(text: &str) -> String {
    text.replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%")
}

fn unescape_property(text: &str) -> String {
    let text = text.replace("%3A", ":").replace("%2C", ",");
    unescape(&text)
}

fn is_of_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Markdown without its code, or why it is not well-formed.
///
/// What is left is what the host renders: links, images, mentions and HTML in
/// it are real ones.
pub(crate) fn outside_code(markdown: &str) -> String {
    let mut rest = String::new();
    let mut fence: Option<usize> = None;
    for line in markdown.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(opening) => {
                if ticks >= opening && line.trim_matches('`').trim().is_empty() {
                    fence = None;
                }
            }
            None if ticks >= 3 && !line.trim_start_matches('`').contains('`') => {
                fence = Some(ticks);
            }
            None if line.starts_with('|') => {
                let cells = cells(line);
                assert_eq!(cells.len(), 2, "not two cells: {line}");
                for cell in cells {
                    rest.push_str(&outside_spans(&cell));
                    rest.push('\n');
                }
            }
            None => {
                rest.push_str(&outside_spans(line));
                rest.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is not closed");
    rest
}

/// The cells of a table's row. A backslash takes the meaning of the sign that
/// follows, also that of another backslash.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut signs = row.trim().trim_start_matches('|').chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('|') => cells.last_mut().unwrap().push('|'),
                other => cells
                    .last_mut()
                    .unwrap()
                    .extend(['\\'].into_iter().chain(other)),
            },
            '|' => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    if cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells
}

/// A line without its code spans. One that is not closed is no span.
fn outside_spans(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let (before, from) = rest.split_at(at);
        outside.push_str(before);
        let ticks = from.len() - from.trim_start_matches('`').len();
        let (opening, inside) = from.split_at(ticks);
        rest = if let Some(end) = closing(inside, ticks) {
            &inside[end..]
        } else {
            outside.push_str(opening);
            inside
        };
    }
    outside.push_str(rest);
    outside
}

/// Where the span ends that so many backticks have opened.
fn closing(inside: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = inside[at..].find('`') {
        let start = at + found;
        let run = inside[start..].len() - inside[start..].trim_start_matches('`').len();
        at = start + run;
        if run == ticks {
            return Some(at);
        }
    }
    None
}

#[test]
fn the_runner_obeys_what_it_is_known_to_obey() {
    let names = |text: &str| -> Vec<String> {
        let commands = obeyed(text, Stopping::Heeded).into_iter();
        commands.map(|command| command.name).collect()
    };
    for text in [
        "::error::x",
        "  \t::ERROR file=a,line=1::x",
        "text\r::error::x",
        "in the ##[error]middle",
        "##[Error a=b;c=d]x",
        "\u{feff}::error::x",
    ] {
        assert_eq!(names(text), ["error"], "{text:?}");
    }
    for text in [
        "x ::error::x",
        "::error",
        "::unknown::x",
        "# #[error]x",
        "##[nothing]x",
    ] {
        assert!(names(text).is_empty(), "{text:?}");
    }
    assert_eq!(
        names("::stop-commands::abc\n::error::x\n##[error]y\n::ABC::\n::debug::z"),
        ["stop-commands", "resume", "debug"]
    );
    let title = &obeyed("::error title=a%3A b%2C c::50%25%0Amore", Stopping::Heeded)[0];
    assert_eq!(title.properties["title"], "a: b, c");
    assert_eq!(title.data, "50%\nmore");
}

#[test]
fn what_is_rendered_is_what_stands_outside_code() {
    let left = |text: &str| outside_code(text).trim().to_owned();
    assert_eq!(left("a `<b>` c"), "a  c");
    assert_eq!(left("`` a ` <b> `` c"), "c");
    assert_eq!(left("` <b>"), "` <b>");
    assert_eq!(left("```text\n<b>\n``\n```\nc"), "c");
    assert_eq!(left("| a | ` <b> \\| c ` |"), "a");
    assert!(std::panic::catch_unwind(|| left("| a | ` <b> \\\\| c ` |")).is_err());
}
