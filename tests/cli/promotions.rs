//! Promoting to one and to several applications.

use std::time::Duration;

use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, Limits, PastDeployment, Pipeline, Script,
    Simulator, World,
};

use crate::harness::{
    A_FEW_VISITS, APP, Finished, PIPELINE, Runner, called, stopped, together, until,
};
use crate::oracle::{Stopping, obeyed, outside_code};
use crate::web::{Web, answer};

/// The source is [`APP`].
const EU: &str = "1e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a01";
const US: &str = "2e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a02";
const ASIA: &str = "3e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a03";

/// What the source runs, and what the targets run before.
const NEW: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OLD: &str = "0000000000000000000000000000000000000000";

fn endless() -> Script {
    Script::success().never_ends()
}

/// A target that runs something older, and does this next.
fn target(id: &str, name: &str, script: Script) -> Application {
    Application::new(id)
        .display_name(name)
        .past(PastDeployment::success().commit_sha(OLD))
        .rolls_back_past_the_latest(true)
        .next(script)
}

/// A source that has something to promote, and these targets.
fn world(targets: impl IntoIterator<Item = Application>) -> World {
    let source = Application::new(APP)
        .display_name("staging")
        .past(PastDeployment::success().commit_sha(NEW));
    let world = World::new().application(source);
    targets.into_iter().fold(world, World::application)
}

async fn started(targets: impl IntoIterator<Item = Application>, pipeline: Pipeline) -> Simulator {
    Simulator::start(world(targets).pipeline(pipeline)).await
}

/// A source and the three targets, which do this next.
async fn three(scripts: [Script; 3]) -> Simulator {
    let [eu, us, asia] = scripts;
    let targets = [
        target(EU, "shop-eu", eu),
        target(US, "shop-us", us),
        target(ASIA, "shop-asia", asia),
    ];
    started(targets, Pipeline::new(PIPELINE)).await
}

fn promotes(simulator: &Simulator, targets: &[&str]) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "promote-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .set("SEVALLA_SOURCE_APP_ID", APP)
        .set("SEVALLA_TARGET_APP_IDS", targets.join(","))
}

/// The deployments that calls have made on a target, newest first.
fn made(simulator: &Simulator, target: &str) -> Vec<sevalla_simulator::Snapshot> {
    let mut all = simulator.deployments(target);
    all.retain(|deployment| deployment.by_call);
    all
}

/// The bodies of the promotions that were asked for.
fn asked(simulator: &Simulator) -> Vec<Value> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == "promotePipelineV3");
    calls.map(|call| call.json().unwrap()).collect()
}

fn promotions(run: &Finished) -> Vec<Value> {
    serde_json::from_str(&run.output("promotions")).unwrap()
}

#[tokio::test]
async fn a_warning_names_the_target_that_it_is_about() {
    let simulator = three([Script::success(), Script::success(), Script::success()]).await;
    simulator.add_fault(
        Fault::on("getApplicationDeploymentLogsV3")
            .path_contains(US)
            .does(Behaviour::status(403)),
    );
    let runner = promotes(&simulator, &[EU, US, ASIA]).on_github();
    let run = runner.run().await;
    run.assert_ended(0, "success");
    let is_mark = |line: &&str| line.starts_with("::warning");
    let marks: Vec<&str> = run.stdout.lines().filter(is_mark).collect();
    assert_eq!(marks.len(), 1, "{}", run.stdout);
    assert!(
        marks[0].contains("::shop-us: The log cannot be shown"),
        "{marks:?}"
    );
    let summary = run.file("github-summary").unwrap();
    assert!(
        summary.contains("shop-us: The log cannot be shown"),
        "{summary}"
    );
}

