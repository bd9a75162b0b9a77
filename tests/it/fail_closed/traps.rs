//! A VM that has trapped.

use std::time::Instant;

use super::plugin::Plugin;
use super::*;
use crate::support::find;

#[track_caller]
fn trap(envoy: &Envoy) -> Response {
    envoy.get("/v1/balance", &[("x-keyward-trap-door", "trap")])
}

#[test]
fn fail_reload_brings_a_trapped_vm_back_and_nobody_passes_meanwhile() {
    for interlock in BOTH {
        let builder = Envoy::builder()
            .wasm(find::trap_door_wasm())
            .config(configuration(1, &[ALICE]).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        let stranger = Watch::start(envoy.address(), STRANGER);
        for _ in 0..3 {
            let trapped = trap(&envoy);
            let begun = Instant::now();
            assert_eq!((trapped.status, trapped.body.as_slice()), (503, &b""[..]));
            // A reload happens only on a request, and at the earliest a second after the last one.
            everywhere(&envoy, ALICE, 200);
            println!("back after {:?}", begun.elapsed());
        }
        // From then on every request that should pass does, and the interlock had nothing to stop.
        for _ in 0..50 {
            assert_eq!(status(&envoy, ALICE), 200);
        }
        assert_counted(&envoy, false);
        let answers = stranger.stop();
        assert!(
            answers.keys().all(|status| matches!(status, 401 | 503)),
            "{answers:?}"
        );
        assert_eq!(envoy.stat("wasm.keyward.vm_reload_success"), 3);
        let line = envoy.logged("the trapped request", |line| {
            line["response_code_details"] == "wasm_fail_stream"
        });
        assert_eq!(line["response_code"], 503);
    }
}

/// Shows why the bootstrap uses FAIL_RELOAD: with Envoy's default, the worker denies everything
/// until the next push.
#[test]
fn fail_closed_leaves_a_trapped_vm_at_503_until_the_next_push() {
    for interlock in BOTH {
        let mut plugin = Plugin::new("keyward", "keyward", "keyward").with_trap_door();
        plugin.failure_policy = "FAIL_CLOSED";
        plugin.push(&configuration(1, &[ALICE]).to_string());
        let builder = plugin.in_place_of_keyward(Envoy::builder());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        assert_eq!(trap(&envoy).status, 503);
        for _ in 0..100 {
            assert_eq!(status(&envoy, ALICE), 503);
            assert_eq!(status(&envoy, STRANGER), 503);
        }
        // Nothing else would show it: Envoy counts no reload.
        assert_eq!(envoy.stat("wasm.keyward.vm_reload_success"), 0);
        assert!(envoy.stat("http.gateway.downstream_rq_5xx") > 200);
        plugin.push(&configuration(2, &[ALICE]).to_string());
        everywhere(&envoy, ALICE, 200);
        assert_eq!(status(&envoy, STRANGER), 401);
    }
}

/// A setting to avoid: Envoy's FAIL_OPEN lets everything pass, and the interlock stops it.
#[test]
fn fail_open_lets_strangers_pass_and_the_interlock_stops_them() {
    for interlock in BOTH {
        let mut plugin = Plugin::new("keyward", "keyward", "keyward").with_trap_door();
        plugin.failure_policy = "FAIL_OPEN";
        plugin.push(&configuration(1, &[ALICE]).to_string());
        let builder = plugin.in_place_of_keyward(Envoy::builder());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        trap(&envoy);
        assert_eq!(status(&envoy, STRANGER), skipped(interlock));
        assert_counted(&envoy, interlock);
    }
}
