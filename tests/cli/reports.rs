//! The files that tell of a run: `report-file` and `junit-file`, and the time
//! line in the summary.

use std::time::Duration;

use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, Database, Fault, PastDeployment, Pipeline, Preview, Script, Simulator,
    World,
};

use crate::documents::{Case, assert_junit, assert_report};
use crate::harness::{
    A_FEW_VISITS, APP, Finished, PIPELINE, PullRequest, Runner, application, called, stopped,
    together,
};
use crate::web::{Web, answer};

const EU: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";
const US: &str = "2e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a02";

/// The run with files, some of which an older run has left.
fn told(runner: Runner) -> Runner {
    std::fs::write(runner.path("run.html"), "<title>of yesterday").unwrap();
    std::fs::write(runner.path("links.json"), "of yesterday").unwrap();
    runner
        .set("SEVALLA_HTML_REPORT", "run.html")
        .set("SEVALLA_LINKS_FILE", "links.json")
        .set("SEVALLA_REPORT_FILE", "report.json")
        .set("SEVALLA_JUNIT_FILE", "junit.xml")
}

/// The report and the test cases of a run that ended like this, which its other
/// files say too.
fn files(run: &Finished, code: i32, outcome: &str) -> (Value, Vec<Case>) {
    run.assert_ended(code, outcome);
    let report = assert_report(&run.file("report.json").unwrap());
    assert_eq!(report["exit-code"], code, "{report:#}");
    assert_eq!(report["outcome"], outcome, "{report:#}");
    assert_eq!(report["failure"].is_string(), code != 0, "{report:#}");
    let page = run.file("run.html").unwrap();
    let is_told = |badge: &str| page.contains(&format!("<span class=\"badge\">{badge}</span>"));
    assert!(is_told(outcome) || is_told("nothing to deploy"), "{page}");
    let links: Value = serde_json::from_str(&run.file("links.json").unwrap()).unwrap();
    assert!(links["Sevalla"].is_array(), "{links}");
    (report, assert_junit(&run.file("junit.xml").unwrap(), code))
}

fn case(class: &str, name: &str, mark: &str) -> Case {
    (class.to_owned(), name.to_owned(), mark.to_owned())
}