#[tokio::test]
async fn what_the_source_runs_is_promoted_to_one_target() {
    let targets = [target(EU, "shop-eu", Script::success())];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let run = promotes(&simulator, &[EU]).on_github().run().await;

    run.assert_ended(0, "success");
    assert_eq!(
        asked(&simulator),
        [json!({ "source_app_id": APP, "target_app_ids": [EU] })]
    );
    let made = made(&simulator, EU);
    assert_eq!(made.len(), 1);
    assert_eq!(run.output("deployment-id"), made[0].id);
    assert_eq!(run.output("deployment-ids"), made[0].id);
    assert_eq!(run.output("commit-sha"), NEW);
    assert_eq!(run.output("url"), "https://shop-eu-abcde.sevalla.app");
    run.assert_told("Source: staging");
    run.assert_told("Promoting main at aaaaaaaaa");
    run.assert_told("It was deployed");
    let summary = run.file("github-summary").unwrap();
    assert!(
        summary.contains("shop-eu") && summary.contains(NEW),
        "{summary}"
    );
}

#[tokio::test]
async fn three_targets_are_followed_at_once_and_told_of_each() {
    let run = Duration::from_secs(3);
    let simulator = three([(); 3].map(|()| Script::success().run(run))).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .set("SEVALLA_TARGET_APP_IDS", format!("{EU}\n{US} {ASIA}"))
        .on_github()
        .run()
        .await;

    run.assert_ended(0, "success");
    let journal = simulator.journal();
    let looks = [EU, US, ASIA].map(|id| {
        let looks = journal.iter();
        let looks = looks.filter(|call| call.operation == "getDeploymentV3");
        let looks = looks.filter(|call| call.path.contains(id));
        let looks: Vec<Duration> = looks.map(|call| call.at).collect();
        (looks[0], looks[looks.len() - 1])
    });
    let last_begins = looks.iter().map(|(first, _)| first).max();
    let first_ends = looks.iter().map(|(_, last)| last).min();
    assert!(last_begins < first_ends, "{looks:?}");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
    let ids: Vec<String> = [EU, US, ASIA]
        .map(|target| made(&simulator, target)[0].id.clone())
        .into();
    assert_eq!(run.output("deployment-ids"), ids.join(","));
    assert_eq!(run.output("deployment-id"), "");
    let promotions = promotions(&run);
    let names = ["shop-eu", "shop-us", "shop-asia"];
    for (index, id) in [EU, US, ASIA].into_iter().enumerate() {
        let told = &promotions[index];
        let name = names[index];
        assert_eq!(told["target-app-id"], id);
        assert_eq!(told["name"], name);
        assert_eq!(told["deployment-id"], ids[index].as_str());
        assert_eq!(told["status"], "success");
        assert_eq!(told["url"], format!("https://{name}-abcde.sevalla.app"));
        assert!(
            told["duration-seconds"]
                .as_u64()
                .is_some_and(|time| time >= 2)
        );
        run.assert_told(&format!("{name}: success"));
    }
    let summary = run.file("github-summary").unwrap();
    for (name, id) in names.iter().zip(&ids) {
        let row = summary
            .lines()
            .find(|line| line.contains(id.as_str()))
            .unwrap();
        assert!(row.contains(name) && row.contains("success"), "{row}");
        assert!(
            row.contains(&format!("<https://{name}-abcde.sevalla.app>")),
            "{row}"
        );
    }
}

#[tokio::test]
async fn one_that_fails_fails_the_run_and_is_named() {
    let failing = Script::failed().log_line(Duration::from_millis(20), "ERROR", "no such port");
    let simulator = three([Script::success(), failing, Script::success()]).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .on_github()
        .run()
        .await;

    run.assert_ended(1, "failed");
    run.assert_told("failed for 1 of 3: shop-us");
    run.assert_told("no such port");
    assert!(run.output("error").contains("shop-us"));
    let statuses: Vec<Value> = promotions(&run)
        .iter()
        .map(|told| told["status"].clone())
        .collect();
    assert_eq!(statuses, ["success", "failed", "success"]);
    // Nobody has asked for that.
    assert_eq!(simulator.calls("rollbackDeploymentV3"), 0);
    assert_eq!(promotions(&run)[1]["url"], Value::Null);
}

