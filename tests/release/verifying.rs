//! What a stranger compares before anything is built: the tag adds hashes to a
//! commit of `main`, and nothing else.

use std::fs;

use crate::clone::{Clone, Ran, digest, write_program};

const IMAGE: &str = "ghcr.io/somebody/sevalla-deploy";

/// A release, tagged, whose parent is on `main`.
fn tagged() -> Clone {
    let clone = Clone::new();
    clone.bump();
    clone.archives();
    clone.pin_bases();
    clone.git("push --quiet origin HEAD:refs/heads/main");
    clone.git("fetch --quiet origin");
    clone.pin("https://example.com").ok();
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
            "from https://example.com\n",
            "",
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
