//! Long lines and lists cut to their beginning, with the number of what is omitted.

use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::duration::counted;

/// The line, or its beginning and how much is omitted.
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

/// The first of a list, and words for the rest.
pub(crate) fn first_of<T>(
    all: impl IntoIterator<Item = T>,
    most: usize,
) -> (Vec<T>, Option<String>) {
    let mut all = all.into_iter();
    let shown = all.by_ref().take(most).collect();
    let more = all.count();
    (shown, (more > 0).then(|| format!("and {more} more")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_with_the_number_of_the_rest() {
        let cut = |all: &[i32]| first_of(all.to_vec(), 2);
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(
            cut(&[1, 2, 3, 4]),
            (vec![1, 2], Some("and 2 more".to_owned()))
        );
        assert_eq!(cut(&[]), (Vec::new(), None));
    }
}
