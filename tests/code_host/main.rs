//! The client of the code host, against one in memory that keeps to GitHub's
//! published description, and against real sockets where those matter.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod body;
mod comparing;
mod contract;
mod errors;
mod forge;
/// A page's rules, shared with the tests of the summary.
#[path = "../hostile/markdown.rs"]
mod markdown;
mod pull_requests;
/// As much of JSON Schema as the description needs, shared with the tests of
/// Sevalla's own.
#[path = "../contract/schema.rs"]
mod schema;
mod sockets;
mod sticky;
