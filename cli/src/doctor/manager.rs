//! Checks the connection manager's settings: what keyward learns about a client, and what it cannot
//! see.

use serde_json::Value;

use super::chain::{self, is_on};
use super::dump::{Dump, Manager, at, items};
use super::headers::Names;
use super::instance::Plugin;
use super::mutations;
use super::report::{Check, Level, Report};

pub(super) fn check(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    report: &mut Report,
) {
    check_address(manager, plugins, report);
    check_underscores(manager, report);
    check_upgrades(dump, manager, plugins, report);
    check_framing(manager, report);
    check_paths(manager, report);
    mutations::check_early(manager.value, &Names::of(plugins), &manager.place, report);
}

fn check_address(manager: &Manager<'_>, plugins: &[Plugin<'_>], report: &mut Report) {
    const CHECK: Check = Check::ClientAddress;
    report.made(CHECK);
    let (place, value) = (&manager.place, manager.value);
    let is_bound = plugins.iter().any(Plugin::binds_addresses);
    let level = if is_bound { Level::Fail } else { Level::Warn };
    let extensions = items(at(value, "/original_ip_detection_extensions"));
    if !extensions.is_empty() {
        report.found(
            Level::Note,
            CHECK,
            place,
            "`original_ip_detection_extensions` say where a client is; `allowed_ips` are worth what those are",
            "",
        );
    } else if !is_on(value, "use_remote_address") {
        report.found(
            level,
            CHECK,
            place,
            "without `use_remote_address` a client's address is what it writes into `X-Forwarded-For`: `allowed_ips` stop no one",
            "set `use_remote_address: true`",
        );
    }
    let hops = at(value, "/xff_num_trusted_hops").as_u64().unwrap_or(0);
    if hops > 0 {
        report.found(
            Level::Note,
            CHECK,
            place,
            format!("`xff_num_trusted_hops` is {hops}: right only where every request comes through {hops} proxies that each append to `X-Forwarded-For`"),
            "",
        );
    }
    let of_listener = items(at(manager.listener, "/listener_filters"));
    if of_listener
        .iter()
        .any(|filter| super::dump::is_of(at(filter, "/typed_config"), "ProxyProtocol"))
    {
        report.found(
            Level::Note,
            CHECK,
            place,
            "the listener takes the PROXY protocol: any client that can connect to it chooses the address that it comes from",
            "",
        );
    }
}

fn check_underscores(manager: &Manager<'_>, report: &mut Report) {
    const CHECK: Check = Check::Underscores;
    report.made(CHECK);
    let action = at(
        manager.value,
        "/common_http_protocol_options/headers_with_underscores_action",
    );
    if !matches!(action.as_str(), Some("REJECT_REQUEST" | "DROP_HEADER")) {
        report.found(
            Level::Warn,
            CHECK,
            &manager.place,
            "header names with `_` pass, and many frameworks read `X_User` as `X-User`; keyward rejects those that read as its own, and nothing rejects the others",
            "set `headers_with_underscores_action: REJECT_REQUEST`",
        );
    }
}

fn check_upgrades(dump: &Dump, manager: &Manager<'_>, plugins: &[Plugin<'_>], report: &mut Report) {
    const CHECK: Check = Check::Upgrades;
    report.made(CHECK);
    for upgrade in items(at(manager.value, "/upgrade_configs")) {
        let kind = at(upgrade, "/upgrade_type").as_str().unwrap_or("");
        let place = format!("{}, upgrade `{kind}`", manager.place);
        let filters = items(at(upgrade, "/filters"));
        if !filters.is_empty() {
            if dump.plugins(filters).is_empty() {
                report.found(
                    Level::Fail,
                    CHECK,
                    &place,
                    "its `filters` replace the whole chain, and keyward is not among them: an upgrade passes unchecked",
                    "take its `filters` away, or put keyward and its interlock among them",
                );
            }
            chain::check(dump, manager.listener, filters, &[], &place, report);
        }
        let is_allowed = plugins.iter().filter_map(Plugin::configuration);
        if is_allowed
            .into_iter()
            .any(|it| it.settings().allow_upgrades)
        {
            report.found(
                Level::Note,
                CHECK,
                &place,
                "after a switch of protocols raw bytes flow, and no filter sees them",
                "",
            );
        }
    }
}

fn check_framing(manager: &Manager<'_>, report: &mut Report) {
    const CHECK: Check = Check::Framing;
    report.made(CHECK);
    if is_on(
        at(manager.value, "/http_protocol_options"),
        "allow_chunked_length",
    ) {
        report.found(
            Level::Warn,
            CHECK,
            &manager.place,
            "`allow_chunked_length` takes requests that have a length and chunks: proxies in front may see other requests in them",
            "take it away",
        );
    }
}

/// Notes settings that rewrite paths. keyward decides correctly with any of them.
fn check_paths(manager: &Manager<'_>, report: &mut Report) {
    let value = manager.value;
    let mut set = Vec::new();
    for name in ["normalize_path", "merge_slashes"] {
        if is_on(value, name) {
            set.push(name.to_owned());
        }
    }
    if let Some(action) = at(value, "/path_with_escaped_slashes_action").as_str() {
        set.push(format!("path_with_escaped_slashes_action: {action}"));
    }
    if !set.is_empty() {
        report.found(
            Level::Note,
            Check::Paths,
            &manager.place,
            format!(
                "paths are rewritten before keyward and the upstream see them (`{}`)",
                set.join("`, `")
            ),
            "",
        );
    }
}

/// Checks Envoy's version and its admin interface.
pub(super) fn check_process(bootstrap: &Value, report: &mut Report) {
    report.made(Check::Admin);
    let address = at(bootstrap, "/admin/address/socket_address/address");
    if let Some(address) = address.as_str() {
        let is_local = address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        if !is_local {
            report.found(
                Level::Warn,
                Check::Admin,
                "bootstrap",
                format!("the admin interface listens on `{address}`: anyone who reaches it can read the snapshot, and end Envoy"),
                "bind it to 127.0.0.1",
            );
        }
    }
    let version = at(bootstrap, "/node/user_agent_build_version/version");
    let Some(major) = at(version, "/major_number").as_u64() else {
        return;
    };
    report.made(Check::EnvoyVersion);
    let minor = at(version, "/minor_number").as_u64().unwrap_or(0);
    let patch = at(version, "/patch").as_u64().unwrap_or(0);
    if is_old((major, minor, patch)) {
        report.found(
            Level::Warn,
            Check::EnvoyVersion,
            "bootstrap",
            format!("Envoy {major}.{minor}.{patch} lacks security fixes of August 2026, among them for what RBAC and path normalization see (CVE-2026-73551, -73552, -73553)"),
            "run 1.40, or at least 1.39.1, 1.38.4, 1.37.6 or 1.36.10",
        );
    }
}

fn is_old(version: (u64, u64, u64)) -> bool {
    let first_good = match version {
        (1, 36, _) => (1, 36, 10),
        (1, 37, _) => (1, 37, 6),
        (1, 38, _) => (1, 38, 4),
        _ => (1, 39, 1),
    };
    version < first_good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_releases_has_its_first_good_one() {
        for (version, expected) in [
            ((1, 35, 99), true),
            ((1, 36, 9), true),
            ((1, 36, 10), false),
            ((1, 37, 5), true),
            ((1, 37, 6), false),
            ((1, 38, 3), true),
            ((1, 38, 4), false),
            ((1, 39, 0), true),
            ((1, 39, 1), false),
            ((1, 40, 0), false),
            ((2, 0, 0), false),
        ] {
            assert_eq!(is_old(version), expected, "{version:?}");
        }
    }
}
