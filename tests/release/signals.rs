//! A signal during a download, in each shell: what was started ends, and nothing
//! is left. The runner signals the process that it has started, and no other.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::clone::{Clone, write_program};

/// What a runner may have as `sh`, with the arguments before the script.
const SHELLS: [&[&str]; 4] = [
    &["dash", "-e"],
    &["bash", "--posix", "-e"],
    &["busybox", "sh", "-e"],
    &["zsh", "--emulate", "sh", "-e"],
];

/// Those of this machine. `.ci/run` lists the others as skipped.
pub(crate) fn shells() -> Vec<&'static [&'static str]> {
    let path = std::env::var_os("PATH").unwrap();
    let is_there = |shell: &&[&str]| {
        let there = std::env::split_paths(&path).any(|folder| folder.join(shell[0]).exists());
        if !there {
            eprintln!("skipped: {}, which is not installed", shell[0]);
        }
        there
    };
    let shells: Vec<_> = SHELLS.into_iter().filter(is_there).collect();
    assert!(!shells.is_empty());
    shells
}

/// Waits for a condition that comes soon.
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Signals a script whose download never ends; gives its exit code. `kept` is the
/// folder where it works.
fn signalled(clone: &Clone, shell: &[&str], script: &Path, signal: &str, kept: &Path) -> i32 {
    let programs = clone.beside("programs");
    let started = programs.join("started");
    let _ = fs::remove_file(&started);
    let curl = "#!/bin/sh\necho $$ >$0.new && mv $0.new ${0%/*}/started\nexec sleep 600\n";
    write_program(&programs.join("curl"), curl);
    write_program(
        &programs.join("sh"),
        &format!(
            "#!/bin/sh\nexec {} \"$@\"\n",
            shell[..shell.len() - 1].join(" ")
        ),
    );
    fs::create_dir_all(kept).unwrap();
    // A shell cannot trap what was ignored when it started, as `nohup` and a job in the
    // background of a script have it.
    let mut process = clone
        .command("env")
        .arg("--default-signal=INT,TERM,HUP")
        .args(shell)
        .arg(script)
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("HOME", clone.beside("home"))
        .env("GITHUB_ACTION_PATH", clone.path(""))
        .env("RUNNER_OS", "Linux")
        .env("RUNNER_ARCH", "X64")
        .env("RUNNER_TEMP", clone.beside("runner"))
        .env("RUNNER_TOOL_CACHE", clone.beside("cache"))
        .env("GITHUB_OUTPUT", clone.beside("home").join("output"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the download starts", || started.exists());
    let curl = fs::read_to_string(&started).unwrap();
    let id = process.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    // What the runner waits before it sends SIGTERM.
    let end = Instant::now() + Duration::from_millis(7500);
    let code = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status.code().unwrap();
        }
        if Instant::now() > end {
            for left in [&id, curl.trim()] {
                let _ = Command::new("kill").args(["-KILL", left]).status();
            }
            panic!("{shell:?} still runs after {signal}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let curl = Path::new("/proc").join(curl.trim());
    until("curl ends", || !curl.exists());
    assert_eq!(fs::read_dir(kept).unwrap().count(), 0, "{shell:?}");
    code
}

#[test]
fn the_download_of_the_action_ends_and_leaves_nothing() {
    let clone = crate::setup::released();
    let script = clone.beside("step").join("step.sh");
    fs::write(&script, crate::setup::script("install")).unwrap();
    for shell in shells() {
        for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
            let kept = clone.beside("runner");
            assert_eq!(
                signalled(&clone, shell, &script, signal, &kept),
                code,
                "{shell:?}"
            );
        }
    }
}

#[test]
fn the_download_of_the_install_script_ends_and_leaves_nothing() {
    let clone = crate::installing::released();
    let script = clone.beside("dist").join("install.sh");
    for shell in shells() {
        for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
            let kept = clone.beside("home/.local/bin");
            assert_eq!(
                signalled(&clone, shell, &script, signal, &kept),
                code,
                "{shell:?}"
            );
        }
    }
}
