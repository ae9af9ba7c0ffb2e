//! The facts, held against a document: what has changed in Sevalla's contract
//! of what this program uses.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};
use sevalla_deploy::sevalla::contract::shapes::{self, Shape};

use super::extract::{self, Facts, NEWER};
use super::{added, additions, filed, write};
use crate::openapi::{document, operation_problems, request_problems};

/// How many differences an issue shows.
const MOST: usize = 200;

/// The fields that the program reads of the responses of newer operations.
const READ_OF_NEWER: &[&str] = &[
    "id",
    "capabilities[].permission",
    "capabilities[].id_resource",
];

/// What is different, one line each; empty if nothing is.
fn difference(known: &Facts, now: &Facts, known_words: &[Vec<String>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, form) in known {
        match now.get(what) {
            None => lines.push(format!("removed: {what} ({form})")),
            Some(other) if other == form => {}
            Some(other) => lines.extend(change(what, form, other, known_words)),
        }
    }
    let (newer, relied_on) = newer(known, now);
    lines.extend(newer);
    for (what, form) in now.iter().filter(|(what, _)| !known.contains_key(*what)) {
        // The others are newer than the facts, and nobody needs them.
        if form.starts_with("required ") && !relied_on.contains(what) {
            lines.push(format!("required now: {what} ({form})"));
        }
    }
    lines
}

/// The operations that the document has and the facts do not have yet: that it has
/// them, and what it lacks of what the program relies on. Also everything that it
/// relies on.
fn newer(known: &Facts, now: &Facts) -> (Vec<String>, BTreeSet<String>) {
    let (mut lines, mut relied_on) = (Vec::new(), BTreeSet::new());
    for operation in NEWER {
        let id = operation.id;
        let what = format!("{id} operation is");
        let Some(form) = now.get(&what).filter(|_| !known.contains_key(&what)) else {
            continue;
        };
        lines.push(format!("documented now: {what} ({form})"));
        let path = operation.path.split(['{', '}']).skip(1).step_by(2);
        let path = path.map(|name| format!("{id} path {name}"));
        let body = added("body", id).into_iter();
        let body = body.map(|name| format!("{id} body {name}"));
        let fields = shapes::of(id).into_iter().flat_map(Shape::fields);
        let fields = fields.filter(|name| READ_OF_NEWER.contains(name));
        let fields = fields.map(|name| format!("{id} field {name}"));
        let all: Vec<String> = path.chain(body).chain(fields).collect();
        let gone = all.iter().filter(|what| !now.contains_key(*what));
        lines.extend(gone.map(|what| format!("not there: {what}")));
        relied_on.extend(all);
    }
    (lines, relied_on)
}

/// A form without the words of its one set. Of several sets it is the form itself:
/// a word may have moved from one to another.
fn outline(form: &str) -> String {
    match form.split(['{', '}']).collect::<Vec<_>>()[..] {
        [before, _, after] => format!("{before}{{}}{after}"),
        _ => form.to_owned(),
    }
}

/// A fact that changed: its words, or all of it. A word of `additions.txt` is
/// no news.
fn change(what: &str, form: &str, other: &str, known_words: &[Vec<String>]) -> Option<String> {
    let (before, after) = (extract::words(form), extract::words(other));
    if let (Some(before), Some(after)) = (before, after)
        && outline(form) == outline(other)
    {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) =
            (before.into_iter().collect(), after.into_iter().collect());
        let place = extract::place(what);
        let is_known = |word: &&&str| {
            let mut rows = known_words.iter();
            rows.any(|row| row.first() == place.as_ref() && row.contains(&(**word).to_owned()))
        };
        let new: Vec<&str> = after
            .difference(&before)
            .filter(|word| !is_known(word))
            .copied()
            .collect();
        let gone: Vec<&str> = before.difference(&after).copied().collect();
        let mut parts = Vec::new();
        if !new.is_empty() {
            parts.push(format!("new words {}", new.join(" ")));
        }
        if !gone.is_empty() {
            parts.push(format!("words gone {}", gone.join(" ")));
        }
        return (!parts.is_empty()).then(|| format!("{what}: {}", parts.join(", ")));
    }
    Some(format!("changed: {what} ({form} is now {other})"))
}

