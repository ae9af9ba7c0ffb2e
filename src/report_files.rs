//! The files that a run is asked to write.

use std::path::PathBuf;

/// The files that the user wants written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFiles {
    /// The complete log of the deployment.
    pub log: Option<PathBuf>,
    /// The run as JSON.
    pub report: Option<PathBuf>,
    /// The page about the run.
    pub page: Option<PathBuf>,
    /// The run as test cases, in the XML of `JUnit`.
    pub junit: Option<PathBuf>,
    /// The places at fault, as GitLab reads them.
    pub code_quality: Option<PathBuf>,
    /// The outputs.
    pub outputs: Option<PathBuf>,
    /// Links to what was deployed.
    pub links: Option<PathBuf>,
}
