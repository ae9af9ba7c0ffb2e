//! Which patterns a line fits, and which traits its words show. All words are
//! looked for in one pass.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};

use super::bare::Bare;
use super::looks::{self, Looks, Word};
use super::pattern::{Pattern, Stands};
use super::{patterns, roots, spring};

/// The words of all patterns, and those that show a trait.
struct Words {
    search: DFA,
    /// What each of the words stands for.
    meanings: Vec<Meaning>,
}

enum Meaning {
    Pattern(&'static Pattern, &'static str),
    Trait(Word, usize),
    Java(&'static str),
    Root,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let of_patterns = patterns::all().flat_map(|pattern| {
        let words = pattern.words.iter();
        words.map(move |words| Meaning::Pattern(pattern, words))
    });
    let of_traits = looks::words().map(|(word, text)| (Meaning::Trait(word, text.len()), text));
    let of_roots = roots::WORDS.iter().map(|words| (Meaning::Root, *words));
    let of_java = spring::HEADS
        .iter()
        .map(|head| (Meaning::Java(head), *head));
    let of_patterns = of_patterns.map(|meaning| {
        let text = match meaning {
            Meaning::Pattern(_, text) => text,
            Meaning::Trait(..) | Meaning::Java(_) | Meaning::Root => "",
        };
        (meaning, text)
    });
    let (meanings, texts): (Vec<Meaning>, Vec<&str>) = of_patterns
        .chain(of_traits)
        .chain(of_java)
        .chain(of_roots)
        .unzip();
    let search = DFA::builder()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(texts);
    // It can only fail by its size, which is known.
    let search = search.ok()?;
    Some(Words { search, meanings })
});

/// How often what follows the words of a pattern is looked at in a line: words
/// that fill the line must not make that long.
const MOST_LOOKS: usize = 3;

/// What the words of a line say.
#[derive(Default)]
pub(super) struct Scan {
    /// The patterns that the line fits by its words, each once.
    pub(super) fitting: Vec<&'static Pattern>,
    refused: Vec<&'static Pattern>,
    beginnings: Option<[usize; 3]>,
    pub(super) looks: Looks,
    /// Whether it says what frameworks of Java say when a program did not start.
    pub(super) is_of_java: bool,
    /// Whether it may show where the repository lies.
    pub(super) shows_root: bool,
}

/// Looks for all words in a line.
pub(super) fn read(bare: &Bare<'_>) -> Scan {
    let mut scan = Scan::default();
    let Some(words) = WORDS.as_ref() else {
        return scan;
    };
    let search = &words.search;
    let Ok(mut state) = search.start_state(Anchored::No) else {
        return scan;
    };
    let bytes = bare.text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        state = search.next_state(Anchored::No, state, byte);
        if !search.is_special(state) || !search.is_match(state) {
            continue;
        }
        for number in 0..search.match_len(state) {
            let word = search.match_pattern(state, number).as_usize();
            match words.meanings.get(word) {
                Some(Meaning::Pattern(pattern, text)) => scan.fit(pattern, text, bare, at + 1),
                Some(Meaning::Trait(word, length)) => {
                    scan.looks |= word.found(bytes, (at + 1).saturating_sub(*length), at + 1);
                }
                Some(Meaning::Java(head)) => {
                    let start = (at + 1).saturating_sub(head.len());
                    scan.is_of_java |= bytes.get(start..=at) == Some(head.as_bytes());
                }
                Some(Meaning::Root) => scan.shows_root = true,
                None => {}
            }
        }
    }
    scan
}

impl Scan {
    /// Words of this pattern end here.
    fn fit(&mut self, pattern: &'static Pattern, words: &str, bare: &Bare<'_>, end: usize) {
        let start = end.saturating_sub(words.len());
        if bare.text.get(start..end) != Some(words) {
            return;
        }
        let beginnings = *self.beginnings.get_or_insert_with(|| bare.beginnings());
        let rest = bare.text.get(end..).unwrap_or_default();
        let stands = match pattern.stands {
            Stands::Anywhere => true,
            Stands::First => beginnings.contains(&start),
            Stands::Alone => beginnings.contains(&start) && rest.trim_end().is_empty(),
        };
        let is_it = |other: &&&'static Pattern| std::ptr::eq(**other, pattern);
        let is_decided = || {
            self.fitting.iter().any(|other| is_it(&other))
                || self.refused.iter().filter(is_it).count() >= MOST_LOOKS
        };
        if !stands || is_decided() {
            return;
        }
        let is_told = pattern.then.is_none_or(|then| then(rest))
            && pattern.when.is_none_or(|when| when(bare.text))
            && !(pattern.is_anywhere() && is_title(bare.text, start));
        if is_told {
            self.fitting.push(pattern);
        } else {
            self.refused.push(pattern);
        }
    }
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
