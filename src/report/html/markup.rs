//! Markup that text cannot become a part of. Pure.
//!
//! Tags are words of this program, known when it is compiled. Everything else
//! is sanitized text, which is escaped.

use crate::sanitize::SanitizedLine;
use crate::text::duration::plural;

/// A piece of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup of ours.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text: between tags, or in an attribute that stands in quotes.
    pub(super) fn text(&mut self, text: &SanitizedLine) -> &mut Self {
        self.part(text.as_str())
    }

    /// Adds a part of a text that was sanitized as a whole.
    pub(super) fn part(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.0);
        self
    }

    /// Adds a count with its noun, such as `50,000 lines`.
    pub(super) fn counted(&mut self, count: usize, noun: &str) -> &mut Self {
        let ending = plural(count, noun);
        self.count(count).part(" ").part(noun).part(ending)
    }

    /// Adds a number, with a comma between thousands.
    pub(super) fn count(&mut self, number: usize) -> &mut Self {
        let digits = number.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                self.0.push(',');
            }
            self.0.push(digit);
        }
        self
    }

    /// Adds a number for an attribute.
    pub(super) fn number(&mut self, number: usize) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// The markup so far.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text with everything replaced that could end it or begin something else.
fn escape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '`']) {
        let (plain, from) = rest.split_at(at);
        let mut chars = from.chars();
        into.push_str(plain);
        into.push_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\'') => "&#39;",
            _ => "&#96;",
        });
        rest = chars.as_str();
    }
    into.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut html = Html::default();
        html.part(text);
        html.0
    }

    /// What a browser makes of the references that we write.
    fn unescaped(html: &str) -> String {
        [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&#96;", "`"),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(html.to_owned(), |text, (reference, sign)| {
            text.replace(reference, sign)
        })
    }

    proptest! {
        #[test]
        fn no_text_ends_or_begins_anything(text in "([&<>\"'`=/!;#-]|lt|amp|script|\\PC){0,40}") {
            let html = escaped(&text);
            prop_assert!(!html.contains(['<', '>', '"', '\'', '`']), "{html}");
            // A sign that begins a reference begins one of ours.
            let references = ["lt;", "gt;", "quot;", "#39;", "#96;", "amp;"];
            for (at, _) in html.match_indices('&') {
                prop_assert!(references.iter().any(|known| html[at + 1..].starts_with(known)));
            }
            prop_assert_eq!(unescaped(&html), text);
        }
    }

    #[test]
    fn counts_are_read_in_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(Html::default().count(number).as_str(), text);
        }
    }
}
