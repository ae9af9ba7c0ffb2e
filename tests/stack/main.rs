//! Stacks in virtual time: random graphs, faults and signals, and what must hold
//! in every case.
//!
//! `STACK_CASES` sets how many cases there are, `STACK_SEED` the first seed, and
//! `STACK_GRAPHS` the graphs whose time is compared with what is possible.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test's helpers fail the test by panicking, and its numbers are small"
)]

mod world;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::Process;
use sevalla_deploy::shutdown::{Shutdown, Signal};
use testkit::{Captured, Dice, in_virtual_time};
use tokio::time::{Instant, sleep};

use self::world::{App, BEGAN, By, Made, NEW, Network, OLD, World, id_of};

thread_local! {
    static BEGAN_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Our wall clock: it goes with Tokio's.
fn clock() -> Timestamp {
    let elapsed = BEGAN_AT
        .get()
        .map_or(Duration::ZERO, |began| began.elapsed());
    Timestamp::from_millisecond(BEGAN)
        .unwrap()
        .checked_add(elapsed)
        .unwrap()
}

/// A stack and what happens to it.
#[derive(Debug, Clone)]
struct Scenario {
    /// For each service those that it is after.
    needs: Vec<Vec<usize>>,
    apps: Vec<App>,
    faults: u64,
    rolls_back: bool,
    signal: Option<Duration>,
    timeout: Duration,
    seed: u64,
}

impl Scenario {
    fn drawn(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let count = usize::try_from(dice.between(2, 12)).unwrap();
        let needs = graph(count, &mut dice);
        let fails = [0, 0, 150][usize::try_from(dice.up_to(2)).unwrap()];
        let apps = (0..count).map(|_| App {
            run: i64::try_from(dice.between(2_000, 200_000)).unwrap(),
            succeeds: !dice.in_a_thousand(fails),
            rolls_back: !dice.in_a_thousand(100),
            made: Vec::new(),
        });
        let apps = apps.collect();
        let faults = [0, 30, 120][usize::try_from(dice.up_to(2)).unwrap()];
        let signal = dice
            .in_a_thousand(250)
            .then(|| Duration::from_millis(dice.up_to(600_000)));
        Self {
            needs,
            apps,
            faults,
            rolls_back: dice.in_a_thousand(600),
            signal,
            timeout: Duration::from_secs(dice.between(300, 3600)),
            seed,
        }
    }

    fn file(&self) -> String {
        let services = self.needs.iter().enumerate().map(|(at, needs)| {
            let after: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
            format!(
                "  s{at}: {{ app: {}, after: [{}] }}\n",
                id_of(at),
                after.join(", ")
            )
        });
        format!("services:\n{}", services.collect::<String>())
    }
}

/// A graph without circles, whose services are in a random order.
fn graph(count: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, usize::try_from(dice.up_to(at as u64)).unwrap());
    }
    let mut needs = vec![Vec::new(); count];
    let density = dice.between(1, 4);
    for (place, at) in order.iter().enumerate().skip(1) {
        for _ in 0..dice.up_to(density) {
            let need = order[usize::try_from(dice.up_to(place as u64 - 1)).unwrap()];
            if !needs[*at].contains(&need) {
                needs[*at].push(need);
            }
        }
    }
    needs
}

/// What a run left.
struct Run {
    world: World,
    outcome: Outcome,
    /// When it ended and when everything has.
    ended: i64,
    settled: i64,
    services: Vec<Value>,
    signalled: Option<i64>,
    said: String,
}

impl Run {
    fn ours(&self, at: usize, by: By) -> Vec<&Made> {
        let made = self.world.apps[at].made.iter();
        made.filter(|made| made.by == by).collect()
    }
}

