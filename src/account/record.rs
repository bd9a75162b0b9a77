//! One account: as a snapshot lists it, and as its row stores it.

use super::changed::ChangedRow;
use super::number::AccountIndex;
use super::{AccountStatus, Children, IdKind};
use crate::rows::number_at;

/// The size of an account's row in bytes: the number of its parent's row, and its flags.
pub(crate) const ACCOUNT_ROW: usize = 5;

/// The value that a root has instead of a parent's number.
pub(super) const NO_PARENT: u32 = u32::MAX;

const ORGANIZATION: u8 = 1;
const ANY_CHILDREN: u8 = 1 << 1;
const SUSPENDED: u8 = 1 << 2;
pub(super) const LISTED_CHILDREN: u8 = 1 << 3;
/// All known flags.
pub(super) const FLAGS: u8 = ORGANIZATION | ANY_CHILDREN | SUSPENDED | LISTED_CHILDREN;

/// An account or organization, as a snapshot lists it.
#[derive(Clone, Copy, Debug)]
pub struct ListedAccount<'a> {
    /// The id.
    pub id: &'a str,
    /// Account or organization.
    pub kind: IdKind,
    /// Which ids keyward accepts below it.
    pub children: Children,
    /// Whether it is active.
    pub status: AccountStatus,
    /// The id of the account above it.
    pub parent: Option<&'a str>,
}

/// One account or organization.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub(super) id: &'a str,
    pub(super) parent: Option<AccountIndex>,
    pub(super) flags: u8,
}

impl<'a> Account<'a> {
    pub(super) fn read(id: &'a [u8], row: &[u8]) -> Option<Self> {
        let parent = number_at(row, 0, 4)?;
        Some(Self {
            id: std::str::from_utf8(id).ok()?,
            parent: (parent != NO_PARENT).then_some(AccountIndex(parent)),
            flags: *row.get(4)?,
        })
    }

    pub(super) fn of_changed(id: &'a str, row: ChangedRow) -> Self {
        Self {
            id,
            parent: row.parent,
            flags: row.flags,
        }
    }

    /// Returns the account's content, with its parent at another number.
    pub(crate) fn moved(&self, parent: Option<AccountIndex>) -> ChangedRow {
        ChangedRow {
            parent,
            flags: self.flags,
        }
    }

    /// Returns the account with the status suspended.
    pub(crate) fn suspended(self) -> Self {
        Self {
            flags: self.flags | SUSPENDED,
            ..self
        }
    }

    /// Returns the account's row, with its parent at another number.
    pub(crate) fn row(&self, parent: Option<u32>) -> [u8; ACCOUNT_ROW] {
        let [p0, p1, p2, p3] = parent.unwrap_or(NO_PARENT).to_le_bytes();
        [p0, p1, p2, p3, self.flags]
    }

    /// Returns whether both are of the same kind, accept the same children and have the same
    /// status.
    pub(crate) fn has_the_flags_of(&self, other: &Account<'_>) -> bool {
        self.flags == other.flags
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Returns whether this is an account or an organization.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        if self.has(ORGANIZATION) {
            IdKind::Organization
        } else {
            IdKind::Account
        }
    }

    /// Returns the account above it.
    #[must_use]
    pub fn parent(&self) -> Option<AccountIndex> {
        self.parent
    }

    /// Returns which ids keyward accepts below it.
    #[must_use]
    pub fn children(&self) -> Children {
        if self.has(ANY_CHILDREN) {
            Children::Any
        } else {
            Children::Listed
        }
    }

    /// Returns whether it is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.has(SUSPENDED)
    }

    /// Returns whether it has no parent.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// Returns whether it may have connected accounts.
    #[must_use]
    pub fn is_platform(&self) -> bool {
        self.has(LISTED_CHILDREN | ANY_CHILDREN)
    }
}

/// Returns the flags of an account.
pub(super) fn flags(account: &ListedAccount<'_>, has_children: bool) -> u8 {
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    flag(account.kind == IdKind::Organization, ORGANIZATION)
        | flag(account.children == Children::Any, ANY_CHILDREN)
        | flag(account.status == AccountStatus::Suspended, SUSPENDED)
        | flag(has_children, LISTED_CHILDREN)
}
