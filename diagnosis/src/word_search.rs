//! Looks for many words at once, whatever their case. Pure.
//!
//! The next four bytes decide whether a word may begin at a place. The table of
//! their hashes fits into the fastest cache, and no place waits for the one before,
//! as the states of an automaton do.

/// So many bits a hash has.
const BITS: u32 = 17;

/// A bucket has the words of so many hashes.
const OF_BUCKET: usize = 32;

/// So many places are looked at together.
const AT_ONCE: usize = 64;

/// These, and those behind them that decide of the last ones.
type Block = [u8; AT_ONCE + 8];

/// The bits of all hashes.
type Bits = [u64; 1 << (BITS - 6)];

/// Words to look for, by their numbers.
pub(super) struct Search {
    /// A bit for the hash of each four bytes that a word may begin with.
    may_begin: Box<Bits>,
    /// The first of `words` of each bucket.
    buckets: Vec<u16>,
    words: Vec<Word>,
    /// The word of two bytes, and its numbers. There is only one.
    pair: u16,
    of_pair: Vec<u16>,
}

/// How a word begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    hash: u32,
    number: u16,
    /// Its first eight bytes, and which of them it has.
    begins: u64,
    mask: u64,
}

impl Search {
    /// Of these words, none shorter than two bytes, and no two of that length.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut words, mut two, mut of_pair) = (Vec::new(), 0, Vec::new());
        for (number, text) in (0..).zip(texts) {
            let bytes = text.as_bytes();
            let mask = u64::MAX >> (64 - 8 * bytes.len().clamp(1, 8));
            let begins = fold(eight(bytes)) & mask;
            let word = |four: u32| Word {
                hash: hash(four),
                number,
                begins,
                mask,
            };
            let four = low(fold(eight(bytes)));
            match bytes.len() {
                0 | 1 => {}
                2 => {
                    debug_assert!(of_pair.is_empty() || two == pair(four));
                    two = pair(four);
                    of_pair.push(number);
                }
                3 => {
                    let fourth = (0..=u8::MAX).map(|byte| u32::from(byte | FOLDED) << 24);
                    words.extend(fourth.map(|fourth| word(four & 0xff_ffff | fourth)));
                }
                _ => words.push(word(four)),
            }
        }
        words.sort_unstable();
        words.dedup();
        let mut may_begin = Box::new([0; 1 << (BITS - 6)]);
        for word in &words {
            if let Some(bits) = may_begin.get_mut((word.hash >> 6) as usize) {
                *bits |= 1 << (word.hash & 63);
            }
        }
        let first = |bucket: usize| words.partition_point(|word| bucket_of(word.hash) < bucket);
        let buckets = (0..=(1 << BITS) / OF_BUCKET).map(first);
        let buckets = buckets.map(|first| u16::try_from(first).unwrap_or(u16::MAX));
        Self {
            buckets: buckets.collect(),
            pair: two,
            may_begin,
            words,
            of_pair,
        }
    }

    /// Gives the numbers of the words that may begin at a place, and the place.
    /// Whether more than their first bytes are there has still to be looked at.
    #[inline]
    pub(super) fn each(&self, bytes: &[u8], mut take: impl FnMut(u16, usize)) {
        for begin in (0..bytes.len()).step_by(AT_ONCE) {
            let rest = bytes.get(begin..).unwrap_or_default();
            let mut places = match rest.first_chunk() {
                Some(block) => self.places(block, AT_ONCE),
                None => self.places(&padded(rest), rest.len().min(AT_ONCE)),
            };
            while places != 0 {
                let at = begin + places.trailing_zeros() as usize;
                places &= places - 1;
                let bytes = bytes.get(at..).unwrap_or_default();
                let four = low(fold(eight(bytes)));
                self.begun(hash(four), bytes)
                    .for_each(|number| take(number, at));
            }
        }
        self.each_pair(bytes, take);
    }

    /// Calls `take` for each place of a word of two bytes.
    fn each_pair(&self, bytes: &[u8], mut take: impl FnMut(u16, usize)) {
        let [first, second] = self.pair.to_le_bytes();
        let seconds = memchr::memchr2_iter(second, second ^ FOLDED, bytes);
        let begins = seconds.filter_map(|at| at.checked_sub(1));
        for at in begins.filter(|at| bytes.get(*at).is_some_and(|byte| byte | FOLDED == first)) {
            self.of_pair.iter().for_each(|number| take(*number, at));
        }
    }

    /// The first places at which a word may begin, a bit each. Without a branch for
    /// each, which nothing could foresee.
    #[inline]
    fn places(&self, block: &Block, count: usize) -> u64 {
        let (fours, _) = block.as_chunks::<4>();
        let pairs = fours.windows(2).take(count.div_ceil(4));
        let mut places = 0;
        for (at, pair) in pairs.enumerate() {
            let &[one, other] = pair else {
                continue;
            };
            let one = u64::from(u32::from_le_bytes(one));
            let eight = fold(one | u64::from(u32::from_le_bytes(other)) << 32);
            let is = |shift: u32| u64::from(is_set(&self.may_begin, hash(low(eight >> shift))));
            let four = is(0) | is(8) << 1 | is(16) << 2 | is(24) << 3;
            places |= four << (4 * at);
        }
        places & u64::MAX >> (64 - count.clamp(1, 64))
    }

    /// The numbers of the words of this hash that the bytes may begin with.
    fn begun(&self, hash: u32, bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
        let bucket = bucket_of(hash);
        let bound = |bucket: usize| self.buckets.get(bucket).copied().map_or(0, usize::from);
        let words = self.words.get(bound(bucket)..bound(bucket + 1));
        let words = words.unwrap_or_default().iter();
        let eight = fold(eight(bytes));
        words.filter_map(move |word| {
            let is_it = word.hash == hash && eight & word.mask == word.begins;
            is_it.then_some(word.number)
        })
    }

    /// The numbers of the words that the text may begin with.
    pub(super) fn beginning(&self, bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
        self.begun(hash(low(fold(eight(bytes)))), bytes)
    }
}

