//! The report about the API, to be pasted into an issue: types, words, presence
//! of fields and headers, orders and lags. Never a value that could be private.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::bounds::MOST_NEWS;
use super::evidence::{Evidence, time};
use super::unknowns::marked;
use crate::sevalla::contract::news;
use crate::sevalla::contract::{shapes, words};
use crate::text::truncate::first_of;

/// The lines of the report.
pub(crate) fn lines(evidence: &Evidence) -> Vec<String> {
    let mut lines = vec![
        format!("sevalla-deploy {} doctor report", env!("CARGO_PKG_VERSION")),
        String::new(),
        "What the documents leave open:".to_owned(),
    ];
    let readable = marked(evidence)
        .into_iter()
        .filter(|(row, _)| row.is_readable());
    lines.extend(readable.map(|(row, mark)| format!("  {}: {}", row.slug, mark.word())));
    for (heading, part) in [
        (
            "Not in the contract:",
            first_news(publishable_news(evidence)),
        ),
        ("Requests:", requests(evidence)),
        ("Headers of the responses:", headers(evidence)),
        ("Fields:", fields(evidence)),
        ("Lags in seconds:", lags(evidence)),
    ] {
        lines.push(String::new());
        lines.push(heading.to_owned());
        if part.is_empty() {
            lines.push("  none".to_owned());
        }
        lines.extend(part.into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// The requests that had a response.
fn requests(evidence: &Evidence) -> Vec<String> {
    let answers = evidence.answers.iter().map(|answer| {
        let seconds = answer.took.as_secs();
        let (id, headers) = (answer.operation.id, answer.head.names.len());
        format!("{id}: {seconds} s, {headers} headers")
    });
    let refused = evidence.refused.iter();
    let refused = refused.map(|one| format!("{}: HTTP {}", one.operation.id, one.status));
    answers.chain(refused).collect()
}

/// What no contract has, each once; the first of it, if it is very much.
pub(crate) fn news_of(evidence: &Evidence) -> Vec<String> {
    first_news(all_news(evidence))
}

/// What no contract has, for the report: without words that may be private.
fn publishable_news(evidence: &Evidence) -> BTreeSet<String> {
    let all = all_news(evidence);
    all.iter().map(|line| news::to_paste(line)).collect()
}

fn first_news(all: BTreeSet<String>) -> Vec<String> {
    let (shown, more) = first_of(all, MOST_NEWS);
    shown.into_iter().chain(more).collect()
}

fn all_news(evidence: &Evidence) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.extend(evidence.answers.iter().flat_map(|answer| answer.news()));
    for refused in &evidence.refused {
        all.extend(refused.head.news().chain(news::of_status(refused.status)));
    }
    all
}

/// The known headers, each with whether all responses have it.
fn headers(evidence: &Evidence) -> Vec<String> {
    let count = evidence.heads().count();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for name in evidence.heads().flat_map(|head| &head.names) {
        if news::of_header(name).is_none() {
            *seen.entry(name).or_default() += 1;
        }
    }
    // The rest of the name of such a header may be anything.
    let known = seen.into_iter().filter(|(name, _)| news::is_listed(name));
    let reported = known.map(|(name, times)| {
        if times == count {
            name.to_owned()
        } else {
            format!("{name} (in {times} of {count})")
        }
    });
    reported.collect()
}

/// The fields of each shape with the types that were seen, and the known words.
fn fields(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for shape in shapes::ALL {
        let all: Vec<&Value> = evidence.records(shape.name).collect();
        if all.is_empty() {
            continue;
        }
        for field in shape.fields() {
            let mut forms: BTreeSet<&str> = BTreeSet::new();
            for record in &all {
                collect(record, field, &mut |value| {
                    forms.insert(value.map_or("absent", form));
                });
            }
            if forms.is_empty() {
                // The list around it has no item.
                forms.insert("not seen");
            }
            let forms: Vec<&str> = forms.into_iter().collect();
            let mut line = format!("{}.{field}: {}", shape.name, forms.join(" "));
            let seen = words_of(&all, shape.name, field);
            if !seen.is_empty() {
                line += &format!(" = {}", seen.join(" "));
            }
            lines.push(line);
        }
    }
    lines
}

/// Calls with each value at this path of a record.
fn collect<'a>(record: &'a Value, path: &str, found: &mut dyn FnMut(Option<&'a Value>)) {
    match path.split_once("[].") {
        None => found(record.get(path)),
        Some((list, rest)) => {
            let items = record.get(list).and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                collect(item, rest, found);
            }
        }
    }
}

/// The known words that a field has, of a set.
fn words_of(records: &[&Value], shape: &str, field: &str) -> Vec<&'static str> {
    let Some(set) = words::of(&format!("{shape}.{field}")) else {
        return Vec::new();
    };
    let mut seen: Vec<&'static str> = Vec::new();
    for word in set.known {
        let mut has = false;
        for record in records {
            collect(record, field, &mut |value| {
                let items = value.map_or(&[][..], |value| {
                    value
                        .as_array()
                        .map_or(std::slice::from_ref(value), Vec::as_slice)
                });
                has |= items.iter().any(|item| item == word);
            });
        }
        if has {
            seen.push(word);
        }
    }
    seen
}

/// The form of a value.
fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "decimal",
        Value::Number(_) => "integer",
        Value::Array(items) if items.is_empty() => "empty-list",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
        Value::String(text) => form_of(text),
    }
}

fn form_of(text: &str) -> &'static str {
    let is_hex = || text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.is_empty() {
        "empty-text"
    } else if text.len() == 36 && text.parse::<uuid::Uuid>().is_ok() {
        "uuid"
    } else if text.parse::<Timestamp>().is_ok() {
        "timestamp"
    } else if text.len() == 40 && is_hex() {
        "sha1"
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        "digits"
    } else {
        "text"
    }
}

/// How long deployments waited, and how far the log goes.
fn lags(evidence: &Evidence) -> Vec<String> {
    let waits = evidence.deployments().filter_map(|one| {
        let wait = time(one, "started_at")?.duration_since(time(one, "created_at")?);
        Some(wait.as_secs())
    });
    let mut waits: Vec<i64> = waits.collect();
    waits.sort_unstable();
    let mut lines = Vec::new();
    if let (Some(least), Some(most)) = (waits.first(), waits.last()) {
        lines.push(format!("created to started: {least} to {most}"));
    }
    for (deployment, lines_of_log) in evidence.logs() {
        let last = lines_of_log
            .iter()
            .filter_map(|line| super::marks::micros(line))
            .max();
        let end = time(deployment, "finished_at").map(Timestamp::as_microsecond);
        if let Some((last, end)) = last.zip(end) {
            lines.push(format!(
                "last line to end: {}",
                end.saturating_sub(last) / 1_000_000
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
