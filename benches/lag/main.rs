//! What people feel: the time from the end of a deployment on Sevalla to the
//! end of the step. Real processes of this program and of the official action's
//! loop (`benches/process/poll.mjs`) side by side against the simulator.
//!
//!     cargo bench --bench lag
//!
//! `LAG_WORK` names the works to do, separated by commas; `LAG_RUNS` is how
//! many deployments of the smaller ones; `LAG_PROGRAM` is the path of another
//! binary; with `LAG_WRITE`, the table goes to `docs/performance.md`.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark starts processes, measures real time, prints numbers, and ends when it cannot"
)]

mod measure;
mod table;
mod works;

use std::path::Path;

use self::table::Row;
use self::works::WORKS;

/// Where what is between these lines is written.
const BEGINNING: &str = "<!-- written by `cargo bench --bench lag` -->\n";
const END: &str = "<!-- end of what `cargo bench --bench lag` writes -->\n";

fn main() {
    let named = std::env::var("LAG_WORK").unwrap_or_default();
    let is_asked = |name: &str| named.is_empty() || named.split(',').any(|word| word == name);
    let mut table = table::head();
    print!("{table}");
    for work in WORKS.iter().filter(|work| is_asked(work.name)) {
        let row = Row::of(work).line();
        print!("{row}");
        table.push_str(&row);
    }
    if std::env::var_os("LAG_WRITE").is_some() {
        write(&table);
    }
}

fn write(table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let old = std::fs::read_to_string(&page).expect("the page can be read");
    let (before, rest) = old.split_once(BEGINNING).expect("the page has a beginning");
    let (_, after) = rest.split_once(END).expect("the page has an end");
    let new = format!("{before}{BEGINNING}\n{table}\n{END}{after}");
    std::fs::write(&page, new).expect("the page can be written");
}
