//! Chance from a seed: `SplitMix64` of Steele, Lea and Flood (2014).

/// A row of numbers that a seed gives.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The row of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to `most`.
    pub const fn up_to(&mut self, most: u64) -> u64 {
        self.roll() % (most + 1)
    }

    /// Evenly from `least` to `most`, or `least` if that is more.
    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.up_to(most.saturating_sub(least))
    }

    /// True in so many of a thousand cases.
    pub const fn in_a_thousand(&mut self, chance: u64) -> bool {
        self.roll() % 1000 < chance
    }

    /// A number from zero to one.
    pub fn chance(&mut self) -> f64 {
        let bits = u32::try_from(self.roll() >> 32).unwrap_or_default();
        f64::from(bits) / f64::from(u32::MAX)
    }

    /// One of a normal distribution: Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.chance().max(1e-9).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.chance()).cos()
    }

    /// One of a log-normal distribution.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }
}
