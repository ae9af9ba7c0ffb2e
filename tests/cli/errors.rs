//! What the service refuses, and what goes wrong on the way to it.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, Call, Fault, Limits, PastDeployment, Payload, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{
    APP, Finished, HANGING, Runner, SITE, SOON, application, refuses_connections, together, until,
};

/// A refusal with everything the service can say.
fn refusal(code: u16) -> Behaviour {
    let body = json!({
        "message": format!("Message of {code}"),
        "status": code,
        "data": { "code": "err-4711", "message": "More about it" },
    });
    let id = ("x-request-id".to_owned(), "req-0815".to_owned());
    Behaviour::Status(code, Payload::Json(body), vec![id])
}

/// The exit code and the word for a status that cannot heal.
fn ending(status: u16) -> (i32, &'static str) {
    match status {
        401 | 403 => (5, "unauthorized"),
        _ => (9, "rejected"),
    }
}

fn assert_explained(run: &Finished, status: u16) {
    for text in [
        &format!("HTTP {status}"),
        &format!("Message of {status}"),
        "More about it",
        "err-4711",
        "req-0815",
        "  next:  ",
    ] {
        run.assert_told(text);
    }
}

fn calls_of(simulator: &Simulator, operation: &str) -> Vec<Call> {
    let journal = simulator.journal().into_iter();
    journal.filter(|call| call.operation == operation).collect()
}

/// An application with these faults.
async fn troubled(script: Script, faults: impl IntoIterator<Item = Fault>) -> Simulator {
    let world = World::new().application(Application::new(APP).next(script));
    Simulator::start(faults.into_iter().fold(world, World::fault)).await
}

#[tokio::test]
async fn what_cannot_heal_fails_at_once_with_the_services_words() {
    let moments = [
        ("getApplicationV3", 0),
        ("listDeploymentsV3", 0),
        ("triggerDeploymentV3", 0),
        // The first look may come too early; later ones are believed.
        ("getDeploymentV3", 1),
    ];
    let cases = moments.into_iter().flat_map(|(operation, after)| {
        [400, 401, 403, 404, 409, 422].map(|status| (operation, after, status))
    });
    together(cases.map(|(operation, after, status)| async move {
        let fault = Fault::on(operation).after(after).does(refusal(status));
        let simulator = troubled(Script::success().never_ends(), [fault]).await;
        let run = Runner::deploys_app(&simulator).run().await;

        let (code, word) = ending(status);
        run.assert_ended(code, word);
        assert_explained(&run, status);
        assert_eq!(
            simulator.calls(operation),
            after + 1,
            "{operation} {status}"
        );
        let made = usize::from(operation == "getDeploymentV3");
        assert_eq!(simulator.deployments_made(), made, "{operation} {status}");
        if made == 1 {
            let id = &simulator.deployments(APP)[0].id;
            assert_eq!(&run.output("deployment-id"), id);
            run.assert_told("It was last seen ");
        }
    }))
    .await;
}

#[tokio::test]
async fn static_sites_fail_in_the_same_way() {
    let cases = [
        ("getStaticSiteV3", 401),
        ("listStaticSiteDeploymentsV3", 403),
        ("deployStaticSiteV3", 422),
        ("deployStaticSiteV3", 409),
        ("getStaticSiteDeploymentV3", 403),
    ];
    together(cases.map(|(operation, status)| async move {
        let site = StaticSite::new(SITE).next(Script::success().never_ends());
        let fault = Fault::on(operation).does(refusal(status));
        let simulator = Simulator::start(World::new().static_site(site).fault(fault)).await;
        let run = Runner::deploys_site(&simulator).run().await;
        let (code, word) = ending(status);
        run.assert_ended(code, word);
        assert_explained(&run, status);
        assert_eq!(simulator.calls(operation), 1);
    }))
    .await;
}

#[tokio::test]
async fn an_unknown_service_and_a_wrong_key_are_told_apart() {
    let unknown = async {
        let simulator = Simulator::start(World::new()).await;
        let run = Runner::deploys_app(&simulator).run().await;
        run.assert_ended(9, "rejected");
        run.assert_told(": HTTP 404");
        assert_eq!(simulator.journal().len(), 1);
    };
    let wrong_key = async {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .secret("SEVALLA_TOKEN", "svl_00000000000000000000")
            .run()
            .await;
        run.assert_ended(5, "unauthorized");
        run.assert_told(": HTTP 401");
        assert_eq!(simulator.journal().len(), 1);
    };
    tokio::join!(unknown, wrong_key);
}

