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
    /// The built-in permission at that place of [`PERMISSIONS`], for the tables that the build makes.
    pub(crate) const fn builtin(place: u16) -> Self {
        Self(place)
    }

    /// Whether it is a built-in one that Stripe marks "(Direct)": it serves calls on the key's own account, and none on a connected one.
    #[must_use]
    pub fn is_direct(self) -> bool {
        builtin::get(self).is_some_and(|builtin| builtin.is_direct)
    }

    /// Its place in the registry.
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }
}

words! {
    /// Read or write. Write includes read.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum AccessLevel {
        /// Retrieve and list.
        Read = "read",
        /// Everything else, and read.
        Write = "write",
    }
}

impl AccessLevel {
    /// `Read` or `Write`, as Stripe's texts spell it next to a label.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
        }
    }
}
