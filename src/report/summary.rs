//! The job's summary as Markdown. Pure.
//!
//! Text from outside stands in code spans and in a fence that it cannot close,
//! so that it can be no link, image, mention or HTML.

use super::causes::{self, FailureCause};
use crate::deployment::Deployment;
use crate::outcome::Outcome;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::report::{console, gantt};
use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::markdown_escape::{cell, code, fenced, link, without_long_runs};
use crate::text::truncate::shorten;

/// The most of one text or line of the log in the summary, in bytes.
const LONGEST_TEXT: usize = 4 * 1024;

/// The most warnings that are repeated.
const MOST_WARNINGS: usize = 20;

/// The summary of a run.
pub(crate) fn render(
    outcome: &Outcome,
    causes: &[FailureCause],
    record: &RunRecord,
    tail: &[&SanitizedLine],
    draws_mermaid: bool,
    sanitizer: &Sanitizer,
) -> String {
    let text = |text: &str| {
        without_long_runs(shorten(sanitizer.line(text), LONGEST_TEXT, sanitizer).as_str())
    };
    let mark = if outcome.is_good() { "✅" } else { "❌" };
    let mut markdown = format!("### {mark} Sevalla: {}\n\n", outcome.ending().word());
    if !outcome.is_good() {
        markdown.push_str(&why(outcome, causes, &text));
    }
    markdown.push_str("| | |\n| --- | --- |\n");
    for (name, value) in rows(record) {
        let address = matches!(name, "URL" | "Run")
            .then(|| link(&value))
            .flatten();
        let value = address.unwrap_or_else(|| cell(&text(&value)));
        markdown.push_str(&format!("| {name} | {value} |\n"));
    }
    markdown.push('\n');
    if record.targets.len() > 1 {
        markdown.push_str(&targets(&record.targets, &text));
    }
    if let Some(picture) = gantt::render(&record.timeline(), draws_mermaid) {
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
fn why(outcome: &Outcome, causes: &[FailureCause], text: &impl Fn(&str) -> String) -> String {
    let mut markdown = format!("{}\n\n", code(&text(&outcome.headline)));
    markdown.push_str(&causes::markdown(causes, text, &|target| {
        code(&text(target))
    }));
    let lines = outcome
        .why
        .iter()
        .chain(&outcome.effort)
        .chain(&outcome.hint);
    for line in lines {
        markdown.push_str(&format!("{}\n\n", code(&text(line))));
    }
    if let Some(link) = console::more(outcome).as_deref().and_then(link) {
        markdown.push_str(&format!("More: {link}\n\n"));
    }
    markdown
}

pub(super) fn rows(record: &RunRecord) -> Vec<(&'static str, String)> {
    let service_record = record.one();
    let deployment = service_record.deployment.as_ref();
    let commit = deployment.and_then(|deployment| deployment.commit_sha.clone());
    let rows = [
        ("Target", service_record.target()),
        ("URL", service_record.url.clone()),
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
        ("Commit of this run", record.facts.commit.clone()),
        ("Time", console::times(record)),
        ("Usually", console::comparison(record)),
        (
            "Last ones, this one",
            service_record
                .usual
                .as_ref()
                .and_then(|usual| gantt::last_ones(usual, service_record.run())),
        ),
        ("Run", record.facts.run_url.clone()),
    ];
    let warnings = record
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
fn targets(targets: &[ServiceRecord], text: &impl Fn(&str) -> String) -> String {
    let mut markdown =
        "| target | status | deployment | time | URL |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for service_record in targets {
        let deployment = service_record.shown();
        let status = deployment.and_then(|deployment| deployment.status.told());
        let cells = [
            service_record.target(),
            status.map(|status| match service_record.undone() {
                Some(_) => format!("{status} (rolled back)"),
                None => status.to_owned(),
            }),
            deployment.map(|deployment| deployment.id.to_string()),
            console::times_of(service_record),
        ];
        let cells = cells.map(|value| cell(&text(&value.unwrap_or_default())));
        let url = service_record
            .url
            .as_deref()
            .and_then(link)
            .unwrap_or_default();
        markdown.push_str(&format!("| {} | {url} |\n", cells.join(" | ")));
    }
    markdown.push('\n');
    markdown
}
