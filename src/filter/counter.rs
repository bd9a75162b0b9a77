//! The counters. No value that a client chose is ever part of a name.

use crate::decision::PermitKind;
use crate::feed::Trouble;
use crate::judge::Outcome;
use crate::reason::DenyReason;
use crate::word::Word;

/// A counter. It starts at 0 and only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Requests with the same outcome.
    Requests(Slot),
    /// Requests with a key in their query that is not public.
    SecretKeysInQuery,
    /// Snapshots with a lower revision than the one served before.
    Rollbacks,
    /// Attempts to follow a feed that ended with this trouble.
    FeedTroubles(Trouble),
    /// Bases that were loaded to follow a feed.
    FeedBases,
    /// Bytes of answers from a feed's source, without their headers, whatever became of them.
    FeedBytes,
    /// Bases and deltas that were fetched, put together and found good.
    FeedLoads,
    /// Milliseconds that these took, from the first call for an object to the snapshot with it.
    FeedLoadTime,
}

/// The name of [`Counter::Requests`]. [`Slot::labels`] distinguishes the slots.
pub const REQUESTS: &str = "keyward_requests_total";

/// The name of [`Counter::FeedTroubles`]. The trouble's word distinguishes them.
pub const FEED_TROUBLES: &str = "keyward_feed_troubles_total";

impl Counter {
    /// Returns the counter's place, from 0. Requests that pass with a key are the most frequent, so
    /// their counter is first.
    #[must_use]
    pub fn place(self) -> usize {
        match self {
            Self::Requests(Slot::Allow(Passed::Key)) => 0,
            Self::SecretKeysInQuery => 1,
            Self::Rollbacks => 2,
            Self::Requests(slot) => 2 + slot.place(),
            Self::FeedBases => 2 + Slot::count(),
            Self::FeedBytes => 3 + Slot::count(),
            Self::FeedLoads => 4 + Slot::count(),
            Self::FeedLoadTime => 5 + Slot::count(),
            Self::FeedTroubles(trouble) => {
                let mut all = Trouble::VALUES.iter();
                let place = all.position(|other| *other == trouble).unwrap_or(0);
                6 + Slot::count() + place
            }
        }
    }

    /// Returns all counters, each at its place.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut requests = Slot::all().map(Self::Requests);
        let first = requests.next();
        let others = [Self::SecretKeysInQuery, Self::Rollbacks];
        let feeds = [
            Self::FeedBases,
            Self::FeedBytes,
            Self::FeedLoads,
            Self::FeedLoadTime,
        ];
        let troubles = Trouble::VALUES.iter().copied().map(Self::FeedTroubles);
        first
            .into_iter()
            .chain(others)
            .chain(requests)
            .chain(feeds)
            .chain(troubles)
    }

    /// Returns the metric's name, without labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests(_) => REQUESTS,
            Self::SecretKeysInQuery => "keyward_secret_keys_in_query_total",
            Self::Rollbacks => "keyward_snapshot_rollbacks",
            Self::FeedTroubles(_) => FEED_TROUBLES,
            Self::FeedBases => "keyward_feed_bases_total",
            Self::FeedBytes => "keyward_feed_received_bytes_total",
            Self::FeedLoads => "keyward_feed_loads_total",
            Self::FeedLoadTime => "keyward_feed_load_milliseconds_total",
        }
    }
}

/// The outcomes of a request that are counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The request passed.
    Allow(Passed),
    /// The request passed only in shadow.
    WouldDeny(DenyReason),
    /// The request did not pass, or a verification failed.
    Deny(DenyReason),
    /// The filter answered a verification, and the key was valid.
    Verify,
}

/// Why a request passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Passed {
    /// Its key allows it.
    Key,
    /// The endpoint needs no key.
    Public,
    /// It is a browser's preflight.
    Preflight,
}

impl Slot {
    fn count() -> usize {
        FIRST_REASON + 2 * DenyReason::all().count()
    }

    /// Returns all slots, each at its place.
    pub fn all() -> impl Iterator<Item = Self> {
        let passed = [Passed::Key, Passed::Public, Passed::Preflight];
        let reasons = DenyReason::all();
        passed
            .into_iter()
            .map(Self::Allow)
            .chain([Self::Verify])
            .chain(reasons.flat_map(|reason| [Self::Deny(reason), Self::WouldDeny(reason)]))
    }

    /// Returns the slot that counts requests with that outcome.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allowed(PermitKind::Key) => Self::Allow(Passed::Key),
            Outcome::Allowed(PermitKind::Public) => Self::Allow(Passed::Public),
            Outcome::Allowed(PermitKind::Preflight) => Self::Allow(Passed::Preflight),
            Outcome::Allowed(PermitKind::Shadow(reason)) => Self::WouldDeny(reason),
            Outcome::Denied(reason) | Outcome::NotVerified(reason) => Self::Deny(reason),
            Outcome::Verified => Self::Verify,
        }
    }

    /// Returns the slot's place, in the order of [`Self::all`]. The most frequent one, a request
    /// that passes with a key, is the fastest to find.
    #[must_use]
    pub fn place(self) -> usize {
        match self {
            Self::Allow(Passed::Key) => 0,
            Self::Allow(Passed::Public) => 1,
            Self::Allow(Passed::Preflight) => 2,
            Self::Verify => 3,
            Self::Deny(reason) => FIRST_REASON + 2 * reason.index(),
            Self::WouldDeny(reason) => FIRST_REASON + 1 + 2 * reason.index(),
        }
    }

    /// Returns the values of the labels `decision` and `reason`.
    #[must_use]
    pub fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Allow(Passed::Key) => ("allow", "key"),
            Self::Allow(Passed::Public) => ("allow", "public"),
            Self::Allow(Passed::Preflight) => ("allow", "preflight"),
            Self::WouldDeny(reason) => ("would_deny", reason.name()),
            Self::Deny(reason) => ("deny", reason.name()),
            Self::Verify => ("verify", "key"),
        }
    }
}

const FIRST_REASON: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place() {
        for (place, counter) in Counter::all().enumerate() {
            assert_eq!(counter.place(), place, "{counter:?}");
        }
        assert_eq!(
            Counter::all().count(),
            Slot::all().count() + 6 + Trouble::VALUES.len()
        );
    }

    #[test]
    fn every_slot_has_its_place_and_its_labels() {
        let all: Vec<Slot> = Slot::all().collect();
        for (place, slot) in all.iter().enumerate() {
            assert_eq!(slot.place(), place, "{slot:?}");
        }
        let labels: std::collections::BTreeSet<_> = all.iter().map(|slot| slot.labels()).collect();
        assert_eq!(labels.len(), all.len());
    }
}
