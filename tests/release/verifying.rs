//! What a stranger compares before anything is built: the tag adds hashes to a
//! commit of `main`, and nothing else.

use std::fs;

use crate::clone::{Clone, Ran, digest, write_program};

const IMAGE: &str = "ghcr.io/somebody/sevalla-deploy";
const REPOSITORY: &str = "https://example.com/somebody/sevalla-deploy";
const URL: &str = "https://example.com/somebody/sevalla-deploy/releases/download/v90.2.3";

/// A release, tagged, whose parent is on `main`.
fn tagged() -> Clone {
    let clone = Clone::new();
    clone.bump();
    let archives = clone.archives();
    let arguments = ["v90.2.3", archives.to_str().unwrap(), URL, REPOSITORY];
    clone.run("packages", &arguments).ok();
    clone.pin_bases();
    clone.git("push --quiet origin HEAD:refs/heads/main");
    clone.git("fetch --quiet origin");
    clone.pin(URL).ok();
    clone.git("tag v90.2.3");
    clone
}

/// Verifies with a compiler that fails: what is refused is refused before.
fn verify(clone: &Clone, image: &str) -> Ran {
    let programs = clone.beside("programs");
    write_program(&programs.join("cargo"), "#!/bin/sh\nexit 1\n");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    Ran::new(
        clone
            .command("bash")
            .arg(clone.path(".ci/release/verify"))
            .arg("v90.2.3")
            .env("PATH", path)
            .env("IMAGE", image),
    )
}

/// Moves the tag to a commit that has other text in a file.
fn forge(clone: &Clone, file: &str, from: &str, to: &str) {
    clone.edit(file, from, to);
    clone.git("commit --quiet --all --amend --no-edit");
    clone.git("tag --force v90.2.3");
}

#[test]
fn what_is_a_release_is_built() {
    let clone = tagged();
    verify(&clone, IMAGE).refused("the build failed");
    clone.git("remote set-url origin https://github.com/Somebody/sevalla-deploy.git");
    verify(&clone, "").refused("the build failed");
    clone.git("remote set-url origin git@github.com:else/sevalla-deploy");
    verify(&clone, "").refused("exactly the image ghcr.io/else/sevalla-deploy:v90.2.3");
    clone.git("remote set-url origin https://git.example/somebody/sevalla-deploy");
    verify(&clone, "").refused("set IMAGE");
}

#[test]
fn another_image_is_found_behind_the_right_digest() {
    let line = format!("  image: docker://{IMAGE}:v90.2.3@{}", digest('a'));
    let right = digest('a');
    for other in [
        format!("  image: docker://evil.example/miner:latest # @{right}"),
        format!("  image: docker://{IMAGE}-x:v90.2.3@{right}"),
        format!("  image: docker://{IMAGE}:latest@{right}"),
        format!("  image: docker://{IMAGE}:v90.2.3@{right}0"),
        format!("{line}\n  image: docker://evil.example/miner:latest"),
        format!("{line}\n  pre-entrypoint: /evil"),
    ] {
        let clone = tagged();
        forge(&clone, "container/action.yml", &line, &other);
        verify(&clone, IMAGE).refused("container/action.yml");
    }
}

#[test]
fn a_tag_that_changes_more_than_hashes_is_refused() {
    let clone = tagged();
    let archive = "  sevalla-deploy-v90.2.3-x86_64-apple-darwin.tar.gz";
    for (file, from, to, why) in [
        (
            "Dockerfile",
            "ENTRYPOINT",
            "RUN evil\nENTRYPOINT",
            "Dockerfile than its hashes",
        ),
        (
            "setup/pins",
            archive,
            "  sevalla-deploy-evil-x86_64-apple-darwin.tar.gz",
            "setup/pins than",
        ),
        (
            "setup/pins",
            "from https://example.com/",
            "",
            "setup/pins than its hashes",
        ),
        (
            "setup/pins",
            "from https://example.com/",
            "from http://example.com/",
            "setup/pins than its hashes",
        ),
        (
            "setup/pins",
            "from https://example.com/",
            "from https://user:password@example.com/",
            "setup/pins than its hashes",
        ),
        (
            "setup/install",
            "set -eu\n",
            "set -eu\nevil\n",
            "changes setup/install",
        ),
    ] {
        let tagged = clone.git("rev-parse HEAD");
        forge(&clone, file, from, to);
        verify(&clone, IMAGE).refused(why);
        clone.git(&format!("reset --quiet --hard {}", tagged.trim_end()));
    }
    let pins = clone.path("setup/pins");
    fs::remove_file(&pins).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &pins).unwrap();
    clone.git("commit --quiet --all --amend --no-edit");
    clone.git("tag --force v90.2.3");
    verify(&clone, IMAGE).refused("changes setup/pins");
}

