//! What keys share, as rows of separate tables: their terms, and the times between which they work.

use super::key::{Enforcement, KeyStatus};
use crate::key::{KeyKind, Livemode};
use crate::rows::{long_at, number_at};

/// The size of a row of terms: flags, grants, grants on connected accounts, allowed addresses.
pub(super) const TERMS_ROW: usize = 13;

/// The size of a row of times: not before, expires at.
pub(super) const TIMES_ROW: usize = 16;

/// No reference.
pub(super) const NONE: u32 = u32::MAX;

/// No time.
const NO_TIME: u64 = u64::MAX;

const KIND: u8 = 0b11;
const LIVEMODE: u8 = 1 << 2;
const DELETED: u8 = 1 << 3;
const SHADOW: u8 = 1 << 4;
const KNOWN_FLAGS: u8 = KIND | LIVEMODE | DELETED | SHADOW;

/// What a key may do, from where, and its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) kind: KeyKind,
    pub(super) livemode: Livemode,
    pub(super) status: KeyStatus,
    pub(super) enforcement: Enforcement,
    /// Numbers of grant sets, or [`NONE`].
    pub(super) grants: u32,
    pub(super) connect_grants: u32,
    /// The number of a list of ranges, or [`NONE`].
    pub(super) allowed_ips: u32,
}

impl Terms {
    pub(super) fn row(&self) -> [u8; TERMS_ROW] {
        let kind = match self.kind {
            KeyKind::Secret => 0,
            KeyKind::Restricted => 1,
            KeyKind::Publishable => 2,
            KeyKind::Organization => 3,
        };
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags = kind
            | flag(self.livemode.is_live(), LIVEMODE)
            | flag(self.status == KeyStatus::Deleted, DELETED)
            | flag(self.enforcement == Enforcement::Shadow, SHADOW);
        let [g0, g1, g2, g3] = self.grants.to_le_bytes();
        let [c0, c1, c2, c3] = self.connect_grants.to_le_bytes();
        let [a0, a1, a2, a3] = self.allowed_ips.to_le_bytes();
        [flags, g0, g1, g2, g3, c0, c1, c2, c3, a0, a1, a2, a3]
    }

    /// Returns `None` also for unknown flags.
    pub(super) fn read(row: &[u8]) -> Option<Self> {
        let flags = *row.first()?;
        let has = |flag| flags & flag != 0;
        if flags & !KNOWN_FLAGS != 0 {
            return None;
        }
        Some(Self {
            kind: match flags & KIND {
                0 => KeyKind::Secret,
                1 => KeyKind::Restricted,
                2 => KeyKind::Publishable,
                _ => KeyKind::Organization,
            },
            livemode: Livemode::from(has(LIVEMODE)),
            status: if has(DELETED) {
                KeyStatus::Deleted
            } else {
                KeyStatus::Active
            },
            enforcement: if has(SHADOW) {
                Enforcement::Shadow
            } else {
                Enforcement::Enforce
            },
            grants: number_at(row, 1, 4)?,
            connect_grants: number_at(row, 5, 4)?,
            allowed_ips: number_at(row, 9, 4)?,
        })
    }
}

/// The times between which a key works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) not_before: Option<u64>,
    pub(super) expires_at: Option<u64>,
}

impl Times {
    pub(super) fn is_always(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn row(&self) -> [u8; TIMES_ROW] {
        let mut row = [0; TIMES_ROW];
        let bytes = [self.not_before, self.expires_at]
            .into_iter()
            .flat_map(|time| time.unwrap_or(NO_TIME).to_le_bytes());
        for (to, byte) in row.iter_mut().zip(bytes) {
            *to = byte;
        }
        row
    }

    pub(super) fn read(row: &[u8]) -> Option<Self> {
        let time = |start| long_at(row, start).map(|time| (time != NO_TIME).then_some(time));
        Some(Self {
            not_before: time(0)?,
            expires_at: time(8)?,
        })
    }
}
