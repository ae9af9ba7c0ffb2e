//! The one deadline of a run, which every wait and request obeys.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A machine was asleep when its wall clock is ahead by more than this. Less
/// is the ordinary setting of a clock.
const ASLEEP: Duration = Duration::from_secs(60);

/// When a run's time is over.
///
/// Waits are measured by a clock that stands still while a machine sleeps, so
/// a laptop that was closed for an hour would wait an hour longer. The wall
/// clock gives that away.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    began: Instant,
    time: Duration,
    wall: Option<(Timestamp, fn() -> Timestamp)>,
}

impl Deadline {
    /// A deadline this long from now.
    pub fn after(time: Duration, clock: fn() -> Timestamp) -> Self {
        Self {
            began: Instant::now(),
            time,
            wall: Some((clock(), clock)),
        }
    }

    /// The moment, as of now: it comes nearer by the time the machine slept.
    pub fn moment(&self) -> Instant {
        self.began + self.time.saturating_sub(self.slept())
    }

    /// A deadline that is earlier by the time that is kept for something else.
    #[must_use]
    pub fn keeping(self, kept: Duration) -> Self {
        Self {
            time: self.time.saturating_sub(kept),
            ..self
        }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.moment()
    }

    fn slept(&self) -> Duration {
        let Some((began, clock)) = self.wall else {
            return Duration::ZERO;
        };
        let by_wall = Duration::try_from(clock().duration_since(began)).unwrap_or_default();
        let asleep = by_wall.saturating_sub(self.began.elapsed());
        if asleep > ASLEEP {
            asleep
        } else {
            Duration::ZERO
        }
    }
}

/// A deadline at a moment, on a machine that does not sleep.
impl From<Instant> for Deadline {
    fn from(moment: Instant) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            time: moment.saturating_duration_since(now),
            wall: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    static WALL: AtomicI64 = AtomicI64::new(1_772_000_000);

    fn wall() -> Timestamp {
        Timestamp::from_second(WALL.load(Ordering::SeqCst)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_a_machine_sleeps_counts() {
        let deadline = Deadline::after(Duration::from_secs(1800), wall);
        WALL.fetch_add(50, Ordering::SeqCst);
        assert_eq!(
            deadline.moment(),
            Instant::now() + Duration::from_secs(1800)
        );
        WALL.fetch_add(950, Ordering::SeqCst);
        assert_eq!(deadline.moment(), Instant::now() + Duration::from_secs(800));
        assert!(!deadline.is_over());
        WALL.fetch_add(7200, Ordering::SeqCst);
        assert!(deadline.is_over());
        // A clock that is set back changes nothing.
        WALL.fetch_sub(20_000, Ordering::SeqCst);
        assert!(!deadline.is_over());
    }
}
