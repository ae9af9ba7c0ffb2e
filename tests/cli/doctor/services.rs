//! The workflow to copy, and the checks of an application next to a static site.

use serde_json::{Value, json};
use sevalla_simulator::{Application, Behaviour, Fault, Payload, Simulator, StaticSite, World};

use super::limits::with;
use super::{contradicted, doctor, finds, of_app, world};
use crate::harness::{APP, SITE};

#[tokio::test]
async fn a_company_with_only_a_static_site_gets_its_workflow() {
    let simulator = Simulator::start(World::new().static_site(StaticSite::new(SITE))).await;
    let run = doctor(&simulator).on_github().run().await;
    run.assert_told("static-site-id: ${{ vars.SEVALLA_STATIC_SITE_ID }}");
    run.assert_told(&format!(
        "Set the variable SEVALLA_STATIC_SITE_ID to {SITE}."
    ));
    run.assert_told("Remove the preview job");
    let run = doctor(&simulator).run().await;
    run.assert_told(&format!("  SEVALLA_STATIC_SITE_ID={SITE} sevalla-deploy"));
}

#[tokio::test]
async fn only_a_uuid_gets_into_the_line_to_copy() {
    let list = json!({"data": [{"id": "$(touch /tmp/pwn)", "type": "app"}], "total": 1});
    let simulator = Simulator::start(with("listApplicationsV3", list)).await;
    let run = doctor(&simulator).run().await;
    run.assert_told("  SEVALLA_APP_ID=… sevalla-deploy");
    assert!(!run.streams().contains("touch"), "{}", run.streams());
    let list = json!({"data": [{"id": APP, "type": "app", "display_name": "Shop (preview)"}]});
    let simulator = Simulator::start(with("listApplicationsV3", list)).await;
    let run = doctor(&simulator).run().await;
    run.assert_told(&format!("  SEVALLA_APP_ID={APP} sevalla-deploy"));
}

#[tokio::test]
async fn an_application_and_a_static_site_are_both_checked() {
    let world = World::new()
        .application(Application::new(APP).domains([]))
        .static_site(StaticSite::new(SITE).hostname(None))
        .capabilities([("APP:READ", None), ("APP:UPDATE", None)]);
    let simulator = Simulator::start(world).await;
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_STATIC_SITE_ID", SITE)
        .run()
        .await;
    for text in [
        "warning address     the application has no address",
        "warning address     the static site has no address",
        "ok      permissions deploy-app: APP:READ, APP:UPDATE",
        "warning permissions STATIC_SITE:READ, STATIC_SITE:UPDATE may be missing for",
    ] {
        run.assert_told(text);
    }
}

#[tokio::test]
async fn a_key_with_roles_is_not_taken_for_one_without_permissions() {
    let key = |capabilities: Value| {
        let roles = json!([{"id": "r", "name": "admin"}]);
        json!({"roles": roles, "capabilities": capabilities})
    };
    let simulator = Simulator::start(with("getCurrentApiKey", key(json!([])))).await;
    let run = of_app(doctor(&simulator)).run_impatiently().await;
    run.assert_told("ok      permissions roles of the key: admin");
    assert!(!contradicted(&run).contains("key-capabilities"));
    let some = key(json!([{"permission": "APP:READ"}]));
    let texts = ["ok      permissions roles of the key: admin; it can: APP:READ"];
    finds(with("getCurrentApiKey", some), of_app, 0, &texts).await;
}

#[tokio::test]
async fn the_permissions_of_every_action_are_compared() {
    let reads = || world().capabilities([("APP:READ", None), ("PIPELINE:READ", None)]);
    for (action, text) in [
        ("follow", "ok      permissions follow: APP:READ"),
        ("show", "ok      permissions show: APP:READ"),
        (
            "cancel",
            "warning permissions APP:UPDATE may be missing for cancel",
        ),
        ("purge-cache", "APP:UPDATE may be missing for purge-cache"),
        (
            "deploy-stack",
            "APP:UPDATE may be missing for deploy-stack; the key can: APP:READ",
        ),
    ] {
        let set = |runner: super::Runner| of_app(runner).set("SEVALLA_FOR_ACTION", action);
        finds(reads(), set, 0, &[text]).await;
    }
    let texts = ["ok      permissions the key can: APP:READ, PIPELINE:READ"];
    finds(reads(), |runner| runner, 0, &texts).await;
    let list = |runner: super::Runner| runner.set("SEVALLA_FOR_ACTION", "list");
    let texts = ["not compared for list without an id; the key can: APP:READ, PIPELINE:READ"];
    finds(reads(), list, 0, &texts).await;
    let many: Vec<String> = (b'A'..b'M')
        .map(|c| format!("APP_{}:READ", char::from(c)))
        .collect();
    let many = with("getCurrentApiKey", json!({"capabilities": many}));
    finds(many, |runner| runner, 0, &["APP_H:READ and 4 more"]).await;
}

#[tokio::test]
async fn permissions_that_cannot_be_read_are_a_warning() {
    for behaviour in [
        Behaviour::status(500),
        Behaviour::status(429),
        Behaviour::status(403),
        Behaviour::HangBeforeApplying,
    ] {
        let fault = Fault::on("getCurrentApiKey").does(behaviour);
        let texts = ["warning permissions could not be read: "];
        finds(world().fault(fault), of_app, 0, &texts).await;
    }
}

#[tokio::test]
async fn another_status_of_success_and_very_many_fields_are_named() {
    let page = Payload::Json(json!({"data": [], "total": 0}));
    let partial = Behaviour::Status(206, page, Vec::new());
    let fault = Fault::on("listDeploymentsV3").does(partial);
    let texts = ["not in the contract: status 206"];
    finds(world().fault(fault), of_app, 0, &texts).await;
    let mut many = json!({"id": APP});
    for number in 0..5000_u32 {
        let letter = |by: u32| char::from(b'a' + u8::try_from(number / by % 26).unwrap());
        many[format!("x{}{}{}", letter(676), letter(26), letter(1))] = json!(1);
    }
    let simulator = Simulator::start(with("getApplicationV3", many)).await;
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_REPORT", "true")
        .run_impatiently()
        .await;
    run.assert_told("not in the contract: and 4950 more");
    run.assert_told("\n  and 4950 more\n");
    assert!(run.streams().lines().count() < 400);
}
