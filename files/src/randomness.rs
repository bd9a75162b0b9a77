//! The system's randomness, the source of new keys' values and ids.

use anyhow::{Context, Result};

use keyward::management::{NoRandomness, Randomness, random_id};

/// The randomness of the operating system.
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// Returns a new id, for a change in the journal or for a key file.
pub fn new_random_id() -> Result<String> {
    random_id(&mut SystemRandomness).context("no id was made")
}
