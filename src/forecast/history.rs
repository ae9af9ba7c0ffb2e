//! [`History`]: the durations of a service's past deployments, and the
//! distribution that they predict for the next. Pure; made from the list that
//! is read before the start.
//!
//! The prediction needs few times: the mean and the deviation of their
//! logarithms, with outliers pulled in (winsorized), and shrunk towards a prior
//! if they are few.

use std::time::Duration;

use jiff::Timestamp;

use crate::deployment::{Deployment, DeploymentId, Verdict};
use crate::forecast::mixture::{LogNormal, Mixture};

/// The most times that count, the newest: what took how long a year ago says
/// little about today.
pub const MOST_TIMES: usize = 20;

/// A longer time is no time of a deployment but a mistake of a clock.
const LONGEST_TIME: f64 = 24.0 * 3600.0;

/// A shorter one is that: the logarithm of nothing would be far out, and looks
/// are no less apart.
const SHORTEST_TIME: f64 = 1.0;

/// The kind of work of a deployment, which decides how long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryKind {
    /// An image or site is built, or fetched, and rolled out.
    Build,
    /// The last artifact is rolled out again.
    Restart,
    /// An earlier artifact is.
    Rollback,
    /// The artifact of another application is.
    Promotion,
}

impl HistoryKind {
    /// By the service's word for the action that started a deployment. Only
    /// some of its words are documented.
    pub fn of(trigger: Option<&str>) -> Self {
        let says = |word| trigger.is_some_and(|trigger| trigger.contains(word));
        if says("RESTART") {
            Self::Restart
        } else if says("ROLLBACK") {
            Self::Rollback
        } else if says("PROMOT") {
            Self::Promotion
        } else {
            Self::Build
        }
    }
}

/// The durations of past deployments, newest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    times: Vec<Durations>,
    /// Those that ended well.
    successes: Vec<PastSuccess>,
}

/// A deployment that ended well, whose log may be read.
#[derive(Debug, Clone)]
pub struct PastSuccess {
    kind: HistoryKind,
    /// The id of the deployment.
    pub id: DeploymentId,
    /// When it was created, in microseconds since 1970.
    pub created_micros: i64,
    /// When it began to run and when it ended.
    ran_micros: Option<(i64, i64)>,
}

impl PastSuccess {
    fn of(deployment: &Deployment) -> Option<Self> {
        (deployment.status.verdict() == Some(Verdict::Success)).then_some(())?;
        let micros = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
        Some(Self {
            kind: HistoryKind::of(deployment.trigger.as_deref()),
            id: deployment.id.clone(),
            created_micros: micros(deployment.created_at).unwrap_or_default(),
            ran_micros: micros(deployment.started_at).zip(micros(deployment.finished_at)),
        })
    }

    /// When it began to run and when it ended, if it is of this kind: the times
    /// of another kind say nothing.
    pub fn ran_as(&self, kind: HistoryKind) -> Option<(i64, i64)> {
        self.ran_micros.filter(|_| self.kind == kind)
    }
}

/// How long one deployment took, in seconds, as far as the service reports it.
#[derive(Debug, Clone, Copy)]
struct Durations {
    kind: HistoryKind,
    verdict: Option<Verdict>,
    queue: Option<f64>,
    run: Option<f64>,
}

impl History {
    /// Of these deployments, newest first.
    pub fn of(deployments: &[Deployment]) -> Self {
        let times = deployments.iter().map(|deployment| Durations {
            kind: HistoryKind::of(deployment.trigger.as_deref()),
            verdict: deployment.status.verdict(),
            queue: seconds(deployment.created_at, deployment.started_at),
            run: seconds(deployment.started_at, deployment.finished_at),
        });
        Self {
            times: times.collect(),
            successes: deployments.iter().filter_map(PastSuccess::of).collect(),
        }
    }

    /// The last of a kind that ended well; if there is none, the last of any.
    pub fn last_success(&self, kind: HistoryKind) -> Option<&PastSuccess> {
        let of_kind = self.successes.iter().find(|success| success.kind == kind);
        of_kind.or_else(|| self.successes.first())
    }

