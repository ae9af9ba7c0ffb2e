//! What is to be reached, and how far it is.

use std::time::Duration;

use super::episodes::{Case, Cost, Rule, follow};
use super::optimum::optimum;

/// Medians of the deployments, in seconds.
pub(crate) const MEDIANS: [f64; 3] = [45.0, 180.0, 420.0];

/// Deviations of their logarithms.
pub(crate) const SIGMAS: [f64; 4] = [0.08, 0.15, 0.3, 0.6];

/// How many past deployments a service has that is known.
pub(crate) const KNOWN: usize = 10;

/// One service, followed by every rule that may make as many requests as fixed
/// waits of so many seconds.
pub(crate) struct Row {
    pub(crate) case: Case,
    pub(crate) spacing: u64,
    /// What a request is worth, in seconds of delay.
    pub(crate) price: f64,
    pub(crate) fixed: Cost,
    pub(crate) growing: Cost,
    pub(crate) unknown: Cost,
    pub(crate) one: Cost,
    pub(crate) known: Cost,
    pub(crate) best: Cost,
}

impl Row {
    pub(crate) async fn measure(case: Case, spacing: u64, episodes: u32) -> Self {
        let price = case.known().price(Duration::from_secs(spacing));
        let pace = |past| Rule::PollSchedule { past, spacing };
        Self {
            case,
            spacing,
            price,
            fixed: follow(case, Rule::Fixed(spacing), episodes).await,
            growing: follow(case, Rule::Growing(5.0, 30.0), episodes).await,
            unknown: follow(case, pace(0), episodes).await,
            one: follow(case, pace(1), episodes).await,
            known: follow(case, pace(KNOWN), episodes).await,
            best: optimum(&case.known(), price),
        }
    }

    /// The goals that this service is held to.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let Self { known, fixed, .. } = self;
        let mut goals = vec![Goal {
            what: "cost after 10 deployments, of the best possible",
            is: known.total(self.price) / self.best.total(self.price),
            limit: 1.25,
        }];
        let is_regular = self.case.sigma <= 0.15;
        if is_regular && (self.spacing == 5 || self.case.median <= 180.0) {
            goals.push(Goal {
                what: "requests after 10 deployments, of fixed waits",
                is: known.requests / fixed.requests,
                limit: 1.0,
            });
            goals.push(Goal {
                what: "lag after 10 deployments, of fixed waits",
                is: known.lag / fixed.lag,
                limit: if self.spacing == 5 { 0.40 } else { 0.45 },
            });
        }
        if self.spacing == 5 {
            goals.push(Goal {
                what: "lag with no history, of fixed waits",
                is: self.unknown.lag / fixed.lag,
                limit: 0.9,
            });
        } else {
            for (what, is) in [
                (
                    "requests with no history, of fixed waits",
                    self.unknown.requests / fixed.requests,
                ),
                (
                    "lag with no history, of fixed waits",
                    self.unknown.lag / fixed.lag,
                ),
            ] {
                goals.push(Goal {
                    what,
                    is,
                    limit: 1.5,
                });
            }
        }
        goals
    }
}

/// Something that must not be more than its limit.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) is: f64,
    pub(crate) limit: f64,
}
