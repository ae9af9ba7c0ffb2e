//! What the tests and benchmarks of sevalla-deploy share to run it in their own
//! process: chance from a seed, streams that stay in memory, virtual time and its clock.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod captured;
mod dice;
pub mod wall_clock;

pub use captured::Captured;
pub use dice::Dice;

/// Runs this to its end in virtual time: while everything waits, the clock
/// moves to the next moment at which something happens.
///
/// # Panics
///
/// If the machine cannot start a runtime.
pub fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of this thread");
    runtime.block_on(future)
}

/// The number that this variable of the test's own process sets, or else this one.
///
/// # Panics
///
/// If the variable is no number.
#[expect(
    clippy::disallowed_methods,
    reason = "a person sets it for a test, not for the program"
)]
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
