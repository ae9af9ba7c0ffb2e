//! GitHub Actions: workflow commands on the output, and its files.
//!
//! The runner obeys `::command::` at the beginning of a line, after white
//! space, on both streams. Every line of ours begins with something else, so
//! no text inside can be a command; while the remote log is shown, commands
//! are switched off as well.

mod event_payload;
pub(crate) mod facts;
mod upstream;

use std::io::Write;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::files::StepFiles;
use crate::ci::hosts::CiHost;
use crate::ci::line_writer::LineWriter;
use crate::ci::{CiOutput, Level, Outputs, OutputsResult, Place, Token};
use crate::sanitize::{SanitizedLine, SanitizedText};

/// The variables that name a run and its step.
pub(super) const NAMES: RunNames = RunNames {
    run: &["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"],
    step: &["GITHUB_JOB", "GITHUB_ACTION"],
    attempt: &["GITHUB_RUN_ATTEMPT"],
};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "github",
    title: "GitHub",
    template: Some("templates/github/deploy.yml"),
    detection: &[DetectionRule::Is("GITHUB_ACTIONS", "true")],
    names: NAMES,
    facts: facts::facts,
    output: |means, files| Box::new(GitHubOutput::new(means.stdout, files, means.token)),
};

/// The runner cuts a longer annotation.
const LONGEST_ANNOTATION: usize = 4000;

/// A title is one line of a page.
const LONGEST_TITLE: usize = 200;

pub(crate) struct GitHubOutput {
    lines: LineWriter,
    files: StepFiles,
    token: Token,
    /// Ends the switching off of commands, while the log is open.
    resume: Option<String>,
}

impl GitHubOutput {
    pub(in crate::ci) fn new(out: Box<dyn Write>, files: StepFiles, token: Token) -> Self {
        Self {
            lines: LineWriter::new(out),
            files,
            token,
            resume: None,
        }
    }

    fn put(&mut self, line: &str) {
        self.lines.put(line);
    }

    /// A command, for which they are switched on again while the log is open.
    fn command(&mut self, command: &str) {
        let Some(token) = self.resume.take() else {
            return self.put(command);
        };
        self.put(&format!("::{token}::"));
        self.put(command);
        self.stop_commands();
    }

    fn stop_commands(&mut self) {
        let token = (self.token)();
        self.put(&format!("::stop-commands::{token}"));
        self.resume = Some(token);
    }
}

impl CiOutput for GitHubOutput {
    fn mask(&mut self, secret: &str) {
        self.command(&format!("::add-mask::{}", data(secret)));
    }

    fn print(&mut self, line: &SanitizedLine) {
        self.put(&not_a_command(line.as_str()));
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        self.put(&format!("::group::{}", data(title.as_str())));
        self.stop_commands();
    }

    fn close_log(&mut self) {
        if let Some(token) = self.resume.take() {
            self.put(&format!("::{token}::"));
            self.put("::endgroup::");
        }
    }

    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    ) {
        let command = match level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let message = untitled(title, message);
        let title: String = title.as_str().chars().take(LONGEST_TITLE).collect();
        let message: String = message.chars().take(LONGEST_ANNOTATION).collect();
        let place = place.map(at).unwrap_or_default();
        self.command(&format!(
            "::{command} {place}title={}::{}",
            property(&title),
            data(&message)
        ));
    }

    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        self.files.outputs(outputs)
    }

    /// GitHub does, and so do Gitea and Forgejo.
    fn draws_mermaid(&self) -> bool {
        true
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        self.files.summary(markdown)
    }
}

/// Whether an annotation holds all of this message.
pub(super) fn is_whole(message: &SanitizedText) -> bool {
    message.as_str().chars().count() <= LONGEST_ANNOTATION
}

