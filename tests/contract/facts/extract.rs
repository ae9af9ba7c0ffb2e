//! The facts of an OpenAPI document that matter to this program, one per line.

use std::collections::BTreeMap;

use serde_json::Value;
use sevalla_deploy::sevalla::contract::shapes;
use sevalla_deploy::sevalla::operation::{ALL, CREATE_PREVIEW_APP, GET_CURRENT_API_KEY, Operation};

/// The operations that are newer than the document of the facts.
pub(crate) const NEWER: &[&Operation] = &[&CREATE_PREVIEW_APP, &GET_CURRENT_API_KEY];

/// The parameters of queries that this program sends.
const QUERY: &[&str] = &[
    "limit",
    "offset",
    "from",
    "to",
    "filters",
    "interval_in_seconds",
];

/// Facts: operation, kind and name of each, and what the document says of it.
pub(crate) type Facts = BTreeMap<String, String>;

/// The facts of a document, of the operations that this program uses. A field
/// that is newer than the shapes is none: nothing here reads it.
pub(crate) fn facts(document: &Value) -> Facts {
    let mut facts = Facts::new();
    for operation in ALL.iter().chain(NEWER) {
        let method = operation.method.as_str().to_lowercase();
        let described = &document["paths"][operation.path][method.as_str()];
        if described.is_object() {
            of_operation(document, operation, described, &mut facts);
        }
    }
    facts
}

fn of_operation(document: &Value, operation: &Operation, described: &Value, facts: &mut Facts) {
    let id = operation.id;
    let mut note = |what: &str, value: String| {
        drop(facts.insert(format!("{id} {what}"), value));
    };
    let named = described["operationId"].as_str().unwrap_or("?");
    note(
        "operation is",
        format!("{} {} {named}", operation.method, operation.path),
    );
    let statuses = described["responses"].as_object();
    let statuses = statuses.into_iter().flat_map(|all| all.keys());
    note(
        "response statuses",
        statuses.cloned().collect::<Vec<_>>().join(" "),
    );
    let of_path = document["paths"][operation.path]["parameters"].as_array();
    let own = described["parameters"].as_array();
    for parameter in of_path.into_iter().chain(own).flatten() {
        let (kind, name) = (&parameter["in"], parameter["name"].as_str().unwrap_or("?"));
        let is_required = parameter["required"] == true;
        if kind == "path" || kind == "query" && (is_required || QUERY.contains(&name)) {
            let kind = kind.as_str().unwrap_or("?");
            note(
                &format!("{kind} {name}"),
                required(is_required, &describe(document, &parameter["schema"])),
            );
        }
    }
    if let Some(body) = schema_in(document, &described["requestBody"]) {
        let needed = body["required"].as_array();
        for (name, field) in body["properties"].as_object().into_iter().flatten() {
            let is_required = needed.is_some_and(|all| all.iter().any(|other| other == name));
            note(
                &format!("body {name}"),
                required(is_required, &describe(document, field)),
            );
        }
    }
    for (path, form) in answer(document, described) {
        let is_known = shapes::of(id).is_some_and(|shape| shape.has(&path));
        if path == "." || is_known {
            note(&format!("field {path}"), form);
        }
    }
}

fn required(is_required: bool, form: &str) -> String {
    let word = if is_required { "required " } else { "" };
    format!("{word}{form}")
}

/// The schema of a request or a response in JSON.
fn schema_in<'a>(document: &'a Value, described: &'a Value) -> Option<&'a Value> {
    let schema = &described["content"]["application/json"]["schema"];
    schema.is_object().then(|| followed(document, schema))
}

/// The schema itself where it is a reference.
fn followed<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str();
    let pointer = pointer.and_then(|path| path.strip_prefix('#'));
    pointer
        .and_then(|path| document.pointer(path))
        .unwrap_or(schema)
}

/// The fields of the records that a success returns, each with its path from
/// the record; `.` is what the records are in.
fn answer(document: &Value, described: &Value) -> Vec<(String, String)> {
    let responses = described["responses"].as_object();
    let success = responses.and_then(|all| all.iter().find(|(code, _)| code.starts_with('2')));
    let schema = success.and_then(|(_, response)| schema_in(document, response));
    let Some(schema) = schema else {
        return Vec::new();
    };
    let page = followed(document, &schema["properties"]["data"]);
    let (container, record) = if page["type"] == "array" {
        ("page", &page["items"])
    } else if schema["type"] == "array" {
        ("array", &schema["items"])
    } else {
        ("record", schema)
    };
    let mut fields = vec![(".".to_owned(), container.to_owned())];
    walk(document, followed(document, record), "", &mut fields);
    fields
}

fn walk(document: &Value, schema: &Value, before: &str, fields: &mut Vec<(String, String)>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{before}{name}");
        fields.push((path.clone(), describe(document, field)));
        for choice in choices(document, field) {
            walk(document, choice, &format!("{path}."), fields);
            for item in choices(document, &choice["items"]) {
                walk(document, item, &format!("{path}[]."), fields);
            }
        }
    }
}

/// The alternatives of a schema.
fn choices<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = followed(document, schema);
    let several = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    match several {
        Some(all) => all.iter().flat_map(|one| choices(document, one)).collect(),
        None => vec![schema],
    }
}

/// A schema in one line: its types, its format, its words.
fn describe(document: &Value, schema: &Value) -> String {
    let mut forms: Vec<String> = Vec::new();
    for choice in choices(document, schema) {
        let types = match &choice["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            Value::String(only) => vec![only.as_str()],
            _ => vec!["any"],
        };
        for name in types {
            let mut form = name.to_owned();
            if let (Some(format), "string") = (choice["format"].as_str(), name) {
                form += &format!(":{format}");
            }
            if name == "array" {
                form += &format!("<{}>", describe(document, &choice["items"]));
            }
            let words = choice["enum"].as_array().filter(|_| name != "null");
            if let Some(words) = words {
                let words = words.iter().filter_map(Value::as_str);
                form += &format!("{{{}}}", words.collect::<Vec<_>>().join(" "));
            }
            forms.push(form);
        }
    }
    forms.sort();
    forms.dedup();
    forms.join("|")
}

/// The place of a fact that can have words, as `additions.txt` names it.
pub(crate) fn place(what: &str) -> Option<String> {
    let [id, kind, name] = what.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    match kind {
        "field" => Some(format!("{}.{name}", shapes::of(id)?.name)),
        "body" => Some(format!("{id}.{name}")),
        _ => None,
    }
}

/// The words of a fact, if it is of a set.
pub(crate) fn words(form: &str) -> Option<Vec<&str>> {
    let (_, inside) = form.split_once('{')?;
    let (inside, _) = inside.split_once('}')?;
    Some(inside.split(' ').collect())
}
