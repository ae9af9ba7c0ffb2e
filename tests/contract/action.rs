//! `action.yml`: what GitHub is told about the action.

use sevalla_deploy::inputs::TABLE;
use sevalla_deploy::report::OUTPUTS;
use yaml_serde::{Mapping, Value};

/// An input or output: name, description and default.
type Entry = (String, String, Option<String>);

fn metadata() -> Value {
    yaml_serde::from_str(&crate::read("action.yml")).unwrap()
}

/// The entries of a section. Refuses keys that this action has no use for.
fn entries(section: &str) -> Vec<Entry> {
    let metadata = metadata();
    let section: &Mapping = metadata[section].as_mapping().unwrap();
    let entries = section.iter().map(|(name, entry)| {
        let name = name.as_str().unwrap();
        for key in entry.as_mapping().unwrap().keys() {
            let key = key.as_str().unwrap();
            assert!(
                ["description", "default"].contains(&key),
                "{name} has the key {key}: the runner does not enforce `required`, and a \
                 container action's outputs have no value here"
            );
        }
        let text = |key: &str| {
            let value = entry.get(key)?;
            let text = value.as_str();
            Some(
                text.unwrap_or_else(|| panic!("{name}: quote its {key}, or YAML reads no text"))
                    .to_owned(),
            )
        };
        let description = text("description").unwrap_or_default();
        (name.to_owned(), description, text("default"))
    });
    entries.collect()
}

fn assert_section(section: &str, expected: &[Entry]) {
    let yaml: String = expected.iter().map(as_yaml).collect();
    assert!(
        entries(section) == expected,
        "`{section}:` in action.yml should hold\n\n{yaml}"
    );
}

fn as_yaml((name, description, default): &Entry) -> String {
    let mut yaml = format!("  {name}:\n    description: {}\n", scalar(description));
    if let Some(default) = default {
        yaml.push_str(&format!("    default: {}\n", scalar(default)));
    }
    yaml
}

/// Text as YAML: plain if it then still reads as this text, else quoted.
fn scalar(text: &str) -> String {
    match yaml_serde::from_str(text) {
        Ok(Value::String(plain)) if plain == text => text.to_owned(),
        _ => format!("{text:?}"),
    }
}

#[test]
fn the_inputs_are_those_of_the_program() {
    let expected: Vec<Entry> = TABLE
        .iter()
        .map(|input| {
            let default = input.default.map(str::to_owned);
            (input.name(), input.help.to_owned(), default)
        })
        .collect();
    assert_section("inputs", &expected);
}

#[test]
fn the_outputs_are_those_of_the_program() {
    let expected: Vec<Entry> = OUTPUTS
        .iter()
        .map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned(), None))
        .collect();
    assert_section("outputs", &expected);
}

#[test]
fn the_entry_point_is_that_of_the_image() {
    let metadata = metadata();
    let of_action = metadata["runs"]["entrypoint"].as_str().unwrap();
    let dockerfile = crate::read("Dockerfile");
    let of_image: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("ENTRYPOINT "))
        .collect();
    assert_eq!(of_image, [format!("[{of_action:?}]")]);
}
