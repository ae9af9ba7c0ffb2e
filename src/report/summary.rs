//! The job's summary as Markdown. Pure.
//!
//! Text from outside stands in code spans and in a fence that it cannot close,
//! so that it can be no link, image, mention or HTML.

use super::causes::{self, FailureCause};
use super::details::{self, Detail, DetailForm};
use super::headline::Headline;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::report::{console, gantt, reasons};
use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::duration::duration;
use crate::text::markdown_escape::{cell, code, fenced, folded, joined, link, markdown_text};

/// The most of one text or line of the log in the summary, in bytes.
const LONGEST_TEXT: usize = 4 * 1024;

/// The most warnings that are repeated.
const MOST_WARNINGS: usize = 20;

/// The summary of a run. A good one is a line; the rest of it is folded.
pub(crate) fn render(
    outcome: &Outcome,
    causes: &[FailureCause],
    record: &RunRecord,
    tail: &[&SanitizedLine],
    draws_mermaid: bool,
    sanitizer: &Sanitizer,
) -> String {
    let text = |text: &str| markdown_text(text, LONGEST_TEXT, sanitizer);
    let headline = Headline::of(outcome, causes, record);
    let mut parts = vec![heading(&headline, outcome, &text)];
    let is_news = matches!(headline, Headline::Service { is_complete, .. } if !is_complete);
    if is_news {
        parts.push(code(&text(&outcome.headline)));
    }
    if outcome.is_good() {
        parts.push(line(record, &text));
    } else {
        parts.push(causes::markdown(causes, &text, &|target| {
            code(&text(target))
        }));
    }
    parts.push(reasons::list(outcome, usize::MAX, &text));
    parts.push(warnings(record, &text));
    let picture = gantt::render(&record.timeline(), draws_mermaid);
    let facts = [
        table(outcome, record, &text),
        targets(&record.targets, &text),
        picture.unwrap_or_default(),
    ];
    if outcome.is_good() {
        parts.push(folded("Details", &facts));
    } else {
        parts.extend(facts);
        let lines: Vec<String> = tail.iter().map(|line| text(line.as_str())).collect();
        parts.push(last_lines(&lines, causes));
    }
    // What another program adds must not become a part of our HTML.
    format!("{}\n", joined(&parts))
}

/// "### ✅ ` shop ` is live".
fn heading(headline: &Headline, outcome: &Outcome, text: &impl Fn(&str) -> String) -> String {
    let sign = match outcome.ending() {
        ExitStatus::Passed => "⏭️",
        ExitStatus::Planned => "📝",
        ExitStatus::Triggered => "⏳",
        _ if outcome.is_good() => "✅",
        ExitStatus::Unverified => "⚠️",
        ExitStatus::Cancelled | ExitStatus::Interrupted(_) => "⏹️",
        ExitStatus::TimedOut => "⌛",
        ExitStatus::Ambiguous => "❓",
        _ => "❌",
    };
    match headline {
        Headline::Service { name, words, .. } => {
            format!("### {sign} {}{words}", code(&text(name)))
        }
        Headline::Outcome => format!("### {sign} {}", code(&text(&outcome.headline))),
    }
}

/// How long it took, the address and the commit.
fn line(record: &RunRecord, text: &impl Fn(&str) -> String) -> String {
    let service_record = record.one();
    let took = service_record.run().map(|run| {
        let all = run + service_record.queue().unwrap_or_default();
        duration(all)
    });
    let url = service_record.url.as_deref().and_then(link);
    let source = service_record.deployment.as_ref().and_then(|deployment| {
        let source = deployment.made_from()?;
        Some(code(&text(
            &match details::first_line_of_commit(deployment) {
                Some(message) => format!("{source}: {message}"),
                None => source,
            },
        )))
    });
    if took.is_none() && url.is_none() {
        return String::new();
    }
    let parts: Vec<String> = [took, url, source].into_iter().flatten().collect();
    parts.join(" · ")
}

fn warnings(record: &RunRecord, text: &impl Fn(&str) -> String) -> String {
    let all = record.warnings.iter();
    let lines = all.take(MOST_WARNINGS).map(|(warning, words)| {
        format!(
            "- ⚠️ Warning: {}\n",
            code(&text(&console::named(*warning, words)))
        )
    });
    lines.collect()
}

/// The details, in a table whose head is the first of them: a table without a head
/// is none.
fn table(outcome: &Outcome, record: &RunRecord, text: &impl Fn(&str) -> String) -> String {
    let groups = details::groups(record);
    let rows = groups.iter().flat_map(|group| &group.details);
    let ending = outcome.ending();
    let ending = format!("{} (exit code {})", ending.word(), ending.code());
    let rows = rows.map(|detail| row(detail, text));
    let rows: Vec<String> = rows
        .chain([format!("| Outcome | {} |\n", cell(&ending))])
        .collect();
    let Some((head, rest)) = rows.split_first() else {
        return String::new();
    };
    format!("{head}| --- | --- |\n{}", rest.concat())
}

fn row(detail: &Detail, text: &impl Fn(&str) -> String) -> String {
    let address = match &detail.form {
        DetailForm::Address => link(&detail.value),
        DetailForm::Link(address) => link(address),
        _ => None,
    };
    let value = address.unwrap_or_else(|| cell(&text(&detail.value)));
    format!("| {} | {value} |\n", detail.name)
}

/// The targets of a promotion to several, a row each.
fn targets(targets: &[ServiceRecord], text: &impl Fn(&str) -> String) -> String {
    if targets.len() < 2 {
        return String::new();
    }
    let mut markdown =
        "| Target | Status | Deployment | Time | URL |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for service_record in targets {
        let deployment = service_record.shown();
        let status = deployment.and_then(|deployment| deployment.status.reported());
        let cells = [
            service_record.target(),
            match (&service_record.end, service_record.rolled_back_id()) {
                (Some(end), _) => Some(end.word.to_owned()),
                (None, Some(_)) => status.map(|status| format!("{status} (rolled back)")),
                (None, None) => status.map(str::to_owned),
            },
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
    markdown
}

/// The end of the log: open where nothing else shows the cause.
fn last_lines(lines: &[String], causes: &[FailureCause]) -> String {
    const TITLE: &str = "Last lines of the log";
    if lines.is_empty() {
        return String::new();
    }
    let lines = fenced(lines);
    if causes::is_known(causes) {
        folded(TITLE, &[lines])
    } else {
        format!("{TITLE}:\n\n{lines}")
    }
}
