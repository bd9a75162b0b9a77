//! What an operator lets a query expand at a custom endpoint.

use crate::permission::Permission;

/// Paths of names, and the permission that each expansion needs. `*` matches any name.
pub type AddedExpansions = Box<[(Box<str>, Permission)]>;

/// What an operator lets a query expand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansions<'a>(&'a [(Box<str>, Permission)]);

impl<'a> Expansions<'a> {
    pub(super) fn of(added: &'a AddedExpansions) -> Self {
        Self(added)
    }

    /// Returns all permissions that expansions need.
    pub fn permissions(self) -> impl Iterator<Item = Permission> + use<'a> {
        self.0.iter().map(|(_, permission)| *permission)
    }

    /// Returns the permission that expanding `path` needs. A step `*` matches any name.
    #[must_use]
    pub fn permission(self, path: &str) -> Option<&'a [Permission]> {
        let is_same = |pattern: &str| {
            let mut names = path.split('.');
            let fits = pattern.split('.').all(|step| {
                let name = names.next();
                name.is_some_and(|name| step == "*" || step == name)
            });
            fits && names.next().is_none()
        };
        let found = self.0.iter().find(|(pattern, _)| is_same(pattern));
        found.map(|(_, permission)| std::slice::from_ref(permission))
    }
}
