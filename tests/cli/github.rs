//! On GitHub: commands, outputs and summary, with text written by strangers.

use std::time::Duration;

use serde_json::json;
use sevalla_deploy::outputs::OUTPUTS;
use sevalla_simulator::{
    Application, Behaviour, Fault, Payload, Script, Simulator, StaticSite, World,
};

use crate::harness::{APP, Finished, Runner, SITE, application, together};
use crate::oracle::{Command, Stopping, lines, obeyed, outside_code};

/// What strangers write to make a CI do something.
const HOSTILE: [&str; 26] = [
    "::error::pwned",
    "  ::warning file=x,line=1::pwned",
    "\t::notice::pwned",
    "::ERROR::pwned",
    "::endgroup::",
    "::EndGroup::",
    "::add-mask::success",
    "::stop-commands::pwned",
    "::set-output name=deployment-id::pwned",
    "::set-env name=PATH::/tmp",
    "##[error]pwned",
    "in the ##[group]middle",
    "##[set-output name=outcome]pwned",
    "carriage\r::error::pwned",
    "line\n::error::pwned",
    "both\r\n##[error]pwned",
    "\u{2028}::error::pwned",
    "\u{85}::error::pwned",
    "\u{c}::error::pwned",
    "\u{1b}[2K\u{1b}[1G::error::pwned",
    "\u{1b}]0;title\u{7}::error::pwned",
    "\u{200b}::error::pwned",
    "#\u{200b}#[error]pwned",
    "#\u{1b}[0m#[error]pwned",
    "%0A::error::pwned",
    "\u{202e}::rorre::",
];

/// What strangers write to make a page show something.
const MARKDOWN: &str = "`` ` <img src=x onerror=alert(1)> @octo/team [x](http://evil.example) \
                        a|b \\| c\\\\|d ![i](http://evil.example/i.png) </details> https://evil.example";

fn names(commands: &[Command]) -> Vec<&str> {
    commands
        .iter()
        .map(|command| command.name.as_str())
        .collect()
}

/// The runner obeys exactly these commands on the output, and none on the
/// error stream; the text alone is harmless too.
fn assert_obeyed(run: &Finished, expected: &[&str]) -> Vec<Command> {
    let commands = obeyed(&run.stdout, Stopping::Heeded);
    assert_eq!(names(&commands), expected, "{}", run.stdout);
    let without_stopping = obeyed(&run.stdout, Stopping::Ignored);
    assert_eq!(names(&without_stopping), expected, "{}", run.stdout);
    assert!(
        obeyed(&run.stderr, Stopping::Ignored).is_empty(),
        "{}",
        run.stderr
    );
    let open = |name| {
        commands
            .iter()
            .filter(|command| command.name == name)
            .count()
    };
    assert_eq!(open("group"), open("endgroup"));
    assert!(!run.streams().contains('\u{1b}'));
    commands
}

