//! What the program gets of a process, in memory. Each test that runs the program in
//! its own process has this module.

use std::io::Write;

use sevalla_deploy::environment::Variables;
use sevalla_deploy::inputs::secrets_in;
use sevalla_deploy::process::{Connect, Process};
use sevalla_deploy::shutdown::Shutdown;
use sevalla_deploy::subprocess::launch;
use testkit::{Captured, wall_clock};

/// A process without a terminal. Its error stream is this thread's, and its clock the
/// one of virtual time.
pub(crate) fn process(
    variables: Variables,
    stdout: impl Write + 'static,
    connect: Connect,
) -> Process {
    Process {
        arguments: Vec::new(),
        secrets: secrets_in(&variables),
        variables,
        stdout: Box::new(stdout),
        stderr: || Box::new(Captured::stderr()),
        terminal: None,
        screen: None,
        zone: jiff::tz::TimeZone::UTC,
        clock: wall_clock::now,
        token: || "5f0c8f7a5f0c8f7a5f0c8f7a5f0c8f7a".to_owned(),
        connect,
        launch,
        stop: Shutdown::default(),
    }
}
