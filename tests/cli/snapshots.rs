//! What a person sees of a run that ends in each way, whole: both streams,
//! GitHub's summary with its annotations, and the comment on a pull request.
//! Each is a file in `snapshots`, made to be opened and judged.
//!
//! What differs from run to run is replaced: ids, times, durations, ports, and
//! how often something was tried. `INSTA_UPDATE=always` writes the files.

use std::future::{Ready, ready};
use std::path::Path;
use std::time::Duration;

use regex::{Captures, Regex};
use serde_json::json;
use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, PastDeployment, Payload, Pipeline, Preview,
    Script, Simulator, World,
};

use crate::harness::{APP, Finished, PIPELINE, PullRequest, Runner, Running, until};
use crate::hub::{Hub, Pull, TOKEN};
use crate::web::{Web, answer};

const COMMIT: &str = "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f";

/// What of a text differs from run to run, and what is there instead.
const VARYING: [(&str, &str); 11] = [
    (
        r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d",
        "YYYY-MM-DD${1}HH:MM:SS",
    ),
    (r"\d\d:\d\d:\d\d", "HH:MM:SS"),
    (r"HH:MM:SS\.\d+", "HH:MM:SS.mmm"),
    (r"\b(\d+h)?(\d+m)?\d+(\.\d+)? ?m?s\b", "<time>"),
    (r"-seconds=\d+", "-seconds=<number>"),
    (r"\d+ (attempts|requests)\b", "<number> $1"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"-x-[a-z]{5}\.sevalla\.app", "-x-<word>.sevalla.app"),
    (r"\b(req|err)-[0-9a-f]{8,12}\b", "$1-<id>"),
    (r"\b[0-9a-f]{32}\b", "<token>"),
    // Steps of ours are drawn from half a second on.
    (r"(?m)^    (Preparing|Reading the log) <time> .*\n", ""),
];

/// The lines of which there are as many as there is time for.
const REPEATED: [&str; 2] = [
    "Trying again in <time>",
    "/up: HTTP 404 (expected 200-399) (<time>)",
];

/// The text without what differs from run to run. Each id of a deployment
/// becomes one that counts, so that one deployment is seen to be one.
fn steady(text: &str) -> String {
    let mut text = text.replace(env!("CARGO_PKG_REPOSITORY"), "<repository>");
    for (pattern, instead) in VARYING {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, instead).into_owned();
    }
    let mut ids: Vec<String> = [APP, PIPELINE].map(str::to_owned).into();
    let id = Regex::new(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let text = id.replace_all(&text, |id: &Captures<'_>| {
        let known = ids.iter().position(|known| *known == id[0]);
        match known.unwrap_or(ids.len()) {
            place @ (0 | 1) => ids[place].clone(),
            place => {
                if place == ids.len() {
                    ids.push(id[0].to_owned());
                }
                format!("00000000-0000-4000-8000-{:012}", place - 1)
            }
        }
    });
    let mut lines: Vec<&str> = text.lines().collect();
    lines.dedup_by(|line, before| {
        line == before && REPEATED.iter().any(|repeated| line.contains(repeated))
    });
    lines.join("\n")
}

/// Everything that the run shows.
fn shown(run: &Finished, comments: &[String]) -> String {
    let mut all = format!("exit code: {}\n", run.code.unwrap());
    let summary = run.file("github-summary").unwrap_or_default();
    let comments = comments.join("\n");
    for (title, text) in [
        ("standard output", &run.stdout),
        ("standard error", &run.stderr),
        ("summary", &summary),
        ("comment", &comments),
    ] {
        if !text.is_empty() {
            all.push_str(&format!("\n=== {title}\n{text}"));
        }
    }
    steady(&all)
}

/// What a run says that had too little of a busy machine.
const HAMPERED: [&str; 4] = [
    "no complete answer within",
    "[log-incomplete]",
    "looking again for late lines took too long",
    ": the run timed out",
];

