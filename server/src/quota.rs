//! How many keys the store may hold: a snapshot of more is one that no gateway loads.

use std::sync::atomic::{AtomicU64, Ordering};

use keyward::management::RecordChange;

use crate::store::{Result, Scope, Tx};

/// The bound, and a number that there are at most.
pub(crate) struct Quota {
    most: u64,
    /// Never below the number of keys. Counting all of them takes long, so it is done near the bound only.
    at_most: AtomicU64,
}

impl Quota {
    pub(crate) fn of(most: u64) -> Self {
        Self {
            most,
            at_most: AtomicU64::new(u64::MAX),
        }
    }

    /// The bound.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Whether there is room for what a change adds. It is not written yet.
    pub(crate) fn has_room(&self, tx: &Tx<'_>, changes: &[RecordChange]) -> Result<bool> {
        let is_new = |change: &&RecordChange| matches!(change, RecordChange::AddKey { .. });
        let added = u64::try_from(changes.iter().filter(is_new).count()).unwrap_or(u64::MAX);
        if added == 0 {
            return Ok(true);
        }
        // Only the thread that writes comes here.
        let mut keys = self.at_most.load(Ordering::Relaxed).saturating_add(added);
        if keys > self.most {
            let counts = tx.read().counts(&Scope::everything())?;
            keys = counts
                .iter()
                .fold(added, |sum, count| sum.saturating_add(count.keys));
        }
        // What is taken back is counted nevertheless, until all are counted again.
        self.at_most.store(keys, Ordering::Relaxed);
        Ok(keys <= self.most)
    }
}
