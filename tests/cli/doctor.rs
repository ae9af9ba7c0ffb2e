//! The doctor: the set-up and the contract.

mod limits;
mod services;
mod trouble;

use std::collections::BTreeSet;
use std::time::Duration;

use sevalla_deploy::actions::doctor::unknowns::UNKNOWNS;
use sevalla_simulator::{
    Application, Behaviour, Database, DeploymentType, Domain, Fault, Limits, PastDeployment,
    Pipeline, Preview, Quirk, Simulator, StaticSite, Status, World,
};

use crate::harness::{APP, Finished, PIPELINE, PullRequest, Runner, SITE, refuses_connections};
use crate::web::{Act, Web, answer};

const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// A past with what shows most.
fn past() -> Vec<PastDeployment> {
    // Of one commit, which was deployed again.
    let manual = |trigger: &str| PastDeployment {
        kind: DeploymentType::Manual,
        trigger: Some(trigger.to_owned()),
        commit_sha: "5".repeat(40),
        ..PastDeployment::default()
    };
    vec![
        PastDeployment::success().ago(hours(2)),
        manual("MANUAL_DEPLOY").ago(hours(3)),
        manual("RESTART").ago(hours(4)),
        PastDeployment::failed().ago(hours(5)),
        PastDeployment {
            status: Status::Skipped,
            ..PastDeployment::default()
        }
        .ago(hours(6)),
    ]
}

fn world() -> World {
    world_of(past().len())
}

/// The world in which the static site has so many deployments.
fn world_of(site_deployments: usize) -> World {
    let mut app = Application::new(APP).domains([Domain::system("shop.sevalla.app")]);
    let mut site = StaticSite::new(SITE).allow_deploy_paths(["docs/**"]);
    for past in past() {
        app = app.past(past);
    }
    for past in past().into_iter().take(site_deployments) {
        site = site.past(PastDeployment {
            is_preview: true,
            id: uuid::Uuid::new_v4().to_string(),
            ..past
        });
    }
    World::new()
        .limits(Limits::documented())
        .application(app)
        .static_site(site)
        .pipeline(Pipeline::new(PIPELINE).preview(Preview::new()))
        .database(Database::new(DATABASE))
}

fn doctor(simulator: &Simulator) -> Runner {
    Runner::does(simulator, "doctor")
}

/// The doctor with all ids.
fn of_everything(simulator: &Simulator) -> Runner {
    doctor(simulator)
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_STATIC_SITE_ID", SITE)
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
}

/// The rows that a run calls contradicted.
fn contradicted(run: &Finished) -> BTreeSet<String> {
    let text = run.streams();
    let rows = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("contradicted: ")?;
        Some(rest.split(':').next()?.to_owned())
    });
    rows.collect()
}

fn names(quirks: &[Quirk]) -> BTreeSet<String> {
    quirks.iter().map(|quirk| quirk.name().to_owned()).collect()
}

/// A healthy set-up on GitHub, with the address of the service.
async fn healthy(runner: Runner, web: &Web) -> Finished {
    runner
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_REF_NAME", "main")
        .set("GITHUB_REF_TYPE", "branch")
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_REPORT_FILE", "report.txt")
        .run()
        .await
}

#[tokio::test]
async fn a_healthy_set_up_fits_on_one_screen() {
    let web = Web::start(|_| answer(200, "fine")).await;
    for is_all in [false, true] {
        let simulator = Simulator::start(world_of(4)).await;
        let runner = if is_all {
            of_everything(&simulator).set("SEVALLA_DATABASE_ID", DATABASE)
        } else {
            of_app(doctor(&simulator))
        };
        let run = healthy(runner, &web).await;
        run.assert_ended(0, "success");
        let said = format!("{}{}", run.stdout, run.stderr);
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines.len() <= 24, "{} lines\n{said}", lines.len());
        for line in &lines {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(
                !line.contains("warning ") && !line.contains("problem "),
                "{line}"
            );
        }
        assert!(contradicted(&run).is_empty(), "{said}");
        assert!(simulator.journal().len() < 15);
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
        let report = run.file("report.txt").unwrap();
        assert!(report.contains("commit-at-success: confirmed"));
    }
}

