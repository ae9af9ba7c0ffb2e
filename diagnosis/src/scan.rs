//! Which patterns a line fits, and which traits its words show. All words are
//! looked for in one pass.

use std::sync::LazyLock;

use super::looks::Looks;
use super::normalize::NormalizedLine;
use super::problem_matcher::{Anchor, Pattern};
use super::trait_words::{self, Word};
use super::word_search::Search;
use super::{problem_matchers, recovery, roots, sevalla_phases, source_location, spring};

/// The words of all patterns, and those that show a trait.
struct Words {
    search: Search,
    /// Each of the words, and what it stands for.
    all: Vec<(&'static str, Meaning)>,
}

#[derive(Clone, Copy)]
enum Meaning {
    Pattern(&'static Pattern),
    Trait(Word),
    Module(Modules),
    Root,
}

/// The modules that a line concerns, a bit each.
type Modules = u8;

/// Those that look only at lines with one of their words.
pub(super) mod module {
    pub(in super::super) const JAVA: u8 = 1;
    pub(in super::super) const HEALING: u8 = 1 << 1;
    pub(in super::super) const PHASES: u8 = 1 << 2;
    pub(in super::super) const DOCKERFILE: u8 = 1 << 3;
    /// The number of a line of a file may follow.
    pub(in super::super) const ROW: u8 = 1 << 4;
}

/// Their words.
const OF_MODULES: &[(Modules, &[&str])] = &[
    (module::JAVA, spring::HEADS),
    (module::HEALING, recovery::WORDS),
    (module::PHASES, sevalla_phases::WORDS),
    (module::DOCKERFILE, source_location::DOCKERFILES),
    (module::ROW, &["line "]),
];

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let of_patterns = problem_matchers::all().flat_map(|pattern| {
        let words = pattern.words.iter();
        words.map(move |text| (*text, Meaning::Pattern(pattern)))
    });
    let of_traits = trait_words::words().map(|(word, text)| (text, Meaning::Trait(word)));
    let of_modules = OF_MODULES.iter().flat_map(|(module, words)| {
        let words = words.iter();
        words.map(|text| (*text, Meaning::Module(*module)))
    });
    let of_roots = roots::WORDS.iter().map(|text| (*text, Meaning::Root));
    let all: Vec<_> = of_patterns
        .chain(of_traits)
        .chain(of_modules)
        .chain(of_roots)
        .collect();
    let search = Search::of(all.iter().map(|(text, _)| *text));
    Words { search, all }
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
    modules: Modules,
    /// Whether it may show where the repository lies.
    pub(super) shows_root: bool,
}

/// Looks for all words in a line.
pub(super) fn read(bare: &NormalizedLine<'_>) -> Scan {
    let (mut scan, mut fitting) = (Scan::default(), Vec::new());
    let words = &*WORDS;
    let bytes = bare.text.as_bytes();
    words.search.each(bytes, |number, start| {
        let Some((text, meaning)) = words.all.get(usize::from(number)) else {
            return;
        };
        let end = start + text.len();
        let Some(is) = bytes.get(start..end) else {
            return;
        };
        let (is_it, is_nearly) = (
            || is == text.as_bytes(),
            || is.eq_ignore_ascii_case(text.as_bytes()),
        );
        match meaning {
            Meaning::Pattern(pattern) if is_it() => fitting.push((end, start, number, *pattern)),
            Meaning::Trait(word) if is_nearly() => scan.looks |= word.found(bytes, start, end),
            Meaning::Module(module) if is_it() => scan.modules |= module,
            Meaning::Root if is_nearly() => scan.shows_root = true,
            _ => {}
        }
    });
    fitting.sort_unstable_by_key(|(end, start, number, _)| (*end, *start, *number));
    for (end, start, _, pattern) in fitting {
        scan.fit(pattern, bare, start, end);
    }
    scan
}

impl Scan {
    /// Whether it has a word of this module.
    pub(super) const fn concerns(&self, module: Modules) -> bool {
        self.modules & module != 0
    }

    /// Words of this pattern are here.
    fn fit(
        &mut self,
        pattern: &'static Pattern,
        bare: &NormalizedLine<'_>,
        start: usize,
        end: usize,
    ) {
        let beginnings = *self.beginnings.get_or_insert_with(|| bare.beginnings());
        let rest = bare.text.get(end..).unwrap_or_default();
        let stands = match pattern.stands {
            Anchor::Anywhere => true,
            Anchor::First => beginnings.contains(&start),
            Anchor::Alone => beginnings.contains(&start) && rest.trim_end().is_empty(),
        };
        let is_it = |other: &&&'static Pattern| std::ptr::eq(**other, pattern);
        let is_decided = || {
            self.fitting.iter().any(|other| is_it(&other))
                || self.refused.iter().filter(is_it).count() >= MOST_LOOKS
        };
        if !stands || is_decided() {
            return;
        }
        let is_matched = pattern.then.is_none_or(|then| then(rest))
            && pattern.when.is_none_or(|when| when(bare.text))
            && !(pattern.is_anywhere() && is_title(bare.text, start));
        if is_matched {
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
