//! The log's lines on their way to the page: the first ones in a file beside
//! it, the last ones in memory, the same order and bounded in both.

use std::collections::VecDeque;
use std::path::Path;

use super::markup::Html;
use crate::deployment_log::severity::Severity;
use crate::report::atomic_file::WholeFile;
use crate::sanitize::SanitizedLine;

/// The most lines from the beginning of the log. A browser still scrolls and
/// searches them with ease.
const MOST_LINES: usize = 200_000;

/// The most bytes of these lines in the page.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Lines from the end of a log that is longer.
const LAST_LINES: usize = 2000;

/// The most bytes of these lines.
const LAST_BYTES: usize = 2 * 1024 * 1024;

/// Lines that a browser lays out together; it passes over those that nobody
/// looks at.
const TOGETHER: usize = 100;

/// The lines for the page.
pub(super) struct PageLines {
    spool: WholeFile,
    /// How many lines are in the spool.
    spooled: usize,
    /// The last lines of what the spool does not take.
    last: VecDeque<Html>,
    last_bytes: usize,
    /// How many lines passed.
    pub(super) total: usize,
    /// How many of them are warnings.
    pub(super) warnings: usize,
    /// How many of them are errors.
    pub(super) errors: usize,
}

impl PageLines {
    /// Begins the file beside the page at `path`.
    pub(super) fn sibling_of(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            // Never put in its place; there only those who may read the page
            // can read it.
            spool: WholeFile::create(path)?,
            spooled: 0,
            last: VecDeque::new(),
            last_bytes: 0,
            total: 0,
            warnings: 0,
            errors: 0,
        })
    }

    /// Takes a line; `prefix` says how many bytes at its beginning are ours.
    pub(super) fn take(
        &mut self,
        weight: Severity,
        prefix: usize,
        line: &SanitizedLine,
    ) -> std::io::Result<()> {
        self.total += 1;
        match weight {
            Severity::Ordinary => {}
            Severity::Warning => self.warnings += 1,
            Severity::Error => self.errors += 1,
        }
        let is_first_error = weight == Severity::Error && self.errors == 1;
        let item = item(weight, is_first_error, prefix, line);
        if self.is_spooling() {
            return self.spool(&item);
        }
        self.keep(item);
        Ok(())
    }

    fn is_spooling(&self) -> bool {
        self.spooled + 1 == self.total && self.spooled < MOST_LINES && self.spool.bytes < MOST_BYTES
    }

    fn spool(&mut self, item: &Html) -> std::io::Result<()> {
        if self.spooled.is_multiple_of(TOGETHER) {
            let begin = begin_at(self.spooled, self.spooled + 1);
            self.spool.add(begin.as_str())?;
        }
        self.spooled += 1;
        self.spool.add(item.as_str())
    }

    fn keep(&mut self, item: Html) {
        self.last_bytes += item.as_str().len();
        self.last.push_back(item);
        while self.last.len() > LAST_LINES || self.last_bytes > LAST_BYTES {
            let Some(oldest) = self.last.pop_front() else {
                break;
            };
            self.last_bytes -= oldest.as_str().len();
        }
    }

    /// How many lines in the middle the page lacks.
    fn left_out(&self) -> usize {
        self.total - self.spooled - self.last.len()
    }

    /// Adds all lines to the page.
    pub(super) fn add_to(self, page: &mut WholeFile) -> std::io::Result<()> {
        let left_out = self.left_out();
        let mut number = self.total - self.last.len();
        let is_open = self.spooled > 0;
        self.spool.pour_into(page)?;
        if is_open {
            page.add("</ol>\n")?;
        }
        if left_out > 0 {
            let mut gap = Html::default();
            gap.markup("<p class=\"gap\">")
                .count(left_out)
                .markup(" lines are omitted here. The input log-file writes all of them.</p>\n");
            page.add(gap.as_str())?;
        }
        let mut last = self.last;
        for (at, item) in last.make_contiguous().iter().enumerate() {
            number += 1;
            if at.is_multiple_of(TOGETHER) {
                page.add(begin_at(at, number).as_str())?;
            }
            page.add(item.as_str())?;
        }
        if last.is_empty() {
            return Ok(());
        }
        page.add("</ol>\n")
    }
}

