//! `docs/unknowns.md`, made from the doctor's table.

use std::collections::HashSet;
use std::fmt::Write as _;

use sevalla_deploy::actions::doctor::unknowns::{UNKNOWNS, Unknown};

use super::{read, root};

const FILE: &str = "docs/unknowns.md";

fn page() -> String {
    let mut text = String::from(
        "# What Sevalla's documents leave open\n\n\
         <!-- made by `BLESS=1 cargo test --test contract unknowns` -->\n\n\
         This program was never tested against the live API. Sevalla's public documents leave some \
         questions open, and contradict each other in others. Until a question is settled, the \
         program takes a claim to be true and is careful where it may be wrong.\n\n\
         `action: doctor` compares the claims with the responses of your own services. It only \
         reads, and marks each claim as confirmed, contradicted or not seen. To help settle a \
         question, paste the report of `report: true` into an issue: it has no names, ids or other \
         private values.\n",
    );
    let (readable, others): (Vec<&Unknown>, Vec<&Unknown>) =
        UNKNOWNS.iter().partition(|row| row.is_readable());
    for (title, rows) in [
        ("What reading can settle", readable),
        (
            "What only a change on Sevalla, or a moment, can settle",
            others,
        ),
    ] {
        let _infallible = write!(
            text,
            "\n## {title}\n\n| name | claim | what the program does |\n| --- | --- | --- |\n"
        );
        for row in rows {
            let _infallible =
                writeln!(text, "| `{}` | {} | {} |", row.slug, row.claim, row.default);
        }
    }
    text
}

#[test]
fn the_page_of_unknowns_is_made_from_the_table() {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(root().join(FILE), page()).unwrap();
    }
    assert!(
        read(FILE) == page(),
        "{FILE} is not what the table says: run BLESS=1 cargo test --test contract unknowns"
    );
}

#[test]
fn every_unknown_has_a_name_of_its_own_and_whole_sentences() {
    let mut names = HashSet::new();
    for row in UNKNOWNS {
        assert!(names.insert(row.slug), "{} is there twice", row.slug);
        for text in [row.claim, row.default] {
            assert!(text.ends_with('.') && !text.contains('|'), "{text}");
        }
    }
}
