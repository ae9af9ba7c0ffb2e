//! The run's secrets, replaced by stars in every text. Only the sanitizer calls it.
//!
//! A secret is found as it is, URL-encoded, JSON-escaped, and inside Base64 at
//! any offset; and each of these also where it is broken over the end of a
//! line. Keys of Sevalla, GitHub and GitLab, and Sevalla's deployment hooks, are also
//! known by their shape.
//!
//! A log is mostly text without a secret, so what matters is how fast it is
//! recognized. One search finds the places where any form begins or ends; what stands
//! there is looked at afterwards.

mod encodings;
mod own_words;
mod scanner;
mod token_shapes;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::encodings::{Secret, forms_of};
use self::scanner::Scanner;
pub use crate::sanitize::redactor::own_words::is_own_word;
pub(crate) use crate::sanitize::redactor::token_shapes::has_hook;

/// What stands where a secret stood.
const STARS: &str = "***";

/// Shorter secrets are not searched for: they would turn ordinary text into
/// stars, and a real key or hook is longer.
pub const SHORTEST: usize = 6;

/// Parts of shorter secrets are not searched for, for the same reason.
const SHORTEST_BROKEN: usize = 12;

/// So much of a secret at the end or the beginning of a line counts as a part
/// of it.
const PART: usize = 8;

/// What stands where a text was cut. A secret may be cut with it.
const CUT: &str = "…";

/// Replaces the run's secrets in a text. `lib` makes it from the secret inputs.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// How many secrets there are.
    secrets: usize,
    /// Every form of every secret.
    forms: Vec<Encoding>,
    /// The length of the longest form that may be broken.
    longest_broken: usize,
    /// Three bytes in a row that such a form holds.
    broken_threes: HashSet<[u8; 3]>,
    scanner: Option<Scanner>,
}

/// One way in which a secret is written.
struct Encoding {
    text: String,
    /// How much of it counts as a part; `None` if it is found whole only.
    part: Option<usize>,
}

impl Redactor {
    /// A redactor for the secrets of this run.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<Secret> = secrets.into_iter().flat_map(Secret::all_of).collect();
        all.retain(|secret| secret.text.len() >= SHORTEST);
        // The same text twice: what may be broken counts.
        all.sort_by(|a, b| {
            let longest_first = b.text.len().cmp(&a.text.len());
            longest_first
                .then_with(|| a.text.cmp(&b.text))
                .then(b.may_break.cmp(&a.may_break))
        });
        all.dedup_by(|a, b| a.text == b.text);

        let mut forms: BTreeMap<String, bool> = BTreeMap::new();
        for secret in &all {
            for text in forms_of(&secret.text) {
                *forms.entry(text).or_default() |= secret.may_break;
            }
        }
        let forms: Vec<Encoding> = forms
            .into_iter()
            .filter(|(text, _)| text.len() >= SHORTEST)
            .map(|(text, may_break)| Encoding {
                part: (may_break && text.len() >= SHORTEST_BROKEN)
                    .then(|| PART.min(text.len() / 2)),
                text,
            })
            .collect();
        let broken = || forms.iter().filter(|form| form.part.is_some());
        Self(Arc::new(Inner {
            longest_broken: broken().map(|form| form.text.len()).max().unwrap_or(0),
            broken_threes: broken()
                .flat_map(|form| form.text.as_bytes().windows(3))
                .filter_map(|three| three.first_chunk().copied())
                .collect(),
            scanner: Scanner::new(&forms),
            secrets: all.len(),
            forms,
        }))
    }

    /// A line with every secret replaced by stars, and every large part of one
    /// at either end; borrowed when there is none.
    pub fn redact<'a>(&self, line: &'a str) -> Cow<'a, str> {
        self.redact_next(line, &mut PartialMatch::default())
    }

    /// A line that follows another, redacted: if the earlier one ended in the
    /// beginning of a secret, its continuation is hidden, however short.
    pub fn redact_next<'a>(&self, line: &'a str, broken: &mut PartialMatch) -> Cow<'a, str> {
        starred(line, &self.0.find(line, broken))
    }

    /// A line that is cleaned and redacted again afterwards. Its beginning is left
    /// for that: it may be more of a
    /// secret than can be seen yet, and one whose end repeats its middle would
    /// be hidden only in part.
    pub(crate) fn redact_before_cleaning<'a>(
        &self,
        line: &'a str,
        broken: &mut PartialMatch,
    ) -> Cow<'a, str> {
        let mut found = self.0.find(line, broken);
        let is_whole = |range: &Range<usize>| {
            let hidden = line.get(range.clone());
            self.0.forms.iter().any(|form| hidden == Some(&form.text))
        };
        found.retain(|range| range.start > 0 || is_whole(range));
        starred(line, &found)
    }
}

