//! A success that is not the documented answer confirms nothing: the run looks
//! whether the write took effect, and ends as ambiguous where it cannot see it.

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, Database, EnvVar, Fault, Payload, Simulator, StaticSite, World,
};

use crate::harness::{APP, Runner, SITE, together};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

/// A change that a run makes: operation, action, what it is set to, and
/// whether the API shows afterwards that it was made.
#[derive(Debug, Clone, Copy)]
struct Write {
    operation: &'static str,
    action: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    shows: bool,
}

const CONNECTS: &[(&str, &str)] = &[
    ("SEVALLA_DATABASE_ID", DATABASE),
    ("SEVALLA_APP_ID", APP),
    ("SEVALLA_SET_ENV", "true"),
    ("SEVALLA_DATABASE_USER", "shop"),
    ("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?"),
];

const WRITES: [Write; 13] = [
    Write {
        operation: "purgeApplicationCacheV3",
        action: "purge-cache",
        inputs: &[("SEVALLA_APP_ID", APP)],
        shows: false,
    },
    Write {
        operation: "purgeStaticSiteCacheV3",
        action: "purge-cache",
        inputs: &[("SEVALLA_STATIC_SITE_ID", SITE)],
        shows: false,
    },
    Write {
        operation: "toggleApplicationCdnV3",
        action: "toggle-cdn",
        inputs: &[("SEVALLA_APP_ID", APP), ("SEVALLA_CDN", "on")],
        shows: false,
    },
    Write {
        operation: "updateApplicationV3",
        action: "update-app",
        inputs: &[
            ("SEVALLA_APP_ID", APP),
            ("SEVALLA_SETTINGS", r#"{"auto_deploy":true}"#),
        ],
        shows: true,
    },
    Write {
        operation: "updateStaticSiteV3",
        action: "update-static-site",
        inputs: &[
            ("SEVALLA_STATIC_SITE_ID", SITE),
            ("SEVALLA_SETTINGS", r#"{"auto_deploy":true}"#),
        ],
        shows: true,
    },
    Write {
        operation: "updateDatabaseV3",
        action: "update-database",
        inputs: &[
            ("SEVALLA_DATABASE_ID", DATABASE),
            ("SEVALLA_SETTINGS", r#"{"display_name":"orders"}"#),
        ],
        shows: true,
    },
    Write {
        operation: "createDatabaseInternalConnectionV3",
        action: "connect-database",
        inputs: CONNECTS,
        shows: true,
    },
    Write {
        operation: "createEnvironmentVariableV3",
        action: "connect-database",
        inputs: CONNECTS,
        shows: true,
    },
    Write {
        operation: "updateEnvironmentVariableV3",
        action: "connect-database",
        inputs: CONNECTS,
        shows: true,
    },
    Write {
        operation: "deleteApplicationV3",
        action: "delete-app",
        inputs: &[("SEVALLA_APP_ID", APP), ("SEVALLA_CONFIRM", "shop")],
        shows: true,
    },
    Write {
        operation: "deleteStaticSiteV3",
        action: "delete-static-site",
        inputs: &[
            ("SEVALLA_STATIC_SITE_ID", SITE),
            ("SEVALLA_CONFIRM", "docs"),
        ],
        shows: true,
    },
    Write {
        operation: "deleteDatabaseV3",
        action: "delete-database",
        inputs: &[
            ("SEVALLA_DATABASE_ID", DATABASE),
            ("SEVALLA_CONFIRM", "shop-db"),
        ],
        shows: true,
    },
    Write {
        operation: "createDatabaseV3",
        action: "create-database",
        inputs: &[
            (
                "SEVALLA_SETTINGS",
                r#"{"display_name":"orders","type":"postgresql","version":"16","cluster":"us-central1","resource_type":"DB1","db_name":"orders"}"#,
            ),
            ("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?"),
        ],
        shows: true,
    },
];

async fn run(write: Write, behaviour: Behaviour) -> (crate::harness::Finished, usize) {
    let app = Application::new(APP).env_var(EnvVar::new("DATABASE_HOST", "old"));
    let world = World::new()
        .application(app)
        .static_site(StaticSite::new(SITE))
        .database(Database::new(DATABASE));
    let simulator = Simulator::start(world).await;
    simulator.add_fault(Fault::on(write.operation).does(behaviour));
    let runner = Runner::does(&simulator, write.action);
    let runner = write
        .inputs
        .iter()
        .fold(runner, |runner, (name, value)| runner.set(name, *value));
    let run = runner.run().await;
    (run, simulator.calls(write.operation))
}

#[tokio::test]
async fn what_had_no_effect_is_no_success() {
    let payloads = [
        Payload::Json(json!({})),
        Payload::Json(json!({ "message": "Forbidden", "status": 403 })),
        Payload::Empty,
        Payload::error_page(200),
    ];
    let cases = WRITES.into_iter().enumerate().map(|(number, write)| {
        let payload = payloads[number % payloads.len()].clone();
        async move {
            println!("{write:?}");
            let not_applied = Behaviour::Status(200, payload, Vec::new());
            let (run, calls) = run(write, not_applied).await;
            run.assert_ended(7, "ambiguous");
            run.assert_told("  next:  ");
            assert!((1..=3).contains(&calls), "{write:?}: {calls}");
        }
    });
    together(cases.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn what_the_api_shows_to_have_worked_is_a_success() {
    let bodies = [
        Behaviour::WrongShape(json!({})),
        Behaviour::WrongShape(json!({ "message": "Forbidden", "status": 403 })),
        Behaviour::EmptyBody,
        Behaviour::NotJson,
    ];
    let cases = WRITES.into_iter().enumerate().map(|(number, write)| {
        let behaviour = bodies[number % bodies.len()].clone();
        async move {
            let (run, _) = run(write, behaviour).await;
            println!("{write:?}");
            if write.shows {
                run.assert_ended(0, "success");
            } else {
                run.assert_ended(7, "ambiguous");
            }
        }
    });
    together(cases.collect::<Vec<_>>()).await;
}
