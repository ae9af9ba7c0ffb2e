//! Listing and showing.

use serde_json::Value;
use sevalla_simulator::{
    Application, Behaviour, Database, EnvVar, Fault, PastDeployment, Pipeline, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{APP, Finished, Runner, SITE, called, ids};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";

async fn world() -> Simulator {
    let variable = EnvVar::new("API_KEY", "do-not-print-me");
    Simulator::start(
        World::new()
            .application(
                Application::new(APP)
                    .past(PastDeployment::success())
                    .env_var(variable)
                    .repo_url("https://me:geheim99@github.com/octocat/shop"),
            )
            .static_site(StaticSite::new(SITE))
            .pipeline(Pipeline::new(PIPELINE))
            .database(Database::new(DATABASE)),
    )
    .await
}

fn list(simulator: &Simulator, resource: &str) -> Runner {
    Runner::does(simulator, "list").set("SEVALLA_RESOURCE", resource)
}

fn result(run: &Finished) -> Value {
    run.assert_ended(0, "success");
    serde_json::from_str(&run.output("result")).unwrap()
}

#[tokio::test]
async fn each_resource_is_listed() {
    let simulator = world().await;
    for (resource, id) in [
        ("applications", APP),
        ("static-sites", SITE),
        ("pipelines", PIPELINE),
        ("databases", DATABASE),
    ] {
        let run = list(&simulator, resource).run().await;
        assert_eq!(result(&run)[0]["id"], id, "{resource}");
        run.assert_told(id);
    }
    let bare = Runner::does(&simulator, "list").run().await;
    assert_eq!(result(&bare)[0]["id"], APP);
    let of_site = Runner::does(&simulator, "list").set("SEVALLA_STATIC_SITE_ID", SITE);
    assert_eq!(result(&of_site.run().await), serde_json::json!([]));
    let app = |resource| list(&simulator, resource).set("SEVALLA_APP_ID", APP);
    let deployments = result(&app("deployments").run().await);
    assert_eq!(deployments[0]["status"], "success");
    assert_eq!(result(&app("processes").run().await)[0]["key"], "web");
}

#[tokio::test]
async fn a_list_has_all_pages_in_an_order_of_fields_that_stays() {
    let ids = ids(205);
    let databases = ids.iter().enumerate();
    let world = databases.fold(World::new(), |world, (number, id)| {
        world.database(Database::new(id).display_name(format!("db-{number:03}")))
    });
    let simulator = Simulator::start(world).await;
    let run = list(&simulator, "databases")
        .set("SEVALLA_REPORT_FILE", "databases.json")
        .run()
        .await;
    let all = result(&run);
    assert_eq!(all.as_array().unwrap().len(), 205);
    assert_eq!(simulator.calls("listDatabasesV3"), 3);
    let text = run.output("result");
    assert!(text.starts_with(r#"[{"id":"#) && text.contains(r#","name":"db-000","display_name":"#));
    // The same text, not only the same values.
    let report = run.file("databases.json").unwrap();
    assert!(
        report.ends_with(&format!(",\"result\":{text}}}\n")),
        "{report}"
    );

    let some = list(&simulator, "databases").set("SEVALLA_FILTER", "DB-00");
    let some = result(&some.run().await);
    assert_eq!(some.as_array().unwrap().len(), 10);
    let none = list(&simulator, "databases").set("SEVALLA_FILTER", "shop");
    assert_eq!(none.run().await.output("result"), "[]");
}

#[tokio::test]
async fn a_result_that_no_output_holds_goes_to_the_file() {
    let ids = ids(400);
    let databases = ids.iter();
    let world = databases.fold(World::new(), |world, id| {
        world.database(Database::new(id).display_name("x".repeat(64)))
    });
    let simulator = Simulator::start(world).await;
    let run = list(&simulator, "databases").run().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("result"), "");
    run.assert_told("set report-file to get it");
    let run = list(&simulator, "databases").set("SEVALLA_REPORT_FILE", "all.json");
    let run = run.run().await;
    let report: Value = serde_json::from_str(&run.file("all.json").unwrap()).unwrap();
    assert_eq!(report["result"].as_array().unwrap().len(), 400);
}

#[tokio::test]
async fn one_thing_is_shown_with_what_belongs_to_it() {
    let simulator = world().await;
    let show = || {
        Runner::does(&simulator, "show")
            .hides("do-not-print-me")
            .hides("geheim99")
    };
    let app = result(&show().set("SEVALLA_APP_ID", APP).run().await);
    assert_eq!(app["repo_url"], "https://***@github.com/octocat/shop");
    assert_eq!(app["deployments"][0]["status"], "success");
    assert_eq!(app["processes"][0]["key"], "web");
    assert_eq!(app["metrics"]["requests"], 1239);
    assert_eq!(app["metrics"]["statuses"]["2xx"], 1200);
    assert_eq!(app["metrics"]["average-milliseconds"], 87.5);
    let site = result(&show().set("SEVALLA_STATIC_SITE_ID", SITE).run().await);
    assert_eq!(site["deployments"], Value::Array(Vec::new()));
    let pipeline = result(&show().set("SEVALLA_PIPELINE_ID", PIPELINE).run().await);
    assert!(pipeline["stages"].is_array());
    let run = show().set("SEVALLA_DATABASE_ID", DATABASE).run().await;
    assert_eq!(result(&run)["status"], "ready");
    assert_eq!(run.output("database-id"), DATABASE);

    let deployment = simulator.deployments(APP)[0].id.clone();
    let run = show()
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_DEPLOYMENT_ID", &deployment);
    assert_eq!(result(&run.run().await)["id"], deployment.as_str());
    assert_eq!(simulator.calls("listEnvironmentVariablesV3"), 0);
}

#[tokio::test]
async fn words_that_are_not_known_are_named_and_shown() {
    let strange =
        |operation: &str, body: Value| Fault::on(operation).does(Behaviour::WrongShape(body));
    let processes: Vec<Value> = (0..12)
        .map(|n| serde_json::json!({"id": format!("p{n}"), "type": format!("kind{n:02}")}))
        .collect();
    let pipeline = serde_json::json!({"id": PIPELINE, "type": "trunk",
        "stages": [{"id": "s", "type": "canary"}]});
    let simulator = Simulator::start(
        World::new()
            .application(Application::new(APP).past(PastDeployment::success()))
            .pipeline(Pipeline::new(PIPELINE))
            .database(Database::new(DATABASE).version("8.0"))
            .fault(strange("getPipelineV3", pipeline))
            .fault(strange(
                "listProcessesV3",
                serde_json::json!({"data": processes, "total": 12}),
            )),
    )
    .await;
    let show = || Runner::does(&simulator, "show");
    for run in [
        list(&simulator, "databases").run().await,
        show().set("SEVALLA_DATABASE_ID", DATABASE).run().await,
    ] {
        run.assert_ended(0, "success");
        run.assert_told("Not in the contract: database.version is \"8.0\"");
        assert!(run.output("result").contains("8.0"));
    }
    let run = show().set("SEVALLA_PIPELINE_ID", PIPELINE).run().await;
    run.assert_told("Not in the contract: pipeline.stages[].type is \"canary\"");
    // Each once, and not more than a few.
    for run in [
        show().set("SEVALLA_APP_ID", APP).run().await,
        list(&simulator, "processes")
            .set("SEVALLA_APP_ID", APP)
            .run()
            .await,
    ] {
        run.assert_ended(0, "success");
        run.assert_told("Not in the contract: process.type is \"kind09\"");
        run.assert_told("Not in the contract: and 2 more");
        let unsaid = "process.type is \"kind10\"";
        assert!(!run.streams().contains(unsaid), "{}", run.streams());
    }
    let run = list(&simulator, "pipelines").run().await;
    assert!(!run.streams().contains("Not in the contract"));
}

#[tokio::test]
async fn metrics_are_shown_where_the_key_may_read_them() {
    let simulator = world().await;
    let show = || Runner::does(&simulator, "show").set("SEVALLA_STATIC_SITE_ID", SITE);
    let run = show().run().await;
    run.assert_told("Last hour: 1239 requests (2xx 1200, 3xx 30, 4xx 7, 5xx 2), 88 ms on average");
    simulator.forbid("getStaticSiteTopStatusCodesV3");
    let site = result(&show().run().await);
    assert_eq!(site.get("metrics"), None);
}

#[tokio::test]
async fn a_thing_is_found_by_its_name() {
    let simulator = world().await;
    let named = |name: &str| {
        Runner::does(&simulator, "show")
            .set("SEVALLA_RESOURCE", "databases")
            .set("SEVALLA_FILTER", name)
    };
    let run = named("shop-db").run().await;
    assert_eq!(run.output("database-id"), DATABASE);
    let run = named("shop").run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("Error: No database is called \"shop\"");
    let missing = "9f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
    let no_deployment = format!("The application {APP} has no deployment {missing}");
    let no_app = format!("Could not show application {missing}");
    for (headline, deployment) in [(no_deployment, true), (no_app, false)] {
        let app = if deployment { APP } else { missing };
        let mut runner = Runner::does(&simulator, "show").set("SEVALLA_APP_ID", app);
        if deployment {
            runner = runner.set("SEVALLA_DEPLOYMENT_ID", missing);
        }
        let run = runner.run().await;
        run.assert_ended(9, "rejected");
        run.assert_told(&format!("Error: {headline}"));
        assert!(!run.streams().contains("Nothing was changed"));
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told() {
    let simulator = world().await;
    simulator.add_fault(Fault::on("listDatabasesV3").nth(1).does(Behaviour::CutBody));
    let run = list(&simulator, "databases").run().await;
    run.assert_ended(0, "success");
    simulator.forbid("listPipelinesV3");
    let run = list(&simulator, "pipelines").run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("The key can: APP:READ");
    let run = Runner::does(&simulator, "show").set("SEVALLA_DATABASE_ID", APP);
    run.run().await.assert_ended(9, "rejected");
    simulator.revoke_key();
    let run = list(&simulator, "applications").run().await;
    run.assert_ended(5, "unauthorized");
}

#[tokio::test]
async fn a_signal_ends_a_look() {
    let simulator = world().await;
    simulator.add_fault(Fault::on("listDatabasesV3").does(Behaviour::HangBeforeApplying));
    let running = list(&simulator, "databases").start();
    called(&simulator, "listDatabasesV3").await;
    running.signal("TERM").await;
    let run = running.finish().await;
    run.assert_ended(143, "interrupted");
    run.assert_told("Nothing was changed");
}

#[tokio::test]
async fn a_deployment_that_somebody_follows_is_in_the_list() {
    let app = Application::new(APP).next(Script::success());
    let simulator = Simulator::start(World::new().application(app)).await;
    Runner::deploys_app(&simulator).run().await;
    let run = list(&simulator, "deployments").set("SEVALLA_APP_ID", APP);
    let run = run.set("SEVALLA_FILTER", "main").run().await;
    assert_eq!(result(&run).as_array().unwrap().len(), 1);
}
