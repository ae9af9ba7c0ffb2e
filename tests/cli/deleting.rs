//! Deleting.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, Connection, Database, Deletion, Fault, Script, Simulator, StaticSite,
    World,
};

use crate::harness::{APP, Runner, SITE, called, limited, together};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const OTHER: &str = "c8d2e3f4-93f1-4bd6-8a0b-3f5a3f1f4c33";

/// What can be deleted: action, input, id, name and operations.
const KINDS: [(&str, &str, &str, &str, &str, &str); 3] = [
    (
        "delete-app",
        "SEVALLA_APP_ID",
        APP,
        "shop",
        "getApplicationV3",
        "deleteApplicationV3",
    ),
    (
        "delete-static-site",
        "SEVALLA_STATIC_SITE_ID",
        SITE,
        "docs",
        "getStaticSiteV3",
        "deleteStaticSiteV3",
    ),
    (
        "delete-database",
        "SEVALLA_DATABASE_ID",
        DATABASE,
        "shop-db",
        "getDatabaseV3",
        "deleteDatabaseV3",
    ),
];

async fn world() -> Simulator {
    with(Deletion::new()).await
}

async fn with(deletion: Deletion) -> Simulator {
    Simulator::start(
        World::new()
            .application(Application::new(APP).deletion(deletion.clone()))
            .static_site(StaticSite::new(SITE).deletion(deletion.clone()))
            .database(Database::new(DATABASE).deletion(deletion)),
    )
    .await
}

fn delete(simulator: &Simulator, action: &str, input: &str, id: &str, name: &str) -> Runner {
    Runner::does(simulator, action)
        .set(input, id)
        .set("SEVALLA_CONFIRM", name)
}

#[tokio::test]
async fn what_is_confirmed_is_deleted_and_then_gone() {
    together(
        KINDS.map(|(action, input, id, name, _, operation)| async move {
            let simulator = world().await;
            let run = || delete(&simulator, action, input, id, name);
            let dry = run().set("SEVALLA_DRY_RUN", "true").run().await;
            dry.assert_ended(0, "planned");
            dry.assert_told(name);
            assert_eq!(simulator.calls(operation), 0);
            let done = run().run().await;
            done.assert_ended(0, "success");
            done.assert_told("Deleted");
            assert_eq!(simulator.calls(operation), 1);
            let again = run().run().await;
            again.assert_ended(0, "success");
            again.assert_told("(any more)");
            assert_eq!(simulator.calls(operation), 1);
        }),
    )
    .await;
}

#[tokio::test]
async fn another_name_is_refused() {
    together(
        KINDS.map(|(action, input, id, name, _, operation)| async move {
            let simulator = world().await;
            let run = delete(&simulator, action, input, id, &name.to_uppercase())
                .run()
                .await;
            run.assert_ended(9, "rejected");
            run.assert_told("Nothing was changed");
            assert_eq!(simulator.calls(operation), 0);
        }),
    )
    .await;
}

#[tokio::test]
async fn what_runs_is_cancelled_first() {
    let app = Application::new(APP).next(Script::success().never_ends());
    let simulator = Simulator::start(World::new().application(app)).await;
    let started = Runner::deploys_app(&simulator).set("SEVALLA_WAIT_FOR_FINISH", "false");
    started.run().await.assert_ended(0, "triggered");
    let id = simulator.deployments(APP)[0].id.clone();
    let run = delete(&simulator, "delete-app", "SEVALLA_APP_ID", APP, "shop")
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told(&format!("Cancelling deployment {id}"));
    assert!(simulator.application(APP).is_none());
}

#[tokio::test]
async fn a_deletion_that_fails_or_takes_too_long_is_told() {
    together(KINDS.map(|(action, input, id, name, _, _)| async move {
        let simulator = with(Deletion::new().fails()).await;
        let run = delete(&simulator, action, input, id, name).run().await;
        run.assert_ended(1, "failed");
        let simulator = with(Deletion::new().takes(Duration::from_secs(3600))).await;
        let run = delete(&simulator, action, input, id, name);
        let run = run.set("SEVALLA_TIMEOUT", "6s").run().await;
        run.assert_ended(4, "timed-out");
        run.assert_told("agreed to delete");
    }))
    .await;
}

