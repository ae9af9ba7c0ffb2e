//! What the program makes of its variables and arguments.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use sevalla_simulator::{Script, Simulator, World};

use crate::harness::{APP, Finished, Runner, SITE, application, static_site, together};

/// Some other service's id.
const OTHER: &str = "00000000-0000-4000-8000-000000000000";

/// A run that may not send anything.
async fn silent() -> (Simulator, Runner) {
    let simulator = Simulator::start(World::new()).await;
    let runner = Runner::bare().set("SEVALLA_API_URL", simulator.url());
    (simulator, runner)
}

/// It was refused, and nothing was sent.
fn assert_refused(simulator: &Simulator, run: &Finished) {
    run.assert_ended(2, "invalid-input");
    assert!(simulator.journal().is_empty(), "{:?}", simulator.journal());
}

#[tokio::test]
async fn every_problem_is_told_at_once_in_the_users_spelling_and_nothing_is_sent() {
    let simulator = Simulator::start(World::new()).await;
    let run = Runner::bare()
        .set("INPUT_APP-ID", "fb5e5168-4281-4bec-94c5")
        .set("PLUGIN_STATIC_SITE_ID", "fb5e5168-4281-4bec-94c5")
        .set("INPUT_ACTION", "deploy")
        .set("INPUT_TIMEOUT", "5")
        .set("SEVALLA_IS_RESTART", "yes")
        .set("PLUGIN_WAIT_FOR_FINISH", "0")
        .set("INPUT_DOCKER-IMAGE", "nginx")
        .set("SEVALLA_LOGS", "some")
        .set("SEVALLA_API_URL", format!("{}?x=1", simulator.url()))
        .secret("INPUT_SEVALLA_TOKEN", "key with spaces")
        .secret(
            "PLUGIN_DEPLOY_HOOK_URL",
            "http://hooks.example/apps/x/deploy/hush",
        )
        .run()
        .await;

    assert_refused(&simulator, &run);
    for (spelling, accepted) in [
        ("INPUT_APP-ID is \"fb5e5168-4281-4bec-94c5\"", "UUID"),
        (
            "PLUGIN_STATIC_SITE_ID is \"fb5e5168-4281-4bec-94c5\"",
            "UUID",
        ),
        ("INPUT_ACTION is \"deploy\"", "deploy-app"),
        ("INPUT_TIMEOUT is \"5\"", "90s"),
        ("SEVALLA_IS_RESTART is \"yes\"", "true or false"),
        ("PLUGIN_WAIT_FOR_FINISH is \"0\"", "true or false"),
        ("INPUT_DOCKER-IMAGE is \"nginx\"", "tag or a digest"),
        ("SEVALLA_LOGS is \"some\"", "on-failure"),
        ("SEVALLA_API_URL is", "https"),
        ("INPUT_SEVALLA_TOKEN", "API key"),
        ("PLUGIN_DEPLOY_HOOK_URL", "https://"),
    ] {
        let told = run.stderr.lines();
        let told = told.filter(|line| line.contains("why:") && line.contains(spelling));
        let lines: Vec<&str> = told.collect();
        assert_eq!(lines.len(), 1, "{spelling} in {}", run.stderr);
        assert!(lines[0].contains(accepted), "{}", lines[0]);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_along_with_what_is_wrong() {
    let (simulator, runner) = silent().await;
    let run = runner
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_TIMEOUT", "soon")
        .run()
        .await;
    assert_refused(&simulator, &run);
    run.assert_told("SEVALLA_TIMEOUT is \"soon\"");
    run.assert_told("sevalla-token");

    let (simulator, runner) = silent().await;
    let run = runner.run().await;
    assert_refused(&simulator, &run);
    run.assert_told("app-id");
    run.assert_told("sevalla-token");
}

#[tokio::test]
async fn contradictions_are_refused_before_anything_is_sent() {
    let cases: [(&[(&str, &str)], &str); 4] = [
        (
            &[("SEVALLA_APP_ID", APP), ("SEVALLA_STATIC_SITE_ID", SITE)],
            "action",
        ),
        (
            &[
                ("SEVALLA_APP_ID", APP),
                ("SEVALLA_BRANCH", "main"),
                ("SEVALLA_DOCKER_IMAGE", "nginx:1"),
            ],
            "SEVALLA_DOCKER_IMAGE",
        ),
        (
            &[("SEVALLA_ACTION", "deploy-static-site")],
            "static-site-id",
        ),
        (
            &[
                ("INPUT_ACTION", "deploy-app"),
                ("INPUT_STATIC-SITE-ID", SITE),
            ],
            "app-id",
        ),
    ];
    together(cases.map(|(variables, named)| async move {
        let (simulator, mut runner) = silent().await;
        runner = runner.secret("SEVALLA_TOKEN", "svl_0123456789abcdef");
        for (name, value) in variables {
            runner = runner.set(*name, *value);
        }
        let run = runner.run().await;
        assert_refused(&simulator, &run);
        run.assert_told(named);
    }))
    .await;
}

#[tokio::test]
async fn the_first_spelling_that_is_given_wins_and_blank_means_absent() {
    let spellings = [
        "INPUT_APP-ID",
        "INPUT_APP_ID",
        "PLUGIN_APP_ID",
        "SEVALLA_APP_ID",
    ];
    together((0..spellings.len()).map(|first| async move {
        let simulator = application(Script::success()).await;
        let mut runner = Runner::against(&simulator).set("SEVALLA_DRY_RUN", "true");
        for (place, name) in spellings.iter().enumerate() {
            let value = match place.cmp(&first) {
                std::cmp::Ordering::Less => [" ", "", "\t\n"][place],
                std::cmp::Ordering::Equal => APP,
                std::cmp::Ordering::Greater => OTHER,
            };
            runner = runner.set(*name, value);
        }
        let run = runner.run().await;
        run.assert_ended(0, "planned");
        assert!(
            simulator
                .journal()
                .iter()
                .all(|call| call.path.contains(APP))
        );
    }))
    .await;
}

#[tokio::test]
async fn every_spelling_of_the_key_is_accepted() {
    let names = [
        "INPUT_SEVALLA-TOKEN",
        "INPUT_SEVALLA_TOKEN",
        "PLUGIN_SEVALLA_TOKEN",
        "SEVALLA_TOKEN",
        "SEVALLA_API_TOKEN",
        "SEVALLA_API_KEY",
    ];
    together(names.map(|name| async move {
        let simulator = application(Script::success()).await;
        let run = Runner::bare()
            .set("SEVALLA_API_URL", simulator.url())
            .set("SEVALLA_APP_ID", APP)
            .set("INPUT_DRY-RUN", " True\n")
            // A secret often comes with the line end of the file it was kept in.
            .set(name, format!("{}\n", simulator.key()))
            .hides(simulator.key())
            .run()
            .await;
        run.assert_ended(0, "planned");
    }))
    .await;
}

#[tokio::test]
async fn a_name_that_is_no_input_is_warned_of_with_its_neighbour() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .set("INPUT_DOCKER-IMGAE", "nginx:1")
        .set("PLUGIN_TIMOUT", "5m")
        .set("INPUT_ZZZZ", "x")
        .set("INPUT_UNSET-ANYWAY", "")
        .run()
        .await;

    run.assert_ended(0, "planned");
    let warned = |name: &str, rest: &str| {
        let mut lines = run.stderr.lines().filter(|line| line.contains(name));
        assert!(
            lines.any(|line| line.contains("Z Warning: ") && line.contains(rest)),
            "{name} in {}",
            run.stderr
        );
    };
    warned("INPUT_DOCKER-IMGAE", "docker-image");
    warned("PLUGIN_TIMOUT", "timeout");
    warned("INPUT_ZZZZ", "not an input");
    assert!(!run.stderr.contains("UNSET-ANYWAY"));
}

#[tokio::test]
async fn a_variable_that_is_not_text_matters_only_if_it_is_ours() {
    let odd = || OsString::from_vec(vec![b'a', 0xff, 0xfe]);
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .set("LC_SOMETHING", odd())
        .set(OsString::from_vec(vec![0xc0, b'X']), "value")
        .run()
        .await;
    run.assert_ended(0, "planned");

    together(
        ["SEVALLA_BRANCH", "INPUT_LOG-FILE", "PLUGIN_SEVALLA_TOKEN"].map(|name| async move {
            let (simulator, runner) = silent().await;
            let run = runner
                .set("SEVALLA_APP_ID", APP)
                .secret("SEVALLA_TOKEN", "svl_0123456789abcdef")
                .set(name, odd())
                .run()
                .await;
            assert_refused(&simulator, &run);
            run.assert_told(name);
            run.assert_told("UTF-8");
        }),
    )
    .await;
}

#[tokio::test]
async fn the_key_is_not_sent_in_the_clear_to_another_machine() {
    let cases = [
        "http://api.sevalla.com/v3",
        "http://10.0.0.7:8080/v3",
        "http://localhost.example.com/v3",
        "ftp://127.0.0.1/v3",
        "//127.0.0.1/v3",
        "https://user:hidden@api.example.com/v3",
    ];
    together(cases.map(|url| async move {
        let run = Runner::bare()
            .secret("SEVALLA_TOKEN", "svl_0123456789abcdef")
            .set("SEVALLA_APP_ID", APP)
            .set("INPUT_API-URL", url)
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("INPUT_API-URL is ");
        run.assert_told(": expected an https URL (http only on this machine)");
    }))
    .await;
}

#[tokio::test]
async fn help_and_version_need_no_environment_and_other_arguments_are_refused() {
    for argument in ["--help", "-h"] {
        let run = Runner::bare().argument(argument).run().await;
        assert_eq!(run.code, Some(0));
        assert_eq!(run.stderr, "");
        for text in [
            "SEVALLA_APP_ID",
            "SEVALLA_TOKEN",
            "--app-id",
            "deploy-app",
            "roll back",
        ] {
            assert!(run.stdout.contains(text), "{text} in {}", run.stdout);
        }
    }
    for argument in ["--version", "-V"] {
        let run = Runner::bare().argument(argument).run().await;
        assert_eq!(run.code, Some(0));
        assert_eq!(run.stderr, "");
        let version = concat!("sevalla-deploy ", env!("CARGO_PKG_VERSION"));
        assert!(run.stdout.starts_with(version), "{}", run.stdout);
        assert_eq!(run.stdout.lines().count(), 1);
    }
    for argument in ["--appid=x", "-x", ""] {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .argument(argument)
            .run()
            .await;
        assert_eq!(run.code, Some(2), "{argument:?}");
        assert!(run.stderr.contains("--help"), "{}", run.stderr);
        assert!(simulator.journal().is_empty(), "{argument:?}");
    }
}

#[tokio::test]
async fn a_key_that_a_fork_does_not_get_is_explained() {
    for blank in ["", "  ", "\n"] {
        let (simulator, runner) = silent().await;
        let run = runner
            .set("INPUT_APP-ID", APP)
            .set("INPUT_SEVALLA-TOKEN", blank)
            .on_github()
            .run()
            .await;
        assert_refused(&simulator, &run);
        run.assert_told("sevalla-token");
        run.assert_told("forks");
    }
    // What a CI leaves of a variable that does not exist.
    for name in ["$SEVALLA_TOKEN", "${SEVALLA_TOKEN}", "$(SEVALLA_TOKEN)"] {
        let (simulator, runner) = silent().await;
        let run = runner
            .set("SEVALLA_APP_ID", APP)
            .set("INPUT_SEVALLA-TOKEN", name)
            .run()
            .await;
        assert_refused(&simulator, &run);
        run.assert_told("INPUT_SEVALLA-TOKEN: ");
        run.assert_told(&format!(
            "{name} is a variable that your CI did not fill in"
        ));
    }
    let (simulator, runner) = silent().await;
    let run = runner
        .set("SEVALLA_DEPLOY_HOOK_URL", "$(DeployHook)")
        .secret("SEVALLA_DATABASE_PASSWORD", "$Secret123")
        .run()
        .await;
    assert_refused(&simulator, &run);
    run.assert_told("$(DeployHook) is a variable that your CI did not fill in");
}

#[tokio::test]
async fn no_secret_is_shown_in_a_problem_in_whatever_spelling_it_came() {
    let (simulator, runner) = silent().await;
    let run = runner
        .set("INPUT_APP-ID", "no id")
        .secret("INPUT_SEVALLA-TOKEN", "first secret with spaces")
        .secret("PLUGIN_SEVALLA_TOKEN", "svl_overruled0123456789")
        .secret(
            "SEVALLA_DEPLOY_HOOK_URL",
            "ftp://hooks.example/deploy/hushhush",
        )
        // The key in the wrong place is a mistake that happens.
        .set("SEVALLA_TIMEOUT", "svl_overruled0123456789")
        .on_github()
        .run()
        .await;
    assert_refused(&simulator, &run);
    run.assert_told("INPUT_SEVALLA-TOKEN");
    run.assert_told("SEVALLA_DEPLOY_HOOK_URL");
}

/// The environment that the official action's inputs make of a workflow that
/// gives only some of them.
fn official(runner: Runner, given: &[(&str, &str)]) -> Runner {
    let inputs = [
        ("ACTION", ""),
        ("SEVALLA-TOKEN", ""),
        ("APP-ID", ""),
        ("STATIC-SITE-ID", ""),
        ("PIPELINE-ID", ""),
        ("SOURCE-APP-ID", ""),
        ("TARGET-APP-IDS", ""),
        ("BRANCH", ""),
        ("DOCKER-IMAGE", ""),
        ("IS-RESTART", "false"),
        ("WAIT-FOR-FINISH", "false"),
        ("DEPLOY-HOOK-URL", ""),
    ];
    let unset = inputs.into_iter().fold(runner, |runner, (name, value)| {
        runner.set(format!("INPUT_{name}"), value)
    });
    given.iter().fold(unset, |runner, (name, value)| {
        runner.set(format!("INPUT_{name}"), *value)
    })
}

#[tokio::test]
async fn a_workflow_of_the_official_action_runs_unchanged() {
    let app = async {
        let simulator = application(Script::success()).await;
        let runner = Runner::bare()
            .on_github()
            .set("SEVALLA_API_URL", simulator.url())
            .hides(simulator.key());
        let key = simulator.key().to_owned();
        let given = [
            ("ACTION", "deploy-app"),
            ("SEVALLA-TOKEN", key.as_str()),
            ("APP-ID", APP),
            ("BRANCH", "main"),
            ("WAIT-FOR-FINISH", "true"),
        ];
        let run = official(runner, &given).run().await;
        run.assert_ended(0, "success");
        assert!(!run.output("deployment-id").is_empty());
        assert!(!run.stdout.contains("::warning"), "{}", run.stdout);
    };
    let site = async {
        let simulator = static_site(Script::success()).await;
        let runner = Runner::bare()
            .on_github()
            .set("SEVALLA_API_URL", simulator.url())
            .hides(simulator.key());
        let key = simulator.key().to_owned();
        let given = [
            ("ACTION", "deploy-static-site"),
            ("SEVALLA-TOKEN", key.as_str()),
            ("STATIC-SITE-ID", SITE),
        ];
        let run = official(runner, &given).run().await;
        run.assert_ended(0, "triggered");
        assert!(!run.stdout.contains("::warning"), "{}", run.stdout);
    };
    let hook = async {
        let simulator = application(Script::success()).await;
        let address = simulator.hook_url(APP);
        let runner = Runner::bare()
            .on_github()
            .set("SEVALLA_API_URL", simulator.url())
            .hides(&address);
        let given = [
            ("ACTION", "deploy-app"),
            ("DEPLOY-HOOK-URL", address.as_str()),
        ];
        let run = official(runner, &given).run().await;
        run.assert_ended(0, "triggered");
        assert!(!run.stdout.contains("::warning"), "{}", run.stdout);
        assert_eq!(simulator.deployments_made(), 1);
    };
    tokio::join!(app, site, hook);
}

#[tokio::test]
async fn neither_a_home_nor_a_writable_folder_is_needed() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .works_in("/proc")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert!(!run.stderr.contains("Warning"), "{}", run.stderr);
    assert!(run.files().is_empty(), "{:?}", run.files());
}

