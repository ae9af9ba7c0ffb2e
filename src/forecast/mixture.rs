//! [`Mixture`]: when something is likely to end, and when to look at it. Pure;
//! made by [`History`](super::history::History).
//!
//! A deployment takes one of several courses: the usual one, a failure, or one
//! never seen before. Each is a log-normal time with a weight; if the
//! deployment has already lasted longer than one of them allows, the others
//! become likelier.
//!
//! From that follows when to look. With the hazard h(t), the chance per second
//! of ending at age t after having lasted so long, and a look that is worth c
//! seconds of delay, looks at a density of sqrt(h(t) / 2c) a second cost least:
//! Barlow, Hunter and Proschan, *Optimum checking procedures*, J. SIAM 11
//! (1963), for the optimum; Keller, *Optimum checking schedules for systems
//! subject to random failure*, Management Science 21 (1974), for the density.

use std::time::Duration;

/// The shortest time between two looks.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The longest time between two looks, as long as the budget allows so many.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How fine the density is summed up, in seconds.
const STEP: f64 = 0.25;

/// How fine the density is summed up for a number of looks, in seconds.
const COARSE_STEP: f64 = 1.0;

/// The ages at which sums over all ages are made: from half a second on, each
/// a twentieth longer, to more than half a day.
const AGES: i32 = 240;
const FIRST_AGE: f64 = 0.5;
const AGE_RATIO: f64 = 1.05;

/// The price of a look is sought between these, in seconds.
const PRICES: (f64, f64) = (1e-6, 1e6);

/// What is over sooner than this, in seconds, may be looked at as often as if
/// it took that long: a part of a look would be none, and the next come late.
const SHORT: f64 = 10.0;

/// Below this, nothing is left that could last so long.
const NEVER: f64 = 1e-250;

/// One possible course: a log-normal time with a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    /// How likely it is, before anything is seen.
    pub weight: f64,
    /// The mean of the logarithm of the seconds: the logarithm of the median.
    pub mu: f64,
    /// The standard deviation of the logarithm. Positive.
    pub sigma: f64,
}

impl LogNormal {
    fn z(&self, age: f64) -> f64 {
        (age.ln() - self.mu) / self.sigma
    }

    /// The chance per second to end at this age.
    fn density(&self, age: f64) -> f64 {
        let z = self.z(age);
        let normal = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
        self.weight * normal / (self.sigma * age)
    }

    /// The chance to last longer.
    fn survival(&self, age: f64) -> f64 {
        self.weight * 0.5 * libm::erfc(self.z(age) * std::f64::consts::FRAC_1_SQRT_2)
    }
}

/// The distribution of an end: a mixture of log-normal times.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    ways: Vec<LogNormal>,
}

impl Mixture {
    /// A mixture of these courses.
    pub fn new(ways: Vec<LogNormal>) -> Self {
        Self { ways }
    }

    /// The median of the likeliest way, in seconds, and the deviation of its
    /// logarithm.
    pub fn usual(&self) -> (f64, f64) {
        let ways = self.ways.iter();
        let likeliest = ways.max_by(|one, other| one.weight.total_cmp(&other.weight));
        likeliest.map_or((0.0, 0.0), |way| (way.mu.exp(), way.sigma))
    }

    /// The chance to last longer than `age` seconds.
    pub fn survival(&self, age: f64) -> f64 {
        if age <= 0.0 {
            return self.ways.iter().map(|way| way.weight).sum();
        }
        self.ways.iter().map(|way| way.survival(age)).sum()
    }

    /// The chance per second to end at `age` seconds, of what has lasted so
    /// long.
    pub fn hazard(&self, age: f64) -> f64 {
        let survival = self.survival(age);
        if age <= 0.0 || survival < NEVER {
            return 0.0;
        }
        let density: f64 = self.ways.iter().map(|way| way.density(age)).sum();
        density / survival
    }

