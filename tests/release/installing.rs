//! The files that install a release: they take the released archives and no
//! others, and tools find one archive for each system.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;

use crate::clone::{
    Clone, Ran, TARGETS, tools_with, wget_that_shows_its_environment, write_program,
};
use crate::server::{Server, ok, redirect};

/// A release whose archives are in a folder, with the files that install them.
pub(crate) fn released() -> Clone {
    released_as("#!/bin/sh\necho for TARGET\n", "")
}

/// Does so with a program for each target, at an address with this end.
fn released_as(program: &str, end: &str) -> Clone {
    let clone = Clone::new();
    clone.bump();
    let archives = clone.archives_of(program);
    let folder = archives.to_str().unwrap();
    let url = format!("file://{folder}{end}");
    let repository = "https://git.example/somebody/sevalla-deploy";
    let arguments = ["v90.2.3", folder, &url, repository];
    clone.run("packages", &arguments).ok();
    clone
}

/// Runs the script in a home of its own; gives the program that it should make.
fn install(clone: &Clone, more: &[(&str, &str)]) -> (Ran, PathBuf) {
    let home = clone.beside("home");
    let mut script = clone.command("sh");
    script
        .arg(clone.beside("dist").join("install.sh"))
        .env("HOME", &home)
        .envs(more.iter().copied());
    (
        Ran::new(&mut script),
        home.join(".local/bin/sevalla-deploy"),
    )
}

/// An archive of the release for this machine, which is one of the two.
fn archive(clone: &Clone) -> PathBuf {
    let machine = std::env::consts::ARCH;
    let name = format!("sevalla-deploy-v90.2.3-{machine}-unknown-linux-musl.tar.gz");
    clone.beside("dist").join(name)
}