#[test]
fn sources_that_are_not_on_main_are_refused() {
    let clone = tagged();
    clone.git("update-ref refs/remotes/origin/main HEAD~2");
    verify(&clone, IMAGE).refused("which is not on origin/main");
    clone.git("update-ref -d refs/remotes/origin/main");
    verify(&clone, IMAGE).refused("origin/main is not here");
}

/// A name that is both is the tag's for git.
#[test]
fn a_tag_with_the_name_of_the_branch_is_not_the_branch() {
    let clone = tagged();
    clone.git("tag origin/main HEAD~");
    clone.git("update-ref refs/remotes/origin/main HEAD~2");
    verify(&clone, IMAGE).refused("which is not on origin/main");
}

#[test]
fn an_older_commit_of_main_is_not_a_newer_release() {
    let clone = tagged();
    clone.git("checkout --quiet HEAD~2");
    clone.pin_bases();
    clone.pin(URL).ok();
    clone.git("tag --force v90.2.3");
    verify(&clone, IMAGE).refused(&format!("whose version is {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_base_image_without_a_digest_is_refused() {
    let clone = tagged();
    let with_digest = format!("@{}", digest('b'));
    let text = clone.read("Dockerfile");
    let (before, after) = text.rsplit_once(&with_digest).unwrap();
    fs::write(clone.path("Dockerfile"), format!("{before}{after}")).unwrap();
    clone.git("commit --quiet --all --amend --no-edit");
    clone.git("tag --force v90.2.3");
    verify(&clone, IMAGE).refused("has a base image without a digest");
}

/// What git lists first, or not at all, is up to its user.
#[test]
fn no_setting_of_git_hides_a_change() {
    let clone = tagged();
    forge(&clone, "setup/install", "set -eu\n", "set -eu\nevil\n");
    clone.git("config diff.orderFile /nonexistent");
    verify(&clone, IMAGE).refused("changes setup/install");
}

/// What installs the archives, and follows from them.
const PACKAGES: [&str; 4] = [
    "install.ps1",
    "install.sh",
    "sevalla-deploy.json",
    "sevalla-deploy.rb",
];

/// Verifies with a compiler that makes the stand-in of this machine, and without the
/// image.
fn verify_built(clone: &Clone) -> Ran {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let programs = clone.beside("programs");
    let to = format!("target/static/{target}/release");
    let binary = clone.beside("binaries").join(target);
    let cargo = format!(
        "#!/bin/sh\nmkdir -p {to}\ncp {} {to}/sevalla-deploy\nchmod +x {to}/*\n",
        binary.display()
    );
    write_program(&programs.join("cargo"), &cargo);
    write_program(&programs.join("skopeo"), "#!/bin/sh\nexit 1\n");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    Ran::new(
        clone
            .command("bash")
            .arg(clone.path(".ci/release/verify"))
            .arg("v90.2.3")
            .arg(format!("file://{}", clone.beside("dist").display()))
            .env("PATH", path)
            .env("IMAGE", IMAGE),
    )
}

#[test]
fn what_is_not_built_here_is_named() {
    let clone = tagged();
    let ran = verify_built(&clone);
    let this = format!(
        "sevalla-deploy-v90.2.3-{}-unknown-linux-musl.tar.gz",
        std::env::consts::ARCH
    );
    assert!(
        ran.stdout.contains(&format!("same       {this}")),
        "{ran:?}"
    );
    assert!(
        !ran.stdout.contains(&format!("not compared  {this}")),
        "{ran:?}"
    );
    for file in PACKAGES {
        assert!(
            ran.stdout.contains(&format!("same       {file} ")),
            "{ran:?}"
        );
    }
    // The stand-in of skopeo fails.
    ran.refused("not compared  sevalla-deploy-v90.2.3-x86_64-pc-windows-msvc.zip\n");
}

#[test]
fn what_is_downloaded_is_what_is_pinned() {
    let clone = tagged();
    let dist = clone.beside("dist");
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let end = sums.find("  sevalla-deploy-").unwrap();
    let other = sums.replace(&sums[end - 64..end], &"0".repeat(64));
    fs::write(dist.join("SHA256SUMS"), other).unwrap();
    verify_built(&clone).refused("SHA256SUMS has other archives than");
    fs::write(dist.join("SHA256SUMS"), sums).unwrap();

    let this = format!(
        "sevalla-deploy-v90.2.3-{}-unknown-linux-musl.tar.gz",
        std::env::consts::ARCH
    );
    fs::write(dist.join(this), "other bytes").unwrap();
    verify_built(&clone).refused("is not the file that setup/pins of v90.2.3 names");
}

/// What a release's machine could have written into them.
#[test]
fn an_installer_with_other_bytes_is_found() {
    let clone = tagged();
    let dist = clone.beside("dist");
    for file in PACKAGES {
        let path = dist.join(file);
        let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
        let sound = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{sound}\n# evil\n")).unwrap();
        verify_built(&clone).refused(&format!("{file} is not what SHA256SUMS says"));

        let sum = Ran::new(clone.command("sha256sum").arg(&path)).ok();
        let listed: String = sums
            .lines()
            .map(|line| match line.strip_suffix(&format!("  {file}")) {
                Some(_) => format!("{}  {file}\n", &sum[..64]),
                None => format!("{line}\n"),
            })
            .collect();
        fs::write(dist.join("SHA256SUMS"), listed).unwrap();
        let ran = verify_built(&clone);
        ran.refused(&format!("DIFFERENT  {file}: published {}", &sum[..64]));
        fs::write(&path, sound).unwrap();
        fs::write(dist.join("SHA256SUMS"), sums).unwrap();
    }
}

/// Any workflow on any branch could have signed.
#[test]
fn the_documented_commands_ask_for_the_workflow_that_signs() {
    let read = |name: &str| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(root.join(name)).unwrap()
    };
    let page = read("docs/install.md").replace("\\\n      ", "");
    let name = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/");
    let end = format!(
        " --repo {name} --signer-workflow {name}/.github/workflows/release.yml --source-ref refs/heads/main"
    );
    let commands = page.lines().filter(|line| line.contains("gh attestation"));
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in commands {
        assert!(command.ends_with(&end), "{command}");
    }
    let workflow = read(".github/workflows/release.yml");
    assert!(workflow.contains("run: test \"$GITHUB_REF\" = refs/heads/main\n"));
    assert!(workflow.contains("\n  workflow_dispatch:\n") && !workflow.contains("workflow_call"));

    // The binary has its list of crates, so another version can write other bytes.
    let (_, version) = page.split_once("cargo-auditable ").unwrap();
    let version = version.split(' ').next().unwrap();
    for workflow in [workflow, read(".github/workflows/rebuild.yml")] {
        assert!(
            workflow.contains(&format!("cargo-auditable@{version}\n")),
            "{version}"
        );
    }
}

/// A terminal acts on it.
#[test]
fn text_that_nobody_vouched_for_is_not_shown_as_it_is() {
    let clone = tagged();
    let sums = clone.beside("dist").join("SHA256SUMS");
    let sound = fs::read_to_string(&sums).unwrap();
    for line in [
        format!("{}  \u{1b}]0;evil\u{7}.json\n", "0".repeat(64)),
        format!("{}  a\rsame       everything\n", "0".repeat(64)),
        "evil\n".to_owned(),
    ] {
        fs::write(&sums, format!("{sound}{line}")).unwrap();
        let ran = verify_built(&clone);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(['\u{1b}', '\r']));
        ran.refused("SHA256SUMS has a line that is not a hash and the name of a file");
    }
    forge(&clone, "Dockerfile", "ENTRYPOINT", "\u{1b}]0;evil\u{7}");
    let ran = verify(&clone, IMAGE);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
    ran.refused("Dockerfile than its hashes");
}
