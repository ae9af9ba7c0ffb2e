//! Whether what is deployed is what was tested: `expected-commit` and
//! `on-commit-mismatch`.

use std::time::Duration;

use sevalla_simulator::{
    Application, CommitKnown, DeploymentType, PastDeployment, Script, Simulator, World,
};

use crate::harness::{APP, Finished, Runner, SOON, application, together, until};

/// What the CI works on in [`Runner::on_github`].
const TESTED: &str = "1234567890abcdef1234567890abcdef12345678";
const OTHER: &str = "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f";

fn other() -> Script {
    Script::success().commit_sha(OTHER)
}

fn mismatch() -> String {
    format!(
        "Sevalla deploys commit {}, but this run has tested {}",
        &OTHER[..9],
        &TESTED[..9]
    )
}

/// A run for a push to this reference.
fn pushed(simulator: &Simulator, reference: &str) -> Runner {
    Runner::deploys_app(simulator)
        .on_github()
        .set("GITHUB_EVENT_NAME", "push")
        .set("GITHUB_REF", reference)
}

/// Nothing that the run shows names two commits, as what compares them does.
fn assert_no_mismatch(run: &Finished) {
    let shown = run.streams() + &run.file("github-summary").unwrap();
    let names = |line: &str| line.matches(TESTED).count() + line.matches(OTHER).count();
    let compares = shown.lines().find(|line| names(line) > 1);
    assert_eq!(compares, None, "{shown}");
}

