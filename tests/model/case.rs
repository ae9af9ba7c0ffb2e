//! One case: the whole program against one scenario, in virtual time.

use std::cell::RefCell;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::Process;
use sevalla_deploy::shutdown::Shutdown;
use testkit::{Captured, in_virtual_time, wall_clock};
use tokio::time::{Instant, sleep, sleep_until};

use crate::in_memory;
use crate::network::{Network, World};
use crate::scenario::Scenario;

/// What a case came to.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) outcome: Outcome,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// How many requests had been sent when the run ended.
    pub(crate) sent_by_the_end: usize,
}

/// Runs the program in a scenario. The error tells of a panic.
pub(crate) fn run(scenario: &Scenario) -> Result<Case, String> {
    let (stdout, stderr) = (Captured::default(), Captured::stderr());
    stderr.take();
    let place: Rc<RefCell<Option<Rc<RefCell<World>>>>> = Rc::default();
    let shared = Rc::clone(&place);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        in_virtual_time(async {
            let world = Rc::new(RefCell::new(World::new(scenario)));
            shared.replace(Some(Rc::clone(&world)));
            Box::pin(carry_out(scenario, &world, &stdout)).await
        })
    }));
    let world = place.take();
    match ended {
        Ok((outcome, sent_by_the_end)) => {
            let world = world
                .and_then(Rc::into_inner)
                .ok_or("the run still holds the network")?;
            Ok(Case {
                world: world.into_inner(),
                outcome,
                stdout: stdout.take(),
                stderr: stderr.take(),
                sent_by_the_end,
            })
        }
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let journal = world.and_then(|world| {
                world
                    .try_borrow()
                    .ok()
                    .map(|world| world.journal.to_string())
            });
            Err(format!(
                "it panicked: {}\n{}",
                message.unwrap_or_default(),
                journal.unwrap_or_default()
            ))
        }
    }
}

async fn carry_out(
    scenario: &Scenario,
    world: &Rc<RefCell<World>>,
    stdout: &Captured,
) -> (Outcome, usize) {
    wall_clock::start();
    let stop = Shutdown::default();
    let network = Rc::clone(world);
    let variables = scenario
        .variables()
        .into_iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    let connect = Box::new(move |_: &_| Ok(Box::new(Network(Rc::clone(&network))) as _));
    let process = Process {
        stop: stop.clone(),
        ..in_memory::process(variables, stdout.clone(), connect)
    };
    let outcome = tokio::select! {
        outcome = sevalla_deploy::run(process) => outcome,
        () = tell_signals(scenario, world, &stop) => Outcome::at_once(None),
    };
    let sent = {
        let mut world = world.borrow_mut();
        let now = world.now();
        world.journal.ended = Some(now);
        world.journal.requests.len()
    };
    // Whatever was on its way arrives, and what runs comes to its end.
    sleep(Duration::from_secs(24 * 3600)).await;
    let mut world = world.borrow_mut();
    let now = world.now();
    world.service.advance(now);
    (outcome, sent)
}

/// Tells the signals, and never ends.
async fn tell_signals(scenario: &Scenario, world: &Rc<RefCell<World>>, stop: &Shutdown) {
    let began = Instant::now();
    for (at, signal) in &scenario.signals {
        sleep_until(began + Duration::from_millis(*at)).await;
        let mut world = world.borrow_mut();
        let sent = world.journal.requests.len();
        world.journal.signals.push((*at, sent));
        stop.request(*signal);
    }
    std::future::pending::<()>().await;
}
