//! Two keyward filters in one chain, each with its own filter state and interlock: a request needs
//! a key that both accept.

use super::plugin::Plugin;
use super::*;
use crate::support::bootstrap::{at, hcm, http_filter};

const STATES: [&str; 2] = ["keyward-outer", "keyward-inner"];

fn config(index: usize, keys: &[&str]) -> String {
    let mut configuration = configuration(1, keys);
    configuration["filter_state"] = json!(STATES[index]);
    configuration.to_string()
}

fn start(plugins: &[Plugin; 2], without: Option<usize>, interlock: bool) -> Envoy {
    let entries = plugins.each_ref().map(Plugin::entry);
    let builder = Envoy::builder().edit(move |bootstrap| {
        let shipped = http_filter(bootstrap, "keyward.interlock").clone();
        let router = http_filter(bootstrap, "envoy.filters.http.router").clone();
        let locks = STATES.map(|state| {
            let mut lock = shipped.clone();
            lock["name"] = json!(format!("{state}.interlock"));
            let principal =
                "/typed_config/rules/policies/passed-by-keyward/principals/0/filter_state/key";
            *at(&mut lock, principal) = json!(format!("wasm.{state}"));
            lock
        });
        let mut filters: Vec<Value> = entries.to_vec();
        if let Some(without) = without {
            filters.remove(without);
        }
        filters.extend(locks.into_iter().filter(|_| interlock));
        filters.push(router);
        *at(hcm(bootstrap), "/http_filters") = json!(filters);
    });
    builder.start()
}

fn plugins() -> [Plugin; 2] {
    let plugins = [
        Plugin::new("outer", "outer", "outer"),
        Plugin::new("inner", "inner", "inner"),
    ];
    plugins[0].push(&config(0, &[ALICE, BOB]));
    plugins[1].push(&config(1, &[ALICE, CAROL]));
    plugins
}

#[test]
fn both_have_to_let_a_request_pass() {
    for interlock in BOTH {
        let plugins = plugins();
        let envoy = start(&plugins, None, interlock);
        everywhere(&envoy, ALICE, 200);
        for key in [BOB, CAROL, STRANGER] {
            assert_eq!(status(&envoy, key), 401, "`{key}`");
        }
        // A filter that rejected its push continues with what it has. One without a snapshot denies
        // for both.
        plugins[1].push_refused(&envoy, "{");
        assert_eq!(status(&envoy, ALICE), 200);
        plugins[1].push(&json!({"filter_state": STATES[1]}).to_string());
        everywhere(&envoy, ALICE, 503);
    }
}

#[test]
fn without_either_filter_its_own_interlock_denies() {
    for interlock in BOTH {
        for without in [0, 1] {
            let envoy = start(&plugins(), Some(without), interlock);
            let passes = [[ALICE, CAROL], [ALICE, BOB]][without];
            for key in passes {
                everywhere(&envoy, key, skipped(interlock));
            }
            assert_counted(&envoy, interlock);
            assert_eq!(status(&envoy, STRANGER), 401);
        }
    }
}

/// It is a mistake to give both the same state: the last one to write it decides, and that one let
/// the request pass. One interlock therefore cannot replace the other.
#[test]
fn one_state_for_both_hides_the_filter_that_is_missing() {
    let plugins = plugins();
    for plugin in &plugins {
        plugin.push(&config(0, &[ALICE]));
    }
    let envoy = start(&plugins, Some(0), true);
    // The second interlock has no state, so this denies.
    everywhere(&envoy, ALICE, 403);
}
