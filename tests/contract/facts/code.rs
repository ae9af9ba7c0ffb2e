//! The facts, held against the code. Needs no document.

use std::collections::{BTreeMap, BTreeSet};

use sevalla_deploy::inputs::TABLE;
use sevalla_deploy::sevalla::contract::{shapes, words};
use sevalla_deploy::sevalla::operation::ALL;

use super::extract::{self, DOCUMENT, Facts, NEWER};
use super::{added, additions, filed};
use crate::openapi::{everything_sent, operation_of};
use crate::read;

/// The names of the facts of a kind of an operation.
fn names(facts: &Facts, operation: &str, kind: &str) -> BTreeSet<String> {
    let start = format!("{operation} {kind} ");
    let names = facts.keys().filter_map(|what| what.strip_prefix(&start));
    names.map(str::to_owned).collect()
}

#[test]
fn every_operation_is_one_of_the_facts() {
    let facts = filed();
    for operation in ALL {
        let expected = format!("{} {} {}", operation.method, operation.path, operation.id);
        let fact = facts.get(&format!("{} operation is", operation.id));
        assert_eq!(fact, Some(&expected), "{}", operation.id);
        let in_braces = operation.path.split('/');
        let in_braces = in_braces.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let ids: BTreeSet<String> = in_braces.map(str::to_owned).collect();
        assert_eq!(names(&facts, operation.id, "path"), ids, "{}", operation.id);
        let has_body = !names(&facts, operation.id, "body").is_empty();
        assert_eq!(has_body, operation.sends_body, "{}", operation.id);
    }
    let used = ALL.iter().chain(NEWER).map(|operation| operation.id);
    let used: BTreeSet<&str> = used.collect();
    let mut inputs = TABLE.iter();
    let api_url = inputs.find(|input| input.name() == "api-url").unwrap();
    // Where the requests go and what carries the key.
    let access = format!("{} key http:bearer", api_url.default.unwrap());
    assert_eq!(facts.get("document access is"), Some(&access));
    for what in facts.keys() {
        let id = what.split(' ').next().unwrap();
        if id == DOCUMENT {
            continue;
        }
        assert!(used.contains(id), "{what}: no operation of the program");
    }
    let newer = NEWER.iter().map(|operation| {
        let method = operation.method.to_string();
        vec![operation.id.to_owned(), method, operation.path.to_owned()]
    });
    let newer: Vec<Vec<String>> = newer.collect();
    assert_eq!(additions("operation"), newer);
}

#[tokio::test]
async fn every_parameter_and_every_body_is_one_of_the_facts() {
    let facts = filed();
    for request in &everything_sent().await {
        let (operation, _) = operation_of(request);
        let query = names(&facts, operation.id, "query");
        for (name, _) in request.url.query_pairs() {
            assert!(query.contains(&*name), "{} {name}", operation.id);
        }
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(&request.body) else {
            continue;
        };
        let body = body.as_object().unwrap();
        let mut known = names(&facts, operation.id, "body");
        known.extend(added("body", operation.id));
        for name in body.keys() {
            assert!(known.contains(name), "{} {name}", operation.id);
        }
    }
}

#[test]
fn every_field_is_one_of_the_facts() {
    let facts = filed();
    for shape in shapes::ALL {
        let mut known: BTreeSet<String> = shape
            .operations()
            .flat_map(|id| names(&facts, id, "field"))
            .filter(|name| name != ".")
            .collect();
        known.extend(added("field", shape.name));
        let fields: BTreeSet<String> = shape.fields().map(str::to_owned).collect();
        assert_eq!(fields, known, "{}: left in the code", shape.name);
    }
    for operation in ALL {
        assert!(shapes::of(operation.id).is_some(), "{}", operation.id);
    }
}

/// The words that the facts and `additions.txt` have for a place, of which the
/// first part is a shape or an operation.
fn known_words(facts: &Facts, place: &str) -> BTreeSet<String> {
    let (owner, field) = place.split_once('.').unwrap();
    let shape = shapes::ALL.iter().find(|shape| shape.name == owner);
    let places: Vec<String> = match shape {
        Some(shape) => shape
            .operations()
            .map(|id| format!("{id} field {field}"))
            .collect(),
        None => vec![format!("{owner} body {field}")],
    };
    let forms = places.iter().filter_map(|what| facts.get(what));
    let known = forms.filter_map(|form| extract::words(form)).flatten();
    let known = known.map(str::to_owned);
    known.chain(added("word", place)).collect()
}

#[test]
fn every_known_word_is_one_of_the_facts() {
    let facts = filed();
    let all = words_of_code();
    for (place, known) in &all {
        let known: BTreeSet<String> = known.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(
            known,
            known_words(&facts, place),
            "{place}: left in the code"
        );
    }
    for row in additions("word") {
        assert!(all.contains_key(row[0].as_str()), "{row:?}: no such place");
    }
    for (what, form) in &facts {
        let Some(place) = extract::place(what) else {
            continue;
        };
        if extract::words(form).is_some() {
            assert!(
                all.contains_key(place.as_str()),
                "{place}: its words are nowhere"
            );
        }
    }
}

/// The words that the code knows, by place.
fn words_of_code() -> BTreeMap<&'static str, &'static [&'static str]> {
    let rows = words::READ.iter().chain(words::SENT);
    rows.map(|words| (words.place, words.known)).collect()
}

/// The fields of the structures that are read, by structure, from the source.
fn structures(source: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for part in source.split("#[derive(").skip(1) {
        let Some((derived, rest)) = part.split_once(")]") else {
            continue;
        };
        let Some((head, body)) = rest
            .split_once(" {\n")
            .filter(|(head, _)| !head.contains('}'))
        else {
            continue;
        };
        if !derived.contains("Deserialize") || !head.contains("struct ") {
            continue;
        }
        let name = head.rsplit("struct ").next().unwrap();
        let mut renamed = None;
        let mut fields = Vec::new();
        for line in body.split("\n}").next().unwrap().lines().map(str::trim) {
            if let Some((_, after)) = line.split_once("rename = \"") {
                renamed = after.split('"').next().map(str::to_owned);
            }
            let field = line
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ");
            if line.starts_with(['#', '/']) || !field.contains(": ") {
                continue;
            }
            let name = field.split(':').next().unwrap().to_owned();
            fields.push(renamed.take().unwrap_or(name));
        }
        all.insert(name.to_owned(), fields);
    }
    all
}

#[test]
fn every_field_that_is_read_is_one_of_the_contract() {
    let shape_of = [
        (
            "WireDeployment",
            &["deployment", "static-site-deployment"][..],
        ),
        ("Application", &["application"]),
        ("AppSummary", &["application"]),
        ("Pipeline", &["pipeline"]),
        ("StaticSite", &["static-site"]),
        ("Domain", &["domain"]),
        ("ApiKey", &["key"]),
        ("WirePromoted", &["promoted"]),
        ("WireLogEntry", &["log"]),
    ];
    let structures = structures(&read("src/sevalla/wire.rs"));
    for (name, shapes_of_it) in shape_of {
        let fields = structures.get(name).unwrap_or_else(|| panic!("{name}"));
        assert!(!fields.is_empty(), "{name}");
        for field in fields {
            let mut all = shapes::ALL.iter();
            let is_known = all.any(|shape| shapes_of_it.contains(&shape.name) && shape.has(field));
            assert!(is_known, "{name}.{field}");
        }
    }
    let stage = &structures["PipelineStage"];
    let pipeline = shapes::of("getPipelineV3").unwrap();
    assert!(
        stage
            .iter()
            .all(|field| pipeline.has(&format!("stages[].{field}")))
    );
}
