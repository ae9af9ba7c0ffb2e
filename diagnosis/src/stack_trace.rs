//! What takes several lines to tell: traces of exceptions, and errors listed
//! under their file. One line at a time, with a memory of a line or two.

use super::SourceLocation as Place;
use super::console_boxes::Box;
use super::looks::{Looks, bit, word};
use super::normalize::NormalizedLine;
use super::problem_matcher::{Pattern, Rank};
use super::problem_matchers::{EXCEPTION, LINT, PHP, UNCAUGHT};
use super::scan::Scan;
use super::spring::Java;
use super::{beginning, beginning_of, scan, source_location};

/// Programs of Python that only run others: nothing is corrected there, apart
/// from what they import.
const RUNNERS: &[&str] = &["manage.py", "wsgi.py", "asgi.py"];

/// Whether nothing is corrected there.
pub(super) fn is_runner(place: &Place) -> bool {
    let name = place.file.rsplit('/').next().unwrap_or_default();
    RUNNERS.contains(&name)
}

/// What several lines together told.
pub(super) struct Recognized {
    pub(super) pattern: &'static Pattern,
    pub(super) lines: Vec<String>,
    pub(super) place: Option<Place>,
    /// Whether it takes the place of what was told of the same things before.
    pub(super) is_more: bool,
}

impl Recognized {
    /// Whether its lines are broken, so that no pattern fits one of them alone.
    pub(super) fn is_of_box(&self) -> bool {
        std::ptr::eq(self.pattern, &raw const PHP)
    }

    /// What a pattern knows of the whole text.
    pub(super) fn know_better(&mut self) {
        let Some(text) = self.lines.last().filter(|_| self.is_of_box()) else {
            return;
        };
        let fitting = scan::read(&NormalizedLine::of(text)).fitting.into_iter();
        let causes =
            fitting.filter(|pattern| pattern.rank == Rank::Cause && is_of_one_line(pattern));
        self.pattern = causes
            .min_by_key(|pattern| pattern.rank)
            .unwrap_or(self.pattern);
    }
}

/// Whether it is known by one line alone.
const fn is_of_one_line(pattern: &Pattern) -> bool {
    !pattern.needs_place && pattern.behind.is_none()
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Traces {
    python: Python,
    node: Node,
    java: Java,
    console: Box,
    /// The file that a linter lists errors under.
    listed: Option<(String, String)>,
}

impl Traces {
    /// Takes a line that was scanned; gives what it completes.
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>, scan: &Scan) -> Option<Recognized> {
        let python = self.python.take(bare, scan.looks);
        let node = self.node.take(bare, scan.looks);
        let java = self.java.take(bare, scan);
        let console = self.console.take(bare);
        let trace = python.or(node).or(java).or(console);
        trace.or_else(|| self.list(bare))
    }

    /// `ESLint`: the file, then `  3:5  error  what  rule`; as Next.js shows it,
    /// `3:5  Error: what  rule`.
    fn list(&mut self, bare: NormalizedLine<'_>) -> Option<Recognized> {
        let text = bare.text;
        if !text.starts_with(|c: char| c == ' ' || c.is_ascii_digit()) {
            if memchr::memchr(b'/', text.as_bytes()).is_some() {
                let line = bare.trimmed();
                // Nearly no line is one word.
                let is_word = memchr::memchr(b' ', line.as_bytes()).is_none();
                let path = is_word.then(|| source_location::path(line, bare.within));
                self.listed = path.flatten().map(|path| (path, text.to_owned()));
            }
            return None;
        }
        let (file, header) = self.listed.as_ref()?;
        let text = text.trim_start();
        let (_, message) = text.split_once(' ')?;
        let place = source_location::under(file, text)?;
        let message = message.trim_start();
        if !message.starts_with("error ") && !message.starts_with("Error: ") {
            return None;
        }
        Some(Recognized {
            pattern: &LINT,
            lines: vec![beginning_of(header), beginning_of(text)],
            place: Some(place),
            is_more: false,
        })
    }
}

/// Where in a trace of Python the lines are.
#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    Begun,
    InFrames,
}

/// `Traceback`, frames that are indented, and the exception, which is not.
#[derive(Debug, Default)]
struct Python {
    state: State,
    /// The innermost frame in the repository, and its line.
    frame: Option<(Place, String)>,
    /// A frame of a program that only runs others.
    runner: Option<(Place, String)>,
    /// The exception before, if this one only follows from it.
    cause: Option<(String, Option<(Place, String)>)>,
    is_chained: bool,
    /// Whether a request met it, and not the program.
    is_of_request: bool,
}

impl Python {
    fn take(&mut self, bare: NormalizedLine<'_>, looks: Looks) -> Option<Recognized> {
        let (text, trimmed) = (bare.text, bare.text.trim_ascii_start());
        if text.starts_with("Traceback (most recent call last)") {
            let cause = self.cause.take().filter(|_| self.is_chained);
            *self = Self {
                state: State::Begun,
                cause,
                is_of_request: self.is_of_request,
                ..Self::default()
            };
            return None;
        }
        if trimmed.starts_with("File \"") && trimmed.contains("\", line ") {
            self.state = State::InFrames;
            self.note_frame(bare, trimmed);
            return None;
        }
        let runner = self.runner.take();
        if runner.is_some() && (trimmed.starts_with("import ") || trimmed.starts_with("from ")) {
            self.frame = runner;
        }
        if self.state == State::Outside {
            self.is_chained |= looks & bit(word::EXCEPTION) != 0 && is_chain(text);
            self.is_of_request =
                is_of_request(text, looks) || (self.is_of_request && self.is_chained);
            return None;
        }
        if text.starts_with(' ') || trimmed.is_empty() {
            return None;
        }
        self.end(trimmed)
    }

