//! Several services as one change: `plan-stack` and `deploy-stack`.

use std::collections::BTreeSet;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Script, Simulator, StaticSite,
    World,
};

use crate::documents::assert_report;
use crate::harness::{A_FEW_VISITS, APP, Finished, Runner, SITE, called, ids, stopped, until};
use crate::recipes::{step, steps};
use crate::web::{Web, answer};

const OLD: &str = "0000000000000000000000000000000000000000";
const NEW: &str = "1111111111111111111111111111111111111111";

/// Four services: `web` and `mail` wait for `api`.
const STACK: &str = "services:
  web: { app: shop-web, after: [api] }
  api: { app: shop-api }
  docs: { static-site: shop-docs }
  mail: { app: shop-mail, after: [api] }
";

/// The ids of web, api and mail.
fn apps() -> [String; 3] {
    ids(3).try_into().unwrap()
}

fn app(id: &str, name: &str, script: Script) -> Application {
    Application::new(id)
        .display_name(name)
        .past(PastDeployment::success().commit_sha(OLD))
        .rolls_back_past_the_latest(true)
        .next(script)
}

/// The services of [`STACK`], of which web, api, docs and mail do this next.
fn shop([web, api, docs, mail]: [Script; 4]) -> World {
    let ids = apps();
    let site = StaticSite::new(SITE)
        .display_name("shop-docs")
        .past(PastDeployment::success().commit_sha(OLD))
        .next(docs);
    World::new()
        .application(app(&ids[0], "shop-web", web))
        .application(app(&ids[1], "shop-api", api))
        .application(app(&ids[2], "shop-mail", mail))
        .static_site(site)
}

fn good() -> [Script; 4] {
    [(); 4].map(|()| Script::success())
}

fn runner(simulator: &Simulator, action: &str, stack: &str) -> Runner {
    Runner::does(simulator, action)
        .set("SEVALLA_STACK", stack)
        .set("SEVALLA_ONLY_CHANGED", "false")
}

fn deploys(simulator: &Simulator, stack: &str) -> Runner {
    runner(simulator, "deploy-stack", stack)
}

fn output(run: &Finished, name: &str) -> Value {
    serde_json::from_str(&run.output(name)).unwrap()
}

/// The service of this name in the output.
fn service(run: &Finished, name: &str) -> Value {
    let all = output(run, "services");
    let mut all = all.as_array().unwrap().iter();
    all.find(|it| it["name"] == name).unwrap().clone()
}

/// When the deployment of a service was made.
fn began(simulator: &Simulator, id: &str) -> Duration {
    let made = &simulator.deployments(id)[0];
    assert!(made.by_call);
    made.created
}

#[tokio::test]
async fn the_plan_is_made_by_reading_and_other_engines_can_use_it() {
    let simulator = Simulator::start(shop(good())).await;
    let run = runner(&simulator, "plan-stack", STACK).run().await;
    run.assert_ended(0, "success");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    assert_eq!(simulator.calls("listApplicationsV3"), 1);
    assert_eq!(
        output(&run, "order"),
        json!([["api", "docs"], ["web", "mail"]])
    );
    let ids = apps();
    let matrix = output(&run, "matrix");
    let api = &matrix[0]["include"][0];
    assert_eq!(
        (&api["name"], &api["action"], &api["app-id"], &api["branch"]),
        (
            &json!("api"),
            &json!("deploy-app"),
            &json!(ids[1]),
            &json!("")
        )
    );
    assert_eq!(matrix[0]["include"][1]["static-site-id"], SITE);
    let graph = output(&run, "graph");
    let web = graph["services"].as_array().unwrap();
    let web = web.iter().find(|it| it["name"] == "web").unwrap();
    assert_eq!(
        (&web["after"], &web["app-id"]),
        (&json!(["api"]), &json!(ids[0]))
    );
    run.assert_told("Of 4 services, 4 would be deployed");
    run.assert_told("web: deployed in step 2 (only-changed is false)");
}

