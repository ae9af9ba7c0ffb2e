//! A window with the program in it: a terminal that is typed into, resized and
//! looked at.

use std::io::{ErrorKind, Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use vt100::{Parser, Screen};

use super::harness::{LONGEST, Runner};

/// So many rows that went out at the top are kept.
const KEPT: usize = 500;

/// Between two looks: each costs something.
const LOOK: Duration = Duration::from_millis(20);

/// So long after the program has drawn its live line, it does not begin to draw
/// it again.
const QUIET: Duration = Duration::from_millis(100);

fn size(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}

/// What a terminal does with lines when its width changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitting {
    /// They are wrapped anew, as in most.
    Rewrap,
    /// They are cut off, as in xterm.
    Cut,
}

pub(crate) struct Window {
    parser: Mutex<Parser>,
    pty: Pty,
    child: Mutex<std::process::Child>,
    _runner: Runner,
}

impl Window {
    pub(crate) fn open(runner: Runner, rows: u16, columns: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
            .args(runner.arguments())
            .env_clear()
            .envs(runner.variables())
            .current_dir(runner.path("."))
            .spawn(pts)
            .unwrap();
        // The standard library sets this only for sockets, and for the same
        // file under another number.
        let same = UnixStream::from(pty.as_fd().try_clone_to_owned().unwrap());
        same.set_nonblocking(true).unwrap();
        Self {
            parser: Mutex::new(Parser::new(size(rows), size(columns), KEPT)),
            pty,
            child: Mutex::new(child),
            _runner: runner,
        }
    }

    /// Shows what the program has written since the last time, and returns
    /// whether more may come. The screen changes nowhere else, so that all of
    /// a test's looks after a wait are at the same screen.
    fn shows_more(&self) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match (&self.pty).read(&mut bytes) {
                Ok(count @ 1..) => self.parser.lock().unwrap().process(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // An error is how the system says that the program has ended.
                Ok(0) | Err(_) => return false,
            }
        }
    }

    /// The rows of the screen, without what is empty at the end.
    pub(crate) fn rows(&self) -> Vec<String> {
        let parser = self.parser.lock().unwrap();
        let text = parser.screen().contents();
        text.lines().map(str::to_owned).collect()
    }

    /// What has been shown, with what went out of the window at its top.
    pub(crate) fn everything(&self) -> Vec<String> {
        let mut parser = self.parser.lock().unwrap();
        let rows = all_rows(&mut parser).into_iter();
        rows.map(|row| row.text).collect()
    }

    /// Waits until this holds for what is shown; where it never does, shows the
    /// window. Returns a moment in which it did not hold yet.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) -> Instant {
        let mut not_yet = Instant::now();
        let watch = async {
            loop {
                let looked = Instant::now();
                self.shows_more();
                if holds() {
                    break;
                }
                not_yet = looked;
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = tokio::time::timeout(LONGEST, watch).await;
        assert!(
            waited.is_ok(),
            "{what} never came: {:#?}",
            self.everything()
        );
        not_yet
    }

    /// The rows in which a live line is, or what is left of one: it begins with
    /// a sign that turns.
    pub(crate) fn live_rows(&self) -> Vec<String> {
        let is_live =
            |row: &String| row.starts_with(|sign| ('\u{2800}'..'\u{2900}').contains(&sign));
        self.everything().into_iter().filter(is_live).collect()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.rows().iter().any(|row| row.contains(text))
    }

    /// The row that holds this text, once there is one.
    pub(crate) async fn comes_to_show(&self, text: &str) -> String {
        let row = Mutex::new(None);
        let find = || {
            let found = self.rows().into_iter().find(|row| row.contains(text));
            let mut row = row.lock().unwrap();
            *row = found;
            row.is_some()
        };
        self.until(text, find).await;
        row.into_inner().unwrap().unwrap()
    }

    /// Waits until the live line was drawn again, and returns a moment before it.
    pub(crate) async fn draws_again(&self) -> Instant {
        self.shows_more();
        let before = self.live_rows();
        let is_another = || {
            let rows = self.live_rows();
            !rows.is_empty() && rows != before
        };
        self.until("another live line", is_another).await
    }

    pub(crate) fn press(&self, keys: &[u8]) {
        (&self.pty).write_all(keys).unwrap();
    }

    /// Gives the window another width, while the program draws nothing: what it
    /// has drawn for one width and the terminal shows in another cannot be wiped
    /// whole by any program.
    pub(crate) async fn resize(&self, columns: u16, fitting: Fitting) {
        while self.draws_again().await.elapsed() > QUIET {}
        let mut parser = self.parser.lock().unwrap();
        let rows = parser.screen().size().0;
        self.pty.resize(Size::new(rows.get(), columns)).unwrap();
        match fitting {
            Fitting::Cut => parser.set_size(rows, size(columns)),
            Fitting::Rewrap => *parser = rewrapped(&mut parser, columns),
        }
    }

    /// The exit code, once the program has ended and all of it is shown.
    pub(crate) async fn exits(&self) -> Option<i32> {
        let ended = || self.child.lock().unwrap().try_wait().unwrap();
        let has_ended = || ended().is_some() && !self.shows_more();
        self.until("the end", has_ended).await;
        ended().unwrap().code()
    }

    /// The same; what was live has left nothing then.
    pub(crate) async fn ends(&self) -> Option<i32> {
        let code = self.exits().await;
        let shown = self.everything();
        let is_left = |row: &String| row.contains("Ctrl-C") || row.contains("^C");
        assert!(
            self.live_rows().is_empty() && !shown.iter().any(is_left),
            "{shown:#?}"
        );
        code
    }

    /// The colour of the first cell of the row that holds this text.
    pub(crate) fn colour_of(&self, text: &str) -> vt100::Color {
        let parser = self.parser.lock().unwrap();
        let screen = parser.screen();
        let columns = screen.size().1.get();
        let row = screen.rows(0, columns).position(|row| row.contains(text));
        let row = u16::try_from(row.expect("it is shown")).unwrap();
        screen.cell(row, 0).unwrap().fgcolor()
    }
}

