//! Looks for many words at once, whatever their case. Pure.
//!
//! The next four bytes decide whether a word may begin at a place. The table of
//! their hashes fits into the fastest cache, and no place waits for the one before,
//! as the states of an automaton do.

/// So many bits a hash has.
const BITS: u32 = 16;

/// A bucket has the words of so many hashes.
const OF_BUCKET: usize = 16;

/// The most different words of two bytes.
const MOST_PAIRS: usize = 2;

/// Words to look for, by their numbers.
pub(super) struct Search {
    /// A bit for the hash of each four bytes that a word may begin with.
    may_begin: Box<[u64]>,
    /// The first of `words` of each bucket.
    buckets: Vec<u16>,
    words: Vec<Word>,
    pairs: [u16; MOST_PAIRS],
    /// The numbers of the words of two bytes.
    of_pairs: Vec<u16>,
}

/// How a word begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    hash: u16,
    number: u16,
    begins: u32,
}

impl Search {
    /// Of these words, none shorter than two bytes.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut words, mut pairs, mut of_pairs) = (Vec::new(), Vec::new(), Vec::new());
        for (number, text) in (0..).zip(texts) {
            let word = |four| Word {
                hash: hash(fold(four)),
                number,
                begins: fold(four),
            };
            match *text.as_bytes() {
                [a, b, c, d, ..] => words.push(word([a, b, c, d])),
                [a, b, c] => words.extend((0..=u8::MAX).map(|any| word([a, b, c, any]))),
                [a, b] => {
                    pairs.push(pair(fold([a, b, 0, 0])));
                    of_pairs.push(number);
                }
                _ => {}
            }
        }
        words.sort_unstable();
        words.dedup();
        pairs.dedup();
        debug_assert!(pairs.len() <= MOST_PAIRS);
        let mut may_begin = vec![0_u64; 1 << (BITS - 6)].into_boxed_slice();
        for word in &words {
            if let Some(bits) = may_begin.get_mut(usize::from(word.hash >> 6)) {
                *bits |= 1 << (word.hash & 63);
            }
        }
        let first = |bucket: usize| words.partition_point(|word| bucket_of(word.hash) < bucket);
        let buckets = (0..=(1 << BITS) / OF_BUCKET).map(first);
        let buckets = buckets.map(|first| u16::try_from(first).unwrap_or(u16::MAX));
        Self {
            buckets: buckets.collect(),
            pairs: [0, 1].map(|at| pairs.get(at).copied().unwrap_or_default()),
            may_begin,
            words,
            of_pairs,
        }
    }

    /// Gives the numbers of the words that may begin at a place, and the place.
    /// Whether more than their first bytes are there has still to be looked at.
    #[inline]
    pub(super) fn each(&self, bytes: &[u8], mut take: impl FnMut(u16, usize)) {
        let (may_begin, [one, other]) = (&*self.may_begin, self.pairs);
        let mut at = |four: [u8; 4], at: usize| {
            let begins = fold(four);
            let (hash, pair) = (hash(begins), pair(begins));
            let bits = may_begin.get(usize::from(hash >> 6)).copied();
            if bits.is_some_and(|bits| bits >> (hash & 63) & 1 == 1) {
                self.begun(begins).for_each(|number| take(number, at));
            }
            if pair == one || pair == other {
                self.of_pairs.iter().for_each(|number| take(*number, at));
            }
        };
        let windows = bytes.windows(4).enumerate();
        for (start, window) in windows {
            if let &[a, b, c, d] = window {
                at([a, b, c, d], start);
            }
        }
        for start in bytes.len().saturating_sub(3)..bytes.len() {
            let mut rest = bytes.get(start..).unwrap_or_default().iter().copied();
            at([(); 4].map(|()| rest.next().unwrap_or_default()), start);
        }
    }

    /// The numbers of the words that begin so.
    fn begun(&self, begins: u32) -> impl Iterator<Item = u16> + '_ {
        let bucket = bucket_of(hash(begins));
        let bound = |bucket: usize| self.buckets.get(bucket).copied().map_or(0, usize::from);
        let words = self.words.get(bound(bucket)..bound(bucket + 1));
        let words = words.unwrap_or_default().iter();
        words.filter_map(move |word| (word.begins == begins).then_some(word.number))
    }

    /// The numbers of the words that the text may begin with.
    pub(super) fn beginning(&self, bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
        let four = bytes.first_chunk().map(|four| fold(*four));
        four.into_iter().flat_map(|begins| self.begun(begins))
    }
}

/// Letters of both cases, and some signs, count as the same.
const fn fold(four: [u8; 4]) -> u32 {
    u32::from_le_bytes(four) | 0x2020_2020
}

#[expect(clippy::cast_possible_truncation, reason = "so many bits are left")]
const fn hash(begins: u32) -> u16 {
    (begins.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as u16
}

#[expect(clippy::cast_possible_truncation, reason = "the first two bytes")]
const fn pair(begins: u32) -> u16 {
    begins as u16
}

const fn bucket_of(hash: u16) -> usize {
    hash as usize / OF_BUCKET
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &["error", "err", "ok", "TS", "no such", "Error: x", "×"];

    /// The words that are in the text, with their places.
    fn found(text: &str) -> Vec<(&'static str, usize)> {
        let search = Search::of(WORDS.iter().copied());
        let mut found = Vec::new();
        search.each(text.as_bytes(), |number, at| {
            let word = WORDS[usize::from(number)];
            let is = text.as_bytes().get(at..at + word.len());
            if is.is_some_and(|is| is.eq_ignore_ascii_case(word.as_bytes())) {
                found.push((word, at));
            }
        });
        found.sort_by_key(|(word, at)| (*at, word.len()));
        found
    }

    #[test]
    fn each_word_is_found_wherever_it_is() {
        for (text, words) in [
            ("ERROR", vec![("err", 0), ("error", 0)]),
            ("no err", vec![("err", 3)]),
            ("oK", vec![("ok", 0)]),
            ("ts ok", vec![("TS", 0), ("ok", 3)]),
            (
                "a × error: X",
                vec![("×", 2), ("err", 5), ("error", 5), ("Error: x", 5)],
            ),
            ("no suc", vec![]),
            ("No such", vec![("no such", 0)]),
            ("", vec![]),
        ] {
            assert_eq!(found(text), words, "{text}");
        }
    }

    #[test]
    fn a_text_may_begin_with_a_word() {
        let search = Search::of(WORDS.iter().copied());
        let beginning = |text: &str| search.beginning(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(beginning("no such file"), [4]);
        assert_eq!(beginning("is no such"), []);
        assert_eq!(beginning("no"), []);
    }
}
