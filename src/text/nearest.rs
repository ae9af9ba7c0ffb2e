//! The word that somebody may have meant.

/// The word that somebody may have meant: the first that begins like this, or
/// the one that is most alike.
pub(crate) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    /// Below this likeness a suggestion is a guess that misleads.
    const ALIKE: f64 = 0.6;
    /// What is shorter begins like too many.
    const SHORTEST: usize = 3;
    /// What is longer is like none of them, and takes long to compare.
    const LONGEST: usize = 100;
    if text.len() > LONGEST {
        return None;
    }
    let text = text.to_lowercase().replace('_', "-");
    let begins = words
        .iter()
        .find(|word| text.len() >= SHORTEST && word.starts_with(&text));
    let likeness = |word: &str| strsim::normalized_damerau_levenshtein(&text, word);
    let alike = words.iter().map(|word| (likeness(word), word));
    let alike = alike
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(alike, _)| *alike >= ALIKE)
        .map(|(_, word)| word);
    begins.or(alike).copied()
}
