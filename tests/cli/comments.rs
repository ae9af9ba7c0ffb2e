//! The pull request of a preview on GitHub: whether it is open, and the one
//! comment on it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sevalla_deploy::shutdown::SAME_REQUEST;
use sevalla_simulator::{
    Application, Behaviour, Fault, Pipeline, Preview, Script, Simulator, World,
};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::harness::{
    APP, HANGING, PIPELINE, PullRequest, Runner, called, ids, stopped, together, until,
};

const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";
const COMMENTS: &str = "/repos/octo/shop/issues/7/comments";

/// As much of GitHub as a preview needs.
#[derive(Clone, Default)]
struct GitHub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_closed: bool,
    refuses_comments: bool,
    hangs: bool,
    asked: u32,
    comments: Vec<String>,
    written: u32,
}

impl Respond for GitHub {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let bearer = request.headers.get("authorization").unwrap();
        assert_eq!(bearer.to_str().unwrap(), format!("Bearer {TOKEN}"));
        let mut state = self.0.lock().unwrap();
        state.asked += 1;
        let path = request.url.path().to_owned();
        let answer = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
        let text = |request: &Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["body"].as_str().unwrap().to_owned()
        };
        if state.hangs {
            return ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
        }
        match (request.method.as_str(), path.as_str()) {
            ("GET", "/repos/octo/shop/pulls/7") => answer(
                200,
                json!({
                    "number": 7, "merged": false,
                    "state": if state.is_closed { "closed" } else { "open" },
                    "head": { "ref": "feature/x", "sha": "a".repeat(40), "repo": { "full_name": "octo/shop" } },
                    "base": { "ref": "main", "repo": { "full_name": "octo/shop" } },
                }),
            ),
            // Another, which is open.
            ("GET", "/repos/octo/shop/pulls/8") => answer(
                200,
                json!({
                    "number": 8, "merged": false, "state": "open",
                    "head": { "ref": "feature/y", "sha": "b".repeat(40), "repo": { "full_name": "octo/shop" } },
                    "base": { "ref": "main", "repo": { "full_name": "octo/shop" } },
                }),
            ),
            (_, COMMENTS) if state.refuses_comments => answer(
                403,
                json!({ "message": "Resource not accessible by integration" }),
            ),
            ("GET", COMMENTS) => {
                let comments = state.comments.iter().enumerate();
                let comment = |(id, body): (usize, &String)| json!({ "id": id, "body": body, "user": { "login": "github-actions[bot]", "type": "Bot" } });
                answer(200, comments.map(comment).collect())
            }
            ("POST", COMMENTS) => {
                state.written += 1;
                state.comments.push(text(request));
                answer(201, json!({ "id": state.comments.len() - 1 }))
            }
            ("PATCH", "/repos/octo/shop/issues/comments/0") => {
                state.written += 1;
                state.comments[0] = text(request);
                answer(200, json!({ "id": 0 }))
            }
            _ => answer(
                403,
                json!({ "message": "Resource not accessible by integration" }),
            ),
        }
    }
}

impl GitHub {
    async fn serve(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(self.clone())
            .mount(&server)
            .await;
        server
    }

    /// One on which this run is to write what became of it.
    fn commented(&self) {
        let mut state = self.0.lock().unwrap();
        let text = format!("<!-- sevalla-deploy:{PIPELINE} app:{APP} -->\nsevalla.app");
        state.comments.push(text);
    }

    /// The only comment there is.
    fn comment(&self) -> String {
        let state = self.0.lock().unwrap();
        assert_eq!(state.comments.len(), 1, "{:?}", state.comments);
        state.comments[0].clone()
    }
}

async fn sevalla(script: Script) -> Simulator {
    let template = Application::new(APP)
        .repo_url("https://github.example/octo/shop")
        .next(script)
        .next(Script::success());
    let pipeline = Pipeline::new(PIPELINE).preview(Preview::new().next(template));
    Simulator::start(World::new().pipeline(pipeline)).await
}

fn preview(simulator: &Simulator, server: &MockServer, event: &PullRequest) -> Runner {
    Runner::against(simulator)
        .set("SEVALLA_ACTION", "preview")
        .set("SEVALLA_PIPELINE_ID", PIPELINE)
        .secret("SEVALLA_GITHUB_TOKEN", TOKEN)
        .on_pull_request(event)
        .set("GITHUB_API_URL", server.uri())
}

