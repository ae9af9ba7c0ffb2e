//! The built program, in a scrubbed environment, against the simulator.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod deploys;
mod harness;
mod signals;
