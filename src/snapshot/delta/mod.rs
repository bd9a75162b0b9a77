//! A delta: the final record of everything that was touched between two revisions, as a small
//! packed snapshot with its own tables, and a list of everything that was removed. `docs/feed.md`
//! describes it byte by byte.
//!
//! A delta contains state, not operations. So it applies to every revision of its line from `from`
//! on and below `to`, and applying it twice does no harm.

mod alike;
mod apply;
mod copy;
mod layout;
mod table;
mod touched;
mod write;

#[cfg(test)]
mod tests;

pub use apply::{Applying, MOST_CHANGED};
pub use copy::{End, Ends};
pub use touched::Touched;
pub use write::Unwritten;

use super::Revision;
use super::packed::{Packed, Trust};
use crate::digest::KeyDigest;
use crate::refusal::{Place, Refusal};
use crate::rows::{Lists, Rows, index};
use layout::{HEADER, Header};

/// The maximum size of a delta in bytes.
pub const LARGEST_DELTA: u32 = 4 << 20;

/// The size of a digest in bytes.
const DIGEST: usize = 32;

const LENGTH: &str = "as many bytes as the header counts";

/// The parts of a delta.
#[derive(Clone)]
pub struct Delta {
    from: Revision,
    to: Revision,
    gone_keys: Rows,
    gone_accounts: Lists,
    gone_sets: Lists,
    /// The touched records that still exist, and the accounts and grant sets that they refer to.
    records: Packed,
}

impl Delta {
    /// Splits `bytes`, which are the whole delta, into its parts. Every count is checked against
    /// the length of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let place = Place::default();
        let too_short = || place.expected(LENGTH);
        let largest = index(LARGEST_DELTA).unwrap_or(usize::MAX);
        let header = Header::read(bytes).ok_or_else(|| place.expected("a delta"))?;
        if bytes.len() > largest {
            return Err(place.expected("at most 4194304 bytes"));
        }
        header.check_version(&place)?;
        let mut parts = Parts {
            rest: bytes.get(HEADER..).unwrap_or(&[]),
        };
        let gone_keys = parts.rows(header.gone_keys, DIGEST).ok_or_else(too_short)?;
        let gone_accounts = parts
            .lists(header.gone_accounts, header.gone_account_bytes)
            .ok_or_else(too_short)?;
        let gone_sets = parts
            .lists(header.gone_sets, header.gone_set_bytes)
            .ok_or_else(too_short)?;
        let revision = |number, name: &'static str| {
            Revision::new(number).ok_or_else(|| place.then(name).expected("an integer below 10^15"))
        };
        let (from, to) = (revision(header.from, "from")?, revision(header.to, "to")?);
        if from >= to {
            return Err(place.then("from").expected("a revision below `to`"));
        }
        let records = Packed::from_part(parts.rest, Trust::Content)?;
        if records.revision()? != to {
            return Err(place.then("revision").expected("the revision that is `to`"));
        }
        Ok(Self {
            from,
            to,
            gone_keys,
            gone_accounts,
            gone_sets,
            records,
        })
    }

    /// Returns the first revision that the delta applies to. It applies to all from there up to,
    /// but not including, [`Self::to`].
    #[must_use]
    pub fn from(&self) -> Revision {
        self.from
    }

    /// Returns the revision that the delta leads to.
    #[must_use]
    pub fn to(&self) -> Revision {
        self.to
    }

    /// Returns the number of records: keys, accounts and grant sets, both changed and removed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.gone_keys.len()
            + self.gone_accounts.len()
            + self.gone_sets.len()
            + self.records.keys().len()
            + self.records.accounts().len()
            + self.records.grant_set_count()
    }

    /// Returns whether the delta has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn gone_keys(&self) -> impl Iterator<Item = KeyDigest> {
        let digests = self.gone_keys.iter();
        digests.filter_map(|row| row.first_chunk().copied().map(KeyDigest::from_bytes))
    }

    fn gone_accounts(&self) -> impl Iterator<Item = &str> {
        texts(&self.gone_accounts)
    }

    fn gone_sets(&self) -> impl Iterator<Item = &str> {
        texts(&self.gone_sets)
    }
}

fn texts(lists: &Lists) -> impl Iterator<Item = &str> {
    (0..lists.len()).filter_map(|number| std::str::from_utf8(lists.get(number)?).ok())
}

/// The part of a delta that is still to be read.
struct Parts<'b> {
    rest: &'b [u8],
}

impl<'b> Parts<'b> {
    fn bytes(&mut self, length: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn rows(&mut self, count: u32, width: usize) -> Option<Rows> {
        let bytes = self.bytes(index(count)?.checked_mul(width)?)?;
        Some(Rows::from_bytes(width, bytes))
    }

    fn lists(&mut self, count: u32, bytes: u32) -> Option<Lists> {
        let ends = self.rows(count, 4)?;
        Some(Lists::new(ends, self.bytes(index(bytes)?)?.into()))
    }
}
