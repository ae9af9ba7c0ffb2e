//! Failures that a log says again in other words. Pure.

use super::Match;

/// So many lines below an error its properties are printed, or it is repeated.
const NEAR: u64 = 20;

/// Whether the new one only repeats what was found: by the same words, or by the
/// property of an error that was printed before.
pub(super) fn is_repeated(found: &Match, new: &Match) -> bool {
    let is_near = new.place.is_none() && new.begun - found.begun <= NEAR;
    let is_same = found.message.ends_with(&new.message) || new.message.ends_with(&found.message);
    let is_longer = |one: &str, other: &str| {
        let rest = one.strip_prefix(other);
        rest.is_some_and(|rest| rest.starts_with([':', ' ', ',', '.']))
    };
    let is_property = || {
        let line = new.lines.last().map_or("", |line| line.trim_start());
        line.starts_with("code: '") || line.starts_with("[code]: '")
    };
    (is_same && (is_near || found.place == new.place))
        || (is_near
            && (is_longer(&found.message, &new.message)
                || is_longer(&new.message, &found.message)
                || is_property()))
}