#[tokio::test]
async fn a_rollback_takes_back_those_that_have_changed_and_no_others() {
    let simulator = three([Script::success(), Script::failed(), Script::success()]).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .on_github()
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;

    run.assert_ended(1, "failed");
    for target in [EU, ASIA] {
        let made = made(&simulator, target);
        assert_eq!(made.len(), 2, "{target}");
        assert_eq!(made[0].trigger.as_deref(), Some("ROLLBACK_DEPLOYMENT"));
        assert_eq!(made[0].commit_sha.as_deref(), Some(OLD));
    }
    assert_eq!(made(&simulator, US).len(), 1);
    for name in ["shop-eu", "shop-asia"] {
        run.assert_told(&format!("{name}: Rolled back: live is"));
    }
    // The output is what is live now.
    let told = promotions(&run);
    for (index, target) in [(0, EU), (2, ASIA)] {
        let made = made(&simulator, target);
        assert_eq!(told[index]["deployment-id"], made[0].id.as_str());
        assert_eq!(told[index]["status"], "success");
        assert_eq!(
            told[index]["rolled-back-deployment-id"],
            made[1].id.as_str()
        );
        let row = summary_row(&run, &made[0].id);
        assert!(row.contains("success (rolled back)"), "{row}");
    }
    assert_eq!(told[1]["status"], "failed");
    assert_eq!(told[1]["rolled-back-deployment-id"], Value::Null);
}

/// The row of the summary's table that names this deployment.
fn summary_row(run: &Finished, id: &str) -> String {
    let summary = run.file("github-summary").unwrap();
    let mut rows = summary.lines().filter(|line| line.starts_with('|'));
    let row = rows.find(|line| line.contains(id));
    row.unwrap_or_else(|| panic!("{id}\n{summary}")).to_owned()
}

/// What happens to a target that says nothing against the others.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Cancelled,
    Skipped,
    Slow,
    Unreadable(u16),
    LeftOut,
    NotChecked,
}

#[tokio::test]
async fn what_says_nothing_against_a_target_undoes_none() {
    let cases = [
        (Trouble::Cancelled, 3),
        (Trouble::Skipped, 3),
        (Trouble::Slow, 4),
        (Trouble::Unreadable(503), 6),
        (Trouble::Unreadable(403), 5),
        (Trouble::LeftOut, 7),
        (Trouble::NotChecked, 8),
    ];
    together(cases.map(|(trouble, code)| async move {
        let script = match trouble {
            Trouble::Cancelled => Script::cancelled(),
            Trouble::Skipped => Script::skipped(),
            Trouble::Slow => endless(),
            _ => Script::success(),
        };
        let targets = [
            target(EU, "shop-eu", Script::success()),
            target(US, "shop-us", script),
        ];
        let pipeline = match trouble {
            Trouble::LeftOut => Pipeline::new(PIPELINE).promotion_skips(US),
            _ => Pipeline::new(PIPELINE),
        };
        let simulator = started(targets, pipeline).await;
        let mut runner = promotes(&simulator, &[EU, US])
            .set("SEVALLA_ON_FAILURE", "rollback")
            .set("SEVALLA_TIMEOUT", "25s");
        match trouble {
            Trouble::Unreadable(status) => simulator.add_fault(
                Fault::on("getDeploymentV3")
                    .path_contains(US)
                    .does(Behaviour::status(status)),
            ),
            Trouble::NotChecked => {
                runner = runner
                    .set("SEVALLA_VERIFY_URL", "https://shop.invalid/")
                    .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS);
            }
            _ => {}
        }
        let run = runner.run().await;
        assert_eq!(run.code, Some(code), "{trouble:?}\n{}", run.streams());
        run.assert_told("Nothing was rolled back");
        assert_eq!(simulator.calls("rollbackDeploymentV3"), 0);
        assert_eq!(made(&simulator, EU).len(), 1);
        assert_eq!(promotions(&run)[0]["status"], "success");
    }))
    .await;
}

#[tokio::test]
async fn a_signal_while_targets_are_taken_back_ends_as_elsewhere() {
    together(
        [("INT", 130), ("TERM", 143)].map(|(signal, code)| async move {
            let targets = [
                target(EU, "shop-eu", Script::success()).next(endless()),
                target(US, "shop-us", Script::failed()),
            ];
            let simulator = started(targets, Pipeline::new(PIPELINE)).await;
            let running = promotes(&simulator, &[EU, US])
                .set("SEVALLA_ON_FAILURE", "rollback")
                .start();
            called(&simulator, "rollbackDeploymentV3").await;
            let run = stopped(running, signal).await;
            run.assert_ended(code, "interrupted");
            run.assert_told("The promotion failed for 1 of 2: shop-us");
            run.assert_told("shop-eu: ");
            assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
        }),
    )
    .await;
}

