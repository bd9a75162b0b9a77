//! Configurations too large for a worker's memory next to what it serves: hundreds of megabytes,
//! mostly white space. Envoy needs some 25 s for each.

use super::behind::hold;
use super::*;
use crate::support::{Ecds, Push, Wrapper, find};

const HUGE: usize = 600 << 20;
const LARGE: usize = 120 << 20;

fn padded(head: &str, size: usize) -> Vec<u8> {
    let mut text = head.as_bytes().to_vec();
    text.resize(size, b' ');
    text
}

#[test]
fn a_configuration_that_no_worker_could_hold_is_refused_before_a_worker_sees_it() {
    let _one = heavy();
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder().ecds(Ecds::Pb).config(start).start();
    everywhere(&envoy, ALICE, 200);
    let (stranger, alice) = (
        Watch::start(envoy.address(), STRANGER),
        Watch::start(envoy.address(), ALICE),
    );
    // Hundreds of megabytes, and one that is one byte too long.
    for size in [HUGE, (128 << 20) + 1] {
        let huge = padded(&configuration(2, &[BOB]).to_string(), size);
        let push = envoy.push_pb_and_wait(Wrapper::Bytes, &huge, LONG);
        assert_eq!(push, Push::Rejected);
    }
    assert_eq!(stranger.stop().into_keys().collect::<Vec<_>>(), [401]);
    assert_eq!(alice.stop().into_keys().collect::<Vec<_>>(), [200]);
    let logs = envoy.logs();
    assert!(
        logs.contains("expected at most 134217728 bytes, and there are 629145600"),
        "{logs}"
    );
    assert!(
        logs.contains("expected at most 134217728 bytes, and there are 134217729"),
        "{logs}"
    );
    let small = configuration(4, &[BOB]).to_string();
    assert_eq!(envoy.push_and_wait(&small), Push::Accepted);
    everywhere(&envoy, BOB, 200);
    assert_eq!(status(&envoy, ALICE), 401);
}

/// Shows what a filter without keyward's limits does. (Two pushes of 600 MB would suffice. Here
/// something else fills the VM first, so that smaller ones do.)
#[test]
fn a_worker_that_runs_out_of_memory_lets_strangers_pass_and_the_interlock_stops_them() {
    let _one = heavy();
    for interlock in BOTH {
        let builder = Envoy::builder()
            .wasm(find::trap_door_wasm())
            .ecds(Ecds::Pb)
            .config(configuration(1, &[ALICE]).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        hold(envoy.address(), 800);
        for number in [1, 2] {
            let large = padded(&format!("trap-door: keep without limit {number}"), LARGE);
            let push = envoy.push_pb_and_wait(Wrapper::Bytes, &large, LONG);
            assert_eq!(push, Push::Accepted, "the trial load has room");
        }
        everywhere(&envoy, STRANGER, skipped(interlock));
        // It stays that way: the base VM is poisoned.
        envoy.push_and_wait(&configuration(2, &[ALICE]).to_string());
        assert_eq!(status(&envoy, STRANGER), skipped(interlock));
        assert_counted(&envoy, interlock);
    }
}
