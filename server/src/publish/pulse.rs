//! How publishing goes, for metrics; and what the clock does meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keyward_files::feed::Ahead;

use crate::time;

/// How far gateways let a head be ahead of their clocks.
const SKEW: u64 = 300;

/// Counts of this process.
#[derive(Default)]
pub(crate) struct Pulse {
    good: AtomicU64,
    failed: AtomicU64,
    is_failing: AtomicBool,
    last: AtomicU64,
    /// The latest time that a publication had.
    latest: AtomicU64,
}

impl Pulse {
    /// A publication ended.
    pub(super) fn ended(&self, is_good: bool, took: Duration) {
        let count = if is_good { &self.good } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        self.is_failing.store(!is_good, Ordering::Relaxed);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.last.store(took, Ordering::Relaxed);
    }

    /// How many publications were good, and how many failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.good), read(&self.failed))
    }

    /// Whether the last one failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// How long the last one took, in milliseconds.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// What to do about a head that is ahead of the clock, at the time `now` of a publication.
    pub(super) fn clock(&self, now: u64) -> Ahead {
        let latest = self.latest.fetch_max(now, Ordering::SeqCst);
        judge(now, time::steady(), latest)
    }
}

/// `expected` is the time of the steady clock, `latest` the latest time that this process published with.
fn judge(now: u64, expected: u64, latest: u64) -> Ahead {
    if now.saturating_add(SKEW) < expected {
        return Ahead::Kept;
    }
    // The clock was ahead for a while, and is what it was before.
    let is_as_before = now <= expected.saturating_add(SKEW);
    if is_as_before && latest > now.saturating_add(SKEW) {
        return Ahead::Overruled;
    }
    Ahead::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_came_back_is_believed_and_one_that_was_set_back_is_not() {
        for (now, expected, latest, verdict) in [
            (1_000, 1_000, 990, Ahead::Refused),
            (5_000, 1_000, 1_000, Ahead::Refused),
            // It jumped ahead, a head was signed, and it came back.
            (1_010, 1_010, 5_000, Ahead::Overruled),
            (1_010, 1_000, 1_200, Ahead::Refused),
            // It was set back, and steadily goes on from there.
            (1_000, 5_000, 5_000, Ahead::Kept),
            (1_000, 5_000, 9_000, Ahead::Kept),
        ] {
            assert_eq!(
                judge(now, expected, latest),
                verdict,
                "{now} {expected} {latest}"
            );
        }
    }
}
