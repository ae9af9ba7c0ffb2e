//! The simulator on its own: an application and a static site with some
//! history, an application whose deployments fail, one whose deployments never
//! end, and one to promote to; a pipeline with previews, and a database.

use std::io::{self, Write as _};
use std::time::Duration;

use sevalla_simulator::{
    Application, Database, PastDeployment, Pipeline, Preview, Script, Simulator, StaticSite, World,
};

const APPLICATION: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
const FAILING: &str = "2b9d4f70-1c3e-4a5b-8d6f-7e8091a2b3c4";
const ENDLESS: &str = "6c5b4a39-2817-4f6e-9d4c-3b2a19087f6e";
const TARGET: &str = "7d6e5f40-3928-4a17-8b06-5c4d3e2f1a09";
const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";
const STATIC_SITE: &str = "3f0a9c52-8d17-4c6e-9b1a-6a2f4f6f0b11";

fn main() -> io::Result<()> {
    let simulator = Simulator::try_start(world().port(port()?))?;
    let mut out = io::stdout().lock();
    writeln!(out, "SEVALLA_API_URL={}", simulator.url())?;
    writeln!(out, "SEVALLA_API_KEY={}", simulator.key())?;
    writeln!(out, "APP_ID={APPLICATION}")?;
    writeln!(out, "FAILING_APP_ID={FAILING}")?;
    writeln!(out, "ENDLESS_APP_ID={ENDLESS}")?;
    writeln!(out, "TARGET_APP_ID={TARGET}")?;
    writeln!(out, "STATIC_SITE_ID={STATIC_SITE}")?;
    writeln!(out, "PIPELINE_ID={PIPELINE}")?;
    writeln!(out, "DATABASE_ID={DATABASE}")?;
    writeln!(out, "HOOK_URL={}", simulator.hook_url(APPLICATION))?;
    out.flush()?;
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

fn world() -> World {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let history = |hours_ago| PastDeployment::success().ago(hours(hours_ago));
    World::new()
        .application(
            Application::new(APPLICATION)
                .past(history(48))
                .past(PastDeployment::failed().ago(hours(26)))
                .past(history(24))
                .next(course()),
        )
        .application(Application::new(FAILING).past(history(24)).next(failure()))
        .application(Application::new(ENDLESS).next(Script::success().never_ends()))
        .application(Application::new(TARGET).next(brief()))
        .pipeline(Pipeline::new(PIPELINE).preview(Preview::new()))
        .database(Database::new(DATABASE))
        .static_site(
            StaticSite::new(STATIC_SITE)
                .past(history(30))
                .past(history(3))
                .next(course()),
        )
}

/// A deployment that ends soon.
fn brief() -> Script {
    let second = Duration::from_secs(1);
    Script::success().queue(second).run(second)
}

/// A deployment that fails, and says why.
fn failure() -> Script {
    let error = "error TS2345: Argument of type 'string' is not assignable";
    Script::failed()
        .queue(Duration::from_secs(1))
        .run(Duration::from_secs(4))
        .log_line(Duration::from_secs(1), "INFO", "Building")
        .log_line(Duration::from_secs(3), "ERROR", error)
}

/// A deployment long enough to be watched.
fn course() -> Script {
    let line = Duration::from_secs;
    Script::success()
        .queue(Duration::from_secs(2))
        .run(Duration::from_secs(10))
        .commit_message("Make the shop faster")
        .log_line(line(0), "INFO", "Cloning repository")
        .log_line(line(2), "INFO", "Installing dependencies")
        .log_line(line(4), "WARN", "1 deprecated package")
        .log_line(line(6), "INFO", "Building")
        .log_line(line(9), "INFO", "Rolling out")
}
