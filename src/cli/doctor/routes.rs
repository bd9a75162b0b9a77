//! Routes: overrides that switch keyward or its interlock off, and what is done to a request behind them.

use serde_json::Value;

use super::chain::is_on;
use super::dump::{Dump, Manager, Plugin, at, collect, is_of, items};
use super::report::{Level, Report};
use crate::configuration::Settings;

pub(super) fn check(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    locks: &[String],
    report: &mut Report,
) {
    const CHECK: &str = "routes";
    report.made(CHECK);
    for routes in dump.routes(manager) {
        let Some(routes) = routes else {
            report.found(
                Level::Warn,
                CHECK,
                &manager.place,
                "its routes are not in the dump, so nobody looked for overrides in them",
                "ask again once Envoy has them",
            );
            continue;
        };
        let name = at(routes, "/name").as_str().unwrap_or("");
        let place = format!("{}, routes `{name}`", manager.place);
        check_overrides(routes, plugins, locks, &place, report);
        check_identity(routes, plugins, &place, report);
        check_redirects(routes, plugins, &place, report);
    }
}

/// The filters that some route of this manager's switches on.
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

/// An override that switches a filter on and leaves its configuration alone.
///
/// Source: Envoy's `envoy.config.route.v3.FilterConfig`; Envoy Gateway writes one with an empty `config`
fn only_enables(owned: &Value) -> bool {
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
                "routes",
                place,
                format!("{of} has a `typed_per_filter_config` for `{name}`, which replaces it or switches it off there"),
                "take it away; endpoints that need no key are rows with `\"auth\": \"none\"` in the snapshot",
            );
        }
    }
}

/// Envoy adds these headers behind keyward.
fn check_identity(routes: &Value, plugins: &[Plugin<'_>], place: &str, report: &mut Report) {
    let mut adding = Vec::new();
    let mut wanted = |value: &Value| value.get("request_headers_to_add").is_some();
    collect(routes, &mut wanted, &mut adding);
    let added = adding
        .iter()
        .flat_map(|owner| items(at(owner, "/request_headers_to_add")));
    for name in added.filter_map(|option| at(option, "/header/key").as_str()) {
        let is_ours = plugins
            .iter()
            .filter_map(Plugin::configuration)
            .any(|it| tells_by(it.settings(), name));
        if is_ours {
            report.found(
                Level::Fail,
                "routes",
                place,
                format!("`request_headers_to_add` writes `{name}`, by which the upstream knows who calls"),
                "write another header",
            );
        }
    }
}

/// Whether the upstream reads an identity off this header.
fn tells_by(settings: &Settings, header: &str) -> bool {
    let single = settings.identity_headers.iter().map(|(name, _)| &**name);
    settings
        .principal_header
        .as_deref()
        .into_iter()
        .chain(single)
        .any(|name| name.eq_ignore_ascii_case(header))
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
            "routes",
            place,
            "an internal redirect is a second pass, and `forward_credential: false` has taken the key off by then: it is answered with 401",
            "",
        );
    }
}
