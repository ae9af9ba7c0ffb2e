//! The client alone, against servers on 127.0.0.1 that each test starts for
//! itself. Real sockets, so the real clock: nothing sleeps to wait for another
//! side, and waits are shown by what the client reports about them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test by panicking"
)]

mod answers;
mod bodies;
mod certificates;
mod connections;
mod faults;
mod hooks;
mod lenient;
mod network;
mod operations;
mod proxies;
mod redirects;
mod secrecy;
mod server;
mod setup;
mod statuses;
