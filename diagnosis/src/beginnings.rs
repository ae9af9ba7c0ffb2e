//! Words that a line may begin with. Nearly every line begins with none of them,
//! and its first byte says so. Pure.

/// A list of words.
pub(super) struct Beginnings {
    words: &'static [&'static str],
    /// A bit for each byte that one of them begins with.
    firsts: [u128; 2],
    /// A bit for each byte that is the second of one of them.
    seconds: [u128; 2],
}

impl Beginnings {
    #[expect(
        clippy::indexing_slicing,
        reason = "the indexes are below the lengths, and no word is empty"
    )]
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        let (mut firsts, mut seconds) = ([0; 2], [0; 2]);
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes();
            firsts[(word[0] >> 7) as usize] |= 1 << (word[0] & 127);
            if word.len() == 1 {
                seconds = [u128::MAX; 2];
            } else {
                seconds[(word[1] >> 7) as usize] |= 1 << (word[1] & 127);
            }
            at += 1;
        }
        Self {
            words,
            firsts,
            seconds,
        }
    }

    /// Whether one of them begins with this byte.
    pub(super) const fn may_begin(&self, byte: u8) -> bool {
        has(self.firsts, byte)
    }

    /// The words that begin with the text's first byte.
    #[inline]
    fn near<'a>(&self, text: &'a str) -> impl Iterator<Item = &'static str> + use<'a> {
        let bytes = text.as_bytes();
        let first = bytes.first();
        let is_near = first.is_some_and(|first| has(self.firsts, *first))
            && bytes.get(1).is_none_or(|second| has(self.seconds, *second));
        let words = if is_near { self.words } else { &[] };
        let words = words.iter().copied();
        words.filter(move |word| word.as_bytes().first() == first)
    }

    /// Whether the text begins with one of them.
    #[inline]
    pub(super) fn begin(&self, text: &str) -> bool {
        self.near(text).any(|word| text.starts_with(word))
    }

    /// What is behind the first of them that the text begins with.
    #[inline]
    pub(super) fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.near(text).find_map(|word| text.strip_prefix(word))
    }

    /// Whether one of them is at the beginning in the sense of this.
    pub(super) fn any(&self, text: &str, is_it: impl Fn(&str) -> bool) -> bool {
        self.near(text).any(is_it)
    }
}

/// Whether the bit of the byte is set.
const fn has([low, high]: [u128; 2], byte: u8) -> bool {
    let bits = if byte < 128 { low } else { high };
    (bits >> (byte & 127)) & 1 == 1
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
        assert!(WORDS.any("erase", |word| word == "err") && !WORDS.any("x", |_| true));
    }
}
