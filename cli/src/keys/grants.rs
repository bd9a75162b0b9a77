//! `--grant customer=read` and its kin: permissions by name or by category, with what they come to. A name nobody knows is refused with the names it may have meant; so is a
//! level that a permission does not have, because the grant would not do what it says.

use anyhow::{Result, bail};

use super::category;
use super::suggest;
use keyward::permission::{AccessLevel, Permission, PermissionRegistry};
use keyward::profile::Profile;
use keyward_files::key_file::{Granted, KeyFile, is_id};

/// One `--grant`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    what: What,
    /// `None` takes away what earlier ones gave.
    level: Option<AccessLevel>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Permission(String),
    Category(String),
}

/// Reads `customer=read` or `category:billing=write`.
pub(super) fn grant(text: &str) -> Result<Grant, String> {
    let (what, level) = text.split_once('=').ok_or_else(|| {
        let (name, level) = with_ending(text).unwrap_or(("customer", "read"));
        format!("expected a permission and its level, such as `{name}={level}`")
    })?;
    let level = match level {
        "none" => None,
        "read" => Some(AccessLevel::Read),
        "write" => Some(AccessLevel::Write),
        _ => return Err("expected the level `read`, `write` or `none`".to_owned()),
    };
    let what = match what.strip_prefix("category:") {
        Some(category) => What::Category(category.to_owned()),
        None => What::Permission(what.to_owned()),
    };
    Ok(Grant { what, level })
}

/// `customer_read`, as Stripe's API spells a grant: the permission and the level.
pub(super) fn with_ending(text: &str) -> Option<(&str, &'static str)> {
    let of = |level| Some((text.strip_suffix(level)?.strip_suffix('_')?, level));
    let is_name = is_id(text) && !Profile::stripe().known_prefixes().occur_in(text);
    of("read").or_else(|| of("write")).filter(|_| is_name)
}

/// What permissions there are, to put grants together.
pub(super) struct Permissions<'a> {
    file: &'a KeyFile,
    registry: PermissionRegistry,
}

impl<'a> Permissions<'a> {
    /// Those of a key file.
    pub(super) fn of(file: &'a KeyFile) -> Self {
        Self {
            file,
            registry: file.permissions(),
        }
    }

    /// `granted`, and then what each of `grants` says, in their order. Names are written as the catalogue spells them.
    pub(super) fn add(&self, granted: &mut Granted, grants: &[Grant]) -> Result<()> {
        for grant in grants {
            match &grant.what {
                What::Permission(name) => self.one(granted, name, grant.level)?,
                What::Category(name) => self.category(granted, name, grant.level)?,
            }
        }
        Ok(())
    }

