//! Reads a packed snapshot range by range. No byte is copied more than once, and only the header
//! and the head are parsed.

use std::hash::Hasher;
use std::sync::Arc;

use serde::Deserialize;
use twox_hash::XxHash64;

use super::layout::{COVERED, HEADER, Header, SEED, VERSION};
use super::{Packed, wire};
use crate::account::{ACCOUNT_ROW, AccountForest};
use crate::json::from_json;
use crate::refusal::{Place, Refusal};
use crate::rows::{CHUNK, Lists, Rows, index};
use crate::snapshot::key_id::IdCoding;
use crate::snapshot::table::{KeyContext, KeyTable, Referred, bucket_bits};
use crate::snapshot::terms::{TERMS_ROW, TIMES_ROW};
use crate::wire::Text;

/// A source of a configuration's bytes.
pub trait Source {
    /// Why reading failed.
    type Fault;

    /// Reads exactly `length` bytes, at most 1 MiB, from `start` on.
    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, Self::Fault>;
}

/// The bytes end too early.
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

/// How much of a packed snapshot must be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everything is checked.
    Nothing,
    /// The same bytes have already passed every check in this process. Look-ups stay as safe as
    /// ever; the content of rows is not checked again.
    Content,
}

/// Why a packed snapshot was not loaded.
#[derive(Debug)]
pub enum LoadFault<E> {
    /// Its bytes cannot be read.
    Source(E),
    /// Its bytes were rejected.
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
    let mut assembly = Assembly::begin(source, (start, size), trust, place)?;
    while !assembly.step(source)? {}
    Ok(assembly.finish()?)
}

/// Parses the head of a packed snapshot.
pub(super) fn head<'a, T: Deserialize<'a>>(
    json: &'a [u8],
    place: &Place,
) -> Result<wire::Head<T>, Refusal> {
    from_json(json).map_err(|refusal| refusal.below(place))
}

/// A packed snapshot that is being read, part by part. Each step reads one range of at most 1 MiB,
/// so the caller can answer requests between steps.
pub(crate) struct Assembly {
    place: Place,
    at: usize,
    end: usize,
    header: Header,
    checksum: Option<XxHash64>,
    coding: Option<IdCoding>,
    taken: Vec<Part>,
    /// What has been read of the current part.
    open: Option<Open>,
}

enum Part {
    Rows(Rows),
    Bytes(Box<[u8]>),
}

struct Open {
    part: OpenPart,
    left: usize,
}

enum OpenPart {
    Rows(Rows),
    Bytes(Vec<u8>),
}

/// The shape of a part: rows of one width, or bytes.
enum Shape {
    Rows(usize, usize),
    Bytes(u32),
}

impl Assembly {
    pub(crate) fn begin<S: Source>(
        source: &mut S,
        (start, size): (usize, usize),
        trust: Trust,
        place: &Place,
    ) -> Result<Self, LoadFault<S::Fault>> {
        let end = start
            .checked_add(size)
            .ok_or_else(|| LoadFault::Refused(place.expected(LENGTH)))?;
        if size < HEADER {
            return Err(place.expected("a packed snapshot").into());
        }
        let bytes = source.read(start, HEADER).map_err(LoadFault::Source)?;
        Ok(Self::of_header(&bytes, (start, end), trust, place)?)
    }

    /// Does what does not depend on the kind of source, so that it is compiled only once.
    fn of_header(
        bytes: &[u8],
        (start, end): (usize, usize),
        trust: Trust,
        place: &Place,
    ) -> Result<Self, Refusal> {
        let header = Header::read(bytes).ok_or_else(|| place.expected("a packed snapshot"))?;
        if header.version != VERSION {
            return Err(place.expected("version 1 of the packed form"));
        }
        let checksum = (trust == Trust::Nothing).then(|| {
            let mut checksum = XxHash64::with_seed(SEED);
            checksum.write(bytes.get(COVERED..).unwrap_or(&[]));
            checksum
        });
        Ok(Self {
            place: place.clone(),
            at: start.saturating_add(HEADER),
            end,
            header,
            checksum,
            coding: None,
            taken: Vec::new(),
            open: None,
        })
    }

    fn too_short(&self) -> Refusal {
        self.place.expected(LENGTH)
    }

    /// Returns the shape of the part with that number, or `None` after the last.
    fn shape(&self, number: usize) -> Result<Option<Shape>, Refusal> {
        let counts = &self.header.counts;
        let place = |count: u32| index(count).ok_or_else(|| self.too_short());
        let rows = |count: u32, width: usize| Ok(Some(Shape::Rows(place(count)?, width)));
        match number {
            0 => Ok(Some(Shape::Bytes(counts.head_bytes))),
            1 => rows(counts.accounts, 4),
            2 => Ok(Some(Shape::Bytes(counts.account_id_bytes))),
            3 => rows(counts.accounts, ACCOUNT_ROW),
            4 => rows(counts.grant_sets, 4),
            5 => Ok(Some(Shape::Bytes(counts.grant_bytes))),
            6 => rows(counts.ip_lists, 4),
            7 => Ok(Some(Shape::Bytes(counts.ip_bytes))),
            8 => rows(counts.terms, TERMS_ROW),
            9 => rows(counts.times, TIMES_ROW),
            10 => rows(counts.other_ids, 4),
            11 => Ok(Some(Shape::Bytes(counts.other_id_bytes))),
            12 => rows(counts.users, 4),
            13 => Ok(Some(Shape::Bytes(counts.user_bytes))),
            14 => {
                let bits = bucket_bits(place(counts.keys)?);
                Ok(Some(Shape::Rows((1 << bits) + 1, 4)))
            }
            15 => {
                let referred = Referred {
                    id: self.coding.as_ref().map_or(0, IdCoding::width),
                    others: place(counts.other_ids)?,
                    accounts: place(counts.accounts)?,
                    terms: place(counts.terms)?,
                    times: place(counts.times)?,
                    users: place(counts.users)?,
                };
                let width = referred.row_width().ok_or_else(|| self.too_short())?;
                rows(counts.keys, width)
            }
            _ => Ok(None),
        }
    }