#[tokio::test]
async fn one_comment_follows_the_preview_from_its_making_to_its_end() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    let server = github.serve().await;
    let made = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    made.assert_ended(0, "success");
    let url = made.output("url");
    assert!(github.comment().contains(&url), "{}", github.comment());
    assert!(github.comment().contains("ready"));
    // First that it is being deployed, then that it is ready.
    assert_eq!(github.0.lock().unwrap().written, 2);

    preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await
        .assert_ended(0, "success");
    assert!(github.comment().contains(&url));

    // An old job that is run again, while the pull request is open.
    let reopened = preview(&simulator, &server, &PullRequest::CLOSED);
    let reopened = reopened.run().await;
    reopened.assert_ended(0, "skipped");
    reopened.assert_told("The pull request is open again");
    assert!(github.comment().contains(&url));

    github.0.lock().unwrap().is_closed = true;
    preview(&simulator, &server, &PullRequest::CLOSED)
        .run()
        .await
        .assert_ended(0, "success");
    let comment = github.comment();
    assert!(
        comment.contains("deleted") && !comment.contains(&url),
        "{comment}"
    );
}

#[tokio::test]
async fn a_failure_is_in_the_comment_with_its_cause_and_without_an_address() {
    let script = Script::failed().log_line(
        Duration::from_millis(5),
        "ERROR",
        "no such module ![x](https://evil.example) @team",
    );
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(1, "failed");
    let comment = github.comment();
    assert!(
        comment.contains("failed") && comment.contains("no such module"),
        "{comment}"
    );
    assert!(!comment.contains("sevalla.app"), "{comment}");
    let fence = comment.find("```").unwrap();
    assert!(comment.find("@team").unwrap() > fence, "{comment}");
}

#[tokio::test]
async fn a_comment_that_cannot_be_written_is_a_warning() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    github.0.lock().unwrap().refuses_comments = true;
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("pull-requests: write");
    assert!(!run.output("url").is_empty());
}

#[tokio::test]
async fn a_code_host_that_never_answers_does_not_keep_the_deployment() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    github.0.lock().unwrap().hangs = true;
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_TIMEOUT", "60s")
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("The code host (GitHub, GitLab) did not answer in time");
    assert!(!run.output("url").is_empty());
    assert!(run.took < HANGING, "{:?}", run.took);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_made_for_a_pull_request_that_is_closed_by_now() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    github.0.lock().unwrap().is_closed = true;
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(0, "skipped");
    assert_eq!(simulator.calls("createPreviewApp"), 0);
    assert!(github.0.lock().unwrap().comments.is_empty());

    github.commented();
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(0, "skipped");
    assert!(github.comment().contains("deleted"), "{}", github.comment());
}

#[tokio::test]
async fn a_deployment_that_is_not_waited_for_is_no_failure() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await;
    run.assert_ended(0, "triggered");
    let comment = github.comment();
    assert!(comment.contains("preview: deploying"), "{comment}");
}

#[tokio::test]
async fn a_skipped_deployment_deletes_nothing() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::skipped()).await);
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_ON_SKIPPED", "pass")
        .run()
        .await;
    run.assert_ended(0, "skipped");
    let comment = github.comment();
    assert!(!comment.contains("deleted"), "{comment}");
    assert!(comment.contains("nothing new deployed"), "{comment}");
}

/// The comment that is left of a run that gets a signal while it follows.
async fn after_a_signal(script: Script, fault: Option<Fault>, on_cancel: &str) -> String {
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_ON_CANCEL", on_cancel)
        .start();
    called(&simulator, "getDeploymentV3").await;
    if let Some(fault) = fault {
        simulator.add_fault(fault);
    }
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    github.comment()
}

/// Asserts that the comment says all of this, and nothing of that.
fn assert_says(comment: &str, said: &[&str], unsaid: &[&str]) {
    for text in said {
        assert!(comment.contains(text), "no {text:?} in {comment}");
    }
    for text in unsaid {
        assert!(!comment.contains(text), "{text:?} in {comment}");
    }
}

