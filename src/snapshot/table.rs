//! The table of keys: rows sorted by digest, found through buckets of digests that begin alike.
//! Terms that many keys share are in separate tables. `docs/packed-snapshot.md` describes it byte
//! by byte. Every number in a row is looked up, never trusted: an inconsistent row is not a key.

use std::cmp::Ordering;

use super::grant_table::GrantTable;
use super::key::KeyRecord;
use super::key_id::IdCoding;
use super::key_place::KeyPlace;
use super::terms::{NONE, Terms, Times};
use crate::account::AccountIndex;
use crate::address::AllowedIps;
use crate::digest::KeyDigest;
use crate::id::Id;
use crate::rows::{Lists, Rows, index, number_at, width_of};

/// The size of a digest in bytes. A row begins with the digest.
const DIGEST: usize = 32;

/// The offsets of a row's columns after the digest. Each column is as wide as its largest number
/// needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    id: (usize, usize),
    /// 0 if the row contains the id, or the number, from 1, of an id in the separate list.
    other: (usize, usize),
    owner: (usize, usize),
    terms: (usize, usize),
    /// 0 for a key without times, or the number, from 1, of its times.
    times: (usize, usize),
    /// 0 for a key without a user, or the number, from 1, of its user. If no key has a user, the
    /// column has no bytes.
    user: (usize, usize),
    row: usize,
}

impl Columns {
    fn new(widths: [usize; 6]) -> Self {
        let mut at = DIGEST;
        let [id, other, owner, terms, times, user] = widths.map(|width| {
            let column = (at, width);
            at += width;
            column
        });
        Self {
            id,
            other,
            owner,
            terms,
            times,
            user,
            row: at,
        }
    }
}

/// How an id is spelled in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdSpelling<'a> {
    Coded(&'a [u8]),
    /// The number, from 0, of an id in the separate list.
    Other(usize),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRow<'a> {
    pub(super) digest: &'a [u8; DIGEST],
    pub(super) id: IdSpelling<'a>,
    pub(super) owner: AccountIndex,
    pub(super) terms: u32,
    pub(super) times: Option<u32>,
    pub(super) user: Option<u32>,
}

/// What rows refer to, and how they spell it.
#[derive(Clone)]
pub(super) struct KeyContext {
    pub(super) coding: IdCoding,
    /// Ids that the coding cannot spell, sorted.
    pub(super) others: Lists,
    pub(super) terms: Rows,
    pub(super) times: Rows,
    pub(super) ips: Lists,
    /// The users to whom keys belong, sorted.
    pub(super) users: Lists,
    /// The number of accounts.
    pub(super) accounts: usize,
}

/// How many things there are that rows refer to. The columns' widths follow from this.
pub(super) struct Referred {
    /// The number of bytes that an id takes in a row.
    pub(super) id: usize,
    pub(super) others: usize,
    pub(super) accounts: usize,
    pub(super) terms: usize,
    pub(super) times: usize,
    pub(super) users: usize,
}

impl Referred {
    fn columns(&self) -> Option<Columns> {
        let most = |count: usize| u32::try_from(count).ok().map(width_of);
        Some(Columns::new([
            self.id,
            most(self.others)?,
            most(self.accounts.saturating_sub(1))?,
            most(self.terms.saturating_sub(1))?,
            most(self.times)?,
            most(self.users)?,
        ]))
    }

    /// Returns the size of a row, or `None` if there are more of something than its number can
    /// express.
    pub(super) fn row_width(&self) -> Option<usize> {
        self.columns().map(|columns| columns.row)
    }
}

impl KeyContext {
    fn columns(&self) -> Option<Columns> {
        Referred {
            id: self.coding.width(),
            others: self.others.len(),
            accounts: self.accounts,
            terms: self.terms.len(),
            times: self.times.len(),
            users: self.users.len(),
        }
        .columns()
    }

    /// Returns the size of a row, or `None` if there are more of something than its number can
    /// express.
    pub(super) fn row_width(&self) -> Option<usize> {
        self.columns().map(|columns| columns.row)
    }

