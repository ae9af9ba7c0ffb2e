//! Publishing: in an order in which nothing is seen before it is complete, and
//! such that it can be done again after it has failed anywhere.

use std::fs;
use std::path::PathBuf;

use crate::clone::{Clone, Ran, write_program};

const URL: &str = "https://example.com";

/// Writes down what it is asked. The release is a folder.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >>"$ASKED"
case $2 in
  view)
    if [ -f "$RELEASE/broken" ]; then echo 'HTTP 502' >&2; exit 1; fi
    cat "$RELEASE/draft" 2>/dev/null || { echo 'release not found' >&2; exit 1; }
    ;;
  create) echo true >"$RELEASE/draft" ;;
  upload) shift 4; cp "$@" "$RELEASE/files" ;;
  download) cp -r "$RELEASE/files" "$5" ;;
  edit) echo false >"$RELEASE/draft" ;;
esac
"#;
/// The registry is a folder with a file for each tag.
const SKOPEO: &str = r#"#!/bin/sh
echo "skopeo $*" >>"$ASKED"
case $1 in
  inspect)
    [ ! -f "$RELEASE/away" ] || { echo 'connection refused' >&2; exit 1; }
    cat "$RELEASE/${3##*:}" 2>/dev/null || { echo 'manifest unknown' >&2; exit 1; }
    ;;
  copy) cp "$RELEASE/image" "$RELEASE/${6##*:}" ;;
esac
"#;

struct World {
    clone: Clone,
    commit: String,
    image: String,
    sums: String,
}

impl World {
    fn new() -> Self {
        let clone = Clone::new();
        clone.bump();
        clone.archives();
        clone.pin_bases();
        let release = clone.beside("release");
        clone.beside("release/files");
        fs::write(release.join("image"), "a manifest").unwrap();
        let hash_of = |path: PathBuf| {
            let mut sum = clone.command("sha256sum");
            Ran::new(sum.arg(path)).ok()[..64].to_owned()
        };
        let digest = format!("sha256:{}", hash_of(release.join("image")));
        let sums = hash_of(clone.beside("dist").join("SHA256SUMS"));
        let pinned = clone.pin_image(URL, &digest).ok();
        clone.git("reset --quiet --hard HEAD~");
        let programs = clone.beside("programs");
        write_program(&programs.join("gh"), GH);
        write_program(&programs.join("skopeo"), SKOPEO);
        Self {
            clone,
            commit: pinned.trim_end().to_owned(),
            image: format!("ghcr.io/somebody/sevalla-deploy@{digest}"),
            sums,
        }
    }

    /// A file of the release, or one that makes a stand-in fail.
    fn release(&self, name: &str) -> PathBuf {
        self.clone.beside("release").join(name)
    }

    /// Runs a script with the stand-ins first on the path. Gives what they were
    /// asked too.
    fn run(&self, script: &str, arguments: &[&str]) -> (Ran, Vec<String>) {
        let programs = self.clone.beside("programs");
        let asked = programs.join("asked");
        fs::write(&asked, "").unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
        let ran = Ran::new(
            self.clone
                .command("bash")
                .arg(self.clone.path(".ci/release").join(script))
                .args(arguments)
                .env("PATH", path)
                .env("ASKED", &asked)
                .env("RELEASE", self.clone.beside("release")),
        );
        let asked = fs::read_to_string(asked).unwrap();
        (ran, asked.lines().map(str::to_owned).collect())
    }

    fn publish(&self, commit: &str) -> (Ran, Vec<String>) {
        self.publish_as(commit, &self.sums)
    }

    /// Does so with another hash of `SHA256SUMS`.
    fn publish_as(&self, commit: &str, sums: &str) -> (Ran, Vec<String>) {
        let dist = self.clone.beside("dist");
        let dist = dist.to_str().unwrap();
        let arguments = ["v90.2.3", commit, &self.image, dist, URL, sums];
        self.run("publish", &arguments)
    }

