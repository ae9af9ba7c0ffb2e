//! Long lines cut to their beginning, with the number of characters left out.

use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::duration::counted;

/// The line, or its beginning and how much is left out.
pub(crate) fn shorten(line: SanitizedLine, longest: usize, sanitizer: &Sanitizer) -> SanitizedLine {
    let text = line.as_str();
    if text.len() <= longest {
        return line;
    }
    let head = beginning(text, longest);
    sanitizer.line(&format!(
        "{head}… ({} in this line)",
        counted(text.len() - head.len(), "more byte")
    ))
}

/// As much of the text as fits into so many bytes.
pub(crate) fn beginning(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    let fitting = (0..=longest).rev().find_map(|end| text.get(..end));
    fitting.unwrap_or_default()
}
