//! The download of the action, as a runner runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sevalla_simulator::{Application, Script, Simulator, World};
use yaml_serde::Value;

use crate::clone::{Clone, Ran, tools_with, wget_that_shows_its_environment, write_program};
use crate::server::{Server, ok, redirect};

/// A released clone whose archives are in a folder, and the folder's address.
pub(crate) fn released() -> Clone {
    let clone = Clone::new();
    clone.bump();
    let archives = clone.archives();
    clone.pin_bases();
    clone.pin(&format!("file://{}", archives.display())).ok();
    clone
}

/// Runs the download on a kind of runner, such as `Linux-X64`.
fn install(clone: &Clone, runner: &str) -> (Ran, Option<String>) {
    install_with(clone, runner, &[])
}

/// Does so with more variables.
fn install_with(clone: &Clone, runner: &str, more: &[(&str, &str)]) -> (Ran, Option<String>) {
    let (os, architecture) = runner.split_once('-').unwrap();
    let output = clone.beside("runner").join("output");
    fs::write(&output, "").unwrap();
    let ran = Ran::new(
        clone
            .command("sh")
            .arg(clone.path("setup/install"))
            .env("RUNNER_OS", os)
            .env("RUNNER_ARCH", architecture)
            .env("RUNNER_TEMP", clone.beside("runner"))
            .env("RUNNER_TOOL_CACHE", clone.beside("cache"))
            .env("GITHUB_OUTPUT", &output)
            .envs(more.iter().copied()),
    );
    let written = fs::read_to_string(output).unwrap();
    let program = written
        .strip_prefix("program=")
        .map(|path| path.trim_end().to_owned());
    (ran, program)
}

/// An archive of the release.
fn archive(clone: &Clone) -> PathBuf {
    let name = "sevalla-deploy-v90.2.3-x86_64-unknown-linux-musl.tar.gz";
    clone.beside("dist").join(name)
}

/// What is in the cache: one archive.
fn cached(clone: &Clone) -> PathBuf {
    let folder = clone.beside("cache").join("sevalla-deploy");
    let mut files = fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

#[track_caller]
fn runs((ran, program): (Ran, Option<String>), says: &str) {
    ran.ok();
    let says = format!("for {says}\n");
    assert_eq!(Ran::new(&mut Command::new(program.unwrap())).ok(), says);
}

#[test]
fn each_runner_gets_its_own_program() {
    let clone = released();
    for (runner, target) in [
        ("Linux-X64", "x86_64-unknown-linux-musl"),
        ("Linux-ARM64", "aarch64-unknown-linux-musl"),
        ("macOS-X64", "x86_64-apple-darwin"),
        ("macOS-ARM64", "aarch64-apple-darwin"),
    ] {
        runs(install(&clone, runner), target);
    }
}

#[test]
fn a_file_with_other_bytes_is_refused() {
    let clone = released();
    let archive = archive(&clone);
    // Another program in a sound archive: what anybody does who can replace a
    // release's files. The list of checksums beside it is replaced as well.
    let binary = clone.beside("binaries").join("evil");
    fs::write(&binary, "#!/bin/sh\necho evil\n").unwrap();
    let arguments = [
        "v90.2.3",
        "x86_64-unknown-linux-musl",
        binary.to_str().unwrap(),
        archive.parent().unwrap().to_str().unwrap(),
    ];
    clone.run("archive", &arguments).ok();
    let (ran, program) = install(&clone, "Linux-X64");
    ran.refused("is not the file that was released");
    assert_eq!(program, None);

    // A download that was cut.
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let (ran, program) = install(&clone, "Linux-X64");
    ran.refused("is not the file that was released");
    assert_eq!(program, None);

    fs::remove_file(&archive).unwrap();
    let (ran, program) = install(&clone, "Linux-X64");
    ran.refused("could not be downloaded, in two attempts");
    assert_eq!(program, None);
    install(&clone, "Linux-ARM64").0.ok();
}

#[test]
fn the_cache_spares_the_download_and_is_not_believed() {
    let clone = released();
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");
    let source = archive(&clone);
    let away = source.with_extension("away");
    fs::rename(&source, &away).unwrap();
    // Nothing can be downloaded, and nothing needs to be.
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");

    fs::write(cached(&clone), "other bytes").unwrap();
    let (ran, program) = install(&clone, "Linux-X64");
    ran.refused("could not be downloaded");
    assert_eq!(program, None);
    fs::rename(&away, &source).unwrap();
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");
    assert_eq!(
        fs::read(cached(&clone)).unwrap(),
        fs::read(source).unwrap(),
        "mended"
    );
}

#[test]
fn a_cache_that_takes_nothing_stops_nothing() {
    let clone = released();
    let file = clone.beside("runner").join("file");
    fs::write(&file, "").unwrap();
    let more = [("RUNNER_TOOL_CACHE", file.to_str().unwrap())];
    let got = install_with(&clone, "Linux-X64", &more);
    assert!(got.0.stdout.contains("could not be stored"), "{:?}", got.0);
    runs(got, "x86_64-unknown-linux-musl");
}

#[test]
fn another_address_is_used_and_a_host_that_is_down_is_named() {
    let clone = released();
    let moved = clone.beside("moved");
    for entry in fs::read_dir(clone.beside("dist")).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, moved.join(path.file_name().unwrap())).unwrap();
    }
    let address = format!("file://{}", moved.display());
    let more = [("SEVALLA_DEPLOY_FROM", address.as_str())];
    let got = install_with(&clone, "Linux-X64", &more);
    runs(got, "x86_64-unknown-linux-musl");

    // Nothing listens on the port of discard.
    let more = [("SEVALLA_DEPLOY_FROM", "http://127.0.0.1:9")];
    let (ran, program) = install_with(&clone, "Linux-ARM64", &more);
    ran.refused("::error title=sevalla-deploy::http://127.0.0.1:9/sevalla-deploy-v90.2.3-aarch64");
    assert_eq!(program, None);
}

