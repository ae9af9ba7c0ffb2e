//! Log lines and the windows they are read through.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Clock, Moment, micros};
use crate::ids;
use crate::script::Script;
use crate::status::Status;
use crate::timeline::Times;

/// One line, placed relative to the start of the run.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    offset: Duration,
    severity: String,
    message: String,
}

impl Line {
    pub(crate) fn new(offset: Duration, severity: String, message: String) -> Self {
        Self {
            offset,
            severity,
            message,
        }
    }
}

/// All lines of a deployment, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    prefix: String,
    lines: Vec<Line>,
}

/// In which order a window's lines are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
    Shuffled,
}

/// What a caller asked for.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) limit: usize,
    pub(crate) severity: Option<String>,
    pub(crate) order: Order,
}

impl Log {
    pub(crate) fn of(script: &Script) -> Self {
        let count = u32::try_from(script.generated).unwrap_or(u32::MAX);
        let gap = script.run / count.max(1);
        let generated = (0..count).map(|index| {
            let message = format!("line {} of {count}", index + 1);
            Line::new(gap * index, "INFO".to_owned(), message)
        });
        let mut lines: Vec<Line> = script.lines.iter().cloned().chain(generated).collect();
        lines.sort_by_key(|line| line.offset);
        Self {
            prefix: ids::hex(12),
            lines,
        }
    }

    /// The body of an answer: the lines of `window` that exist at `horizon`.
    pub(crate) fn read(
        &self,
        window: &Window,
        times: &Times,
        horizon: Moment,
        service: &str,
        clock: &Clock,
    ) -> String {
        let Some(start) = times.started else {
            return "[]".to_owned();
        };
        let last = last_line(times).min(horizon).min(window.to);
        let at = |line: &Line| start.plus(line.offset);
        let from = self.lines.partition_point(|line| at(line) < window.from);
        let to = self.lines.partition_point(|line| at(line) <= last);
        let wanted = |line: &Line| {
            let severity = window.severity.as_ref();
            severity.is_none_or(|severity| line.severity.eq_ignore_ascii_case(severity))
        };
        let lines = self.lines.get(from..to).unwrap_or_default();
        let found = lines.iter().enumerate().filter(|(_, line)| wanted(line));
        let mut chosen: Vec<(usize, &Line)> = if window.order == Order::NewestFirst {
            found.rev().take(window.limit).collect()
        } else {
            found.take(window.limit).collect()
        };
        if window.order == Order::Shuffled {
            // Scrambled the same way on every call.
            chosen.sort_by_key(|(index, _)| (index + from).wrapping_mul(0x9e37_79b1) & 0xffff);
        }
        let mut body = String::from("[");
        for (index, line) in chosen {
            self.write(&mut body, from + index, line, at(line), service, clock);
        }
        body.push(']');
        body
    }

    fn write(
        &self,
        body: &mut String,
        index: usize,
        line: &Line,
        at: Moment,
        service: &str,
        clock: &Clock,
    ) {
        if body.len() > 1 {
            body.push(',');
        }
        let _ = write!(
            body,
            "{{\"id\":\"{prefix}-{index}\",\"message\":{message},\"service\":\"{service}\",\
             \"severity\":{severity},\"timestamp\":\"{timestamp}\",\"tags\":{{}},\
             \"attributes\":{{}},\"unix_timestamp\":{unix}}}",
            prefix = self.prefix,
            message = Value::from(line.message.as_str()),
            severity = Value::from(line.severity.as_str()),
            timestamp = clock.spaced(at),
            unix = clock.unix_micros(at),
        );
    }
}

/// A cancelled run writes nothing after its end; a finished one may (lines
/// placed beyond it are late, not wrong).
fn last_line(times: &Times) -> Moment {
    let cancelled = times.outcome == Status::Cancelled;
    let end = times.ended.filter(|_| cancelled);
    end.unwrap_or(Moment(i64::MAX))
}

/// The newest line that can be read at `now` when lines lag.
pub(crate) fn horizon(now: Moment, lag: Duration) -> Moment {
    Moment(now.0.saturating_sub(micros(lag)))
}