    /// Reads the next range. Returns true when everything has been read.
    pub(crate) fn step<S: Source>(&mut self, source: &mut S) -> Result<bool, LoadFault<S::Fault>> {
        let Some(length) = self.wanted()? else {
            return Ok(true);
        };
        let block = match length {
            0 => Box::default(),
            _ => source.read(self.at, length).map_err(LoadFault::Source)?,
        };
        self.take(block)?;
        Ok(false)
    }

    /// Returns the length of the next range, or `None` after the last part.
    fn wanted(&mut self) -> Result<Option<usize>, Refusal> {
        let open = match self.open.take() {
            Some(open) => open,
            None => match self.shape(self.taken.len())? {
                Some(shape) => self.begin_part(&shape)?,
                None => return Ok(None),
            },
        };
        let most = match &open.part {
            OpenPart::Rows(rows) => rows.chunk_bytes(),
            OpenPart::Bytes(_) => CHUNK,
        };
        let length = open.left.min(most);
        self.open = Some(open);
        Ok(Some(length))
    }

    fn take(&mut self, block: Box<[u8]>) -> Result<(), Refusal> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        self.at = self.at.saturating_add(block.len());
        open.left = open.left.saturating_sub(block.len());
        if let Some(checksum) = &mut self.checksum {
            checksum.write(&block);
        }
        if !block.is_empty() {
            match &mut open.part {
                OpenPart::Rows(rows) => rows.push_chunk(block),
                OpenPart::Bytes(bytes) if bytes.capacity() == 0 => *bytes = block.into_vec(),
                OpenPart::Bytes(bytes) => bytes.extend_from_slice(&block),
            }
        }
        if open.left > 0 {
            self.open = Some(open);
            return Ok(());
        }
        let part = match open.part {
            OpenPart::Rows(rows) => Part::Rows(rows),
            OpenPart::Bytes(bytes) => Part::Bytes(bytes.into()),
        };
        if self.taken.is_empty() {
            self.read_coding(&part)?;
        }
        self.taken.push(part);
        Ok(())
    }

    /// Begins a part, if the remaining bytes are enough for it.
    fn begin_part(&self, shape: &Shape) -> Result<Open, Refusal> {
        let left = match shape {
            Shape::Rows(count, width) => count.checked_mul(*width),
            Shape::Bytes(count) => index(*count),
        };
        let left = left
            .filter(|length| *length <= self.end.saturating_sub(self.at))
            .ok_or_else(|| self.too_short())?;
        let part = match shape {
            Shape::Rows(_, width) => OpenPart::Rows(Rows::new(*width)),
            // A single block is kept without copying it.
            Shape::Bytes(_) if left <= CHUNK => OpenPart::Bytes(Vec::new()),
            Shape::Bytes(_) => OpenPart::Bytes(Vec::with_capacity(left)),
        };
        Ok(Open { part, left })
    }

    fn read_coding(&mut self, head: &Part) -> Result<(), Refusal> {
        let Part::Bytes(head) = head else {
            return Err(self.too_short());
        };
        let wire::KeyIds { prefix, length } = self::head::<Text<'_>>(head, &self.place)?.key_ids;
        let coding = usize::try_from(length.0)
            .ok()
            .and_then(|length| IdCoding::new(&prefix.0, length))
            .ok_or_else(|| self.place.then("key_ids").expected("a coding of ids"))?;
        self.coding = Some(coding);
        Ok(())
    }

    /// Returns the parts of the snapshot after the last step.
    pub(crate) fn finish(self) -> Result<Packed, Refusal> {
        let too_short = self.place.expected(LENGTH);
        if self.at != self.end {
            return Err(too_short);
        }
        let is_intact = self
            .checksum
            .as_ref()
            .is_none_or(|checksum| checksum.finish() == self.header.checksum);
        if !is_intact {
            return Err(self.place.refused("the checksum is another"));
        }
        let parts = Parts(self.taken.into_iter());
        self.coding
            .and_then(|coding| packed(coding, parts))
            .ok_or(too_short)
    }
}

/// The parts of a snapshot, in order.
struct Parts(std::vec::IntoIter<Part>);

impl Parts {
    fn rows(&mut self) -> Option<Rows> {
        match self.0.next()? {
            Part::Rows(rows) => Some(rows),
            Part::Bytes(_) => None,
        }
    }

    fn bytes(&mut self) -> Option<Box<[u8]>> {
        match self.0.next()? {
            Part::Bytes(bytes) => Some(bytes),
            Part::Rows(_) => None,
        }
    }

    fn lists(&mut self) -> Option<Lists> {
        Some(Lists::new(self.rows()?, self.bytes()?))
    }
}

fn packed(coding: IdCoding, mut parts: Parts) -> Option<Packed> {
    let head = parts.bytes()?;
    let account_ids = parts.lists()?;
    let accounts = parts.rows()?;
    let grants = parts.lists()?;
    let context = KeyContext {
        coding,
        ips: parts.lists()?,
        terms: parts.rows()?,
        times: parts.rows()?,
        others: parts.lists()?,
        users: parts.lists()?,
        accounts: accounts.len(),
    };
    let keys = KeyTable::new(context, parts.rows()?, parts.rows()?)?;
    Some(Packed {
        head: head.into(),
        accounts: AccountForest::from_rows(account_ids, accounts),
        grants: Arc::new(grants),
        keys: Arc::new(keys),
    })
}
