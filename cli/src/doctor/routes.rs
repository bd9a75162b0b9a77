//! Checks routes: overrides that disable keyward or its interlock, and what happens to a request
//! after them.

use serde_json::Value;

use super::chain::is_on;
use super::dump::{Dump, Manager, at, collect, is_of, items};
use super::headers::Names;
use super::instance::Plugin;
use super::mutations::{self, When};
use super::report::{Check, Level, Report};
use super::unread;

pub(super) fn check(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    locks: &[String],
    report: &mut Report,
) {
    const CHECK: Check = Check::Routes;
    report.made(CHECK);
    let names = Names::of(plugins);
    for routes in dump.routes(manager) {
        let Some(routes) = routes else {
            report.found(
                Level::Warn,
                CHECK,
                &manager.place,
                "its routes are not in the dump, so their overrides were not checked",
                "ask again once Envoy has them",
            );
            continue;
        };
        let name = at(routes, "/name").as_str().unwrap_or("");
        let place = format!("{}, routes `{name}`", manager.place);
        check_overrides(routes, plugins, locks, &place, report);
        check_headers(routes, &names, &place, report);
        check_paths(manager, plugins, routes, &place, report);
        unread::check_routes(routes, &place, report);
        check_redirects(routes, plugins, &place, report);
    }
}

/// Returns the filters that some route of this manager enables.
pub(super) fn enabled(dump: &Dump, manager: &Manager<'_>) -> Vec<String> {
    let mut overriding = Vec::new();
    let mut wanted = |value: &Value| value.get("typed_per_filter_config").is_some();
    for routes in dump.routes(manager).into_iter().flatten() {
        collect(routes, &mut wanted, &mut overriding);
    }
    overriding
        .iter()
        .filter_map(|owner| at(owner, "/typed_per_filter_config").as_object())
        .flatten()
        .filter(|(_, owned)| only_enables(owned))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether an override enables a filter without changing its configuration.
///
/// Source: Envoy's `envoy.config.route.v3.FilterConfig`; Envoy Gateway writes one with an empty
/// `config`
pub(super) fn only_enables(owned: &Value) -> bool {
    let config = at(owned, "/config").as_object();
    is_of(owned, "config.route.v3.FilterConfig")
        && !is_on(owned, "disabled")
        && config.is_none_or(serde_json::Map::is_empty)
}

fn check_overrides(
    routes: &Value,
    plugins: &[Plugin<'_>],
    locks: &[String],
    place: &str,
    report: &mut Report,
) {
    let names = || {
        let ours = plugins.iter().map(|plugin| plugin.name);
        ours.chain(locks.iter().map(String::as_str))
    };
    let mut overriding = Vec::new();
    let mut wanted = |value: &Value| value.get("typed_per_filter_config").is_some();
    collect(routes, &mut wanted, &mut overriding);
    for owner in overriding {
        let owned = at(owner, "/typed_per_filter_config");
        for name in names().filter(|name| owned.get(name).is_some_and(|one| !only_enables(one))) {
            let of = match at(owner, "/name").as_str() {
                Some(name) => format!("`{name}`"),
                None => format!("the route {}", at(owner, "/match")),
            };
            report.found(
                Level::Fail,
                Check::Routes,
                place,
                format!("{of} has a `typed_per_filter_config` for `{name}`, which replaces it or switches it off there"),
                "take it away; endpoints that need no key are rows with `\"auth\": \"none\"` in the snapshot",
            );
        }
    }
}

/// Checks how routes, virtual hosts and weighted clusters change the headers of a request, which
/// happens after keyward.
fn check_headers(routes: &Value, names: &Names, place: &str, report: &mut Report) {
    let mut changes = Vec::new();
    mutations::of(routes, &mut changes);
    mutations::judge(&changes, When::After, names, Check::Routes, place, report);
}

/// Checks for rewritten paths: the upstream or the log gets another path.
fn check_paths(
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    routes: &Value,
    place: &str,
    report: &mut Report,
) {
    if plugins.iter().all(Plugin::only_reports) {
        return;
    }
    for action in actions(routes) {
        for member in [
            "prefix_rewrite",
            "regex_rewrite",
            "path_rewrite_policy",
            "path_rewrite",
        ] {
            if action.get(member).is_none() {
                continue;
            }
            report.found(
                Level::Warn,
                Check::Routes,
                place,
                format!("`{member}`: the upstream gets another path than the one that keyward decided about"),
                "rewrite paths before keyward, or in the upstream, or look at each path that comes out",
            );
            if hides_original(manager) {
                report.found(
                    Level::Warn,
                    Check::AccessLog,
                    place,
                    format!("`{member}` with the router's `suppress_envoy_headers`: logs have the rewritten path, and `audit` and `replay` look for the other"),
                    "take `suppress_envoy_headers` away",
                );
            }
        }
        for policy in items(at(action, "/request_mirror_policies")) {
            check_mirror(policy, place, report);
        }
    }
    let mut owners = vec![routes];
    owners.extend(items(at(routes, "/virtual_hosts")));
    for policy in owners
        .into_iter()
        .flat_map(|owner| items(at(owner, "/request_mirror_policies")))
    {
        check_mirror(policy, place, report);
    }
}

/// Whether logs cannot show the original path of a request, because the header
/// `x-envoy-original-path` is suppressed.
fn hides_original(manager: &Manager<'_>) -> bool {
    let end = manager.filters().last().unwrap_or(&Value::Null);
    is_on(at(end, "/typed_config"), "suppress_envoy_headers")
}

fn check_mirror(policy: &Value, place: &str, report: &mut Report) {
    let cluster = at(policy, "/cluster")
        .as_str()
        .unwrap_or("a cluster that a header names");
    report.found(
        Level::Warn,
        Check::Routes,
        place,
        format!(
            "`request_mirror_policies` send a copy of each request to `{cluster}`, with its key"
        ),
        "take it away, or set `forward_credential: false`",
    );
}

/// Returns every action that forwards a request, including those in matchers.
fn actions(routes: &Value) -> Vec<&Value> {
    let mut owners = Vec::new();
    collect(
        routes,
        &mut |value| at(value, "/route").is_object(),
        &mut owners,
    );
    owners
        .into_iter()
        .map(|owner| at(owner, "/route"))
        .collect()
}

fn check_redirects(routes: &Value, plugins: &[Plugin<'_>], place: &str, report: &mut Report) {
    let mut following = Vec::new();
    let mut wanted = |value: &Value| value.get("internal_redirect_policy").is_some();
    collect(routes, &mut wanted, &mut following);
    let is_taken = plugins
        .iter()
        .filter_map(Plugin::configuration)
        .any(|it| !it.settings().forward_credential);
    if !following.is_empty() && is_taken {
        report.found(
            Level::Note,
            Check::Routes,
            place,
            "an internal redirect is a second pass, and `forward_credential: false` has taken the key off by then: it is answered with 401",
            "",
        );
    }
}
