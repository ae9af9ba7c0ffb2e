//! The model's chance: one number per case, so that a seed gives the scenario
//! and everything the service and the network do in it.

/// `SplitMix64`.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to `most`.
    pub(crate) const fn up_to(&mut self, most: u64) -> u64 {
        self.roll() % (most + 1)
    }

    /// Evenly from `least` to `most`, or `least` if that is more.
    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.up_to(most.saturating_sub(least))
    }

    pub(crate) const fn in_a_thousand(&mut self, chance: u64) -> bool {
        self.roll() % 1000 < chance
    }
}
