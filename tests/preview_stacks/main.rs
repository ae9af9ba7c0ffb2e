//! `preview-stack` in virtual time: two pull requests at the same time, in random
//! order.
//!
//! `PREVIEW_CASES` sets how many cases there are, `PREVIEW_SEED` the first seed.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's helpers fail the test by panicking, and print its seed"
)]

#[path = "../shared/in_memory.rs"]
mod in_memory;
mod world;

use std::cell::RefCell;
use std::ffi::OsString;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use serde_json::json;
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::Process;
use sevalla_deploy::shutdown::{Shutdown, Signal};
use testkit::{Captured, Dice, in_virtual_time, setting, wall_clock};
use tokio::time::sleep;

use self::world::{Network, Pull, SERVICES, World, live_id, pipeline_id};

/// `web` refers to both others, `auth` to `api`.
fn file() -> String {
    let services = SERVICES.iter().enumerate().map(|(at, name)| {
        format!(
            "  {name}: {{ app: {}, paths: [{name}/**, shared/**] }}\n",
            live_id(at)
        )
    });
    let services: String = services.collect();
    format!(
        "services:\n{services}previews:\n  \
         web: {{ pipeline: shop-web, fallback: live, env: {{ API_URL: \"${{api.url}}/v1\", AUTH_URL: \"${{auth.url}}\" }} }}\n  \
         auth: {{ pipeline: {}, fallback: live, env: {{ API_URL: \"${{api.url}}\" }} }}\n  \
         api: {{ pipeline: shop-api }}\n",
        pipeline_id(1)
    )
}

