//! Rate limits.

mod common;

use common::{APP, Client, SITE, deployment, deployments, ms, start};
use sevalla_simulator::{Application, Limits, Simulator, StaticSite, World};

fn started(limits: Limits) -> (Simulator, Client) {
    let world = World::new()
        .application(Application::new(APP))
        .static_site(StaticSite::new(SITE))
        .limits(limits);
    let simulator = start(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

#[test]
fn the_eleventh_deployment_of_a_service_is_refused() {
    let (simulator, client) = started(Limits::documented());
    for left in (0..10).rev() {
        let reply = client.post_json(&deployments(APP), "{}");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
        assert_eq!(
            reply.header("x-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
        assert_eq!(reply.header("retry-after"), None);
    }
    let refused = client.post_json(&deployments(APP), "{}");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["status"], 429);
    let reset = refused.header("x-ratelimit-reset").expect("is told");
    assert_eq!(refused.header("retry-after"), Some(reset));
    assert!((1..=60).contains(&reset.parse().expect("is a number")));
    assert_eq!(simulator.deployments_made(), 10);
    // Each service has its own.
    let site = format!("/static-sites/{SITE}/deployments");
    assert_eq!(client.post_json(&site, "{}").status, 201);
    assert_eq!(client.get("/applications").status, 200);
}

#[test]
fn changes_of_a_service_have_a_budget_of_their_own() {
    let (_simulator, client) = started(Limits::documented().mutation(2));
    let path = format!("/applications/{APP}");
    let change = || client.send_json("PATCH", &path, "{}");
    assert_eq!(change().header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(client.send_json("PATCH", &path, "[]").status, 400);
    assert_eq!(client.delete(&path).status, 429);
    let other = format!("/static-sites/{SITE}");
    assert_eq!(client.send_json("PATCH", &other, "{}").status, 200);
    assert_eq!(client.post(&format!("{path}/purge-cache")).status, 200);
    assert_eq!(client.get(&path).status, 200);
}

#[test]
fn log_reads_share_a_budget_that_comes_back() {
    let (simulator, client) = started(Limits::documented().logs(2).window(ms(300)));
    let id = client.post_json(&deployments(APP), "{}").text("id");
    let logs = format!("{}/logs", deployment(APP, &id));
    assert_eq!(client.get(&logs).status, 200);
    assert_eq!(client.get(&logs).status, 200);
    let refused = client.get(&logs);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-reset"), Some("1"), "rounded up");
    simulator.advance(ms(320));
    assert_eq!(client.get(&logs).status, 200);
}

#[test]
fn without_limits_there_are_still_headers_unless_told() {
    let (_simulator, client) = started(Limits::none().read(1));
    for _ in 0..3 {
        let reply = client.get("/applications");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    }
    let (_simulator, client) = started(Limits::none().headers(false));
    assert_eq!(
        client.get("/applications").header("x-ratelimit-limit"),
        None
    );
}

#[test]
fn one_budget_is_for_calls_of_every_kind() {
    let (_simulator, client) = started(Limits::of_one_budget(3));
    let made = client.post_json(&deployments(APP), "{}");
    assert_eq!(made.header("x-ratelimit-limit"), Some("3"));
    let id = made.text("id");
    let logs = client.get(&format!("{}/logs", deployment(APP, &id)));
    assert_eq!(logs.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(client.get("/applications").status, 200);
    assert_eq!(client.get("/applications").status, 429);
    assert_eq!(client.post_json(&deployments(APP), "{}").status, 429);
}
