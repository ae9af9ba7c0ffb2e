//! The workflows of docs/recipes.md, run step by step as they stand there.

use std::collections::BTreeMap;
use std::time::Duration;

use sevalla_simulator::{
    Application, PastDeployment, Pipeline, Preview, Push, RollbackBody, Script, Simulator, Stage,
    World,
};
use yaml_serde::Value;

use crate::harness::{APP, Finished, Runner, until};

const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
const LIVE: &str = "7a1f6c2e-3b4d-4c5e-8f60-9a8b7c6d5e4f";
const EUROPE: &str = "8b2a7d3f-4c5e-4d6f-9a71-0b9c8d7e6f50";
/// What the harness says GitHub works on.
const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";

/// The recipe under this heading.
pub(crate) fn recipe(heading: &str) -> Value {
    let page = std::fs::read_to_string("docs/recipes.md").unwrap();
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with(&format!("{heading}\n")))
        .unwrap_or_else(|| panic!("no recipe {heading}"));
    let yaml = section.split("```yaml\n").nth(1).unwrap();
    yaml_serde::from_str(yaml.split("```").next().unwrap()).unwrap()
}

/// The `with:` of the steps of all jobs that use this action, in their order.
pub(crate) fn steps(recipe: &Value) -> Vec<BTreeMap<String, String>> {
    let jobs = recipe["jobs"].as_mapping().unwrap();
    let all = jobs
        .values()
        .flat_map(|job| job["steps"].as_sequence().unwrap().clone());
    let ours = all.filter(|step| {
        let uses = step.get("uses").and_then(Value::as_str);
        uses.is_some_and(|uses| uses.contains("/sevalla-deploy@"))
    });
    let given = |step: Value| {
        let with = step
            .get("with")
            .and_then(Value::as_mapping)
            .unwrap()
            .clone();
        let text = |value: Value| match value {
            Value::String(text) => text,
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            other => panic!("{other:?} is no input"),
        };
        with.into_iter()
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), text(value)))
            .collect()
    };
    ours.map(given).collect()
}

/// Starts a step on GitHub. Where a value is an expression, this table says
/// what GitHub would put there.
pub(crate) fn step(
    with: &BTreeMap<String, String>,
    simulator: &Simulator,
    values: &[(&str, &str)],
) -> Runner {
    let mut runner = Runner::bare()
        .on_github()
        .hides(simulator.key())
        .set("INPUT_API-URL", simulator.url());
    for (name, value) in with {
        let value = filled(value, simulator, values);
        runner = runner.set(format!("INPUT_{}", name.to_uppercase()), value);
    }
    runner
}

/// A value with what GitHub puts in the place of its expressions.
fn filled(value: &str, simulator: &Simulator, values: &[(&str, &str)]) -> String {
    let mut parts = value.split("${{ ");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once(" }}").unwrap();
        filled.push_str(match expression {
            "secrets.SEVALLA_TOKEN" => simulator.key(),
            _ => {
                values
                    .iter()
                    .find(|(known, _)| *known == expression)
                    .unwrap_or_else(|| panic!("nothing stands for {expression}"))
                    .1
            }
        });
        filled.push_str(rest);
    }
    filled
}

fn quick(script: Script) -> Script {
    script.run(Duration::from_millis(100)).commit_sha(COMMIT)
}

#[tokio::test]
async fn what_was_tested_on_staging_is_promoted_to_production() {
    let steps = steps(&recipe("Staging, tests, production"));
    let live = |id: &str| Application::new(id).past(PastDeployment::success());
    let simulator = Simulator::start(
        World::new()
            .application(Application::new(APP).next(quick(Script::success())))
            .application(live(LIVE).next(quick(Script::success())))
            .application(live(EUROPE).next(quick(Script::success())))
            .pipeline(
                Pipeline::new(PIPELINE).stages([
                    Stage::standard("Staging").application(APP),
                    Stage::prod("Production")
                        .application(LIVE)
                        .application(EUROPE),
                ]),
            ),
    )
    .await;
    let targets = format!("{LIVE}, {EUROPE}");
    let values = [
        ("vars.STAGING_APP_ID", APP),
        ("vars.PIPELINE_ID", PIPELINE),
        ("vars.PRODUCTION_APP_IDS", targets.as_str()),
    ];
    let staged = step(&steps[0], &simulator, &values)
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_EVENT_NAME", "push")
        .run()
        .await;
    staged.assert_ended(0, "success");
    assert!(staged.output("url").starts_with("https://"));
    let promoted = step(&steps[1], &simulator, &values).run().await;
    promoted.assert_ended(0, "success");
    assert_eq!(promoted.output("deployment-ids").split(',').count(), 2);
    let promotions: serde_json::Value =
        serde_json::from_str(&promoted.output("promotions")).unwrap();
    assert_eq!(promotions[0]["target-app-id"], LIVE);
    assert_eq!(promotions[1]["status"], "success");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
}

