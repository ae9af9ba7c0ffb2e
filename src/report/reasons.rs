//! Why a run ended as it did and what to do, as a list in Markdown. Pure.

use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::console;
use crate::text::markdown_escape::{code, link};

/// The list, with at most so many reasons; `text` makes a text fit for code.
pub(super) fn list(outcome: &Outcome, most: usize, text: &impl Fn(&str) -> String) -> String {
    let why = outcome.why.iter().take(most).map(|why| ("Why", why));
    let elapsed = console::elapsed(outcome);
    let rows = why
        .chain(outcome.effort.iter().map(|effort| ("Tried", effort)))
        .chain(elapsed.iter().map(|elapsed| ("Time", elapsed)))
        .chain(outcome.hint.iter().map(|hint| ("Next", hint)));
    let mut list: String = rows
        .map(|(name, value)| format!("- {name}: {}\n", code(&text(value))))
        .collect();
    let more = outcome.failure().map(Failure::address);
    if let Some(more) = more.as_deref().and_then(link) {
        list.push_str(&format!("- More: {more}\n"));
    }
    list
}