#[tokio::test]
async fn a_service_starts_when_what_it_needs_is_live() {
    const RUN: Duration = Duration::from_secs(2);
    let slow = Script::success().run(RUN);
    let simulator = Simulator::start(shop([(); 4].map(|()| slow.clone()))).await;
    let run = deploys(&simulator, STACK).on_github().run().await;
    run.assert_ended(0, "success");
    let [web, api, mail] = apps();
    let api_ended = began(&simulator, &api) + RUN;
    for id in [&web, &mail] {
        assert!(began(&simulator, id) >= api_ended);
    }
    // It needs nothing, so it waits for nothing.
    assert!(began(&simulator, SITE) < api_ended);
    assert_eq!(simulator.deployments_made(), 4);
    for (name, id) in [("web", web.as_str()), ("api", &api), ("docs", SITE)] {
        let service = service(&run, name);
        let made = &simulator.deployments(id)[0].id;
        assert_eq!(service["outcome"], "success");
        assert_eq!(
            (&service["deployment-id"], &service["live-deployment-id"]),
            (&json!(made), &json!(made))
        );
    }
    run.assert_told("Deployed all 4 services");
}

#[tokio::test]
async fn what_needs_a_failed_service_is_not_started_and_the_others_finish() {
    let [web, _, docs, mail] = good();
    let docs = docs.run(Duration::from_secs(3));
    let simulator = Simulator::start(shop([web, Script::failed(), docs, mail])).await;
    let run = deploys(&simulator, STACK)
        .set("SEVALLA_JUNIT_FILE", "junit.xml")
        .on_github()
        .run()
        .await;
    run.assert_ended(1, "failed");
    assert_eq!(simulator.deployments_made(), 2);
    let error = run.output("error");
    assert!(
        error.contains("The stack failed for 1 of 4: api; not started: web, mail"),
        "{error}"
    );
    assert!(
        error.contains("web: Not started: api is not live"),
        "{error}"
    );
    assert_eq!(service(&run, "docs")["outcome"], "success");
    assert_eq!(service(&run, "web")["outcome"], "not-started");
    let api = service(&run, "api");
    let before = &simulator.deployments(&apps()[1])[1].id;
    assert_eq!(
        (&api["outcome"], &api["live-deployment-id"]),
        (&json!("failed"), &json!(before))
    );
    let junit = run.file("junit.xml").unwrap();
    for (name, mark) in [
        ("api", "<failure"),
        ("web", "<skipped"),
        ("mail", "<skipped"),
    ] {
        let case = junit
            .lines()
            .find(|line| line.contains(&format!("classname=\"{name}\"")))
            .unwrap();
        assert!(case.contains(mark), "{case}");
    }
    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains("not-started"), "{summary}");
    if std::env::var_os("SHOW").is_some() {
        println!(
            "{}
{summary}
{junit}",
            run.streams()
        );
    }
}

#[tokio::test]
async fn the_gravest_end_is_that_of_the_stack() {
    let [web, _, docs, mail] = good();
    let simulator = Simulator::start(shop([web, Script::failed(), docs, mail])).await;
    simulator.add_fault(Fault::on("deployStaticSiteV3").does(Behaviour::status(403)));
    let run = deploys(&simulator, STACK).run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("The stack failed for 2 of 4: api, docs; not started: web, mail");
}

#[tokio::test]
async fn a_stop_cancels_what_runs_and_starts_nothing_more() {
    let [web, _, _, mail] = good();
    let endless = Script::success().never_ends();
    let simulator = Simulator::start(shop([web, endless.clone(), endless, mail])).await;
    let running = deploys(&simulator, STACK).on_github().start();
    until(|| simulator.deployments_made() == 2).await;
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(143, "interrupted");
    assert_eq!(simulator.deployments_made(), 2);
    for id in [apps()[1].as_str(), SITE] {
        assert!(simulator.cancelled(&simulator.deployments(id)[0].id));
    }
    for name in ["web", "mail"] {
        assert_eq!(service(&run, name)["outcome"], "not-started");
    }
}

