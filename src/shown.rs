//! The gate that text passes on its way out.
//!
//! Logs, commit messages, names and error bodies are written by strangers.
//! What has passed the gate holds no secret of the run, no control character,
//! and nothing that a CI obeys anywhere in a line. A channel takes only text
//! that has passed. What a CI obeys at the beginning of a line, and what it
//! escapes in its own commands, is the business of [`crate::ci`].

use std::borrow::Cow;
use std::fmt;

use crate::redactor::Redactor;

/// One line of text that has passed the gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(String);

impl Line {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text of several lines that has passed the gate. Lines end in `\n` alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block(String);

impl Block {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The gate of one run: it knows the run's secrets.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    redactor: Redactor,
}

impl Gate {
    /// A gate that lets no secret of this redactor pass.
    pub const fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// `text` as one line: line ends become spaces.
    pub fn line(&self, text: &str) -> Line {
        if find_line_end(text).is_none() {
            return Line(self.pass(text));
        }
        let lines: Vec<&str> = split_lines(text).collect();
        Line(self.pass(&lines.join(" ")))
    }

    /// The lines of `text`, each one passed, behind a prefix that has passed.
    pub fn lines<'a>(&'a self, prefix: &'a Line, text: &'a str) -> impl Iterator<Item = Line> + 'a {
        split_lines(text).map(move |line| Line(format!("{prefix}{}", self.pass(line))))
    }

    /// `text` with its lines kept.
    pub fn block(&self, text: &str) -> Block {
        let lines: Vec<String> = split_lines(text).map(|line| self.pass(line)).collect();
        Block(lines.join("\n"))
    }

    /// Cleaning comes first, so that a secret cannot hide behind characters
    /// that are about to go.
    fn pass(&self, line: &str) -> String {
        let clean = without_markers(printable(line));
        match self.redactor.redact(&clean) {
            Cow::Borrowed(_) => clean.into_owned(),
            Cow::Owned(redacted) => redacted,
        }
    }
}

/// Splits where any CI or terminal begins a new line.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut rest = Some(text.strip_suffix('\r').unwrap_or(text));
    std::iter::from_fn(move || {
        let current = rest?;
        let Some(end) = find_line_end(current) else {
            rest = None;
            return Some(current);
        };
        let (line, tail) = current.split_at(end);
        let one = tail.chars().next().map_or(0, char::len_utf8);
        rest = Some(
            tail.strip_prefix("\r\n")
                .or_else(|| tail.get(one..))
                .unwrap_or_default(),
        );
        Some(line)
    })
}

/// Ordinary text has none but `\n`; bytes tell that much faster than
/// characters do.
fn find_line_end(text: &str) -> Option<usize> {
    let may_be = |byte: u8| matches!(byte, b'\n' | b'\r' | 0xb | 0xc | 0xc2 | 0xe2);
    let first = text.bytes().position(may_be)?;
    text.get(first..)?.find(is_line_end).map(|at| first + at)
}

const fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The visible text of a line: without terminal sequences, other control
/// characters, marks that turn the direction of text, and marks of no width.
fn printable(line: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    let Some(first) = line.bytes().position(|byte| !is_plain(byte)) else {
        return Cow::Borrowed(line);
    };
    let (plain, mut rest) = line.split_at(first);
    let mut result = String::with_capacity(line.len());
    result.push_str(plain);
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\u{1b}' => skip_sequence(after),
            '\u{9b}' => skip_parameters(after),
            _ => {
                if !is_invisible(c) {
                    result.push(c);
                }
                after
            }
        };
    }
    Cow::Owned(result)
}

/// What follows an escape character's sequence.
fn skip_sequence(after: &str) -> &str {
    let mut chars = after.chars();
    match chars.next() {
        Some('[') => skip_parameters(chars.as_str()),
        // A string for the terminal, such as a window title. Without its end
        // only the introducer goes: it must not swallow the line.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let text = chars.as_str();
            let bell = text.find('\u{7}').map(|at| (at, 1));
            let terminator = text.find("\u{1b}\\").map(|at| (at, 2));
            let end = bell.into_iter().chain(terminator).min();
            end.map_or(text, |(at, length)| {
                text.get(at + length..).unwrap_or_default()
            })
        }
        Some(' '..='/') => {
            let end = after.find(|c| !matches!(c, ' '..='/'));
            end.and_then(|at| after.get(at + 1..)).unwrap_or_default()
        }
        Some('0'..='~') => chars.as_str(),
        _ => after,
    }
}

