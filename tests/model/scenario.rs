//! What a case is made of: the inputs of the run, the service, its other
//! users, the faults and the signals. All times are milliseconds.

use proptest::prelude::*;
use proptest::sample::select;
use sevalla_deploy::shutdown::Signal;

use crate::service::{APP, HOOK, KEY, SITE};

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) inputs: Inputs,
    pub(crate) service: Service,
    pub(crate) log: Log,
    pub(crate) others: Vec<Other>,
    pub(crate) crowd: Crowd,
    pub(crate) faults: Faults,
    pub(crate) signals: Vec<(u64, Signal)>,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    pub(crate) target: Target,
    pub(crate) branch: Option<&'static str>,
    pub(crate) restart: bool,
    pub(crate) follow: bool,
    pub(crate) timeout: u64,
    pub(crate) on_timeout: Abandon,
    pub(crate) on_cancel: Abandon,
    pub(crate) logs: &'static str,
    pub(crate) dry_run: bool,
    pub(crate) host: Host,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    App,
    ImageApp,
    Site,
    Hook { key: bool, answer: HookAnswer },
}

/// What the hook answers is not documented; clients have read two shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookAnswer {
    Deployment,
    DeploymentId,
    NoId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abandon {
    Leave,
    Cancel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Local,
    OtherCi,
    GitHub,
}

/// The service as it is without any fault.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent of each other")]
pub(crate) struct Service {
    /// The longest way there, and the longest way back.
    pub(crate) latency: u64,
    /// How long a new deployment is missing from the list.
    pub(crate) list_lag: u64,
    /// How long a new deployment is unknown by its id.
    pub(crate) get_lag: u64,
    /// The shortest time in the queue.
    pub(crate) queue: u64,
    pub(crate) run: u64,
    pub(crate) succeeds: bool,
    /// From the wish to cancel a running deployment to its end.
    pub(crate) cancel_lag: u64,
    /// Somebody cancels the run's deployment this long after it was made.
    pub(crate) stopped_after: Option<u64>,
    /// A newer deployment passes over the waiting ones.
    pub(crate) overtakes: bool,
    /// Deployments of the past.
    pub(crate) history: u64,
    /// How much longer somebody's deployment runs that runs already.
    pub(crate) busy: Option<u64>,
    pub(crate) auto_deploy: bool,
    pub(crate) state: State,
    /// The service's clock against ours, in seconds.
    pub(crate) skew: i64,
    pub(crate) listing: Listing,
    /// How long after its creation a deployment is refused to be cancelled.
    pub(crate) refuses_cancel: u64,
    /// How much longer a list of deployments takes than other answers.
    pub(crate) slow_list: u64,
    /// The answer to a start names its deployment by what is no id.
    pub(crate) odd_id: bool,
}

/// How the service writes what it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) form: Form,
    /// How long branch and image are null.
    pub(crate) late: u64,
    /// The word for the trigger, where it is not the documented one.
    pub(crate) word: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the run writes it.
    Same,
    /// `refs/heads/main`, and the host of a registry in another case.
    Full,
    /// `origin/main`, and the same host.
    Remote,
    /// A null branch, and another name of the image: nobody can tell.
    Unclear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Documented,
    New,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    Suspended,
    Deleting,
}

#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) lines: u64,
    /// From a line's time to its being readable.
    pub(crate) lag: u64,
    /// Every line has its own lag, up to that one.
    pub(crate) is_uneven: bool,
    pub(crate) newest_first: bool,
}

/// Somebody else's deployment of the service.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) at: u64,
    pub(crate) same_branch: bool,
    pub(crate) automatic: bool,
    pub(crate) run: u64,
}

/// What the company's other jobs take of the budgets, a minute, evenly.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    pub(crate) headers: Headers,
    pub(crate) reads: u64,
    pub(crate) logs: u64,
    pub(crate) deployments: u64,
    /// When the first window begins, before the run does.
    pub(crate) offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Truthful,
    Missing,
    Nonsense,
}

/// How many of a thousand requests meet a fault, by phase.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pub(crate) look: u64,
    pub(crate) trigger: u64,
    pub(crate) search: u64,
    pub(crate) follow: u64,
    pub(crate) log: u64,
    pub(crate) cancel: u64,
    /// From this moment on every call is refused with this status.
    pub(crate) closed: Option<(u64, u16)>,
    /// The key may write and not read.
    pub(crate) write_only: bool,
}

/// What a family of cases has more of than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Calm,
    Faulty,
    Signalled,
    Crowded,
}

