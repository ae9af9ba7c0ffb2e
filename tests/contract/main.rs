//! What is written down about the program, held against the program: the
//! action's description, the reference, `--help`, and Sevalla's OpenAPI document.
//!
//! What is made from the program's tables, `just bless` writes.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod action;
mod architecture;
mod dependencies;
mod facts;
mod generated;
mod help;
#[path = "../shared/in_memory.rs"]
mod in_memory;
mod layers;
mod messages;
mod names;
mod openapi;
mod owner;
mod pages;
mod pictures;
mod reference;
mod schema;
mod security;
mod setup;
mod sizes;
mod stack;
mod templates;
mod unknowns;
mod words;
mod writes;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
