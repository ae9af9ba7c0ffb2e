//! What a tool has printed, without what others put in front of it. Pure.

use super::beginnings::Beginnings;
use super::{kubernetes_events, prefixes};

/// Signs that tools put in front of what matters.
const SIGNS: &str = "│|✘✖×❌⨯✗✕●➤╰─╭├!▲⛔🚨";

/// Words that say that something is an error, and are not all of it.
static ERROR_WORDS: Beginnings = Beginnings::of(&[
    "npm ERR! ",
    "npm error ",
    "[ERROR] ",
    "[error] ",
    "ERROR: ",
    "ERROR ",
    "Error: ",
    "error: ",
    "error ",
    "fatal: ",
    "FATAL: ",
    "[FATAL] ",
    "##[error]",
    "ERR ",
    "failed to solve: ",
]);

/// A line that begins so tells of no failure, whatever it names. What ends in a
/// letter has to be a word of its own, apart from its end.
static HARMLESS: Beginnings = Beginnings::of(&[
    "npm warn",
    "npm WARN",
    "npm notice",
    // Commit messages.
    "HEAD is now at ",
    "Merge ",
    "Revert \"",
    "fix: ",
    "fix(",
    "feat: ",
    "feat(",
    "chore: ",
    "chore(",
    "docs: ",
    "docs(",
    "refactor: ",
    "refactor(",
    "warn",
    "Warn",
    "WARN",
    "[WARN",
    "[warn",
    "(!)",
    "deprecat",
    "DEPRECAT",
    "[DEP",
    "info",
    "INFO",
    "[INFO]",
    "debug",
    "DEBUG",
    "hint:",
    "note:",
    "help:",
    "=> ",
    "> ",
    "$ ",
    "+ ",
    "# ",
    "// ",
    "RUN ",
    "Step ",
    "---> ",
    "Run ",
    "echo ",
    // Source text below a message.
    "raise ",
    "throw ",
    "CMD ",
    "COPY ",
    "FROM ",
    "ENV ",
    "GET ",
    "POST ",
    "✓",
    "✔",
    "PASS",
    "ok ",
    "ok\t",
    "OK ",
    "Skipping",
    "SKIP",
]);

/// A line that has these tells of something that the tool went on without.
const SHRUGS: &[&str] = &[
    "cache importer",
    "cache exporter",
    "kipping ",
    "using default",
    "using the default",
    "will not be",
    "alling back",
    "gnoring ",
    ", continuing",
    "etrying in ",
    ", retrying",
    "will retry",
    "ill try again",
];

/// These tell of one all the same.
static TELLING: Beginnings = Beginnings::of(&[
    "> Could not ",
    "> There were ",
    "> Dependency requires ",
    "> Cannot find a Java ",
    "> No matching ",
    "> No locally ",
    "> Cannot resolve ",
    "> BUG! ",
    "COPY failed: ",
    // Mirrors of apk that cannot be reached.
    "WARNING: fetching https://",
    "WARNING: updating and opening https://",
    "WARNING: Ignoring https://",
]);

/// A line as its tool has printed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NormalizedLine<'a> {
    /// The step of the image build that it belongs to.
    pub(super) step: Option<u32>,
    /// What printed it, where several print at once: a container, a package.
    pub(super) source: Option<&'a str>,
    /// What its paths are relative to.
    pub(super) within: PathRoot<'a>,
    /// The text, indented as it was.
    pub(super) text: &'a str,
}

/// What the paths of a line are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathRoot<'a> {
    /// The root of the repository.
    Root,
    /// This folder of it.
    Folder(&'a str),
    /// A package of which only the name is known.
    Package,
}

/// A name that was taken off, and what it says.
struct Named<'a> {
    source: Option<&'a str>,
    within: PathRoot<'a>,
    rest: &'a str,
}