#[tokio::test]
async fn a_guard_of_images_says_before_the_start_that_it_has_nothing_to_compare() {
    let source = Application::new(APP)
        .docker_image("shop:2")
        .past(PastDeployment::success());
    let target = Application::new(EU).docker_image("shop:1");
    let world = World::new().application(source).application(target);
    let simulator = Simulator::start(world.pipeline(Pipeline::new(PIPELINE))).await;
    let run = promotes(&simulator, &[EU])
        .set("SEVALLA_EXPECTED_COMMIT", NEW)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    run.assert_ended(0, "planned");
    run.assert_told(
        "Warning: The commit guard may have nothing to compare: an image has no commit",
    );
}

#[tokio::test]
async fn a_target_that_does_not_answer_well_is_taken_back_with_the_others() {
    let web = Web::acts([answer(500, "")]).await;
    let simulator = three([Script::success(), Script::failed(), Script::success()]).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;

    run.assert_told("failed for every target");
    assert_eq!(simulator.calls("rollbackDeploymentV3"), 2);
    for name in ["shop-eu", "shop-asia"] {
        run.assert_told(&format!("{name}: Rolled back: live is main at 000000000"));
    }
    assert_eq!(run.code, Some(1));
}

#[tokio::test]
async fn a_target_that_takes_too_long_leaves_time_to_take_back_the_others() {
    let simulator = three([Script::success(), endless(), Script::failed()]).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .set("SEVALLA_TIMEOUT", "15s")
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;

    run.assert_ended(1, "failed");
    run.assert_told("shop-eu: Rolled back: live is main at 000000000");
    assert_eq!(made(&simulator, US).len(), 1);
}

#[tokio::test]
async fn a_target_that_was_skipped_is_no_success() {
    let targets = [
        target(EU, "shop-eu", Script::success()),
        target(US, "shop-us", Script::skipped()),
    ];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let run = promotes(&simulator, &[EU, US])
        .set("SEVALLA_ON_SKIPPED", "pass")
        .run()
        .await;

    run.assert_ended(0, "skipped");
    run.assert_told("Promoted to 1 of 2; skipped: shop-us");
}

#[tokio::test]
async fn a_source_that_moves_on_meanwhile_is_promoted_once() {
    let targets = [target(EU, "shop-eu", Script::success())];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let lost = Fault::on("promotePipelineV3")
        .nth(1)
        .delayed(Duration::from_secs(2))
        .does(Behaviour::ResetAfterApplying);
    simulator.add_fault(lost);
    let running = promotes(&simulator, &[EU]).start();
    called(&simulator, "promotePipelineV3").await;
    let newer = Script::success()
        .commit_sha("b".repeat(40))
        .run(Duration::from_millis(50));
    simulator.add_deployment(APP, DeploymentType::Manual, newer);
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
    assert_eq!(made(&simulator, EU).len(), 1);
}

#[tokio::test]
async fn what_a_rollback_comes_to_is_told_as_it_is() {
    // Sevalla may take the promoted one itself for the latest success.
    let careless = target(EU, "shop-eu", Script::success()).rolls_back_past_the_latest(false);
    let fresh = Application::new(US).display_name("shop-us");
    let stuck = target(ASIA, "shop-asia", Script::success())
        .next(Script::failed())
        .display_name("shop-asia");
    let failing = "4e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a04";
    let targets = [
        careless,
        fresh,
        stuck,
        target(failing, "shop-africa", Script::failed()),
    ];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let run = promotes(&simulator, &[EU, US, ASIA, failing])
        .set("SEVALLA_ON_FAILURE", "rollback")
        .run()
        .await;

    run.assert_ended(1, "failed");
    run.assert_told("shop-eu: Not rolled back: Sevalla deployed the version that had just failed");
    run.assert_told("shop-us: There is no version to roll back to");
    run.assert_told("shop-asia: It could not be rolled back, and the new version stays live");
    assert_eq!(made(&simulator, US).len(), 1);
}