#[test]
fn the_script_installs_for_one_user_and_says_where() {
    let clone = released();
    let (ran, program) = install(&clone, &[]);
    let said = ran.ok();
    assert!(said.contains(program.to_str().unwrap()), "{said}");
    assert!(said.contains("to PATH"), "{said}");
    let says = Ran::new(&mut Command::new(&program)).ok();
    assert!(says.contains(std::env::consts::ARCH), "{says}");

    // Again, over the one that is there, and on the path now.
    let folder = program.parent().unwrap().display().to_string();
    let path = format!("{}:{folder}", std::env::var("PATH").unwrap());
    let (ran, _) = install(&clone, &[("PATH", &path)]);
    assert!(!ran.ok().contains("to PATH"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn the_script_installs_nothing_but_the_released_file() {
    let clone = released();
    let archive = archive(&clone);
    let sound = fs::read(&archive).unwrap();
    let cut = &sound[..sound.len() / 2];
    for bytes in [b"other bytes".as_slice(), cut, b""] {
        fs::write(&archive, bytes).unwrap();
        let (ran, program) = install(&clone, &[]);
        ran.refused("is not the file that was released");
        assert!(!program.exists());
    }
    fs::remove_file(&archive).unwrap();
    let (ran, program) = install(&clone, &[]);
    ran.refused("could not be downloaded; nothing was installed");
    // Nothing listens on the port of discard.
    let nowhere = [("SEVALLA_DEPLOY_FROM", "http://127.0.0.1:9")];
    let (ran, _) = install(&clone, &nowhere);
    ran.refused("http://127.0.0.1:9/sevalla-deploy-v90.2.3-");
    assert!(!program.exists());

    // The older one stays.
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    write_program(&program, "#!/bin/sh\necho old\n");
    install(&clone, &[]).0.refused("nothing was installed");
    assert_eq!(Ran::new(&mut Command::new(program)).ok(), "old\n");
}

#[test]
fn the_script_says_that_it_installed_only_what_runs() {
    // A folder that has the name of the program.
    let clone = released();
    let program = clone.beside("home/.local/bin/sevalla-deploy");
    let (ran, _) = install(&clone, &[]);
    ran.refused("is a folder; nothing was installed");
    assert_eq!(fs::read_dir(&program).unwrap().count(), 0);

    // As on a disk from which nothing runs. The older one stays.
    let clone = released_as("#!/nonexistent/sh\n", "");
    let program = clone.beside("home/.local/bin").join("sevalla-deploy");
    write_program(&program, "#!/bin/sh\necho old\n");
    let (ran, _) = install(&clone, &[]);
    ran.refused("cannot be run in");
    assert_eq!(Ran::new(&mut Command::new(&program)).ok(), "old\n");
    let folder = fs::read_dir(program.parent().unwrap()).unwrap();
    assert_eq!(folder.count(), 1, "nothing else is left");
}

#[test]
fn the_script_downloads_with_one_retry_and_no_secret() {
    let clone = released();
    let body = fs::read(archive(&clone)).unwrap();
    let sound = body.clone();
    let server = Server::start(move |number, address| match number {
        0 => ok(&body[..body.len() / 2]),
        1 => redirect(address),
        _ => ok(&body),
    });
    let (ran, _) = install(&clone, &[("SEVALLA_DEPLOY_FROM", &server.url)]);
    ran.ok();
    assert_eq!(server.connections(), 3);

    let path = tools_with(&clone, "wget");
    let nothing = Server::start(|_, _| Vec::new());
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", &nothing.url),
    ];
    install(&clone, &more).0.refused("could not be downloaded");
    assert_eq!(nothing.connections(), 2);
    let server = Server::start(move |_, _| ok(&sound));
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_DEPLOY_FROM", &server.url),
    ];
    install(&clone, &more).0.ok();

    let with_password = "https://somebody:password@mirror.example";
    let (ran, _) = install(&clone, &[("SEVALLA_DEPLOY_FROM", with_password)]);
    assert!(!ran.stderr.contains("password@"), "{ran:?}");
    ran.refused("contains an @");

    // What would be an option of curl.
    for from in ["-K/tmp/options", "example.com", "/tmp"] {
        let (ran, _) = install(&clone, &[("SEVALLA_DEPLOY_FROM", from)]);
        ran.refused("is not the address of a folder");
    }

    let programs = clone.beside("programs");
    write_program(&programs.join("curl"), "#!/bin/sh\nenv >&2\nexit 7\n");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let more = [
        ("PATH", path.as_str()),
        ("SEVALLA_TOKEN", "the key of the job"),
        ("NO_PROXY", "git.example"),
        ("HTTPS_PROXY", "http://one.example\nhttp://two.example"),
    ];
    let (ran, _) = install(&clone, &more);
    assert!(!ran.stderr.contains("one.example"), "{ran:?}");
    assert!(!ran.stderr.contains("two.example"), "{ran:?}");
    assert!(ran.stderr.contains("NO_PROXY=git.example\n"), "{ran:?}");
    assert!(!ran.stderr.contains("the key of the job"), "{ran:?}");
    ran.refused("nothing was installed");
}

/// The trap of a function is the function's own in zsh.
#[test]
fn the_script_fails_in_every_shell() {
    let clone = released();
    let nowhere = format!("file://{}/nowhere", clone.beside("home").display());
    for shell in crate::signals::shells() {
        // As a person starts it: no option of a shell.
        let script = clone.beside("dist").join("install.sh");
        let run = |from: &str| {
            let mut command = clone.command(shell[0]);
            if shell[0] == "busybox" {
                command.arg("sh");
            }
            command
                .arg(&script)
                .env("HOME", clone.beside("home"))
                .env("SEVALLA_DEPLOY_FROM", from);
            Ran::new(&mut command)
        };
        let ran = run(&nowhere);
        ran.refused("could not be downloaded; nothing was installed");
        let folder = clone.beside("home/.local/bin");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{shell:?}");
        run(&format!("file://{}", clone.beside("dist").display())).ok();
        fs::remove_dir_all(folder).unwrap();
    }
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
    let (ran, _) = install(&clone, &more);
    for line in [
        "https_proxy=http://proxy.example:3128\n",
        "no_proxy=git.example\n",
        "asked https://mirror.example/files/sevalla-deploy-v90.2.3-",
    ] {
        assert_eq!(ran.stderr.matches(line).count(), 2, "{line} {ran:?}");
    }
    ran.refused("nothing was installed");
    let lower = [("https_proxy", "http://other.example:3128")];
    let (ran, _) = install(&clone, &[&more[..], &lower[..]].concat());
    ran.refused("https_proxy=http://other.example:3128\n");

    let file = format!("file://{}", clone.beside("dist").display());
    let (ran, _) = install(&clone, &[more[0], ("SEVALLA_DEPLOY_FROM", &file)]);
    ran.refused("it needs curl, or wget unless the address is a file:// one");
}

/// As an option of a tool, and with a sign that sha256sum writes as two.
#[test]
fn the_script_installs_into_a_folder_of_any_name() {
    let clone = released();
    let script = clone.beside("dist").join("install.sh");
    for folder in ["-p", "back\\slash", "with blank"] {
        let mut command = clone.command("sh");
        command.arg(&script).arg(folder);
        let said = Ran::new(&mut command).ok();
        assert!(said.contains(&format!("{folder}/sevalla-deploy")), "{said}");
        assert!(
            clone.path(folder).join("sevalla-deploy").exists(),
            "{folder}"
        );
    }
}

/// The process that failed has ended, and its number may be another one's by now.
#[test]
fn a_download_that_failed_is_not_signalled() {
    let text = include_str!("../../packages/install.sh");
    assert!(text.contains("wait \"$child\" || { child=; return 1; }"));
    assert!(
        include_str!("../../setup/install").contains("wait \"$child\" || { child=; return 1; }")
    );
}

#[test]
fn what_is_far_too_large_fills_no_disk() {
    let clone = released();
    let file = fs::File::create(archive(&clone)).unwrap();
    file.set_len(300 << 20).unwrap();
    let (ran, program) = install(&clone, &[]);
    ran.refused("could not be downloaded");
    assert_eq!(fs::read_dir(program.parent().unwrap()).unwrap().count(), 0);
}

/// A name that another user could have made before, as a link.
#[test]
fn no_script_makes_a_name_that_can_be_foreseen() {
    let clone = released();
    for script in ["setup/install", "packages/install.sh"] {
        assert!(!clone.read(script).contains("$$"), "{script}");
    }
}

#[test]
fn an_address_with_any_sign_is_written_as_it_is() {
    let end = "/a&b?c=\\1*";
    let clone = released_as("#!/bin/sh\n", end);
    for file in ["install.sh", "install.ps1", "sevalla-deploy.rb"] {
        let text = fs::read_to_string(clone.beside("dist").join(file)).unwrap();
        assert!(text.contains(&format!("dist{end}")), "{file}: {text}");
    }
}

/// Before the statements of origin are made, and of all that is published.
#[test]
fn the_checksums_list_every_file() {
    let clone = released();
    let dist = clone.beside("dist");
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let listed = sums.lines().map(|line| line[66..].to_owned());
    let files = fs::read_dir(dist).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.filter(|name| name != "SHA256SUMS").collect();
    files.sort();
    assert_eq!(listed.collect::<Vec<_>>(), files);

    let workflow = concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows/release.yml");
    let workflow = fs::read_to_string(workflow).unwrap();
    let (before, after) = workflow.split_once("\n  attest:\n").unwrap();
    assert!(before.contains(".ci/release/packages") && !after.contains(".ci/release/packages"));
}

#[test]
fn a_script_that_arrived_in_part_does_nothing() {
    let clone = released();
    let script = clone.beside("dist").join("install.sh");
    let text = fs::read_to_string(&script).unwrap();
    let end = text.rfind("main \"$@\"").unwrap();
    // At the end of every line, the last one apart.
    for (at, _) in text[..end].match_indices('\n') {
        fs::write(&script, &text[..=at]).unwrap();
        let (_, program) = install(&clone, &[]);
        assert!(!program.exists(), "{}", &text[..at]);
    }
}

/// The command of the pages about CI systems, for a shell that goes on after an
/// error, as Azure's does.
#[test]
fn the_documented_download_unpacks_nothing_but_the_released_file() {
    let clone = released();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ci/azure.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, command) = page
        .split_once("download: made by just bless -->\n")
        .unwrap();
    let (command, _) = command.split_once("\n\n").unwrap();
    let name = "sevalla-deploy-v90.2.3-x86_64-unknown-linux-musl.tar.gz";
    let archive = clone.beside("dist").join(name);
    let sums = fs::read_to_string(clone.beside("dist").join("SHA256SUMS")).unwrap();
    let sum = sums.lines().find_map(|line| line.strip_suffix(name));
    let (before, rest) = command.split_once("https://").unwrap();
    let (_, after) = rest.split_once(' ').unwrap();
    let command = format!("{before}file://{} {after}", archive.display());
    let command = command.replace("SHA256", sum.unwrap().trim());
    let job = clone.beside("job");
    fs::create_dir_all(&job).unwrap();
    let run = || {
        let script = format!("cd {} && rm -f sevalla-deploy\n{command}\n", job.display());
        Ran::new(clone.command("sh").arg("-c").arg(script))
    };
    run().ok();
    assert!(job.join("sevalla-deploy").exists());
    fs::write(&archive, "other bytes").unwrap();
    run().refused("FAILED");
    assert!(!job.join("sevalla-deploy").exists());
}

