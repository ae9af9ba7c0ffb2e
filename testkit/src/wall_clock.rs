//! A wall clock that moves with Tokio's, which is virtual in tests.

use std::cell::Cell;

use jiff::Timestamp;
use tokio::time::Instant;

/// What it shows when it starts, in milliseconds since 1970.
pub const BEGAN: i64 = 1_772_000_000_000;

thread_local! {
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts it, on this thread.
pub fn start() {
    STARTED.set(Some(Instant::now()));
}

/// What it shows.
///
/// # Panics
///
/// If it was not started.
pub fn now() -> Timestamp {
    let started = STARTED.get().expect("a clock that was started");
    began() + started.elapsed()
}

/// The text of a moment, so many milliseconds after the start.
pub fn text_of(after: i64) -> String {
    let moment = began() + jiff::SignedDuration::from_millis(after);
    format!("{moment:.3}")
}

fn began() -> Timestamp {
    Timestamp::from_millisecond(BEGAN).expect("a moment")
}
