//! Permissions, access levels, and what a key is granted.

mod builtin;
mod grants;
mod registry;

pub use builtin::{BuiltinPermission, PERMISSIONS};
pub use grants::Grants;
pub use registry::PermissionRegistry;

use crate::word::words;

/// An object permission: an index into the [`PermissionRegistry`] of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(u16);

impl Permission {
    /// Returns the built-in permission at that place in [`PERMISSIONS`], for the tables that the
    /// build creates.
    pub(crate) const fn builtin(place: u16) -> Self {
        Self(place)
    }

    /// Returns whether this is a built-in permission that Stripe marks "(Direct)": it applies to
    /// calls on the key's own account, but not to those on a connected account.
    #[must_use]
    pub fn is_direct(self) -> bool {
        builtin::get(self).is_some_and(|builtin| builtin.is_direct)
    }

    /// Returns the permission's place in the registry.
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }
}

words! {
    /// Read or write. Write includes read.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum AccessLevel {
        /// Retrieving and listing.
        Read = "read",
        /// Everything else, and reading.
        Write = "write",
    }
}

impl AccessLevel {
    /// Returns `Read` or `Write`, as Stripe's texts spell it after a label.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
        }
    }
}
