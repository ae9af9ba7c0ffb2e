//! What the README names.

use sevalla_deploy::inputs::TABLE;

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
fn it_names_every_variable_that_has_a_name_of_its_own() {
    let readme = crate::read("README.md");
    for variable in TABLE.iter().flat_map(|input| input.also) {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}