#[tokio::test]
async fn another_commit_than_the_pushed_one_is_a_warning() {
    let simulator = application(other()).await;
    let run = pushed(&simulator, "refs/heads/main").run().await;
    run.assert_ended(0, "success");
    let warning = format!("Warning: {}", mismatch());
    assert_eq!(run.stdout.matches(&warning).count(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("::warning "));
    assert!(run.file("github-summary").unwrap().contains(&mismatch()));
}

#[tokio::test]
async fn what_is_built_or_has_failed_is_not_said_to_be_deployed() {
    let simulator = application(Script::failed().commit_sha(OTHER)).await;
    let run = pushed(&simulator, "refs/heads/main").run().await;
    run.assert_ended(1, "failed");
    run.assert_told(&format!("Warning: {}", mismatch()));
    assert!(!run.streams().contains("is deployed"), "{}", run.streams());
}

#[tokio::test]
async fn what_is_the_same_or_cannot_be_compared_is_no_mismatch() {
    // The reference that was pushed to, the commit that is deployed, and what
    // the user expects.
    let cases = [
        ("refs/heads/main", TESTED, "auto"),
        ("refs/heads/main", OTHER, "off"),
        ("refs/heads/main", OTHER, OTHER),
        ("refs/heads/main", OTHER, &OTHER.to_uppercase()),
        // The service may shorten it.
        ("refs/heads/main", &TESTED[..7], "auto"),
        ("refs/heads/main", &OTHER[..12], OTHER),
    ]
    .map(|(reference, commit, expected)| (reference, commit, expected.to_owned()));
    together(cases.map(|(reference, commit, expected)| async move {
        let simulator = application(Script::success().commit_sha(commit)).await;
        let run = pushed(&simulator, reference)
            .set("SEVALLA_EXPECTED_COMMIT", expected)
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
            .run()
            .await;
        run.assert_ended(0, "success");
        assert_no_mismatch(&run);
    }))
    .await;
}

/// It was refused for want of anything to compare; with this reason.
fn assert_unguarded(simulator: &Simulator, run: &Finished, reason: &str) {
    assert_eq!(run.code, Some(2), "{}", run.streams());
    run.assert_told("the commit guard has nothing to compare");
    run.assert_told(reason);
    run.assert_told("Set expected-commit to the full SHA of the tested commit");
    assert!(simulator.journal().iter().all(|call| call.method == "GET"));
}

#[tokio::test]
async fn a_guard_that_has_nothing_to_compare_is_refused_before_the_start() {
    // The reference, whether the branch is given, and why nothing is compared.
    let cases = [
        (
            "refs/heads/next",
            None,
            "on branch next, and branch main is deployed",
        ),
        (
            "refs/heads/next",
            Some("main"),
            "on branch next, and branch main is deployed",
        ),
        ("refs/tags/v1", None, "the run is for tag v1"),
        (
            "refs/heads/gh-readonly-queue/main/pr-7-1234567",
            None,
            "the CI does not say on which branch commit",
        ),
    ];
    together(cases.map(|(reference, branch, reason)| async move {
        for (policy, dry_run) in [("fail", "false"), ("cancel", "false"), ("fail", "true")] {
            let simulator = application(Script::success()).await;
            let run = pushed(&simulator, reference)
                .set("SEVALLA_ON_COMMIT_MISMATCH", policy)
                .set("SEVALLA_DRY_RUN", dry_run)
                .set("SEVALLA_BRANCH", branch.unwrap_or_default())
                .run()
                .await;
            assert_unguarded(&simulator, &run, reason);
        }
        // Nobody has asked for the guard.
        let simulator = application(Script::success()).await;
        let run = pushed(&simulator, reference).run().await;
        run.assert_ended(0, "success");
        assert!(!run.streams().contains("compare"), "{}", run.streams());
    }))
    .await;
}

#[tokio::test]
async fn a_guard_knows_which_ci_names_no_commit() {
    type Pairs = &'static [(&'static str, &'static str)];
    const SHELL: Pairs = &[];
    const JENKINS: Pairs = &[
        ("JENKINS_URL", "https://ci.example/"),
        ("BUILD_ID", "1"),
        ("BRANCH_NAME", "main"),
    ];
    const TEAMCITY: Pairs = &[
        ("TEAMCITY_VERSION", "2025.07"),
        ("BUILD_VCS_NUMBER", TESTED),
    ];
    const COMMENT: Pairs = &[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "issue_comment"),
        ("GITHUB_REF", "refs/pull/12/merge"),
        ("GITHUB_SHA", TESTED),
    ];
    let unknown = "no variable of a CI names the commit that was tested";
    let cases = [
        (SHELL, unknown),
        (JENKINS, unknown),
        (TEAMCITY, "the CI does not say on which branch commit"),
        (COMMENT, unknown),
    ];
    together(cases.map(|(variables, reason)| async move {
        let run = |simulator: &Simulator| {
            let runner = Runner::deploys_app(simulator).set("SEVALLA_ON_COMMIT_MISMATCH", "fail");
            variables
                .iter()
                .fold(runner, |runner, (name, value)| runner.set(*name, *value))
        };
        let simulator = application(Script::success()).await;
        let refused = run(&simulator).run().await;
        assert_unguarded(&simulator, &refused, reason);
        assert!(simulator.journal().is_empty());
        // A named commit is compared wherever it is from.
        let simulator = application(Script::success().commit_sha(TESTED)).await;
        let named = run(&simulator).set("SEVALLA_EXPECTED_COMMIT", TESTED);
        let named = named.run().await;
        assert_eq!(named.code, Some(0), "{}", named.streams());
    }))
    .await;
}

#[tokio::test]
async fn a_run_that_does_not_wait_has_nothing_to_compare() {
    let simulator = application(Script::success()).await;
    let run = || pushed(&simulator, "refs/heads/main").set("SEVALLA_WAIT_FOR_FINISH", "false");
    let refused = run().set("SEVALLA_ON_COMMIT_MISMATCH", "fail").run().await;
    refused.assert_ended(2, "invalid-input");
    refused.assert_told("the run ends before Sevalla reports the commit");
    refused.assert_told("Set wait-for-finish to true");
    assert!(simulator.journal().is_empty());
    let warned = run().set("SEVALLA_EXPECTED_COMMIT", TESTED).run().await;
    warned.assert_ended(0, "triggered");
    warned.assert_told("Warning: The commit guard may have nothing to compare");
}