fn phases(lane: &Value) -> Vec<&str> {
    let spans = lane["spans"].as_array().unwrap().iter();
    spans.map(|span| span["phase"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_success_is_told_with_its_times() {
    let past = || PastDeployment::success();
    let script = Script::success()
        .queue(Duration::from_millis(1100))
        .run(Duration::from_millis(1300));
    let app = Application::new(APP)
        .display_name("shop")
        .past(past())
        .past(past())
        .past(past())
        .next(script);
    let simulator = Simulator::start(World::new().application(app)).await;
    let web = Web::acts([answer(200, "")]).await;
    let runner = told(Runner::deploys_app(&simulator))
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_VERIFY_SUCCESSES", "1")
        .on_github();
    let run = runner.run().await;
    let (report, cases) = files(&run, 0, "success");

    assert_eq!(report["action"], "deploy-app");
    assert_eq!(
        report["service"],
        json!({ "kind": "application", "id": APP, "name": "shop" })
    );
    assert_eq!(report["deployment"]["id"], run.output("deployment-id"));
    assert_eq!(report["url"], run.output("url"));
    assert_eq!(report["usual"]["last-seconds"].as_array().unwrap().len(), 3);
    assert_eq!(report["ci"]["host"], "github");
    assert_eq!(report["ci"]["repository"], "octo/shop");
    assert_eq!(report["result"], Value::Null);
    let lane = &report["time-line"][0];
    let skew = lane["clock-skew-seconds"].as_f64().unwrap();
    assert!(skew.abs() < 1.0, "one machine has one clock: {lane:#}");
    let phases = phases(lane);
    let deployed: Vec<&&str> = phases
        .iter()
        .filter(|phase| ["queue", "running", "verification"].contains(phase))
        .collect();
    assert_eq!(deployed, [&"queue", &"running", &"verification"]);
    let spans = lane["spans"].as_array().unwrap();
    for pair in spans.windows(2) {
        let [end, begin] = [&pair[0]["end"], &pair[1]["begin"]].map(|time| {
            let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
            time
        });
        assert!(end <= begin, "{lane:#}");
    }
    let running = spans.iter().find(|span| span["phase"] == "running");
    let seconds = running.unwrap()["seconds"].as_f64().unwrap();
    assert!((1.0..2.5).contains(&seconds), "{lane:#}");
    assert_eq!(
        cases,
        [
            case("shop", "deploy-app", "passed"),
            case("shop", "verification", "passed")
        ]
    );

    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains("}}}%%\ngantt\n"), "{summary}");
    assert!(
        summary.contains("    Build and rollout 1s :2000-01-01 "),
        "{summary}"
    );
    assert!(summary.contains("| Last runs, this one | "), "{summary}");
}

#[tokio::test]
async fn a_failure_and_what_stays_unverified_are_told_apart() {
    let script = Script::failed().log_line(Duration::ZERO, "ERROR", "]]> <b>no such module</b>");
    let simulator = application(script).await;
    let run = told(Runner::deploys_app(&simulator)).run().await;
    let (report, cases) = files(&run, 1, "failed");
    assert_eq!(report["deployment"]["status"], "failed");
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0].2, "failure");
    let xml = run.file("junit.xml").unwrap();
    assert!(xml.contains("]]&gt; &lt;b&gt;no such module"), "{xml}");
    // Why it failed comes first.
    let page = run.file("run.html").unwrap();
    let begin = "</header>\n<main>\n<section aria-labelledby=\"causes\">";
    assert!(page.contains(begin), "{page}");

    let simulator = application(Script::success()).await;
    let web = Web::acts([answer(500, "")]).await;
    let runner = told(Runner::deploys_app(&simulator))
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS);
    let (report, cases) = files(&runner.run().await, 8, "unverified");
    let marks: Vec<(&str, &str)> = cases
        .iter()
        .map(|(_, name, mark)| (name.as_str(), mark.as_str()))
        .collect();
    assert_eq!(
        marks,
        [("deploy-app", "passed"), ("verification", "failure")]
    );
    let spans = report["time-line"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.last().unwrap()["state"], "failed");
}

#[tokio::test]
async fn a_run_that_is_broken_off_is_told() {
    let simulator = application(Script::success().never_ends()).await;
    let running = told(Runner::deploys_app(&simulator)).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "TERM").await;
    let (report, cases) = files(&run, 143, "interrupted");
    assert_eq!(report["deployment"]["status"], "cancelled");
    assert_eq!(cases[0].2, "error");

    let simulator = application(Script::success().never_ends()).await;
    let runner = told(Runner::deploys_app(&simulator)).set("SEVALLA_TIMEOUT", "2s");
    let (report, _) = files(&runner.run().await, 4, "timed-out");
    let spans = report["time-line"][0]["spans"].as_array().unwrap();
    let running = spans.iter().find(|span| span["phase"] == "running");
    assert_eq!(running.unwrap()["state"], "open", "{report:#}");
}

#[tokio::test]
async fn runs_that_start_nothing_are_told() {
    let simulator = application(Script::success()).await;
    let dry = told(Runner::deploys_app(&simulator)).set("SEVALLA_DRY_RUN", "true");
    let (report, cases) = files(&dry.run().await, 0, "planned");
    assert_eq!(report["deployment"], Value::Null);
    assert_eq!(cases[0].2, "skipped");

    let invalid = told(Runner::deploys_app(&simulator)).set("SEVALLA_TIMEOUT", "soon");
    let (report, cases) = files(&invalid.run().await, 2, "invalid-input");
    assert!(
        report["headline"].as_str().unwrap().contains("soon"),
        "{report:#}"
    );
    assert_eq!(report["action"], "deploy-app");
    assert_eq!(cases[0].2, "error");

    let keyless = told(Runner::bare())
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_SKIP_WITHOUT_TOKEN", "true");
    files(&keyless.run().await, 0, "skipped");

    simulator.revoke_key();
    let run = told(Runner::deploys_app(&simulator)).run().await;
    let (_, cases) = files(&run, 5, "unauthorized");
    assert_eq!(cases, [case("sevalla-deploy", "deploy-app", "error")]);
    assert_eq!(simulator.deployments_made(), 0);
}

