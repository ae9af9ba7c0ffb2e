//! Which patterns a line fits. All words are looked for in one pass.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::bare::Bare;
use super::pattern::{Pattern, Stands};
use super::patterns;

/// The words of all patterns.
struct Words {
    search: AhoCorasick,
    /// The pattern of each of the words.
    patterns: Vec<&'static Pattern>,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let all = || {
        patterns::all().flat_map(|pattern| pattern.words.iter().map(move |words| (pattern, words)))
    };
    let search = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(all().map(|(_, words)| words));
    Some(Words {
        // It can only fail by its size, which is known.
        search: search.ok()?,
        patterns: all().map(|(pattern, _)| pattern).collect(),
    })
});

/// How often what follows the words of a pattern is looked at in a line: words
/// that fill the line must not make that long.
const MOST_LOOKS: usize = 3;

/// The patterns that the line fits by its words, each once.
pub(super) fn fitting(bare: &Bare<'_>) -> Vec<&'static Pattern> {
    let mut fitting: Vec<&'static Pattern> = Vec::new();
    let Some(words) = WORDS.as_ref() else {
        return fitting;
    };
    let mut refused: Vec<&'static Pattern> = Vec::new();
    let mut beginnings = None;
    for found in words.search.find_overlapping_iter(bare.text) {
        let Some(pattern) = words.patterns.get(found.pattern().as_usize()) else {
            continue;
        };
        let beginnings = *beginnings.get_or_insert_with(|| bare.beginnings());
        let rest = bare.text.get(found.end()..).unwrap_or_default();
        let stands = match pattern.stands {
            Stands::Anywhere => true,
            Stands::First => beginnings.contains(&found.start()),
            Stands::Alone => beginnings.contains(&found.start()) && rest.trim_end().is_empty(),
        };
        let is_it = |other: &&&'static Pattern| std::ptr::eq(**other, *pattern);
        let is_decided = || {
            fitting.iter().any(|other| is_it(&other))
                || refused.iter().filter(is_it).count() >= MOST_LOOKS
        };
        if !stands || is_decided() {
            continue;
        }
        let is_told = pattern.then.is_none_or(|then| then(rest))
            && pattern.when.is_none_or(|when| when(bare.text))
            && !(pattern.is_anywhere() && is_title(bare.text, found.start()));
        if is_told {
            fitting.push(pattern);
        } else {
            refused.push(pattern);
        }
    }
    fitting
}

/// Whether this is inside of what something is called: `page "Why OOMKilled"`.
/// A message in quotes follows a sign: `"msg":"OOMKilled"`.
fn is_title(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let quotes = before.bytes().filter(|byte| *byte == b'"').count();
    let opened = before.rsplit_once('"').filter(|_| quotes % 2 == 1);
    let is_within = !text.get(at..).unwrap_or_default().starts_with('"');
    is_within
        && opened.is_some_and(|(name, _)| {
            let word = name.strip_suffix(' ').unwrap_or_default();
            word.ends_with(char::is_alphanumeric)
        })
}
