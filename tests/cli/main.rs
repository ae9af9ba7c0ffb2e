//! The built program, in a scrubbed environment, against the simulator.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

// Tests begin in the order of their names, and none lasts longer than this.
#[path = "faults/mod.rs"]
mod all_faults;
mod answers;
mod attaching;
mod busy;
mod caching;
mod comments;
mod databases;
mod deleting;
mod deletions;
mod deploys;
mod diagnosing;
mod documents;
mod errors;
mod files;
mod fleet;
mod github;
mod guarding;
mod handover;
mod harness;
mod hosts;
mod inputs;
mod listing;
mod logs;
mod network;
mod oracle;
mod passing;
mod preview_databases;
mod previews;
mod promotions;
mod readers;
mod recipes;
mod reports;
mod rollbacks;
mod rolling_back;
mod signals;
mod terminal;
mod updating;
mod verifying;
mod web;
mod window;
