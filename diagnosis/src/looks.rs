//! What a line looks like, as a set of traits. Pure.
//!
//! The words and shapes are those of tools in general. Which of them matter, and
//! how much, is a question of weights (`weights.rs`).

use super::LONGEST_KEPT;
use super::beginnings::Beginnings;

/// The traits of a line, a bit each.
pub(super) type Looks = u128;

/// A trait by its number.
pub(super) const fn bit(number: u8) -> Looks {
    1 << number
}

/// The traits that the words of a line show.
pub(super) mod word {
    pub(in super::super) const ERROR: u8 = 0;
    pub(in super::super) const ERROR_INSIDE: u8 = 1;
    pub(in super::super) const TYPED: u8 = 2;
    pub(in super::super) const FAIL: u8 = 3;
    pub(in super::super) const FAIL_INSIDE: u8 = 4;
    pub(in super::super) const EXCEPTION: u8 = 5;
    pub(in super::super) const CRASH: u8 = 6;
    pub(in super::super) const FATAL: u8 = 7;
    pub(in super::super) const MISSING: u8 = 8;
    pub(in super::super) const CANNOT: u8 = 9;
    pub(in super::super) const UNKNOWN: u8 = 10;
    pub(in super::super) const INVALID: u8 = 11;
    pub(in super::super) const EXPECTED: u8 = 12;
    pub(in super::super) const SYNTAX: u8 = 13;
    pub(in super::super) const LATE: u8 = 14;
    pub(in super::super) const DENIED: u8 = 15;
    pub(in super::super) const WARNING: u8 = 16;
    pub(in super::super) const DEPRECATED: u8 = 17;
    pub(in super::super) const EXIT: u8 = 18;
    pub(in super::super) const ZERO: u8 = 19;
    pub(in super::super) const OF_NPM: u8 = 20;
    pub(in super::super) const HELP: u8 = 21;
    pub(in super::super) const ASKED: u8 = 22;
    pub(in super::super) const WELL: u8 = 23;
    pub(in super::super) const PROGRESS: u8 = 24;
    pub(in super::super) const SUMMARY: u8 = 25;
    pub(in super::super) const SKIPPED: u8 = 26;
    pub(in super::super) const RETRY: u8 = 27;
    pub(in super::super) const WRAPPER: u8 = 28;
    pub(in super::super) const NEGATED: u8 = 29;
    pub(in super::super) const STYLE: u8 = 62;
    pub(in super::super) const CONFLICT: u8 = 63;
    pub(in super::super) const ENDED_WELL: u8 = 64;
}

/// The traits of its shape.
pub(super) mod shape {
    pub(in super::super) const BEGINS_ERROR: u8 = 30;
    pub(in super::super) const BEGINS_FAIL: u8 = 31;
    pub(in super::super) const ENDS_FAILED: u8 = 32;
    pub(in super::super) const PLACE: u8 = 33;
    pub(in super::super) const FRAME: u8 = 34;
    pub(in super::super) const DIFF: u8 = 35;
    pub(in super::super) const CODE: u8 = 36;
    pub(in super::super) const CARET: u8 = 37;
    pub(in super::super) const RULER: u8 = 38;
    pub(in super::super) const RULED_HEAD: u8 = 39;
    pub(in super::super) const INDENTED: u8 = 40;
    pub(in super::super) const DEEP: u8 = 41;
    pub(in super::super) const LOWER: u8 = 42;
    pub(in super::super) const UPPER: u8 = 43;
    pub(in super::super) const DIGIT: u8 = 44;
    pub(in super::super) const TINY: u8 = 45;
    pub(in super::super) const SHORT: u8 = 46;
    pub(in super::super) const LONG: u8 = 47;
    pub(in super::super) const COLON: u8 = 48;
    pub(in super::super) const PERIOD: u8 = 49;
    pub(in super::super) const QUOTED: u8 = 50;
    pub(in super::super) const ADDRESS: u8 = 51;
    pub(in super::super) const COMMAND: u8 = 52;
    pub(in super::super) const PERCENT: u8 = 53;
    pub(in super::super) const NUMBERED: u8 = 54;
    pub(in super::super) const FOLD: u8 = 55;
    pub(in super::super) const FOREIGN: u8 = 56;
    pub(in super::super) const INFO: u8 = 57;
    pub(in super::super) const BULLET: u8 = 58;
    pub(in super::super) const SHOUTED: u8 = 59;
    pub(in super::super) const AFTER_BLANK: u8 = 60;
    pub(in super::super) const NAME_VALUE: u8 = 61;
    pub(in super::super) const MATCHED: u8 = 65;
    pub(in super::super) const CONSEQUENCE: u8 = 66;
    pub(in super::super) const MARKED: u8 = 67;
    pub(in super::super) const WORD: u8 = 68;
    pub(in super::super) const BOXED: u8 = 69;
}

