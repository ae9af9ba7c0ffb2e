//! Why a deployment failed, as far as its log tells.
//!
//! The log passes line by line; what is kept of it is bounded, and so is the
//! time that a line can take. The log is written by strangers: what is found in
//! it is shown beside a failure, and never decides anything.

use crate::ci::Place;

/// Something in the log that tells why the deployment failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in a few words.
    pub title: &'static str,
    /// The lines that tell it, oldest first.
    pub lines: Vec<String>,
    /// Where in the repository it is.
    pub place: Option<Place>,
    /// What to try, in one sentence.
    pub advice: &'static str,
    /// Whether this is known to make deployments fail; otherwise these are only
    /// the lines that stand out, and nothing is claimed of them.
    pub is_known: bool,
}

/// What a log tells about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// The most telling first, ten at most.
    pub findings: Vec<Finding>,
}

impl Digest {
    /// Whether the log tells nothing.
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Reads a log, line by line.
#[derive(Debug, Default)]
pub struct Diagnosis {}

impl Diagnosis {
    /// Takes the next line, cleaned and without its secrets, and the service's
    /// word for its weight.
    pub fn take(&mut self, _severity: &str, _line: &str) {}

    /// What was found so far.
    pub fn digest(&self) -> Digest {
        Digest::default()
    }
}