    fn note_frame(&mut self, bare: NormalizedLine<'_>, trimmed: &str) {
        self.runner = None;
        let Some(place) = source_location::first(bare.text, bare.within) else {
            return;
        };
        let is_certain = |place: &Place| !place.file.starts_with('/');
        let has_certain = self
            .frame
            .as_ref()
            .is_some_and(|(place, _)| is_certain(place));
        if is_runner(&place) {
            self.runner = Some((place, beginning_of(trimmed)));
        } else if is_certain(&place) || !has_certain {
            self.frame = Some((place, beginning_of(trimmed)));
        }
    }

    /// The exception, with the one that it follows from.
    fn end(&mut self, trimmed: &str) -> Option<Recognized> {
        let ended = std::mem::take(self);
        self.is_of_request = ended.is_of_request;
        if ended.state != State::InFrames || !is_exception(trimmed) || ended.is_of_request {
            return None;
        }
        let thrown = beginning_of(trimmed);
        let is_more = ended.cause.is_some();
        let (cause, before) = ended.cause.unzip();
        let frame = before.flatten().or(ended.frame);
        self.cause = Some((thrown.clone(), frame.clone()));
        let (place, frame) = frame.unzip();
        let cause = cause.filter(|cause| *cause != thrown);
        Some(Recognized {
            pattern: &EXCEPTION,
            lines: frame.into_iter().chain(cause).chain([thrown]).collect(),
            place,
            is_more,
        })
    }
}

/// What Django, Flask, Gunicorn and servers of ASGI say before the exception of a
/// request.
fn is_of_request(text: &str, looks: Looks) -> bool {
    let has = |number: u8, words: &str| looks & bit(number) != 0 && text.contains(words);
    text.starts_with("Internal Server Error: /")
        || has(word::EXCEPTION, "Exception on /")
        || has(word::EXCEPTION, "Exception in ASGI application")
        || has(word::ERROR, "Error handling request /")
}

/// What stands between two traces of one failure.
fn is_chain(text: &str) -> bool {
    text.starts_with("The above exception was the direct cause of")
        || text.starts_with("During handling of the above exception")
}

/// `KeyError: 'x'`, `django.db.utils.OperationalError: ...`, `AssertionError`
fn is_exception(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    let class = name.rsplit('.').next().unwrap_or_default();
    name.len() < 100
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b))
        && class.starts_with(|c: char| c.is_ascii_uppercase())
        && class.contains(|c: char| c.is_ascii_lowercase())
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

/// Traits of the name of an error.
const ERROR: Looks = bit(word::ERROR) | bit(word::ERROR_INSIDE) | bit(word::TYPED);

impl Node {
    fn take(&mut self, bare: NormalizedLine<'_>, looks: Looks) -> Option<Recognized> {
        let text = bare.text;
        let trimmed = text.trim_ascii_start();
        let has_error = looks & ERROR != 0;
        if text.starts_with('/') || text.starts_with("file:///") {
            self.above = source_location::first(text, bare.within);
            (self.error, self.place) = (None, None);
        } else if trimmed.starts_with("at ") {
            if self.error.is_some() && self.place.is_none() {
                self.place = source_location::first(text, bare.within);
                return self.recognize_early();
            }
        } else if has_error && !text.starts_with(' ') && is_thrown(text) {
            self.error = Some(beginning_of(text));
            self.place = None;
        } else if trimmed.starts_with("Node.js v") && trimmed.len() < 24 {
            let ended = std::mem::take(self);
            return Some(Recognized {
                pattern: &UNCAUGHT,
                lines: vec![ended.error?],
                place: ended.place.or(ended.above),
                is_more: false,
            });
        }
        None
    }
}

impl Node {
    /// Below the piece of code that threw it, nobody has caught it: old versions
    /// of Node do not print theirs.
    fn recognize_early(&self) -> Option<Recognized> {
        let above = self.above.clone()?;
        Some(Recognized {
            pattern: &UNCAUGHT,
            lines: vec![self.error.clone()?],
            place: self.place.clone().or(Some(above)),
            is_more: false,
        })
    }
}

/// `TypeError: x`, `Error [ERR_X]: x`
fn is_thrown(text: &str) -> bool {
    // A name has no room for more.
    let begun = beginning(text, 100).as_bytes();
    let mut colons = memchr::memchr_iter(b':', begun);
    let Some(end) = colons.find(|at| begun.get(at + 1) == Some(&b' ')) else {
        return false;
    };
    let name = text.get(..end).unwrap_or_default();
    let name = name.strip_prefix("Uncaught ").unwrap_or(name);
    let name = name.split(" [").next().unwrap_or_default();
    name.ends_with("Error") && name.len() < 60 && name.chars().all(|c| c.is_ascii_alphanumeric())
}
