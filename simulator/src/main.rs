//! The simulator on its own, until it is killed. It prints what a shell needs
//! to use it, as lines for `eval`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use sevalla_simulator::{Simulator, sample};

/// What `--help` shows.
const HELP: &str = "\
Usage: sevalla-simulator

Starts a simulated Sevalla on this machine, until Ctrl-C stops it. It prints the variables
that a shell needs to use it, as lines for eval. docs/try-it.md is a tour.

Variables:
  SIMULATOR_PORT  The port to listen on. Defaults to any free port.
";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let ended = match arguments.as_slice() {
        [] => serve(),
        [only] if only == "--help" || only == "-h" => io::stdout().write_all(HELP.as_bytes()),
        _ => {
            let _closed = writeln!(
                io::stderr(),
                "sevalla-simulator: it takes no arguments. See --help"
            );
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(io::stderr(), "sevalla-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let simulator = Simulator::try_start(sample::world().port(port()?))?;
    let hook = simulator.hook_url(sample::SHOP);
    let mut out = io::stdout().lock();
    let own = [
        ("SEVALLA_API_URL", simulator.url()),
        ("SEVALLA_TOKEN", simulator.key()),
    ];
    // Scripts wait for the last one.
    let last = [("HOOK_URL", hook.as_str())];
    for (name, value) in own.into_iter().chain(sample::VARIABLES).chain(last) {
        writeln!(out, "export {name}='{value}'")?;
    }
    out.flush()?;
    writeln!(io::stderr(), "Listening. Press Ctrl-C to stop.")?;
    loop {
        std::thread::park();
    }
}

/// Any free port unless `SIMULATOR_PORT` names one.
fn port() -> io::Result<u16> {
    let Ok(text) = std::env::var("SIMULATOR_PORT") else {
        return Ok(0);
    };
    text.parse().map_err(|_| {
        let what = format!("SIMULATOR_PORT is not a port: {text}");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}