#[tokio::test]
async fn a_suspended_application_is_not_deployed() {
    let app = Application::new(APP).suspended(true);
    let simulator = Simulator::start(World::new().application(app)).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("suspended");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
}

#[tokio::test]
async fn a_branch_that_deploys_itself_is_warned_of() {
    let cases = [
        (true, "main", true),
        (true, "next", false),
        (false, "main", false),
    ];
    together(cases.map(|(automatic, branch, warned)| async move {
        let app = Application::new(APP).auto_deploy(automatic);
        let simulator = Simulator::start(World::new().application(app)).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_DRY_RUN", "true")
            .set("SEVALLA_BRANCH", branch)
            .run()
            .await;
        run.assert_ended(0, "planned");
        let is_warned = run.streams().contains("utomatic deployment");
        assert_eq!(is_warned, warned, "{automatic} {branch}");
    }))
    .await;
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unavailable_and_the_effort_is_told() {
    let refused = async {
        let (_nobody, address) = refuses_connections();
        Runner::bare()
            .set("SEVALLA_API_URL", format!("http://{address}/v3"))
            .secret("SEVALLA_TOKEN", "svl_0123456789abcdef")
            .set("SEVALLA_APP_ID", APP)
            .set("SEVALLA_TIMEOUT", "3s")
            .run()
            .await
    };
    let failing = async |behaviour: Behaviour| {
        let simulator = troubled(Script::success(), [Fault::on("*").does(behaviour)]).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "3s")
            .run()
            .await;
        assert_eq!(simulator.deployments_made(), 0);
        run
    };
    let (refused, status, reset, html, hang) = tokio::join!(
        refused,
        failing(Behaviour::status(503)),
        failing(Behaviour::ResetBeforeApplying),
        failing(Behaviour::NotJson),
        failing(Behaviour::HangBeforeApplying),
    );
    for run in [&refused, &status, &reset, &html, &hang] {
        run.assert_ended(6, "unavailable");
        run.assert_told("  why:   ");
        run.assert_told("  next:  ");
        assert!(run.took < HANGING, "{:?}", run.took);
    }
    for run in [refused, status, reset, html] {
        run.assert_told("  tried: ");
        run.assert_told(" attempts in ");
    }
    // A single attempt has no number worth telling.
    hang.assert_told("  tried: ");
    hang.assert_told("no complete answer");
}

#[tokio::test]
async fn when_the_time_is_over_a_last_look_is_taken_and_the_deployment_goes_on() {
    let scripts = [
        (Script::success().never_starts(), "waiting"),
        (Script::success().never_ends(), "inProgress"),
    ];
    together(scripts.map(|(script, status)| async move {
        let simulator = application(script).await;
        let before = simulator.elapsed();
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "3s")
            .run()
            .await;
        run.assert_ended(4, "timed-out");
        run.assert_told("It was last seen ");
        assert_eq!(run.output("status"), status);
        assert!(!run.output("deployment-id").is_empty());
        assert!(run.took < SOON, "{:?}", run.took);
        let last = calls_of(&simulator, "getDeploymentV3").pop().unwrap().at;
        assert!(last >= before + Duration::from_secs(3), "{last:?}");
        let id = &simulator.deployments(APP)[0].id;
        assert!(!simulator.cancelled(id));
    }))
    .await;
}

#[tokio::test]
async fn the_run_ends_soon_after_its_time_whatever_hangs() {
    let operations = [
        "getDeploymentV3",
        "getApplicationDeploymentLogsV3",
        "listDeploymentsV3",
    ];
    together(operations.map(|operation| async move {
        let fault = Fault::on(operation).does(Behaviour::HangBeforeApplying);
        let simulator = troubled(Script::success().never_ends(), [fault]).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "3s")
            .run()
            .await;
        let expected = if operation == "listDeploymentsV3" {
            6
        } else {
            4
        };
        assert_eq!(run.code, Some(expected), "{}", run.streams());
        assert!(run.took < HANGING, "{:?}", run.took);
    }))
    .await;
}

