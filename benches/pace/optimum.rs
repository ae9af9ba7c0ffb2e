//! The best that can be done by somebody who knows the distribution: dynamic
//! programming over the moments at which to look, in steps of a quarter of a
//! second, under the same bounds for a wait.

use sevalla_deploy::forecast::mixture::{LONGEST_WAIT, Mixture, SHORTEST_WAIT};

use super::episodes::Cost;

const STEPS_IN_A_SECOND: u32 = 4;
const STEP: f64 = 0.25;

/// Nothing lasts longer than what one in so many outlasts.
const NEVER: f64 = 1e-9;

/// What the cheapest row of looks costs, if a look costs `price` seconds.
pub(crate) fn optimum(known: &Mixture, price: f64) -> Cost {
    let (shortest, longest) = (steps(SHORTEST_WAIT), steps(LONGEST_WAIT));
    let survivals = survivals(known, longest);
    let ended = ended_before(&survivals);
    // From each moment on, of all that began: cost, and what it is made of.
    let mut best = vec![(0.0, Cost::default()); survivals.len()];
    for from in (0..survivals.len() - longest).rev() {
        let alive = survivals[from];
        let cheapest = (shortest..=longest)
            .map(|wait| {
                let (cost, then) = best[from + wait];
                let seconds = STEP * count(wait);
                let lag = ended[from + wait] - ended[from] - seconds * (1.0 - alive);
                let made_of = Cost {
                    requests: alive + then.requests,
                    lag: lag + then.lag,
                };
                (price * alive + lag + cost, made_of)
            })
            .min_by(|one, other| one.0.total_cmp(&other.0));
        best[from] = cheapest.expect("there are waits to choose from");
    }
    best[0].1
}

/// The chance to last longer than each step, from none to those after which
/// there is nothing left.
fn survivals(known: &Mixture, longest: usize) -> Vec<f64> {
    let steps = (0..u32::MAX).map(|step| known.survival(STEP * f64::from(step)));
    let mut survivals: Vec<f64> = steps.take_while(|alive| *alive > NEVER).collect();
    survivals.resize(survivals.len() + longest, 0.0);
    survivals
}

/// The seconds that have passed since its end, by each step, for what has
/// ended, on average over all.
fn ended_before(survivals: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = survivals.windows(2).map(|pair| {
        sum += STEP * (1.0 - f64::midpoint(pair[0], pair[1]));
        sum
    });
    std::iter::once(0.0).chain(sums).collect()
}

fn steps(wait: std::time::Duration) -> usize {
    usize::try_from(wait.as_secs()).unwrap_or_default()
        * usize::try_from(STEPS_IN_A_SECOND).unwrap_or_default()
}

fn count(steps: usize) -> f64 {
    u32::try_from(steps).map_or(f64::MAX, f64::from)
}
