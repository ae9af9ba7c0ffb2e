//! The commit of the tag: everything that runs is named by its hash.

use std::fs;

use crate::clone::{Clone, digest};

const URL: &str = "https://github.com/somebody/sevalla-deploy/releases/download/v90.2.3";

/// A clone in which all is ready for the commit of the tag.
fn ready() -> Clone {
    let clone = Clone::new();
    clone.bump();
    clone.archives();
    clone.pin_bases();
    clone
}

#[test]
fn the_action_in_a_container_names_the_image_by_digest() {
    let clone = ready();
    let commit = clone.pin(URL).ok();
    assert_eq!(clone.git("rev-parse HEAD"), commit);
    assert_eq!(clone.git("status --porcelain"), "");
    assert_eq!(
        clone.git("diff --numstat HEAD~ HEAD"),
        "2\t2\tDockerfile\n1\t1\tcontainer/action.yml\n6\t0\tsetup/pins\n"
    );
    let image = format!(
        "  image: docker://ghcr.io/somebody/sevalla-deploy:v90.2.3@{}\n",
        digest('a')
    );
    let action = clone.read("container/action.yml");
    assert_eq!(action.matches(&image).count(), 1);
    let metadata: yaml_serde::Value = yaml_serde::from_str(&action).unwrap();
    assert!(
        metadata["runs"]["image"]
            .as_str()
            .unwrap()
            .starts_with("docker://")
    );
}

#[test]
fn the_pins_are_the_checksums_of_the_archives() {
    let clone = ready();
    clone.pin(URL).ok();
    let pins = clone.read("setup/pins");
    let sums = fs::read_to_string(clone.beside("dist").join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 5);
    assert!(pins.ends_with(&format!("from {URL}\n{sums}")), "{pins}");
}

#[test]
fn the_same_facts_make_the_same_commit() {
    let clone = ready();
    let first = clone.pin(URL).ok();
    clone.git("reset --quiet --hard HEAD~");
    clone.pin_bases();
    assert_eq!(clone.pin(URL).ok(), first);
}

#[test]
fn the_same_binary_makes_the_same_archive() {
    let clone = ready();
    let first = fs::read_to_string(clone.archives().join("SHA256SUMS")).unwrap();
    // Times and modes of the files are not those of the archive.
    let old = fs::File::options()
        .write(true)
        .open(clone.path("LICENSE"))
        .unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(
        fs::read_to_string(clone.archives().join("SHA256SUMS")).unwrap(),
        first
    );
}

#[test]
fn what_is_not_pinned_wholly_is_not_committed() {
    let clone = ready();
    let head = clone.git("rev-parse HEAD");
    let archives = clone.beside("dist");
    let archives = archives.to_str().unwrap();
    let name = "ghcr.io/somebody/sevalla-deploy";
    for (image, why) in [
        (format!("{name}:v90.2.3"), "is not a digest"),
        (format!("{name}@sha256:abc"), "is not a digest"),
        (
            format!("{name}:v90.2.3@{}", digest('a')),
            "is not the name of an image",
        ),
        (
            format!("ghcr.io/Somebody/x@{}", digest('a')),
            "is not the name of an image",
        ),
    ] {
        let arguments = ["v90.2.3", image.as_str(), archives, URL];
        clone.run("pin", &arguments).refused(why);
    }

    clone.git("checkout --quiet -- Dockerfile");
    clone.pin(URL).refused("not pinned by digest");

    clone.pin_bases();
    fs::remove_file(
        clone
            .beside("dist")
            .join("sevalla-deploy-v90.2.3-aarch64-unknown-linux-musl.tar.gz"),
    )
    .unwrap();
    clone.pin(URL).refused("does not have five archives");
    assert_eq!(clone.git("rev-parse HEAD"), head);
}

#[test]
fn what_is_pinned_is_not_pinned_again() {
    let clone = ready();
    clone.pin(URL).ok();
    clone.pin(URL).refused("container/action.yml has 0 lines");
}
