//! The reporter: takes each [`Event`](crate::event::Event) of a run, and writes
//! the console output, the outputs, the summary, the comment and the files.
//!
//! Made in `lib.rs`, once for each run. Errors bring their own reason and hint;
//! this module decides where they are shown, and [`crate::ci`] in which format.
//! Nothing in this module can change how a run ends.

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
pub(crate) mod severity;
mod status_line;
pub(crate) mod summary;
pub mod timeline;

use jiff::Timestamp;

pub use self::causes::FailureCause;
pub use self::comment::CommentStatus;
pub use self::log::{LARGEST_FILE, LONGEST_SHOWN, MOST_LINES_OF_AN_ENTRY, MOST_SHOWN};
pub use self::reporter::Reporter;
use crate::ci::{CiOutput, Facts, Host};
pub use crate::outputs::{LONGEST_VALUE, OUTPUTS};
use crate::sanitize::Sanitizer;

/// How a reporter is set up.
pub struct Setup {
    /// Where to tell.
    pub channel: Box<dyn CiOutput>,
    /// What every text passes.
    pub gate: Sanitizer,
    /// The wall clock, for showing times only.
    pub clock: fn() -> Timestamp,
    /// What the CI told about the run.
    pub facts: Facts,
    /// The CI.
    pub host: Host,
}
