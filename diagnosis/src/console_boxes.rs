//! Exceptions in boxes, as the consoles of Symfony and Laravel print them: a
//! header, and a message that is broken over lines of one width.

use super::SourceLocation as Place;
use super::normalize::NormalizedLine;
use super::problem_matchers::PHP;
use super::stack_trace::Recognized;
use super::{beginning_of, source_location};

/// The most lines of a message.
const MOST_LINES: u8 = 12;

/// What the last lines are of.
#[derive(Debug, Default)]
pub(super) struct Box {
    header: Option<String>,
    /// The message so far, without the breaks.
    message: String,
    place: Option<Place>,
    lines: u8,
    /// Whether the message has ended: what follows is code and frames.
    has_ended: bool,
}

impl Box {
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>) -> Option<Recognized> {
        // Nearly no line.
        let first = bare.text.as_bytes().first();
        let may_be_header = first.is_none_or(|first| *first == b'I' || !first.is_ascii_graphic());
        if !may_be_header && self.header.is_none() {
            return None;
        }
        let text = bare.trimmed();
        if is_header(bare.text, text) {
            *self = Self {
                header: Some(beginning_of(text)),
                ..Self::default()
            };
            return None;
        }
        let header = self.header.as_ref()?;
        let Some(inside) = bare
            .text
            .strip_prefix("  ")
            .filter(|_| self.lines < MOST_LINES)
        else {
            *self = Self::default();
            return None;
        };
        let is_more = self.lines > 0;
        if is_more && (self.has_ended || text.starts_with("at ") || is_code(text)) {
            self.has_ended = true;
            if self.place.is_some() {
                return None;
            }
            // Laravel: where it was thrown, and where in the application.
            self.place = source_location::first(text, bare.within);
        } else {
            self.lines += 1;
            self.message
                .push_str(&beginning_of(inside.strip_suffix("  ").unwrap_or(inside)));
            if let Some(place) = source_location::first(&self.message, bare.within) {
                self.place = Some(place);
            }
        }
        Some(Recognized {
            pattern: &PHP,
            lines: vec![header.clone(), beginning_of(self.message.trim())],
            place: self.place.clone(),
            is_more,
        })
    }
}

/// `In Mailer.php line 63:`, `[RuntimeException]`, and what Laravel indents by
/// three: `   RuntimeException `
fn is_header(whole: &str, text: &str) -> bool {
    let located = text
        .strip_prefix("In ")
        .and_then(|rest| rest.split_once(" line "));
    let is_located = located.is_some_and(|(file, row)| {
        let row = row.trim_end_matches(':');
        file.rsplit_once('.').is_some_and(|(_, end)| end == "php")
            && !row.is_empty()
            && row.bytes().all(|b| b.is_ascii_digit())
    });
    let inside = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let indented = whole
        .strip_prefix("   ")
        .filter(|rest| !rest.starts_with(' '))
        .map(str::trim);
    let is_class = |name: &str| {
        (name.ends_with("Exception") || name.ends_with("Error"))
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'\\')
    };
    is_located || whole.starts_with("  ") && inside.or(indented).is_some_and(is_class)
}

/// `➜  35▕     $key = 1;`, and the frames below it.
fn is_code(text: &str) -> bool {
    text.contains('▕') || text.starts_with('+') || text.starts_with(|c: char| c.is_ascii_digit())
}
