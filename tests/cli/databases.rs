//! Making sure of a database, and connecting it.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, CLUSTER, Change, Connection, Database, EnvVar, Fault, OTHER_CLUSTER,
    PastDeployment, Payload, SMALL_DATABASE, Simulator, World,
};

use crate::harness::{APP, HANGING, Runner, called, limited, stopped, together, until};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const CREATE: &str = "createDatabaseV3";
const CONNECT: &str = "createDatabaseInternalConnectionV3";

const SETTINGS: &str = r#"{"display_name":"orders","type":"postgresql","version":"16",
    "cluster":"frankfurt","resource_type":"DB1","db_name":"orders"}"#;

fn create(simulator: &Simulator) -> Runner {
    Runner::does(simulator, "create-database")
        .set("SEVALLA_SETTINGS", SETTINGS)
        // Otherwise nobody could know the password.
        .set("SEVALLA_SET_ENV", "true")
}

#[tokio::test]
async fn a_database_whose_password_nobody_could_know_is_not_created() {
    let simulator = empty().await;
    let bare = || Runner::does(&simulator, "create-database").set("SEVALLA_SETTINGS", SETTINGS);
    for dry_run in ["false", "true"] {
        let run = bare().set("SEVALLA_DRY_RUN", dry_run).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("Database orders was not created: nobody would know its password");
        run.assert_told("Set database-password");
    }
    assert_eq!(simulator.calls(CREATE), 0);
    for (name, value) in [
        ("SEVALLA_OUTPUT_PASSWORD", "true"),
        ("SEVALLA_SET_ENV", "true"),
        ("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?"),
    ] {
        let simulator = empty().await;
        let run = Runner::does(&simulator, "create-database")
            .set("SEVALLA_SETTINGS", SETTINGS)
            .set(name, value)
            .run()
            .await;
        run.assert_ended(0, "success");
        // The database is there, so no password is needed.
        let again = Runner::does(&simulator, "create-database").set("SEVALLA_SETTINGS", SETTINGS);
        again.run().await.assert_ended(0, "success");
    }
}

async fn empty() -> Simulator {
    Simulator::start(World::new().next_database(Database::new(DATABASE))).await
}

/// What the last creation was asked with.
fn asked(simulator: &Simulator) -> serde_json::Value {
    let mut calls = simulator.journal().into_iter().rev();
    let call = calls.find(|call| call.operation == CREATE);
    call.unwrap().json().unwrap()
}