/// The message without the title that stands above it.
fn untitled<'a>(title: &SanitizedLine, message: &'a SanitizedText) -> &'a str {
    let message = message.as_str();
    let rest = message.strip_prefix(title.as_str());
    let rest = rest.and_then(|rest| rest.strip_prefix('\n'));
    rest.unwrap_or(message)
}

/// A line of ours begins with a time; one that does not is kept from being
/// read as a command. The runner passes over white space and, comparing as
/// people of some language do, over marks that stand for nothing.
fn not_a_command(line: &str) -> String {
    let is_passed_over = |c: char| c.is_whitespace() || !c.is_ascii();
    if line.trim_start_matches(is_passed_over).starts_with(':') {
        format!("| {line}")
    } else {
        line.to_owned()
    }
}

/// Escapes the data of a command. `%` first, or it would be escaped twice.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The properties that name a place.
fn at(place: &Place) -> String {
    let column = place.column.map(|column| format!("col={column},"));
    format!(
        "file={},line={},{}",
        property(&place.file),
        place.line,
        column.unwrap_or_default()
    )
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::line_writer::captured::Captured;
    use crate::environment::Variables;
    use crate::sanitize::Sanitizer;

    fn written(write: impl FnOnce(&mut GitHubOutput)) -> String {
        let out = Captured::default();
        let token: Token = || "TOKEN".to_owned();
        let files = StepFiles::named_by(Host::GitHub, &Variables::default(), token);
        write(&mut GitHubOutput::new(Box::new(out.clone()), files, token));
        out.text()
    }

    #[test]
    fn commands_are_written_as_the_runner_reads_them() {
        let sanitizer = Sanitizer::default();
        assert_eq!(written(|g| g.mask("a%b")), "::add-mask::a%25b\n");
        assert_eq!(
            written(|g| g.annotate(
                Level::Error,
                &sanitizer.line("a: b, c"),
                &sanitizer.block("50%\nmore"),
                None
            )),
            "::error title=a%3A b%2C c::50%25%0Amore\n"
        );
        let place = Place {
            file: "src/a,b.ts".to_owned(),
            line: 7,
            column: Some(3),
        };
        assert_eq!(
            written(|g| g.annotate(
                Level::Warning,
                &sanitizer.line("t"),
                &sanitizer.block("m"),
                Some(&place)
            )),
            "::warning file=src/a%2Cb.ts,line=7,col=3,title=t::m\n"
        );
        assert_eq!(
            written(|g| {
                g.open_log(&sanitizer.line("Log"));
                g.print(&sanitizer.line("line"));
                g.close_log();
                g.close_log();
            }),
            "::group::Log\n::stop-commands::TOKEN\nline\n::TOKEN::\n::endgroup::\n"
        );
    }

    #[test]
    fn commands_are_obeyed_while_the_log_is_open() {
        let sanitizer = Sanitizer::default();
        let written = written(|g| {
            g.open_log(&sanitizer.line("Log"));
            g.print(&sanitizer.line("::error::a stranger's"));
            g.annotate(
                Level::Warning,
                &sanitizer.line("t"),
                &sanitizer.block("t\nm"),
                None,
            );
            g.print(&sanitizer.line("line"));
            g.close_log();
        });
        assert_eq!(
            written,
            "::group::Log\n::stop-commands::TOKEN\n| ::error::a stranger's\n\
             ::TOKEN::\n::warning title=t::m\n::stop-commands::TOKEN\nline\n\
             ::TOKEN::\n::endgroup::\n"
        );
    }

    #[test]
    fn a_line_is_never_a_command() {
        let sanitizer = Sanitizer::default();
        assert_eq!(
            written(|g| g.print(&sanitizer.line("  ::error::x"))),
            "|   ::error::x\n"
        );
        for text in ["\u{301}::error::x", ":\u{301}:error::x", "\u{a0}::error::x"] {
            assert_eq!(
                written(|g| g.print(&sanitizer.line(text))),
                format!("| {text}\n")
            );
        }
    }
}