#[tokio::test]
async fn a_target_that_the_answer_hides_is_found() {
    let pipeline = Pipeline::new(PIPELINE).promotion_hides(US);
    let targets = [
        target(EU, "shop-eu", Script::success()),
        target(US, "shop-us", Script::success()),
    ];
    let simulator = started(targets, pipeline).await;
    let run = promotes(&simulator, &[EU, US]).run().await;

    run.assert_ended(0, "success");
    let (eu, us) = (made(&simulator, EU), made(&simulator, US));
    assert_eq!((eu.len(), us.len()), (1, 1));
    assert_eq!(
        run.output("deployment-ids"),
        format!("{},{}", eu[0].id, us[0].id)
    );
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
}

#[tokio::test]
async fn a_target_that_the_service_leaves_out_is_no_success() {
    let pipeline = Pipeline::new(PIPELINE).promotion_skips(US);
    let targets = [
        target(EU, "shop-eu", Script::success()),
        target(US, "shop-us", Script::success()),
    ];
    let simulator = started(targets, pipeline).await;
    let run = promotes(&simulator, &[EU, US]).run().await;

    run.assert_ended(7, "ambiguous");
    run.assert_told("failed for 1 of 2: shop-us");
    assert_eq!(made(&simulator, US).len(), 0);
    assert_eq!(
        simulator.calls("promotePipelineV3"),
        1,
        "never for one that was accepted"
    );
    let promotions = promotions(&run);
    assert_eq!(promotions[0]["status"], "success");
    assert_eq!(promotions[1]["deployment-id"], Value::Null);
}

#[tokio::test]
async fn a_target_of_which_an_old_deployment_is_named_is_looked_up() {
    let simulator = three([(); 3].map(|()| Script::success())).await;
    let old = |target: &str| simulator.deployments(target)[0].id.clone();
    let named = json!([
        { "target_app_id": EU, "deployment_id": old(EU) },
        { "target_app_id": US, "deployment_id": old(US) },
    ]);
    let answers = Behaviour::WrongShape(named);
    simulator.add_fault(Fault::on("promotePipelineV3").does(answers));
    let run = promotes(&simulator, &[EU, US]).run().await;

    run.assert_ended(0, "success");
    let ids = [EU, US].map(|target| made(&simulator, target)[0].id.clone());
    assert_eq!(run.output("deployment-ids"), ids.join(","));
}

#[tokio::test]
async fn a_lost_answer_is_resolved_for_each_target() {
    for lost in [
        Behaviour::ResetAfterApplying,
        Behaviour::CutBody,
        Behaviour::NotJson,
    ] {
        let simulator = three([(); 3].map(|()| Script::success())).await;
        simulator.add_fault(Fault::on("promotePipelineV3").does(lost));
        let run = promotes(&simulator, &[EU, US, ASIA]).run().await;

        run.assert_ended(0, "success");
        assert_eq!(simulator.calls("promotePipelineV3"), 1);
        let ids = [EU, US, ASIA].map(|target| {
            let made = made(&simulator, target);
            assert_eq!(made.len(), 1, "{target}");
            made[0].id.clone()
        });
        assert_eq!(run.output("deployment-ids"), ids.join(","));
    }
}

#[tokio::test]
async fn a_lost_promotion_is_told_from_what_somebody_else_deploys() {
    let simulator = three([(); 3].map(|()| Script::success())).await;
    simulator.add_fault(Fault::on("promotePipelineV3").does(Behaviour::ResetAfterApplying));
    let running = promotes(&simulator, &[EU, US]).start();
    called(&simulator, "promotePipelineV3").await;
    simulator.add_deployment(EU, DeploymentType::Automatic, Script::success());
    let run = running.finish().await;

    run.assert_ended(0, "success");
    let promoted = |target| made(&simulator, target)[0].id.clone();
    assert_eq!(
        run.output("deployment-ids"),
        format!("{},{}", promoted(EU), promoted(US))
    );
}