/// A run after a workflow that has tested `head_sha` of `head_branch`, while
/// the default branch is somewhere else.
fn after_workflow(simulator: &Simulator, workflow_run: &serde_json::Value) -> Runner {
    let event = serde_json::json!({
        "action": "completed",
        "workflow_run": workflow_run,
        "repository": {"full_name": "octo/shop", "default_branch": "main"},
    });
    let runner = pushed(simulator, "refs/heads/main")
        .set("GITHUB_EVENT_NAME", "workflow_run")
        .set("GITHUB_SHA", OTHER)
        .set("SEVALLA_ON_COMMIT_MISMATCH", "cancel");
    let path = runner.path("event.json");
    std::fs::write(&path, event.to_string()).unwrap();
    runner.set("GITHUB_EVENT_PATH", path)
}

#[tokio::test]
async fn after_a_workflow_the_commit_that_it_has_tested_is_compared() {
    let workflow_run = serde_json::json!({
        "name": "CI", "event": "push", "conclusion": "success",
        "head_sha": TESTED, "head_branch": "main",
        "head_repository": {"full_name": "octo/shop"},
    });
    let simulator = application(Script::success().commit_sha(TESTED)).await;
    let run = after_workflow(&simulator, &workflow_run).run().await;
    run.assert_ended(0, "success");
    assert_no_mismatch(&run);

    let simulator = application(other()).await;
    let run = after_workflow(&simulator, &workflow_run).run().await;
    run.assert_told(&mismatch());
    assert_ne!(run.code, Some(0));

    let mut of_branch = workflow_run;
    of_branch["head_branch"] = "next".into();
    let simulator = application(other()).await;
    let run = after_workflow(&simulator, &of_branch).run().await;
    assert_unguarded(
        &simulator,
        &run,
        "on branch next, and branch main is deployed",
    );
}

#[tokio::test]
async fn after_a_workflow_that_was_no_success_nothing_is_deployed() {
    for conclusion in [
        serde_json::json!("failure"),
        serde_json::json!("cancelled"),
        serde_json::json!(null),
    ] {
        let workflow_run = serde_json::json!({
            "name": "CI", "event": "push", "conclusion": conclusion,
            "head_sha": TESTED, "head_branch": "main",
            "head_repository": {"full_name": "octo/shop"},
        });
        let simulator = application(Script::success().commit_sha(TESTED)).await;
        let run = after_workflow(&simulator, &workflow_run).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("github.event.workflow_run.conclusion == 'success'");
        assert!(simulator.journal().is_empty());
        // Whatever the result was, if that is what the user wants.
        let wanted = after_workflow(&simulator, &workflow_run)
            .set("SEVALLA_ON_COMMIT_MISMATCH", "warn")
            .set("SEVALLA_EXPECTED_COMMIT", "off");
        wanted.run().await.assert_ended(0, "success");
    }
}

#[tokio::test]
async fn a_branch_is_the_same_in_every_spelling() {
    let jenkins = |simulator: &Simulator| {
        Runner::deploys_app(simulator)
            .set("JENKINS_URL", "https://ci.example/")
            .set("BUILD_ID", "1")
            .set("GIT_COMMIT", TESTED)
            .set("GIT_BRANCH", "origin/main")
            .set("SEVALLA_BRANCH", "origin/main")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
    };
    let github = |simulator: &Simulator| {
        pushed(simulator, "refs/heads/main")
            .set("SEVALLA_BRANCH", "refs/heads/main")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
    };
    let runs: [&dyn Fn(&Simulator) -> Runner; 2] = [&jenkins, &github];
    for run in runs {
        for (commit, code, outcome) in [(TESTED, 0, "success"), (OTHER, 8, "unverified")] {
            let simulator = application(Script::success().commit_sha(commit)).await;
            run(&simulator).run().await.assert_ended(code, outcome);
            let calls = simulator.journal();
            let sent = calls.iter().find(|call| call.method == "POST").unwrap();
            assert_eq!(sent.json().unwrap()["branch"], "main");
        }
    }
}