#[test]
fn a_download_sees_the_proxy_and_no_secret_of_the_job() {
    let clone = released();
    let programs = clone.beside("programs");
    let seen = programs.join("seen");
    let curl = format!("#!/bin/sh\nenv >>{}\nexit 7\n", seen.display());
    write_program(&programs.join("curl"), &curl);
    let arguments = programs.join("arguments");
    let env = format!(
        "#!/bin/sh\necho \"$*\" >>{}\nexec /usr/bin/env \"$@\"\n",
        arguments.display()
    );
    write_program(&programs.join("env"), &env);
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_TOKEN", "the key of the job"),
        ("https_proxy", "http://somebody:password@proxy.example:3128"),
        ("SSL_CERT_DIR", "/etc/certificates"),
        ("NO_PROXY", "git.example"),
        // Would be read as the value of the next one too.
        ("HTTPS_PROXY", "http://one.example\nhttp://two.example"),
    ];
    let (ran, _) = install_with(&clone, "Linux-X64", &more);
    ran.refused("in two attempts");
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("the key of the job"), "{seen}");
    for line in [
        "https_proxy=http://somebody:password@proxy.example:3128\n",
        "SSL_CERT_DIR=/etc/certificates\n",
        "NO_PROXY=git.example\n",
    ] {
        assert_eq!(seen.matches(line).count(), 2, "{line}{seen}");
    }
    assert!(
        !seen.contains("one.example") && !seen.contains("two.example"),
        "{seen}"
    );
    // Every user of the machine sees these.
    let arguments = fs::read_to_string(arguments).unwrap();
    assert!(!arguments.contains("password"), "{arguments}");
}

/// Every user of the machine sees arguments, and everybody with access the log.
#[test]
fn the_address_of_a_mirror_has_no_password() {
    let clone = released();
    for from in [
        "https://somebody:password@mirror.example",
        "somebody:password@mirror.example",
    ] {
        let more = [("SEVALLA_DEPLOY_FROM", from)];
        let (ran, _) = install_with(&clone, "Linux-X64", &more);
        assert!(!format!("{ran:?}").contains("password@"), "{ran:?}");
        ran.refused("contains an @");
    }
}

#[test]
fn an_archive_that_cannot_be_unpacked_is_an_error_of_the_step() {
    let clone = released();
    let programs = clone.beside("programs");
    write_program(&programs.join("tar"), "#!/bin/sh\nexit 1\n");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let (ran, _) = install_with(&clone, "Linux-X64", &[("PATH", &path)]);
    assert!(
        ran.stdout.contains("::error title=sevalla-deploy::"),
        "{ran:?}"
    );
    ran.refused("could not be unpacked");
}

