//! The command line: actions, options, completions.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;

use sevalla_deploy::inputs::{ACTIONS, TABLE};
use sevalla_simulator::{PastDeployment, Script, Simulator, StaticSite, World};

use crate::harness::{APP, Runner, SITE, application, together};

#[tokio::test]
async fn an_action_with_options_deploys() {
    for arguments in [
        &["deploy-app", "--app-id", APP, "--branch", "main"][..],
        &["--branch=main", &format!("--app-id={APP}")],
        &[
            "--logs",
            "off",
            "--app-id",
            APP,
            "--branch",
            "main",
            "deploy-app",
        ],
    ] {
        let simulator = application(Script::success()).await;
        let run = Runner::against(&simulator)
            .arguments_are(arguments)
            .run()
            .await;
        run.assert_ended(0, "success");
        assert_eq!(run.output("branch"), "main");
    }
}

#[tokio::test]
async fn an_option_beats_every_variable() {
    let simulator = application(Script::success()).await;
    let run = Runner::against(&simulator)
        .set("INPUT_DRY-RUN", "false")
        .set("INPUT_BRANCH", "of-the-step")
        .set("PLUGIN_BRANCH", "of-the-plugin")
        .set("SEVALLA_BRANCH", "of-the-workflow")
        .arguments_are(&["--app-id", APP, "--dry-run", "--branch", "of-the-line"])
        .run()
        .await;
    run.assert_ended(0, "planned");
    run.assert_told("of-the-line");
    assert_eq!(simulator.deployments_made(), 0);
}

#[tokio::test]
async fn an_argument_of_any_length_is_refused_soon_and_in_short() {
    for argument in ["x".repeat(100_000), format!("--{}", "y".repeat(100_000))] {
        let run = Runner::bare().argument(argument).run().await;
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.len() < 2000, "{}", run.stderr.len());
    }
}

/// Also where they name services of different kinds.
#[tokio::test]
async fn an_option_says_what_the_run_is_about() {
    let world = World::new().static_site(StaticSite::new(SITE).next(Script::success()));
    let simulator = Simulator::start(world).await;
    for name in ["SEVALLA_APP_ID", "INPUT_APP-ID", "PLUGIN_APP_ID"] {
        let run = Runner::against(&simulator)
            .set(name, APP)
            .arguments_are(&["--static-site-id", SITE, "--dry-run"])
            .run()
            .await;
        run.assert_ended(0, "planned");
        run.assert_told(SITE);
    }
    let both = ["--static-site-id", SITE, "--app-id", APP, "--dry-run"];
    let run = Runner::against(&simulator).arguments_are(&both).run().await;
    run.assert_ended(2, "invalid-input");
}

#[tokio::test]
async fn a_variable_with_the_name_of_an_option_is_none() {
    let simulator = application(Script::success()).await;
    let run = Runner::deploys_app(&simulator)
        .set("--branch", "of-somebody-else")
        .set("--on-failure", "rollback")
        .set("--sevalla-token", "svl_of_somebody_else")
        .run()
        .await;
    run.assert_ended(0, "success");
    assert_eq!(run.output("branch"), "main");
}

