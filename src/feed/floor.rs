//! What a follower has verified, and how far back it lets no one lead it. The floor is one per feed: the newest head that any of the trusted keys signed. A key that
//! is trusted no longer takes with it what it raised, which cures a revision that a thief of the key put out of reach.

use std::fmt;

use super::head::{Head, HeadFault};
use crate::decision::CLOCK_SKEW;
use crate::signify::PublicKey;
use crate::snapshot::Revision;

/// The newest heads that were verified, at most one for each key.
#[derive(Clone, Debug, Default)]
pub struct Floor {
    seen: Vec<Seen>,
    /// No head below this, whichever key signed it.
    least: Option<Revision>,
}

#[derive(Clone, Debug)]
struct Seen {
    key: PublicKey,
    head: Head,
    bytes: Box<[u8]>,
}

/// Why a head that is verified is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is older than one that was verified, or below the least that the configuration allows.
    Rollback,
    /// Another of the same revision was verified, and this one does not say that it came later with the same content.
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
    /// No head below `least` is taken.
    pub(super) fn set_least(&mut self, least: Option<Revision>) {
        self.least = least;
    }

    /// Forgets what was raised by keys that are not among these.
    pub(super) fn retain(&mut self, keys: &[PublicKey]) {
        self.seen.retain(|seen| keys.contains(&seen.key));
    }

    /// Takes a head that another VM verified. It is believed only after its signature.
    pub fn restore(
        &mut self,
        signed: &[u8],
        keys: &[PublicKey],
        feed: &str,
    ) -> Result<(), HeadFault> {
        let (head, key) = Head::open(signed, keys, feed)?;
        let is_newer = self.newest().is_none_or(|seen| {
            (head.revision, head.issued_at) > (seen.head.revision, seen.head.issued_at)
        });
        if is_newer {
            self.raise(key, &head, signed);
        }
        Ok(())
    }

    /// Holds a verified head to those before.
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

    /// A head was verified and judged.
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

    /// The bytes of the newest head.
    #[must_use]
    pub fn newest_bytes(&self) -> Option<&[u8]> {
        self.newest().map(|seen| &*seen.bytes)
    }
}