#[tokio::test]
async fn after_a_signal_the_comment_says_what_became_of_the_deployment() {
    let endless = || Script::success().never_ends();
    let refuses = Fault::on("cancelDeploymentV3").does(Behaviour::status(403));
    let slow = endless().cancel_delay(Duration::from_secs(60));
    let case =
        async |script: Script, fault: Option<Fault>, on_cancel, said: &[&str], unsaid: &[&str]| {
            let mut comment = String::new();
            for _ in 0..3 {
                comment = after_a_signal(script.clone(), fault.clone(), on_cancel).await;
                // Of the time after a signal, a busy machine may leave none for this.
                if !comment.contains("Its log shows the end of the deployment") {
                    break;
                }
            }
            assert_says(&comment, said, unsaid);
        };
    tokio::join!(
        case(
            endless(),
            None,
            "cancel",
            &[
                "### ⏹️ Sevalla preview: run interrupted, deployment cancelled\n",
                "Cancelled deployment",
                "| Status | ` cancelled ` |",
            ],
            &["inProgress"],
        ),
        case(
            endless(),
            None,
            "leave",
            &[
                "### ⏹️ Sevalla preview: run interrupted before the deployment ended\n",
                "last seen running, at ",
                "| Last seen | ` inProgress ` |",
            ],
            &["cancelled", "| Status |"],
        ),
        case(
            endless(),
            Some(refuses),
            "cancel",
            &[
                "run interrupted before the deployment ended\n",
                "Sevalla refused to cancel",
                "Cancel it in the dashboard",
            ],
            &["cancelled", "| Status |"],
        ),
        case(
            slow,
            None,
            "cancel",
            &[
                "run interrupted before the deployment ended\n",
                "Sevalla agreed to cancel",
            ],
            &["cancelled", "| Status |"],
        ),
    );
}

#[tokio::test]
async fn a_deployment_that_had_succeeded_before_the_signal_is_not_called_cancelled() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    // Without this the success would be seen before the signal.
    simulator.add_fault(Fault::on("validateApiKeyV3").does(Behaviour::HangBeforeApplying));
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED).start();
    called(&simulator, "createPreviewApp").await;
    let status = || simulator.deployments(APP).pop()?.status;
    until(|| status().as_deref() == Some("success")).await;
    called(&simulator, "validateApiKeyV3").await;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    let heading = "### ⏹️ Sevalla preview: run interrupted, deployment succeeded\n";
    let live = "had already succeeded and is live";
    let said = [heading, live, "| Status | ` success ` |"];
    assert_says(&github.comment(), &said, &["cancelled"]);
}

#[tokio::test]
async fn until_the_end_is_known_the_comment_says_no_more_than_that_there_was_a_signal() {
    let slow = Script::success()
        .never_ends()
        .cancel_delay(Duration::from_secs(2));
    let (github, simulator) = (GitHub::default(), sevalla(slow).await);
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED).start();
    called(&simulator, "getDeploymentV3").await;
    running.signal("INT").await;
    until(|| github.comment().contains("run interrupted\n")).await;
    let unsaid = ["| Status |", "| Last seen |", "| Time |", "cancelled"];
    assert_says(&github.comment(), &["A signal ended the run"], &unsaid);
    running.finish().await.assert_ended(130, "interrupted");
    let end = ["run interrupted, deployment cancelled\n"];
    assert_says(&github.comment(), &end, &["Its log shows"]);
}

#[tokio::test]
async fn after_a_signal_a_silent_code_host_keeps_nothing_back() {
    let script = Script::success().never_ends();
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let runner = preview(&simulator, &server, &PullRequest::OPENED);
    let outputs = runner.path("github-output");
    let running = runner.set("SEVALLA_ON_CANCEL", "leave").start();
    called(&simulator, "getDeploymentV3").await;
    let asked = || github.0.lock().unwrap().asked;
    let before = asked();
    github.0.lock().unwrap().hangs = true;
    running.signal("INT").await;
    until(|| asked() > before).await;
    // Everything else is written by now.
    let written = std::fs::read_to_string(outputs).unwrap();
    assert!(written.contains("interrupted"), "{written}");
    // And a later signal ends it at once. Until then it is the same request.
    tokio::time::sleep(SAME_REQUEST + Duration::from_millis(100)).await;
    running.signal("INT").await;
    let run = running.finish().await;
    run.assert_ended(130, "interrupted");
    // It would have said so, had it waited for the code host.
    let waited = "does not report how the run ended";
    assert!(!run.streams().contains(waited), "{}", run.streams());

    // Nor does one that is silent while the deployment is cancelled.
    let script = Script::success().never_ends();
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED).start();
    called(&simulator, "getDeploymentV3").await;
    github.0.lock().unwrap().hangs = true;
    let run = stopped(running, "INT").await;
    run.assert_ended(130, "interrupted");
    run.assert_told("The comment on the pull request does not report how the run ended");
}

