//! Sanitizing of everything that the program prints or writes.
//!
//! Logs, commit messages, names and error bodies are untrusted. Sanitized text
//! holds no secret of the run, no control character, and no command that a CI
//! obeys anywhere in a line; outputs of a CI take only such text. Commands at the
//! beginning of a line, and escapes in a CI's own commands, are left to
//! [`crate::ci`].

pub mod redactor;

use std::borrow::Cow;
use std::fmt;

use crate::sanitize::redactor::{PartialMatch, Redactor};

/// One line of sanitized text. Only a [`Sanitizer`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SanitizedLine(String);

impl SanitizedLine {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The line behind a prefix that ends in a space, so that no command of a CI
    /// begins in one and ends in the other.
    pub(crate) fn behind(&self, prefix: &Self) -> Self {
        debug_assert!(prefix.0.ends_with(' '), "{prefix}");
        Self(format!("{prefix}{self}"))
    }
}

/// Where a string of JSON ends that begins here, behind its opening quote.
fn end_of_string(json: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |c: char| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    };
    json.find(is_end).unwrap_or(json.len())
}

impl fmt::Display for SanitizedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sanitized text of several lines, which end in `\n` alone. Only a [`Sanitizer`]
/// makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SanitizedText(String);

impl SanitizedText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A document whose parts are sanitized one by one. Sanitizing it as a whole
    /// could break its syntax.
    pub(crate) const fn from_sanitized(document: String) -> Self {
        Self(document)
    }
}

/// Makes text safe to print. `lib` makes it for a run, from the run's secrets.
#[derive(Debug, Clone, Default)]
pub struct Sanitizer {
    redactor: Redactor,
}

impl Sanitizer {
    /// A sanitizer that removes the secrets of this redactor.
    pub const fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// `text` as one line: line ends become spaces.
    pub fn line(&self, text: &str) -> SanitizedLine {
        SanitizedLine(self.pass_each(text, " "))
    }

    /// The lines of `text`. `broken` is carried from each text of a stream to the
    /// next.
    pub fn lines<'a>(
        &'a self,
        text: &'a str,
        broken: &'a mut PartialMatch,
    ) -> impl Iterator<Item = SanitizedLine> + 'a {
        split_lines(text).map(move |line| {
            let mut passed = String::with_capacity(line.len());
            self.pass(line, broken, &mut passed);
            SanitizedLine(passed)
        })
    }

    /// `text` with its lines kept.
    pub fn block(&self, text: &str) -> SanitizedText {
        SanitizedText(self.pass_each(text, "\n"))
    }

    /// JSON text with every string sanitized, including the names of members.
    /// Sanitizing the whole text would miss what JSON's escapes hide, and could break
    /// its syntax. Outside of strings JSON has only signs and numbers.
    pub fn json(&self, json: &str) -> SanitizedText {
        let mut passed = String::with_capacity(json.len());
        let mut rest = json;
        while let Some((before, after)) = rest.split_once('"') {
            let (literal, tail) = after.split_at(end_of_string(after));
            let text: Option<String> = serde_json::from_str(&format!("\"{literal}\"")).ok();
            let text = self.block(&text.unwrap_or_default()).0;
            passed.push_str(before);
            passed.push_str(&serde_json::Value::String(text).to_string());
            rest = tail.strip_prefix('"').unwrap_or_default();
        }
        passed.push_str(rest);
        SanitizedText(passed)
    }

    /// Line by line, so that a secret that a line end breaks is known as one.
    fn pass_each(&self, text: &str, between: &str) -> String {
        let mut passed = String::with_capacity(text.len());
        let mut broken = PartialMatch::default();
        for (number, line) in split_lines(text).enumerate() {
            if number > 0 {
                passed.push_str(between);
            }
            self.pass(line, &mut broken, &mut passed);
        }
        passed
    }

    /// Cleaning comes first, so that a secret cannot hide behind characters
    /// that are about to go. What cleaning takes may be the end of a sequence
    /// and the beginning of a secret at once, so what can be found before that
    /// goes before that.
    fn pass(&self, line: &str, broken: &mut PartialMatch, passed: &mut String) {
        let mut clean = printable(line);
        let mut also_broken = PartialMatch::default();
        if let Cow::Owned(_) = clean {
            also_broken = broken.clone();
            let redacted = self.redactor.redact_before_cleaning(line, &mut also_broken);
            if let Cow::Owned(redacted) = redacted {
                clean = Cow::Owned(printable(&redacted).into_owned());
            }
        }
        let clean = without_markers(clean);
        passed.push_str(&self.redactor.redact_next(&clean, broken));
        broken.join(also_broken);
    }
}

