//! Tests that a build runs.

use super::super::pattern::{Pattern, cause};
use super::number_then;

const FAILED: &str = "A test failed";
const ADVICE: &str = "Correct the program or the test; the log says what was expected.";

pub(super) const PATTERNS: &[Pattern] = &[
    // Jest and Vitest
    cause(FAILED, &["FAIL "], ADVICE)
        .then(|text| {
            [".test.", ".spec.", "_test.", "__tests__/"]
                .iter()
                .any(|name| text.contains(name))
        })
        .keeps(2)
        .place_below(14),
    // pytest
    cause(FAILED, &["FAILED "], ADVICE).then(|text| text.contains(".py::")),
    cause(FAILED, &[".py:"], ADVICE)
        .anywhere()
        .then(|text| number_then(text, ": ") && text.ends_with("Error"))
        .needs_place(),
    // RSpec
    cause(FAILED, &["rspec ./"], ADVICE).needs_place(),
    // PHPUnit
    cause(FAILED, &["Failed asserting that "], ADVICE).place_below(4),
    // Go
    cause(FAILED, &["--- FAIL: "], ADVICE)
        .keeps(1)
        .place_below(3),
    // cargo
    cause(FAILED, &["test "], ADVICE).then(|text| text.ends_with(" ... FAILED")),
    // Gradle
    cause(FAILED, &[" > "], ADVICE)
        .anywhere()
        .then(|text| text.ends_with("() FAILED"))
        .keeps(1)
        .place_below(3),
    // .NET
    cause(FAILED, &["Failed "], ADVICE)
        .then(|text| text.ends_with(" ms]") || text.ends_with(" s]"))
        .keeps(2)
        .place_below(8),
    // ExUnit
    cause(FAILED, &["Assertion with "], ADVICE)
        .then(|text| text.trim_end().ends_with(" failed"))
        .place_above(3),
];
