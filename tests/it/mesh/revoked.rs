//! A key that is revoked stops working, on connections that are open as well: what each way to Envoy does, with as many keys as it carries. How long it
//! took is printed (`--nocapture`), and is no part of the test.

use std::time::Instant;

use serde_json::{Value, json};

use super::gateway;
use super::istio::{GATEWAY, mesh_config, with_configuration};
use super::istiod::{self, extension};
use super::proxy::{Discovery, discovered};
use super::tools::kustomized;
use super::{envoy_gateway, of_kind};
use crate::fail_closed::{ALICE, ask, digest, status};
use crate::support::http::Connection;
use crate::support::restricted::restricted;
use crate::support::{BOUND, Envoy, eventually};

/// Many keys, Alice's among them, or not any more.
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

/// Asks on one connection until it is refused there, and says how long after `start` that was.
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

/// The part of Istio's way that lies in Envoy: the extension's configuration comes by itself, and the listener stays.
#[test]
fn in_an_istio_gateway() {
    let Some(mut manifests) = kustomized("istio/gateway") else {
        return;
    };
    with_configuration(&mut manifests, &many(7_000, true));
    let discovery = Discovery::new();
    let proxy = istiod::proxy(&manifests, &mesh_config(), GATEWAY);
    let envoy = proxy.builder(&discovery).start();
    let mut connection = Connection::open(envoy.address());
    assert_eq!(ask(&mut connection, ALICE).status, 200);
    with_configuration(&mut manifests, &many(7_000, false));
    let revoked = extension(of_kind(&manifests, "WasmPlugin")[0]);
    let start = Instant::now();
    discovery.push(&revoked);
    refused_on(&mut connection, start, "Istio's ECDS resource, 7,000 keys");
}

/// Envoy Gateway sends the keys inside the listener. A connection that is open stays with the listener it came to until that is drained (`--drain-time-s`,
/// 60 s there), and so does a revoked key on it.
#[test]
fn in_a_listener_it_lives_on_its_connection_until_the_old_one_is_drained() {
    let Some(mut manifests) = kustomized("gateway/base") else {
        return;
    };
    gateway::with_configuration(&mut manifests, &many(7_000, true));
    let discovery = Discovery::new();
    let builder = envoy_gateway::proxy(&manifests, true)
        .builder(&discovery)
        .arguments(&["--drain-time-s", "5"]);
    let envoy = discovered(builder, &discovery).start();
    let mut old = Connection::open(envoy.address());
    assert_eq!(ask(&mut old, ALICE).status, 200);

    gateway::with_configuration(&mut manifests, &many(7_000, false));
    let revoked = envoy_gateway::proxy(&manifests, true);
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