#[tokio::test]
async fn what_is_wrong_with_a_value_names_the_option() {
    let simulator = application(Script::success()).await;
    let odd = OsString::from_vec(b"--filter=\xff".to_vec());
    let run = Runner::against(&simulator)
        .arguments_are(&["--app-id", "shop$", "--timeout=30", "--max-deletions=-5"])
        .argument(odd)
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("--timeout is \"30\": expected a duration");
    run.assert_told("--max-deletions is \"-5\": expected a whole number");
    run.assert_told("--filter: the value is not UTF-8 text");
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn an_unknown_word_is_never_executed_and_sends_nothing() {
    let words = [
        &["init"][..],
        &["ls"],
        &["env"],
        &["sh", "-c", "echo executed"],
        &["/bin/echo", "executed"],
        &["depoy-app"],
        &["deploy-app", "--", "echo", "executed"],
        &["--brnch=main"],
        &["--branch="],
        &[""],
    ];
    together(words.map(|arguments| async move {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .arguments_are(arguments)
            .run()
            .await;
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.streams());
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.contains("#unknown-argument"), "{}", run.stderr);
        assert!(simulator.journal().is_empty(), "{arguments:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_secret_among_the_arguments_is_refused_and_not_shown() {
    let key = format!("svl_{}", "0123456789abcdef".repeat(4));
    for argument in [
        format!("--sevalla-token={key}"),
        format!("--token={key}"),
        format!("--branhc={key}"),
        format!("--x{key}"),
        format!("SEVALLA_TOKEN={key}"),
        format!("x{key}"),
        key.clone(),
    ] {
        let run = Runner::bare().hides(&key).argument(argument).run().await;
        assert_eq!(run.code, Some(2), "{}", run.stderr);
    }
    let run = Runner::bare()
        .hides("hunter2")
        .arguments_are(&["--settings", r#"{"db_password": "hunter2"}"#])
        .arguments_are(&["--api-url=https://me:hunter2@api.example.com/v3"])
        .arguments_are(&["create-database"])
        .run()
        .await;
    run.assert_ended(2, "invalid-input");
}

#[tokio::test]
async fn what_is_found_is_json_alone_on_a_pipe() {
    let simulator = application(Script::success()).await;
    let against = || Runner::against(&simulator);
    let run = against()
        .arguments_are(&["list", "--resource", "applications"])
        .run()
        .await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found[0]["id"], APP);
    assert!(!run.stderr.contains(APP), "a table: {}", run.stderr);
    let run = against()
        .arguments_are(&["show", "--app-id", APP])
        .run()
        .await;
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["id"], APP);
    // What finds nothing writes nothing that is no JSON.
    let other = "9f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
    for (arguments, code) in [(&["show", "--app-id", other][..], 9), (&["show"], 2)] {
        let run = against().arguments_are(arguments).run().await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""));
        assert!(run.stderr.contains("Error: "), "{}", run.stderr);
    }
}

/// An output holds 64 KiB; a pipe holds all of it.
#[tokio::test]
async fn a_long_list_is_whole_on_a_pipe() {
    let past =
        |number: u64| PastDeployment::success().ago(std::time::Duration::from_secs(3600 * number));
    let app = (1..300).fold(sevalla_simulator::Application::new(APP), |app, number| {
        app.past(past(number))
    });
    let simulator = Simulator::start(World::new().application(app)).await;
    let run = Runner::against(&simulator)
        .arguments_are(&["list", "--resource=deployments", "--app-id", APP])
        .run()
        .await;
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 299);
    assert!(run.stdout.len() > 64 * 1024, "{}", run.stdout.len());
    assert!(!run.stderr.contains("Warning"), "{}", run.stderr);
}

/// Whether a shell is on this machine.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has(shell: &str) -> bool {
    let found = Command::new(shell).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: no {shell}");
    }
    found
}

async fn script(shell: &str) -> String {
    let run = Runner::bare()
        .arguments_are(&["completions", shell])
        .run()
        .await;
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    run.stdout
}

