//! What a tool has printed, without what others put in front of it. Pure.

/// Signs that tools put in front of what matters.
const SIGNS: &str = "│|✘✖×❌⨯✗✕●➤╰─╭├!▲⛔🚨";

/// Words that say that something is an error, and are not all of it.
const ERROR_WORDS: &[&str] = &[
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
    "ERR ",
];

/// A line that begins so tells of no failure, whatever it names.
const HARMLESS: &[&str] = &[
    "npm warn",
    "npm WARN",
    "npm notice",
    // Commit messages.
    "HEAD is now at ",
    "Merge ",
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
    "CMD ",
    "COPY ",
    "FROM ",
    "ENV ",
    "GET ",
    "POST ",
    "✓",
    "✔",
    "PASS",
];

/// These tell of one all the same.
const TELLING: &[&str] = &["> Could not ", "> There were ", "COPY failed: "];

/// A line as its tool has printed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bare<'a> {
    /// The step of the image build that it belongs to.
    pub(super) step: Option<u32>,
    /// The text, indented as it was.
    pub(super) text: &'a str,
}

impl<'a> Bare<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        let (step, mut text) = step(line);
        // A tool in a workspace in a container: rarely more than three.
        for _ in 0..3 {
            match without_time(text).or_else(|| without_name(text)) {
                Some(rest) => text = rest,
                None => break,
            }
        }
        Self { step, text }
    }

    /// Where the text begins, without signs, and where behind the word that
    /// only says that it is an error.
    pub(super) fn beginnings(&self) -> [usize; 2] {
        let is_sign = |c: char| c.is_whitespace() || SIGNS.contains(c);
        let begun = self.text.trim_start_matches(is_sign);
        let mut rest = begun;
        for _ in 0..2 {
            let word = ERROR_WORDS.iter().find_map(|word| rest.strip_prefix(word));
            rest = word.map_or(rest, str::trim_start);
        }
        [begun, rest].map(|rest| self.text.len() - rest.len())
    }

    /// Whether the line tells of a command, a warning or something that went
    /// well.
    pub(super) fn is_harmless(&self) -> bool {
        let text = self.text.trim_start();
        if TELLING.iter().any(|word| text.starts_with(word)) {
            return false;
        }
        let is = |text: &str| HARMLESS.iter().any(|word| text.starts_with(word));
        let begun = self.beginnings()[0];
        is(text) || is(self.text.get(begun..).unwrap_or_default()) || is_step(text)
    }
}

/// `#12 3.456 text`, as `BuildKit` shows what a step of a build prints.
fn step(line: &str) -> (Option<u32>, &str) {
    let parsed = || {
        let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
        let number = number.parse().ok()?;
        let is_time = |word: &str| {
            word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        let rest = match rest.split_once(' ') {
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

/// A time in front: `2026-03-01T10:00:00.123Z`, `10:00:00.123`, in brackets too.
fn without_time(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    let word = word.trim_start_matches('[').trim_end_matches(']');
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b"-:.,TZ+".contains(&byte);
    let is_time = word.len() >= 8
        && word.bytes().all(is_of_time)
        && word.bytes().filter(|byte| *byte == b':').count() >= 2;
    is_time.then_some(rest)
}

/// A name in front: of a tool that shows what others print, of a service, of a
/// package in a workspace.
fn without_name(text: &str) -> Option<&str> {
    const WHO: &[&str] = &[
        "[builder] ",
        "[analyzer] ",
        "[detector] ",
        "[launcher] ",
        "[exporter] ",
        "remote: ",
        "[build] ",
        "stderr: ",
    ];
    if let Some(rest) = WHO.iter().find_map(|who| text.strip_prefix(who)) {
        return Some(rest);
    }
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "@/_-.".contains(c);
    // app-1  | text
    if let Some((name, rest)) = text.split_once(" | ") {
        let name = name.trim_end();
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        if !name.is_empty() && name.len() < 40 && !is_number && name.chars().all(is_of_name) {
            return Some(rest);
        }
    }
    // @shop/web:build: text, and apps/web build: text
    let (name, rest) = text.split_once(": ")?;
    let (package, script) = name.rsplit_once([':', ' '])?;
    let is_script = [
        "build",
        "lint",
        "test",
        "compile",
        "start",
        "typecheck",
        "check-types",
    ]
    .contains(&script);
    let is_name = is_script && package.len() < 60 && package.chars().all(is_of_name);
    (is_name && package != "npm").then_some(rest)
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
            ("# a comment", None, "# a comment"),
            ("", None, ""),
        ] {
            let bare = Bare::of(line);
            assert_eq!((bare.step, bare.text), (step, text), "{line}");
        }
    }
}