/// Compares what runs of this scene show with the file of its name.
async fn assert_shown(
    name: &str,
    (code, outcome): (i32, &str),
    play: impl AsyncFn() -> (Finished, Vec<String>),
) {
    let mut again = 0..5;
    let (run, comments) = loop {
        let played = play().await;
        let is_hampered = HAMPERED
            .iter()
            .any(|sign| played.0.streams().contains(sign));
        if !is_hampered || again.next().is_none() {
            break played;
        }
    };
    run.assert_ended(code, outcome);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown(&run, &comments));
    });
}

/// A run with these inputs as well.
fn with(runner: Runner, inputs: &[(&str, &str)]) -> Runner {
    let set = |runner: Runner, (name, value): &(&str, &str)| runner.set(*name, *value);
    inputs.iter().fold(runner, set)
}

/// Deploys an application in a CI that is not known and on GitHub. While each
/// run is under way, `meanwhile` happens.
async fn deploys(
    name: &str,
    end: (i32, &str),
    world: World,
    inputs: &[(&str, &str)],
    meanwhile: impl AsyncFn(&Simulator, &Running),
) {
    let play = async |is_github: bool| {
        let simulator = Simulator::start(world.clone()).await;
        let runner = with(Runner::deploys_app(&simulator).set("CI", "true"), inputs);
        let running = if is_github {
            runner.on_github().start()
        } else {
            runner.start()
        };
        meanwhile(&simulator, &running).await;
        (running.finish().await, Vec::new())
    };
    let (plain, github) = (format!("{name}-plain"), format!("{name}-github"));
    tokio::join!(
        assert_shown(&plain, end, async || play(false).await),
        assert_shown(&github, end, async || play(true).await),
    );
}

/// Nothing happens.
fn nothing(_: &Simulator, _: &Running) -> Ready<()> {
    ready(())
}

fn shop() -> Application {
    Application::new(APP).display_name("shop")
}

fn world(script: Script) -> World {
    World::new().application(shop().next(script.commit_sha(COMMIT)))
}

/// The log of a build that ends like this.
fn logged(script: Script, end: &[(&str, &str)]) -> Script {
    let begin = [
        ("INFO", "#7 [build 4/6] RUN npm ci"),
        ("INFO", "#7 2.981 added 412 packages"),
        ("INFO", "#9 [build 6/6] RUN npm run build"),
    ];
    let lines = begin.iter().chain(end).zip(0..);
    lines.fold(script, |script, ((severity, text), at)| {
        script.log_line(Duration::from_millis(at), *severity, *text)
    })
}

fn builds() -> Script {
    logged(
        Script::success(),
        &[("INFO", "#9 3.998 ✓ 318 modules transformed.")],
    )
}

fn fails_to_build() -> Script {
    logged(
        Script::failed(),
        &[
            (
                "ERROR",
                "#9 2.318 src/basket.ts(41,17): error TS2345: Argument of type 'string' is not \
                 assignable to parameter of type 'number'.",
            ),
            (
                "ERROR",
                "#9 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: \
                 exit code: 2",
            ),
        ],
    )
}

fn endless() -> Script {
    Script::success().never_ends()
}

#[tokio::test]
async fn success() {
    let past = || PastDeployment::success();
    let app = shop().past(past()).past(past()).past(past());
    let world = World::new().application(app.next(builds().commit_sha(COMMIT)));
    deploys("success", (0, "success"), world, &[], nothing).await;
}

#[tokio::test]
async fn planned() {
    let inputs = [("SEVALLA_DRY_RUN", "true")];
    deploys("planned", (0, "planned"), world(builds()), &inputs, nothing).await;
}

#[tokio::test]
async fn triggered() {
    let inputs = [("SEVALLA_WAIT_FOR_FINISH", "false")];
    let world = world(endless());
    deploys("triggered", (0, "triggered"), world, &inputs, nothing).await;
}

