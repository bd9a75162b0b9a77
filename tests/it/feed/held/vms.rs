//! A VM that trapped serves the feed's content again, and a VM without room continues with what it
//! has.

use crate::fail_closed::behind::hold;
use crate::support::find;

use super::*;

#[test]
fn a_vm_that_trapped_denies_until_it_follows_again_and_one_without_room_goes_on() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let there = cluster(CLUSTER, feed.address());
    let builder = Envoy::builder().wasm(find::trap_door_wasm()).concurrency(2);
    let gateway = Gateway::start(&there, builder);
    let envoy = &gateway.envoy;
    everywhere(envoy, ALICE, 200);

    // Each trap ends one VM. The new one has no snapshot until it has verified a head itself.
    let trap = [("x-keyward-trap-door", "trap")];
    for _ in 0..2 {
        assert_eq!(envoy.get("/v1/balance", &trap).status, 503);
        envoy.on_every_worker("ALICE, on the new VM too", BOUND, |connection| {
            assert_ne!(crate::fail_closed::ask(connection, STRANGER).status, 200);
            (crate::fail_closed::ask(connection, ALICE).status == 200).then_some(())
        });
    }
    assert!(envoy.stat("wasm.keyward.vm_reload_success") >= 1);
    feed.publish(&snapshot(2, &[ALICE, BOB]));
    everywhere(envoy, BOB, 200);

    // A VM that something else has filled has no room for a base, and continues with what it has.
    hold(envoy.address(), 1000);
    gateway.breaks("there is no memory for an object of", || {
        feed.publish_base(&snapshot(3, &[ALICE]));
    });
    everywhere(envoy, ALICE, 200);
    everywhere(envoy, STRANGER, 401);
    // It recovers once there is room.
    for connection in &mut envoy.worker_connections() {
        connection.request("GET", "/v1/balance", &trap, b"");
    }
    envoy.on_every_worker("every VM is new", BOUND, |connection| {
        (crate::fail_closed::ask(connection, ALICE).status == 200).then_some(())
    });
    feed.publish(&snapshot(4, &[BOB]));
    everywhere(envoy, BOB, 200);
    everywhere(envoy, ALICE, 401);
}
