//! What the actions beside deploying do when something goes wrong with the
//! request that each is about: one small table, played whole and shown whole.

use std::sync::Arc;

use sevalla_simulator::{
    Application, Database, DeploymentType, Fault as Woven, Script, Simulator, StaticSite, World,
};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::play::{NEW_DATABASE, alone};
use super::table::Spell;
use crate::harness::{APP, Runner, SITE, together};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

/// How many are played at a time.
const AT_A_TIME: usize = 24;

/// An action: its name, its inputs, and the request that it is about.
struct Action {
    name: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    operation: &'static str,
}

const fn action(
    name: &'static str,
    operation: &'static str,
    inputs: &'static [(&'static str, &'static str)],
) -> Action {
    Action {
        name,
        inputs,
        operation,
    }
}

const ACTIONS: &[Action] = &[
    action("cancel", "cancelDeploymentV3", &[("APP_ID", APP)]),
    action("list", "listDatabasesV3", &[("RESOURCE", "databases")]),
    action("show", "getDatabaseV3", &[("DATABASE_ID", DATABASE)]),
    action(
        "update-app",
        "updateApplicationV3",
        &[("APP_ID", APP), ("SETTINGS", r#"{"auto_deploy":true}"#)],
    ),
    action(
        "update-static-site",
        "updateStaticSiteV3",
        &[
            ("STATIC_SITE_ID", SITE),
            ("SETTINGS", r#"{"auto_deploy":true}"#),
        ],
    ),
    action(
        "update-database",
        "updateDatabaseV3",
        &[
            ("DATABASE_ID", DATABASE),
            ("SETTINGS", r#"{"display_name":"orders"}"#),
        ],
    ),
    action(
        "delete-app",
        "deleteApplicationV3",
        &[("APP_ID", APP), ("CONFIRM", "shop")],
    ),
    action(
        "delete-static-site",
        "deleteStaticSiteV3",
        &[("STATIC_SITE_ID", SITE), ("CONFIRM", "docs")],
    ),
    action(
        "delete-database",
        "deleteDatabaseV3",
        &[("DATABASE_ID", DATABASE), ("CONFIRM", "shop-db")],
    ),
    action(
        "create-database",
        "createDatabaseV3",
        &[("SETTINGS", NEW_DATABASE), ("OUTPUT_PASSWORD", "true")],
    ),
    action(
        "connect-database",
        "createDatabaseInternalConnectionV3",
        &[("DATABASE_ID", DATABASE), ("APP_ID", APP)],
    ),
    action("purge-cache", "purgeApplicationCacheV3", &[("APP_ID", APP)]),
    action(
        "toggle-cdn",
        "toggleApplicationCdnV3",
        &[("APP_ID", APP), ("CDN", "on")],
    ),
];

/// The columns: what goes wrong, whether the request is carried out, how often.
const COLUMNS: &[(Fault, bool, Spell)] = &[
    (Fault::ResetsTheConnection, true, Spell::Once),
    (Fault::CutsTheBody, true, Spell::Once),
    (Fault::Answers502WithAPage, false, Spell::Once),
    (Fault::Answers429, false, Spell::Once),
    (Fault::RevokesTheKey, false, Spell::ForGood),
    (Fault::Forbids, false, Spell::ForGood),
    (Fault::DoesNotKnowIt, false, Spell::ForGood),
];

/// How an action ends.
fn ends(action: &Action, fault: Fault) -> (i32, &'static str) {
    match (action.name, fault) {
        (_, Fault::RevokesTheKey | Fault::Forbids) => (5, "unauthorized"),
        // What is gone is as good as deleted.
        (name, Fault::DoesNotKnowIt) if !name.starts_with("delete-") => (9, "rejected"),
        (_, Fault::Answers429) => (0, "success"),
        ("toggle-cdn", fault) if fault != Fault::DoesNotKnowIt => (7, "ambiguous"),
        _ => (0, "success"),
    }
}

async fn play(action: &'static Action, (fault, carried_out, spell): (Fault, bool, Spell)) {
    let woven = Woven::on(action.operation).does(fault.behaviour(carried_out));
    let woven = match spell {
        Spell::Once => woven.nth(1),
        Spell::Twice | Spell::ForGood => woven,
    };
    let world = World::new()
        .application(Application::new(APP))
        .static_site(StaticSite::new(SITE))
        .database(Database::new(DATABASE))
        .fault(woven);
    let simulator = Simulator::start(world).await;
    let running = (action.name == "cancel").then(|| {
        let script = Script::success().never_ends();
        simulator.add_deployment(APP, DeploymentType::Manual, script)
    });
    let inputs = action.inputs.iter();
    let runner = inputs.fold(
        Runner::does(&simulator, action.name),
        |runner, (name, value)| runner.set(format!("SEVALLA_{name}"), value),
    );
    let runner = match &running {
        Some(id) => runner.set("SEVALLA_DEPLOYMENT_ID", id),
        None => runner,
    };
    let run = runner.run().await;
    let (code, outcome) = ends(action, fault);
    assert_eq!(
        run.code,
        Some(code),
        "{} {fault:?}\n{}",
        action.name,
        run.streams()
    );
    run.assert_ended(code, outcome);
    assert!(
        simulator.databases().len() <= 2,
        "{} {fault:?}",
        action.name
    );
    assert!(
        simulator.connections().len() <= 1,
        "{} {fault:?}",
        action.name
    );
    if running.is_some() && code == 0 {
        let statuses = simulator.deployments(APP).into_iter().map(|one| one.status);
        assert!(
            statuses.flatten().any(|word| word == "cancelled"),
            "{fault:?}"
        );
    }
    if action.name == "toggle-cdn" {
        let toggles = if fault == Fault::Answers429 { 2 } else { 1 };
        assert_eq!(simulator.calls(action.operation), toggles, "{fault:?}");
    }
}

#[tokio::test]
async fn each_action_ends_as_the_table_says() {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    let all = ACTIONS
        .iter()
        .flat_map(|action| COLUMNS.iter().map(move |column| (action, *column)));
    together(all.map(|(action, column)| {
        let permits = Arc::clone(&permits);
        async move {
            let _permit = permits.acquire().await.unwrap();
            let played = tokio::task::spawn_blocking(move || alone(play(action, column)));
            played.await.unwrap();
        }
    }))
    .await;
}

const INTRODUCTION: &str = "
## Other actions

How each action ends if its own request fails. A creation is made once. Setting, deleting, or
purging twice has the effect of once. A toggle is never repeated unless Sevalla reports that it was
not carried out.

| action |";

/// The table, for the page.
pub(super) fn rendered() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (fault, carried_out, spell) in COLUMNS {
        let often = match spell {
            Spell::Once => "once",
            Spell::Twice => "twice",
            Spell::ForGood => "for good",
        };
        let effect = if *carried_out { ", carried out" } else { "" };
        page.push_str(&format!(" {} {often}{effect} |", fault.words()));
    }
    page.push_str(&format!("\n| --- |{}\n", " --- |".repeat(COLUMNS.len())));
    for action in ACTIONS {
        page.push_str(&format!("| `{}` |", action.name));
        for (fault, ..) in COLUMNS {
            let (code, outcome) = ends(action, *fault);
            page.push_str(&format!(" `{outcome}` ({code}) |"));
        }
        page.push('\n');
    }
    page
}
