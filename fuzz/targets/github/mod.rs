//! The output of a GitHub job.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sevalla_deploy::ci::{CiOutput, CiOutputConfig, Host, channel};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::sanitize::redactor::Redactor;
use sevalla_deploy::shutdown::Shutdown;

/// An output that writes both streams here, with this token for its delimiters.
pub(crate) fn output(
    variables: &Variables,
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    token: fn() -> String,
) -> Box<dyn CiOutput> {
    let config = CiOutputConfig {
        variables,
        stdout,
        stderr,
        terminal: None,
        screen: None,
        zone: TimeZone::UTC,
        clock: Timestamp::now,
        token,
        launch: |_| Box::pin(async { Ok(()) }),
        stop: &Shutdown::default(),
        redactor: &Redactor::default(),
    };
    channel(Host::GitHub, config)
}