    /// Another commit instead of the pinned one, with other text in a file.
    fn forged(&self, file: &str, from: &str, to: &str) -> String {
        let clone = &self.clone;
        clone.git(&format!("checkout --quiet {}", self.commit));
        clone.edit(file, from, to);
        clone.git("commit --quiet --all --amend --no-edit");
        let commit = clone.git("rev-parse HEAD").trim_end().to_owned();
        clone.git("checkout --quiet main");
        commit
    }

    fn major(&self) -> (Ran, Vec<String>) {
        self.run("major", &["v90.2.3", &self.commit, &self.image])
    }

    fn tag(&self, name: &str) -> String {
        let line = self
            .clone
            .git(&format!("ls-remote origin refs/tags/{name}"));
        line.split('\t').next().unwrap_or_default().to_owned()
    }
}

/// The text of the workflow that releases.
fn workflow() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows/release.yml");
    fs::read_to_string(path).unwrap()
}

/// The first three words of each request.
fn words(asked: &[String]) -> Vec<String> {
    let three = |line: &String| line.split(' ').take(3).collect::<Vec<_>>().join(" ");
    asked.iter().map(three).collect()
}

#[test]
fn a_release_is_a_draft_until_it_is_complete() {
    let world = World::new();
    let (ran, asked) = world.publish(&world.commit);
    ran.ok();
    assert_eq!(world.tag("v90.2.3"), world.commit);
    assert_eq!(
        words(&asked),
        [
            "skopeo inspect --raw",
            "skopeo copy --quiet",
            "gh release view",
            "gh release create",
            "gh release upload",
            "gh release download",
            "gh release edit"
        ]
    );
    assert!(asked[1].ends_with(":v90.2.3"), "{asked:?}");
    assert!(asked[3].contains("--draft --verify-tag"), "{asked:?}");
    assert!(asked[3].ends_with("--prerelease=false"), "{asked:?}");
    assert!(asked[4].contains("SHA256SUMS"), "{asked:?}");
    assert!(
        asked[6].ends_with("--draft=false --latest=true"),
        "{asked:?}"
    );
}

#[test]
fn publishing_goes_on_where_it_stopped() {
    let world = World::new();
    // The tag and the draft are there, the files may be.
    let tag = format!("push --quiet origin {}:refs/tags/v90.2.3", world.commit);
    world.clone.git(&tag);
    fs::write(world.release("draft"), "true\n").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.ok();
    assert_eq!(
        words(&asked)[2..],
        [
            "gh release view",
            "gh release upload",
            "gh release download",
            "gh release edit"
        ]
    );

    // All of it is there.
    let (ran, asked) = world.publish(&world.commit);
    assert!(ran.ok().contains("published already"));
    assert_eq!(
        words(&asked),
        [
            "skopeo inspect --raw",
            "gh release view",
            "gh release download"
        ]
    );
}

#[test]
fn what_is_published_is_compared() {
    let world = World::new();
    world.publish(&world.commit).0.ok();
    let sums = world.release("files/SHA256SUMS");
    let sound = fs::read(&sums).unwrap();
    fs::write(&sums, "other bytes").unwrap();
    let (ran, _) = world.publish(&world.commit);
    ran.refused("the release v90.2.3 has other files");
    fs::remove_file(&sums).unwrap();
    let (ran, _) = world.publish(&world.commit);
    ran.refused("the release v90.2.3 has other files");
    fs::write(&sums, sound).unwrap();

    let image = world.release("v90.2.3");
    fs::write(&image, "another manifest").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.refused(":v90.2.3 is another image");
    assert_eq!(asked.len(), 1);
    assert_eq!(fs::read(&image).unwrap(), b"another manifest");
}

#[test]
fn a_foreign_file_in_the_draft_is_not_published() {
    let world = World::new();
    fs::write(world.release("draft"), "true\n").unwrap();
    fs::write(world.release("files/miner"), "").unwrap();
    let (ran, _) = world.publish(&world.commit);
    assert!(
        ran.stderr.contains("gh release delete-asset v90.2.3 FILE"),
        "{ran:?}"
    );
    ran.refused("Only in");
    assert_eq!(fs::read(world.release("draft")).unwrap(), b"true\n");
}