    /// `granted` without the permission of that name, which must be in it.
    pub(super) fn take_away(&self, granted: &mut Granted, name: &str) -> Result<()> {
        let permission = self.find(name)?;
        if !self.drop(granted, permission) {
            let all: Vec<&str> = granted.keys().map(String::as_str).collect();
            bail!(
                "`{}` is not granted; what is granted: {}",
                self.registry.name(permission),
                if all.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("`{}`", all.join("`, `"))
                }
            );
        }
        Ok(())
    }

    fn one(&self, granted: &mut Granted, name: &str, level: Option<AccessLevel>) -> Result<()> {
        let permission = self.find(name)?;
        if let Some(level) = level
            && !self.has(permission, level)
        {
            let name = self.registry.name(permission);
            let other = match level {
                AccessLevel::Read => AccessLevel::Write,
                AccessLevel::Write => AccessLevel::Read,
            };
            bail!(
                "`{name}` has no level `{}` at Stripe, only `{}`: write `{name}={}`",
                level.name(),
                other.name(),
                other.name()
            );
        }
        self.put(granted, permission, level);
        Ok(())
    }

    /// All of a category. What has no level `write` is granted at `read`, which `write` includes; what has no level `read` is not granted by `read`.
    fn category(
        &self,
        granted: &mut Granted,
        name: &str,
        level: Option<AccessLevel>,
    ) -> Result<()> {
        let category = category::find(&self.registry, name)?;
        let all = self.registry.iter();
        for permission in
            all.filter(|permission| self.registry.category(*permission) == Some(category))
        {
            let level = match level {
                Some(AccessLevel::Write) if !self.has(permission, AccessLevel::Write) => {
                    Some(AccessLevel::Read)
                }
                Some(AccessLevel::Read) if !self.has(permission, AccessLevel::Read) => continue,
                level => level,
            };
            self.put(granted, permission, level);
        }
        Ok(())
    }

    fn put(&self, granted: &mut Granted, permission: Permission, level: Option<AccessLevel>) {
        self.drop(granted, permission);
        if let Some(level) = level {
            granted.insert(self.registry.name(permission).to_owned(), level);
        }
    }

    /// Takes a permission out, under whatever spelling it stands there.
    fn drop(&self, granted: &mut Granted, permission: Permission) -> bool {
        let before = granted.len();
        granted.retain(|name, _| self.registry.find(name) != Some(permission));
        granted.len() < before
    }

    /// Whether an endpoint may ask for that level: the file's own may ask for any.
    fn has(&self, permission: Permission, level: AccessLevel) -> bool {
        self.registry.has_level(permission, level)
            || self
                .file
                .is_asked_by_own_endpoint(&self.registry, permission)
    }

    fn find(&self, name: &str) -> Result<Permission> {
        match self.registry.find(name) {
            Some(permission) => Ok(permission),
            None => bail!("{}", suggest::unknown_permission(&self.registry, name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINTS: &str = "format = \"keyward.keys/v1\"\n\
        [[endpoints]]\nmethod = \"POST\"\npath = \"/v1/widgets\"\npermission = \"widget\"\n\
        [[endpoints]]\nmethod = \"POST\"\npath = \"/v1/tax/lines\"\npermission = \"tax_settings\"\n";

    fn file() -> KeyFile {
        KeyFile::read(vec![("keyward.toml".to_owned(), ENDPOINTS.to_owned())]).unwrap()
    }

    fn added(grants: &[&str]) -> Result<Granted> {
        let file = file();
        let grants: Vec<Grant> = grants.iter().map(|text| grant(text).unwrap()).collect();
        let mut granted = Granted::new();
        Permissions::of(&file).add(&mut granted, &grants)?;
        Ok(granted)
    }

    #[track_caller]
    fn assert_added(grants: &[&str], expected: &[(&str, &str)]) {
        let granted = added(grants).unwrap();
        let shown: Vec<(&str, &str)> = granted
            .iter()
            .map(|(name, level)| (name.as_str(), level.name()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[track_caller]
    fn assert_refused(grants: &[&str], expected: &str) {
        assert_eq!(added(grants).unwrap_err().to_string(), expected);
    }

    #[test]
    fn permissions_are_granted_under_their_canonical_names() {
        assert_added(
            &["rak_customer=read", "topup=write", "widget=write"],
            &[
                ("customer", "read"),
                ("top_up", "write"),
                ("widget", "write"),
            ],
        );
    }

    #[test]
    fn a_later_grant_wins_and_none_takes_away() {
        assert_added(
            &[
                "customer=write",
                "charge=read",
                "customer=read",
                "charge=none",
            ],
            &[("customer", "read")],
        );
    }

    #[test]
    fn a_level_that_a_permission_lacks_is_refused() {
        assert_refused(
            &["balance=write"],
            "`balance` has no level `write` at Stripe, only `read`: write `balance=read`",
        );
        assert_refused(
            &["edit_link=read"],
            "`edit_link` has no level `read` at Stripe, only `write`: write `edit_link=write`",
        );
    }

    #[test]
    fn an_endpoint_of_ones_own_may_ask_for_any_level() {
        let registry = PermissionRegistry::stripe();
        let settings = registry.find("tax_settings").unwrap();
        let file = file();
        assert!(file.is_asked_by_own_endpoint(&registry, settings));
        let balance = registry.find("balance").unwrap();
        assert!(!file.is_asked_by_own_endpoint(&registry, balance));
    }

    #[test]
    fn a_category_grants_each_permission_what_it_has() {
        let registry = PermissionRegistry::stripe();
        for (level, expected) in [("read", AccessLevel::Read), ("write", AccessLevel::Write)] {
            let granted = added(&[&format!("category:connect={level}")]).unwrap();
            for permission in registry.iter() {
                let name = registry.name(permission);
                let given = granted.get(name).copied();
                let wanted = match registry.category(permission) {
                    Some("Connect") if registry.has_level(permission, expected) => Some(expected),
                    Some("Connect") if expected == AccessLevel::Write => Some(AccessLevel::Read),
                    _ => None,
                };
                assert_eq!(given, wanted, "{name} at {level}");
            }
        }
    }

    #[test]
    fn unknown_names_are_refused_with_near_ones() {
        assert_refused(
            &["custmer=read"],
            "there is no permission `custmer`: did you mean `customer`? docs/permissions.md lists all",
        );
        assert_refused(
            &["category:biling=read"],
            "there is no category `biling`: did you mean `billing`?",
        );
    }

    #[test]
    fn what_is_no_grant_is_refused_with_an_example() {
        assert_eq!(
            grant("charge_write").unwrap_err(),
            "expected a permission and its level, such as `charge=write`"
        );
        assert!(grant("customer").unwrap_err().contains("`customer=read`"));
        assert!(grant("customer=all").unwrap_err().contains("`none`"));
    }

    #[test]
    fn only_what_is_granted_can_be_taken_away() {
        let file = file();
        let permissions = Permissions::of(&file);
        let mut granted = added(&["topup=write", "customer=read"]).unwrap();
        permissions.take_away(&mut granted, "rak_topup").unwrap();
        assert_eq!(granted.len(), 1);
        let error = permissions.take_away(&mut granted, "charge").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`charge` is not granted; what is granted: `customer`"
        );
    }
}
