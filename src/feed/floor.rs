//! What a follower has verified, and the limit below which no one can lead it back. Each feed has
//! one floor: the newest head that any of the trusted keys signed. When a key is no longer trusted,
//! what it raised is forgotten. So a thief who signs an unreachably high revision does no lasting
//! harm.

use std::fmt;

use super::head::{Head, HeadFault};
use crate::decision::CLOCK_SKEW;
use crate::signify::PublicKey;
use crate::snapshot::Revision;

/// The newest verified heads, at most one for each key.
#[derive(Clone, Debug, Default)]
pub struct Floor {
    seen: Vec<Seen>,
    /// The lowest accepted revision, whichever key signed a head.
    least: Option<Revision>,
}

#[derive(Clone, Debug)]
struct Seen {
    key: PublicKey,
    head: Head,
    bytes: Box<[u8]>,
}

/// Why a verified head is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is older than a verified head, or below the configuration's minimum.
    Rollback,
    /// Another head with the same revision was verified, and this one is not a later one with the
    /// same content.
    Replaced,
    /// It was issued in the future.
    Ahead,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollback => "it is older than a head that was verified, or than `min_revision`",
            Self::Replaced => "another head of its revision was verified",
            Self::Ahead => "it was issued more than 5 minutes ahead of this clock",
        })
    }
}

impl Floor {
    /// Sets the lowest accepted revision.
    pub(super) fn set_least(&mut self, least: Option<Revision>) {
        self.least = least;
    }

    /// Forgets what keys other than these raised.
    pub(super) fn retain(&mut self, keys: &[PublicKey]) {
        self.seen.retain(|seen| keys.contains(&seen.key));
    }

    /// Adds a head that another VM verified. Its signature is verified again.
    pub fn restore(
        &mut self,
        signed: &[u8],
        keys: &[PublicKey],
        feed: &str,
    ) -> Result<(), HeadFault> {
        let (head, key) = Head::open(signed, keys, feed)?;
        if self.is_below_head(&head) {
            self.raise(key, &head, signed);
        }
        Ok(())
    }

    /// Returns whether another VM has verified a newer head. Its signature is verified again, so
    /// what a key signed counts only while that key is trusted. The line does not matter.
    #[must_use]
    pub fn is_below(&self, signed: &[u8], keys: &[PublicKey], feed: &str) -> bool {
        Head::open(signed, keys, feed).is_ok_and(|(head, _)| self.is_below_head(&head))
    }

    fn is_below_head(&self, head: &Head) -> bool {
        self.newest().is_none_or(|seen| {
            (head.revision, head.issued_at) > (seen.head.revision, seen.head.issued_at)
        })
    }

    /// Compares a verified head with earlier ones.
    pub(super) fn judge(&self, head: &Head, signed: &[u8], now: u64) -> Result<(), Refused> {
        if head.issued_at > now.saturating_add(CLOCK_SKEW) {
            return Err(Refused::Ahead);
        }
        if self.least.is_some_and(|least| head.revision < least) {
            return Err(Refused::Rollback);
        }
        for seen in &self.seen {
            if *seen.bytes == *signed {
                continue;
            }
            if head.revision < seen.head.revision || head.issued_at < seen.head.issued_at {
                return Err(Refused::Rollback);
            }
            let leads_to = |head: &Head| (head.line.clone(), head.keys, head.accounts);
            let is_same =
                head.issued_at > seen.head.issued_at && leads_to(head) == leads_to(&seen.head);
            if head.revision == seen.head.revision && !is_same {
                return Err(Refused::Replaced);
            }
        }
        Ok(())
    }

    /// Records a head that was verified and judged.
    pub(super) fn raise(&mut self, key: &PublicKey, head: &Head, signed: &[u8]) {
        self.seen.retain(|seen| seen.key != *key);
        self.seen.push(Seen {
            key: key.clone(),
            head: head.clone(),
            bytes: signed.into(),
        });
    }

    fn newest(&self) -> Option<&Seen> {
        self.seen
            .iter()
            .max_by_key(|seen| (seen.head.revision, seen.head.issued_at))
    }

    /// Returns the bytes of the newest head.
    #[must_use]
    pub fn newest_bytes(&self) -> Option<&[u8]> {
        self.newest().map(|seen| &*seen.bytes)
    }
}