#[tokio::test]
async fn each_target_of_a_promotion_has_its_own() {
    let target = |id: &str, name: &str, script: Script| {
        Application::new(id)
            .display_name(name)
            .past(PastDeployment::success())
            .next(script)
    };
    let world = World::new()
        .application(Application::new(APP).past(PastDeployment::success()))
        .application(target(EU, "shop-eu", Script::success()))
        .application(target(US, "shop: <us> | ``` %%{", Script::failed()))
        .pipeline(Pipeline::new(PIPELINE));
    let simulator = Simulator::start(world).await;
    let runner = Runner::does(&simulator, "promote-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .set("SEVALLA_SOURCE_APP_ID", APP)
        .set("SEVALLA_TARGET_APP_IDS", format!("{EU},{US}"))
        .on_github();
    let run = told(runner).run().await;
    let (report, cases) = files(&run, 1, "failed");
    assert_eq!(report["targets"][0]["deployment"]["status"], "success");
    assert_eq!(report["targets"][1]["deployment"]["status"], "failed");
    let lanes = report["time-line"].as_array().unwrap();
    let names: Vec<&Value> = lanes.iter().map(|lane| &lane["target"]).collect();
    assert!(names.ends_with(&[&json!("shop-eu"), &json!("shop: <us> | ``` %%{")]));
    assert_eq!(
        cases,
        [
            case("shop-eu", "promote-app", "passed"),
            case("shop: <us> | ``` %%{", "promote-app", "failure"),
        ]
    );
    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains("    section To shop us\n"), "{summary}");
}

#[tokio::test]
async fn previews_lists_and_databases_are_told() {
    let preview =
        Preview::new().next(Application::new(APP).repo_url("https://github.example/octo/shop"));
    let world = World::new().pipeline(Pipeline::new(PIPELINE).preview(preview));
    let world = world.database(Database::new(EU));
    let simulator = Simulator::start(world).await;
    let runner = told(Runner::does(&simulator, "preview"))
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .on_pull_request(&PullRequest::OPENED);
    let (report, _) = files(&runner.run().await, 0, "success");
    assert_eq!(report["preview"], json!({ "app-id": APP, "created": true }));
    assert_eq!(report["ci"]["change-request"], 7);

    let list = told(Runner::does(&simulator, "list")).set("SEVALLA_RESOURCE", "databases");
    let run = list.run().await;
    let (report, cases) = files(&run, 0, "success");
    let result: Value = serde_json::from_str(&run.output("result")).unwrap();
    assert_eq!(report["result"], result);
    assert_eq!(report["result"][0]["id"], EU);
    assert_eq!(cases, [case("sevalla-deploy", "list", "passed")]);
}

#[tokio::test]
async fn two_files_cannot_have_one_name() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator)
        .set("SEVALLA_REPORT_FILE", "one")
        .set("SEVALLA_JUNIT_FILE", "one");
    let run = runner.run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("SEVALLA_JUNIT_FILE: it names the same file as SEVALLA_REPORT_FILE");
}

#[tokio::test]
async fn a_link_and_what_it_points_to_are_one_file() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator)
        .set("SEVALLA_REPORT_FILE", "link")
        .set("SEVALLA_HTML_REPORT", "./nothing-yet");
    std::os::unix::fs::symlink("nothing-yet", runner.path("link")).unwrap();
    let run = runner.run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("SEVALLA_HTML_REPORT: it names the same file as SEVALLA_REPORT_FILE");
    assert_eq!(simulator.deployments_made(), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_changes_no_result() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator)
        .set("SEVALLA_REPORT_FILE", "gone/report.json")
        .set("SEVALLA_JUNIT_FILE", "gone/junit.xml")
        .set("SEVALLA_HTML_REPORT", "gone/run.html")
        .set("SEVALLA_LOG_FILE", "gone/deploy.log");
    // Its folder cannot be made.
    std::fs::write(runner.path("gone"), "").unwrap();
    let run = runner.run().await;
    run.assert_ended(0, "success");
    run.assert_told("The report could not be written to gone/report.json");
    run.assert_told("The test report could not be written to gone/junit.xml");
    for (name, text) in [
        ("report-not-written", "The page could not be written to"),
        ("log-file-not-written", "The log could not be written to"),
    ] {
        let streams = run.streams();
        let told: Vec<&str> = streams.lines().filter(|line| line.contains(text)).collect();
        assert!(
            matches!(told[..], [line] if line.contains(&format!("[{name}]"))),
            "{streams}"
        );
    }
}

