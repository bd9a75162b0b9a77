//! Checks the names of plugins that follow feeds. Metrics have a plugin's name only, and one follower
//! fetches a feed for all plugins of one name.

use std::collections::BTreeSet;

use keyward::configuration::Feed;
use keyward::signify::PublicKey;

use super::{CHECK, of};
use crate::doctor::dump::{Manager, at};
use crate::doctor::instance::{Host, Plugin};
use crate::doctor::report::{Level, Report};

/// Checks that plugins of one name follow one feed in the same way. `owners` has each plugin's
/// manager.
pub(in crate::doctor) fn check_names(
    owners: &[&Manager<'_>],
    plugins: &[Plugin<'_>],
    report: &mut Report,
) {
    let all: Vec<_> = owners.iter().copied().zip(plugins).collect();
    for (place, own) in all.iter().enumerate() {
        let (manager, plugin) = *own;
        let Some(feed) = of(plugin) else { continue };
        let mut before = all.iter().take(place);
        let Some(other) = before.find_map(|other| {
            let feed_of_other = of(other.1)?;
            let differs = source(feed_of_other) != source(feed);
            (differs && are_twins(*own, *other)).then_some(feed_of_other)
        }) else {
            continue;
        };
        let what = match other.name == feed.name {
            true => format!(
                "and another plugin of this name follow feed `{}` with different settings: the newer one's count for both",
                feed.name
            ),
            false => format!(
                "follows feed `{}`, and another plugin of this name feed `{}`: they share their metrics",
                feed.name, other.name
            ),
        };
        report.found(
            Level::Fail,
            CHECK,
            &manager.place,
            format!("`{}` {what}", plugin.label().unwrap_or("")),
            "give each plugin its own name",
        );
    }
}

/// Whether keyward cannot distinguish two plugins. Two states of one listener do not count: a push
/// replaces one with the other.
fn are_twins(one: (&Manager<'_>, &Plugin<'_>), two: (&Manager<'_>, &Plugin<'_>)) -> bool {
    let ((manager, one), (other, two)) = (one, two);
    let (listener, other) = (manager.listener, other.listener);
    let is_push = !std::ptr::eq(listener, other) && at(listener, "/name") == at(other, "/name");
    let shares_place = match one.host {
        // Other directions are other plugins, and other VMs have other followers.
        Host::Wasm => {
            at(listener, "/traffic_direction") == at(other, "/traffic_direction")
                && ["/root_id", "/vm_config"]
                    .iter()
                    .all(|member| at(one.plugin, member) == at(two.plugin, member))
        }
        Host::Native => true,
    };
    one.host == two.host && one.label() == two.label() && shares_place && !is_push
}

/// Returns what decides where a follower fetches a feed, and whom it trusts.
fn source(feed: &Feed) -> (&str, &str, &str, &str, BTreeSet<String>) {
    let keys = feed.public_keys.iter().map(PublicKey::line).collect();
    (&feed.name, &feed.cluster, &feed.authority, &feed.path, keys)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::doctor::dump::Dump;

    const KEY: &str = "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    fn feed(name: &str, path: &str) -> Value {
        json!({"max_snapshot_age": 60, "feed": {"name": name, "cluster": "c", "authority": "a:1",
            "path": path, "public_keys": [KEY]}})
    }

    fn typed(kind: &str, mut value: Value) -> Value {
        value["@type"] = json!(format!("type.googleapis.com/{kind}"));
        value
    }

    fn text(configuration: &Value) -> Value {
        let value = json!({"value": configuration.to_string()});
        typed("google.protobuf.StringValue", value)
    }

    fn native(plugin: &str, configuration: &Value) -> Value {
        typed(
            "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
            json!({"filter_name": plugin, "filter_config": text(configuration)}),
        )
    }

    fn wasm(plugin: &str, vm: &str, configuration: &Value) -> Value {
        let config = json!({"name": plugin, "configuration": text(configuration), "vm_config": {"vm_id": vm}});
        typed(
            "envoy.extensions.filters.http.wasm.v3.Wasm",
            json!({ "config": config }),
        )
    }

    fn listener(name: &str, filter: &Value) -> Value {
        let manager = typed(
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            json!({"http_filters": [{"name": "keyward", "typed_config": filter}]}),
        );
        json!({"name": name, "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}]})
    }

    /// Returns what is found in an Envoy with these listeners.
    fn found(entries: &[Value]) -> String {
        let section = typed(
            "envoy.admin.v3.ListenersConfigDump",
            json!({ "dynamic_listeners": entries }),
        );
        let dump = json!({ "configs": [section] }).to_string();
        let dump = Dump::parse(dump.as_bytes()).unwrap();
        let (managers, mut report) = (dump.managers(), Report::default());
        let (mut owners, mut plugins) = (Vec::new(), Vec::new());
        for manager in &managers {
            plugins.extend(dump.plugins(manager.filters()));
            owners.resize(plugins.len(), manager);
        }
        assert!(plugins.len() >= 2, "{plugins:?}");
        check_names(&owners, &plugins, &mut report);
        let mut printed = Vec::new();
        report.print(&mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        printed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn active(name: &str, filter: &Value) -> Value {
        json!({"name": name, "active_state": {"listener": listener(name, filter)}})
    }

    #[test]
    fn two_plugins_of_one_name_with_different_feeds_fail() {
        let (a, b) = (feed("a", "/a"), feed("b", "/a"));
        for (one, two) in [
            (native("keyward", &a), native("keyward", &b)),
            (wasm("keyward", "", &a), wasm("keyward", "", &b)),
        ] {
            let found = found(&[active("one", &one), active("two", &two)]);
            assert!(found.contains("FAIL"), "{found}");
            assert!(found.contains("listener `two`"), "{found}");
            assert!(found.contains("follows feed `b`"), "{found}");
        }
        let elsewhere = native("keyward", &feed("a", "/b"));
        let found = found(&[
            active("one", &native("keyward", &a)),
            active("two", &elsewhere),
        ]);
        assert!(
            found.contains("feed `a` with different settings"),
            "{found}"
        );
    }

    #[test]
    fn what_keyward_can_distinguish_is_good() {
        let (a, b) = (feed("a", "/a"), feed("b", "/a"));
        for (one, two) in [
            (native("keyward", &a), native("keyward", &a)),
            (native("keyward", &a), native("keyward-2", &b)),
            (native("keyward", &a), wasm("keyward", "", &b)),
            (wasm("keyward", "", &a), wasm("keyward", "other", &b)),
        ] {
            let found = found(&[active("one", &one), active("two", &two)]);
            assert!(!found.contains("FAIL"), "{found}");
        }
        // A push that replaces a listener's feed.
        let mut pushed = active("one", &native("keyward", &b));
        pushed["draining_state"] = json!({"listener": listener("one", &native("keyward", &a))});
        let found = found(&[pushed]);
        assert!(!found.contains("FAIL"), "{found}");
    }
}
