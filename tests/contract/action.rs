//! `action.yml`: what GitHub is told about the action.

use sevalla_deploy::actions::resolve::Plan;
use sevalla_deploy::ci::Facts;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::inputs::{Inputs, TABLE, unknown_names};
use sevalla_deploy::outputs::OUTPUTS;
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

/// Inputs with which each action has nothing to complain of.
const WORKING: &[(&str, &[(&str, &str)])] = &[
    ("deploy-app", &[APP]),
    ("deploy-static-site", &[SITE]),
    (
        "promote-app",
        &[
            PIPELINE,
            ("SEVALLA_SOURCE_APP_ID", ID),
            ("SEVALLA_TARGET_APP_IDS", OTHER_ID),
        ],
    ),
    ("create-preview-app", &[PIPELINE, BRANCH]),
    ("delete-preview-app", &[APP]),
    ("preview", &[PIPELINE, BRANCH]),
    ("clean-previews", &[("SEVALLA_MAX_AGE", "14d")]),
    ("rollback-app", &[APP]),
    ("rollback-static-site", &[SITE]),
    ("follow", &[APP, DEPLOYMENT]),
    ("cancel", &[APP, DEPLOYMENT]),
    ("list", &[("SEVALLA_RESOURCE", "databases")]),
    ("show", &[DATABASE]),
    (
        "update-app",
        &[APP, ("SEVALLA_SETTINGS", "{\"auto_deploy\":false}")],
    ),
    (
        "update-static-site",
        &[SITE, ("SEVALLA_SETTINGS", "{\"auto_deploy\":false}")],
    ),
    (
        "update-database",
        &[
            DATABASE,
            ("SEVALLA_SETTINGS", "{\"resource_type\":\"DB2\"}"),
        ],
    ),
    ("delete-app", &[APP, NAME]),
    ("delete-static-site", &[SITE, NAME]),
    ("delete-database", &[DATABASE, NAME]),
    (
        "create-database",
        &[(
            "SEVALLA_SETTINGS",
            r#"{"display_name":"shop","type":"postgresql","version":"16","db_name":"shop",
                "cluster":"Frankfurt","resource_type":"DB1"}"#,
        )],
    ),
    ("connect-database", &[APP, DATABASE]),
    ("purge-cache", &[SITE]),
    ("toggle-cdn", &[APP]),
];
const ID: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
const OTHER_ID: &str = "5f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
const APP: (&str, &str) = ("SEVALLA_APP_ID", ID);
const SITE: (&str, &str) = ("SEVALLA_STATIC_SITE_ID", ID);
const PIPELINE: (&str, &str) = ("SEVALLA_PIPELINE_ID", ID);
const DATABASE: (&str, &str) = ("SEVALLA_DATABASE_ID", ID);
const DEPLOYMENT: (&str, &str) = ("SEVALLA_DEPLOYMENT_ID", OTHER_ID);
const BRANCH: (&str, &str) = ("SEVALLA_BRANCH", "feature/x");
const NAME: (&str, &str) = ("SEVALLA_CONFIRM", "shop");

/// What a run with these variables would do, and what it would warn of.
fn plan(variables: &Variables) -> String {
    let (inputs, problems) = Inputs::read(variables);
    let unknown = unknown_names(variables);
    let plan = Plan::resolve(inputs, &Facts::default(), problems);
    format!("{:#?} {unknown:?}", plan.unwrap())
}

#[test]
fn a_default_that_arrives_as_if_it_was_given_changes_nothing() {
    let actions = TABLE.iter().find(|input| input.name() == "action").unwrap();
    let words = actions.accepts.replace(" or ", ", ");
    let covered: Vec<&str> = WORKING.iter().map(|(action, _)| *action).collect();
    assert_eq!(words.split(", ").collect::<Vec<_>>(), covered);
    // As a runner passes them to a container, and as the other action does.
    let defaults = |separator: &str| -> Vec<(String, String)> {
        let inputs = entries("inputs").into_iter();
        inputs
            .filter_map(|(name, _, default)| {
                let name = name.to_uppercase().replace('-', separator);
                Some((format!("INPUT_{name}"), default?))
            })
            .collect()
    };
    for (action, given) in WORKING {
        let token = [("SEVALLA_ACTION", *action), ("SEVALLA_TOKEN", "svl_key")];
        let given = given.iter().chain(&token);
        let given: Vec<(String, String)> = given
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let plan_with = |more: Vec<(String, String)>| {
            let all = given.iter().cloned().chain(more);
            let all = all.map(|(name, value)| (name.into(), value.into()));
            plan(&all.collect())
        };
        let bare = plan_with(Vec::new());
        for separator in ["-", "_"] {
            assert_eq!(plan_with(defaults(separator)), bare, "{action}");
        }
    }
}
