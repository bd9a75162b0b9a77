//! The names of permissions: the built-in ones, in every spelling, and those that a snapshot's
//! endpoints add.

use std::collections::HashMap;

use super::builtin::{self, BuiltinPermission, PERMISSIONS};
use super::{AccessLevel, Permission};

/// All permissions of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionRegistry {
    added: Vec<Box<str>>,
    by_name: HashMap<Box<str>, Permission>,
    implies: bool,
}

impl PermissionRegistry {
    /// Returns Stripe's permissions, with what they imply.
    #[must_use]
    pub fn stripe() -> Self {
        Self {
            added: Vec::new(),
            by_name: HashMap::new(),
            implies: true,
        }
    }

    /// Returns the registry for a custom API. It knows Stripe's names and aliases, but no
    /// permission implies another.
    #[must_use]
    pub fn without_implications() -> Self {
        Self {
            implies: false,
            ..Self::stripe()
        }
    }

    /// Returns the permission with that name, if there is one. Built-in ones are also found by
    /// their aliases and with the prefix `rak_`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Permission> {
        builtin::find(name).or_else(|| self.by_name.get(name).copied())
    }

    /// Returns the permission with that name, and adds it if it is new. Returns `None` if there are
    /// already 65,536.
    pub fn find_or_add(&mut self, name: &str) -> Option<Permission> {
        self.find(name).or_else(|| {
            let permission = Permission(u16::try_from(PERMISSIONS.len() + self.added.len()).ok()?);
            self.added.push(name.into());
            self.by_name.insert(name.into(), permission);
            Some(permission)
        })
    }

    /// Returns every permission: the built-in ones by name, then the added ones in order.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + use<> {
        let count = PERMISSIONS.len() + self.added.len();
        (0..=u16::MAX).take(count).map(Permission)
    }

    /// Returns the canonical name.
    #[must_use]
    pub fn name(&self, permission: Permission) -> &str {
        match builtin::get(permission) {
            Some(builtin) => builtin.name,
            None => permission
                .place()
                .checked_sub(PERMISSIONS.len())
                .and_then(|place| self.added.get(place))
                .map_or("", |added| added),
        }
    }

    /// Returns the details of a built-in permission, or `None` for one that the snapshot added.
    #[must_use]
    pub fn builtin(&self, permission: Permission) -> Option<&'static BuiltinPermission> {
        builtin::get(permission)
    }

    /// Returns the label of a built-in permission.
    #[must_use]
    pub fn label(&self, permission: Permission) -> Option<&'static str> {
        builtin::get(permission).map(|builtin| builtin.label)
    }

    /// Returns the category of a built-in permission.
    #[must_use]
    pub fn category(&self, permission: Permission) -> Option<&'static str> {
        builtin::get(permission).map(|builtin| builtin.category)
    }

    /// Returns whether the permission can be granted at that level. A permission that the snapshot
    /// added has both levels.
    #[must_use]
    pub fn has_level(&self, permission: Permission, level: AccessLevel) -> bool {
        builtin::get(permission).is_none_or(|builtin| builtin.has(level))
    }

    /// Returns what a grant of the permission, at any level, also allows to read. This is a single
    /// step: implied permissions imply nothing further here.
    #[must_use]
    pub fn implied(&self, permission: Permission) -> &'static [Permission] {
        match builtin::get(permission) {
            Some(builtin) if self.implies => builtin.implied,
            Some(_) | None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_its_canonical_permission() {
        let registry = PermissionRegistry::stripe();
        for builtin in PERMISSIONS {
            let permission = registry.find(builtin.name).unwrap();
            assert_eq!(registry.name(permission), builtin.name);
            assert_eq!(registry.label(permission), Some(builtin.label));
            assert_eq!(registry.category(permission), Some(builtin.category));
            for spelling in builtin.aliases.iter().chain([&builtin.name]) {
                assert_eq!(registry.find(spelling), Some(permission), "`{spelling}`");
                let old = format!("rak_{spelling}");
                assert_eq!(registry.find(&old), Some(permission), "`{old}`");
            }
        }
        for stranger in ["", "rak_", "rak_rak_customer", "Customer", "customers_"] {
            assert_eq!(registry.find(stranger), None, "`{stranger}`");
        }
    }

    #[test]
    fn a_permission_that_was_added_has_one_spelling_and_both_levels() {
        let mut registry = PermissionRegistry::stripe();
        assert_eq!(registry.find("widget"), None);
        let widget = registry.find_or_add("widget").unwrap();
        assert_eq!(registry.find_or_add("widget"), Some(widget));
        assert_eq!(registry.find("widget"), Some(widget));
        assert_eq!(registry.find("rak_widget"), None);
        assert_eq!(registry.name(widget), "widget");
        assert_eq!(registry.label(widget), None);
        assert!(registry.has_level(widget, AccessLevel::Write));
        assert!(registry.implied(widget).is_empty());
        assert_eq!(registry.iter().last(), Some(widget));
        assert_eq!(registry.iter().count(), PERMISSIONS.len() + 1);
    }

    #[test]
    fn a_built_in_permission_is_not_added_under_another_spelling() {
        let mut registry = PermissionRegistry::without_implications();
        let customer = registry.find("customer");
        assert!(customer.is_some());
        assert_eq!(registry.find_or_add("rak_customer"), customer);
        assert_eq!(registry.iter().count(), PERMISSIONS.len());
    }

    #[test]
    fn levels_are_those_of_stripe() {
        let registry = PermissionRegistry::stripe();
        let balance = registry.find("balance").unwrap();
        assert!(registry.has_level(balance, AccessLevel::Read));
        assert!(!registry.has_level(balance, AccessLevel::Write));
    }

    #[test]
    fn nothing_is_implied_without_stripes_catalogue() {
        let registry = PermissionRegistry::without_implications();
        assert!(
            registry
                .iter()
                .all(|permission| registry.implied(permission).is_empty())
        );
    }
}
