//! The built-in permissions: Stripe's, compiled in from `catalogue/permissions.tsv`.

use super::{AccessLevel, Permission};

/// A permission that is built into keyward.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinPermission {
    /// `[A-Za-z0-9_.-]{1,64}`, without `_read` or `_write`.
    pub name: &'static str,
    /// The permission's name on Stripe's key page.
    pub label: &'static str,
    /// The permission's group on that page.
    pub category: &'static str,
    /// Whether the permission can be granted at level `read`.
    pub read: bool,
    /// Whether the permission can be granted at level `write`.
    pub write: bool,
    /// Other spellings of the name.
    pub aliases: &'static [&'static str],
    /// The permissions that this one, at any level, also grants at level `read`.
    pub implied: &'static [Permission],
    /// Whether Stripe marks the permission "(Direct)": it applies to calls on the key's own
    /// account, but not to those on a connected account.
    pub is_direct: bool,
}

impl BuiltinPermission {
    /// Returns whether the permission has this level at Stripe.
    #[must_use]
    pub fn has(&self, level: AccessLevel) -> bool {
        match level {
            AccessLevel::Read => self.read,
            AccessLevel::Write => self.write,
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/permissions.rs"));

/// The prefix of permissions on Stripe's older pages and in its older errors: `rak_customer`.
const OLD_PREFIX: &str = "rak_";

/// Returns the permission with that name, alias, or old spelling of either.
pub(super) fn find(name: &str) -> Option<Permission> {
    exact(name).or_else(|| exact(name.strip_prefix(OLD_PREFIX)?))
}

fn exact(name: &str) -> Option<Permission> {
    let by_name = PERMISSIONS.binary_search_by(|permission| permission.name.cmp(name));
    if let Ok(place) = by_name {
        return u16::try_from(place).ok().map(Permission);
    }
    let by_alias = ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(name));
    ALIASES
        .get(by_alias.ok()?)
        .map(|(_, permission)| *permission)
}

/// Returns the details of a built-in permission, or `None` for one that a snapshot added.
pub(super) fn get(permission: Permission) -> Option<&'static BuiltinPermission> {
    PERMISSIONS.get(permission.place())
}
