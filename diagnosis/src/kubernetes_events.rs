//! Rows of Kubernetes' events, as `kubectl describe` and `kubectl get events`
//! print them. Pure.

use super::beginnings::Beginnings;
use super::normalize::outdented;

/// The most words before the type: namespace, ages, a count, an object.
const MOST_BEFORE: usize = 6;

/// What the row says, without its columns: type, reason, age, and where it is
/// from.
pub(super) fn message(text: &str) -> Option<&str> {
    if !has_type(text.as_bytes()) {
        return None;
    }
    let mut rest = text.trim_ascii_start();
    let mut has_age = false;
    for _ in 0..=MOST_BEFORE {
        let (word, after) = column(rest)?;
        if matches!(word, "Warning" | "Normal") {
            return behind_type(after, has_age);
        }
        let is_column = is_age(word) || is_count(word) || is_name(word);
        if !is_column {
            return None;
        }
        has_age |= is_age(word);
        rest = after;
    }
    None
}

/// Whether one of the types is here. Nearly no line has one.
fn has_type(bytes: &[u8]) -> bool {
    memchr::memchr2_iter(b'W', b'N', bytes).any(|at| {
        let text = bytes.get(at..).unwrap_or_default();
        text.starts_with(b"Warning") || text.starts_with(b"Normal")
    })
}

/// `Unhealthy  4s (x3 over 30s)  kubelet, node-2  what it says`, and
/// `Unhealthy  pod/web-1  what it says`
fn behind_type(text: &str, has_age: bool) -> Option<&str> {
    let (reason, after) = word(text)?;
    if !is_reason(reason) {
        return None;
    }
    let (next, behind) = word(after)?;
    if is_age(next) {
        let counted = behind
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'));
        // Once, a while ago: the program was not ready yet.
        let is_past = reason == "Unhealthy"
            && counted.is_none()
            && (next.contains(['m', 'h', 'd']) || next.len() > 3);
        let from = counted.map_or(behind, |(_, rest)| rest.trim_start());
        return behind_source(from).filter(|_| !is_past);
    }
    if is_object(next) {
        return Some(behind);
    }
    has_age.then_some(after)
}

/// `kubelet, node-2  what it says`
fn behind_source(text: &str) -> Option<&str> {
    let (source, after) = word(text)?;
    let (source, after) = match source.strip_suffix(',') {
        Some(source) => (source, word(after)?.1),
        None => (source, after),
    };
    let is_source = source
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-./_".contains(&b));
    is_source.then_some(after)
}

/// What is behind a column before the message: most lines have something in their
/// first words that no column has.
fn column(text: &str) -> Option<(&str, &str)> {
    let is_of_column = |byte: u8| byte.is_ascii_alphanumeric() || b"<>-./{}".contains(&byte);
    let end = text.bytes().position(|byte| !is_of_column(byte))?;
    let (word, rest) = text.split_at_checked(end).filter(|_| end > 0)?;
    let is_ended = rest.starts_with(|c: char| c.is_ascii_whitespace());
    is_ended.then(|| (word, rest.trim_ascii_start()))
}

/// The first word and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace)?;
    (!word.is_empty()).then(|| (word, rest.trim_start()))
}

/// `Unhealthy`, `FailedMount`
fn is_reason(word: &str) -> bool {
    word.len() > 3
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `4s`, `2m30s`, `3d`, `<unknown>`
fn is_age(word: &str) -> bool {
    matches!(word, "<unknown>" | "<invalid>" | "just")
        || (word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h', 'd', 'y'])
            && word
                .bytes()
                .all(|b| b.is_ascii_digit() || b"smhdy".contains(&b)))
}

fn is_count(word: &str) -> bool {
    word.len() < 6 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A namespace or the object of an old row: lower case, with dashes and dots.
fn is_name(word: &str) -> bool {
    word.len() < 80
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-./{}".contains(&b))
}

/// `pod/web-1`
fn is_object(word: &str) -> bool {
    let named = word.split_once('/');
    named.is_some_and(|(kind, name)| {
        !name.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase())
    })
}

/// The heads of tables, and what Kubernetes says of a container that does well.
static ORDINARY: Beginnings = Beginnings::of(&[
    "Successfully assigned ",
    "Successfully pulled image ",
    "Pulling image ",
    "pulling image ",
    "Created container",
    "Started container",
    "Created pod: ",
    "Scaled up replica set ",
    "Scaled down replica set ",
    "Stopping container ",
    "Container image ",
    "Waiting for deployment ",
    "Waiting for rollout ",
    "Events:",
    "LAST SEEN ",
    "Type     ",
]);

/// Whether it is one of these.
pub(super) fn is_ordinary(message: &str) -> bool {
    ORDINARY.begin(outdented(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_stands_in_its_last_column() {
        for (row, expected) in [
            (
                "  Warning  Unhealthy  4s (x3 over 30s)  kubelet  Probe failed: a  b",
                Some("Probe failed: a  b"),
            ),
            (
                "  Warning  BackOff  1s  kubelet, node-2  Back-off",
                Some("Back-off"),
            ),
            (
                "Warning\tFailed\t2m30s\tkubelet\tError: x",
                Some("Error: x"),
            ),
            (
                "Warning FailedScheduling 3d (x9 over 4d) default-scheduler 0/3 nodes",
                Some("0/3 nodes"),
            ),
            (
                "30s  Warning  Unhealthy  pod/web-1  Probe failed",
                Some("Probe failed"),
            ),
            (
                "shop  30s  Warning  Unhealthy  pod/web-1  Probe failed",
                Some("Probe failed"),
            ),
            (
                "<unknown>  Normal  Killing  pod/web-1  Stopping",
                Some("Stopping"),
            ),
            (
                "  Normal  Started  40s  kubelet  Started container web",
                Some("Started container web"),
            ),
            ("  Type     Reason     Age   From     Message", None),
            ("Warning: Unhealthy 4s is a word", None),
            ("Warning Failed to read 4s of data", None),
            ("Warning  deprecated  4s  kubelet  x", None),
            ("  Warning  Unhealthy  2m  kubelet  Probe failed", None),
            (
                "  Warning  Unhealthy  2m (x9 over 3m)  kubelet  Probe failed",
                Some("Probe failed"),
            ),
            ("a Warning", None),
            ("", None),
        ] {
            assert_eq!(message(row), expected, "{row}");
        }
    }
}