impl Scenario {
    /// Nothing goes wrong, and nobody stands in the way of the requests.
    pub(crate) fn is_healthy(&self) -> bool {
        self.has_no_faults()
            && self.crowd.reads == 0
            && self.crowd.logs == 0
            && self.crowd.deployments == 0
            && self.service.list_lag == 0
            && self.service.get_lag == 0
            && self.service.latency <= 250
            && !self.is_refused()
    }

    /// The service is in no state to be deployed.
    pub(crate) fn is_refused(&self) -> bool {
        match self.service.state {
            State::Ready => false,
            State::Suspended => self.inputs.target != Target::Site,
            State::Deleting => true,
        }
    }

    pub(crate) fn has_no_faults(&self) -> bool {
        let faults = &self.faults;
        let rates = [
            faults.look,
            faults.trigger,
            faults.search,
            faults.follow,
            faults.log,
            faults.cancel,
        ];
        rates == [0; 6] && faults.closed.is_none() && !faults.write_only
    }

    /// The branch that the run's deployment is made from, if it is from one.
    pub(crate) fn branch(&self) -> Option<&'static str> {
        match self.inputs.target {
            Target::ImageApp => None,
            Target::Hook { .. } => Some("main"),
            Target::App if self.inputs.restart => Some("main"),
            Target::App | Target::Site => self.inputs.branch.or(Some("main")),
        }
    }

    /// Whether the run asks for a branch by its name, so that another one is
    /// certainly somebody else's.
    pub(crate) fn asks_for_branch(&self) -> bool {
        self.branch().is_some() && !self.inputs.restart
    }

    /// Whether the list shows for certain, and at once, what the run has made.
    pub(crate) fn is_listed_clearly(&self) -> bool {
        let listing = &self.service.listing;
        // A restart is known by the version that it takes again.
        let knows_version = !self.inputs.restart || self.service.history > 0;
        listing.form != Form::Unclear && listing.late == 0 && knows_version
    }

    pub(crate) fn image(&self) -> Option<&'static str> {
        (self.inputs.target == Target::ImageApp).then_some(match self.inputs.branch {
            Some(_) if !self.inputs.restart => "registry.example.com/app:2",
            _ => "registry.example.com/app:1",
        })
    }

    pub(crate) fn has_key(&self) -> bool {
        !matches!(self.inputs.target, Target::Hook { key: false, .. })
    }

    /// The run's variables.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let inputs = &self.inputs;
        let mut given = vec![
            ("SEVALLA_WAIT_FOR_FINISH", inputs.follow.to_string()),
            ("SEVALLA_TIMEOUT", format!("{}s", inputs.timeout / 1000)),
            ("SEVALLA_ON_TIMEOUT", inputs.on_timeout.word().to_owned()),
            ("SEVALLA_ON_CANCEL", inputs.on_cancel.word().to_owned()),
            ("SEVALLA_LOGS", inputs.logs.to_owned()),
            ("SEVALLA_DRY_RUN", inputs.dry_run.to_string()),
        ];
        if self.has_key() {
            given.push(("SEVALLA_TOKEN", KEY.to_owned()));
        }
        match inputs.target {
            Target::App | Target::ImageApp => given.push(("SEVALLA_APP_ID", APP.to_owned())),
            Target::Site => given.push(("SEVALLA_STATIC_SITE_ID", SITE.to_owned())),
            Target::Hook { .. } => given.push(("SEVALLA_DEPLOY_HOOK_URL", HOOK.to_owned())),
        }
        if inputs.restart {
            given.push(("SEVALLA_IS_RESTART", "true".to_owned()));
        }
        match (inputs.target, inputs.branch) {
            (Target::ImageApp, Some(_)) => given.push((
                "SEVALLA_DOCKER_IMAGE",
                "registry.example.com/app:2".to_owned(),
            )),
            (_, Some(branch)) => given.push(("SEVALLA_BRANCH", branch.to_owned())),
            (_, None) => {}
        }
        match inputs.host {
            Host::Local => {}
            Host::OtherCi => given.push(("CI", "woodpecker".to_owned())),
            Host::GitHub => given.push(("GITHUB_ACTIONS", "true".to_owned())),
        }
        given
    }
}

impl Abandon {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Cancel => "cancel",
        }
    }
}

pub(crate) fn scenarios(family: Family) -> impl Strategy<Value = Scenario> {
    let parts = (
        inputs(family),
        service(family),
        log(family),
        others(family),
        crowd(family),
        faults(family),
        signals(family),
        any::<u64>().no_shrink(),
    );
    parts.prop_map(
        |(inputs, service, log, others, crowd, faults, signals, seed)| Scenario {
            inputs,
            service,
            log,
            others,
            crowd,
            faults,
            signals,
            seed,
        },
    )
}

