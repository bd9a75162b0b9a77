//! What a caller may give away. Five rules, in this order, for everything that hands out authority:
//! a new key, a duplicate, an import, a change, a grant set, and a replacement, which hands out a
//! value with the old key's permissions. Of these rules, only one applies to ending a key.

mod bounds;
mod reach;

use std::sync::Arc;

use super::facts::Facts;
use super::permissions::{MANAGEMENT_KEYS, POLICIES, UNRESTRICTED_KEYS};
use super::policy::{Delegation, NamedPolicy, Policy};
use super::record::{Granted, Key};
use super::refusal::RuleCode;
use crate::key::Livemode;
use crate::permission::{AccessLevel, PermissionRegistry};
use bounds::{bounded, refused};
use reach::{Reach, allows, enters_shadow, grants, is_managing, is_within, reaches, widens};

/// The caller that limits a command. Empty for a person with direct access to the records: in a key
/// file, or through the server's local socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling(Option<Caller>);

/// The caller, identified by a key or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key's mode.
    pub mode: Livemode,
    /// What the caller may do on the account it acts on, under any name of a permission. For a
    /// caller that acts on a connected account, these are its permissions on connected accounts.
    pub own: Granted,
    /// What the caller may do on accounts connected to that account.
    pub connected: Granted,
    /// Whether the command overrides the policy.
    pub passes_policy: Override,
}

/// Whether a command overrides the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Override {
    /// The policy applies.
    #[default]
    None,
    /// The command overrides the policy, for this reason.
    Because(String),
    /// The command creates an account's first keys. The policy limits only the keys that an account
    /// creates itself.
    FirstKeys,
}

/// How someone obtains a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// The key is created or imported.
    New,
    /// The key replaces another one, which continues to work for this many seconds.
    Replacement(u64),
    /// The key was changed. This is its previous state.
    Change(&'a Key),
}

impl Ceiling {
    /// Creates an empty ceiling, which limits nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Creates the ceiling of a caller.
    #[must_use]
    pub fn of(caller: Caller) -> Self {
        Self(Some(caller))
    }

