//! A module of `src/` imports only the modules that the table names, and every
//! module in the table imports only modules of earlier rows, so there is no
//! circle. `docs/architecture.md` shows the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{read, root};

/// The modules of the crate from the ground up, each with the modules that it
/// may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("backoff", &[]),
    ("branch", &[]),
    ("deadline", &[]),
    ("diagnosis", &[]),
    ("environment", &[]),
    ("files", &[]),
    ("image_reference", &[]),
    ("lenient_json", &[]),
    ("outputs", &[]),
    ("path_filter", &[]),
    ("report_files", &[]),
    ("sanitize", &[]),
    ("shutdown", &[]),
    ("subprocess", &[]),
    ("deployment", &["lenient_json"]),
    ("deployment_log", &["deployment", "diagnosis", "sanitize"]),
    ("exit_status", &["shutdown"]),
    ("secret", &["sanitize"]),
    ("text", &["sanitize"]),
    ("stack", &["deployment", "path_filter", "text"]),
    ("journal", &["files", "secret"]),
    (
        "ci",
        &[
            "branch",
            "diagnosis",
            "environment",
            "files",
            "lenient_json",
            "sanitize",
            "secret",
            "shutdown",
            "subprocess",
            "text",
        ],
    ),
    ("time_zone", &["environment", "files"]),
    ("forecast", &["deployment"]),
    ("http", &["environment", "files", "lenient_json", "text"]),
    ("messages", &["exit_status", "shutdown"]),
    ("resource", &["deployment"]),
    (
        "outcome",
        &["deployment", "diagnosis", "exit_status", "messages"],
    ),
    (
        "process",
        &["environment", "http", "shutdown", "subprocess"],
    ),
    (
        "sevalla",
        &[
            "backoff",
            "deployment",
            "environment",
            "http",
            "lenient_json",
            "resource",
            "sanitize",
            "secret",
            "shutdown",
            "text",
        ],
    ),
    ("verify", &["backoff", "http", "lenient_json", "text"]),
    (
        "code_host",
        &[
            "backoff",
            "ci",
            "http",
            "lenient_json",
            "sanitize",
            "secret",
            "text",
        ],
    ),
    (
        "inputs",
        &[
            "branch",
            "ci",
            "deployment",
            "environment",
            "files",
            "image_reference",
            "messages",
            "outputs",
            "resource",
            "secret",
            "stack",
            "text",
            "verify",
        ],
    ),
    (
        "cli",
        &["exit_status", "inputs", "messages", "outputs", "secret"],
    ),
    (
        "diagnostics",
        &["environment", "exit_status", "inputs", "sanitize"],
    ),
    (
        "event",
        &[
            "deployment",
            "deployment_log",
            "forecast",
            "inputs",
            "messages",
            "secret",
            "sevalla",
            "shutdown",
        ],
    ),
    ("exec", &["environment", "inputs", "messages"]),
    (
        "follow",
        &[
            "backoff",
            "deadline",
            "deployment",
            "deployment_log",
            "diagnosis",
            "event",
            "forecast",
            "http",
            "sevalla",
        ],
    ),
    (
        "report",
        &[
            "ci",
            "code_host",
            "deployment",
            "deployment_log",
            "diagnosis",
            "event",
            "exit_status",
            "files",
            "forecast",
            "inputs",
            "messages",
            "outcome",
            "outputs",
            "report_files",
            "resource",
            "sanitize",
            "secret",
            "sevalla",
            "shutdown",
            "text",
        ],
    ),
    (
        "actions",
        &[
            "backoff",
            "branch",
            "ci",
            "code_host",
            "deadline",
            "deployment",
            "deployment_log",
            "environment",
            "event",
            "exit_status",
            "files",
            "follow",
            "forecast",
            "http",
            "image_reference",
            "inputs",
            "journal",
            "lenient_json",
            "messages",
            "outcome",
            "path_filter",
            "report",
            "report_files",
            "resource",
            "sanitize",
            "secret",
            "sevalla",
            "shutdown",
            "stack",
            "text",
            "verify",
        ],
    ),
];

/// Where the page has the table.
const PAGE: &str = "docs/architecture.md";
const BEGIN: &str = "<!-- layers: made by `BLESS=1 cargo test --test contract layers` -->\n";
const END: &str = "<!-- /layers -->\n";

/// The modules that the code of each module imports, its unit tests apart.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut imports = BTreeMap::new();
    collect(&root().join("src"), None, &mut imports);
    imports
}

fn collect(folder: &Path, module: Option<&str>, imports: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() {
            collect(&path, Some(module), imports);
        } else if stem != "tests" && !matches!(module, "main" | "lib") {
            let source = std::fs::read_to_string(&path).unwrap();
            // What is behind the first unit test is not read.
            let has_end = source
                .split_once(TESTS_APART)
                .is_none_or(|(_, rest)| rest.is_empty());
            assert!(has_end, "{}: its tests are not at its end", path.display());
            let found = imports.entry(module.to_owned()).or_default();
            found.extend(imported_by(&source).filter(|name| name != module));
        }
    }
}