/// The outputs are ours, whatever strangers wrote.
fn assert_outputs(run: &Finished) {
    let outputs = run.outputs();
    let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = OUTPUTS.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

/// The summary shows strangers' text as text.
fn assert_summary(run: &Finished) -> String {
    let summary = run.file("github-summary").unwrap();
    assert!(summary.len() < 1024 * 1024);
    let folds = ["<details><summary>Details</summary>", "</details>"];
    let unfolded = folds
        .iter()
        .fold(summary.clone(), |text, fold| text.replace(fold, ""));
    let unfolded = unfolded.replace("<details><summary>Last lines of the log</summary>", "");
    let rendered = outside_code(&unfolded);
    let links = rendered.matches("<https://").count();
    assert_eq!(rendered.matches('<').count(), links, "{rendered}");
    for sign in ["@", "](", "![", "&", "evil.example"] {
        assert!(!rendered.contains(sign), "{sign} in {rendered}");
    }
    summary
}

#[tokio::test]
async fn the_runner_obeys_our_commands_in_their_order() {
    let success = async {
        let simulator =
            application(Script::success().log_line(Duration::from_millis(10), "INFO", "building"))
                .await;
        let run = Runner::deploys_app(&simulator).on_github().run().await;
        run.assert_ended(0, "success");
        assert_obeyed(&run, &["group", "stop-commands", "resume", "endgroup"]);
        assert!(!run.streams().contains("add-mask"), "{}", run.stdout);
        assert_outputs(&run);
        assert_summary(&run);
        run
    };
    let failure = async {
        let simulator = application(Script::failed().log_line(
            Duration::from_millis(10),
            "ERROR",
            "no such module",
        ))
        .await;
        let run = Runner::deploys_app(&simulator).on_github().run().await;
        run.assert_ended(1, "failed");
        let commands = assert_obeyed(
            &run,
            &["group", "stop-commands", "resume", "endgroup", "error"],
        );
        let error = commands.last().unwrap();
        assert!(error.data.contains("failed"), "{}", error.data);
        assert!(!error.properties["title"].is_empty());
        // The group is folded: the verdict has to stand outside.
        let verdict = lines(&run.stdout)
            .iter()
            .position(|line| line.contains("Outcome: failed (exit code 1)"));
        assert!(verdict.unwrap() > commands[3].line);
        run
    };
    let invalid = async {
        let run = Runner::bare()
            .on_github()
            .set("INPUT_APP-ID", "x: y, z%0A\n::error::pwned")
            .set("INPUT_SEVALLA-TOKEN", "")
            .set("INPUT_TIMOUT", "5m")
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        assert_obeyed(&run, &["warning", "error"]);
        assert_outputs(&run);
        assert_summary(&run);
        run
    };
    let (success, ..) = tokio::join!(success, failure, invalid);
    // Every stop-commands has its own token.
    let token = |run: &Finished| {
        let commands = obeyed(&run.stdout, Stopping::Heeded);
        commands
            .into_iter()
            .find(|command| command.name == "stop-commands")
            .unwrap()
            .data
    };
    let other = application(Script::success().generated_lines(1)).await;
    let other = Runner::deploys_app(&other).on_github().run().await;
    assert_ne!(token(&success), token(&other));
    assert!(token(&success).len() >= 16);
}

#[tokio::test]
async fn warnings_of_the_log_are_marked_and_what_follows_it_stands_outside() {
    let logged = || Script::success().log_line(Duration::from_millis(10), "INFO", "building");
    let logs = "getApplicationDeploymentLogsV3";
    for (fault, name, told, is_open) in [
        (
            Fault::on("purgeApplicationCacheV3"),
            "caches-not-emptied",
            "emptied",
            false,
        ),
        (
            Fault::on(logs),
            "log-not-shown",
            "The log cannot be shown",
            false,
        ),
        (
            Fault::on(logs).after(1),
            "log-not-shown",
            "The log cannot be shown",
            true,
        ),
    ] {
        let simulator = application(logged().run(Duration::from_secs(6))).await;
        simulator.add_fault(fault.does(Behaviour::status(403)));
        let run = Runner::deploys_app(&simulator)
            .on_github()
            .set("SEVALLA_PURGE_CACHE", "true")
            .set("SEVALLA_REPORT_FILE", "report.json")
            .run()
            .await;
        run.assert_ended(0, "success");
        let commands = obeyed(&run.stdout, Stopping::Heeded);
        let marks: Vec<&Command> = commands.iter().filter(|c| c.name == "warning").collect();
        assert_eq!(marks.len(), 1, "{}", run.stdout);
        assert!(marks[0].data.contains(told), "{}", marks[0].data);
        assert!(
            marks[0].data.contains(&format!("messages.md#{name}")),
            "{}",
            marks[0].data
        );
        let end = commands.iter().find(|c| c.name == "endgroup");
        let stands_inside = end.is_some_and(|end| marks[0].line < end.line);
        assert_eq!(stands_inside, is_open, "{}", run.stdout);
        let report: serde_json::Value =
            serde_json::from_str(&run.file("report.json").unwrap()).unwrap();
        assert_eq!(report["warnings"][0]["name"], name, "{report:#}");
    }
}

#[tokio::test]
async fn a_log_cannot_command_the_runner() {
    let hostile = |script: Script| {
        HOSTILE
            .iter()
            .enumerate()
            .fold(script, |script, (number, text)| {
                let at = Duration::from_millis(number as u64);
                script
                    .log_line(at, "INFO", *text)
                    .log_line(at, *text, "a hostile severity")
                    .log_line(at, "INFO", MARKDOWN)
            })
            .commit_message("::error::pwned\n##[error]pwned")
            .author("##[error]pwned")
            .commit_sha("::error::pwned\r##[error]pwned")
    };
    let modes = [
        ("live", false),
        ("live", true),
        ("on-failure", true),
        ("off", true),
    ];
    together(modes.map(|(logs, fails)| async move {
        let script = if fails {
            Script::failed()
        } else {
            Script::success()
        };
        let simulator = application(hostile(script)).await;
        let runner = Runner::deploys_app(&simulator).on_github();
        let file = runner.path("deploy.log");
        let run = runner
            .set("INPUT_LOGS", logs)
            .set("INPUT_LOG-FILE", file)
            .run()
            .await;
        assert_eq!(run.code, Some(i32::from(fails)));
        let mut expected = Vec::new();
        if logs != "off" {
            expected.extend(["group", "stop-commands", "resume", "endgroup"]);
        }
        if fails {
            expected.push("error");
        }
        assert_obeyed(&run, &expected);
        assert_outputs(&run);
        assert_summary(&run);
        // A later step may print the file.
        let file = run.file("deploy.log").unwrap();
        assert!(obeyed(&file, Stopping::Ignored).is_empty(), "{file}");
        assert!(file.contains("pwned"));
    }))
    .await;
}

#[tokio::test]
async fn names_and_branches_and_messages_are_text() {
    together(HOSTILE.into_iter().map(|text| async move {
        let app = Application::new(APP)
            .display_name(format!("{text}{MARKDOWN}"))
            .default_branch(format!("{text}{MARKDOWN}"))
            .auto_deploy(true)
            .next(
                Script::failed()
                    .status_at(Duration::from_millis(130), Some(text))
                    .commit_sha(format!("{text}{MARKDOWN}"))
                    .commit_message(text),
            );
        let simulator = Simulator::start(World::new().application(app)).await;
        let run = Runner::deploys_app(&simulator)
            .on_github()
            .set("INPUT_TIMEOUT", "6s")
            .set("INPUT_LOGS", "off")
            .run()
            .await;
        assert_obeyed(&run, &["warning", "error"]);
        assert_outputs(&run);
        assert_summary(&run);
        assert!(run.output("branch").contains("img src"));
    }))
    .await;
}

#[tokio::test]
async fn error_bodies_are_text() {
    together(HOSTILE.into_iter().map(|text| async move {
        let text = format!("{text}{MARKDOWN}");
        let body = json!({ "message": text, "data": { "code": text, "message": text } });
        let headers = vec![(
            "x-request-id".to_owned(),
            "::error::##[error]pwned".to_owned(),
        )];
        let json = Behaviour::Status(422, Payload::Json(body), headers);
        let page = format!("<html><title>{text}</title></html>");
        let html = Behaviour::Status(404, Payload::Html(page), Vec::new());
        let plain = Behaviour::Status(
            409,
            Payload::Raw("text/plain".to_owned(), text.clone().into_bytes()),
            Vec::new(),
        );
        let shape = Behaviour::WrongShape(json!({ "id": 7, text.as_str(): text }));
        for behaviour in [json, html, plain, shape] {
            let app = Application::new(APP);
            let fault = Fault::on("getApplicationV3").does(behaviour);
            let simulator = Simulator::start(World::new().application(app).fault(fault)).await;
            let run = Runner::deploys_app(&simulator)
                .on_github()
                .set("INPUT_DRY-RUN", "true")
                .set("INPUT_TIMEOUT", "4s")
                .run()
                .await;
            if run.code == Some(0) {
                continue;
            }
            assert_obeyed(&run, &["error"]);
            assert_outputs(&run);
            assert_summary(&run);
        }
    }))
    .await;
}

#[tokio::test]
async fn the_build_error_of_a_static_site_is_text_of_bounded_length() {
    let texts = [
        format!("::error::pwned\n##[error]pwned {MARKDOWN}"),
        MARKDOWN.repeat(4_000),
    ];
    together(texts.map(|text| async move {
        let site = StaticSite::new(SITE).next(Script::failed().build_error(text));
        let simulator = Simulator::start(World::new().static_site(site)).await;
        let run = Runner::deploys_site(&simulator)
            .on_github()
            .set("INPUT_LOGS", "off")
            .run()
            .await;
        run.assert_ended(1, "failed");
        assert_obeyed(&run, &["error"]);
        assert_summary(&run);
        run.assert_told("onerror");
        assert!(run.stdout.len() < 64 * 1024, "{}", run.stdout.len());
        assert!(run.output("error").len() < 64 * 1024);
    }))
    .await;
}

#[tokio::test]
async fn a_long_failing_log_leaves_a_well_formed_summary() {
    let script = (0..80).fold(Script::failed(), |script, number| {
        script.log_line(
            Duration::from_millis(number),
            "ERROR",
            format!("```{}{MARKDOWN}", "`~<b>@x ".repeat(12_000)),
        )
    });
    let simulator = application(script).await;
    let run = Runner::deploys_app(&simulator)
        .on_github()
        .set("INPUT_LOGS", "on-failure")
        .run()
        .await;
    run.assert_ended(1, "failed");
    assert_summary(&run);
}

#[tokio::test]
async fn an_odd_log_entry_cannot_command_either() {
    let entries = json!([
        { "id": "1", "message": "::error::pwned", "severity": "::error::pwned", "unix_timestamp": 9e300 },
        { "id": "2", "message": "", "severity": "##[error]", "unix_timestamp": "never" },
        { "id": "\n::error::", "message": "\n::error::pwned", "severity": "\n::error::pwned" },
        { "message": null, "severity": null },
        {},
    ]);
    let fault = Fault::on("getApplicationDeploymentLogsV3").does(Behaviour::WrongShape(entries));
    let app = Application::new(APP).next(Script::success());
    let simulator = Simulator::start(World::new().application(app).fault(fault)).await;
    let run = Runner::deploys_app(&simulator).on_github().run().await;
    run.assert_ended(0, "success");
    assert_obeyed(&run, &["group", "stop-commands", "resume", "endgroup"]);
}

#[tokio::test]
async fn an_odd_deployment_id_cannot_command_either() {
    let odd = "../x\n::error::pwned,a=b::##[error]pwned`|<b>@x";
    let answer = json!({ "id": odd, "status": "waiting" });
    let fault = Fault::on("triggerDeploymentV3").does(Behaviour::WrongShape(answer));
    let app = Application::new(APP).next(Script::success());
    let simulator = Simulator::start(World::new().application(app).fault(fault)).await;
    let run = Runner::deploys_app(&simulator)
        .on_github()
        .set("INPUT_WAIT-FOR-FINISH", "false")
        .run()
        .await;
    run.assert_ended(0, "triggered");
    assert_obeyed(&run, &[]);
    assert_outputs(&run);
    assert_summary(&run);
}

#[tokio::test]
async fn outputs_and_summary_are_added_to_what_is_there() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator).on_github();
    std::fs::write(runner.path("github-output"), "before=1\n").unwrap();
    std::fs::write(runner.path("github-summary"), "# Before\n").unwrap();
    let run = runner.set("INPUT_DRY-RUN", "true").run().await;
    run.assert_ended(0, "planned");
    assert_eq!(run.output("before"), "1");
    let summary = run.file("github-summary").unwrap();
    assert!(summary.starts_with("# Before\n") && summary.contains("planned"));

    let runner = Runner::deploys_app(&simulator).on_github();
    std::fs::write(runner.path("github-summary"), "# Before\n").unwrap();
    let run = runner
        .set("INPUT_DRY-RUN", "true")
        .set("INPUT_SUMMARY", "false")
        .run()
        .await;
    assert_eq!(run.file("github-summary").unwrap(), "# Before\n");
}