fn run(scenario: &Scenario) -> Run {
    let (stdout, stderr) = (Captured::default(), Captured::stderr());
    stderr.take();
    in_virtual_time(async {
        BEGAN_AT.set(Some(Instant::now()));
        let dice = Dice::new(scenario.seed.wrapping_add(1 << 40));
        let world = World::new(scenario.apps.clone(), scenario.faults, dice);
        let world = Rc::new(RefCell::new(world));
        let stop = Shutdown::default();
        let signalled = Cell::new(None);
        let outcome = {
            let process = process(scenario, &world, &stdout, &stop);
            let signals = async {
                if let Some(after) = scenario.signal {
                    sleep(after).await;
                    signalled.set(Some(world.borrow().now()));
                    stop.request(Signal::Terminate);
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                outcome = Box::pin(sevalla_deploy::run(process)) => outcome,
                () = signals => unreachable!("it never ends"),
            }
        };
        let ended = world.borrow().now();
        // Whatever runs comes to its end.
        sleep(Duration::from_secs(24 * 3600)).await;
        let settled = world.borrow().now();
        let text = stdout.take();
        let services = text.lines().find_map(|line| line.strip_prefix("services="));
        let services = services.and_then(|json| serde_json::from_str(json).ok());
        Run {
            world: Rc::into_inner(world).unwrap().into_inner(),
            outcome,
            ended,
            settled,
            services: services.unwrap_or_default(),
            signalled: signalled.get(),
            said: format!("{}\n{text}", stderr.take()),
        }
    })
}

fn process(
    scenario: &Scenario,
    world: &Rc<RefCell<World>>,
    stdout: &Captured,
    stop: &Shutdown,
) -> Process {
    let on_failure = if scenario.rolls_back {
        "rollback"
    } else {
        "leave"
    };
    let variables = [
        ("SEVALLA_ACTION", "deploy-stack".to_owned()),
        ("SEVALLA_TOKEN", "svl_key".to_owned()),
        ("SEVALLA_STACK", scenario.file()),
        ("SEVALLA_ONLY_CHANGED", "false".to_owned()),
        (
            "SEVALLA_TIMEOUT",
            format!("{}s", scenario.timeout.as_secs()),
        ),
        ("SEVALLA_ON_FAILURE", on_failure.to_owned()),
    ];
    let variables = variables.into_iter();
    let network = Rc::clone(world);
    Process {
        arguments: Vec::new(),
        secrets: Vec::new(),
        variables: variables
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
        stdout: Box::new(stdout.clone()),
        stderr: || Box::new(Captured::stderr()),
        terminal: None,
        screen: None,
        zone: jiff::tz::TimeZone::UTC,
        clock,
        token: || "0123456789abcdef".to_owned(),
        connect: Box::new(move |_| Ok(Box::new(Network(Rc::clone(&network))))),
        launch: sevalla_deploy::subprocess::launch,
        stop: stop.clone(),
    }
}

/// What does not hold.
fn faults(scenario: &Scenario, run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    let mut hold = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    for (at, needs) in scenario.needs.iter().enumerate() {
        let (triggered, back) = (run.ours(at, By::Trigger), run.ours(at, By::Rollback));
        hold(
            triggered.len() <= 1,
            format!("s{at} was deployed {} times", triggered.len()),
        );
        hold(
            back.len() <= 1,
            format!("s{at} was rolled back {} times", back.len()),
        );
        for own in &triggered {
            for need in needs {
                let live = run.ours(*need, By::Trigger);
                let is_live = live
                    .first()
                    .is_some_and(|it| it.status(own.created) == "success");
                hold(is_live, format!("s{at} began before s{need} was live"));
            }
        }
        let Some(service) = run.services.get(at) else {
            continue;
        };
        let live = run.world.apps[at].live(run.settled);
        if let Some(shown) = service["live-deployment-id"].as_str() {
            hold(
                shown == live.id,
                format!("s{at}: {shown} is not live, but {}", live.id),
            );
        }
        let is_back = service["rolled-back"] == true;
        hold(
            !is_back || live.commit == OLD,
            format!("s{at} is not rolled back"),
        );
        let is_named = service["live-deployment-id"].is_string();
        hold(
            back.is_empty()
                || is_named
                || run.outcome.ending().code() >= 128
                || service["why"].to_string().len() > 4,
            format!("s{at}: nothing is said of its rollback"),
        );
        hold(
            service["outcome"] != "success" || live.commit == NEW || !back.is_empty(),
            format!("s{at} is no success"),
        );
    }
    if let Some(signalled) = run.signalled.filter(|at| *at < run.ended) {
        let late = run
            .world
            .starts
            .iter()
            .filter(|at| **at > signalled)
            .count();
        hold(late == 0, format!("{late} were started after the signal"));
        hold(
            run.ended - signalled <= 6_000,
            format!("it took {} ms to end", run.ended - signalled),
        );
    }
    let code = run.outcome.ending().code();
    let gravest = gravest(&run.services);
    if code < 128 && !run.services.is_empty() {
        hold(
            i64::from(code) == gravest,
            format!("it ended with {code}, and the gravest is {gravest}"),
        );
    }
    let all = scenario.needs.len();
    let good = run
        .services
        .iter()
        .filter(|service| service["outcome"] == "success")
        .count();
    hold(
        (code == 0) == (good == all),
        format!("{good} of {all} are good, and it ended with {code}"),
    );
    faults
}

/// The exit code that stands for all.
fn gravest(services: &[Value]) -> i64 {
    const ORDER: [i64; 9] = [10, 7, 5, 6, 9, 1, 8, 4, 3];
    let codes: Vec<i64> = services
        .iter()
        .filter_map(|service| service["exit-code"].as_i64())
        .collect();
    ORDER
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(0)
}

fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

#[test]
fn whatever_happens_the_order_holds_and_the_report_is_true() {
    let first = setting("STACK_SEED", 1);
    let mut ends = std::collections::BTreeMap::<u8, u32>::new();
    for seed in first..first + setting("STACK_CASES", 50) {
        let scenario = Scenario::drawn(seed);
        let run = run(&scenario);
        let faults = faults(&scenario, &run);
        assert!(
            faults.is_empty(),
            "STACK_SEED={seed}: {faults:#?}\n{scenario:#?}\n{}",
            run.said
        );
        *ends.entry(run.outcome.ending().code()).or_default() += 1;
    }
    println!("cases by exit code: {ends:?}");
}

/// The time that a stack takes at least: the longest chain, or what the budgets
/// allow.
fn least(needs: &[Vec<usize>], apps: &[App]) -> f64 {
    let mut ends: Vec<Option<i64>> = vec![None; apps.len()];
    while ends.iter().any(Option::is_none) {
        for at in 0..apps.len() {
            let all: Option<Vec<i64>> = needs[at].iter().map(|need| ends[*need]).collect();
            if let Some(all) = all {
                ends[at] = Some(all.into_iter().max().unwrap_or(0) + 1000 + apps[at].run);
            }
        }
    }
    let chain = ends.into_iter().flatten().max().unwrap() as f64;
    let count = apps.len() as f64;
    let budget = |each: f64, limit: f64| (count * each / limit - 1.0).max(0.0) * 60_000.0;
    // The last is of an older page, and for requests of every kind.
    chain
        .max(budget(5.0, 400.0))
        .max(budget(1.0, 30.0))
        .max(budget(7.0, 120.0))
}

#[test]
fn a_stack_takes_hardly_longer_than_it_must() {
    let first = setting("STACK_SEED", 1);
    let mut ratios = Vec::new();
    for seed in first..first + setting("STACK_GRAPHS", 6) {
        let mut dice = Dice::new(seed);
        let count = usize::try_from(dice.between(2, 200)).unwrap();
        let needs = graph(count, &mut dice);
        let apps = (0..count).map(|_| App {
            run: (dice.log_normal(180.0, 0.4) * 1000.0) as i64,
            succeeds: true,
            rolls_back: true,
            made: Vec::new(),
        });
        let apps: Vec<App> = apps.collect();
        let least = least(&needs, &apps);
        let scenario = Scenario {
            needs,
            apps,
            faults: 0,
            rolls_back: false,
            signal: None,
            timeout: Duration::from_secs(36_000),
            seed,
        };
        let run = run(&scenario);
        assert!(run.outcome.is_good(), "{}", run.said);
        let ratio = run.ended as f64 / least;
        println!(
            "{count} services: {:.0} s, at least {:.0} s, {ratio:.3}, {} requests",
            run.ended as f64 / 1000.0,
            least / 1000.0,
            run.world.requests
        );
        ratios.push(ratio);
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    println!("mean {mean:.3}");
    assert!(mean <= 1.05, "{mean}");
}
