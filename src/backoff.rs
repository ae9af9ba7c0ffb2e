//! Waits between attempts. The only file that names the backoff crate.
//!
//! Repeated requests have full jitter: each wait is drawn evenly from zero to a
//! ceiling that doubles, so that runners that failed together do not come back
//! together.

use std::time::{Duration, Instant};

/// What gives one wait after the other.
pub use backoff::backoff::Backoff;
use backoff::exponential::{ExponentialBackoff, ExponentialBackoffBuilder};

/// Tokio's clock, so that paused time in tests reaches the schedule. With the
/// crate's own clock it would never notice that time passed.
#[derive(Debug, Default, Clone)]
struct TokioClock;

impl backoff::Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// A row of growing waits.
#[derive(Debug)]
pub struct Schedule {
    waits: ExponentialBackoff<TokioClock>,
    shortest: Duration,
    ceiling: Duration,
}

impl Schedule {
    /// For repeating a request: from zero to a ceiling that doubles from one
    /// second to thirty.
    pub fn for_requests() -> Self {
        // The crate draws from interval × [1 - factor, 1 + factor]: half the
        // ceiling and a factor of one make that zero to the ceiling.
        let (first, last) = (Duration::from_millis(500), Duration::from_secs(15));
        Self::new(Duration::from_millis(100), first, last, 2.0, 1.0)
    }

    /// For looking at something that has no history of how long it takes: from
    /// one second to ten, each a fifth shorter or longer so that runners do not
    /// march in step.
    pub fn for_looks() -> Self {
        let (first, last) = (Duration::from_millis(1250), Duration::from_secs(8));
        Self::new(Duration::from_secs(1), first, last, 1.3, 0.2)
    }

    fn new(
        shortest: Duration,
        first: Duration,
        last: Duration,
        multiplier: f64,
        jitter: f64,
    ) -> Self {
        let waits = ExponentialBackoffBuilder::<TokioClock>::new()
            .with_initial_interval(first)
            .with_max_interval(last)
            .with_multiplier(multiplier)
            .with_randomization_factor(jitter)
            .with_max_elapsed_time(None)
            .build();
        Self {
            waits,
            shortest,
            ceiling: last.mul_f64(1.0 + jitter),
        }
    }

    /// The next wait. `not_before` is what the service asked for: the wait is
    /// then that, and up to a fifth more so that not everybody it was sent to
    /// comes back in the same moment.
    pub fn next_wait(&mut self, not_before: Option<Duration>) -> Duration {
        let drawn = self
            .waits
            .next_backoff()
            .unwrap_or(self.ceiling)
            .min(self.ceiling);
        match not_before {
            Some(requested) if !requested.is_zero() => requested + drawn.min(requested / 5),
            _ => drawn.max(self.shortest),
        }
    }

    /// Starts again with the first wait.
    pub fn reset(&mut self) {
        self.waits.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_stay_under_a_ceiling_that_doubles() {
        for _ in 0..200 {
            let mut schedule = Schedule::for_requests();
            let mut ceiling = Duration::from_secs(1);
            for _ in 0..10 {
                let wait = schedule.next_wait(None);
                assert!(
                    wait >= Duration::from_millis(100) && wait <= ceiling,
                    "{wait:?} {ceiling:?}"
                );
                ceiling = (ceiling * 2).min(Duration::from_secs(30));
            }
        }
    }

    #[test]
    fn waits_use_the_whole_range() {
        let mut schedule = Schedule::for_requests();
        let waits: Vec<Duration> = (0..300).map(|_| schedule.next_wait(None)).collect();
        assert!(
            waits
                .iter()
                .skip(10)
                .any(|wait| *wait < Duration::from_secs(6))
        );
        assert!(waits.iter().any(|wait| *wait > Duration::from_secs(24)));
    }

    #[test]
    fn looks_are_never_closer_than_a_second_nor_further_than_ten() {
        let mut schedule = Schedule::for_looks();
        for _ in 0..500 {
            let wait = schedule.next_wait(None);
            assert!(
                wait >= Duration::from_secs(1) && wait <= Duration::from_secs(10),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn what_the_service_asks_for_is_the_least() {
        let requested = Duration::from_secs(10);
        for _ in 0..200 {
            let wait = Schedule::for_requests().next_wait(Some(requested));
            assert!(
                wait >= requested && wait <= Duration::from_secs(12),
                "{wait:?}"
            );
        }
    }
}
