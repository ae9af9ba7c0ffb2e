//! The page of `html-report`, cut at every sign that a browser takes for the
//! beginning or the end of markup.

/// The elements that are ours.
const ELEMENTS: &str = "!doctype a body button code dd div dl dt fieldset figcaption figure footer form \
     h1 h2 h3 head header html i input kbd label legend li line main meta ol output p pre rect script \
     section span style svg table tbody td text th thead title tr ul";

/// The attributes that are ours.
const ATTRIBUTES: &str = "aria-hidden aria-keyshortcuts aria-label aria-labelledby autocomplete \
     charset checked class content height hidden href html http-equiv id lang name \
     rel role scope spellcheck start tabindex title type value viewBox width x x1 x2 y y1 y2";

/// Asserts that all markup is of our words and leads nowhere but to the web.
pub(crate) fn assert_ours(page: &str) {
    let page = without(&without(page, "style"), "script");
    let (_, markup) = page.split_once('<').expect("a page");
    for piece in markup.split('<') {
        let (tag, text) = piece.split_once('>').expect("a tag that ends");
        assert!(!text.contains(['"', '\'', '`', '>']), "{text}");
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let name = name.trim_start_matches('/');
        let attributes = attributes.trim_end_matches('/');
        assert!(is_one_of(ELEMENTS, name), "{tag}");
        // Quoted values stand in every second place.
        for (at, part) in attributes.split('"').enumerate() {
            let names = part.trim_end_matches('=').split_whitespace();
            if at.is_multiple_of(2) {
                names.for_each(|name| assert!(is_one_of(ATTRIBUTES, name), "{tag}"));
            }
        }
        if let Some((_, address)) = tag.split_once("href=\"") {
            let leads = ["#", "https://", "http://"];
            assert!(leads.iter().any(|lead| address.starts_with(lead)), "{tag}");
        }
    }
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// The page without what its own style or script says.
fn without(page: &str, element: &str) -> String {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let (before, rest) = page.split_once(&begin).expect("it has one");
    let (_, after) = rest.split_once(&end).expect("it ends");
    format!("{before}{after}")
}