/// Two attempts and no more, also with the program that has retries of its own.
#[test]
fn without_curl_wget_is_taken_with_one_retry() {
    let clone = released();
    let path = tools_with(&clone, "wget");
    let nothing = Server::start(|_, _| Vec::new());
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", &nothing.url),
    ];
    let (ran, _) = install_with(&clone, "Linux-X64", &more);
    ran.refused("in two attempts");
    assert_eq!(nothing.connections(), 2);

    let body = fs::read(archive(&clone)).unwrap();
    let server = Server::start(move |_, _| ok(&body));
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", &server.url),
    ];
    let got = install_with(&clone, "Linux-X64", &more);
    runs(got, "x86_64-unknown-linux-musl");

    // A limit for the whole, which wget does not have.
    let programs = clone.beside("tools");
    fs::remove_file(programs.join("timeout")).unwrap();
    write_program(
        &programs.join("timeout"),
        "#!/bin/sh\necho \"limit $*\" >&2\nexit 124\n",
    );
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", &nothing.url),
    ];
    let (ran, _) = install_with(&clone, "Linux-ARM64", &more);
    ran.refused("limit 120 wget");
}

/// GNU wget knows no others, and no `file://`.
#[test]
fn without_curl_the_proxy_is_the_same() {
    let clone = released();
    let path = wget_that_shows_its_environment(&clone);
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", "https://mirror.example/files/"),
        ("HTTPS_PROXY", "http://proxy.example:3128"),
        ("NO_PROXY", "git.example"),
    ];
    let (ran, _) = install_with(&clone, "Linux-X64", &more);
    for line in [
        "https_proxy=http://proxy.example:3128\n",
        "no_proxy=git.example\n",
        "asked https://mirror.example/files/sevalla-deploy-v90.2.3-",
    ] {
        assert_eq!(ran.stderr.matches(line).count(), 2, "{line} {ran:?}");
    }
    ran.refused("in two attempts");
    let lower = [("https_proxy", "http://other.example:3128")];
    let more = [&more[..], &lower[..]].concat();
    let (ran, _) = install_with(&clone, "Linux-X64", &more);
    ran.refused("https_proxy=http://other.example:3128\n");

    let (ran, _) = install_with(&clone, "Linux-X64", &more[..1]);
    ran.refused("only curl reads file:// addresses");
}

