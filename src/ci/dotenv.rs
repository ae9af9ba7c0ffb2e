//! Lines `NAME=value` as many programs read them: GitLab, Bitbucket, Docker,
//! and shells, which people let run such a file.
//!
//! These readers agree on little: some keep quotes and some do not, a shell
//! runs what follows a semicolon, GitLab expands `$NAME`. So only values are
//! written that all of them read unchanged.

/// The line, with its end, or `None` for a value that somebody would read as
/// something else.
pub(crate) fn line(variable: &str, value: &str) -> Option<String> {
    value
        .chars()
        .all(is_read_as_it_is)
        .then(|| format!("{variable}={value}\n"))
}

const fn is_read_as_it_is(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '/' | ':' | '@' | '%' | '+' | ',' | '=' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_words_and_addresses_are_written_and_nothing_else() {
        for value in [
            "",
            "6a1bbd1c-0000-4000-8000-000000000001",
            "https://shop.sevalla.app/a%20b",
            "feature/x_1.2+3@4,5=6",
        ] {
            assert_eq!(line("A_B", value).unwrap(), format!("A_B={value}\n"));
        }
        for value in [
            "a b", "a\nB=c", "a\r", "'a'", "\"a\"", "`a`", "$A", "a;b", "a&b", "#a", "~", "*",
            "a\\b", "ü", "a\0b", "{}", "!x", "(x)", "<x", "\t",
        ] {
            assert_eq!(line("A", value), None, "{value:?}");
        }
    }
}
