//! Which lines count as the same, apart from their numbers, hashes and times, and
//! which begin alike. Pure.
//!
//! Eight bytes are taken at once, so that no byte waits for the one before.

/// So much of a line makes it the same as another, in bytes.
const COMPARED: usize = 96;

/// So many bytes that are no digits make a line akin to another.
const AKIN: usize = 8;

/// Their bits.
const FIRST: u128 = (1 << AKIN) - 1;

/// So many bits a kind has.
const BITS: u32 = 15;

/// So many kinds there are.
pub(super) const KINDS: usize = 1 << BITS;

/// The beginning of a line, with zeros behind it, of which eight can be taken
/// everywhere.
type Padded = [u8; COMPARED + 8];

/// The kind of a line without its numbers, and without words that have digits; and
/// the kind of how it begins.
pub(super) fn kinds(line: &[u8]) -> (u16, u16) {
    let line = line.get(..COMPARED).unwrap_or(line);
    let bytes = padded(line);
    let (digits, words) = masks(&bytes, line.len());
    let same = same_of(&bytes, line.len(), digits, words).kind();
    let akin = (line.len() >= AKIN && digits & FIRST == 0).then(|| {
        let mut hash = Hash::default();
        hash.take(&bytes, 0, AKIN);
        hash.kind()
    });
    (same, akin.or_else(|| akin_of(line)).unwrap_or(same))
}

fn padded(line: &[u8]) -> Padded {
    let mut padded = [0; COMPARED + 8];
    if let Some(begin) = padded.get_mut(..line.len()) {
        begin.copy_from_slice(line);
    }
    padded
}

/// A bit for each byte that is a digit, and for each that may be in a word.
fn masks(bytes: &Padded, length: usize) -> (u128, u128) {
    let (eights, _) = bytes.as_chunks::<8>();
    let (mut digits, mut words) = ([0; 2], [0; 2]);
    for (at, eight) in eights.iter().take(length.div_ceil(8)).enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let of_digits = within(eight, b'0', b'9');
        let letters = within(eight | repeated(0x20), b'a', b'z');
        let (half, shift) = (at >> 3, 8 * (at & 7));
        if let (Some(digits), Some(words)) = (digits.get_mut(half), words.get_mut(half)) {
            *digits |= gathered(of_digits) << shift;
            *words |= gathered(of_digits | letters) << shift;
        }
    }
    let whole = |[low, high]: [u64; 2]| u128::from(low) | u128::from(high) << 64;
    (whole(digits), whole(words))
}

/// A hash of a line without the words in it that have digits: numbers, hashes, and
/// times. Only the first 96 bytes count.
pub fn masked_hash(line: &str) -> u64 {
    let line = line.as_bytes();
    let line = line.get(..COMPARED).unwrap_or(line);
    let bytes = padded(line);
    let (digits, words) = masks(&bytes, line.len());
    same_of(&bytes, line.len(), digits, words).0
}

/// A hash of a line without words that have digits.
fn same_of(bytes: &Padded, length: usize, mut digits: u128, words: u128) -> Hash {
    let (mut hash, mut begin) = (Hash::default(), 0);
    while digits != 0 {
        let digit = digits.trailing_zeros();
        let before = !words & ((1 << digit) - 1);
        let word = 128 - before.leading_zeros();
        let end = digit + (!words >> digit).trailing_zeros();
        hash.take(bytes, begin, word as usize);
        begin = end as usize;
        digits = digits >> end << end;
    }
    hash.take(bytes, begin, length);
    hash
}

/// The kind of the first bytes that are no digits, if there are enough, without
/// words with digits that end among them.
fn akin_of(line: &[u8]) -> Option<u16> {
    let (mut kept, mut length, mut word) = (padded(&[]), 0, 0);
    let (mut has_digit, mut rest) = (false, AKIN);
    for byte in line {
        if !is_of_word(*byte) {
            length = if has_digit { word } else { length };
            word = length + 1;
            has_digit = false;
        }
        if byte.is_ascii_digit() {
            has_digit = true;
            continue;
        }
        *kept.get_mut(length)? = *byte;
        (length, rest) = (length + 1, rest - 1);
        if rest == 0 {
            let mut hash = Hash::default();
            hash.take(&kept, 0, length);
            return Some(hash.kind());
        }
    }
    None
}