/// So many traits there are.
pub(super) const TRAITS: usize = 70;

/// Words that a line begins with, and the trait that they show.
const BEGINNINGS: &[(u8, Beginnings)] = &[
    (
        shape::BOXED,
        Beginnings::of(&["│", "┃", "╭", "╰", "|", "E  ", "#"]),
    ),
    (
        shape::BEGINS_ERROR,
        Beginnings::of(&[
            "error",
            "Error",
            "ERROR",
            "[error]",
            "[ERROR]",
            "fatal",
            "FATAL",
            "Fatal",
            "E: ",
            "ERR",
            "E  ",
            "!! ",
            "** (",
            "***",
            "! ",
            "× ",
            "✘",
            "⨯",
            "❌",
            "Exception",
            "Traceback",
            "panic",
        ]),
    ),
    (
        shape::BEGINS_FAIL,
        Beginnings::of(&[
            "FAIL",
            "Fail",
            "fail",
            "not ok",
            "--- FAIL",
            "[FAIL",
            "✗",
            "✖",
            "✕",
            "●",
            "×",
            "[  FAILED",
            "-- FAIL",
            "F ",
        ]),
    ),
    (
        shape::FRAME,
        Beginnings::of(&[
            "at ",
            "File \"",
            "from /",
            "in /",
            "#0",
            "#1",
            "#2",
            "#3",
            "Called from",
            "[info]   at ",
            "[error] \tat",
            "in `",
        ]),
    ),
    (
        shape::COMMAND,
        Beginnings::of(&[
            "$ ", "+ ", "> ", ">>> ", "Run ", "RUN ", "% ", "==> ", "$(", "++ ", "---> ",
        ]),
    ),
    (
        shape::FOLD,
        Beginnings::of(&["travis_", "##[", "::group", "section_"]),
    ),
    (
        shape::INFO,
        Beginnings::of(&["[info]", "INFO", "[INFO]", "info"]),
    ),
];

/// For each byte, which of the rows above have a word that begins with it.
#[expect(
    clippy::indexing_slicing,
    reason = "the indexes are below the lengths, and this is computed by the compiler"
)]
const ROWS: [u8; 256] = {
    let mut rows = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut row = 0;
        while row < BEGINNINGS.len() {
            // It fits: the loop ends at 255.
            #[expect(clippy::cast_possible_truncation, reason = "no more than 255")]
            if BEGINNINGS[row].1.may_begin(byte as u8) {
                rows[byte] |= 1 << row;
            }
            row += 1;
        }
        byte += 1;
    }
    rows
};

/// What a line ends with that says that something failed.
const FAILED: &[&str] = &[
    "FAILED", "failed", "FAIL", "***", "Failed", "failed.", "FAILED!",
];

