//! Telling: what a run finds out goes in as [`Event`]s, and comes out as the
//! narrative, the outputs and the summary.
//!
//! Events sink here. Nothing in this module can change how a run ends.

mod artifacts;
pub(crate) mod atomic_file;
pub(crate) mod causes;
pub mod comment;
mod conclusion;
pub(crate) mod console;
pub(crate) mod gantt;
pub(crate) mod html;
pub mod inventory;
mod json;
mod junit;
mod links;
pub(crate) mod log;
mod output_file;
pub(crate) mod outputs;
pub(crate) mod reporter;
pub(crate) mod run_record;
mod status_line;
pub(crate) mod summary;
pub mod timeline;

use jiff::Timestamp;

pub use self::causes::FailureCause;
pub use self::comment::CommentStatus;
pub use self::log::{LARGEST_FILE, LONGEST_SHOWN, MOST_SHOWN};
pub use self::reporter::Reporter;
use crate::ci::{CiOutput, Facts, Host};
pub use crate::deployment_log::MOST_LINES_OF_AN_ENTRY;
pub use crate::outputs::{LONGEST_VALUE, OUTPUTS};
use crate::sanitize::Sanitizer;

/// How a reporter is set up.
pub struct Setup {
    /// Where to tell.
    pub channel: Box<dyn CiOutput>,
    /// What every text passes.
    pub sanitizer: Sanitizer,
    /// The wall clock, for showing times only.
    pub clock: fn() -> Timestamp,
    /// What the CI told about the run.
    pub facts: Facts,
    /// The CI.
    pub host: Host,
}