    /// How long those of a kind that ended well ran, in seconds, newest first.
    pub fn good(&self, kind: HistoryKind) -> Vec<f64> {
        self.runs(kind, Verdict::Success)
    }

    /// When the run of the next of a kind is likely to end; `None` if none has
    /// ended well: failures alone do not show how long that takes.
    pub fn run(&self, kind: HistoryKind) -> Option<Mixture> {
        let good = self.good(kind);
        let bad = self.runs(kind, Verdict::Failed);
        if good.is_empty() {
            return None;
        }
        let prior = match kind {
            HistoryKind::Build => &BUILD,
            HistoryKind::Restart | HistoryKind::Rollback | HistoryKind::Promotion => &ROLLOUT,
        };
        Some(predictive(prior, &good, &bad))
    }

    /// When the next is likely to leave the queue.
    pub fn queue(&self) -> Option<Mixture> {
        let waited = self.times.iter().filter_map(|times| times.queue);
        let waited: Vec<f64> = waited.take(MOST_TIMES).collect();
        (!waited.is_empty()).then(|| predictive(&QUEUE, &waited, &[]))
    }

    fn runs(&self, kind: HistoryKind, verdict: Verdict) -> Vec<f64> {
        self.times
            .iter()
            .filter(|times| times.kind == kind && times.verdict == Some(verdict))
            .filter_map(|times| times.run)
            .take(MOST_TIMES)
            .collect()
    }
}

fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    let seconds = to?.duration_since(from?).as_secs_f64();
    (0.0..LONGEST_TIME)
        .contains(&seconds)
        .then(|| seconds.max(SHORTEST_TIME))
}

/// The prior: the distribution of times before any was seen.
struct Prior {
    /// The median, in seconds.
    median: f64,
    /// How far the medians of services lie apart: the deviation of their
    /// logarithms. With 1.0, two of three are within a factor of 2.7.
    between: f64,
    /// How far the times of one service lie apart, in the same measure.
    within: f64,
    /// How many times that deviation is worth.
    worth: f64,
}

/// People report one to six minutes for builds of applications, and half a
/// minute to two minutes for static sites.
const BUILD: Prior = Prior {
    median: 120.0,
    between: 1.0,
    within: 0.2,
    worth: 1.0,
};

const ROLLOUT: Prior = Prior {
    median: 45.0,
    ..BUILD
};

/// A queue is short unless something is in it.
const QUEUE: Prior = Prior {
    median: 3.0,
    between: 1.0,
    within: 0.7,
    worth: 2.0,
};

/// Failures come at any time, on average earlier than the end would have.
const FAILURE: Prior = Prior {
    median: 0.5,
    between: 0.7,
    within: 0.8,
    worth: 2.0,
};

/// How many of a hundred fail, before any was seen, and how many deployments
/// that is worth.
const FAILING: (f64, f64) = (0.1, 1.0);

/// When the next will end, after these that ended well and these that did not.
fn predictive(prior: &Prior, good: &[f64], bad: &[f64]) -> Mixture {
    let (good_count, bad_count) = (count(good), count(bad));
    let usual = prior.with(good);
    let failure = Prior {
        median: FAILURE.median * usual.mu.exp(),
        ..FAILURE
    }
    .with(bad);
    let failing = (bad_count + FAILING.0 * FAILING.1) / (good_count + bad_count + FAILING.1);
    // Something else than usual is always possible. Without this, one that
    // hangs would seem to end at any moment, for hours.
    let unlike = 1.0 / (1.0 + good_count * good_count);
    let good = |weight: f64, sigma| LogNormal {
        weight: weight * (1.0 - failing),
        mu: usual.mu,
        sigma,
    };
    Mixture::new(vec![
        good(1.0 - unlike, usual.sigma),
        good(unlike, usual.sigma.max(prior.between)),
        LogNormal {
            weight: failing,
            ..failure
        },
    ])
}

