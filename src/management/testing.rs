//! Helpers for tests of the rules.

use super::{NoRandomness, Randomness};

/// Bytes from a counter, for tests: all different, well spread, and the same in each run.
pub(crate) struct Counter(u64);

impl Counter {
    pub(crate) fn new() -> Self {
        Self(0)
    }
}

impl Randomness for Counter {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56).try_into().unwrap();
        }
        Ok(())
    }
}
