//! The fifth rule: what the policy of the account allows.

use super::super::facts::{AccountFact, Facts};
use super::super::policy::{NamedPolicy, Policy};
use super::super::record::{Granted, Key, KeyGrants};
use super::super::refusal::RuleCode;
use super::Way;
use super::reach::{Reach, enters_shadow, is_within, reaches};
use crate::key::KeyKind;
use crate::permission::AccessLevel;

/// Rejects a key that the policy does not allow.
pub(super) fn bounded(
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
    // Values that a change does not touch were allowed when they were set.
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
    // A key in shadow may do what its permissions forbid, so the policy must allow an unlimited
    // key.
    if let Some(member) = limit_of(policy)
        && enters_shadow(before, key)
    {
        return Err(refused(name, member));
    }
    let last = policy.max_lifetime.map(|most| now.saturating_add(most));
    let is_too_long = last.is_some_and(|last| key.expires.is_none_or(|end| end > last));
    if changes(|before, key| before.expires != key.expires)
        && is_too_long
        && !follows_snapshots(facts, key)
    {
        return Err(refused(name, "max_lifetime"));
    }
    if adds(facts, key, way, now)
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

/// Whether a key adds to its account's count, which has no key that has ended. A replacement does
/// not, because the old key ends with the overlap, unless that key has ended before.
fn adds(facts: &Facts, key: &Key, way: Way<'_>, now: u64) -> bool {
    let is_counted = |key: &Key| !key.is_deleted() && !key.is_expired(now);
    match way {
        Way::New => true,
        Way::Change(before) => !is_counted(before) && is_counted(key),
        Way::Replacement(_) => {
            let old = key.replaces.as_deref().and_then(|id| facts.key(id));
            old.is_none_or(|old| !is_counted(&old.key))
        }
    }
}

/// Returns the member of a policy that keeps its keys from doing everything, if there is one.
fn limit_of(policy: &Policy) -> Option<&'static str> {
    let is_unlimited = |kind: &KeyKind| matches!(kind, KeyKind::Secret | KeyKind::Organization);
    if policy.permissions.is_some() {
        Some("permissions")
    } else if policy.connect_permissions.is_some() {
        Some("connect_permissions")
    } else if !policy.free_choice {
        Some("free_choice")
    } else if !policy.kinds.iter().any(is_unlimited) {
        Some("kinds")
    } else {
        None
    }
}

/// Checks a key against the policy's permissions on one side.
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

pub(super) fn refused(policy: &str, member: &'static str) -> RuleCode {
    let policy = policy.to_owned();
    RuleCode::PolicyRefused { policy, member }
}

/// Returns whether a key may only follow the snapshots, as a gateway does.
fn follows_snapshots(facts: &Facts, key: &Key) -> bool {
    let [own, connected] = reaches(facts, key);
    let is_snapshot = |granted: &Granted| {
        granted.len() == 1 && granted.get("snapshot") == Some(&AccessLevel::Read)
    };
    matches!(own, Reach::Listed(granted) if is_snapshot(granted))
        && matches!(connected, Reach::Nothing)
}
