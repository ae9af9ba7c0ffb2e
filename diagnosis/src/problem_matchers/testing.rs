//! Tests that a build runs.

use super::super::problem_matcher::{Pattern, cause};
use super::number_then;

const FAILED: &str = "A test failed";
const JAVASCRIPT: &str = "Correct the program or the test; `npx vitest run` or `npx jest` shows the same on your machine.";
const PYTHON: &str = "Correct the program or the test; `pytest` shows the same on your machine.";
const RUBY: &str =
    "Correct the program or the test; `bundle exec rspec` shows the same on your machine.";
const PHP: &str =
    "Correct the program or the test; `vendor/bin/phpunit` shows the same on your machine.";
const GO: &str = "Correct the program or the test; `go test ./...` shows the same on your machine.";
const RUST: &str = "Correct the program or the test; `cargo test` shows the same on your machine.";
const JAVA: &str = "Correct the program or the test; `gradle test` shows the same on your machine.";
const DOTNET: &str =
    "Correct the program or the test; `dotnet test` shows the same on your machine.";
const ELIXIR: &str = "Correct the program or the test; `mix test` shows the same on your machine.";

pub(super) const PATTERNS: &[Pattern] = &[
    // Jest and Vitest
    cause(FAILED, &["FAIL "], JAVASCRIPT)
        .then(|text| {
            [".test.", ".spec.", "_test.", "__tests__/"]
                .iter()
                .any(|name| text.contains(name))
        })
        .keeps(2)
        .place_below(14),
    // pytest
    cause(FAILED, &["FAILED "], PYTHON).then(|text| text.contains(".py::")),
    cause(FAILED, &[".py:"], PYTHON)
        .anywhere()
        .then(|text| number_then(text, ": ") && text.ends_with("Error"))
        .needs_place(),
    // RSpec
    cause(FAILED, &["rspec ./"], RUBY).needs_place(),
    // PHPUnit
    cause(FAILED, &["Failed asserting that "], PHP).place_below(4),
    // Go
    cause(FAILED, &["--- FAIL: "], GO).keeps(1).place_below(3),
    // cargo
    cause(FAILED, &["test "], RUST).then(|text| text.ends_with(" ... FAILED")),
    // Gradle
    cause(FAILED, &[" > "], JAVA)
        .anywhere()
        .then(|text| text.ends_with("() FAILED"))
        .keeps(1)
        .place_below(3),
    // .NET
    cause(FAILED, &["Failed "], DOTNET)
        .then(|text| text.ends_with(" ms]") || text.ends_with(" s]"))
        .keeps(2)
        .place_below(8),
    // ExUnit
    cause(FAILED, &["Assertion with "], ELIXIR)
        .then(|text| text.trim_end().ends_with(" failed"))
        .place_above(3),
];
