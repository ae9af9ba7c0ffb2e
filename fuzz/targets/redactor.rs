//! The first line is a secret; the rest is text around it. Nothing of it is
//! left, nothing else goes, and any other text stays as it is or loses only
//! what is part of the secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sevalla_deploy::sanitize::redactor::{PartialMatch, Redactor, SHORTEST};

fuzz_target!(|text: &str| {
    let Some((secret, text)) = text.split_once('\n') else {
        return;
    };
    let redactor = Redactor::new([secret]);
    let shown = redactor.redact(text);
    assert!(shown.matches("***").count() * SHORTEST <= text.len() + shown.len());
    let secret = secret.trim();
    if secret.len() < SHORTEST || secret.contains(['\r', '\n']) || secret.contains('*') {
        return;
    }
    assert!(!shown.contains(secret), "{shown:?}");
    let around = format!("<{secret}>");
    assert_eq!(redactor.redact(&around), "<***>");
    // Broken anywhere: what is left is shorter than what counts as a part. The
    // beginning of an address is not secret.
    if secret.len() >= 12 && !secret.contains("://") {
        for (at, _) in secret.char_indices() {
            let (first, second) = secret.split_at(at);
            let mut broken = PartialMatch::default();
            let first = redactor.redact_next(first, &mut broken);
            let second = redactor.redact_next(second, &mut broken);
            let left = first.replace("***", "").len().max(second.replace("***", "").len());
            // A character of four bytes may stand across the part's end.
            assert!(left < 8 + 4 || !secret.is_ascii(), "{first} {second}");
        }
    }
});
