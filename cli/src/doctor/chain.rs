//! Checks a chain of filters: whether keyward runs for every request, and whether the interlock
//! stops requests that keyward did not see.

use serde_json::Value;

use super::dump::{Dump, at, is_of, items};
use super::instance::Plugin;
use super::neighbours;
use super::report::{Check, Level, Report};
use super::state;

const RBAC: &str = "filters.http.rbac.v3.RBAC";

/// The name of an RBAC filter in Envoy's documentation, which most routes therefore use.
const USUAL_NAME: &str = "envoy.filters.http.rbac";

/// Checks one chain, and returns the names of its interlocks. `enabled` contains the filters that
/// some route enables.
pub(super) fn check(
    dump: &Dump,
    listener: &Value,
    filters: &[Value],
    enabled: &[String],
    place: &str,
    report: &mut Report,
) -> Vec<String> {
    let plugins = dump.plugins(filters);
    let locks = locks(filters);
    let places: Vec<usize> = locks.iter().map(|lock| lock.index).collect();
    neighbours::check(dump, filters, &plugins, &places, place, report);
    for plugin in &plugins {
        report.made(Check::Filter);
        if is_on(plugin.filter, "disabled") {
            check_enabled(plugin, &locks, enabled, place, report);
        }
        check_interlock(filters, plugin, &locks, place, report);
    }
    let ours = plugins.iter().map(Plugin::state);
    let states = ours.chain(locks.iter().map(|lock| lock.key.clone()));
    state::check_twins(&plugins, place, report);
    state::check_writers(dump, listener, filters, &states.collect(), place, report);
    locks.into_iter().map(|lock| lock.name).collect()
}

/// Checks a filter that is disabled in its chain and enabled by routes, as Envoy Gateway does it.
/// On other routes only the interlock is active, and it denies everything.
fn check_enabled(
    plugin: &Plugin<'_>,
    locks: &[Lock],
    enabled: &[String],
    place: &str,
    report: &mut Report,
) {
    let is_enabled = enabled.iter().any(|name| name == plugin.name);
    let state = plugin.state();
    let is_locked = locks
        .iter()
        .any(|lock| lock.key == state && lock.index > plugin.index);
    let (level, mend) = match is_enabled && is_locked {
        true => (Level::Note, ""),
        false => (Level::Fail, "take `disabled` away"),
    };
    report.found(
        level,
        Check::Filter,
        place,
        format!(
            "`{}` is `disabled` in its chain: it runs on routes that enable it, and nowhere else",
            plugin.name
        ),
        mend,
    );
}

/// An interlock, directly before the router or further up.
struct Lock {
    index: usize,
    name: String,
    key: String,
    /// Whether only other interlocks are between it and the router.
    is_last: bool,
}

fn locks(filters: &[Value]) -> Vec<Lock> {
    let mut is_last = true;
    let mut found = Vec::new();
    for (index, filter) in filters.iter().enumerate().rev().skip(1) {
        match demands(filter) {
            Some(key) => found.push(Lock {
                index,
                name: at(filter, "/name").as_str().unwrap_or("").to_owned(),
                key: key.to_owned(),
                is_last,
            }),
            None => is_last = false,
        }
    }
    found
}

/// Returns the filter state that an RBAC filter requires to begin with `allow` in every request.
fn demands(filter: &Value) -> Option<&str> {
    let typed = at(filter, "/typed_config");
    let rules = at(typed, "/rules");
    // A dump omits members with default values.
    let is_allow = at(rules, "/action").as_str().is_none_or(|it| it == "ALLOW");
    // If there is a `matcher`, Envoy ignores the rules.
    let is_matched = typed.get("matcher").is_some();
    if !is_of(typed, RBAC) || !is_allow || is_matched || is_on(filter, "disabled") {
        return None;
    }
    let policies = at(rules, "/policies").as_object()?;
    let principals = policies
        .values()
        .flat_map(|policy| items(at(policy, "/principals")));
    let mut keys = principals.map(state_of);
    let first = keys.next()??;
    keys.all(|key| key == Some(first)).then_some(first)
}

/// Returns the filter state without which a principal does not match.
fn state_of(principal: &Value) -> Option<&str> {
    let state = at(principal, "/filter_state");
    let prefix = at(state, "/string_match/prefix").as_str();
    if prefix.is_some_and(|prefix| prefix.starts_with("allow")) {
        return at(state, "/key").as_str();
    }
    items(at(principal, "/and_ids/ids"))
        .iter()
        .find_map(state_of)
}

fn check_interlock(
    filters: &[Value],
    plugin: &Plugin<'_>,
    locks: &[Lock],
    place: &str,
    report: &mut Report,
) {
    const CHECK: Check = Check::Interlock;
    const MEND: &str = "put the filter `keyward.interlock` of envoy/bootstrap.yaml directly before the router, and keyward before it";
    report.made(CHECK);
    let state = plugin.state();
    let Some(lock) = locks
        .iter()
        .filter(|lock| lock.key == state)
        .max_by_key(|lock| lock.is_last)
    else {
        report.found(
            Level::Fail,
            CHECK,
            place,
            format!("no RBAC filter demands `{state}` to begin with `allow`: where Envoy skips `{}` (a worker out of memory, a route that disables it), everything passes", plugin.name),
            MEND,
        );
        return;
    };
    if lock.index < plugin.index {
        report.found(
            Level::Fail,
            CHECK,
            place,
            format!(
                "`{}` is before `{}`, and denies everything",
                lock.name, plugin.name
            ),
            MEND,
        );
    } else if !lock.is_last {
        let between: Vec<&str> = filters
            .iter()
            .skip(lock.index + 1)
            .filter_map(|filter| at(filter, "/name").as_str())
            .collect();
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!(
                "`{1}` come after `{0}`: nothing checks what they change",
                lock.name,
                between.join("`, `")
            ),
            MEND,
        );
    }
    if lock.name == USUAL_NAME {
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!("it is named `{USUAL_NAME}`: a route's `typed_per_filter_config` for any RBAC filter replaces its rules"),
            "give it another name",
        );
    }
}

/// Whether a chain without keyward lets no request pass, because its interlock finds no verdict.
pub(super) fn is_closed(filters: &[Value]) -> bool {
    let of_wasm = |lock: &Lock| lock.is_last && lock.key.starts_with("wasm.");
    locks(filters).iter().any(of_wasm)
}

/// Whether every request needs the verdict of a keyward in this chain to pass. Without a keyward,
/// whether no request passes.
pub(super) fn is_guarded(dump: &Dump, filters: &[Value]) -> bool {
    let (plugins, locks) = (dump.plugins(filters), locks(filters));
    let is_locked = |plugin: &Plugin<'_>| {
        let state = plugin.state();
        let mut after = locks.iter().filter(|lock| lock.index > plugin.index);
        after.any(|lock| lock.is_last && lock.key == state)
    };
    match plugins.is_empty() {
        true => is_closed(filters),
        false => plugins.iter().any(is_locked),
    }
}

/// Whether a boolean or a `BoolValue` is true.
pub(super) fn is_on(value: &Value, member: &str) -> bool {
    value.get(member).and_then(Value::as_bool) == Some(true)
}