/// The text of an issue. What a document holds is not trusted.
fn issue(lines: &[String]) -> String {
    let mut text = String::from(
        "Sevalla's published OpenAPI document differs from `tests/contract/facts/facts.txt` in \
         parts that this program uses. Adapt the program, then update the facts with \
         `just facts DOCUMENT`.\n\n",
    );
    let is_plain = |c: char| c.is_ascii_graphic() && c != '`' || c == ' ';
    for line in lines.iter().take(MOST) {
        let line: String = line.chars().take(300).collect();
        let line = line.replace(|c| !is_plain(c), "?");
        let _infallible = writeln!(text, "    {line}");
    }
    if lines.len() > MOST {
        let _infallible = writeln!(text, "\nAnd {} more.", lines.len() - MOST);
    }
    text
}

/// With `FACTS=write` makes the file. With `DRIFT` writes the difference to the
/// file that it names, instead of failing: an empty file if there is none, so that
/// its absence shows that nothing was compared.
#[tokio::test]
async fn the_document_has_the_facts() {
    let Some(document) = document() else { return };
    let now = extract::facts(&document);
    assert!(
        !now.is_empty(),
        "no operation of the program is in the document"
    );
    if std::env::var_os("FACTS").is_some_and(|word| word == "write") {
        return write(&now);
    }
    let mut lines = difference(&filed(), &now, &additions("word"));
    lines.extend(operation_problems(&document));
    lines.extend(request_problems(&document).await);
    match std::env::var_os("DRIFT").filter(|path| !path.is_empty()) {
        Some(path) if lines.is_empty() => std::fs::write(path, "").unwrap(),
        Some(path) => std::fs::write(path, issue(&lines)).unwrap(),
        None => assert!(lines.is_empty(), "{}", issue(&lines)),
    }
    let _closed = writeln!(
        std::io::stderr(),
        "compared with the document: {} facts",
        now.len()
    );
}

/// A document of two operations.
fn small() -> Value {
    let record = json!({"type": "object", "required": ["id", "build_type", "status"], "properties": {
        "id": {"type": "string", "format": "uuid"},
        "build_type": {"type": "string", "enum": ["dockerfile", "pack"]},
        "status": {"anyOf": [{"type": "string", "enum": ["deleting"]}, {"type": "null"}]},
        "buildpacks": {"type": "array", "items": {"$ref": "#/components/schemas/buildpack"}},
        "unread": {"type": "string"},
    }});
    let id = json!({"in": "path", "name": "id", "required": true, "schema": {"type": "string"}});
    json!({
        "servers": [{"url": "https://api.example/v3"}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"buildpack": {"type": "object", "properties": {
            "order": {"type": "integer"}}}}},
        "paths": {"/applications/{id}": {
            "get": {"operationId": "getApplicationV3", "parameters": [id], "responses": {
                "200": {"content": {"application/json": {"schema": record}}}, "404": {}}},
            "patch": {"operationId": "updateApplicationV3", "parameters": [id],
                "requestBody": {"content": {"application/json": {"schema": {
                    "type": "object", "properties": {"auto_deploy": {"type": "boolean"},
                        "display_name": {"type": "string", "minLength": 1, "maxLength": 64},
                        "hibernate_after_seconds": {"type": "integer", "minimum": 1,
                            "exclusiveMaximum": 900}}}}}},
                "responses": {"200": {"content": {"application/json": {"schema": record}}}}},
        }},
    })
}

/// Sets a value of a document, also a new one.
fn at(document: &mut Value, path: &str, value: Value) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
}

/// The difference that a change of the small document makes.
fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut document = small();
    change(&mut document);
    let known = vec![vec![
        "application.build_type".to_owned(),
        "ingot".to_owned(),
    ]];
    difference(
        &extract::facts(&small()),
        &extract::facts(&document),
        &known,
    )
}