/// An outage is not an answer.
#[test]
fn what_cannot_be_asked_is_not_taken_as_missing() {
    for (file, why) in [("broken", "is released could"), ("away", "exists could")] {
        let world = World::new();
        fs::write(world.release(file), "").unwrap();
        let (ran, asked) = world.publish(&world.commit);
        ran.refused(why);
        assert!(!asked.iter().any(|line| line.contains("create")));
    }
}

#[test]
fn a_tag_is_never_moved() {
    let world = World::new();
    world
        .clone
        .git("push --quiet origin HEAD~:refs/tags/v90.2.3");
    let before = world.tag("v90.2.3");
    let (ran, asked) = world.publish(&world.commit);
    ran.refused("A tag is not moved");
    assert_eq!(world.tag("v90.2.3"), before);
    assert_eq!(asked, [""; 0]);
}

#[test]
fn files_that_are_not_the_listed_ones_are_not_published() {
    let world = World::new();
    let dist = world.clone.beside("dist");
    fs::write(dist.join("unlisted"), "").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.refused("has other files than SHA256SUMS");
    assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));
    fs::remove_file(dist.join("unlisted")).unwrap();

    let archive = dist.join("sevalla-deploy-v90.2.3-x86_64-unknown-linux-musl.tar.gz");
    fs::write(archive, "other bytes").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.refused("is not what SHA256SUMS says");
    assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));
}

/// The list itself, with the installer that it lists: an artifact of another job.
#[test]
fn a_list_that_was_replaced_on_its_way_is_not_published() {
    let world = World::new();
    let (ran, asked) = world.publish_as(&world.commit, &"0".repeat(64));
    ran.refused("is not the one that was made");
    assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));

    let workflow = workflow();
    for (job, output) in [
        ("pack", "toJSON(needs.build.outputs)"),
        ("image", "needs.pack.outputs.sums"),
        ("attest", "needs.pack.outputs.sums"),
        ("publish", "needs.pack.outputs.sums"),
    ] {
        let (_, steps) = workflow.split_once(&format!("\n  {job}:\n")).unwrap();
        let steps = steps.split("\n  #").next().unwrap();
        assert!(steps.contains(output), "{job}");
    }
}

#[test]
fn a_commit_that_does_more_than_pin_is_not_tagged() {
    let world = World::new();
    let image = format!(
        "  image: docker://{}",
        world.image.replace('@', ":v90.2.3@")
    );
    let (_, digest) = image.split_once('@').unwrap();
    let other = format!("  image: docker://evil.example/miner:latest # @{digest}");
    let commit = world.forged("container/action.yml", &image, &other);
    let (ran, asked) = world.publish(&commit);
    ran.refused("no line that is exactly the image");
    assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));
}

#[test]
fn a_commit_that_pins_something_else_is_not_tagged() {
    let world = World::new();
    let hash = fs::read_to_string(world.clone.beside("dist").join("SHA256SUMS")).unwrap();
    let hash = &hash[..64];
    for (from, to, why) in [
        (hash, "0".repeat(64), "has other archives than"),
        (
            URL,
            "https://evil.example/files".to_owned(),
            "has another address",
        ),
    ] {
        let commit = world.forged("setup/pins", from, &to);
        let (ran, asked) = world.publish(&commit);
        ran.refused(why);
        assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));
    }
}

