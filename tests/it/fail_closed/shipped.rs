//! Checks the files that keyward ships.

use std::path::{Path, PathBuf};

use keyward::configuration::Configuration;
use serde::Deserialize;

use super::*;
use crate::support::find::root;

/// Returns every document of every YAML file under `envoy/`.
pub fn documents() -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    collect(&root().join("envoy"), &mut found);
    assert!(
        found
            .iter()
            .any(|(path, _)| path.ends_with("envoy/bootstrap.yaml"))
    );
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Value)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            for document in serde_norway::Deserializer::from_str(&text) {
                found.push((path.clone(), Value::deserialize(document).unwrap()));
            }
        }
    }
}

/// Returns every object in `value`, including `value` itself.
pub fn objects(value: &Value) -> Vec<&Value> {
    let below: Vec<&Value> = match value {
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        Value::Object(members) => members.values().flat_map(objects).collect(),
        _ => Vec::new(),
    };
    let own = value.is_object().then_some(value);
    own.into_iter().chain(below).collect()
}

fn is_keyward(filter: &Value) -> bool {
    objects(filter).iter().any(|object| {
        let wasm = &object["vm_config"]["code"];
        let native = &object["dynamic_module_config"]["module"];
        let names = |code: &Value, end| {
            let file = code["local"]["filename"].as_str();
            file.is_some_and(|file| file.ends_with(end))
        };
        names(wasm, "keyward.wasm") || names(native, "libkeyward.so")
    })
}

#[test]
fn the_interlock_stands_directly_before_the_router_wherever_keyward_does() {
    let mut chains = 0;
    for (path, document) in documents() {
        for hcm in objects(&document) {
            let Some(filters) = hcm["http_filters"].as_array() else {
                continue;
            };
            let Some(keyward) = filters.iter().position(is_keyward) else {
                continue;
            };
            chains += 1;
            let place = path.display();
            let names: Vec<_> = filters
                .iter()
                .map(|filter| filter["name"].as_str().unwrap())
                .collect();
            let [.., lock, router] = filters.as_slice() else {
                panic!("{place}: {names:?}")
            };
            assert_eq!(router["name"], "envoy.filters.http.router", "{place}");
            assert_eq!(lock["name"], "keyward.interlock", "{place}");
            assert!(keyward < filters.len() - 2, "{place}: {names:?}");
            assert_eq!(
                lock["typed_config"]["rules"],
                json!({"action": "ALLOW", "policies": {"passed-by-keyward": {
                    "permissions": [{"any": true}],
                    "principals": [{"filter_state": {"key": "wasm.keyward", "string_match": {"prefix": "allow"}}}],
                }}}),
                "{place}"
            );
            let rbac = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
            assert_eq!(lock["typed_config"]["@type"], rbac, "{place}");
            // No member that would let it only observe.
            let members: Vec<_> = lock["typed_config"].as_object().unwrap().keys().collect();
            assert_eq!(members, ["@type", "rules", "rules_stat_prefix"], "{place}");
            assert_eq!(hcm["use_remote_address"], true, "{place}");
            let underscores =
                &hcm["common_http_protocol_options"]["headers_with_underscores_action"];
            assert_eq!(underscores, "REJECT_REQUEST", "{place}");
            let upgrades = hcm["upgrade_configs"].as_array();
            assert!(
                upgrades.is_none_or(|all| all.iter().all(|upgrade| upgrade["filters"].is_null())),
                "{place}"
            );
        }
    }
    assert!(chains > 0);
}

/// Tests that also run `keyward doctor` start each bootstrap unchanged: here and in `doctor`,
/// `egress`, `native` and `rate_limit`. `tests/server` starts `control.yaml`, because it needs a
/// keyward-server. A file without listeners is added to one of them: `publish` starts
/// `feed/clusters.yaml` this way.
#[test]
fn every_bootstrap_that_is_shipped_is_one_that_runs_in_tests() {
    let bootstraps: Vec<_> = documents()
        .into_iter()
        .filter(|(_, document)| document["static_resources"]["listeners"].is_array())
        .map(|(path, _)| path.strip_prefix(root()).unwrap().to_owned())
        .collect();
    let expected = [
        "envoy/bootstrap.yaml",
        "envoy/control.yaml",
        "envoy/egress.yaml",
        "envoy/native.yaml",
        "envoy/ratelimit.yaml",
    ];
    let sorted: std::collections::BTreeSet<_> = bootstraps
        .iter()
        .map(|path| path.to_str().unwrap())
        .collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn every_plugin_is_reloaded_after_a_trap_and_denies_by_default() {
    let mut plugins = 0;
    for (path, document) in documents() {
        let place = path.display();
        for object in objects(&document) {
            if object["vm_config"].is_object() {
                plugins += 1;
                assert_eq!(object["failure_policy"], "FAIL_RELOAD", "{place}");
                assert!(object["fail_open"].is_null(), "{place}");
            }
            let module = &object["dynamic_module_config"];
            if module.is_object() {
                plugins += 1;
                assert!(module["module"]["local"].is_object(), "{place}: {module}");
                assert_eq!(module["do_not_close"], true, "{place}");
            }
            let default = &object["config_discovery"]["default_config"];
            if is_keyward(default) {
                let wasm = &default["config"]["configuration"]["value"];
                let native = &default["filter_config"]["value"];
                let text = wasm.as_str().or(native.as_str()).unwrap();
                let configuration = Configuration::from_json(text.as_bytes()).unwrap();
                assert!(configuration.snapshot().is_none(), "{place}");
            } else {
                assert!(
                    !is_keyward(&object["config_discovery"]),
                    "{place}: no default"
                );
            }
            let texts = object
                .as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_str);
            assert!(!texts.clone().any(|text| text == "FAIL_OPEN"), "{place}");
        }
    }
    assert!(plugins > 0);
}

/// With all files as shipped, everything is answered with 503.
#[test]
fn what_is_shipped_denies() {
    for interlock in BOTH {
        let envoy = with_interlock(Envoy::builder(), interlock).start();
        for key in [ALICE, STRANGER] {
            let denied = ask(&mut Connection::open(envoy.address()), key);
            assert_eq!(
                (denied.status, denied.header("x-keyward-denied")),
                (503, Some("no_snapshot"))
            );
        }
    }
}