#[tokio::test]
async fn a_run_whose_deployment_did_not_fail_is_not_called_failed() {
    let endless = || Script::success().never_ends();
    let cases = [
        (
            (endless(), "SEVALLA_ON_TIMEOUT", "leave"),
            (4, "timed-out"),
            vec![
                "### ⌛ Sevalla preview: timed out before the deployment ended\n",
                "Timed out before deployment",
                "last seen running, at ",
                "Raise timeout",
                "| Last seen | ` inProgress ` |",
            ],
        ),
        (
            (endless(), "SEVALLA_ON_TIMEOUT", "cancel"),
            (4, "timed-out"),
            vec![
                "### ⌛ Sevalla preview: timed out, deployment cancelled\n",
                "Cancelled deployment",
                "| Status | ` cancelled ` |",
            ],
        ),
        (
            (Script::skipped(), "SEVALLA_ON_SKIPPED", "fail"),
            (3, "skipped"),
            vec![
                "### ⏭️ Sevalla preview: skipped\n",
                "cancelled while it waited in the queue",
                "check the path filters",
            ],
        ),
        (
            (Script::cancelled(), "SEVALLA_ON_SKIPPED", "fail"),
            (3, "cancelled"),
            vec![
                "### ⏹️ Sevalla preview: cancelled\n",
                "Somebody, or a newer deployment, stopped it",
            ],
        ),
    ];
    together(cases.map(
        |((script, name, value), (code, outcome), said)| async move {
            let (github, simulator) = (GitHub::default(), sevalla(script).await);
            let server = github.serve().await;
            let run = preview(&simulator, &server, &PullRequest::OPENED)
                .set("SEVALLA_TIMEOUT", "6s")
                .set(name, value)
                .run()
                .await;
            run.assert_ended(code, outcome);
            assert!(!run.streams().contains("code host"), "{}", run.streams());
            assert_says(&github.comment(), &said, &["failed", "❌"]);
        },
    ))
    .await;
}

#[tokio::test]
async fn a_refused_key_is_in_the_comment_with_what_to_do() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    simulator.add_fault(Fault::on("createPreviewApp").does(Behaviour::status(401)));
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(5, "unauthorized");
    let said = [
        "### ❌ Sevalla preview: run unauthorized\n",
        "401",
        "The key is wrong, revoked, disabled or expired",
        "#key-not-accepted",
    ];
    assert_says(&github.comment(), &said, &["failed"]);
}

#[tokio::test]
async fn the_cause_of_a_failure_stands_directly_below_the_heading() {
    let script = Script::failed().log_line(
        Duration::from_millis(5),
        "INFO",
        "src/cart/total.ts(14,7): error TS2304: Cannot find name '@team'.",
    );
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .run()
        .await;
    run.assert_ended(1, "failed");
    let comment = github.comment();
    let begins = "### ❌ Sevalla preview: failed\n\n\
        **TypeScript found an error**\n\n\
        ```text\nsrc/cart/total.ts(14,7): error TS2304: Cannot find name '@team'.\n```\n";
    assert_says(&comment, &[begins], &["Last lines"]);
    let at = |text: &str| comment.find(text).unwrap();
    assert!(at("```\n") < at(" of the application failed"), "{comment}");
    assert!(at("More: ") < at("| Application |"), "{comment}");
}

#[tokio::test]
async fn a_preview_that_cannot_be_deleted_is_not_called_ready_any_more() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    let server = github.serve().await;
    let opened = preview(&simulator, &server, &PullRequest::OPENED);
    opened.run().await.assert_ended(0, "success");
    github.0.lock().unwrap().is_closed = true;
    simulator.add_fault(Fault::on("deleteApplicationV3").does(Behaviour::status(403)));
    let run = preview(&simulator, &server, &PullRequest::CLOSED)
        .run()
        .await;
    run.assert_ended(5, "unauthorized");
    let said = ["run unauthorized\n", "delete the application", "403"];
    assert_says(
        &github.comment(),
        &said,
        &["ready", "Sevalla preview: deleted"],
    );
}

#[tokio::test]
async fn deleting_an_app_by_its_id_finds_the_comment_about_it() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    let server = github.serve().await;
    let opened = preview(&simulator, &server, &PullRequest::OPENED);
    opened.run().await.assert_ended(0, "success");
    let deletes = preview(&simulator, &server, &PullRequest::CLOSED)
        .set("SEVALLA_ACTION", "delete-preview-app")
        .set("SEVALLA_PIPELINE_ID", "")
        .set("SEVALLA_APP_ID", APP);
    deletes.run().await.assert_ended(0, "success");
    assert!(github.comment().contains("deleted"), "{}", github.comment());
    // And it is still the pipeline's.
    let mark = format!("<!-- sevalla-deploy:{PIPELINE} ");
    assert!(github.comment().starts_with(&mark), "{}", github.comment());
}