#[tokio::test]
async fn what_is_no_branch_is_refused() {
    let simulator = application(Script::success()).await;
    for (reference, branch, reason) in [
        ("refs/heads/main", "refs/tags/v1", "it is a tag"),
        (
            "refs/pull/12/merge",
            "12/merge",
            "the reference of a pull request",
        ),
        ("refs/tags/v1", "v1", "write refs/heads/v1"),
    ] {
        let run = pushed(&simulator, reference)
            .set("SEVALLA_BRANCH", branch)
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(reason);
    }
    assert!(simulator.journal().is_empty());
    let run = pushed(&simulator, "refs/tags/v1").set("SEVALLA_BRANCH", "refs/heads/v1");
    run.run().await.assert_ended(0, "success");
}

#[tokio::test]
async fn what_is_followed_by_its_id_is_compared_too() {
    let simulator = application(Script::success()).await;
    let id = simulator.add_deployment(APP, DeploymentType::Manual, other());
    let run = |reference: &str| {
        Runner::does(&simulator, "follow")
            .set("SEVALLA_APP_ID", APP)
            .set("SEVALLA_DEPLOYMENT_ID", id.clone())
            .on_github()
            .set("GITHUB_EVENT_NAME", "push")
            .set("GITHUB_REF", reference)
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
    };
    run("refs/heads/main")
        .run()
        .await
        .assert_ended(8, "unverified");
    for (reference, policy, reason) in [
        (
            "refs/heads/next",
            "fail",
            "on branch next, and branch main is deployed",
        ),
        (
            "refs/heads/next",
            "cancel",
            "on branch next, and branch main is deployed",
        ),
        ("refs/tags/v1", "cancel", "the run is for tag v1"),
    ] {
        let run = run(reference).set("SEVALLA_ON_COMMIT_MISMATCH", policy);
        assert_unguarded(&simulator, &run.run().await, reason);
    }
    // What has ended without a commit will not get one.
    let untold = Script::success().shows("commit_sha", serde_json::Value::Null);
    let id = simulator.add_deployment(APP, DeploymentType::Manual, untold);
    until(|| simulator.deployments(APP)[0].status.as_deref() == Some("success")).await;
    for policy in ["fail", "cancel"] {
        let refused = run("refs/heads/main")
            .set("SEVALLA_DEPLOYMENT_ID", id.clone())
            .set("SEVALLA_ON_COMMIT_MISMATCH", policy)
            .run()
            .await;
        refused.assert_ended(2, "invalid-input");
        refused.assert_told("Nothing was followed: the commit guard has nothing to compare");
        refused.assert_told("does not report the commit of the deployment");
    }
    assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
}

#[tokio::test]
async fn a_pull_request_is_compared_with_its_own_branch_alone() {
    // Whether its branch is a fork's, what is deployed, and how the run ends.
    let cases = [
        (false, "more", "unverified"),
        (false, "main", "invalid-input"),
        (true, "more", "invalid-input"),
    ];
    together(cases.map(|(is_fork, deployed, ending)| async move {
        let simulator = application(other()).await;
        let repository = if is_fork { "mona/shop" } else { "octo/shop" };
        let event = serde_json::json!({
            "action": "synchronize",
            "number": 12,
            "pull_request": {
                "number": 12,
                "state": "open",
                "head": {"ref": "more", "sha": TESTED, "repo": {"full_name": repository}},
            },
            "repository": {"full_name": "octo/shop", "default_branch": "main"},
        });
        let runner = pushed(&simulator, "refs/pull/12/merge")
            .set("GITHUB_EVENT_NAME", "pull_request_target")
            .set("GITHUB_HEAD_REF", "more")
            .set("SEVALLA_BRANCH", deployed)
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail");
        let path = runner.path("event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        let run = runner.set("GITHUB_EVENT_PATH", path).run().await;
        assert_eq!(run.output("outcome"), ending, "{}", run.streams());
        if ending == "unverified" {
            run.assert_told(&mismatch());
        } else {
            assert_no_mismatch(&run);
        }
    }))
    .await;
}

#[tokio::test]
async fn it_fails_the_run_whenever_the_commit_becomes_known() {
    let known = [
        CommitKnown::AtCreation,
        CommitKnown::AtStart,
        CommitKnown::AtEnd,
    ];
    together(known.map(|known| async move {
        let simulator = application(other().commit_known(known)).await;
        let run = Runner::deploys_app(&simulator)
            .set("SEVALLA_EXPECTED_COMMIT", TESTED)
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
            .run()
            .await;
        run.assert_ended(8, "unverified");
        assert!(run.output("error").contains(&mismatch()));
        assert_eq!(run.output("commit-sha"), OTHER);
        assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
    }))
    .await;
}

#[tokio::test]
async fn the_deployment_is_cancelled_as_soon_as_its_commit_is_known() {
    let known = [CommitKnown::AtCreation, CommitKnown::AtStart];
    together(known.map(|known| async move {
        let script = other().commit_known(known).never_ends();
        let simulator = application(script).await;
        let run = pushed(&simulator, "refs/heads/main")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "cancel")
            .run()
            .await;
        run.assert_ended(3, "cancelled");
        assert!(run.output("error").contains(&mismatch()));
        run.assert_told("Cancelled deployment ");
        assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
        assert!(run.took < SOON, "{:?}", run.took);
    }))
    .await;
}