/// A text without control characters and commands; secrets are not removed.
pub(crate) fn cleaned(line: &str) -> String {
    without_markers(printable(line)).into_owned()
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

fn find_line_end(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += find_odd(text.as_bytes().get(at..)?)?;
        let c = text.get(at..)?.chars().next()?;
        if is_line_end(c) {
            return Some(at);
        }
        at += c.len_utf8();
    }
}

/// The first byte that is not a letter or sign of ASCII, a space or a tab.
/// Ordinary text has few of them, so eight bytes are looked at together.
fn find_odd(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let is_odd = |byte: &u8| !matches!(byte, b' '..=b'~' | b'\t');
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let number_of = u64::from_le_bytes(*word);
        // The high bit: of a byte outside ASCII it is set; a control character
        // sets it by subtracting a space, a delete by adding one.
        let below = number_of.wrapping_sub(EACH * 0x20);
        let above = number_of.wrapping_add(EACH);
        if (number_of | below | above) & HIGH != 0
            && let Some(at) = word.iter().position(is_odd)
        {
            return Some(number * 8 + at);
        }
    }
    let at = rest.iter().position(is_odd)?;
    Some(words.len() * 8 + at)
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
    let Some(first) = find_odd(line.as_bytes()) else {
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
            _ if is_invisible(c) => after,
            _ if is_choice(c) && !result.ends_with(has_looks) => after,
            _ => {
                result.push(c);
                after
            }
        };
        // After one odd character others are near, in text of other scripts.
        if rest.as_bytes().first().is_some_and(u8::is_ascii_graphic) {
            let (plain, odd) = rest.split_at(find_odd(rest.as_bytes()).unwrap_or(rest.len()));
            result.push_str(plain);
            rest = odd;
        }
    }
    if result.len() == line.len() {
        return Cow::Borrowed(line);
    }
    Cow::Owned(result)
}

