//! Following a deployment, under paused time: what the service shows, and
//! when, is written in advance, and what the watch does is noted to the
//! millisecond.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::unchecked_time_subtraction,
    reason = "a test that cannot go on fails"
)]

mod cancellation;
mod faults;
mod log_lines;
mod log_trouble;
mod pace;
mod random;
mod script;
mod verdicts;
