//! Services as a test sees them.

use std::time::Duration;

/// An application as a test sees it.
#[derive(Debug, Clone)]
pub struct AppSnapshot {
    /// Its id.
    pub id: String,
    /// The system name.
    pub name: String,
    /// The display name.
    pub display_name: String,
    /// The status of its record.
    pub status: Option<String>,
    /// The branch deployed by default.
    pub branch: String,
    /// Whether a push deploys.
    pub auto_deploy: bool,
    /// Whether its CDN is on.
    pub cdn: bool,
    /// Whether it is a preview app.
    pub is_preview: bool,
    /// The pull request a pipeline made it for.
    pub pull_request: Option<u64>,
    /// Creation, since the simulator's start; zero for what was there before.
    pub created: Duration,
}
