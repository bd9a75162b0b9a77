//! What a key may do, and whether a change extends it.

use super::super::facts::Facts;
use super::super::ips;
use super::super::permissions::is_management;
use super::super::record::{Granted, Key, KeyGrants};
use crate::key::KeyKind;
use crate::permission::{AccessLevel, Grants, PermissionRegistry};
use crate::snapshot::Enforcement;

/// What a key may do on one side.
pub(super) enum Reach<'a> {
    Everything,
    Listed(&'a Granted),
    Nothing,
}

/// Returns what a key may do on its own account and on connected accounts, as the decision sees it.
pub(super) fn reaches<'a>(facts: &'a Facts, key: &'a Key) -> [Reach<'a>; 2] {
    // A missing set grants nothing.
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

/// Returns whether a change puts a key into shadow, where its permissions forbid nothing.
/// Publishable keys have no permissions.
pub(super) fn enters_shadow(before: Option<&Key>, key: &Key) -> bool {
    let is_in_shadow = |key: &Key| key.enforcement == Enforcement::Shadow;
    key.kind != KeyKind::Publishable && is_in_shadow(key) && !before.is_some_and(is_in_shadow)
}

/// Returns whether a key may do more after a change than before: on either side, for longer,
/// sooner, or from more addresses.
pub(super) fn widens(facts: &Facts, before: &Key, after: &Key, now: u64) -> bool {
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

pub(super) fn is_managing(registry: &PermissionRegistry, name: &str) -> bool {
    let canonical = registry
        .find(name)
        .map(|permission| registry.name(permission));
    is_management(canonical.unwrap_or(name))
}

/// Returns the grants and everything that they imply, or none if a permission is named twice.
pub(super) fn grants<'a>(
    registry: &PermissionRegistry,
    granted: impl IntoIterator<Item = (&'a String, &'a AccessLevel)>,
) -> Grants {
    let granted = granted.into_iter();
    let found = granted.filter_map(|(name, level)| Some((registry.find(name)?, *level)));
    Grants::new(found.collect(), registry).unwrap_or_default()
}

/// Returns whether the grants include a permission at that level. They never include an unknown
/// one.
pub(super) fn allows(
    registry: &PermissionRegistry,
    grants: &Grants,
    name: &str,
    level: AccessLevel,
) -> bool {
    registry
        .find(name)
        .is_some_and(|permission| grants.allow(permission, level))
}

/// Returns whether permissions stay within a ceiling. Without a ceiling, everything is allowed
/// except managing keys.
pub(super) fn is_within(
    registry: &PermissionRegistry,
    granted: &Granted,
    ceiling: Option<&Granted>,
) -> bool {
    match ceiling {
        None => granted.keys().all(|name| !is_managing(registry, name)),
        Some(ceiling) => {
            let ceiling = grants(registry, ceiling);
            let mut granted = granted.iter();
            granted.all(|(name, level)| allows(registry, &ceiling, name, *level))
        }
    }
}
