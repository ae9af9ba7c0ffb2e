//! `templates/` and `docs/ci/`: what users of each CI copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use sevalla_deploy::ci::{OVERRIDE, variable};
use sevalla_deploy::inputs::{DIAGNOSTICS, Input, TABLE};
use sevalla_deploy::outputs::OUTPUTS;
use yaml_serde::{Deserializer, Value};

use crate::generated::hosts_with_pages;

/// The files below a folder, relative to the root, in order.
pub(crate) fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![crate::root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(crate::root()).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The documents of every YAML file below `templates/`.
fn documents() -> Vec<(PathBuf, Value)> {
    let files = files_below("templates").into_iter();
    let yaml = files.filter(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yml" | "yaml"))
    });
    yaml.flat_map(|path| {
        let text = crate::read(&path);
        Deserializer::from_str(&text)
            .map(|document| (path.clone(), Value::deserialize(document).unwrap()))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// The input of this name, hyphens and underscores alike.
fn input(name: &str) -> Option<&'static Input> {
    let name = name.replace('_', "-");
    TABLE.iter().find(|input| input.name() == name)
}

/// Helm's longest name of a release has 53 characters, and a Job's name at most 63.
#[test]
fn the_name_of_helms_job_fits_every_release() {
    let text = crate::read("templates/helm/sevalla-deploy.yaml");
    let name = text.lines().find_map(|line| line.strip_prefix("  name: "));
    let name = name.unwrap().trim_matches(['\'', '"']);
    let (release, rest) = name.split_once(" }}").unwrap();
    let cut = release.split("trunc ").nth(1);
    let cut = cut.map_or(53, |cut| cut.split(' ').next().unwrap().parse().unwrap());
    assert!(release.starts_with("{{ .Release.Name"), "{name}");
    assert!(cut.min(53) + rest.len() <= 63, "{name}");
}

/// The page about engines.
const ENGINES: &str = "docs/engines.md";

/// The blocks of YAML of a section are from the file that it links to.
#[test]
fn the_page_about_engines_quotes_its_files() {
    let unindented = |text: &str| -> String {
        let lines = text.lines().map(|line| line.trim().to_owned() + "\n");
        lines.collect()
    };
    let page = crate::read(ENGINES);
    let mut quoted = 0;
    for section in page.split("\n## ") {
        let files = section.split("](../templates/").skip(1);
        let files: String = files
            .map(|rest| crate::read(format!("templates/{}", rest.split(')').next().unwrap())))
            .collect();
        let blocks = section.split("\n```yaml\n").skip(1);
        for block in blocks.filter(|_| !files.is_empty()) {
            let block = unindented(block.split("```").next().unwrap());
            assert!(unindented(&files).contains(&block), "{block}");
            quoted += 1;
        }
    }
    assert_eq!(quoted, 4);
}

#[test]
fn every_page_holds_its_file_word_for_word() {
    for (host, path) in hosts_with_pages() {
        let page = host.name;
        let text = crate::read(format!("docs/ci/{page}.md"));
        let template = crate::read(path);
        let holds = text
            .split("\n```")
            .any(|block| block.split_once('\n').map(|(_, body)| body) == Some(template.trim_end()));
        assert!(
            holds,
            "docs/ci/{page}.md should hold {path} as it is:\n\n{template}"
        );
    }
}

#[test]
fn every_host_has_its_page_and_every_file_is_mentioned() {
    let hosts = hosts_with_pages();
    let pages: BTreeSet<PathBuf> = hosts
        .iter()
        .map(|(host, _)| PathBuf::from(format!("docs/ci/{}.md", host.name)))
        .chain([PathBuf::from("docs/ci/README.md")])
        .collect();
    assert_eq!(pages, files_below("docs/ci").into_iter().collect());
    let texts: String = pages.iter().map(crate::read).collect();
    let texts = texts
        + &crate::read(ENGINES)
            .replace("](../templates/", "`templates/")
            .replace(')', "`");
    let shown: BTreeSet<&Path> = hosts.iter().map(|(_, path)| Path::new(*path)).collect();
    for path in files_below("templates") {
        let is_known = shown.contains(path.as_path())
            || texts.contains(&format!("`{}`", path.display()))
            || texts.contains(&crate::read(&path));
        assert!(is_known, "no page speaks of {}", path.display());
    }
}

#[test]
fn every_page_begins_with_what_is_needed_and_ends_with_a_check() {
    for (host, _) in hosts_with_pages() {
        let page = crate::read(format!("docs/ci/{}.md", host.name));
        let headings: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(
            headings.first(),
            Some(&"## Before you start"),
            "{}",
            host.name
        );
        assert_eq!(headings.last(), Some(&"## Check it"), "{}", host.name);
        let (_, check) = page.split_once("## Check it\n").unwrap();
        let is_dry = ["dry-run: true", "dry_run: true", "SEVALLA_DRY_RUN"]
            .iter()
            .any(|spelling| check.contains(spelling));
        assert!(is_dry, "{}", host.name);
    }
}

/// Without a checkout Jenkins names no commit, and the guard of the file has
/// nothing to compare.
#[test]
fn jenkins_checks_out() {
    let file = crate::read("templates/jenkins/Jenkinsfile");
    assert!(file.contains("SEVALLA_ON_COMMIT_MISMATCH"));
    assert!(!file.contains("skipDefaultCheckout"));
}

#[test]
fn every_variable_is_an_input_or_an_output() {
    let known: BTreeSet<String> = TABLE
        .iter()
        .flat_map(|input| [input.spellings(), input.file_spellings()].concat())
        .chain(OUTPUTS.iter().map(|(name, _)| variable(name)))
        .chain([DIAGNOSTICS.to_owned(), OVERRIDE.to_owned()])
        .collect();
    for path in files_below("templates")
        .into_iter()
        .chain(files_below("docs/ci"))
        .chain([PathBuf::from(ENGINES)])
    {
        let text = crate::read(&path);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names = words.filter(|word| {
            ["SEVALLA_", "PLUGIN_", "INPUT_"]
                .iter()
                .any(|prefix| !word.ends_with('_') && word.starts_with(prefix))
        });
        for name in names {
            assert!(known.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn every_setting_of_a_step_is_an_input() {
    let mut seen = BTreeMap::<&str, usize>::new();
    for (path, document) in documents() {
        each_mapping(&document, &mut |mapping| {
            let names_ours = |key: &str| {
                let named = mapping.get(key).and_then(Value::as_str);
                named.is_some_and(|named| named.contains("/sevalla-deploy"))
            };
            let key = match (names_ours("uses"), names_ours("image")) {
                (true, _) => "with",
                (_, true) => "settings",
                _ => return,
            };
            let Some(settings) = mapping.get(key).and_then(Value::as_mapping) else {
                return;
            };
            *seen.entry(key).or_default() += 1;
            for name in settings.keys().map(|name| name.as_str().unwrap()) {
                assert!(
                    input(name).is_some(),
                    "{}: {name} is no input",
                    path.display()
                );
            }
        });
    }
    assert_eq!(seen, BTreeMap::from([("settings", 4), ("with", 2)]));
}

/// Calls `f` with every mapping in the value.
pub(crate) fn each_mapping(value: &Value, f: &mut impl FnMut(&yaml_serde::Mapping)) {
    match value {
        Value::Mapping(mapping) => {
            f(mapping);
            mapping.values().for_each(|value| each_mapping(value, f));
        }
        Value::Sequence(values) => values.iter().for_each(|value| each_mapping(value, f)),
        _ => {}
    }
}

/// A parameter of a template: name, default, choices.
type Parameter = (String, Option<String>, Vec<String>);

fn text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        other => other.as_str().unwrap().to_owned(),
    }
}

fn parameter(name: &str, declared: &Value, choices: &str) -> Parameter {
    let choices = declared.get(choices).and_then(Value::as_sequence);
    let choices = choices.into_iter().flatten().map(text).collect();
    (name.to_owned(), declared.get("default").map(text), choices)
}

/// `parameters:` or `inputs:`, a mapping by name.
fn by_name(declared: &Value, choices: &str) -> Vec<Parameter> {
    let declared = declared.as_mapping().unwrap().iter();
    declared
        .map(|(name, declared)| parameter(name.as_str().unwrap(), declared, choices))
        .collect()
}

/// The parameters of each file that has any, with how the file refers to one.
fn parameters() -> Vec<(&'static str, &'static str, Vec<Parameter>)> {
    let first = |path: &str| {
        let mut documents = documents().into_iter();
        documents.find(|(of, _)| of == Path::new(path)).unwrap().1
    };
    let gitlab = ["templates/deploy.yml", "templates/preview.yml"].map(|path| {
        (
            path,
            "$[[ inputs.{} ]]",
            by_name(&first(path)["spec"]["inputs"], "options"),
        )
    });
    let orb = "templates/circleci/orb.yml";
    let of_orb = by_name(
        &first(orb)["commands"]["deploy-service"]["parameters"],
        "enum",
    );
    let azure = "templates/azure/deploy.yml";
    let of_azure = first(azure)["parameters"].as_sequence().unwrap().clone();
    let of_azure = of_azure.iter().map(|declared| {
        let name = declared["name"].as_str().unwrap();
        parameter(name, declared, "values")
    });
    gitlab
        .into_iter()
        .chain([
            (orb, "<< parameters.{} >>", of_orb),
            (azure, "parameters.{} ", of_azure.collect()),
        ])
        .collect()
}

/// `appId` as `app-id`.
/// The source that reads the variables of one CI.
fn host_facts(host: &str) -> String {
    let file = format!("src/ci/hosts/{host}.rs");
    let folder = format!("src/ci/hosts/{host}/facts.rs");
    let exists = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).exists();
    crate::read(if exists { file } else { folder })
}

fn hyphenated(name: &str) -> String {
    name.chars()
        .flat_map(|c| {
            let hyphen = c.is_ascii_uppercase().then_some('-');
            hyphen.into_iter().chain([c.to_ascii_lowercase()])
        })
        .collect()
}

#[test]
fn parameters_are_used_and_have_the_defaults_and_choices_of_the_inputs() {
    for (path, reference, parameters) in parameters() {
        let file = crate::read(path);
        let mut alike = 0;
        for (name, default, choices) in parameters {
            let used = reference.replace("{}", &name);
            let used_in_azure = used.replace(' ', ")");
            assert!(
                file.contains(&used) || file.contains(&used_in_azure),
                "{path}: {name}"
            );
            let Some(input) = input(&hyphenated(&name)) else {
                continue;
            };
            alike += 1;
            let spelling = input.spellings().pop().unwrap();
            assert!(
                file.contains(&format!("{spelling}:")),
                "{path}: {spelling} is not set"
            );
            if let Some(default) = default {
                assert_eq!(default, input.default.unwrap_or_default(), "{path}: {name}");
            }
            let words: Vec<&str> = input.accepts.split([',', ' ']).collect();
            for choice in choices.iter().filter(|choice| !choice.is_empty()) {
                let is_taken = words.contains(&choice.as_str()) || input.help().contains(choice);
                assert!(is_taken, "{path}: {name} does not take {choice}");
            }
        }
        assert!(alike >= 2, "{path}");
    }
}

/// A container gets the variables that are named. What the program reads about
/// the run must be among them.
#[test]
fn what_is_read_about_the_run_reaches_the_container() {
    for (host, path) in [
        ("azure", "templates/azure/deploy.yml"),
        ("circleci", "templates/circleci/orb.yml"),
        ("circleci", "templates/circleci/config.yml"),
    ] {
        let template = crate::read(path);
        let (_, pattern) = template.split_once("grep -E '^(").unwrap();
        let (pattern, _) = pattern.split_once(")$'").unwrap();
        let passes = |name: &str| {
            pattern
                .split('|')
                .any(|part| match part.strip_suffix(".*") {
                    Some(prefix) => name.starts_with(prefix),
                    None => name == part,
                })
        };
        let facts = host_facts(host);
        let facts = facts.split("#[cfg(test)]").next().unwrap();
        let names: Vec<&str> = facts
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|word| {
                word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            })
            .collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            assert!(passes(name), "{path} does not pass {name}");
        }
    }
}