#[tokio::test]
async fn outputs_go_to_stdout_and_the_narrative_to_stderr_outside_a_ci() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_DRY_RUN", "true")
        .run()
        .await;
    run.assert_ended(0, "planned");
    assert!(
        run.stdout.lines().all(|line| line.contains('=')),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("Dry run"), "{}", run.stderr);
    assert!(!run.stderr.contains("::"), "{}", run.stderr);
}

#[tokio::test]
async fn a_secret_is_read_from_its_file_and_hidden() {
    let simulator = application(Script::success()).await;
    let folder = tempfile::tempdir().unwrap();
    let in_file = |content: &str| {
        let path = folder.path().join("token");
        std::fs::write(&path, content).unwrap();
        Runner::deploys_app(&simulator)
            .set("SEVALLA_TOKEN", "")
            .set("SEVALLA_TOKEN_FILE", path)
    };
    let key = simulator.key();
    let run = in_file(&format!("{key}\n")).hides(key).run().await;
    run.assert_ended(0, "success");
    let run = in_file("hunter2hunter2")
        .hides("hunter2hunter2")
        .run()
        .await;
    run.assert_ended(5, "unauthorized");
    let both = in_file(key).secret("SEVALLA_TOKEN", key).run().await;
    both.assert_ended(2, "invalid-input");
    both.assert_told("SEVALLA_TOKEN_FILE: SEVALLA_TOKEN is set too");
    let empty = in_file("\n").run().await;
    empty.assert_ended(2, "invalid-input");
    empty.assert_told("token cannot be used: it is empty");
    assert_eq!(simulator.deployments_made(), 1);
}
