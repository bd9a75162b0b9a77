//! Lists of keys.

use rusqlite::Connection;

use keyward::permission::AccessLevel;

use super::{KeyFilter, KeyState, Listed, Page, ways};
use crate::store::columns::signed;
use crate::store::counters;
use crate::store::error::Result;
use crate::store::records::keys::{self, StoredKey};
use crate::store::scope::{Scope, Where};
use crate::store::words::kind_number;

/// Returns a page of the keys in a scope that match a filter.
pub(in crate::store) fn keys(
    connection: &Connection,
    scope: &Scope,
    filter: &KeyFilter,
    page: Page,
) -> Result<Listed<StoredKey>> {
    if scope.is_of_tenant() && has_few(connection, scope)? {
        let mut limits = always(scope, filter)?;
        ways::of_own(&mut limits, filter);
        let tail = page.limit(&mut limits, "k.seq")?;
        return Ok(page.of(keys::all(connection, &limits, &tail)?));
    }
    let mut limits = always(scope, filter)?;
    let ways = ways::of(&mut limits, filter);
    if ways.is_empty() {
        let tail = page.limit(&mut limits, "k.seq")?;
        return Ok(page.of(keys::all(connection, &limits, &tail)?));
    }
    let bound = page.bound(&mut limits)?;
    let others = limits.others();
    let first: Vec<String> = ways
        .iter()
        .map(|way| way.first(bound.as_deref(), &others, &page))
        .collect();
    let limits = limits.narrowed_to(&format!("k.seq IN ({})", first.join(" UNION ALL ")));
    Ok(page.of(keys::all(connection, &limits, &page.tail("k.seq"))?))
}

/// The number of its own keys that a tenant's request reads one by one. The indexes of words, labels, ends and makers are shared by all tenants: by them, an
/// answer takes longer the more keys of others fit, and so says something of them. A tenant with more keys than this gets its answers by the indexes.
const FEW: u64 = 5_000;

fn has_few(connection: &Connection, scope: &Scope) -> Result<bool> {
    let counts = counters::counts(connection, scope)?;
    let keys = counts.iter().map(|count| count.keys);
    Ok(keys.fold(0_u64, u64::saturating_add) <= FEW)
}

/// The conditions of a filter, on a table that is called `k`.
pub(in crate::store) fn matching(scope: &Scope, filter: &KeyFilter) -> Result<Where> {
    let mut limits = always(scope, filter)?;
    if scope.is_of_tenant() {
        ways::of_own(&mut limits, filter);
        return Ok(limits);
    }
    if let Some(label) = &filter.label {
        ways::has_label(&mut limits, label);
    }
    if let Some(text) = &filter.query {
        let ways = ways::of_text(&mut limits, text, filter.query_is_of_names);
        let all: Vec<String> = ways.iter().map(ways::Way::all).collect();
        limits.and(&format!("k.seq IN ({})", all.join(" UNION ALL ")));
    }
    Ok(limits)
}

/// Returns the conditions except those on the label and the text, which use their own indexes.
fn always(scope: &Scope, filter: &KeyFilter) -> Result<Where> {
    let KeyFilter {
        owner,
        kinds,
        mode,
        states,
        label: _,
        created_before,
        created_after,
        expires_before,
        created_by,
        file,
        grant_set,
        has_permission,
        query: _,
        query_is_of_names: _,
    } = filter;
    let mut limits = Where::new();
    scope.of_keys(&mut limits);
    // With `+`, SQLite looks for no key by it: a tenant's keys are found by the tenant.
    let by = if scope.is_of_tenant() { "+" } else { "" };
    if let Some(owner) = owner {
        limits.and_is(&format!("{by}k.owner ="), owner.clone());
    }
    if !kinds.is_empty() {
        let numbers = kinds.iter().map(|kind| kind_number(*kind).to_string());
        let numbers: Vec<String> = numbers.collect();
        limits.and(&format!("k.kind IN ({})", numbers.join(", ")));
    }
    if let Some(mode) = mode {
        limits.and(if mode.is_live() {
            "k.livemode = 1"
        } else {
            "k.livemode = 0"
        });
    }
    if let Some((states, now)) = states {
        // A deleted key has this state at any time, and SQLite rejects a value that no condition
        // uses.
        let is_timeless = states.iter().all(|state| *state == KeyState::Deleted);
        let now = if is_timeless {
            String::new()
        } else {
            limits.value(signed(*now)?)
        };
        let any: Vec<String> = states.iter().map(|state| in_state(*state, &now)).collect();
        if any.is_empty() {
            limits.and("FALSE");
        } else {
            limits.and(&format!("({})", any.join(" OR ")));
        }
    }
    if let Some(time) = created_before {
        let time = limits.value(signed(*time)?);
        limits.and(&format!("(k.created IS NULL OR k.created < {time})"));
    }
    if let Some(time) = created_after {
        limits.and_is("k.created >", signed(*time)?);
    }
    if let Some(time) = expires_before {
        limits.and_is(&format!("{by}k.expires <"), signed(*time)?);
    }
    if let Some(maker) = created_by {
        limits.and_is(&format!("{by}k.created_by ="), maker.clone());
    }
    if let Some(file) = file {
        // The index has these only.
        limits.and("k.source GLOB 'file:*'");
        limits.and_is("k.source =", file.clone());
    }
    if let Some(name) = grant_set {
        let name = limits.value(name.clone());
        limits.and(&format!(
            "({by}k.grant_set = {name} OR {by}k.connect_grant_set = {name})"
        ));
    }
    if let Some((name, level)) = has_permission {
        holds(&mut limits, name, *level);
    }
    Ok(limits)
}

fn in_state(state: KeyState, now: &str) -> String {
    const SUSPENDED: &str = "k.owner IN (SELECT id FROM accounts WHERE status = 1)";
    let alive = format!("k.status = 0 AND (k.expires IS NULL OR k.expires > {now})");
    let early = format!("k.not_before IS NOT NULL AND k.not_before > {now}");
    let condition = match state {
        KeyState::Active => format!("{alive} AND NOT ({early}) AND NOT {SUSPENDED}"),
        KeyState::Inactive => format!("{alive} AND {early}"),
        KeyState::Expired => format!("k.status = 0 AND k.expires <= {now}"),
        KeyState::Deleted => "k.status = 1".to_owned(),
        KeyState::Suspended => format!("{alive} AND NOT ({early}) AND {SUSPENDED}"),
    };
    format!("({condition})")
}

/// Adds the condition that keys have a permission, by their own grants or by a set.
fn holds(limits: &mut Where, name: &str, level: AccessLevel) {
    // Names are ids, so none can end the string that contains it.
    let place = limits.value(format!("$.\"{name}\""));
    let enough = match level {
        AccessLevel::Read => "IS NOT NULL",
        AccessLevel::Write => "= 'write'",
    };
    let holding = format!("json_extract(permissions, {place}) {enough}");
    limits.and(&format!(
        "(k.grants IN (SELECT id FROM grants WHERE {holding})
          OR k.grant_set IN (SELECT name FROM grant_sets WHERE {holding})
          OR (k.grants IS NULL AND k.grant_set IS NULL AND k.kind <> 2))"
    ));
}
