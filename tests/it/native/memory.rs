//! The process runs out of memory. Neither the module nor Envoy can continue then: Envoy ends, and
//! no stranger passes before that.

use std::fs;
use std::process::Command;

use super::*;
use crate::fail_closed::{BOTH, Watch, deep, with_interlock};
use crate::support::{LONG, Push, eventually};

/// Returns the process's private memory in bytes, as the kernel counts it for its limit.
fn data(envoy: &Envoy) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", envoy.process_id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmData:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() << 10
}

/// Allows the running process this much more memory, with `prlimit` from util-linux.
fn limit(envoy: &Envoy, more: u64) {
    let most = data(envoy) + more;
    let output = Command::new("prlimit")
        .arg(format!("--pid={}", envoy.process_id()))
        .arg(format!("--data={most}:{most}"))
        .output()
        .expect("prlimit, of util-linux");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_push_that_no_memory_is_left_for_ends_envoy_or_is_taken_and_no_stranger_passes() {
    // Some hundred MiB once it is loaded.
    let push = deep(2, &[ALICE], 40_000, 64);
    let mut ended = 0;
    for interlock in BOTH {
        for more in [0, 8 << 20, 64 << 20] {
            let builder = with_interlock(builder().concurrency(2), interlock);
            let mut envoy = builder
                .config(configuration(1, &[ALICE]).to_string())
                .start();
            assert_eq!(both(&envoy), (401, 200));
            let watches = [STRANGER, ALICE].map(|key| Watch::start(envoy.address(), key));
            limit(&envoy, more);
            envoy.push(&push);
            let attempts = "extension_config_discovery.http_filter.keyward.update_attempt";
            eventually("Envoy has looked at the push, or ends", LONG, || {
                let count = envoy.try_stat(attempts).unwrap_or(0);
                (count >= 2 || envoy.has_ended()).then_some(())
            });
            let has_ended = envoy.has_ended();
            ended += u32::from(has_ended);
            let [stranger, alice] = watches.map(Watch::stop);
            let is_closed = |status: &u16| matches!(status, 0 | 401 | 403 | 500 | 503);
            assert!(stranger.keys().all(is_closed), "{more}: {stranger:?}");
            let is_known = |status: &u16| *status == 200 || is_closed(status);
            assert!(alice.keys().all(is_known), "{more}: {alice:?}");
            if !has_ended {
                // Whatever the result of the push, Envoy serves one of the two snapshots.
                assert_ne!(envoy.settled(LONG), Push::Unreadable);
                assert_eq!(both(&envoy), (401, 200));
            }
        }
    }
    assert!(ended > 0, "no limit was low enough to be met");
}
