//! How much of what Sevalla returns the doctor shows.

/// The most of a line, in bytes.
pub(super) const LONGEST_LINE: usize = 600;

/// The most of a name or of a capability, in bytes.
pub(super) const LONGEST_NAME: usize = 64;

/// The most capabilities or roles of a line.
pub(super) const MOST_CAPABILITIES: usize = 8;

/// The most that is said of what no contract has.
pub(super) const MOST_NEWS: usize = 50;
