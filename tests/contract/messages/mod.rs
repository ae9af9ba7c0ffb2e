//! The catalogue of warnings and errors as a page for users, with examples
//! that the program itself has printed.

mod scenes;
mod stage;

use std::collections::BTreeMap;

use sevalla_deploy::exit_status::ExitStatus;
use sevalla_deploy::messages::{CatalogueEntry, Failure, Stage, StartupError, Warning};

use self::scenes::scenes;
use self::stage::{Scene, play};

const PAGE: &str = "docs/messages.md";

const INTRODUCTION: &str = "\
# Messages

Every error that can end a run, and every warning: the cause and the fix. A run that fails prints the
address of its entry (`more:`). A warning names its entry in brackets, as in `[unknown-input]`. The
page is generated from the program's own catalogue. The program printed the examples in runs against
a scripted Sevalla; the lines that say how long it tried are omitted.
";

fn heading(part: Stage) -> &'static str {
    match part {
        Stage::Inputs => "Before anything is sent",
        Stage::Requests => "Keys, networks, and the end of the run",
        Stage::Starting => "While starting",
        Stage::Following => "While following",
        Stage::Afterwards => "After a deployment",
        Stage::Previews => "Previews and pull requests",
        Stage::Management => "Databases, settings, deleting",
        Stage::Reporting => "Reports and the CI",
    }
}

/// An entry, with how a run ends of it.
fn entries() -> impl Iterator<Item = (CatalogueEntry, String)> {
    let failures = Failure::ALL
        .iter()
        .map(|failure| (failure.entry(), ends(failure.ending())));
    let misstarts = StartupError::ALL
        .iter()
        .map(|misstart| (misstart.entry(), misstart.exit().to_owned()));
    let harmless = "Warning. Does not affect the result.";
    let warnings = Warning::ALL
        .iter()
        .map(|warning| (warning.entry(), harmless.to_owned()));
    failures.chain(misstarts).chain(warnings)
}

fn ends(ending: ExitStatus) -> String {
    format!(
        "The run ends as `{}`, exit code {}.",
        ending.word(),
        ending.code()
    )
}

/// What the program prints for each entry that has a scene.
fn examples() -> BTreeMap<&'static str, String> {
    let (mut examples, mut untold) = (BTreeMap::new(), Vec::new());
    for scene in scenes() {
        let slug = scene.slug;
        let played = play(&scene);
        let lines = &played.lines;
        let is_warning = Warning::ALL.iter().any(|warning| warning.slug() == slug);
        let told: Vec<&String> = if is_warning {
            let mark = format!("[{slug}]");
            lines.iter().filter(|line| line.ends_with(&mark)).collect()
        } else {
            let is_it = played.failure.map(Failure::slug) == Some(slug);
            let is_error = |line: &&String| {
                line.starts_with("Error: ") || line.starts_with("sevalla-deploy: ")
            };
            let told = lines.iter().skip_while(|line| !is_error(line));
            told.filter(|_| is_it).collect()
        };
        // How long and how often is left to chance.
        let left_out = ["  tried:", "  time:", "  more:", "Outcome:"];
        let is_told = |line: &&&String| !left_out.iter().any(|start| line.starts_with(start));
        let told: String = told
            .iter()
            .filter(is_told)
            .map(|line| format!("{line}\n"))
            .collect();
        if told.is_empty() {
            untold.push(format!("{slug} is not told in {lines:#?}"));
        }
        examples.insert(slug, told);
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
    examples
}

fn rendered() -> String {
    let examples = examples();
    let mut page = INTRODUCTION.to_owned();
    for part in Stage::ALL {
        page.push_str(&format!("\n## {}\n", heading(*part)));
        for (entry, kind) in entries().filter(|(entry, _)| entry.part == *part) {
            page.push_str(&section(&entry, &kind, examples.get(entry.slug)));
        }
    }
    page
}

fn section(entry: &CatalogueEntry, kind: &str, example: Option<&String>) -> String {
    let example = example.map(|example| format!("\n```text\n{example}```\n"));
    format!(
        "\n### {}\n\n{kind}\n{}\n**Cause.** {}\n\n**Fix.** {}\n",
        entry.title,
        example.unwrap_or_default(),
        entry.cause,
        entry.remedy
    )
}

#[test]
fn the_page_of_messages_shows_the_catalogue() {
    let page = rendered();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(crate::root().join(PAGE), &page).unwrap();
    }
    let file = std::fs::read_to_string(crate::root().join(PAGE)).unwrap_or_default();
    assert!(
        file == page,
        "{PAGE} does not show the catalogue. Write it again:\n\n    \
         BLESS=1 cargo test --test contract the_page_of_messages\n"
    );
}

#[test]
fn every_scene_belongs_to_an_entry_and_most_entries_have_one() {
    let scenes = scenes();
    let has_scene = |entry: &CatalogueEntry| scenes.iter().any(|scene| scene.slug == entry.slug);
    let shown = entries().filter(|(entry, _)| has_scene(entry)).count();
    assert_eq!(shown, scenes.len(), "a scene of no entry, or two of one");
    assert!(shown * 2 > entries().count(), "{shown}");
}

#[test]
fn a_failure_tells_the_address_of_its_entry_once_and_readme_and_help_name_the_page() {
    let scene = scenes().into_iter().next().unwrap();
    let played = play(&scene);
    let address = played.failure.unwrap().address();
    let telling = |line: &&String| line.contains(&address);
    let told: Vec<&String> = played.lines.iter().filter(telling).collect();
    assert_eq!(told, [&format!("  more:  {address}")]);
    assert!(crate::read("README.md").contains(PAGE));
    let help = sevalla_deploy::cli::help::about("all", 80).unwrap();
    assert!(help.contains(&sevalla_deploy::messages::page()));
}

/// Too long for the program against a simulated Sevalla.
#[test]
fn a_new_database_that_is_never_shown_is_told_with_all_looks() {
    let id = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
    let record = serde_json::json!({"id": id, "display_name": "orders"});
    let one = r#"[{"id": "3d9e6c74-7b20-4f5b-8a73-2ebc9f4d5a32", "name": "one"}]"#;
    let settings = r#"{"display_name": "orders", "type": "postgresql", "version": "16",
        "cluster": "one", "resource_type": "one", "db_name": "orders"}"#;
    let played = play(
        &Scene::bare("not-found")
            .set("SEVALLA_TOKEN", "svl_an_example_of_a_key")
            .set("SEVALLA_ACTION", "create-database")
            .set("SEVALLA_SETTINGS", settings)
            .set("SEVALLA_OUTPUT_PASSWORD", "true")
            .answers("GET", "/clusters", 200, one)
            .answers("GET", "/database-resource-types", 200, one)
            .answers("POST", "/databases", 201, &record)
            .answers("GET", id, 404, &scenes::not_found("Database not found")),
    );
    let told = played.lines.join("\n");
    assert_eq!(played.failure, Some(Failure::NotFound), "{told}");
    assert!(
        told.contains("was created, but Sevalla does not show it"),
        "{told}"
    );
    assert!(!told.contains("Check the id"), "{told}");
    let tried = played.lines.iter().find(|line| line.contains("tried:"));
    let tried = tried.map(String::as_str).unwrap_or_default();
    assert!(tried.contains(" attempts in 3"), "{told}");
}
