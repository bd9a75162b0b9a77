//! The header of a delta.

use crate::refusal::{Place, Refusal};
use crate::rows::{long_at, number_at};

/// The first bytes of a delta. No text starts with the first byte, and the others do not survive a
/// transfer as text.
pub(super) const MAGIC: [u8; 8] = *b"\x89KWD\r\n\x1a\n";

/// The version of the layout.
const VERSION: u32 = 1;

/// The size of a header in bytes.
pub(super) const HEADER: usize = 48;

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) gone_keys: u32,
    pub(super) gone_accounts: u32,
    pub(super) gone_account_bytes: u32,
    pub(super) gone_sets: u32,
    pub(super) gone_set_bytes: u32,
    pub(super) from: u64,
    pub(super) to: u64,
    version: u32,
}

impl Header {
    /// Reads the header at the start of a delta. Returns `None` if `bytes` start differently.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) {
            return None;
        }
        let number = |place: usize| number_at(bytes, 8 + 4 * place, 4);
        Some(Self {
            version: number(0)?,
            gone_keys: number(1)?,
            gone_accounts: number(2)?,
            gone_account_bytes: number(3)?,
            gone_sets: number(4)?,
            gone_set_bytes: number(5)?,
            from: long_at(bytes, 32)?,
            to: long_at(bytes, 40)?,
        })
    }

    pub(super) fn check_version(&self, place: &Place) -> Result<(), Refusal> {
        if self.version == VERSION {
            Ok(())
        } else {
            Err(place.expected("version 1 of the layout of deltas"))
        }
    }

    /// Writes a header with these counts. `gone` counts keys, accounts, bytes of their ids, grant
    /// sets, and bytes of their names.
    pub(super) fn write(gone: [u32; 5], from: u64, to: u64) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend(gone.into_iter().flat_map(u32::to_le_bytes));
        header.extend(from.to_le_bytes());
        header.extend(to.to_le_bytes());
        header
    }
}
