//! When to look: what the pace costs against other rules and against the best
//! that is possible, and how a fleet shares one company's budget.
//!
//!     cargo bench --bench pace
//!
//! prints the tables and writes them to `docs/performance.md`, with the picture
//! `docs/fleet.svg`. Everything is drawn from a seed and happens in virtual
//! time: the numbers are the same on every machine.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints numbers, and ends when it cannot"
)]

mod episodes;
#[expect(dead_code, reason = "the test asks for more")]
mod fleet;
mod goals;
mod optimum;
mod picture;
mod tables;

use std::path::Path;

/// Deployments for each number in a table.
const EPISODES: u32 = 4000;

/// Where what is between these lines is written.
const BEGINNING: &str = "<!-- written by `cargo bench --bench pace` -->\n";
const END: &str = "<!-- end of what is written -->\n";

fn main() {
    if std::env::args().any(|argument| argument == "mixes") {
        return println!("{}", testkit::in_virtual_time(tables::mixes()));
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let looks = testkit::in_virtual_time(tables::looks(EPISODES));
    println!("{looks}");
    let fleets = testkit::in_virtual_time(tables::fleets());
    println!("{}", fleets.table);
    let mixes = testkit::in_virtual_time(tables::mixes());
    println!("{mixes}");
    picture::draw(&docs.join("fleet.svg"), &fleets.fleets).expect("the picture can be written");
    let page = docs.join("performance.md");
    let old = std::fs::read_to_string(&page).expect("the page can be read");
    let (before, rest) = old.split_once(BEGINNING).expect("the page has a beginning");
    let (_, after) = rest.split_once(END).expect("the page has an end");
    let new = format!(
        "{before}{BEGINNING}\n{looks}\n{}\n{mixes}\n{END}{after}",
        fleets.table
    );
    std::fs::write(&page, new).expect("the page can be written");
}
