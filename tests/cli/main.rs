//! The built program, in a scrubbed environment, against the simulator.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod answers;
mod busy;
mod deploys;
mod errors;
mod faults;
mod fleet;
mod github;
mod guarding;
mod harness;
mod inputs;
mod logs;
mod network;
mod oracle;
mod passing;
mod rolling_back;
mod signals;
mod verifying;
mod web;
