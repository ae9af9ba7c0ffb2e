//! `setup/action.yml`: the action for runners without Docker. It has no inputs
//! and outputs of its own, and must pass on every one that there is.

use sevalla_deploy::inputs::TABLE;
use sevalla_deploy::outputs::OUTPUTS;
use yaml_serde::{Mapping, Value};

fn metadata(path: &str) -> Value {
    yaml_serde::from_str(&crate::read(path)).unwrap()
}

/// The text of a section: what lies between its own line and the one of the
/// section that follows.
fn section(path: &str, name: &str, next: &str) -> String {
    let text = crate::read(path);
    let (_, rest) = text.split_once(&format!("\n{name}:\n")).unwrap();
    rest.split_once(&format!("\n{next}:\n"))
        .unwrap()
        .0
        .to_owned()
}

#[test]
fn the_inputs_are_those_of_the_action() {
    let ours = section("setup/action.yml", "inputs", "outputs");
    let of_action = section("action.yml", "inputs", "outputs");
    assert!(
        ours == of_action,
        "`inputs:` in setup/action.yml should be those of action.yml:\n\n{of_action}"
    );
}

#[test]
fn the_outputs_are_those_of_the_program_and_passed_on() {
    let metadata = metadata("setup/action.yml");
    let ours: Vec<(String, String, String)> = metadata["outputs"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(name, entry)| {
            let text = |key: &str| entry[key].as_str().unwrap().to_owned();
            (
                name.as_str().unwrap().to_owned(),
                text("description"),
                text("value"),
            )
        })
        .collect();
    let expected: Vec<(String, String, String)> = OUTPUTS
        .iter()
        .map(|(name, meaning)| {
            let value = format!("${{{{ steps.run.outputs.{name} }}}}");
            ((*name).to_owned(), (*meaning).to_owned(), value)
        })
        .collect();
    let yaml: String = expected
        .iter()
        .map(|(name, meaning, value)| {
            format!("  {name}:\n    description: {meaning}\n    value: {value}\n")
        })
        .collect();
    assert!(
        ours == expected,
        "`outputs:` in setup/action.yml should hold\n\n{yaml}"
    );
}

#[test]
fn every_input_reaches_the_program_as_a_variable() {
    let metadata = metadata("setup/action.yml");
    let steps = metadata["runs"]["steps"].as_sequence().unwrap();
    let run = steps.iter().find(|step| step["id"] == "run").unwrap();
    let ours: Vec<(&str, &str)> = run["env"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap()))
        .filter(|(name, _)| *name != "PROGRAM")
        .collect();
    // The spelling without a hyphen, which a shell may drop on its way.
    let expected: Vec<(String, String)> = TABLE
        .iter()
        .map(|input| {
            let variable = format!("INPUT_{}", input.name().to_uppercase().replace('-', "_"));
            assert!(input.spellings().contains(&variable), "{variable}");
            (variable, format!("${{{{ inputs.{} }}}}", input.name()))
        })
        .collect();
    let yaml: String = expected
        .iter()
        .map(|(name, value)| format!("        {name}: {value}\n"))
        .collect();
    let same = ours.iter().copied().eq(expected
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str())));
    assert!(
        same,
        "`env:` of the step `run` in setup/action.yml should hold\n\n{yaml}"
    );
}

#[test]
fn no_script_has_an_expression_in_it() {
    let metadata = metadata("setup/action.yml");
    for step in metadata["runs"]["steps"].as_sequence().unwrap() {
        let step: &Mapping = step.as_mapping().unwrap();
        assert!(step.get("uses").is_none(), "an action of somebody else");
        let run = step.get("run").and_then(Value::as_str).unwrap();
        assert!(!run.contains("${{"), "{run}");
    }
}
