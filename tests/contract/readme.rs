//! The tables of the README.

use sevalla_deploy::inputs::TABLE;
use sevalla_deploy::outputs::OUTPUTS;

use crate::ending::words_by_code;

/// The table that begins with `header`, as its lines.
fn table(readme: &str, header: &str) -> Vec<String> {
    let lines = readme.lines().skip_while(|line| *line != header);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect()
}

fn assert_table(header: &str, rows: impl IntoIterator<Item = String>) {
    let columns = header.matches('|').count() - 1;
    let rule = format!("|{}", " --- |".repeat(columns));
    let expected: Vec<String> = [header.to_owned(), rule].into_iter().chain(rows).collect();
    assert!(
        table(&crate::read("README.md"), header) == expected,
        "this table should stand in README.md:\n\n{}\n",
        expected.join("\n")
    );
}

/// Text in a cell, where a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_inputs_are_those_of_the_program() {
    let rows = TABLE.iter().map(|input| {
        let default = input.default.map(|value| format!("`{value}`"));
        format!(
            "| `{}` | {} | {} |",
            input.name(),
            cell(&default.unwrap_or_default()),
            cell(input.help)
        )
        .replace("|  |", "| |")
    });
    assert_table("| input | default | meaning |", rows);
}

#[test]
fn recipes_use_inputs_that_there_are() {
    let readme = crate::read("README.md");
    let (_, rest) = readme.split_once("## Recipes\n").unwrap();
    let (recipes, _) = rest.split_once("\n## ").unwrap();
    let blocks = recipes.split("```yaml\n").skip(1);
    let lines = blocks.flat_map(|block| block.lines().take_while(|line| *line != "```"));
    let names: Vec<&str> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let is_input = TABLE.iter().any(|input| input.name() == name);
        assert!(is_input, "{name} is in a recipe and no input");
    }
}

#[test]
fn the_outputs_are_those_of_the_program() {
    let rows = OUTPUTS
        .iter()
        .map(|(name, meaning)| format!("| `{name}` | {} |", cell(meaning)));
    assert_table("| output | meaning |", rows);
}

/// Numbers and words are the program's; the meanings are the README's own.
#[test]
fn the_exit_codes_are_those_of_the_program() {
    const HEADER: &str = "| exit code | `outcome` | meaning |";
    let written = table(&crate::read("README.md"), HEADER);
    let rows = words_by_code().into_iter().map(|(code, words)| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let head = format!("| {code} | {} |", words.join(", "));
        let meaning = written
            .iter()
            .find_map(|row| row.strip_prefix(&head))
            .filter(|meaning| !meaning.trim_matches([' ', '|']).is_empty());
        format!("{head}{}", meaning.unwrap_or(" … |"))
    });
    assert_table(HEADER, rows);
}

#[test]
fn it_names_every_variable_that_has_a_name_of_its_own() {
    let readme = crate::read("README.md");
    for variable in TABLE.iter().flat_map(|input| input.also) {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}
