//! Two plugins with different names in one VM, each with its own keys.

use super::behind::hold;
use super::plugin::{Plugin, address_of};
use super::*;

struct Pair {
    left: Plugin,
    right: Plugin,
    envoy: Envoy,
    right_address: SocketAddr,
}

impl Pair {
    /// Starts two plugins with different names: the left one knows Alice, the right one Bob.
    #[track_caller]
    fn of_two(interlock: bool) -> Self {
        let (left, right) = named();
        let bobs = configuration(20, &[BOB]).to_string();
        let pair = Self::start(left, right, &bobs, interlock);
        pair.left_becomes(ALICE, 200);
        pair.right_becomes(BOB, 200);
        pair
    }

    /// Starts both on two listeners: `left` knows Alice, `right` has `right_config`.
    fn start(left: Plugin, right: Plugin, right_config: &str, interlock: bool) -> Self {
        left.push(&configuration(10, &[ALICE]).to_string());
        right.push(right_config);
        let builder = right.on_its_own_listener(Envoy::builder(), "right");
        let builder = left.in_place_of_keyward(builder);
        let builder = builder.edit(move |bootstrap| {
            if !interlock {
                without_any_interlock(bootstrap);
            }
        });
        let envoy = builder.start();
        let right_address = address_of(&envoy, "right");
        Self {
            left,
            right,
            envoy,
            right_address,
        }
    }

    #[track_caller]
    fn assert_statuses(&self, key: &str, left: u16, right: u16) {
        let now = (status(&self.envoy, key), status_at(self.right_address, key));
        assert_eq!(now, (left, right), "`{key}`\n{}", self.envoy.logs());
    }

    #[track_caller]
    fn left_becomes(&self, key: &str, expected: u16) {
        self.becomes(self.envoy.address(), key, expected);
    }

    #[track_caller]
    fn right_becomes(&self, key: &str, expected: u16) {
        self.becomes(self.right_address, key, expected);
    }

    #[track_caller]
    fn becomes(&self, address: SocketAddr, key: &str, expected: u16) {
        let what = format!("`{key}` is answered with {expected}");
        eventually(&what, BOUND, || {
            (status_at(address, key) == expected).then_some(())
        });
    }
}

fn without_any_interlock(bootstrap: &mut Value) {
    let listeners = bootstrap["static_resources"]["listeners"]
        .as_array_mut()
        .unwrap();
    for listener in listeners {
        let hcm = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
        let filters = hcm["http_filters"].as_array_mut().unwrap();
        filters.retain(|filter| filter["name"] != "keyward.interlock");
    }
}

fn named() -> (Plugin, Plugin) {
    (
        Plugin::new("left", "left", "left-root").with_trap_door(),
        Plugin::new("right", "right", "right-root").with_trap_door(),
    )
}

#[test]
fn each_has_its_own_keys_before_and_after_pushes() {
    for interlock in BOTH {
        let pair = Pair::of_two(interlock);
        pair.assert_statuses(ALICE, 200, 401);
        pair.assert_statuses(BOB, 401, 200);
        // Both share one VM, or this test would prove nothing: there is one each for base, main
        // thread and worker.
        assert_eq!(pair.envoy.stat("wasm.envoy.wasm.runtime.v8.active"), 3);

        pair.left.push(&configuration(11, &[CAROL]).to_string());
        pair.left_becomes(CAROL, 200);
        pair.assert_statuses(ALICE, 401, 401);
        pair.assert_statuses(CAROL, 200, 401);
        pair.assert_statuses(BOB, 401, 200);
        pair.right.push(&configuration(21, &[ALICE]).to_string());
        pair.right_becomes(ALICE, 200);
        pair.assert_statuses(ALICE, 401, 200);
        pair.assert_statuses(BOB, 401, 401);
        pair.assert_statuses(CAROL, 200, 401);
    }
}

#[test]
fn one_with_a_bad_configuration_gets_none_of_the_others_keys() {
    for interlock in BOTH {
        let (left, right) = named();
        let pair = Pair::start(left, right, "{\"snapshot\": 7}", interlock);
        pair.left_becomes(ALICE, 200);
        pair.assert_statuses(ALICE, 200, 503);
        pair.left.push(&configuration(11, &[CAROL]).to_string());
        pair.left_becomes(CAROL, 200);
        pair.assert_statuses(CAROL, 200, 503);
        // A good one, then a bad one.
        pair.right.push(&configuration(21, &[BOB]).to_string());
        pair.right_becomes(BOB, 200);
        pair.right.push_refused(&pair.envoy, "{\"snapshot\": 7}");
        pair.assert_statuses(BOB, 401, 200);
        pair.assert_statuses(CAROL, 200, 401);
        // A configuration without a snapshot is not bad: it means that everything is denied.
        pair.right.push("{}");
        pair.right_becomes(BOB, 503);
        pair.assert_statuses(CAROL, 200, 503);
    }
}

#[test]
fn one_that_stays_behind_goes_on_with_its_own_keys() {
    let _one = heavy();
    for interlock in BOTH {
        let pair = Pair::of_two(interlock);
        hold(pair.right_address, 1010);
        pair.right.push(&configuration(21, &[CAROL]).to_string());
        eventually("it lags", BOUND, || {
            pair.envoy
                .logs()
                .contains("the last good one goes on")
                .then_some(())
        });
        for _ in 0..20 {
            pair.assert_statuses(ALICE, 200, 401);
            pair.assert_statuses(BOB, 401, 200);
            pair.assert_statuses(CAROL, 401, 401);
        }
    }
}

/// It has never had a configuration, and its first one does not fit into memory.
#[test]
fn one_that_stays_behind_at_first_denies_everything() {
    let _one = heavy();
    for interlock in BOTH {
        let (left, right) = named();
        let pair = Pair::start(left, right, "{", interlock);
        pair.left_becomes(ALICE, 200);
        pair.assert_statuses(ALICE, 200, 503);
        hold(pair.envoy.address(), 1010);
        pair.right.push(&configuration(21, &[BOB]).to_string());
        eventually("it lags", BOUND, || {
            pair.envoy
                .logs()
                .contains("configuration not loaded")
                .then_some(())
        });
        for _ in 0..20 {
            pair.assert_statuses(ALICE, 200, 503);
            pair.assert_statuses(BOB, 401, 503);
        }
    }
}
