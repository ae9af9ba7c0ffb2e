//! A preview with its own database, by the steps of docs/recipes.md: made when
//! a pull request is opened, and gone when it is closed, whatever goes wrong in
//! between.

use sevalla_simulator::{
    Application, Behaviour, Database, Fault, Pipeline, Preview, Script, Simulator, World,
};

use crate::harness::{Finished, together};
use crate::recipes::{of_pull_request, recipe, step, steps};

const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
const PREVIEW: &str = "6b0a7e0e-52a1-4f0b-9a55-1f1f6f9b6a02";
const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const PASSWORD: &str = "p=ssw0rd?";

async fn world() -> Simulator {
    let app = Application::new(PREVIEW)
        .repo_url("https://github.com/octo/shop")
        .next(Script::success());
    let pipeline = Pipeline::new(PIPELINE).preview(Preview::new().next(app));
    Simulator::start(
        World::new()
            .pipeline(pipeline)
            .next_database(Database::new(DATABASE)),
    )
    .await
}

/// Runs one step of the recipe. The ids are the outputs of the steps before.
async fn run(simulator: &Simulator, number: usize, app: &str, database: &str) -> Finished {
    let mut steps = steps(&recipe("A preview with its own database")).into_iter();
    let values = [
        ("vars.PIPELINE_ID", PIPELINE),
        ("secrets.PREVIEW_DATABASE_PASSWORD", PASSWORD),
        ("github.event.pull_request.number", "7"),
        ("steps.preview.outputs.preview-app-id", app),
        ("steps.database.outputs.database-id", database),
    ];
    let runner = step(&steps.nth(number).unwrap(), simulator, &values).hides(PASSWORD);
    let action = if number < 4 { "opened" } else { "closed" };
    of_pull_request(runner, action).run().await
}

/// The steps for an open pull request, as far as they get.
async fn open(simulator: &Simulator) -> Vec<Finished> {
    let preview = run(simulator, 0, "", "").await;
    if preview.code != Some(0) {
        return vec![preview];
    }
    let app = preview.output("preview-app-id");
    let database = run(simulator, 1, &app, "").await;
    if database.code != Some(0) {
        return vec![preview, database];
    }
    let id = database.output("database-id");
    let mut steps = vec![preview, database, run(simulator, 2, &app, &id).await];
    if is_good(&steps) {
        steps.push(run(simulator, 3, &app, &id).await);
    }
    steps
}

fn is_good(steps: &[Finished]) -> bool {
    steps.iter().all(|step| step.code == Some(0))
}

/// The steps for a closed one. Each must succeed.
async fn close(simulator: &Simulator) {
    for number in [4, 5] {
        run(simulator, number, "", "")
            .await
            .assert_ended(0, "success");
    }
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
        let fault = Fault::on(*operation).nth(1);
        simulator.add_fault(fault.does(Behaviour::ResetAfterApplying));
        let steps = open(&simulator).await;
        let last = steps.last().unwrap();
        assert!(
            is_good(&steps) && steps.len() == 4,
            "{operation}: {}",
            last.streams()
        );
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
