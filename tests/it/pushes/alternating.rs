//! Alternating good and bad pushes, five hundred of each, under load.

use crate::fail_closed::{ALICE, BOB, CAROL, STRANGER, Watch, configuration, everywhere, status};
use crate::support::{BOUND, Envoy, Push, eventually};

const TURNS: u64 = 500;

/// Returns one of many bad configurations. Some still contain a key for the stranger.
fn bad(turn: u64) -> String {
    let mut all = configuration(turn + 10_000, &[STRANGER]);
    match turn % 7 {
        0 => all["snapshot"]["format"] = "keyward.snapshot/v2".into(),
        1 => all["snapshot"]["keys"][0]["owner"] = "acct_nobody".into(),
        2 => all["snapshot"]["keys"][0]["sha256"] = STRANGER.into(),
        3 => all["unknown"] = true.into(),
        4 => return all.to_string() + "}",
        5 => {
            let text = all.to_string();
            return text[..text.len() / 2].to_owned();
        }
        _ => all["snapshot"]["keys"][0]["allowed_ips"] = serde_json::json!(["10.0.0.5/8"]),
    }
    all.to_string()
}

#[test]
fn five_hundred_good_and_bad_pushes_in_turn() {
    let start = configuration(1, &[ALICE, BOB]).to_string();
    let envoy = Envoy::builder().concurrency(2).config(start).start();
    everywhere(&envoy, ALICE, 200);
    let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));
    for turn in 0..TURNS {
        assert_eq!(envoy.push_and_wait(&bad(turn)), Push::Rejected, "{turn}");
        let key = if turn % 2 == 0 { CAROL } else { BOB };
        let good = configuration(turn + 2, &[ALICE, key]).to_string();
        assert_eq!(envoy.push_and_wait(&good), Push::Accepted, "{turn}");
        if turn % 50 == 0 {
            everywhere(&envoy, key, 200);
        }
    }
    everywhere(&envoy, BOB, 200);
    assert_eq!(status(&envoy, CAROL), 401);
    let [alice, stranger] = watched.map(Watch::stop);
    println!("{alice:?} {stranger:?}");
    assert_eq!(alice.into_keys().collect::<Vec<_>>(), [200]);
    assert_eq!(stranger.into_keys().collect::<Vec<_>>(), [401]);
    let of = "extension_config_discovery.http_filter.keyward";
    assert_eq!(envoy.stat(&format!("{of}.update_rejected")), TURNS);
    eventually("the last good revision is shown", BOUND, || {
        (envoy.stat("wasmcustom.keyward_snapshot_revision") == TURNS + 1).then_some(())
    });
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 0);
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_workers_behind"), 0);
}