/// Runs the preview step for an event of pull request 7.
async fn preview(simulator: &Simulator, action: &str) -> Finished {
    let steps = steps(&recipe("A preview for each pull request"));
    let values = [("vars.PIPELINE_ID", PIPELINE), ("github.token", "")];
    let runner = step(steps.first().unwrap(), simulator, &values);
    of_pull_request(runner, action).run().await
}

/// The same run for an event of pull request 7.
pub(crate) fn of_pull_request(runner: Runner, action: &str) -> Runner {
    let path = runner.path("event.json");
    let state = if action == "closed" { "closed" } else { "open" };
    let repository = serde_json::json!({ "full_name": "octo/shop" });
    let event = serde_json::json!({
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7, "state": state, "merged": false,
            "head": { "ref": "feature/x", "sha": COMMIT, "repo": repository },
            "base": { "ref": "main", "repo": repository },
        },
        "repository": repository,
    });
    std::fs::write(&path, event.to_string()).unwrap();
    runner
        .set("GITHUB_EVENT_NAME", "pull_request")
        .set("GITHUB_EVENT_PATH", path)
        .set("GITHUB_REF", "refs/pull/7/merge")
        .set("GITHUB_HEAD_REF", "feature/x")
        .set("GITHUB_BASE_REF", "main")
}

#[tokio::test]
async fn a_pull_request_has_one_preview_as_long_as_it_is_open() {
    let template = Application::new(APP)
        .repo_url("https://github.com/octo/shop")
        .next(quick(Script::success()));
    let simulator = Simulator::start(
        World::new().pipeline(Pipeline::new(PIPELINE).preview(Preview::new().next(template))),
    )
    .await;
    let opened = preview(&simulator, "opened").await;
    opened.assert_ended(0, "success");
    assert_eq!(opened.output("preview-app-id"), APP);
    assert_eq!(opened.output("created"), "true");
    assert!(opened.output("url").starts_with("https://"));
    let synchronized = preview(&simulator, "synchronize").await;
    synchronized.assert_ended(0, "success");
    assert_eq!(synchronized.output("created"), "false");
    assert_eq!(simulator.calls("createPreviewApp"), 1);
    let closed = preview(&simulator, "closed").await;
    closed.assert_ended(0, "success");
    assert!(simulator.preview_apps().is_empty());
}

#[tokio::test]
async fn a_pull_request_from_a_fork_passes_without_a_key() {
    let steps = steps(&recipe("A preview for each pull request"));
    let simulator = Simulator::start(World::new()).await;
    let values = [("vars.PIPELINE_ID", PIPELINE), ("github.token", "")];
    let run = step(&steps[0], &simulator, &values)
        .set("INPUT_SEVALLA-TOKEN", "")
        .run()
        .await;
    run.assert_ended(0, "skipped");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn previews_that_were_left_behind_are_deleted() {
    let steps = steps(&recipe("Delete old previews"));
    let simulator = Simulator::start(
        World::new()
            .application(Application::new(LIVE).past(PastDeployment::success()))
            .pipeline(Pipeline::new(PIPELINE).preview(Preview::new())),
    )
    .await;
    // A fresh one stays.
    simulator.open_pull_request(8, "feature/y");
    let run = step(&steps[0], &simulator, &[("github.token", "")])
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("deleteApplicationV3"), 0);
}

#[tokio::test]
async fn what_sevalla_deploys_by_itself_is_followed() {
    let steps = steps(&recipe("Follow an automatic deployment"));
    let application = Application::new(APP).auto_deploy(true);
    let simulator = Simulator::start(World::new().application(application)).await;
    let running = step(&steps[0], &simulator, &[("vars.SEVALLA_APP_ID", APP)])
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_EVENT_NAME", "push")
        .start();
    until(|| simulator.calls("listDeploymentsV3") > 0).await;
    let script = quick(Script::success());
    simulator.push(Push::to("main").commit_sha(COMMIT).script(script));
    let run = running.finish().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("commit-sha"), COMMIT);
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
}

#[tokio::test]
async fn going_back_says_what_was_live_and_what_is() {
    let steps = steps(&recipe("Roll back"));
    let before = "b".repeat(40);
    let application = Application::new(APP)
        .past(PastDeployment::success().commit_sha(&before))
        .past(PastDeployment::success().ago(Duration::from_secs(600)))
        .rollback_body(RollbackBody::Honoured)
        .next(Script::success().run(Duration::from_millis(100)));
    let simulator = Simulator::start(World::new().application(application)).await;
    let run = step(&steps[0], &simulator, &[("vars.SEVALLA_APP_ID", APP)])
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("Live now:");
    assert_eq!(run.output("commit-sha"), before);
    assert_eq!(simulator.calls("rollbackDeploymentV3"), 1);
}
