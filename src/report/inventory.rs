//! Records as JSON for programs and as a table for people. Pure.
//!
//! Only the fields that are named here are shown, in this order: a field that
//! is new could hold a secret, and an order that changes breaks comparisons.

mod fields;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

pub use self::fields::{fields_of, fields_of_one};
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

    /// The same with a value behind the rest.
    #[must_use]
    pub fn with_value(mut self, name: &'static str, value: Value) -> Self {
        self.value = Some((name, value));
        self
    }

    /// The same with a list that belongs to it.
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

/// The same without passwords in addresses, such as that of a repository.
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
pub fn table(list: ResourceList, items: &[ResourceRecord]) -> Vec<String> {
    let columns = columns_of(list);
    let head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let cells = |item: &ResourceRecord| columns.iter().map(|&column| cell(item, column)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(items.iter().map(cells))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The lines that tell of one record: each field that has a plain value.
pub fn lines(kind: ResourceKind, record: &ResourceRecord) -> Vec<String> {
    let fields = fields_of_one(kind).iter();
    let told = fields.filter_map(|field| {
        let value = record.get(field).filter(|value| !value.is_object())?;
        Some(format!("{field}: {}", cut(&in_words(Some(value)))))
    });
    told.collect()
}

fn cell(item: &ResourceRecord, column: &str) -> String {
    cut(&item
        .get(column)
        .map(|value| in_words(Some(value)))
        .unwrap_or_default())
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
            table(ResourceList::All(ResourceKind::Pipeline), &pipelines),
            [
                "id  display_name   type",
                "1   shop           trunk",
                "22  a longer name  branch",
            ]
        );
    }
}
