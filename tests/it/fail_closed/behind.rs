//! A worker that cannot load what it was given continues with what it has, or denies.

use super::plugin::{Plugin, address_of};
use super::*;
use crate::support::{Push, find};

const BEHIND: &str = "wasmcustom.keyward_snapshot_workers_behind";

/// Makes the worker's VM allocate this many MiB in addition to everything else.
#[track_caller]
pub fn hold(address: SocketAddr, mebibytes: u32) {
    let trap_door = [("x-keyward-trap-door", mebibytes.to_string())];
    Connection::open(address).request("GET", "/", &trap_door, b"");
}

#[test]
fn a_worker_without_room_goes_on_with_the_last_good_snapshot() {
    let _one = heavy();
    for interlock in BOTH {
        let builder = Envoy::builder()
            .wasm(find::trap_door_wasm())
            .config(configuration(1, &[ALICE]).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        hold(envoy.address(), 1010);
        assert!(envoy.logs().contains("1010 MiB are held: true"));
        let (stranger, alice) = (
            Watch::start(envoy.address(), STRANGER),
            Watch::start(envoy.address(), ALICE),
        );
        let push = configuration(2, &[BOB]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        let line = "configuration not loaded: there is not enough memory to load it beside what is served; the last good one goes on";
        eventually("the worker lags", BOUND, || {
            envoy.logs().contains(line).then_some(())
        });
        eventually("it is counted", BOUND, || {
            (envoy.stat(BEHIND) == 1).then_some(())
        });
        assert_eq!(status(&envoy, BOB), 401);
        assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_revision"), 1);
        // A second time, and it is still one worker.
        let push = configuration(3, &[BOB]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        eventually("the worker lags again", BOUND, || {
            (envoy.logs().matches(line).count() == 2).then_some(())
        });
        everywhere(&envoy, ALICE, 200);
        eventually("it is counted once", BOUND, || {
            (envoy.stat(BEHIND) == 1).then_some(())
        });
        assert_eq!(stranger.stop().into_keys().collect::<Vec<_>>(), [401]);
        assert_eq!(alice.stop().into_keys().collect::<Vec<_>>(), [200]);

        hold(envoy.address(), 0);
        let push = configuration(4, &[BOB]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, BOB, 200);
        assert_eq!(status(&envoy, ALICE), 401);
        eventually("no worker lags", BOUND, || {
            (envoy.stat(BEHIND) == 0).then_some(())
        });
        assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_revision"), 4);
    }
}

/// Several plugins share one VM, and each has a snapshot that is large by itself.
#[test]
fn plugins_that_fill_a_shared_vm_go_on_with_what_they_have() {
    let _one = heavy();
    const PLUGINS: [&str; 4] = ["p0", "p1", "p2", "p3"];
    let plugins = PLUGINS.map(|name| Plugin::new(name, name, name));
    let mut builder = Envoy::builder();
    for plugin in &plugins {
        plugin.push(&deep(1, &[ALICE], 75_000, 22));
        builder = plugin.on_its_own_listener(builder, plugin.name);
    }
    let envoy = builder.start();
    let addresses = PLUGINS.map(|name| address_of(&envoy, name));
    let answers = |key| addresses.map(|address| status_at(address, key));
    // There was no room for the last ones.
    let first = answers(ALICE);
    let served = first.iter().filter(|status| **status == 200).count();
    let denied = first.iter().filter(|status| **status == 503).count();
    assert_eq!(served + denied, PLUGINS.len(), "{first:?}");
    assert!(served > 1 && denied > 0, "{first:?}\n{}", envoy.logs());
    // Push to one that serves. It keeps its old snapshot, and no key changes.
    let serving = first.iter().position(|status| *status == 200).unwrap();
    plugins[serving].push(&deep(2, &[BOB], 75_000, 22));
    eventually("it lags", BOUND, || {
        envoy
            .logs()
            .contains("the last good one goes on")
            .then_some(())
    });
    assert_eq!(answers(ALICE), first);
    assert!(
        answers(BOB)
            .iter()
            .all(|status| matches!(status, 401 | 503))
    );
    assert!(
        answers(STRANGER)
            .iter()
            .all(|status| matches!(status, 401 | 503))
    );
    // There is room for a small one.
    plugins[serving].push(&configuration(3, &[CAROL]).to_string());
    eventually("the small one is served", BOUND, || {
        (status_at(addresses[serving], CAROL) == 200).then_some(())
    });
    assert_eq!(status_at(addresses[serving], ALICE), 401);
}
