//! A panic in a hook: a test build of the module panics on demand. Envoy survives, keyward denies
//! and counts the request, and the panic's message appears nowhere.

use super::*;
use crate::fail_closed::{BOTH, snapshot, with_interlock};
use crate::feed::following;
use crate::support::feed::{Feed, configuration as feed_configuration, now};
use crate::support::{BOUND, Push, eventually, find};

/// The message of the test build's panics.
const SAID: &str = "FAKE-a-panic";

fn trapped(envoy: &Envoy, key: &str) -> crate::support::http::Response {
    let authorization = format!("Bearer {key}");
    envoy.get(
        "/v1/balance",
        &[
            ("authorization", &*authorization),
            ("x-keyward-trap-door", "panic"),
        ],
    )
}

#[test]
fn a_panic_at_a_request_denies_it_and_nothing_else() {
    for interlock in BOTH {
        let builder = builder()
            .native(find::trap_door_native())
            .config(configuration(1, &[ALICE]).to_string());
        let mut envoy = with_interlock(builder, interlock).start();
        assert_eq!(both(&envoy), (401, 200));
        for key in [ALICE, STRANGER] {
            let denied = trapped(&envoy, key);
            assert_eq!(denied.status, 503);
            assert_eq!(denied.header("x-keyward-denied"), Some("host_failure"));
            assert_eq!(both(&envoy), (401, 200));
        }
        assert!(!envoy.has_ended());
        assert_eq!(envoy.requests_total("deny", "host_failure"), 2);
        let log = envoy.logs();
        assert!(
            log.contains("keyward: a panic at native/src/trap_door.rs:"),
            "{log}"
        );
        assert!(!log.contains(SAID), "{log}");
        assert_eq!(envoy.stat("http.gateway.rbac.keyward_interlock.denied"), 0);
    }
}

#[test]
fn a_panic_while_a_push_is_loaded_refuses_it() {
    let mut envoy = builder()
        .native(find::trap_door_native())
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    let mut push = configuration(2, &[STRANGER]);
    push["snapshot"]["keys"][0]["annotations"] = json!("trap-door: panic when new");
    assert_eq!(envoy.push_and_wait(&push.to_string()), Push::Rejected);
    assert_eq!(both(&envoy), (401, 200));
    assert!(!envoy.has_ended());
    assert!(!envoy.logs().contains(SAID));
}

/// Only counts and announcements are lost with it.
#[test]
fn a_panic_of_the_timer_or_at_the_end_decides_nothing() {
    for when in ["when scheduled", "when destroyed"] {
        let mut envoy = builder()
            .native(find::trap_door_native())
            .config(configuration(1, &[ALICE]).to_string())
            .start();
        let mut push = configuration(2, &[ALICE]);
        push["snapshot"]["keys"][0]["annotations"] = json!(format!("trap-door: panic {when}"));
        assert_eq!(envoy.push_and_wait(&push.to_string()), Push::Accepted);
        assert_eq!(both(&envoy), (401, 200));
        let push = configuration(3, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        let revision = "wasmcustom.keyward_snapshot_revision";
        eventually("revision 3 is shown", BOUND, || {
            (envoy.stat(revision) == 3).then_some(())
        });
        assert_eq!(both(&envoy), (401, 200));
        assert!(!envoy.has_ended());
        let log = envoy.logs();
        assert!(log.contains("keyward: a panic at "), "{when}: {log}");
        assert!(!log.contains(SAID));
    }
}

#[test]
fn a_panic_at_a_feeds_answer_leaves_what_is_served_and_is_tried_again() {
    let feed = Feed::start(&snapshot(8, &[STRANGER]));
    let mut followed = feed_configuration();
    followed["snapshot"] = snapshot(7, &[ALICE]);
    followed["snapshot"]["issued_at"] = json!(now());
    followed["snapshot"]["keys"][0]["annotations"] = json!("trap-door: panic when answered");
    followed["feed"]["serve_seed"] = json!(true);
    let builder = following(&feed, &followed).native(find::trap_door_native());
    let mut envoy = builder.start();
    eventually("the feed is asked again", BOUND, || {
        (feed.seen().len() > 2).then_some(())
    });
    assert_eq!(both(&envoy), (401, 200));
    assert!(!envoy.has_ended());
    let log = envoy.logs();
    assert!(log.contains("keyward: a panic at "), "{log}");
    assert!(!log.contains(SAID));
}
