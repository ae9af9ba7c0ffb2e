//! JSON as services really send it: one broken character, or one broken entry
//! of a list, does not make the rest unreadable. Pure.
//!
//! What is broken in practice: half a surrogate pair (`"\ud83d"`), which a text
//! has that was cut inside an emoji; bytes that are not UTF-8; control
//! characters that are not escaped; a byte order mark. `serde_json` refuses all
//! of them, so the text is repaired before it is parsed. Characters that cannot
//! be known become U+FFFD, as the Unicode standard recommends (section 3.9).

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Parses JSON after repairing its text.
pub fn from_slice<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(&text(body))
}

/// Parses a list after repairing its text, without the entries that cannot be
/// read. No more than `MOST` entries are kept.
pub fn list<T: DeserializeOwned, const MOST: usize>(body: &[u8]) -> serde_json::Result<List<T>> {
    let all: Entries<T, MOST> = from_slice(body)?;
    Ok(List {
        count: all.0.len(),
        entries: all.readable(),
    })
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The entries that can be read.
    pub entries: Vec<T>,
    /// The number of all entries: only a full page has another after it.
    pub count: usize,
}

impl<T> List<T> {
    /// This list with each entry in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> List<U> {
        List {
            entries: self.entries.into_iter().map(form).collect(),
            count: self.count,
        }
    }
}

/// Reads a field that may be missing or of another kind, which costs only this
/// field. For `deserialize_with`, together with `default`.
pub(crate) fn if_readable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let json = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(json.get()).unwrap_or_default())
}

/// The text of a body that should be JSON, so that it can be parsed if nothing
/// but characters was wrong. JSON is returned as it is.
pub fn text(body: &[u8]) -> Cow<'_, str> {
    match decode(body) {
        Cow::Borrowed(text) => repair(text),
        Cow::Owned(text) => match repair(&text) {
            Cow::Owned(repaired) => Cow::Owned(repaired),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

/// The text of a body, without a byte order mark: UTF-8, or UTF-16 where the
/// mark or the zeros of the first two characters show that (RFC 4627,
/// section 3). U+FFFD replaces what cannot be decoded.
pub fn decode(body: &[u8]) -> Cow<'_, str> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Cow<'static, str> {
        let units = bytes.chunks(2).map(|pair| match *pair {
            [first, second] => unit([first, second]),
            _ => 0xfffd,
        });
        let characters = char::decode_utf16(units);
        let text = characters.map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER));
        Cow::Owned(text.collect())
    };
    match body {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [1..=0xff, 0, 1..=0xff, 0, ..] => units(body, u16::from_le_bytes),
        [0, 1..=0xff, 0, 1..=0xff, ..] => units(body, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(body),
    }
}

/// Repairs what is wrong with single characters. Inside strings, an escape that
/// names no character becomes U+FFFD and a bare control character is escaped;
/// outside, what cannot be in JSON becomes a space.
fn repair(text: &str) -> Cow<'_, str> {
    let mut repaired = String::new();
    // The end of what is in `repaired` already.
    let mut copied = 0;
    let mut at = 0;
    let mut is_in_string = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, instead) = if is_in_string {
            in_string(rest)
        } else {
            outside(rest)
        };
        if rest.starts_with('"') {
            is_in_string = !is_in_string;
        }
        if let Some(instead) = instead {
            repaired.push_str(text.get(copied..at).unwrap_or_default());
            repaired.push_str(&instead);
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 && repaired.is_empty() {
        return Cow::Borrowed(text);
    }
    repaired.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(repaired)
}

