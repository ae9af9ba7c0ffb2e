//! The world a run is given: arguments, variables, streams and the stop signal.
//!
//! `main` gathers it once; from there on everything is a parameter, so that a
//! test is a call.

use std::ffi::OsString;
use std::future::ready;
use std::io::Write;
use std::time::Duration;

use console::Term;
use jiff::tz::TimeZone;

use crate::environment::Variables;
use crate::http::{ConnectionError, Http, Request, ResponseFuture, Transport, TransportError};
use crate::shutdown::Shutdown;
use crate::subprocess::Launch;

/// Everything a run may read from or write to, apart from the network and the
/// files that its inputs name.
pub struct Process {
    /// The arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables,
    /// The secrets in the environment, which are shown nowhere.
    pub secrets: Vec<String>,
    /// For what a program may parse.
    pub stdout: Box<dyn Write>,
    /// Opens the stream for diagnostics and, outside a CI, for people.
    pub stderr: fn() -> Box<dyn Write>,
    /// The terminal that the error stream is, if it is one.
    pub terminal: Option<Term>,
    /// The terminal that the output is, if it is one.
    pub screen: Option<Term>,
    /// The time zone of the machine, for a person at a terminal.
    pub zone: TimeZone,
    /// The wall clock, for showing times and for noticing that the machine was
    /// asleep; waits are measured by Tokio's.
    pub clock: fn() -> jiff::Timestamp,
    /// Makes texts that nobody can guess.
    pub token: fn() -> String,
    /// Sets up what carries the requests, by the variables.
    pub connect: Connect,
    /// Starts programs that the CI has brought along.
    pub launch: Launch,
    /// Asks the run to end.
    pub stop: Shutdown,
}

/// Sets up what carries requests.
pub type Connect = Box<dyn Fn(&Variables) -> Result<Box<dyn Transport>, ConnectionError>>;

/// The network.
pub fn network() -> Connect {
    Box::new(|variables| Ok(Box::new(Http::new(variables)?)))
}

/// In place of a network that cannot be set up: sends nothing.
pub struct NoNetwork;

impl Transport for NoNetwork {
    fn exchange(&self, _: Request, _: Duration) -> ResponseFuture<'_> {
        Box::pin(ready(Err(TransportError::NotConnected {
            reason: "the network is not set up".to_owned(),
            may_heal: false,
        })))
    }
}
