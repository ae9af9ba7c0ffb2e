//! Time as the simulator sees it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Microseconds since the simulator started; negative for history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// Time since the start; zero for anything earlier.
    pub(crate) fn since_start(self) -> Duration {
        Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Monotonic, anchored once to the wall clock: a step of the machine's clock
/// must not reorder deployments.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    wall: i64,
    /// The time of a clock that a test moves.
    manual: Option<AtomicI64>,
}

impl Clock {
    pub(crate) fn start(is_manual: bool) -> Self {
        Self {
            began: Instant::now(),
            wall: Timestamp::now().as_microsecond(),
            manual: is_manual.then(AtomicI64::default),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(match &self.manual {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => micros(self.began.elapsed()),
        })
    }

    /// Moves a manual clock; no other can be moved.
    pub(crate) fn advance(&self, time: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(micros(time), Ordering::SeqCst);
        }
    }

    /// Microseconds since 1970.
    pub(crate) fn unix_micros(&self, moment: Moment) -> i64 {
        self.wall.saturating_add(moment.0)
    }

    /// As the API writes timestamps, cut to milliseconds.
    pub(crate) fn rfc3339(&self, moment: Moment) -> String {
        self.format(moment, "%Y-%m-%dT%H:%M:%S%.3fZ")
    }

    /// As the API writes the time of a log line.
    pub(crate) fn spaced(&self, moment: Moment) -> String {
        self.format(moment, "%Y-%m-%d %H:%M:%S%.3f")
    }

    fn format(&self, moment: Moment, format: &str) -> String {
        Timestamp::from_microsecond(self.unix_micros(moment))
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .strftime(format)
            .to_string()
    }

    /// A checked `date-time` of a query, or nothing if it names no real time.
    pub(crate) fn parse(&self, text: &str) -> Option<Moment> {
        let stamp: Timestamp = text.parse().ok()?;
        Some(Moment(stamp.as_microsecond().saturating_sub(self.wall)))
    }
}
