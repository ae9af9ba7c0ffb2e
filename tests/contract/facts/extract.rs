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

/// What the facts of the whole document are called.
pub(crate) const DOCUMENT: &str = "document";

/// The largest integer of JavaScript, which generated documents name as a bound.
const UNBOUNDED: f64 = 9_007_199_254_740_991.0;

/// The facts of a document, of the operations that this program uses. A field
/// that is newer than the shapes is none: nothing here reads it.
pub(crate) fn facts(document: &Value) -> Facts {
    let mut facts = Facts::new();
    if let Some(access) = access(document, document) {
        facts.insert(format!("{DOCUMENT} access is"), access);
    }
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
    let is = format!("{} {} {named}", operation.method, operation.path);
    note("operation is", is + deprecated(described));
    let path = &document["paths"][operation.path];
    let own_access = access(document, described).or_else(|| access(document, path));
    note(
        "operation access",
        own_access.unwrap_or_else(|| "as the document".to_owned()),
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
            let form = describe(document, &parameter["schema"], Use::Sent);
            note(
                &format!("{kind} {name}"),
                required(is_required, &(form + deprecated(parameter))),
            );
        }
    }
    if let Some(body) = schema_in(document, &described["requestBody"]) {
        let needed = body["required"].as_array();
        for (name, field) in body["properties"].as_object().into_iter().flatten() {
            let is_required = needed.is_some_and(|all| all.iter().any(|other| other == name));
            note(
                &format!("body {name}"),
                required(is_required, &describe(document, field, Use::Sent)),
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

/// A mark of what is to be removed.
fn deprecated(described: &Value) -> &'static str {
    if described["deprecated"] == true {
        " deprecated"
    } else {
        ""
    }
}

/// The servers and the kinds of keys of a document, a path, or an operation, as far
/// as it has its own.
fn access(document: &Value, described: &Value) -> Option<String> {
    let servers = described["servers"].as_array().map(|all| {
        let addresses = all.iter().filter_map(|server| server["url"].as_str());
        addresses.collect::<Vec<_>>().join(" ")
    });
    let keys = described["security"].as_array().map(|all| {
        let ways = all.iter().map(|way| {
            let names = way.as_object().into_iter().flat_map(|names| names.keys());
            names
                .map(|name| key(document, name))
                .collect::<Vec<_>>()
                .join("+")
        });
        match ways.collect::<Vec<_>>().join("|") {
            none if none.is_empty() => "no key".to_owned(),
            ways => format!("key {ways}"),
        }
    });
    let parts: Vec<String> = servers.into_iter().chain(keys).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What a key is and where it is sent.
fn key(document: &Value, name: &str) -> String {
    let scheme = &document["components"]["securitySchemes"][name];
    let parts = ["type", "scheme", "in", "name"].map(|part| scheme[part].as_str());
    parts.into_iter().flatten().collect::<Vec<_>>().join(":")
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
    let always = schema["required"].as_array();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{before}{name}");
        let is_always = always.is_some_and(|all| all.iter().any(|other| other == name));
        let presence = if is_always { "" } else { "optional " };
        let form = describe(document, field, Use::Read);
        fields.push((path.clone(), format!("{presence}{form}")));
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

/// What the program does with a value.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// Of what it reads, the bounds do not matter.
    Read,
    Sent,
}

/// The bounds of a value, a text or a list: `[1..100]`, with `>` of one that does
/// not belong to it.
fn bounds(schema: &Value, kind: &str) -> String {
    let [least, most] = match kind {
        "string" => ["minLength", "maxLength"],
        "array" => ["minItems", "maxItems"],
        _ => ["minimum", "maximum"],
    };
    let bound = |name: &str| {
        let number = schema[name].as_f64()?;
        (number.abs() < UNBOUNDED).then(|| number.to_string())
    };
    let or_beyond = |name: &str, other: &str| {
        let beyond = || Some(format!(">{}", bound(other)?));
        bound(name).or_else(beyond).unwrap_or_default()
    };
    let least = or_beyond(least, "exclusiveMinimum");
    let most = or_beyond(most, "exclusiveMaximum");
    if least.is_empty() && most.is_empty() {
        return String::new();
    }
    format!("[{least}..{most}]")
}

/// A schema in one line: its types, its format, its bounds, its words.
fn describe(document: &Value, schema: &Value, used: Use) -> String {
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
                form += &format!("<{}>", describe(document, &choice["items"], used));
            }
            if used == Use::Sent && name != "null" {
                form += &bounds(choice, name);
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
    forms.join("|") + deprecated(followed(document, schema))
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
