//! The built program, in a scrubbed environment, against the simulator.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

// Tests begin in the order of their names, and none lasts longer than this.
mod adopting;
#[path = "faults/mod.rs"]
mod all_faults;
mod answers;
mod arguments;
mod attaching;
mod attempts;
mod broken_characters;
mod busy;
mod caching;
mod cancelling;
mod comments;
mod databases;
mod deleting;
mod deletions;
mod deploys;
mod diagnosing;
mod doctor;
// Its test is the longest, and tests begin in the order of their names.
mod docs_tour;
mod documents;
mod errors;
mod files;
mod fleet;
mod github;
mod guarding;
mod handover;
mod harness;
mod hosts;
mod hub;
mod impatient;
#[path = "../shared/in_memory.rs"]
mod in_memory;
mod inputs;
mod listing;
mod logs;
mod named;
mod network;
mod oracle;
mod passing;
mod preview_databases;
mod preview_stacks;
mod previews;
mod promotions;
mod pull_requests;
mod readers;
mod readme;
mod recipes;
mod reports;
mod resuming;
mod rollbacks;
mod rolling_back;
mod signals;
mod small_stack;
mod snapshots;
mod stack_changes;
mod stacks;
mod terminal;
mod unconfirmed;
mod unmade_checks;
mod updating;
mod verifying;
mod web;
mod window;
