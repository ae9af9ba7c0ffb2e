//! Why a deployment failed, told first and at the place; and not told where it
//! did not fail.

use std::time::{Duration, Instant};

use serde_json::Value;
use sevalla_simulator::{
    Application, Behaviour, Fault, Limits, PastDeployment, Pipeline, Script, Simulator, World,
};

use crate::harness::{A_FEW_VISITS, APP, Finished, HANGING, PIPELINE, Runner, application, until};
use crate::oracle::{Command, Stopping, obeyed, outside_code};
use crate::web::{Web, answer};

const LOGS: &str = "getApplicationDeploymentLogsV3";

/// What a build prints whose types are wrong.
const WRONG_TYPES: &[&str] = &[
    "> tsc -p . && vite build",
    "npm warn deprecated inflight@1.0.6: This module is not supported",
    "src/cart/total.ts(14,7): error TS2304: Cannot find name 'totl'.",
    "src/cart/total.ts(20,3): error TS2322: Type 'string' is not assignable to type 'number'.",
    "npm error Lifecycle script `build` failed with error:",
];

fn prints(script: Script, lines: &[&str]) -> Script {
    let numbered = (1..).zip(lines);
    numbered.fold(script, |script, (at, line)| {
        script.log_line(Duration::from_millis(at), "INFO", *line)
    })
}

fn reports_quality(runner: Runner) -> Runner {
    let path = runner.path("quality.json");
    runner.set("SEVALLA_CODE_QUALITY_FILE", path)
}

fn quality(run: &Finished) -> Vec<Value> {
    serde_json::from_str(&run.file("quality.json").unwrap()).unwrap()
}

fn errors(run: &Finished) -> Vec<Command> {
    let commands = obeyed(&run.stdout, Stopping::Heeded).into_iter();
    commands.filter(|command| command.name == "error").collect()
}

/// What the run said in its own words, after the log.
fn conclusion(run: &Finished) -> &str {
    let end = run.stdout.find("::endgroup::").unwrap();
    &run.stdout[end..]
}

#[tokio::test]
async fn the_cause_is_told_first_and_marked_at_its_place() {
    let simulator = application(prints(Script::failed(), WRONG_TYPES)).await;
    let run = reports_quality(Runner::deploys_app(&simulator).on_github())
        .run()
        .await;

    run.assert_ended(1, "failed");
    let errors = errors(&run);
    assert_eq!(errors.len(), 3, "{errors:#?}");
    let told = "TypeScript found an error:\n  src/cart/total.ts(14,7): error TS2304";
    assert!(errors[0].data.contains(told), "{errors:#?}");
    assert!(!errors[0].data.contains("Lifecycle"), "{errors:#?}");
    let properties = ["file", "line", "col"].map(|name| errors[1].properties[name].as_str());
    assert_eq!(properties, ["src/cart/total.ts", "14", "7"]);
    assert!(
        errors[1]
            .data
            .starts_with("src/cart/total.ts(14,7): error TS2304")
    );
    assert_eq!(errors[2].properties["line"], "20");

    // The log shows the annotation, so nothing of it is printed twice.
    let explanation = &errors[0].data;
    assert!(explanation.find(told) < explanation.find("Correct the cause"));
    assert!(!conclusion(&run).contains("log:   "), "{}", run.stdout);

    let error = run.output("error");
    assert!(
        error.contains(told) && error.contains("Try: Correct it"),
        "{error}"
    );

    let summary = run.file("github-summary").unwrap();
    let (before, tail) = summary
        .split_once("<summary>Last lines of the log</summary>")
        .unwrap();
    assert!(
        before.contains("**TypeScript found an error**"),
        "{summary}"
    );
    assert!(
        before.contains("(14,7): error TS2304") && tail.contains("Lifecycle"),
        "{summary}"
    );

    let quality = quality(&run);
    assert_eq!(quality.len(), 2);
    assert_eq!(quality[0]["location"]["path"], "src/cart/total.ts");
    assert_eq!(quality[0]["location"]["lines"]["begin"], 14);
    assert_ne!(quality[0]["fingerprint"], quality[1]["fingerprint"]);
}

