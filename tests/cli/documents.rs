//! What a report and a file of test cases are, judged without the program: by
//! the published schema, and by the shape that Jenkins reads.

use std::sync::LazyLock;

use jsonschema::Validator;
use roxmltree::{Document, Node};
use serde_json::Value;

/// The schema, which is one itself.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for example in schema["examples"].as_array().unwrap() {
        assert_valid(&validator, example);
    }
    validator
});

fn assert_valid(validator: &Validator, report: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{report:#}");
}

/// Asserts that this is a report by the schema, on one line, with no control
/// character in any text; reads it.
pub(crate) fn assert_report(text: &str) -> Value {
    let line = text.strip_suffix('\n').expect("it ends in a line end");
    assert!(!line.contains(char::is_control), "{line:?}");
    let report: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_valid(&SCHEMA, &report);
    assert_clean(&report);
    report
}

/// What escapes of JSON hide is looked at too.
fn assert_clean(value: &Value) {
    let is_clean = |text: &str| !text.contains(|c: char| c.is_control() && !"\n\t".contains(c));
    match value {
        Value::String(text) => assert!(is_clean(text), "{text:?}"),
        Value::Array(items) => items.iter().for_each(assert_clean),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            assert!(is_clean(name), "{name:?}");
            assert_clean(value);
        }),
        _ => {}
    }
}

/// What may stand in an element by the schema of Jenkins' xUnit plugin, as far
/// as it concerns us: attributes, the required ones first, and children.
fn shape(element: &str) -> (&'static [&'static str], usize, &'static [&'static str]) {
    match element {
        "testsuites" => (
            &["name", "tests", "failures", "errors", "time"],
            0,
            &["testsuite"],
        ),
        "testsuite" => (
            &[
                "name",
                "tests",
                "failures",
                "errors",
                "skipped",
                "time",
                "timestamp",
            ],
            4,
            &["testcase"],
        ),
        "testcase" => (
            &["name", "classname", "time"],
            1,
            &["failure", "error", "skipped"],
        ),
        "failure" | "error" | "skipped" => (&["message", "type"], 0, &[]),
        other => panic!("no element is called {other}"),
    }
}

fn assert_shape(node: Node<'_, '_>) {
    let (attributes, required, children) = shape(node.tag_name().name());
    let present: Vec<&str> = node
        .attributes()
        .map(|attribute| attribute.name())
        .collect();
    assert!(
        present.iter().all(|name| attributes.contains(name)),
        "{present:?}"
    );
    let is_there = |name: &&str| present.contains(name);
    assert!(attributes[..required].iter().all(is_there), "{present:?}");
    if let Some(time) = node.attribute("time") {
        let (whole, part) = time.split_once('.').unwrap();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        assert!(digits(whole) && digits(part), "{time}");
    }
    if let Some(time) = node.attribute("timestamp") {
        let parsed: Result<jiff::civil::DateTime, _> = time.parse();
        assert!(parsed.is_ok(), "{time}");
    }
    for child in node.children().filter(Node::is_element) {
        assert!(children.contains(&child.tag_name().name()), "{child:?}");
        assert_shape(child);
    }
}

/// A case: class, name, and `passed` or the element that says otherwise.
pub(crate) type Case = (String, String, String);

/// Asserts that these are test cases as Jenkins reads them, which fail if and
/// only if the run does; reads them.
pub(crate) fn assert_junit(text: &str, exit_code: i32) -> Vec<Case> {
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    assert_shape(root);
    let suite = root.first_element_child().unwrap();
    let cases: Vec<Case> = suite
        .children()
        .filter(Node::is_element)
        .map(|case| {
            let text = |name| case.attribute(name).unwrap().to_owned();
            let mark = case.first_element_child();
            let mark = mark.map_or("passed", |mark| mark.tag_name().name());
            (text("classname"), text("name"), mark.to_owned())
        })
        .collect();
    let count = |mark: &str| cases.iter().filter(|case| case.2 == mark).count();
    for (attribute, expected) in [
        ("tests", cases.len()),
        ("failures", count("failure")),
        ("errors", count("error")),
        ("skipped", count("skipped")),
    ] {
        let said = suite.attribute(attribute).unwrap();
        assert_eq!(said, expected.to_string(), "{attribute} of {text}");
    }
    assert!(!cases.is_empty(), "{text}");
    let is_bad = count("failure") + count("error") > 0;
    assert_eq!(is_bad, exit_code != 0, "{text}");
    cases
}
