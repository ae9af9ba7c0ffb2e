//! Making and deploying preview apps.

use std::time::Duration;

use serde_json::{Value, json};
use sevalla_simulator::{
    Application, Behaviour, Deletion, DeploymentType, Fault, Limits, PastDeployment, Pipeline,
    Preview, Push, Script, Simulator, World,
};

use crate::harness::{
    A_FEW_VISITS, APP, PIPELINE, PullRequest, Runner, SOON, called, stopped, until,
};

const OPENED: PullRequest = PullRequest::OPENED;

const REPOSITORY: &str = "https://github.example/octo/shop";

/// The branch's preview app as the pipeline makes it.
fn template() -> Application {
    Application::new(APP).repo_url(REPOSITORY)
}

/// A preview app that is there, of this branch.
fn existing(id: &str, name: &str, branch: &str) -> Application {
    Application::new(id)
        .display_name(name)
        .kind("previewApp")
        .source("app")
        .repo_url(REPOSITORY)
        .default_branch(branch)
        .past(PastDeployment::success().branch(branch))
}

async fn pipeline(preview: Preview) -> Simulator {
    started(World::new(), preview).await
}

async fn started(world: World, preview: Preview) -> Simulator {
    Simulator::start(world.pipeline(Pipeline::new(PIPELINE).preview(preview))).await
}

fn previews(simulator: &Simulator) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "preview")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .on_pull_request(&OPENED)
}

/// The bodies of the creations that were asked for.
fn asked(simulator: &Simulator) -> Vec<Value> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == "createPreviewApp");
    calls.map(|call| call.json().unwrap()).collect()
}

#[tokio::test]
async fn an_app_is_made_for_the_pull_request_and_followed_to_its_address() {
    let first = Script::success().commit_sha(OPENED.commit).log_line(
        Duration::from_millis(20),
        "INFO",
        "building x",
    );
    let preview = Preview::new()
        .next(template().next(first))
        .deploys_after(Duration::from_millis(1500));
    let simulator = pipeline(preview).await;
    let run = previews(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(
        asked(&simulator),
        [json!({ "branch": "feature/x", "pull_request_number": 7 })]
    );
    let apps = simulator.preview_apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].pull_request, Some(7));
    assert_eq!(run.output("preview-app-id"), APP);
    assert_eq!(run.output("created"), "true");
    assert_eq!(
        run.output("url"),
        format!("https://{}.sevalla.app", apps[0].name)
    );
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
    assert_eq!(run.output("commit-sha"), OPENED.commit);
    run.assert_told("| building x");
    assert_eq!(simulator.deployments(APP).len(), 1);
    let summary = run.file("github-summary").unwrap();
    assert!(summary.contains(&apps[0].name), "{summary}");
}

#[tokio::test]
async fn a_second_run_deploys_the_app_that_is_there() {
    let simulator = pipeline(Preview::new().next(template())).await;
    let first = previews(&simulator).run().await;
    first.assert_ended(0, "success");
    let second = previews(&simulator)
        .set("SEVALLA_ACTION", "create-preview-app")
        .run()
        .await;

    second.assert_ended(0, "success");
    assert_eq!(second.output("created"), "false");
    assert_eq!(
        second.output("preview-app-id"),
        first.output("preview-app-id")
    );
    assert_eq!(second.output("url"), first.output("url"));
    assert_eq!(asked(&simulator).len(), 1);
    assert_eq!(simulator.preview_apps().len(), 1);
    let trigger = simulator
        .journal()
        .into_iter()
        .find(|call| call.operation == "triggerDeploymentV3");
    assert_eq!(
        trigger.unwrap().json().unwrap(),
        json!({ "branch": "feature/x" })
    );
}

