//! What a caller may give away. Five rules, in this order, for every way that hands out authority:
//! a new key, a duplicate, an import, a change, a grant set, and a replacement, which hands out a
//! value with the old key's permissions. Ends are free of them but for one.

use std::sync::Arc;

use super::facts::{AccountFact, Facts};
use super::ips;
use super::permissions::{MANAGEMENT_KEYS, POLICIES, UNRESTRICTED_KEYS, is_management};
use super::policy::{Delegation, NamedPolicy, Policy};
use super::record::{Granted, Key, KeyGrants};
use super::refusal::RuleCode;
use crate::key::{KeyKind, Livemode};
use crate::permission::{AccessLevel, Grants, PermissionRegistry};
use crate::snapshot::Enforcement;

/// What bounds a command. None at all where a person has the records themselves: a key file, or the
/// server's local socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling(Option<Caller>);

/// Who asks, by a key or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The mode of the key.
    pub mode: Livemode,
    /// What the caller may do on the account it acts on, under whatever names. A caller that acts on
    /// a connected account has its permissions on connected accounts here.
    pub own: Granted,
    /// What the caller may do on accounts connected to that.
    pub connected: Granted,
    /// Whether the policy is to be passed over.
    pub passes_policy: Override,
}

/// Whether a policy is to be passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Override {
    /// No.
    #[default]
    None,
    /// Yes, for this reason.
    Because(String),
    /// The keys that an account starts with are made: the policy says what it makes itself.
    FirstKeys,
}

/// In which way a key comes to somebody's hands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// It is made, or taken in.
    New,
    /// It replaces another one, which goes on for so many seconds.
    Replacement(u64),
    /// It was another one before.
    Change(&'a Key),
}

/// What a key may do on one side.
enum Reach<'a> {
    Everything,
    Listed(&'a Granted),
    Nothing,
}