#[tokio::test]
async fn a_database_is_created_once_and_then_found() {
    let simulator = empty().await;
    let run = create(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("it is ready");
    assert_eq!(run.output("database-id"), DATABASE);
    assert_eq!(run.output("created"), "true");
    let sent = asked(&simulator);
    assert_eq!(sent["cluster_id"], CLUSTER);
    assert_eq!(sent["resource_type_id"], SMALL_DATABASE);
    assert!(sent.get("cluster").is_none() && sent.get("db_user").is_none());

    let again = create(&simulator).run().await;
    again.assert_ended(0, "success");
    assert_eq!(again.output("database-id"), DATABASE);
    assert_eq!(again.output("created"), "false");
    assert_eq!(simulator.calls(CREATE), 1);
}

#[tokio::test]
async fn a_drawn_password_is_told_only_when_that_is_asked_for() {
    let simulator = empty().await;
    let run = create(&simulator).on_github().run().await;
    run.assert_ended(0, "success");
    run.assert_told("The database has a generated password");
    let password = asked(&simulator)["db_password"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(password.len(), 32);
    assert_eq!(run.output("database-password"), "");
    assert!(!run.streams().contains("::add-mask::"), "{}", run.stdout);
    assert!(!run.streams().contains(&password));

    let simulator = empty().await;
    let run = create(&simulator).on_github();
    let run = run.set("SEVALLA_OUTPUT_PASSWORD", "true").run().await;
    let password = asked(&simulator)["db_password"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(run.output("database-password"), password);
    // The CI cannot know it, so it is asked to hide it in later steps.
    let mask = format!("::add-mask::{password}\n");
    assert_eq!(run.stdout.matches("::add-mask::").count(), 1);
    assert!(run.stdout.contains(&mask), "{}", run.stdout);
    assert!(!run.streams().replace(&mask, "").contains(&password));
    assert!(!run.file("github-summary").unwrap().contains(&password));
}

#[tokio::test]
async fn a_password_that_is_given_stays_inside_also_when_it_is_echoed() {
    let simulator = empty().await;
    let echo = json!({"message": "body/db_password p=ssw0rd? is too weak", "status": 400});
    let refused = Behaviour::Status(400, Payload::Json(echo), Vec::new());
    simulator.add_fault(Fault::on(CREATE).nth(1).does(refused));
    let run = || {
        create(&simulator)
            .secret("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
            .set("SEVALLA_DATABASE_USER", "shop")
    };
    let refused = run().run().await;
    refused.assert_ended(9, "rejected");
    refused.assert_told("*** is too weak");
    run().run().await.assert_ended(0, "success");
    assert_eq!(asked(&simulator)["db_password"], "p=ssw0rd?");
    assert_eq!(asked(&simulator)["db_user"], "shop");
}

#[tokio::test]
async fn a_lost_answer_does_not_make_two() {
    let lost = [
        Behaviour::ResetAfterApplying,
        Behaviour::CloseAfterApplying,
        Behaviour::CutBody,
        Behaviour::ErrorAfterApplying(502, Payload::error_page(502)),
        Behaviour::WrongShape(json!([])),
        Behaviour::ResetBeforeApplying,
        Behaviour::html(502),
        limited(),
    ];
    together(lost.map(|lost| async move {
        let simulator = empty().await;
        simulator.add_fault(Fault::on(CREATE).nth(1).does(lost.clone()));
        let run = create(&simulator).run().await;
        run.assert_ended(0, "success");
        assert_eq!(simulator.databases(), [DATABASE], "{lost:?}");
        assert_eq!(run.output("database-id"), DATABASE);
    }))
    .await;
}

#[tokio::test]
async fn a_name_that_the_service_changes_does_not_make_two() {
    let simulator = empty().await;
    let listed = json!({ "id": DATABASE, "display_name": "Orders ", "type": "postgresql" });
    let page = json!({ "data": [listed], "total": 1, "offset": 0, "limit": 100 });
    let lists = Fault::on("listDatabasesV3").after(1);
    simulator.add_fault(lists.does(Behaviour::WrongShape(page)));
    simulator.add_fault(Fault::on(CREATE).does(Behaviour::ResetAfterApplying));
    let run = create(&simulator).run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.calls(CREATE), 1);
}

/// The password that the last creation was asked with.
fn asked_password(simulator: &Simulator) -> String {
    asked(simulator)["db_password"].as_str().unwrap().to_owned()
}

/// A world whose next database is never ready.
async fn endless() -> Simulator {
    let endless = Database::new(DATABASE).creation(Change::takes(Duration::from_secs(3600)));
    Simulator::start(World::new().next_database(endless)).await
}

fn telling(simulator: &Simulator) -> Runner {
    create(simulator).set("SEVALLA_OUTPUT_PASSWORD", "true")
}

const LOOK_FIRST: &str = "a second run could create a second one";

#[tokio::test]
async fn who_cannot_tell_sends_nobody_to_run_it_again() {
    let simulator = empty().await;
    simulator.add_fault(Fault::on(CREATE).does(Behaviour::ResetAfterApplying));
    simulator.add_fault(
        Fault::on("listDatabasesV3")
            .after(1)
            .does(Behaviour::status(401)),
    );
    let run = telling(&simulator).run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told(LOOK_FIRST);
    run.assert_told("If it was created, the output database-password is its password");
    assert_eq!(run.output("database-password"), asked_password(&simulator));
    assert!(!run.streams().contains("Run this again"));

    // Two runs at the same time: the answer of the first is lost, and late.
    let simulator = empty().await;
    let late = Fault::on(CREATE).nth(1).delayed(Duration::from_secs(10));
    simulator.add_fault(late.does(Behaviour::ResetAfterApplying));
    let first = create(&simulator).start();
    called(&simulator, CREATE).await;
    create(&simulator).run().await.assert_ended(0, "success");
    let run = first.finish().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told("2 new databases could be it");
    run.assert_told(LOOK_FIRST);
    run.assert_told("it has a generated password that is not stored");
}

#[tokio::test]
async fn a_connection_that_cannot_be_told_is_looked_at_first() {
    let simulator = Simulator::start(both()).await;
    simulator.add_fault(Fault::on(CONNECT).does(Behaviour::ResetBeforeApplying));
    let looks = "listDatabaseInternalConnectionsV3";
    simulator.add_fault(Fault::on(looks).after(1).does(Behaviour::status(401)));
    let run = connect(&simulator).run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told(LOOK_FIRST);
}

#[tokio::test]
async fn a_signal_leaves_nobody_in_doubt_about_what_was_created() {
    let slow = Behaviour::Delay(Duration::from_secs(1));
    let refused = Behaviour::RateLimited {
        retry_after: Some("60".to_owned()),
        reset: None,
    };
    let cases = [
        (
            slow,
            true,
            true,
            "was created; this run did not see it become ready",
        ),
        (
            Behaviour::HangAfterApplying,
            true,
            true,
            "was created; this run did not see it become ready",
        ),
        (
            Behaviour::ResetAfterApplying,
            true,
            true,
            "was created; this run did not see it become ready",
        ),
        (Behaviour::HangBeforeApplying, false, true, LOOK_FIRST),
        (refused, false, false, "No database was created"),
    ];
    together(
        cases.map(|(fault, is_seen, may_be_there, told)| async move {
            let simulator = endless().await;
            simulator.add_fault(Fault::on(CREATE).does(fault.clone()));
            let running = telling(&simulator).start();
            called(&simulator, CREATE).await;
            let run = stopped(running, "INT").await;
            run.assert_ended(130, "interrupted");
            run.assert_told(told);
            let id = if is_seen { DATABASE } else { "" };
            assert_eq!(run.output("database-id"), id, "{fault:?}");
            let created = if is_seen { "true" } else { "" };
            assert_eq!(run.output("created"), created, "{fault:?}");
            let asked = asked_password(&simulator);
            let password = if may_be_there { asked } else { String::new() };
            assert_eq!(run.output("database-password"), password, "{fault:?}");
            assert_eq!(simulator.calls(CREATE), 1);
        }),
    )
    .await;
}

#[tokio::test]
async fn the_end_of_the_time_leaves_nobody_in_doubt_about_what_was_created() {
    let cases = [
        (Behaviour::HangAfterApplying, 4, "timed-out", DATABASE),
        (Behaviour::HangBeforeApplying, 7, "ambiguous", ""),
    ];
    together(cases.map(|(fault, code, outcome, id)| async move {
        let simulator = endless().await;
        simulator.add_fault(Fault::on(CREATE).does(fault));
        let run = telling(&simulator).set("SEVALLA_TIMEOUT", "7s").run().await;
        run.assert_ended(code, outcome);
        assert_eq!(run.output("database-id"), id);
        assert_eq!(run.output("database-password"), asked_password(&simulator));
        assert!(run.took < HANGING, "{:?}", run.took);
        assert_eq!(simulator.calls(CREATE), 1);
        if code == 7 {
            run.assert_told("No new database appeared; the request was sent once");
            run.assert_told(LOOK_FIRST);
        }
    }))
    .await;
}

#[tokio::test]
async fn who_ends_the_waiting_is_told_that_it_goes_on() {
    let simulator = endless().await;
    let looks = "getDatabaseV3";
    let running = create(&simulator).start();
    called(&simulator, looks).await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(143, "interrupted");
    run.assert_told("was created; this run did not see it become ready");
    assert!(!run.streams().contains("was not seen"), "{}", run.streams());

    let before = simulator.calls(looks);
    let running = create(&simulator).start();
    until(|| simulator.calls(looks) > before).await;
    let run = stopped(running, "INT").await;
    run.assert_told("was there before");
    assert_eq!(run.output("created"), "false");
}

#[tokio::test]
async fn what_keeps_it_from_being_ready_is_told() {
    let fails = Database::new(DATABASE).creation(Change::takes(Duration::ZERO).fails());
    let simulator = Simulator::start(World::new().next_database(fails)).await;
    let run = create(&simulator).run().await;
    run.assert_ended(1, "failed");
    run.assert_told("its status is error");
    run.assert_told("Delete it with delete-database");
    create(&simulator).run().await.assert_ended(1, "failed");
    assert_eq!(simulator.calls(CREATE), 1);

    let endless = Database::new(DATABASE).creation(Change::takes(Duration::from_secs(3600)));
    let simulator = Simulator::start(World::new().next_database(endless)).await;
    let run = create(&simulator).set("SEVALLA_TIMEOUT", "6s").run().await;
    run.assert_ended(4, "timed-out");
    run.assert_told("its status is creating");
    let looks = simulator.calls("getDatabaseV3");
    let running = create(&simulator).start();
    until(|| simulator.calls("getDatabaseV3") > looks).await;
    running.signal("INT").await;
    running.finish().await.assert_ended(130, "interrupted");
}

#[tokio::test]
async fn looks_that_are_cut_off_or_fail_are_told_apart() {
    let cases = [
        (
            0,
            Behaviour::HangBeforeApplying,
            4,
            "timed-out",
            "not seen yet",
        ),
        (
            1,
            Behaviour::HangBeforeApplying,
            4,
            "timed-out",
            "its status is creating",
        ),
        (1, Behaviour::status(401), 5, "unauthorized", DATABASE),
        (1, Behaviour::html(503), 6, "unavailable", DATABASE),
    ];
    together(cases.map(|(looks, fault, code, outcome, told)| async move {
        let endless = Database::new(DATABASE).creation(Change::takes(Duration::from_secs(3600)));
        let simulator = Simulator::start(World::new().next_database(endless)).await;
        simulator.add_fault(Fault::on("getDatabaseV3").after(looks).does(fault));
        let run = create(&simulator).set("SEVALLA_TIMEOUT", "5s").run().await;
        run.assert_ended(code, outcome);
        run.assert_told(told);
        assert_eq!(run.output("database-id"), DATABASE);
        assert_eq!(simulator.calls(CREATE), 1);
    }))
    .await;
}

#[tokio::test]
async fn refusals_are_explained() {
    let simulator = empty().await;
    let limited = Behaviour::RateLimited {
        retry_after: Some("3000".to_owned()),
        reset: None,
    };
    simulator.add_fault(Fault::on(CREATE).nth(1).does(limited));
    let run = create(&simulator).set("SEVALLA_TIMEOUT", "20s").run().await;
    run.assert_ended(6, "unavailable");
    run.assert_told("20 services an hour, and 5 a minute");
    simulator.add_fault(Fault::on(CREATE).nth(1).does(Behaviour::status(400)));
    let run = create(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("The version has to be one that Sevalla offers");
    let elsewhere = SETTINGS.replace("frankfurt", "atlantis");
    let run = create(&simulator)
        .set("SEVALLA_SETTINGS", elsewhere)
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told("No cluster is called \"atlantis\"; there are Frankfurt");
    simulator.forbid(CREATE);
    create(&simulator)
        .run()
        .await
        .assert_ended(5, "unauthorized");
    assert!(simulator.databases().is_empty());
}

#[tokio::test]
async fn another_type_of_this_name_is_not_taken_for_it() {
    let other = Database::new(DATABASE).display_name("orders").kind("mysql");
    let simulator = Simulator::start(World::new().database(other)).await;
    let run = create(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("is of type mysql, not postgresql");
    assert_eq!(simulator.calls(CREATE), 0);
}

#[tokio::test]
async fn a_dry_run_creates_nothing() {
    let simulator = empty().await;
    let run = create(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    run.assert_ended(0, "planned");
    assert!(simulator.databases().is_empty());
}

fn connect(simulator: &Simulator) -> Runner {
    Runner::does(simulator, "connect-database")
        .set("SEVALLA_DATABASE_ID", DATABASE)
        .set("SEVALLA_APP_ID", APP)
}

fn with_env(simulator: &Simulator) -> Runner {
    connect(simulator)
        .set("SEVALLA_SET_ENV", "true")
        .set("SEVALLA_DATABASE_USER", "shop")
        .secret("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
        .hides("p%3Dssw0rd%3F")
}

fn both() -> World {
    both_with(Database::new(DATABASE))
}

fn both_with(database: Database) -> World {
    World::new().database(database).application(
        Application::new(APP)
            .past(PastDeployment::success())
            .env_var(EnvVar::new("DATABASE_HOST", "an-old-host-99")),
    )
}

async fn with_status(status: Option<&str>) -> Simulator {
    Simulator::start(both_with(Database::new(DATABASE).status(status))).await
}

#[tokio::test]
async fn services_are_connected_once_and_told_of_variables() {
    let simulator = Simulator::start(both()).await;
    for _ in 0..2 {
        let run = connect(&simulator).run().await;
        run.assert_ended(0, "success");
        run.assert_told("Sevalla adds no variables with a connection");
    }
    assert_eq!(simulator.connections().len(), 1);
    assert_eq!(simulator.calls(CONNECT), 1);
    assert_eq!(simulator.calls("createEnvironmentVariableV3"), 0);

    let reversed = both().connection(Connection::new(APP, DATABASE));
    let simulator = Simulator::start(reversed).await;
    connect(&simulator).run().await.assert_ended(0, "success");
    assert_eq!(simulator.calls(CONNECT), 0);
}

/// The variables as `NAME=VALUE`.
fn variables(simulator: &Simulator) -> Vec<String> {
    let all = simulator.env_vars(APP).into_iter();
    all.map(|variable| format!("{}={}", variable.key, variable.value))
        .collect()
}

#[tokio::test]
async fn variables_are_written_whether_they_are_there_or_not() {
    let simulator = Simulator::start(both()).await;
    let run = with_env(&simulator).hides("an-old-host-99").run().await;
    run.assert_ended(0, "success");
    run.assert_told("Variable DATABASE_HOST set");
    run.assert_told("Variable DATABASE_URL created");
    run.assert_told("is-restart restarts it");
    let host = "shop-db.shop-abcde.svc.cluster.local";
    let expected = [
        format!("DATABASE_HOST={host}"),
        "DATABASE_PORT=5432".to_owned(),
        "DATABASE_NAME=shop".to_owned(),
        "DATABASE_USER=shop".to_owned(),
        "DATABASE_PASSWORD=p=ssw0rd?".to_owned(),
        format!("DATABASE_URL=postgresql://shop:p%3Dssw0rd%3F@{host}:5432/shop"),
    ];
    assert_eq!(variables(&simulator), expected);
    with_env(&simulator).run().await.assert_ended(0, "success");
    assert_eq!(variables(&simulator), expected);
    let other = with_env(&simulator).set("SEVALLA_ENV_PREFIX", "ORDERS_DB");
    other.run().await.assert_ended(0, "success");
    assert_eq!(variables(&simulator).len(), 12);
}

#[tokio::test]
async fn the_application_is_restarted_if_that_is_asked_for() {
    let simulator = Simulator::start(both()).await;
    let run = with_env(&simulator)
        .set("SEVALLA_IS_RESTART", "true")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("status"), "success");
    assert_eq!(simulator.deployments_made(), 1);
    let calls = simulator.journal();
    let at = |operation: &str| calls.iter().rposition(|call| call.operation == operation);
    assert!(at("triggerDeploymentV3") > at("createEnvironmentVariableV3"));
}

#[tokio::test]
async fn faults_leave_one_connection_and_each_variable_once() {
    let conflict = json!({"message": "connected already", "status": 409});
    let taken = json!({"message": "already exists", "status": 400});
    let cases = vec![
        (CONNECT, Behaviour::ResetAfterApplying),
        (CONNECT, Behaviour::CutBody),
        (CONNECT, Behaviour::html(502)),
        (CONNECT, limited()),
        (
            CONNECT,
            Behaviour::ErrorAfterApplying(409, Payload::Json(conflict)),
        ),
        ("createEnvironmentVariableV3", Behaviour::ResetAfterApplying),
        ("createEnvironmentVariableV3", Behaviour::html(502)),
        (
            "createEnvironmentVariableV3",
            Behaviour::ErrorAfterApplying(400, Payload::Json(taken)),
        ),
        ("updateEnvironmentVariableV3", Behaviour::ResetAfterApplying),
        ("listEnvironmentVariablesV3", Behaviour::CutBody),
        ("listDatabaseInternalConnectionsV3", Behaviour::html(502)),
        ("getDatabaseV3", Behaviour::ResetBeforeApplying),
    ];
    together(cases.into_iter().map(|(operation, fault)| async move {
        let simulator = Simulator::start(both()).await;
        simulator.add_fault(Fault::on(operation).nth(1).does(fault.clone()));
        let run = with_env(&simulator).run().await;
        run.assert_ended(0, "success");
        assert_eq!(simulator.connections().len(), 1, "{operation} {fault:?}");
        assert_eq!(variables(&simulator).len(), 6, "{operation} {fault:?}");
    }))
    .await;
}

#[tokio::test]
async fn what_cannot_be_connected_is_told() {
    let simulator = Simulator::start(both()).await;
    simulator.forbid(CONNECT);
    connect(&simulator)
        .run()
        .await
        .assert_ended(5, "unauthorized");
    let apart = World::new()
        .database(Database::new(DATABASE))
        .application(Application::new(APP).cluster(OTHER_CLUSTER));
    let simulator = Simulator::start(apart).await;
    let run = connect(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("have to be in the same cluster");

    let simulator = Simulator::start(both()).await;
    let dry = with_env(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    dry.assert_ended(0, "planned");
    assert!(simulator.connections().is_empty());
    assert_eq!(variables(&simulator).len(), 1);
    let needs = connect(&simulator)
        .set("SEVALLA_SET_ENV", "true")
        .run()
        .await;
    needs.assert_ended(2, "invalid-input");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_connected() {
    let of = |status: Option<&str>| Database::new(DATABASE).status(status);
    let suspended = "Activate it in the dashboard";
    let cases = [
        (of(Some("error")), "its status is error"),
        (of(Some("Deleting")), "its status is Deleting"),
        (of(Some("dbDeletionFailed")), "status is dbDeletionFailed"),
        (of(Some("suspended")), "its status is suspended"),
        (Database::new(DATABASE).suspended(true), suspended),
        (of(Some("creating")).suspended(true), suspended),
    ];
    together(cases.into_iter().flat_map(|(database, told)| {
        [false, true].map(|dry_run| {
            let database = database.clone();
            async move {
                let simulator = Simulator::start(both_with(database)).await;
                let run = with_env(&simulator)
                    .set("SEVALLA_IS_RESTART", "true")
                    .set("SEVALLA_DRY_RUN", dry_run.to_string())
                    .run()
                    .await;
                run.assert_ended(9, "rejected");
                run.assert_told("Nothing was changed");
                run.assert_told(told);
                let calls = simulator.journal();
                assert!(calls.iter().all(|call| call.method == "GET"), "{calls:?}");
            }
        })
    }))
    .await;
}

#[tokio::test]
async fn what_is_on_its_way_is_waited_for_before_it_is_connected() {
    together([(Some("migrating"), "migrating"), (None, "unknown")].map(
        |(status, word)| async move {
            let simulator = with_status(status).await;
            let run = connect(&simulator).set("SEVALLA_TIMEOUT", "7s").run().await;
            run.assert_ended(4, "timed-out");
            run.assert_told(&format!("was ready; its status is {word}"));
            assert_eq!(simulator.calls(CONNECT), 0);
        },
    ))
    .await;

    let takes = Change::takes(Duration::from_secs(6));
    let cases = [(takes, 0, "success"), (takes.fails(), 9, "rejected")];
    together(cases.map(|(creation, code, outcome)| async move {
        let new = Database::new(DATABASE).creation(creation);
        let world = World::new().application(Application::new(APP));
        let simulator = Simulator::start(world.next_database(new)).await;
        let creating = create(&simulator).start();
        called(&simulator, "getDatabaseV3").await;
        let run = connect(&simulator).run().await;
        run.assert_ended(code, outcome);
        run.assert_told(": creating");
        assert_eq!(simulator.calls(CONNECT) == 1, code == 0);
        creating.finish().await;
    }))
    .await;
}

#[tokio::test]
async fn a_signal_while_a_database_is_waited_for_has_changed_nothing() {
    let simulator = with_status(Some("creating")).await;
    let running = connect(&simulator).start();
    until(|| simulator.calls("getDatabaseV3") > 1).await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Nothing was changed");
    assert!(!run.streams().contains("was not seen"), "{}", run.streams());
}

#[tokio::test]
async fn without_a_host_to_tell_of_nothing_is_connected() {
    let simulator = Simulator::start(both()).await;
    let hostless = json!({"id": DATABASE, "display_name": "shop-db", "type": "postgresql",
        "status": "ready", "internal_hostname": null});
    let shows = Behaviour::Status(200, Payload::Json(hostless), Vec::new());
    simulator.add_fault(Fault::on("getDatabaseV3").does(shows));
    let run = with_env(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("Sevalla reports no internal host");
    run.assert_told("Nothing was changed");
    assert!(simulator.connections().is_empty());
}

#[tokio::test]
async fn statuses_are_compared_without_regard_to_case() {
    let ready = Database::new(DATABASE)
        .display_name("orders")
        .status(Some("READY"));
    let simulator = Simulator::start(both_with(ready)).await;
    let run = create(&simulator).set("SEVALLA_TIMEOUT", "5s").run().await;
    run.assert_ended(0, "success");
    let run = connect(&simulator).set("SEVALLA_TIMEOUT", "5s").run().await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_signal_ends_the_connecting() {
    let simulator = Simulator::start(both()).await;
    simulator.add_fault(Fault::on(CONNECT).does(Behaviour::HangAfterApplying));
    let running = connect(&simulator).start();
    called(&simulator, CONNECT).await;
    running.signal("TERM").await;
    let run = running.finish().await;
    run.assert_ended(143, "interrupted");
    run.assert_told("Run this again");
}
