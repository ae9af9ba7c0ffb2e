//! [`LiveLine`]: the live line on a screen, drawn so that it can be erased
//! completely, whatever was typed into it and however wide the window is by
//! then. Made by [`super::terminal`].
//!
//! What a person types is echoed at the cursor, by the terminal itself and
//! unasked: after `^C` or the enter key the cursor is no longer where we have
//! left it. So some columns behind the line stay free, and an empty row above it
//! takes the cursor's going one row down: wiping begins with that row. It also
//! parts the line from the text.

use std::io;
use std::sync::{Mutex, PoisonError};

use console::{Term, measure_text_width};
use indicatif::TermLike;

use crate::environment::Variables;

/// The columns behind the line that stay free: for `^C^C`, and one because some
/// terminals begin a new row as soon as the last column is filled.
pub(super) const FREE: usize = 5;

/// Windows with fewer rows than this have none to spare for an empty one.
const ROOMY: u16 = 3;

/// No line of ours is wider than this or than the window.
const WIDE: u16 = 80;

/// The part of a screen below the text, with the live line.
#[derive(Debug)]
pub(super) struct LiveLine {
    screen: Term,
    rewraps: bool,
    state: Mutex<LiveLineState>,
}

#[derive(Debug, Default)]
struct LiveLineState {
    /// What stands on the screen.
    drawn: Option<LiveLineFrame>,
    /// What is to be written in one go.
    unwritten: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LiveLineFrame {
    /// The columns that the line takes, if there is room for all of it.
    cells: usize,
    /// Whether there is an empty row above it.
    is_apart: bool,
}

impl LiveLine {
    pub(super) fn new(screen: Term, rewraps: bool) -> Self {
        Self {
            screen,
            rewraps,
            state: Mutex::default(),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut LiveLineState) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Only one line is ever drawn, so there is nothing to be moved to: the cursor
/// is where the line ends.
impl TermLike for LiveLine {
    /// The crate fills the rest of the row by this width, which is omitted
    /// here. It does not expect a window that is narrower than a character.
    fn width(&self) -> u16 {
        self.screen.size().1.max(WIDE)
    }

    fn move_cursor_up(&self, _rows: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _rows: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Spaces up to the last column would leave no room for what is typed.
        if text.trim_start().is_empty() {
            return Ok(());
        }
        let is_apart = self.screen.size().0 >= ROOMY;
        self.with(|state| {
            if is_apart {
                state.unwritten.push_str("\r\n");
            }
            state.unwritten.push_str(text);
            let cells = measure_text_width(text);
            state.drawn = Some(LiveLineFrame { cells, is_apart });
        });
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let columns = usize::from(self.screen.size().1);
        self.with(|state| {
            if let Some(drawn) = state.drawn.take() {
                let wipe = wipe(drawn, columns, self.rewraps);
                state.unwritten.push_str(&wipe);
            }
        });
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let text = self.with(|state| std::mem::take(&mut state.unwritten));
        self.screen.write_str(&text)?;
        self.screen.flush()
    }
}

/// Goes to where the drawing began and erases all from there on.
fn wipe(drawn: LiveLineFrame, columns: usize, rewraps: bool) -> String {
    let rows_above = if rewraps {
        drawn.cells.div_ceil(columns.max(1)).saturating_sub(1)
    } else {
        0
    };
    let up = match rows_above + usize::from(drawn.is_apart) {
        0 => String::new(),
        up => format!("\x1b[{up}A"),
    };
    format!("{up}\r\x1b[J")
}

/// Whether a line that has become too wide for its window continues in the next
/// row, as in most terminals. These two cut it off, and going up further would
/// erase text.
pub(super) fn rewraps(variables: &Variables) -> bool {
    let is_xterm = variables.text("XTERM_VERSION").is_some();
    let is_screen = variables.text("STY").is_some();
    // It may have been started in either of them.
    variables.text("TMUX").is_some() || !(is_xterm || is_screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_begins_where_the_drawing_has_begun() {
        for (cells, is_apart, columns, rewraps, wiped) in [
            (60, true, 80, true, "\x1b[1A\r\x1b[J"),
            (60, false, 80, true, "\r\x1b[J"),
            (60, true, 61, true, "\x1b[1A\r\x1b[J"),
            (60, true, 60, true, "\x1b[1A\r\x1b[J"),
            (60, true, 59, true, "\x1b[2A\r\x1b[J"),
            (60, true, 20, true, "\x1b[3A\r\x1b[J"),
            (60, false, 19, true, "\x1b[3A\r\x1b[J"),
            (60, true, 20, false, "\x1b[1A\r\x1b[J"),
            (0, true, 20, true, "\x1b[1A\r\x1b[J"),
        ] {
            let drawn = LiveLineFrame { cells, is_apart };
            assert_eq!(wipe(drawn, columns, rewraps), wiped, "{drawn:?} {columns}");
        }
    }

    #[test]
    fn terminals_that_cut_lines_off_are_known() {
        let xterm = ("XTERM_VERSION", "XTerm(390)");
        for (variables, expected) in [
            (Variables::from([]), true),
            (Variables::from([xterm]), false),
            (Variables::from([("STY", "1.pts-0.host")]), false),
            (Variables::from([xterm, ("TMUX", "/x,1,0")]), true),
        ] {
            assert_eq!(rewraps(&variables), expected, "{variables:?}");
        }
    }
}