impl Ceiling {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// That of a caller.
    #[must_use]
    pub fn of(caller: Caller) -> Self {
        Self(Some(caller))
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Refuses a key that the caller may not hand out in this way.
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
            return self.may_end(facts, key);
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
        if is_unrestricted && !caller.holds(registry, UNRESTRICTED_KEYS) {
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

    /// Refuses to end or to narrow a key that manages keys, which would lock its holders out.
    pub(super) fn may_end(&self, facts: &Facts, key: &Key) -> Result<(), RuleCode> {
        match &self.0 {
            Some(caller) => caller.manages(facts, key),
            None => Ok(()),
        }
    }

    /// Refuses permissions of a grant set that the caller may not give to all keys that follow it.
    pub(super) fn check_set(
        &self,
        facts: &Facts,
        name: &str,
        before: Option<&Granted>,
        after: &Granted,
        policies: &[Arc<NamedPolicy>],
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
        // A set is shared by accounts, so no policy lifts this.
        caller.escalates(registry, &[Reach::Listed(&added), Reach::Nothing], None)?;
        if added.is_empty() || caller.passes(registry)? {
            return Ok(());
        }
        for NamedPolicy { name: of, policy } in policies.iter().map(Arc::as_ref) {
            if policy.grant_sets.iter().any(|set| set == name) {
                continue;
            }
            if !is_within(registry, &added, policy.permissions.as_ref()) {
                return Err(refused(of, "permissions"));
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

    /// Rule 2.
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

    /// Rule 4. What a key may do without limit was asked by rule 3.
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

    /// Whether rule 5 is passed over.
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

/// Rule 5.
fn bounded(
    facts: &Facts,
    NamedPolicy { name, policy }: &NamedPolicy,
    account: &AccountFact,
    key: &Key,
    way: Way<'_>,
    now: u64,
) -> Result<(), RuleCode> {
    let before = match way {
        Way::New | Way::Replacement(_) => None,
        Way::Change(before) => Some(before),
    };
    // What a change leaves as it is was allowed when it was made.
    let changes =
        |is_changed: fn(&Key, &Key) -> bool| before.is_none_or(|before| is_changed(before, key));
    if before.is_none() && !policy.kinds.contains(&key.kind) {
        return Err(refused(name, "kinds"));
    }
    if before.is_none() && !policy.modes.contains(&key.mode) {
        return Err(refused(name, "modes"));
    }
    if changes(|before, key| before.grants != key.grants) {
        within(facts, name, policy, key, 0)?;
    }
    if changes(|before, key| before.connect_grants != key.connect_grants) {
        within(facts, name, policy, key, 1)?;
    }
    let last = policy.max_lifetime.map(|most| now.saturating_add(most));
    let is_too_long = last.is_some_and(|last| key.expires.is_none_or(|end| end > last));
    if changes(|before, key| before.expires != key.expires)
        && is_too_long
        && !follows_snapshots(facts, key)
    {
        return Err(refused(name, "max_lifetime"));
    }
    if matches!(way, Way::New)
        && let Some(most) = policy.max_keys
        && account.keys.of(key.mode) >= most
    {
        let policy = name.clone();
        return Err(RuleCode::TooManyKeys { policy, most });
    }
    let needs_ips = policy.require_ip_allowlist.of(key.mode) && key.kind != KeyKind::Publishable;
    if needs_ips
        && key.allowed_ips.is_empty()
        && changes(|before, key| before.allowed_ips != key.allowed_ips)
    {
        return Err(refused(name, "require_ip_allowlist"));
    }
    if let Way::Replacement(overlap) = way
        && policy.overlaps.iter().all(|most| overlap > *most)
    {
        return Err(refused(name, "overlaps"));
    }
    Ok(())
}

/// The ceiling of the policy, on one side.
fn within(
    facts: &Facts,
    name: &str,
    policy: &Policy,
    key: &Key,
    side: usize,
) -> Result<(), RuleCode> {
    let (given, ceiling, member) = match side {
        0 => (&key.grants, &policy.permissions, "permissions"),
        _ => (
            &key.connect_grants,
            &policy.connect_permissions,
            "connect_permissions",
        ),
    };
    let is_offered = match given {
        Some(KeyGrants::Set(set)) => policy.grant_sets.contains(set),
        Some(KeyGrants::Inline(_)) | None => false,
    };
    if is_offered {
        return Ok(());
    }
    let [own, connected] = reaches(facts, key);
    let is_chosen = |granted: &Granted| !policy.free_choice && !granted.is_empty();
    match if side == 0 { own } else { connected } {
        Reach::Nothing => Ok(()),
        Reach::Everything if ceiling.is_none() => Ok(()),
        Reach::Listed(granted) if is_chosen(granted) => Err(refused(name, "free_choice")),
        Reach::Listed(granted) if is_within(&facts.api.permissions, granted, ceiling.as_ref()) => {
            Ok(())
        }
        Reach::Everything | Reach::Listed(_) => Err(refused(name, member)),
    }
}

fn refused(policy: &str, member: &'static str) -> RuleCode {
    let policy = policy.to_owned();
    RuleCode::PolicyRefused { policy, member }
}

/// Whether a key can do nothing but follow the snapshots, as a gateway does.
fn follows_snapshots(facts: &Facts, key: &Key) -> bool {
    let [own, connected] = reaches(facts, key);
    let is_snapshot = |granted: &Granted| {
        granted.len() == 1 && granted.get("snapshot") == Some(&AccessLevel::Read)
    };
    matches!(own, Reach::Listed(granted) if is_snapshot(granted))
        && matches!(connected, Reach::Nothing)
}

/// What a key may do on its own account and on connected ones, as the decision has it.
fn reaches<'a>(facts: &'a Facts, key: &'a Key) -> [Reach<'a>; 2] {
    // A set that is not there grants nothing.
    let of = |grants: &'a KeyGrants| match facts.granted(grants) {
        Some(granted) => Reach::Listed(granted),
        None => Reach::Nothing,
    };
    let own = key.grants.as_ref();
    let connected = key.connect_grants.as_ref();
    match key.kind {
        KeyKind::Publishable => [Reach::Nothing, Reach::Nothing],
        KeyKind::Restricted => [
            own.map_or(Reach::Nothing, of),
            connected.map_or(Reach::Nothing, of),
        ],
        KeyKind::Secret | KeyKind::Organization => [
            own.map_or(Reach::Everything, of),
            match (connected, own, key.kind) {
                (Some(connected), _, _) => of(connected),
                (None, None, _) => Reach::Everything,
                (None, Some(own), KeyKind::Organization) => of(own),
                (None, Some(_), _) => Reach::Nothing,
            },
        ],
    }
}

/// Whether a key can do more after a change than before, on any side, for longer, sooner, or from
/// elsewhere.
fn widens(facts: &Facts, before: &Key, after: &Key, now: u64) -> bool {
    let registry = &facts.api.permissions;
    let mut sides = reaches(facts, before)
        .into_iter()
        .zip(reaches(facts, after));
    let is_more = sides.any(|(before, after)| match (before, after) {
        (Reach::Everything, _) | (_, Reach::Nothing) => false,
        (_, Reach::Everything) => true,
        (Reach::Nothing, Reach::Listed(after)) => !after.is_empty(),
        (Reach::Listed(before), Reach::Listed(after)) => {
            let had = grants(registry, before);
            let mut after = after.iter();
            after.any(|(name, level)| !allows(registry, &had, name, *level))
        }
    });
    let follows_another = (&before.grants, &before.connect_grants)
        != (&after.grants, &after.connect_grants)
        && [&after.grants, &after.connect_grants]
            .iter()
            .any(|grants| matches!(grants, Some(KeyGrants::Set(_))));
    let ends_later = match (before.expires, after.expires) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before && after > now,
    };
    let begins_sooner = after.not_before < before.not_before;
    let from_elsewhere = !before.allowed_ips.is_empty()
        && (after.allowed_ips.is_empty()
            || !ips::are_within(&after.allowed_ips, &before.allowed_ips));
    let is_let_pass =
        before.enforcement == Enforcement::Enforce && after.enforcement == Enforcement::Shadow;
    let is_back = before.is_deleted() && !after.is_deleted();
    is_more
        || follows_another
        || ends_later
        || begins_sooner
        || from_elsewhere
        || is_let_pass
        || is_back
}

fn is_managing(registry: &PermissionRegistry, name: &str) -> bool {
    let canonical = registry
        .find(name)
        .map(|permission| registry.name(permission));
    is_management(canonical.unwrap_or(name))
}

/// What is granted, with what it implies. Nothing where a permission is named twice.
fn grants<'a>(
    registry: &PermissionRegistry,
    granted: impl IntoIterator<Item = (&'a String, &'a AccessLevel)>,
) -> Grants {
    let granted = granted.into_iter();
    let found = granted.filter_map(|(name, level)| Some((registry.find(name)?, *level)));
    Grants::new(found.collect(), registry).unwrap_or_default()
}

/// Whether a permission is granted at that level. One that is unknown is not.
fn allows(registry: &PermissionRegistry, grants: &Grants, name: &str, level: AccessLevel) -> bool {
    registry
        .find(name)
        .is_some_and(|permission| grants.allow(permission, level))
}

/// Whether permissions stay within a ceiling; no ceiling is everything but managing keys.
fn is_within(registry: &PermissionRegistry, granted: &Granted, ceiling: Option<&Granted>) -> bool {
    match ceiling {
        None => granted.keys().all(|name| !is_managing(registry, name)),
        Some(ceiling) => {
            let ceiling = grants(registry, ceiling);
            let mut granted = granted.iter();
            granted.all(|(name, level)| allows(registry, &ceiling, name, *level))
        }
    }
}
