//! Placeholders that a CI leaves in a value if it knows no variable of the
//! name.
//!
//! | | who fills it in |
//! | --- | --- |
//! | `$NAME`, `${NAME}` | shells, GitLab, Woodpecker, Drone, Jenkins, Bitbucket |
//! | `$(NAME)`, `$[…]` | Azure Pipelines |
//! | `%NAME%` | TeamCity, Windows |
//! | `${{ … }}`, `{{ … }}` | GitHub, Gitea, and templates in general |
//! | `<< … >>` | CircleCI |
//! | `$[[ … ]]` | GitLab's components |
//! | `<% … %>` | templates in general |
//! | `((NAME))` | Concourse |
//! | `#{NAME}` | Octopus, Replace Tokens of Azure Pipelines |

/// The first placeholder in a text.
pub(crate) fn find(text: &str) -> Option<&str> {
    (0..text.len()).find_map(|at| beginning(text.get(at..)?, text.get(..at)?))
}

/// Whether a text is one placeholder and nothing else.
pub(crate) fn is_whole(text: &str) -> bool {
    find(text) == Some(text)
}

/// The placeholder with which a text begins.
fn beginning<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    /// The longer ones first: each begins like a shorter one.
    const PAIRS: [(&str, &str); 10] = [
        ("${{", "}}"),
        ("$[[", "]]"),
        ("{{", "}}"),
        ("${", "}"),
        ("$(", ")"),
        ("$[", "]"),
        ("<<", ">>"),
        ("<%", "%>"),
        ("((", "))"),
        ("#{", "}"),
    ];
    let pair = PAIRS.iter().find_map(|(opening, closing)| {
        let inner = text.strip_prefix(opening)?;
        let length = inner.find(closing)?;
        let is_named = !inner.get(..length)?.trim().is_empty();
        let end = opening.len() + length + closing.len();
        text.get(..end).filter(|_| is_named)
    });
    pair.or_else(|| shell_variable(text))
        .or_else(|| between_percent_signs(text, before))
}

/// `$NAME`.
fn shell_variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = name.find(|c| !is_name(c)).unwrap_or(name.len());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    text.get(..=length).filter(|_| begins)
}

/// `%NAME%`. In an address `%` begins a character in hexadecimal digits: where
/// both signs do, nothing is claimed.
fn between_percent_signs<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let name = text.strip_prefix('%')?;
    let length = name.find('%')?;
    let inner = name.get(..length)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let begins = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_hex = |text: &str| {
        let digits = text.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let is_encoded = is_hex(name) && is_hex(name.get(length + 1..)?);
    // The second sign of one pair is not the first of another, but for `%%NAME%%`.
    let is_double = name.get(length + 1..)?.starts_with('%');
    let is_closing = before.ends_with('%') && !is_double;
    (begins && inner.chars().all(is_name) && !is_encoded && !is_closing)
        .then(|| text.get(..length + 2))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_variable_is_found_wherever_it_is() {
        for (text, found) in [
            ("$TAG", "$TAG"),
            ("ghcr.io/acme/shop:$TAG", "$TAG"),
            ("ghcr.io/acme/shop:${TAG:-latest}", "${TAG:-latest}"),
            ("ghcr.io/acme/shop:$(Build.BuildId)", "$(Build.BuildId)"),
            ("shop:%build.number%", "%build.number%"),
            ("https://%BASE_URL%/x", "%BASE_URL%"),
            ("shop:%%TAG%%", "%TAG%"),
            (
                "https://%DEPLOY_HOST%.example.com/caf%C3%A9",
                "%DEPLOY_HOST%",
            ),
            ("https://{{ host }}/", "{{ host }}"),
            ("${{ github.ref_name }}", "${{ github.ref_name }}"),
            ("x-<< pipeline.git.branch >>", "<< pipeline.git.branch >>"),
            ("$[[ inputs.branch ]]", "$[[ inputs.branch ]]"),
            ("$[variables.branch]", "$[variables.branch]"),
            ("a<% name %>b", "<% name %>"),
            ("release-((version))", "((version))"),
            ("shop:#{Tag}#", "#{Tag}"),
            ("größe-$GRÖSSE", "$GR"),
        ] {
            assert_eq!(find(text), Some(found), "{text}");
        }
        assert!(is_whole("$(KEY)") && !is_whole("a$(KEY)") && !is_whole("$(KEY) "));
    }

    #[test]
    fn what_only_looks_alike_is_no_placeholder() {
        for text in [
            "",
            "$",
            "5$",
            "$1",
            "a$-b",
            "100%",
            "50% of 100%",
            "50%%of 100%",
            "https://example.com/caf%C3%A9abc%20b",
            "https://example.com/%20a%20",
            "https://example.com/{commit}/{deployment-id}",
            "{}",
            "{{}}",
            "${}",
            "a << b",
            "https://example.com/#{}",
            "f((",
            "größe",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
