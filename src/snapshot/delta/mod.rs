//! A delta: the final record of everything that was touched between two revisions, as a small packed snapshot with its own tables, and what is gone.
//! `docs/feed.md` describes it byte by byte.
//!
//! It is state and no list of operations. So it applies to every revision of its line from `from` on that is below `to`, and doing so twice does no harm.

mod apply;
mod layout;
mod touched;
mod write;

#[cfg(test)]
mod tests;

pub use apply::{Applying, MOST_CHANGED};
pub use touched::Touched;
pub use write::Unwritten;

use super::Revision;
use super::packed::{Packed, Trust};
use crate::digest::KeyDigest;
use crate::refusal::{Place, Refusal};
use crate::rows::{Lists, Rows, index};
use layout::{HEADER, Header};

/// The most bytes of a delta.
pub const LARGEST_DELTA: u32 = 4 << 20;

/// The bytes of a digest.
const DIGEST: usize = 32;

const LENGTH: &str = "as many bytes as the header counts";

/// A delta in its parts.
#[derive(Clone)]
pub struct Delta {
    from: Revision,
    to: Revision,
    gone_keys: Rows,
    gone_accounts: Lists,
    gone_sets: Lists,
    /// What was touched and is there, and the accounts and grant sets that it refers to.
    records: Packed,
}

impl Delta {
    /// Takes the parts of a delta that is all of `bytes`. Nothing is believed that the lengths do not bear out.
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

    /// It applies to this revision and all above it, below [`Self::to`].
    #[must_use]
    pub fn from(&self) -> Revision {
        self.from
    }

    /// The revision that it leads to.
    #[must_use]
    pub fn to(&self) -> Revision {
        self.to
    }

    /// How many records it has: of keys, accounts and grant sets, there or gone.
    #[must_use]
    pub fn len(&self) -> usize {
        self.gone_keys.len()
            + self.gone_accounts.len()
            + self.gone_sets.len()
            + self.records.keys().len()
            + self.records.accounts().len()
            + self.records.grant_set_count()
    }

    /// Whether nothing at all was touched.
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

/// What is left of a delta.
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
