//! The parts of files that are made from the program's tables. Each stands
//! between two lines with its name, `NAME: made by just bless` and `/NAME`, in
//! comments; what is outside of them is written by hand.

use std::collections::BTreeSet;

use sevalla_deploy::ci::{CiHost, Host};
use sevalla_deploy::exit_status::{EXIT_CODES, ExitStatus};
use sevalla_deploy::inputs::{ACTIONS, TABLE};
use sevalla_deploy::outputs::OUTPUTS;
use sevalla_deploy::sanitize::redactor::SHORTEST;
use yaml_serde::Value;

const SCHEMA: &str = "docs/report.schema.json";

/// Compares each part of a file with what it should be, or with `BLESS` writes
/// it.
pub(crate) fn hold(path: &str, parts: &[(&str, String)]) {
    let (open, close) = match path.rsplit('.').next() {
        Some("md") => ("<!-- ", " -->\n"),
        Some("rs") => ("// ", "\n"),
        _ => ("# ", "\n"),
    };
    let parts = parts.iter().map(|(name, body)| {
        let begin = format!("{open}{name}: made by just bless{close}");
        (begin, format!("{open}/{name}{close}"), body.clone())
    });
    hold_between(path, parts);
}

/// Does so for parts that stand between two texts; spaces before the second
/// belong to it.
fn hold_between(path: &str, parts: impl IntoIterator<Item = (String, String, String)>) {
    let old = crate::read(path);
    let mut new = old.clone();
    for (begin, end, body) in parts {
        let (before, rest) = new
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{path} has no {begin:?}"));
        let (old, after) = rest
            .split_once(&end)
            .unwrap_or_else(|| panic!("{path} has no {end:?}"));
        let indent = old.rsplit('\n').next().unwrap();
        new = format!("{before}{begin}{body}{indent}{end}{after}");
    }
    if new == old {
        return;
    }
    assert!(
        std::env::var_os("BLESS").is_some(),
        "{path} is not what the tables in src/ make of it: run `just bless`"
    );
    std::fs::write(crate::root().join(path), new).unwrap();
}

/// Text as YAML: plain if it then still reads as this text, else quoted.
fn scalar(text: &str) -> String {
    match yaml_serde::from_str(text) {
        Ok(Value::String(plain)) if plain == text => text.to_owned(),
        _ => format!("{text:?}"),
    }
}

fn inputs_in_yaml() -> String {
    let entries = TABLE.iter().map(|input| {
        let default = input
            .default
            .map(|default| format!("    default: {}\n", scalar(default)));
        format!(
            "  {}:\n    description: {}\n{}",
            input.name(),
            scalar(&input.help()),
            default.unwrap_or_default()
        )
    });
    entries.collect()
}

fn outputs_in_yaml(value: impl Fn(&str) -> String) -> String {
    let entries = OUTPUTS.iter().map(|(name, meaning)| {
        let value = value(name);
        format!(
            "  {name}:\n    description: {}\n{value}",
            scalar(&meaning.replace('`', ""))
        )
    });
    entries.collect()
}

#[test]
fn the_action_in_a_container_declares_inputs_and_outputs() {
    let parts = [
        ("inputs", inputs_in_yaml()),
        ("outputs", outputs_in_yaml(|_| String::new())),
    ];
    hold("container/action.yml", &parts);
}

#[test]
fn the_action_passes_all_inputs_and_outputs_on() {
    let value = |name: &str| {
        let of = |step: &str| format!("steps.{step}.outputs.{name}");
        let either = format!("{} || {}", of("run"), of("run-on-windows"));
        format!("    value: ${{{{ {either} }}}}\n")
    };
    let environment = TABLE.iter().map(|input| {
        let name = input.name();
        // The spelling without a hyphen, which a shell may drop on its way.
        let variable = format!("INPUT_{}", name.to_uppercase().replace('-', "_"));
        assert!(input.spellings().contains(&variable), "{variable}");
        format!("        {variable}: ${{{{ inputs.{name} }}}}\n")
    });
    let environment: String = environment.collect();
    let parts = [
        ("inputs", inputs_in_yaml()),
        ("outputs", outputs_in_yaml(value)),
        ("environment", environment.clone()),
        ("environment on Windows", environment),
    ];
    hold("action.yml", &parts);
}

/// The hosts that have a page, by title.
pub(crate) fn hosts_with_pages() -> Vec<(&'static CiHost, &'static str)> {
    let hosts = Host::ALL.iter().map(|host| host.row());
    let mut hosts: Vec<_> = hosts.filter_map(|row| Some((row, row.template?))).collect();
    hosts.sort_by_key(|(row, _)| row.title);
    hosts
}

/// Links to the pages, one after the other.
fn hosts(folder: &str, before: &str, after: &str) -> String {
    let hosts = hosts_with_pages().into_iter();
    hosts
        .map(|(row, _)| format!("{before}[{}]({folder}{}.md){after}", row.title, row.name))
        .collect()
}

#[test]
fn the_readme_and_the_overview_of_ci_systems_list_them() {
    let line = hosts("docs/ci/", "", ",\n");
    let line = format!("{}.\n", line.trim_end_matches(",\n"));
    hold("README.md", &[("hosts", line)]);
    hold("docs/ci/README.md", &[("hosts", hosts("", "- ", "\n"))]);
}