#[test]
fn a_system_without_a_program_is_named() {
    let clone = released();
    let programs = clone.beside("programs");
    write_program(&programs.join("uname"), "#!/bin/sh\necho Plan9\n");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let (ran, _) = install(&clone, &[("PATH", &path)]);
    ran.refused("there is no program for Plan9 on Plan9");

    let of_the_repository = clone
        .command("sh")
        .arg(clone.path("packages/install.sh"))
        .output();
    let said = String::from_utf8(of_the_repository.unwrap().stderr).unwrap();
    assert!(said.contains("belongs to no release"), "{said}");
}

#[test]
fn the_manifests_have_the_hashes_of_the_archives() {
    let clone = released();
    let read = |name: &str| fs::read_to_string(clone.beside("dist").join(name)).unwrap();
    let sums = read("SHA256SUMS");
    let formula = read("sevalla-deploy.rb");
    let manifest: serde_json::Value = serde_json::from_str(&read("sevalla-deploy.json")).unwrap();
    for (sum, target) in TARGETS.iter().map(|target| {
        let end = format!(
            "-{target}.{}",
            if target.contains("windows") {
                "zip"
            } else {
                "tar.gz"
            }
        );
        let line = sums.lines().find(|line| line.ends_with(&end)).unwrap();
        (line.split(' ').next().unwrap(), target)
    }) {
        if target.contains("windows") {
            assert_eq!(manifest["architecture"]["64bit"]["hash"], sum);
            assert!(read("install.ps1").contains(sum));
        } else {
            let (before, _) = formula.split_once(sum).unwrap();
            assert!(
                before.lines().rev().nth(1).unwrap().contains(target),
                "{target}"
            );
            assert!(read("install.sh").contains(sum));
        }
    }
    assert_eq!(manifest["version"], "90.2.3");
    assert!(formula.contains("version \"90.2.3\""));
}

