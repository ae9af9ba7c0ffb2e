//! Deployments that go as they should.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Script, Simulator, World,
};

use crate::harness::{APP, Runner, application, static_site, until};

#[tokio::test]
async fn an_application_is_deployed_and_followed_to_its_success() {
    let simulator = application(
        Script::success()
            .run(Duration::from_millis(300))
            .commit_sha("7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f")
            .log_line(Duration::from_millis(10), "INFO", "first line")
            .log_line(Duration::from_millis(290), "INFO", "last line"),
    )
    .await;
    let run = Runner::deploys_app(&simulator).run().await;

    run.assert_ended(0, "success");
    let made = simulator.deployments(APP);
    assert_eq!(made.len(), 1);
    assert_eq!(run.output("deployment-id"), made[0].id);
    assert_eq!(run.output("status"), "success");
    assert_eq!(
        run.output("commit-sha"),
        "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f"
    );
    assert_eq!(run.output("branch"), "main");
    assert!(run.output("url").starts_with("https://"));
    assert!(run.output("queue-seconds").parse::<u64>().is_ok());
    assert_eq!(run.output("error"), "");
    run.assert_told("| first line");
    run.assert_told("| last line");
    let trigger = simulator
        .journal()
        .into_iter()
        .find(|call| call.operation == "triggerDeploymentV3");
    assert_eq!(trigger.unwrap().body, b"{}");
}

#[tokio::test]
async fn a_static_site_is_deployed_with_its_own_branch() {
    let simulator = static_site(Script::success()).await;
    let run = Runner::deploys_site(&simulator).run().await;

    run.assert_ended(0, "success");
    let trigger = simulator
        .journal()
        .into_iter()
        .find(|call| call.operation == "deployStaticSiteV3");
    assert_eq!(
        trigger.unwrap().json().unwrap(),
        serde_json::json!({ "branch": "main" })
    );
    assert_eq!(run.output("url").matches("https://").count(), 1);
}

#[tokio::test]
async fn a_failed_deployment_fails_the_run_and_shows_its_log_and_its_cause() {
    let simulator = application(Script::failed().log_line(
        Duration::from_millis(50),
        "ERROR",
        "no such module",
    ))
    .await;
    let run = Runner::deploys_app(&simulator).on_github().run().await;

    run.assert_ended(1, "failed");
    run.assert_told("ERROR | no such module");
    assert_eq!(
        run.stdout
            .lines()
            .filter(|line| line.starts_with("::error "))
            .count(),
        1
    );
    let summary = run.file("github-summary").unwrap();
    assert!(
        summary.contains("no such module") && summary.contains("failed"),
        "{summary}"
    );
    assert!(run.output("error").contains("failed"));
}

#[tokio::test]
async fn cancelled_and_skipped_deployments_end_with_three() {
    for (script, word) in [
        (Script::cancelled(), "cancelled"),
        (Script::skipped(), "skipped"),
    ] {
        let simulator = application(script).await;
        Runner::deploys_app(&simulator)
            .run()
            .await
            .assert_ended(3, word);
    }
}