/// A run of the program for what has happened to a pull request.
async fn run(
    world: &Rc<RefCell<World>>,
    number: u64,
    action: &str,
    stop: Option<Duration>,
) -> (Outcome, String) {
    let folder = tempfile::tempdir().unwrap();
    let (event, summary, outputs) = (
        folder.path().join("event"),
        folder.path().join("s"),
        folder.path().join("o"),
    );
    let (branch, commit) = {
        let world = world.borrow();
        let pull = &world.pulls[&number];
        (pull.branch.clone(), pull.commit.clone())
    };
    let state = if action == "closed" { "closed" } else { "open" };
    let repository = json!({"full_name": "octo/shop"});
    let payload = json!({
        "action": action, "number": number, "repository": repository,
        "pull_request": {
            "number": number, "state": state,
            "head": {"ref": branch, "sha": commit, "repo": repository},
            "base": {"ref": "main", "repo": repository},
        },
    });
    std::fs::write(&event, payload.to_string()).unwrap();
    let variables = [
        ("SEVALLA_ACTION", "preview-stack".to_owned()),
        ("SEVALLA_TOKEN", "svl_key".to_owned()),
        ("SEVALLA_STACK", file()),
        ("SEVALLA_LOGS", "off".to_owned()),
        (
            "SEVALLA_GITHUB_TOKEN",
            "ghs_0123456789abcdefghijklmnopqrstuvwxyz".to_owned(),
        ),
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_EVENT_NAME", "pull_request".to_owned()),
        ("GITHUB_REPOSITORY", "octo/shop".to_owned()),
        ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
        ("GITHUB_API_URL", "https://api.github.example".to_owned()),
        ("GITHUB_RUN_ID", "42".to_owned()),
        ("GITHUB_SHA", commit),
        ("GITHUB_REF", format!("refs/pull/{number}/merge")),
        ("GITHUB_HEAD_REF", branch),
        ("GITHUB_BASE_REF", "main".to_owned()),
        ("GITHUB_EVENT_PATH", event.display().to_string()),
        ("GITHUB_STEP_SUMMARY", summary.display().to_string()),
        ("GITHUB_OUTPUT", outputs.display().to_string()),
    ];
    let variables = variables
        .into_iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let network = Rc::clone(world);
    let stdout = Captured::default();
    let signal = Shutdown::default();
    let connect = Box::new(move |_: &_| Ok(Box::new(Network(Rc::clone(&network))) as _));
    let process = Process {
        stop: signal.clone(),
        ..in_memory::process(variables.collect(), stdout.clone(), connect)
    };
    let stops = async {
        if let Some(after) = stop {
            sleep(after).await;
            signal.request(Signal::Terminate);
        }
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! {
        outcome = Box::pin(sevalla_deploy::run(process)) => outcome,
        () = stops => unreachable!("it never ends"),
    };
    (outcome, stdout.take())
}

fn pause(world: &Rc<RefCell<World>>, most: u64) -> Duration {
    Duration::from_millis(world.borrow_mut().dice.up_to(most))
}

/// One pull request: pushes, one after the other, and perhaps its end. Returns how
/// the last run ended.
async fn pull_request(world: &Rc<RefCell<World>>, number: u64, branch: &str) -> (Outcome, String) {
    sleep(pause(world, 60_000)).await;
    let pushes = world.borrow_mut().dice.between(1, 3);
    let mut last = (Outcome::at_once(None), String::new());
    for push in 0..pushes {
        {
            let mut world = world.borrow_mut();
            let all = ["api/a", "auth/a", "web/a", "shared/a", "README.md"];
            let mut files = world
                .pulls
                .remove(&number)
                .map(|pull| pull.files)
                .unwrap_or_default();
            files.extend(all.iter().filter(|_| world.dice.in_a_thousand(400)));
            let commit = format!("{number:038x}{push:02x}");
            let branch = branch.to_owned();
            world.pulls.insert(
                number,
                Pull {
                    branch,
                    is_open: true,
                    commit,
                    files,
                },
            );
        }
        let action = if push == 0 { "opened" } else { "synchronize" };
        // The last run of a pull request that stays open is not stopped.
        let is_stopped = push + 1 < pushes && world.borrow_mut().dice.in_a_thousand(250);
        let stop = is_stopped.then(|| pause(world, 200_000));
        last = run(world, number, action, stop).await;
        sleep(pause(world, 200_000)).await;
    }
    if world.borrow_mut().dice.in_a_thousand(400) {
        world.borrow_mut().pulls.get_mut(&number).unwrap().is_open = false;
        last = run(world, number, "closed", None).await;
    }
    last
}

/// What must hold when both are over.
fn check(world: &World, number: u64, (outcome, said): &(Outcome, String)) {
    let pull = &world.pulls[&number];
    let apps: Vec<_> = world
        .apps
        .iter()
        .filter(|app| app.number == number)
        .collect();
    if !outcome.is_good() {
        // Lost answers can make it unknown which app is whose, and then it says so.
        println!("{number}: {} {:?}", outcome.headline, outcome.why);
        return;
    }
    if !pull.is_open {
        assert!(
            apps.is_empty(),
            "{number} is closed, and {} apps are left\n{said}",
            apps.len()
        );
        return;
    }
    let url_of = |service: usize| {
        let own = apps.iter().find(|app| app.service == service);
        own.map_or_else(
            || format!("https://{}.sevalla.app", SERVICES[service]),
            |app| app.url(),
        )
    };
    for (at, name) in SERVICES.iter().enumerate() {
        let own: Vec<_> = apps.iter().filter(|app| app.service == at).collect();
        let is_changed = pull
            .files
            .iter()
            .any(|file| file.starts_with(name) || file.starts_with("shared"));
        assert!(
            own.len() <= 1 && (!is_changed || own.len() == 1),
            "{name} of {number}: {} apps\n{said}",
            own.len()
        );
        let Some(app) = own.first() else { continue };
        let live = app
            .made
            .iter()
            .rfind(|made| made.status(world.now()) == "success")
            .unwrap();
        let expected: Vec<(&str, String)> = match at {
            0 => vec![],
            1 => vec![("API_URL", url_of(0))],
            _ => vec![
                ("API_URL", format!("{}/v1", url_of(0))),
                ("AUTH_URL", url_of(1)),
            ],
        };
        let env = live
            .env
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        assert_eq!(
            env.collect::<Vec<_>>(),
            expected,
            "{name} of {number}\n{said}"
        );
    }
    // One comment, unless there was nothing to say.
    assert!(
        world.comments(number).len() <= 1,
        "{:?}",
        world.comments(number)
    );
}

/// No preview ever refers to that of another pull request, in one of four parts of
/// the cases.
fn explore(part: u64) {
    // Otherwise the globs are compared with every file of this repository.
    std::env::set_current_dir(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let first = setting("PREVIEW_SEED", 0);
    let (mut cases, mut good, mut both) = (0, 0, 0);
    for seed in (first..first + setting("PREVIEW_CASES", 80)).filter(|seed| seed % 4 == part) {
        println!("PREVIEW_SEED={seed}");
        let (ends, has_both) = in_virtual_time(Box::pin(case(seed)));
        cases += 1;
        good += usize::from(ends[0]) + usize::from(ends[1]);
        both += usize::from(has_both);
    }
    println!("{cases} cases, {good} pull requests ended well, {both} times with previews of both");
    // Else the cases prove little.
    assert!(
        cases < 100 || good > cases * 19 / 10 && both > cases / 4,
        "{good} {both}"
    );
}

/// Plays a case; whether the last runs ended well, and whether both pull requests
/// have previews in the end.
async fn case(seed: u64) -> ([bool; 2], bool) {
    wall_clock::start();
    let world = Rc::new(RefCell::new(World::new(Dice::new(seed))));
    let one = pull_request(&world, 1, "feature");
    // A number and a branch that begin with the other's.
    let other = pull_request(&world, 11, "feature-1");
    let (one, other) = join(one, other).await;
    sleep(Duration::from_secs(24 * 3600)).await;
    let world = world.borrow();
    assert!(world.offences.is_empty(), "{:?}", world.offences);
    check(&world, 1, &one);
    check(&world, 11, &other);
    let has = |number: u64| world.apps.iter().any(|app| app.number == number);
    ([one.0.is_good(), other.0.is_good()], has(1) && has(11))
}

#[test]
fn no_preview_ever_refers_to_that_of_another_pull_request() {
    explore(0);
}

#[test]
fn no_preview_ever_refers_to_that_of_another_pull_request_2() {
    explore(1);
}

#[test]
fn no_preview_ever_refers_to_that_of_another_pull_request_3() {
    explore(2);
}

#[test]
fn no_preview_ever_refers_to_that_of_another_pull_request_4() {
    explore(3);
}
