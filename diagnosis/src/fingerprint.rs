//! Which lines count as the same, apart from their numbers, hashes and times, and
//! which begin alike. Pure.
//!
//! A bit for each byte says what it is, so that no byte waits for the one before.

/// So much of a line makes it the same as another, in bytes.
const COMPARED: usize = 96;

/// So many bytes that are no digits make a line akin to another.
const AKIN: u32 = 8;

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
    let (words, digits) = classes(&bytes, line.len());
    let all = below(line.len());
    let last = nth(all & !digits, AKIN);
    let (mut kept, mut begun, mut rest) = (all, 0, digits);
    while rest != 0 {
        let word = word_at(words, rest.trailing_zeros());
        kept &= !word;
        rest &= !word;
        // A word that has not ended where the beginning does.
        if last.is_some_and(|last| word >> last & 1 == 1) {
            begun |= word;
        }
    }
    let same = kind(&bytes, kept);
    let akin = last.map(|last| (kept | begun) & !digits & below(last as usize + 1));
    (same, akin.map_or(same, |akin| kind(&bytes, akin)))
}

fn padded(line: &[u8]) -> Padded {
    let mut padded = [0; COMPARED];
    if let Some(begin) = padded.get_mut(..line.len()) {
        begin.copy_from_slice(line);
    }
    padded
}

/// The bits below this one.
const fn below(bit: usize) -> u128 {
    (1 << bit) - 1
}

/// The place of the bit that is set as this many are.
fn nth(mut bits: u128, count: u32) -> Option<u32> {
    for _ in 1..count {
        bits &= bits.wrapping_sub(1);
    }
    (bits != 0).then(|| bits.trailing_zeros())
}

/// The bits of the word that has this one.
fn word_at(words: u128, at: u32) -> u128 {
    let before = (words << (127 - at)).leading_ones();
    let after = (words >> at).trailing_ones();
    (1 << (at + after)) - (1 << (at + 1 - before))
}

/// A bit for each byte of a word, and for each digit.
fn classes(bytes: &Padded, length: usize) -> (u128, u128) {
    let (mut words, mut digits) = (0, 0);
    let (eights, _) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().take(length.div_ceil(8)).enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let of_digits = within(eight, b'0', b'9');
        let of_letters = within(eight | repeated(0x20), b'a', b'z');
        digits |= gathered(of_digits) << (8 * at);
        words |= gathered(of_digits | of_letters) << (8 * at);
    }
    (words, digits)
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
fn gathered(eight: u64) -> u128 {
    u128::from((eight >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56)
}

/// The kind of the bytes whose bits are set.
fn kind(bytes: &Padded, kept: u128) -> u16 {
    let length = kept.trailing_ones();
    if kept == below(length as usize) {
        return hash(bytes, length as usize);
    }
    let (mut some, mut end, mut rest) = ([0; COMPARED], 0, kept);
    while rest != 0 {
        let begin = rest.trailing_zeros();
        let count = (rest >> begin).trailing_ones();
        let (from, count) = (begin as usize, count as usize);
        rest &= !(below(count) << begin);
        if let Some(to) = some.get_mut(end..end + count)
            && let Some(from) = bytes.get(from..from + count)
        {
            to.copy_from_slice(from);
        }
        end += count;
    }
    hash(&some, end)
}

/// The hash of the first bytes, eight at once.
fn hash(bytes: &Padded, length: usize) -> u16 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (eights, _) = bytes.as_chunks::<8>();
    let eights = eights.iter().take(length.div_ceil(8)).enumerate();
    let hash = eights.fold(length as u64 ^ FACTOR, |hash, (at, eight)| {
        let rest = (length - 8 * at).min(8);
        let eight = u64::from_le_bytes(*eight) & u64::MAX >> (64 - 8 * rest);
        let product = u128::from(hash ^ eight) * u128::from(FACTOR);
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
