//! What a page makes of a summary.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A summary as it is read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// What stands outside code: here marks and mentions would work.
    pub(crate) text: String,
    /// What stands in code.
    pub(crate) code: Vec<String>,
    /// Addresses of links and of images, and pieces of HTML.
    pub(crate) links: Vec<String>,
    pub(crate) images: Vec<String>,
    pub(crate) html: Vec<String>,
    /// The number of cells of each row of a table.
    pub(crate) rows: Vec<usize>,
    /// Other structure: headings, paragraphs, lists, quotes, emphasis.
    pub(crate) structure: Vec<String>,
}

pub(crate) fn read(markdown: &str) -> Page {
    // Where GitHub's reader counts no further than this, ours does.
    let longest = markdown.split(|c| c != '`').map(str::len).max();
    assert!(longest < Some(80), "more backticks than GitHub counts");
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH;
    let mut page = Page::default();
    let mut is_block = false;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.into_string()),
            Event::Start(Tag::Image { dest_url, .. }) => page.images.push(dest_url.into_string()),
            Event::Html(html) | Event::InlineHtml(html) => page.html.push(html.into_string()),
            Event::Start(Tag::CodeBlock(_)) => {
                is_block = true;
                page.code.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => is_block = false,
            Event::Code(code) => page.code.push(code.into_string()),
            Event::Text(text) if is_block => page.code.last_mut().unwrap().push_str(&text),
            Event::Text(text) => page.text.push_str(&text),
            Event::Start(Tag::TableRow | Tag::TableHead) => page.rows.push(0),
            Event::Start(Tag::TableCell) => *page.rows.last_mut().unwrap() += 1,
            Event::Start(tag) => page.structure.push(format!("{tag:?}")),
            Event::End(_) => page.text.push(' '),
            other => page.structure.push(format!("{other:?}")),
        }
    }
    page
}

#[test]
fn a_page_shows_what_it_is_known_to_show() {
    let page = read(
        "### head\n\n| | |\n| --- | --- |\n| a | ` x \\| <b> ` |\n| c | `` ` @team `` |\n\n\
         <https://a.b>\n\n````text\n``` <i>\n````\n",
    );
    assert_eq!(page.rows, [2, 2, 2]);
    assert_eq!(page.links, ["https://a.b"]);
    assert_eq!(page.code, ["x | <b>", "` @team", "``` <i>\n"]);
    let words: Vec<&str> = page.text.split_whitespace().collect();
    assert_eq!(words, ["head", "a", "c", "https://a.b"]);
    let bad = read("[x](http://e) ![i](http://p) <img src=x>\n\n@team\n");
    assert_eq!(bad.links, ["http://e"]);
    assert_eq!(bad.images, ["http://p"]);
    assert_eq!(bad.html.len(), 1);
    assert!(bad.text.contains("@team"));
    let broken = read("| | |\n| --- | --- |\n| a | ` x | @team ` |\n");
    assert!(broken.text.contains("@team") || broken.code.is_empty());
}
