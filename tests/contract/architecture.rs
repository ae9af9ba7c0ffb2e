//! Every file that a page for maintainers names exists, and so does every
//! function that `docs/architecture.md` names in a file.

use super::{read, root};

const PAGE: &str = "docs/architecture.md";

const PAGES: &[&str] = &[
    PAGE,
    "CONTRIBUTING.md",
    "docs/decisions/0001-at-most-once.md",
    "docs/decisions/0002-when-to-poll.md",
    "docs/decisions/0003-untrusted-text.md",
    "docs/decisions/0004-one-image-for-all-cis.md",
    "docs/decisions/0005-no-document-at-run-time.md",
    "docs/diagnosis.md",
    "docs/glossary.md",
];

/// The folders of the repository that these pages name files of.
const FOLDERS: &[&str] = &[
    ".ci/",
    "benches/",
    "demo/",
    "diagnosis/",
    "docs/",
    "examples/",
    "fuzz/",
    "simulator/",
    "src/",
    "templates/",
    "testkit/",
    "tests/",
];

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Each function of lines and cells like "`a`, `B::c` in `file`", with its file.
fn functions(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split(['|', '\n']).flat_map(|cell| {
        let (names, file) = cell.split_once("` in `").unwrap_or_default();
        let file = file.split('`').next().unwrap();
        quoted(names).map(move |name| (name.rsplit("::").next().unwrap(), file))
    })
}

/// Whether the source declares a function of this name.
fn declares(source: &str, function: &str) -> bool {
    let declaration = format!("fn {function}");
    source
        .match_indices(&declaration)
        .any(|(at, _)| source[at + declaration.len()..].starts_with(['(', '<']))
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut missing = Vec::new();
    for page in PAGES {
        let text = read(page);
        let is_path = |text: &&str| FOLDERS.iter().any(|folder| text.starts_with(folder));
        let paths = quoted(&text).filter(is_path);
        let absent = paths.filter(|path| !root().join(path).exists());
        missing.extend(absent.map(|path| format!("{page}: {path}")));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_function_that_the_page_names_is_in_its_file() {
    let page = read(PAGE);
    let mut missing = Vec::new();
    for (function, file) in functions(&page) {
        if !declares(&read(file), function) {
            missing.push(format!("{function} in {file}"));
        }
    }
    assert!(missing.is_empty(), "{PAGE} names {missing:#?}");
    assert!(functions(&page).count() > 50);
}

#[test]
fn functions_are_read_as_meant() {
    let page = "| `A::b`, `c` in `src/x.rs` | `d` | `src/y.rs` |\n`e` in `src/z.rs`: `f`\n";
    let found: Vec<_> = functions(page).collect();
    let file = "src/x.rs";
    assert_eq!(found, [("b", file), ("c", file), ("e", "src/z.rs")]);
    assert!(declares("pub fn go<T>(t: T)", "go"));
    assert!(!declares("fn gone()", "go"));
}
