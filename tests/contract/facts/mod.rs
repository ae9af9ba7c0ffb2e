//! The facts of Sevalla's contract that this program relies on, in
//! `facts.txt`. They are made from a document that is not part of this
//! repository (`just facts DOCUMENT`), and are compared with the code in every
//! run, and with a document where `SEVALLA_OPENAPI` names one.
//!
//! `additions.txt` has what is known beyond that document.

mod code;
mod drift;
mod extract;
#[cfg(unix)]
mod script;

use std::fmt::Write as _;

use self::extract::Facts;
use crate::{read, root};

const FILE: &str = "tests/contract/facts/facts.txt";

/// The facts of the file.
fn filed() -> Facts {
    let text = read(FILE);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(what, form)| (what.to_owned(), form.to_owned()))
        .collect()
}

/// The rows of `additions.txt` of one kind, without the word for the kind.
fn additions(kind: &str) -> Vec<Vec<String>> {
    let text = read("tests/contract/facts/additions.txt");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split_ascii_whitespace().map(str::to_owned));
    rows.map(Iterator::collect)
        .filter(|row: &Vec<String>| row.first().is_some_and(|first| first == kind))
        .map(|row| row[1..].to_vec())
        .collect()
}

/// What `additions.txt` adds of a kind at a place.
fn added(kind: &str, place: &str) -> Vec<String> {
    let rows = additions(kind).into_iter();
    rows.filter(|row| row[0] == place)
        .flat_map(|row| row[1..].to_vec())
        .collect()
}

/// Writes the file from a document.
fn write(facts: &Facts) {
    let mut text =
        String::from("# What this program uses of Sevalla's API. Made by `just facts DOCUMENT`.\n");
    for (what, form) in facts {
        let _infallible = writeln!(text, "{what} = {form}");
    }
    std::fs::write(root().join(FILE), text).unwrap();
}
