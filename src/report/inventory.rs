//! Records as JSON for programs and as a table for people. Pure.
//!
//! Only the fields that are named here are shown, in this order: a field that
//! is new could hold a secret, and an order that changes breaks comparisons.

mod fields;

use std::cmp::Reverse;

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

pub use self::fields::{fields_of, fields_of_one};
use crate::ci::TableLayout;
use crate::resource::{ResourceKind, ResourceList};
use crate::sevalla::ResourceRecord;

/// The most characters of a cell.
const WIDEST: usize = 60;

/// The columns of a list on the console.
fn columns_of(list: ResourceList) -> &'static [&'static str] {
    match list {
        ResourceList::All(ResourceKind::Application | ResourceKind::StaticSite) => {
            &["id", "display_name", "status"]
        }
        ResourceList::All(ResourceKind::Pipeline) => &["id", "display_name", "type"],
        ResourceList::All(ResourceKind::Database) => &[
            "id",
            "display_name",
            "status",
            "type",
            "version",
            "resource_type_name",
        ],
        ResourceList::Deployments(_) => &["id", "status", "branch", "commit_sha", "created_at"],
        ResourceList::Processes(_) => &["id", "key", "type", "resource_type_name", "port"],
    }
}

/// A record with some of its fields, in the order of this list. An action makes it
/// for the output and the console.
pub struct SelectedFields<'a> {
    record: &'a ResourceRecord,
    fields: &'a [&'a str],
    /// Lists that belong to it, behind its fields.
    parts: Vec<(&'static str, Vec<Self>)>,
    /// A value behind those that is of no record.
    value: Option<(&'static str, Value)>,
}

impl<'a> SelectedFields<'a> {
    /// Of a record, these fields.
    pub const fn of(record: &'a ResourceRecord, fields: &'a [&'a str]) -> Self {
        Self {
            record,
            fields,
            parts: Vec::new(),
            value: None,
        }
    }

    /// This record with a value behind the rest.
    #[must_use]
    pub fn with_value(mut self, name: &'static str, value: Value) -> Self {
        self.value = Some((name, value));
        self
    }

    /// This record with a list that belongs to it.
    #[must_use]
    pub fn with(
        mut self,
        name: &'static str,
        list: ResourceList,
        items: &'a [ResourceRecord],
    ) -> Self {
        self.parts.push((name, all(list, items)));
        self
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        // Text and numbers: they encode.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The items of a list.
pub fn all(list: ResourceList, items: &[ResourceRecord]) -> Vec<SelectedFields<'_>> {
    let fields = fields_of(list);
    items
        .iter()
        .map(|item| SelectedFields::of(item, fields))
        .collect()
}

/// One line of JSON for a list.
pub fn json(list: ResourceList, items: &[ResourceRecord]) -> String {
    serde_json::to_string(&all(list, items)).unwrap_or_default()
}

impl Serialize for SelectedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.fields {
            map.serialize_entry(
                field,
                &self.record.get(field).cloned().map(without_passwords),
            )?;
        }
        for (name, items) in &self.parts {
            map.serialize_entry(name, items)?;
        }
        if let Some((name, value)) = &self.value {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value without passwords in addresses, such as that of a repository.
fn without_passwords(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_password(&text)),
        Value::Array(items) => items.into_iter().map(without_passwords).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, without_passwords(value)))
            .collect(),
        plain => plain,
    }
}

/// `https://user:password@host/` without what stands before the host.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => text.to_owned(),
    }
}

