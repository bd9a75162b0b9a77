//! The built-in permissions: Stripe's, compiled in from `catalogue/permissions.tsv`.

use super::{AccessLevel, Permission};

/// A permission that is built into keyward.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinPermission {
    /// `[A-Za-z0-9_.-]{1,64}`, without `_read` or `_write`.
    pub name: &'static str,
    /// As Stripe's key page names it.
    pub label: &'static str,
    /// The group it is in there.
    pub category: &'static str,
    /// Whether it can be granted to read.
    pub read: bool,
    /// Whether it can be granted to write.
    pub write: bool,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// What anyone who holds it, at any level, may read too.
    pub implied: &'static [Permission],
    /// Whether Stripe marks it "(Direct)": it serves calls on the key's own account, and none on a connected one.
    pub is_direct: bool,
}

impl BuiltinPermission {
    /// Whether Stripe knows it at this level.
    #[must_use]
    pub fn has(&self, level: AccessLevel) -> bool {
        match level {
            AccessLevel::Read => self.read,
            AccessLevel::Write => self.write,
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/permissions.rs"));

/// How Stripe's older pages and errors spell permissions: `rak_customer`.
const OLD_PREFIX: &str = "rak_";

/// The permission of that name, alias, or old spelling of either.
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

/// The built-in permission itself; `None` for one that a snapshot added.
pub(super) fn get(permission: Permission) -> Option<&'static BuiltinPermission> {
    PERMISSIONS.get(permission.place())
}
