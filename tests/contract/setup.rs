//! `action.yml`: what its steps run.

use yaml_serde::{Mapping, Value};

fn metadata(path: &str) -> Value {
    yaml_serde::from_str(&crate::read(path)).unwrap()
}

#[test]
fn no_script_has_an_expression_in_it() {
    let metadata = metadata("action.yml");
    for step in metadata["runs"]["steps"].as_sequence().unwrap() {
        let step: &Mapping = step.as_mapping().unwrap();
        assert!(step.get("uses").is_none(), "an action of somebody else");
        let run = step.get("run").and_then(Value::as_str).unwrap();
        assert!(!run.contains("${{"), "{run}");
    }
}
