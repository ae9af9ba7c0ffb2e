//! What is found in a log.

/// A place in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLocation {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, where it is known.
    pub column: Option<u32>,
}

/// Something in the log that tells why the deployment failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in a few words.
    pub title: &'static str,
    /// The lines that tell it, oldest first.
    pub lines: Vec<String>,
    /// Where in the repository it is.
    pub place: Option<SourceLocation>,
    /// What to try, in one sentence.
    pub advice: &'static str,
    /// Whether this is known to make deployments fail; otherwise these are only
    /// the lines that stand out, and nothing is claimed of them.
    pub is_known: bool,
}

/// What a log tells about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// The most telling first, a dozen at most. Those of one title stand together.
    pub findings: Vec<Finding>,
}

impl Digest {
    /// Whether the log tells nothing.
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether something in the log is known to make deployments fail.
    pub fn is_known(&self) -> bool {
        self.findings.iter().any(|finding| finding.is_known)
    }
}