#[tokio::test]
async fn after_a_bad_check_everything_is_taken_back_in_reverse() {
    let simulator = Simulator::start(shop(good())).await;
    let web = Web::acts([answer(503, "")]).await;
    let stack = STACK.replace(
        "app: shop-web,",
        &format!(
            "app: shop-web, verify: {{ url: \"{}\", successes: 1, timeout: {A_FEW_VISITS} }},",
            web.url("/")
        ),
    );
    let run = deploys(&simulator, &stack)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .on_github()
        .run()
        .await;
    run.assert_ended(8, "unverified");
    let [web, api, mail] = apps();
    for (name, id) in [
        ("web", web.as_str()),
        ("api", &api),
        ("mail", &mail),
        ("docs", SITE),
    ] {
        let service = service(&run, name);
        assert_eq!(service["rolled-back"], true, "{name} {}", run.streams());
        assert_eq!(
            service["live-deployment-id"],
            simulator.deployments(id)[0].id,
            "{name}"
        );
    }
    let api_began = began(&simulator, &api);
    assert!(api_began > began(&simulator, &web) && api_began > began(&simulator, &mail));
    let error = run.output("error");
    assert!(
        error.contains("rolled back: web, api, docs, mail"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stack_that_is_partly_rolled_back_is_not_called_rolled_back() {
    let [web, api, docs, _] = good();
    let ids = apps();
    let mut world = shop([web, api, docs, Script::failed()]);
    world = world.fault(
        Fault::on("rollbackDeploymentV3")
            .path_contains(&ids[1])
            .does(Behaviour::status(409)),
    );
    let simulator = Simulator::start(world).await;
    let run = deploys(&simulator, STACK)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;
    run.assert_ended(1, "failed");
    let error = run.output("error");
    assert!(error.contains("; not rolled back: api"), "{error}");
    assert!(!error.contains("; rolled back"), "{error}");
    let api = service(&run, "api");
    assert_eq!(api["rolled-back"], false);
    assert_eq!(
        api["live-deployment-id"],
        simulator.deployments(&ids[1])[0].id
    );
    assert_eq!(service(&run, "web")["rolled-back"], true);
}

#[tokio::test]
async fn after_a_failure_what_somebody_else_has_deployed_is_live() {
    let [web, _, docs, mail] = good();
    let simulator = Simulator::start(shop([web, Script::failed(), docs, mail])).await;
    let [_, api, _] = apps();
    let before = Script::success().run(Duration::from_secs(2));
    let other = simulator.add_deployment(&api, DeploymentType::Manual, before);
    let run = deploys(&simulator, STACK).on_github().run().await;
    run.assert_ended(1, "failed");
    assert_eq!(service(&run, "api")["live-deployment-id"], other);
}

#[tokio::test]
async fn nothing_is_sent_for_a_file_that_is_wrong() {
    let simulator = Simulator::start(shop(good())).await;
    let stack = "services:\n  api: { app: shop-api, verify: { url: ftp://x } }\n  web: { ap: x, after: [apo] }\n";
    let run = deploys(&simulator, stack).run().await;
    run.assert_ended(2, "invalid-input");
    let error = run.output("error");
    for text in [
        "SEVALLA_STACK, line 2, column 40, verify-url is \"ftp://x\"",
        "SEVALLA_STACK: line 3, column 3: service web names nothing to deploy",
        "SEVALLA_STACK: line 3, column 10: \"ap\" is no key of service web; did you mean app?",
        "SEVALLA_STACK: line 3, column 25: there is no service \"apo\"; did you mean api?",
    ] {
        assert!(error.contains(text), "{text} in {error}");
    }
    assert!(simulator.journal().is_empty());
    let missing = Runner::does(&simulator, "deploy-stack").run().await;
    missing.assert_ended(2, "invalid-input");
    missing.assert_told("sevalla.stack.yml cannot be read");
}

#[tokio::test]
async fn a_service_that_is_not_there_or_there_twice_is_refused_before_the_start() {
    let simulator = Simulator::start(shop(good())).await;
    let stack = STACK
        .replace("shop-mail", "shop-mali")
        .replace("shop-docs", "shop-doks")
        .replace("shop-api", &apps()[0]);
    let run = deploys(&simulator, &stack).run().await;
    run.assert_ended(2, "invalid-input");
    for text in [
        "SEVALLA_STACK: line 3, column 15: web and api are both the application",
        "SEVALLA_STACK: line 4, column 24: No static site is called \"shop-doks\"",
        "SEVALLA_STACK: line 5, column 16: No application is called \"shop-mali\"",
        "Did you mean \"shop-mail\"? Set app to the UUID of the one you mean",
    ] {
        run.assert_told(text);
    }

    let stack = STACK.replace("shop-mail", &apps()[0]);
    let run = deploys(&simulator, &stack).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("web and mail are both the application");
    assert_eq!(simulator.deployments_made(), 0);
}

/// The block of this language under a heading of the page.
fn block(heading: &str, language: &str) -> String {
    let page = std::fs::read_to_string("docs/stacks.md").unwrap();
    let section = page.split(&format!("\n### {heading}\n")).nth(1).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let block = section.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_matrix_of_jobs_deploys_a_stack_on_github() {
    let simulator = Simulator::start(shop(good())).await;
    let workflow: yaml_serde::Value =
        yaml_serde::from_str(&block("GitHub: a matrix for each step", "yaml")).unwrap();
    let steps = steps(&workflow);
    let [plan, first, second] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    let values = [("github.token", "ghs_0123456789")];
    let runner = step(plan, &simulator, &values)
        .set("INPUT_STACK", STACK)
        .set("INPUT_ONLY-CHANGED", "false");
    let planned = runner.run().await;
    planned.assert_ended(0, "success");
    let matrix = output(&planned, "matrix");
    for (job, layer) in [first, second].into_iter().zip(matrix.as_array().unwrap()) {
        for item in layer["include"].as_array().unwrap() {
            let item = item.as_object().unwrap().iter();
            let item =
                item.map(|(name, value)| (format!("matrix.{name}"), value.as_str().unwrap()));
            let item: Vec<_> = item.collect();
            let values: Vec<_> = item
                .iter()
                .map(|(name, value)| (name.as_str(), *value))
                .collect();
            step(job, &simulator, &values)
                .run()
                .await
                .assert_ended(0, "success");
        }
    }
    assert_eq!(simulator.deployments_made(), 4);
}

/// A stack whose names are keywords of an engine, or not allowed there.
const ODD: &str = "services:
  image: { app: shop-web, after: [a_b, a-b] }
  a_b: { app: shop-api }
  stack: { static-site: shop-docs }
  a-b: { app: shop-mail, after: [a_b] }
";

/// What a script of the shell makes of the outputs of the plan, with the program of jq
/// under a heading of the page.
async fn converted(simulator: &Simulator, heading: &str, script: &str) -> Value {
    let run = runner(simulator, "plan-stack", ODD);
    let run = run.set("SEVALLA_OUTPUT_FILE", "plan.json").run().await;
    run.assert_ended(0, "success");
    let program = script.split_whitespace().nth(2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ci")).unwrap();
    std::fs::write(folder.path().join(program), block(heading, "jq")).unwrap();
    std::fs::copy(run.path("plan.json"), folder.path().join("plan.json")).unwrap();
    let made = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .expect("there is a shell");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    serde_json::from_slice(&made.stdout).unwrap()
}

/// Runs a job that has these variables.
async fn run_job(simulator: &Simulator, variables: impl IntoIterator<Item = (String, Value)>) {
    let mut runner = Runner::against(simulator);
    for (name, value) in variables {
        runner = runner.set(name, value.as_str().unwrap());
    }
    runner.run().await.assert_ended(0, "success");
}

/// GitLab's keywords at the place of a job, and what it takes for no name.
const GITLAB_KEYWORDS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "pages",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
    "true",
    "false",
    "nil",
];

#[tokio::test]
async fn a_child_pipeline_deploys_a_stack_on_gitlab() {
    let heading = "GitLab: a child pipeline with `needs`";
    let recipe: yaml_serde::Value = yaml_serde::from_str(&block(heading, "yaml")).unwrap();
    let generate = &recipe["generate"];
    // It has a shell, in which jq is installed first.
    assert!(generate["image"].as_str().unwrap().starts_with("alpine:"));
    let lines = generate["script"].as_sequence().unwrap();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
    let ["apk add --no-cache jq", convert] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    let (convert, made) = convert.split_once(" > ").unwrap();
    assert_eq!(recipe["deploy"]["trigger"]["include"][0]["artifact"], made);

    let simulator = Simulator::start(shop(good())).await;
    let pipeline = converted(&simulator, heading, convert).await;
    let jobs = pipeline.as_object().unwrap();
    for (name, job) in jobs {
        assert!(!GITLAB_KEYWORDS.contains(&name.as_str()), "{name}");
        for needed in job["needs"].as_array().unwrap() {
            assert!(jobs.contains_key(needed.as_str().unwrap()), "{needed}");
        }
        let variables = job["variables"].as_object().unwrap().iter();
        let variables = variables.map(|(name, it)| {
            assert_eq!(it["expand"], false, "{name}");
            (name.clone(), it["value"].clone())
        });
        run_job(&simulator, variables).await;
    }
    assert_eq!(
        pipeline["deploy-image"]["needs"],
        json!(["deploy-a_b", "deploy-a-b"])
    );
    assert_eq!(simulator.deployments_made(), 4);
}

#[tokio::test]
async fn a_dag_deploys_a_stack_on_argo() {
    let heading = "Argo Workflows: a DAG";
    let simulator = Simulator::start(shop(good())).await;
    let script = block(heading, "sh");
    let convert = script.lines().nth(1).unwrap().split(" | ").next().unwrap();
    let workflow = converted(&simulator, heading, convert).await;
    let templates = workflow["spec"]["templates"].as_array().unwrap();
    let names: BTreeSet<&str> = templates
        .iter()
        .map(|template| template["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 5);
    for name in names {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!(
            name.chars().all(is_inner) && !name.starts_with('-'),
            "{name}"
        );
    }
    let entry = templates.iter().find(|it| it["name"] == "stack").unwrap();
    let tasks = entry["dag"]["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 4);
    for task in tasks {
        let mut templates = templates.iter();
        let template = templates.find(|it| it["name"] == task["template"]).unwrap();
        let env = template["container"]["env"].as_array().unwrap().iter();
        let env = env.filter(|it| it["name"] != "SEVALLA_TOKEN");
        let env = env.map(|it| (it["name"].as_str().unwrap().to_owned(), it["value"].clone()));
        run_job(&simulator, env).await;
        for needed in task["dependencies"].as_array().unwrap() {
            assert!(tasks.iter().any(|task| task["name"] == *needed));
        }
    }
    assert_eq!(simulator.deployments_made(), 4);
}

#[tokio::test]
async fn each_service_has_a_group_a_row_and_a_lane() {
    let [web, api, docs, mail] = good().map(|script| script.generated_lines(3));
    let simulator =
        Simulator::start(shop([web, api.run(Duration::from_secs(2)), docs, mail])).await;
    let run = deploys(&simulator, STACK)
        .set("SEVALLA_REPORT_FILE", "report.json")
        .on_github()
        .run()
        .await;
    run.assert_ended(0, "success");
    for name in ["web", "api", "docs", "mail"] {
        assert_eq!(
            run.stdout
                .matches(&format!("::group::Log of {name}\n"))
                .count(),
            1,
            "{}",
            run.stdout
        );
        let summary = run.file("github-summary").unwrap();
        assert!(summary.contains(&format!("section To {name}")), "{summary}");
    }
    let summary = run.file("github-summary").unwrap();
    assert!(
        summary.contains("section To api - critical path"),
        "{summary}"
    );
    let report = assert_report(&run.file("report.json").unwrap());
    assert_eq!(report["services"].as_array().unwrap().len(), 4);
    assert_eq!(run.output("promotions"), "");
}

/// The requests of a run, without what differs from run to run.
fn requests(simulator: &Simulator) -> Vec<(String, Option<Value>)> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation != "listApplicationsV3");
    let mut calls: Vec<_> = calls
        .map(|call| (call.operation.clone(), call.json()))
        .collect();
    calls.dedup();
    calls
}

#[tokio::test]
async fn a_stack_of_one_service_is_deployed_as_the_service_alone() {
    let seconds = Regex::new(r"this run took \d+s").unwrap();
    for script in [Script::success(), Script::failed(), Script::skipped()] {
        let script = script.commit_sha(NEW);
        let world = || World::new().application(app(APP, "shop", script.clone()));
        let (alone, stacked) = (
            Simulator::start(world()).await,
            Simulator::start(world()).await,
        );
        let one = Runner::deploys_app(&alone)
            .set("SEVALLA_BRANCH", "main")
            .on_github()
            .run()
            .await;
        let stack = format!("services: {{ shop: {{ app: {APP}, branch: main }} }}");
        let other = deploys(&stacked, &stack).on_github().run().await;
        assert_eq!(one.code, other.code);
        assert_eq!(requests(&alone), requests(&stacked));
        let outputs = |run: &Finished, simulator: &Simulator| {
            let id = &simulator.deployments(APP)[0].id;
            let mut outputs = run.outputs();
            outputs.retain(|name, _| !name.ends_with("-seconds") && name != "services");
            for value in outputs.values_mut() {
                *value = seconds
                    .replace(&value.replace(id, "ID"), "SECONDS")
                    .into_owned();
            }
            outputs
        };
        assert_eq!(outputs(&one, &alone), outputs(&other, &stacked));
    }
}
