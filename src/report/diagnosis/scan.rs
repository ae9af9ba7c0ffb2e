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
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(all().map(|(_, words)| words));
    Some(Words {
        // It can only fail by its size, which is known.
        search: search.ok()?,
        patterns: all().map(|(pattern, _)| pattern).collect(),
    })
});

/// The patterns that the line fits by its words, each once.
pub(super) fn fitting(bare: &Bare<'_>) -> Vec<&'static Pattern> {
    let mut fitting: Vec<&'static Pattern> = Vec::new();
    let Some(words) = WORDS.as_ref() else {
        return fitting;
    };
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
        let is_known = || fitting.iter().any(|other| std::ptr::eq(*other, *pattern));
        if stands && !is_known() && pattern.then.is_none_or(|then| then(rest)) {
            fitting.push(pattern);
        }
    }
    fitting
}
