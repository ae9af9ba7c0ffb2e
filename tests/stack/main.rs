//! Stacks in virtual time: random graphs, faults and signals, and what must hold
//! in every case.
//!
//! `STACK_CASES` sets how many cases there are, `STACK_SEED` the first seed, and
//! `STACK_GRAPHS` the graphs whose time is compared with what is possible.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test's helpers fail the test by panicking, and its numbers are small"
)]

#[path = "../shared/in_memory.rs"]
mod in_memory;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::Process;
use sevalla_deploy::shutdown::{Shutdown, Signal};
use testkit::{Captured, Dice, in_virtual_time, setting, wall_clock};
use tokio::time::sleep;

use self::world::{App, By, Kind, Made, NEW, Network, Other, World, id_of, image};

/// A stack and what happens to it.
#[derive(Debug, Clone)]
struct Scenario {
    /// For each service those that it is after.
    needs: Vec<Vec<usize>>,
    apps: Vec<App>,
    faults: u64,
    rolls_back: bool,
    /// Whether what is live already is kept.
    only_changed: bool,
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
            succeeds: !dice.in_a_thousand(fails),
            rolls_back: !dice.in_a_thousand(100),
            ..App::good(i64::try_from(dice.between(2_000, 200_000)).unwrap())
        });
        let mut apps: Vec<App> = apps.collect();
        let faults = [0, 30, 120][usize::try_from(dice.up_to(2)).unwrap()];
        let signal = dice
            .in_a_thousand(250)
            .then(|| Duration::from_millis(dice.up_to(600_000)));
        let others = [0, 0, 300][usize::try_from(dice.up_to(2)).unwrap()];
        for app in &mut apps {
            app.vary(others, &mut dice);
        }
        Self {
            needs,
            apps,
            faults,
            rolls_back: dice.in_a_thousand(600),
            only_changed: dice.in_a_thousand(300),
            signal,
            timeout: Duration::from_secs(dice.between(300, 3600)),
            seed,
        }
    }

    fn file(&self) -> String {
        let services = self.needs.iter().enumerate().map(|(at, needs)| {
            let after: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
            let (after, app) = (after.join(", "), &self.apps[at]);
            let key = match app.kind {
                Kind::StaticSite => "static-site",
                _ => "app",
            };
            let mut text = format!("  s{at}: {{ {key}: {}, after: [{after}]", id_of(at));
            if app.kind == Kind::Image {
                text += &format!(", docker-image: \"{}\"", image(NEW));
            }
            if app.is_healthy.is_some() {
                let url = format!("https://s{at}.example/");
                let contains = "\"{deployment-id}\", timeout: 20s";
                text += &format!(", verify: {{ url: \"{url}\", contains: {contains} }}");
            }
            text + " }\n"
        });
        format!("services:\n{}", services.collect::<String>())
    }
}