/// How long what is next is, in bytes, and what to write instead of it.
type PathStep = (usize, Option<Cow<'static, str>>);

/// The escape of U+FFFD.
const UNKNOWN: Option<Cow<'static, str>> = Some(Cow::Borrowed("\\ufffd"));

fn in_string(rest: &str) -> PathStep {
    match rest.as_bytes() {
        [b'\\', ..] => escape(rest),
        [b'"', ..] => (1, None),
        [byte @ 0..0x20, ..] => (1, Some(format!("\\u{byte:04x}").into())),
        bytes => {
            let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
            let plain = bytes.get(..end).unwrap_or_default();
            (control_character(plain).unwrap_or(end), None)
        }
    }
}

/// Where the first control character is. Nearly no text has one: eight bytes are
/// looked at together.
fn control_character(bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    let has_one = |eight: &[u8; 8]| {
        let eight = u64::from_le_bytes(*eight);
        eight.wrapping_sub(u64::from_le_bytes([0x20; 8])) & !eight & u64::from_le_bytes([0x80; 8])
            != 0
    };
    let is_one = |byte: &u8| *byte < 0x20;
    let may_have = eights.iter().any(has_one) || rest.iter().any(is_one);
    may_have.then(|| bytes.iter().position(is_one))?
}

fn outside(rest: &str) -> PathStep {
    let is_good =
        |c: char| c != char::REPLACEMENT_CHARACTER && (c >= ' ' || c.is_ascii_whitespace());
    match rest.chars().next() {
        Some('"') => (1, None),
        Some(first) if !is_good(first) => (first.len_utf8(), Some(" ".into())),
        _ => {
            let end = rest.find(|c: char| c == '"' || !is_good(c));
            (end.unwrap_or(rest.len()), None)
        }
    }
}

/// An escape: of what is no escape only the backslash is taken.
fn escape(rest: &str) -> PathStep {
    match rest.as_bytes() {
        [
            _,
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
            ..,
        ] => (2, None),
        [_, b'u', ..] => match (code_unit(rest, 0), code_unit(rest, ESCAPE)) {
            (None, _) => (1, UNKNOWN),
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (2 * ESCAPE, None),
            (Some(0xd800..=0xdfff), _) => (ESCAPE, UNKNOWN),
            (Some(_), _) => (ESCAPE, None),
        },
        _ => (1, UNKNOWN),
    }
}

/// The length of `\u` with its four digits.
const ESCAPE: usize = 6;

fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// An entry of a list that could not be read, recognized by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unreadable(u64);

impl Unreadable {
    fn new(entry: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        entry.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The entry that is shown as this text.
    pub fn shown_as(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The entries of a list, each by itself: one that cannot be read costs only
/// itself. No more than `MOST` are kept, since small entries take far more
/// memory than their text.
///
/// A list of several entries of which none can be read is an error: that is
/// another kind of answer.
#[derive(Debug)]
pub(crate) struct Entries<T, const MOST: usize>(pub(crate) Vec<Result<T, Unreadable>>);

impl<T, const MOST: usize> Entries<T, MOST> {
    /// Those that could be read.
    pub(crate) fn readable(self) -> Vec<T> {
        self.0.into_iter().filter_map(Result::ok).collect()
    }
}

/// Reads an entry. A list is none: its items would pass for the fields of a
/// record, in their order.
fn entry<'de, T: Deserialize<'de>>(json: &'de str) -> serde_json::Result<T> {
    if json.starts_with('[') {
        return Err(serde_json::Error::custom("it is a list"));
    }
    serde_json::from_str(json)
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Entries<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
            type Value = Vec<Result<T, Unreadable>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                let mut first_error = None;
                while kept.len() < MOST {
                    let Some(item) = items.next_element::<&'de RawValue>()? else {
                        break;
                    };
                    let entry = entry(item.get()).map_err(|error| {
                        let entry = kept.len();
                        tracing::debug!(entry, %error, "an entry of a list cannot be read");
                        first_error.get_or_insert(error);
                        Unreadable::new(item.get())
                    });
                    kept.push(entry);
                }
                while items.next_element::<IgnoredAny>()?.is_some() {}
                match first_error {
                    Some(error) if kept.len() > 1 && kept.iter().all(Result::is_err) => {
                        Err(A::Error::custom(format!("no entry can be read: {error}")))
                    }
                    _ => Ok(kept),
                }
            }
        }

        deserializer
            .deserialize_seq(List::<T, MOST>(PhantomData))
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &[u8]) -> Value {
        from_slice(body).unwrap_or_else(|error| panic!("{error}: {:?}", text(body)))
    }

    #[test]
    fn half_a_surrogate_pair_is_one_unknown_character() {
        for (json, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00b""#, "\u{fffd}b"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\ude00\ude00""#, "😀\u{fffd}"),
            (r#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d\"""#, "\u{fffd}\""),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            // A backslash that is escaped begins no escape.
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\\\\ud83d""#, "\\\\ud83d"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\u0041\uffff""#, "A\u{ffff}"),
        ] {
            assert_eq!(read(json.as_bytes()), expected, "{json}");
        }
        assert_eq!(read(br#"{"\ud83d":[1]}"#), json!({"\u{fffd}": [1]}));
    }

    #[test]
    fn other_broken_characters_cost_themselves() {
        for (body, expected) in [
            (&b"\"a\xffb\""[..], "a\u{fffd}b"),
            // Half a character of UTF-8, also before the end of the string.
            (b"\"\xf0\x9f\x98\"", "\u{fffd}"),
            // Half a surrogate pair as bytes.
            (b"\"\xed\xa0\xbd\"", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\"a\x00b\x1b[0m\tc\nd\"", "a\0b\u{1b}[0m\tc\nd"),
            (
                br#""\u00g0 \x1b \u12""#,
                "\u{fffd}u00g0 \u{fffd}x1b \u{fffd}u12",
            ),
        ] {
            assert_eq!(read(body), expected, "{:?}", text(body));
        }
        assert_eq!(
            read(b"\xef\xbb\xbf{\"a\"\xff:\x00[1]\x00}\xff"),
            json!({"a": [1]})
        );
    }

    #[test]
    fn a_body_may_be_utf_16() {
        let json = r#"{"message":"größer 😀"}"#;
        for mark in ["", "\u{feff}"] {
            let units: Vec<u16> = format!("{mark}{json}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for body in [little, big] {
                assert_eq!(read(&body), json!({"message": "größer 😀"}));
            }
        }
    }

    #[test]
    fn what_is_no_json_stays_no_json() {
        for body in [
            &b""[..],
            b"<html>\xff</html>",
            br#"{"a":"\ud83d"#,
            br#"{"a":"b\"#,
            b"\"",
            b"\xff",
            b"{\"a\":\xff}",
            b"[1 2]",
        ] {
            assert!(from_slice::<Value>(body).is_err(), "{:?}", text(body));
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_costs_itself() {
        let entries: Entries<u8, 4> = serde_json::from_str(r#"[1,"x",{"a":[2]},4,5]"#).unwrap();
        let [Ok(1), Err(text), Err(object), Ok(4)] = entries.0.as_slice() else {
            panic!("{entries:?}");
        };
        assert_ne!(text, object);
        let alone: Entries<u8, 4> = serde_json::from_str(r#"["x"]"#).unwrap();
        assert_eq!(alone.0, [Err(*text)]);
        let cut = list::<u8, 3>(b"[1,\"x\",3,4,{\"x\":[]}]").unwrap();
        assert_eq!((cut.entries, cut.count), (vec![1, 3], 3));
    }

    #[test]
    fn a_list_of_nothing_readable_and_what_is_no_list_are_errors() {
        let refused = |json| {
            serde_json::from_str::<Entries<u8, 4>>(json)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(r#"["x",null]"#).starts_with("no entry can be read: invalid type"));
        assert!(refused("{}").contains("a list"));
        assert!(refused("[1,2,3,4,5").contains("EOF"));
    }

    /// A piece of a string as it is in JSON, and the text that it stands for.
    fn piece() -> impl Strategy<Value = (Vec<u8>, String)> {
        let known = |json: &str, text: &str| Just((json.as_bytes().to_vec(), text.to_owned()));
        let broken = |json: &[u8], text: &str| Just((json.to_vec(), text.to_owned()));
        prop_oneof![
            "[a-zäß😀 {}:,\\[\\]]{1,4}".prop_map(|text| (text.as_bytes().to_vec(), text)),
            known("\\\\", "\\"),
            known("\\\"", "\""),
            known("\\u00e4", "ä"),
            known("\\ud83d\\ude00", "😀"),
            known("\\ude00", "\u{fffd}"),
            // Followed by what cannot be its other half.
            known("\\ud83d.", "\u{fffd}."),
            broken(b"\xff", "\u{fffd}"),
            broken(b"\xc3.", "\u{fffd}."),
            broken(b"\0", "\0"),
            broken(b"\x1b", "\u{1b}"),
        ]
    }

    proptest! {
        #[test]
        fn everything_but_the_broken_characters_is_read(
            pieces in prop::collection::vec(piece(), 0..20)
        ) {
            let (mut body, mut expected) = (b"{\"k\":[\"".to_vec(), String::new());
            for (json, text) in &pieces {
                body.extend(json);
                expected.push_str(text);
            }
            body.extend(b"\",1]}");
            prop_assert_eq!(read(&body), json!({"k": [expected, 1]}));
        }

        #[test]
        fn json_is_returned_as_it_is(text in r#"(\{|\}|\[|\]|"|,|:|1|true|\\u00e4|\\\\|ä|\\n| |\n){0,12}"#) {
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(matches!(super::text(text.as_bytes()), Cow::Borrowed(same) if same == text));
            }
        }

        #[test]
        fn every_json_string_is_returned_as_it_is(text in any::<String>()) {
            let json = json!({ text.as_str(): [text.as_str()] }).to_string();
            // As a character of its own, the mark of the unknown is no fault.
            prop_assert_eq!(super::text(json.as_bytes()), json.as_str());
        }

        #[test]
        fn no_bytes_make_it_panic_and_repairing_twice_changes_nothing(
            body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let once = text(&body).into_owned();
            if !once.starts_with('\u{feff}') && !once.contains('\0') {
                prop_assert_eq!(text(once.as_bytes()), once.as_str());
            }
        }
    }
}