#[tokio::test]
async fn failed() {
    let world = world(fails_to_build());
    deploys("failed", (1, "failed"), world, &[], nothing).await;
}

#[tokio::test]
async fn invalid_input() {
    let inputs = [
        ("SEVALLA_LOGS", "verbose"),
        ("SEVALLA_WHEN_BUSY", "qeue"),
        ("INPUT_BRNCH", "main"),
    ];
    let world = world(builds());
    deploys(
        "invalid-input",
        (2, "invalid-input"),
        world,
        &inputs,
        nothing,
    )
    .await;
}

#[tokio::test]
async fn cancelled() {
    let world = world(Script::cancelled());
    deploys("cancelled", (3, "cancelled"), world, &[], nothing).await;
}

#[tokio::test]
async fn skipped() {
    let skipped = || world(Script::skipped());
    deploys("skipped", (3, "skipped"), skipped(), &[], nothing).await;
    let passes = [("SEVALLA_ON_SKIPPED", "pass")];
    deploys(
        "skipped-passes",
        (0, "skipped"),
        skipped(),
        &passes,
        nothing,
    )
    .await;
}

#[tokio::test]
async fn superseded() {
    let world = world(Script::skipped().queue(Duration::from_secs(12)));
    let overtaken = async |simulator: &Simulator, _: &Running| {
        until(|| simulator.deployments_made() == 1).await;
        simulator.add_deployment(APP, DeploymentType::Manual, endless().commit_sha(COMMIT));
    };
    deploys("superseded", (3, "superseded"), world, &[], overtaken).await;
}

#[tokio::test]
async fn timed_out() {
    let inputs = [("SEVALLA_TIMEOUT", "8s"), ("SEVALLA_LOGS", "off")];
    let world = world(endless());
    deploys("timed-out", (4, "timed-out"), world, &inputs, nothing).await;
}

#[tokio::test]
async fn unauthorized() {
    let world = world(builds()).forbid("triggerDeploymentV3");
    deploys("unauthorized", (5, "unauthorized"), world, &[], nothing).await;
}

#[tokio::test]
async fn unavailable() {
    let fault = Fault::on("getApplicationV3").does(Behaviour::html(502));
    let inputs = [("SEVALLA_TIMEOUT", "12s")];
    let world = world(builds()).fault(fault);
    deploys("unavailable", (6, "unavailable"), world, &inputs, nothing).await;
}

#[tokio::test]
async fn ambiguous() {
    let lost = Fault::on("triggerDeploymentV3")
        .nth(1)
        .does(Behaviour::ResetAfterApplying)
        .beside(APP, DeploymentType::Manual, Script::success());
    let world = world(builds()).fault(lost);
    deploys("ambiguous", (7, "ambiguous"), world, &[], nothing).await;
}

#[tokio::test]
async fn unverified() {
    let web = Web::acts([answer(404, "")]).await;
    let url = web.url("/up");
    let inputs = [
        ("SEVALLA_VERIFY_URL", url.as_str()),
        ("SEVALLA_VERIFY_TIMEOUT", "10s"),
    ];
    deploys(
        "unverified",
        (8, "unverified"),
        world(builds()),
        &inputs,
        nothing,
    )
    .await;
}

#[tokio::test]
async fn rejected() {
    let refused = Fault::on("triggerDeploymentV3").does(Behaviour::Status(
        422,
        Payload::Json(json!({ "message": "Branch does not exist", "status": 422 })),
        vec![("x-request-id".to_owned(), "req-0815".to_owned())],
    ));
    let world = world(builds()).fault(refused);
    deploys("rejected", (9, "rejected"), world, &[], nothing).await;
}