impl<'a> NormalizedLine<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        let (step, text) = step(line);
        let mut bare = Self {
            step,
            source: None,
            within: PathRoot::Root,
            text,
        };
        // A tool in a workspace in a container: rarely more than three.
        for _ in 0..4 {
            if let Some(rest) = without_time(bare.text) {
                bare.text = rest;
            } else if let Some(message) = kubernetes_events::message(bare.text) {
                bare.text = message;
                break;
            } else if let Some(named) = without_name(bare.text) {
                bare.text = named.rest;
                bare.source = named.source.or(bare.source);
                bare.within = named.within;
            } else {
                break;
            }
        }
        bare
    }

    /// The text without white space around it.
    #[inline]
    pub(super) fn trimmed(&self) -> &'a str {
        let text = self.text.trim_ascii();
        let is_ascii = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
        let ends = (text.as_bytes().first(), text.as_bytes().last());
        // Nearly no line has white space of another kind.
        if is_ascii(ends.0) && is_ascii(ends.1) {
            text
        } else {
            text.trim()
        }
    }

    /// Where the text begins, without signs, and where behind one or two of the
    /// words that only say that it is an error.
    pub(super) fn beginnings(&self) -> [usize; 3] {
        let is_sign = |c: char| c.is_whitespace() || SIGNS.contains(c);
        let behind_word = |text: &'a str| ERROR_WORDS.strip(text).map_or(text, str::trim_start);
        let is_bare = self.text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let begun = if is_bare {
            self.text
        } else {
            self.text.trim_start_matches(is_sign)
        };
        let once = behind_word(begun);
        [begun, once, behind_word(once)].map(|rest| self.text.len() - rest.len())
    }

    /// What it says, without signs and words that only say that it is an error:
    /// the same where it is told twice.
    pub(super) fn message(&self) -> &'a str {
        let [_, _, begin] = self.beginnings();
        self.text.get(begin..).unwrap_or_default().trim_end()
    }

    /// Whether the tool went on without what it names.
    pub(super) fn is_shrugged(&self) -> bool {
        SHRUGS.iter().any(|words| self.text.contains(words))
    }

    /// Whether the line tells of a command, a warning or something that went
    /// well.
    pub(super) fn is_harmless(&self) -> bool {
        let text = self.text.trim_start();
        let is_request = text.starts_with("GET ") || text.starts_with("POST ");
        let is_failed = is_request && (text.contains(" failed") || text.contains("ECONN"));
        if is_failed || TELLING.begin(text) {
            return false;
        }
        let is = |text: &str| HARMLESS.any(text, |word| is_word(word, text));
        let [begun, ..] = self.beginnings();
        is(text)
            || is(self.text.get(begun..).unwrap_or_default())
            || is_step(text)
            || text.trim_end().ends_with(" ... ok")
    }
}

/// The text behind white space, which nearly no line begins with.
#[inline]
pub(super) fn outdented(text: &str) -> &str {
    let text = text.trim_ascii_start();
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => text,
        _ => text.trim_start(),
    }
}

/// The text behind white space and these signs, of which none is of ASCII but
/// `=` and `>`.
pub(super) fn without_signs<'a>(text: &'a str, signs: &str) -> &'a str {
    let text = text.trim_ascii_start();
    let first = text.as_bytes().first();
    // Nearly no line has one.
    if first.is_none_or(|first| first.is_ascii() && !matches!(first, b'=' | b'>')) {
        return text;
    }
    text.trim_start_matches(|c: char| c.is_whitespace() || signs.contains(c))
}

/// Whether the text begins with the word, and not with a longer one: `warn`, and
/// not `warnings.ts`.
fn is_word(word: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(word) else {
        return false;
    };
    let is_begun = word.eq_ignore_ascii_case("deprecat");
    if is_begun || !word.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return true;
    }
    let ends = ["ings", "ing", "INGS", "ING", "ed"];
    let rest = ends
        .iter()
        .find_map(|end| rest.strip_prefix(end))
        .unwrap_or(rest);
    !rest.starts_with(|c: char| c.is_alphanumeric() || "/._-".contains(c))
}

