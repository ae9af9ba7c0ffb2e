//! docs/try-it.md: its commands, run in its order against the simulator's company,
//! print what it shows.

use std::fmt::Write as _;

use regex::Regex;
use sevalla_simulator::{Simulator, sample};

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

/// A command of the page, and the output below it.
struct Step {
    command: String,
    output: Option<String>,
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
    let simulator = Simulator::start(sample::world()).await;
    let mut new = page.clone();
    let mut differences = String::new();
    let mut seen = 0;
    for step in steps(&page) {
        let is_run = step.command.contains("sevalla-deploy ");
        let (true, Some(shown)) = (is_run, &step.output) else {
            continue;
        };
        seen += 1;
        let output = printed(&simulator, &step.command).await;
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
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(PAGE, new).unwrap();
    }
    let advice = "BLESS=1 cargo test --test cli the_tour writes it again";
    assert!(differences.is_empty(), "{differences}\n{advice}");
}
