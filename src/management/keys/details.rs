//! Details that a key may get when it is created: its name, when and from where it works, and what
//! it may do.

use super::super::Context;
use super::super::command::{Details, End, NewGrants};
use super::super::facts::Facts;
use super::super::grants::{Grant, Permissions};
use super::super::ips;
use super::super::names::shown;
use super::super::record::{Granted, Key, KeyGrants, Side};
use super::super::refusal::RuleCode;
use crate::key::KeyKind;

/// Returns `key` with these details, created now. Without a name, it keeps its own.
pub(super) fn put_into(
    key: Key,
    details: &Details,
    facts: &Facts,
    context: &Context<'_>,
) -> Result<Key, RuleCode> {
    let expires = end(details.expires, &key, facts, context);
    refuse_past(expires, details.not_before, context.now)?;
    if key.kind == KeyKind::Publishable && !details.allowed_ips.is_empty() {
        return Err(RuleCode::PublishableHasNoIpLimit { id: None });
    }
    Ok(Key {
        name: details.name.clone().or(key.name),
        note: details.note.clone(),
        labels: details.labels.clone(),
        expires,
        not_before: details.not_before,
        allowed_ips: ips::added(&[], &details.allowed_ips, details.ipv6)?,
        enforcement: details.enforcement,
        created: Some(context.now),
        created_by: Some(context.actor.to_owned()),
        ..key
    })
}

/// Returns when a new key ends. If the caller does not state it and has a ceiling, the account's
/// policy decides.
pub(super) fn end(end: End, key: &Key, facts: &Facts, context: &Context<'_>) -> Option<u64> {
    match end {
        End::Never => None,
        End::At(at) => Some(at),
        End::Unsaid if context.ceiling.is_none() => None,
        End::Unsaid => {
            let named = facts.account(&key.owner)?.policy.as_deref()?;
            let seconds = named.policy.default_lifetime?;
            Some(context.now.saturating_add(seconds))
        }
    }
}

/// Rejects times at which a key would never work, because they must be a mistake.
pub(super) fn refuse_past(
    expires: Option<u64>,
    not_before: Option<u64>,
    now: u64,
) -> Result<(), RuleCode> {
    if expires.is_some_and(|at| at <= now) {
        return Err(RuleCode::ExpiresInPast);
    }
    let mut both = expires.zip(not_before).into_iter();
    if both.any(|(end, start)| end <= start) {
        return Err(RuleCode::EndsBeforeItBegins);
    }
    Ok(())
}

/// Returns `key` with these grants. A kind that needs grants and is given none gets an empty list.
pub(super) fn grant(
    key: Key,
    grants: &NewGrants,
    connect_grants: &NewGrants,
    facts: &Facts,
) -> Result<Key, RuleCode> {
    let own = made(facts, Side::Own, &grants.grants, grants.set.as_deref())?;
    let set = connect_grants.set.as_deref();
    let connected = made(facts, Side::Connected, &connect_grants.grants, set)?;
    if key.kind == KeyKind::Publishable && (own.is_some() || connected.is_some()) {
        return Err(RuleCode::PublishableHasNoGrants { id: None });
    }
    Ok(Key {
        grants: own.or(key.grants),
        connect_grants: connected.or(key.connect_grants),
        ..key
    })
}

/// Returns the grants of one side, or `None` if none are given.
pub(super) fn made(
    facts: &Facts,
    side: Side,
    grants: &[Grant],
    set: Option<&str>,
) -> Result<Option<KeyGrants>, RuleCode> {
    let mut granted = Granted::new();
    if let Some(name) = set {
        let Some(found) = facts.grant_set(name) else {
            return Err(RuleCode::GrantSetMissing {
                name: shown(name, facts.api.profile.known_prefixes()).to_owned(),
                side: Some(side),
            });
        };
        if grants.is_empty() {
            return Ok(Some(KeyGrants::Set(name.to_owned())));
        }
        granted.clone_from(&found.granted);
    }
    Permissions::of(&facts.api, side).add(&mut granted, grants)?;
    Ok((!grants.is_empty()).then_some(KeyGrants::Inline(granted)))
}
