//! A check that could not be made is not a failed check: a good deployment is
//! never undone, and what can be known before the start is said before it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, CommitKnown, Domain, Fault, PastDeployment, Script, Simulator,
    StaticSite, World,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{A_FEW_VISITS, APP, Finished, Runner, SITE, together};
use crate::web::{Act, Web, answer, redirect, with_headers};

const DOMAINS: &str = "listApplicationDomainsV3";
const ROLLBACK: &str = "rollbackDeploymentV3";
const COMMIT: &str = "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f";

/// An application with something to roll back to.
fn app() -> Application {
    let script = Script::success().commit_sha(COMMIT);
    Application::new(APP)
        .past(PastDeployment::success())
        .next(script)
}

async fn simulator(app: Application) -> Simulator {
    Simulator::start(World::new().application(app)).await
}

/// A run that is to roll back, with little time for its check.
fn checks(simulator: &Simulator, url: &str) -> Runner {
    Runner::deploys_app(simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .set("SEVALLA_VERIFY_URL", url)
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
}

/// Asserts that the deployment stays, and that the run says why.
fn assert_kept(simulator: &Simulator, run: &Finished, reason: &str) {
    run.assert_ended(8, "unverified");
    run.assert_told("but its health check could not be made");
    run.assert_told(reason);
    run.assert_told("Nothing was rolled back: no check that was made has failed");
    assert_eq!(simulator.calls(ROLLBACK), 0, "{}", run.streams());
    assert_eq!(simulator.deployments_made(), 1, "{}", run.streams());
    assert!(!run.streams().contains("going back"), "{}", run.streams());
}

#[tokio::test]
async fn an_address_that_cannot_be_read_undoes_nothing() {
    let page =
        |data| Behaviour::WrongShape(json!({ "data": data, "total": 0, "offset": 0, "limit": 25 }));
    // From the second reading on: the first is before the start.
    let later = [
        (Behaviour::status(403), "HTTP 403 Forbidden"),
        (Behaviour::status(401), "HTTP 401 Unauthorized"),
        (Behaviour::status(503), "HTTP 503 Service Unavailable"),
        (Behaviour::NotJson, "is not what it should be"),
        (page(json!([])), "Sevalla does not report its address"),
    ];
    together(later.map(|(behaviour, reason)| async move {
        let simulator = simulator(app()).await;
        simulator.add_fault(Fault::on(DOMAINS).after(1).does(behaviour));
        let run = checks(&simulator, "auto").run().await;
        assert_kept(&simulator, &run, reason);
    }))
    .await;
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_visited_and_undoes_nothing() {
    let hosts = vec![
        "127.0.0.1",
        "localhost",
        "shop.localhost",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "2130706433",
        "metadata.google.internal",
    ];
    together(hosts.into_iter().map(|host| async move {
        let domains = [Domain::custom(host).primary(true)];
        let simulator = simulator(app().domains(domains)).await;
        let run = checks(&simulator, "auto").run().await;
        assert_kept(
            &simulator,
            &run,
            "an address of a private, local or reserved network",
        );
    }))
    .await;
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_undoes_nothing() {
    let app = app().domains([Domain::system("shop.invalid").primary(true)]);
    let simulator = simulator(app).await;
    let run = checks(&simulator, "auto").run().await;
    assert_kept(
        &simulator,
        &run,
        "https://shop.invalid/ failed the health check: no connection",
    );
}

#[tokio::test]
async fn an_address_without_a_route_undoes_nothing() {
    // The broadcast address, to which no connection leads.
    let simulator = simulator(app()).await;
    let run = checks(&simulator, "http://255.255.255.255/").run().await;
    assert_kept(&simulator, &run, "failed the health check: no connection");
}

#[tokio::test]
async fn what_is_not_the_application_undoes_nothing() {
    let challenge = |status, name, value| with_headers(status, &[(name, value)], "");
    let sign_in = "http://login.example/?return=x";
    let cases: Vec<(Act, &str)> = vec![
        (
            challenge(403, "cf-mitigated", "challenge"),
            "HTTP 403 of a bot challenge or block of Cloudflare",
        ),
        (
            challenge(202, "x-amzn-waf-action", "challenge"),
            "HTTP 202 of a bot challenge or block of AWS WAF",
        ),
        (
            challenge(429, "x-vercel-mitigated", "challenge"),
            "of a bot challenge or block of Vercel",
        ),
        (
            answer(503, "<script>window._cf_chl_opt={}</script>"),
            "of a bot challenge or block of Cloudflare",
        ),
        (
            challenge(401, "www-authenticate", "Basic realm=x"),
            "HTTP 401 of a sign-in page",
        ),
        (
            redirect(302, sign_in),
            "it redirects to login.example, a sign-in page",
        ),
        (
            redirect(
                302,
                "https://team.cloudflareaccess.com/cdn-cgi/access/login/x",
            ),
            "it redirects to team.cloudflareaccess.com, a sign-in page",
        ),
        (
            redirect(307, "https://elsewhere.example/oauth2/authorize"),
            "a sign-in page",
        ),
        (answer(407, ""), "HTTP 407 of the proxy"),
        (answer(429, "slow down"), "HTTP 429 of a rate limit"),
        (
            redirect(
                302,
                "https://kc.example/realms/x/protocol/openid-connect/auth?x=y",
            ),
            "it redirects to kc.example, a sign-in page",
        ),
        (
            redirect(302, "https://fs.example/adfs/ls/?wa=wsignin1.0"),
            "it redirects to fs.example, a sign-in page",
        ),
        (
            answer(403, "error code: 1010"),
            "of a bot challenge or block of Cloudflare",
        ),
        (
            challenge(429, "x-kpsdk-ct", "x"),
            "of a bot challenge or block of Kasada",
        ),
    ];
    together(cases.into_iter().map(|(act, reason)| async move {
        let web = Web::acts([act]).await;
        let simulator = simulator(app()).await;
        let run = checks(&simulator, &web.url("/")).run().await;
        assert_kept(&simulator, &run, reason);
    }))
    .await;
}

#[tokio::test]
async fn a_way_that_is_blocked_undoes_nothing() {
    let simulator = simulator(app()).await;
    let web = Web::secure(|_| answer(503, "")).await;
    let run = checks(&simulator, &web.url("/")).run().await;
    assert_kept(&simulator, &run, "its certificate is not trusted");

    together([407, 403, 502].map(|status| async move {
        let simulator = self::simulator(app()).await;
        let proxy = Web::acts([answer(status, "")]).await;
        let run = checks(&simulator, "https://shop.example/")
            .set("HTTPS_PROXY", proxy.url(""))
            .run()
            .await;
        assert_kept(
            &simulator,
            &run,
            "https://shop.example/ failed the health check: ",
        );
    }))
    .await;
}

/// The address of a server that responds with these bytes to whatever comes.
async fn says(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let _read = stream.read(&mut hello).await;
            let _written = stream.write_all(bytes).await;
        }
    });
    address
}