/// What is before and behind the first space, which is near.
fn parted_by_space(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b' ')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `#12 3.456 text`, as `BuildKit` shows what a step of a build prints.
fn step(line: &str) -> (Option<u32>, &str) {
    let parsed = || {
        let (number, rest) = parted_by_space(line.strip_prefix('#')?)?;
        let number = number.parse().ok()?;
        let is_time = |word: &str| {
            word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        let rest = match parted_by_space(rest) {
            Some((time, rest)) if is_time(time) => rest,
            _ if is_time(rest) => "",
            _ => rest,
        };
        Some((Some(number), rest))
    };
    parsed().unwrap_or((None, line))
}

/// `[4/9] RUN npm ci`: what is about to be done.
fn is_step(text: &str) -> bool {
    let inside = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    inside.is_some_and(|(inside, rest)| {
        inside.contains('/')
            && ["RUN", "COPY", "FROM", "WORKDIR", "ADD"]
                .iter()
                .any(|word| rest.starts_with(word))
    })
}

/// A time in front, with its date and its zone, in brackets too:
/// `2026-03-01T10:00:00.123Z`, `[2026-03-01 10:00:00 +0000]`, `10:00:00 AM`; or
/// the seconds since something, `9.201`. A date may be indented.
fn without_time(text: &str) -> Option<&str> {
    let outdented = outdented(text);
    // Nearly no line begins so.
    let begun = outdented.strip_prefix('[').unwrap_or(outdented);
    if !begun.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let is_dated =
        outdented.len() < text.len() && outdented.split(['T', ' ']).next().is_some_and(is_date);
    let text = if is_dated { outdented } else { text };
    let opened = text.strip_prefix('[');
    let mut rest = opened.unwrap_or(text);
    let (mut has_time, mut is_closed) = (false, false);
    for _ in 0..3 {
        let Some((word, after)) = parted_by_space(rest) else {
            break;
        };
        let inside = word.strip_suffix(']').filter(|_| opened.is_some());
        let word = inside.unwrap_or(word);
        let is_of_time = if has_time {
            is_zone(word)
        } else {
            has_time = is_time(word) || is_seconds(word);
            has_time || is_date(word)
        };
        if !is_of_time {
            break;
        }
        rest = after;
        is_closed = inside.is_some();
        if is_closed || is_seconds(word) {
            break;
        }
    }
    (has_time && is_closed == opened.is_some()).then_some(rest)
}

fn is_time(word: &str) -> bool {
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b"-/:.,TZ+".contains(&byte);
    word.len() >= 7
        && word.bytes().all(is_of_time)
        && word.bytes().filter(|byte| *byte == b':').count() >= 2
}

fn is_seconds(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let point = word.bytes().position(|byte| byte == b'.');
    let parted = point.and_then(|at| Some((word.get(..at)?, word.get(at + 1..)?)));
    parted.is_some_and(|(whole, part)| is_number(whole) && is_number(part))
}

/// `2026-03-01`, `2026/03/01`, `01-Mar-2026`
fn is_date(word: &str) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'-' | b'/');
    let is_named = word.len() == 11 && word.bytes().filter(u8::is_ascii_alphabetic).count() == 3;
    (is_named || word.len() == 10)
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || is_sign(&byte) || is_named)
        && word.bytes().filter(is_sign).count() == 2
}

fn is_zone(word: &str) -> bool {
    let is_offset = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b':');
    matches!(word, "AM" | "PM" | "AM:" | "PM:" | "am" | "pm" | "UTC")
        || (word.len() >= 5 && word.strip_prefix(['+', '-']).is_some_and(is_offset))
}

/// A name in front: of a tool that shows what others print, of a service, of a
/// package in a workspace.
fn without_name(text: &str) -> Option<Named<'_>> {
    static WHO: Beginnings = Beginnings::of(&[
        "[builder] ",
        "[analyzer] ",
        "[detector] ",
        "[launcher] ",
        "[exporter] ",
        "remote: ",
        "NOTICE: PHP message: ",
        "PHP message: ",
        "[build] ",
        "stderr: ",
        // Amplify, whatever the line says, and App Service.
        "[WARNING]: ",
        "[INFO]: ",
        "[ERROR]: ",
        "INFO  - ",
        "ERROR - ",
    ]);
    let unnamed = |rest| Named {
        source: None,
        within: PathRoot::Root,
        rest,
    };
    let unsigned = WHO
        .strip(text)
        .or_else(|| prefixes::in_terminal(text))
        .or_else(|| prefixes::of_web_server(text));
    if let Some(rest) = unsigned {
        return Some(unnamed(rest));
    }
    if let Some((name, rest)) = prefixes::named(text) {
        return Some(Named {
            source: Some(name),
            ..unnamed(rest)
        });
    }
    if let Some(rest) = text.strip_prefix("!!") {
        return of_composer(rest).map(unnamed);
    }
    match prefixes::parted(text)? {
        (name, prefixes::Sign::Bar, rest) => of_container(name, rest),
        (name, prefixes::Sign::Colon, rest) => of_workspace(name, rest),
    }
}

/// What Composer puts before the lines of a script.
fn of_composer(rest: &str) -> Option<&str> {
    rest.strip_prefix("  ")
        .or(Some("").filter(|_| rest.trim().is_empty()))
}

/// `app-1  | text`
fn of_container<'a>(name: &'a str, rest: &'a str) -> Option<Named<'a>> {
    let name = name.trim_end();
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = !name.is_empty() && name.len() < 40 && !is_number && name.chars().all(is_of_name);
    is_name.then_some(Named {
        source: Some(name),
        within: PathRoot::Root,
        rest,
    })
}

