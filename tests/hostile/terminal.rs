//! What a terminal does with a stream. It may print, go to the next line and to
//! the next stop of the tabulator, and nothing else.

use vte::{Params, Parser, Perform};

#[derive(Default)]
struct Terminal(Vec<String>);

impl Perform for Terminal {
    fn print(&mut self, c: char) {
        if moves_or_hides(c) {
            self.0.push(format!("prints {c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        if !matches!(byte, b'\n' | b'\t') {
            self.0.push(format!("executes {byte:#x}"));
        }
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, action: char) {
        self.0.push(format!("begins a device string {action}"));
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.0.push("obeys an operating system command".to_owned());
    }

    fn csi_dispatch(&mut self, _: &Params, _: &[u8], _: bool, action: char) {
        self.0.push(format!("obeys a control sequence {action}"));
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        self.0.push(format!("obeys an escape {byte:#x}"));
    }
}

/// Marks that turn the direction of text, or take no room and so hide
/// something or come between.
fn moves_or_hides(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// What a terminal would do beside showing text.
pub(crate) fn deeds(stream: &str) -> Vec<String> {
    let mut terminal = Terminal::default();
    Parser::new().advance(&mut terminal, stream.as_bytes());
    terminal.0
}

#[test]
fn a_terminal_does_what_it_is_known_to_do() {
    for text in [
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{1b}c",
        "\u{1b}P+q\u{1b}\\",
        "a\rb",
        "a\u{8}b",
        "\u{7}",
        "\u{202e}abc",
        "a\u{200b}b",
        "\u{9b}2J",
        "a\u{2028}b",
    ] {
        assert!(!deeds(text).is_empty(), "{text:?}");
    }
    assert!(deeds("text, ümläut, 日本語 ⚠\u{fe0f}\n\ttab\n").is_empty());
}