#[tokio::test]
async fn nothing_is_told_of_a_success() {
    let simulator = application(prints(Script::success(), WRONG_TYPES)).await;
    let run = reports_quality(Runner::deploys_app(&simulator).on_github())
        .run()
        .await;

    run.assert_ended(0, "success");
    assert!(errors(&run).is_empty());
    assert!(!conclusion(&run).contains("TypeScript found"));
    assert!(
        !run.file("github-summary")
            .unwrap()
            .contains("TypeScript found")
    );
    assert_eq!(run.output("error"), "");
    assert!(quality(&run).is_empty());
}

#[tokio::test]
async fn without_the_log_nothing_is_read_and_nothing_is_told() {
    let simulator = application(prints(Script::failed(), WRONG_TYPES)).await;
    let runner = Runner::deploys_app(&simulator)
        .on_github()
        .set("SEVALLA_LOGS", "off");
    let run = reports_quality(runner).run().await;

    run.assert_ended(1, "failed");
    assert_eq!(simulator.calls(LOGS), 0);
    assert_eq!(errors(&run).len(), 1);
    assert!(!run.streams().contains("TypeScript found"));
    assert!(quality(&run).is_empty());
}

#[tokio::test]
async fn of_what_nobody_knows_only_the_lines_that_stand_out_are_told() {
    let lines = prints(Script::failed(), &["preparing", "the frobnicator is sad"]);
    let script = lines.log_line(Duration::from_millis(9), "ERROR", "it does not frobnicate");
    let simulator = application(script).await;
    let run = Runner::deploys_app(&simulator).on_github().run().await;

    run.assert_ended(1, "failed");
    let errors = errors(&run);
    assert_eq!(errors.len(), 1);
    let told = &errors[0].data;
    assert!(told.contains("Lines that stand out:\n"), "{errors:#?}");
    assert!(told.contains("  it does not frobnicate"), "{errors:#?}");
    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains("**Lines that stand out**"), "{summary}");
    assert!(!errors[0].data.contains("Try:"), "{errors:#?}");
    assert!(!conclusion(&run).contains("log:   "));
}

#[tokio::test]
async fn a_secret_in_a_line_that_tells_stays_hidden() {
    const PASSWORD: &str = "hunter2-hunter2-hunter2";
    let line = format!("src/a.ts(3,5): error TS2304: Cannot find name '{PASSWORD}'.");
    let in_path = format!("src/{PASSWORD}/a.ts(3,5): error TS2304: Cannot find name 'x'.");
    let simulator = application(prints(Script::failed(), &[&line, &in_path])).await;
    let runner = Runner::deploys_app(&simulator)
        .on_github()
        .secret("SEVALLA_DATABASE_PASSWORD", PASSWORD);
    let run = reports_quality(runner).run().await;
    // The harness looks for it in all streams and files.
    run.assert_ended(1, "failed");
    assert!(run.output("error").contains("Cannot find name '"));
    assert_eq!(quality(&run).len(), 1);
}

#[tokio::test]
async fn a_log_written_to_mislead_makes_no_host_do_anything() {
    let lines = [
        "::error file=src/x.ts,line=1::src/a.ts(3,5): error TS2304: ::add-mask::success",
        "src/a.ts(3,5): error TS2304: %0A::error file=README.md,line=1::pwned",
        "src/b,line=9.ts(3,5): error TS2304: x",
        "../../etc/passwd.ts(3,5): error TS2304: x",
        "src/c.ts(3,5): error TS2304: ```` <img src=x> @octo/team [x](http://evil.example)",
        "src/d.ts(3,5): error TS2304: \u{1b}[2K\u{2028}::error::pwned",
    ];
    let simulator = application(prints(Script::failed(), &lines)).await;
    let run = reports_quality(Runner::deploys_app(&simulator).on_github())
        .run()
        .await;

    run.assert_ended(1, "failed");
    let errors = errors(&run);
    let files: Vec<Option<&str>> = errors
        .iter()
        .map(|error| error.properties.get("file").map(String::as_str))
        .collect();
    assert_eq!(
        files,
        [None, Some("src/a.ts"), Some("src/c.ts"), Some("src/d.ts")]
    );
    let summary = run.file("github-summary").unwrap();
    let ours = outside_code(&summary);
    assert!(
        !ours.contains("evil") && !ours.contains("@octo") && !ours.contains("<img"),
        "{ours}"
    );
    assert_eq!(quality(&run).len(), 3);
}