/// Runs the program with both streams going to the end of a file, which holds
/// `kept` before, and gives what it holds then.
async fn with_streams_to_a_file(runner: Runner) -> String {
    let path = runner.path("app.log");
    std::fs::write(&path, "kept\n").unwrap();
    let file = std::fs::OpenOptions::new().append(true).open(&path);
    let file = file.unwrap();
    let status = tokio::process::Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
        .env_clear()
        .envs(runner.variables())
        .current_dir(runner.path("."))
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .status()
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn what_takes_a_stream_of_the_run_is_not_replaced() {
    let cases = [
        ("SEVALLA_REPORT_FILE", "/dev/stdout", "The report"),
        ("SEVALLA_LOG_FILE", "/dev/stderr", "The log"),
        ("SEVALLA_HTML_REPORT", "/dev/fd/2", "The page"),
        ("SEVALLA_JUNIT_FILE", "/proc/self/fd/1", "The test report"),
        ("SEVALLA_OUTPUT_FILE", "app.log", "The outputs"),
    ];
    together(cases.map(|(input, path, what)| async move {
        let simulator = application(Script::success()).await;
        let runner = Runner::deploys_app(&simulator).set(input, path);
        let text = with_streams_to_a_file(runner).await;
        assert!(text.starts_with("kept\n"), "{text}");
        assert!(text.contains("outcome=success\n"), "{text}");
        let warning = format!("Warning: {what} could not be written to {path}: ");
        assert!(text.contains(&warning), "{text}");
    }))
    .await;
}

#[tokio::test]
async fn a_verified_deployment_has_the_metrics_of_before_and_after() {
    let world = || {
        let script = Script::success().run(Duration::from_millis(1500));
        World::new().application(Application::new(APP).next(script))
    };
    let web = Web::start(|_| answer(200, "")).await;
    let verified = |simulator: &Simulator| {
        Runner::deploys_app(simulator)
            .set("SEVALLA_VERIFY_URL", web.url("/"))
            .set("SEVALLA_REPORT_FILE", "report.json")
    };
    let report = |run: &Finished| {
        run.assert_ended(0, "success");
        assert_report(&run.file("report.json").unwrap())
    };
    let simulator = Simulator::start(world()).await;
    let run = verified(&simulator).run().await;
    let metrics = &report(&run)["metrics"];
    for moment in ["before", "after"] {
        assert_eq!(metrics[moment]["requests"], 1239, "{metrics:#}");
        assert_eq!(metrics[moment]["average-milliseconds"], 87.5);
    }
    assert!(metrics["before"]["until"].as_str() <= metrics["after"]["until"].as_str());
    // Without a check nobody asks for them.
    let simulator = Simulator::start(world()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_REPORT_FILE", "report.json")
        .run()
        .await;
    assert_eq!(report(&run)["metrics"], Value::Null);
    assert_eq!(simulator.calls("getApplicationTopStatusCodesV3"), 0);
    // They are neither waited for nor needed.
    for behaviour in [Behaviour::HangBeforeApplying, Behaviour::status(403)] {
        let fault = Fault::on("getApplicationTopStatusCodesV3").does(behaviour);
        let simulator = Simulator::start(world().fault(fault)).await;
        let run = verified(&simulator).run().await;
        assert_eq!(report(&run)["metrics"], Value::Null);
        assert!(run.took < Duration::from_secs(20), "{:?}", run.took);
    }
}
