//! The release, on a throw-away clone: what stops it, what it changes and in
//! how many places, and that only the released bytes are run afterwards.
//!
//! The scripts are the ones that the workflow calls. Offline: `origin` is a
//! folder, and the programs that talk to GitHub and a registry are stand-ins
//! that write down what they were asked.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and names what it skips"
)]

mod clone;
mod commit;
mod installing;
mod pins;
mod publishing;
mod server;
mod setup;
mod signals;
mod verifying;
mod versions;
