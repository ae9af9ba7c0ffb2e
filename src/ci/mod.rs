//! The CI system of the run: which one it is ([`Host`]), what it reports
//! about the run ([`Facts`]), and the format of its output ([`CiOutput`]). What
//! is written is decided in [`crate::report`].

mod detect;
pub(crate) mod dotenv;
mod facts;
mod files;
pub mod hosts;
mod line_writer;
mod live_line;
mod local_time;
mod plain;
pub(crate) mod repository;
mod terminal;

use std::io::{self, Write};
use std::pin::Pin;
use std::time::Duration;

pub use self::facts::{Api, ChangeAction, ChangeRequest, ChangeState, Facts, Repository};
pub use self::files::{LONGEST_SUMMARY, files_of_the_ci};
pub use self::hosts::{CiHost, Host};
pub use crate::ci::detect::OVERRIDE;

use console::Term;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use crate::diagnosis::SourceLocation as Place;
use crate::environment::Variables;
use crate::sanitize::redactor::Redactor;
use crate::sanitize::{SanitizedLine, SanitizedText};
use crate::shutdown::Shutdown;
use crate::subprocess::Launch;

/// The output of a CI system, in the format of that system. Made by
/// [`channel`]. A write that fails is no error: a closed stream must not change
/// the result of a deployment.
pub trait CiOutput {
    /// Makes the CI hide a value of one line in everything that follows. The
    /// command itself contains the value, so this is only for what the CI
    /// cannot know, such as a password that this program has generated.
    fn mask(&mut self, secret: &str);
    /// Writes one line.
    fn print(&mut self, line: &SanitizedLine);
    /// Writes one line in the colour of its meaning, if there are colours.
    fn print_in(&mut self, _tone: Tone, line: &SanitizedLine) {
        self.print(line);
    }
    /// Whether somebody watches a live line.
    fn is_live(&self) -> bool {
        false
    }
    /// Shows what happens now, until the next call.
    fn live(&mut self, _activity: &Activity) {}
    /// Nothing happens any more: ends the live line.
    fn end_live_line(&mut self) {}
    /// Begins the folded part that holds the deployment's log.
    fn open_log(&mut self, title: &SanitizedLine);
    /// Ends that part.
    fn close_log(&mut self);
    /// Marks the run, or a place of the repository, with an error or a warning.
    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    );
    /// How a table is shown that people read.
    fn layout(&self) -> TableLayout {
        TableLayout::default()
    }
    /// Takes a row of the table of what `list` or `show` found. False if it
    /// belongs to the narrative.
    fn row(&mut self, _row: &SanitizedLine) -> bool {
        false
    }
    /// Takes what `list` or `show` found, if anything. False if it belongs to the
    /// outputs.
    fn found(&mut self, _json: Option<&SanitizedText>) -> Result<bool, OutputError> {
        Ok(false)
    }
    /// Gives the outputs to later steps.
    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult;
    /// Whether the host renders `mermaid` fences in the summary.
    fn draws_mermaid(&self) -> bool {
        false
    }
    /// Adds to the job's summary, whole or not at all.
    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String>;
    /// Gives outputs and summary to a CI that takes them by a program of its
    /// own; the other CIs have them already.
    fn deliver(&mut self) -> Deliveries {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// Something that a CI takes by a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The outputs.
    Outputs,
    /// The summary.
    Summary,
}

/// What could not be delivered, and why.
pub type Deliveries = Pin<Box<dyn Future<Output = Vec<(Delivery, String)>>>>;

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    Plain,
    /// Good.
    Good,
    /// Something deserves attention.
    Warning,
    /// An error.
    Error,
}

/// The current activity, for a person who watches.
#[derive(Debug, Clone)]
pub struct Activity {
    /// In words.
    pub text: SanitizedLine,
    /// How much longer it will probably take, by past deployments.
    pub left: Option<Duration>,
    /// What Ctrl-C does now; empty where that goes without saying.
    pub interrupt: &'static str,
}

/// Outputs by name.
pub type Outputs<'a> = &'a [(&'static str, SanitizedText)];

/// The outputs that the host's format cannot hold, or why none could be given.
pub type OutputsResult = Result<Vec<&'static str>, OutputError>;

/// Why something could not be given to later steps or a program.
#[derive(Debug, PartialEq, Eq)]
pub struct OutputError {
    /// The place and the reason.
    pub text: String,
    /// How writing failed, if the place is the output stream.
    pub of_stream: Option<io::ErrorKind>,
}

impl OutputError {
    const fn of_file(text: String) -> Self {
        Self {
            text,
            of_stream: None,
        }
    }

    fn of_stream(error: &io::Error) -> Self {
        Self {
            text: format!("the output stream: {error}"),
            of_stream: Some(error.kind()),
        }
    }
}

/// The output that is a secret.
const SECRET: &str = "database-password";

/// The result of writing to the files, together with the outputs that the
/// host's own format omitted.
fn also(files: OutputsResult, left_out: Vec<&'static str>) -> OutputsResult {
    let mut all = files?;
    all.extend(left_out);
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The name of the variable that holds an output, on hosts that give them as
/// variables: `SEVALLA_OUT_DEPLOYMENT_ID`.
pub fn variable(output: &str) -> String {
    // With less of a prefix a later run would take `SEVALLA_BRANCH` and others for
    // its inputs.
    format!("SEVALLA_OUT_{}", output.to_uppercase().replace('-', "_"))
}

/// A message with its title, where there is no other room for that. The cause
/// of a failure begins with it already.
fn titled(title: &SanitizedLine, message: &SanitizedText) -> String {
    let message = message.as_str();
    if message.starts_with(title.as_str()) {
        message.to_owned()
    } else {
        format!("{title}: {message}")
    }
}

/// How a table is shown that people read.
#[derive(Debug, Clone, Default)]
pub struct TableLayout {
    /// Fit it to so many columns.
    pub columns: Option<usize>,
    /// The reader's time zone and the current time; without these, times are in UTC.
    pub now: Option<(TimeZone, Timestamp)>,
}

/// The severity of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The run failed.
    Error,
    /// Something deserves attention.
    Warning,
}

/// Makes a text that cannot be guessed.
pub type Token = fn() -> String;

/// The parts of the process from which [`channel`] makes the output.
pub struct CiOutputConfig<'a> {
    /// The environment.
    pub variables: &'a Variables,
    /// For what a program may parse.
    pub stdout: Box<dyn Write>,
    /// For people.
    pub stderr: Box<dyn Write>,
    /// The terminal that `stderr` is, if it is one.
    pub terminal: Option<Term>,
    /// The terminal that `stdout` is, if it is one.
    pub screen: Option<Term>,
    /// The time zone of the machine.
    pub zone: TimeZone,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    /// Makes texts that nobody can guess.
    pub token: Token,
    /// Starts a program that the host has brought along.
    pub launch: Launch,
    /// The shutdown signal of the run.
    pub stop: &'a Shutdown,
    /// The secrets, which no other program may get.
    pub redactor: &'a Redactor,
}

/// The channel to this host.
pub fn channel(host: Host, means: CiOutputConfig<'_>) -> Box<dyn CiOutput> {
    let files = files::StepFiles::named_by(host, means.variables, means.token);
    (host.row().output)(means, files)
}
