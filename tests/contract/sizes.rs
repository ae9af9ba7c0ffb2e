//! No file of `src/` is longer than 600 lines, and no function is longer than 60,
//! its unit tests apart. What is longer by now is named here: a name that is no
//! longer needed fails the test, so the lists only shrink.

use std::collections::BTreeSet;

use super::read;
use super::writes::sources;

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 60;

/// The files that are longer.
const LONG_FILES: &[&str] = &[];

/// The functions that are longer, as `file::function`.
const LONG_FUNCTIONS: &[&str] = &[];

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let is_qualifier = |word: &str| matches!(word, "async" | "const" | "unsafe" | "extern");
    let mut words = before.split_whitespace();
    if !words.all(|word| word.starts_with("pub") || is_qualifier(word)) {
        return None;
    }
    let end = after.find(['(', '<'])?;
    after.get(..end)
}

/// The functions of a file and how many lines each has, its unit tests apart.
/// `rustfmt` puts the brace that ends one under its first column.
fn functions(source: &str) -> Vec<(&str, usize)> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines: Vec<&str> = code.lines().collect();
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let is_short = line.ends_with('}') || line.ends_with(';');
        let length = match lines[at..].iter().position(|line| **line == end) {
            Some(last) if !is_short => last + 1,
            _ => 1,
        };
        functions.push((name, length));
    }
    functions
}

#[test]
fn files_and_functions_are_short() {
    let (mut files, mut long) = (BTreeSet::new(), BTreeSet::new());
    for path in sources("src").into_iter().chain(sources("diagnosis/src")) {
        let source = read(&path);
        if source.lines().count() > LONGEST_FILE {
            files.insert(path.display().to_string());
        }
        for (name, length) in functions(&source) {
            if length > LONGEST_FUNCTION {
                long.insert(format!("{}::{name}", path.display()));
            }
        }
    }
    let known = |names: &[&str]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(files, known(LONG_FILES), "left: too long; right: known");
    assert_eq!(long, known(LONG_FUNCTIONS), "left: too long; right: known");
}

#[test]
fn a_function_is_measured_from_its_name_to_its_brace() {
    let source = "    pub(crate) async fn a<T>(\n        b: T,\n    ) {\n        c();\n    }\n\n\
                  fn short() {}\n// fn no() {\n#[cfg(test)]\nmod tests {\nfn d() {\n}\n";
    assert_eq!(functions(source), [("a", 5), ("short", 1)]);
}
