//! A run makes one deployment, whatever the list calls it after a lost answer.

use std::time::Duration;

use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Script, Simulator, StaticSite,
    World,
};

use crate::harness::{APP, Finished, Runner, SITE, busy_when_looked_at, called, together};

const IMAGE: &str = "docker_image_url";
const START: &str = "triggerDeploymentV3";

/// A name as in the document's own example.
const BUILT: &str = "us-central1-docker.pkg.dev/project/repo/image:abc123";

/// What a run asks for.
#[derive(Debug, Clone, Copy)]
enum Order {
    Image,
    Branch,
    Restart,
    Site,
}

impl Order {
    const fn operation(self) -> &'static str {
        match self {
            Self::Site => "deployStaticSiteV3",
            _ => START,
        }
    }

    const fn service(self) -> &'static str {
        match self {
            Self::Site => SITE,
            _ => APP,
        }
    }

    /// A service whose next deployment is listed like this.
    async fn world(self, script: Script) -> Simulator {
        let app = Application::new(APP).past(PastDeployment::success());
        let world = World::new();
        let world = match self {
            Self::Image => world.application(app.docker_image("nginx:1.27").next(script)),
            Self::Branch | Self::Restart => world.application(app.next(script)),
            Self::Site => {
                let site = StaticSite::new(SITE).past(PastDeployment::success());
                world.static_site(site.next(script))
            }
        };
        Simulator::start(world).await
    }

    fn runner(self, simulator: &Simulator) -> Runner {
        match self {
            Self::Image => Runner::deploys_app(simulator).set("SEVALLA_DOCKER_IMAGE", "nginx:1.28"),
            Self::Branch => Runner::deploys_app(simulator),
            Self::Restart => Runner::deploys_app(simulator).set("SEVALLA_IS_RESTART", "true"),
            Self::Site => Runner::deploys_site(simulator),
        }
    }
}

