//! `.ci/drift`: downloads the document, and keeps one issue.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use sevalla_deploy::inputs::ACTIONS;
use tempfile::TempDir;

use crate::{read, root};

fn script(folder: &Path, arguments: &[&str]) -> Output {
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.arg(root().join(".ci/drift")).args(arguments);
    bash.env("PATH", path).env("DRIFT_SECONDS", "1");
    bash.current_dir(folder).output().unwrap()
}

#[test]
fn a_document_that_cannot_be_had_is_no_difference() {
    let folder = TempDir::new().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let page = TcpListener::bind("127.0.0.1:0").unwrap();
    let page_port = page.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        let (mut peer, _) = page.accept().unwrap();
        let _request = peer.read(&mut [0; 4096]).unwrap();
        let page = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>";
        peer.write_all(page.as_bytes()).unwrap();
    });
    for address in [
        format!("http://127.0.0.1:{port}/v3/openapi.json"),
        format!("http://127.0.0.1:{page_port}/v3/openapi.json"),
        "http://127.0.0.1:1/v3/openapi.json".to_owned(),
    ] {
        let output = script(folder.path(), &[&address, "result"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{address}: {said}");
        assert!(said.contains("skipped: "), "{said}");
        assert!(!folder.path().join("result").exists(), "{address}");
    }
    answering.join().unwrap();
}

/// Writes a program into a folder.
fn program(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_comparison_that_was_not_made_is_no_difference_and_closes_no_issue() {
    let folder = TempDir::new().unwrap();
    // As `cargo test` ends if no test has the name.
    program(folder.path(), "cargo", "#!/bin/sh\nexit 0\n");
    let asked = folder.path().join("asked");
    let gh = format!("#!/bin/sh\ntouch '{}'\n", asked.display());
    program(folder.path(), "gh", &gh);
    std::fs::write(folder.path().join("document.json"), "{\"paths\": {}}").unwrap();
    std::fs::write(folder.path().join("result"), "of last week").unwrap();
    let document = folder.path().join("document.json");
    let output = script(folder.path(), &[document.to_str().unwrap(), "result"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("no difference"));
    assert!(!folder.path().join("result").exists());
    let output = script(folder.path(), &["issue", "result"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!asked.exists());
}

/// A `gh` that knows an open issue with this text, or none, and what it was
/// asked for.
fn asked_of_gh(known: Option<&str>, result: &str) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let number = known.map_or("", |_| "7");
    let body = known.unwrap_or_default();
    let text = format!(
        "#!/bin/sh\necho \"$1 $2\" >> '{}/asked'\ncase $2 in\nlist) echo '{number}' ;;\nview) \
         echo '{body}' ;;\nesac\n",
        folder.path().display()
    );
    program(folder.path(), "gh", &text);
    std::fs::write(folder.path().join("result"), result).unwrap();
    let output = script(
        folder.path(),
        &["issue", folder.path().join("result").to_str().unwrap()],
    );
    assert!(output.status.success(), "{output:?}");
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    asked.lines().map(str::to_owned).collect()
}

#[test]
fn there_is_one_issue_about_a_difference() {
    for (known, result, expected) in [
        (None, "", &["issue list"][..]),
        (None, "a\n", &["issue list", "issue create"]),
        (Some("a"), "a\n", &["issue list", "issue view"]),
        (
            Some("a"),
            "b\n",
            &["issue list", "issue view", "issue edit"],
        ),
        (Some("a"), "", &["issue list", "issue close"]),
    ] {
        assert_eq!(asked_of_gh(known, result), expected, "{known:?} {result:?}");
    }
}

/// A weekly run is red if nothing was judged; `.ci/run` says that it was skipped.
#[test]
fn judges_that_cannot_be_had_are_no_judgment() {
    let folder = TempDir::new().unwrap();
    for tool in ["npm", "python3"] {
        program(folder.path(), tool, "#!/bin/sh\nexit 1\n");
    }
    let judge = |document: &Path| {
        let mut bash = Command::new("/bin/bash");
        bash.arg(root().join(".ci/contract")).arg(document);
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        bash.env("PATH", path).env_remove("SEVALLA_OPENAPI");
        bash.output().unwrap()
    };
    let document = folder.path().join("document.json");
    for says in ["no OpenAPI document", "cannot be installed"] {
        let output = judge(&document);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(says),
            "{output:?}"
        );
        std::fs::write(&document, "{}").unwrap();
    }
    let weekly = read(".github/workflows/contract.yml");
    assert!(weekly.contains("- run: .ci/contract \"$RUNNER_TEMP/document.json\"\n"));
}

#[test]
fn every_action_is_run_through_the_judging_proxy() {
    let judges = read(".ci/contract");
    for action in ACTIONS {
        let start = format!("run \"$through\" {} ", action.name.word());
        assert!(judges.contains(&start), "{start}");
    }
}
