//! Taking over a packed snapshot, range by range. No byte is copied more than once, and none is looked at but the header's and the head's.

use std::hash::Hasher;

use serde::Deserialize;
use twox_hash::XxHash64;

use super::layout::{COVERED, Counts, HEADER, Header, SEED, VERSION};
use super::{Packed, wire};
use crate::account::{ACCOUNT_ROW, AccountForest};
use crate::json::from_json;
use crate::refusal::{Place, Refusal};
use crate::rows::{CHUNK, Lists, Rows, index};
use crate::snapshot::key_id::IdCoding;
use crate::snapshot::table::{KeyContext, KeyTable, TERMS_ROW, TIMES_ROW, bucket_bits};
use crate::wire::Text;

/// Where the bytes of a configuration come from.
pub trait Source {
    /// Why there are none.
    type Fault;

    /// Exactly `length` bytes, at most 1 MiB, from `start` on.
    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, Self::Fault>;
}

/// Bytes that end too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside;

impl Source for &[u8] {
    type Fault = Outside;

    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, Outside> {
        self.get(start..)
            .and_then(|rest| rest.get(..length))
            .map(Box::from)
            .ok_or(Outside)
    }
}

/// How much of a packed snapshot has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everything is checked.
    Nothing,
    /// These very bytes have passed every check in this process. Lookups are as safe as ever; what the rows say is taken as it stands.
    Content,
}

/// Why a packed snapshot is not loaded.
#[derive(Debug)]
pub enum LoadFault<E> {
    /// Its bytes cannot be had.
    Source(E),
    /// Its bytes are refused.
    Refused(Refusal),
}

impl<E> From<Refusal> for LoadFault<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

const LENGTH: &str = "as many bytes as the header counts";

pub(super) fn read<S: Source>(
    source: &mut S,
    (start, size): (usize, usize),
    trust: Trust,
    place: &Place,
) -> Result<Packed, LoadFault<S::Fault>> {
    let too_short = || LoadFault::Refused(place.expected(LENGTH));
    let end = start.checked_add(size).ok_or_else(too_short)?;
    if size < HEADER {
        return Err(place.expected("a packed snapshot").into());
    }
    let mut reader = Reader {
        source,
        at: start,
        end,
        place,
        checksum: None,
    };
    let bytes = reader.block(HEADER)?;
    let header = Header::read(&bytes).ok_or_else(|| place.expected("a packed snapshot"))?;
    if header.version != VERSION {
        return Err(place.expected("version 1 of the packed form").into());
    }
    if trust == Trust::Nothing {
        let mut checksum = XxHash64::with_seed(SEED);
        checksum.write(bytes.get(COVERED..).unwrap_or(&[]));
        reader.checksum = Some(checksum);
    }
    let packed = reader.packed(&header.counts)?;
    if reader.at != reader.end {
        return Err(too_short());
    }
    let is_intact = reader
        .checksum
        .is_none_or(|checksum| checksum.finish() == header.checksum);
    if !is_intact {
        return Err(place.refused("the checksum is another").into());
    }
    Ok(packed)
}

/// The head of a packed snapshot.
pub(super) fn head<'a, T: Deserialize<'a>>(
    json: &'a [u8],
    place: &Place,
) -> Result<wire::Head<T>, Refusal> {
    from_json(json).map_err(|refusal| refusal.below(place))
}

struct Reader<'s, S> {
    source: &'s mut S,
    at: usize,
    end: usize,
    place: &'s Place,
    checksum: Option<XxHash64>,
}

impl<S: Source> Reader<'_, S> {
    fn packed(&mut self, counts: &Counts) -> Result<Packed, LoadFault<S::Fault>> {
        let head = self.bytes(counts.head_bytes)?;
        let wire::KeyIds { prefix, length } = self::head::<Text<'_>>(&head, self.place)?.key_ids;
        let coding = usize::try_from(length.0)
            .ok()
            .and_then(|length| IdCoding::new(&prefix.0, length))
            .ok_or_else(|| self.place.then("key_ids").expected("a coding of ids"))?;
        let account_ids = self.lists(counts.accounts, counts.account_id_bytes)?;
        let accounts = self.rows(counts.accounts, ACCOUNT_ROW)?;
        let grants = self.lists(counts.grant_sets, counts.grant_bytes)?;
        let ips = self.lists(counts.ip_lists, counts.ip_bytes)?;
        let context = KeyContext {
            coding,
            ips,
            terms: self.rows(counts.terms, TERMS_ROW)?,
            times: self.rows(counts.times, TIMES_ROW)?,
            others: self.lists(counts.other_ids, counts.other_id_bytes)?,
            users: self.lists(counts.users, counts.user_bytes)?,
            accounts: accounts.len(),
        };
        let width = context.row_width().ok_or_else(|| self.too_short())?;
        let bits = bucket_bits(index(counts.keys).ok_or_else(|| self.too_short())?);
        let buckets = self.rows((1 << bits) + 1, 4)?;
        let rows = self.rows(counts.keys, width)?;
        let keys = KeyTable::new(context, buckets, rows).ok_or_else(|| self.too_short())?;
        Ok(Packed {
            head,
            accounts: AccountForest::from_rows(account_ids, accounts),
            grants,
            keys,
        })
    }

    fn too_short(&self) -> LoadFault<S::Fault> {
        self.place.expected(LENGTH).into()
    }

    /// As many bytes, if there are so many left.
    fn left(&self, count: u32, width: usize) -> Result<usize, LoadFault<S::Fault>> {
        index(count)
            .and_then(|count| count.checked_mul(width))
            .filter(|length| *length <= self.end.saturating_sub(self.at))
            .ok_or_else(|| self.too_short())
    }

    /// The next range, at most 1 MiB.
    fn block(&mut self, length: usize) -> Result<Box<[u8]>, LoadFault<S::Fault>> {
        if length == 0 {
            return Ok(Box::default());
        }
        let block = self
            .source
            .read(self.at, length)
            .map_err(LoadFault::Source)?;
        self.at += length;
        if let Some(checksum) = &mut self.checksum {
            checksum.write(&block);
        }
        Ok(block)
    }

    fn rows(&mut self, count: u32, width: usize) -> Result<Rows, LoadFault<S::Fault>> {
        let mut left = self.left(count, width)?;
        let mut rows = Rows::new(width);
        while left > 0 {
            let length = left.min(rows.chunk_bytes());
            rows.push_chunk(self.block(length)?);
            left -= length;
        }
        Ok(rows)
    }

    fn bytes(&mut self, count: u32) -> Result<Box<[u8]>, LoadFault<S::Fault>> {
        let mut left = self.left(count, 1)?;
        if left <= CHUNK {
            return self.block(left);
        }
        let mut bytes = Vec::with_capacity(left);
        while left > 0 {
            let length = left.min(CHUNK);
            bytes.extend_from_slice(&self.block(length)?);
            left -= length;
        }
        Ok(bytes.into())
    }

    fn lists(&mut self, count: u32, bytes: u32) -> Result<Lists, LoadFault<S::Fault>> {
        let ends = self.rows(count, 4)?;
        Ok(Lists::new(ends, self.bytes(bytes)?))
    }
}
