//! Randomness, of the system's.

use keyward::management::{NoRandomness, Randomness};

/// The system's own.
pub(crate) struct System;

impl Randomness for System {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }
}
