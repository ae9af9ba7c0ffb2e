//! Ids that are given as display names.

use sevalla_simulator::{
    Application, Behaviour, Database, Fault, PastDeployment, Pipeline, Preview, Simulator,
    StaticSite, World,
};

use crate::harness::{APP, PIPELINE, Runner, SITE, called, ids, stopped};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const NAME: &str = "Shop – EU";

fn app(id: &str, name: &str) -> Application {
    Application::new(id)
        .display_name(name)
        .past(PastDeployment::success())
}

async fn world(apps: impl IntoIterator<Item = Application>) -> Simulator {
    let world = World::new()
        .static_site(StaticSite::new(SITE).display_name(NAME))
        .pipeline(
            Pipeline::new(PIPELINE)
                .display_name(NAME)
                .preview(Preview::new()),
        )
        .database(Database::new(DATABASE).display_name(NAME));
    Simulator::start(apps.into_iter().fold(world, World::application)).await
}

fn assert_only_read(simulator: &Simulator) {
    let calls = simulator.journal();
    assert!(calls.iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_service_is_deployed_by_its_exact_name_and_its_id_is_shown() {
    let others = ids(2);
    let apps = [
        app(&others[0], "shop – eu"),
        app(APP, NAME),
        app(&others[1], "Shop – EU 2"),
    ];
    let simulator = world(apps).await;
    let run = Runner::deploys_app(&simulator).set("SEVALLA_APP_ID", NAME);
    let run = run.run().await;
    run.assert_ended(0, "success");
    run.assert_told(&format!("The application called {NAME:?} is {APP}"));
    assert_eq!(simulator.calls("listApplicationsV3"), 1);
    assert_eq!(simulator.deployments(APP).len(), 2);

    let run = Runner::deploys_site(&simulator).set("SEVALLA_STATIC_SITE_ID", NAME);
    let run = run.run().await;
    run.assert_ended(0, "success");
    run.assert_told(SITE);
}

#[tokio::test]
async fn what_reads_or_follows_or_previews_takes_a_name() {
    let simulator = world([app(APP, NAME)]).await;
    let does = |action| Runner::does(&simulator, action);
    for input in ["APP_ID", "STATIC_SITE_ID", "PIPELINE_ID", "DATABASE_ID"] {
        let shown = does("show")
            .set(format!("SEVALLA_{input}"), NAME)
            .run()
            .await;
        shown.assert_ended(0, "success");
    }
    let listed = does("list")
        .set("SEVALLA_RESOURCE", "deployments")
        .set("SEVALLA_APP_ID", NAME)
        .run()
        .await;
    listed.assert_ended(0, "success");
    let latest = &simulator.deployments(APP)[0].id;
    let followed = does("follow")
        .set("SEVALLA_APP_ID", NAME)
        .set("SEVALLA_DEPLOYMENT_ID", latest)
        .run()
        .await;
    followed.assert_ended(0, "success");
    let planned = does("create-preview-app")
        .set("SEVALLA_PIPELINE_ID", NAME)
        .set("SEVALLA_BRANCH", "feature/x")
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    planned.assert_ended(0, "planned");
}

#[tokio::test]
async fn none_or_several_of_a_name_end_the_run_with_the_candidates() {
    let twins = ids(2);
    let preview = app(APP, "lonely").kind("previewApp");
    let apps = [app(&twins[0], NAME), app(&twins[1], NAME), preview];
    let simulator = world(apps).await;
    let deploy = |name| {
        Runner::deploys_app(&simulator)
            .set("SEVALLA_APP_ID", name)
            .run()
    };
    let several = deploy(NAME).await;
    several.assert_ended(9, "rejected");
    let none = deploy("Shop").await;
    none.assert_ended(9, "rejected");
    for run in [several, none] {
        run.assert_told(&twins[0]);
        run.assert_told(&twins[1]);
    }
    // A preview app has the name of its pull request, which anybody can choose.
    let preview = deploy("lonely").await;
    preview.assert_ended(9, "rejected");
    preview
        .assert_told("Error: \"lonely\" is the name of a preview app, and those need their UUID");
    preview.assert_told(APP);
    assert_only_read(&simulator);
}

#[tokio::test]
async fn what_deletes_changes_or_promotes_needs_the_id() {
    let simulator = world([app(APP, NAME)]).await;
    for (action, input, others) in [
        ("delete-app", "APP_ID", &[("CONFIRM", NAME)][..]),
        (
            "update-app",
            "APP_ID",
            &[("SETTINGS", r#"{"display_name":"x"}"#)],
        ),
        ("rollback-app", "APP_ID", &[]),
        ("rollback-static-site", "STATIC_SITE_ID", &[]),
        ("cancel", "APP_ID", &[("DEPLOYMENT_ID", APP)]),
        ("purge-cache", "APP_ID", &[]),
        ("toggle-cdn", "APP_ID", &[("CDN", "on")]),
        ("connect-database", "DATABASE_ID", &[("APP_ID", APP)]),
        ("connect-database", "APP_ID", &[("DATABASE_ID", DATABASE)]),
        ("delete-database", "DATABASE_ID", &[("CONFIRM", NAME)]),
        ("delete-preview-app", "APP_ID", &[]),
        (
            "promote-app",
            "PIPELINE_ID",
            &[("SOURCE_APP_ID", APP), ("TARGET_APP_IDS", SITE)],
        ),
    ] {
        let runner = Runner::does(&simulator, action).set(format!("SEVALLA_{input}"), NAME);
        let set = |runner: Runner, (name, value): &(&str, &str)| {
            runner.set(format!("SEVALLA_{name}"), *value)
        };
        let run = others.iter().fold(runner, set).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(&format!("{NAME:?} is a name, and {action} needs the UUID"));
    }
    assert_eq!(simulator.journal().len(), 0);
}

#[tokio::test]
async fn an_id_with_a_mistake_is_never_looked_up_as_a_name() {
    let simulator = world([app(APP, NAME)]).await;
    for text in [
        &APP[1..],
        &APP.replace('-', ""),
        "https://app.sevalla.com/x",
    ] {
        let run = Runner::deploys_app(&simulator).set("SEVALLA_APP_ID", text);
        let run = run.run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("expected a UUID");
    }
    assert_eq!(simulator.journal().len(), 0);
}

#[tokio::test]
async fn a_signal_while_a_name_is_looked_up_starts_nothing() {
    let simulator = world([app(APP, NAME)]).await;
    let fault = Fault::on("listApplicationsV3");
    simulator.add_fault(fault.does(Behaviour::HangBeforeApplying));
    let running = Runner::deploys_app(&simulator)
        .set("SEVALLA_APP_ID", NAME)
        .start();
    called(&simulator, "listApplicationsV3").await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(143, "interrupted");
    assert_only_read(&simulator);
}

#[tokio::test]
async fn a_name_that_the_action_does_not_use_has_no_effect() {
    let simulator = world([app(APP, NAME)]).await;
    let site = Runner::deploys_site(&simulator)
        .set("SEVALLA_ACTION", "deploy-static-site")
        .set("SEVALLA_APP_ID", "shop")
        .set("SEVALLA_DRY_RUN", "true");
    let run = site.run().await;
    run.assert_ended(0, "planned");
    run.assert_told("app-id has no effect on deploy-static-site. [input-without-effect]");

    let list = |resource| Runner::does(&simulator, "list").set("SEVALLA_RESOURCE", resource);
    for (resource, input) in [("applications", "APP_ID"), ("databases", "STATIC_SITE_ID")] {
        let runner = list(resource).set(format!("SEVALLA_{input}"), "nope");
        let run = runner.run().await;
        run.assert_ended(0, "success");
        run.assert_told(&format!("has no effect on list with resource: {resource}"));
    }
    // It names the service here.
    let run = list("processes").set("SEVALLA_APP_ID", "nope").run().await;
    run.assert_ended(9, "rejected");
    assert_only_read(&simulator);
}

#[tokio::test]
async fn a_name_that_is_misspelled_is_the_headline_with_a_near_one_as_the_hint() {
    let simulator = world([app(APP, "shop")]).await;
    let run = Runner::deploys_app(&simulator).set("SEVALLA_APP_ID", "shopp");
    let run = run.run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("Error: No application is called \"shopp\"");
    run.assert_told(&format!("why:   There are \"shop\" ({APP})"));
    run.assert_told("next:  Did you mean \"shop\"?");
    assert_only_read(&simulator);
}

#[tokio::test]
async fn a_name_that_looks_like_another_is_ambiguous_and_both_are_escaped() {
    let twin = ids(1).remove(0);
    for other in ["shop ", " shop", "sh\u{200b}op", "shop\u{2060}"] {
        let simulator = world([app(APP, "shop"), app(&twin, other)]).await;
        let run = Runner::deploys_app(&simulator).set("SEVALLA_APP_ID", "shop");
        let run = run.run().await;
        run.assert_ended(9, "rejected");
        run.assert_told("Error: Several applications are called \"shop\"");
        run.assert_told(&format!("{other:?} ({twin})"));
        assert_only_read(&simulator);
    }
    // Alone, it is not exactly the name that was given.
    let simulator = world([app(APP, "sh\u{200b}op")]).await;
    let run = Runner::deploys_app(&simulator).set("SEVALLA_APP_ID", "shop");
    let run = run.run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("No application is called \"shop\"");
    run.assert_told(r#""sh\u{200b}op""#);
}
