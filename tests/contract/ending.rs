//! Every way in which a run can end, by exit code.

use std::collections::BTreeMap;
use std::iter::successors;

use sevalla_deploy::exit_status::ExitStatus;
use sevalla_deploy::shutdown::Signal;

/// The words of each exit code, in the order of the type's variants.
pub(crate) fn words_by_code() -> BTreeMap<u8, Vec<&'static str>> {
    let mut words: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for ending in successors(Some(ExitStatus::Success), |ending| after(*ending)) {
        words.entry(ending.code()).or_default().push(ending.word());
    }
    words
}

/// The variant after this one. A match, so that a new variant does not compile
/// until it has its place here.
const fn after(ending: ExitStatus) -> Option<ExitStatus> {
    Some(match ending {
        ExitStatus::Success => ExitStatus::Planned,
        ExitStatus::Planned => ExitStatus::Triggered,
        ExitStatus::Triggered => ExitStatus::Passed,
        ExitStatus::Passed => ExitStatus::Failed,
        ExitStatus::Failed => ExitStatus::InvalidInput,
        ExitStatus::InvalidInput => ExitStatus::Cancelled,
        ExitStatus::Cancelled => ExitStatus::Skipped,
        ExitStatus::Skipped => ExitStatus::Superseded,
        ExitStatus::Superseded => ExitStatus::TimedOut,
        ExitStatus::TimedOut => ExitStatus::Unauthorized,
        ExitStatus::Unauthorized => ExitStatus::Unavailable,
        ExitStatus::Unavailable => ExitStatus::Ambiguous,
        ExitStatus::Ambiguous => ExitStatus::Unverified,
        ExitStatus::Unverified => ExitStatus::Rejected,
        ExitStatus::Rejected => ExitStatus::Internal,
        ExitStatus::Internal => ExitStatus::Interrupted(Signal::HangUp),
        ExitStatus::Interrupted(Signal::HangUp) => ExitStatus::Interrupted(Signal::Interrupt),
        ExitStatus::Interrupted(Signal::Interrupt) => ExitStatus::Interrupted(Signal::Terminate),
        ExitStatus::Interrupted(Signal::Terminate) => return None,
    })
}
