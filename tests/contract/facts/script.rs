//! `.ci/drift`: downloads the document, and keeps one issue.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
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

const TITLE: &str = "Sevalla has changed its published API";
const MARKER: &str = "<!-- sevalla-deploy: drift of the published API -->";

/// A `gh` that knows these open issues, each with a title and a text, and what it was
/// asked for: the words of the command, and the text that it received.
fn asked_of_gh(known: &[(&str, &str)], result: &str) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let issues = known
        .iter()
        .zip(7..)
        .map(|((title, body), number)| json!({"number": number, "title": title, "body": body}));
    let issues = Value::Array(issues.collect());
    std::fs::write(folder.path().join("issues"), issues.to_string()).unwrap();
    let text = r#"#!/bin/bash
cd "$(dirname "$0")"
for argument; do [[ $last != --jq ]] || program=$argument; last=$argument; done
case $2 in
list) echo "$1 $2" >> asked; jq -r "$program" issues ;;
view) echo "$1 $2 $3" >> asked; jq -r ".[] | select(.number == $3).body" issues ;;
create) echo "$1 $2" >> asked; cat > received ;;
*) echo "$1 $2 $3" >> asked; cat > received ;;
esac
"#;
    program(folder.path(), "gh", text);
    std::fs::write(folder.path().join("result"), result).unwrap();
    let output = script(
        folder.path(),
        &["issue", folder.path().join("result").to_str().unwrap()],
    );
    assert!(output.status.success(), "{output:?}");
    if let Ok(received) = std::fs::read_to_string(folder.path().join("received"))
        && !result.is_empty()
    {
        assert_eq!(received, format!("{MARKER}\n\n{result}"));
    }
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    asked.lines().map(str::to_owned).collect()
}

#[test]
fn there_is_one_issue_about_a_difference() {
    let ours = format!("{MARKER}\n\na");
    let as_github_has_it = format!("{MARKER}\r\n\r\na");
    let (ours, as_github_has_it) = ((TITLE, ours.as_str()), (TITLE, as_github_has_it.as_str()));
    // Of a person, with the same title.
    let other = (TITLE, "I have seen this too: a");
    // A person quotes the text.
    let quoted = ("Broken", ours.1);
    for (known, result, expected) in [
        (&[][..], "", &["issue list"][..]),
        (&[], "a\n", &["issue list", "issue create"]),
        (&[ours], "a\n", &["issue list", "issue view 7"]),
        (&[as_github_has_it], "a\n", &["issue list", "issue view 7"]),
        (
            &[ours],
            "b\n",
            &["issue list", "issue view 7", "issue edit 7"],
        ),
        (&[ours], "", &["issue list", "issue close 7"]),
        (&[other, quoted], "a\n", &["issue list", "issue create"]),
        (&[other, quoted], "", &["issue list"]),
        (
            &[other, ours],
            "b\n",
            &["issue list", "issue view 8", "issue edit 8"],
        ),
        (&[quoted, other, ours], "", &["issue list", "issue close 9"]),
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

#[test]
fn operations_of_every_method_are_judged() {
    let script = read(".ci/contract");
    let judged: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("judge "))
        .flat_map(str::split_whitespace)
        .collect();
    let facts = read("tests/contract/facts/facts.txt");
    let used = facts.lines().filter_map(|line| {
        let (_, operation) = line.split_once(" operation is = ")?;
        operation.split_whitespace().next()
    });
    for method in used {
        assert!(judged.contains(&method), "{method}");
    }
}
