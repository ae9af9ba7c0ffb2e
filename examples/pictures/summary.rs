//! A job summary as GitHub shows it: the few kinds of blocks that it has.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::svg::{CELL, LINE, cells, escaped, sheet, width};

const WIDTH: f64 = 880.0;
const LEFT: f64 = 24.0;
const INNER: f64 = WIDTH - 2.0 * LEFT;
/// The first column of a table of two. The second has room for the address of a
/// commit, whose letters are wide.
const FIRST: f64 = 190.0;
/// About so many letters fit into a line.
const LETTERS: usize = 118;
const TEXT: &str = "font-family=\"-apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\"";
const INK: &str = "#1f2328";
const RULE: &str = "#d1d9e0";
const SHADE: &str = "#f6f8fa";

/// A piece of text with the attributes of its `tspan`.
type Span = (String, String);

pub(crate) fn picture(markdown: &str) -> String {
    let mut page = Page {
        y: LEFT,
        ..Page::default()
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    sheet(WIDTH, page.y + LEFT / 2.0, "#ffffff", RULE, &page.drawn)
}

#[derive(Default)]
struct Page {
    /// Where the next block begins.
    y: f64,
    drawn: String,
    spans: Vec<Span>,
    row: Vec<Vec<Span>>,
    /// The language and text of an open block of code.
    code: Option<(String, String)>,
    is_strong: bool,
    is_link: bool,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                self.code = Some((language.to_string(), String::new()));
            }
            Event::End(TagEnd::CodeBlock) => match self.code.take() {
                Some((language, text)) if language == "mermaid" => self.chart(&text),
                Some((_, text)) => self.block(&text),
                None => {}
            },
            Event::Start(Tag::Strong) => self.is_strong = true,
            Event::End(TagEnd::Strong) => self.is_strong = false,
            Event::Start(Tag::Link { .. }) => self.is_link = true,
            Event::End(TagEnd::Link) => self.is_link = false,
            Event::Start(Tag::Item) => self.span("", "• "),
            Event::End(TagEnd::Heading(_)) => self.line("18", "600"),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::HtmlBlock) => {
                self.line("14", "400");
            }
            Event::End(TagEnd::TableCell) => self.row.push(std::mem::take(&mut self.spans)),
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => self.table_row(),
            Event::End(TagEnd::Table) => self.y += LINE,
            Event::SoftBreak | Event::HardBreak => self.span("", " "),
            Event::Code(text) => self.span("font-family=\"monospace\" font-size=\"12\"", &text),
            Event::Html(text) | Event::InlineHtml(text) => self.html(&text),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.span("", &text),
            },
            _ => {}
        }
    }

    fn span(&mut self, style: &str, text: &str) {
        let weight = if self.is_strong {
            " font-weight=\"600\""
        } else {
            ""
        };
        let color = if self.is_link {
            " fill=\"#0969da\""
        } else {
            ""
        };
        let style = format!("{style}{weight}{color}");
        self.spans.push((style, text.to_owned()));
    }

    /// The text of HTML, with the mark of what can be unfolded.
    fn html(&mut self, html: &str) {
        let mut text = html.to_owned();
        while let (Some(start), Some(end)) = (text.find('<'), text.find('>')) {
            let mark = if text[start..].starts_with("<summary") {
                "▸ "
            } else {
                ""
            };
            text.replace_range(start..=end.max(start), mark);
        }
        let text = text.trim();
        if !text.is_empty() {
            self.span("", text);
        }
    }

    /// Draws the open text as one block, in as many lines as it needs.
    fn line(&mut self, size: &str, weight: &str) {
        for spans in wrapped(std::mem::take(&mut self.spans)) {
            self.y += LINE;
            self.text(LEFT, size, weight, &spans);
            self.y += 4.0;
        }
        self.y += 8.0;
    }

    fn text(&mut self, x: f64, size: &str, weight: &str, spans: &[Span]) {
        let spans: String = spans
            .iter()
            .map(|(style, text)| format!("<tspan {style}>{}</tspan>", escaped(text)))
            .collect();
        self.drawn.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" {TEXT} font-size=\"{size}\" font-weight=\"{weight}\" \
             fill=\"{INK}\">{spans}</text>\n",
            self.y
        ));
    }

    fn shade(&mut self, height: f64) {
        self.drawn.push_str(&format!(
            "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{INNER}\" height=\"{height:.1}\" rx=\"6\" \
             fill=\"{SHADE}\"/>\n",
            self.y
        ));
    }

    /// A block of code; what is too long for a line is cut off.
    fn block(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        self.shade(width(lines.len()) / CELL * LINE + LINE);
        self.y += LINE + 2.0;
        for line in lines {
            let line = console::truncate_str(line, LETTERS - 7, "…");
            let count = console::measure_text_width(&line);
            let style = format!("fill=\"{INK}\"");
            self.drawn
                .push_str(&cells(LEFT + 12.0, self.y, count, &style, &line));
            self.y += LINE;
        }
        self.y += 10.0;
    }

    fn table_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if row.iter().all(Vec::is_empty) {
            return;
        }
        let place = |column: usize| match (column, row.len()) {
            (0, _) => LEFT,
            (_, 2) => LEFT + FIRST,
            (column, count) => LEFT + INNER * width(column) / width(count),
        };
        self.y += LINE + 4.0;
        for (column, spans) in row.iter().enumerate() {
            self.text(place(column), "14", "400", spans);
        }
        self.drawn.push_str(&format!(
            "<path d=\"M {LEFT} {:.1} h {INNER}\" stroke=\"{RULE}\"/>\n",
            self.y + 7.0
        ));
        self.y += 4.0;
    }

    /// A time line in Mermaid's words: `name :tags, from, to`.
    fn chart(&mut self, text: &str) {
        let bars: Vec<Bar> = text.lines().filter_map(Bar::read).collect();
        let from = bars.iter().map(|bar| bar.from).min();
        let to = bars.iter().map(|bar| bar.to).max();
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        let whole = to.duration_since(from).as_secs_f64().max(0.001);
        for bar in bars {
            let start = bar.from.duration_since(from).as_secs_f64() / whole;
            let length = bar.to.duration_since(bar.from).as_secs_f64() / whole;
            let space = INNER - FIRST;
            self.y += LINE + 6.0;
            self.text(LEFT, "13", "400", &[(String::new(), bar.name)]);
            self.drawn.push_str(&format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"15\" rx=\"3\" \
                 fill=\"{}\"/>\n",
                LEFT + FIRST + start * space,
                self.y - 12.0,
                (length * space).max(2.0),
                bar.color
            ));
        }
        self.y += LINE + 8.0;
    }
}