impl Prior {
    /// The predictive distribution of the next time: that of a normal one with
    /// a normal prior for the mean and a scaled inverse chi-squared one for the
    /// variance, taken as normal itself.
    fn with(&self, seconds: &[f64]) -> LogNormal {
        let logarithms: Vec<f64> = seconds.iter().map(|time| time.ln()).collect();
        let logarithms = winsorized(&logarithms, self.within);
        let count = count(&logarithms);
        let mean = logarithms.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = logarithms.iter().map(|x| (x - mean).powi(2)).sum();
        let freedom = (count - 1.0).max(0.0);
        let variance = (self.worth * self.within.powi(2) + squares) / (self.worth + freedom);
        // Precisions add up: the prior counts less the more times there are.
        let (seen, before) = (count / variance, self.between.powi(-2));
        LogNormal {
            weight: 1.0,
            mu: (seen * mean + before * self.median.ln()) / (seen + before),
            sigma: (variance + 1.0 / (seen + before)).sqrt(),
        }
    }
}

/// The values, none further from the middle than three deviations: judged by
/// the median distance, which those that are far out do not move.
fn winsorized(values: &[f64], within: f64) -> Vec<f64> {
    let Some(middle) = median(values) else {
        return Vec::new();
    };
    let distances: Vec<f64> = values.iter().map(|x| (x - middle).abs()).collect();
    // 1.4826 median distances are a standard deviation of a normal one.
    let deviation = median(&distances).unwrap_or_default() * 1.4826;
    let far = 3.0 * deviation.max(within / 2.0);
    values
        .iter()
        .map(|x| x.clamp(middle - far, middle + far))
        .collect()
}

/// The middle of these values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// How many durations there are.
fn count(values: &[f64]) -> f64 {
    values.iter().map(|_| 1.0).sum()
}

/// The durations of deployments of the same kind, as they are shown to people.
#[derive(Debug, Clone)]
pub struct TypicalDuration {
    belief: Mixture,
    /// The durations of those that ended well, in seconds.
    good: Vec<f64>,
}

impl TypicalDuration {
    /// For a deployment of this kind; `None` when none has ended well.
    pub fn of(past: &History, kind: HistoryKind) -> Option<Self> {
        Some(Self {
            belief: past.run(kind)?,
            good: past.good(kind),
        })
    }

    /// How long half of them ran at most.
    pub fn time(&self) -> Duration {
        let median = median(&self.good).unwrap_or_default();
        Duration::try_from_secs_f64(median).unwrap_or_default()
    }

    /// How long each of them ran, newest first.
    pub fn times(&self) -> impl DoubleEndedIterator<Item = Duration> {
        let time = |seconds: &f64| Duration::try_from_secs_f64(*seconds).unwrap_or_default();
        self.good.iter().map(time)
    }

    /// How many durations there are.
    pub fn count(&self) -> usize {
        self.good.len()
    }

    /// How much longer one will probably run that has run for `age`: as likely
    /// less as more.
    pub fn left(&self, age: Duration) -> Duration {
        self.belief.median_left(age.as_secs_f64())
    }