#[tokio::test]
async fn only_the_end_of_the_time_leaves_the_rest_to_the_service() {
    together(KINDS.map(|(action, input, id, name, read, _)| async move {
        for (fault, code, outcome, told) in [
            (
                Behaviour::HangBeforeApplying,
                4,
                "timed-out",
                "not gone in time",
            ),
            (Behaviour::status(401), 5, "unauthorized", "HTTP 401"),
            (Behaviour::html(503), 6, "unavailable", "HTTP 503"),
        ] {
            let simulator = with(Deletion::new().takes(Duration::from_secs(3600))).await;
            simulator.add_fault(Fault::on(read).after(1).does(fault));
            let run = delete(&simulator, action, input, id, name);
            let run = run.set("SEVALLA_TIMEOUT", "5s").run().await;
            run.assert_ended(code, outcome);
            run.assert_told(told);
            run.assert_told("agreed to delete");
        }
    }))
    .await;
}

#[tokio::test]
async fn faults_do_not_keep_it_from_being_gone() {
    let faults = [
        Behaviour::ResetAfterApplying,
        Behaviour::ResetBeforeApplying,
        Behaviour::html(502),
        limited(),
        Behaviour::status(409),
    ];
    let cases = KINDS
        .into_iter()
        .flat_map(|kind| faults.clone().map(|fault| (kind, fault)));
    together(cases.map(
        |((action, input, id, name, read, operation), fault)| async move {
            for faulty in [read, operation] {
                if faulty == read && fault == Behaviour::status(409) {
                    continue;
                }
                let simulator = world().await;
                simulator.add_fault(Fault::on(faulty).nth(1).does(fault.clone()));
                let run = delete(&simulator, action, input, id, name).run().await;
                run.assert_ended(0, "success");
                let again = delete(&simulator, action, input, id, name).run().await;
                again.assert_told("(any more)");
            }
        },
    ))
    .await;
}

#[tokio::test]
async fn a_key_that_may_not_delete_is_told_so() {
    let simulator = world().await;
    simulator.forbid("deleteDatabaseV3");
    let (action, input, id, name, ..) = KINDS[2];
    let run = delete(&simulator, action, input, id, name).run().await;
    run.assert_ended(5, "unauthorized");
    assert_eq!(simulator.databases(), [DATABASE]);
}

#[tokio::test]
async fn a_database_is_found_by_the_name_that_is_confirmed() {
    let world = World::new()
        .database(Database::new(DATABASE).display_name("shop-pr-7"))
        .database(Database::new(OTHER))
        .connection(Connection::new(DATABASE, OTHER));
    let simulator = Simulator::start(world).await;
    let run = || Runner::does(&simulator, "delete-database").set("SEVALLA_CONFIRM", "shop-pr-7");
    run().run().await.assert_ended(0, "success");
    assert_eq!(simulator.databases(), [OTHER]);
    run().run().await.assert_ended(0, "success");

    let twins = World::new()
        .database(Database::new(DATABASE))
        .database(Database::new(OTHER));
    let simulator = Simulator::start(twins).await;
    let run = Runner::does(&simulator, "delete-database").set("SEVALLA_CONFIRM", "shop-db");
    let run = run.run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("Say which with database-id");
    assert_eq!(simulator.databases().len(), 2);
}

#[tokio::test]
async fn a_signal_ends_the_waiting() {
    let simulator = with(Deletion::new().takes(Duration::from_secs(3600))).await;
    let (action, input, id, name, ..) = KINDS[0];
    let running = delete(&simulator, action, input, id, name).start();
    called(&simulator, "deleteApplicationV3").await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Run this again");
}
