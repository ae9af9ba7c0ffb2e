//! The word that somebody may have meant.

/// Below this likeness a suggestion is a guess that misleads.
const ALIKE: f64 = 0.6;
/// What is shorter begins like too many.
const SHORTEST: usize = 3;
/// What is longer is like none of them, and takes long to compare.
const LONGEST: usize = 100;

/// The word that somebody may have meant: the shortest that begins like this, the
/// only one that ends with it, or the one that is most alike.
pub(crate) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.to_lowercase().replace('_', "-");
    // As the API's documents write it; here it is short.
    let text = text.replace("application", "app");
    part_of(&text, words)
        .or_else(|| most_alike(&text, words))
        .copied()
}

fn part_of<'w, 'a>(text: &str, words: &'w [&'a str]) -> Option<&'w &'a str> {
    if text.len() < SHORTEST {
        return None;
    }
    let begins = words.iter().filter(|word| word.starts_with(text));
    let end = format!("-{text}");
    let mut ends = words.iter().filter(|word| word.ends_with(&end));
    let only = ends.next().filter(|_| ends.next().is_none());
    begins.min_by_key(|word| word.len()).or(only)
}

fn most_alike<'w, 'a>(text: &str, words: &'w [&'a str]) -> Option<&'w &'a str> {
    let likeness = |word: &str| strsim::normalized_damerau_levenshtein(text, word);
    let alike = words.iter().map(|word| (likeness(word), word));
    alike
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(alike, _)| *alike >= ALIKE)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_word_or_one_that_is_alike_means_it() {
        let words = [
            "output-password",
            "output-file",
            "static-site-id",
            "app-id",
            "branch",
        ];
        for (text, meant) in [
            ("output", Some("output-file")),
            ("site-id", Some("static-site-id")),
            ("SITE_ID", Some("static-site-id")),
            ("application-id", Some("app-id")),
            ("brnach", Some("branch")),
            ("id", None),
            ("quorum", None),
        ] {
            assert_eq!(nearest(text, &words), meant, "{text}");
        }
    }
}