/// A run of which the only one new deployment was made, with one request.
fn assert_one(run: &Finished, simulator: &Simulator, order: Order, is_adopted: bool) {
    let made = simulator.deployments(order.service());
    let id = &made[0].id;
    if is_adopted {
        run.assert_ended(0, "success");
        assert_eq!(&run.output("deployment-id"), id);
    } else {
        run.assert_ended(7, "ambiguous");
        run.assert_told("One new deployment could be it");
        run.assert_told(id);
    }
    assert_eq!(simulator.calls(order.operation()), 1);
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn the_deployment_that_was_made_is_recognized_in_its_normal_form_or_listed() {
    let digest = format!("nginx@sha256:{}", "0123456789abcdef".repeat(4));
    let cases = vec![
        (
            Order::Image,
            IMAGE,
            json!("docker.io/library/nginx:1.28"),
            true,
        ),
        (
            Order::Image,
            IMAGE,
            json!("Index.Docker.IO/nginx:1.28"),
            true,
        ),
        (Order::Image, IMAGE, json!(BUILT), false),
        (Order::Image, IMAGE, json!(digest), false),
        (Order::Image, IMAGE, json!("nginx:1.27"), false),
        (Order::Image, IMAGE, Value::Null, false),
        (Order::Branch, "branch", json!("origin/main"), true),
        (Order::Branch, "branch", json!("refs/heads/main"), true),
        (Order::Branch, "branch", Value::Null, false),
        (Order::Branch, "branch", json!("HEAD"), false),
        (Order::Branch, "trigger", json!("DEPLOY_BY_API"), true),
        (Order::Branch, "trigger", Value::Null, true),
        (Order::Branch, "type", Value::Null, true),
        (Order::Restart, "trigger", json!("MANUAL_DEPLOY"), true),
        (Order::Restart, "steps", json!([]), true),
        (Order::Restart, "type", json!("automatic"), true),
        (
            Order::Site,
            "branch",
            json!("refs/remotes/origin/main"),
            true,
        ),
        (Order::Site, "branch", Value::Null, false),
    ];
    together(
        cases
            .into_iter()
            .map(|(order, field, value, is_adopted)| async move {
                let simulator = order.world(Script::success().shows(field, value)).await;
                let lost = Fault::on(order.operation()).does(Behaviour::ResetAfterApplying);
                simulator.add_fault(lost);
                let run = order.runner(&simulator).run().await;
                assert_one(&run, &simulator, order, is_adopted);
            }),
    )
    .await;
}

#[tokio::test]
async fn what_is_filled_in_late_is_waited_for() {
    let late = Duration::from_secs(3);
    let cases = [
        (Order::Image, IMAGE, "nginx:1.28"),
        (Order::Branch, "branch", "main"),
        (Order::Site, "branch", "main"),
    ];
    together(cases.map(|(order, field, value)| async move {
        let script = Script::success()
            .shows(field, Value::Null)
            .shows_after(late, field, value);
        let simulator = order.world(script).await;
        let lost = Fault::on(order.operation()).does(Behaviour::CutBody);
        simulator.add_fault(lost);
        let run = order.runner(&simulator).run().await;
        assert_one(&run, &simulator, order, true);
    }))
    .await;
}

#[tokio::test]
async fn only_beside_what_is_certainly_somebody_elses_it_is_sent_again() {
    use DeploymentType::{Automatic, Manual};
    let plain = || Script::success().run(Duration::from_millis(200));
    let cases = vec![
        (Order::Branch, Automatic, plain(), true),
        (Order::Branch, Manual, plain().shows("branch", "dev"), true),
        (Order::Image, Automatic, plain(), true),
        (Order::Site, Automatic, plain(), true),
        (Order::Site, Manual, plain().shows("is_preview", true), true),
        (Order::Image, Manual, plain().shows(IMAGE, BUILT), false),
        (
            Order::Image,
            Manual,
            plain().shows(IMAGE, Value::Null),
            false,
        ),
        (
            Order::Branch,
            Manual,
            plain().shows("branch", Value::Null),
            false,
        ),
        (
            Order::Branch,
            Manual,
            plain().shows("trigger", "RESTART"),
            false,
        ),
        (
            Order::Restart,
            Manual,
            plain().shows("branch", "dev"),
            false,
        ),
    ];
    together(
        cases
            .into_iter()
            .map(|(order, kind, script, is_sent_again)| async move {
                let simulator = order.world(Script::success()).await;
                let lost = Behaviour::ResetBeforeApplying;
                let operation = order.operation();
                simulator.add_fault(Fault::on(operation).first(1).does(lost));
                let running = order.runner(&simulator).start();
                called(&simulator, operation).await;
                let id = simulator.add_deployment(order.service(), kind, script);
                let run = running.finish().await;

                if is_sent_again {
                    run.assert_ended(0, "success");
                    assert_ne!(run.output("deployment-id"), id);
                } else {
                    run.assert_ended(7, "ambiguous");
                    run.assert_told(&id);
                }
                let count = usize::from(is_sent_again);
                assert_eq!(simulator.calls(operation), 1 + count);
                assert_eq!(simulator.deployments_made(), count);
            }),
    )
    .await;
}

#[tokio::test]
async fn an_id_that_is_none_is_looked_up() {
    let odd = |id: &str| Behaviour::WrongShape(json!({ "id": id, "status": "waiting" }));
    together(["dep-1", "1234", "{}"].map(|id| async move {
        let simulator = Order::Branch.world(Script::success()).await;
        simulator.add_fault(Fault::on(START).does(odd(id)));
        let run = Order::Branch.runner(&simulator).run().await;
        assert_one(&run, &simulator, Order::Branch, true);
    }))
    .await;

    // It names nothing, and nothing is there.
    let simulator = Order::Branch.world(Script::success()).await;
    let body = sevalla_simulator::Payload::Json(json!({ "id": "dep-1" }));
    simulator.add_fault(Fault::on(START).does(Behaviour::Status(200, body, Vec::new())));
    let run = Order::Branch.runner(&simulator).run().await;
    run.assert_ended(7, "ambiguous");
    run.assert_told("The answer names it \"dep-1\", which is not the id of a deployment");
    assert_eq!(simulator.calls(START), 1);
}

#[tokio::test]
async fn a_running_deployment_of_another_spelling_is_joined() {
    let cases = [
        (Order::Branch, "branch", json!("refs/heads/main"), true),
        (Order::Branch, "branch", Value::Null, false),
        (
            Order::Image,
            IMAGE,
            json!("docker.io/library/nginx:1.28"),
            true,
        ),
        (
            Order::Image,
            IMAGE,
            json!("docker.io/other/nginx:1.28"),
            false,
        ),
    ];
    together(cases.map(|(order, field, value, is_joined)| async move {
        let simulator = order.world(Script::success()).await;
        let script = Script::success()
            .run(Duration::from_secs(2))
            .shows(field, value);
        simulator.add_fault(busy_when_looked_at(script));
        let run = order
            .runner(&simulator)
            .set("SEVALLA_WHEN_BUSY", "join")
            .run()
            .await;
        run.assert_ended(0, "success");
        let made = simulator.deployments(APP);
        let other = made.iter().find(|made| !made.by_call).unwrap();
        assert_eq!(run.output("deployment-id") == other.id, is_joined);
        assert_eq!(simulator.calls(START), usize::from(!is_joined));
    }))
    .await;
}

#[tokio::test]
async fn a_list_that_lacks_what_was_there_does_not_show_that_nothing_began() {
    let orders = [
        (Order::Branch, "listDeploymentsV3"),
        (Order::Site, "listStaticSiteDeploymentsV3"),
    ];
    together(orders.into_iter().map(|(order, list)| async move {
        let simulator = order.world(Script::success()).await;
        let lost = Fault::on(order.operation()).does(Behaviour::ResetAfterApplying);
        simulator.add_fault(lost);
        let nothing = json!({ "data": [], "total": 0, "offset": 0, "limit": 50 });
        let empty = Fault::on(list)
            .after(1)
            .does(Behaviour::WrongShape(nothing));
        simulator.add_fault(empty);
        let run = order.runner(&simulator).run().await;
        run.assert_ended(7, "ambiguous");
        assert_eq!(simulator.calls(order.operation()), 1);
    }))
    .await;
}
