//! The actions of the program, and the one of `action.yml`.

use sevalla_deploy::actions::resolve::Plan;
use sevalla_deploy::ci::Facts;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::inputs::{ACTIONS, Inputs, Problem, TABLE, unknown_names};
use yaml_serde::Value;

fn metadata() -> Value {
    yaml_serde::from_str(&crate::read("action.yml")).unwrap()
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
    ("toggle-cdn", &[APP, ("SEVALLA_CDN", "on")]),
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

fn resolve(variables: &Variables) -> Result<Plan, Vec<Problem>> {
    let (inputs, problems) = Inputs::read(variables);
    Plan::resolve(inputs, &Facts::default(), problems)
}

/// What a run with these variables would do, and what it would warn of.
fn plan(variables: &Variables) -> String {
    let unknown = unknown_names(variables);
    format!("{:#?} {unknown:?}", resolve(variables).unwrap())
}

fn with_key(action: &str, given: &[(&str, &str)]) -> Variables {
    let key = [("SEVALLA_ACTION", action), ("SEVALLA_TOKEN", "svl_key")];
    let all = given.iter().chain(&key);
    all.map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[test]
fn an_action_requires_what_its_row_says_and_reads_if_it_says_so() {
    let variable = |name: &str| format!("SEVALLA_{}", name.to_uppercase().replace('-', "_"));
    for (row, (word, given)) in ACTIONS.iter().zip(WORKING) {
        assert_eq!(row.name.word(), *word);
        let plan = resolve(&with_key(word, given)).unwrap();
        let task = format!("{:?}", plan.task);
        let only_reads = ["Follow(", "Manage(List(", "Manage(Show("];
        let reads = only_reads.iter().any(|start| task.starts_with(start));
        assert_eq!(reads, !row.writes, "{task}");
        let one_of = row.one_of.first().into_iter();
        for required in one_of.chain(row.requires) {
            let alike = if row.one_of.contains(required) {
                row.one_of
            } else {
                std::slice::from_ref(required)
            };
            let is_alike = |given: &str| alike.iter().any(|name| variable(name) == given);
            let others: Vec<_> = given.iter().filter(|(name, _)| !is_alike(name)).collect();
            let others: Vec<_> = others.into_iter().copied().collect();
            let refused = resolve(&with_key(word, &others)).unwrap_err();
            let inputs: Vec<&str> = refused.iter().map(|it| it.input.as_str()).collect();
            assert_eq!(inputs, [*required], "{word}");
        }
        for (name, _) in *given {
            let is_used = TABLE
                .iter()
                .any(|input| variable(&input.name()) == *name && row.uses(&input.name()));
            assert!(is_used, "{word}: {name}");
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
