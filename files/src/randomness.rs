//! The system's randomness, the source of new keys' values and ids.

use anyhow::{Context, Result};

use keyward::management::{NoRandomness, Randomness, random_id};

/// What the operating system has.
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// A new id of a change, for the journal, or of a key file.
pub fn new_random_id() -> Result<String> {
    random_id(&mut SystemRandomness).context("no id was made")
}