#[tokio::test]
async fn beside_somebodys_manual_deployment_a_lost_promotion_is_ambiguous() {
    let simulator = three([(); 3].map(|()| Script::success())).await;
    simulator.add_fault(Fault::on("promotePipelineV3").does(Behaviour::ResetAfterApplying));
    let running = promotes(&simulator, &[EU]).start();
    called(&simulator, "promotePipelineV3").await;
    let others = simulator.add_deployment(EU, DeploymentType::Manual, Script::success());
    let run = running.finish().await;

    run.assert_ended(7, "ambiguous");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
    run.assert_told("2 new deployments could be it");
    run.assert_told(&others);
    run.assert_told(&made(&simulator, EU)[0].id);
}

#[tokio::test]
async fn what_had_no_effect_is_sent_once_more_and_no_more() {
    let lost = Fault::on("promotePipelineV3").does(Behaviour::ResetBeforeApplying);
    let simulator = three([(); 3].map(|()| Script::success())).await;
    simulator.add_fault(lost.clone().first(1));
    let once = promotes(&simulator, &[EU, US]).run();
    let never = three([(); 3].map(|()| Script::success())).await;
    never.add_fault(lost);
    let twice = promotes(&never, &[EU, US]).run();
    let (once, twice) = tokio::join!(once, twice);

    once.assert_ended(0, "success");
    assert_eq!(asked(&simulator).len(), 2);
    assert_eq!(
        (made(&simulator, EU).len(), made(&simulator, US).len()),
        (1, 1)
    );
    twice.assert_ended(7, "ambiguous");
    assert_eq!(asked(&never).len(), 2);
    twice.assert_told("shop-eu: ");
    twice.assert_told("shop-us: ");
}

