//! What is remembered of the last lines, apart for each of those that print at
//! the same time: steps of a build, containers, packages.

use std::collections::VecDeque;

use super::bare::Bare;
use super::push;
use super::traces::Traces;

/// Lines that are remembered, for what is told of in several.
const REMEMBERED: usize = 6;

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
    pub(super) recent: VecDeque<String>,
    pub(super) traces: Traces,
    pub(super) below: Below,
    commands: Vec<String>,
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
    pub(super) fn is_of(&self, bare: Bare<'_>) -> bool {
        self.step == bare.step && self.source.as_deref() == bare.source
    }

    pub(super) fn remember(&mut self, text: &str) {
        push(&mut self.recent, REMEMBERED, text);
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

/// All of them, the last one last.
#[derive(Debug, Default)]
pub(super) struct Streams(VecDeque<Stream>);

impl Streams {
    /// Takes out the one that the line belongs to. It has to be put back.
    pub(super) fn take(&mut self, bare: Bare<'_>, line: u64) -> Stream {
        let at = self.0.iter().rposition(|stream| stream.is_of(bare));
        if let Some(stream) = at.and_then(|at| self.0.remove(at)) {
            return stream;
        }
        if self.0.len() >= MOST_STREAMS {
            self.0.pop_front();
        }
        Stream {
            step: bare.step,
            source: bare.source.map(str::to_owned),
            begun: line,
            ..Stream::default()
        }
    }

    pub(super) fn put(&mut self, stream: Stream) {
        self.0.push_back(stream);
    }
}