/// What follows the parameters and the final byte of a control sequence.
fn skip_parameters(after: &str) -> &str {
    match after.find(|c| !matches!(c, ' '..='?')) {
        Some(at)
            if after
                .get(at..)
                .is_some_and(|rest| rest.starts_with(|c| matches!(c, '@'..='~'))) =>
        {
            after.get(at + 1..).unwrap_or_default()
        }
        Some(at) => after.get(at..).unwrap_or_default(),
        None => "",
    }
}

fn is_invisible(c: char) -> bool {
    let is_control = c.is_control() && c != '\t';
    let has_no_width = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    is_control || has_no_width
}

/// Breaks what a CI obeys anywhere in a line: `##[command]` of GitHub and
/// Azure, `##vso[`, `##teamcity[`. The two signs are parted by a space.
fn without_markers(line: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memmem::find(line.as_bytes(), b"##").is_none() {
        return line;
    }
    let mut result = String::with_capacity(line.len() + 8);
    let mut rest = line.as_ref();
    while let Some(at) = rest.find("##") {
        let (before, marker) = rest.split_at(at);
        let after = marker.get(2..).unwrap_or_default();
        let is_command = after
            .trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .starts_with('[');
        result.push_str(before);
        result.push_str(if is_command { "# " } else { "#" });
        rest = marker.get(1..).unwrap_or_default();
    }
    result.push_str(rest);
    Cow::Owned(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Gate::default().line(text).0
    }

    #[test]
    fn the_visible_text_stays_and_nothing_else() {
        for (text, visible) in [
            (
                "plain text, ümläut, 日本語, tab\tend",
                "plain text, ümläut, 日本語, tab\tend",
            ),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[1;1Hat the top", "at the top"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]0;never ended", "0;never ended"),
            ("\u{1b}(Bascii\u{1b}7\u{1b}=", "ascii"),
            ("end\u{1b}", "end"),
            ("end\u{1b}[", "end"),
            ("\u{1b}[31\u{fc}x", "üx"),
            ("a\u{202e}b\u{200b}c\u{feff}d", "abcd"),
            ("null\0bell\u{7}back\u{8}", "nullbellback"),
            ("", ""),
        ] {
            assert_eq!(shown(text), visible, "{text:?}");
        }
    }

    #[test]
    fn commands_that_work_anywhere_in_a_line_are_broken() {
        for (text, harmless) in [
            ("x ##[error]y", "x # #[error]y"),
            ("##vso[task.setvariable]", "# #vso[task.setvariable]"),
            ("##TeamCity[x]", "# #TeamCity[x]"),
            ("###[group]", "## #[group]"),
            ("#\u{200b}#[error]", "# #[error]"),
            ("#\u{1b}[0m#[error]", "# #[error]"),
            ("## heading [link]", "## heading [link]"),
            ("##", "##"),
        ] {
            assert_eq!(shown(text), harmless, "{text:?}");
        }
    }

    #[test]
    fn lines_end_wherever_a_ci_sees_an_end() {
        let lines: Vec<String> = Gate::default()
            .lines(&Line::default(), "a\nb\r\nc\rd\u{2028}e\u{85}f\n\ng\n")
            .map(|line| line.0)
            .collect();
        assert_eq!(lines, ["a", "b", "c", "d", "e", "f", "", "g"]);
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(Gate::default().block("a\r\nb\n").0, "a\nb");
    }

    #[test]
    fn a_secret_cannot_hide_behind_characters_that_go() {
        let gate = Gate::new(Redactor::new(["svl_0123456789"]));
        assert_eq!(
            gate.line("key svl_01\u{1b}[0m2345\u{200b}6789 end").0,
            "key *** end"
        );
    }
}
