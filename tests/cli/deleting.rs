//! Deleting.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, Connection, Database, Deletion, DeploymentType, Fault, Payload, Script,
    Simulator, StaticSite, World,
};

use crate::harness::{APP, HANGING, Runner, SITE, called, limited, stopped, together, until};

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

/// An application of which two deployments wait or run.
async fn busy(deletion: Deletion, script: Script) -> (Simulator, [String; 2]) {
    let app = Application::new(APP).deletion(deletion);
    let simulator = Simulator::start(World::new().application(app)).await;
    let script = script.queue(Duration::ZERO).never_ends();
    let running = simulator.add_deployment(APP, DeploymentType::Manual, script.clone());
    let waiting = simulator.add_deployment(APP, DeploymentType::Manual, script);
    (simulator, [running, waiting])
}

fn delete_app(simulator: &Simulator) -> Runner {
    delete(simulator, "delete-app", "SEVALLA_APP_ID", APP, "shop")
}

#[tokio::test]
async fn what_is_in_the_way_is_cancelled() {
    let (simulator, ids) = busy(Deletion::new(), Script::success()).await;
    let run = delete_app(&simulator).run().await;
    run.assert_ended(0, "success");
    for id in ids {
        run.assert_told(&format!("Cancelling deployment {id}"));
    }
    assert!(simulator.application(APP).is_none());

    // Where it is in nobody's way, it is not.
    let (simulator, _) = busy(Deletion::new().accepted_when_busy(), Script::success()).await;
    delete_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn nothing_is_cancelled_for_a_key_that_may_not_delete() {
    let (simulator, _) = busy(Deletion::new(), Script::success()).await;
    simulator.forbid("deleteApplicationV3");
    let run = delete_app(&simulator).run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("may not delete this");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn what_was_cancelled_in_vain_is_told_in_time() {
    let stubborn = Script::success().cancel_delay(Duration::from_secs(3600));
    let (simulator, ids) = busy(Deletion::new(), stubborn).await;
    let run = delete_app(&simulator)
        .set("SEVALLA_TIMEOUT", "10s")
        .run()
        .await;
    run.assert_ended(9, "rejected");
    run.assert_told(&format!("Deployment {} was cancelled first, because it was in the way; this run did not see its end",
        ids[0]));
    run.assert_told(&format!("Deployment {} was cancelled first", ids[1]));
    let asked = simulator.calls("deleteApplicationV3");
    assert!(asked > 1, "{asked}");
    run.assert_told(&format!("tried: {asked} attempts in"));
    assert_eq!(simulator.calls("cancelDeploymentV3"), 2);
}

#[tokio::test]
async fn what_has_ended_is_in_nobodys_way() {
    let old = |number: u32| {
        serde_json::json!({
            "id": format!("d-{number}"), "status": "superseded",
            "created_at": "2026-01-01T10:00:00Z", "finished_at": "2026-01-01T10:05:00Z",
        })
    };
    let data: Vec<_> = (1..=9).map(old).collect();
    let total = data.len();
    let page = serde_json::json!({ "data": data, "total": total, "offset": 0, "limit": 50 });
    together(
        [Behaviour::WrongShape(page), Behaviour::HangBeforeApplying].map(|list| async move {
            let simulator = world().await;
            simulator.add_fault(Fault::on("listDeploymentsV3").does(list));
            let refused = Fault::on("deleteApplicationV3").nth(1);
            simulator.add_fault(refused.does(Behaviour::status(409)));
            let run = delete_app(&simulator).run().await;
            run.assert_ended(0, "success");
            assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
            assert!(run.took < HANGING, "{:?}", run.took);
        }),
    )
    .await;
}

/// What an address answers that is not the API's, or has no such route.
fn foreign() -> [Behaviour; 3] {
    let json = |body| Behaviour::Status(404, Payload::Json(body), Vec::new());
    let message = "Route GET:/v2/x not found";
    [
        Behaviour::html(404),
        json(serde_json::json!({ "message": message, "error": "Not Found", "statusCode": 404 })),
        json(serde_json::json!({ "message": message, "status": 404 })),
    ]
}

#[tokio::test]
async fn only_the_api_itself_can_say_that_something_is_gone() {
    let cases = KINDS
        .into_iter()
        .flat_map(|kind| foreign().map(|answer| (kind, answer)));
    together(cases.map(
        |((action, input, id, name, read, operation), answer)| async move {
            let simulator = world().await;
            simulator.add_fault(Fault::on(read).does(answer.clone()));
            let run = delete(&simulator, action, input, id, name).run().await;
            run.assert_ended(9, "rejected");
            run.assert_told("Check api-url");
            assert_eq!(simulator.calls(operation), 0);

            let simulator = world().await;
            simulator.add_fault(Fault::on(operation).does(answer));
            let run = delete(&simulator, action, input, id, name).run().await;
            run.assert_ended(9, "rejected");
        },
    ))
    .await;
}

#[tokio::test]
async fn an_answer_about_another_id_is_not_believed() {
    together(
        KINDS.map(|(action, input, id, name, read, operation)| async move {
            let simulator = world().await;
            let other = serde_json::json!({ "id": OTHER, "display_name": name });
            simulator.add_fault(Fault::on(read).does(Behaviour::WrongShape(other)));
            let run = delete(&simulator, action, input, id, name);
            let run = run.set("SEVALLA_TIMEOUT", "7s").run().await;
            run.assert_ended(6, "unavailable");
            run.assert_told(&format!("it is about another id, {OTHER}"));
            assert_eq!(simulator.calls(operation), 0);
        }),
    )
    .await;
}

#[tokio::test]
async fn an_asking_that_the_end_of_the_time_cuts_off_is_told_so() {
    together(
        KINDS.map(|(action, input, id, name, _, operation)| async move {
            for (cut_off, told) in [
                (
                    Behaviour::HangBeforeApplying,
                    "Whether it agreed was not seen",
                ),
                (Behaviour::HangAfterApplying, "Sevalla agreed to delete"),
            ] {
                let simulator = with(Deletion::new().takes(Duration::from_secs(3600))).await;
                simulator.add_fault(Fault::on(operation).does(cut_off));
                let run = delete(&simulator, action, input, id, name);
                let run = run.set("SEVALLA_TIMEOUT", "7s").run().await;
                run.assert_ended(4, "timed-out");
                run.assert_told(told);
                run.assert_told("deleting twice does no harm");
            }
        }),
    )
    .await;
}

#[tokio::test]
async fn a_status_is_read_whatever_its_case() {
    let simulator = world().await;
    let dying = serde_json::json!({ "id": APP, "display_name": "shop", "status": "Deleting" });
    simulator.add_fault(Fault::on("getApplicationV3").does(Behaviour::WrongShape(dying)));
    let run = delete_app(&simulator)
        .set("SEVALLA_TIMEOUT", "7s")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    assert_eq!(simulator.calls("deleteApplicationV3"), 0);
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
    run.assert_told("Use `database-id` to choose one");
    assert_eq!(simulator.databases().len(), 2);
}

#[tokio::test]
async fn a_signal_ends_the_waiting() {
    let simulator = with(Deletion::new().takes(Duration::from_secs(3600))).await;
    let (action, input, id, name, ..) = KINDS[0];
    let running = delete(&simulator, action, input, id, name).start();
    until(|| simulator.calls("getApplicationV3") > 1).await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Sevalla agreed to delete application shop");
    run.assert_told("Run this again");
}

#[tokio::test]
async fn a_signal_before_anything_was_sent_has_changed_nothing() {
    let simulator = world().await;
    simulator.add_fault(Fault::on("getApplicationV3").does(Behaviour::HangBeforeApplying));
    let running = delete_app(&simulator).start();
    called(&simulator, "getApplicationV3").await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Nothing was changed");
    run.assert_told("SIGINT: ending the run");
}
