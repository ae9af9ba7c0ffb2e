//! A preview with its own database, as the README has it: made step by step
//! when a pull request is opened, and gone when it is closed, whatever goes
//! wrong in between.

use sevalla_simulator::{
    Application, Behaviour, Database, Fault, Pipeline, Preview, Script, Simulator, World,
};

use crate::harness::{Finished, Runner, together};

const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
const PREVIEW: &str = "6b0a7e0e-52a1-4f0b-9a55-1f1f6f9b6a02";
const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const NAME: &str = "shop-pr-7";

async fn world() -> Simulator {
    let app = Application::new(PREVIEW).next(Script::success());
    let pipeline = Pipeline::new(PIPELINE).preview(Preview::new().next(app));
    Simulator::start(
        World::new()
            .pipeline(pipeline)
            .next_database(Database::new(DATABASE)),
    )
    .await
}

fn of_pull_request(simulator: &Simulator, action: &str) -> Runner {
    Runner::does(simulator, action)
        .set("SEVALLA_PULL_REQUEST_NUMBER", "7")
        .set("SEVALLA_BRANCH", "feature/x")
}

async fn create_preview(simulator: &Simulator) -> Finished {
    of_pull_request(simulator, "create-preview-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .run()
        .await
}

async fn create_database(simulator: &Simulator) -> Finished {
    let settings = serde_json::json!({"display_name": NAME, "type": "postgresql", "version": "16",
        "cluster": "Frankfurt", "resource_type": "DB1", "db_name": "shop", "db_user": "shop"});
    Runner::does(simulator, "create-database")
        .set("SEVALLA_SETTINGS", settings.to_string())
        .secret("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
        .run()
        .await
}

async fn connect(simulator: &Simulator, app: &str, database: &str) -> Finished {
    Runner::does(simulator, "connect-database")
        .set("SEVALLA_APP_ID", app)
        .set("SEVALLA_DATABASE_ID", database)
        .set("SEVALLA_SET_ENV", "true")
        .set("SEVALLA_DATABASE_USER", "shop")
        .secret("SEVALLA_DATABASE_PASSWORD", "p=ssw0rd?")
        .run()
        .await
}

async fn deploy(simulator: &Simulator, app: &str) -> Finished {
    let runner = Runner::does(simulator, "deploy-app").set("SEVALLA_APP_ID", app);
    runner.run().await
}

/// The steps for an open pull request, as far as they get.
async fn open(simulator: &Simulator) -> Vec<Finished> {
    let preview = create_preview(simulator).await;
    if preview.code != Some(0) {
        return vec![preview];
    }
    let database = create_database(simulator).await;
    if database.code != Some(0) {
        return vec![preview, database];
    }
    let (app, id) = (
        preview.output("preview-app-id"),
        database.output("database-id"),
    );
    let mut steps = vec![preview, database, connect(simulator, &app, &id).await];
    if is_good(&steps) {
        steps.push(deploy(simulator, &app).await);
    }
    steps
}

fn is_good(steps: &[Finished]) -> bool {
    steps.iter().all(|step| step.code == Some(0))
}

/// The steps for a closed one. Each must succeed.
async fn close(simulator: &Simulator) {
    let preview = of_pull_request(simulator, "delete-preview-app").run().await;
    preview.assert_ended(0, "success");
    let database = Runner::does(simulator, "delete-database").set("SEVALLA_CONFIRM", NAME);
    database.run().await.assert_ended(0, "success");
    assert!(simulator.preview_apps().is_empty());
    assert!(simulator.databases().is_empty());
    assert!(simulator.connections().is_empty());
}

/// What the steps call, those that close included.
const CALLS: &[&str] = &[
    "getPipelineV3",
    "listApplicationsV3",
    "createPreviewApp",
    "listDeploymentsV3",
    "listDatabasesV3",
    "listClustersV3",
    "createDatabaseV3",
    "getDatabaseV3",
    "getApplicationV3",
    "listDatabaseInternalConnectionsV3",
    "createDatabaseInternalConnectionV3",
    "listEnvironmentVariablesV3",
    "createEnvironmentVariableV3",
    "triggerDeploymentV3",
    "getDeploymentV3",
    "deleteApplicationV3",
    "deleteDatabaseV3",
];

#[tokio::test]
async fn a_fault_at_any_step_changes_nothing_and_leaves_nothing_behind() {
    together(CALLS.iter().map(|operation| async move {
        let simulator = world().await;
        let lost = Behaviour::ResetAfterApplying;
        simulator.add_fault(Fault::on(*operation).nth(1).does(lost));
        let steps = open(&simulator).await;
        for step in &steps {
            step.assert_ended(0, "success");
        }
        assert_eq!(steps.len(), 4, "{operation}");
        assert_eq!(simulator.preview_apps().len(), 1, "{operation}");
        assert_eq!(simulator.databases(), [DATABASE], "{operation}");
        assert_eq!(simulator.connections().len(), 1, "{operation}");
        assert_eq!(simulator.env_vars(PREVIEW).len(), 6, "{operation}");
        close(&simulator).await;
        assert!(simulator.calls(operation) > 0, "{operation} is called");
    }))
    .await;
}

#[tokio::test]
async fn a_step_that_is_refused_for_good_leaves_nothing_behind() {
    let makes = CALLS
        .iter()
        .filter(|operation| !operation.starts_with("delete"));
    let needed = ["listApplicationsV3", "listDatabasesV3", "listDeploymentsV3"];
    let needed = needed
        .into_iter()
        .chain(["getApplicationV3", "getDatabaseV3"]);
    let needed: Vec<&str> = needed.collect();
    let steps = makes.filter(|operation| !needed.contains(operation));
    together(steps.map(|operation| async move {
        let simulator = world().await;
        simulator.forbid(*operation);
        let steps = open(&simulator).await;
        let last = steps.last().unwrap();
        assert_eq!(last.code, Some(5), "{operation}: {}", last.streams());
        close(&simulator).await;
    }))
    .await;
}

#[tokio::test]
async fn a_second_push_finds_what_is_there_and_a_second_close_finds_nothing() {
    let simulator = world().await;
    for _ in 0..2 {
        let steps = open(&simulator).await;
        assert!(is_good(&steps), "{}", steps.last().unwrap().streams());
        assert_eq!(simulator.preview_apps().len(), 1);
        assert_eq!(simulator.databases(), [DATABASE]);
        assert_eq!(simulator.connections().len(), 1);
        assert_eq!(simulator.env_vars(PREVIEW).len(), 6);
    }
    for _ in 0..2 {
        close(&simulator).await;
    }
}