/// The rules of eget, which are the strictest: a name belongs to a system if the
/// expressions of its system and its architecture match anywhere in it.
#[test]
fn tools_find_one_archive_for_each_system() {
    let clone = released();
    let contents = [
        "x86_64-musl",
        "aarch64-musl",
        "x86_64-apple",
        "aarch64-apple",
        "x86_64-msvc",
    ]
    .map(|system| format!("sevalla-deploy-v90.2.3-{system}.cdx.json"));
    let files = fs::read_dir(clone.beside("dist")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: Vec<String> = files.chain(contents).collect();
    for (system, architecture, target) in [
        (
            "linux",
            "(x64|amd64|x86(-|_)64)",
            "x86_64-unknown-linux-musl.tar.gz",
        ),
        (
            "linux",
            "(arm64|armv8|aarch64)",
            "aarch64-unknown-linux-musl.tar.gz",
        ),
        (
            "(darwin|macos|osx)",
            "(x64|amd64|x86(-|_)64)",
            "x86_64-apple-darwin.tar.gz",
        ),
        (
            "(darwin|macos|osx)",
            "(arm64|armv8|aarch64)",
            "aarch64-apple-darwin.tar.gz",
        ),
        (
            "([^r]win|windows)",
            "(x64|amd64|x86(-|_)64)",
            "x86_64-pc-windows-msvc.zip",
        ),
    ] {
        let [system, architecture] =
            [system, architecture].map(|pattern| Regex::new(&format!("(?i){pattern}")).unwrap());
        let found = files
            .iter()
            .filter(|name| system.is_match(name) && architecture.is_match(name));
        let found: Vec<_> = found.collect();
        assert_eq!(found, [&format!("sevalla-deploy-v90.2.3-{target}")]);
    }
}
