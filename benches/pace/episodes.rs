//! Deployments of random length, and what it costs to see their ends.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sevalla_deploy::backoff::Backoff;
use sevalla_deploy::deployment::{Deployment, DeploymentId, Status};
use sevalla_deploy::follow::log_phases::LineEvidence;
use sevalla_deploy::follow::poll_schedule::PollSchedule;
use sevalla_deploy::forecast::history::History;
use sevalla_deploy::forecast::mixture::{LogNormal, Mixture};
use tokio::time::{Instant, advance};

use testkit::Dice;

/// How long the deployments of a service take: log-normal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// In seconds.
    pub(crate) median: f64,
    /// The standard deviation of the logarithm.
    pub(crate) sigma: f64,
}

impl Case {
    /// The same, as somebody would believe who knows it.
    pub(crate) fn known(self) -> Mixture {
        Mixture::new(vec![LogNormal {
            weight: 1.0,
            mu: self.median.ln(),
            sigma: self.sigma,
        }])
    }

    pub(crate) fn draw(self, dice: &mut Dice) -> f64 {
        dice.log_normal(self.median, self.sigma)
    }
}

/// When to look.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// This program's, after so many past deployments, with a look affordable
    /// in so many seconds.
    PollSchedule { past: usize, spacing: u64 },
    /// The same, with a line in the log after this part of the time, which
    /// means what it meant the last time or nothing.
    Log { part: f64, is_true: bool },
    /// Every so many seconds.
    Fixed(u64),
    /// First after so many seconds, then half as long again each time, up to
    /// so many.
    Growing(f64, f64),
}

/// What it costs on average.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) requests: f64,
    /// From the end until it is seen, in seconds.
    pub(crate) lag: f64,
}

impl Cost {
    /// In seconds of delay, with a request worth so many.
    pub(crate) fn total(self, price: f64) -> f64 {
        self.lag + price * self.requests
    }
}

/// Follows so many deployments. Needs paused time.
pub(crate) async fn follow(case: Case, rule: Rule, episodes: u32) -> Cost {
    let mut sum = Cost::default();
    // The same deployments for every rule.
    let mut dice = Dice::new(1);
    for episode in 0..episodes {
        let past: Vec<f64> = (0..20).map(|_| case.draw(&mut dice)).collect();
        let length = case.draw(&mut dice);
        let cost = match rule {
            Rule::PollSchedule {
                past: known,
                spacing,
            } => {
                let past = past.get(..known).unwrap_or(&past);
                at_our_pace(past, spacing, length, episode, None).await
            }
            Rule::Log { part, is_true } => {
                let past = past.get(..10).unwrap_or(&past);
                let last = past.first().copied().unwrap_or_default();
                let line = if is_true {
                    (length * part, last * part, last * (1.0 - part))
                } else {
                    // It came anywhere, and comes anywhere.
                    let before = dice.chance();
                    (length * dice.chance(), last * before, last * (1.0 - before))
                };
                at_our_pace(past, 5, length, episode, Some(line)).await
            }
            Rule::Fixed(seconds) => {
                let wait = Duration::from_secs(seconds).as_secs_f64();
                by_rule(length, wait, 1.0, wait)
            }
            Rule::Growing(first, last) => by_rule(length, first, 1.5, last),
        };
        sum.requests += cost.requests;
        sum.lag += cost.lag;
    }
    let episodes = f64::from(episodes);
    Cost {
        requests: sum.requests / episodes,
        lag: sum.lag / episodes,
    }
}

/// The log is read every five seconds; `line` is when the line comes, when it
/// came the last time, and how much was left then.
async fn at_our_pace(
    past: &[f64],
    spacing: u64,
    length: f64,
    seed: u32,
    line: Option<(f64, f64, f64)>,
) -> Cost {
    let mut dice = Dice::new(u64::from(seed));
    let pace = PollSchedule::new(history(past), Box::new(move || dice.chance()))
        .with_spacing(Duration::from_secs(spacing));
    let began = Instant::now();
    let deployment = running(moment(0.0));
    let mut cost = Cost::default();
    let mut line = line.map(|(at, after, left)| (at, after, left, began + reading_after(at)));
    let mut looked = began;
    pace.see(&deployment, None);
    let mut next = began + (&mut &pace).next_backoff().expect("there is always a wait");
    while cost.lag <= 0.0 {
        if let Some((at, after, left, read)) = line.filter(|(.., read)| *read < next) {
            line = None;
            advance(read.saturating_duration_since(Instant::now())).await;
            pace.learn(LineEvidence {
                at_micros: (moment(at)).as_microsecond(),
                after,
                left,
                doing: None,
            });
            let wait = (&mut &pace).next_backoff().expect("there is always a wait");
            next = next.min(Instant::now() + wait);
            continue;
        }
        advance(next.saturating_duration_since(Instant::now())).await;
        assert!(next > looked, "a look comes after the one before");
        looked = next;
        cost.requests += 1.0;
        cost.lag = began.elapsed().as_secs_f64() - length;
        pace.see(&deployment, None);
        next += (&mut &pace).next_backoff().expect("there is always a wait");
    }
    cost
}

fn reading_after(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds / 5.0).ceil() * 5.0)
}

fn by_rule(length: f64, first: f64, growth: f64, last: f64) -> Cost {
    let mut cost = Cost::default();
    let (mut at, mut wait) = (0.0, first);
    while at < length {
        at += wait;
        wait = (wait * growth).min(last);
        cost.requests += 1.0;
    }
    cost.lag = at - length;
    cost
}

/// Successful deployments that took so many seconds.
pub(crate) fn history(seconds: &[f64]) -> History {
    let deployments: Vec<Deployment> = seconds
        .iter()
        .map(|seconds| Deployment {
            status: Status::Success,
            finished_at: Some(moment(*seconds)),
            ..running(moment(0.0))
        })
        .collect();
    History::of(&deployments)
}

/// A deployment that left the queue at once.
pub(crate) fn running(since: Timestamp) -> Deployment {
    Deployment {
        status: Status::InProgress,
        created_at: Some(since),
        started_at: Some(since),
        ..Deployment::only_its_id(DeploymentId("deployment".to_owned()))
    }
}

/// So many seconds after some moment.
pub(crate) fn moment(seconds: f64) -> Timestamp {
    let start = Timestamp::from_second(1_772_000_000).expect("a moment in 2026");
    start + SignedDuration::from_secs_f64(seconds)
}
