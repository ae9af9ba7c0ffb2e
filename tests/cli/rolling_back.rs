//! Going back to what was live: `on-failure: rollback`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, RollbackBody, Script, Simulator,
    StaticSite, World,
};

use crate::harness::{A_FEW_VISITS, APP, Finished, Runner, SITE, stopped, together, until};
use crate::web::{Act, Web, answer};

const BEFORE: &str = "aaaaaaaaaa0000000000bbbbbbbbbb1111111111";
const AFTER: &str = "cccccccccc0000000000dddddddddd1111111111";
const ROLLBACK: &str = "rollbackDeploymentV3";

fn deployed() -> Script {
    Script::success().commit_sha(AFTER)
}

/// An application with something to go back to, to which a rollback goes.
fn app() -> Application {
    Application::new(APP)
        .past(PastDeployment::failed().ago(Duration::from_secs(600)))
        .past(PastDeployment::success().commit_sha(BEFORE))
        .rolls_back_past_the_latest(true)
}

async fn simulator(app: Application) -> Arc<Simulator> {
    Arc::new(Simulator::start(World::new().application(app)).await)
}

/// A server that answers badly until something was rolled back.
async fn bad_until_rolled_back(simulator: &Arc<Simulator>) -> Web {
    let simulator = Arc::clone(simulator);
    Web::start(move |_| match simulator.calls(ROLLBACK) {
        0 => answer(503, ""),
        _ => answer(200, ""),
    })
    .await
}

/// A run that goes back if this does not answer well soon.
fn going_back(runner: Runner, web: &Web) -> Runner {
    runner
        .set("SEVALLA_ON_FAILURE", "rollback")
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_VERIFY_SUCCESSES", "1")
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
}

/// The same where everything answers badly.
async fn with_bad_answers(simulator: &Simulator) -> Finished {
    let web = Web::acts([answer(503, "")]).await;
    going_back(Runner::deploys_app(simulator), &web).run().await
}

#[tokio::test]
async fn an_application_that_does_not_answer_well_is_rolled_back_once() {
    let simulator = simulator(app().next(deployed()).next(Script::success())).await;
    let web = bad_until_rolled_back(&simulator).await;
    let run = going_back(Runner::deploys_app(&simulator).on_github(), &web)
        .run()
        .await;

    run.assert_ended(8, "unverified");
    assert_eq!(simulator.calls(ROLLBACK), 1);
    let made = simulator.deployments(APP);
    let (rollback, ours) = (&made[0], &made[1]);
    assert_eq!(rollback.commit_sha.as_deref(), Some(BEFORE));
    let said = format!(
        "Rolled back: live is main at {}, deployment {}",
        &BEFORE[..9],
        rollback.id
    );
    let summary = run.file("github-summary").unwrap();
    for text in [&run.stdout, &run.output("error"), &summary] {
        assert!(text.contains(&said), "{text}");
        assert!(text.contains("Its health check passed"), "{text}");
        assert!(text.contains("Find out why it does not answer"), "{text}");
        assert!(!text.contains("and is live"), "{text}");
    }
    // The outputs are about what the run was asked to deploy.
    assert_eq!(run.output("deployment-id"), ours.id);
    assert_eq!(run.output("commit-sha"), AFTER);
    assert_eq!(
        run.output("deployment-ids"),
        format!("{},{}", ours.id, rollback.id)
    );
}

#[tokio::test]
async fn the_version_that_had_just_failed_is_no_rollback() {
    // Read the other way, its latest success is what was just deployed.
    let again = app().rolls_back_past_the_latest(false);
    let slow = Script::success().run(Duration::from_secs(2));
    let simulator = simulator(again.next(deployed()).next(slow)).await;
    let run = with_bad_answers(&simulator).await;

    run.assert_ended(8, "unverified");
    assert_eq!(simulator.calls(ROLLBACK), 1);
    // While it runs already.
    run.assert_told("Sevalla deploys the version that had just failed again");
    run.assert_told("Not rolled back: Sevalla deployed the version that had just failed");
    run.assert_told(&format!("so live is main at {}", &AFTER[..9]));
    run.assert_told(&format!(
        "Roll back to the previous version (main at {}",
        &BEFORE[..9]
    ));
    assert!(!run.streams().contains("Rolled back"), "{}", run.streams());
    run.assert_told(". After that: http://");
    run.assert_told("  next:  The live version fails the check too");
}