#[tokio::test]
async fn a_service_that_says_when_to_come_back_is_obeyed() {
    let at = jiff::Timestamp::now() + Duration::from_secs(4);
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let refused = |status, headers: &[(&str, &str)]| {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Behaviour::Status(status, Payload::Empty, headers.collect())
    };
    let limited = |header: &'static str, value: &str| refused(429, &[(header, value)]);
    let (after, reset) = ("retry-after", "x-ratelimit-reset");
    let cases = [
        ("getApplicationV3", limited(after, "2"), 2),
        ("listDeploymentsV3", limited(reset, "2"), 2),
        // Not before that second, whenever the run begins.
        ("listDeploymentsV3", limited(after, &date), 0),
        ("triggerDeploymentV3", limited(after, "2"), 2),
        ("getDeploymentV3", limited(after, "4"), 4),
        ("getApplicationV3", refused(503, &[(after, "2")]), 2),
    ];
    together(cases.map(|(operation, behaviour, seconds)| async move {
        let fault = Fault::on(operation).nth(1).does(behaviour);
        let simulator = troubled(Script::success(), [fault]).await;
        let run = Runner::deploys_app(&simulator).run().await;
        run.assert_ended(0, "success");
        let calls = calls_of(&simulator, operation);
        let mut earliest = calls[0].at + Duration::from_secs(seconds);
        if seconds == 0 {
            let left = at.duration_since(jiff::Timestamp::now());
            let left = left + jiff::SignedDuration::try_from(simulator.elapsed()).unwrap();
            earliest = Duration::try_from(left).unwrap_or_default();
            earliest = earliest.saturating_sub(Duration::from_secs(1));
        }
        assert!(calls[1].at >= earliest, "{operation} {:?}", calls[1].at);
        assert_eq!(simulator.deployments_made(), 1);
    }))
    .await;
}

#[tokio::test]
async fn a_budget_that_others_have_used_up_does_not_cost_the_last_look() {
    // As if others had taken everything between two requests of this run.
    let emptied = Behaviour::RateLimited {
        retry_after: Some("1".to_owned()),
        reset: Some("1".to_owned()),
    };
    let fault = Fault::on("listDeploymentsV3").nth(1).does(emptied);
    let simulator = troubled(Script::success(), [fault]).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_TIMEOUT", "15s")
        .set("SEVALLA_LOGS", "off")
        .run()
        .await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_wait_that_would_end_after_the_run_is_not_begun() {
    let behaviour = Behaviour::RateLimited {
        retry_after: Some("100".to_owned()),
        reset: None,
    };
    let simulator = troubled(Script::success(), [Fault::on("*").does(behaviour)]).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_TIMEOUT", "20s")
        .run()
        .await;
    run.assert_ended(6, "unavailable");
    run.assert_told("rate limit");
    assert_eq!(simulator.journal().len(), 1);
}

#[tokio::test]
async fn a_rate_limit_on_the_trigger_makes_one_deployment() {
    let behaviour = Behaviour::RateLimited {
        retry_after: Some("1".to_owned()),
        reset: None,
    };
    let fault = Fault::on("triggerDeploymentV3").first(2).does(behaviour);
    let simulator = troubled(Script::success(), [fault]).await;
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 3);
    assert_eq!(simulator.deployments_made(), 1);
}

#[tokio::test]
async fn runs_that_share_a_tight_limit_all_succeed() {
    let limits = Limits::documented()
        .window(Duration::from_secs(2))
        .deployment(1)
        .read(12)
        .logs(2);
    let app = Application::new(APP).next(Script::success());
    let simulator = Simulator::start(World::new().application(app).limits(limits)).await;
    let runs = (0..3).map(|_| {
        let run = Runner::deploys_app(&simulator).run();
        async { run.await.assert_ended(0, "success") }
    });
    together(runs).await;
    assert_eq!(simulator.deployments_made(), 3);
}

#[tokio::test]
async fn a_status_that_is_unknown_or_missing_is_no_end() {
    let script = Script::success()
        .run(Duration::from_millis(3500))
        .status_at(Duration::from_millis(50), Some("publishing"))
        .status_at(Duration::from_secs(2), None);
    let simulator = application(script).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("publishing");
    assert_eq!(run.output("status"), "success");
}

#[tokio::test]
async fn an_unknown_status_at_the_end_of_the_time_is_shown_as_it_is() {
    let script = Script::success()
        .never_ends()
        .status_at(Duration::from_millis(50), Some("SUCCESS"));
    let simulator = application(script).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_TIMEOUT", "3s")
        .run()
        .await;
    run.assert_ended(4, "timed-out");
    assert_eq!(run.output("status"), "SUCCESS");
}

