//! When sessions were last used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::store::StoredSession;

/// When sessions were last used. The times are in memory, and in the store once a minute: viewing a
/// page writes nothing else.
#[derive(Default)]
pub(crate) struct LastSeen(Mutex<HashMap<String, Seen>>);

#[derive(Clone, Copy)]
struct Seen {
    at: u64,
    stored: u64,
}

/// How often the store records it, in seconds.
const STORED_EVERY: u64 = 60;

/// The maximum number of sessions. Beyond that, those that were not used for a minute are dropped:
/// the store knows their last use to within a minute.
const MOST: usize = 10_000;

impl LastSeen {
    /// Returns when a session was last used.
    pub(crate) fn of(&self, session: &StoredSession) -> u64 {
        let stored = session.last_seen.or(session.opened).unwrap_or(0);
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&session.id)
            .map_or(stored, |seen| seen.at.max(stored))
    }

    /// Records a use. Returns whether the store must record it.
    pub(crate) fn note(&self, session: &StoredSession, now: u64) -> bool {
        let stored = session.last_seen.unwrap_or(0);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, seen| now.saturating_sub(seen.at) < STORED_EVERY);
        }
        let seen = all
            .entry(session.id.clone())
            .or_insert(Seen { at: now, stored });
        seen.at = seen.at.max(now);
        if now.saturating_sub(seen.stored) < STORED_EVERY {
            return false;
        }
        seen.stored = now;
        true
    }
}
