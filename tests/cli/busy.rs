//! Another deployment of the service waits or runs already: `when-busy`.

use std::time::Duration;

use sevalla_simulator::{
    Application, Behaviour, CommitKnown, DeploymentType, Fault, Script, Simulator, StaticSite,
    World,
};

use crate::harness::{APP, Runner, SITE, application, busy_when_looked_at, together, until};

const TESTED: &str = "1234567890abcdef1234567890abcdef12345678";
const TRIGGER: &str = "triggerDeploymentV3";

fn runs_for(seconds: u64) -> Script {
    Script::success().run(Duration::from_secs(seconds))
}

/// A newer deployment is added meanwhile, on a busy machine too.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

fn endless() -> Script {
    Script::success().never_ends()
}

/// An application on which somebody's deployment does this now; its id.
async fn busy_with(script: Script) -> (Simulator, String) {
    let simulator = application(Script::success()).await;
    let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
    (simulator, id)
}

/// The same from the moment in which a run looks, for one that ends by itself.
async fn busy_for_a_run(script: Script) -> Simulator {
    let simulator = application(Script::success()).await;
    simulator.add_fault(busy_when_looked_at(script));
    simulator
}

/// The id of somebody's deployment.
fn others(simulator: &Simulator) -> String {
    let mut all = simulator.deployments(APP).into_iter();
    all.find(|made| !made.by_call).unwrap().id
}

fn when_busy(simulator: &Simulator, policy: &str) -> Runner {
    Runner::deploys_app(simulator).set("SEVALLA_WHEN_BUSY", policy)
}

#[tokio::test]
async fn by_default_the_deployment_is_queued() {
    let simulator = busy_for_a_run(runs_for(3)).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("1 deployment of this service is waiting or running already");
    assert_eq!(simulator.calls(TRIGGER), 1);
}

#[tokio::test]
async fn it_waits_for_the_end_of_the_other() {
    for script in [runs_for(3), Script::failed().run(Duration::from_secs(3))] {
        let simulator = busy_for_a_run(script).await;
        let run = when_busy(&simulator, "wait").run().await;
        run.assert_ended(0, "success");
        run.assert_told(&format!("deployment {}", others(&simulator)));
        let made = simulator.deployments(APP);
        // Its whole life is after the other's end.
        assert!(made[0].created > Duration::from_secs(3), "{made:#?}");
        assert_eq!(simulator.deployments_made(), 1);
    }
}

#[tokio::test]
async fn waiting_ends_with_the_runs_time_or_with_a_signal() {
    let (simulator, _) = busy_with(endless()).await;
    let run = when_busy(&simulator, "wait")
        .set("SEVALLA_TIMEOUT", "8s")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    run.assert_told(
        "Nothing was deployed: when timeout expired, another deployment of this service had not",
    );
    assert_eq!(simulator.calls(TRIGGER), 0);

    let running = when_busy(&simulator, "wait").start();
    let looks = simulator.calls("listDeploymentsV3");
    until(|| simulator.calls("listDeploymentsV3") > looks).await;
    running.signal("TERM").await;
    let run = running.finish().await;
    run.assert_ended(143, "interrupted");
    run.assert_told("No deployment was started");
    assert_eq!(simulator.calls(TRIGGER), 0);
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn it_joins_the_one_that_deploys_the_same() {
    let simulator = busy_for_a_run(runs_for(3).commit_sha(TESTED)).await;
    let run = when_busy(&simulator, "join")
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("deployment-id"), others(&simulator));
    assert_eq!(simulator.calls(TRIGGER), 0);
    run.assert_told("which deploys the same");

    let (simulator, other) = busy_with(endless()).await;
    let run = when_busy(&simulator, "join")
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;
    run.assert_ended(0, "triggered");
    run.assert_told("Started nothing");
    run.assert_told(&other);
    assert_eq!(simulator.calls(TRIGGER), 0);
}

#[tokio::test]
async fn it_does_not_join_what_deploys_something_else() {
    let running = || runs_for(2).queue(Duration::ZERO);
    let cases: Vec<(Script, Vec<(&str, &str)>)> = vec![
        (running(), vec![("SEVALLA_BRANCH", "next")]),
        (running(), vec![("SEVALLA_IS_RESTART", "true")]),
        // The branch has moved on since that one was started.
        (running(), vec![("GITHUB_REF", "refs/heads/main")]),
        (
            running().commit_known(CommitKnown::AtEnd),
            vec![("GITHUB_REF", "refs/heads/main")],
        ),
    ];
    together(cases.into_iter().map(|(script, inputs)| async move {
        let app = Application::new(APP).past(sevalla_simulator::PastDeployment::success());
        let simulator = Simulator::start(World::new().application(app)).await;
        simulator.add_fault(busy_when_looked_at(script));
        let mut runner = when_busy(&simulator, "join").on_github();
        for (name, value) in inputs {
            runner = runner.set(name, value);
        }
        let run = runner.run().await;
        run.assert_ended(0, "success");
        assert_eq!(simulator.calls(TRIGGER), 1, "{}", run.streams());
    }))
    .await;

    let image = Application::new(APP).docker_image("shop:1");
    let simulator = Simulator::start(World::new().application(image)).await;
    simulator.add_fault(busy_when_looked_at(runs_for(2)));
    let run = when_busy(&simulator, "join").set("SEVALLA_DOCKER_IMAGE", "shop:2");
    run.run().await.assert_ended(0, "success");
    assert_eq!(simulator.calls(TRIGGER), 1);
}

