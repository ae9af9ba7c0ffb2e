//! The actions of the program, and the one of `container/action.yml`.

use std::collections::BTreeMap;

use sevalla_deploy::actions::resolve::Plan;
use sevalla_deploy::ci::{Facts, Host};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::exec::IN_IMAGE;
use sevalla_deploy::inputs::{ACTIONS, Action, Inputs, Problem, TABLE, unknown_names};
use yaml_serde::Value;

fn metadata() -> Value {
    yaml_serde::from_str(&crate::read("container/action.yml")).unwrap()
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

#[test]
fn the_image_has_the_marker_that_lets_a_ci_start_a_shell_in_it() {
    let dockerfile = crate::read("Dockerfile");
    let (_, image) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let marker = format!("\nENV {IN_IMAGE}=1\n");
    assert!(image.contains(&marker), "no {marker:?} in the last stage");
    let variables = Variables::from([(IN_IMAGE, "1")]);
    assert!(unknown_names(&variables).is_empty());
}

/// A value of an input that an action requires.
fn sample(input: &str) -> &'static str {
    match input {
        "target-app-ids" | "deployment-id" => OTHER_ID,
        "resource" => "databases",
        "settings" => r#"{"auto_deploy":false}"#,
        "confirm" => "shop",
        "cdn" => "on",
        "github-token" => "ghs_0123456789",
        id if id.ends_with("-id") => ID,
        other => panic!("give {other} a value here"),
    }
}

/// What an action takes beyond its row's requirements, or in another form.
fn more(action: &str) -> &'static [(&'static str, &'static str)] {
    match action {
        "create-preview-app" | "preview" => &[("branch", "feature/x")],
        "delete-preview-app" => &[("app-id", ID)],
        "clean-previews" => &[("max-age", "14d")],
        "follow" => &[("deployment-id", OTHER_ID)],
        "show" => &[("database-id", ID)],
        "update-database" => &[("settings", r#"{"resource_type":"DB2"}"#)],
        "create-database" => &[(
            "settings",
            r#"{"display_name":"shop","type":"postgresql","version":"16","db_name":"shop",
                "cluster":"Frankfurt","resource_type":"DB1"}"#,
        )],
        "deploy-stack" | "plan-stack" => &[("stack", "services: { shop: { app: shop } }")],
        "preview-stack" => &[
            (
                "stack",
                "{ services: { shop: { app: shop } }, previews: { shop: { pipeline: shop } } }",
            ),
            ("pull-request-number", "7"),
        ],
        _ => &[],
    }
}

const ID: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
const OTHER_ID: &str = "5f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";

/// Inputs with which an action has nothing to complain of.
fn working(row: &Action) -> BTreeMap<&'static str, &'static str> {
    let required = row.one_of.first().into_iter().chain(row.requires);
    let samples = required.map(|name| (*name, sample(name)));
    samples
        .chain(more(row.name.word()).iter().copied())
        .collect()
}

fn variables(row: &Action, given: &BTreeMap<&str, &str>) -> Vec<(String, String)> {
    let own = [("action", row.name.word()), ("token", "svl_key")];
    let all = given.iter().map(|(name, value)| (*name, *value)).chain(own);
    all.map(|(name, value)| {
        let name = name.to_uppercase().replace('-', "_");
        (format!("SEVALLA_{name}"), value.to_owned())
    })
    .collect()
}

fn environment(pairs: Vec<(String, String)>) -> Variables {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn resolve(variables: &Variables) -> Result<Plan, Vec<Problem>> {
    let (inputs, problems) = Inputs::read(variables);
    let facts = Facts::read(
        Host::GitHub,
        &Variables::from([
            ("GITHUB_REPOSITORY", "octo/shop"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_API_URL", "https://api.github.com"),
        ]),
    );
    Plan::resolve(inputs, &facts, problems)
}

/// What a run with these variables would do, and what it would warn of.
fn plan(variables: &Variables) -> String {
    let unknown = unknown_names(variables);
    format!("{:#?} {unknown:?}", resolve(variables).unwrap())
}

#[test]
fn an_action_requires_what_its_row_says_and_only_reads_if_it_says_so() {
    for row in ACTIONS {
        let given = working(row);
        let plan = resolve(&environment(variables(row, &given))).unwrap();
        let task = format!("{:?}", plan.task);
        let only_reads = [
            "Follow(",
            "Manage(List(",
            "Manage(Show(",
            "CheckUp(",
            "PlanStack(",
        ];
        let reads = only_reads.iter().any(|start| task.starts_with(start));
        assert_eq!(reads, !row.writes, "{task}");
        for required in row.one_of.first().into_iter().chain(row.requires) {
            let mut others = given.clone();
            others.remove(required);
            let refused = resolve(&environment(variables(row, &others))).unwrap_err();
            let inputs: Vec<&str> = refused.iter().map(|it| it.input.as_str()).collect();
            assert_eq!(inputs, [*required], "{task}");
        }
        for name in given.keys() {
            assert!(row.uses(name), "{task}: {name}");
        }
    }
}

#[test]
fn a_default_that_arrives_as_if_it_was_given_changes_nothing() {
    // As a runner passes them to a container, and as the other action does.
    let defaults = |separator: &str| -> Vec<(String, String)> {
        let inputs = TABLE.iter();
        inputs
            .filter_map(|input| {
                let name = input.name().to_uppercase().replace('-', separator);
                Some((format!("INPUT_{name}"), input.default?.to_owned()))
            })
            .collect()
    };
    for row in ACTIONS {
        let plan_with = |more: Vec<(String, String)>| {
            let given = variables(row, &working(row)).into_iter();
            plan(&environment(given.chain(more).collect()))
        };
        let bare = plan_with(Vec::new());
        for separator in ["-", "_"] {
            assert_eq!(plan_with(defaults(separator)), bare, "{row:?}");
        }
    }
}
