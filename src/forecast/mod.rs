//! How long a deployment will run, from the durations of past ones. Knows nothing
//! of requests.

use std::time::Duration;

pub mod history;
pub mod mixture;

/// What the past says of a deployment that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How much longer it will probably run.
    pub left: Duration,
    /// How many of a hundred past ones took less than it has taken so far.
    pub percent_below: usize,
    /// How many past ones that are.
    pub of: usize,
    /// What it does, if its log shows that.
    pub doing: Option<&'static str>,
}
