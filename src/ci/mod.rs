//! The place we run in: which CI it is, what it tells about the run, and how
//! it wants its bytes.

mod files;
mod github;
mod plain;

use std::io::Write;

pub use self::files::LONGEST_SUMMARY;

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
    /// Marks the run with its error or a warning.
    fn annotate(&mut self, level: Level, title: &Line, message: &Block);
    /// Gives the outputs to later steps, all or none.
    fn outputs(&mut self, outputs: &[(&'static str, Block)]) -> Result<(), String>;
    /// Adds to the job's summary, whole or not at all.
    fn summary(&mut self, markdown: &Block) -> Result<(), String>;
}

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The run failed.
    Error,
    /// Something deserves attention.
    Warning,
}

/// The CI systems that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    GitHub,
    /// Some other CI.
    OtherCi,
    /// No CI: somebody's own machine.
    Local,
}

impl Host {
    /// Tells the host by the values of its variables.
    pub fn detect(variables: &Variables) -> Self {
        let is_true = |name| {
            variables
                .text(name)
                .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        if is_true("GITHUB_ACTIONS") {
            return Self::GitHub;
        }
        match variables.text("CI") {
            Some(value) if !value.eq_ignore_ascii_case("false") => Self::OtherCi,
            _ => Self::Local,
        }
    }
}

/// What the CI tells about the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The commit that the CI works on.
    pub commit: Option<String>,
    /// The page of this run.
    pub run_url: Option<String>,
    /// `owner/name` of the repository.
    pub repository: Option<String>,
    /// The pull request that the run belongs to.
    pub change: Option<Change>,
}

/// A pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub number: Option<u64>,
    /// The branch it comes from.
    pub source_branch: Option<String>,
    /// The commit at the tip of that branch.
    pub head_commit: Option<String>,
    /// What happened to it.
    pub event: Option<ChangeEvent>,
    /// Whether it comes from another repository.
    pub is_fork: bool,
}

/// What happened to a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeEvent {
    /// It was opened, reopened or got new commits.
    Updated,
    /// It was closed, merged or not.
    Closed,
}

impl Facts {
    /// Reads them from the host's variables.
    pub fn read(host: Host, variables: &Variables) -> Self {
        match host {
            Host::GitHub => github::facts(variables),
            Host::OtherCi | Host::Local => Self::default(),
        }
    }
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
        Host::GitHub => Box::new(github::GitHub::new(stdout, files, token)),
        Host::OtherCi | Host::Local => Box::new(plain::Plain::new(stdout, stderr, files)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_by_values_not_by_presence() {
        for (variables, host) in [
            (
                Variables::from([("GITHUB_ACTIONS", "true"), ("CI", "true")]),
                Host::GitHub,
            ),
            (
                Variables::from([("GITHUB_ACTIONS", "false"), ("CI", "true")]),
                Host::OtherCi,
            ),
            (Variables::from([("CI", "woodpecker")]), Host::OtherCi),
            (Variables::from([("CI", "false")]), Host::Local),
            (Variables::default(), Host::Local),
        ] {
            assert_eq!(Host::detect(&variables), host, "{variables:?}");
        }
    }
}
