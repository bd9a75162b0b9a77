//! The full record of a key, with the names of the sets that it refers to, for code that compares
//! or copies records. A decision reads a [`KeyRecord`].
//!
//! [`KeyRecord`]: super::KeyRecord

use super::grant_table::GrantTable;
use super::key::{Enforcement, KeyStatus};
use super::overlay::{ChangedKey, SetOfKey};
use super::table::{KeyRow, KeyTable};
use super::terms::{NONE, Times};
use crate::account::AccountIndex;
use crate::id::Id;
use crate::key::{KeyKind, Livemode};
use crate::permission::Grants;
use crate::rows::index;

/// The full record of a key.
pub(super) struct KeyView<'a> {
    pub(super) id: Id,
    pub(super) kind: KeyKind,
    pub(super) livemode: Livemode,
    pub(super) status: KeyStatus,
    pub(super) enforcement: Enforcement,
    pub(super) owner: AccountIndex,
    pub(super) times: Times,
    pub(super) ips: Option<&'a [u8]>,
    pub(super) user: Option<&'a str>,
    pub(super) grants: Set<'a>,
    pub(super) connect_grants: Set<'a>,
}

/// The grants that a key refers to.
pub(super) enum Set<'a> {
    None,
    Named(&'a str),
    Own(&'a Grants),
}

impl<'a> KeyView<'a> {
    pub(super) fn of_row(
        keys: &'a KeyTable,
        row: &KeyRow<'a>,
        grants: &'a GrantTable,
    ) -> Option<Self> {
        let terms = keys.terms(row.terms)?;
        let set = |number| match number {
            NONE => Some(Set::None),
            _ => match grants.name(number) {
                Some(name) => Some(Set::Named(name)),
                None => grants.get(number).map(Set::Own),
            },
        };
        let context = keys.context();
        Some(Self {
            id: context.id(row.id)?,
            kind: terms.kind,
            livemode: terms.livemode,
            status: terms.status,
            enforcement: terms.enforcement,
            owner: row.owner,
            times: keys.times(row.times)?,
            ips: match terms.allowed_ips {
                NONE => None,
                list => Some(context.ips.get(index(list)?)?),
            },
            user: keys.user(row),
            grants: set(terms.grants)?,
            connect_grants: set(terms.connect_grants)?,
        })
    }

    pub(super) fn of_changed(key: &'a ChangedKey, grants: &'a GrantTable) -> Option<Self> {
        let set = |set: &'a SetOfKey| match set {
            SetOfKey::None => Some(Set::None),
            SetOfKey::Named(number) => grants.name(*number).map(Set::Named),
            SetOfKey::Own(grants) => Some(Set::Own(grants.as_deref()?)),
        };
        Some(Self {
            id: key.id,
            kind: key.kind,
            livemode: key.livemode,
            status: key.status,
            enforcement: key.enforcement,
            owner: key.owner,
            times: key.times,
            ips: key.ips.as_deref(),
            user: key.user(),
            grants: set(&key.grants)?,
            connect_grants: set(&key.connect_grants)?,
        })
    }

    /// Returns whether two records are equal apart from what they refer to by number.
    pub(super) fn says_the_same(&self, other: &KeyView<'_>) -> bool {
        self.id == other.id
            && self.kind == other.kind
            && self.livemode == other.livemode
            && self.status == other.status
            && self.enforcement == other.enforcement
            && self.times == other.times
            && self.ips == other.ips
            && self.user == other.user
    }
}
