//! Publishing: in an order in which nothing is seen before it is complete, and
//! such that it can be done again after it has failed anywhere.

use std::fs;

use crate::clone::{Clone, Ran, digest, write_program};

/// Writes down what it is asked. What it says of the release is in a file.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >>"$ASKED"
case $2 in
  view) cat "$DRAFT" ;;
  create) echo true >"$DRAFT" ;;
  edit) echo false >"$DRAFT" ;;
esac
"#;
const SKOPEO: &str = r#"#!/bin/sh
echo "skopeo $*" >>"$ASKED"
"#;

struct World {
    clone: Clone,
    commit: String,
}

impl World {
    fn new() -> Self {
        let clone = Clone::new();
        clone.bump();
        clone.archives();
        clone.pin_bases();
        let commit = clone.pin("https://example.com").ok().trim_end().to_owned();
        let programs = clone.beside("programs");
        write_program(&programs.join("gh"), GH);
        write_program(&programs.join("skopeo"), SKOPEO);
        Self { clone, commit }
    }

    /// Publishes a commit, with the stand-ins first on the path. Gives what
    /// they were asked too.
    fn publish(&self, commit: &str) -> (Ran, Vec<String>) {
        let asked = self.clone.beside("programs").join("asked");
        fs::write(&asked, "").unwrap();
        let programs = self.clone.beside("programs");
        let script = self.clone.path(".ci/release/publish");
        let image = format!("ghcr.io/somebody/sevalla-deploy@{}", digest('a'));
        let ran = Ran::new(
            self.clone
                .command("bash")
                .arg(script)
                .args(["v90.2.3", commit, &image])
                .arg(self.clone.beside("dist"))
                .args(["false", "true"])
                .env(
                    "PATH",
                    format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
                )
                .env("ASKED", &asked)
                .env("DRAFT", programs.join("draft")),
        );
        let asked = fs::read_to_string(asked).unwrap();
        (ran, asked.lines().map(str::to_owned).collect())
    }

    fn tag(&self) -> String {
        let line = self.clone.git("ls-remote origin refs/tags/v90.2.3");
        line.split('\t').next().unwrap_or_default().to_owned()
    }
}

/// The first two words of each request.
fn words(asked: &[String]) -> Vec<String> {
    let two = |line: &String| line.split(' ').take(3).collect::<Vec<_>>().join(" ");
    asked.iter().map(two).collect()
}

#[test]
fn a_release_is_a_draft_until_it_is_complete() {
    let world = World::new();
    let (ran, asked) = world.publish(&world.commit);
    ran.ok();
    assert_eq!(world.tag(), world.commit);
    assert_eq!(
        words(&asked),
        [
            "skopeo copy --quiet",
            "gh release view",
            "gh release create",
            "gh release upload",
            "gh release edit"
        ]
    );
    assert!(asked[0].ends_with(":v90.2.3"), "{asked:?}");
    assert!(asked[2].contains("--draft --verify-tag"), "{asked:?}");
    assert!(asked[3].contains("SHA256SUMS"), "{asked:?}");
    assert!(
        asked[4].ends_with("--draft=false --latest=true"),
        "{asked:?}"
    );
}

#[test]
fn publishing_goes_on_where_it_stopped() {
    let world = World::new();
    // The tag and the draft are there, the files may be.
    world.clone.git(&format!(
        "push --quiet origin {}:refs/tags/v90.2.3",
        world.commit
    ));
    fs::write(world.clone.beside("programs").join("draft"), "true\n").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.ok();
    assert_eq!(
        words(&asked)[1..],
        ["gh release view", "gh release upload", "gh release edit"]
    );

    // All of it is there.
    let (ran, asked) = world.publish(&world.commit);
    assert!(ran.ok().contains("published already"));
    assert_eq!(words(&asked), ["skopeo copy --quiet", "gh release view"]);
}

#[test]
fn a_tag_is_never_moved() {
    let world = World::new();
    world
        .clone
        .git("push --quiet origin HEAD~:refs/tags/v90.2.3");
    let before = world.tag();
    let (ran, asked) = world.publish(&world.commit);
    ran.refused("A tag is not moved");
    assert_eq!(world.tag(), before);
    assert_eq!(asked, [""; 0]);
}

#[test]
fn files_that_are_not_the_listed_ones_are_not_published() {
    let world = World::new();
    let archive = world
        .clone
        .beside("dist")
        .join("sevalla-deploy-v90.2.3-x86_64-unknown-linux-musl.tar.gz");
    fs::write(archive, "other bytes").unwrap();
    let (ran, asked) = world.publish(&world.commit);
    ran.refused("is not what SHA256SUMS says");
    assert_eq!((world.tag().as_str(), asked.len()), ("", 0));
}

#[test]
fn the_tag_of_the_major_version_follows() {
    let world = World::new();
    let programs = world.clone.beside("programs");
    let image = format!("ghcr.io/somebody/sevalla-deploy@{}", digest('a'));
    world.clone.git("push --quiet origin HEAD~:refs/tags/v90");
    let major = |name: &str| {
        Ran::new(
            world
                .clone
                .command("bash")
                .arg(world.clone.path(".ci/release/major"))
                .args([name, &world.commit, &image])
                .env(
                    "PATH",
                    format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
                )
                .env("ASKED", programs.join("asked")),
        )
    };
    major("v90").ok();
    let line = world.clone.git("ls-remote origin refs/tags/v90");
    assert!(line.starts_with(&world.commit), "{line}");
    major("").refused("is not a major version");
}
