//! The world a run is given: arguments, variables, streams and the stop signal.
//!
//! `main` gathers it once; from there on everything is a parameter, so that a
//! test is a call.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;

use console::Term;

use crate::sevalla::{ConnectionError, Exchange, Http};
use crate::shutdown::Stop;
use crate::subprocess::Launch;

/// Everything a run may read from or write to, apart from the network and the
/// files that its inputs name.
pub struct Process {
    /// The arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables,
    /// For what a program may parse.
    pub stdout: Box<dyn Write>,
    /// Opens the stream for diagnostics and, outside a CI, for people.
    pub stderr: fn() -> Box<dyn Write>,
    /// The terminal that the error stream is, if it is one.
    pub terminal: Option<Term>,
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
    pub stop: Stop,
}

/// Sets up what carries requests.
pub type Connect = Box<dyn Fn(&Variables) -> Result<Box<dyn Exchange>, ConnectionError>>;

/// Environment variables by name.
///
/// A variable that is not UTF-8 is kept as such: it matters only when it is
/// one of ours, and must not disturb the run when it is not.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, Result<String, NotUtf8>>);

/// A variable's value is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8;

/// The network.
pub fn network() -> Connect {
    Box::new(|variables| Ok(Box::new(Http::new(variables)?)))
}

impl Variables {
    /// The value of `name`, without surrounding white space; `None` when it is
    /// absent or blank, which a CI makes of every input that was not given.
    pub fn given(&self, name: &str) -> Option<Result<&str, NotUtf8>> {
        match self.0.get(name)? {
            Ok(value) => Some(value.trim()).filter(|value| !value.is_empty()).map(Ok),
            Err(error) => Some(Err(*error)),
        }
    }

    /// The value of `name` if it is given and readable.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given(name)?.ok()
    }

    /// The names of all variables that are given, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|name| self.given(name).is_some())
    }
}

impl FromIterator<(OsString, OsString)> for Variables {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(pairs: I) -> Self {
        let readable = pairs.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            Some((name, value.into_string().map_err(|_| NotUtf8)))
        });
        Self(readable.collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}