#[tokio::test]
async fn trouble_in_looks_at_the_deployment_does_not_matter() {
    let behaviours = [
        Behaviour::status(500),
        Behaviour::html(502),
        Behaviour::html(524),
        Behaviour::ResetBeforeApplying,
        Behaviour::CloseAfterApplying,
        Behaviour::CutBody,
        Behaviour::ResetInBody,
        Behaviour::NotJson,
        Behaviour::EmptyBody,
        Behaviour::WrongShape(json!([])),
        Behaviour::WrongShape(json!({ "id": 7 })),
    ];
    let cases = behaviours
        .into_iter()
        .flat_map(|behaviour| [(behaviour.clone(), false), (behaviour, true)]);
    together(cases.map(|(behaviour, fails)| async move {
        let name = format!("{behaviour:?}");
        let (script, code) = if fails {
            (Script::failed(), 1)
        } else {
            (Script::success(), 0)
        };
        let fault = Fault::on("getDeploymentV3").first(2).does(behaviour);
        let simulator = troubled(script, [fault]).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_LOGS", "off")
            .run()
            .await;
        assert_eq!(run.code, Some(code), "{name}: {}", run.streams());
        assert_eq!(simulator.calls("getDeploymentV3"), 3, "{name}");
    }))
    .await;
}

#[tokio::test]
async fn a_look_that_hangs_is_given_up_and_taken_again() {
    let fault = Fault::on("getDeploymentV3")
        .nth(1)
        .does(Behaviour::HangInBody);
    let simulator = troubled(Script::success(), [fault]).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_LOGS", "off")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert!(run.took < SOON, "{:?}", run.took);
}

#[tokio::test]
async fn looks_that_keep_failing_end_as_unavailable() {
    let fault = Fault::on("getDeploymentV3").does(Behaviour::html(502));
    let simulator = troubled(Script::success(), [fault]).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_TIMEOUT", "12s")
        .set("SEVALLA_LOGS", "off")
        .run()
        .await;
    run.assert_ended(6, "unavailable");
    run.assert_told(" attempts in ");
    run.assert_told("It was last seen ");
    assert!(run.took < SOON, "{:?}", run.took);
}

#[tokio::test]
async fn a_deployment_that_is_not_to_be_seen_at_once_is_given_a_moment() {
    let world = World::new()
        .application(Application::new(APP).next(Script::success()))
        .deployments_visible_after(Duration::from_secs(3));
    let simulator = Simulator::start(world).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(0, "success");
    let looks = calls_of(&simulator, "getDeploymentV3");
    assert_eq!(looks[0].status, Some(404));
}

#[tokio::test]
async fn a_deployment_that_is_never_to_be_seen_is_not_waited_for() {
    let fault = Fault::on("getDeploymentV3").does(refusal(404));
    let simulator = troubled(Script::success(), [fault]).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(9, "rejected");
    assert!(run.took < SOON, "{:?}", run.took);
}

#[tokio::test]
async fn a_key_that_stops_working_ends_the_run() {
    let revoked = async {
        let simulator = application(Script::success().never_ends()).await;
        let run = Runner::deploys_app(&simulator).start();
        until(|| simulator.calls("getDeploymentV3") > 0).await;
        simulator.revoke_key();
        let run = run.finish().await;
        run.assert_ended(5, "unauthorized");
        run.assert_told("It was last seen ");
        run.assert_told("revoked");
    };
    let restricted = async {
        let simulator = application(Script::success().never_ends()).await;
        let run = Runner::deploys_app(&simulator).start();
        until(|| simulator.calls("getDeploymentV3") > 0).await;
        simulator.forbid("getDeploymentV3");
        run.finish().await.assert_ended(5, "unauthorized");
    };
    tokio::join!(revoked, restricted);
}

/// A success to go back to, and a key without these operations.
async fn without(forbidden: &[&str]) -> Simulator {
    let past = PastDeployment::success;
    let world = World::new()
        .application(Application::new(APP).past(past()).past(past()))
        .static_site(StaticSite::new(SITE));
    let forbid = |world: World, operation: &&str| world.forbid(*operation);
    Simulator::start(forbidden.iter().fold(world, forbid)).await
}