struct Row {
    text: String,
    /// Whether it goes on in the next.
    is_wrapped: bool,
}

/// The rows that are seen, at this place of what was kept.
fn seen(screen: &Screen) -> impl Iterator<Item = Row> {
    let rows = screen.rows(0, screen.size().1.get());
    (0..).zip(rows).map(|(at, text)| Row {
        text,
        is_wrapped: screen.row_wrapped(at),
    })
}

fn all_rows(parser: &mut Parser) -> Vec<Row> {
    let height = usize::from(parser.screen().size().0.get());
    parser.screen_mut().set_scrollback(usize::MAX);
    let mut left = parser.screen().scrollback();
    let mut rows = Vec::new();
    while left > 0 {
        parser.screen_mut().set_scrollback(left);
        let new = left.min(height);
        rows.extend(seen(parser.screen()).take(new));
        left -= new;
    }
    parser.screen_mut().set_scrollback(0);
    rows.extend(seen(parser.screen()));
    rows
}

/// The same in a window of this width, with every line wrapped anew. The cursor
/// stays behind the same text.
fn rewrapped(parser: &mut Parser, columns: u16) -> Parser {
    let (height, width) = parser.screen().size();
    let (row, column) = parser.screen().cursor_position();
    let below = usize::from(height.get() - row) - 1;
    let mut rows = all_rows(parser);
    rows.truncate(rows.len() - below);
    let last = rows.len() - 1;
    let mut text = String::new();
    for (
        at,
        Row {
            text: line,
            is_wrapped,
        },
    ) in rows.into_iter().enumerate()
    {
        let filled = match (at == last, is_wrapped) {
            (true, _) => usize::from(column),
            (_, true) => usize::from(width.get()),
            _ => 0,
        };
        let end = if at == last || is_wrapped { "" } else { "\r\n" };
        text.push_str(&format!("{line:filled$}{end}"));
    }
    let mut new = Parser::new(height, size(columns), KEPT);
    new.process(text.as_bytes());
    new
}