/// One of these; the first is the simplest.
fn one_of<T: Clone + std::fmt::Debug + 'static>(
    values: impl Into<Vec<T>>,
) -> impl Strategy<Value = T> {
    select(values.into())
}

/// Mostly the first, at times the other.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    rest: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![3 => Just(usual), 1 => rest]
}

fn inputs(family: Family) -> impl Strategy<Value = Inputs> {
    let hook = (
        one_of([true, true, true, false]),
        one_of([
            HookAnswer::Deployment,
            HookAnswer::DeploymentId,
            HookAnswer::NoId,
        ]),
    )
        .prop_map(|(key, answer)| Target::Hook { key, answer });
    let target = prop_oneof![
        4 => Just(Target::App),
        3 => Just(Target::Site),
        1 => Just(Target::ImageApp),
        2 => hook,
    ];
    let follow = if family == Family::Signalled { 19 } else { 8 };
    let follow = prop_oneof![follow => Just(true), 1 => Just(false)];
    let dry_run = prop_oneof![19 => Just(false), 1 => Just(true)];
    let timeout =
        one_of([300, 5, 10, 20, 60, 120, 300, 600, 600, 1800]).prop_map(|seconds| seconds * 1000);
    let ends = (
        one_of([Abandon::Leave, Abandon::Cancel]),
        one_of([Abandon::Cancel, Abandon::Leave]),
    );
    (
        target,
        mostly(None, one_of([Some("main"), Some("dev")])),
        mostly(false, Just(true)),
        follow,
        timeout,
        ends,
        one_of(["live", "live", "live", "on-failure", "off"]),
        dry_run,
        one_of([Host::Local, Host::OtherCi, Host::GitHub]),
    )
        .prop_map(
            |(target, branch, restart, follow, timeout, ends, logs, dry_run, host)| Inputs {
                target,
                branch,
                restart: restart && matches!(target, Target::App | Target::ImageApp),
                follow,
                timeout,
                on_timeout: ends.0,
                on_cancel: ends.1,
                logs,
                dry_run,
                host,
            },
        )
}

fn service(family: Family) -> impl Strategy<Value = Service> {
    let is_calm = family == Family::Calm;
    // A creation that stays out of the list longer than the runner looks for
    // it (15.5 s), after its answer was lost, cannot be told from one that
    // never was: the second sending that the contract allows then makes a
    // second deployment. So no lag here, with a late application on top (see
    // `network::LATE`), is longer than that.
    let list_lag: u64 = if is_calm { 0 } else { 10_500 };
    let get_lag: u64 = if is_calm { 0 } else { 8_000 };
    let lags = (
        mostly(30, one_of([1, 250, 1500])),
        mostly(0, 0..=list_lag),
        mostly(0, 0..=get_lag),
    );
    let times = (
        mostly(1000, 0..=40_000_u64),
        prop_oneof![
            4 => 1_000..=90_000_u64,
            1 => 0..=1_000_u64,
            1 => 90_000..=900_000_u64,
        ],
        prop_oneof![3 => Just(true), 1 => Just(false)],
        0..=3_000_u64,
        prop_oneof![9 => Just(None), 1 => (0..=60_000_u64).prop_map(Some)],
    );
    let listing = (
        mostly(
            Form::Same,
            one_of([Form::Full, Form::Remote, Form::Unclear]),
        ),
        mostly(0, 0..=6_000_u64),
        mostly(Word::Documented, one_of([Word::New, Word::Null])),
    )
        .prop_map(|(form, late, word)| Listing { form, late, word });
    let oddities = (
        listing,
        mostly(0, 0..=2_500_u64),
        mostly(0, 0..=1_300_u64),
        prop_oneof![19 => Just(false), 1 => Just(true)],
    );
    let state = prop_oneof![
        60 => Just(State::Ready),
        1 => Just(State::Suspended),
        1 => Just(State::Deleting),
    ];
    (
        lags,
        times,
        mostly(false, Just(true)),
        mostly(3, one_of([0, 1, 60])),
        mostly(None, (0..=120_000_u64).prop_map(Some)),
        any::<bool>(),
        state,
        mostly(0, -500_000..=500_000_i64),
        oddities,
    )
        .prop_map(
            |(lags, times, overtakes, history, busy, auto_deploy, state, skew, oddities)| Service {
                latency: lags.0,
                list_lag: lags.1,
                get_lag: lags.2,
                queue: times.0,
                run: times.1,
                succeeds: times.2,
                cancel_lag: times.3,
                stopped_after: times.4,
                overtakes,
                history,
                busy,
                auto_deploy,
                state,
                skew,
                listing: oddities.0,
                refuses_cancel: oddities.1,
                slow_list: oddities.2,
                odd_id: oddities.3,
            },
        )
}

