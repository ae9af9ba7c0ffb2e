//! The action without Docker, as a runner runs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use yaml_serde::Value;

use crate::clone::{Clone, Ran};

/// A released clone whose archives are in a folder, and the folder's address.
fn released() -> Clone {
    let clone = Clone::new();
    clone.bump();
    let archives = clone.archives();
    clone.pin_bases();
    clone.pin(&format!("file://{}", archives.display())).ok();
    clone
}

/// Runs the download on a runner of an architecture.
fn install(clone: &Clone, machine: &str) -> (Ran, Option<String>) {
    let output = clone.beside("runner").join("output");
    fs::write(&output, "").unwrap();
    let ran = Ran::new(
        clone
            .command("sh")
            .arg(clone.path("setup/install"))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", machine)
            .env("RUNNER_TEMP", clone.beside("runner"))
            .env("GITHUB_OUTPUT", &output),
    );
    let written = fs::read_to_string(output).unwrap();
    let program = written
        .strip_prefix("program=")
        .map(|path| path.trim_end().to_owned());
    (ran, program)
}

#[test]
fn each_runner_gets_its_own_program() {
    let clone = released();
    for (machine, says) in [("X64", "for x86_64\n"), ("ARM64", "for aarch64\n")] {
        let (ran, program) = install(&clone, machine);
        ran.ok();
        assert_eq!(Ran::new(&mut Command::new(program.unwrap())).ok(), says);
    }
}

#[test]
fn a_file_with_other_bytes_is_refused() {
    let clone = released();
    let archive = clone
        .beside("dist")
        .join("sevalla-deploy-v90.2.3-x86_64-unknown-linux-musl.tar.gz");
    // Another program in a sound archive, as whoever can replace a release's
    // files would do it; the list of checksums beside it is replaced as well.
    fs::write(
        clone.beside("binaries").join("x86_64"),
        "#!/bin/sh\necho evil\n",
    )
    .unwrap();
    let binary = clone.beside("binaries").join("x86_64");
    let arguments = [
        "v90.2.3",
        "x86_64-unknown-linux-musl",
        binary.to_str().unwrap(),
        archive.parent().unwrap().to_str().unwrap(),
    ];
    clone.run("archive", &arguments).ok();
    let (ran, program) = install(&clone, "X64");
    ran.refused("is not the file that was released");
    assert_eq!(program, None);

    // A download that was cut.
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let (ran, program) = install(&clone, "X64");
    ran.refused("is not the file that was released");
    assert_eq!(program, None);

    fs::remove_file(&archive).unwrap();
    let (ran, program) = install(&clone, "X64");
    ran.refused("could not be downloaded");
    assert_eq!(program, None);
    let (ran, _) = install(&clone, "ARM64");
    ran.ok();
}

#[test]
fn a_runner_without_a_program_is_told_so() {
    let clone = released();
    let (ran, _) = install(&clone, "ARM");
    ran.refused("::error title=sevalla-deploy::There is no program for Linux on ARM,");
}

#[test]
fn a_commit_that_is_no_release_says_so() {
    let clone = Clone::new();
    let (ran, _) = install(&clone, "X64");
    ran.refused("::error title=sevalla-deploy::This commit is no release");
}

#[test]
fn the_program_is_run_with_the_inputs() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/action.yml"));
    let metadata: Value = yaml_serde::from_str(&text.unwrap()).unwrap();
    let steps = metadata["runs"]["steps"].as_sequence().unwrap();
    let step = steps.iter().find(|step| step["id"] == "run").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    fs::write(&output, "").unwrap();

    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", step["run"].as_str().unwrap()])
        .env_clear()
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output);
    // What the runner makes of the expressions: what is given, or the default.
    for (name, expression) in step["env"].as_mapping().unwrap() {
        let expression = expression.as_str().unwrap();
        let input = expression
            .strip_prefix("${{ inputs.")
            .and_then(|rest| rest.strip_suffix(" }}"));
        let value = match input {
            Some("app-id") => "fb5e5168-4281-4bec-94c5",
            Some(input) => metadata["inputs"][input]["default"].as_str().unwrap_or(""),
            None => env!("CARGO_BIN_EXE_sevalla-deploy"),
        };
        shell.env(name.as_str().unwrap(), value);
    }
    let ended = shell.output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(
        said.contains("INPUT_APP_ID is \"fb5e5168-4281-4bec-94c5\""),
        "{said}"
    );
    // Every variable is one that the program knows.
    assert!(!said.contains("is not an input"), "{said}");
    let outputs = fs::read_to_string(output).unwrap();
    assert!(outputs.contains("invalid-input"), "{outputs}");
}