/// One bar of a time line.
struct Bar {
    name: String,
    color: &'static str,
    from: jiff::Timestamp,
    to: jiff::Timestamp,
}

impl Bar {
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.trim().rsplit_once(" :")?;
        let mut parts = rest.rsplit(", ");
        let mut time = || -> Option<jiff::Timestamp> {
            format!("{}Z", parts.next()?.trim().replace(' ', "T"))
                .parse()
                .ok()
        };
        let (to, from) = (time()?, time()?);
        let color = match () {
            () if rest.contains("crit") => "#cf222e",
            () if rest.contains("done") => "#afb8c1",
            () if rest.contains("active") => "#d4a72c",
            () => "#1a7f37",
        };
        let name = name.to_owned();
        Some(Self {
            name,
            color,
            from,
            to,
        })
    }
}

/// The spans in lines of about equal length.
fn wrapped(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    let mut filled = 0;
    for (style, text) in spans {
        for word in text.split_inclusive(' ') {
            let letters = word.chars().count();
            if filled + letters > LETTERS && filled > 0 {
                lines.push(Vec::new());
                filled = 0;
            }
            filled += letters;
            let line = lines.last_mut().into_iter();
            line.for_each(|line: &mut Vec<Span>| line.push((style.clone(), word.to_owned())));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}
