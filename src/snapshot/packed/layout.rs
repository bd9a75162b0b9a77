//! The header of a packed snapshot, and the order of the parts after it.

use crate::rows::{long_at, number_at};

/// The first bytes of a packed snapshot. No text starts with the first byte, and the others do not
/// survive a transfer as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89KWS\r\n\x1a\n";

/// The version of the layout.
pub(super) const VERSION: u32 = 1;

/// The size of a header in bytes.
pub(super) const HEADER: usize = 76;

/// The offset at which the checksum's range begins.
pub(super) const COVERED: usize = 16;

/// The seed of the checksum.
pub(super) const SEED: u64 = 0;

/// The counts, in the order of the header and of the file. After the head's size, each number of
/// items is followed by the total size of these items, except for `terms`, `times` and `keys`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) head_bytes: u32,
    pub(super) accounts: u32,
    pub(super) account_id_bytes: u32,
    pub(super) grant_sets: u32,
    pub(super) grant_bytes: u32,
    pub(super) ip_lists: u32,
    pub(super) ip_bytes: u32,
    pub(super) terms: u32,
    pub(super) times: u32,
    pub(super) other_ids: u32,
    pub(super) other_id_bytes: u32,
    pub(super) keys: u32,
    pub(super) users: u32,
    pub(super) user_bytes: u32,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) checksum: u64,
    pub(super) version: u32,
    pub(super) counts: Counts,
}

impl Header {
    /// Returns `None` if `bytes` are not a header: if they are too short, or begin with another
    /// magic.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != HEADER || !bytes.starts_with(&MAGIC) {
            return None;
        }
        let number = |place: usize| number_at(bytes, COVERED + 4 * place, 4);
        Some(Self {
            checksum: long_at(bytes, 8)?,
            version: number(0)?,
            counts: Counts {
                head_bytes: number(1)?,
                accounts: number(2)?,
                account_id_bytes: number(3)?,
                grant_sets: number(4)?,
                grant_bytes: number(5)?,
                ip_lists: number(6)?,
                ip_bytes: number(7)?,
                terms: number(8)?,
                times: number(9)?,
                other_ids: number(10)?,
                other_id_bytes: number(11)?,
                keys: number(12)?,
                users: number(13)?,
                user_bytes: number(14)?,
            },
        })
    }
}

impl Counts {
    /// Returns the part of a header that the checksum covers.
    pub(super) fn covered(&self) -> Vec<u8> {
        let Self {
            head_bytes,
            accounts,
            account_id_bytes,
            grant_sets,
            grant_bytes,
            ip_lists,
            ip_bytes,
            terms,
            times,
            other_ids,
            other_id_bytes,
            keys,
            users,
            user_bytes,
        } = *self;
        [
            VERSION,
            head_bytes,
            accounts,
            account_id_bytes,
            grant_sets,
            grant_bytes,
            ip_lists,
            ip_bytes,
            terms,
            times,
            other_ids,
            other_id_bytes,
            keys,
            users,
            user_bytes,
        ]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect()
    }
}
