//! A revoked key stops working, on open connections as well: tests each way to Envoy with as many
//! keys as it carries. The time that it took is printed (`--nocapture`), but not tested.

use std::time::Instant;

use serde_json::{Value, json};

use super::proxy::{Discovery, Proxy, discovered};
use crate::fail_closed::{ALICE, ask, digest, status};
use crate::support::http::Connection;
use crate::support::restricted::restricted;
use crate::support::{BOUND, Envoy, eventually};

/// Returns many keys, with or without Alice's.
fn many(keys: usize, with_alice: bool) -> Value {
    let mut configuration = restricted(keys);
    let owner = configuration["snapshot"]["accounts"][1]["id"].clone();
    let alice = json!({"id": "mk_alice", "sha256": digest(ALICE), "kind": "secret", "livemode": false, "owner": owner});
    let snapshot = &mut configuration["snapshot"];
    if with_alice {
        snapshot["keys"].as_array_mut().unwrap().push(alice);
    } else {
        snapshot["revision"] = json!(1_795_194_530);
    }
    configuration
}

/// Sends requests on one connection until one is rejected, and prints how long after `start` that
/// was.
#[track_caller]
fn refused_on(connection: &mut Connection, start: Instant, way: &str) {
    eventually("the key is refused on an open connection", BOUND, || {
        (ask(connection, ALICE).status == 401).then_some(())
    });
    println!(
        "{way}: refused on an open connection {} ms after the rename",
        start.elapsed().as_millis()
    );
}

#[test]
fn in_a_file_that_envoy_watches() {
    let envoy = Envoy::builder()
        .config(many(10_000, true).to_string())
        .start();
    let mut connection = Connection::open(envoy.address());
    assert_eq!(ask(&mut connection, ALICE).status, 200);
    let revoked = many(10_000, false).to_string();
    let start = Instant::now();
    envoy.push(&revoked);
    refused_on(&mut connection, start, "ECDS file, 10,000 keys as JSON");
}

/// The part of Istio's way that happens in Envoy: the extension's configuration arrives separately,
/// and the listener stays.
#[test]
fn in_an_istio_gateway() {
    let with = |keys: Value| Proxy::read("istio", "gateway").with_configuration(&keys);
    let discovery = Discovery::new();
    let envoy = with(many(7_000, true)).builder(&discovery).start();
    let mut connection = Connection::open(envoy.address());
    assert_eq!(ask(&mut connection, ALICE).status, 200);
    let revoked = with(many(7_000, false));
    let start = Instant::now();
    discovery.push(&revoked.extensions[0]);
    refused_on(&mut connection, start, "Istio's ECDS resource, 7,000 keys");
}

/// Envoy Gateway sends the keys inside the listener. An open connection stays with its listener
/// until that is drained (`--drain-time-s`, 60 s there), and so a revoked key still works on it.
#[test]
fn in_a_listener_it_lives_on_its_connection_until_the_old_one_is_drained() {
    let with = |keys: Value| Proxy::read("envoy-gateway", "base").with_configuration(&keys);
    let discovery = Discovery::new();
    let builder = with(many(7_000, true))
        .builder(&discovery)
        .arguments(&["--drain-time-s", "5"]);
    let envoy = discovered(builder, &discovery).start();
    let mut old = Connection::open(envoy.address());
    assert_eq!(ask(&mut old, ALICE).status, 200);

    let revoked = with(many(7_000, false));
    let start = Instant::now();
    discovery.push_listener(&revoked);
    eventually("new connections are refused", BOUND, || {
        (status(&envoy, ALICE) == 401).then_some(())
    });
    println!(
        "Envoy Gateway's listener, 7,000 keys: refused on new connections {} ms after the rename",
        start.elapsed().as_millis()
    );
    let last = ask(&mut old, ALICE);
    assert_eq!(last.status, 200, "an open connection is the old listener's");
    let draining = || {
        let stats = envoy.stats("^listener_manager\\.total_(filter_chains|listeners)_draining$");
        stats.values().sum::<u64>()
    };
    eventually("the old listener is gone", BOUND, || {
        (draining() == 0).then_some(())
    });
    println!(
        "… and on open ones after {} ms, with --drain-time-s 5",
        start.elapsed().as_millis()
    );
    let headers = [("authorization", format!("Bearer {ALICE}"))];
    assert!(
        old.try_request("GET", "/v1/balance", &headers, b"")
            .is_err()
    );
}