    /// Returns whether nothing limits the command.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Rejects a key that the caller may not hand out in this way.
    pub(super) fn check(
        &self,
        facts: &Facts,
        key: &Key,
        way: Way<'_>,
        now: u64,
    ) -> Result<(), RuleCode> {
        let Some(caller) = &self.0 else {
            return Ok(());
        };
        if let Way::Change(before) = way
            && !widens(facts, before, key, now)
        {
            return self.may_end(facts, before);
        }
        let registry = &facts.api.permissions;
        if caller.mode == Livemode::Test && key.mode == Livemode::Live {
            return Err(RuleCode::LiveFromTest);
        }
        caller.manages(facts, key)?;
        if let Way::Change(before) = way {
            caller.manages(facts, before)?;
        }
        let reaches = reaches(facts, key);
        let is_unrestricted = reaches
            .iter()
            .any(|reach| matches!(reach, Reach::Everything));
        let before = match way {
            Way::Change(before) => Some(before),
            Way::New | Way::Replacement(_) => None,
        };
        let may_do_everything = is_unrestricted || enters_shadow(before, key);
        if may_do_everything && !caller.holds(registry, UNRESTRICTED_KEYS) {
            return Err(RuleCode::UnrestrictedKeyRefused);
        }
        let account = facts.account(&key.owner);
        let policy = account.and_then(|account| account.policy.as_deref());
        caller.escalates(registry, &reaches, policy)?;
        match (policy, account) {
            (Some(policy), Some(account)) if !caller.passes(registry)? => {
                bounded(facts, policy, account, key, way, now)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the caller may end or restrict a key. If the key manages keys, that would lock
    /// its holders out.
    pub(super) fn may_end(&self, facts: &Facts, key: &Key) -> Result<(), RuleCode> {
        match &self.0 {
            Some(caller) => caller.manages(facts, key),
            None => Ok(()),
        }
    }

    /// Rejects permissions of a grant set that the caller may not give to all keys that follow the
    /// set.
    pub(super) fn check_set(
        &self,
        facts: &Facts,
        name: &str,
        before: Option<&Granted>,
        after: &Granted,
        [own, connected]: &[Vec<Arc<NamedPolicy>>; 2],
    ) -> Result<(), RuleCode> {
        let Some(caller) = &self.0 else {
            return Ok(());
        };
        let registry = &facts.api.permissions;
        let all = before.into_iter().flatten().chain(after);
        let mut managing = all.filter(|(name, _)| is_managing(registry, name));
        if let Some((permission, _)) = managing.next()
            && !caller.holds(registry, MANAGEMENT_KEYS)
        {
            let permission = permission.clone();
            return Err(RuleCode::ManagementKeyRefused { permission });
        }
        let had = grants(registry, before.into_iter().flatten());
        let added: Granted = after
            .iter()
            .filter(|(name, level)| !allows(registry, &had, name, **level))
            .map(|(name, level)| (name.clone(), *level))
            .collect();
        // Accounts share a set, so no account's policy lifts this rule.
        caller.escalates(registry, &[Reach::Listed(&added), Reach::Nothing], None)?;
        if added.is_empty() || caller.passes(registry)? {
            return Ok(());
        }
        let is_offered = |policy: &Policy| policy.grant_sets.iter().any(|set| set == name);
        for NamedPolicy { name: of, policy } in own.iter().map(Arc::as_ref) {
            let most = policy.permissions.as_ref();
            if !is_offered(policy) && !is_within(registry, &added, most) {
                return Err(refused(of, "permissions"));
            }
        }
        for NamedPolicy { name: of, policy } in connected.iter().map(Arc::as_ref) {
            let most = policy.connect_permissions.as_ref();
            if !is_offered(policy) && !is_within(registry, &added, most) {
                return Err(refused(of, "connect_permissions"));
            }
        }
        Ok(())
    }
}

impl Caller {
    fn holds(&self, registry: &PermissionRegistry, name: &str) -> bool {
        allows(
            registry,
            &grants(registry, &self.own),
            name,
            AccessLevel::Write,
        )
    }

    /// Applies rule 2.
    fn manages(&self, facts: &Facts, key: &Key) -> Result<(), RuleCode> {
        let registry = &facts.api.permissions;
        let managing = reaches(facts, key).into_iter().find_map(|reach| {
            let Reach::Listed(granted) = reach else {
                return None;
            };
            granted.keys().find(|name| is_managing(registry, name))
        });
        match managing {
            Some(permission) if !self.holds(registry, MANAGEMENT_KEYS) => {
                let permission = permission.clone();
                Err(RuleCode::ManagementKeyRefused { permission })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Applies rule 4. Rule 3 has already checked unlimited keys.
    fn escalates(
        &self,
        registry: &PermissionRegistry,
        reaches: &[Reach<'_>; 2],
        policy: Option<&NamedPolicy>,
    ) -> Result<(), RuleCode> {
        let is_lifted = policy.is_some_and(|named| named.policy.delegation == Delegation::Policy);
        if is_lifted || self.holds(registry, POLICIES) {
            return Ok(());
        }
        for (reach, held) in reaches.iter().zip([&self.own, &self.connected]) {
            let Reach::Listed(granted) = reach else {
                continue;
            };
            let held = grants(registry, held);
            for (name, level) in *granted {
                if !allows(registry, &held, name, *level) {
                    let (permission, level) = (name.clone(), *level);
                    return Err(RuleCode::EscalationRefused { permission, level });
                }
            }
        }
        Ok(())
    }

    /// Returns whether the caller overrides rule 5.
    fn passes(&self, registry: &PermissionRegistry) -> Result<bool, RuleCode> {
        match &self.passes_policy {
            Override::None => Ok(false),
            Override::FirstKeys => Ok(true),
            Override::Because(_) if !self.holds(registry, POLICIES) => {
                Err(RuleCode::OverrideRefused)
            }
            Override::Because(reason) if reason.trim().is_empty() => {
                Err(RuleCode::OverrideReasonMissing)
            }
            Override::Because(_) => Ok(true),
        }
    }
}
