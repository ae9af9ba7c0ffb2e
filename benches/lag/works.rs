//! What is done: how many deployments, how long, under which limits.

use std::time::Duration;

use sevalla_simulator::{Application, Limits, PastDeployment, Script, Simulator, World};

use testkit::Dice;

/// Past deployments of a service that has some.
const PAST: usize = 10;

/// How far past deployments lie apart, and the next one from them: the
/// deviation of their logarithms.
const SIGMA: f64 = 0.12;

/// Lines of a log, and those of a failure that come after its end.
pub(crate) const LINES: usize = 200;
pub(crate) const LATE: usize = 20;

/// How long after the end of a failed deployment its last line can be read.
const LATEST: f64 = 1.9;

/// Which limits the service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    /// Every deployment belongs to a company of its own.
    Alone,
    /// All belong to one company with the documented limits.
    Documented,
    /// All belong to one company with 120 calls a minute.
    Older,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) runs: u32,
    /// How long the deployments take, in seconds.
    seconds: (f64, f64),
    has_past: bool,
    pub(crate) fails: bool,
    pub(crate) limited: Limited,
    /// At most so much of the loop's mean and p95.
    pub(crate) goal: (Option<f64>, Option<f64>),
    /// How many run at the same time.
    pub(crate) at_once: usize,
}

const ALONE: Work = Work {
    name: "history",
    title: "alone, ten past deployments, 8-40 s",
    runs: 20,
    seconds: (8.0, 40.0),
    has_past: true,
    fails: false,
    limited: Limited::Alone,
    goal: (Some(0.40), Some(0.45)),
    at_once: 10,
};

const NEW: Work = Work {
    has_past: false,
    goal: (Some(0.9), None),
    ..ALONE
};

pub(crate) const WORKS: [Work; 8] = [
    ALONE,
    Work {
        name: "new-short",
        title: "alone, first deployments, 3-10 s",
        seconds: (3.0, 10.0),
        ..NEW
    },
    Work {
        name: "new",
        title: "alone, first deployments, 10-60 s",
        seconds: (10.0, 60.0),
        ..NEW
    },
    Work {
        name: "new-long",
        title: "alone, first deployments, 60-300 s",
        seconds: (60.0, 300.0),
        at_once: 20,
        ..NEW
    },
    Work {
        name: "three",
        title: "three at once, first deployments, 12-20 s, live logs",
        runs: 3,
        seconds: (12.0, 20.0),
        limited: Limited::Documented,
        goal: (None, None),
        at_once: 3,
        ..NEW
    },
    Work {
        name: "forty",
        title: "40 at once, 60-120 s, 400 reads a minute",
        runs: 40,
        seconds: (60.0, 120.0),
        limited: Limited::Documented,
        goal: (Some(0.8), Some(0.8)),
        at_once: 40,
        ..ALONE
    },
    Work {
        name: "forty-older",
        title: "40 at once, 60-120 s, 120 requests a minute",
        runs: 40,
        seconds: (60.0, 120.0),
        limited: Limited::Older,
        goal: (Some(0.65), None),
        at_once: 40,
        ..ALONE
    },
    Work {
        name: "failure",
        title: "alone, failures whose last lines come up to 1.9 s late",
        fails: true,
        goal: (None, None),
        ..ALONE
    },
];

impl Work {
    /// As many deployments as asked for, where that may be changed.
    pub(crate) fn runs(&self) -> u32 {
        let asked = std::env::var("LAG_RUNS");
        let asked = asked.ok().and_then(|runs| runs.parse().ok());
        asked
            .filter(|_| self.limited == Limited::Alone)
            .unwrap_or(self.runs)
    }

    /// The services to deploy, by their ids.
    pub(crate) fn applications(&self) -> Vec<(String, Application)> {
        let mut dice = Dice::new(7);
        (0..self.runs())
            .map(|number| {
                let id = format!("4f1c1d0e-8a57-4c0b-9d5e-{number:012}");
                let application = self.application(&id, &mut dice);
                (id, application)
            })
            .collect()
    }

    fn application(&self, id: &str, dice: &mut Dice) -> Application {
        let (shortest, longest) = self.seconds;
        let usual = shortest + (longest - shortest) * dice.chance();
        let mut application = Application::new(id);
        let mut takes = usual;
        if self.has_past {
            takes = dice.log_normal(usual, SIGMA);
            for _ in 0..PAST {
                application = application.past(PastDeployment {
                    took: Duration::from_secs_f64(dice.log_normal(usual, SIGMA)),
                    log_lines: LINES,
                    ..PastDeployment::success()
                });
            }
        }
        let script = if self.fails {
            late_lines(Script::failed(), takes)
        } else {
            Script::success()
        };
        let queue = Duration::from_secs_f64(0.5 + dice.chance());
        let run = Duration::from_secs_f64(takes);
        application.next(script.queue(queue).run(run).generated_lines(LINES))
    }

    /// The simulators that these applications are on, one for each of them or
    /// one for all.
    pub(crate) fn simulators(&self) -> Vec<(Simulator, Vec<String>)> {
        let limits = match self.limited {
            Limited::Alone => {
                let alone = self.applications().into_iter();
                return alone
                    .map(|(id, application)| {
                        let world = World::new().application(application);
                        (Simulator::start_blocking(world), vec![id])
                    })
                    .collect();
            }
            Limited::Documented => Limits::documented(),
            // As many writes as there are services.
            Limited::Older => Limits::of_one_budget(120),
        };
        let (ids, applications): (Vec<_>, Vec<_>) = self.applications().into_iter().unzip();
        let world = World::new().limits(limits);
        let world = applications.into_iter().fold(world, World::application);
        vec![(Simulator::start_blocking(world), ids)]
    }
}

/// Lines that a failed deployment writes after its end.
fn late_lines(script: Script, takes: f64) -> Script {
    (1..=LATE).fold(script, |script, number| {
        let count = u32::try_from(number).map_or(0.0, f64::from);
        let late = LATEST * count / 20.0;
        let message = format!("late {number} of {LATE}");
        script.log_line(Duration::from_secs_f64(takes + late), "ERROR", message)
    })
}
