//! The place we run in: which CI it is, what it tells about the run, and how
//! it wants its bytes.

mod facts;
mod files;
mod github;
mod host;
mod plain;

use std::io::Write;

pub use self::facts::{Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository};
pub use self::files::LONGEST_SUMMARY;
pub use self::host::{Host, OVERRIDE};

use crate::process::Variables;
use crate::shown::{Block, Line};

/// Something to tell a CI, in whatever way it has for that. A write that fails
/// is no error: a closed stream must not change the result of a deployment.
pub trait Channel {
    /// Asks the CI to hide a value of one line in everything that follows.
    fn mask(&mut self, secret: &str);
    /// Tells one line of the narrative.
    fn say(&mut self, line: &Line);
    /// Begins the folded part that holds the deployment's log.
    fn open_log(&mut self, title: &Line);
    /// Ends that part.
    fn close_log(&mut self);
    /// Marks the run, or a place of the repository, with an error or a warning.
    fn annotate(&mut self, level: Level, title: &Line, message: &Block, place: Option<&Place>);
    /// Gives the outputs to later steps, all or none.
    fn outputs(&mut self, outputs: &[(&'static str, Block)]) -> Result<(), String>;
    /// Whether the summary's reader draws what stands in a `mermaid` fence.
    fn draws_mermaid(&self) -> bool {
        false
    }
    /// Adds to the job's summary, whole or not at all.
    fn summary(&mut self, markdown: &Block) -> Result<(), String>;
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

/// The channel to this host. `stdout` and `stderr` are the process's.
pub fn channel(
    host: Host,
    variables: &Variables,
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    token: Token,
) -> Box<dyn Channel> {
    let files = files::Files::named_by(variables, token);
    match host {
        Host::GitHub | Host::Gitea => Box::new(github::GitHub::new(stdout, files, token)),
        _ => Box::new(plain::Plain::new(stdout, stderr, files)),
    }
}