#[tokio::test]
async fn a_run_that_does_not_wait_ends_once_the_deployment_is_started() {
    let simulator = application(Script::success().never_ends()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;

    run.assert_ended(0, "triggered");
    assert_eq!(simulator.deployments_made(), 1);
    assert_eq!(simulator.calls("getDeploymentV3"), 0);
    assert!(!run.output("deployment-id").is_empty());
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;

    run.assert_ended(0, "planned");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    run.assert_told("branch main");
}

#[tokio::test]
async fn image_restart_and_branch_reach_the_service_as_given() {
    let image = Application::new(APP).docker_image("nginx:1");
    let simulator = Simulator::start(World::new().application(image)).await;
    let run = Runner::deploys_app(&simulator)
        .set("INPUT_DOCKER-IMAGE", "nginx:1.29")
        .run()
        .await;
    run.assert_ended(0, "success");
    let body = |simulator: &Simulator| {
        let journal = simulator.journal();
        let call = journal
            .iter()
            .find(|call| call.operation == "triggerDeploymentV3")
            .unwrap();
        call.json().unwrap()
    };
    assert_eq!(
        body(&simulator),
        serde_json::json!({ "docker_image": "nginx:1.29" })
    );

    let built = Application::new(APP).past(PastDeployment::success());
    let simulator = Simulator::start(World::new().application(built)).await;
    Runner::deploys_app(&simulator)
        .set("INPUT_IS-RESTART", "true")
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(body(&simulator), serde_json::json!({ "is_restart": true }));

    let simulator = application(Script::success()).await;
    Runner::deploys_app(&simulator)
        .set("INPUT_BRANCH", "next")
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(body(&simulator), serde_json::json!({ "branch": "next" }));
}

#[tokio::test]
async fn a_hook_starts_a_deployment_without_the_key_and_is_followed_with_it() {
    let simulator = application(Script::success()).await;
    let hook = simulator.hook_url(APP);
    let bare = Runner::bare()
        .set("SEVALLA_API_URL", simulator.url())
        .secret("SEVALLA_DEPLOY_HOOK_URL", &hook);
    bare.run().await.assert_ended(0, "triggered");

    let with_key = Runner::against(&simulator).secret("SEVALLA_DEPLOY_HOOK_URL", &hook);
    with_key.run().await.assert_ended(0, "success");
    let calls: Vec<_> = simulator
        .journal()
        .into_iter()
        .filter(|call| call.operation == "hook")
        .collect();
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|call| call.header("authorization").is_none() && call.body.is_empty())
    );
}

#[tokio::test]
async fn one_connection_serves_the_whole_run() {
    let simulator = application(Script::success()).await;
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    let connections: std::collections::BTreeSet<u64> = simulator
        .journal()
        .iter()
        .map(|call| call.connection)
        .collect();
    assert_eq!(connections.len(), 1);
}

#[tokio::test]
async fn a_hook_whose_deployment_cannot_be_told_is_no_success() {
    let simulator = application(Script::success()).await;
    let hook = simulator.hook_url(APP);
    simulator.add_fault(Fault::on("hook").does(Behaviour::EmptyBody));
    let runner = Runner::against(&simulator).secret("SEVALLA_DEPLOY_HOOK_URL", &hook);
    let running = runner.start();
    until(|| simulator.calls("hook") > 0).await;
    simulator.add_deployment(APP, DeploymentType::Manual, Script::success());
    let run = running.finish().await;

    run.assert_ended(7, "ambiguous");
    for deployment in simulator.deployments(APP) {
        run.assert_told(&deployment.id);
    }
}

#[tokio::test]
async fn a_hook_that_does_not_tell_its_deployment_is_enough_where_nobody_waits() {
    let simulator = application(Script::success()).await;
    let hook = simulator.hook_url(APP);
    simulator.add_fault(Fault::on("hook").does(Behaviour::EmptyBody));
    let run = Runner::against(&simulator)
        .secret("SEVALLA_DEPLOY_HOOK_URL", &hook)
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;

    run.assert_ended(0, "triggered");
    assert_eq!(run.output("deployment-id"), "");
    // Before the call, and not once more to find what nobody asks for.
    assert_eq!(simulator.calls("listDeploymentsV3"), 1);
}

#[tokio::test]
async fn a_hook_that_does_not_tell_its_deployment_is_followed_when_there_is_one() {
    let simulator = application(Script::success()).await;
    let hook = simulator.hook_url(APP);
    simulator.add_fault(Fault::on("hook").does(Behaviour::EmptyBody));
    let run = Runner::against(&simulator)
        .secret("SEVALLA_DEPLOY_HOOK_URL", &hook)
        .run()
        .await;

    run.assert_ended(0, "success");
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
}
