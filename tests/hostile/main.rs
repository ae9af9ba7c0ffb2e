//! Strangers write what the service repeats: nothing of it may do anything.
//!
//! Whole runs inside this process, with every text of the service hostile; what
//! comes out is judged by ports of the hosts' own rules.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod channels;
/// What a report and test cases are; the tests of the built program use them
/// too.
#[allow(clippy::indexing_slicing, reason = "it is the other tests' file")]
#[path = "../cli/documents.rs"]
mod documents;
mod file_commands;
mod harmless;
mod hosts;
mod ids;
#[path = "../shared/in_memory.rs"]
mod in_memory;
mod limits;
mod markdown;
/// GitHub's own rules; the tests of the built program use them too.
#[allow(
    clippy::assigning_clones,
    clippy::single_match_else,
    clippy::indexing_slicing,
    reason = "it is the other tests' file"
)]
#[path = "../cli/oracle.rs"]
mod oracle;
mod page;
mod panics;
mod part;
/// How the other hosts read what they are given.
#[path = "../cli/readers.rs"]
mod readers;
mod secrets;
mod terminal;
mod texts;
mod world;