    /// Appends a row.
    pub(super) fn push_row(&self, rows: &mut Vec<u8>, key: &NewRow<'_>) -> Option<()> {
        let columns = self.columns()?;
        rows.extend_from_slice(key.digest.as_bytes());
        let rest = self.coding.rest(key.id);
        let behind = rows.len().checked_add(self.coding.width())?;
        rows.extend_from_slice(rest.unwrap_or("").as_bytes());
        rows.resize(behind, 0);
        let other = match rest {
            Some(_) => 0,
            None => {
                let place = place_in(&self.others, key.id.as_bytes())?;
                u32::try_from(place).ok()?.checked_add(1)?
            }
        };
        let times = key.times.map_or(Some(0), |times| times.checked_add(1))?;
        let user = match key.user {
            None => 0,
            Some(user) => {
                let place = place_in(&self.users, user.as_bytes())?;
                u32::try_from(place).ok()?.checked_add(1)?
            }
        };
        for (number, (_, width)) in [
            (other, columns.other),
            (key.owner.0, columns.owner),
            (key.terms, columns.terms),
            (times, columns.times),
            (user, columns.user),
        ] {
            let bytes = number.to_le_bytes();
            if bytes.iter().skip(width).any(|byte| *byte != 0) {
                return None;
            }
            rows.extend(bytes.iter().take(width));
        }
        Some(())
    }

    pub(super) fn id(&self, id: IdSpelling<'_>) -> Option<Id> {
        match id {
            IdSpelling::Coded(field) => self.coding.decode(field),
            IdSpelling::Other(place) => Id::of_parts(self.others.get(place)?, b""),
        }
    }
}

/// Returns the position of a text in a sorted list.
fn place_in(sorted: &Lists, text: &[u8]) -> Option<usize> {
    let (mut low, mut high) = (0, sorted.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match sorted.get(middle)?.cmp(text) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(middle),
        }
    }
    None
}

/// A row to be written.
pub(super) struct NewRow<'a> {
    pub(super) digest: KeyDigest,
    pub(super) id: &'a str,
    pub(super) owner: AccountIndex,
    pub(super) terms: u32,
    pub(super) times: Option<u32>,
    pub(super) user: Option<&'a str>,
}

/// All keys of a snapshot.
#[derive(Clone)]
pub(super) struct KeyTable {
    context: KeyContext,
    pub(super) columns: Columns,
    /// The first row of each bucket, and at the end the number of rows.
    buckets: Rows,
    rows: Rows,
    /// The number of leading bits of a digest that select its bucket.
    bucket_bits: u32,
}

impl KeyTable {
    /// Wraps rows sorted by digest, and their buckets, without checking them. Returns `None` if
    /// there are more of something than its number can express.
    pub(super) fn new(context: KeyContext, buckets: Rows, rows: Rows) -> Option<Self> {
        Some(Self {
            columns: context.columns()?,
            bucket_bits: bucket_bits(rows.len()),
            context,
            buckets,
            rows,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn context(&self) -> &KeyContext {
        &self.context
    }

    pub(super) fn buckets(&self) -> &Rows {
        &self.buckets
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Returns the row with that number.
    #[inline]
    pub(super) fn row(&self, number: usize) -> Option<KeyRow<'_>> {
        self.read(self.rows.row(number)?)
    }

    /// Reads a row of this table.
    pub(super) fn read<'a>(&self, row: &'a [u8]) -> Option<KeyRow<'a>> {
        let number = |(start, width)| number_at(row, start, width);
        let (start, width) = self.columns.id;
        Some(KeyRow {
            digest: row.first_chunk()?,
            id: match number(self.columns.other)?.checked_sub(1) {
                None => IdSpelling::Coded(row.get(start..)?.get(..width)?),
                Some(place) => IdSpelling::Other(index(place)?),
            },
            owner: AccountIndex(number(self.columns.owner)?),
            terms: number(self.columns.terms)?,
            times: number(self.columns.times)?.checked_sub(1),
            user: number(self.columns.user)?.checked_sub(1),
        })
    }

    /// Returns where every key of the table is, in the order of the digests.
    pub(super) fn places(&self) -> impl Iterator<Item = KeyPlace<'_>> {
        self.rows.iter().filter_map(KeyPlace::of_row)
    }

