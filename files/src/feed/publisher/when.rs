//! How a publication is numbered and dated.

use anyhow::{Context, Result, bail};

use crate::feed::present::Present;
use crate::publish::next_revision;
use keyward::snapshot::Revision;

/// How far a head may be ahead of this machine's clock. Gateways accept no more.
pub(in crate::feed) const SKEW: u64 = 300;

/// How revisions rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// To the time, Unix seconds, where that is higher than the next number.
    #[default]
    ByTime,
    /// By one. Gateways that serve a higher revision reject such a head: a publisher that may be older than its gateways does not lead them back.
    ByOne,
}

/// What to do about a head that was signed ahead of this machine's clock, by more than gateways accept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ahead {
    /// Nothing is written: either time may be wrong.
    #[default]
    Refused,
    /// The clock was set back, so the new head has the time of the old one.
    Kept,
    /// The clock was wrong when the old head was signed. Gateways rejected that head, and take one of the present time.
    Overruled,
}

/// How the next heads are numbered and dated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// How revisions rise.
    pub numbering: Numbering,
    /// The lowest revision of the next head.
    pub least: u64,
    /// What to do about a head that is ahead of the clock.
    pub ahead: Ahead,
}

impl When {
    pub(super) fn next(self, held: Option<u64>, now: u64) -> Result<Revision> {
        let above = held.max(self.least.checked_sub(1));
        let now = match self.numbering {
            Numbering::ByTime => now,
            Numbering::ByOne => 0,
        };
        Revision::new(next_revision(above, now)).context("revisions are below 10^15")
    }

    /// The time that a head carries: now, but never before the time of the present head.
    pub(super) fn issue_after(self, present: &Present, now: u64) -> Result<u64> {
        let held = present.head.issued_at;
        if held <= now.saturating_add(SKEW) {
            return Ok(held.max(now));
        }
        match self.ahead {
            Ahead::Refused => bail!(
                "the head that is there was signed {} s ahead of this machine's clock; set the clock right",
                held.saturating_sub(now)
            ),
            Ahead::Kept => Ok(held),
            Ahead::Overruled => Ok(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_rises_by_one_or_to_the_time() {
        let next = |numbering, least, held| {
            let when = When {
                numbering,
                least,
                ahead: Ahead::Refused,
            };
            when.next(held, 100).unwrap().number()
        };
        for (numbering, least, held, expected) in [
            (Numbering::ByTime, 0, None, 100),
            (Numbering::ByTime, 0, Some(50), 100),
            (Numbering::ByTime, 0, Some(200), 201),
            (Numbering::ByTime, 300, Some(200), 300),
            (Numbering::ByOne, 0, Some(50), 51),
            (Numbering::ByOne, 70, Some(50), 70),
            (Numbering::ByOne, 70, None, 70),
        ] {
            assert_eq!(
                next(numbering, least, held),
                expected,
                "{numbering:?} {least} {held:?}"
            );
        }
    }
}
