//! What tools print when they fail, tool by tool.

#[cfg(test)]
mod advice;
mod bundlers;
mod checks;
mod compilers;
mod containers;
mod dotnet_elixir_deno;
mod java;
mod node;
mod php_ruby;
mod python;
mod running;
mod test_failures;
mod testing;

pub(super) use self::bundlers::LINT;
pub(super) use self::java::{JAVA, SPRING};
pub(super) use self::php_ruby::PHP;
pub(super) use self::python::EXCEPTION;
pub(super) use self::running::UNCAUGHT;
use super::problem_matcher::Pattern;

/// All patterns.
pub(super) fn all() -> impl Iterator<Item = &'static Pattern> {
    [
        node::PATTERNS,
        bundlers::PATTERNS,
        python::PATTERNS,
        compilers::PATTERNS,
        java::PATTERNS,
        php_ruby::PATTERNS,
        dotnet_elixir_deno::PATTERNS,
        testing::PATTERNS,
        test_failures::PATTERNS,
        checks::PATTERNS,
        containers::PATTERNS,
        running::PATTERNS,
    ]
    .into_iter()
    .flatten()
}

/// How the numbers of errors of TypeScript begin.
const TYPESCRIPT: &[&str] = &[
    "TS1", "TS2", "TS3", "TS4", "TS5", "TS6", "TS7", "TS8", "TS9",
];

/// Whether the text begins with digits that this follows.
fn number_then(text: &str, end: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(end)
}

/// Whether nothing follows the number.
fn ends(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_alphanumeric() || c == '.')
}

/// Whether there is more than the words.
fn says_what(text: &str) -> bool {
    !text.trim().is_empty()
}
