//! A stack of which only what has changed is deployed.

use std::sync::Mutex;

use sevalla_simulator::{Application, PastDeployment, Script, Simulator, StaticSite, World};
use wiremock::MockServer;

use crate::harness::{A_FEW_VISITS, Runner, SITE, ids};
use crate::hub::{Hub, TOKEN};
use crate::web::{Web, answer};

/// The commit of a run on GitHub.
const HEAD: &str = "1234567890abcdef1234567890abcdef12345678";
const LIVE: &str = "0000000000000000000000000000000000000000";

const STACK: &str = "services:
  api: { app: shop-api, paths: [api/**, shared] }
  web: { app: shop-web, paths: [web/**], after: [api] }
  docs: { static-site: shop-docs }
  mail: { app: shop-mail, docker-image: 'ghcr.io/acme/mail:{commit}' }
";

fn app(id: &str, name: &str) -> Application {
    Application::new(id)
        .display_name(name)
        .past(PastDeployment::success().commit_sha(LIVE))
        .next(Script::success())
}

fn world() -> World {
    let [api, web, mail] = <[String; 3]>::try_from(ids(3)).unwrap();
    World::new()
        .application(app(&api, "shop-api"))
        .application(app(&web, "shop-web"))
        .application(app(&mail, "shop-mail").source("dockerImage"))
        .static_site(
            StaticSite::new(SITE)
                .display_name("shop-docs")
                .past(PastDeployment::success().commit_sha(LIVE))
                .next(Script::success()),
        )
}

fn runner(simulator: &Simulator, server: &MockServer) -> Runner {
    Runner::does(simulator, "plan-stack")
        .set("SEVALLA_STACK", STACK)
        .secret("SEVALLA_GITHUB_TOKEN", TOKEN)
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_API_URL", server.uri())
}

#[tokio::test]
async fn what_differs_from_the_live_commit_is_deployed_and_the_host_is_asked_once() {
    let simulator = Simulator::start(world()).await;
    let hub = Hub::default();
    hub.differ(
        LIVE,
        HEAD,
        &["shared/lib.rs", "shared/more.rs", "README.md"],
    );
    let server = hub.serve().await;
    let run = runner(&simulator, &server).run().await;
    run.assert_ended(0, "success");
    run.assert_told(
        "api: deployed in step 1 (shared/lib.rs and 1 more differ from 000000000, which is live)",
    );
    run.assert_told("web: not deployed (no file of it differs from 000000000, which is live)");
    run.assert_told("docs: deployed in step 1 (README.md and 2 more differ");
    run.assert_told("mail: deployed in step 1 (what has changed is not known: it runs an image");
    assert_eq!(hub.compared(), 1);
    let run = runner(&simulator, &server)
        .set("SEVALLA_WITH_DEPENDENTS", "true")
        .run()
        .await;
    run.assert_told("web: deployed in step 2 (it is after api)");
    let run = runner(&simulator, &server)
        .set("SEVALLA_ACTION", "deploy-stack")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.deployments_made(), 3);
}

#[tokio::test]
async fn what_cannot_be_known_is_deployed_and_says_why() {
    let simulator = Simulator::start(world()).await;
    let hub = Hub::default();
    let server = hub.serve().await;
    let run = runner(&simulator, &server).run().await;
    run.assert_told("Could not compare two commits: not found (HTTP 404)");
    run.assert_told("Of 4 services, 4 would be deployed");
    let run = runner(&simulator, &server)
        .set("SEVALLA_GITHUB_TOKEN", "")
        .run()
        .await;
    run.assert_told("there is no github-token for the repository");
    run.assert_told("Of 4 services, 4 would be deployed");
    let run = runner(&simulator, &server)
        .set("GITHUB_REF", "refs/heads/next")
        .run()
        .await;
    run.assert_told("it deploys branch main, and this run is about next");
}

#[tokio::test]
async fn a_glob_that_can_never_match_is_refused_with_its_place() {
    let simulator = Simulator::start(world()).await;
    let run = Runner::does(&simulator, "plan-stack")
        .set(
            "SEVALLA_STACK",
            "services:\n  api: { app: shop-api, paths: [/api, 'a/[b'] }\n",
        )
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
    let error = run.output("error");
    assert!(
        error.contains("line 2, column 33: \"/api\" begins with `/`"),
        "{error}"
    );
    assert!(
        error.contains("line 2, column 39: \"a/[b\" is no glob"),
        "{error}"
    );
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_glob_that_matches_nothing_in_the_checkout_is_a_warning() {
    let simulator = Simulator::start(world()).await;
    let hub = Hub::default();
    let server = hub.serve().await;
    let checkout = tempfile::tempdir().unwrap();
    for file in ["api/src/main.rs", "shared/lib.rs", ".git/web/x"] {
        let path = checkout.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let run = runner(&simulator, &server).works_in(checkout.path());
    let run = run.run().await;
    run.assert_ended(0, "success");
    run.assert_told("line 3, column 33: \"web/**\" matches no file of the checkout");
    for glob in ["api/**", "shared"] {
        let text = format!("{glob:?} matches no file");
        assert!(!run.streams().contains(&text), "{}", run.streams());
    }
}

#[tokio::test]
async fn a_service_that_is_unchanged_and_bad_is_deployed_again() {
    let [api, web, _] = <[String; 3]>::try_from(ids(3)).unwrap();
    let world = || {
        let past = || PastDeployment::success().commit_sha(HEAD);
        let app = |id: &str, name: &str| {
            let app = Application::new(id).display_name(name).past(past());
            app.next(Script::success().commit_sha(HEAD))
        };
        World::new()
            .application(app(&api, "shop-api"))
            .application(app(&web, "shop-web"))
    };
    // What the version that is live answers, and the next one.
    for (live, next, code, made) in [
        // The failed job is run again, and the service still is bad.
        (503, 503, 8, 1),
        (503, 200, 0, 1),
        (200, 503, 0, 0),
    ] {
        let first = Mutex::new(None);
        let site = Web::start(move |visit| {
            let mut first = first.lock().unwrap();
            let first = first.get_or_insert_with(|| visit.target.clone());
            let status = if *first == visit.target { live } else { next };
            answer(status, HEAD)
        })
        .await;
        let stack = format!(
            "services:\n  api: {{ app: shop-api, verify: {{ url: \"{}\", contains: \"{{commit}}\", \
             successes: 1, timeout: {A_FEW_VISITS} }} }}\n  web: {{ app: shop-web, after: [api] }}\n",
            site.url("/{deployment-id}")
        );
        let simulator = Simulator::start(world()).await;
        let server = Hub::default().serve().await;
        let run = runner(&simulator, &server)
            .set("SEVALLA_ACTION", "deploy-stack")
            .set("SEVALLA_STACK", stack)
            .run()
            .await;
        assert_eq!(run.code, Some(code), "{}", run.streams());
        assert_eq!(simulator.deployments_made(), made, "{}", run.streams());
        if made > 0 {
            run.assert_told("but its check did not pass: ");
        } else {
            run.assert_told("is live; its check passed");
        }
    }
}
