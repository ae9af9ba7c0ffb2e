//! Makes the pictures in `docs/images` from real runs of the built program.
//!
//! ```text
//! just pictures
//! ```
//!
//! The page of `html-report` needs `chromium`; without it that picture stays.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool for maintainers"
)]

mod summary;
mod svg;
mod terminal;

#[path = "../../demo/shop.rs"]
mod shop;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use sevalla_simulator::Simulator;

/// The program beside this example.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent);
    let program = folder.context("no target folder")?.join("sevalla-deploy");
    ensure!(program.exists(), "{}: build it first", program.display());
    Ok(program)
}

/// The inputs of a run against this simulator.
fn inputs(simulator: &Simulator) -> BTreeMap<String, String> {
    [
        ("SEVALLA_API_URL", simulator.url()),
        ("SEVALLA_TOKEN", simulator.key()),
        ("SEVALLA_APP_ID", shop::APP),
        ("TERM", "xterm-256color"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A failing run on a terminal.
fn failing_run(images: &Path) -> Result<()> {
    let simulator = Simulator::start_blocking(shop::world(true));
    let screen = terminal::run(&program()?, &[], &inputs(&simulator), 110)?;
    svg::write(&images.join("failing-run.svg"), &terminal::picture(&screen))
}

fn help(images: &Path) -> Result<()> {
    let screen = terminal::run(&program()?, &["--help"], &BTreeMap::new(), 100)?;
    svg::write(&images.join("help.svg"), &terminal::picture(&screen))
}

/// A failing run on GitHub: its summary, and its page.
fn reports(images: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (markdown, page) = (
        folder.path().join("summary.md"),
        folder.path().join("run.html"),
    );
    for path in ["output", "summary.md"] {
        std::fs::write(folder.path().join(path), "")?;
    }
    let simulator = Simulator::start_blocking(shop::world(true));
    let path = |path: &Path| path.display().to_string();
    let github = [
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_STEP_SUMMARY", path(&markdown)),
        ("GITHUB_OUTPUT", path(&folder.path().join("output"))),
        ("SEVALLA_HTML_REPORT", path(&page)),
    ];
    let run = Command::new(program()?)
        .env_clear()
        .envs(inputs(&simulator))
        .envs(github)
        .current_dir(folder.path())
        .output()?;
    ensure!(run.status.code() == Some(1), "{run:?}");
    let markdown = std::fs::read_to_string(markdown)?;
    svg::write(&images.join("summary.svg"), &summary::picture(&markdown))?;
    photograph(&page, &images.join("page.png"));
    Ok(())
}

/// A picture of a page in the browser, if there is one.
fn photograph(page: &Path, picture: &Path) {
    let browser = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
        .args(["--hide-scrollbars", "--window-size=1000,1100"])
        .arg(format!("--screenshot={}", picture.display()))
        .arg(page)
        .output();
    match browser {
        Ok(run) if run.status.success() => println!("{}", picture.display()),
        Ok(run) => println!("no {}: {run:?}", picture.display()),
        Err(error) => println!("no {}: chromium: {error}", picture.display()),
    }
}

fn main() -> Result<()> {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    std::fs::create_dir_all(&images)?;
    help(&images)?;
    failing_run(&images)?;
    reports(&images)
}
