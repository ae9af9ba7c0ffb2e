//! Identifiers and secrets that no test could guess.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// 64 random bits: the standard library seeds every `RandomState` afresh.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

pub(crate) fn hex(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        let _ = write!(text, "{:016x}", random());
    }
    text.truncate(length);
    text
}

/// A version 4 UUID.
pub(crate) fn uuid() -> String {
    let high = (random() & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (random() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let text = format!("{high:016x}{low:016x}");
    let parts: Vec<&str> = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .into_iter()
        .filter_map(|(from, to)| text.get(from..to))
        .collect();
    parts.join("-")
}

pub(crate) fn key() -> String {
    format!("svl_{}", hex(64))
}

pub(crate) fn request_id() -> String {
    format!("req-{}", hex(12))
}

/// The 12 letters at the end of a hook's URL.
pub(crate) fn hook_secret() -> String {
    letters(12)
}

pub(crate) fn letters(length: usize) -> String {
    hex(length)
        .bytes()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}
