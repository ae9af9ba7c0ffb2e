//! How test frameworks show a test that failed: the block with its name, and
//! what was expected.

use super::super::problem_matcher::{Pattern, cause};
use super::number_then;

const FAILED: &str = "A test failed";
const ADVICE: &str =
    "Correct the program or the test; the same test on your machine fails in the same way.";

/// A row of this title.
const fn test(words: &'static [&'static str]) -> Pattern {
    cause(FAILED, words, ADVICE)
}

pub(super) const PATTERNS: &[Pattern] = &[
    // Node's assert, chai, JUnit
    test(&[
        "AssertionError",
        "AssertionFailedError",
        "java.lang.AssertionError",
        "junit.framework.AssertionFailedError",
        "org.opentest4j.AssertionFailedError",
        "org.junit.ComparisonFailure",
    ])
    .then(|text| text.is_empty() || text.starts_with(": ") || text.starts_with(" ["))
    .keeps(2)
    .place_below(6),
    test(&["Error: expect(", "expect(received)", "expect(element)"])
        .keeps(4)
        .place_below(14),
    // pytest
    test(&["E  "])
        .then(|text| {
            let message = text.trim_start();
            let name = message.split(':').next().unwrap_or_default();
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
            message.starts_with("assert ") || (is_name && name.ends_with("Error"))
        })
        .keeps(2)
        .place_below(14),
    // unittest
    test(&["FAIL: "])
        .then(|text| text.trim_end().ends_with(')') && text.contains(" ("))
        .place_below(8),
    // RSpec
    test(&["Failure/Error: "]).keeps(3).place_below(8),
    // Minitest
    test(&[") Failure:", ") Error:"])
        .anywhere()
        .then(|text| text.trim().is_empty())
        .when(begins_with_number)
        .keeps(4)
        .place_below(4),
    // ExUnit
    test(&[") test "])
        .anywhere()
        .then(|text| text.trim_end().ends_with(')'))
        .when(begins_with_number)
        .keeps(4)
        .place_below(2),
    // ScalaTest
    test(&["*** FAILED ***"])
        .anywhere()
        .then(|text| !text.contains("TESTS FAILED") && !text.contains("TEST FAILED"))
        .when(|text| text.contains("- "))
        .keeps(2),
    // Jasmine
    test(&["Message:"]).alone().behind("1) ").keeps(2),
    // The Test Anything Protocol
    test(&["not ok "])
        .then(|text| {
            let is_expected = text.contains("# TODO") || text.contains("# SKIP");
            text.starts_with(|c: char| c.is_ascii_digit()) && !is_expected
        })
        .keeps(5),
    test(&["Failed test '", "Failed test at ", "#   Failed test"])
        .anywhere()
        .keeps(3)
        .place_below(2),
    // XCTest
    test(&[", XCTAssert"])
        .anywhere()
        .then(|text| text.contains("failed"))
        .keeps(1),
    test(&[" : XCTAssert"])
        .anywhere()
        .when(|text| text.contains(": error: ")),
    // PHP's own
    test(&["FAIL "]).then(|text| text.trim_end().ends_with(".phpt]")),
    // Tasty
    test(&[" FAIL"])
        .anywhere()
        .then(|text| {
            let text = text.trim_end();
            text.is_empty() || (text.starts_with(" (") && text.ends_with("s)"))
        })
        .when(|text| text.contains(": ") && !text.starts_with("Test suite "))
        .keeps(4),
    // Hspec
    test(&["FAILED ["])
        .anywhere()
        .then(|text| number_then(text, "]")),
    // testthat
    test(&[". Failure: ", ". Error: "])
        .anywhere()
        .then(|text| text.contains("(@"))
        .keeps(4),
    test(&["Failure (", "Error ("])
        .anywhere()
        .then(|text| text.starts_with("test") && text.contains(".R:"))
        .keeps(4),
    // Common Test
    test(&[" failed on line "])
        .anywhere()
        .then(|text| text.trim_end().bytes().all(|byte| byte.is_ascii_digit()))
        .keeps(1),
    // GoogleTest and Catch2
    test(&[": Failure", ": FAILED:"])
        .anywhere()
        .then(|text| text.trim().is_empty())
        .when(|text| text.contains(".c") && text.contains(|c: char| c.is_ascii_digit()))
        .keeps(3),
    // Busted
    test(&["Failure \u{2192} ", "Error \u{2192} "])
        .anywhere()
        .then(|text| text.contains(".lua"))
        .keeps(3),
    // Surefire
    test(&["<<< FAILURE!", "<<< ERROR!"])
        .anywhere()
        .when(|text| !text.contains("Tests run:"))
        .keeps(2),
    // xUnit
    test(&["[FAIL]"])
        .anywhere()
        .then(|text| text.trim().is_empty())
        .keeps(3)
        .place_below(8),
    // Karma
    test(&[" FAILED"])
        .anywhere()
        .then(|text| text.trim().is_empty())
        .when(|text| text.contains(") ") && text.split(' ').count() > 4)
        .keeps(3),
];

/// `  1) `
fn begins_with_number(text: &str) -> bool {
    number_then(text.trim_start(), ")")
}
