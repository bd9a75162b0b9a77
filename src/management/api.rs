//! What the rules must know about an API: its names, its prefixes and its permissions.

use std::collections::HashSet;

use crate::permission::{AccessLevel, Permission, PermissionRegistry};
use crate::profile::Profile;

/// The profile and the permissions of an API. They change with the settings and the endpoints, so
/// stores keep one and share it.
#[derive(Clone, Debug)]
pub struct Api {
    /// Names and prefixes.
    pub profile: Profile,
    /// All permissions: the built-in ones and those that the API's own endpoints name.
    pub permissions: PermissionRegistry,
    /// The permissions that custom endpoints ask for. They may be granted at any level.
    pub asked_by_own: HashSet<Permission>,
}

impl Api {
    /// Returns Stripe's API, without custom endpoints.
    #[must_use]
    pub fn stripe() -> Self {
        Self {
            profile: Profile::stripe(),
            permissions: PermissionRegistry::stripe(),
            asked_by_own: HashSet::new(),
        }
    }

    /// Returns an API whose custom endpoints ask for the permissions with these names.
    #[must_use]
    pub fn new<'a>(
        profile: Profile,
        mut permissions: PermissionRegistry,
        asked: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let asked = asked.into_iter();
        let asked_by_own = asked.filter_map(|name| permissions.find_or_add(name));
        let asked_by_own = asked_by_own.collect();
        Self {
            profile,
            permissions,
            asked_by_own,
        }
    }

    /// Returns whether an endpoint may ask for that level of a permission.
    #[must_use]
    pub fn has_level(&self, permission: Permission, level: AccessLevel) -> bool {
        self.permissions.has_level(permission, level) || self.asked_by_own.contains(&permission)
    }
}