/// Its parent is another commit than the one whose run publishes it.
#[test]
fn a_commit_of_other_sources_is_neither_tagged_nor_followed() {
    let world = World::new();
    world.clone.git("checkout --quiet -b evil");
    world
        .clone
        .edit("setup/install", "set -eu\n", "set -eu\nevil\n");
    world.clone.commit();
    world.clone.pin_bases();
    let (_, digest) = world.image.split_once('@').unwrap();
    let commit = world.clone.pin_image(URL, digest).ok();
    let commit = commit.trim_end();
    world.clone.git("checkout --quiet main");
    let why = "is not made of this checkout's commit";
    let (ran, asked) = world.publish(commit);
    ran.refused(why);
    assert_eq!((world.tag("v90.2.3").as_str(), asked.len()), ("", 0));

    world
        .clone
        .git(&format!("push --quiet origin {commit}:refs/tags/v90.2.3"));
    let (ran, asked) = world.run("major", &["v90.2.3", commit, &world.image]);
    ran.refused(why);
    assert_eq!((world.tag("v90").as_str(), asked.len()), ("", 0));
}

/// With contents: write, no script of what was made in other jobs runs.
#[test]
fn the_last_steps_run_the_scripts_of_the_commit_that_was_released() {
    let workflow = workflow();
    for job in ["publish", "major"] {
        let (_, steps) = workflow.split_once(&format!("\n  {job}:\n")).unwrap();
        let steps = steps.split("\n\n").next().unwrap();
        assert!(
            steps.contains("contents: write") && !steps.contains(" ref: "),
            "{job}"
        );
    }
}

/// As docs/install.md has it, on the systems where nothing else runs them.
#[test]
fn the_published_install_scripts_are_run_before_anybody_follows() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/install.md");
    let page = fs::read_to_string(page).unwrap();
    let workflow = workflow();
    let (_, steps) = workflow.split_once("\n  installed:\n").unwrap();
    let (steps, _) = steps.split_once("\n  # Another machine").unwrap();
    assert!(steps.contains("macos-15,") && steps.contains("windows-2025"));
    for (documented, run) in [
        (
            "/install.sh | sh\n",
            "curl -fsSL \"$URL/install.sh\" | sh\n",
        ),
        (
            "/install.ps1 | iex\n",
            "shell: powershell\n        run: |\n          irm \"$env:URL/install.ps1\" | iex\n",
        ),
    ] {
        assert!(page.contains(documented) && steps.contains(run), "{run}");
    }
    let (_, major) = workflow.split_once("\n  major:\n").unwrap();
    assert!(major.contains("needs: [check, image, installed, rebuild]"));
}

#[test]
fn the_tag_of_the_major_version_is_of_the_image_of_the_release() {
    let world = World::new();
    world.publish(&world.commit).0.ok();
    let other = format!("ghcr.io/somebody/sevalla-deploy@sha256:{}", "0".repeat(64));
    let (ran, asked) = world.run("major", &["v90.2.3", &world.commit, &other]);
    ran.refused("does not name");
    assert_eq!((world.tag("v90").as_str(), asked.len()), ("", 0));
}

#[test]
fn the_tag_of_the_major_version_follows() {
    let world = World::new();
    world.clone.git("push --quiet origin HEAD~:refs/tags/v90");
    world.major().0.refused("is not released as");
    world.publish(&world.commit).0.ok();
    let (ran, asked) = world.major();
    ran.ok();
    assert!(asked[0].ends_with(":v90"), "{asked:?}");
    assert_eq!(world.tag("v90"), world.commit);
    let (ran, _) = world.run("major", &["v90", &world.commit, &world.image]);
    ran.refused("is not a tag");
}

/// The jobs of an older run, repeated after a newer release.
#[test]
fn an_older_release_moves_nothing_back() {
    let world = World::new();
    world
        .clone
        .git("push --quiet origin HEAD~:refs/tags/v90.3.0");
    world.clone.git("push --quiet origin HEAD~:refs/tags/v90");
    let before = world.tag("v90");
    let (ran, asked) = world.publish(&world.commit);
    ran.ok();
    assert!(asked.last().unwrap().ends_with("--latest=false"));
    let (ran, asked) = world.major();
    assert!(ran.ok().contains("v90 stays where it is"));
    assert_eq!((world.tag("v90"), asked.len()), (before, 0));
}
