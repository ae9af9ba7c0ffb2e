//! The place we run in: which CI it is, what it tells about the run, and how
//! it wants its bytes.

mod facts;
mod files;
mod github;
mod host;
mod plain;
mod terminal;

use std::io::Write;
use std::time::Duration;

pub use self::facts::{Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository};
pub use self::files::LONGEST_SUMMARY;
pub use self::host::{Host, OVERRIDE};

use console::Term;

use crate::process::Variables;
use crate::shown::{Block, Line};

/// Something to tell a CI, in whatever way it has for that. A write that fails
/// is no error: a closed stream must not change the result of a deployment.
pub trait Channel {
    /// Asks the CI to hide a value of one line in everything that follows.
    fn mask(&mut self, secret: &str);
    /// Tells one line of the narrative.
    fn say(&mut self, line: &Line);
    /// Tells one line in the colour of its meaning, where there are colours.
    fn say_in(&mut self, _tone: Tone, line: &Line) {
        self.say(line);
    }
    /// Whether somebody watches a live line.
    fn is_live(&self) -> bool {
        false
    }
    /// Shows what happens now, until it is told anew.
    fn live(&mut self, _phase: &Phase) {}
    /// Nothing happens any more: ends the live line.
    fn settle(&mut self) {}
    /// Begins the folded part that holds the deployment's log.
    fn open_log(&mut self, title: &Line);
    /// Ends that part.
    fn close_log(&mut self);
    /// Marks the run, or a place of the repository, with an error or a warning.
    fn annotate(&mut self, level: Level, title: &Line, message: &Block, place: Option<&Place>);
    /// Gives the outputs to later steps, all or none.
    fn outputs(&mut self, outputs: &[(&'static str, Block)]) -> Result<(), String>;
    /// Adds to the job's summary, whole or not at all.
    fn summary(&mut self, markdown: &Block) -> Result<(), String>;
}

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It goes on.
    Plain,
    /// It went well.
    Good,
    /// Something deserves attention.
    Warning,
    /// It went wrong.
    Error,
}

/// What happens at the moment, for somebody who watches.
#[derive(Debug, Clone)]
pub struct Phase {
    /// In words.
    pub text: Line,
    /// How much longer it will probably take, as far as the past tells.
    pub left: Option<Duration>,
    /// What Ctrl-C does now; empty where that goes without saying.
    pub interrupt: &'static str,
}

/// A place in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, where it is known.
    pub column: Option<u32>,
}

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The run failed.
    Error,
    /// Something deserves attention.
    Warning,
}

/// Makes a text that cannot be guessed.
pub type Token = fn() -> String;

/// Where a channel writes: the process's streams.
pub struct Streams {
    /// For what a program may parse, and for commands to the host.
    pub stdout: Box<dyn Write>,
    /// For people, outside a CI that reads commands.
    pub stderr: Box<dyn Write>,
    /// The terminal that `stderr` is, if it is one.
    pub terminal: Option<Term>,
}

/// The channel to this host.
pub fn channel(
    host: Host,
    variables: &Variables,
    streams: Streams,
    token: Token,
) -> Box<dyn Channel> {
    let files = files::Files::named_by(variables, token);
    let Streams {
        stdout,
        stderr,
        terminal,
    } = streams;
    // A terminal inside a CI is a recording: nobody watches, and a line that is
    // drawn over and over would be many.
    let screen = terminal.filter(|_| host == Host::Local && terminal::can_draw(variables));
    match (host, screen) {
        (Host::GitHub | Host::Gitea, _) => Box::new(github::GitHub::new(stdout, files, token)),
        (_, Some(screen)) => {
            let plain = plain::Plain::new(stdout, stderr, files);
            Box::new(terminal::Terminal::new(screen, variables, plain))
        }
        _ => Box::new(plain::Plain::new(stdout, stderr, files)),
    }
}