#[tokio::test]
async fn tls_that_fails_undoes_nothing() {
    let cases: [&[u8]; 3] = [
        // Alerts: handshake failure, unrecognized name.
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x15\x03\x03\x00\x02\x02\x70",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ];
    together(cases.map(|bytes| async move {
        let simulator = simulator(app()).await;
        let url = format!("https://{}/", says(bytes).await);
        let run = checks(&simulator, &url).run().await;
        assert_kept(&simulator, &run, "failed the health check: no connection");
    }))
    .await;
}

#[tokio::test]
async fn a_commit_that_sevalla_does_not_give_undoes_nothing() {
    let web = Web::acts([answer(503, "")]).await;
    let scripts = [
        Script::success().commit_known(CommitKnown::Never),
        Script::success().commit_sha("0@elsewhere.example"),
    ];
    for script in scripts {
        for placeholder in ["{commit}", "{commit-short}"] {
            let app = Application::new(APP).past(PastDeployment::success());
            let simulator = simulator(app.next(script.clone())).await;
            let url = web.url(&format!("/{placeholder}"));
            let run = checks(&simulator, &url).run().await;
            assert_kept(&simulator, &run, "does not report the commit that");
        }
    }
    assert_eq!(web.count(), 0);
}

#[tokio::test]
async fn a_commit_that_cannot_be_compared_undoes_nothing() {
    let app = Application::new(APP).past(PastDeployment::success());
    let script = Script::success().commit_known(CommitKnown::Never);
    let simulator = simulator(app.next(script)).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .set("SEVALLA_EXPECTED_COMMIT", COMMIT)
        .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.assert_told("Nothing was rolled back");
    assert_eq!(simulator.calls(ROLLBACK), 0);
}

#[tokio::test]
async fn too_little_time_undoes_nothing() {
    // Healthy, but not often enough in the time there is.
    let simulator = simulator(app()).await;
    let web = Web::acts([answer(200, "")]).await;
    let run = checks(&simulator, &web.url("/"))
        .set("SEVALLA_VERIFY_SUCCESSES", "9")
        .run()
        .await;
    assert_kept(&simulator, &run, " of 9 times in a row");

    // The time was over when the deployment succeeded.
    let late = Script::success()
        .run(Duration::from_secs(5))
        .cancel_delay(Duration::from_secs(60));
    let app = Application::new(APP).past(PastDeployment::success());
    let simulator = self::simulator(app.next(late)).await;
    let web = Web::acts([answer(503, "")]).await;
    let run = checks(&simulator, &web.url("/"))
        .set("SEVALLA_TIMEOUT", "4s")
        .set("SEVALLA_ON_TIMEOUT", "cancel")
        .run()
        .await;
    assert_kept(&simulator, &run, "the run timed out before the check");
    assert_eq!(web.count(), 0);
}

#[tokio::test]
async fn an_application_that_was_seen_to_be_bad_is_still_rolled_back() {
    let acts = [
        answer(503, ""),
        answer(404, "Not Found"),
        Act::Reset,
        Act::Hang(Vec::new()),
        // The application itself leads its visitors nowhere.
        redirect(302, "http://localhost:3000/login"),
        redirect(302, "/"),
    ];
    together(acts.map(|act| async move {
        let simulator = simulator(app()).await;
        let told = format!("{act:?}");
        let web = Web::acts([act]).await;
        let run = checks(&simulator, &web.url("/")).run().await;
        run.assert_ended(8, "unverified");
        run.assert_told("but its health check failed");
        assert_eq!(simulator.calls(ROLLBACK), 1, "{told}\n{}", run.streams());
    }))
    .await;
}

#[tokio::test]
async fn a_key_that_may_not_read_the_address_is_refused_before_the_start() {
    together([401, 403].map(|status| async move {
        for dry_run in ["true", "false"] {
            let simulator = simulator(app()).await;
            simulator.add_fault(Fault::on(DOMAINS).does(Behaviour::status(status)));
            let run = checks(&simulator, "auto")
                .set("SEVALLA_DRY_RUN", dry_run)
                .run()
                .await;
            run.assert_ended(5, "unauthorized");
            run.assert_told(&format!("HTTP {status}"));
            assert!(simulator.journal().iter().all(|call| call.method == "GET"));
        }
    }))
    .await;
}

#[tokio::test]
async fn an_address_that_is_missing_before_the_start_is_read_again_after_the_success() {
    let empty = json!({ "data": [], "total": 0, "offset": 0, "limit": 25 });
    let cases = [
        (
            Behaviour::WrongShape(empty),
            "Sevalla gives no address of the service yet",
        ),
        (
            Behaviour::status(400),
            "the address of the service could not be read",
        ),
    ];
    together(cases.map(|(behaviour, warning)| async move {
        let app = app().domains([Domain::system("shop.invalid").primary(true)]);
        let simulator = simulator(app).await;
        simulator.add_fault(Fault::on(DOMAINS).first(1).does(behaviour));
        let run = checks(&simulator, "auto").run().await;
        run.assert_told(warning);
        run.assert_told("The run looks again after the deployment has succeeded");
        // It was found then, though nobody can visit it here.
        run.assert_told("https://shop.invalid/ failed the health check");
        assert_eq!(run.output("url"), "https://shop.invalid");
    }))
    .await;

    let site = StaticSite::new(SITE)
        .hostname(None::<&str>)
        .past(PastDeployment::success());
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let run = Runner::deploys_site(&simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .set("SEVALLA_VERIFY_URL", "auto")
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
        .run()
        .await;
    run.assert_told("Sevalla gives no address of the service yet");
    assert_kept(&simulator, &run, "Sevalla does not report its address");
}

#[tokio::test]
async fn an_image_without_a_commit_to_check_is_refused_before_the_start() {
    for placeholder in ["{commit}", "{commit-short}"] {
        let named = Application::new(APP).docker_image("shop:1");
        let simulator = simulator(named).await;
        let contains = |runner: Runner| {
            runner
                .set("SEVALLA_VERIFY_URL", "https://shop.example/")
                .set(
                    "SEVALLA_VERIFY_CONTAINS",
                    format!("json:/version={placeholder}"),
                )
        };
        // Nothing has to be read to know that.
        let run = contains(Runner::deploys_app(&simulator))
            .set("SEVALLA_DOCKER_IMAGE", "shop:2")
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("an image has no commit");
        assert!(simulator.journal().is_empty());

        let url = format!("https://shop.example/{placeholder}");
        let by_url = Runner::deploys_app(&simulator).set("SEVALLA_VERIFY_URL", url);
        for runner in [contains(Runner::deploys_app(&simulator)), by_url] {
            let run = runner.run().await;
            run.assert_ended(2, "invalid-input");
            run.assert_told("The application runs an image, which has no commit");
            assert!(simulator.journal().iter().all(|call| call.method == "GET"));
        }
    }
}

#[tokio::test]
async fn domains_are_compared_whatever_their_case() {
    let listed = json!({ "data": [
        { "id": APP, "name": "old.invalid", "type": "custom", "status": "pointing", "is_primary": true,
          "is_enabled": true, "is_wildcard": false },
        { "id": APP, "name": "shop.invalid", "type": "custom", "status": "active", "is_primary": true,
          "is_enabled": true, "is_wildcard": false },
    ], "total": 2, "offset": 0, "limit": 100 });
    let simulator = simulator(app()).await;
    simulator.add_fault(Fault::on(DOMAINS).does(Behaviour::WrongShape(listed)));
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("url"), "https://shop.invalid");
}
