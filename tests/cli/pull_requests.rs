//! What the code host says of a pull request, and whose a preview app is.

use std::time::Duration;

use serde_json::{Value, json};
use sevalla_simulator::{
    AppSnapshot, Application, Behaviour, Deletion, Fault, PastDeployment, Pipeline, Preview,
    Script, Simulator, World,
};
use wiremock::MockServer;

use crate::harness::{
    APP, Finished, PIPELINE, PullRequest, Runner, called, ids, stopped, together, until,
};
use crate::hub::{Hub, Pull, TOKEN};

const REPOSITORY: &str = "https://github.example/octo/shop";
const BRANCH: &str = "feature/x";

/// A preview app that is there.
fn existing(id: &str, name: &str, branch: &str) -> Application {
    Application::new(id)
        .display_name(name)
        .kind("previewApp")
        .source("app")
        .repo_url(REPOSITORY)
        .default_branch(branch)
        .past(PastDeployment::success().branch(branch))
}

async fn sevalla(apps: impl IntoIterator<Item = Application>, preview: Preview) -> Simulator {
    let pipeline = Pipeline::new(PIPELINE).preview(preview);
    let world = apps.into_iter().fold(World::new(), World::application);
    Simulator::start(world.pipeline(pipeline)).await
}

fn template() -> Preview {
    Preview::new().next(Application::new(APP).repo_url(REPOSITORY))
}

/// A run of this action that may ask the code host.
fn asks(simulator: &Simulator, server: &MockServer, action: &str) -> Runner {
    Runner::does(simulator, action)
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .secret("SEVALLA_GITHUB_TOKEN", TOKEN)
        .on_github()
        .set("GITHUB_REF", "refs/heads/main")
        .set("GITHUB_API_URL", server.uri())
}

/// The same for this event of a pull request.
fn of_event(simulator: &Simulator, server: &MockServer, event: &PullRequest) -> Runner {
    asks(simulator, server, "preview")
        .on_pull_request(event)
        .set("GITHUB_API_URL", server.uri())
}

/// The same for a comment on pull request 7, whose event names no branch.
fn of_comment(simulator: &Simulator, server: &MockServer, state: &str) -> Runner {
    let runner = asks(simulator, server, "preview");
    let event = json!({
        "action": "created", "comment": { "body": "/preview" },
        "issue": { "number": 7, "state": state, "pull_request": { "url": "x" } },
        "repository": { "full_name": "octo/shop", "default_branch": "main" },
    });
    let path = runner.path("event.json");
    std::fs::write(&path, event.to_string()).unwrap();
    runner
        .set("GITHUB_EVENT_NAME", "issue_comment")
        .set("GITHUB_EVENT_PATH", path)
}

/// The same for a dispatched run that is told the number.
fn dispatched(simulator: &Simulator, server: &MockServer) -> Runner {
    asks(simulator, server, "create-preview-app")
        .set("GITHUB_EVENT_NAME", "workflow_dispatch")
        .set("SEVALLA_PULL_REQUEST_NUMBER", "7")
}

/// The bodies of the creations that were asked for.
fn creations(simulator: &Simulator) -> Vec<Value> {
    let calls = simulator.journal().into_iter();
    let calls = calls.filter(|call| call.operation == "createPreviewApp");
    calls.map(|call| call.json().unwrap()).collect()
}

fn assert_only_read(simulator: &Simulator) {
    let calls = simulator.journal();
    assert!(calls.iter().all(|call| call.method == "GET"));
}

/// The comment of this program about an app.
fn mark(app: &str) -> String {
    format!("<!-- sevalla-deploy:{PIPELINE} app:{app} -->\n### ready https://x.sevalla.app")
}

fn assert_gone(simulator: &Simulator, id: &str) {
    assert!(simulator.application(id).is_none(), "{id} is there");
}

fn assert_there(simulator: &Simulator, id: &str) {
    assert!(simulator.application(id).is_some(), "{id} is gone");
}

#[tokio::test]
async fn the_branch_and_commit_are_those_of_the_pull_request() {
    for dispatch in [false, true] {
        let hub = Hub::with(7, Pull::open("topic"));
        let server = hub.serve().await;
        let simulator = sevalla([], template()).await;
        let run = if dispatch {
            dispatched(&simulator, &server)
        } else {
            of_comment(&simulator, &server, "open")
        };
        run.run().await.assert_ended(0, "success");
        let asked = json!({ "branch": "topic", "pull_request_number": 7 });
        assert_eq!(creations(&simulator), [asked]);
        assert!(hub.comments(7)[0].contains("ready"));
    }
}

