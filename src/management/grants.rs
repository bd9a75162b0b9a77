//! Permissions by name or by category, and what they add up to. A level that a permission does not
//! have is rejected, because the grant would have no effect.

use super::api::Api;
use super::record::{Granted, Side};
use super::refusal::RuleCode;
use super::shown;
use super::suggest;
use crate::permission::{AccessLevel, Permission};

/// One permission, or a whole category, at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    what: What,
    /// `None` removes what earlier grants gave.
    level: Option<AccessLevel>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Permission(String),
    Category(String),
}

impl Grant {
    /// Creates a grant of `what`: a permission by any of its names, or `category:billing`. Without
    /// a level, it removes what earlier grants gave.
    #[must_use]
    pub fn new(what: &str, level: Option<AccessLevel>) -> Self {
        let what = match what.strip_prefix("category:") {
            Some(category) => What::Category(category.to_owned()),
            None => What::Permission(what.to_owned()),
        };
        Self { what, level }
    }

    /// Reads `customer_read` or `category:billing_write`, as Stripe's API spells a grant.
    #[must_use]
    pub fn of_api(text: &str) -> Option<Self> {
        let of = |level: AccessLevel| {
            let what = text.strip_suffix(level.name())?.strip_suffix('_')?;
            (!what.is_empty()).then(|| Self::new(what, Some(level)))
        };
        of(AccessLevel::Read).or_else(|| of(AccessLevel::Write))
    }
}

/// The permissions that exist, to combine grants of one side.
pub(super) struct Permissions<'a> {
    api: &'a Api,
    side: Side,
}

impl<'a> Permissions<'a> {
    pub(super) fn of(api: &'a Api, side: Side) -> Self {
        Self { api, side }
    }

    /// Adds `grants` to `granted`, in order. Names are written as the catalogue spells them.
    pub(super) fn add(&self, granted: &mut Granted, grants: &[Grant]) -> Result<(), RuleCode> {
        for grant in grants {
            match &grant.what {
                What::Permission(name) => self.one(granted, name, grant.level)?,
                What::Category(name) => self.category(granted, name, grant.level)?,
            }
        }
        Ok(())
    }

    /// Removes a permission from `granted`, which must contain it.
    pub(super) fn take_away(&self, granted: &mut Granted, name: &str) -> Result<(), RuleCode> {
        let permission = self.find(name)?;
        if self.drop(granted, permission) {
            return Ok(());
        }
        Err(RuleCode::NotGranted {
            name: self.api.permissions.name(permission).to_owned(),
            granted: granted.keys().cloned().collect(),
            side: self.side,
        })
    }

    fn one(
        &self,
        granted: &mut Granted,
        name: &str,
        level: Option<AccessLevel>,
    ) -> Result<(), RuleCode> {
        let permission = self.find(name)?;
        if let Some(level) = level
            && !self.api.has_level(permission, level)
        {
            return Err(RuleCode::PermissionLevelUnknown {
                name: self.api.permissions.name(permission).to_owned(),
                level,
                side: self.side,
            });
        }
        self.put(granted, permission, level);
        Ok(())
    }

    /// Adds a whole category. A permission without the level `write` is granted at `read`, because
    /// `write` includes `read`. A permission without the level `read` is not granted by `read`.
    fn category(
        &self,
        granted: &mut Granted,
        name: &str,
        level: Option<AccessLevel>,
    ) -> Result<(), RuleCode> {
        let registry = &self.api.permissions;
        let category =
            suggest::category(registry, name).ok_or_else(|| RuleCode::CategoryUnknown {
                name: shown(name, self.api.profile.known_prefixes()).to_owned(),
                near: suggest::unknown_category(registry, name),
                side: self.side,
            })?;
        let all = registry.iter();
        for permission in all.filter(|one| registry.category(*one) == Some(category)) {
            let level = match level {
                Some(AccessLevel::Write) if !self.api.has_level(permission, AccessLevel::Write) => {
                    Some(AccessLevel::Read)
                }
                Some(AccessLevel::Read) if !self.api.has_level(permission, AccessLevel::Read) => {
                    continue;
                }
                level => level,
            };
            self.put(granted, permission, level);
        }
        Ok(())
    }

    fn put(&self, granted: &mut Granted, permission: Permission, level: Option<AccessLevel>) {
        self.drop(granted, permission);
        if let Some(level) = level {
            let name = self.api.permissions.name(permission);
            granted.insert(name.to_owned(), level);
        }
    }

    /// Removes a permission, whatever its spelling.
    fn drop(&self, granted: &mut Granted, permission: Permission) -> bool {
        let before = granted.len();
        granted.retain(|name, _| self.api.permissions.find(name) != Some(permission));
        granted.len() < before
    }

    fn find(&self, name: &str) -> Result<Permission, RuleCode> {
        let found = self.api.permissions.find(name);
        found.ok_or_else(|| RuleCode::PermissionUnknown {
            name: shown(name, self.api.profile.known_prefixes()).to_owned(),
            meant: suggest::unknown_permission(&self.api.permissions, name),
            side: self.side,
        })
    }
}
