//! Why each crate is here, and each build script.

/// Those that `[dependencies]` of a manifest and its siblings name.
fn entries(manifest: &str) -> Vec<(String, bool)> {
    let text = crate::read(manifest);
    let mut entries = Vec::new();
    let (mut inside, mut before) = (false, "");
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && let Some((name, _)) = line.split_once(" = ") {
            entries.push((name.to_owned(), before.starts_with("# ")));
        }
        before = line;
    }
    entries
}

#[test]
fn every_dependency_has_a_reason() {
    for (manifest, least) in [
        ("Cargo.toml", 40),
        ("demo/Cargo.toml", 5),
        ("diagnosis/Cargo.toml", 1),
        ("fuzz/Cargo.toml", 5),
        ("simulator/Cargo.toml", 5),
        ("testkit/Cargo.toml", 1),
    ] {
        let entries = entries(manifest);
        assert!(entries.len() >= least, "{manifest}: {entries:?}");
        for (name, has_a_reason) in entries {
            assert!(has_a_reason, "{manifest}: {name} has no comment above it");
        }
    }
}

#[test]
fn every_build_script_has_a_reason() {
    let text = crate::read("deny.toml");
    let (_, list) = text.split_once("\nallow-build-scripts = [\n").unwrap();
    let (list, _) = list.split_once("\n]\n").unwrap();
    assert!(list.lines().count() > 20, "{list}");
    for line in list.lines() {
        let reason = line.split_once(" }, # ");
        assert!(reason.is_some_and(|(_, reason)| reason.len() > 5), "{line}");
    }
}