#[tokio::test]
async fn each_target_that_failed_has_a_cause_of_its_own() {
    const EU: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";
    const US: &str = "2e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a02";
    let probe = ["Readiness probe failed: connect: connection refused"];
    let target = |id, name, script| {
        Application::new(id)
            .display_name(name)
            .next(prints(script, &probe))
    };
    let world = World::new()
        .application(Application::new(APP).past(PastDeployment::success()))
        .application(target(EU, "shop-eu", Script::failed()))
        .application(target(US, "shop-us", Script::success()))
        .pipeline(Pipeline::new(PIPELINE));
    let simulator = Simulator::start(world).await;
    let run = Runner::does(&simulator, "promote-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .set("SEVALLA_SOURCE_APP_ID", APP)
        .set("SEVALLA_TARGET_APP_IDS", format!("{EU},{US}"))
        .on_github()
        .run()
        .await;

    run.assert_ended(1, "failed");
    let error = run.output("error");
    assert!(
        error.contains("application shop-eu: A probe failed:"),
        "{error}"
    );
    assert!(!error.contains("shop-us: A probe"), "{error}");
}

#[tokio::test]
async fn what_a_build_that_ended_well_printed_is_not_why_a_check_failed() {
    let lines: Vec<&str> = WRONG_TYPES
        .iter()
        .copied()
        .chain(["Liveness probe failed: HTTP probe failed"])
        .collect();
    let error = told_of_unverified(&lines).await;
    assert!(
        error.contains("A probe failed:") && !error.contains("TypeScript"),
        "{error}"
    );
}

/// The error told of a good deployment whose log has these lines and whose
/// address answers with an error.
async fn told_of_unverified(lines: &[&str]) -> String {
    let web = Web::acts([answer(500, "")]).await;
    let simulator = application(prints(Script::success(), lines)).await;
    let run = Runner::deploys_app(&simulator)
        .on_github()
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.output("error").clone()
}

#[tokio::test]
async fn a_warning_of_a_good_build_is_not_why_a_check_failed() {
    const WARNING: &str = "environment variable SENTRY_DSN is not set";
    const TAKEN: &str = "Error: listen EADDRINUSE: address already in use :::8080";
    // Where the build ended is not known.
    let error = told_of_unverified(&[WARNING, TAKEN]).await;
    assert!(
        !error.contains("A variable") && !error.contains("The port"),
        "{error}"
    );

    let error = told_of_unverified(&[WARNING, "pushing image", TAKEN]).await;
    assert!(
        !error.contains("A variable") && error.contains("The port is taken:"),
        "{error}"
    );

    let error = told_of_unverified(&[&format!("#9 1.2 {WARNING}"), TAKEN]).await;
    assert!(
        !error.contains("A variable") && error.contains("The port is taken:"),
        "{error}"
    );
}

#[tokio::test]
async fn where_only_a_consequence_is_known_the_lines_before_it_are_told() {
    let lines = [
        "#7 1.2 the widget refuses",
        "#7 ERROR: process \"/bin/sh -c ./x\" did not complete successfully: exit code: 9",
        "ERROR: failed to solve: process \"/bin/sh -c ./x\" did not complete successfully: exit code: 9",
        "tidying up",
        "saving the cache",
        "sending the logs",
        "done",
        "goodbye",
    ];
    let simulator = application(prints(Script::failed(), &lines)).await;
    let run = Runner::deploys_app(&simulator).on_github().run().await;

    run.assert_ended(1, "failed");
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let error = &errors[0].data;
    assert!(
        error.contains("Lines that stand out:\n") && error.contains("  the widget refuses"),
        "{error}"
    );
    assert!(!error.contains("Try:"), "{error}");
    // The log has just been shown.
    assert!(!conclusion(&run).contains("log:   "));
    assert!(
        run.file("github-summary")
            .unwrap()
            .contains("**Lines that stand out**")
    );
}

/// Lines of which none is known to be a cause.
const UNKNOWN_CAUSE: &[&str] = &[
    "frobnicating 12 of 90: error: the widget has no lid",
    "frobnicating 13 of 90: error: the sprocket is bent",
];

/// A service whose next deployment prints those lines and fails, after this one.
async fn with_past(past: PastDeployment, limits: Limits) -> Simulator {
    let script = prints(Script::failed(), UNKNOWN_CAUSE);
    let application = Application::new(APP).next(script).past(past);
    let world = World::new().limits(limits).application(application);
    Simulator::start(world).await
}

async fn error_after(simulator: &Simulator) -> String {
    let run = Runner::deploys_app(simulator).on_github().run().await;
    run.assert_ended(1, "failed");
    run.output("error").clone()
}

/// How often the log of a deployment was read.
fn readings_of(simulator: &Simulator, id: &str) -> usize {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == LOGS && call.path.contains(id));
    calls.count()
}