#[tokio::test]
async fn a_forks_request_gets_no_preview_of_a_branch_of_ours() {
    let ways = [0, 1, 2, 3].map(|way| async move {
        let hub = Hub::with(7, Pull::of_fork(BRANCH));
        let server = hub.serve().await;
        let simulator = sevalla([existing(APP, BRANCH, BRANCH)], Preview::new()).await;
        let runner = || match way {
            0 => of_comment(&simulator, &server, "open"),
            1 => dispatched(&simulator, &server),
            2 => dispatched(&simulator, &server).set("SEVALLA_BRANCH", BRANCH),
            // The event is older than the code host's word.
            _ => of_event(&simulator, &server, &PullRequest::OPENED),
        };
        let run = runner().run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("pull request 7: the pull request comes from a fork");
        run.assert_told("mallory/shop");
        run.assert_told("on-fork");
        let run = runner().set("SEVALLA_ON_FORK", "skip").run().await;
        run.assert_ended(0, "skipped");
        assert_only_read(&simulator);
        assert_eq!(hub.writes(), 0, "{way}");
    });
    together(ways).await;
}

#[tokio::test]
async fn a_fork_that_was_closed_deletes_nothing_by_the_name_of_its_branch() {
    for action in ["preview", "delete-preview-app"] {
        let hub = Hub::with(7, Pull::of_fork(BRANCH).closed());
        let server = hub.serve().await;
        let simulator = sevalla([existing(APP, BRANCH, BRANCH)], Preview::new()).await;
        // The branch is given, and the event is one that names none.
        let run = of_comment(&simulator, &server, "closed")
            .set("SEVALLA_ACTION", action)
            .set("SEVALLA_BRANCH", BRANCH)
            .run()
            .await;
        run.assert_ended(0, "success");
        assert_only_read(&simulator);
    }
}

#[tokio::test]
async fn a_request_that_must_be_read_and_cannot_be_ends_the_run() {
    for (status, code, outcome) in [
        (401, 5, "unauthorized"),
        (403, 5, "unauthorized"),
        (404, 5, "unauthorized"),
        (422, 6, "unavailable"),
        (500, 6, "unavailable"),
    ] {
        let hub = Hub::with(7, Pull::open("topic"));
        hub.refuse(status);
        let server = hub.serve().await;
        let simulator = sevalla([], template()).await;
        let run = of_comment(&simulator, &server, "open").run().await;
        run.assert_ended(code, outcome);
        run.assert_told("Could not read pull request 7");
        run.assert_told(&status.to_string());
        assert_only_read(&simulator);
        // What the event says is enough where it says all.
        let run = of_event(&simulator, &server, &PullRequest::OPENED).run();
        run.await.assert_ended(0, "success");
    }
}

#[tokio::test]
async fn a_branch_that_is_not_the_requests_is_refused() {
    let hub = Hub::with(7, Pull::open("topic"));
    let server = hub.serve().await;
    let simulator = sevalla([], template()).await;
    let given = |branch: &str| dispatched(&simulator, &server).set("SEVALLA_BRANCH", branch);
    let run = given("main").run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("Branch main is not the branch of pull request 7, which is topic");
    assert_only_read(&simulator);
    given("topic").run().await.assert_ended(0, "success");
}