    /// The time until half of those that have lasted `age` seconds have ended.
    pub fn median_left(&self, age: f64) -> Duration {
        let half = self.survival(age) / 2.0;
        let (mut low, mut high) = (age.max(0.0), age.max(FIRST_AGE));
        while self.survival(high) > half && high < 1e7 {
            high *= 2.0;
        }
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.survival(middle) > half {
                low = middle;
            } else {
                high = middle;
            }
        }
        Duration::try_from_secs_f64(high - age.max(0.0)).unwrap_or_default()
    }

    /// What a look is worth, in seconds of delay, if looks are affordable once
    /// in `spacing` on average: the price at which as many are to be expected
    /// as evenly spaced ones would be. Where they are set by the price they
    /// come when something is to be seen, and so see more. What is over in a
    /// moment gets no more than half the looks there can be, and they do not
    /// get so cheap that one which hangs is looked at every second.
    pub fn price(&self, spacing: Duration) -> f64 {
        let ages: Vec<(f64, f64)> = self.ages().collect();
        let lasting: f64 = ages.iter().map(|(weight, _)| weight).sum();
        let longest = longest_wait(spacing);
        let expected = |price: f64| -> f64 {
            ages.iter()
                .map(|(weight, hazard)| weight * density(*hazard, price, longest))
                .sum()
        };
        let (mut low, mut high) = PRICES;
        let affordable = lasting.max(SHORT) / spacing.as_secs_f64().max(STEP);
        let affordable = affordable.min(expected(low) / 2.0);
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            if expected(middle) > affordable {
                low = middle;
            } else {
                high = middle;
            }
        }
        high.max(SHORTEST_WAIT.as_secs_f64() * (1.0 - lasting / SHORT))
    }

    /// The seconds that are spent around each age, on average, and the hazard
    /// there.
    fn ages(&self) -> impl Iterator<Item = (f64, f64)> {
        (0..AGES).map(|number| {
            let age = FIRST_AGE * AGE_RATIO.powi(number);
            let seconds = age * (AGE_RATIO.sqrt() - 1.0 / AGE_RATIO.sqrt());
            (seconds * self.survival(age), self.hazard(age))
        })
    }

    /// How many looks at this price are to be expected within `time`, from `age`
    /// seconds on: those after the end are none.
    pub fn expected_looks(&self, age: f64, time: Duration, price: f64) -> f64 {
        let lasting = self.survival(age).max(NEVER);
        let (mut looks, mut at, end) = (0.0, age, age + time.as_secs_f64());
        while at < end {
            let step = (end - at).min(COARSE_STEP);
            let middle = at + step / 2.0;
            let running = (self.survival(middle) / lasting).min(1.0);
            looks += running * step * density(self.hazard(middle), price, LONGEST_WAIT);
            at += step;
        }
        looks
    }

    /// How long to wait, at `age` seconds, before the next look: until the
    /// density of looks has summed up to one, and at most `longest`.
    pub fn wait(&self, age: f64, price: f64, longest: Duration) -> Duration {
        let mut sum = 0.0;
        let mut waited = 0.0;
        while waited < longest.as_secs_f64() {
            let here = density(self.hazard(age + waited + STEP / 2.0), price, longest);
            if sum + here * STEP >= 1.0 {
                waited += (1.0 - sum) / here;
                break;
            }
            sum += here * STEP;
            waited += STEP;
        }
        Duration::try_from_secs_f64(waited)
            .unwrap_or(longest)
            .clamp(SHORTEST_WAIT, longest.max(SHORTEST_WAIT))
    }
}

/// The longest time between two looks where they are affordable once in
/// `spacing` on average: they are kept for when the end is likely.
pub fn longest_wait(spacing: Duration) -> Duration {
    let longest = (4 * spacing).saturating_sub(Duration::from_secs(10));
    longest.max(LONGEST_WAIT)
}

/// Looks per second where the hazard is `hazard` and a look costs `price`; so
/// many that no wait is shorter than [`SHORTEST_WAIT`] or longer than `longest`.
fn density(hazard: f64, price: f64, longest: Duration) -> f64 {
    (hazard / (2.0 * price))
        .sqrt()
        .max(longest.as_secs_f64().recip())
        .min(SHORTEST_WAIT.as_secs_f64().recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usual(median: f64, sigma: f64) -> Mixture {
        Mixture::new(vec![LogNormal {
            weight: 1.0,
            mu: median.ln(),
            sigma,
        }])
    }

    #[test]
    fn half_of_them_have_ended_at_the_median() {
        let belief = usual(110.0, 0.2);
        assert!((belief.survival(110.0) - 0.5).abs() < 1e-6);
        let left = belief.median_left(0.0).as_secs_f64();
        assert!((left - 110.0).abs() < 0.01, "{left}");
        // What has lasted so long will last a little longer.
        let left = belief.median_left(150.0).as_secs_f64();
        assert!(left > 3.0 && left < 15.0, "{left}");
    }

    #[test]
    fn the_price_is_that_of_as_many_looks_as_are_affordable() {
        let belief = usual(180.0, 0.15);
        for seconds in [3, 10, 20] {
            let spacing = Duration::from_secs(seconds);
            let price = belief.price(spacing);
            let (mut age, mut looks) = (0.0, 0.0);
            // As many as are made by somebody for whom it ends at the average.
            while age < 182.0 {
                age += belief.wait(age, price, LONGEST_WAIT).as_secs_f64();
                looks += 1.0;
            }
            let even = 182.0 / spacing.as_secs_f64();
            assert!((looks - even).abs() < even * 0.25 + 1.0, "{looks} {even}");
        }
        let price = |seconds| belief.price(Duration::from_secs(seconds));
        assert!(price(5) < price(10) && price(10) < price(60));
    }

    #[test]
    fn looks_come_close_together_where_the_end_is_likely() {
        let belief = usual(180.0, 0.08);
        let price = belief.price(Duration::from_secs(10));
        assert_eq!(belief.wait(0.0, price, LONGEST_WAIT), LONGEST_WAIT);
        assert!(belief.wait(175.0, price, LONGEST_WAIT) < Duration::from_secs(3));
    }

    proptest! {
        #[test]
        fn no_belief_makes_a_wait_that_is_out_of_bounds(
            ways in prop::collection::vec((0.0..1.0, -1.0..12.0, 0.01..3.0), 0..4),
            age in prop_oneof![Just(0.0), Just(-5.0), Just(1e9), 0.0..1e5],
            spacing in 0..500_u64,
        ) {
            let ways = ways.into_iter().map(|(weight, mu, sigma)| LogNormal { weight, mu, sigma });
            let belief = Mixture::new(ways.collect());
            let price = belief.price(Duration::from_secs(spacing));
            prop_assert!(price.is_finite() && price > 0.0);
            let wait = belief.wait(age, price, LONGEST_WAIT);
            prop_assert!((SHORTEST_WAIT..=LONGEST_WAIT).contains(&wait), "{wait:?}");
            prop_assert!(belief.hazard(age) >= 0.0);
            let _does_not_panic = belief.median_left(age);
        }
    }
}