    /// Returns the row with that digest. Digests are spread evenly, so the search starts at the row
    /// that an even spread predicts, and continues with its neighbour: every other row would be a
    /// cache miss. From the third row on, it halves the remaining range at every step, whatever the
    /// bytes are.
    pub(super) fn find(&self, digest: &KeyDigest) -> Option<KeyRow<'_>> {
        let digest = digest.as_bytes();
        let bucket = bucket_of(digest, self.bucket_bits)?;
        let mut low = index(self.buckets.number(bucket)?)?;
        let mut high = index(self.buckets.number(bucket.checked_add(1)?)?)?;
        let count = high.checked_sub(low)?;
        let mut at = low + share_of(digest, self.bucket_bits, count)?;
        let mut is_first = true;
        while low < high {
            let row = self.rows.row(at)?;
            let order = row.first_chunk::<DIGEST>()?.cmp(digest);
            match order {
                Ordering::Less => low = at + 1,
                Ordering::Greater => high = at,
                Ordering::Equal => return self.read(row),
            }
            at = match order {
                Ordering::Less if is_first => low,
                Ordering::Greater if is_first => high.saturating_sub(1),
                Ordering::Less | Ordering::Greater | Ordering::Equal => low + (high - low) / 2,
            };
            is_first = false;
        }
        None
    }

    pub(super) fn terms(&self, number: u32) -> Option<Terms> {
        Terms::read(self.context.terms.row(index(number)?)?)
    }

    pub(super) fn times(&self, number: Option<u32>) -> Option<Times> {
        number.map_or(Some(Times::default()), |number| {
            Times::read(self.context.times.row(index(number)?)?)
        })
    }

    /// Returns the user to whom a row's key belongs, if it is a text that may be shown.
    pub(super) fn user(&self, row: &KeyRow<'_>) -> Option<&str> {
        let user = self.context.users.get(index(row.user?)?)?;
        std::str::from_utf8(user).ok()
    }

    /// Returns the content of a row. An invalid reference must never count as no reference, which
    /// would mean "no limit". So a key with an invalid reference is rejected.
    pub(super) fn record<'a>(
        &'a self,
        row: &KeyRow<'a>,
        grants: &'a GrantTable,
    ) -> Option<KeyRecord<'a>> {
        let terms = self.terms(row.terms)?;
        let times = self.times(row.times)?;
        let set = |number: u32| match number {
            NONE => Some(None),
            _ => grants.get(number).map(Some),
        };
        Some(KeyRecord {
            id: self.context.id(row.id)?,
            kind: terms.kind,
            livemode: terms.livemode,
            owner: row.owner,
            status: terms.status,
            not_before: times.not_before,
            expires_at: times.expires_at,
            allowed_ips: match terms.allowed_ips {
                NONE => None,
                list => Some(AllowedIps::new(self.context.ips.get(index(list)?)?)),
            },
            enforcement: terms.enforcement,
            grants: set(terms.grants)?,
            connect_grants: set(terms.connect_grants)?,
        })
    }
}

/// Returns the number of bits that puts 4 to 8 keys in a bucket.
pub(super) fn bucket_bits(keys: usize) -> u32 {
    (keys / 8).max(1).next_power_of_two().ilog2()
}

/// Returns the number of a digest's bucket: its first bits, big-endian, so that buckets ascend as
/// digests do.
pub(super) fn bucket_of(digest: &[u8; DIGEST], bits: u32) -> Option<usize> {
    let first = u32::from_be_bytes(*digest.first_chunk()?);
    index(first.checked_shr(32 - bits).unwrap_or(0))
}

/// Returns the row, among a bucket's `count` rows, where an evenly spread digest would be. It
/// follows from the 32 bits after the bucket's number.
fn share_of(digest: &[u8; DIGEST], bits: u32, count: usize) -> Option<usize> {
    let first = u64::from_be_bytes(*digest.first_chunk()?);
    let part = first.checked_shl(bits)? >> 32;
    // A bucket has fewer rows than 32 bits can count, so the product fits.
    let share = part.checked_mul(u64::try_from(count).ok()?)? >> 32;
    usize::try_from(share).ok()
}

/// Returns the first row of each bucket, and then the number of rows. `digests` must be sorted.
pub(super) fn buckets_of<'a>(
    digests: impl ExactSizeIterator<Item = &'a [u8; DIGEST]>,
) -> Option<Rows> {
    let bits = bucket_bits(digests.len());
    let mut starts: Vec<u32> = Vec::with_capacity((1 << bits) + 1);
    let mut count = 0;
    for digest in digests {
        let bucket = bucket_of(digest, bits)?;
        while starts.len() <= bucket {
            starts.push(count);
        }
        count += 1;
    }
    starts.resize((1 << bits) + 1, count);
    Some(Rows::of_numbers(&starts))
}