/// The line with stars in the place of these ranges.
fn starred<'a>(line: &'a str, found: &[Range<usize>]) -> Cow<'a, str> {
    if found.is_empty() {
        return Cow::Borrowed(line);
    }
    let mut result = String::with_capacity(line.len());
    let mut shown = 0;
    for range in found {
        result.push_str(line.get(shown..range.start).unwrap_or_default());
        result.push_str(STARS);
        shown = range.end;
    }
    result.push_str(line.get(shown..).unwrap_or_default());
    Cow::Owned(result)
}

/// The ranges in order, those that overlap as one: of two secrets that do,
/// neither may leave its end behind.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    if found.len() > 1 {
        found.sort_by_key(|range| (range.start, range.end));
        found.dedup_by(|next, range| {
            let overlaps = next.start < range.end;
            if overlaps {
                range.end = range.end.max(next.end);
            }
            overlaps
        });
    }
    found
}

/// What of a secret the last line ended in: the form, and how much of it.
#[derive(Debug, Clone, Default)]
pub struct PartialMatch(Vec<(usize, usize)>);

impl PartialMatch {
    /// What the line ended in when it was looked at in another way.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
        self.0.dedup();
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.secrets)
    }
}

impl Inner {
    /// Where secrets and parts of them are, in order and apart from each other.
    fn find(&self, line: &str, broken: &mut PartialMatch) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if let Some(scanner) = &self.scanner {
            self.find_forms(scanner, line, broken, &mut found);
            found.retain(|range| !line.get(range.clone()).is_some_and(is_own_word));
        }
        token_shapes::find(line, &mut found);
        apart(found)
    }

    fn find_forms(
        &self,
        scanner: &Scanner,
        line: &str,
        broken: &mut PartialMatch,
        found: &mut Vec<Range<usize>>,
    ) {
        for (number, so_far) in std::mem::take(&mut broken.0) {
            let form = self.forms.get(number).map(|form| form.text.as_str());
            let rest = form.and_then(|form| form.get(so_far..)).unwrap_or_default();
            let same = common(rest.as_bytes(), line.as_bytes());
            if same > 0 && (same == rest.len() || same == line.len()) {
                found.push(0..same);
                if same < rest.len() {
                    broken.0.push((number, so_far + same));
                }
            }
        }
        scanner.scan(line.as_bytes(), |at, needle| {
            let form = self.forms.get(needle.form);
            let Some(range) = form.and_then(|form| form.found_at(line, at, needle.offset)) else {
                return;
            };
            let is_beginning = at >= needle.offset;
            if is_beginning && range.end == line.len() {
                broken.0.push((needle.form, range.len()));
            }
            found.push(range);
        });
        self.find_inside(line, found, broken);
    }

    /// Whether the whole line is a piece from the middle of a secret.
    fn find_inside(&self, line: &str, found: &mut Vec<Range<usize>>, broken: &mut PartialMatch) {
        if line.len() < PART || line.len() >= self.longest_broken {
            return;
        }
        let piece = line.trim();
        // The first three bytes of ordinary text are enough.
        let is_in_a_form = |three| self.broken_threes.contains(three);
        if piece.len() < PART || !piece.as_bytes().first_chunk().is_some_and(is_in_a_form) {
            return;
        }
        for (number, form) in self.forms.iter().enumerate() {
            if form.part.is_some()
                && piece.len() < form.text.len()
                && let Some(at) = form.text.find(piece)
            {
                found.push(0..line.len());
                broken.0.push((number, at + piece.len()));
            }
        }
    }
}