/// Every reading of the rollback call, with the version that comes after a
/// check of the newest success has failed; `None` where the id is refused.
const READINGS: [(RollbackBody, bool, Option<&str>); 6] = [
    (RollbackBody::Honoured, false, Some(BEFORE)),
    (RollbackBody::Honoured, true, Some(BEFORE)),
    (RollbackBody::Ignored, false, Some(AFTER)),
    (RollbackBody::Ignored, true, Some(BEFORE)),
    (RollbackBody::Refused, false, None),
    (RollbackBody::Refused, true, None),
];

#[tokio::test]
async fn the_wanted_version_is_named_and_what_came_is_looked_at() {
    together(READINGS.map(|(body, passes, came)| async move {
        let live = PastDeployment::success().commit_sha(BEFORE);
        let wanted = live.id.clone();
        let app = Application::new(APP)
            .past(live)
            .rolls_back_past_the_latest(passes)
            .rollback_body(body);
        let simulator = simulator(app.next(deployed()).next(Script::success())).await;
        let run = with_bad_answers(&simulator).await;

        run.assert_ended(8, "unverified");
        assert_eq!(bodies(&simulator), [json!({ "deployment_id": wanted })]);
        let said = run.streams();
        assert_eq!(
            said.contains("Rolled back: live is"),
            came == Some(BEFORE),
            "{body:?} {passes}\n{said}"
        );
        let made = simulator.deployments_made();
        assert_eq!(made, 1 + usize::from(came.is_some()), "{said}");
        if came.is_none() {
            run.assert_told("It could not be rolled back, and the new version stays live");
            run.assert_told("without an id it would deploy its latest success again: main at");
        }
    }))
    .await;
}

#[tokio::test]
async fn an_id_that_is_refused_is_left_out_where_the_latest_success_is_wanted() {
    // The deployment itself has failed, so the latest success is still live.
    let live = PastDeployment::success().commit_sha(BEFORE);
    let wanted = live.id.clone();
    let app = Application::new(APP)
        .past(live)
        .rollback_body(RollbackBody::Refused);
    let simulator = simulator(app.next(Script::failed()).next(Script::success())).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;
    run.assert_ended(1, "failed");
    let with_id = json!({ "deployment_id": wanted });
    assert_eq!(bodies(&simulator), [with_id, json!(null)]);
    run.assert_told(&format!("Rolled back: live is main at {}", &BEFORE[..9]));
}

/// The bodies of the rollbacks that were asked for.
fn bodies(simulator: &Simulator) -> Vec<serde_json::Value> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == ROLLBACK);
    calls
        .map(|call| call.json().unwrap_or(json!(null)))
        .collect()
}

#[tokio::test]
async fn what_became_live_after_the_run_began_is_what_was_live_before() {
    let between = "dddddddddd0000000000eeeeeeeeee2222222222";
    let app = app().rollback_body(RollbackBody::Honoured);
    let simulator = simulator(app.next(deployed()).next(Script::success())).await;
    let other = Script::success()
        .commit_sha(between)
        .run(Duration::from_secs(3));
    simulator.add_deployment(APP, DeploymentType::Manual, other);
    let run = with_bad_answers(&simulator).await;
    run.assert_ended(8, "unverified");
    run.assert_told(&format!("Rolled back: live is main at {}", &between[..9]));
}

