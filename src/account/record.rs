//! One account: as it is listed, and as its row has it.

use super::changed::ChangedRow;
use super::number::AccountIndex;
use super::{AccountStatus, Children, IdKind};
use crate::rows::number_at;

/// The bytes of an account's row: the number of its parent's row, and its flags.
pub(crate) const ACCOUNT_ROW: usize = 5;

/// The parent of a root.
pub(super) const NO_PARENT: u32 = u32::MAX;

const ORGANIZATION: u8 = 1;
const ANY_CHILDREN: u8 = 1 << 1;
const SUSPENDED: u8 = 1 << 2;
pub(super) const LISTED_CHILDREN: u8 = 1 << 3;
/// The flags that there are.
pub(super) const FLAGS: u8 = ORGANIZATION | ANY_CHILDREN | SUSPENDED | LISTED_CHILDREN;

/// One account or organization, as it is listed.
#[derive(Clone, Copy, Debug)]
pub struct ListedAccount<'a> {
    /// The id.
    pub id: &'a str,
    /// Account or organization.
    pub kind: IdKind,
    /// Which ids are accepted below it.
    pub children: Children,
    /// Whether it is in use.
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

    /// What it says of itself, with its parent at another number.
    pub(crate) fn moved(&self, parent: Option<AccountIndex>) -> ChangedRow {
        ChangedRow {
            parent,
            flags: self.flags,
        }
    }

    /// Its row, with its parent at another number.
    pub(crate) fn row(&self, parent: Option<u32>) -> [u8; ACCOUNT_ROW] {
        let [p0, p1, p2, p3] = parent.unwrap_or(NO_PARENT).to_le_bytes();
        [p0, p1, p2, p3, self.flags]
    }

    /// Whether both are of one kind, take the same children and are in the same state.
    pub(crate) fn has_the_flags_of(&self, other: &Account<'_>) -> bool {
        self.flags == other.flags
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Account or organization.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        if self.has(ORGANIZATION) {
            IdKind::Organization
        } else {
            IdKind::Account
        }
    }

    /// The account above it.
    #[must_use]
    pub fn parent(&self) -> Option<AccountIndex> {
        self.parent
    }

    /// Which ids are accepted below it.
    #[must_use]
    pub fn children(&self) -> Children {
        if self.has(ANY_CHILDREN) {
            Children::Any
        } else {
            Children::Listed
        }
    }

    /// Whether it is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.has(SUSPENDED)
    }

    /// Whether it has no parent.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether it may have connected accounts at all.
    #[must_use]
    pub fn is_platform(&self) -> bool {
        self.has(LISTED_CHILDREN | ANY_CHILDREN)
    }
}

/// The flags of an account.
pub(super) fn flags(account: &ListedAccount<'_>, has_children: bool) -> u8 {
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    flag(account.kind == IdKind::Organization, ORGANIZATION)
        | flag(account.children == Children::Any, ANY_CHILDREN)
        | flag(account.status == AccountStatus::Suspended, SUSPENDED)
        | flag(has_children, LISTED_CHILDREN)
}
