//! docs/try-it.md: its commands, run in its order against the simulator's company,
//! print what it shows.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use regex::Regex;
use sevalla_simulator::{Limits, Simulator, sample};
use tokio::process::Command;

use crate::harness::Runner;
use crate::window::Window;

const PAGE: &str = "docs/try-it.md";

/// Wider than any line: where a terminal wraps is not compared.
const COLUMNS: u16 = 300;

/// What differs from run to run, with what the page has for comparison.
const VARYING: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "<moment>"),
    (r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d\b", "<moment>"),
    (r"\b\d\d:\d\d:\d\d(\.\d{3})?\b", "<time>"),
    (r"\b(\d+h)?(\d+m)?\d+(\.\d+)?s\b", "<duration>"),
    (r"\b\d+h\d\dm\b", "<duration>"),
    (r"req-[0-9a-f]+", "<request>"),
    (r"-[a-z]{5}\.sevalla\.app", "-<label>.sevalla.app"),
    (r"\b[0-9a-f]{12}\b", "<image>"),
    (r"\b[0-9a-f]{9}\b", "<commit>"),
    (r"\b[0-9a-f]{7}\b", "<commit>"),
];

/// A command of the page, and the output below it, if it shows one.
struct Step {
    command: String,
    output: Option<String>,
}

impl Step {
    /// Whether it runs the program: the others begin or end the tour.
    fn is_of_tour(&self) -> bool {
        self.command.contains("sevalla-deploy ")
    }
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("    ") {
            steps.push(Step {
                command: command.to_owned(),
                output: None,
            });
        } else if line == "```text" {
            let output: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(step) = steps.last_mut() {
                step.output = Some(output.join("\n"));
            }
        }
    }
    steps
}

/// The lines of an output without what varies. A log and the state come by requests
/// of their own, so their order varies too.
fn comparable(output: &str) -> Vec<String> {
    let replace = |output: String, (varies, name): &(&str, &str)| {
        let varies = Regex::new(varies).unwrap();
        varies.replace_all(&output, *name).into_owned()
    };
    let output = VARYING.iter().fold(output.to_owned(), replace);
    let mut lines: Vec<String> = output.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What the command prints on a terminal.
async fn printed(simulator: &Simulator, command: &str) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_sevalla-deploy"));
    let folder = program.parent().unwrap().to_str().unwrap();
    // A shell that waits would die of Ctrl-C too.
    let script = command.replacen("sevalla-deploy ", "exec sevalla-deploy ", 1);
    let runner = Runner::against(simulator)
        .set("TERM", "dumb")
        .set("TZ", "CET-1")
        .set("PATH", format!("{folder}:/usr/bin:/bin"))
        .arguments_are(&["--", "sh", "-c", &script]);
    let runner = sample::VARIABLES
        .into_iter()
        .fold(runner, |runner, (name, id)| runner.set(name, id));
    let window = Window::open(runner, 60, COLUMNS);
    if command.contains("$ENDLESS_APP_ID") {
        window.comes_to_show("in progress (").await;
        window.press(b"\x03");
    }
    let ended = window.exits().await;
    let rows = window.everything().join("\n");
    assert!(ended.is_some(), "{rows}");
    // What the terminal itself shows of Ctrl-C.
    rows.replace("^C", "").trim_end().to_owned()
}

#[tokio::test]
async fn the_tour_prints_what_its_page_shows() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    // A person needs more than the minute in which a company has 30 log readings.
    let limits = Limits::documented().logs(300);
    let simulator = Simulator::start(sample::world().limits(limits)).await;
    let folder = tempfile::tempdir().unwrap();
    let files = format!("{}/", folder.path().display());
    let mut new = page.clone();
    let mut differences = String::new();
    let mut seen = 0;
    for step in steps(&page).iter().filter(|step| step.is_of_tour()) {
        let output = printed(&simulator, &step.command.replace("/tmp/", &files)).await;
        let Some(shown) = &step.output else {
            assert!(output.contains("Outcome: failed"), "{output}");
            continue;
        };
        seen += 1;
        if comparable(&output) != comparable(shown) {
            let command = &step.command;
            writeln!(differences, "{command}\nprints\n{output}\nnot\n{shown}\n").unwrap();
        }
        let block = |text: &str| {
            let end = if text.is_empty() { "" } else { "\n" };
            format!("    {}\n\n```text\n{text}{end}```", step.command)
        };
        new = new.replace(&block(shown), &block(&output));
    }
    assert!(seen >= 12, "{seen}");
    let run = std::fs::read_to_string(folder.path().join("run.html")).unwrap();
    assert!(
        run.contains("<title>checkout failed"),
        "the page of the run"
    );
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(PAGE, new).unwrap();
    }
    let advice = "BLESS=1 cargo test --test cli the_tour writes it again";
    assert!(differences.is_empty(), "{differences}\n{advice}");
}

/// A program that prints what the simulator prints for the shell, until it is killed.
const SIMULATOR: &str = "#!/bin/sh
for name in SEVALLA_API_URL SEVALLA_TOKEN APP_ID STAGING_APP_ID FAILING_APP_ID ENDLESS_APP_ID \
    STATIC_SITE_ID PIPELINE_ID DATABASE_ID HOOK_URL
do
    echo \"export $name='http://127.0.0.1:1/$name'\"
done
exec sleep 60
";

#[tokio::test]
async fn the_commands_before_and_after_the_tour_set_and_remove_what_they_say() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let simulator = folder.path().join("target/debug/sevalla-simulator");
    std::fs::create_dir_all(simulator.parent().unwrap()).unwrap();
    std::fs::write(&simulator, SIMULATOR).unwrap();
    std::fs::set_permissions(&simulator, PermissionsExt::from_mode(0o755)).unwrap();
    let mut script = String::from("set -eu\n");
    for step in steps(&page).iter().filter(|step| !step.is_of_tour()) {
        let command = &step.command;
        let is_build = command.starts_with("cargo ");
        writeln!(script, "{}{command}", if is_build { ": " } else { "" }).unwrap();
        if command.ends_with('&') {
            script.push_str("started=$! file=$variables\n");
            script.push_str("until grep -q HOOK_URL \"$variables\"; do sleep 0.01; done\n");
        }
    }
    script.push_str(
        "wait \"$started\" || echo \"ended with $?\"
test -e \"$file\" || echo removed
echo \"${variables-}$(env | grep -E 'SEVALLA|_ID=|HOOK' || :).\"
command -v sevalla-simulator\n",
    );
    let ended = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(folder.path())
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8(ended.stdout).unwrap();
    let found = simulator.display();
    assert_eq!(
        printed,
        format!("http://127.0.0.1:1/SEVALLA_API_URL\nended with 143\nremoved\n.\n{found}\n")
    );
}