/// How a job gets the binary.
const DOWNLOAD: &str = concat!(
    "    curl --fail --silent --show-error --location --output sevalla-deploy.tar.gz \\\n",
    "      ",
    env!("CARGO_PKG_REPOSITORY"),
    "/releases/download/vX.Y.Z/",
    "sevalla-deploy-vX.Y.Z-x86_64-unknown-linux-musl.tar.gz \\\n",
    "      && echo 'SHA256  sevalla-deploy.tar.gz' | sha256sum -c \\\n",
    "      && tar -xzf sevalla-deploy.tar.gz sevalla-deploy\n",
    "\n",
    "Replace `SHA256` by the hash of the archive in `SHA256SUMS` of the release. The job then runs no\n",
    "other file, whatever happens to the release.\n",
);

/// Where the rest is, on the pages about CI systems.
const OTHER_WAYS: &str = concat!(
    "[Installation](../install.md) has the other ways to install it, and how to check where a file\n",
    "comes from.\n",
);

#[test]
fn every_page_of_a_ci_system_has_the_line_that_downloads_the_binary() {
    let pages = hosts_with_pages().into_iter();
    let pages = pages.map(|(host, _)| format!("docs/ci/{}.md", host.name));
    for page in pages.chain(["docs/install.md".to_owned()]) {
        let others = if page == "docs/install.md" {
            ""
        } else {
            OTHER_WAYS
        };
        hold(&page, &[("download", format!("{DOWNLOAD}{others}"))]);
    }
}

/// What is downloaded from a release is checked with a hash, by the command itself
/// or by an install script, which has the hashes of its release.
#[test]
fn every_documented_download_checks_a_hash() {
    let mut pages = crate::templates::files_below("docs");
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.extend(crate::templates::files_below("templates"));
    pages.push("README.md".into());
    let mut count = 0;
    for page in pages {
        let text = crate::read(&page);
        for block in text.split("\n\n").filter(|block| {
            let downloads = ["curl ", "wget ", "irm ", "Invoke-WebRequest "];
            block.contains("/releases/download/")
                && downloads.iter().any(|command| block.contains(command))
        }) {
            let is_checked = block.contains("| sha256sum -c \\\n      && tar")
                || block.contains("/install.sh | sh")
                || block.contains("/install.ps1 | iex");
            assert!(is_checked, "{}: {block}", page.display());
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn the_schema_of_the_report_lists_outcomes_exit_codes_and_hosts() {
    let part = |name: &str, indent: usize, words: Vec<String>| {
        let schema = crate::read(SCHEMA);
        let (_, rest) = schema.split_once(&format!("\"{name}\": {{\n")).unwrap();
        let (description, _) = rest.split_once("\"enum\": [\n").unwrap();
        let space = " ".repeat(indent);
        let words: Vec<String> = words.iter().map(|word| format!("{space}{word}")).collect();
        (
            format!("\"{name}\": {{\n{description}\"enum\": [\n"),
            "]\n".to_owned(),
            format!("{}\n", words.join(",\n")),
        )
    };
    let mut outcomes: Vec<&str> = Vec::new();
    for word in ExitStatus::ALL.map(ExitStatus::word) {
        if !outcomes.contains(&word) {
            outcomes.push(word);
        }
    }
    let quoted = |word: &str| format!("\"{word}\"");
    let codes = EXIT_CODES.iter().map(|(code, _)| code.to_string());
    let hosts = Host::ALL.iter().map(|host| quoted(host.name()));
    let parts = [
        part("outcome", 8, outcomes.into_iter().map(quoted).collect()),
        part("exit-code", 8, codes.collect()),
        part("host", 12, hosts.collect()),
    ];
    hold_between(SCHEMA, parts);
}

/// The members and words of a JSON schema.
fn words_of(schema: &serde_json::Value, words: &mut BTreeSet<String>) {
    use serde_json::Value;
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(members)) => words.extend(members.keys().cloned()),
            ("enum", Value::Array(all)) => {
                words.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            ("const", Value::String(word)) => drop(words.insert(word.clone())),
            _ => {}
        }
        words_of(value, words);
    }
    for item in schema.as_array().into_iter().flatten() {
        words_of(item, words);
    }
}

#[test]
fn no_word_of_the_contract_is_hidden_as_a_secret() {
    let mut words = BTreeSet::new();
    words_of(
        &serde_json::from_str(&crate::read(SCHEMA)).unwrap(),
        &mut words,
    );
    words.extend(OUTPUTS.iter().map(|(name, _)| (*name).to_owned()));
    words.extend(ExitStatus::ALL.map(|status| status.word().to_owned()));
    words.extend(ACTIONS.iter().map(|action| action.name.word().to_owned()));
    let words = words.iter().filter(|word| word.len() >= SHORTEST);
    let body: String = words.map(|word| format!("    \"{word}\",\n")).collect();
    let path = "src/sanitize/redactor/own_words.rs";
    hold(path, &[("words", body)]);
}
