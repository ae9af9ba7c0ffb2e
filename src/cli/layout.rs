//! Text in columns, for `--help`.

/// No line is longer, however wide the window is.
const WIDEST: usize = 100;

/// Where no window is known, or its width is none.
pub(super) const USUAL: usize = 80;

/// The least that a column of text needs, if it has as much.
const NARROWEST: usize = 24;

/// Text that is wrapped to a width.
pub(super) struct HelpText {
    width: usize,
    pub(super) text: String,
}

impl HelpText {
    pub(super) fn new(columns: usize) -> Self {
        let columns = if columns == 0 { USUAL } else { columns };
        Self {
            width: columns.clamp(2 * NARROWEST, WIDEST),
            text: String::new(),
        }
    }

    /// A line of its own, such as a heading or an example.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    /// A text behind so many spaces.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) -> &mut Self {
        self.hanging("", indent, text)
    }

    /// A name, and a text in a column of its own beside or below it.
    pub(super) fn entry(&mut self, name: &str, column: usize, text: &str) -> &mut Self {
        let least = NARROWEST.min(text.chars().count());
        if self.width < column + least || name.len() + 2 > column {
            self.line(name);
            return self.paragraph(column.min(6), text);
        }
        self.hanging(name, column, text)
    }

    /// A text in a column, whose first line begins with this.
    pub(super) fn hanging(&mut self, first: &str, column: usize, text: &str) -> &mut Self {
        let lines = wrapped(text, self.width.saturating_sub(column));
        let mut before = first;
        for line in lines {
            self.line(format!("{before:column$}{line}").trim_end());
            before = "";
        }
        self
    }

    /// Names and texts under a title, which has a column of its own before theirs. In
    /// a narrow window, it is above them.
    pub(super) fn section(
        &mut self,
        title: &str,
        column: usize,
        entries: &[(String, String)],
        text: usize,
    ) -> &mut Self {
        if self.width < column + text + NARROWEST {
            self.line(&format!("{title}:"));
            for (name, meaning) in entries {
                self.entry(&format!("  {name}"), text + 2, meaning);
            }
            return self;
        }
        let mut titles = wrapped(title, column.saturating_sub(1)).into_iter();
        for (name, meaning) in entries {
            let title = titles.next().unwrap_or_default();
            self.entry(&format!("{title:column$}{name}"), column + text, meaning);
        }
        self
    }
}

/// The words of a text in lines of so many columns; one line at least.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut words = text.split_whitespace();
    let mut lines = vec![words.next().unwrap_or_default().to_owned()];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_in_its_column() {
        let mut page = HelpText::new(48);
        page.entry("  NAME", 10, "one two three four five six seven eight");
        page.entry("  A_LONG_NAME", 10, "one");
        page.entry(
            "  NAME",
            30,
            "one two three four five six seven eight nine ten",
        );
        page.paragraph(0, "");
        assert_eq!(
            page.text,
            "  NAME    one two three four five six seven\n          eight\n  A_LONG_NAME\n      one\n  \
             NAME\n      one two three four five six seven eight\n      nine ten\n\n"
        );
    }

    #[test]
    fn a_window_of_any_width_has_lines_of_a_length_that_can_be_read() {
        for (columns, width) in [(0, 80), (1, 48), (60, 60), (100, 100), (500, 100)] {
            let mut page = HelpText::new(columns);
            page.paragraph(0, &"word ".repeat(100));
            let longest = page.text.lines().map(str::len).max().unwrap();
            assert!(
                longest <= width && longest > width - 6,
                "{columns}: {longest}"
            );
        }
    }
}
