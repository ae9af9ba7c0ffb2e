//! The job's summary as Markdown. Pure.
//!
//! Text from outside stands in code spans and in a fence that it cannot close,
//! so that it can be no link, image, mention or HTML.

use super::log::shorten;
use super::narrative;
use super::story::Story;
use crate::outcome::Outcome;
use crate::shown::{Gate, Line};

/// The summary of a run.
pub(super) fn of(outcome: &Outcome, story: &Story, tail: &[&Line], gate: &Gate) -> String {
    let text = |text: &str| code(shorten(gate.line(text), gate).as_str());
    let mark = if outcome.is_good() { "✅" } else { "❌" };
    let mut markdown = format!("### {mark} Sevalla: {}\n\n", outcome.ending.word());
    markdown.push_str("| | |\n| --- | --- |\n");
    for (name, value) in rows(story) {
        let value = link(&value).unwrap_or_else(|| text(&value));
        markdown.push_str(&format!("| {name} | {value} |\n"));
    }
    markdown.push('\n');
    if outcome.is_good() {
        return markdown;
    }
    let said = std::iter::once(&outcome.headline)
        .chain(&outcome.why)
        .chain(&outcome.effort)
        .chain(&outcome.hint);
    for line in said {
        markdown.push_str(&format!("{}\n\n", text(line)));
    }
    if !tail.is_empty() {
        markdown.push_str(&format!("Last lines of the log:\n\n{}\n", fenced(tail)));
    }
    markdown
}

fn rows(story: &Story) -> Vec<(&'static str, String)> {
    let deployment = story.deployment.as_ref();
    let commit = deployment.and_then(|deployment| deployment.commit_sha.clone());
    let rows = [
        ("Target", Some(story.target())),
        ("URL", story.url.clone()),
        (
            "Deployment",
            deployment.map(|deployment| deployment.id.to_string()),
        ),
        (
            "Status",
            deployment.map(|deployment| deployment.status.word().to_owned()),
        ),
        ("From", deployment.and_then(narrative::made_from)),
        ("Commit deployed", commit),
        ("Commit of this run", story.facts.commit.clone()),
        ("Time", narrative::times(story)),
        ("Run", story.facts.run_url.clone()),
    ];
    let warnings = story
        .warnings
        .iter()
        .map(|warning| ("Warning", Some(warning.clone())));
    rows.into_iter()
        .chain(warnings)
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Text as a code span in a table cell: no backtick may end it, no bar may end
/// the cell.
fn code(text: &str) -> String {
    // A backslash of the text's own would take the meaning of ours.
    let text = text.replace("\\|", "\\ |").replace('|', "\\|");
    let longest = longest_run_of_backticks(&text);
    let fence = "`".repeat(longest + 1);
    if text.trim().is_empty() {
        return String::new();
    }
    // A space keeps a backtick at either end apart from the fence.
    format!("{fence} {text} {fence}")
}

/// An address as a link, if nothing in it could mean anything else.
fn link(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_~".contains(c);
    (text.starts_with("https://") && text.chars().all(is_plain)).then(|| format!("<{text}>"))
}

fn fenced(lines: &[&Line]) -> String {
    let longest = lines
        .iter()
        .map(|line| longest_run_of_backticks(line.as_str()))
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
        assert_eq!(code("a | b"), "` a \\| b `");
        assert_eq!(code("a\\|b \\\\|"), "` a\\ \\|b \\\\ \\| `");
        assert_eq!(code("  "), "");
    }

    #[test]
    fn only_a_plain_address_is_a_link() {
        assert_eq!(
            link("https://a-b.c/d/1").as_deref(),
            Some("<https://a-b.c/d/1>")
        );
        for text in [
            "http://a.b",
            "javascript:x",
            "https://a.b/)[x](y",
            "https://a.b> @team",
            "x",
        ] {
            assert_eq!(link(text), None, "{text}");
        }
    }

    #[test]
    fn text_cannot_close_its_fence() {
        let gate = Gate::default();
        let lines = [gate.line("````"), gate.line("<img src=x>")];
        let block = fenced(&lines.iter().collect::<Vec<_>>());
        assert!(
            block.starts_with("`````text\n") && block.ends_with("\n`````\n"),
            "{block}"
        );
        assert!(fenced(&[&gate.line("x")]).starts_with("```text\n"));
    }
}