#[test]
fn each_change_of_a_document_is_seen_if_it_concerns_the_program() {
    const GET: &str = "/paths/~1applications~1{id}/get";
    let schema = format!("{GET}/responses/200/content/application~1json/schema/properties");
    let gone = |document: &mut Value, path: &str| {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap().as_object_mut();
        parent.unwrap().remove(name).unwrap();
    };
    assert_eq!(after(|_| {}), Vec::<String>::new());
    let words = |words: Value| {
        let path = format!("{schema}/build_type/enum");
        after(move |document| at(document, &path, words))
    };
    let place = "getApplicationV3 field build_type";
    assert_eq!(
        words(json!(["dockerfile", "pack", "boat"])),
        [format!("{place}: new words boat")]
    );
    assert_eq!(
        words(json!(["pack"])),
        [format!("{place}: words gone dockerfile")]
    );
    // A field of the same name elsewhere has a word of its own.
    let body = "/paths/~1applications~1{id}/patch/requestBody/content/application~1json/schema";
    let sent = json!({"type": "string", "enum": ["dockerfile"]});
    let mut before = small();
    at(&mut before, &format!("{body}/properties/build_type"), sent);
    let mut later = before.clone();
    let more = json!(["dockerfile", "ingot"]);
    at(
        &mut later,
        &format!("{body}/properties/build_type/enum"),
        more,
    );
    let known = [vec![
        "application.build_type".to_owned(),
        "ingot".to_owned(),
    ]];
    assert_eq!(
        difference(&extract::facts(&before), &extract::facts(&later), &known),
        ["updateApplicationV3 body build_type: new words ingot"]
    );
    // A word that `additions.txt` has, another order, and what nobody reads.
    assert!(words(json!(["dockerfile", "pack", "ingot"])).is_empty());
    assert!(words(json!(["pack", "dockerfile"])).is_empty());
    assert!(after(|document| gone(document, &format!("{schema}/unread"))).is_empty());
    assert!(after(|document| at(document, &format!("{schema}/new"), json!({}))).is_empty());
    assert_eq!(
        after(|document| gone(document, &format!("{schema}/status"))),
        ["removed: getApplicationV3 field status (null|string{deleting})"]
    );
    assert_eq!(
        after(|document| at(document, &format!("{schema}/id/type"), json!("integer"))),
        ["changed: getApplicationV3 field id (string:uuid is now integer)"]
    );
    // What is behind the words, and a second set.
    let list = |types: Value, more: Value| {
        let items = json!({"type": "string", "enum": ["boat"]});
        let record = format!("{schema}/build_type");
        let mut before = small();
        let form = json!({"type": ["array", "null"], "items": items});
        at(&mut before, &record, form);
        let mut later = before.clone();
        at(&mut later, &record, json!({"type": types, "items": items}));
        if more.is_array() {
            at(&mut later, &format!("{record}/items/enum"), more);
        }
        difference(&extract::facts(&before), &extract::facts(&later), &[])
    };
    assert_eq!(
        list(json!("array"), json!(["boat", "ship"])),
        [format!(
            "changed: {place} (array<string{{boat}}>|null is now array<string{{boat ship}}>)"
        )]
    );
    assert_eq!(
        list(json!(["array", "null"]), json!(["boat", "ship"])),
        [format!("{place}: new words ship")]
    );
    let order = "/components/schemas/buildpack/properties/order/type";
    let lines = after(|document| at(document, order, json!("string")));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(after(|document| gone(document, GET)).len(), 10);
    let id = format!("{GET}/parameters/0/name");
    assert_eq!(
        after(|document| at(document, &id, json!("app")))[0],
        "removed: getApplicationV3 path id (required string)"
    );
    let patch = "/paths/~1applications~1{id}/patch/requestBody/content/application~1json/schema";
    let new = after(|document| {
        at(
            document,
            &format!("{patch}/properties/reason"),
            json!({"type": "string"}),
        );
        at(document, &format!("{patch}/required"), json!(["reason"]));
    });
    assert_eq!(
        new,
        ["required now: updateApplicationV3 body reason (required string)"]
    );
}