#[tokio::test]
async fn without_a_token_a_ci_that_does_not_know_forks_makes_no_preview_on_a_guess() {
    let drone = |simulator: &Simulator| {
        Runner::against(simulator)
            .set("DRONE", "true")
            .set("CI", "true")
            .set("DRONE_BUILD_EVENT", "pull_request")
            .set("DRONE_PULL_REQUEST", "7")
            .set("DRONE_SOURCE_BRANCH", BRANCH)
            .set("DRONE_COMMIT_SHA", PullRequest::OPENED.commit)
            .set("DRONE_GIT_HTTP_URL", format!("{REPOSITORY}.git"))
            .set("PLUGIN_ACTION", "create-preview-app")
            .set("PLUGIN_PIPELINE_ID", PIPELINE)
    };
    let simulator = sevalla([], template()).await;
    let run = drone(&simulator).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("does not say whether the pull request comes from a fork");
    run.assert_told("github-token");
    assert!(simulator.journal().is_empty());
    // Who names the branch knows whose it is.
    let run = drone(&simulator).set("PLUGIN_BRANCH", BRANCH).run().await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_push_to_the_given_branch_knows_its_commit() {
    let live = PastDeployment::success().branch(BRANCH);
    let commit = "1234567890abcdef1234567890abcdef12345678";
    let app = existing(APP, BRANCH, BRANCH).past(live.commit_sha(commit));
    let simulator = sevalla([app], Preview::new()).await;
    let run = Runner::does(&simulator, "create-preview-app")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .set("SEVALLA_BRANCH", BRANCH)
        .on_github()
        .set("GITHUB_REF", format!("refs/heads/{BRANCH}"))
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("The preview is up to date");
    assert_only_read(&simulator);
}

#[tokio::test]
async fn woodpecker_reads_from_the_forge_whether_it_is_a_fork() {
    for (pull, code, outcome) in [
        (Pull::open(BRANCH), 0, "success"),
        (Pull::of_fork(BRANCH), 2, "invalid-input"),
    ] {
        let hub = Hub::with(7, pull);
        let server = hub.serve_below("/api/v1").await;
        let simulator = sevalla([], template()).await;
        let run = Runner::against(&simulator)
            .set("CI", "woodpecker")
            .set("CI_PIPELINE_EVENT", "pull_request")
            .set("CI_COMMIT_PULL_REQUEST", "7")
            .set("CI_COMMIT_SOURCE_BRANCH", BRANCH)
            .set("CI_COMMIT_SHA", PullRequest::OPENED.commit)
            .set("CI_REPO", "octo/shop")
            .set("CI_REPO_CLONE_URL", format!("{REPOSITORY}.git"))
            .set("CI_FORGE_TYPE", "forgejo")
            .set("CI_FORGE_URL", server.uri())
            .set("PLUGIN_ACTION", "preview")
            .set("PLUGIN_PIPELINE_ID", PIPELINE)
            .secret("PLUGIN_GITHUB_TOKEN", TOKEN)
            .run()
            .await;
        run.assert_ended(code, outcome);
        assert_eq!(hub.comments(7).len(), usize::from(code == 0));
        assert_eq!(simulator.preview_apps().len(), usize::from(code == 0));
    }
}

#[tokio::test]
async fn a_renamed_branch_finds_its_app_again() {
    for has_token in [false, true] {
        let hub = Hub::with(7, Pull::open(BRANCH));
        let server = hub.serve().await;
        let name = if has_token { "Add x" } else { "PR #7 old" };
        let app = existing(APP, name, "old").auto_deploy(true);
        let simulator = sevalla([app], Preview::new()).await;
        hub.comment(7, &mark(APP));
        let run = |event: PullRequest| {
            let runner = of_event(&simulator, &server, &event);
            if has_token {
                runner
            } else {
                runner.set("SEVALLA_GITHUB_TOKEN", "")
            }
        };
        let opened = run(PullRequest::OPENED).run().await;
        opened.assert_ended(0, "success");
        assert_eq!(opened.output("preview-app-id"), APP);
        assert_eq!(opened.output("branch"), BRANCH);
        assert_eq!(creations(&simulator).len(), 0);
        // Sevalla's own deployment of the old branch is not waited for.
        assert!(opened.took < Duration::from_secs(42), "{:?}", opened.took);
        hub.set(7, Pull::open(BRANCH).closed());
        run(PullRequest::CLOSED)
            .run()
            .await
            .assert_ended(0, "success");
        assert_gone(&simulator, APP);
    }
}

#[tokio::test]
async fn closing_leaves_the_app_of_another_request_of_the_same_branch() {
    let [ours, other] = [&ids(2)[0], &ids(2)[1]].map(String::clone);
    // What the apps are called, and what the comment on the closed one is about.
    for (our_name, kept, goes) in [
        ("PR #7 feature/x", None, true),
        ("Add x", Some(&ours), true),
        ("Add x, closes #8", Some(&ours), true),
        ("PR #3 again", Some(&ours), true),
        // It may be that of the open one.
        ("PR #8 again", Some(&ours), false),
        // Nothing says whose it is but the branch.
        ("Add x", None, false),
    ] {
        let hub = Hub::with(7, Pull::open(BRANCH).closed());
        hub.set(8, Pull::open(BRANCH));
        let server = hub.serve().await;
        let apps = [
            existing(&other, "PR #8 closes #7", BRANCH),
            existing(&ours, our_name, BRANCH),
        ];
        let simulator = sevalla(apps, Preview::new()).await;
        if let Some(kept) = kept {
            hub.comment(7, &mark(kept));
        }
        let run = of_event(&simulator, &server, &PullRequest::CLOSED).run();
        run.await.assert_ended(0, "success");
        assert_there(&simulator, &other);
        assert_eq!(simulator.application(&ours).is_none(), goes, "{our_name}");
    }
}

#[tokio::test]
async fn closing_deletes_nothing_by_its_branch_while_the_code_host_fails() {
    for (name, status, code, goes) in [
        ("Add x", 500, 6, false),
        ("Add x", 429, 6, false),
        // The number says whose it is.
        ("PR #7 feature/x", 500, 0, true),
        // Nothing more can be known with this token.
        ("Add x", 403, 0, true),
    ] {
        let hub = Hub::with(7, Pull::open(BRANCH).closed());
        hub.refuse_list(status);
        let server = hub.serve().await;
        let simulator = sevalla([existing(APP, name, BRANCH)], Preview::new()).await;
        let run = of_event(&simulator, &server, &PullRequest::CLOSED).run();
        let run = run.await;
        assert_eq!(run.code, Some(code), "{name} {status}: {}", run.streams());
        assert_eq!(
            simulator.application(APP).is_none(),
            goes,
            "{name} {status}"
        );
    }
}

#[tokio::test]
async fn an_app_that_two_comments_name_stays_while_one_of_them_is_open() {
    let hub = Hub::with(7, Pull::open(BRANCH).closed());
    hub.set(8, Pull::open(BRANCH));
    for number in [7, 8] {
        hub.comment(number, &mark(APP));
    }
    let server = hub.serve().await;
    let simulator = sevalla([existing(APP, "Add x", BRANCH)], Preview::new()).await;
    let run = of_event(&simulator, &server, &PullRequest::CLOSED).run();
    run.await.assert_ended(0, "success");
    assert_there(&simulator, APP);
}

#[tokio::test]
async fn a_number_of_the_author_neither_makes_nor_hides_an_app() {
    // Titled so, it belongs to another request and another branch.
    let others = existing(APP, "Fix, closes #7", "feature/y");
    let simulator = sevalla([others], Preview::new()).await;
    let server = Hub::default().serve().await;
    let run = |event: PullRequest| {
        let runner = of_event(&simulator, &server, &event);
        runner.set("SEVALLA_GITHUB_TOKEN", "").run()
    };
    run(PullRequest::CLOSED).await.assert_ended(0, "success");
    assert_there(&simulator, APP);
    run(PullRequest::OPENED).await.assert_ended(0, "success");
    assert_eq!(creations(&simulator).len(), 1);

    let ours = existing(APP, "Fix, closes #123", BRANCH);
    let simulator = sevalla([ours], Preview::new()).await;
    let runner = of_event(&simulator, &server, &PullRequest::OPENED);
    let run = runner.set("SEVALLA_GITHUB_TOKEN", "").run().await;
    assert_eq!(run.output("preview-app-id"), APP);
    assert_eq!(creations(&simulator).len(), 0);
}

/// A title may begin as the names that Sevalla gives.
#[tokio::test]
async fn the_app_of_the_comment_is_deployed_whatever_its_name() {
    let hub = Hub::with(7, Pull::open(BRANCH));
    let server = hub.serve().await;
    let simulator = sevalla([], template().title(7, "PR #3 again")).await;
    for _ in 0..2 {
        let run = of_event(&simulator, &server, &PullRequest::OPENED).run();
        run.await.assert_ended(0, "success");
    }
    assert_eq!(creations(&simulator).len(), 1);
}

#[tokio::test]
async fn a_later_run_keeps_the_oldest_of_twins() {
    let twins = ids(3);
    let apps = || {
        twins
            .iter()
            .map(|id| existing(id, "PR #7 feature/x", BRANCH))
    };
    let server = Hub::default().serve().await;
    let run = |simulator: &Simulator| {
        let runner = of_event(simulator, &server, &PullRequest::OPENED);
        runner.set("SEVALLA_GITHUB_TOKEN", "")
    };
    let simulator = sevalla(apps(), Preview::new()).await;
    let dry = run(&simulator).set("SEVALLA_DRY_RUN", "true").run().await;
    dry.assert_ended(0, "planned");
    dry.assert_told(&twins[2]);
    assert_only_read(&simulator);
    let kept = run(&simulator).run().await;
    kept.assert_ended(0, "success");
    assert_eq!(kept.output("preview-app-id"), twins[0]);
    assert_there(&simulator, &twins[0]);
    assert_gone(&simulator, &twins[1]);
    assert_gone(&simulator, &twins[2]);

    // One that cannot be deleted is no success.
    let simulator = sevalla(apps(), Preview::new()).await;
    let refused = Fault::on("deleteApplicationV3").path_contains(&twins[1]);
    simulator.add_fault(refused.does(Behaviour::status(403)));
    let failed = run(&simulator).run().await;
    failed.assert_ended(5, "unauthorized");
    failed.assert_told(&twins[1]);
    assert_gone(&simulator, &twins[2]);
    assert_eq!(simulator.deployments(&twins[0]).len(), 2);
}

#[tokio::test]
async fn a_run_that_took_its_twin_for_another_requests_app_makes_way_for_it() {
    let others = &ids(1)[0];
    for is_theirs in [false, true] {
        let hub = Hub::with(7, Pull::open(BRANCH));
        hub.set(8, Pull::open(BRANCH));
        if !is_theirs {
            hub.comment(8, &mark(others));
        }
        let server = hub.serve().await;
        let first = Script::success().run(Duration::from_secs(2));
        let app = Application::new(APP).repo_url(REPOSITORY).next(first);
        let preview = Preview::new().next(app).title(7, "Add search");
        let other = existing(others, "Other words", BRANCH);
        let simulator = sevalla([other], preview).await;
        let run = || of_event(&simulator, &server, &PullRequest::OPENED).start();
        let one = run();
        called(&simulator, "createPreviewApp").await;
        // Its app is in the list before any comment names it.
        let two = run();
        for run in [one.finish().await, two.finish().await] {
            run.assert_ended(0, "success");
        }
        // Without a comment, either may be the other request's.
        let expected = if is_theirs { 2 } else { 1 };
        assert_eq!(apps_of(&simulator, 7).len(), expected, "{is_theirs}");
        assert_there(&simulator, others);
    }
}

#[tokio::test]
async fn with_several_pipelines_only_the_comment_tells_twins_apart() {
    let apps = ids(2);
    let hub = Hub::with(7, Pull::open(BRANCH));
    let server = hub.serve().await;
    let other = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
    let world = World::new()
        .application(existing(&apps[0], "PR #7 feature/x", BRANCH))
        .application(existing(&apps[1], "PR #7 feature/x", BRANCH))
        .pipeline(Pipeline::new(PIPELINE).preview(Preview::new()))
        .pipeline(Pipeline::new(other).preview(Preview::new()));
    let simulator = Simulator::start(world).await;
    let run = || of_event(&simulator, &server, &PullRequest::OPENED).run();
    run().await.assert_ended(9, "rejected");
    assert_only_read(&simulator);
    hub.comment(7, &mark(&apps[1]));
    let run = run().await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("preview-app-id"), apps[1]);
    assert_there(&simulator, &apps[0]);
}