#[tokio::test]
async fn an_image_goes_back_by_deploying_the_earlier_reference() {
    let digest = |digit: &str| format!("shop@sha256:{}", digit.repeat(64));
    let cases = [
        ("shop:1".to_owned(), "shop:2".to_owned(), true),
        (digest("a"), digest("b"), true),
        ("shop:1".to_owned(), digest("b"), true),
        (digest("a"), "shop:1".to_owned(), true),
        ("shop:latest".to_owned(), "shop:latest".to_owned(), false),
        // The same tag, which has moved since.
        (
            "shop:latest".to_owned(),
            format!("shop:latest@{}", &digest("b")[5..]),
            false,
        ),
        (
            "shop".to_owned(),
            "docker.io/library/shop:latest".to_owned(),
            false,
        ),
    ];
    together(cases.map(|(before, after, is_possible)| async move {
        let app = Application::new(APP)
            .docker_image(&before)
            .past(PastDeployment::success());
        let simulator = simulator(app).await;
        let web = Web::acts([answer(503, "")]).await;
        let run = going_back(Runner::deploys_app(&simulator), &web)
            .set("SEVALLA_DOCKER_IMAGE", &after)
            .run()
            .await;
        run.assert_ended(8, "unverified");
        assert_eq!(simulator.calls(ROLLBACK), 0);
        let made = simulator.deployments(APP);
        if is_possible {
            run.assert_told(&format!("Rolled back: live is {before}"));
            assert_eq!(simulator.deployments_made(), 2);
            assert_eq!(made[0].docker_image.as_deref(), Some(before.as_str()));
        } else {
            run.assert_told("It could not be rolled back");
            run.assert_told(&format!("Both versions were deployed as {before}"));
            assert_eq!(simulator.deployments_made(), 1);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_static_site_goes_back_to_the_last_that_was_live() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let live = PastDeployment::success()
        .commit_sha(BEFORE)
        .ago(minutes(30));
    let preview = PastDeployment {
        is_preview: true,
        ..PastDeployment::success().branch("feature").ago(minutes(10))
    };
    let site = StaticSite::new(SITE)
        .past(PastDeployment::success().ago(minutes(60)))
        .past(live.clone())
        .past(PastDeployment::failed().ago(minutes(20)))
        .past(preview)
        .next(deployed())
        .next(Script::success());
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let web = Web::acts([answer(503, "")]).await;
    let run = going_back(Runner::deploys_site(&simulator), &web)
        .run()
        .await;

    run.assert_ended(8, "unverified");
    let journal = simulator.journal();
    let bodies: Vec<_> = journal
        .iter()
        .filter(|call| call.operation == "deployStaticSiteV3")
        .map(|call| call.json().unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            json!({ "branch": "main" }),
            json!({ "deployment_id": live.id })
        ]
    );
    run.assert_told(&format!("Rolled back: live is main at {}", &BEFORE[..9]));
}

#[tokio::test]
async fn after_the_first_deployment_there_is_nothing_to_go_back_to() {
    let live = "the new version stays live";
    for (script, code, word) in [
        (deployed(), 8, "unverified"),
        (Script::failed(), 1, "failed"),
    ] {
        let app = Application::new(APP).past(PastDeployment::failed());
        let simulator = simulator(app.next(script)).await;
        let run = with_bad_answers(&simulator).await;
        run.assert_ended(code, word);
        run.assert_told("There is no version to roll back to");
        run.assert_told("  next:  ");
        assert_eq!(run.streams().contains(live), code == 8, "{}", run.streams());
        let streams = run.streams().to_lowercase();
        assert!(
            !streams.contains("previous version is still live"),
            "{streams}"
        );
        assert_eq!(simulator.calls(ROLLBACK), 0);
    }
}

#[tokio::test]
async fn a_failed_deployment_is_rolled_back_too() {
    let latest = app().rolls_back_past_the_latest(false);
    let failed = Script::failed().log_line(Duration::from_millis(10), "ERROR", "no such module");
    let simulator = simulator(latest.next(failed).next(Script::success())).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;

    run.assert_ended(1, "failed");
    assert_eq!(simulator.calls(ROLLBACK), 1);
    run.assert_told(&format!("Rolled back: live is main at {}", &BEFORE[..9]));
    run.assert_told("ERROR | no such module");
    assert_eq!(run.output("status"), "failed");
    assert_eq!(run.output("url"), "");
}

#[tokio::test]
async fn a_rollback_that_fails_is_told_and_not_tried_again() {
    let stays = "It could not be rolled back, and the new version stays live: ";
    let refused = |code| Fault::on(ROLLBACK).does(Behaviour::status(code));
    let cases = [
        (Script::failed(), None, "ended failed"),
        (Script::cancelled(), None, "ended cancelled"),
        (Script::success(), Some(refused(403)), "HTTP 403 Forbidden"),
        (Script::success(), Some(refused(404)), "HTTP 404 Not Found"),
        (Script::success(), Some(refused(409)), "HTTP 409 Conflict"),
    ];
    together(cases.map(|(script, fault, told)| async move {
        let simulator = simulator(app().next(deployed()).next(script)).await;
        if let Some(fault) = fault {
            simulator.add_fault(fault);
        }
        let run = with_bad_answers(&simulator).await;
        run.assert_ended(8, "unverified");
        run.assert_told(stays);
        run.assert_told(told);
        assert_eq!(simulator.calls(ROLLBACK), 1);
    }))
    .await;
}

#[tokio::test]
async fn a_rollback_whose_answer_is_lost_is_looked_up_and_not_sent_again() {
    let lost = [
        Behaviour::ResetAfterApplying,
        Behaviour::CutBody,
        Behaviour::NotJson,
    ];
    together(lost.map(|lost| async move {
        let simulator = simulator(app().next(deployed()).next(Script::success())).await;
        simulator.add_fault(Fault::on(ROLLBACK).does(lost));
        let run = with_bad_answers(&simulator).await;
        run.assert_ended(8, "unverified");
        run.assert_told("exactly one new deployment matches");
        run.assert_told("Rolled back: live is");
        assert_eq!(simulator.calls(ROLLBACK), 1);
        assert_eq!(simulator.deployments_made(), 2);
    }))
    .await;
}

#[tokio::test]
async fn a_signal_leaves_the_rollback_to_go_on() {
    let cases = [
        (None, "this run did not see its end"),
        (
            Some(Behaviour::HangAfterApplying),
            "whether it took effect is not known",
        ),
    ];
    together(cases.map(|(behaviour, told)| async move {
        let endless = Script::success().never_ends();
        let simulator = simulator(app().next(deployed()).next(endless)).await;
        let is_lost = behaviour.is_some();
        if let Some(behaviour) = behaviour {
            simulator.add_fault(Fault::on(ROLLBACK).does(behaviour));
        }
        let web = Web::acts([answer(503, "")]).await;
        let running = going_back(Runner::deploys_app(&simulator), &web).start();
        until(|| simulator.calls(ROLLBACK) > 0).await;
        if !is_lost {
            let id = simulator.deployments(APP)[0].id.clone();
            let is_look = |path: &str| path.ends_with(&id);
            until(|| simulator.journal().iter().any(|call| is_look(&call.path))).await;
        }
        let run = stopped(running, "INT").await;
        run.assert_ended(130, "interrupted");
        run.assert_told("failed the health check: HTTP 503");
        run.assert_told(told);
        assert_eq!(simulator.calls(ROLLBACK), 1);
        assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
    }))
    .await;
}

#[tokio::test]
async fn a_signal_after_the_rollback_does_not_hide_that_it_succeeded() {
    let simulator = simulator(app().next(deployed()).next(Script::success())).await;
    let web = Web::acts([answer(503, "")]).await;
    let running = going_back(Runner::deploys_app(&simulator), &web).start();
    until(|| simulator.calls(ROLLBACK) > 0).await;
    until(|| simulator.deployments(APP)[0].status.as_deref() == Some("success")).await;
    let before = web.count();
    until(|| web.count() > before).await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    run.assert_told("Rolled back: live is");
}

#[tokio::test]
async fn what_this_run_did_not_start_is_not_rolled_back() {
    together(["join", "follow"].map(|how| async move {
        let simulator = simulator(app()).await;
        let script = Script::failed().run(Duration::from_secs(4));
        let id = simulator.add_deployment(APP, DeploymentType::Manual, script);
        let runner = Runner::deploys_app(&simulator).set("SEVALLA_ON_FAILURE", "rollback");
        let runner = if how == "join" {
            runner.set("SEVALLA_WHEN_BUSY", "join")
        } else {
            runner
                .set("SEVALLA_ACTION", "follow")
                .set("SEVALLA_DEPLOYMENT_ID", &id)
        };
        let run = runner.run().await;
        run.assert_ended(1, "failed");
        assert_eq!(run.output("deployment-id"), id);
        assert_eq!(simulator.deployments_made(), 0);
    }))
    .await;
}

#[tokio::test]
async fn what_somebody_else_has_deployed_since_is_not_undone() {
    let newer = "ffffffffff0000000000eeeeeeeeee1111111111";
    let cases = [
        (Script::success().never_ends(), "takes its place: "),
        (Script::success(), "something newer is live by now: "),
    ];
    together(cases.map(|(script, told)| async move {
        let simulator = simulator(app().next(deployed())).await;
        let known = Arc::clone(&simulator);
        let script = script.commit_sha(newer);
        let web = Web::start(move |visit| {
            if visit.number == 0 {
                known.add_deployment(APP, DeploymentType::Manual, script.clone());
            }
            answer(503, "")
        })
        .await;
        // The quick one ends before the visits do.
        let run = going_back(Runner::deploys_app(&simulator), &web)
            .run()
            .await;
        run.assert_ended(8, "unverified");
        run.assert_told("Nothing was rolled back, since");
        run.assert_told(told);
        assert_eq!(simulator.calls(ROLLBACK), 0);
    }))
    .await;
}

#[tokio::test]
async fn nothing_is_rolled_back_where_nobody_asked_for_it() {
    let simulator = simulator(app().next(deployed())).await;
    let web = Web::acts([answer(503, "")]).await;
    let run = going_back(Runner::deploys_app(&simulator), &web)
        .set("SEVALLA_ON_FAILURE", "leave")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    assert_eq!(simulator.calls(ROLLBACK), 0);
}

#[tokio::test]
async fn a_rollback_is_not_rolled_back() {
    let app = app()
        .past(older_success())
        .rollback_body(RollbackBody::Honoured);
    let simulator = simulator(app).await;
    let web = Web::acts([answer(503, "")]).await;
    let run = going_back(Runner::deploys_app(&simulator), &web)
        .set("SEVALLA_ACTION", "rollback-app")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    assert_eq!(simulator.calls(ROLLBACK), 1);

    let site = StaticSite::new(SITE)
        .past(older_success())
        .past(PastDeployment::success());
    let simulator = Simulator::start(World::new().static_site(site)).await;
    let run = going_back(Runner::deploys_site(&simulator), &web)
        .set("SEVALLA_ACTION", "rollback-static-site")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    assert_eq!(simulator.deployments_made(), 1);
}

fn older_success() -> PastDeployment {
    PastDeployment::success().ago(Duration::from_secs(48 * 3600))
}

#[tokio::test]
async fn visits_leave_time_to_go_back() {
    let simulator = simulator(app().next(deployed()).next(Script::success())).await;
    let known = Arc::clone(&simulator);
    let web = Web::start(move |_| match known.calls(ROLLBACK) {
        0 => Act::Hang(Vec::new()),
        _ => answer(200, ""),
    })
    .await;
    let run = going_back(Runner::deploys_app(&simulator), &web)
        .set("SEVALLA_VERIFY_TIMEOUT", "3m")
        .set("SEVALLA_TIMEOUT", "24s")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.assert_told("Rolled back: live is");
    run.assert_told("Its health check passed");
}

#[tokio::test]
async fn another_commit_than_the_tested_one_is_rolled_back() {
    let simulator = simulator(app().next(deployed()).next(Script::success())).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .set("SEVALLA_EXPECTED_COMMIT", BEFORE)
        .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.assert_told(&format!(
        "commit {}, but this run has tested {}",
        &AFTER[..9],
        &BEFORE[..9]
    ));
    run.assert_told("Rolled back: live is");
}
