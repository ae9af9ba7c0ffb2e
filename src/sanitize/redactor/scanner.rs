//! Finds the places of a line where a secret may be, in one pass.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::{Encoding, PART};

/// Finds the places where a form may be, by a piece of each at its beginning
/// and, if it may be broken, one at its end.
pub(super) struct Scanner {
    /// The pieces. They have one length, so two never begin at the same place,
    /// and the leftmost is every one there is.
    pieces: AhoCorasick,
    /// By the number of the piece, where in which form it stands.
    needles: Vec<Vec<Needle>>,
}

/// A piece of a form.
#[derive(Clone, Copy)]
pub(super) struct Needle {
    pub(super) form: usize,
    pub(super) offset: usize,
}

impl Scanner {
    /// `None` if there is nothing to find.
    pub(super) fn new(forms: &[Encoding]) -> Option<Self> {
        let shortest = |form: &Encoding| form.part.unwrap_or(PART.min(form.text.len()));
        let length = forms.iter().map(shortest).min()?;
        let mut needles: BTreeMap<&[u8], Vec<Needle>> = BTreeMap::new();
        for (number, form) in forms.iter().enumerate() {
            let ending = form.part.map(|_| form.text.len() - length);
            for offset in [Some(0), ending].into_iter().flatten() {
                let piece = form.text.as_bytes().get(offset..offset + length)?;
                let form = number;
                needles
                    .entry(piece)
                    .or_default()
                    .push(Needle { form, offset });
            }
        }
        Some(Self {
            pieces: search_for(needles.keys()),
            needles: needles.into_values().collect(),
        })
    }

    /// Tells every place where a form may be, and which.
    pub(super) fn scan(&self, bytes: &[u8], mut emit: impl FnMut(usize, Needle)) {
        let mut from = 0;
        while let Some(found) = self.pieces.find(Input::new(bytes).range(from..)) {
            let needles = self.needles.get(found.pattern().as_usize());
            for needle in needles.into_iter().flatten() {
                emit(found.start(), *needle);
            }
            // They may overlap.
            from = found.start() + 1;
        }
    }
}

/// A table with a row for every state: of the ways in which the library can
/// search, the fastest here, and with its prefilter faster than any of our own.
fn search_for<'a>(pieces: impl Iterator<Item = &'a &'a [u8]>) -> AhoCorasick {
    #[expect(
        clippy::expect_used,
        reason = "only gigabytes of secrets do not fit, and then none may be shown"
    )]
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .kind(Some(AhoCorasickKind::DFA))
        .build(pieces)
        .expect("the secrets fit into a table")
}