impl App {
    /// Another kind, a check, or what others do, `others` of a thousand times each.
    fn vary(&mut self, others: u64, dice: &mut Dice) {
        self.kind = match dice.up_to(5) {
            0 => Kind::Image,
            1 => Kind::StaticSite,
            _ => Kind::Git,
        };
        self.is_deployed = self.kind != Kind::Image && dice.in_a_thousand(500);
        if dice.in_a_thousand(300) {
            self.is_healthy = Some(!dice.in_a_thousand(150));
        }
        while dice.in_a_thousand(others) {
            let most = self.others.last().map_or(0, |other| other.at);
            self.others.push(Other {
                at: most + i64::try_from(dice.up_to(400_000)).unwrap(),
                run: i64::try_from(dice.between(2_000, 200_000)).unwrap(),
                succeeds: !dice.in_a_thousand(200),
            });
        }
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
    /// When it ended.
    ended: i64,
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
    let folder = tempfile::tempdir().unwrap();
    stderr.take();
    in_virtual_time(async {
        wall_clock::start();
        let dice = Dice::new(scenario.seed.wrapping_add(1 << 40));
        let world = World::new(scenario.apps.clone(), scenario.faults, dice);
        let world = Rc::new(RefCell::new(world));
        let stop = Shutdown::default();
        let signalled = Cell::new(None);
        let outcome = {
            let outputs = folder.path().join("outputs");
            let process = process(scenario, &world, &stdout, &stop, &outputs);
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
        world.borrow_mut().catch_up();
        let text = stdout.take();
        let outputs = std::fs::read_to_string(folder.path().join("outputs")).unwrap_or_default();
        let mut lines = outputs.lines();
        let _name = lines.find(|line| line.starts_with("services<<"));
        let services = lines.next();
        let services = services.and_then(|json| serde_json::from_str(json).ok());
        Run {
            world: Rc::into_inner(world).unwrap().into_inner(),
            outcome,
            ended,
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
    outputs: &Path,
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
        ("SEVALLA_ONLY_CHANGED", scenario.only_changed.to_string()),
        ("GITHUB_OUTPUT", outputs.display().to_string()),
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_SHA", NEW.to_owned()),
        ("GITHUB_REF", "refs/heads/main".to_owned()),
        (
            "SEVALLA_TIMEOUT",
            format!("{}s", scenario.timeout.as_secs()),
        ),
        ("SEVALLA_ON_FAILURE", on_failure.to_owned()),
    ];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let network = Rc::clone(world);
    let connect = Box::new(move |_: &_| Ok(Box::new(Network(Rc::clone(&network))) as _));
    Process {
        stop: stop.clone(),
        ..in_memory::process(variables.into_iter().collect(), stdout.clone(), connect)
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
        let app = &run.world.apps[at];
        for own in &triggered {
            for need in needs {
                let live = run.ours(*need, By::Trigger);
                let end = run.services.get(*need);
                let is_kept = end.is_some_and(|end| end["outcome"] == "unchanged");
                let is_live = is_kept
                    || live
                        .first()
                        .is_some_and(|it| it.status(own.created) == "success");
                let is_good = run.world.apps[*need].is_healthy != Some(false);
                hold(
                    is_live && is_good,
                    format!("s{at} began before s{need} was live and good"),
                );
            }
        }
        let Some(service) = run.services.get(at) else {
            continue;
        };
        let own = triggered.first();
        let may_be_kept = scenario.only_changed && app.is_deployed && own.is_none();
        hold(
            service["outcome"] != "unchanged" || may_be_kept && app.is_healthy != Some(false),
            format!("s{at} is not unchanged, or bad"),
        );
        let knows = scenario.faults == 0 && run.signalled.is_none();
        if let Some(shown) = service["live-deployment-id"].as_str() {
            // After a failure it is read again, if nothing hinders that.
            let is_read = knows && !run.outcome.is_good();
            let from = match own {
                Some(own) if !is_read => own.over().min(run.ended),
                _ => run.ended - 6_000,
            };
            let live = app.live_within(from, run.ended);
            hold(
                live.contains(&shown),
                format!("s{at}: {shown} is not live, but {live:?}"),
            );
        }
        let outcome = service["outcome"].as_str().unwrap();
        hold(
            !knows
                || !back.is_empty()
                || !matches!(outcome, "success" | "failed" | "unverified")
                || service["live-deployment-id"].is_string(),
            format!("s{at}: nothing is said of what is live"),
        );
        let is_back = service["rolled-back"] == true;
        let before = own.map(|own| app.live(own.ends - 1).commit);
        let is_over =
            |made: &&Made| made.status(run.ended) == "success" && Some(made.commit) == before;
        hold(
            !is_back || back.first().is_some_and(is_over),
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
            outcome != "success"
                || own.is_some_and(|own| {
                    own.status(run.ended) == "success" && app.is_healthy != Some(false)
                }),
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
    if let Some(late) = started_too_late(scenario, run) {
        hold(
            false,
            format!("{late} was started in the time for rolling back"),
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
        .filter(|service| service["outcome"] == "success" || service["outcome"] == "unchanged")
        .count();
    hold(
        (code == 0) == (good == all),
        format!("{good} of {all} are good, and it ended with {code}"),
    );
    faults
}

/// A deployment that was started in the time that is kept for rolling back: two
/// minutes for each step of the order, at most a third.
fn started_too_late<'r>(scenario: &Scenario, run: &'r Run) -> Option<&'r str> {
    let first = *run.world.starts.first()?;
    let timeout = i64::try_from(scenario.timeout.as_millis()).unwrap();
    let steps = i64::try_from(steps(&scenario.needs)).unwrap();
    let last = timeout - (120_000 * steps).min((timeout - first) / 3);
    let made = run.world.apps.iter().flat_map(|app| &app.made);
    let mut late = made.filter(|made| made.by == By::Trigger && made.created > last);
    late.next()
        .filter(|_| scenario.rolls_back)
        .map(|late| late.id.as_str())
}

/// How many steps an order has.
fn steps(needs: &[Vec<usize>]) -> usize {
    let mut steps = vec![0; needs.len()];
    for _ in needs {
        for at in 0..needs.len() {
            let before = needs[at].iter().map(|need| steps[*need]).max();
            steps[at] = before.unwrap_or(0) + 1;
        }
    }
    steps.into_iter().max().unwrap_or(0)
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

#[test]
fn whatever_happens_the_order_holds_and_the_report_is_true() {
    let first = setting("STACK_SEED", 1);
    let mut ends = BTreeMap::<u8, u32>::new();
    let mut services = BTreeMap::<String, u32>::new();
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
        for service in &run.services {
            let outcome = service["outcome"].as_str().unwrap();
            *services.entry(outcome.to_owned()).or_default() += 1;
        }
    }
    println!("services by outcome: {services:?}");
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
fn no_service_starts_in_the_time_for_rolling_back() {
    // Of 300 seconds a third is kept. At the last look before that, the first is live.
    for end in 195..205 {
        let scenario = Scenario {
            needs: vec![vec![], vec![0]],
            apps: vec![App::good(end * 1000 - 3_000), App::good(10_000)],
            faults: 0,
            rolls_back: true,
            only_changed: false,
            signal: None,
            timeout: Duration::from_secs(300),
            seed: 1,
        };
        let run = run(&scenario);
        let faults = faults(&scenario, &run);
        assert!(faults.is_empty(), "{end}: {faults:#?}\n{}", run.said);
    }
}

#[test]
fn a_stack_takes_hardly_longer_than_it_must() {
    let first = setting("STACK_SEED", 1);
    let mut ratios = Vec::new();
    for seed in first..first + setting("STACK_GRAPHS", 6) {
        let mut dice = Dice::new(seed);
        let count = usize::try_from(dice.between(2, 200)).unwrap();
        let needs = graph(count, &mut dice);
        let apps = (0..count).map(|_| App::good((dice.log_normal(180.0, 0.4) * 1000.0) as i64));
        let apps: Vec<App> = apps.collect();
        let least = least(&needs, &apps);
        let scenario = Scenario {
            needs,
            apps,
            faults: 0,
            rolls_back: false,
            only_changed: false,
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