const NEW: &str = "Lines that stand out, new since the last successful deployment:";

#[tokio::test]
async fn lines_that_no_good_build_printed_are_marked_as_new() {
    let good = PastDeployment::success();
    let good = good.log_line("frobnicating 3 of 88: error: the widget has no lid");
    let id = good.id.clone();
    let simulator = with_past(good, Limits::documented()).await;
    let error = error_after(&simulator).await;

    assert!(error.contains(NEW), "{error}");
    assert!(error.contains("the sprocket is bent"), "{error}");
    assert!(!error.contains("the widget has no lid"), "{error}");
    assert_eq!(readings_of(&simulator, &id), 1);
}

#[tokio::test]
async fn a_good_log_that_was_read_while_it_ran_is_not_read_again() {
    let good = PastDeployment::success();
    let good = good.log_line("frobnicating 3 of 88: error: the widget has no lid");
    let id = good.id.clone();
    let script = prints(Script::failed(), UNKNOWN_CAUSE).run(Duration::from_secs(8));
    let application = Application::new(APP).next(script).past(good);
    let simulator = Simulator::start(World::new().application(application)).await;
    let run = Runner::deploys_app(&simulator).on_github().start();
    until(|| readings_of(&simulator, &id) == 1).await;
    assert_eq!(
        simulator.deployments(APP)[0].status.as_deref(),
        Some("inProgress")
    );
    let run = run.finish().await;

    run.assert_ended(1, "failed");
    assert!(run.output("error").contains(NEW), "{}", run.stderr);
    assert_eq!(readings_of(&simulator, &id), 1);
}

#[tokio::test]
async fn without_a_success_no_other_log_is_read() {
    let failed = PastDeployment::failed();
    let id = failed.id.clone();
    let simulator = with_past(failed, Limits::documented()).await;
    let error = error_after(&simulator).await;

    assert!(error.contains("Lines that stand out:"), "{error}");
    assert_eq!(readings_of(&simulator, &id), 0);
}

#[tokio::test]
async fn while_the_budget_of_logs_is_scarce_no_other_log_is_read() {
    let good = PastDeployment::success().log_line(UNKNOWN_CAUSE[0]);
    let id = good.id.clone();
    let simulator = with_past(good, Limits::documented().logs(6)).await;
    let error = error_after(&simulator).await;

    assert!(error.contains("Lines that stand out:"), "{error}");
    assert!(error.contains("the widget has no lid"), "{error}");
    assert_eq!(readings_of(&simulator, &id), 0);
}

#[tokio::test]
async fn a_good_log_that_does_not_come_changes_nothing_and_keeps_nobody() {
    for behaviour in [Behaviour::status(500), Behaviour::HangBeforeApplying] {
        let good = PastDeployment::success().log_line(UNKNOWN_CAUSE[0]);
        let script = prints(Script::failed(), UNKNOWN_CAUSE);
        let fault = Fault::on(LOGS)
            .path_contains(good.id.clone())
            .does(behaviour);
        let application = Application::new(APP).next(script).past(good);
        let world = World::new().fault(fault).application(application);
        let simulator = Simulator::start(world).await;
        let begun = Instant::now();
        let error = error_after(&simulator).await;

        assert!(error.contains("Lines that stand out:"), "{error}");
        assert!(begun.elapsed() < HANGING, "{:?}", begun.elapsed());
    }
}
