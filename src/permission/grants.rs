//! The permissions that a key is granted.

use super::{AccessLevel, Permission, PermissionRegistry};
use crate::order::sort;

/// What a key may do: permissions, each with the highest level granted. Empty grants deny everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// All permissions, sorted.
    all: Box<[(Permission, AccessLevel)]>,
    /// The implied permissions, sorted. No grant names them.
    implied: Box<[Permission]>,
}

impl Grants {
    /// Returns the named grants and what they imply, or `None` if a permission is named twice.
    #[must_use]
    pub fn new(
        mut granted: Vec<(Permission, AccessLevel)>,
        registry: &PermissionRegistry,
    ) -> Option<Self> {
        sort(&mut granted);
        let twice = granted
            .windows(2)
            .any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
        if twice {
            return None;
        }
        let mut implied: Vec<(Permission, AccessLevel)> = granted
            .iter()
            .flat_map(|(permission, _)| registry.implied(*permission))
            .filter(|implied| find(&granted, **implied).is_none())
            .map(|implied| (*implied, AccessLevel::Read))
            .collect();
        sort(&mut implied);
        implied.dedup();
        granted.extend_from_slice(&implied);
        sort(&mut granted);
        Some(Self {
            all: granted.into(),
            implied: implied.iter().map(|(permission, _)| *permission).collect(),
        })
    }

    /// Returns the named grants with the names that `registry` gives them, sorted by name, so that
    /// grants of two registries can be compared.
    pub(crate) fn written<'r>(
        &self,
        registry: &'r PermissionRegistry,
    ) -> Vec<(&'r str, AccessLevel)> {
        let is_written = |permission| self.implied.binary_search(&permission).is_err();
        let written = self
            .iter()
            .filter(|(permission, _)| is_written(*permission));
        let mut written = written
            .map(|(permission, level)| (registry.name(permission), level))
            .collect();
        sort(&mut written);
        written
    }

    /// Returns the same grants under another registry, or `None` if it no longer knows one of them.
    pub(crate) fn under(
        &self,
        before: &PermissionRegistry,
        after: &PermissionRegistry,
    ) -> Option<Self> {
        let written = self.written(before).into_iter();
        let granted = written.map(|(name, level)| Some((after.find(name)?, level)));
        Self::new(granted.collect::<Option<_>>()?, after)
    }

    /// Returns whether `permission` is granted at `level` or above.
    #[must_use]
    pub fn allow(&self, permission: Permission, level: AccessLevel) -> bool {
        find(&self.all, permission).is_some_and(|granted| granted >= level)
    }

    /// Returns each permission with its highest level, including implied ones.
    pub fn iter(&self) -> impl Iterator<Item = (Permission, AccessLevel)> {
        self.all.iter().copied()
    }

    /// Returns whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

fn find(granted: &[(Permission, AccessLevel)], permission: Permission) -> Option<AccessLevel> {
    let place = granted.binary_search_by_key(&permission, |(known, _)| *known);
    granted.get(place.ok()?).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: AccessLevel = AccessLevel::Read;
    const WRITE: AccessLevel = AccessLevel::Write;

    #[test]
    fn write_includes_read_and_read_does_not_include_write() {
        let mut registry = PermissionRegistry::without_implications();
        let widget = registry.find_or_add("widget").unwrap();
        let gadget = registry.find_or_add("gadget").unwrap();
        let grants = Grants::new(vec![(gadget, READ), (widget, WRITE)], &registry).unwrap();
        assert!(grants.allow(widget, READ));
        assert!(grants.allow(widget, WRITE));
        assert!(grants.allow(gadget, READ));
        assert!(!grants.allow(gadget, WRITE));
    }

    #[test]
    fn empty_grants_deny_everything() {
        let registry = PermissionRegistry::stripe();
        for permission in registry.iter() {
            assert!(!Grants::default().allow(permission, READ));
        }
    }

    #[test]
    fn a_permission_is_granted_once() {
        let registry = PermissionRegistry::stripe();
        let customer = registry.find("customer").unwrap();
        let twice = vec![(customer, READ), (customer, WRITE)];
        assert_eq!(Grants::new(twice, &registry), None);
    }

    #[test]
    fn what_is_implied_may_be_read_and_goes_one_step() {
        let registry = PermissionRegistry::stripe();
        for granted in registry.iter() {
            for level in [READ, WRITE] {
                let grants = Grants::new(vec![(granted, level)], &registry).unwrap();
                for other in registry.iter().filter(|other| *other != granted) {
                    let implied = registry.implied(granted).contains(&other);
                    assert_eq!(grants.allow(other, READ), implied);
                    assert!(!grants.allow(other, WRITE));
                }
            }
        }
    }

    #[test]
    fn what_was_written_is_granted_under_another_registry_and_what_was_implied_is_not() {
        let stripe = PermissionRegistry::stripe();
        let granted = stripe
            .iter()
            .find(|it| !stripe.implied(*it).is_empty())
            .unwrap();
        let implied = stripe.implied(granted)[0];
        let mut own = PermissionRegistry::without_implications();
        let widget = own.find_or_add("widget").unwrap();
        let grants = Grants::new(vec![(granted, WRITE)], &stripe).unwrap();
        assert!(grants.allow(implied, READ));
        let moved = grants.under(&stripe, &own).unwrap();
        assert!(moved.allow(granted, WRITE));
        assert!(!moved.allow(implied, READ));
        assert_eq!(moved.under(&own, &stripe), Some(grants));
        let widgets = Grants::new(vec![(widget, READ)], &own).unwrap();
        assert_eq!(widgets.under(&own, &stripe), None);
    }

    #[test]
    fn what_is_granted_by_name_keeps_its_level() {
        let registry = PermissionRegistry::stripe();
        for granted in registry.iter() {
            for implied in registry.implied(granted) {
                let grants = vec![(granted, READ), (*implied, WRITE)];
                let grants = Grants::new(grants, &registry).unwrap();
                assert!(grants.allow(*implied, WRITE));
            }
        }
    }
}
