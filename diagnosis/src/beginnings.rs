//! Words that a line may begin with. Nearly every line begins with none of them,
//! and its first byte says so. Pure.

/// A list of words.
pub(super) struct Beginnings {
    words: &'static [&'static str],
    /// A bit for each byte that one of them begins with.
    firsts: [u128; 2],
}

impl Beginnings {
    #[expect(
        clippy::indexing_slicing,
        reason = "the index is below the length, and no word is empty"
    )]
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        let mut firsts = [0; 2];
        let mut at = 0;
        while at < words.len() {
            let first = words[at].as_bytes()[0];
            firsts[(first >> 7) as usize] |= 1 << (first & 127);
            at += 1;
        }
        Self { words, firsts }
    }

    /// Whether one of them begins with this byte.
    pub(super) const fn may_begin(&self, byte: usize) -> bool {
        let [low, high] = self.firsts;
        let bits = if byte < 128 { low } else { high };
        (bits >> (byte & 127)) & 1 == 1
    }

    /// All words that begin with the first byte of one of them, if it is the
    /// text's.
    fn near(&self, text: &str) -> &'static [&'static str] {
        let first = text.as_bytes().first();
        let may_begin = first.is_some_and(|first| self.may_begin(usize::from(*first)));
        if may_begin { self.words } else { &[] }
    }

    /// Whether the text begins with one of them.
    pub(super) fn begin(&self, text: &str) -> bool {
        self.near(text).iter().any(|word| text.starts_with(word))
    }

    /// What is behind the first of them that the text begins with.
    pub(super) fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.near(text)
            .iter()
            .find_map(|word| text.strip_prefix(word))
    }

    /// Whether one of them is at the beginning in the sense of this.
    pub(super) fn any(&self, text: &str, is_it: impl Fn(&str) -> bool) -> bool {
        self.near(text).iter().any(|word| is_it(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_begins_with_a_word_or_does_not() {
        const WORDS: Beginnings = Beginnings::of(&["error: ", "│", "err"]);
        assert_eq!(WORDS.strip("error: x"), Some("x"));
        assert_eq!(WORDS.strip("errors"), Some("ors"));
        assert_eq!(WORDS.strip("│ x"), Some(" x"));
        assert_eq!(WORDS.strip("x"), None);
        assert!(WORDS.begin("err") && !WORDS.begin("er") && !WORDS.begin("") && !WORDS.begin("┃"));
        assert!(WORDS.any("each", |word| word == "err") && !WORDS.any("x", |_| true));
    }
}
