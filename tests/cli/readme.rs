//! The quick start and the snippets of README.md, run as they are there.

use std::collections::BTreeMap;
use std::time::Duration;

use sevalla_simulator::{
    Application, PastDeployment, Pipeline, Preview, RollbackBody, Script, Simulator, Stage,
    StaticSite, World,
};

use crate::harness::{A_FEW_VISITS, APP, SITE};
use crate::recipes::{of_pull_request, step, steps};
use crate::web::{Web, answer};

const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
const LIVE: &str = "7a1f6c2e-3b4d-4c5e-8f60-9a8b7c6d5e4f";
/// What the harness says GitHub works on.
const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";

/// The first block of YAML behind this heading.
fn block(heading: &str) -> String {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, section) = readme
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("README.md has no {heading}"));
    let yaml = section.split("```yaml\n").nth(1).unwrap();
    yaml.split("```").next().unwrap().to_owned()
}

/// The inputs of the step behind this heading.
fn snippet(heading: &str) -> BTreeMap<String, String> {
    let step = block(heading).replace('\n', "\n  ");
    let workflow = format!("jobs:\n job:\n  steps:\n  {step}");
    steps(&yaml_serde::from_str(&workflow).unwrap())
        .pop()
        .unwrap()
}

fn quick(script: Script) -> Script {
    script.run(Duration::from_millis(100)).commit_sha(COMMIT)
}

#[tokio::test]
async fn the_quick_start_deploys() {
    let workflow = block("## Quick start (GitHub Actions)");
    let workflow = yaml_serde::from_str(&workflow).unwrap();
    let application = Application::new(APP).next(quick(Script::success()));
    let simulator = Simulator::start(World::new().application(application)).await;
    let values = [("vars.SEVALLA_APP_ID", APP)];
    let on_push = || {
        step(&steps(&workflow)[0], &simulator, &values)
            .set("GITHUB_REF", "refs/heads/main")
            .set("GITHUB_EVENT_NAME", "push")
    };
    let dry = on_push().set("INPUT_DRY-RUN", "true").run().await;
    dry.assert_ended(0, "planned");
    dry.assert_told("Dry run: would deploy branch main; nothing was changed");
    let run = on_push().run().await;
    run.assert_ended(0, "success");
    assert!(run.output("url").starts_with("https://"));
}

#[tokio::test]
async fn a_static_site_is_deployed() {
    let site = StaticSite::new(SITE).next(quick(Script::success()));
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let values = [("vars.SEVALLA_STATIC_SITE_ID", SITE)];
    let with = snippet("### Deploy a static site");
    let run = step(&with, &simulator, &values).run().await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn an_image_is_deployed() {
    let application = Application::new(APP)
        .docker_image("ghcr.io/acme/shop:1")
        .next(quick(Script::success()));
    let simulator = Simulator::start(World::new().application(application)).await;
    let values = [("vars.SEVALLA_APP_ID", APP), ("github.sha", COMMIT)];
    let with = snippet("### Deploy an image");
    let run = step(&with, &simulator, &values).run().await;
    run.assert_ended(0, "success");
    let made = &simulator.deployments(APP)[0];
    let image = format!("ghcr.io/acme/shop:{COMMIT}");
    assert_eq!(made.docker_image.as_deref(), Some(image.as_str()));
}

#[tokio::test]
async fn a_pull_request_gets_a_preview() {
    let template = Application::new(APP)
        .repo_url("https://github.com/octo/shop")
        .next(quick(Script::success()));
    let simulator = Simulator::start(
        World::new().pipeline(Pipeline::new(PIPELINE).preview(Preview::new().next(template))),
    )
    .await;
    let values = [("vars.SEVALLA_PIPELINE_ID", PIPELINE), ("github.token", "")];
    let with = snippet("### Keep a preview for each pull request");
    let opened = of_pull_request(step(&with, &simulator, &values), "opened");
    opened.run().await.assert_ended(0, "success");
    let closed = of_pull_request(step(&with, &simulator, &values), "closed");
    closed.run().await.assert_ended(0, "success");
    assert!(simulator.preview_apps().is_empty());
}

#[tokio::test]
async fn staging_is_promoted_to_production() {
    let live = |id: &str| {
        Application::new(id)
            .past(PastDeployment::success())
            .next(quick(Script::success()))
    };
    let stages = [
        Stage::standard("Staging").application(APP),
        Stage::prod("Production").application(LIVE),
    ];
    let simulator = Simulator::start(
        World::new()
            .application(live(APP))
            .application(live(LIVE))
            .pipeline(Pipeline::new(PIPELINE).stages(stages)),
    )
    .await;
    let values = [
        ("vars.SEVALLA_PIPELINE_ID", PIPELINE),
        ("vars.STAGING_APP_ID", APP),
        ("vars.PRODUCTION_APP_ID", LIVE),
    ];
    let with = snippet("### Promote from staging to production");
    let run = step(&with, &simulator, &values).run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
}

#[tokio::test]
async fn a_version_that_fails_its_check_is_rolled_back() {
    let heading = "### Check the new version, and roll back if the check fails";
    let values = [("vars.SEVALLA_APP_ID", APP)];
    for (commit, code, outcome) in [(COMMIT, 0, "success"), ("old", 8, "unverified")] {
        let application = Application::new(APP)
            .past(PastDeployment::success())
            .rollback_body(RollbackBody::Honoured)
            .next(quick(Script::success()));
        let simulator = Simulator::start(World::new().application(application)).await;
        let body = format!(r#"{{"commit": "{commit}"}}"#);
        let web = Web::start(move |_| answer(200, &body)).await;
        let mut with = snippet(heading);
        let address = with.insert("verify-url".to_owned(), web.url("/health"));
        assert_eq!(address.as_deref(), Some("https://shop.example.com/health"));
        let run = step(&with, &simulator, &values)
            .set("INPUT_VERIFY-TIMEOUT", A_FEW_VISITS)
            .run()
            .await;
        run.assert_ended(code, outcome);
        assert_eq!(
            simulator.calls("rollbackDeploymentV3"),
            usize::from(code != 0)
        );
    }
}
