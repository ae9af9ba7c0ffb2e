//! The deployment's log: every line, in order, once, and never the reason for
//! how a run ends.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, Fault, Limits, Script, Simulator, StaticSite, World,
};

use crate::harness::{APP, Finished, LOGS, Runner, SITE, SOON, application, together, until};

/// The text behind the bar of each line that has one.
fn texts(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter_map(|line| Some(line.split_once("| ")?.1))
        .collect()
}

fn generated(count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| format!("line {n} of {count}"))
        .collect()
}

/// It does not end by itself, and writes what it writes in the first two seconds.
fn endless(script: Script) -> Script {
    script.run(Duration::from_secs(2)).never_ends()
}

/// An application whose log may be read as often as one likes: the service's
/// own limits would make a test last.
async fn unlimited(script: Script) -> Simulator {
    let world = World::new()
        .application(Application::new(APP).next(script))
        .limits(Limits::none().headers(false));
    Simulator::start(world).await
}

async fn with_log_file(simulator: &Simulator, logs: &str) -> Finished {
    let runner = Runner::deploys_app(simulator);
    let file = runner.path("deploy.log");
    runner
        // It bounds how long a log that hangs is waited for.
        .set("SEVALLA_TIMEOUT", "15s")
        .set("SEVALLA_LOGS", logs)
        .set("SEVALLA_LOG_FILE", file)
        .run()
        .await
}

