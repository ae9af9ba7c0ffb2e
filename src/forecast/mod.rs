//! How long a deployment will run, from the durations of past ones. A library:
//! it sends no requests and knows nothing of polling, which [`crate::follow`]
//! does.

use std::time::Duration;

pub mod history;
pub mod mixture;

/// The forecast for a deployment that runs, as it is shown to people. Made by
/// the poll schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How much longer it will probably run.
    pub left: Duration,
    /// How many of a hundred past ones took less than it has taken so far.
    pub percent_below: usize,
    /// How many past deployments the forecast is based on.
    pub of: usize,
    /// What the deployment does now, if its log shows that.
    pub doing: Option<&'static str>,
}
