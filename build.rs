//! Names the commit that the program is built from, for `--version` and for the
//! links in messages: the variable `SEVALLA_DEPLOY_COMMIT`, or, in a release
//! build of a clean checkout, the checkout's own. `cargo install --git` has
//! nothing but the checkout.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script has the environment for its input, and no other thread to block"
)]

use std::path::Path;
use std::process::Command;

/// A change of one of these changes the program.
const SOURCES: [&str; 6] = [
    "build.rs",
    "Cargo.lock",
    "Cargo.toml",
    "diagnosis/src",
    "src",
    "templates",
];

const VARIABLE: &str = "SEVALLA_DEPLOY_COMMIT";

fn main() {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    println!("cargo:rerun-if-changed=build.rs");
    let is_given = std::env::var(VARIABLE).is_ok_and(|commit| !commit.is_empty());
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A debug build is compiled again after every commit if it names one.
    if is_given || !is_release {
        return;
    }
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    if let Some(commit) = commit() {
        println!("cargo:rustc-env={VARIABLE}={commit}");
    }
}

/// The commit of the checkout, if this package is at its root and its files are
/// those of the commit.
fn commit() -> Option<String> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    let is_ours = Path::new(&root).canonicalize().ok()? == Path::new(".").canonicalize().ok()?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let commit = git(&["rev-parse", "--verify", "HEAD"])?;
    (is_ours && changed.is_empty()).then_some(commit)
}

/// What git prints; `None` without git, or outside of a checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