#[tokio::test]
async fn previews_of_closed_pull_requests_are_cleaned_and_the_comment_says_so() {
    let github = GitHub::default();
    github.0.lock().unwrap().is_closed = true;
    github.commented();
    let server = github.serve().await;
    let other = "5a0d5a1f-8a57-4c0b-9d5e-2f6d1f0f7a12";
    let app = |id: &str, name: &str| {
        Application::new(id)
            .display_name(name)
            .kind("previewApp")
            .repo_url("https://github.example/octo/shop")
    };
    // Named as if it were the closed one's, by its branch or by hand.
    let (reverts, renamed) = (ids(2)[0].clone(), ids(2)[1].clone());
    let world = World::new()
        .application(app(APP, "PR #7 feature/x").default_branch("feature/x"))
        .application(app(other, "PR #8 feature/y").default_branch("feature/y"))
        .application(app(&reverts, "revert-pr-7").default_branch("revert-pr-7"))
        .application(app(&renamed, "PR #7").default_branch("feature/z"));
    let simulator = Simulator::start(world).await;
    let run = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_ACTION", "clean-previews")
        .set("SEVALLA_PIPELINE_ID", "")
        .run()
        .await;
    run.assert_ended(0, "success");
    run.assert_told("pull request 7 is closed");
    run.assert_told("Deleted 1 preview app");
    assert!(simulator.application(APP).is_none());
    for stays in [other, &reverts, &renamed] {
        assert!(simulator.application(stays).is_some(), "{stays}");
    }
    assert!(github.comment().contains("deleted"), "{}", github.comment());
}

#[tokio::test]
async fn a_pull_request_that_closes_during_the_build_leaves_no_preview() {
    let script = Script::success().run(Duration::from_secs(2));
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED).start();
    called(&simulator, "createPreviewApp").await;
    // Sevalla has not noticed.
    github.0.lock().unwrap().is_closed = true;
    let run = running.finish().await;
    run.assert_ended(0, "skipped");
    assert!(simulator.preview_apps().is_empty());
    assert!(!github.comment().contains("sevalla.app"));
}

#[tokio::test]
async fn a_dry_run_writes_no_comment() {
    for (action, app) in [("delete-preview-app", APP), ("clean-previews", "")] {
        let github = GitHub::default();
        github.0.lock().unwrap().is_closed = true;
        github.commented();
        let server = github.serve().await;
        let app_there = Application::new(APP)
            .display_name("PR #7 feature/x")
            .kind("previewApp")
            .default_branch("feature/x")
            .repo_url("https://github.example/octo/shop");
        let simulator = Simulator::start(World::new().application(app_there)).await;
        let run = preview(&simulator, &server, &PullRequest::CLOSED)
            .set("SEVALLA_ACTION", action)
            .set("SEVALLA_PIPELINE_ID", "")
            .set("SEVALLA_APP_ID", app)
            .set("SEVALLA_DRY_RUN", "true")
            .run()
            .await;
        run.assert_ended(0, "planned");
        assert_eq!(github.0.lock().unwrap().written, 0, "{action}");
    }
    // Nor where it would delete what is closed by now, and what is gone already.
    let github = GitHub::default();
    github.0.lock().unwrap().is_closed = true;
    github.commented();
    let server = github.serve().await;
    let simulator = sevalla(Script::success()).await;
    for event in [PullRequest::OPENED, PullRequest::CLOSED] {
        let dry = preview(&simulator, &server, &event).set("SEVALLA_DRY_RUN", "true");
        assert_eq!(dry.run().await.code, Some(0));
        assert_eq!(github.0.lock().unwrap().written, 0, "{}", event.action);
    }
}

#[tokio::test]
async fn an_app_that_vanishes_while_its_pull_request_is_open_is_a_failure() {
    let script = Script::success().run(Duration::from_secs(2));
    let (github, simulator) = (GitHub::default(), sevalla(script).await);
    let server = github.serve().await;
    let running = preview(&simulator, &server, &PullRequest::OPENED).start();
    called(&simulator, "getDeploymentV3").await;
    simulator.close_pull_request(7);
    let run = running.finish().await;
    run.assert_ended(1, "failed");
    run.assert_told("The preview app was deleted while it was built");
}

#[tokio::test]
async fn comments_can_be_switched_off_or_be_wanted_in_vain() {
    let (github, simulator) = (GitHub::default(), sevalla(Script::success()).await);
    let server = github.serve().await;
    let off = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_COMMENT", "false")
        .run()
        .await;
    off.assert_ended(0, "success");
    assert!(github.0.lock().unwrap().comments.is_empty());
    let wanted = preview(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_COMMENT", "true")
        .set("SEVALLA_GITHUB_TOKEN", "")
        .run()
        .await;
    wanted.assert_ended(0, "success");
    wanted.assert_told("github-token");
}
