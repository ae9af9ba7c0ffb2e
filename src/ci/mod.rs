//! The place we run in: which CI it is, what it tells about the run, and how
//! it wants its bytes.

mod azure;
mod bitbucket;
mod buildkite;
mod circleci;
pub(crate) mod dotenv;
mod facts;
mod files;
mod github;
mod gitlab;
mod host;
mod lines;
mod plain;
mod teamcity;

use std::io::Write;

pub use self::facts::{Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository};
pub use self::files::LONGEST_SUMMARY;
pub use self::host::{Host, OVERRIDE};

use jiff::Timestamp;

use crate::launch::Launch;
use crate::process::Variables;
use crate::redactor::Redactor;
use crate::shown::{Block, Line};
use crate::stop::Stop;

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
    /// Gives the outputs to later steps.
    fn outputs(&mut self, outputs: Outputs<'_>) -> Given;
    /// Adds to the job's summary, whole or not at all.
    fn summary(&mut self, markdown: &Block) -> Result<(), String>;
}

/// Outputs by name.
pub type Outputs<'a> = &'a [(&'static str, Block)];

/// The outputs that the host's way of being given them cannot hold, or why
/// none could be given.
pub type Given = Result<Vec<&'static str>, String>;

/// The name of the variable that holds an output, on hosts that give them as
/// variables: `SEVALLA_DEPLOYMENT_ID`.
pub fn variable(output: &str) -> String {
    match output {
        // A later run would take it for its input.
        "branch" => "SEVALLA_DEPLOYED_BRANCH".to_owned(),
        _ => format!("SEVALLA_{}", output.to_uppercase().replace('-', "_")),
    }
}

/// A message with its title, where there is no other room for that. The cause
/// of a failure begins with it already.
fn titled(title: &Line, message: &Block) -> String {
    let message = message.as_str();
    if message.starts_with(title.as_str()) {
        message.to_owned()
    } else {
        format!("{title}: {message}")
    }
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

/// What a channel is made of.
pub struct Means<'a> {
    /// The environment.
    pub variables: &'a Variables,
    /// For what a program may parse.
    pub stdout: Box<dyn Write>,
    /// For people.
    pub stderr: Box<dyn Write>,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    /// Makes texts that nobody can guess.
    pub token: Token,
    /// Starts a program that the host has brought along.
    pub launch: Launch,
    /// Whether the run was asked to end.
    pub stop: &'a Stop,
    /// What no other program is to be told.
    pub redactor: &'a Redactor,
}

/// The channel to this host.
pub fn channel(host: Host, means: Means<'_>) -> Box<dyn Channel> {
    let Means {
        variables, token, ..
    } = means;
    let files = files::Files::named_by(host, variables, token);
    match host {
        Host::GitHub | Host::Gitea => Box::new(github::GitHub::new(means.stdout, files, token)),
        Host::Azure => Box::new(azure::Azure::new(means.stdout, files, variables, token)),
        Host::TeamCity => Box::new(teamcity::TeamCity::new(means.stdout, files)),
        Host::GitLab => {
            let plain = plain::Plain::new(means.stdout, means.stderr, files);
            Box::new(gitlab::GitLab::new(plain, means.clock, token))
        }
        Host::Buildkite => {
            let plain = plain::Plain::new(means.stdout, means.stderr, files);
            let agent = buildkite::Agent::find(variables, means.redactor, means.launch, means.stop);
            Box::new(buildkite::Buildkite::new(plain, agent))
        }
        Host::Bitbucket
        | Host::CircleCi
        | Host::Woodpecker
        | Host::Drone
        | Host::Jenkins
        | Host::OtherCi
        | Host::Local => Box::new(plain::Plain::new(means.stdout, means.stderr, files)),
    }
}