/// Two runs at once that both see no app, with a check that takes long.
async fn at_once(preview: Preview, title: &str) -> (Simulator, Finished, Finished) {
    let simulator = sevalla([], preview).await;
    let late = Behaviour::Delay(Duration::from_secs(2));
    simulator.add_fault(Fault::on("createPreviewApp").does(late));
    // The first list of each is the one that finds none.
    let slow = Behaviour::Delay(Duration::from_secs(6));
    simulator.add_fault(Fault::on("listApplicationsV3").after(2).does(slow));
    let server = Hub::default().serve().await;
    let run = || {
        let runner = of_event(&simulator, &server, &PullRequest::OPENED);
        runner.set("SEVALLA_GITHUB_TOKEN", "").run()
    };
    let (one, other) = tokio::join!(run(), run());
    assert_eq!(creations(&simulator).len(), 2, "{title}");
    (simulator, one, other)
}

#[tokio::test]
async fn of_two_runs_at_once_with_slow_lists_one_app_is_left() {
    let titled = template().title(7, "Add x, closes #123");
    let cases = [(template(), "numbered"), (titled, "titled")];
    together(cases.map(|(preview, title)| async move {
        let (simulator, one, other) = at_once(preview, title).await;
        let apps = simulator.preview_apps();
        assert_eq!(apps.len(), 1, "{title}: {}", one.streams());
        for run in [&one, &other] {
            run.assert_ended(0, "success");
            assert_eq!(run.output("preview-app-id"), apps[0].id);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_check_for_twins_that_cannot_be_made_is_no_success() {
    let simulator = sevalla([], template()).await;
    let refused = Behaviour::status(403);
    simulator.add_fault(Fault::on("listApplicationsV3").after(1).does(refused));
    let server = Hub::default().serve().await;
    let runner = of_event(&simulator, &server, &PullRequest::OPENED);
    let run = runner.set("SEVALLA_GITHUB_TOKEN", "").run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("Whether another run created a preview app");
    run.assert_told(APP);
    assert_eq!(simulator.preview_apps().len(), 1);
}

#[tokio::test]
async fn runs_at_once_leave_one_comment_that_says_how_it_ended() {
    let hub = Hub::with(7, Pull::open(BRANCH));
    hub.slow_comments(Duration::from_millis(500));
    let server = hub.serve().await;
    let simulator = sevalla([existing(APP, "PR #7 feature/x", BRANCH)], Preview::new()).await;
    let run = || of_event(&simulator, &server, &PullRequest::OPENED).run();
    let (one, other) = tokio::join!(run(), run());
    one.assert_ended(0, "success");
    other.assert_ended(0, "success");
    let comments = hub.comments(7);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].contains("preview: ready"), "{comments:?}");
}

/// The address of the app is 404 as soon as its deployment has ended.
fn gone_in_the_end(simulator: &Simulator) {
    let gone = Fault::on("listApplicationDomainsV3").delayed(Duration::from_secs(1));
    simulator.add_fault(gone.does(Behaviour::status(404)));
}

#[tokio::test]
async fn an_app_that_is_gone_when_its_address_is_read_ends_the_wait() {
    let hub = Hub::with(7, Pull::open(BRANCH));
    let server = hub.serve().await;
    let first = Script::success().run(Duration::from_secs(2));
    let preview = Preview::new().next(Application::new(APP).repo_url(REPOSITORY).next(first));
    let simulator = sevalla([], preview).await;
    gone_in_the_end(&simulator);
    let running = of_event(&simulator, &server, &PullRequest::OPENED).start();
    // Before the start, and after the end.
    until(|| hub.reads() >= 2).await;
    hub.set(7, Pull::open(BRANCH).closed());
    let run = running.finish().await;
    run.assert_ended(0, "skipped");
    run.assert_told("The pull request was closed meanwhile");
    assert!(run.took < Duration::from_secs(50), "{:?}", run.took);
    assert_eq!(run.output("url"), "");
    let comment = &hub.comments(7)[0];
    assert!(comment.contains("preview: deleted"), "{comment}");
    assert!(!comment.contains("sevalla.app"), "{comment}");
}

#[tokio::test]
async fn an_app_that_is_gone_though_its_request_is_open_is_a_failure() {
    let hub = Hub::with(7, Pull::open(BRANCH));
    let server = hub.serve().await;
    let simulator = sevalla([], template()).await;
    gone_in_the_end(&simulator);
    let run = of_event(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(1, "failed");
    run.assert_told("was open when it was last read");
    assert!(run.took < Duration::from_secs(50), "{:?}", run.took);
    assert_eq!(run.output("url"), "");
}

#[tokio::test]
async fn the_address_of_a_deleted_preview_is_in_no_output() {
    let hub = Hub::with(7, Pull::open(BRANCH));
    let server = hub.serve().await;
    let first = Script::success().run(Duration::from_secs(2));
    let preview = Preview::new().next(Application::new(APP).repo_url(REPOSITORY).next(first));
    let simulator = sevalla([], preview).await;
    let runner = of_event(&simulator, &server, &PullRequest::OPENED);
    let report = runner.path("report.json");
    let running = runner.set("SEVALLA_REPORT_FILE", &report).start();
    called(&simulator, "getDeploymentV3").await;
    hub.set(7, Pull::open(BRANCH).closed());
    let run = running.finish().await;
    run.assert_ended(0, "skipped");
    assert_eq!(run.output("url"), "");
    for file in ["github-summary", "report.json"] {
        let text = run.file(file).unwrap();
        assert!(!text.contains("sevalla.app"), "{text}");
    }
}

fn cleans(simulator: &Simulator, server: &MockServer) -> Runner {
    asks(simulator, server, "clean-previews").set("SEVALLA_PIPELINE_ID", "")
}

#[tokio::test]
async fn a_cleaning_that_could_read_no_pull_request_is_no_success() {
    for (status, code, outcome) in [
        (401, 5, "unauthorized"),
        (403, 5, "unauthorized"),
        (404, 5, "unauthorized"),
        (500, 6, "unavailable"),
        (503, 6, "unavailable"),
    ] {
        let hub = Hub::with(7, Pull::open(BRANCH).closed());
        hub.refuse(status);
        let server = hub.serve().await;
        let app = existing(APP, "PR #7 feature/x", BRANCH);
        let simulator = sevalla([app], Preview::new()).await;
        for dry in ["false", "true"] {
            let run = cleans(&simulator, &server).set("SEVALLA_DRY_RUN", dry);
            let run = run.run().await;
            run.assert_ended(code, outcome);
            run.assert_told("No pull request could be read");
        }
        assert_only_read(&simulator);
    }
    // One that is not there keeps nothing from the others, and none is no fault.
    let hub = Hub::with(7, Pull::open(BRANCH).closed());
    let server = hub.serve().await;
    let apps = [
        existing(&ids(1)[0], "PR #404 gone", "gone"),
        existing(APP, "PR #7 feature/x", BRANCH),
    ];
    let simulator = sevalla(apps, Preview::new()).await;
    let run = cleans(&simulator, &server).run().await;
    run.assert_ended(0, "success");
    run.assert_told("Deleted 1 preview app");
    let simulator = sevalla([], Preview::new()).await;
    let run = cleans(&simulator, &server).run().await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn a_cleaning_deletes_the_app_of_a_closed_request_whose_branch_was_renamed() {
    let hub = Hub::with(7, Pull::open("new").closed());
    let server = hub.serve().await;
    let app = existing(APP, "PR #7 old", "old");
    let simulator = sevalla([app], Preview::new()).await;
    cleans(&simulator, &server).run().await;
    assert_there(&simulator, APP);
    hub.comment(7, &mark(APP));
    let run = cleans(&simulator, &server).run().await;
    run.assert_ended(0, "success");
    assert_gone(&simulator, APP);
}

#[tokio::test]
async fn a_cleaning_that_is_interrupted_leaves_no_comment_that_says_ready() {
    for is_signal in [true, false] {
        let hub = Hub::with(7, Pull::open(BRANCH).closed());
        hub.comment(7, &mark(APP));
        let server = hub.serve().await;
        let slow = Deletion::new().takes(Duration::from_secs(3600));
        let app = existing(APP, "PR #7 feature/x", BRANCH).deletion(slow);
        let simulator = sevalla([app], Preview::new()).await;
        let run = if is_signal {
            let running = cleans(&simulator, &server).start();
            called(&simulator, "deleteApplicationV3").await;
            let run = stopped(running, "TERM").await;
            run.assert_ended(143, "interrupted");
            run
        } else {
            let run = cleans(&simulator, &server).set("SEVALLA_TIMEOUT", "7s");
            let run = run.run().await;
            run.assert_ended(4, "timed-out");
            run
        };
        let comment = &hub.comments(7)[0];
        let said = format!("{comment}\n{}", run.streams());
        assert!(!comment.contains("ready"), "{said}");
        assert!(!comment.contains("x.sevalla.app"), "{said}");
        assert!(comment.contains("agreed to delete"), "{said}");
    }
}

/// Seeds of sequences that have failed before.
const SEEDS: [u64; 3] = [1, 20, 300];

/// Random numbers that a seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Branches, two requests of one among them.
const BRANCHES: [&str; 4] = [BRANCH, "feature/y", "renamed/x", "pr-8"];

fn event(number: u64, pull: &Pull, action: &'static str) -> PullRequest {
    let is_it = |branch: &&&str| **branch == pull.branch;
    PullRequest {
        number,
        branch: BRANCHES.iter().find(is_it).unwrap(),
        action,
        ..PullRequest::OPENED
    }
}

/// The ids of the apps of each pull request, as Sevalla was told them.
fn apps_of(simulator: &Simulator, number: u64) -> Vec<String> {
    let is_its = |app: &AppSnapshot| app.pull_request == Some(number);
    let apps = simulator.preview_apps().into_iter().filter(is_its);
    apps.map(|app| app.id).collect()
}

/// Asserts what holds after the last run of a pull request.
fn assert_true(simulator: &Simulator, hub: &Hub, number: u64, what: &str) {
    let pull = hub.get(number).unwrap();
    let apps = apps_of(simulator, number);
    let comments = hub.comments(number);
    let told = format!("{what}: {number} has {apps:?} and {comments:#?}");
    assert_eq!(apps.len(), usize::from(pull.is_open), "{told}");
    assert!(comments.len() <= 1, "{told}");
    if let (true, Some(comment)) = (pull.is_open, comments.first()) {
        let name = simulator.application(&apps[0]).unwrap().name;
        assert!(comment.contains("preview: ready"), "{told}");
        assert!(comment.contains(&format!("{name}.sevalla.app")), "{told}");
    }
    if let (false, Some(comment)) = (pull.is_open, comments.first()) {
        assert!(comment.contains("preview: deleted"), "{told}");
        assert!(!comment.contains("sevalla.app"), "{told}");
    }
}

async fn sequence(seed: u64) {
    let mut dice = Dice(seed);
    let numbers = [7, 8, 9];
    let mut preview = Preview::new().next(Application::new(APP).repo_url(REPOSITORY));
    let is_titled = dice.below(2) == 0;
    let has_token = is_titled || dice.below(2) == 0;
    // Names without the number have only comments to tell them apart.
    if is_titled {
        for number in numbers {
            let other = numbers[usize::try_from(dice.below(3)).unwrap()];
            preview = preview.title(number, format!("Title {number}, closes #{other}"));
        }
    }
    let hub = Hub::default();
    let server = hub.serve().await;
    let simulator = sevalla([], preview).await;
    let mut done = Vec::new();
    for _ in 0..8 {
        let number = numbers[usize::try_from(dice.below(3)).unwrap()];
        let others: Vec<(u64, Vec<String>)> = numbers
            .into_iter()
            .filter(|other| *other != number)
            .filter(|other| hub.get(*other).is_some_and(|pull| pull.is_open))
            .map(|other| (other, apps_of(&simulator, other)))
            .collect();
        let branch = BRANCHES[usize::try_from(dice.below(4)).unwrap()];
        let (pull, action, runs) = match (hub.get(number), dice.below(4)) {
            (None, _) => (Pull::open(branch), "opened", 1 + dice.below(2)),
            (Some(pull), 0) if pull.is_open => (pull.closed(), "closed", 1),
            (Some(pull), 1) if pull.is_open => {
                // Renamed, and pushed to.
                let branch = branch.to_owned();
                (Pull { branch, ..pull }, "synchronize", 1)
            }
            (Some(pull), 2) if pull.is_open => (pull, "synchronize", 2),
            (Some(pull), _) if pull.is_open => (pull, "edited", 1),
            (Some(pull), _) => (Pull::open(&pull.branch), "reopened", 1 + dice.below(2)),
        };
        hub.set(number, pull.clone());
        done.push(format!("{action} {number} ({}) × {runs}", pull.branch));
        let what = format!("seed {seed}: {done:?}");
        let event = event(number, &pull, action);
        let run = || {
            let token = if has_token { TOKEN } else { "" };
            of_event(&simulator, &server, &event)
                .set("SEVALLA_GITHUB_TOKEN", token)
                .set("SEVALLA_LOGS", "off")
                .run()
        };
        let ends = if runs == 2 {
            <[Finished; 2]>::from(tokio::join!(run(), run())).into()
        } else {
            vec![run().await]
        };
        let streams: Vec<String> = ends.iter().map(Finished::streams).collect();
        let what = format!("{what}\n{}", streams.join("\n"));
        for end in ends {
            assert_eq!(end.code, Some(0), "{what}");
        }
        assert_true(&simulator, &hub, number, &what);
        for (other, before) in others {
            assert_eq!(apps_of(&simulator, other), before, "{what}: {other}");
        }
    }
}

#[tokio::test]
async fn whatever_happens_each_open_request_has_one_app_and_no_closed_one() {
    let drawn = std::process::id().into();
    // A failure names its seed, which then belongs to the list.
    let seeds = SEEDS.into_iter().chain([drawn]);
    together(seeds.map(sequence)).await;
}
