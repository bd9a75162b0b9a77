//! A shared page: the usage of some keys of one plugin.
//!
//! It contains eight bytes that identify it, eight of [`Page::lost`], and a record for each key, in
//! ascending order of their ids: one byte for the length of the id, the id, and six little-endian
//! numbers of eight bytes.

use super::{Counts, KeyUsage};
use crate::rows::long_at;

const MAGIC: [u8; 8] = *b"keyward1";

const HEADER: usize = 16;

const NUMBERS: usize = 6;

/// The maximum size of a page in bytes. With 256 pages, a process stores at most 96 MiB for a
/// plugin: more than a million keys.
pub(super) const LARGEST: usize = 384 << 10;

/// The usage of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: &'a str,
    pub(super) usage: KeyUsage,
}

impl Record<'_> {
    fn size(&self) -> usize {
        1 + self.key.len() + 8 * NUMBERS
    }
}

#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Page<'a> {
    /// Requests that are counted nowhere else: those of keys that were dropped for lack of space,
    /// and those that could not be counted.
    pub(super) lost: u64,
    /// The records, in ascending order of their keys.
    pub(super) records: Vec<Record<'a>>,
}

impl<'a> Page<'a> {
    /// Returns `None` if `bytes` are not a page.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let lost = long_at(rest, 0)?;
        rest = rest.get(8..)?;
        let mut records: Vec<Record<'a>> = Vec::new();
        while let Some((length, behind)) = rest.split_first() {
            let (key, behind) = behind.split_at_checked(usize::from(*length))?;
            let (numbers, behind) = behind.split_at_checked(8 * NUMBERS)?;
            let key = std::str::from_utf8(key).ok()?;
            if records.last().is_some_and(|before| before.key >= key) {
                return None;
            }
            let number = |place: usize| long_at(numbers, 8 * place);
            let usage = KeyUsage {
                counts: Counts {
                    allowed: number(0)?,
                    would_deny: number(1)?,
                    denied: number(2)?,
                    verified: number(3)?,
                },
                last_accepted: number(4)?,
                last_seen: number(5)?,
            };
            records.push(Record { key, usage });
            rest = behind;
        }
        Some(Self { lost, records })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size());
        bytes.extend(MAGIC);
        bytes.extend(self.lost.to_le_bytes());
        for Record { key, usage } in &self.records {
            // Ids have at most 64 bytes.
            bytes.push(u8::try_from(key.len()).unwrap_or(0));
            bytes.extend(key.as_bytes());
            let counts = usage.counts;
            for number in [
                counts.allowed,
                counts.would_deny,
                counts.denied,
                counts.verified,
                usage.last_accepted,
                usage.last_seen,
            ] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes
    }

    fn size(&self) -> usize {
        let records: usize = self.records.iter().map(Record::size).sum();
        HEADER + records
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.records.binary_search_by(|record| record.key.cmp(key))
    }

    pub(super) fn find(&self, key: &str) -> Option<&Record<'a>> {
        self.records.get(self.place(key).ok()?)
    }

    pub(super) fn add(&mut self, key: &'a str, counts: Counts, now: u64) {
        let place = self.place(key).unwrap_or_else(|place| {
            let usage = KeyUsage::default();
            self.records.insert(place, Record { key, usage });
            place
        });
        if let Some(record) = self.records.get_mut(place) {
            record.usage.add(counts, now);
        }
    }

    /// Drops the least recently used keys until the page is small enough.
    pub(super) fn shrink(&mut self) {
        let mut size = self.size();
        while size > LARGEST {
            let oldest = self.records.iter().enumerate();
            let Some((place, _)) = oldest.min_by_key(|(_, record)| record.usage.last_seen) else {
                return;
            };
            let gone = self.records.remove(place);
            size -= gone.size();
            self.lost = self.lost.saturating_add(gone.usage.counts.total());
        }
    }
}