/// The traits that the beginning of a line shows.
fn begun(text: &str, first: u8) -> Looks {
    let mut rows = ROWS.get(usize::from(first)).copied().unwrap_or_default();
    let mut looks = 0;
    while rows != 0 {
        if let Some((number, words)) = BEGINNINGS.get(rows.trailing_zeros() as usize)
            && words.begin(text)
        {
            looks |= bit(*number);
        }
        rows &= rows - 1;
    }
    looks
}

/// A frame of Ruby: ``app.rb:3:in `total'``
fn is_in_method(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'`', bytes).any(|at| {
        let before = bytes.get(..at);
        before.is_some_and(|before| before.ends_with(b":in "))
    })
}

/// The traits of a line that are no words.
pub(super) fn shapes(text: &str, names_row: bool) -> Looks {
    let trimmed = text.trim_ascii();
    let bytes = trimmed.as_bytes();
    let Some(&first) = bytes.first() else {
        return 0;
    };
    let indent = text.len() - text.trim_ascii_start().len();
    let mut looks = 0;
    let mut set = |number: u8, is: bool| looks |= Looks::from(is) << number;
    set(shape::INDENTED, indent >= 2);
    set(shape::DEEP, indent >= 8);
    set(shape::LOWER, first.is_ascii_lowercase());
    set(shape::UPPER, first.is_ascii_uppercase());
    set(shape::DIGIT, first.is_ascii_digit());
    set(shape::TINY, bytes.len() < 12);
    set(shape::SHORT, bytes.len() >= 12 && bytes.len() < 40);
    set(shape::LONG, bytes.len() >= 200);
    set(shape::COLON, bytes.last() == Some(&b':'));
    set(shape::PERIOD, bytes.last() == Some(&b'.'));
    set(shape::FOREIGN, !first.is_ascii());
    looks |= begun(trimmed, first);
    let mut set = |number: u8, is: bool| looks |= Looks::from(is) << number;
    set(
        shape::ENDS_FAILED,
        matches!(bytes.last(), Some(b'D' | b'd' | b'L' | b'*' | b'.' | b'!'))
            && FAILED.iter().any(|word| trimmed.ends_with(word)),
    );
    set(shape::FRAME, first == b'(' && trimmed.contains(") lib/"));
    set(
        shape::DIFF,
        (first == b'+' || first == b'-')
            && bytes.get(1).is_some_and(|next| *next != first)
            && indent < 12,
    );
    set(
        shape::BULLET,
        bytes.starts_with(b"- ") || bytes.starts_with(b"* "),
    );
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    set(
        shape::NUMBERED,
        digits > 0 && digits < 5 && bytes.get(digits).is_some_and(|byte| b").".contains(byte)),
    );
    let is_numbered = first == b'>' || digits > 0;
    set(shape::CODE, is_numbered && is_code(trimmed));
    looks | counted(trimmed, names_row)
}

/// How many bytes of some kinds there are, in fields of nine bits.
mod counts {
    pub(super) const LETTER: u64 = 1;
    pub(super) const CAPITAL: u64 = 1 << 9;
    pub(super) const SPACE: u64 = 1 << 18;
    pub(super) const CARET: u64 = 1 << 27;
    pub(super) const SIGN: u64 = 1 << 36;
    /// The one in the lowest bits.
    pub(super) const fn lowest(counts: u64) -> usize {
        (counts & 511) as usize
    }
}

/// Which kinds of bytes there are, a bit each.
mod kind {
    pub(super) const DIGIT: u64 = 1 << 45;
    pub(super) const QUOTE: u64 = 1 << 46;
    pub(super) const COLON: u64 = 1 << 47;
    pub(super) const OPEN: u64 = 1 << 48;
    pub(super) const PERCENT: u64 = 1 << 49;
    pub(super) const EQUAL: u64 = 1 << 50;
}

