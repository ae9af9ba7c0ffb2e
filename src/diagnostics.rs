//! Diagnostics for whoever debugs a run: `tracing` to the error stream, and
//! what a panic says. Both pass the gate like everything else.

use std::io::{self, Write};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::environment::Variables;
use crate::inputs::DIAGNOSTICS;
use crate::sanitize::Sanitizer;

/// Where bugs are reported.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// Writes diagnostics to `stderr` until the guard is dropped. How much is said
/// is set by `SEVALLA_LOG` or `RUST_LOG`, or `RUNNER_DEBUG=1` as GitHub sets it.
pub(crate) fn install(
    variables: &Variables,
    sanitizer: Sanitizer,
    stderr: fn() -> Box<dyn Write>,
) -> DefaultGuard {
    let writer = SanitizingWriter { sanitizer, stderr };
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer);
    let subscriber = tracing_subscriber::registry()
        .with(wanted(variables))
        .with(layer);
    tracing::subscriber::set_default(subscriber)
}

fn wanted(variables: &Variables) -> Targets {
    let named = [DIAGNOSTICS, "RUST_LOG"]
        .iter()
        .find_map(|name| variables.text(name)?.parse().ok());
    let is_debugging = variables.text("RUNNER_DEBUG") == Some("1");
    let ours = if is_debugging {
        LevelFilter::DEBUG
    } else {
        LevelFilter::WARN
    };
    named.unwrap_or_else(|| Targets::new().with_target("sevalla_deploy", ours))
}

struct SanitizingWriter {
    sanitizer: Sanitizer,
    stderr: fn() -> Box<dyn Write>,
}

impl<'a> MakeWriter<'a> for SanitizingWriter {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event {
            writer: self,
            text: Vec::new(),
        }
    }
}

/// The text of one event, written whole when it is complete.
struct Event<'a> {
    writer: &'a SanitizingWriter,
    text: Vec<u8>,
}

impl Write for Event<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let line = format!("{}\n", self.writer.sanitizer.line(&text));
        let _closed = (self.writer.stderr)().write_all(line.as_bytes());
    }
}

/// Makes a panic say that it is a bug of ours, without any secret, and end the
/// process with the code of outcome `internal`. `sanitizer` is called by a panic.
pub fn explain_panics(sanitizer: impl Fn() -> Sanitizer + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = format!("sevalla-deploy: this is a bug, please report it at {ISSUES}: {panic}");
        let line = format!("{}\n", sanitizer().line(&text));
        let _closed = io::stderr().write_all(line.as_bytes());
        #[expect(
            clippy::exit,
            clippy::disallowed_methods,
            reason = "a panic has no value to return; the contract promises code 10"
        )]
        std::process::exit(i32::from(crate::exit_status::ExitStatus::Internal.code()));
    }));
}