fn log(family: Family) -> impl Strategy<Value = Log> {
    let worst: u64 = if family == Family::Faulty {
        45_000
    } else {
        2_500
    };
    (
        0..=40_u64,
        mostly(500, 0..=worst),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, lag, is_uneven, newest_first)| Log {
            lines,
            lag,
            is_uneven,
            newest_first,
        })
}

fn others(family: Family) -> impl Strategy<Value = Vec<Other>> {
    let other = (
        prop_oneof![0..=10_000_u64, 0..=120_000_u64],
        any::<bool>(),
        any::<bool>(),
        0..=60_000_u64,
    )
        .prop_map(|(at, same_branch, automatic, run)| Other {
            at,
            same_branch,
            automatic,
            run,
        });
    let most = if family == Family::Calm { 2 } else { 4 };
    prop_oneof![
        2 => Just(Vec::new()),
        1 => proptest::collection::vec(other, 0..most),
    ]
}

fn crowd(family: Family) -> BoxedStrategy<Crowd> {
    let alone = |headers| Crowd {
        headers,
        reads: 0,
        logs: 0,
        deployments: 0,
        offset: 0,
    };
    if matches!(family, Family::Calm | Family::Signalled) {
        let headers = one_of([Headers::Truthful, Headers::Missing, Headers::Nonsense]);
        return headers.prop_map(alone).boxed();
    }
    let headers = prop_oneof![
        4 => Just(Headers::Truthful),
        1 => Just(Headers::Missing),
        1 => Just(Headers::Nonsense),
    ];
    let some = (
        headers,
        one_of([0, 100, 300, 380, 600, 4000]),
        one_of([0, 6, 18, 27, 60]),
        one_of([0, 3, 8, 15]),
        0..60_000_u64,
    )
        .prop_map(|(headers, reads, logs, deployments, offset)| Crowd {
            headers,
            reads,
            logs,
            deployments,
            offset,
        });
    if family == Family::Crowded {
        return some.boxed();
    }
    mostly(alone(Headers::Truthful), some).boxed()
}

fn faults(family: Family) -> BoxedStrategy<Faults> {
    let none = Faults {
        look: 0,
        trigger: 0,
        search: 0,
        follow: 0,
        log: 0,
        cancel: 0,
        closed: None,
        write_only: false,
    };
    let rate = || prop_oneof![4 => Just(0_u64), 3 => Just(150), 2 => Just(500), 1 => Just(950)];
    let trigger = prop_oneof![1 => Just(0_u64), 2 => Just(500), 2 => Just(1000)];
    let closed = (0..=90_000_u64, one_of([401_u16, 403, 404])).prop_map(Some);
    let some = (
        rate(),
        trigger,
        rate(),
        rate(),
        rate(),
        rate(),
        prop_oneof![6 => Just(None), 1 => closed],
        prop_oneof![15 => Just(false), 1 => Just(true)],
    )
        .prop_map(
            |(look, trigger, search, follow, log, cancel, closed, write_only)| Faults {
                look,
                trigger,
                search,
                follow,
                log,
                cancel,
                closed,
                write_only,
            },
        );
    match family {
        Family::Calm | Family::Crowded => Just(none).boxed(),
        Family::Faulty => some.boxed(),
        Family::Signalled => prop_oneof![1 => Just(none), 1 => some].boxed(),
    }
}

fn signals(family: Family) -> BoxedStrategy<Vec<(u64, Signal)>> {
    let signal = || one_of([Signal::HangUp, Signal::Interrupt, Signal::Terminate]);
    let first = prop_oneof![
        2 => 0..=1_500_u64,
        2 => 0..=20_000_u64,
        2 => 0..=120_000_u64,
        1 => 0..=600_000_u64,
    ];
    let gap = prop_oneof![0..=1_000_u64, 0..=7_500_u64];
    let some = (
        first,
        signal(),
        prop_oneof![2 => Just(None), 1 => (gap, signal()).prop_map(Some)],
    )
        .prop_map(|(at, first, second)| {
            let mut all = vec![(at, first)];
            all.extend(second.map(|(gap, signal)| (at + gap, signal)));
            all
        });
    match family {
        Family::Signalled => some.boxed(),
        _ => prop_oneof![9 => Just(Vec::new()), 1 => some].boxed(),
    }
}
