//! What is remembered of the last lines, apart for each of those that print at
//! the same time: steps of a build, containers, packages.

use std::collections::VecDeque;

use super::looks::Looks;
use super::normalize::NormalizedLine;
use super::stack_trace::Traces;
use super::{Match, beginning_of, own_errors, push};

/// Lines that are remembered, for what is told of in several.
const REMEMBERED: usize = 8;

/// The most that print at the same time and are told apart.
const MOST_STREAMS: usize = 8;

/// The most commands that are remembered.
const MOST_COMMANDS: usize = 16;

/// Lines of one of them.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) step: Option<u32>,
    pub(super) source: Option<String>,
    /// The number of its first line.
    pub(super) begun: u64,
    /// The number of its last line.
    at: u64,
    pub(super) recent: VecDeque<String>,
    pub(super) traces: Traces,
    pub(super) below: Below,
    /// The match that the last trace is, which more of it changes.
    pub(super) trace: u64,
    /// The last line that says to be an error, and that no pattern knows.
    pub(super) error: Option<String>,
    commands: Vec<String>,
    is_listening: bool,
}

/// What of the lines to come belongs to the last match.
#[derive(Debug, Default)]
pub(super) struct Below {
    /// The match.
    pub(super) of: u64,
    pub(super) kept: u8,
    pub(super) for_place: u8,
}

impl Stream {
    fn begun(bare: NormalizedLine<'_>, line: u64) -> Self {
        Self {
            step: bare.step,
            source: bare.source.map(str::to_owned),
            begun: line,
            ..Self::default()
        }
    }

    pub(super) fn is_of(&self, bare: NormalizedLine<'_>) -> bool {
        self.step == bare.step && self.source.as_deref() == bare.source
    }

    /// Whether it was found here.
    pub(super) fn has(&self, found: &Match) -> bool {
        self.step == found.step && self.source == found.source
    }

    pub(super) fn note_error(&mut self, bare: NormalizedLine<'_>, looks: Looks) {
        let may_be = looks & own_errors::TRAITS != 0 || bare.text.starts_with("E: ");
        if may_be && own_errors::is_error(bare.text) {
            self.error = Some(beginning_of(bare.text.trim()));
        }
    }

    pub(super) fn remember(&mut self, text: &str) {
        push(&mut self.recent, REMEMBERED, text);
    }

    /// Whether the program did not listen before; one that listens again was
    /// started again, and may have failed.
    pub(super) fn listens(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listening, true)
    }

    /// Whether this command was not begun before; one that is begun again may
    /// have failed.
    pub(super) fn begins(&mut self, command: &str) -> bool {
        let is_new = self.commands.iter().all(|begun| begun != command)
            && self.commands.len() < MOST_COMMANDS;
        if is_new {
            self.commands.push(command.to_owned());
        }
        is_new
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: Vec<Stream>,
    /// Where the last one is.
    last: usize,
}

impl Streams {
    /// The one that the line belongs to, instead of the one that was longest silent
    /// if it is new and there are too many.
    pub(super) fn of(&mut self, bare: NormalizedLine<'_>, line: u64) -> Option<&mut Stream> {
        let is_last = self.all.get(self.last).is_some_and(|last| last.is_of(bare));
        if !is_last {
            let at = self.all.iter().position(|stream| stream.is_of(bare));
            self.last = at.unwrap_or_else(|| self.begin(bare, line));
        }
        let stream = self.all.get_mut(self.last)?;
        stream.at = line;
        Some(stream)
    }

    fn begin(&mut self, bare: NormalizedLine<'_>, line: u64) -> usize {
        if self.all.len() >= MOST_STREAMS {
            let streams = self.all.iter().enumerate();
            let silent = streams.min_by_key(|(_, stream)| stream.at);
            if let Some((at, _)) = silent {
                self.all.swap_remove(at);
            }
        }
        self.all.push(Stream::begun(bare, line));
        self.all.len() - 1
    }
}
