//! Every way in which a run can end, by exit code.

use std::collections::BTreeMap;
use std::iter::successors;

use sevalla_deploy::exit_status::Ending;
use sevalla_deploy::shutdown::Signal;

/// The words of each exit code, in the order of the type's variants.
pub(crate) fn words_by_code() -> BTreeMap<u8, Vec<&'static str>> {
    let mut words: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for ending in successors(Some(Ending::Success), |ending| after(*ending)) {
        words.entry(ending.code()).or_default().push(ending.word());
    }
    words
}

/// The variant after this one. A match, so that a new variant does not compile
/// until it has its place here.
const fn after(ending: Ending) -> Option<Ending> {
    Some(match ending {
        Ending::Success => Ending::Planned,
        Ending::Planned => Ending::Triggered,
        Ending::Triggered => Ending::Passed,
        Ending::Passed => Ending::Failed,
        Ending::Failed => Ending::InvalidInput,
        Ending::InvalidInput => Ending::Cancelled,
        Ending::Cancelled => Ending::Skipped,
        Ending::Skipped => Ending::Superseded,
        Ending::Superseded => Ending::TimedOut,
        Ending::TimedOut => Ending::Unauthorized,
        Ending::Unauthorized => Ending::Unavailable,
        Ending::Unavailable => Ending::Ambiguous,
        Ending::Ambiguous => Ending::Unverified,
        Ending::Unverified => Ending::Rejected,
        Ending::Rejected => Ending::Internal,
        Ending::Internal => Ending::Interrupted(Signal::HangUp),
        Ending::Interrupted(Signal::HangUp) => Ending::Interrupted(Signal::Interrupt),
        Ending::Interrupted(Signal::Interrupt) => Ending::Interrupted(Signal::Terminate),
        Ending::Interrupted(Signal::Terminate) => return None,
    })
}
