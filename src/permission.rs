//! Permissions, access levels, and what a key is granted.

use std::collections::HashMap;

/// An object permission: an index into the [`PermissionRegistry`] of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(u16);

/// Read or write. Write includes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Retrieve and list.
    Read,
    /// Everything else, and read.
    Write,
}

impl AccessLevel {
    /// `read` or `write`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// `Read` or `Write`, as Stripe's texts spell it beside a label.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
        }
    }
}

/// A permission that keyward knows without being told.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinPermission {
    /// `[A-Za-z0-9_.-]{1,64}`, without `_read` or `_write`.
    pub name: &'static str,
    /// As Stripe's key page names it.
    pub label: &'static str,
    /// Spellings that other public sources use.
    pub aliases: &'static [&'static str],
}

/// The names of permissions: the built-in ones and those a snapshot's endpoints add.
#[derive(Clone, Debug)]
pub struct PermissionRegistry {
    builtin: &'static [BuiltinPermission],
    added: Vec<Box<str>>,
    by_name: HashMap<Box<str>, Permission>,
}

impl PermissionRegistry {
    /// `builtin` is sorted by name.
    #[must_use]
    pub fn new(builtin: &'static [BuiltinPermission]) -> Self {
        Self {
            builtin,
            added: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// The permission of that name or alias, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Permission> {
        let builtin = self
            .builtin
            .binary_search_by(|permission| permission.name.cmp(name))
            .ok()
            .or_else(|| {
                self.builtin
                    .iter()
                    .position(|permission| permission.aliases.contains(&name))
            });
        match builtin {
            Some(index) => u16::try_from(index).ok().map(Permission),
            None => self.by_name.get(name).copied(),
        }
    }

    /// The permission of that name, added if it is new. `None` when 65,536 are known.
    pub fn find_or_add(&mut self, name: &str) -> Option<Permission> {
        self.find(name).or_else(|| {
            let index = u16::try_from(self.builtin.len() + self.added.len()).ok()?;
            self.added.push(name.into());
            self.by_name.insert(name.into(), Permission(index));
            Some(Permission(index))
        })
    }

    /// The canonical name.
    #[must_use]
    pub fn name(&self, permission: Permission) -> &str {
        let index = usize::from(permission.0);
        match self.builtin.get(index) {
            Some(builtin) => builtin.name,
            None => self
                .added
                .get(index.saturating_sub(self.builtin.len()))
                .map_or("", |added| added),
        }
    }

    /// The label of a built-in permission.
    #[must_use]
    pub fn label(&self, permission: Permission) -> Option<&'static str> {
        self.builtin
            .get(usize::from(permission.0))
            .map(|builtin| builtin.label)
    }
}

/// What a key may do: permissions, each with the highest level granted. Empty grants deny everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants(Box<[(Permission, AccessLevel)]>);

impl Grants {
    /// `None` where a permission is named twice.
    #[must_use]
    pub fn new(mut granted: Vec<(Permission, AccessLevel)>) -> Option<Self> {
        granted.sort_unstable();
        let twice = granted
            .windows(2)
            .any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
        (!twice).then(|| Self(granted.into()))
    }

    /// Whether `permission` is granted at `level` or above.
    #[must_use]
    pub fn allow(&self, permission: Permission, level: AccessLevel) -> bool {
        self.0
            .binary_search_by_key(&permission, |(granted, _)| *granted)
            .ok()
            .and_then(|place| self.0.get(place))
            .is_some_and(|(_, granted)| *granted >= level)
    }

    /// Whether nothing at all is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTIN: &[BuiltinPermission] = &[
        BuiltinPermission {
            name: "charge",
            label: "Charges",
            aliases: &[],
        },
        BuiltinPermission {
            name: "top_up",
            label: "Top-ups",
            aliases: &["topup"],
        },
    ];

    #[test]
    fn write_includes_read_and_read_does_not_include_write() {
        let registry = PermissionRegistry::new(BUILTIN);
        let charge = registry.find("charge").unwrap();
        let topup = registry.find("topup").unwrap();
        let grants = Grants::new(vec![
            (topup, AccessLevel::Read),
            (charge, AccessLevel::Write),
        ])
        .unwrap();
        assert!(grants.allow(charge, AccessLevel::Read));
        assert!(grants.allow(charge, AccessLevel::Write));
        assert!(grants.allow(topup, AccessLevel::Read));
        assert!(!grants.allow(topup, AccessLevel::Write));
    }

    #[test]
    fn empty_grants_deny_everything() {
        let charge = PermissionRegistry::new(BUILTIN).find("charge").unwrap();
        assert!(!Grants::default().allow(charge, AccessLevel::Read));
    }

    #[test]
    fn an_alias_is_its_canonical_permission() {
        let mut registry = PermissionRegistry::new(BUILTIN);
        assert_eq!(registry.find("topup"), registry.find("top_up"));
        assert_eq!(registry.find("widget"), None);
        let widget = registry.find_or_add("widget").unwrap();
        assert_eq!(registry.find("widget"), Some(widget));
        assert_eq!(registry.name(widget), "widget");
        let topup = registry.find("topup").unwrap();
        assert_eq!(registry.name(topup), "top_up");
        assert_eq!(
            Grants::new(vec![
                (topup, AccessLevel::Read),
                (topup, AccessLevel::Write)
            ]),
            None
        );
    }
}
