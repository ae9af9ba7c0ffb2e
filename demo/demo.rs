//! The real program against a simulated Sevalla, about twenty seconds.
//!
//! ```text
//! cargo run --example demo              a deployment that succeeds
//! cargo run --example demo -- failing   one that fails
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "the demo takes the world from the process"
)]

mod shop;

use std::ffi::OsString;
use std::process::ExitCode;

use console::Term;
use jiff::tz::TimeZone;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::inputs::secrets_in;
use sevalla_deploy::process::{Process, network};
use sevalla_deploy::shutdown::Shutdown;
use sevalla_simulator::Simulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let is_failing = std::env::args()
        .nth(1)
        .is_some_and(|argument| argument == "failing");
    let simulator = Simulator::start(shop::world(is_failing)).await;

    let stop = Shutdown::default();
    stop.listen()?;
    let variables = variables(&simulator);
    let outcome = sevalla_deploy::run(Process {
        arguments: Vec::new(),
        secrets: secrets_in(&variables),
        variables,
        stdout: Box::new(std::io::stdout()),
        stderr: || Box::new(std::io::stderr()),
        terminal: Some(Term::stderr()).filter(Term::is_term),
        screen: Some(Term::stdout()).filter(Term::is_term),
        zone: TimeZone::UTC,
        clock: jiff::Timestamp::now,
        token: || uuid::Uuid::new_v4().simple().to_string(),
        connect: network(),
        launch: sevalla_deploy::subprocess::launch,
        stop,
    })
    .await;
    Ok(outcome.exit_code())
}

/// What a user would set, and what the terminal says of itself.
fn variables(simulator: &Simulator) -> Variables {
    let set = [
        ("SEVALLA_API_URL", simulator.url()),
        ("SEVALLA_TOKEN", simulator.key()),
        ("SEVALLA_APP_ID", shop::APP),
    ];
    let set = set.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let terminal = ["TERM", "NO_COLOR"]
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    set.into_iter().chain(terminal).collect()
}