/// A value for people.
pub fn in_words(value: Option<&Value>) -> String {
    match value.cloned().map(without_passwords) {
        None | Some(Value::Null) => "(none)".to_owned(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

/// The lines of a table of a list.
pub fn table(list: ResourceList, items: &[ResourceRecord], layout: &TableLayout) -> Vec<String> {
    let columns = columns_of(list);
    let head = columns.iter().map(|&column| title(column).to_owned());
    let head: Vec<String> = head.collect();
    let cells = |item: &ResourceRecord| {
        let cells = columns.iter().map(|&column| cell(item, column, layout));
        cells.collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(items.iter().map(cells))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(width).collect();
    if let Some(room) = layout.columns {
        fit(&mut widths, columns, room);
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| {
                let cell = truncate_str(cell, *width, "…");
                let free = width.saturating_sub(measure_text_width(&cell));
                format!("{cell}{}{GAP}", " ".repeat(free))
            })
            .collect();
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// What is between two columns.
const GAP: &str = "  ";

/// No column becomes narrower than this.
const NARROWEST: usize = 4;

/// The heading of a column.
fn title(column: &str) -> &str {
    match column {
        "commit_sha" => "commit",
        "created_at" => "created",
        other => other,
    }
}

/// Takes from the widest columns until all fit. The first is the id, which stays
/// whole, so that it can be copied.
fn fit(widths: &mut [usize], columns: &[&str], room: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    loop {
        let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
        let others = widths.iter_mut().zip(columns).skip(1);
        let can_give = others.filter(|(width, _)| **width > NARROWEST);
        let next = can_give.min_by_key(|(width, column)| (precedence(column), Reverse(**width)));
        let (Some((width, _)), true) = (next, excess > 0) else {
            return;
        };
        *width -= 1;
    }
}

/// Which columns give room first. A display name is an input, so it must be exact; a
/// commit and a time are short already.
fn precedence(column: &str) -> u8 {
    match column {
        "display_name" => 1,
        column if title(column) != column => 2,
        _ => 0,
    }
}

/// The lines of one record: each field that has a plain value.
pub fn lines(kind: ResourceKind, record: &ResourceRecord) -> Vec<String> {
    let fields = fields_of_one(kind).iter();
    let reported = fields.filter_map(|field| {
        let value = record.get(field).filter(|value| !value.is_object())?;
        Some(format!("{field}: {}", cut(&in_words(Some(value)))))
    });
    reported.collect()
}

fn cell(item: &ResourceRecord, column: &str, layout: &TableLayout) -> String {
    let value = item.get(column);
    let value = value.map(|value| in_words(Some(value))).unwrap_or_default();
    match column {
        "commit_sha" => value.chars().take(SHORT_COMMIT).collect(),
        "created_at" => in_minutes(&value, layout.now.as_ref()),
        "status" => cut(&status_in_words(&value)),
        _ => cut(&value),
    }
}

/// A status in small letters: "password change". That of an application is its last
/// deployment's, and says so in each of its words, which leaves no room for the rest:
/// `deploymentInProgress` is "in progress".
fn status_in_words(status: &str) -> String {
    let mut words = String::new();
    let mut is_in_word = false;
    for letter in status.chars() {
        if letter.is_ascii_uppercase() && is_in_word {
            words.push(' ');
        }
        is_in_word = letter.is_ascii_lowercase();
        words.push(letter.to_ascii_lowercase());
    }
    match words.strip_prefix("deployment ") {
        Some(rest) => rest.to_owned(),
        None => words,
    }
}

/// So many digits of a commit are enough to find it.
const SHORT_COMMIT: usize = 7;

/// A moment as people write it: local time for a person, of a year with the time
/// of day; else UTC.
fn in_minutes(moment: &str, now: Option<&(TimeZone, Timestamp)>) -> String {
    let Ok(time) = moment.parse::<Timestamp>() else {
        return cut(moment);
    };
    let Some((zone, now)) = now else {
        return time.strftime("%FT%H:%MZ").to_string();
    };
    let (time, now) = (zone.to_datetime(time), zone.to_datetime(*now));
    let form = if time.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%F"
    };
    time.strftime(form).to_string()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Service;

    fn record(json: &str) -> ResourceRecord {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn fields_come_in_our_order_and_no_other_comes() {
        let site = record(
            r#"{"status":null,"secret":"x","display_name":"docs","id":"a","name":"docs-a"}"#,
        );
        let list = ResourceList::All(ResourceKind::StaticSite);
        assert_eq!(
            json(list, &[site]),
            r#"[{"id":"a","name":"docs-a","display_name":"docs","status":null}]"#
        );
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for (text, shown) in [
            ("https://me:geheim@a.b/c", "https://***@a.b/c"),
            ("https://token@a.b", "https://***@a.b"),
            ("https://a.b/c@d", "https://a.b/c@d"),
            ("git@a.b:c/d", "git@a.b:c/d"),
        ] {
            assert_eq!(without_password(text), shown);
        }
        let app = record(r#"{"id":"a","repo_url":"https://me:geheim@a.b/c"}"#);
        assert!(
            !SelectedFields::of(&app, fields_of_one(ResourceKind::Application))
                .json()
                .contains("geheim")
        );
        assert!(
            !lines(ResourceKind::Application, &app)
                .concat()
                .contains("geheim")
        );
    }

    #[test]
    fn a_table_has_columns_of_one_width() {
        let pipelines = [
            record(r#"{"id":"1","display_name":"shop","type":"trunk"}"#),
            record(r#"{"id":"22","display_name":"a longer name","type":"branch"}"#),
        ];
        assert_eq!(
            table(
                ResourceList::All(ResourceKind::Pipeline),
                &pipelines,
                &TableLayout::default()
            ),
            [
                "id  display_name   type",
                "1   shop           trunk",
                "22  a longer name  branch",
            ]
        );
    }

    #[test]
    fn a_status_is_in_small_letters_and_without_the_word_deployment() {
        for (status, words) in [
            ("deploymentInProgress", "in progress"),
            ("deploymentCancelled", "cancelled"),
            ("appDeletionFailed", "app deletion failed"),
            ("deleting", "deleting"),
            ("success", "success"),
            ("ACTIVE", "active"),
            ("deployment", "deployment"),
            ("", ""),
        ] {
            assert_eq!(status_in_words(status), words);
        }
    }

    #[test]
    fn a_table_fits_the_terminal_and_keeps_the_id_whole() {
        let deployment = record(
            r#"{"id":"4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11","status":"success",
                "branch":"feature/a-rather-long-name-of-a-branch","commit_sha":
                "59507fa69c0e4f7a8b6d5c4e3f2a1b0c9d8e7f60","created_at":"2026-11-30T23:00:05.123Z"}"#,
        );
        let list = ResourceList::Deployments(Service::application(uuid::Uuid::nil()));
        let layout = |columns| TableLayout {
            columns: Some(columns),
            now: "2026-12-01T10:00:00Z"
                .parse::<Timestamp>()
                .ok()
                .map(|now| (TimeZone::posix("CET-1").unwrap(), now)),
        };
        let rows = table(list, std::slice::from_ref(&deployment), &layout(80));
        assert_eq!(
            rows[1],
            "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11  success  feature/a…  59507fa  Dec 01 00:00"
        );
        for columns in 1..120 {
            for row in table(list, std::slice::from_ref(&deployment), &layout(columns)) {
                assert!(row.chars().count() <= columns.max(60), "{columns}: {row}");
            }
        }
        let rows = table(list, &[deployment], &TableLayout::default());
        assert!(
            rows[1].ends_with("  59507fa  2026-11-30T23:00Z"),
            "{}",
            rows[1]
        );
    }
}
