//! Two plugins with the same name and root id in one VM: a mistake, but neither plugin may accept
//! the other's keys.

use super::behind::hold;
use super::plugin::{Plugin, address_of};
use super::*;

fn twin(filter: &'static str) -> Plugin {
    Plugin::new(filter, "keyward", "keyward").with_trap_door()
}

fn start(left: &Plugin, right: &Plugin) -> (Envoy, SocketAddr) {
    let builder = right.on_its_own_listener(Envoy::builder(), "right");
    let envoy = left.in_place_of_keyward(builder).start();
    let right = address_of(&envoy, "right");
    (envoy, right)
}

#[track_caller]
fn becomes(address: SocketAddr, key: &str, expected: u16) {
    let what = format!("`{key}` is answered with {expected}");
    eventually(&what, BOUND, || {
        (status_at(address, key) == expected).then_some(())
    });
}

#[test]
fn each_has_its_own_keys() {
    let (left, right) = (twin("left"), twin("right"));
    left.push(&configuration(1, &[ALICE]).to_string());
    right.push(&configuration(1, &[BOB]).to_string());
    let (envoy, right_address) = start(&left, &right);
    for revision in 2..10 {
        for (key, statuses) in [
            (ALICE, (200, 401)),
            (BOB, (401, 200)),
            (STRANGER, (401, 401)),
        ] {
            becomes(envoy.address(), key, statuses.0);
            becomes(right_address, key, statuses.1);
        }
        let pushed = if revision % 2 == 0 {
            (&left, ALICE)
        } else {
            (&right, BOB)
        };
        pushed
            .0
            .push(&configuration(revision, &[pushed.1, CAROL]).to_string());
        becomes(
            if revision % 2 == 0 {
                envoy.address()
            } else {
                right_address
            },
            CAROL,
            200,
        );
    }
}

#[test]
fn one_that_stays_behind_gets_none_of_the_others_keys() {
    let _one = heavy();
    let (left, right) = (twin("left"), twin("right"));
    left.push(&configuration(1, &[ALICE]).to_string());
    right.push(&configuration(1, &[BOB]).to_string());
    let (envoy, right_address) = start(&left, &right);
    for _ in 0..3 {
        becomes(envoy.address(), ALICE, 200);
        becomes(right_address, BOB, 200);
    }
    hold(envoy.address(), 1010);
    for (push, address, other) in [
        (&left, envoy.address(), BOB),
        (&right, right_address, ALICE),
    ] {
        push.push(&configuration(2, &[CAROL]).to_string());
        // It is unknown whose snapshot would continue, so neither does.
        becomes(address, ALICE, 503);
        assert_eq!(status_at(address, other), 503);
        assert_eq!(status_at(address, CAROL), 503);
    }
    hold(envoy.address(), 0);
    left.push(&configuration(3, &[ALICE]).to_string());
    right.push(&configuration(3, &[BOB]).to_string());
    becomes(envoy.address(), ALICE, 200);
    becomes(right_address, BOB, 200);
    assert_eq!(status(&envoy, BOB), 401);
    assert_eq!(status_at(right_address, ALICE), 401);
}

/// It has never had a good configuration, and its first one does not fit into memory.
#[test]
fn one_that_stays_behind_at_first_denies_everything() {
    let _one = heavy();
    for is_asked in [false, true] {
        let (left, right) = (twin("left"), twin("right"));
        left.push(&configuration(1, &[ALICE]).to_string());
        right.push("{");
        let (envoy, right_address) = start(&left, &right);
        becomes(envoy.address(), ALICE, 200);
        if is_asked {
            becomes(right_address, ALICE, 503);
            becomes(envoy.address(), ALICE, 200);
        }
        hold(envoy.address(), 1010);
        right.push(&configuration(1, &[BOB]).to_string());
        eventually("it lags", BOUND, || {
            envoy
                .logs()
                .contains("configuration not loaded")
                .then_some(())
        });
        for _ in 0..20 {
            assert_eq!(status_at(right_address, ALICE), 503);
            assert_eq!(status_at(right_address, BOB), 503);
            assert_eq!(status(&envoy, ALICE), 200);
        }
    }
}
