//! Exceptions that end a program of Java: with Spring and other frameworks, the
//! last `Caused by:` says why, and not the outermost exception.

use super::beginning_of;
use super::looks::{Looks, bit, word};
use super::normalize::NormalizedLine;
use super::problem_matcher::Pattern;
use super::problem_matchers::{JAVA, SPRING};
use super::scan::{Scan, module};
use super::stack_trace::Recognized;

/// What frameworks say before the exception by which a program did not start.
pub(super) const HEADS: &[&str] = &[
    "Application run failed",
    "Application startup failed",
    "Failed to start application",
    "Error starting Micronaut server",
    "Error starting ApplicationContext",
    "A child container failed during start",
    "Failed startup of context",
    "Context initialization failed",
    "Startup of context",
];

/// Traits of what begins a trace or a report.
const BEGINS: Looks = bit(word::EXCEPTION) | bit(word::FAIL);

/// The most lines that a trace has.
const LONGEST_TRACE: u16 = 400;

/// A trace, or the report of a failed start.
#[derive(Debug, Default)]
pub(super) struct Java {
    state: State,
    /// The lines that the state may still last.
    left: u16,
    /// The exception that the trace began with.
    first: String,
    has_reported: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Nothing,
    /// In a trace.
    Trace,
    /// `APPLICATION FAILED TO START`, before its description.
    Failed,
    /// After `Description:`.
    Description,
    /// After `Action:`.
    Action,
}

impl Java {
    /// Takes a line that was scanned.
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>, scan: &Scan) -> Option<Recognized> {
        // Nearly no line begins something.
        let is_head = scan.concerns(module::JAVA);
        if self.state == State::Nothing && !is_head && scan.looks & BEGINS == 0 {
            return None;
        }
        let text = bare.trimmed();
        if is_head || text.starts_with("Exception in thread \"") {
            return self.begin(text);
        }
        if text == "APPLICATION FAILED TO START" {
            *self = Self {
                state: State::Failed,
                left: 12,
                ..Self::default()
            };
            return None;
        }
        if self.state == State::Nothing {
            return None;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            *self = Self::default();
            return None;
        }
        match self.state {
            State::Trace => self.go_on(bare.text, text),
            _ => self.describe(text),
        }
    }

    /// `Exception in thread "main" shop.Odd: no key`, or a head that an exception
    /// follows.
    fn begin(&mut self, text: &str) -> Option<Recognized> {
        *self = Self {
            state: State::Trace,
            left: LONGEST_TRACE,
            ..Self::default()
        };
        let thrown = text
            .strip_prefix("Exception in thread \"")
            .and_then(|rest| rest.split_once("\" "))?;
        self.first = beginning_of(thrown.1);
        Some(self.recognize(vec![beginning_of(text)], &JAVA))
    }

    /// An exception, its frames, and what caused it.
    fn go_on(&mut self, whole: &str, text: &str) -> Option<Recognized> {
        let is_frame = ["at ", "... ", "Suppressed: ", "- "]
            .iter()
            .any(|begin| text.starts_with(begin));
        if let Some(cause) = text.strip_prefix("Caused by: ") {
            let first =
                Some(self.first.clone()).filter(|first| !first.is_empty() && first != cause);
            let lines = first.into_iter().chain([beginning_of(text)]).collect();
            return Some(self.recognize(lines, &JAVA));
        }
        if self.first.is_empty() && is_exception(text) {
            self.first = beginning_of(text);
            return Some(self.recognize(vec![beginning_of(text)], &JAVA));
        }
        if !is_frame && !whole.starts_with(char::is_whitespace) && !self.first.is_empty() {
            *self = Self::default();
        }
        None
    }

    /// The text under `Description:`, and that under `Action:`.
    fn describe(&mut self, text: &str) -> Option<Recognized> {
        match text {
            "Description:" => self.state = State::Description,
            "Action:" if !self.first.is_empty() => self.state = State::Action,
            _ if self.state == State::Description && self.first.is_empty() => {
                self.first = beginning_of(text);
                return Some(self.recognize(vec![self.first.clone()], &SPRING));
            }
            _ if self.state == State::Action => {
                let lines = vec![self.first.clone(), beginning_of(text)];
                let recognized = self.recognize(lines, &SPRING);
                *self = Self::default();
                return Some(recognized);
            }
            _ => {}
        }
        None
    }

    fn recognize(&mut self, lines: Vec<String>, pattern: &'static Pattern) -> Recognized {
        let is_more = std::mem::replace(&mut self.has_reported, true);
        Recognized {
            pattern,
            lines,
            place: None,
            is_more,
        }
    }
}

/// `java.lang.IllegalStateException: no key`
fn is_exception(text: &str) -> bool {
    let name = text.split([':', ' ']).next().unwrap_or_default();
    let end = name.rsplit('.').next().unwrap_or_default();
    name.contains('.')
        && name.len() < 200
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._$".contains(&b))
        && (end.ends_with("Exception") || end.ends_with("Error") || end.ends_with("Failure"))
}