fn writes(simulator: &Simulator) -> usize {
    let journal = simulator.journal().into_iter();
    journal.filter(|call| call.method == "POST").count()
}

#[tokio::test]
async fn a_key_that_may_only_write_is_enough_to_start_and_go() {
    let apps = ["getApplicationV3", "listDeploymentsV3"].map(|op| (op, "SEVALLA_APP_ID", APP));
    let sites = ["getStaticSiteV3", "listStaticSiteDeploymentsV3"]
        .map(|op| (op, "SEVALLA_STATIC_SITE_ID", SITE));
    together(
        apps.into_iter()
            .chain(sites)
            .map(|(op, input, id)| async move {
                let simulator = without(&[op]).await;
                let run = Runner::against(&simulator).set(input, id);
                let run = run.set("SEVALLA_WAIT_FOR_FINISH", "false").run().await;
                run.assert_ended(0, "triggered");
                run.assert_told("[key-cannot-read]");
                assert_eq!(writes(&simulator), 1);
            }),
    )
    .await;
}

#[tokio::test]
async fn a_start_that_such_a_key_lost_is_not_sent_again() {
    let simulator = without(&["getApplicationV3"]).await;
    let lost = Fault::on("triggerDeploymentV3").does(Behaviour::ResetBeforeApplying);
    simulator.add_fault(lost);
    let run = Runner::deploys_app(&simulator);
    let run = run.set("SEVALLA_WAIT_FOR_FINISH", "false").run().await;
    run.assert_ended(7, "ambiguous");
    assert_eq!(writes(&simulator), 1);
}

#[tokio::test]
async fn a_key_that_may_only_write_is_refused_what_needs_more() {
    let follow: &[(&str, &str)] = &[];
    let plan = &[
        ("SEVALLA_WAIT_FOR_FINISH", "false"),
        ("SEVALLA_DRY_RUN", "true"),
    ];
    let go_back = &[
        ("SEVALLA_WAIT_FOR_FINISH", "false"),
        ("SEVALLA_ACTION", "rollback-app"),
    ];
    let alone = &[
        ("SEVALLA_WAIT_FOR_FINISH", "false"),
        ("SEVALLA_WHEN_BUSY", "fail"),
    ];
    together([follow, plan, go_back, alone].map(|inputs| async move {
        for op in ["getApplicationV3", "listDeploymentsV3"] {
            let simulator = without(&[op]).await;
            let run = Runner::deploys_app(&simulator);
            let set = |run: Runner, (name, value): &(&str, &str)| run.set(*name, *value);
            let run = inputs.iter().fold(run, set).run().await;
            run.assert_ended(5, "unauthorized");
            run.assert_told("HTTP 403");
            assert_eq!(writes(&simulator), 0);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = Simulator::start(World::new()).await;
    let location = format!("{}/applications/{APP}", elsewhere.url());
    let fault = Fault::on("getApplicationV3").does(Behaviour::Redirect(location));
    let simulator = troubled(Script::success(), [fault]).await;
    let run = Runner::deploys_app(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("redirect");
    assert!(elsewhere.journal().is_empty());
}

#[tokio::test]
async fn a_giant_or_endless_answer_neither_fills_the_memory_nor_the_log() {
    let shapes = [
        Behaviour::HugeBody(None),
        Behaviour::HugeBody(Some(5 * 1024 * 1024)),
        Behaviour::WrongShape(json!("x".repeat(3 * 1024 * 1024))),
        Behaviour::Status(
            400,
            Payload::Json(json!({ "message": "x".repeat(3 * 1024 * 1024) })),
            Vec::new(),
        ),
    ];
    together(shapes.map(|behaviour| async move {
        let fault = Fault::on("getApplicationV3").does(behaviour);
        let simulator = troubled(Script::success(), [fault]).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_TIMEOUT", "3s")
            .start();
        let peak = run.peak_memory();
        let run = run.finish().await;
        assert!([6, 9].contains(&run.code.unwrap()), "{:?}", run.code);
        assert_eq!(simulator.deployments_made(), 0);
        let size = run.stdout.len() + run.stderr.len();
        assert!(size < 64 * 1024, "{size} bytes were told");
        let peak = peak.await.unwrap();
        assert!(peak < 64 * 1024, "{peak} KiB");
    }))
    .await;
}
