//! The comment on a pull request about the previews of a stack, as Markdown: one
//! row for each service. Pure.

use jiff::Timestamp;

use crate::code_host::Marker;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report::{comment, reasons};
use crate::sanitize::{SanitizedText, Sanitizer};
use crate::text::markdown_escape::{cell, code, joined, link, markdown_text};

/// The most of one text in the comment, in bytes.
const LONGEST_TEXT: usize = 1024;

/// The beginning of the line that names the run.
const UPDATED: &str = "Updated ";

/// The most reasons that are shown.
const MOST_REASONS: usize = 32;

/// The preview of one service. The action makes it.
#[derive(Debug, Clone)]
pub struct PreviewRow<'a> {
    /// The service's name in the stack file.
    pub name: &'a str,
    /// The mark by which the app is found again, once there is one.
    pub mark: Option<Marker>,
    /// The address of the preview.
    pub url: Option<&'a str>,
    /// How it is, in a word.
    pub word: &'a str,
}

/// How the previews of a stack are, as a whole.
#[derive(Debug, Clone, Copy)]
pub enum StackCommentStatus<'a> {
    /// They are being deployed.
    Deploying,
    /// The run ended so.
    Ended(&'a Outcome),
    /// They were deleted.
    Deleted,
}

/// What the comment shows beside its rows.
pub(super) struct StackCommentFacts<'a> {
    pub(super) marker: &'a Marker,
    pub(super) status: StackCommentStatus<'a>,
    pub(super) run_url: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// The text of the comment. It begins with its mark and those of the apps.
pub(super) fn render(
    facts: &StackCommentFacts<'_>,
    rows: &[PreviewRow<'_>],
    sanitizer: &Sanitizer,
) -> SanitizedText {
    let text = |text: &str| markdown_text(text, LONGEST_TEXT, sanitizer);
    let marks = rows.iter().filter_map(|row| row.mark.as_ref());
    let marks = std::iter::once(facts.marker).chain(marks);
    let marks: Vec<&str> = marks.map(Marker::as_str).collect();
    let mut parts = vec![format!("{}\n{}", marks.join("\n"), title(facts.status))];
    let row = |row: &PreviewRow<'_>| {
        let address = row.url.and_then(link).unwrap_or_default();
        format!("| {} | {address} | {} |\n", cell(&text(row.name)), row.word)
    };
    if !rows.is_empty() {
        let rows: String = rows.iter().map(row).collect();
        parts.push(format!(
            "| Service | Preview | Status |\n| --- | --- | --- |\n{rows}"
        ));
    }
    if let StackCommentStatus::Ended(outcome) = facts.status
        && outcome.ending() != ExitStatus::Success
    {
        parts.push(code(&text(&outcome.headline)));
        parts.push(reasons::list(outcome, MOST_REASONS, &text));
    }
    parts.push(updated(facts));
    sanitizer.block(joined(&parts).trim_end())
}

/// The text of a comment that says that previews are being deployed, although the
/// run that wrote it was killed, with the end of this run, which deployed nothing.
/// Its marks and addresses stay. `None` if the text says something else.
pub(super) fn corrected(
    facts: &StackCommentFacts<'_>,
    old: &str,
    sanitizer: &Sanitizer,
) -> Option<SanitizedText> {
    let deploying = title(StackCommentStatus::Deploying);
    if !old.lines().any(|line| line == deploying) {
        return None;
    }
    let row = |line: &str| {
        let row = line.strip_suffix("| deploying |");
        let row = row.map(|row| format!("{row}| unknown |"));
        row.or_else(|| {
            Some(format!(
                "{}| not created |",
                line.strip_suffix("| waiting |")?
            ))
        })
    };
    let lines = old.lines().map(|line| match line {
        line if line == deploying => title(facts.status),
        line if line.starts_with(UPDATED) => updated(facts),
        line => row(line).unwrap_or_else(|| line.to_owned()),
    });
    let lines: Vec<String> = lines.collect();
    Some(sanitizer.block(&lines.join("\n")))
}

fn title(status: StackCommentStatus<'_>) -> String {
    let (sign, words) = match status {
        StackCommentStatus::Deploying => ("⏳", "deploying"),
        StackCommentStatus::Ended(outcome) => comment::ended(outcome),
        StackCommentStatus::Deleted => ("🗑️", "deleted"),
    };
    format!("### {sign} Sevalla previews: {words}")
}

/// The line that names the run.
fn updated(facts: &StackCommentFacts<'_>) -> String {
    let run = facts.run_url.and_then(link);
    let run = run.map_or_else(String::new, |run| format!(" by {run}"));
    format!("{UPDATED}{:.0}{run}", facts.now)
}