const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each of the eight bytes that lies between these of ASCII.
const fn within(eight: u64, first: u8, last: u8) -> u64 {
    let low = eight & repeated(0x7f);
    let from = low + repeated(0x80 - first);
    let behind = low + repeated(0x7f - last);
    from & !behind & !eight & repeated(0x80)
}

/// The highest bits of eight bytes, side by side.
const fn gathered(eight: u64) -> u64 {
    (eight >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of bytes, eight at once.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    /// Takes the bytes from here to there, and how many they are.
    fn take(&mut self, bytes: &Padded, begin: usize, end: usize) {
        if begin < end {
            self.mix((end - begin) as u64);
        }
        for at in (begin..end).step_by(8) {
            let eight = bytes.get(at..).and_then(<[u8]>::first_chunk);
            let eight = eight.map_or(0, |eight| u64::from_le_bytes(*eight));
            // Those behind the end do not count.
            self.mix(eight & u64::MAX >> (64 - 8 * (end - at).min(8)));
        }
    }

    fn mix(&mut self, eight: u64) {
        let product = u128::from(self.0 ^ eight ^ FACTOR) * u128::from(FACTOR);
        self.0 = low(product) ^ low(product >> 64);
    }

    fn kind(&self) -> u16 {
        u16::try_from(self.0.wrapping_mul(FACTOR) >> (64 - BITS)).unwrap_or_default()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn low(product: u128) -> u64 {
    product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(line: &str) -> u16 {
        kinds(line.as_bytes()).0
    }

    fn akin(line: &str) -> u16 {
        kinds(line.as_bytes()).1
    }

    #[test]
    fn lines_that_differ_in_numbers_and_hashes_are_the_same() {
        for (one, other) in [
            ("took 12 ms", "took 3456 ms"),
            ("layer 9f13f5e3: done", "layer ab0: done"),
            ("a1 b", "c22 b"),
            ("done 12", "done 9"),
            ("1", "22"),
            ("äöü 1", "äöü 2"),
        ] {
            assert_eq!(same(one), same(other), "{one}");
        }
        let long = "x ".repeat(60);
        assert_eq!(same(&format!("{long}a")), same(&format!("{long}b")));
        for (one, other) in [
            ("took 12 ms", "took 12 s"),
            ("a b", "a  b"),
            ("a", "a\0"),
            ("äöü 1", "äöo 1"),
        ] {
            assert_ne!(same(one), same(other), "{one}");
        }
    }

    /// What is compared, read byte by byte.
    fn compared(line: &str) -> Vec<&[u8]> {
        let line = line.as_bytes();
        let line = line.get(..COMPARED).unwrap_or(line);
        let words = line.chunk_by(|one, other| is_of_word(*one) && is_of_word(*other));
        let words = words.filter(|word| !word.iter().any(u8::is_ascii_digit));
        words.collect()
    }

    #[test]
    fn all_is_compared_but_words_with_digits() {
        for (line, other) in [
            ("", "7"),
            ("#14 sha256:9f13f5e3d54a5e1b5a2a", "#7 sha1:0"),
            ("29.54MB / 2", "1.4 / 7"),
            (
                "\u{e9}1\u{e9} a_1 b-2 @9[8`7{6/5:4;",
                "\u{e9}77\u{e9} a_0z b-x0 @1[2`3{4/5:6;",
            ),
            (
                "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0",
                "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 22",
            ),
        ] {
            assert_eq!(compared(line), compared(other), "{line}");
            assert_eq!(same(line), same(other), "{line}");
        }
        let long = "no digits at all, in more than sixty-four bytes of text, and more";
        for at in 0..long.len() {
            let mut other = long.to_owned();
            other.replace_range(at..=at, "_");
            assert_ne!(same(long), same(&other), "{other}");
        }
    }

    #[test]
    fn lines_are_akin_that_begin_alike() {
        for (one, other) in [
            ("Compiling a", "Compiling b"),
            ("12 of 90 modules", "3 of 1 modes"),
            ("x1 builds it", "y22 builds that"),
        ] {
            assert_eq!(akin(one), akin(other), "{one}");
        }
        assert_ne!(akin("Compiling a"), akin("Compared a"));
        assert_eq!(akin("a 1"), same("a 1"));
    }
}