#[tokio::test]
async fn what_is_live_before_it_can_be_cancelled_is_told_to_be() {
    let late = other().commit_known(CommitKnown::AtEnd);
    // It ends before the cancelling takes effect.
    let slow = other()
        .run(Duration::from_secs(3))
        .cancel_delay(Duration::from_secs(60));
    together([late, slow].map(|script| async move {
        let simulator = application(script).await;
        let run = pushed(&simulator, "refs/heads/main")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "cancel")
            .run()
            .await;
        run.assert_ended(8, "unverified");
        run.assert_told("succeeded and is live");
        assert!(run.output("error").contains(&mismatch()));
        assert_eq!(run.output("status"), "success");
    }))
    .await;
}

#[tokio::test]
async fn a_commit_that_is_never_told_is_not_the_named_one() {
    let cases = [
        ("warn", 0, "success"),
        ("fail", 8, "unverified"),
        ("cancel", 8, "unverified"),
    ];
    together(cases.map(|(policy, code, word)| async move {
        for world in [
            World::new().application(
                Application::new(APP).next(Script::success().commit_known(CommitKnown::Never)),
            ),
            World::new().application(Application::new(APP).docker_image("shop:1")),
        ] {
            let simulator = Simulator::start(world).await;
            let run = Runner::deploys_app(&simulator)
                .set("SEVALLA_EXPECTED_COMMIT", TESTED)
                .set("SEVALLA_ON_COMMIT_MISMATCH", policy)
                .run()
                .await;
            run.assert_ended(code, word);
            run.assert_told("Sevalla does not report the commit of the deployment");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_restart_or_an_image_is_not_compared_with_a_push() {
    let built = Application::new(APP).past(PastDeployment {
        kind: DeploymentType::Manual,
        ..PastDeployment::success().commit_sha(OTHER)
    });
    let image = Application::new(APP).docker_image("shop:1");
    together(
        [(built, "true"), (image, "false")].map(|(app, restarts)| async move {
            let simulator = Simulator::start(World::new().application(app)).await;
            let run = pushed(&simulator, "refs/heads/main")
                .set("SEVALLA_IS_RESTART", restarts)
                .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
                .run()
                .await;
            run.assert_ended(0, "success");
            run.assert_told("Warning: The commit guard may have nothing to compare");
            assert_no_mismatch(&run);
        }),
    )
    .await;
}

#[tokio::test]
async fn a_pushed_commit_that_cannot_be_compared_is_told_where_it_matters() {
    let unknown = || Script::success().commit_known(CommitKnown::Never);
    for (policy, is_told) in [("fail", true), ("warn", false)] {
        let simulator = application(unknown()).await;
        let run = pushed(&simulator, "refs/heads/main")
            .set("SEVALLA_ON_COMMIT_MISMATCH", policy)
            .run()
            .await;
        run.assert_ended(0, "success");
        let told = run.streams().contains("does not report the commit");
        assert_eq!(told, is_told, "{policy}");
    }
}
