//! The README and the pages under `docs/`: their size, links and snippets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sevalla_deploy::inputs::TABLE;
use yaml_serde::{Mapping, Value};

/// The pages that people read, relative to the root.
pub(crate) fn pages() -> Vec<PathBuf> {
    let below_docs = crate::templates::files_below("docs").into_iter();
    let pages = below_docs.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let root = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    root.into_iter().map(PathBuf::from).chain(pages).collect()
}

#[test]
fn the_readme_is_a_door() {
    let readme = crate::read("README.md");
    assert!(readme.lines().count() <= 200);
    for command in [
        "cargo run --example demo",
        "cargo test --workspace --locked",
    ] {
        assert!(readme.contains(command), "{command}");
    }
}

/// The blocks of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    let blocks = text.split(&open).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

fn is_input(key: &Value) -> bool {
    let name = key.as_str().unwrap_or_default();
    TABLE.iter().any(|input| input.name() == name)
}

#[test]
fn snippets_use_inputs_that_there_are() {
    let mut seen = 0;
    for path in pages() {
        for block in blocks(&crate::read(&path), "yaml") {
            let Ok(value) = yaml_serde::from_str::<Value>(&block) else {
                // Several documents: a template, which has a test of its own.
                assert!(block.contains("\n---\n"), "{}: {block}", path.display());
                continue;
            };
            let mut hold = |inputs: &Mapping| {
                seen += 1;
                for key in inputs.keys() {
                    assert!(is_input(key), "{}: {key:?} is no input", path.display());
                }
            };
            crate::templates::each_mapping(&value, &mut |mapping| {
                let uses = mapping.get("uses").and_then(Value::as_str);
                if uses.is_some_and(|uses| uses.contains("/sevalla-deploy")) {
                    mapping
                        .get("with")
                        .and_then(Value::as_mapping)
                        .map(&mut hold);
                }
            });
            // Inputs without the step around them.
            if let Some(inputs) = value.as_mapping().filter(|it| it.keys().any(is_input)) {
                hold(inputs);
            }
        }
    }
    assert!(seen >= 25, "{seen}");
}

#[test]
fn commands_use_options_that_there_are() {
    let mut seen = 0;
    for path in pages() {
        let page = crate::read(&path);
        let commands = page
            .lines()
            .filter_map(|line| line.split_once("sevalla-deploy "));
        for (_, arguments) in commands {
            let words = arguments.split([' ', '`', '.', '…']);
            let options = words.filter_map(|word| word.strip_prefix("--"));
            for option in options.filter(|option| !option.is_empty()) {
                let is_known = ["help", "version"].contains(&option)
                    || TABLE
                        .iter()
                        .any(|input| input.name() == option && !input.secret);
                assert!(is_known, "{}: --{option}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "{seen}");
}

/// The targets of a page's links and pictures that are files of the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains('$'))
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let outside_code = page.lines().filter(|line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code
    });
    let headings = outside_code.filter_map(|line| line.strip_prefix('#'));
    let headings = headings.map(|rest| anchor(rest.trim_start_matches('#').trim()));
    let ids = page.split("<a id=\"").skip(1);
    let ids = ids
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned);
    headings.chain(ids).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_there_are() {
    let mut broken = Vec::new();
    for path in pages() {
        let page = crate::read(&path);
        for target in links(&page) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap_or(Path::new("")).join(file),
            };
            let place = crate::root().join(&file);
            let is_there = place.exists()
                && (heading.is_empty() || anchors(&crate::read(&file)).contains(heading));
            if !is_there {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_index_lists_every_page() {
    let index = crate::read("docs/README.md");
    let listed: BTreeSet<PathBuf> = links(&index)
        .map(|target| Path::new("docs").join(target.split('#').next().unwrap()))
        .collect();
    for path in pages() {
        let is_own = path.starts_with("docs/ci") || path.starts_with("docs/decisions");
        let is_overview = path.file_name().is_some_and(|name| name == "README.md");
        let is_listed = listed.contains(&path) || path == Path::new("docs/README.md");
        if path.starts_with("docs") && (!is_own || is_overview) {
            assert!(is_listed, "{}", path.display());
        }
    }
}
