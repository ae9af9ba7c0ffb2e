//! Everything that can go wrong, at every moment of a run: one table, played
//! row by row with the real program against a simulator of its own, and shown
//! to users as `docs/faults.md`.
//!
//! `FAULTS=word cargo test --test cli faults` plays only the rows whose text has
//! the word.

mod actions;
mod document;
mod fault;
#[cfg(target_os = "linux")]
mod files;
mod killed;
mod moment;
mod play;
mod table;
