//! What takes several lines to tell: traces of exceptions, and errors listed
//! under their file. One line at a time, with a memory of a line or two.

use super::SourceLocation as Place;
use super::bare::Bare;
use super::pattern::Pattern;
use super::patterns::{EXCEPTION, LINT, UNCAUGHT};
use super::{beginning, beginning_of, place};

/// What several lines together told.
pub(super) struct Told {
    pub(super) pattern: &'static Pattern,
    pub(super) lines: Vec<String>,
    pub(super) place: Option<Place>,
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Traces {
    python: Python,
    node: Node,
    /// The file that a linter lists errors under.
    listed: Option<(String, String)>,
}

impl Traces {
    /// Takes a line; gives what it completes.
    pub(super) fn take(&mut self, bare: Bare<'_>) -> Option<Told> {
        let python = self.python.take(bare);
        let node = self.node.take(bare);
        python.or(node).or_else(|| self.list(bare))
    }

    /// `ESLint`: the file, then `  3:5  error  what  rule`; as Next.js shows it,
    /// `3:5  Error: what  rule`.
    fn list(&mut self, bare: Bare<'_>) -> Option<Told> {
        let text = bare.text;
        if !text.starts_with(|c: char| c == ' ' || c.is_ascii_digit()) {
            if text.contains('/') {
                let path = place::path(text, bare.within);
                self.listed = path.map(|path| (path, text.to_owned()));
            }
            return None;
        }
        let (file, header) = self.listed.as_ref()?;
        let text = text.trim_start();
        let (_, message) = text.split_once(' ')?;
        let place = place::under(file, text)?;
        let message = message.trim_start();
        if !message.starts_with("error ") && !message.starts_with("Error: ") {
            return None;
        }
        Some(Told {
            pattern: &LINT,
            lines: vec![beginning_of(header), beginning_of(text)],
            place: Some(place),
        })
    }
}

/// `Traceback`, frames that are indented, and the exception, which is not.
#[derive(Debug, Default)]
struct Python {
    is_open: bool,
    has_frames: bool,
    /// The innermost frame in the repository, and its line.
    frame: Option<(Place, String)>,
}

impl Python {
    fn take(&mut self, bare: Bare<'_>) -> Option<Told> {
        let text = bare.text;
        if text.starts_with("Traceback (most recent call last)") {
            *self = Self {
                is_open: true,
                ..Self::default()
            };
            return None;
        }
        let trimmed = text.trim_start();
        if trimmed.starts_with("File \"") && trimmed.contains("\", line ") {
            self.is_open = true;
            self.has_frames = true;
            if let Some(place) = place::first(text, bare.within) {
                self.frame = Some((place, beginning_of(trimmed)));
            }
            return None;
        }
        if !self.is_open || text.starts_with(' ') || trimmed.is_empty() {
            return None;
        }
        let ended = std::mem::take(self);
        if !ended.has_frames || !is_exception(trimmed) {
            return None;
        }
        let (place, frame) = ended.frame.unzip();
        let lines = frame.into_iter().chain([beginning_of(trimmed)]).collect();
        Some(Told {
            pattern: &EXCEPTION,
            lines,
            place,
        })
    }
}

/// `KeyError: 'x'`, `django.db.utils.OperationalError: ...`, `AssertionError`
fn is_exception(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
    name.len() < 100
        && name.chars().all(is_of_name)
        && [
            "Error",
            "Exception",
            "Exit",
            "Warning",
            "ImproperlyConfigured",
            "Interrupt",
        ]
        .iter()
        .any(|end| name.ends_with(end))
}

/// An error, its frames, and `Node.js v20.11.0`, which Node prints when nobody
/// has caught it.
#[derive(Debug, Default)]
struct Node {
    error: Option<String>,
    place: Option<Place>,
    /// `/app/src/server.js:3`, above a piece of code.
    above: Option<Place>,
}

impl Node {
    fn take(&mut self, bare: Bare<'_>) -> Option<Told> {
        let text = bare.text;
        let trimmed = text.trim_start();
        if text.starts_with('/') || text.starts_with("file:///") {
            self.above = place::first(text, bare.within);
            (self.error, self.place) = (None, None);
        } else if trimmed.starts_with("at ") {
            if self.error.is_some() && self.place.is_none() {
                self.place = place::first(text, bare.within);
            }
        } else if !text.starts_with(' ') && is_thrown(text) {
            self.error = Some(beginning_of(text));
            self.place = None;
        } else if trimmed.starts_with("Node.js v") && trimmed.len() < 24 {
            let ended = std::mem::take(self);
            return Some(Told {
                pattern: &UNCAUGHT,
                lines: vec![ended.error?],
                place: ended.place.or(ended.above),
            });
        }
        None
    }
}

/// `TypeError: x`, `Error [ERR_X]: x`
fn is_thrown(text: &str) -> bool {
    // A name has no room for more.
    let begun = beginning(text, 100);
    if memchr::memchr(b':', begun.as_bytes()).is_none() {
        return false;
    }
    let Some((name, _)) = text.split_once(": ") else {
        return false;
    };
    let name = name.strip_prefix("Uncaught ").unwrap_or(name);
    let name = name.split(" [").next().unwrap_or_default();
    name.ends_with("Error") && name.len() < 60 && name.chars().all(|c| c.is_ascii_alphanumeric())
}