#[tokio::test]
async fn a_deployment_that_was_joined_goes_on_whatever_becomes_of_the_run() {
    let (simulator, other) = busy_with(endless()).await;
    let running = when_busy(&simulator, "join").start();
    until(|| simulator.calls("getDeploymentV3") > 0).await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    run.assert_told(&format!("Deployment {other} was last seen running, at "));

    let run = when_busy(&simulator, "join")
        .set("SEVALLA_TIMEOUT", "3s")
        .set("SEVALLA_ON_TIMEOUT", "cancel")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn it_cancels_what_waits_and_what_runs_and_starts_once() {
    let (simulator, running) = busy_with(endless()).await;
    let waiting = simulator.add_deployment(APP, DeploymentType::Automatic, runs_for(1));
    until(|| simulator.deployments(APP)[1].status.as_deref() == Some("inProgress")).await;
    let run = when_busy(&simulator, "cancel-previous").run().await;
    run.assert_ended(0, "success");
    assert!(simulator.cancelled(&running) && simulator.cancelled(&waiting));
    run.assert_told(&format!("Deployment {running} ended cancelled."));
    run.assert_told(&format!("Deployment {waiting} ended skipped."));
    assert_eq!(simulator.calls(TRIGGER), 1);
    assert_eq!(simulator.deployments_made(), 1);
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
}

#[tokio::test]
async fn what_cannot_be_cancelled_is_told_and_waited_for_in_the_queue() {
    let simulator = busy_for_a_run(runs_for(3)).await;
    simulator.add_fault(Fault::on("cancelDeploymentV3").does(Behaviour::status(403)));
    let run = when_busy(&simulator, "cancel-previous").run().await;
    run.assert_ended(0, "success");
    run.assert_told(&format!(
        "Warning: Deployment {} could not be cancelled: ",
        others(&simulator)
    ));
    assert_eq!(simulator.calls(TRIGGER), 1);
}

#[tokio::test]
async fn previews_of_pull_requests_are_left_alone() {
    let site = StaticSite::new(SITE).preview_enabled(true).next(endless());
    let simulator = Simulator::start(World::new().static_site(site)).await;
    simulator.open_pull_request(7, "feature");
    simulator.set_script(SITE, Script::success());
    let preview = simulator.deployments(SITE)[0].id.clone();
    let run = Runner::deploys_site(&simulator)
        .set("SEVALLA_WHEN_BUSY", "cancel-previous")
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;
    run.assert_ended(0, "triggered");
    assert!(!simulator.cancelled(&preview));
}

#[tokio::test]
async fn it_fails_and_sends_nothing() {
    let (simulator, other) = busy_with(endless()).await;
    let run = when_busy(&simulator, "fail").run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("when-busy is fail");
    run.assert_told(&other);
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));

    // Nothing is in the way of these.
    for policy in ["wait", "join", "cancel-previous", "fail"] {
        let simulator = application(Script::success()).await;
        when_busy(&simulator, policy)
            .run()
            .await
            .assert_ended(0, "success");
        assert_eq!(simulator.deployments_made(), 1);
    }
}

#[tokio::test]
async fn two_runs_at_the_same_moment_each_start_one_deployment_at_most() {
    // What each may end as. Both may have looked before either started.
    let cases: [(&str, &[(i32, &str)]); 5] = [
        ("queue", &[(0, "success")]),
        ("wait", &[(0, "success")]),
        ("join", &[(0, "success")]),
        (
            "cancel-previous",
            &[
                (0, "success"),
                (3, "cancelled"),
                (3, "skipped"),
                (3, "superseded"),
            ],
        ),
        ("fail", &[(0, "success"), (9, "rejected")]),
    ];
    together(cases.map(|(policy, may_end)| async move {
        let simulator = application(runs_for(1)).await;
        let runs =
            [when_busy(&simulator, policy), when_busy(&simulator, policy)].map(Runner::start);
        let [one, other] = runs;
        let (one, other) = tokio::join!(one.finish(), other.finish());
        for run in [&one, &other] {
            let outcome = run.output("outcome");
            let end = (run.code.unwrap(), outcome.as_str());
            assert!(may_end.contains(&end), "{policy}: {}", run.streams());
            // The exit code is the truth about the deployment it names.
            let id = run.output("deployment-id");
            let all = simulator.deployments(APP);
            let named = all.iter().find(|made| made.id == id);
            let status = named.and_then(|made| made.status.as_deref());
            assert_eq!(status == Some("success"), end.0 == 0, "{}", run.streams());
        }
        assert!(
            [&one, &other].iter().any(|run| run.code == Some(0)),
            "{policy}"
        );
        let triggers = simulator.calls(TRIGGER);
        assert!((1..=2).contains(&triggers), "{policy}: {triggers}");
        assert_eq!(simulator.deployments_made(), triggers);
        if policy == "queue" || policy == "wait" {
            assert_eq!(triggers, 2);
        }
    }))
    .await;
}

#[tokio::test]
async fn what_made_way_for_a_newer_one_is_told_apart_from_what_was_cancelled() {
    let cases = [
        (Script::skipped().queue(LONG_ENOUGH), true, "superseded"),
        (Script::skipped(), false, "skipped"),
        (Script::cancelled().run(LONG_ENOUGH), true, "superseded"),
        (Script::cancelled(), false, "cancelled"),
    ];
    together(cases.map(|(script, is_overtaken, word)| async move {
        let simulator = application(script).await;
        let running = Runner::deploys_app(&simulator).start();
        let mut newer = None;
        if is_overtaken {
            until(|| simulator.calls(TRIGGER) > 0 && simulator.deployments_made() == 1).await;
            newer = Some(simulator.add_deployment(APP, DeploymentType::Manual, endless()));
        }
        let run = running.finish().await;
        run.assert_ended(3, word);
        if let Some(newer) = newer {
            run.assert_told("A newer one took its place: ");
            run.assert_told(&newer);
        }
    }))
    .await;
}
