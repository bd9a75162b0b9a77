//! What a key may do on the request's target account.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Case, present, text};

/// What a key may do on the request's target account.
pub(super) enum Authority {
    Everything,
    /// Nothing: the target is connected, and the key has no permission on connected accounts at
    /// all.
    NothingOnConnected,
    /// Levels by permission. A publishable key has none.
    Grants(BTreeMap<String, String>),
}

impl Authority {
    /// Returns the first of these permissions that is granted at this level.
    pub(super) fn granted<'a>(&self, permissions: &'a [String], level: &str) -> Option<&'a String> {
        let Self::Grants(grants) = self else {
            return None;
        };
        permissions.iter().find(|permission| {
            let has = grants.get(*permission).map(String::as_str);
            has == Some("write") || (has == Some("read") && level == "read")
        })
    }
}

pub(super) fn authority(case: &Case, key: &Value) -> Authority {
    let grants = grants(case, key, "grants");
    let connect_grants = self::grants(case, key, "connect_grants");
    let kind = text(key, "kind").unwrap_or_default();
    if kind == "publishable" {
        return Authority::Grants(BTreeMap::new());
    }
    if !case.is_connected {
        return match grants {
            Some(grants) => Authority::Grants(grants),
            None if kind == "restricted" => Authority::Grants(BTreeMap::new()),
            None => Authority::Everything,
        };
    }
    match (connect_grants, grants) {
        (Some(connect_grants), _) if connect_grants.is_empty() => Authority::NothingOnConnected,
        (Some(connect_grants), _) => Authority::Grants(served(case, connect_grants)),
        (None, Some(grants)) if kind == "organization" => Authority::Grants(served(case, grants)),
        (None, Some(_)) => Authority::NothingOnConnected,
        (None, None) if kind == "restricted" => Authority::NothingOnConnected,
        (None, None) => Authority::Everything,
    }
}

/// Keeps the grants that apply on the target account.
fn served(case: &Case, mut grants: BTreeMap<String, String>) -> BTreeMap<String, String> {
    grants.retain(|name, _| serves(case, name));
    grants
}

/// Returns the grants, written out or named in `grant_sets`, with what they imply. A member that
/// exists but cannot be read grants nothing.
fn grants(case: &Case, key: &Value, name: &str) -> Option<BTreeMap<String, String>> {
    let snapshot = case.snapshot;
    let mut written = present(key, name)?;
    if let Some(set) = written.as_str() {
        let sets = snapshot.get("grant_sets").unwrap_or(&Value::Null);
        written = sets.get(set).unwrap_or(&Value::Null);
    }
    let mut grants = BTreeMap::new();
    for (permission, level) in written.as_object().into_iter().flatten() {
        if let Some(level) = level.as_str() {
            grants.insert(permission.clone(), level.to_owned());
        }
    }
    // Implied permissions imply nothing further. Without Stripe's catalogue nothing is implied at
    // all.
    if text(snapshot, "catalogue") != Some("none") {
        for permission in grants.clone().keys() {
            for implied in case.builtin.implied.get(permission).into_iter().flatten() {
                let read = || "read".to_owned();
                grants.entry(implied.clone()).or_insert_with(read);
            }
        }
    }
    Some(grants)
}

/// Returns whether a permission applies on the request's target account, regardless of whether the
/// key has it.
pub(super) fn serves(case: &Case, permission: &str) -> bool {
    let is_stripes = text(case.snapshot, "catalogue") != Some("none");
    !(case.is_connected && is_stripes && case.builtin.direct.contains(permission))
}