    /// How many of a hundred took less than `age`.
    pub fn percent_below(&self, age: Duration) -> usize {
        let age = age.as_secs_f64();
        let below = self.good.iter().filter(|time| **time < age).count();
        below * 100 / self.good.len().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Status;

    fn took(seconds: i64, status: Status, trigger: &str) -> Deployment {
        let at = |second| Timestamp::from_second(1_772_000_000 + second).ok();
        Deployment {
            status,
            trigger: Some(trigger.to_owned()),
            created_at: at(0),
            started_at: at(2),
            finished_at: at(2 + seconds),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    fn built(seconds: &[i64]) -> History {
        let build = |seconds: &i64| took(*seconds, Status::Success, "MANUAL_DEPLOY");
        History::of(&seconds.iter().map(build).collect::<Vec<_>>())
    }

    fn median_of(past: &History) -> f64 {
        past.run(HistoryKind::Build)
            .unwrap()
            .median_left(0.0)
            .as_secs_f64()
    }

    #[test]
    fn each_kind_has_a_past_of_its_own() {
        let past = History::of(&[
            took(20, Status::Success, "RESTART"),
            took(100, Status::Success, "MANUAL_DEPLOY"),
            took(5, Status::Failed, "MANUAL_DEPLOY"),
            took(30, Status::Success, "ROLLBACK_DEPLOYMENT"),
            took(90, Status::Success, "AUTO_DEPLOY_ON_PUSH"),
            took(50, Status::Cancelled, "MANUAL_DEPLOY"),
            took(40, Status::Success, "PROMOTION"),
        ]);
        assert_eq!(past.good(HistoryKind::Build), [100.0, 90.0]);
        assert_eq!(past.good(HistoryKind::Restart), [20.0]);
        assert_eq!(past.good(HistoryKind::Rollback), [30.0]);
        assert_eq!(past.good(HistoryKind::Promotion), [40.0]);
        assert_eq!(past.runs(HistoryKind::Build, Verdict::Failed), [5.0]);
    }

    #[test]
    fn a_few_that_are_far_out_do_not_move_the_rest() {
        let plain = median_of(&built(&[100, 105, 98, 110, 95, 102, 99, 104]));
        let odd = median_of(&built(&[100, 105, 98, 9000, 95, 102, 99, 1]));
        assert!((plain - 101.0).abs() < 4.0, "{plain}");
        assert!((odd - plain).abs() < 8.0, "{odd}");
    }

    #[test]
    fn one_is_enough_and_none_is_no_past() {
        assert!(built(&[]).run(HistoryKind::Build).is_none());
        assert!(built(&[]).queue().is_none());
        let one = median_of(&built(&[60]));
        assert!((55.0..70.0).contains(&one), "{one}");
        assert!(built(&[60]).run(HistoryKind::Restart).is_none());
    }

    #[test]
    fn times_that_cannot_be_are_no_times() {
        let past = built(&[-50, 400_000_000, 86_400]);
        assert!(past.run(HistoryKind::Build).is_none());
        assert_eq!(built(&[0]).good(HistoryKind::Build), [SHORTEST_TIME]);
    }

    #[test]
    fn failures_make_an_early_end_likelier() {
        let good = [
            took(100, Status::Success, "MANUAL_DEPLOY"),
            took(104, Status::Success, "MANUAL_DEPLOY"),
            took(96, Status::Success, "MANUAL_DEPLOY"),
        ];
        let bad = [
            took(20, Status::Failed, "MANUAL_DEPLOY"),
            took(30, Status::Failed, "MANUAL_DEPLOY"),
        ];
        let hazard = |deployments: &[Deployment]| {
            History::of(deployments)
                .run(HistoryKind::Build)
                .unwrap()
                .hazard(25.0)
        };
        assert!(hazard(&[&good[..], &bad[..]].concat()) > 5.0 * hazard(&good));
    }

    #[test]
    fn what_hangs_is_not_asked_about_every_second() {
        let belief = built(&[100, 105, 98, 110, 95, 102, 99, 104, 101, 97]);
        let belief = belief.run(HistoryKind::Build).unwrap();
        let price = belief.price(Duration::from_secs(10));
        let wait = |age| belief.wait(age, price, crate::forecast::mixture::LONGEST_WAIT);
        assert!(wait(100.0) < Duration::from_secs(4));
        assert!(wait(600.0) > Duration::from_secs(8));
    }

    #[test]
    fn the_usual_time_is_told_with_what_is_left() {
        let past = built(&[110, 100, 120, 90]);
        let usual = TypicalDuration::of(&past, HistoryKind::Build).unwrap();
        assert_eq!(usual.time(), Duration::from_secs(105));
        assert_eq!(usual.count(), 4);
        assert_eq!(usual.percent_below(Duration::from_secs(115)), 75);
        let left = usual.left(Duration::from_secs(70)).as_secs();
        assert!((25..45).contains(&left), "{left}");
        assert!(TypicalDuration::of(&past, HistoryKind::Restart).is_none());
    }
}
