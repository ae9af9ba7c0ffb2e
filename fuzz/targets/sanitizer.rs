//! Sanitized text holds no control character, no marker and no secret,
//! and sanitizing it again changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sevalla_deploy::sanitize::redactor::Redactor;
use sevalla_deploy::sanitize::Sanitizer;

const KEY: &str = "svl_0123456789abcdef";

fuzz_target!(|text: &str| {
    let sanitizer = Sanitizer::new(Redactor::new([KEY]));
    let line = sanitizer.line(text);
    let line = line.as_str();
    assert!(!line.contains(KEY));
    assert!(line.chars().all(|c| !c.is_control() || c == '\t'), "{line:?}");
    let lower: String = line
        .chars()
        .filter(char::is_ascii)
        .collect::<String>()
        .to_lowercase();
    for marker in ["##[", "##vso[", "##teamcity["] {
        assert!(!lower.contains(marker), "{line:?}");
    }
    assert_eq!(sanitizer.line(line).as_str(), line);
    let block = sanitizer.block(text);
    assert!(block.as_str().chars().all(|c| !c.is_control() || c == '\t' || c == '\n'));
    assert_eq!(sanitizer.block(block.as_str()).as_str().trim_end_matches('\n'), block.as_str().trim_end_matches('\n'));
});
