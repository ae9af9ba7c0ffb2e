//! The version: written everywhere at once, and compared before anything is
//! published.

use std::fs;

use crate::clone::Clone;

#[test]
fn a_version_is_written_in_all_places_and_no_other() {
    let clone = Clone::new();
    clone.bump();
    let changed = clone.git("diff --numstat HEAD~ HEAD");
    assert_eq!(
        changed,
        "4\t1\tCHANGELOG.md\n3\t3\tCargo.lock\n1\t1\tCargo.toml\n2\t2\tfuzz/Cargo.lock\n"
    );
    let changelog = clone.read("CHANGELOG.md");
    assert!(changelog.contains("\n## [Unreleased]\n\n## [90.2.3] - 2026-01-31\n\n- Something.\n"));
    assert!(changelog.contains("/compare/v90.2.3...main\n[90.2.3]: https://github.com/"));
    assert_eq!(clone.run("check", &["v90.2.3"]).ok(), "major=v90\n");
}

#[test]
fn the_next_version_is_compared_with_this_one() {
    let clone = Clone::new();
    clone.bump();
    let section = "## [Unreleased]\n";
    clone.edit("CHANGELOG.md", section, "## [Unreleased]\n\n- New.\n");
    clone.run("bump", &["90.3.0", "2026-02-28"]).ok();
    let changelog = clone.read("CHANGELOG.md");
    let links: Vec<&str> = changelog.lines().rev().take(3).collect();
    assert!(links[0].ends_with("/releases/tag/v90.2.3"), "{links:?}");
    assert!(links[1].ends_with("/releases/tag/v90.3.0"), "{links:?}");
    assert!(links[2].ends_with("/compare/v90.3.0...main"), "{links:?}");
    assert_eq!(clone.run("notes", &["90.3.0"]).ok(), "- New.\n");
}

#[test]
fn one_place_more_than_expected_stops_the_rewriting() {
    let clone = Clone::new();
    let twice = format!("[package]\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    clone.edit("Cargo.toml", "[package]\n", &twice);
    let before = clone.read("Cargo.toml");
    clone
        .run("bump", &["90.2.3"])
        .refused("Cargo.toml has 2 lines");
    assert_eq!(clone.read("Cargo.toml"), before);

    let clone = Clone::new();
    clone.edit("Cargo.lock", "name = \"sevalla-simulator\"", "name = \"x\"");
    clone
        .run("bump", &["90.2.3"])
        .refused("Cargo.lock has 2 packages");
}

#[test]
fn a_tag_that_is_not_the_version_stops_the_release() {
    let clone = Clone::new();
    clone.bump();
    for (tag, why) in [
        ("v90.2.4", "the tag v90.2.4 asks for 90.2.4"),
        ("90.2.3", "90.2.3 is not a tag"),
        ("v90.2", "v90.2 is not a tag"),
        ("v90.2.03", "v90.2.03 is not a tag"),
        ("v90.2.3+build", "v90.2.3+build is not a tag"),
        ("v90.2.3-", "v90.2.3- is not a tag"),
    ] {
        clone.run("check", &[tag]).refused(why);
    }
    clone.git("checkout --quiet HEAD~ -- Cargo.lock");
    clone
        .run("check", &["v90.2.3"])
        .refused("Cargo.lock has 0 packages");
}

#[test]
fn a_changelog_that_says_nothing_stops_the_release() {
    let clone = Clone::new();
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    // As it is between releases: all that is new is unreleased.
    let heading = format!("## [{}] - ", env!("CARGO_PKG_VERSION"));
    if !clone.read("CHANGELOG.md").contains(&heading) {
        clone.run("check", &[&tag]).refused(&heading);
    }

    clone.bump();
    let text = clone.read("CHANGELOG.md");
    let (before, rest) = text.split_once("2026-01-31\n").unwrap();
    let (_, links) = rest.split_once("\n[Unreleased]: ").unwrap();
    let empty = format!("{before}2026-01-31\n\n### Added\n\n\n[Unreleased]: {links}");
    fs::write(clone.path("CHANGELOG.md"), empty).unwrap();
    clone
        .run("check", &["v90.2.3"])
        .refused("says nothing about 90.2.3");
}

#[test]
fn a_tree_that_names_no_account_or_no_release_stops_the_release() {
    // Put together, so that this file does not name the placeholder.
    let placeholder = concat!("# OWNER", "/sevalla-deploy\n");
    for (file, line) in [
        ("Cargo.toml", placeholder),
        ("docs/ci/gitlab.md", placeholder),
        ("README.md", "Nothing is\nreleased yet.\n"),
        ("docs/install.md", "Nothing is released yet.\n"),
        ("docs/recipes.md", "the account of the first release.\n"),
    ] {
        let clone = Clone::new();
        clone.bump();
        clone.run("check", &["v90.2.3"]).ok();
        let path = clone.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, text + line).unwrap();
        clone.commit();
        clone
            .run("check", &["v90.2.3"])
            .refused(&format!("{file}:"));
    }
}

#[test]
fn a_tag_that_exists_stops_the_release() {
    let clone = Clone::new();
    clone.bump();
    clone.git("push --quiet origin HEAD:refs/tags/v90.2.3");
    clone.run("check", &["v90.2.3"]).refused("v90.2.3 exists");
}

#[test]
fn tags_of_majors_move_forwards_only() {
    let clone = Clone::new();
    clone.bump();
    let check = |tags: &[&str]| {
        for tag in tags {
            clone.git(&format!("push --quiet origin HEAD:refs/tags/{tag}"));
        }
        clone.run("check", &["v90.2.3"]).ok()
    };
    let newest = "major=v90\n";
    assert_eq!(check(&["v90", "v90.2.2", "v90.1.9", "v0.9.0"]), newest);
    assert_eq!(check(&["v90.10.0-rc.1", "v900x"]), newest, "no release");
    assert_eq!(check(&["v91.0.0"]), newest, "another major");
    assert_eq!(check(&["v90.9", "v90.2.3.1"]), newest, "no versions");
    assert_eq!(check(&["v90.10.0"]), "major=\n");
}

#[test]
fn a_prerelease_moves_nothing() {
    let clone = Clone::new();
    clone.run("bump", &["90.3.0-rc.1", "2026-01-31"]).ok();
    assert_eq!(clone.run("check", &["v90.3.0-rc.1"]).ok(), "major=\n");
}
