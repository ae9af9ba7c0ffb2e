//! Everything that can go wrong, at every moment of a run: one table, played
//! row by row with the real program against a simulator of its own, and shown
//! to users as `docs/faults.md`.
//!
//! `FAULTS=word cargo test --test faults` plays only the rows whose text has
//! the word.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod document;
mod fault;
#[cfg(target_os = "linux")]
mod files;
#[path = "../cli/harness.rs"]
#[allow(dead_code, reason = "what the other target uses")]
mod harness;
mod moment;
mod play;
mod table;
