//! The job's summary as Markdown. Pure.
//!
//! Text from outside stands in code spans and in a fence that it cannot close,
//! so that it can be no link, image, mention or HTML.

use super::causes::{self, Cause};
use super::log::shorten;
use crate::deployment::Deployment;
use crate::outcome::Outcome;
use crate::report::console;
use crate::report::gantt;
use crate::report::run_record::{Story, Tale};
use crate::sanitize::{Gate, Line};

/// The most of one text or line of the log in the summary, in bytes.
const LONGEST_TEXT: usize = 4 * 1024;

/// The most warnings that are repeated.
const MOST_WARNINGS: usize = 20;

/// GitHub reads no code span with more than eighty backticks at its ends, and
/// counts those of a fence to 255: what should be code would be Markdown.
const MOST_BACKTICKS: usize = 30;

/// The summary of a run.
pub(super) fn of(
    outcome: &Outcome,
    causes: &[Cause],
    story: &Story,
    tail: &[&Line],
    draws_mermaid: bool,
    gate: &Gate,
) -> String {
    let text =
        |text: &str| without_long_runs(shorten(gate.line(text), LONGEST_TEXT, gate).as_str());
    let mark = if outcome.is_good() { "✅" } else { "❌" };
    let mut markdown = format!("### {mark} Sevalla: {}\n\n", outcome.ending().word());
    if !outcome.is_good() {
        markdown.push_str(&why(outcome, causes, &text));
    }
    markdown.push_str("| | |\n| --- | --- |\n");
    for (name, value) in rows(story) {
        let address = matches!(name, "URL" | "Run")
            .then(|| link(&value))
            .flatten();
        let value = address.unwrap_or_else(|| cell(&text(&value)));
        markdown.push_str(&format!("| {name} | {value} |\n"));
    }
    markdown.push('\n');
    if story.targets.len() > 1 {
        markdown.push_str(&targets(&story.targets, &text));
    }
    if let Some(picture) = gantt::of(&story.timeline(), draws_mermaid) {
        markdown.push_str(&format!("{picture}\n"));
    }
    if outcome.is_good() {
        return markdown;
    }
    if !tail.is_empty() {
        let lines: Vec<String> = tail.iter().map(|line| text(line.as_str())).collect();
        markdown.push_str(&format!("Last lines of the log:\n\n{}\n", fenced(&lines)));
    }
    markdown
}

/// What went wrong, why, and what to do next.
fn why(outcome: &Outcome, causes: &[Cause], text: &impl Fn(&str) -> String) -> String {
    let mut markdown = format!("{}\n\n", code(&text(&outcome.headline)));
    markdown.push_str(&causes::markdown(causes, text, &|target| {
        code(&text(target))
    }));
    let said = outcome
        .why
        .iter()
        .chain(&outcome.effort)
        .chain(&outcome.hint);
    for line in said {
        markdown.push_str(&format!("{}\n\n", code(&text(line))));
    }
    if let Some(link) = console::more(outcome).as_deref().and_then(link) {
        markdown.push_str(&format!("More: {link}\n\n"));
    }
    markdown
}