#[tokio::test]
async fn any_ci_can_say_what_to_preview() {
    let simulator = pipeline(Preview::new().next(template())).await;
    let run = Runner::against(&simulator)
        .set("PLUGIN_ACTION", "create-preview-app")
        .set("PLUGIN_PIPELINE_ID", PIPELINE)
        .set("PLUGIN_BRANCH", "topic")
        .set("PLUGIN_PULL_REQUEST_NUMBER", "12")
        .run()
        .await;

    run.assert_ended(0, "success");
    assert_eq!(
        asked(&simulator),
        [json!({ "branch": "topic", "pull_request_number": 12 })]
    );
}

#[tokio::test]
async fn the_app_is_found_behind_hundreds_of_others() {
    let filler = |number: usize| {
        let id = format!("7f1c1d0e-8a57-4c0b-9d5e-{number:012}");
        Application::new(id).display_name(format!("app {number}"))
    };
    // The oldest, so the last of the last page.
    let world = World::new().application(existing(APP, "PR #7 feature/x", "feature/x"));
    let world = (0..230).map(filler).fold(world, World::application);
    let simulator = started(world, Preview::new()).await;
    let run = previews(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(run.output("preview-app-id"), APP);
    assert_eq!(asked(&simulator).len(), 0);
    assert_eq!(simulator.calls("listApplicationsV3"), 3);
    // The records of what is no preview are nobody's business.
    assert!(simulator.calls("getApplicationV3") < 10);
}

#[tokio::test]
async fn a_push_that_sevalla_deploys_is_followed_and_not_deployed_again() {
    let app = existing(APP, "PR #7 feature/x", "feature/x").auto_deploy(true);
    let simulator = started(World::new().application(app), Preview::new()).await;
    let script = Script::success().run(Duration::from_secs(2));
    let running = previews(&simulator).start();
    called(&simulator, "listDeploymentsV3").await;
    simulator.push_to(
        APP,
        Push::to("feature/x")
            .commit_sha(OPENED.commit)
            .script(script),
    );
    let run = running.finish().await;

    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
    assert_eq!(run.output("commit-sha"), OPENED.commit);
    assert!(run.output("url").starts_with("https://"));

    // And once it is live there is nothing to do.
    let again = previews(&simulator).run().await;
    again.assert_ended(0, "success");
    again.assert_told("The preview is up to date");
    assert_eq!(again.output("url"), run.output("url"));
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
}

#[tokio::test]
async fn a_push_that_path_filters_skip_leaves_the_preview_as_it_is() {
    for (policy, code) in [(None, 0), (Some("fail"), 3)] {
        let app = existing(APP, "PR #7 feature/x", "feature/x").auto_deploy(true);
        let simulator = started(World::new().application(app), Preview::new()).await;
        let mut runner = previews(&simulator);
        if let Some(policy) = policy {
            runner = runner.set("SEVALLA_ON_SKIPPED", policy);
        }
        let running = runner.start();
        // The next look is made after the first was answered: the push is new to it.
        until(|| simulator.calls("listDeploymentsV3") > 1).await;
        let push = Push::to("feature/x").commit_sha(OPENED.commit);
        simulator.push_to(APP, push.filtered_out(APP));
        let run = running.finish().await;

        run.assert_ended(code, "skipped");
        run.assert_told("The previous version is still live");
        assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
        assert_eq!(run.output("preview-app-id"), APP);
    }
}

#[tokio::test]
async fn a_commit_that_is_told_late_is_waited_for() {
    let app = existing(APP, "PR #7 feature/x", "feature/x").auto_deploy(true);
    let simulator = started(World::new().application(app), Preview::new()).await;
    let late = sevalla_simulator::CommitKnown::AtEnd;
    let script = Script::success()
        .run(Duration::from_secs(3))
        .commit_known(late);
    simulator.push_to(
        APP,
        Push::to("feature/x")
            .commit_sha(OPENED.commit)
            .script(script),
    );
    let run = previews(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
    assert_eq!(run.output("commit-sha"), OPENED.commit);
}

#[tokio::test]
async fn a_deployment_of_this_commit_that_failed_before_is_made_good() {
    let failed = PastDeployment::failed()
        .branch("feature/x")
        .commit_sha(OPENED.commit);
    let app = existing(APP, "PR #7 feature/x", "feature/x")
        .auto_deploy(true)
        .past(failed.ago(Duration::from_secs(600)));
    let simulator = started(World::new().application(app), Preview::new()).await;
    let run = previews(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 1);
}

#[tokio::test]
async fn an_app_that_sevalla_makes_by_itself_is_waited_for_and_taken() {
    let first = Script::success()
        .run(Duration::from_secs(2))
        .commit_sha(OPENED.commit);
    let preview = Preview::new()
        .next(template().next(first))
        .auto_create_app(true)
        .auto_creates_after(Duration::from_millis(1500));
    let simulator = pipeline(preview).await;
    simulator.open_pull_request(7, "feature/x");
    let run = previews(&simulator).run().await;

    run.assert_ended(0, "success");
    assert_eq!(asked(&simulator).len(), 0);
    assert_eq!(simulator.preview_apps().len(), 1);
    assert_eq!(run.output("preview-app-id"), APP);
    assert_eq!(run.output("created"), "false");
    // It was being deployed already.
    assert_eq!(simulator.deployments(APP).len(), 1, "{}", run.streams());
    assert_eq!(
        run.output("deployment-id"),
        simulator.deployments(APP)[0].id
    );
}

#[tokio::test]
async fn a_pipeline_that_cannot_have_previews_is_explained() {
    let not_offered = World::new().without("createPreviewApp");
    for (simulator, told) in [
        (
            started(not_offered, Preview::new()).await,
            "does not offer creating preview apps through the API to this company yet",
        ),
        (
            pipeline(Preview::new().configured(false)).await,
            "the settings of its preview apps filled in",
        ),
        (
            Simulator::start(World::new().pipeline(Pipeline::new(PIPELINE))).await,
            "Previews are not enabled on the pipeline",
        ),
        (Simulator::start(World::new()).await, "read the pipeline"),
    ] {
        let run = previews(&simulator).run().await;
        run.assert_ended(9, "rejected");
        run.assert_told(told);
        assert!(asked(&simulator).len() <= 1);
        assert_eq!(run.output("preview-app-id"), "");
    }
}

#[tokio::test]
async fn a_quota_that_frees_in_time_is_waited_for_and_one_that_does_not_is_told() {
    let limited = |seconds: &str| {
        Fault::on("createPreviewApp")
            .first(1)
            .does(Behaviour::RateLimited {
                retry_after: Some(seconds.to_owned()),
                reset: None,
            })
    };
    let short = pipeline(Preview::new().next(template())).await;
    short.add_fault(limited("2"));
    let run = previews(&short).run().await;
    run.assert_ended(0, "success");
    assert_eq!(asked(&short).len(), 2);
    assert_eq!(short.preview_apps().len(), 1);

    let limits = Limits::documented().creation(0);
    let long = started(World::new().limits(limits), Preview::new()).await;
    let run = previews(&long).run().await;
    run.assert_ended(6, "unavailable");
    run.assert_told("A company can create 20 services an hour");
    run.assert_told("1h00m");
    assert!(run.took < SOON, "{:?}", run.took);
    assert_eq!(asked(&long).len(), 1);
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_makes_one_app() {
    for (lost, sendings) in [
        (Behaviour::ResetAfterApplying, 1),
        (Behaviour::NotJson, 1),
        (
            Behaviour::ErrorAfterApplying(502, sevalla_simulator::Payload::Empty),
            1,
        ),
        (Behaviour::ResetBeforeApplying, 2),
    ] {
        let simulator = pipeline(Preview::new().next(template())).await;
        simulator.add_fault(Fault::on("createPreviewApp").first(1).does(lost));
        let run = previews(&simulator).run().await;

        run.assert_ended(0, "success");
        assert_eq!(asked(&simulator).len(), sendings);
        assert_eq!(simulator.preview_apps().len(), 1);
        assert_eq!(run.output("preview-app-id"), APP);
        assert_eq!(run.output("created"), "true");
    }
}

#[tokio::test]
async fn a_lost_creation_in_another_repository_is_not_sent_again() {
    let other = template().repo_url("https://github.example/octo/shop-old");
    let simulator = pipeline(Preview::new().next(other)).await;
    let lost = Behaviour::ResetAfterApplying;
    simulator.add_fault(Fault::on("createPreviewApp").first(1).does(lost));
    let run = previews(&simulator).run().await;

    assert_eq!(run.output("outcome"), "ambiguous", "{}", run.streams());
    run.assert_told(APP);
    assert_eq!(asked(&simulator).len(), 1);
    assert_eq!(simulator.preview_apps().len(), 1);
}

#[tokio::test]
async fn a_preview_behind_too_many_others_is_not_taken_for_gone() {
    let filler = |number: usize| Application::new(format!("7f1c1d0e-8a57-4c0b-9d5e-{number:012}"));
    let world = World::new().application(existing(APP, "PR #7 feature/x", "feature/x"));
    let world = (0..2000).map(filler).fold(world, World::application);
    let simulator = started(world, Preview::new().next(template())).await;
    let run = |event: PullRequest| previews(&simulator).on_pull_request(&event).run();
    let runs = tokio::join!(run(OPENED), run(PullRequest::CLOSED));
    for run in [runs.0, runs.1] {
        run.assert_ended(9, "rejected");
        run.assert_told("There are too many apps");
        run.assert_told("app-id");
    }
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn an_app_that_another_run_has_made_meanwhile_is_taken() {
    let preview = Preview::new().next(template()).refuses_second_with(409);
    let simulator = pipeline(preview).await;
    let create = "createPreviewApp";
    // The first to ask is the last to be served.
    let overtaken = Fault::on(create).nth(1).after_answers(create, 1);
    simulator.add_fault(overtaken.does(Behaviour::Delay(Duration::from_secs(1))));
    let slow = previews(&simulator).start();
    called(&simulator, "createPreviewApp").await;
    previews(&simulator).run().await.assert_ended(0, "success");
    let slow = slow.finish().await;

    slow.assert_ended(0, "success");
    assert_eq!(simulator.preview_apps().len(), 1);
    assert_eq!(slow.output("preview-app-id"), APP);
    assert_eq!(slow.output("created"), "false");
}

#[tokio::test]
async fn apps_that_could_all_be_meant_are_left_alone() {
    let other = "5a0d5a1f-8a57-4c0b-9d5e-2f6d1f0f7a12";
    let world = World::new()
        .application(existing(APP, "feature/x", "feature/x"))
        .application(existing(other, "Fix, closes #123", "feature/x"));
    let simulator = started(world, Preview::new()).await;
    let run = previews(&simulator).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told(APP);
    run.assert_told(other);
    run.assert_told("app-id");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    // Which it is can be said.
    let run = previews(&simulator)
        .set("SEVALLA_APP_ID", other)
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("preview-app-id"), other);
}

#[tokio::test]
async fn apps_of_other_repositories_and_pull_requests_are_not_touched() {
    let id = |number: u32| format!("7f1c1d0e-8a57-4c0b-9d5e-{number:012}");
    let world = World::new()
        .application(
            existing(&id(1), "feature/x", "feature/x")
                .repo_url("https://github.example/octo/other"),
        )
        .application(
            existing(&id(2), "feature/x", "feature/x")
                .repo_url("https://github.example/evil/octo/shop-2"),
        )
        .application(existing(&id(3), "PR #17 feature/x", "feature/x"))
        .application(existing(&id(4), "feature/x", "feature/x").kind("app"))
        .application(existing(&id(5), "PR #8 feature/y", "feature/y"));
    let simulator = started(world, Preview::new().next(template())).await;
    let run = previews(&simulator).run().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("preview-app-id"), APP);
    let gone = previews(&simulator)
        .on_pull_request(&PullRequest::CLOSED)
        .run()
        .await;
    gone.assert_ended(0, "success");
    assert!(simulator.application(APP).is_none());
    for number in 1..=5 {
        assert_eq!(simulator.deployments(&id(number)).len(), 1, "{number}");
        assert!(simulator.application(&id(number)).is_some(), "{number}");
    }
}

/// A preview app of a repository that has only the last part of its name in
/// common with that of the run.
fn of_namesake(name: &str) -> Application {
    existing(APP, name, "feature/x").repo_url("https://github.example/other/shop")
}

#[tokio::test]
async fn the_app_of_a_namesake_is_not_deleted() {
    for name in ["feature/x", "PR #7 feature/x"] {
        let simulator = started(World::new().application(of_namesake(name)), Preview::new()).await;
        let run = previews(&simulator)
            .on_pull_request(&PullRequest::CLOSED)
            .run()
            .await;
        run.assert_ended(9, "rejected");
        run.assert_told(APP);
        run.assert_told("https://github.example/other/shop");
        run.assert_told("name it with app-id");
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
    }
}

#[tokio::test]
async fn the_app_of_a_namesake_is_taken_only_by_its_number() {
    for (name, creations) in [("feature/x", 1), ("PR #7 feature/x", 0)] {
        let world = World::new().application(of_namesake(name));
        let simulator = started(world, Preview::new().next(template())).await;
        let run = previews(&simulator).run().await;
        run.assert_ended(0, "success");
        assert_eq!(asked(&simulator).len(), creations, "{name}");
        let touched = simulator.deployments(APP).len() > 1;
        assert_eq!(touched, creations == 0, "{name}");
    }
}

#[tokio::test]
async fn an_app_that_may_be_another_pipelines_is_warned_of() {
    let other = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
    let app = || existing(APP, "PR #7 feature/x", "feature/x");
    let one = started(World::new().application(app()), Preview::new()).await;
    let two = World::new()
        .application(app())
        .pipeline(Pipeline::new(other).preview(Preview::new()));
    let two = started(two, Preview::new()).await;
    let told = "Several pipelines have previews";
    let run = previews(&two).run().await;
    run.assert_ended(0, "success");
    run.assert_told(told);
    run.assert_told("app-id");
    let run = previews(&two).set("SEVALLA_APP_ID", APP).run().await;
    assert!(!run.streams().contains(told));
    let run = previews(&one).run().await;
    assert!(!run.streams().contains(told));
}

#[tokio::test]
async fn of_two_runs_at_once_one_makes_way() {
    let simulator = pipeline(Preview::new().next(template())).await;
    let create = "createPreviewApp";
    // The first to ask is the last to be served.
    let overtaken = Fault::on(create).nth(1).after_answers(create, 1);
    simulator.add_fault(overtaken.does(Behaviour::Delay(Duration::from_secs(1))));
    let slow = previews(&simulator).start();
    called(&simulator, "createPreviewApp").await;
    let quick = previews(&simulator).run().await;
    let slow = slow.finish().await;

    quick.assert_ended(0, "success");
    slow.assert_ended(0, "success");
    assert_eq!(asked(&simulator).len(), 2);
    assert_eq!(simulator.preview_apps().len(), 1);
    for run in [&quick, &slow] {
        assert_eq!(run.output("preview-app-id"), APP, "{}", run.streams());
    }
    assert_eq!(slow.output("created"), "false");
    assert_eq!(simulator.deployments(APP).len(), 1);
    previews(&simulator).run().await.assert_ended(0, "success");
}

#[tokio::test]
async fn closing_deletes_every_app_of_the_pull_request() {
    let other = "5a0d5a1f-8a57-4c0b-9d5e-2f6d1f0f7a12";
    let unnumbered = "7f1c1d0e-8a57-4c0b-9d5e-000000000001";
    let world = World::new()
        .application(existing(APP, "PR #7 feature/x", "feature/x"))
        .application(existing(other, "PR #7 feature/x", "feature/x"))
        .application(existing(unnumbered, "feature/x", "feature/x"));
    let simulator = started(world, Preview::new()).await;
    let run = previews(&simulator)
        .on_pull_request(&PullRequest::CLOSED)
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told(APP);
    run.assert_told(other);
    assert!(simulator.application(APP).is_none());
    assert!(simulator.application(other).is_none());
    assert!(simulator.application(unnumbered).is_some());
}

#[tokio::test]
async fn waiting_for_sevalla_ends_with_the_runs_time() {
    let never = Preview::new()
        .auto_create_app(true)
        .auto_creates_after(Duration::from_secs(600));
    let no_app = pipeline(never).await;
    let app = existing(APP, "PR #7 feature/x", "feature/x").auto_deploy(true);
    let no_commit = started(World::new().application(app), Preview::new()).await;
    let late = sevalla_simulator::CommitKnown::AtEnd;
    let script = Script::success().never_ends().commit_known(late);
    no_commit.push_to(APP, Push::to("feature/x").script(script));
    for (simulator, told) in [
        (no_app, "own preview app did not appear"),
        (no_commit, "own deployment did not show its commit"),
    ] {
        let run = previews(&simulator)
            .set("SEVALLA_TIMEOUT", "7s")
            .run()
            .await;
        run.assert_ended(4, "timed-out");
        run.assert_told(told);
        run.assert_told("timeout");
        assert!(simulator.journal().iter().all(|call| call.method == "GET"));
        assert!(run.took < Duration::from_secs(42), "{:?}", run.took);
    }
}

#[tokio::test]
async fn a_preview_that_is_up_to_date_is_verified_all_the_same() {
    let live = PastDeployment::success()
        .branch("feature/x")
        .commit_sha(OPENED.commit);
    let app = existing(APP, "PR #7 feature/x", "feature/x").past(live);
    let simulator = started(World::new().application(app), Preview::new()).await;
    let server = wiremock::MockServer::start().await;
    let run = previews(&simulator)
        .set("SEVALLA_VERIFY_URL", server.uri())
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
        .set("SEVALLA_PURGE_CACHE", "true")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    assert_eq!(simulator.calls("triggerDeploymentV3"), 0);
    assert_eq!(simulator.cache_purges(APP), 1);
}

#[tokio::test]
async fn a_pipeline_of_another_repository_is_warned_of() {
    let template = template().repo_url("https://github.example/octo/shop-old");
    let simulator = pipeline(Preview::new().next(template)).await;
    let run = previews(&simulator).run().await;
    run.assert_ended(0, "success");
    run.assert_told("The pipeline builds https://github.example/octo/shop-old");
    // What is told to be given is enough.
    let run = previews(&simulator).set("SEVALLA_APP_ID", APP).run().await;
    run.assert_ended(0, "success");
    assert_eq!(simulator.preview_apps().len(), 1);
    assert!(!run.streams().contains("The pipeline builds"));
}

#[tokio::test]
async fn a_pull_request_that_closes_during_the_build_leaves_no_preview() {
    let first = Script::success().run(Duration::from_secs(2));
    let going = Deletion::new().takes(Duration::from_secs(3));
    let simulator = pipeline(Preview::new().next(template().next(first).deletion(going))).await;
    let running = previews(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    simulator.close_pull_request(7);
    let run = running.finish().await;

    run.assert_ended(0, "skipped");
    run.assert_told("The pull request was closed meanwhile");
    assert!(simulator.preview_apps().is_empty());
    assert_eq!(run.output("url"), "");
}

#[tokio::test]
async fn an_app_that_vanishes_during_the_build_is_no_success_of_its_own() {
    let first = Script::success().run(Duration::from_secs(30));
    let going = Deletion::new().takes(Duration::ZERO);
    for (action, code, outcome) in [
        ("preview", 0, "skipped"),
        ("create-preview-app", 9, "rejected"),
    ] {
        let template = template().next(first.clone()).deletion(going.clone());
        let simulator = pipeline(Preview::new().next(template)).await;
        let running = previews(&simulator).set("SEVALLA_ACTION", action).start();
        called(&simulator, "getDeploymentV3").await;
        simulator.close_pull_request(7);
        running.finish().await.assert_ended(code, outcome);
    }
}

#[tokio::test]
async fn a_failed_build_fails_the_run_and_leaves_the_app_for_the_next_push() {
    let first = Script::failed().log_line(Duration::from_millis(10), "ERROR", "no such module");
    let simulator = pipeline(Preview::new().next(template().next(first))).await;
    let run = previews(&simulator).run().await;

    run.assert_ended(1, "failed");
    run.assert_told("ERROR | no such module");
    assert_eq!(run.output("preview-app-id"), APP);
    assert_eq!(run.output("url"), "");
    assert_eq!(simulator.preview_apps().len(), 1);
}

#[tokio::test]
async fn a_closed_pull_request_deletes_its_preview() {
    let app = existing(APP, "PR #7 feature/x", "feature/x");
    let simulator = started(World::new().application(app), Preview::new()).await;
    let closes = || previews(&simulator).on_pull_request(&PullRequest::CLOSED);
    let run = closes().run().await;
    run.assert_ended(0, "success");
    assert!(simulator.application(APP).is_none());
    assert_eq!(run.output("preview-app-id"), APP);

    let again = closes().run().await;
    again.assert_ended(0, "success");
    again.assert_told("no such preview app");
    assert_eq!(simulator.calls("deleteApplicationV3"), 1);
}

#[tokio::test]
async fn a_fork_is_told_that_it_gets_no_preview() {
    let fork = PullRequest {
        head: "mallory/shop",
        ..OPENED
    };
    let simulator = pipeline(Preview::new()).await;
    let without_key = || {
        Runner::bare()
            .set("SEVALLA_API_URL", simulator.url())
            .set("SEVALLA_ACTION", "preview")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .on_pull_request(&fork)
    };
    let run = without_key().run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("the pull request comes from a fork");
    run.assert_told("skip-without-token");
    let run = without_key()
        .set("SEVALLA_SKIP_WITHOUT_TOKEN", "true")
        .run()
        .await;
    run.assert_ended(0, "skipped");
    run.assert_told("the pull request comes from a fork");
    let run = previews(&simulator).on_pull_request(&fork).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("a fork, whose branches Sevalla does not build");
    run.assert_told("Set on-fork to skip");
    // Ours may have a branch of the same name: it is another one.
    let with_branch = previews(&simulator).set("SEVALLA_BRANCH", "feature/x");
    let run = with_branch.on_pull_request(&fork).run().await;
    run.assert_ended(2, "invalid-input");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_fork_with_a_key_passes_where_that_is_wanted() {
    let fork = PullRequest {
        head: "mallory/shop",
        ..OPENED
    };
    let simulator = pipeline(Preview::new()).await;
    for action in ["preview", "create-preview-app", "deploy-app"] {
        let run = previews(&simulator)
            .set("SEVALLA_ACTION", action)
            .set("SEVALLA_ON_FORK", "skip")
            .on_pull_request(&fork)
            .run()
            .await;
        run.assert_ended(0, "skipped");
        run.assert_told("Skipped: the pull request comes from a fork");
    }
    assert!(simulator.journal().is_empty());
    let run = previews(&simulator)
        .set("SEVALLA_ON_FORK", "skip")
        .on_pull_request(&OPENED)
        .run()
        .await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_fork_cannot_delete_a_preview_by_the_name_of_its_branch() {
    let world = World::new().application(existing(APP, "feature/x", "feature/x"));
    let simulator = started(world, Preview::new()).await;
    let fork = PullRequest {
        number: 66,
        head: "mallory/shop",
        ..PullRequest::CLOSED
    };
    for action in ["preview", "delete-preview-app"] {
        let run = previews(&simulator)
            .set("SEVALLA_ACTION", action)
            .on_pull_request(&fork)
            .set("GITHUB_EVENT_NAME", "pull_request_target")
            .run()
            .await;
        run.assert_ended(0, "success");
    }
    assert!(simulator.application(APP).is_some());
    assert_eq!(simulator.calls("deleteApplicationV3"), 0);
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let simulator = pipeline(Preview::new()).await;
    let run = previews(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    run.assert_ended(0, "planned");
    run.assert_told("create a preview app for branch feature/x");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_signal_during_the_build_cancels_it_and_says_that_the_app_is_there() {
    let first = Script::success().never_ends();
    let simulator = pipeline(Preview::new().next(template().next(first))).await;
    let running = previews(&simulator).start();
    called(&simulator, "getDeploymentV3").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
    assert_eq!(run.output("preview-app-id"), APP);
}

#[tokio::test]
async fn a_signal_while_the_app_is_made_cancels_its_first_deployment() {
    for lost in [
        Behaviour::Delay(Duration::from_secs(1)),
        Behaviour::HangAfterApplying,
    ] {
        let first = Script::success().never_ends();
        let simulator = pipeline(Preview::new().next(template().next(first))).await;
        simulator.add_fault(Fault::on("createPreviewApp").does(lost));
        let running = previews(&simulator).start();
        called(&simulator, "createPreviewApp").await;
        let run = stopped(running, "INT").await;

        run.assert_ended(130, "interrupted");
        let made = &simulator.deployments(APP)[0];
        assert!(simulator.cancelled(&made.id), "{}", run.streams());
        assert_eq!(run.output("preview-app-id"), APP);
        assert_eq!(run.output("deployment-id"), made.id);
        run.assert_told("was created");
        run.assert_told("delete-preview-app");
    }
}

#[tokio::test]
async fn a_signal_while_the_creation_is_refused_says_that_nothing_was_made() {
    let simulator = pipeline(Preview::new().configured(false)).await;
    let slow = Behaviour::Delay(Duration::from_secs(1));
    simulator.add_fault(Fault::on("createPreviewApp").does(slow));
    let running = previews(&simulator).start();
    called(&simulator, "createPreviewApp").await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("No deployment was started");
    assert!(!run.streams().contains("is not known"), "{}", run.streams());
}

#[tokio::test]
async fn a_signal_before_the_first_deployment_says_that_the_app_is_there() {
    let preview = Preview::new()
        .next(template())
        .deploys_after(Duration::from_secs(60));
    let simulator = pipeline(preview).await;
    let running = previews(&simulator).start();
    let listed =
        || simulator.calls("createPreviewApp") > 0 && simulator.calls("listDeploymentsV3") > 0;
    until(listed).await;
    let run = stopped(running, "INT").await;

    run.assert_ended(130, "interrupted");
    run.assert_told("its first deployment was not seen yet");
    assert_eq!(run.output("preview-app-id"), APP);
}

#[tokio::test]
async fn a_hostile_branch_and_name_do_no_harm() {
    let branch = "x`$(id)` | ::error::y ##[error]z <img> @team";
    let event = PullRequest { branch, ..OPENED };
    let simulator = pipeline(Preview::new().next(template())).await;
    let run = previews(&simulator).on_pull_request(&event).run().await;

    run.assert_ended(0, "success");
    assert_eq!(asked(&simulator)[0]["branch"], branch);
    let commands = crate::oracle::obeyed(&run.stdout, crate::oracle::Stopping::Ignored);
    assert!(
        commands.iter().all(|command| command.name != "error"),
        "{commands:?}"
    );
    let summary = run.file("github-summary").unwrap();
    let rendered = crate::oracle::outside_code(&summary);
    assert!(
        !rendered.contains("<img>") && !rendered.contains("@team"),
        "{rendered}"
    );
}

#[tokio::test]
async fn what_somebody_else_deploys_meanwhile_is_not_taken_for_the_first() {
    let first = Script::failed();
    let preview = Preview::new()
        .next(template().next(first))
        .deploys_after(Duration::ZERO);
    let simulator = pipeline(preview).await;
    let delayed = Behaviour::Delay(Duration::from_secs(1));
    simulator.add_fault(Fault::on("listDeploymentsV3").does(delayed));
    let running = previews(&simulator).start();
    until(|| !simulator.preview_apps().is_empty()).await;
    simulator.add_deployment(APP, DeploymentType::Manual, Script::success());
    let run = running.finish().await;

    run.assert_ended(1, "failed");
}