#[tokio::test]
async fn interrupted() {
    let stopped = async |simulator: &Simulator, running: &Running| {
        // The first look is shown once there is a second one.
        until(|| simulator.calls("getDeploymentV3") > 1).await;
        running.signal("INT").await;
    };
    let inputs = [("SEVALLA_LOGS", "off")];
    let world = world(endless());
    deploys("interrupted", (130, "interrupted"), world, &inputs, stopped).await;
}

/// What an event of a pull request makes of its preview, with the comment.
async fn previews(
    name: &str,
    end: (i32, &str),
    event: PullRequest,
    script: Script,
    inputs: &[(&str, &str)],
) {
    // Ended once it can be found.
    let script = script.queue(Duration::ZERO).run(Duration::ZERO);
    let script = script.commit_sha(event.commit);
    let is_closed = event.action == "closed";
    let play = async || {
        let pull = Pull::open(event.branch);
        let hub = Hub::with(7, if is_closed { pull.closed() } else { pull });
        let app = Application::new(APP).repo_url("https://github.example/octo/shop");
        let (mut world, mut preview) = (World::new(), Preview::new());
        if is_closed {
            let app = app.display_name("PR #7 feature/x").kind("previewApp");
            world = world.application(app.source("app").default_branch(event.branch));
            let marker = format!("<!-- sevalla-deploy:{PIPELINE} app:{APP} -->");
            hub.comment(7, &format!("{marker}\nsevalla.app"));
        } else {
            preview = preview.next(app.next(script.clone()));
        }
        let pipeline = Pipeline::new(PIPELINE).preview(preview);
        let simulator = Simulator::start(world.pipeline(pipeline)).await;
        let server = hub.serve().await;
        let runner = Runner::does(&simulator, "preview")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .secret("SEVALLA_GITHUB_TOKEN", TOKEN)
            .on_pull_request(&event)
            .set("GITHUB_API_URL", server.uri());
        let run = with(runner, inputs).run().await;
        (run, hub.comments(7))
    };
    assert_shown(&format!("preview-{name}"), end, play).await;
}

#[tokio::test]
async fn a_preview_that_succeeds() {
    let opened = PullRequest::OPENED;
    previews("success", (0, "success"), opened, builds(), &[]).await;
}

#[tokio::test]
async fn a_preview_that_fails() {
    let opened = PullRequest::OPENED;
    previews("failed", (1, "failed"), opened, fails_to_build(), &[]).await;
}

#[tokio::test]
async fn a_preview_that_is_cancelled() {
    let opened = PullRequest::OPENED;
    previews(
        "cancelled",
        (3, "cancelled"),
        opened,
        Script::cancelled(),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_preview_that_is_not_ready_in_time() {
    let (opened, inputs) = (
        PullRequest::OPENED,
        [("SEVALLA_TIMEOUT", "8s"), ("SEVALLA_LOGS", "off")],
    );
    previews("timed-out", (4, "timed-out"), opened, endless(), &inputs).await;
}

#[tokio::test]
async fn a_preview_that_does_not_answer_well() {
    let web = Web::acts([answer(404, "")]).await;
    let url = web.url("/up");
    let inputs = [
        ("SEVALLA_VERIFY_URL", url.as_str()),
        ("SEVALLA_VERIFY_TIMEOUT", "10s"),
    ];
    let opened = PullRequest::OPENED;
    previews("unverified", (8, "unverified"), opened, builds(), &inputs).await;
}

#[tokio::test]
async fn a_preview_whose_pull_request_is_closed() {
    let closed = PullRequest::CLOSED;
    previews("closed", (0, "success"), closed, builds(), &[]).await;
}

#[test]
fn each_file_is_compared_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".snap").expect("a snapshot");
        let scene = name
            .strip_prefix("preview-")
            .or(name.strip_suffix("-plain"))
            .or(name.strip_suffix("-github"))
            .unwrap();
        let compared = Regex::new(&format!("\"{scene}\",\\s+\\(")).unwrap();
        assert!(compared.is_match(include_str!("snapshots.rs")), "{file}");
    }
}