pub(super) fn rows(story: &Story) -> Vec<(&'static str, String)> {
    let tale = story.one();
    let deployment = tale.deployment.as_ref();
    let commit = deployment.and_then(|deployment| deployment.commit_sha.clone());
    let rows = [
        ("Target", tale.target()),
        ("URL", tale.url.clone()),
        (
            "Deployment",
            deployment.map(|deployment| deployment.id.to_string()),
        ),
        (
            "Status",
            deployment.and_then(|deployment| deployment.status.told().map(str::to_owned)),
        ),
        ("From", deployment.and_then(Deployment::made_from)),
        ("Commit of the deployment", commit),
        ("Commit of this run", story.facts.commit.clone()),
        ("Time", console::times(story)),
        ("Usually", console::comparison(story)),
        (
            "Last ones, this one",
            tale.usual
                .as_ref()
                .and_then(|usual| gantt::last_ones(usual, tale.run())),
        ),
        ("Run", story.facts.run_url.clone()),
    ];
    let warnings = story
        .warnings
        .iter()
        .take(MOST_WARNINGS)
        .map(|(warning, text)| ("Warning", Some(console::named(*warning, text))));
    rows.into_iter()
        .chain(warnings)
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The targets of a promotion, a row each.
fn targets(targets: &[Tale], text: &impl Fn(&str) -> String) -> String {
    let mut markdown =
        "| target | status | deployment | time | URL |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for tale in targets {
        let deployment = tale.shown();
        let status = deployment.and_then(|deployment| deployment.status.told());
        let cells = [
            tale.target(),
            status.map(|status| match tale.undone() {
                Some(_) => format!("{status} (rolled back)"),
                None => status.to_owned(),
            }),
            deployment.map(|deployment| deployment.id.to_string()),
            console::times_of(tale),
        ];
        let cells = cells.map(|value| cell(&text(&value.unwrap_or_default())));
        let url = tale.url.as_deref().and_then(link).unwrap_or_default();
        markdown.push_str(&format!("| {} | {url} |\n", cells.join(" | ")));
    }
    markdown.push('\n');
    markdown
}

/// Text as a code span in a table cell: no bar may end the cell.
pub(super) fn cell(text: &str) -> String {
    // A backslash of the text's own would take the meaning of ours.
    code(&text.replace("\\|", "\\ |").replace('|', "\\|"))
}

/// Text as a code span: no backtick may end it.
pub(super) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run_of_backticks(text) + 1);
    if text.trim().is_empty() {
        return String::new();
    }
    // A space keeps a backtick at either end apart from the fence.
    format!("{fence} {text} {fence}")
}

/// The text with long runs of backticks parted.
pub(super) fn without_long_runs(text: &str) -> String {
    if longest_run_of_backticks(text) <= MOST_BACKTICKS {
        return text.to_owned();
    }
    let run = "`".repeat(MOST_BACKTICKS);
    text.replace(&run, &format!("{run} "))
}

/// An address as a link, if nothing in it could mean anything else.
pub(super) fn link(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_~#?=%&+,".contains(c);
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    (is_address && text.chars().all(is_plain)).then(|| format!("<{text}>"))
}

pub(super) fn fenced(lines: &[String]) -> String {
    let longest = lines
        .iter()
        .map(|line| longest_run_of_backticks(line))
        .max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}text\n{text}{fence}\n")
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_code_span_or_cell() {
        assert_eq!(code("plain"), "` plain `");
        assert_eq!(code("a ` b `` c"), "``` a ` b `` c ```");
        assert_eq!(code("a | b"), "` a | b `");
        assert_eq!(cell("a | b"), "` a \\| b `");
        assert_eq!(cell("a\\|b \\\\|"), "` a\\ \\|b \\\\ \\| `");
        assert_eq!(code("  "), "");
    }

    #[test]
    fn only_a_plain_address_is_a_link() {
        for text in [
            "https://a-b.c/d/1",
            "https://dev.azure.com/a/_build/results?buildId=1&view=results",
            "http://ci.local:8080/job/a%20b/1/",
        ] {
            assert_eq!(link(text), Some(format!("<{text}>")));
        }
        for text in [
            "javascript:x",
            "https://a@b.c",
            "https://a.b/|x",
            "https://a.b/)[x](y",
            "https://a.b> @team",
            "x",
        ] {
            assert_eq!(link(text), None, "{text}");
        }
    }

    #[test]
    fn runs_of_backticks_stay_below_what_the_host_can_count() {
        for length in [29, 30, 31, 80, 81, 255, 300] {
            let text = without_long_runs(&format!("a{}b", "`".repeat(length)));
            assert!(longest_run_of_backticks(&text) <= MOST_BACKTICKS);
            assert_eq!(text.replace(' ', "").len(), length + 2);
        }
    }

    #[test]
    fn text_cannot_close_its_fence() {
        let lines = ["````".to_owned(), "<img src=x>".to_owned()];
        let block = fenced(&lines);
        assert!(
            block.starts_with("`````text\n") && block.ends_with("\n`````\n"),
            "{block}"
        );
        assert!(fenced(&["x".to_owned()]).starts_with("```text\n"));
    }
}