/// What a shell prints.
fn output(shell: &str, script: &str, arguments: &[&str], folder: &Runner) -> Vec<String> {
    let run = Command::new(shell)
        .args(["-c", script, "sh"])
        .args(arguments)
        .current_dir(folder.path("."))
        .env("HOME", folder.path("."))
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && error.is_empty(), "{shell}: {error}");
    let text = String::from_utf8(run.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_value_of_an_unknown_word_is_not_repeated() {
    for arguments in [
        &["help", "databse-pasword=hunter2"][..],
        &["SEVALA_TOKN=hunter2"],
        &["--branch", "--token=hunter2"],
        &["--help=hunter2"],
        &["--version=hunter2"],
    ] {
        let run = Runner::bare().arguments_are(arguments).run().await;
        assert_eq!(run.code, Some(2), "{}", run.streams());
        assert!(!run.streams().contains("hunter2"), "{}", run.streams());
    }
}

#[tokio::test]
async fn bash_completes_actions_options_and_words() {
    if !has("bash") {
        return;
    }
    let folder = Runner::bare();
    std::fs::write(folder.path("my report.json"), "").unwrap();
    let script = script("bash").await
        + r#"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _sevalla_deploy
        printf '%s\n' "${COMPREPLY[@]}""#;
    let complete = |words: &[&str]| {
        let words = [&["sevalla-deploy"], words].concat();
        let mut found = output("bash", &script, &words, &folder);
        found.retain(|word| !word.is_empty());
        found
    };
    for (words, found) in [
        (
            &["depl"][..],
            &["deploy-app", "deploy-static-site", "deploy-stack"][..],
        ),
        (&["comp"], &["completions"]),
        (&["deploy-app", "--on-t"], &["--on-timeout"]),
        (&["--on-timeout", ""], &["leave", "cancel"]),
        (&["--on-timeout", "=", ""], &["leave", "cancel"]),
        (&["--on-timeout", "="], &["leave", "cancel"]),
        (&["--on-timeout", "=", "c"], &["cancel"]),
        (&["--dry-run", "=", "t"], &["true"]),
        (
            &["--dry-run", "depl"],
            &["deploy-app", "deploy-static-site", "deploy-stack"],
        ),
        (&["--verify-url", ""], &["auto"]),
        (&["--expected-commit", ""], &["auto", "off"]),
        (&["--branch", ""], &[]),
        (&["--app-id", "=", ""], &[]),
        (&["--report-file", "my"], &["my report.json"]),
        (&["--sevalla-t"], &[]),
        (&["help", "set-"], &["set-env"]),
        (&["help", "toggle"], &["toggle-cdn"]),
        (&["completions", ""], &["bash", "zsh", "fish"]),
        (&["--", "l"], &[]),
        (
            &["deploy-app", "--on-timeout", "cancel", "--on-t"],
            &["--on-timeout"],
        ),
        (&["--branch", "list", "--on-t"], &["--on-timeout"]),
        (&["--branch", "=", "list", "--on-t"], &["--on-timeout"]),
        (
            &["--branch", "preview", "depl"],
            &["deploy-app", "deploy-static-site", "deploy-stack"],
        ),
        (&["help"], &["help"]),
        (&["help", "deploy-app", ""], &[]),
        (&["completions", "bash", ""], &[]),
        (&["deploy-app", "--he"], &["--help"]),
    ] {
        assert_eq!(complete(words), found, "{words:?}");
    }
    let actions = complete(&[""]);
    assert!(
        ACTIONS
            .iter()
            .all(|row| actions.iter().any(|word| word == row.name.word()))
    );
    for given in [&["--dry-run", "-"][..], &["list", ""], &["deploy-app", "-"]] {
        let options = complete(given);
        let action = ACTIONS.iter().find(|row| row.name.word() == given[0]);
        for input in TABLE.iter().filter(|input| input.name() != "action") {
            let option = format!("--{}", input.name());
            let is_offered = !input.secret && action.is_none_or(|row| row.can_use(input));
            assert_eq!(options.contains(&option), is_offered, "{given:?} {option}");
        }
    }
}

#[tokio::test]
async fn fish_completes_actions_options_and_words() {
    if !has("fish") {
        return;
    }
    let folder = Runner::bare();
    let file = folder.path("completions.fish");
    std::fs::write(&file, script("fish").await).unwrap();
    let script = "source completions.fish; complete -C \"$argv[2]\"";
    let complete = |line: &str| {
        let found = output("fish", script, &[line], &folder);
        let words = found
            .iter()
            .map(|line| line.split('\t').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    for (line, found) in [
        (
            "sevalla-deploy depl",
            &["deploy-app", "deploy-stack", "deploy-static-site"][..],
        ),
        ("sevalla-deploy deploy-app --on-t", &["--on-timeout"]),
        ("sevalla-deploy list --on-t", &[]),
        ("sevalla-deploy --on-t", &["--on-timeout"]),
        ("sevalla-deploy --on-timeout ", &["cancel", "leave"]),
        ("sevalla-deploy --on-timeout=c", &["--on-timeout=cancel"]),
        ("sevalla-deploy deploy-app ", &[]),
        ("sevalla-deploy --sevalla-t", &[]),
        ("sevalla-deploy completions ", &["bash", "fish", "zsh"]),
        ("sevalla-deploy help toggle", &["toggle-cdn"]),
        (
            "sevalla-deploy deploy-app --on-timeout cancel --on-fa",
            &["--on-failure"],
        ),
        ("sevalla-deploy --branch list --on-t", &["--on-timeout"]),
        (
            "sevalla-deploy --branch preview depl",
            &["deploy-app", "deploy-stack", "deploy-static-site"],
        ),
        ("sevalla-deploy -- depl", &[]),
    ] {
        let mut all = complete(line);
        all.sort();
        assert_eq!(all, found, "{line}");
    }
    let found = output("fish", script, &["sevalla-deploy --when-busy "], &folder);
    assert!(
        found.contains(&"cancel-previous\tCancel it.".to_owned()),
        "{found:?}"
    );
    let found = output(
        "fish",
        script,
        &["sevalla-deploy --expected-commit "],
        &folder,
    );
    assert!(
        found.contains(&"off\tCompare nothing.".to_owned()),
        "{found:?}"
    );
}

#[tokio::test]
async fn zsh_completes_actions_options_and_words() {
    if !has("zsh") {
        return;
    }
    let folder = Runner::bare();
    let setup = r#"
        PROMPT= TMOUT=60
        autoload -Uz compinit && compinit -u -D
        zstyle ':completion:*' insert-tab false
        # Writes down what is offered.
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"
                return
            fi
            local -a words
            builtin compadd -A words "$@"
            print -rl -- $words >>found
            builtin compadd "$@"
        }
        comppostfuncs=(exit)
        "#;
    let setup = setup.to_owned() + &script("zsh").await;
    std::fs::write(folder.path("setup.zsh"), setup).unwrap();
    // A terminal of its own: completing is a part of its editor.
    let script = r#"
        zmodload zsh/zpty
        : >found
        zpty shell zsh -f -i
        zpty -w shell 'source ./setup.zsh'
        zpty -w -n shell "$1"$'\t'
        while zpty -r shell seen; do :; done
        sort -u found"#;
    for (line, expected) in [
        (
            "sevalla-deploy depl",
            &["deploy-app", "deploy-stack", "deploy-static-site"][..],
        ),
        ("sevalla-deploy deploy-app --on-t", &["--on-timeout"]),
        ("sevalla-deploy --on-timeout ", &["cancel", "leave"]),
        ("sevalla-deploy --on-timeout=", &["cancel", "leave"]),
        (
            "sevalla-deploy --dry-run depl",
            &["deploy-app", "deploy-stack", "deploy-static-site"],
        ),
        ("sevalla-deploy --sevalla-t", &[]),
        ("sevalla-deploy list --on-t", &[]),
        ("sevalla-deploy deploy-app --on-t", &["--on-timeout"]),
        ("sevalla-deploy --on-timeo", &["--on-timeout"]),
        ("sevalla-deploy completions ", &["bash", "fish", "zsh"]),
        ("sevalla-deploy help toggle", &["toggle-cdn"]),
        (
            "sevalla-deploy deploy-app --on-timeout cancel --on-fa",
            &["--on-failure"],
        ),
        ("sevalla-deploy --branch list --on-t", &["--on-timeout"]),
    ] {
        let mut found = output("zsh", script, &[line], &folder);
        found.retain(|word| !word.is_empty());
        assert_eq!(found, expected, "{line}");
    }
}

#[tokio::test]
async fn a_hook_in_the_wrong_place_is_not_shown() {
    let secret = "qwertyuiopas";
    let hook = format!("https://hook.sevalla.com/apps/{APP}/deploy/{secret}");
    let simulator = application(Script::success()).await;
    let given = |runner: Runner| {
        runner
            .hides(secret)
            .set("SEVALLA_REPORT_FILE", "report.json")
            .set("SEVALLA_HTML_REPORT", "report.html")
            .set("SEVALLA_JUNIT_FILE", "report.xml")
    };
    for input in [
        "APP_ID",
        "STATIC_SITE_ID",
        "BRANCH",
        "CONFIRM",
        "VERIFY_URL",
    ] {
        let runner = given(Runner::deploys_app(&simulator)).set("SEVALLA_DRY_RUN", "true");
        let runner = runner.set(format!("SEVALLA_{input}"), &hook);
        let run = runner.run().await;
        assert!(run.file("report.json").is_some(), "{}", run.streams());
    }
    for arguments in [
        &[hook.as_str()][..],
        &["help", &hook],
        &["deploy-app", &hook],
        &["--app-id", &hook],
        &["--app", &hook],
    ] {
        let run = given(Runner::against(&simulator)).arguments_are(arguments);
        let run = run.run().await;
        assert_eq!(run.code, Some(2), "{}", run.streams());
    }
}

#[tokio::test]
async fn a_secret_as_an_argument_has_an_entry_of_its_own() {
    for argument in ["--sevalla-token=hunter22", "--sevala-token=hunter22"] {
        let run = Runner::bare()
            .hides("hunter22")
            .argument(argument)
            .run()
            .await;
        assert_eq!(run.code, Some(2), "{}", run.streams());
        run.assert_told("the history of your shell");
        run.assert_told("docs/messages.md#secret-argument");
    }
}