/// Unit tests that have a file of their own.
const TESTS_APART: &str = "#[cfg(test)]\nmod tests;\n";

/// Every word that follows `crate::` outside comments and unit tests, or each of
/// the words in braces there.
fn imported_by(source: &str) -> impl Iterator<Item = String> {
    let code = source.split("#[cfg(test)]\n").next().unwrap();
    let word = |text: &str| -> String {
        text.trim()
            .chars()
            .take_while(|&c| c == '_' || c.is_ascii_alphanumeric())
            .collect()
    };
    code.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .flat_map(move |rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').map(word).collect::<Vec<_>>(),
            None => vec![word(rest)],
        })
}

#[test]
fn a_module_imports_only_what_the_table_of_layers_names() {
    let table: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut faults = Vec::new();
    for (module, imported) in imports() {
        let Some(allowed) = table.get(module.as_str()) else {
            faults.push(format!("{module} is not in the table"));
            continue;
        };
        let allowed: BTreeSet<_> = allowed.iter().map(|&name| name.to_owned()).collect();
        let unexpected = imported.difference(&allowed);
        faults.extend(unexpected.map(|name| format!("{module} imports {name}")));
        let unused = allowed.difference(&imported);
        faults.extend(unused.map(|name| format!("{module} no longer imports {name}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_layer_imports_only_layers_below_it() {
    let mut below = BTreeSet::new();
    for (module, imported) in LAYERS {
        for name in *imported {
            assert!(
                below.contains(name),
                "{module} imports {name}, which is not below it"
            );
        }
        below.insert(module);
    }
}

#[test]
fn imports_in_braces_comments_and_unit_tests_are_read_as_meant() {
    let source = "use crate::text::{self, a};\n// crate::not\nlet x = crate::http::y(crate::ci::z);\nuse crate::{files, secret};\n\
                  #[cfg(test)]\nmod tests {\nuse crate::report;\n}\n";
    assert_eq!(
        imported_by(source).collect::<Vec<_>>(),
        ["text", "http", "ci", "files", "secret"]
    );
}

/// The level of each module: one above the highest that it imports.
fn levels() -> BTreeMap<&'static str, usize> {
    let mut levels = BTreeMap::new();
    for &(module, imported) in LAYERS {
        let below = imported.iter().map(|name| levels[name] + 1).max();
        levels.insert(module, below.unwrap_or(0));
    }
    levels
}

/// What each module imports, without the modules that it also reaches through
/// another one that it imports.
fn direct() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut direct = BTreeMap::new();
    for &(module, imported) in LAYERS {
        let beyond: BTreeSet<&str> = imported
            .iter()
            .flat_map(|name| reached[name].clone())
            .collect();
        let nearest = imported
            .iter()
            .copied()
            .filter(|name| !beyond.contains(name));
        direct.insert(module, nearest.collect());
        reached.insert(
            module,
            beyond.into_iter().chain(imported.iter().copied()).collect(),
        );
    }
    direct
}

/// The floor plan: a box for each level, and an arrow for each import that no
/// other arrow shows. The ground floor has no arrows, since all of them would
/// point to it.
fn picture() -> String {
    let (levels, direct) = (levels(), direct());
    let mut picture = "```mermaid\nflowchart TB\n".to_owned();
    for level in (0..=levels.values().copied().max().unwrap()).rev() {
        let modules = || {
            LAYERS
                .iter()
                .map(|layer| layer.0)
                .filter(|name| levels[name] == level)
        };
        if level == 0 {
            let names: Vec<_> = modules().collect();
            let rows: Vec<_> = names.chunks(3).map(|row| row.join(" · ")).collect();
            picture += &format!("  ground[\"{}\"]\n", rows.join("<br>"));
            continue;
        }
        picture += &format!("  subgraph level{level} [level {level}]\n");
        for module in modules() {
            picture += &format!("    {module}\n");
        }
        picture += "  end\n";
    }
    for (module, imported) in &direct {
        for name in imported.iter().filter(|name| levels[*name] > 0) {
            picture += &format!("  {module} --> {name}\n");
        }
    }
    picture += "  level1 --> ground\n```\n";
    picture
}

/// The picture and the table as the page has them.
fn section() -> String {
    let mut page = picture() + "\n| module | imports |\n| --- | --- |\n";
    for (module, imported) in LAYERS.iter().rev() {
        let imported: Vec<_> = imported.iter().map(|name| format!("`{name}`")).collect();
        page += &format!("| `{module}` | {} |\n", imported.join(", "));
    }
    page
}

#[test]
fn the_page_of_the_architecture_has_the_layers() {
    let page = read(PAGE);
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        let blessed = format!("{before}{BEGIN}{}{END}{after}", section());
        std::fs::write(root().join(PAGE), blessed).unwrap();
    } else {
        assert_eq!(shown, section(), "run `just bless`");
    }
}