/// What follows an escape character's sequence.
fn skip_sequence(after: &str) -> &str {
    let mut chars = after.chars();
    match chars.next() {
        Some('[') => skip_parameters(chars.as_str()),
        // A string for the terminal, such as a window title. Without its end
        // only the introducer goes: it must not swallow the line. Another
        // escape breaks it off, so that no text is searched twice.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let text = chars.as_str();
            let end = text.find(['\u{7}', '\u{1b}', '\u{9c}']);
            let from_end = end.and_then(|at| text.get(at..)).unwrap_or_default();
            ["\u{7}", "\u{1b}\\", "\u{9c}"]
                .iter()
                .find_map(|end| from_end.strip_prefix(end))
                .unwrap_or(text)
        }
        Some(' '..='/') => {
            let mut rest = after.trim_start_matches(|c| matches!(c, ' '..='/')).chars();
            match rest.clone().next() {
                Some('0'..='~') => {
                    rest.next();
                    rest.as_str()
                }
                _ => rest.as_str(),
            }
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

/// Whether it chooses between the looks of the sign before it.
const fn is_choice(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// A letter or sign of ASCII has only one look, and a CI may look through a
/// choice behind it; behind another choice one is only room for hidden data.
fn has_looks(c: char) -> bool {
    !c.is_ascii() && !is_choice(c)
}

fn is_invisible(c: char) -> bool {
    let is_control = c.is_control() && c != '\t';
    let has_no_width = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    is_control || has_no_width
}

/// Breaks what a CI obeys anywhere in a line: `##[command]` of GitHub and
/// Azure, `##vso[`, `##teamcity[`. The two signs are parted by a space.
fn without_markers(line: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = line.as_bytes();
    let may_begin = |at: usize| {
        bytes
            .get(at + 1)
            .is_some_and(|next| *next == b'#' || !next.is_ascii())
    };
    if !memchr::memchr_iter(b'#', bytes).any(may_begin) {
        return line;
    }
    let mut result = String::with_capacity(line.len() + 8);
    let mut rest = line.as_ref();
    while let Some((before, after)) = rest.split_once('#') {
        result.push_str(before);
        result.push_str(if completes_a_marker(after) { "# " } else { "#" });
        rest = after;
    }
    result.push_str(rest);
    Cow::Owned(result)
}

/// Whether what follows a `#` makes a marker of it. The agents compare as
/// people of some language do, which passes over accents and marks that stand
/// for nothing; so everything outside ASCII is passed over here.
fn completes_a_marker(after: &str) -> bool {
    let ignored = |c: char| !c.is_ascii();
    after
        .trim_start_matches(ignored)
        .strip_prefix('#')
        .is_some_and(|word| {
            word.trim_start_matches(|c: char| ignored(c) || c.is_ascii_alphabetic())
                .starts_with('[')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Sanitizer::default().line(text).0
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
            ("\u{1b}(é stays", "é stays"),
            ("\u{1b}]0;\u{1b}[1mbold\u{7}", "0;bold"),
            ("\u{1b}]0;title\u{9c}text", "text"),
            (
                "warning ⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
                "warning ⚠\u{fe0f} 1\u{20e3}",
            ),
            ("⚠\u{fe0f}\u{fe01}\u{fe02}\u{fe0f}", "⚠\u{fe0f}"),
            ("\u{fe0f}x", "x"),
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
    fn no_sequence_costs_more_than_its_length() {
        for piece in [
            "\u{1b}]",
            "\u{1b}]\u{7}",
            "\u{1b}[",
            "#",
            "##a",
            "#é",
            "\u{1b}(",
            "é",
            "\u{1b}P\u{1b}",
        ] {
            // What looks again and again would take minutes for this.
            let text = piece.repeat(200_000);
            assert!(shown(&text).len() <= text.len() * 2, "{piece:?}");
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
            ("#\u{301}#\u{301}[error]", "# \u{301}#\u{301}[error]"),
            ("#\u{fe0f}#err\u{fe0f}or[", "# #error["),
            ("日本語 # 日本語 [x]", "日本語 # 日本語 [x]"),
            ("#\u{1b}[0m#[error]", "# #[error]"),
            ("## heading [link]", "## heading [link]"),
            ("##", "##"),
        ] {
            assert_eq!(shown(text), harmless, "{text:?}");
        }
    }

    #[test]
    fn lines_end_wherever_a_ci_sees_an_end() {
        let lines: Vec<String> = Sanitizer::default()
            .lines(
                "a\nb\r\nc\rd\u{2028}e\u{85}f\n\ng\n",
                &mut PartialMatch::default(),
            )
            .map(|line| line.0)
            .collect();
        assert_eq!(lines, ["a", "b", "c", "d", "e", "f", "", "g"]);
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(Sanitizer::default().block("a\r\nb\n").0, "a\nb");
    }

    #[test]
    fn json_stays_json_and_its_strings_pass() {
        let sanitizer = Sanitizer::new(Redactor::new(["svl_\"0123456789", "\":[1,2"]));
        let value = serde_json::json!({
            "a\u{1b}[2Jb": ["svl_\"0123456789", "\\", "x\ny", "##[error]z", "\u{7f}\u{2028}"],
            "n": [1, 2.5, null, true],
        });
        let passed = sanitizer.json(&value.to_string());
        let read: serde_json::Value = serde_json::from_str(passed.as_str()).unwrap();
        let expected = serde_json::json!({
            "ab": ["***", "\\", "x\ny", "# #[error]z", "\n"],
            "n": [1, 2.5, null, true],
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_secret_cannot_hide_behind_characters_that_go() {
        let sanitizer = Sanitizer::new(Redactor::new(["svl_0123456789"]));
        assert_eq!(sanitizer.line("x svl_01234\n56789 y").0, "x *** *** y");
        for text in [
            "\u{1b}svl_0123456789",
            "\u{1b}(svl_0123456789",
            "\u{9b}1svl_0123456789",
        ] {
            let line = sanitizer.line(text).0;
            assert!(!line.contains("vl_"), "{line}");
        }
        assert_eq!(
            sanitizer.line("key svl_01\u{1b}[0m2345\u{200b}6789 end").0,
            "key *** end"
        );
    }
}
