//! Keys and deployment hooks that are known by their shape, also where the run was
//! not given them: one that was pasted into the wrong input, or that a build has
//! printed.

use std::ops::Range;

/// A kind of key: what it begins with, its separator included and in lower
/// case, and what follows.
struct Shape {
    begins: &'static str,
    /// So many characters at least; fewer are a cut or an example.
    least: usize,
    follows: fn(u8) -> bool,
}

const fn of(begins: &'static str, least: usize, follows: fn(u8) -> bool) -> Shape {
    Shape {
        begins,
        least,
        follows,
    }
}

/// Sevalla's keys have 64 hexadecimal digits. Sources of the others:
/// github.blog, "Behind GitHub's new authentication token formats", and
/// docs.gitlab.com, "GitLab token overview".
const SHAPES: [Shape; 9] = [
    of("svl_", 32, |byte| byte.is_ascii_hexdigit()),
    of("ghp_", 36, |byte| byte.is_ascii_alphanumeric()),
    of("gho_", 36, |byte| byte.is_ascii_alphanumeric()),
    of("ghu_", 36, |byte| byte.is_ascii_alphanumeric()),
    of("ghs_", 36, |byte| byte.is_ascii_alphanumeric()),
    of("ghr_", 36, |byte| byte.is_ascii_alphanumeric()),
    of("github_pat_", 40, is_of_a_word),
    of("glpat-", 20, is_of_gitlab),
    of("glcbt-", 20, is_of_gitlab),
];

const fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const fn is_of_gitlab(byte: u8) -> bool {
    is_of_a_word(byte) || matches!(byte, b'-' | b'.')
}

/// What is between the id and the secret in the address of a hook.
const HOOK: &[u8] = b"/deploy/";

/// The length of a UUID.
const UUID: usize = 36;

/// The secret of a hook has at least so many characters.
const SHORTEST_OF_HOOK: usize = 6;

/// Adds where such keys are in the line, in upper or lower case, and the secrets of
/// hooks.
pub(crate) fn find(line: &str, found: &mut Vec<Range<usize>>) {
    let bytes = line.as_bytes();
    found.extend(memchr::memmem::find_iter(bytes, HOOK).filter_map(|at| secret_of_hook(bytes, at)));
    for separator in memchr::memchr2_iter(b'_', b'-', bytes) {
        let (before, after) = bytes.split_at(separator + 1);
        let Some(shape) = SHAPES.iter().find(|shape| ends_with(before, shape.begins)) else {
            continue;
        };
        let length = after.iter().take_while(|byte| (shape.follows)(**byte));
        let length = length.count();
        if length >= shape.least {
            found.push(before.len() - shape.begins.len()..before.len() + length);
        }
    }
}

/// The secret in `…/apps/<uuid>/deploy/<secret>`, if that is what is around `at`.
fn secret_of_hook(line: &[u8], at: usize) -> Option<Range<usize>> {
    let (before, after) = line.split_at_checked(at)?;
    let (kind, id) = before.split_at_checked(before.len().checked_sub(UUID)?)?;
    let is_hook = (kind.ends_with(b"/apps/") || kind.ends_with(b"/static-sites/"))
        && std::str::from_utf8(id).is_ok_and(|id| uuid::Uuid::try_parse(id).is_ok());
    let secret = after.get(HOOK.len()..)?;
    let is_of_secret = |byte: &&u8| is_of_a_word(**byte) || **byte == b'-';
    let length = secret.iter().take_while(is_of_secret).count();
    let start = at + HOOK.len();
    (is_hook && length >= SHORTEST_OF_HOOK).then_some(start..start + length)
}

/// Whether a text has the address of a hook.
pub(crate) fn has_hook(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, HOOK).any(|at| secret_of_hook(bytes, at).is_some())
}

fn ends_with(text: &[u8], end: &str) -> bool {
    let from = text.len().checked_sub(end.len());
    let tail = from.and_then(|from| text.get(from..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}