/// Without a length, a body that was cut arrives as if it were whole.
#[test]
fn a_body_that_was_cut_is_downloaded_again() {
    let clone = released();
    let body = fs::read(archive(&clone)).unwrap();
    let server = Server::start(move |number, _| match number {
        0 => ok(&body[..body.len() / 2]),
        _ => ok(&body),
    });
    let more = [("SEVALLA_DEPLOY_FROM", server.url.as_str())];
    let got = install_with(&clone, "Linux-X64", &more);
    runs(got, "x86_64-unknown-linux-musl");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_mirror_without_https_may_redirect_within_http() {
    let clone = released();
    let body = fs::read(archive(&clone)).unwrap();
    let server = Server::start(move |number, address| match number {
        // As often as there are attempts.
        0 | 1 => redirect(address),
        _ => ok(&body),
    });
    let more = [("SEVALLA_DEPLOY_FROM", server.url.as_str())];
    let got = install_with(&clone, "Linux-X64", &more);
    runs(got, "x86_64-unknown-linux-musl");
}

/// A file with 300 MiB of nothing.
fn huge(path: &Path) {
    fs::File::create(path).unwrap().set_len(300 << 20).unwrap();
}

#[test]
fn what_is_far_too_large_fills_no_disk() {
    let clone = released();
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");
    huge(&cached(&clone));
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");

    huge(&archive(&clone));
    fs::remove_file(cached(&clone)).unwrap();
    let before = fs::read_dir(clone.beside("runner")).unwrap().count();
    let (ran, _) = install(&clone, "Linux-X64");
    ran.refused("could not be downloaded, in two attempts");
    let after = fs::read_dir(clone.beside("runner")).unwrap().count();
    assert_eq!(before, after, "nothing is left");
}

#[test]
fn what_is_no_file_in_the_cache_is_replaced() {
    let clone = released();
    runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");
    let path = cached(&clone);
    let elsewhere = clone.beside("elsewhere");
    let folder = || fs::create_dir(&path).unwrap();
    let link = || std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    for make in [&folder as &dyn Fn(), &link] {
        fs::remove_file(&path).unwrap();
        make();
        runs(install(&clone, "Linux-X64"), "x86_64-unknown-linux-musl");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}

#[test]
fn what_is_no_runner_is_named() {
    let clone = released();
    for (name, why) in [
        ("RUNNER_TEMP", "::error title=sevalla-deploy::RUNNER_TEMP"),
        (
            "RUNNER_OS",
            "::error title=sevalla-deploy::There is no program for (RUNNER_OS is not set)",
        ),
    ] {
        let (ran, _) = install_with(&clone, "Linux-X64", &[(name, "")]);
        ran.refused(why);
    }
}

/// As on a disk from which nothing runs.
#[test]
fn a_program_that_does_not_run_is_named() {
    let clone = Clone::new();
    clone.bump();
    clone.archives_of("#!/nonexistent/sh\n");
    clone.pin_bases();
    let address = format!("file://{}", clone.beside("dist").display());
    clone.pin(&address).ok();
    let (ran, program) = install(&clone, "Linux-X64");
    ran.refused("::error title=sevalla-deploy::The program cannot be run in");
    assert_eq!(program, None);
}

#[test]
fn a_runner_without_a_program_is_named() {
    let clone = released();
    let (ran, _) = install(&clone, "Linux-ARM");
    ran.refused("::error title=sevalla-deploy::There is no program for Linux on ARM,");
}

#[test]
fn a_commit_that_is_no_release_says_so() {
    let clone = Clone::new();
    let (ran, _) = install(&clone, "Linux-X64");
    ran.refused("::error title=sevalla-deploy::This commit is no release");
}

/// A step of the action.
fn step_of(id: &str) -> (Value, Value) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml"));
    let metadata: Value = yaml_serde::from_str(&text.unwrap()).unwrap();
    let steps = metadata["runs"]["steps"].as_sequence().unwrap();
    let step = steps.iter().find(|step| step["id"] == id).unwrap().clone();
    (metadata, step)
}

/// What a step runs.
pub(crate) fn script(id: &str) -> String {
    step_of(id).1["run"].as_str().unwrap().to_owned()
}

/// The step that runs the program, as text, and its environment by a runner
/// that is given these inputs.
fn step(given: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    let (metadata, step) = step_of("run");
    // What the runner makes of the expressions: what is given, or the default.
    let environment = step["env"].as_mapping().unwrap().iter();
    let environment = environment.map(|(name, expression)| {
        let input = expression
            .as_str()
            .and_then(|text| text.strip_prefix("${{ inputs."))
            .and_then(|rest| rest.strip_suffix(" }}"));
        let given = |input| given.iter().find(|(name, _)| *name == input);
        let value = match input {
            Some(input) => given(input).map_or_else(
                || metadata["inputs"][input]["default"].as_str().unwrap_or(""),
                |(_, value)| value,
            ),
            None => env!("CARGO_BIN_EXE_sevalla-deploy"),
        };
        (name.as_str().unwrap().to_owned(), value.to_owned())
    });
    (script("run"), environment.collect())
}

#[test]
fn the_program_is_run_with_the_inputs() {
    let (script, environment) = step(&[("app-id", "fb5e5168-4281-4bec-94c5")]);
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    fs::write(&output, "").unwrap();

    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", &script])
        .env_clear()
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output)
        .envs(environment);
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

/// The runner signals the process that it has started, and no other: the shell.
/// What is not in the shell's place would never see the signal.
#[tokio::test]
async fn a_cancelled_job_cancels_the_deployment_on_every_shell() {
    for shell in crate::signals::shells() {
        let app = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
        let script = Script::success().never_ends();
        let world = World::new().application(Application::new(app).next(script));
        let simulator = Simulator::start(world).await;
        let (text, environment) = step(&[
            ("sevalla-token", simulator.key()),
            ("app-id", app),
            ("api-url", simulator.url()),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("step.sh");
        fs::write(&script, text).unwrap();
        let mut process = tokio::process::Command::new(shell[0])
            .args(&shell[1..])
            .arg(&script)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(environment)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while simulator.calls("getDeploymentV3") == 0 {
            assert!(process.try_wait().unwrap().is_none(), "{shell:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id = process.id().unwrap().to_string();
        let signal = Command::new("kill").args(["-INT", &id]).status();
        assert!(signal.unwrap().success());
        // What the runner waits before it sends SIGTERM.
        let limit = Duration::from_millis(7500);
        let ended = tokio::time::timeout(limit, process.wait()).await;
        assert_eq!(ended.unwrap().unwrap().code(), Some(130), "{shell:?}");
        let deployment = &simulator.deployments(app)[0];
        assert_eq!(deployment.status.as_deref(), Some("cancelled"), "{shell:?}");
    }
}