/// What each byte counts for.
#[expect(clippy::indexing_slicing, reason = "the index is below the length")]
const KINDS: [u64; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // It fits: the loop ends at 255.
        #[expect(clippy::cast_possible_truncation, reason = "no more than 255")]
        let of = match byte as u8 {
            b'a'..=b'z' => counts::LETTER,
            b'A'..=b'Z' => counts::LETTER | counts::CAPITAL,
            b'0'..=b'9' => kind::DIGIT,
            b' ' => counts::SPACE,
            b'^' | b'~' => counts::CARET,
            b'"' | b'\'' | b'`' => kind::QUOTE,
            b':' => kind::COLON,
            b'(' => kind::OPEN,
            b'%' => kind::PERCENT,
            b'=' => counts::SIGN | kind::EQUAL,
            b'-' | b'_' | b'*' | b'#' | b'.' | b'+' => counts::SIGN,
            _ => 0,
        };
        kinds[byte] = of;
        byte += 1;
    }
    kinds
};

/// A count has no room for more bytes.
const MOST_COUNTED: usize = 511;

/// The traits that every byte has a say in. No line is kept that is longer than
/// can be counted.
fn counted(text: &str, names_row: bool) -> Looks {
    const _: () = assert!(LONGEST_KEPT <= MOST_COUNTED);
    let bytes = text.as_bytes();
    let (mut sum, mut all) = (0, 0);
    for &byte in bytes.get(..MOST_COUNTED).unwrap_or(bytes) {
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or_default();
        // What overflows does so above the counts.
        sum = u64::wrapping_add(sum, kind);
        all |= kind;
    }
    let has = |kind: u64| all & kind != 0;
    let [letters, capitals, spaces, carets, signs] =
        [0, 9, 18, 27, 36].map(|shift: u8| counts::lowest(sum >> shift));
    let length = bytes.len();
    let mut looks = 0;
    let mut set = |number: u8, is: bool| looks |= Looks::from(is) << number;
    set(shape::QUOTED, has(kind::QUOTE));
    set(shape::FRAME, has(kind::QUOTE) && is_in_method(bytes));
    set(shape::PERCENT, has(kind::PERCENT) && has(kind::DIGIT));
    set(
        shape::NAME_VALUE,
        has(kind::EQUAL)
            && letters > 0
            && text
                .find('=')
                .is_some_and(|at| at > 0 && bytes.get(at - 1).is_some_and(u8::is_ascii_alphabetic)),
    );
    set(shape::ADDRESS, has(kind::COLON) && has_address(bytes));
    let may_name = has(kind::COLON | kind::OPEN);
    set(
        shape::PLACE,
        has(kind::DIGIT) && ((may_name && has_place(bytes)) || names_row),
    );
    set(
        shape::CARET,
        carets > 0 && carets + spaces + signs == length,
    );
    set(shape::RULER, length >= 4 && signs + spaces == length);
    let is_ruled = signs >= 6 && letters > 0;
    set(
        shape::RULED_HEAD,
        is_ruled && bytes.first() == bytes.get(1) && bytes.first() == bytes.get(2),
    );
    set(shape::SHOUTED, capitals >= 4 && capitals * 2 > letters);
    set(shape::WORD, letters >= 3 && spaces == 0);
    looks
}

fn has_address(bytes: &[u8]) -> bool {
    let mut colons = memchr::memchr_iter(b':', bytes);
    colons.any(|at| bytes.get(at..at + 3) == Some(b"://"))
}

/// `> 12 | total()`
fn is_code(text: &str) -> bool {
    let text = text.trim_start_matches(['>', ' ']);
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && rest.trim_start().starts_with(['|', '│'])
}

/// Whether a number follows a letter and a colon or a bracket: `a.ts:3`,
/// `a.ts(3`.
fn has_place(bytes: &[u8]) -> bool {
    let mut signs = memchr::memchr2_iter(b':', b'(', bytes);
    signs.any(|at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + 1);
        before.is_some_and(u8::is_ascii_alphabetic) && after.is_some_and(u8::is_ascii_digit)
    })
}
