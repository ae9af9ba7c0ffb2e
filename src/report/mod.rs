//! What a person and a program see of a run: [`Event`](crate::event::Event)s and the
//! [`Outcome`](crate::outcome::Outcome) become console lines, annotations, outputs,
//! the summary, the comment and files. Made in `lib.rs`, once for each run.
//!
//! Errors bring their own reason and hint; this module decides where they are
//! shown, and [`crate::ci`] in which format. Nothing in this module decides how a
//! run ends, and no action asks it for anything.

mod artifacts;
pub(crate) mod atomic_file;
pub(crate) mod causes;
pub mod comment;
mod conclusion;
pub(crate) mod console;
mod details;
pub(crate) mod gantt;
mod headline;
pub(crate) mod html;
pub mod inventory;
mod json;
mod junit;
mod links;
pub(crate) mod log;
pub(crate) mod output_file;
pub(crate) mod outputs;
mod reasons;
pub(crate) mod reporter;
pub(crate) mod run_record;
mod stack_comment;
mod status_line;
pub(crate) mod summary;
pub mod timeline;

use std::path::PathBuf;

use jiff::Timestamp;

pub use self::causes::FailureCause;
pub use self::comment::CommentStatus;
pub use self::log::{LARGEST_FILE, LONGEST_SHOWN, MOST_SHOWN};
pub use self::reporter::{Reporter, ScopedReporter};
pub use self::stack_comment::{PreviewRow, StackCommentStatus};
use crate::ci::{CiOutput, Facts, Host};
pub use crate::deployment_log::MOST_LINES_OF_AN_ENTRY;
pub use crate::outputs::{LONGEST_VALUE, OUTPUTS};
use crate::report_files::ReportFiles;
use crate::sanitize::Sanitizer;

/// Those of the files that can be written.
pub fn writable(files: &ReportFiles) -> ReportFiles {
    let whole = |path: &Option<PathBuf>| {
        let path = path.clone();
        path.filter(|path| atomic_file::try_out(path).is_ok())
    };
    let outputs = files.outputs.clone();
    ReportFiles {
        log: whole(&files.log),
        report: whole(&files.report),
        page: whole(&files.page),
        junit: whole(&files.junit),
        code_quality: whole(&files.code_quality),
        outputs: outputs.filter(|path| output_file::try_out(path).is_ok()),
        links: whole(&files.links),
    }
}

/// What a reporter needs. `lib` makes it once for a run.
pub struct Setup {
    /// The CI's console, outputs and summary.
    pub channel: Box<dyn CiOutput>,
    /// Removes secrets and control characters from every text.
    pub sanitizer: Sanitizer,
    /// The wall clock. It is only shown.
    pub clock: fn() -> Timestamp,
    /// What the CI's variables state of the run.
    pub facts: Facts,
    /// The CI.
    pub host: Host,
}
