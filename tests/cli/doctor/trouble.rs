//! What the doctor says when something stops it early.

use sevalla_simulator::{Behaviour, Fault, Simulator, World};

use super::{contradicted, doctor, doctor_of, of_app, of_everything, world};
use crate::harness::{called, limited};
use crate::web::{Web, answer, redirect};

#[tokio::test]
async fn redirects_and_repeats_count_as_requests() {
    for (name, web) in [
        ("loop", Web::start(|_| redirect(302, "/again")).await),
        ("down", Web::start(|_| answer(503, "down")).await),
    ] {
        let simulator = Simulator::start(world()).await;
        let run = of_everything(&simulator)
            .set("SEVALLA_DATABASE_ID", super::DATABASE)
            .set("SEVALLA_VERIFY_URL", web.url("/"))
            .run_impatiently()
            .await;
        run.assert_ended(0, "success");
        run.assert_told("warning address");
        let sent = simulator.journal().len() + web.count();
        assert!(sent <= 15, "{name}: {sent}");
        assert!(web.count() > 0, "{name}");
        // What the API says comes before it.
        run.assert_told("ok      database");
        if name == "loop" {
            run.assert_told("the 15 requests of a checkup were used up");
        } else {
            assert_eq!(web.count(), 1);
        }
    }
}

#[tokio::test]
async fn the_clock_and_the_limits_are_read_from_a_refusal_too() {
    let old = [
        ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("x-jane-doe", "1"),
    ];
    let old = old.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let behind = Fault::on("validateApiKeyV3").does(Behaviour::Headers(old.to_vec()));
    let simulator = Simulator::start(world().fault(behind)).await;
    let refused = of_app(doctor(&simulator))
        .set("SEVALLA_TOKEN", "svl_other")
        .run()
        .await;
    assert_eq!(refused.code, Some(5), "{}", refused.streams());
    let simulator = Simulator::start(world().fault(Fault::on("*").does(limited()))).await;
    let exhausted = of_app(doctor(&simulator)).run().await;
    assert_eq!(exhausted.code, Some(6), "{}", exhausted.streams());
    exhausted.assert_told("problem key");
    for run in [refused, exhausted] {
        run.assert_told("rate limits");
        run.assert_told(" clock ");
        run.assert_told("ok      roots");
        assert!(!run.streams().contains("jane"), "{}", run.streams());
    }
}

#[tokio::test]
async fn after_a_certificate_that_is_not_trusted_roots_and_clock_are_shown() {
    let secure = Web::secure(|_| answer(200, "{}")).await;
    let run = doctor_of(secure.url("/v3")).run().await;
    assert_eq!(run.code, Some(6), "{}", run.streams());
    run.assert_told("problem tls");
    run.assert_told("ok      roots       the built-in roots");
    run.assert_told("warning clock       not compared without a response; this machine says 2");
    run.assert_told("Fix: If that is wrong, set this machine's clock");
}

#[tokio::test]
async fn a_network_that_cannot_be_set_up_is_a_line() {
    for (name, value, topic) in [
        ("SSL_CERT_FILE", "/nonexistent/ca.pem", "roots"),
        ("SSL_CERT_FILE", "/proc/self/status", "roots"),
        ("HTTPS_PROXY", "http://:nonsense:", "proxy"),
    ] {
        let simulator = Simulator::start(world()).await;
        let run = of_app(doctor(&simulator))
            .on_github()
            .set(name, value)
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(&format!("problem {topic:<12}{name}"));
        run.assert_told(&format!("Fix: Correct or unset {name}"));
        // What needs no network is checked.
        run.assert_told("ok      ci          GitHub");
        run.assert_told("ok      outputs");
        assert!(simulator.journal().is_empty());
    }
    // An entry that is skipped is said once.
    let simulator = Simulator::start(world()).await;
    let run = of_app(doctor(&simulator))
        .set("HTTPS_PROXY", "http://127.0.0.1:1")
        .set("NO_PROXY", "10.0.0.0/99")
        .run()
        .await;
    run.assert_told("warning settings");
    let said = run.streams();
    assert_eq!(said.matches("10.0.0.0/99").count(), 1, "{said}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said_once() {
    let simulator = Simulator::start(world()).await;
    let file = "/proc/no-such-folder/file";
    let run = of_app(doctor(&simulator))
        .set("SEVALLA_JUNIT_FILE", file)
        .set("SEVALLA_LOG_FILE", file.to_owned() + ".log")
        .set("SEVALLA_HTML_REPORT", file.to_owned() + ".html")
        .set("SEVALLA_OUTPUT_FILE", file.to_owned() + ".env")
        .run()
        .await;
    assert_eq!(run.code, Some(2), "{}", run.streams());
    let said = run.streams();
    for name in ["junit-file", "log-file", "html-report", "output-file"] {
        let line = format!("problem files       {name} cannot be written");
        assert_eq!(said.matches(&line).count(), 1, "{name}\n{said}");
    }
    // The problems are listed once more as the reasons of the end.
    assert!(!said.contains("could not be written"), "{said}");
    assert!(!said.contains("warning: "), "{said}");
}

#[tokio::test]
async fn a_signal_ends_a_checkup() {
    let silent = Fault::on("getApplicationV3").does(Behaviour::HangBeforeApplying);
    let simulator = Simulator::start(world().fault(silent)).await;
    let running = of_app(doctor(&simulator)).start();
    called(&simulator, "getApplicationV3").await;
    running.signal("TERM").await;
    let run = running.finish().await;
    run.assert_ended(143, "interrupted");
    run.assert_told("Nothing was changed");
}

#[tokio::test]
async fn a_checkup_of_a_new_company_has_no_earlier_log() {
    let simulator = Simulator::start(World::new()).await;
    let run = doctor(&simulator).run().await;
    assert!(contradicted(&run).is_empty());
    assert_eq!(simulator.calls("getApplicationDeploymentLogsV3"), 0);
}

#[tokio::test]
async fn a_server_that_is_not_sevalla_is_a_problem() {
    for body in [r#"{"ok":true}"#, "[]", "{}"] {
        let web = Web::start(move |_| answer(200, body)).await;
        let run = doctor_of(web.url("/v3")).run().await;
        assert_eq!(run.code, Some(6), "{}", run.streams());
        run.assert_told("problem key");
        run.assert_told("no proxy or login page answers in place of the API");
        assert_eq!(run.streams().contains("problem services"), body != "[]");
    }
}

/// What is published has no branch and no repository, however the run ends.
#[tokio::test]
async fn a_checkup_that_cannot_begin_writes_no_other_report() {
    for (name, value) in [("SEVALLA_TOKEN", ""), ("SEVALLA_TIMEOUT", "soon")] {
        let run = doctor_of("http://127.0.0.1:9/v3".to_owned())
            .set("SEVALLA_REPORT_FILE", "report.txt")
            .set(name, value)
            .on_github()
            .run()
            .await;
        assert_eq!(run.code, Some(2), "{}", run.streams());
        assert_eq!(run.file("report.txt"), None);
    }
}
