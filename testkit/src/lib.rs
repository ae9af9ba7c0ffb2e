//! What the tests and benchmarks of sevalla-deploy share to run it in their own
//! process: chance from a seed, streams that stay in memory, and virtual time.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod captured;
mod dice;

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