/// Each change of the small document at a path, with the difference.
#[test]
fn presence_bounds_marks_and_access_are_compared() {
    const APP: &str = "/paths/~1applications~1{id}";
    let record = format!("{APP}/get/responses/200/content/application~1json/schema");
    let body = format!("{APP}/patch/requestBody/content/application~1json/schema");
    let sent = format!("{body}/properties");
    let now = |path: String, value: Value| after(|document| at(document, &path, value));
    let cases = [
        (
            format!("{record}/required"),
            json!(["id", "status"]),
            "changed: getApplicationV3 field build_type (string{dockerfile pack} is now optional \
             string{dockerfile pack})",
        ),
        (
            format!("{body}/required"),
            json!(["auto_deploy"]),
            "changed: updateApplicationV3 body auto_deploy (boolean is now required boolean)",
        ),
        (
            format!("{sent}/display_name/maxLength"),
            json!(32),
            "changed: updateApplicationV3 body display_name (string[1..64] is now string[1..32])",
        ),
        (
            format!("{sent}/hibernate_after_seconds/minimum"),
            json!(60),
            "changed: updateApplicationV3 body hibernate_after_seconds (integer[1..>900] is now \
             integer[60..>900])",
        ),
        (
            format!("{sent}/hibernate_after_seconds/exclusiveMaximum"),
            json!(600),
            "changed: updateApplicationV3 body hibernate_after_seconds (integer[1..>900] is now \
             integer[1..>600])",
        ),
        (
            format!("{APP}/get/deprecated"),
            json!(true),
            "changed: getApplicationV3 operation is (GET /applications/{id} getApplicationV3 is \
             now GET /applications/{id} getApplicationV3 deprecated)",
        ),
        (
            format!("{sent}/auto_deploy/deprecated"),
            json!(true),
            "changed: updateApplicationV3 body auto_deploy (boolean is now boolean deprecated)",
        ),
        (
            format!("{record}/properties/id/deprecated"),
            json!(true),
            "changed: getApplicationV3 field id (string:uuid is now string:uuid deprecated)",
        ),
        (
            format!("{APP}/get/parameters/0/deprecated"),
            json!(true),
            "changed: getApplicationV3 path id (required string is now required string deprecated)",
        ),
        (
            "/servers".to_owned(),
            json!([{"url": "https://api.example/v4"}]),
            "changed: document access is (https://api.example/v3 key http:bearer is now \
             https://api.example/v4 key http:bearer)",
        ),
        (
            "/components/securitySchemes/key".to_owned(),
            json!({"type": "apiKey", "in": "header", "name": "x-key"}),
            "changed: document access is (https://api.example/v3 key http:bearer is now \
             https://api.example/v3 key apiKey:header:x-key)",
        ),
        (
            format!("{APP}/get/servers"),
            json!([{"url": "https://read.example"}]),
            "changed: getApplicationV3 operation access (as the document is now \
             https://read.example)",
        ),
        (
            format!("{APP}/patch/security"),
            json!([]),
            "changed: updateApplicationV3 operation access (as the document is now no key)",
        ),
    ];
    for (path, value, expected) in cases {
        assert_eq!(now(path.clone(), value), [expected], "{path}");
    }
    // What is only read has no bounds, and the largest number is none.
    for (path, value) in [
        (format!("{record}/properties/id/maxLength"), json!(36)),
        (
            format!("{sent}/auto_deploy/maximum"),
            json!(9_007_199_254_740_991_i64),
        ),
    ] {
        assert_eq!(now(path, value), Vec::<String>::new());
    }
}

#[test]
fn an_operation_that_is_newer_than_the_facts_is_compared_with_what_is_relied_on() {
    let of = |body: Value, path: &str| {
        after(|document| {
            let id = json!({"in": "path", "name": path, "required": true,
                "schema": {"type": "string"}});
            document["paths"]["/pipelines/{id}/preview/apps"] = json!({"post": {
                "operationId": "createPreviewAppV3", "parameters": [id],
                "requestBody": {"content": {"application/json": {"schema": body}}},
                "responses": {"201": {"content": {"application/json": {"schema": {
                    "type": "object", "properties": {"id": {"type": "string"}}}}}}}}});
        })
    };
    let now = "documented now: createPreviewApp operation is (POST /pipelines/{id}/preview/apps \
               createPreviewAppV3)";
    let text = json!({"type": "string"});
    let body = json!({"type": "object", "required": ["branch"],
        "properties": {"branch": text, "pull_request_number": {"type": "integer"}}});
    assert_eq!(of(body, "id"), [now]);
    let body = json!({"type": "object", "required": ["name"],
        "properties": {"branch": text, "name": text}});
    assert_eq!(
        of(body, "pipeline_id"),
        [
            now,
            "not there: createPreviewApp path id",
            "not there: createPreviewApp body pull_request_number",
            "required now: createPreviewApp body name (required string)",
            "required now: createPreviewApp path pipeline_id (required string)",
        ]
    );
}

#[test]
fn a_document_puts_no_markup_into_the_issue() {
    let line = "new words ``` <img> @team [x](y)\n## heading \u{202e}".to_owned();
    let text = issue(&vec![line; MOST + 1]);
    assert!(
        text.contains("\n    new words ??? <img> @team [x](y)?## heading ?\n"),
        "{text}"
    );
    assert!(text.ends_with("\nAnd 1 more.\n"));
}