#[tokio::test]
async fn fifty_thousand_lines_arrive_once_and_in_order() {
    const LINES: usize = 50_000;
    let script = endless(Script::success()).generated_lines(LINES);
    let simulator = unlimited(script).await;
    let runner = Runner::deploys_app(&simulator);
    let file = runner.path("deploy.log");
    let run = runner.set("SEVALLA_LOG_FILE", file).start();
    let peak = run.peak_memory();
    let run = run.finish_once_read(&simulator, &[APP]).await;

    run.assert_ended(0, "success");
    let log = run.file("deploy.log").unwrap();
    let expected = generated(LINES);
    assert!(
        texts(&log) == expected,
        "the file: {} lines",
        log.lines().count()
    );
    let shown = texts(&run.stderr);
    assert!(shown == expected, "the stream: {} lines", shown.len());
    let peak = peak.await.unwrap();
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_log_is_whole_whatever_order_it_comes_in() {
    const LINES: usize = 12_000;
    let worlds: [fn(World) -> World; 2] = [
        |world| world.logs_newest_first(true),
        |world| world.logs_shuffled(true),
    ];
    together(worlds.map(|order| async move {
        let script = endless(Script::success()).generated_lines(LINES);
        let world = World::new()
            .application(Application::new(APP).next(script))
            .limits(Limits::none().headers(false));
        let world = order(world);
        let simulator = Simulator::start(world).await;
        let runner = Runner::deploys_app(&simulator);
        let file = runner.path("deploy.log");
        let run = runner.set("SEVALLA_LOG_FILE", file).start();
        let run = run.finish_once_read(&simulator, &[APP]).await;
        run.assert_ended(0, "success");
        let log = run.file("deploy.log").unwrap();
        assert!(
            texts(&log) == generated(LINES),
            "{} lines",
            log.lines().count()
        );
        assert!(texts(&run.stderr) == generated(LINES));
    }))
    .await;
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_written_whole_and_shown_cut() {
    let long = "0123456789abcdef".repeat(65_536);
    let script = endless(Script::success())
        .log_line(Duration::from_millis(1), "INFO", "before")
        .log_line(Duration::from_millis(2), "INFO", long.as_str())
        .log_line(Duration::from_millis(3), "INFO", "after");
    let simulator = application(script).await;
    let runner = Runner::deploys_app(&simulator);
    let file = runner.path("deploy.log");
    let run = runner.set("SEVALLA_LOG_FILE", file).start();
    let peak = run.peak_memory();
    let run = run.finish_once_read(&simulator, &[APP]).await;

    run.assert_ended(0, "success");
    let written = run.file("deploy.log").unwrap();
    assert!(texts(&written) == ["before", long.as_str(), "after"]);
    assert!(run.stderr.len() < 64 * 1024, "{}", run.stderr.len());
    run.assert_told("| after");
    let peak = peak.await.unwrap();
    assert!(peak > 0 && peak < 64 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn large_pages_are_read_in_smaller_ones() {
    // Five thousand of them would be more than is read of one answer.
    let script = endless(Script::success());
    let script = (0..180_u32).fold(script, |script, number| {
        let text = format!("{number} {}", "x".repeat(100_000));
        script.log_line(Duration::from_micros(300) * number, "INFO", text)
    });
    let simulator = unlimited(script).await;
    let runner = Runner::deploys_app(&simulator);
    let file = runner.path("deploy.log");
    let run = runner
        .set("SEVALLA_LOGS", "live")
        .set("SEVALLA_LOG_FILE", file)
        .start();
    let peak = run.peak_memory();
    let run = run.finish_once_read(&simulator, &[APP]).await;
    run.assert_ended(0, "success");
    let log = run.file("deploy.log").unwrap();
    let numbers: Vec<&str> = texts(&log)
        .into_iter()
        .map(|text| text.split_once(' ').unwrap().0)
        .collect();
    let expected: Vec<String> = (0..180).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    let peak = peak.await.unwrap();
    assert!(peak < 96 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn the_last_line_appears_although_the_log_lags() {
    // A success is not waited for longer than lines still arrive.
    let success = Script::success().run(Duration::from_secs(6));
    let scripts = [(success, 0), (Script::failed(), 1)];
    together(scripts.map(|(script, code)| async move {
        let script = script
            .log_line(Duration::from_millis(10), "INFO", "first line")
            .log_line(Duration::from_millis(99), "INFO", "last line");
        let world = World::new()
            .application(Application::new(APP).next(script))
            .log_lag(Duration::from_millis(1500));
        let simulator = Simulator::start(world).await;
        let run = with_log_file(&simulator, "live").await;
        assert_eq!(run.code, Some(code));
        assert_eq!(texts(&run.stderr), ["first line", "last line"]);
        let log = run.file("deploy.log").unwrap();
        assert_eq!(texts(&log), ["first line", "last line"]);
    }))
    .await;
}

#[tokio::test]
async fn the_log_is_shown_when_it_was_asked_for() {
    // Logs, whether the deployment fails, whether the log is read and shown.
    let cases = [
        ("live", false, true, true),
        ("live", true, true, true),
        ("on-failure", false, false, false),
        ("on-failure", true, true, true),
        ("off", false, false, false),
        ("off", true, false, false),
    ];
    together(cases.map(|(logs, fails, read, shown)| async move {
        let script = if fails {
            Script::failed()
        } else {
            Script::success()
        };
        let script = script.log_line(Duration::from_millis(10), "INFO", "a line of the log");
        let simulator = application(script).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOGS", logs)
            .run()
            .await;
        assert_eq!(run.code, Some(i32::from(fails)));
        assert_eq!(simulator.calls(LOGS) > 0, read, "{logs} {fails}");
        let is_shown = run.streams().contains("a line of the log");
        assert_eq!(is_shown, shown, "{logs} {fails}");
    }))
    .await;
}

#[tokio::test]
async fn whoever_reads_of_a_failure_is_sent_to_a_log_that_is_there() {
    const DASHBOARD: &str = "Read the deployment's log in the dashboard. ";
    // Logs, whether they may be read, what stands in them, what to do next.
    let cases = [
        (
            "live",
            true,
            "odd",
            "Read the end of the deployment's log. ",
        ),
        (
            "on-failure",
            true,
            "odd",
            "Read the end of the deployment's log. ",
        ),
        (
            "live",
            true,
            "src/a.ts(1,2): error TS2304: Cannot find name 'x'.",
            "Correct the cause, then run again. ",
        ),
        ("off", true, "odd", DASHBOARD),
        ("live", false, "odd", DASHBOARD),
    ];
    together(cases.map(|(logs, may_read, line, next)| async move {
        let script = Script::failed().log_line(Duration::from_millis(10), "INFO", line);
        let mut world = World::new().application(Application::new(APP).next(script));
        if !may_read {
            world = world.fault(Fault::on(LOGS).does(Behaviour::status(403)));
        }
        let simulator = Simulator::start(world).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOGS", logs)
            .run()
            .await;
        run.assert_ended(1, "failed");
        let live = "Nothing is live yet: this was the first deployment";
        run.assert_told(&format!("  next:  {next}{live}\n"));
    }))
    .await;
}

#[tokio::test]
async fn trouble_with_the_log_never_changes_how_a_run_ends() {
    let behaviours = [
        Behaviour::status(400),
        Behaviour::status(401),
        Behaviour::status(403),
        Behaviour::status(404),
        Behaviour::status(500),
        Behaviour::html(502),
        Behaviour::RateLimited {
            retry_after: Some("60".to_owned()),
            reset: None,
        },
        Behaviour::ResetBeforeApplying,
        Behaviour::HangBeforeApplying,
        Behaviour::NotJson,
        Behaviour::WrongShape(json!({ "data": [] })),
        Behaviour::WrongShape(json!([1, "two", null])),
        Behaviour::HugeBody(None),
    ];
    let cases = behaviours
        .into_iter()
        .flat_map(|behaviour| [(behaviour.clone(), false), (behaviour, true)]);
    together(cases.map(|(behaviour, fails)| async move {
        let name = format!("{behaviour:?}");
        let script = if fails {
            Script::failed()
        } else {
            Script::success()
        };
        let fault = Fault::on(LOGS).does(behaviour);
        let world = World::new()
            .application(Application::new(APP).next(script))
            .fault(fault);
        let simulator = Simulator::start(world).await;
        let run = with_log_file(&simulator, "live").await;
        let (code, outcome) = if fails { (1, "failed") } else { (0, "success") };
        run.assert_ended(code, outcome);
        assert!(run.took < SOON, "{name}: {:?}", run.took);
        run.assert_told("Warning: The log");
        assert!(run.files().is_empty(), "{name}: {:?}", run.files());
        run.assert_told("deploy.log was not written");
    }))
    .await;
}

#[tokio::test]
async fn a_static_site_has_its_log_too() {
    let script = Script::success().generated_lines(7);
    let site = StaticSite::new(SITE).next(script);
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let run = Runner::deploys_site(&simulator).run().await;
    run.assert_ended(0, "success");
    assert_eq!(texts(&run.stderr), generated(7));
}

#[tokio::test]
async fn log_reads_are_few() {
    let script = Script::success()
        .run(Duration::from_secs(8))
        .generated_lines(50);
    let simulator = application(script).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(0, "success");
    let calls = simulator.calls(LOGS);
    assert!((2..=7).contains(&calls), "{calls}");
}

fn assert_nothing_half_written(run: &Finished) {
    let half = |name: &&String| name.contains("partial") || name.contains("tmp");
    let files = run.files();
    assert_eq!(files.iter().find(half), None);
}

#[tokio::test]
async fn a_log_file_that_cannot_be_written_is_a_warning() {
    let paths = ["/proc/nowhere/deploy.log", "/nonexistent/deploy.log", "/"];
    together(paths.map(|path| async move {
        let simulator = application(Script::success().generated_lines(3)).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOG_FILE", path)
            .run()
            .await;
        run.assert_ended(0, "success");
        run.assert_warned(&["The log could not be written to ", path]);
        assert_eq!(texts(&run.stderr), generated(3));
    }))
    .await;
    if Path::new("/dev/full").exists() {
        let simulator = application(Script::success().generated_lines(3)).await;
        let runner = Runner::deploys_app(&simulator);
        let folder = runner.path("folder");
        std::fs::create_dir(&folder).unwrap();
        let run = runner.set("SEVALLA_LOG_FILE", folder).run().await;
        run.assert_ended(0, "success");
        run.assert_warned(&["The log could not be written to "]);
        assert_nothing_half_written(&run);
    }
}

#[tokio::test]
async fn a_log_file_is_there_whole_or_not_at_all() {
    let failed = async {
        let simulator = application(Script::failed().generated_lines(20)).await;
        let run = with_log_file(&simulator, "off").await;
        run.assert_ended(1, "failed");
        assert_eq!(texts(&run.file("deploy.log").unwrap()), generated(20));
        assert_eq!(texts(&run.stderr).len(), 0);
        assert_nothing_half_written(&run);
    };
    let refused = async {
        let simulator = application(Script::success()).await;
        simulator.forbid("triggerDeploymentV3");
        let run = with_log_file(&simulator, "live").await;
        run.assert_ended(5, "unauthorized");
        assert!(run.files().is_empty(), "{:?}", run.files());
    };
    let unfollowed = async {
        let simulator = application(Script::success()).await;
        let runner = Runner::deploys_app(&simulator);
        let file = runner.path("deploy.log");
        let run = runner
            .set("SEVALLA_LOG_FILE", file)
            .set("SEVALLA_WAIT_FOR_FINISH", "false")
            .run()
            .await;
        run.assert_ended(0, "triggered");
        assert!(run.files().is_empty(), "{:?}", run.files());
    };
    let interrupted = async {
        let script = Script::success().never_ends().generated_lines(5);
        let simulator = application(script).await;
        let runner = Runner::deploys_app(&simulator);
        let file = runner.path("deploy.log");
        let run = runner.set("SEVALLA_LOG_FILE", file).start();
        until(|| simulator.calls(LOGS) > 0).await;
        run.signal("TERM").await;
        let run = run.finish().await;
        assert_eq!(run.code, Some(143), "{}", run.streams());
        assert!(run.files().is_empty(), "{:?}", run.files());
    };
    tokio::join!(failed, refused, unfollowed, interrupted);
}

#[tokio::test]
async fn lines_that_no_call_can_ask_for_are_never_missing_in_silence() {
    /// The most lines that a call returns.
    const PAGE: usize = 5000;
    // A call can ask for one severity.
    let cases = [
        (PAGE + 1000, 0, true),
        (PAGE + 1000, 2000, false),
        (PAGE - 1, 0, false),
    ];
    together(cases.map(|(count, warnings, is_cut)| async move {
        let mut script = endless(Script::failed());
        for n in 0..count {
            let severity = if n < warnings { "WARN" } else { "INFO" };
            script = script.log_line(Duration::from_millis(50), severity, format!("line {n}"));
        }
        let simulator = unlimited(script).await;
        let runner = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOG_FILE", "deploy.log")
            .set("SEVALLA_REPORT_FILE", "report.json")
            .set("SEVALLA_HTML_REPORT", "page.html");
        let run = runner.start().finish_once_read(&simulator, &[APP]).await;

        run.assert_ended(1, "failed");
        let warnings = run.streams().matches("The log may lack lines").count();
        assert_eq!(warnings > 0, is_cut, "{}", run.stderr);
        let log = run.file("deploy.log").expect("what was read is kept");
        assert_eq!(texts(&log).len(), if is_cut { PAGE } else { count });
        let last = log.lines().last().unwrap();
        assert_eq!(last.starts_with("The log may lack lines"), is_cut, "{last}");
        let report = run.file("report.json").unwrap();
        assert_eq!(report.contains("log-incomplete"), is_cut);
        let page = run.file("page.html").unwrap();
        assert_eq!(page.contains("lines may be missing"), is_cut);
    }))
    .await;
}
