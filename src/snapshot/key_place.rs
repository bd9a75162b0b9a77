//! Where the record of a key stands, for code that goes through all of them.

use std::cmp::Ordering;

use crate::digest::KeyDigest;

/// Where a key is: in a row of the table, or in front of the table if there is none.
#[derive(Clone, Copy)]
pub(super) struct KeyPlace<'a> {
    bytes: &'a [u8; 32],
    pub(super) row: Option<&'a [u8]>,
}

impl<'a> KeyPlace<'a> {
    pub(super) fn of_row(row: &'a [u8]) -> Option<Self> {
        Some(Self {
            bytes: row.first_chunk()?,
            row: Some(row),
        })
    }

    pub(super) fn of_changed(digest: &'a KeyDigest) -> Self {
        Self {
            bytes: digest.as_bytes(),
            row: None,
        }
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::from_bytes(*self.bytes)
    }

    /// Compares two places by their digests.
    pub(super) fn order(&self, other: &KeyPlace<'_>) -> Ordering {
        self.bytes.cmp(other.bytes)
    }
}
