//! What a panic says, in a process of its own: it ends the process.

use std::path::Path;
use std::process::{Command, Output};

use sevalla_deploy::diagnostics::explain_panics;
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sanitize::redactor::Redactor;

use crate::oracle::{Stopping, obeyed};
use crate::secrets::assert_none_in;
use crate::texts::{FRAGMENTS, secrets, written};
use crate::world::{Case, Kind, Place, run};
use crate::{hosts, terminal};

/// Makes of the test below a process that panics.
const IS_CHILD: &str = "PANIC_IN_A_RUN";

/// Every fragment, every form of every secret.
fn text() -> String {
    let secrets = secrets().into_iter().flat_map(written);
    let fragments = FRAGMENTS.iter().map(|text| (*text).to_owned());
    let texts: Vec<String> = fragments.chain(secrets).collect();
    texts.join("\n")
}

/// The child: a run on GitHub in whose midst the program panics.
#[test]
fn a_run_that_panics() {
    if std::env::var_os(IS_CHILD).is_some() {
        explain_panics(|| Sanitizer::new(Redactor::new(secrets())));
        run(Place::GitHub, Kind::Application, Case::Bug, &text());
    }
}

/// The child's files stay in `folder`.
fn panicked(folder: &Path) -> Output {
    let name = "panics::a_run_that_panics";
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(IS_CHILD, "1")
        .env("TMPDIR", folder)
        .output()
        .unwrap()
}

#[test]
fn a_panic_is_told_as_a_bug_and_nothing_of_it_is_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let output = panicked(folder.path());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(10), "{told}");
    assert!(told.starts_with("sevalla-deploy: this is a bug, please report it at https://"));
    assert!(told.contains("pwned") && told.contains("***"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_none_in(&told);
    for stopping in [Stopping::Heeded, Stopping::Ignored] {
        assert!(obeyed(&told, stopping).is_empty(), "{told}");
    }
    for line in hosts::lines(&told) {
        assert_eq!(hosts::obeyed(line), [""; 0]);
    }
    assert_eq!(terminal::deeds(&told), [""; 0]);
}

/// Who reads the files of a run that did not end sees none, not some of them.
#[test]
fn a_panic_leaves_no_half_written_file() {
    let folder = tempfile::tempdir().unwrap();
    panicked(folder.path());
    let files = std::fs::read_dir(folder.path())
        .unwrap()
        .flat_map(|run| std::fs::read_dir(run.unwrap().path()).unwrap())
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: Vec<String> = files.filter(|name| !name.ends_with(".partial")).collect();
    assert_eq!(files, [""; 0]);
}
