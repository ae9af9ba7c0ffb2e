//! The log's lines on their way to the page: the first ones in a file beside
//! it, the last ones in memory, the same order and bounded in both.

use std::collections::VecDeque;
use std::path::Path;

use super::markup::Html;
use crate::report::whole_file::WholeFile;
use crate::shown::Line;

/// The most lines from the beginning of the log. A browser still scrolls and
/// searches them with ease.
const MOST_LINES: usize = 200_000;

/// The same in bytes of the page.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Lines from the end of a log that is longer.
const LAST_LINES: usize = 2000;

/// The same in bytes.
const LAST_BYTES: usize = 2 * 1024 * 1024;

/// Lines that a browser lays out together; it passes over those that nobody
/// looks at.
const TOGETHER: usize = 100;

/// How much a line weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Weight {
    Ordinary,
    Warning,
    Error,
}

impl Weight {
    /// By the service's word, whose set is open.
    pub(in crate::report) fn of(word: &str) -> Self {
        let word = word.to_ascii_lowercase();
        let is = |signs: &[&str]| signs.iter().any(|sign| word.contains(sign));
        if is(&["err", "fatal", "crit", "alert", "emerg", "panic"]) {
            return Self::Error;
        }
        if is(&["warn"]) {
            return Self::Warning;
        }
        Self::Ordinary
    }
}

/// The lines for the page.
pub(super) struct Lines {
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

impl Lines {
    /// Begins the file beside the page at `path`.
    pub(super) fn beside(path: &Path) -> std::io::Result<Self> {
        let mut spool = path.as_os_str().to_owned();
        spool.push(".log");
        Ok(Self {
            spool: WholeFile::create(Path::new(&spool))?,
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
        weight: Weight,
        prefix: usize,
        line: &Line,
    ) -> std::io::Result<()> {
        self.total += 1;
        match weight {
            Weight::Ordinary => {}
            Weight::Warning => self.warnings += 1,
            Weight::Error => self.errors += 1,
        }
        let is_first_error = weight == Weight::Error && self.errors == 1;
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
                .markup(" lines are left out here. The input log-file writes all of them.</p>\n");
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

fn item(weight: Weight, is_first_error: bool, prefix: usize, line: &Line) -> Html {
    let text = line.as_str();
    let (ours, text) = text.split_at_checked(prefix).unwrap_or(("", text));
    let mut html = Html::default();
    html.markup(match weight {
        Weight::Ordinary => "<li><i>",
        Weight::Warning => "<li class=\"w\"><i>",
        Weight::Error if is_first_error => "<li class=\"e\" id=\"first-error\"><i>",
        Weight::Error => "<li class=\"e\"><i>",
    });
    // The bar is a mark for plain text; a page has other means.
    html.part(ours.trim_end_matches("| "))
        .markup("</i>")
        .part(text)
        .markup("</li>\n");
    html
}