/// The scripts that tools for workspaces run.
const SCRIPTS: &[&str] = &[
    "build",
    "lint",
    "test",
    "compile",
    "start",
    "typecheck",
    "check-types",
    "install",
    "postinstall",
];

/// `@shop/web:build: text` of Turborepo, and `apps/web build: text` of pnpm
fn of_workspace<'a>(name: &'a str, rest: &'a str) -> Option<Named<'a>> {
    // How the scripts end.
    if !matches!(
        name.as_bytes().last()?,
        b'd' | b't' | b'e' | b'k' | b's' | b'l'
    ) {
        return None;
    }
    let (package, script) = name.rsplit_once([':', ' '])?;
    let is_name =
        SCRIPTS.contains(&script) && package.len() < 60 && package.chars().all(is_of_name);
    if !is_name || package == "npm" {
        return None;
    }
    // One word may be anything: `error build: text`.
    let is_folder = name.as_bytes().get(package.len()) == Some(&b' ') && package.contains('/');
    let within = match package {
        "." => PathRoot::Root,
        _ if is_folder => PathRoot::Folder(package),
        _ => PathRoot::Package,
    };
    Some(Named {
        source: Some(package),
        within,
        rest,
    })
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "@/_-.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_put_in_front_is_taken_off() {
        for (line, step, text) in [
            ("#12 3.456 src/a.ts", Some(12), "src/a.ts"),
            ("#12 DONE 3.4s", Some(12), "DONE 3.4s"),
            ("2026-03-01T10:00:00.123Z text", None, "text"),
            ("[10:00:00] text", None, "text"),
            ("[builder]   File \"x\"", None, "  File \"x\""),
            ("@shop/web:build: src/a.ts", None, "src/a.ts"),
            ("apps/web build: src/a.ts", None, "src/a.ts"),
            ("app-1  | Error: x", None, "Error: x"),
            ("#7 1.0 web:build: error: x", Some(7), "error: x"),
            ("12 | let x", None, "12 | let x"),
            ("error: x", None, "error: x"),
            ("9.201 src/a.ts", None, "src/a.ts"),
            ("2026-03-01 10:00:00.123 text", None, "text"),
            ("[2026-03-01 10:00:00] text", None, "text"),
            ("[2026-03-01 10:00:00 +0000] text", None, "text"),
            ("2026/03/01 10:00:00 text", None, "text"),
            ("[01-Mar-2026 10:00:00 UTC] text", None, "text"),
            ("10:00:00 AM text", None, "text"),
            ("#12 12.34 2026-03-01 10:00:00 text", Some(12), "text"),
            ("2026-03-01 text", None, "2026-03-01 text"),
            ("9:52:12 PM: text", None, "text"),
            ("10:43:07 AM:   text", None, "  text"),
            ("[9:52:12 PM] text", None, "text"),
            (
                "   2026-03-01T10:00:00.06+0100 [CELL/0] OUT text",
                None,
                "text",
            ),
            ("  Warning  Unhealthy  4s  kubelet  text", None, "text"),
            ("[10:00:00 text", None, "[10:00:00 text"),
            ("# a comment", None, "# a comment"),
            ("", None, ""),
        ] {
            let bare = NormalizedLine::of(line);
            assert_eq!((bare.step, bare.text), (step, text), "{line}");
        }
    }

    #[test]
    fn a_word_is_harmless_and_what_begins_with_it_is_not() {
        for line in [
            "warning: x",
            "WARN x",
            "[WARNING] x",
            "info  - x",
            "PASS src/a.test.ts",
        ] {
            assert!(NormalizedLine::of(line).is_harmless(), "{line}");
        }
        for line in [
            "warnings.ts(3,5): x",
            "information/a.ts",
            "debug/a.go:1:1: x",
            "PASSWORD: x",
        ] {
            assert!(!NormalizedLine::of(line).is_harmless(), "{line}");
        }
    }

    #[test]
    fn a_package_is_known_by_its_folder_or_only_by_its_name() {
        for (line, source, within) in [
            (
                "apps/web build: x",
                Some("apps/web"),
                PathRoot::Folder("apps/web"),
            ),
            ("@shop/web:build: x", Some("@shop/web"), PathRoot::Package),
            (". build: x", Some("."), PathRoot::Root),
            ("Failed build: x", Some("Failed"), PathRoot::Package),
            ("web-1  | x", Some("web-1"), PathRoot::Root),
            ("x", None, PathRoot::Root),
        ] {
            let bare = NormalizedLine::of(line);
            assert_eq!((bare.source, bare.within), (source, within), "{line}");
        }
    }
}
