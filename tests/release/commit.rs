//! The commit in `--version`, as `cargo install --git` gets it: of the checkout.

use std::path::PathBuf;

use crate::clone::{Clone, Ran};

/// Compiles `build.rs`, which cargo would do.
fn compiled(clone: &Clone) -> PathBuf {
    let program = clone.beside("programs").join("build-script");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs");
    let mut rustc = clone.command("rustc");
    rustc
        .args(["--edition", "2024", source, "-o"])
        .arg(&program);
    Ran::new(&mut rustc).ok();
    program
}

/// The commit that it names in a build with this profile.
fn named(clone: &Clone, program: &PathBuf, profile: &str, given: &str) -> Option<String> {
    let mut script = clone.command(program);
    script
        .env("PROFILE", profile)
        .env("SEVALLA_DEPLOY_COMMIT", given);
    let said = Ran::new(&mut script).ok();
    let mut lines = said.lines();
    let commit = lines.find_map(|line| line.strip_prefix("cargo:rustc-env=SEVALLA_DEPLOY_COMMIT="));
    commit.map(str::to_owned)
}

#[test]
fn a_release_build_of_a_clean_checkout_names_its_commit() {
    let clone = Clone::new();
    let program = compiled(&clone);
    let head = clone.git("rev-parse HEAD").trim_end().to_owned();
    assert_eq!(named(&clone, &program, "release", ""), Some(head));
    // What is given is there already, and a debug build is not compiled again
    // for each commit.
    assert_eq!(named(&clone, &program, "release", "0123abc"), None);
    assert_eq!(named(&clone, &program, "debug", ""), None);

    clone.edit("README.md", "# sevalla-deploy\n", "# another\n");
    assert_eq!(named(&clone, &program, "release", ""), None, "changed");
}

#[test]
fn sources_in_the_checkout_of_something_else_have_no_commit() {
    let clone = Clone::new();
    let program = compiled(&clone);
    std::fs::remove_dir_all(clone.path(".git")).unwrap();
    assert_eq!(named(&clone, &program, "release", ""), None, "no checkout");

    let around = clone.path("..");
    let mut git = clone.command("git");
    Ran::new(git.args(["init", "--quiet"]).arg(&around)).ok();
    let mut git = clone.command("git");
    Ran::new(git.args(["commit", "--quiet", "--allow-empty", "--message", "Vendor"])).ok();
    assert_eq!(named(&clone, &program, "release", ""), None, "of another");
}