/// Letters of both cases, and some signs, differ by this bit.
const FOLDED: u8 = 0x20;

/// This bit in each of eight bytes.
const FOLD: u64 = u64::from_le_bytes([FOLDED; 8]);

const fn fold(bytes: u64) -> u64 {
    bytes | FOLD
}

/// The bytes, and zeros behind them.
fn padded(bytes: &[u8]) -> Block {
    let mut block = [0; AT_ONCE + 8];
    if let Some(begin) = block.get_mut(..bytes.len()) {
        begin.copy_from_slice(bytes);
    }
    block
}

/// The first eight bytes; zeros if there are fewer.
fn eight(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    let bytes = bytes.iter().rev();
    bytes.fold(0, |eight, byte| eight << 8 | u64::from(*byte))
}

#[expect(clippy::cast_possible_truncation, reason = "the first four bytes")]
const fn low(eight: u64) -> u32 {
    eight as u32
}

const fn hash(four: u32) -> u32 {
    four.wrapping_mul(0x9e37_79b1) >> (32 - BITS)
}

#[expect(clippy::cast_possible_truncation, reason = "the first two bytes")]
const fn pair(four: u32) -> u16 {
    four as u16
}

#[expect(clippy::indexing_slicing, reason = "a hash has no more bits")]
const fn is_set(bits: &Bits, hash: u32) -> bool {
    bits[(hash >> 6) as usize] >> (hash & 63) & 1 == 1
}

const fn bucket_of(hash: u32) -> usize {
    hash as usize / OF_BUCKET
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &["error", "err", "ok", "no such", "Error: x", "×  "];

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
            ("ts ok", vec![("ok", 3)]),
            (
                "a ×  error: X",
                vec![("×  ", 2), ("err", 6), ("error", 6), ("Error: x", 6)],
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
        assert_eq!(beginning("no such file"), [3]);
        assert_eq!(beginning("is no such"), []);
        assert_eq!(beginning("no"), []);
    }
}
