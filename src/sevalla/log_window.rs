//! Which part of a log a request asks for.

use jiff::Timestamp;

use super::ApiCall;

/// Which part of a log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogWindow {
    /// From this moment on, in microseconds since 1970.
    pub from_micros: i64,
    /// Up to this moment; `None` is now.
    pub to_micros: Option<i64>,
    /// How many lines at most, up to [`LOG_PAGE`](super::LOG_PAGE).
    pub limit: usize,
    /// Lines of this severity only, in the service's word.
    pub severity: Option<&'static str>,
}

impl LogWindow {
    pub(super) fn query(self, mut call: ApiCall<'_>) -> ApiCall<'_> {
        call = call.query("from", moment(self.from_micros));
        if let Some(to) = self.to_micros {
            call = call.query("to", moment(to));
        }
        if let Some(severity) = self.severity {
            let filter = serde_json::json!([
                { "key": "severity", "operator": "EQUALS", "value": severity }
            ]);
            call = call.query("filters", filter.to_string());
        }
        call.query("limit", self.limit.to_string())
    }
}

/// A moment as the log calls take it: milliseconds, UTC.
fn moment(micros: i64) -> String {
    let timestamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_document_wants_it() {
        assert_eq!(moment(1_772_000_000_123_999), "2026-02-25T06:13:20.123Z");
        assert_eq!(moment(1_772_000_000_000_000), "2026-02-25T06:13:20.000Z");
    }
}