/// How many bytes two texts have in common at the beginning.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Encoding {
    /// What is to be hidden if the form lies over the line so that its byte
    /// `offset` is at `at`: all of it, or the part that the line has.
    fn found_at(&self, line: &str, at: usize, offset: usize) -> Option<Range<usize>> {
        let (form, bytes) = (self.text.as_bytes(), line.as_bytes());
        let skipped = offset.saturating_sub(at);
        let start = at.saturating_sub(offset);
        let (form, bytes) = (form.get(skipped..)?, bytes.get(start..)?);
        let same = common(form, bytes);
        if skipped == 0 && same == form.len() {
            return Some(start..start + same);
        }
        let reaches_its_end = same == form.len();
        let is_cut = same == bytes.len() || bytes.get(same..)?.starts_with(CUT.as_bytes());
        let is_part = same >= self.part? && (reaches_its_end || (is_cut && skipped == 0));
        (is_part && line.is_char_boundary(start + same)).then(|| start..start + same)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

    use super::encodings::percent_encoded;
    use super::*;

    const KEY: &str = "svl_0123456789abcdef0123456789abcdef";
    const HOOK: &str =
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

    #[test]
    fn a_secret_is_replaced_everywhere_and_a_short_one_never() {
        let redactor = Redactor::new([KEY, "ab", "", HOOK]);
        assert_eq!(redactor.redact(&format!("Bearer {KEY}!")), "Bearer ***!");
        assert_eq!(redactor.redact("a cab drove"), "a cab drove");
        assert_eq!(redactor.redact(&format!("POST {HOOK}")), "POST ***");
        assert_eq!(redactor.redact("secret abcdefghijkl"), "secret ***");
    }

    #[test]
    fn a_key_is_known_by_its_shape_wherever_it_is() {
        let hex = "0123456789abcdef".repeat(4);
        let word = "aB3".repeat(14);
        for redactor in [Redactor::default(), Redactor::new(["another-secret"])] {
            for key in [
                format!("svl_{hex}"),
                format!("SVL_{}", hex.to_uppercase()),
                format!("Svl_{hex}{hex}"),
                format!("ghp_{word}"),
                format!("ghs_{word}"),
                format!("github_pat_{word}_{word}"),
                format!("glpat-{word}"),
            ] {
                assert_eq!(redactor.redact(&key), STARS, "{key}");
                let text = redactor.redact(&format!("a_b x{key}, é")).into_owned();
                assert_eq!(text, format!("a_b x{STARS}, é"), "{key}");
            }
            for text in [
                "svl_0123",
                "my_svl_key",
                "ghp_short",
                "_",
                "glpat-x",
                "----",
                "",
            ] {
                assert_eq!(redactor.redact(text), text);
            }
        }
    }

    #[test]
    fn the_secret_of_a_hook_is_known_by_the_form_of_its_address() {
        let id = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
        for redactor in [Redactor::default(), Redactor::new(["another-secret"])] {
            for kind in ["apps", "static-sites"] {
                let hook = format!("https://hook.sevalla.com/{kind}/{id}/deploy/abcdefghijkl");
                let text = redactor.redact(&format!("a {hook}, {hook}?x")).into_owned();
                assert!(!text.contains("abcdefghijkl"), "{text}");
                assert!(text.ends_with("/deploy/***?x"), "{text}");
            }
            for text in [
                format!("/apps/{id}/deploy/"),
                format!("/apps/{id}/deploy/now"),
                format!("/app/{id}/deploy/abcdefghijkl"),
                "/apps/shop/deploy/abcdefghijkl".to_owned(),
                "/deploy/abcdefghijkl".to_owned(),
            ] {
                assert_eq!(redactor.redact(&text), text);
            }
        }
    }

    #[test]
    fn words_of_our_own_are_shown_also_where_a_secret_is_one() {
        let redactor = Redactor::new(["success", "cancelled-by-hand", "deploy", "outcome"]);
        for text in ["success", "outcome=success", "deploy-app", "cancelled"] {
            assert_eq!(redactor.redact(text), text);
        }
        assert_eq!(redactor.redact("x cancelled-by-hand y"), "x *** y");
    }

    #[test]
    fn every_form_is_found_at_every_offset() {
        let secret = "p/q+r\"s ü-0123456789";
        let redactor = Redactor::new([secret]);
        let json = serde_json::to_string(secret).unwrap();
        for text in [
            percent_encoded(secret)[0].clone(),
            percent_encoded(secret)[1].clone(),
            json.trim_matches('"').to_owned(),
            json.trim_matches('"').replace('/', "\\/"),
        ] {
            assert_eq!(redactor.redact(&format!("<{text}>")), "<***>", "{text}");
        }
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz", "\n"] {
                let plain = format!("{before}{secret}{after}");
                for text in [
                    STANDARD_NO_PAD.encode(&plain),
                    URL_SAFE_NO_PAD.encode(&plain),
                ] {
                    let shown = redactor.redact(&text).into_owned();
                    assert!(
                        shown.contains(STARS) && shown.len() < 20,
                        "{plain:?} {text} {shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn letters_keep_their_case_whatever_the_case_of_the_percent_signs_digits() {
        let redactor = Redactor::new(["aB/Cd+eF gH"]);
        for text in ["aB%2fCd%2beF%20gH", "aB%2FCd%2BeF+gH", "aB/Cd+eF%20gH"] {
            assert_eq!(redactor.redact(text), STARS, "{text}");
        }
    }

    #[test]
    fn what_json_and_rust_make_of_a_secret_is_found() {
        let secret = "p<ü>\"q\\&😀'";
        let redactor = Redactor::new([secret]);
        for text in [
            "p<\\u00fc>\\\"q\\\\&\\ud83d\\ude00'",
            "p\\u003cü\\u003e\\\"q\\\\\\u0026😀\\u0027",
            "p<ü>\\\"q\\\\&😀'",
        ] {
            assert_eq!(redactor.redact(text), STARS, "{text}");
        }
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_either() {
        let redactor = Redactor::new(["abcdefgh", "efghijkl", "ijklmnop"]);
        assert_eq!(redactor.redact("<abcdefghijklmnop>"), "<***>");
        assert_eq!(redactor.redact("efghijkl abcdefgh"), "*** ***");
    }

    #[test]
    fn the_beginning_of_an_address_is_no_secret() {
        let redactor = Redactor::new([HOOK]);
        for text in [
            "see https://",
            "https://hook.example.com/apps/",
            "fb5e5168-4281-4bec-94c5-0d1584e9e657",
            "/deploy/",
        ] {
            assert_eq!(redactor.redact(text), text);
        }
    }

    #[test]
    fn of_an_address_everything_behind_the_host_is_secret_and_who_asks() {
        let redactor = Redactor::new(["https://hooks.example.com/run/0123456789?key=abcdef"]);
        assert_eq!(
            redactor.redact("POST /run/0123456789?key=abcdef HTTP/1.1"),
            "POST *** HTTP/1.1"
        );
        let redactor = Redactor::new(["http://user:p%40ss%2Fword@proxy:8080"]);
        for text in ["p@ss/word", "p%40ss%2Fword"] {
            assert_eq!(redactor.redact(text), STARS);
        }
        assert!(
            redactor
                .redact(&STANDARD_NO_PAD.encode("user:p@ss/word"))
                .contains(STARS)
        );
        let redactor = Redactor::new(["http://only-a-token@proxy:8080"]);
        assert_eq!(redactor.redact("only-a-token"), STARS);
    }

    #[test]
    fn of_a_secret_of_several_lines_every_line_is_one() {
        let redactor = Redactor::new(["first-line\nx\r\nthird-line"]);
        assert_eq!(redactor.redact("x first-line third-line"), "x *** ***");
        assert_eq!(format!("{redactor:?}"), "Redactor(2 secrets)");
    }

    #[test]
    fn an_encoded_secret_is_found_where_its_lines_are_wrapped() {
        let encoded = STANDARD_NO_PAD.encode(format!("user:{KEY}"));
        let redactor = Redactor::new([KEY]);
        for width in 12..encoded.len() {
            let lines: Vec<&str> = encoded
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            let shown: Vec<_> = lines.iter().map(|line| redactor.redact(line)).collect();
            let left: usize = shown.iter().map(|line| line.replace(STARS, "").len()).sum();
            // The user's name, and less than a part on either side of a break.
            assert!(left < 10 + PART * 2, "{width}: {shown:?}");
        }
    }

    #[test]
    fn what_goes_on_with_a_broken_secret_is_hidden_however_short() {
        let redactor = Redactor::new([KEY]);
        for (first, second) in [(PART, 20), (20, 24), (30, KEY.len() - 1)] {
            let mut broken = PartialMatch::default();
            let shown = [
                &format!("x {}", &KEY[..first]),
                &KEY[first..second],
                &format!("{} y", &KEY[second..]),
                "f is no secret",
            ]
            .map(|line| redactor.redact_next(line, &mut broken).into_owned());
            assert_eq!(shown, ["x ***", "***", "*** y", "f is no secret"]);
        }
    }

    #[test]
    fn a_secret_is_found_where_its_line_was_cut() {
        let redactor = Redactor::new([KEY]);
        let text = format!("{}… (7 more bytes)", &KEY[..20]);
        assert_eq!(redactor.redact(&text), "***… (7 more bytes)");
    }

    #[test]
    fn a_secret_broken_over_the_end_of_a_line_leaves_no_large_part() {
        let redactor = Redactor::new([KEY, HOOK]);
        for secret in [KEY, "abcdefghijkl"] {
            for at in 1..secret.len() {
                let (first, second) = secret.split_at(at);
                let first = redactor.redact(&format!("x {first}")).into_owned();
                let second = redactor.redact(&format!("{second} y")).into_owned();
                let left = first.len() + second.len() - 4;
                assert!(
                    left <= STARS.len() * 2 + PART,
                    "{secret} at {at}: {first:?} {second:?}"
                );
            }
        }
        for at in 1..HOOK.len() - PART {
            assert!(
                !redactor.redact(&HOOK[at..]).contains("abcdefghijkl"),
                "{at}"
            );
        }
        assert_eq!(redactor.redact("0123456789abcdef0123"), STARS);
        assert_eq!(
            redactor.redact("deploy abcdef of svl_"),
            "deploy abcdef of svl_"
        );
    }
}