#[tokio::test]
async fn every_row_that_can_be_read_is_a_way_to_differ() {
    let rows = UNKNOWNS.iter().filter(|row| row.is_readable());
    let rows: BTreeSet<String> = rows.map(|row| row.slug.to_owned()).collect();
    assert_eq!(rows, names(Quirk::ALL));
    let simulator = Simulator::start(world()).await;
    let run = of_everything(&simulator)
        .set("SEVALLA_REPORT", "true")
        .run()
        .await;
    let text = run.streams();
    for row in &rows {
        assert!(
            text.contains(&format!("  {row}: confirmed")),
            "{row}\n{text}"
        );
    }
    assert!(
        simulator.journal().len() <= 15,
        "{}",
        simulator.journal().len()
    );
}

/// Whether the doctor names exactly these.
async fn names_exactly(web: &Web, quirks: &[Quirk]) {
    let simulator = Simulator::start(world()).await;
    simulator.set_quirks(quirks);
    let run = of_everything(&simulator)
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .run_impatiently()
        .await;
    assert_eq!(contradicted(&run), names(quirks), "{}", run.streams());
}

/// `DOCTOR_PAIRS=all` takes every pair, otherwise each row is with two others.
#[tokio::test]
async fn the_doctor_names_exactly_what_differs() {
    let web = Web::start(|_| answer(200, "fine")).await;
    let is_all = std::env::var_os("DOCTOR_PAIRS").is_some_and(|word| word == "all");

    let all: Vec<Quirk> = Quirk::ALL.to_vec();

    for (at, quirk) in all.iter().enumerate() {
        names_exactly(&web, &[*quirk]).await;
        for (other_at, other) in all.iter().enumerate().skip(at + 1) {
            if is_all || other_at == at + 1 || (at + other_at) % all.len() == 0 {
                names_exactly(&web, &[*quirk, *other]).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_in_the_contract_is_named() {
    let simulator = Simulator::start(world()).await;
    simulator.set_quirks(&[Quirk::WaitForChecks, Quirk::BuildTypes]);
    let run = of_everything(&simulator)
        .set("SEVALLA_REPORT", "true")
        .run()
        .await;
    run.assert_told("not in the contract: field application.wait_for_checks");
    run.assert_told("not in the contract: word application.build_type: boat");
    // Every run says it once with diagnostics, however often it sees it.
    let header = [("deprecation".to_owned(), "true".to_owned())];
    let header = Behaviour::Headers(header.to_vec());
    simulator.add_fault(Fault::on("*").does(header));
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_LOG", "sevalla_deploy=debug")
        .run()
        .await;
    let said = run.streams();
    let news = said.matches("field application.wait_for_checks").count();
    assert_eq!(news, 1, "{said}");
    assert_eq!(said.matches("header deprecation").count(), 1, "{said}");
    let run = Runner::deploys_app(&simulator).run().await;
    assert!(!run.streams().contains("not in the contract"));
}

/// One problem of a set-up: what brings it about, how the run ends, and words of
/// its line and its fix.
async fn finds(world: World, set: impl FnOnce(Runner) -> Runner, code: i32, texts: &[&str]) {
    let simulator = Simulator::start(world).await;
    let web = Web::start(|_| answer(200, "fine")).await;
    let is_addressless = texts.iter().any(|text| text.contains("no address"));
    let runner = doctor(&simulator);
    let runner = if is_addressless {
        runner
    } else {
        runner.set("SEVALLA_VERIFY_URL", web.url("/"))
    };
    let run = set(runner).run().await;
    assert_eq!(run.code, Some(code), "{}", run.streams());
    for text in texts {
        run.assert_told(text);
    }
    assert!(simulator.journal().len() <= 15);
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

fn of_app(runner: Runner) -> Runner {
    runner.set("SEVALLA_APP_ID", APP)
}

#[tokio::test]
async fn problems_of_the_key_are_named() {
    let wrong = |runner: Runner| of_app(runner).set("SEVALLA_TOKEN", "svl_other");
    finds(
        world(),
        wrong,
        5,
        &["problem key", "401", "Fix: The key is wrong"],
    )
    .await;
    finds(
        world().capabilities([("APP:READ", None)]),
        of_app,
        0,
        &[
            "warning permissions APP:UPDATE may be missing",
            "Fix: Give the key APP:UPDATE",
        ],
    )
    .await;
    finds(
        world().forbid("getApplicationV3"),
        of_app,
        5,
        &[
            "problem application",
            "403",
            "Fix: The key is valid but may not do this",
        ],
    )
    .await;
    finds(
        world().forbid("getApplicationDeploymentLogsV3"),
        of_app,
        5,
        &["problem log", "403"],
    )
    .await;
    let expires = serde_json::json!({"name": "k", "company_id": "c", "status": "active",
        "expires_at": (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string()});
    let soon = Fault::on("validateApiKeyV3").does(Behaviour::WrongShape(expires));
    let texts = [
        "warning key         accepted; expires on",
        "Fix: Create a new key",
    ];
    finds(world().fault(soon), of_app, 0, &texts).await;
}

#[tokio::test]
async fn problems_of_the_service_are_named() {
    let kinds = |runner: Runner| runner.set("SEVALLA_APP_ID", SITE);
    let texts = [
        "it is the id of another resource, static site",
        "Fix: Pass it as static-site-id",
    ];
    finds(world(), kinds, 9, &texts).await;
    let site = |runner: Runner| runner.set("SEVALLA_STATIC_SITE_ID", PIPELINE);
    finds(
        world(),
        site,
        9,
        &[
            "it is the id of another resource, pipeline",
            "Fix: Pass it as pipeline-id",
        ],
    )
    .await;
    let unknown = "00000000-0000-4000-8000-00000000000f";
    let unknown = |runner: Runner| runner.set("SEVALLA_APP_ID", unknown);
    finds(
        world(),
        unknown,
        9,
        &["problem application", "404", "Fix: Check the id"],
    )
    .await;
    let alone = |app: Application| World::new().application(app);
    let texts = ["is suspended", "Fix: Activate it in the dashboard"];
    finds(
        alone(Application::new(APP).suspended(true)),
        of_app,
        9,
        &texts,
    )
    .await;
    for (action, code, text) in [
        (
            "show",
            0,
            "warning application shop is suspended, which does not prevent show",
        ),
        ("list", 0, "is suspended, which does not prevent list"),
        ("follow", 0, "is suspended, which does not prevent follow"),
        ("update-app", 9, "problem application shop is suspended"),
    ] {
        let set = |runner: Runner| of_app(runner).set("SEVALLA_FOR_ACTION", action);
        let suspended = alone(Application::new(APP).display_name("shop").suspended(true));
        finds(suspended, set, code, &[text]).await;
    }
    let pushes = Application::new(APP).auto_deploy(true);
    let texts = [
        "warning automatic",
        "deployed twice",
        "Fix: Switch automatic deployment off",
    ];
    finds(alone(pushes), of_app, 0, &texts).await;
    let follow = |runner: Runner| of_app(runner).set("SEVALLA_FOR_ACTION", "follow");
    let texts = ["pushes is off", "Fix: Switch automatic deployment on"];
    finds(
        alone(Application::new(APP).auto_deploy(false)),
        follow,
        0,
        &texts,
    )
    .await;
    let running = PastDeployment {
        status: Status::InProgress,
        ..PastDeployment::success()
    };
    let texts = ["1 waiting or running now", "Fix: Decide with when-busy"];
    finds(
        alone(Application::new(APP).past(running)),
        of_app,
        0,
        &texts,
    )
    .await;
    let without = Application::new(APP).domains([]);
    finds(
        alone(without),
        of_app,
        0,
        &["has no address that works", "Fix: Enable"],
    )
    .await;
    let database = World::new().database(Database::new(DATABASE).suspended(true));
    let of_database = |runner: Runner| runner.set("SEVALLA_DATABASE_ID", DATABASE);
    finds(
        database,
        of_database,
        9,
        &["problem database", "is suspended"],
    )
    .await;
    let pipeline = World::new().pipeline(Pipeline::new(PIPELINE));
    let of_pipeline = |runner: Runner| runner.set("SEVALLA_PIPELINE_ID", PIPELINE);
    let texts = ["no preview stage", "Fix: Enable preview apps"];
    finds(pipeline, of_pipeline, 0, &texts).await;
}

#[tokio::test]
async fn an_address_that_does_not_respond_is_named() {
    let simulator = Simulator::start(world()).await;
    let web = Web::start(|_| answer(503, "down")).await;
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("warning address");
    run.assert_told("HTTP 503");
}

/// A checkup of an API that is at this address.
fn doctor_of(url: String) -> Runner {
    Runner::bare()
        .set("SEVALLA_ACTION", "doctor")
        .set("SEVALLA_API_URL", url)
        .secret("SEVALLA_TOKEN", "svl_0123456789")
}

#[tokio::test]
async fn problems_of_the_network_are_named() {
    let (_held, nobody) = refuses_connections();
    let refused = doctor_of(format!("http://{nobody}/v3")).run().await;
    assert_eq!(refused.code, Some(6), "{}", refused.streams());
    refused.assert_told("ok      dns");
    refused.assert_told("problem api");
    refused.assert_told("Fix: Check api-url");
    let closed = doctor_of(format!("https://{nobody}/v3")).run().await;
    assert_eq!(closed.code, Some(6), "{}", closed.streams());
    assert!(!closed.streams().contains(" tls "), "{}", closed.streams());
    let unknown = doctor_of("https://sevalla.invalid/v3".to_owned())
        .run()
        .await;
    assert_eq!(unknown.code, Some(6), "{}", unknown.streams());
    unknown.assert_told("problem dns");
    let proxy = doctor_of("https://api.sevalla.invalid/v3".to_owned())
        .set("HTTPS_PROXY", format!("http://{nobody}"))
        .run()
        .await;
    assert_eq!(proxy.code, Some(6), "{}", proxy.streams());
    proxy.assert_told("problem proxy");
    proxy.assert_told("the proxy looks up the address");
    proxy.assert_told("Fix: Correct or unset HTTPS_PROXY, or name api.sevalla.invalid in NO_PROXY");
    for (variable, other) in [
        ("https_proxy", "ALL_PROXY"),
        ("ALL_PROXY", "HTTP_PROXY"),
        ("all_proxy", "http_proxy"),
    ] {
        let run = doctor_of("https://api.sevalla.invalid/v3".to_owned())
            .set(variable, format!("http://{nobody}"))
            .set(other, format!("http://{nobody}/other"))
            .run()
            .await;
        run.assert_told(&format!("Fix: Correct or unset {variable}, or name"));
    }
    let refusing = Web::start(|_| answer(407, "")).await;
    let run = doctor_of("https://api.sevalla.invalid/v3".to_owned())
        .set("ALL_PROXY", refusing.url(""))
        .run()
        .await;
    run.assert_told("Fix: Write the proxy's user and password into ALL_PROXY");
    let silent = Web::start(|_| Act::Hang(Vec::new())).await;
    let run = doctor_of("https://api.sevalla.invalid/v3".to_owned())
        .set("https_proxy", silent.url(""))
        .run()
        .await;
    assert_eq!(run.code, Some(6), "{}", run.streams());
    run.assert_told("the proxy that https_proxy names");
    let secure = Web::secure(|_| answer(200, "{}")).await;
    let untrusted = doctor_of(secure.url("/v3")).run().await;
    assert_eq!(untrusted.code, Some(6), "{}", untrusted.streams());
    untrusted.assert_told("problem tls");
    untrusted.assert_told("SSL_CERT_FILE");
}

#[tokio::test]
async fn another_clock_and_a_small_rest_are_named() {
    let old = [("date", "Wed, 21 Oct 2015 07:28:00 GMT")];
    let old = old.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let clock = Fault::on("validateApiKeyV3").does(Behaviour::Headers(old.to_vec()));
    let texts = [
        "warning clock",
        "ahead of Sevalla's",
        "Fix: Set this machine's clock",
    ];
    finds(world().fault(clock), of_app, 0, &texts).await;
    let other = [("date", "soon")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let clock = Fault::on("validateApiKeyV3").does(Behaviour::Headers(other.to_vec()));
    let texts = ["clock       Sevalla's responses have a date that cannot be read"];
    finds(world().fault(clock), of_app, 0, &texts).await;
    let rest = [("x-ratelimit-remaining", "20")];
    let rest = rest.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rest = Fault::on("validateApiKeyV3").does(Behaviour::Headers(rest.to_vec()));
    let texts = [
        "warning rate limits 20 of the company's 400",
        "Fix: Find the job",
    ];
    finds(world().fault(rest), of_app, 0, &texts).await;
}

#[tokio::test]
async fn what_the_ci_lacks_and_files_that_cannot_be_written_are_named() {
    let simulator = Simulator::start(world()).await;
    let run = of_app(doctor(&simulator)).on_github().run().await;
    run.assert_told("ok      ci          GitHub");
    run.assert_told("warning commit");
    run.assert_told("Fix: Set expected-commit");
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_JUNIT_FILE", "/no-such-folder/junit.xml")
        .run()
        .await;
    assert_eq!(run.code, Some(2), "{}", run.streams());
    run.assert_told("problem files");
    run.assert_told("Fix: Set junit-file");
    let other = of_app(doctor(&simulator))
        .on_github()
        .set("GITHUB_REF", "refs/heads/feature")
        .set("GITHUB_REF_NAME", "feature")
        .set("GITHUB_REF_TYPE", "branch")
        .run()
        .await;
    other.assert_told("is on feature, and main is deployed");
    other.assert_told("ok      commit      1234567 on feature");
    let of_fork = PullRequest {
        head: "mallory/shop",
        ..PullRequest::OPENED
    };
    for (event, text) in [
        (&PullRequest::OPENED, "ok      request     #7"),
        (&of_fork, "ok      request     #7 from a fork"),
    ] {
        let run = of_app(doctor(&simulator))
            .on_pull_request(event)
            .run()
            .await;
        assert!(
            run.streams().lines().any(|line| line.ends_with(text)),
            "{}",
            run.streams()
        );
    }
}

#[tokio::test]
async fn with_nothing_given_it_lists_the_services_and_prints_the_workflow() {
    let simulator = Simulator::start(world()).await;
    let run = doctor(&simulator).on_github().run().await;
    run.assert_ended(0, "success");
    for text in [
        format!("app-id          {APP}"),
        format!("static-site-id  {SITE}"),
        format!("pipeline-id     {PIPELINE}"),
        format!("database-id     {DATABASE}"),
        format!("Set the variable SEVALLA_APP_ID to {APP}."),
        format!("Set the variable SEVALLA_PIPELINE_ID to {PIPELINE}."),
        "/sevalla-deploy@v1 # better".to_owned(),
    ] {
        run.assert_told(&text);
    }
    let run = doctor(&simulator).run().await;
    run.assert_told(&format!("SEVALLA_APP_ID={APP} sevalla-deploy"));
}

#[tokio::test]
async fn without_a_key_it_says_so_and_sends_nothing() {
    let simulator = Simulator::start(world()).await;
    let run = Runner::bare()
        .set("SEVALLA_ACTION", "doctor")
        .set("SEVALLA_API_URL", simulator.url())
        .run()
        .await;
    assert_eq!(run.code, Some(2), "{}", run.streams());
    assert!(simulator.journal().is_empty());
    // The rest of the set-up is checked.
    let run = Runner::bare()
        .set("SEVALLA_ACTION", "doctor")
        .set("SEVALLA_API_URL", simulator.url())
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_JUNIT_FILE", "junit.xml")
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_REF_NAME", "main")
        .set("GITHUB_REF_TYPE", "branch")
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
    for text in [
        "problem key         sevalla-token is missing or empty",
        "Fix: Create a key at https://app.sevalla.com/api-keys",
        "ok      ci          GitHub",
        "ok      commit      1234567 on main",
        "ok      guard       compares with 1234567",
        "ok      outputs     GITHUB_OUTPUT, GITHUB_STEP_SUMMARY can be written",
        "ok      files       junit-file can be written",
    ] {
        run.assert_told(text);
    }
    assert!(simulator.journal().is_empty());
    // What keeps the doctor from beginning is reported with the missing key.
    let run = Runner::bare()
        .set("SEVALLA_ACTION", "doctor")
        .set("SEVALLA_TIMEOUT", "soon")
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("sevalla-token");
    run.assert_told("SEVALLA_TIMEOUT");
}
