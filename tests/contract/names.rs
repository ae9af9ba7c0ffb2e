//! One name has one meaning: no public type name occurs twice in the crates
//! that are shipped, and every word of `docs/glossary.md` is the name of a type.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{read, root};

/// Crates of the workspace that no user gets.
const NOT_SHIPPED: &[&str] = &["demo", "simulator", "testkit"];

/// The most words of our own that a reader should have to learn.
const MOST_WORDS: usize = 10;

/// The folders with the source of what is shipped.
fn sources() -> Vec<PathBuf> {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty() && !NOT_SHIPPED.contains(name));
    std::iter::once(root().join("src"))
        .chain(members.map(|name| root().join(name).join("src")))
        .collect()
}

/// Each type that is visible outside its module, with the files that declare
/// one of the name.
fn public_types() -> BTreeMap<String, Vec<PathBuf>> {
    let mut types = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in sources().iter().flat_map(|folder| files(folder)) {
        for name in declared_in(&std::fs::read_to_string(&path).unwrap()) {
            types.entry(name).or_default().push(path.clone());
        }
    }
    types
}

/// The files with Rust in a folder and those below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all
}

/// The names of the types that a file declares with `pub`, `pub(crate)` or
/// `pub(super)`, without those that a macro gets as a parameter.
fn declared_in(source: &str) -> impl Iterator<Item = String> {
    source.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        let rest = match rest.strip_prefix('(') {
            Some(restricted) => restricted.split_once(')')?.1,
            None => rest,
        };
        let (keyword, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
        let is_type = matches!(keyword, "struct" | "enum" | "trait" | "type" | "union");
        let is_name = |c: char| c == '_' || c.is_alphanumeric();
        let name = rest.split(|c| !is_name(c)).next()?;
        (is_type && !name.is_empty()).then(|| name.to_owned())
    })
}

#[test]
fn no_name_of_a_public_type_occurs_twice() {
    let mut twice = Vec::new();
    for (name, paths) in public_types() {
        if paths.len() > 1 {
            twice.push(format!("{name}: {paths:?}"));
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

#[test]
fn every_word_of_the_glossary_is_the_name_of_a_type() {
    let page = read("docs/glossary.md");
    let words: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(
        (1..=MOST_WORDS).contains(&words.len()),
        "{MOST_WORDS} words at most: {words:?}"
    );
    let types = public_types();
    for word in words {
        assert!(types.contains_key(word), "no type is named {word}");
    }
}

/// A reader meets a comment alone, on hover or in rustdoc, so it says what it is
/// about.
#[test]
fn no_comment_begins_with_what_another_one_says() {
    let mut found = Vec::new();
    for path in sources().iter().flat_map(|folder| files(folder)) {
        let source = std::fs::read_to_string(&path).unwrap();
        let mut before = "";
        for line in source.lines().map(str::trim_start) {
            let is_first = !before.starts_with("///");
            if is_first && line.starts_with("/// The same") {
                found.push(format!("{}: {line}", path.display()));
            }
            before = line;
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn declarations_are_read_as_meant() {
    let source = "pub struct A<'a> {\n  pub(crate) enum B {\npub(in crate::x) type C = u8;\n\
                  struct Private;\npub fn d() {}\npub enum $name {}\n/// pub struct E\npub const fn f() {}\n";
    assert_eq!(declared_in(source).collect::<Vec<_>>(), ["A", "B", "C"]);
}
