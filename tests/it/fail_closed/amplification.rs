//! Small configurations that need much memory to load, alternating with large ones.

use super::*;
use crate::support::{Ecds, Push, Wrapper, find};

/// Each string is 4 bytes of JSON, and some 40 bytes during the load.
fn short_strings(revision: u64, keys: &[&str], count: usize) -> String {
    let mut snapshot = snapshot(revision, keys);
    snapshot["endpoints"] = json!([{"method": "GET", "path": "/x", "any_of": ["LIST"]}]);
    let list = format!("{}\"a\"", "\"a\",".repeat(count));
    json!({"snapshot": snapshot})
        .to_string()
        .replace("\"LIST\"", &list)
}

/// Each account is 21 bytes of JSON, some 180 bytes during the load, and some 70 permanently.
fn accounts(revision: u64, keys: &[&str], count: usize) -> String {
    let mut snapshot = snapshot(revision, keys);
    snapshot["accounts"] = json!("LIST");
    let listed: Vec<String> = (0..count)
        .map(|number| format!(r#"{{"id":"acct_{number:x}"}}"#))
        .collect();
    json!({"snapshot": snapshot})
        .to_string()
        .replace("\"LIST\"", &format!("[{}]", listed.join(",")))
}

#[test]
fn what_takes_too_much_memory_is_refused_before_a_worker_sees_it() {
    let _one = heavy();
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder().ecds(Ecds::Pb).config(start).start();
    everywhere(&envoy, ALICE, 200);
    let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));
    let refused = "expected a configuration that takes at most";
    let cases = [
        // 40 MB of JSON that need more than 1 GiB: they trap the trial load's VM.
        (deep(3, &[BOB], 400_000, 31), false),
        // 2 MB of JSON that need 40 times as much, most of it permanently.
        (deep(4, &[BOB], 20_000, 31), true),
        (accounts(5, &[BOB], 2_400_000), true),
    ];
    for (number, (push, is_measured)) in cases.into_iter().enumerate() {
        let before = envoy.logs().matches(refused).count();
        let verdict = envoy.push_pb_and_wait(Wrapper::Bytes, push.as_bytes(), LONG);
        assert_eq!(
            verdict,
            Push::Rejected,
            "case {number} of {} bytes",
            push.len()
        );
        let lines = envoy.logs().matches(refused).count() - before;
        assert_eq!(lines, usize::from(is_measured), "case {number}");
        assert_eq!(status(&envoy, BOB), 401);
    }
    let [alice, stranger] = watched.map(Watch::stop);
    assert_eq!(alice.into_keys().collect::<Vec<_>>(), [200]);
    assert_eq!(stranger.into_keys().collect::<Vec<_>>(), [401]);
    assert_eq!(
        envoy.push_and_wait(&configuration(6, &[BOB]).to_string()),
        Push::Accepted
    );
    everywhere(&envoy, BOB, 200);
}

#[test]
fn what_the_trial_load_took_a_worker_takes_too_again_and_again() {
    let _one = heavy();
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder()
        .wasm(find::trap_door_wasm())
        .ecds(Ecds::Pb)
        .config(start)
        .start();
    everywhere(&envoy, ALICE, 200);
    let stranger = Watch::start(envoy.address(), STRANGER);
    for revision in 3..6 {
        let key = if revision % 2 == 0 { BOB } else { ALICE };
        let push = match revision % 3 {
            0 => accounts(revision, &[key], 1_900_000),
            1 => deep(revision, &[key], 75_000, 22),
            _ => short_strings(revision, &[key], 3 << 20),
        };
        let verdict = envoy.push_pb_and_wait(Wrapper::Bytes, push.as_bytes(), LONG);
        assert_eq!(verdict, Push::Accepted, "{} bytes", push.len());
        everywhere(&envoy, key, 200);
    }
    assert!(!envoy.logs().contains("configuration not loaded"));
    assert_eq!(stranger.stop().into_keys().collect::<Vec<_>>(), [401]);
}