#[tokio::test]
async fn what_cannot_be_promoted_is_refused_before_anything_is_sent() {
    let unknown = "9e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a09";
    let empty = "8e0f2b7c-52a1-4f0b-9a55-1f1f6f9b6a08";
    let targets = [
        target(EU, "shop-eu", Script::success()).suspended(true),
        target(US, "shop-us", Script::success()),
        target(ASIA, "shop-asia", Script::success()),
        Application::new(empty).past(PastDeployment::failed()),
    ];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let going = json!({ "id": US, "display_name": "shop-us", "status": "deleting" });
    simulator.add_fault(
        Fault::on("getApplicationV3")
            .path_contains(US)
            .does(Behaviour::WrongShape(going)),
    );
    for (runner, told) in [
        (promotes(&simulator, &[ASIA, EU]), ["is suspended", EU]),
        (promotes(&simulator, &[ASIA, US]), ["is being deleted", US]),
        (promotes(&simulator, &[ASIA, unknown]), ["404", unknown]),
        (
            promotes(&simulator, &[ASIA]).set("SEVALLA_SOURCE_APP_ID", empty),
            ["nothing to promote", empty],
        ),
        (
            promotes(&simulator, &[ASIA]).set("SEVALLA_SOURCE_APP_ID", unknown),
            ["404", unknown],
        ),
        (
            promotes(&simulator, &[ASIA]).set("SEVALLA_PIPELINE_ID", unknown),
            ["404", "read the pipeline"],
        ),
    ] {
        let run = runner.run().await;
        run.assert_ended(9, "rejected");
        for text in told {
            run.assert_told(text);
        }
        assert!(!run.streams().contains("deployed"), "{}", run.streams());
    }
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_source_among_its_targets_is_refused_without_a_request() {
    let simulator = three([(); 3].map(|()| Script::success())).await;
    let run = promotes(&simulator, &[EU, APP]).run().await;

    run.assert_ended(2, "invalid-input");
    run.assert_told("SEVALLA_TARGET_APP_IDS");
    run.assert_told("the source is among the targets");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_promoted_and_only_reads() {
    let simulator = three([(); 3].map(|()| Script::success())).await;
    let run = promotes(&simulator, &[EU, US])
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;

    run.assert_ended(0, "planned");
    run.assert_told("would promote main at aaaaaaaaa");
    run.assert_told("to shop-eu, shop-us; nothing was changed");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_run_that_does_not_wait_ends_with_the_ids() {
    let simulator = three([(); 3].map(|()| endless())).await;
    let run = promotes(&simulator, &[EU, US])
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;

    run.assert_ended(0, "triggered");
    let ids = [EU, US].map(|target| made(&simulator, target)[0].id.clone());
    assert_eq!(run.output("deployment-ids"), ids.join(","));
    assert_eq!(simulator.calls("getDeploymentV3"), 0);
}

#[tokio::test]
async fn a_signal_while_following_cancels_every_target() {
    let simulator = three([endless(), Script::success(), endless()]).await;
    let running = promotes(&simulator, &[EU, US, ASIA]).start();
    until(|| simulator.calls("getDeploymentV3") >= 3).await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    for target in [EU, ASIA] {
        let id = &made(&simulator, target)[0].id;
        assert!(simulator.cancelled(id), "{}", run.streams());
        run.assert_told(&format!("Cancelled deployment {id}"));
    }
    // Whether its end was seen before the signal or after it.
    let told = run.streams();
    let is_told = |words: &str| told.contains(&format!("shop-us: {words}"));
    let id = &made(&simulator, US)[0].id;
    let had = format!("Deployment {id} had succeeded and is live");
    assert!(is_told("Too late to cancel") || is_told(&had), "{told}");
}

#[tokio::test]
async fn a_signal_cancels_no_target_whose_end_was_seen() {
    let simulator = three([Script::success(), Script::failed(), endless()]).await;
    let logs = "getApplicationDeploymentLogsV3";
    simulator.add_fault(Fault::on(logs).does(Behaviour::HangBeforeApplying));
    // With these it is read after the end alone.
    let running = promotes(&simulator, &[EU, US, ASIA])
        .set("SEVALLA_LOGS", "off")
        .set("SEVALLA_LOG_FILE", "deploy.log")
        .start();
    until(|| simulator.calls(logs) >= 2).await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    let id = |target| made(&simulator, target)[0].id.clone();
    run.assert_told(&format!(
        "shop-eu: Deployment {} had succeeded and is live",
        id(EU)
    ));
    run.assert_told(&format!("shop-us: Deployment {} had failed before", id(US)));
    assert!(simulator.cancelled(&id(ASIA)), "{}", run.streams());
    assert_eq!(simulator.calls("cancelDeploymentV3"), 1);
}

#[tokio::test]
async fn a_signal_in_flight_cancels_what_the_answer_would_have_named() {
    for lost in [
        Behaviour::Delay(Duration::from_secs(1)),
        Behaviour::HangAfterApplying,
    ] {
        let simulator = three([(); 3].map(|()| endless())).await;
        simulator.add_fault(Fault::on("promotePipelineV3").does(lost));
        let running = promotes(&simulator, &[EU, US, ASIA]).start();
        called(&simulator, "promotePipelineV3").await;
        let run = stopped(running, "TERM").await;

        run.assert_ended(143, "interrupted");
        let ids = [EU, US, ASIA].map(|target| {
            let made = made(&simulator, target);
            assert!(simulator.cancelled(&made[0].id), "{}", run.streams());
            made[0].id.clone()
        });
        // Whoever cleans up later must know them.
        assert_eq!(
            run.output("deployment-ids"),
            ids.join(","),
            "{}",
            run.streams()
        );
    }
}

#[tokio::test]
async fn a_signal_before_anything_was_promoted_promotes_nothing() {
    let limited = Behaviour::RateLimited {
        retry_after: Some("60".to_owned()),
        reset: None,
    };
    let simulator = three([(); 3].map(|()| endless())).await;
    simulator.add_fault(Fault::on("promotePipelineV3").does(limited));
    let running = promotes(&simulator, &[EU, US]).start();
    called(&simulator, "promotePipelineV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("No deployment was started");
    assert_eq!(simulator.calls("promotePipelineV3"), 1);
}

#[tokio::test]
async fn every_target_whose_log_lacks_lines_is_named() {
    // More at one moment than a call returns.
    let noisy = || {
        let later = Duration::from_secs(1);
        let script = Script::success().never_ends();
        // So that they need not be read once more at the end.
        let script = script.log_line(later, "INFO", "later");
        (0..5500).fold(script, |script, n| {
            script.log_line(Duration::from_millis(50), "INFO", format!("line {n}"))
        })
    };
    let targets = [
        target(EU, "shop-eu", noisy()),
        target(US, "shop-us", noisy()),
    ];
    let world = world(targets).pipeline(Pipeline::new(PIPELINE));
    let simulator = Simulator::start(world.limits(Limits::none().headers(false))).await;
    let run = promotes(&simulator, &[EU, US])
        .set("SEVALLA_LOG_FILE", "deploy.log")
        .start()
        .finish_once_read(&simulator, &[EU, US])
        .await;

    run.assert_ended(0, "success");
    let log = run
        .file("deploy.log")
        .unwrap_or_else(|| panic!("{}", run.stderr));
    let mut last: Vec<&str> = log.lines().rev().take(2).collect();
    last.sort_unstable();
    for (line, name) in last.into_iter().zip(["shop-eu", "shop-us"]) {
        let beginning = format!("{name}: The log may lack lines");
        assert!(line.starts_with(&beginning), "{line}");
    }
}

#[tokio::test]
async fn a_signal_after_a_refusal_leaves_no_doubt_either() {
    let simulator = three([(); 3].map(|()| endless())).await;
    simulator.add_fault(Fault::on("promotePipelineV3").does(Behaviour::status(403)));
    // Asked once the promotion was refused.
    let key = "getCurrentApiKey";
    simulator.add_fault(Fault::on(key).does(Behaviour::HangBeforeApplying));
    let running = promotes(&simulator, &[EU, US]).start();
    called(&simulator, key).await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("No deployment was started");
    run.assert_told("HTTP 403");
}

#[tokio::test]
async fn the_end_of_our_time_cancels_those_that_go_on() {
    let simulator = three([endless(), Script::success(), endless()]).await;
    let run = promotes(&simulator, &[EU, US, ASIA])
        .set("SEVALLA_TIMEOUT", "5s")
        .set("SEVALLA_ON_TIMEOUT", "cancel")
        .run()
        .await;

    run.assert_ended(4, "timed-out");
    run.assert_told("failed for 2 of 3: shop-eu, shop-asia");
    for (target, is_cancelled) in [(EU, true), (US, false), (ASIA, true)] {
        let id = &made(&simulator, target)[0].id;
        assert_eq!(simulator.cancelled(id), is_cancelled, "{target}");
    }
}

#[tokio::test]
async fn hostile_names_do_no_harm() {
    let name =
        "x\r::error::y\u{1b}[2J | `<img src=x>` @team $(id) ##[error]z\n::set-output name=a::b";
    let targets = [
        target(EU, name, Script::success()),
        target(US, name, Script::failed()),
    ];
    let simulator = started(targets, Pipeline::new(PIPELINE)).await;
    let run = promotes(&simulator, &[EU, US]).on_github().run().await;

    run.assert_ended(1, "failed");
    let commands = obeyed(&run.stdout, Stopping::Ignored);
    let names: Vec<&str> = commands
        .iter()
        .map(|command| command.name.as_str())
        .collect();
    let ours = ["group", "endgroup", "stop-commands", "resume", "error"];
    assert!(names.iter().all(|name| ours.contains(name)), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "error").count(), 1);
    assert!(!run.streams().contains('\u{1b}'));
    let told = promotions(&run);
    assert_eq!(told.len(), 2);
    assert!(
        !told[0]["name"].as_str().unwrap().contains(char::is_control),
        "{told:?}"
    );
    let summary = run.file("github-summary").unwrap();
    assert!(!outside_code_of(&summary).contains("<img"), "{summary}");
}

/// What is rendered of a summary, whatever the number of a table's columns.
fn outside_code_of(markdown: &str) -> String {
    let (head, rest) = markdown.split_once("| Target |").unwrap();
    let (table, rest) = rest.split_once("\n\n").unwrap();
    let rows = table.lines().skip(2);
    let cells: Vec<String> = rows
        .map(|row| {
            let row = row.replace("\\|", "/");
            assert_eq!(row.matches('|').count(), 6, "{row}");
            row.replace('|', "\n\n")
        })
        .collect();
    [head, &cells.join("\n"), rest].map(outside_code).concat()
}
