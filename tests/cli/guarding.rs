//! Whether what is deployed is what was tested: `expected-commit` and
//! `on-commit-mismatch`.

use std::time::Duration;

use sevalla_simulator::{
    Application, CommitKnown, DeploymentType, PastDeployment, Script, Simulator, World,
};

use crate::harness::{APP, Finished, Runner, application, together};

/// What the CI works on in [`Runner::on_github`].
const TESTED: &str = "1234567890abcdef1234567890abcdef12345678";
const OTHER: &str = "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f";

fn other() -> Script {
    Script::success().commit_sha(OTHER)
}

fn mismatch() -> String {
    format!("The deployment is of another commit ({OTHER}) than the tested one ({TESTED})")
}

/// A run for a push to this reference.
fn pushed(simulator: &Simulator, reference: &str) -> Runner {
    Runner::deploys_app(simulator)
        .on_github()
        .set("GITHUB_EVENT_NAME", "push")
        .set("GITHUB_REF", reference)
}

fn assert_told_nothing(run: &Finished) {
    assert!(
        !run.streams().contains("another commit"),
        "{}",
        run.streams()
    );
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
        ("refs/heads/next", OTHER, "auto"),
        ("refs/tags/v1", OTHER, "auto"),
        ("refs/heads/main", OTHER, "off"),
        ("refs/heads/main", OTHER, OTHER),
        ("refs/heads/main", OTHER, &OTHER.to_uppercase()),
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
        assert_told_nothing(&run);
    }))
    .await;
}

#[tokio::test]
async fn a_pull_request_is_compared_with_its_own_branch_alone() {
    // Whether its branch is a fork's, what is deployed, and how the run ends.
    let cases = [
        (false, "more", "unverified"),
        (false, "main", "success"),
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
            assert_told_nothing(&run);
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
        run.assert_told("was asked to stop, and ended as ");
        assert!(simulator.cancelled(&simulator.deployments(APP)[0].id));
        assert!(run.took < Duration::from_secs(12), "{:?}", run.took);
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
            run.assert_told("Sevalla does not tell the commit of the deployment");
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
            assert_told_nothing(&run);
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
        let told = run.streams().contains("does not tell the commit");
        assert_eq!(told, is_told, "{policy}");
    }
}
