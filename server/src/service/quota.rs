//! How many keys the store may hold: a snapshot of more is one that no gateway loads.

use std::sync::atomic::{AtomicU64, Ordering};

use keyward::management::RecordChange;

use super::failure::Stored;
use crate::http::failure::{Code, Failure};
use crate::store::{Scope, Tx};

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

    /// Refuses keys beyond the bound. They are not written yet.
    pub(super) fn hold(&self, tx: &Tx<'_>, changes: &[RecordChange]) -> Result<(), Stored> {
        let is_new = |change: &&RecordChange| matches!(change, RecordChange::AddKey { .. });
        let added = u64::try_from(changes.iter().filter(is_new).count()).unwrap_or(u64::MAX);
        if added == 0 {
            return Ok(());
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
        if keys <= self.most {
            return Ok(());
        }
        Err(Failure::new(
            Code::MaxKeys,
            format!(
                "The server keeps {} API keys at most (`limits.keys`). Purge keys that have ended.",
                self.most
            ),
        )
        .into())
    }
}
