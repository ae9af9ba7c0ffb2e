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

/// The beginning of a line, with zeros behind it.
type Padded = [u8; COMPARED];

/// The kind of a line without its numbers, and without words that have digits; and
/// the kind of how it begins.
pub(super) fn kinds(line: &[u8]) -> (u16, u16) {
    let line = line.get(..COMPARED).unwrap_or(line);
    let bytes = padded(line);
    let digits = digits(&bytes, line.len());
    let same = if digits == 0 {
        hash(&bytes, line.len())
    } else {
        without_digits(line, digits)
    };
    let begin = line.get(..AKIN).filter(|_| digits & FIRST == 0);
    let akin = begin.map(|begin| hash(&padded(begin), AKIN));
    (same, akin.or_else(|| akin_of(line)).unwrap_or(same))
}

fn padded(line: &[u8]) -> Padded {
    let mut padded = [0; COMPARED];
    if let Some(begin) = padded.get_mut(..line.len()) {
        begin.copy_from_slice(line);
    }
    padded
}

/// A bit for each byte that is a digit.
fn digits(bytes: &Padded, length: usize) -> u128 {
    let (eights, _) = bytes.as_chunks::<8>();
    let (mut low, mut high) = (0, 0);
    for (at, eight) in eights.iter().take(length.div_ceil(8)).enumerate() {
        let of_eight = gathered(within(u64::from_le_bytes(*eight), b'0', b'9'));
        let bits = if at < 8 { &mut low } else { &mut high };
        *bits |= of_eight << (8 * (at & 7));
    }
    u128::from(low) | u128::from(high) << 64
}

/// The kind of a line without words that have digits.
fn without_digits(line: &[u8], digits: u128) -> u16 {
    let (mut kept, mut length, mut end) = ([0; COMPARED], 0, 0);
    let mut keep = |text: &[u8]| {
        if let Some(to) = kept.get_mut(length..length + text.len()) {
            to.copy_from_slice(text);
            length += text.len();
        }
    };
    while end < line.len() && digits >> end != 0 {
        let digit = end + (digits >> end).trailing_zeros() as usize;
        let (before, behind) = line.split_at_checked(digit).unwrap_or((line, &[]));
        let before = before.get(end..).unwrap_or_default();
        let of_word = before.iter().rev().take_while(|byte| is_of_word(**byte));
        keep(
            before
                .get(..before.len() - of_word.count())
                .unwrap_or_default(),
        );
        end = digit + behind.iter().take_while(|byte| is_of_word(**byte)).count();
    }
    keep(line.get(end..).unwrap_or_default());
    hash(&kept, length)
}

/// The kind of the first bytes that are no digits, if there are enough, without
/// words with digits that end among them.
fn akin_of(line: &[u8]) -> Option<u16> {
    let (mut kept, mut length, mut word) = ([0; COMPARED], 0, 0);
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
            kept.get_mut(length..)?.fill(0);
            return Some(hash(&kept, length));
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

/// The hash of the first bytes, eight at once. Those behind them are zeros.
fn hash(bytes: &Padded, length: usize) -> u16 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (eights, _) = bytes.as_chunks::<8>();
    let eights = eights.iter().take(length.div_ceil(8));
    let hash = eights.fold(length as u64 ^ FACTOR, |hash, eight| {
        let product = u128::from(hash ^ u64::from_le_bytes(*eight)) * u128::from(FACTOR);
        low(product) ^ low(product >> 64)
    });
    u16::try_from(hash.wrapping_mul(FACTOR) >> (64 - BITS)).unwrap_or_default()
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
    fn compared(line: &str) -> Vec<u8> {
        let line = line.as_bytes();
        let line = line.get(..COMPARED).unwrap_or(line);
        let words = line.chunk_by(|one, other| is_of_word(*one) && is_of_word(*other));
        let words = words.filter(|word| !word.iter().any(u8::is_ascii_digit));
        words.flatten().copied().collect()
    }

    #[test]
    fn all_is_compared_but_words_with_digits() {
        for line in [
            "",
            "a",
            "7",
            "no digits at all, in more than sixty-four bytes of text, and more",
            "#14 sha256:9f13f5e3d54a5e1b5a2a1fd1b4e4a6b2f8b8d0f6c5a4e3d2c1b0a998877665 29.54MB / 2",
            "é1é a_1 b-2 @9[8`7{6/5:4;",
            "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4",
        ] {
            let compared = compared(line);
            assert_eq!(
                same(line),
                hash(&padded(&compared), compared.len()),
                "{line}"
            );
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