/// The beginning of lines that belong together, the first with this number;
/// `after` says how many lines stand right before them.
fn begin_at(after: usize, number: usize) -> Html {
    let mut html = Html::default();
    html.markup(if after > 0 { "</ol>\n" } else { "" })
        .markup("<ol start=\"")
        .number(number)
        .markup("\">\n");
    html
}

fn item(weight: Severity, is_first_error: bool, prefix: usize, line: &SanitizedLine) -> Html {
    let text = line.as_str();
    let (ours, text) = text.split_at_checked(prefix).unwrap_or(("", text));
    let mut html = Html::default();
    html.markup(match weight {
        Severity::Ordinary => "<li><i>",
        Severity::Warning => "<li class=\"w\"><i>",
        Severity::Error if is_first_error => "<li class=\"e\" id=\"first-error\"><i>",
        Severity::Error => "<li class=\"e\"><i>",
    });
    // The bar is a mark for plain text; a page has other means.
    html.part(ours.strip_suffix("| ").unwrap_or(ours))
        .markup("</i>")
        .part(text)
        .markup("</li>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Sanitizer;

    fn sanitized(line: &str) -> SanitizedLine {
        Sanitizer::default().line(&format!("12:00 | {line}"))
    }

    fn page_of(lines: impl IntoIterator<Item = (Severity, String)>) -> String {
        page_of_sanitized(
            lines
                .into_iter()
                .map(|(weight, line)| (weight, sanitized(&line))),
        )
    }

    /// What the page gets of so many lines, and what stays behind.
    fn page_of_sanitized(lines: impl IntoIterator<Item = (Severity, SanitizedLine)>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let mut all = PageLines::sibling_of(&path).unwrap();
        for (weight, line) in lines {
            all.take(weight, 8, &line).unwrap();
        }
        let mut page = WholeFile::create(&path).unwrap();
        all.add_to(&mut page).unwrap();
        page.finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn lines_are_text_in_lists_that_count_on() {
        let lines = (0..150).map(|number| {
            let weight = match number {
                3 | 4 => Severity::Error,
                5 => Severity::Warning,
                _ => Severity::Ordinary,
            };
            (weight, format!("<b>{number}"))
        });
        let page = page_of(lines);
        assert!(page.starts_with("<ol start=\"1\">\n<li><i>12:00 </i>&lt;b&gt;0</li>\n"));
        assert!(
            page.contains("99</li>\n</ol>\n<ol start=\"101\">\n<li><i>12:00 </i>&lt;b&gt;100</li>")
        );
        assert!(page.contains("<li class=\"e\" id=\"first-error\"><i>12:00 </i>&lt;b&gt;3"));
        assert!(page.contains("<li class=\"e\"><i>12:00 </i>&lt;b&gt;4"));
        assert!(page.contains("<li class=\"w\"><i>12:00 </i>&lt;b&gt;5"));
        assert!(page.ends_with("149</li>\n</ol>\n"));
        assert_eq!(page_of([]), "");
    }

    #[test]
    fn a_log_without_end_has_a_gap_and_its_end() {
        const EXTRA: usize = 12_345;
        let total = MOST_LINES + EXTRA + LAST_LINES;
        let page = page_of((1..=total).map(|number| (Severity::Ordinary, number.to_string())));
        assert_eq!(page.matches("<li>").count(), MOST_LINES + LAST_LINES);
        assert!(page.contains("200000</li>\n</ol>\n<p class=\"gap\">12,345 lines are omitted"));
        assert!(page.contains("<ol start=\"212346\">\n<li><i>12:00 </i>212346</li>"));
        assert!(page.ends_with("214345</li>\n</ol>\n"));
    }

    #[test]
    fn long_lines_are_bounded_in_bytes() {
        const LONG: usize = 16 * 1024;
        let long = sanitized(&"x".repeat(LONG));
        let count = (MOST_BYTES + LAST_BYTES) / LONG + 100;
        let page = page_of_sanitized((0..count).map(|_| (Severity::Ordinary, long.clone())));
        assert!(
            page.len() < MOST_BYTES + LAST_BYTES + 64 * 1024,
            "{}",
            page.len()
        );
        assert!(page.contains("lines are omitted"));
    }
}
