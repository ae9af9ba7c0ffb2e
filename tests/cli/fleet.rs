//! Sixty jobs of one company deploy at the same time.
//!
//! They share the company's budgets, which are far too small for what sixty
//! runs would ask for by themselves. No run may fail for that, and next to no
//! request may be refused: who has to be told to wait has asked too early.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sevalla_simulator::{Application, Limits, Script, Simulator, World};

use crate::harness::Runner;

const RUNNERS: usize = 60;

/// Between the starts of two jobs: a CI does not start sixty in one instant.
const BETWEEN_STARTS: Duration = Duration::from_millis(50);

/// The service's windows are a minute long; a test cannot watch several of
/// those, so they are shorter here.
const WINDOW: Duration = Duration::from_secs(6);

/// Reads in one window. The program's own waits are not shortened: one run
/// looks about three times in the first six seconds and reads four other
/// things, so sixty runs ask for some four hundred. In a real minute they
/// would ask for about a thousand, where four hundred are allowed: nearly the
/// same shortage. Below two hundred the program takes the budget for that of the
/// older plan, which is for all requests.
const READS: u64 = 210;

/// Log reads in one window, of which the program uses seven in ten. Each run
/// would make one in five seconds and three at the end, sixty runs more than a
/// hundred in a window once the first have ended. The thirty that the service
/// allows would do for sixty runs no less, but for most of them only after
/// the test's time.
const LOG_READS: u64 = 120;

fn id(number: usize) -> String {
    format!("4f1c1d0e-8a57-4c0b-9d5e-{number:012}")
}

/// Deployments of eight to sixteen seconds.
fn script(number: usize) -> Script {
    let tenths = 80 + u64::try_from(number * 37 % 80).unwrap();
    Script::success()
        .run(Duration::from_millis(tenths * 100))
        .generated_lines(20)
}

#[tokio::test]
async fn a_fleet_of_one_company_slows_down_together_and_deploys_once_each() {
    let applications = (0..RUNNERS).map(|number| Application::new(id(number)).next(script(number)));
    let limits = Limits::documented()
        .window(WINDOW)
        .read(READS)
        .logs(LOG_READS);
    let world = applications.fold(World::new().limits(limits), World::application);
    let simulator = Simulator::start(world).await;
    let started = Instant::now();

    let mut runs = Vec::new();
    for number in 0..RUNNERS {
        let runner = Runner::against(&simulator).set("SEVALLA_APP_ID", id(number));
        runs.push(tokio::spawn(runner.start().finish()));
        tokio::time::sleep(BETWEEN_STARTS).await;
    }
    let mut slowest = Duration::ZERO;
    let mut incomplete = 0;
    for run in runs {
        let run = run.await.unwrap();
        run.assert_ended(0, "success");
        slowest = slowest.max(run.took);
        incomplete += usize::from(run.streams().contains("may lack its last lines"));
    }

    let journal = simulator.journal();
    let mut tiers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for call in &journal {
        let (all, refused) = tiers.entry(tier(&call.operation)).or_default();
        *all += 1;
        *refused += usize::from(call.status == Some(429));
    }
    let refused: usize = tiers.values().map(|(_, refused)| refused).sum();
    println!(
        "{RUNNERS} runs in {:?}, the slowest {slowest:?}; {} requests, {refused} refused; {tiers:?}; \
         {incomplete} logs without their end",
        started.elapsed(),
        journal.len(),
    );
    assert_eq!(simulator.deployments_made(), RUNNERS);
    for number in 0..RUNNERS {
        let made = simulator.deployments(&id(number));
        assert_eq!(made.len(), 1, "{number}");
        assert_eq!(made[0].status.as_deref(), Some("success"), "{number}");
    }
    // Windows are a tenth of real ones here, and the program's waits are not:
    // `tests/watch/pace.rs` holds one in a hundred for windows of a minute.
    assert!(
        refused * 20 < journal.len(),
        "{refused} of {} requests were refused: {tiers:?}",
        journal.len()
    );
}

/// The budget that an operation is counted against.
fn tier(operation: &str) -> &'static str {
    match operation {
        "getApplicationDeploymentLogsV3" => "logs",
        "triggerDeploymentV3" | "cancelDeploymentV3" => "deployments",
        _ => "reads",
    }
}