#[tokio::test]
async fn a_key_that_the_service_echoes_is_never_shown() {
    let key = format!("svl_{}", "0123456789abcdef".repeat(4));
    let in_a_log = {
        let key = key.clone();
        async move {
            // Also in pieces that only look apart.
            let (head, tail) = key.split_at(20);
            let script = Script::failed()
                .log_line(Duration::from_millis(1), "INFO", format!("curl -H {key} x"))
                .log_line(
                    Duration::from_millis(2),
                    "INFO",
                    format!("{head}\u{1b}[0m\u{200b}{tail}"),
                )
                .log_line(
                    Duration::from_millis(3),
                    "INFO",
                    format!("{}{key}", "x".repeat(16 * 1024 - 40)),
                )
                .commit_message(key.clone());
            let app = Application::new(APP)
                .display_name(key.clone())
                .default_branch(format!("fix/{key}"))
                .auto_deploy(true)
                .next(script);
            let world = World::new().key(key.clone()).application(app);
            let simulator = Simulator::start(world).await;
            let runner = Runner::deploys_app(&simulator)
                .on_github()
                .hides(head)
                .hides(&tail[..20]);
            let file = runner.path("deploy.log");
            let run = runner
                .set("INPUT_LOG-FILE", file)
                .set("RUNNER_DEBUG", "1")
                .run()
                .await;
            run.assert_ended(1, "failed");
            run.assert_told("curl -H *** x");
            assert!(run.file("deploy.log").unwrap().contains("curl -H *** x"));
        }
    };
    let in_errors = {
        let key = key.clone();
        async move {
            // Wherever a long text is cut, no part of the key is left over.
            for padding in (420..=500).step_by(20) {
                let text = format!("{}{key}", "x".repeat(padding));
                let body = json!({ "message": text, "data": { "code": key, "message": text } });
                let headers = vec![("x-request-id".to_owned(), key.clone())];
                let fault = Fault::on("getApplicationV3").does(Behaviour::Status(
                    400,
                    Payload::Json(body),
                    headers,
                ));
                let world = World::new()
                    .key(key.clone())
                    .application(Application::new(APP))
                    .fault(fault);
                let simulator = Simulator::start(world).await;
                let run = Runner::deploys_app(&simulator)
                    .on_github()
                    .set("RUNNER_DEBUG", "1")
                    .hides(&key[..12])
                    .run()
                    .await;
                run.assert_ended(9, "rejected");
            }
        }
    };
    let in_a_wrong_shape = {
        let key = key.clone();
        async move {
            let shape = Behaviour::WrongShape(json!(key.as_str()));
            let fault = Fault::on("getApplicationV3").does(shape);
            let world = World::new()
                .key(key.clone())
                .application(Application::new(APP))
                .fault(fault);
            let simulator = Simulator::start(world).await;
            Runner::deploys_app(&simulator)
                .set("SEVALLA_TIMEOUT", "4s")
                .hides(&key[..12])
                .run()
                .await
                .assert_ended(6, "unavailable");
        }
    };
    let hook = async {
        let app = Application::new(APP).next(Script::success());
        let simulator = Simulator::start(World::new().application(app)).await;
        let hook = simulator.hook_url(APP);
        let secret = hook.rsplit('/').next().unwrap().to_owned();
        simulator.add_fault(Fault::on("hook").does(Behaviour::Status(
            400,
            Payload::Json(json!({ "message": format!("no {hook} and no {secret}") })),
            Vec::new(),
        )));
        let run = Runner::bare()
            .on_github()
            .set("INPUT_API-URL", simulator.url())
            .secret("INPUT_DEPLOY-HOOK-URL", &hook)
            .hides(&secret)
            .set("RUNNER_DEBUG", "1")
            .run()
            .await;
        run.assert_ended(9, "rejected");
        run.assert_told("no *** and no ***");
    };
    tokio::join!(in_a_log, in_errors, in_a_wrong_shape, hook);
}
