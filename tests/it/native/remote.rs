//! `module.remote`: Envoy leaves a module out that it must fetch. This is what the interlock is
//! for, and why the doctor rejects it.

use sha2::{Digest, Sha256};

use super::*;
use crate::fail_closed::{BOTH, assert_counted, everywhere, skipped, with_interlock};
use crate::support::bootstrap::at;
use crate::support::upstream::Reply;
use crate::support::{Push, Upstream, find};

/// Why the module cannot be fetched, or its content cannot be used.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// No process listens there.
    Down,
    /// The answer is 404.
    Absent,
    /// The file differs from the one that the configuration names.
    WrongDigest,
    /// The module loads, and rejects its configuration.
    Refused,
    /// Everything is good, but late.
    Late,
}

const WAYS: [Way; 5] = [
    Way::Down,
    Way::Absent,
    Way::WrongDigest,
    Way::Refused,
    Way::Late,
];

/// Returns a server of the module.
fn server() -> Upstream {
    let module = std::fs::read(find::native()).unwrap();
    Upstream::answering(move |seen| {
        let is_there = seen.path == b"/libkeyward.so";
        Reply {
            status: if is_there { 200 } else { 404 },
            headers: vec![("content-type".into(), "application/octet-stream".into())],
            body: if is_there { module.clone() } else { Vec::new() },
        }
    })
}

/// Returns the module, to be fetched that way, and its configuration.
fn remote(way: Way, nonce: u64) -> (Value, String) {
    let module = std::fs::read(find::native()).unwrap();
    let digest: String = Sha256::digest(module)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Envoy stores fetched files by their digest, so another test may already have fetched this
    // one.
    let wrong = format!("{nonce:064x}");
    let (host, path, sha256) = match way {
        Way::Down => ("nobody", "/libkeyward.so", wrong),
        Way::Absent => ("modules", "/absent.so", wrong),
        Way::WrongDigest => ("modules", "/libkeyward.so", wrong),
        Way::Refused | Way::Late => ("modules", "/libkeyward.so", digest),
    };
    let config = match way {
        Way::Refused => r#"{"snapshot": {"revision": 7, "x": 1}}"#.to_owned(),
        Way::Down | Way::Absent | Way::WrongDigest | Way::Late => {
            configuration(2, &[ALICE]).to_string()
        }
    };
    let uri =
        json!({"uri": format!("http://{host}.example{path}"), "cluster": host, "timeout": "1s"});
    let module = json!({
        "module": {"remote": {"http_uri": uri, "sha256": sha256}},
        "do_not_close": true, "metrics_namespace": "keyward",
    });
    (module, config)
}

/// Adds the clusters that the module may be fetched from. Envoy stores fetched files below
/// `TMPDIR`, so each Envoy has its own.
fn with_clusters(builder: Builder, server: &Upstream) -> Builder {
    let address = server.address();
    builder
        .environment("TMPDIR", ".")
        .edit(move |bootstrap| {
            for (name, port) in [("modules", address.port()), ("nobody", 1)] {
                let endpoint = json!({"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}});
                let cluster = json!({"name": name, "type": "STATIC", "connect_timeout": "1s",
                    "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}});
                let clusters = at(bootstrap, "/static_resources/clusters");
                clusters.as_array_mut().unwrap().push(cluster);
            }
        })
}

#[track_caller]
fn assert_flagged(envoy: &Envoy, way: Way) {
    let (report, code) = doctor(envoy);
    assert_eq!(code, Some(1), "{way:?}: {report}");
    assert!(
        report.contains("its module is `remote`"),
        "{way:?}: {report}"
    );
}

#[test]
fn a_remote_module_replaces_a_working_filter_by_nothing() {
    let server = server();
    for (nonce, way) in WAYS.into_iter().enumerate() {
        for interlock in BOTH {
            let builder = with_clusters(with_interlock(builder(), interlock), &server);
            let envoy = builder
                .config(configuration(1, &[ALICE]).to_string())
                .start();
            assert_eq!(both(&envoy), (401, 200));
            let (module, config) = remote(way, u64::try_from(nonce).unwrap() + 1);
            envoy.push_file_and_wait(&response(2, &module, &config));
            // The fetched module may decide after a while, or never.
            let (stranger, alice) = both(&envoy);
            assert!(
                [skipped(interlock), 401].contains(&stranger),
                "{way:?}: {stranger}"
            );
            assert!(
                [skipped(interlock), 200].contains(&alice),
                "{way:?}: {alice}"
            );
            if !matches!(way, Way::Late) {
                everywhere(&envoy, STRANGER, skipped(interlock));
                assert_counted(&envoy, interlock);
            }
            assert_flagged(&envoy, way);
            // The way back.
            let back = configuration(3, &[ALICE]).to_string();
            assert_eq!(envoy.push_and_wait(&back), Push::Accepted, "{way:?}");
            everywhere(&envoy, STRANGER, 401);
            everywhere(&envoy, ALICE, 200);
        }
    }
}

/// A filter of the listener itself, from Envoy's start.
#[test]
fn a_remote_module_of_a_static_filter_is_left_out_too() {
    let server = server();
    for way in [Way::Down, Way::Absent, Way::WrongDigest, Way::Refused] {
        for interlock in BOTH {
            let (module, config) = remote(way, 7);
            let builder = with_clusters(with_interlock(builder(), interlock), &server);
            match builder.edit(as_static(&config, &module)).try_start() {
                Ok(envoy) => {
                    everywhere(&envoy, STRANGER, skipped(interlock));
                    assert_flagged(&envoy, way);
                }
                // This is closed as well.
                Err(log) => assert!(log.contains("Failed to"), "{way:?}: {log}"),
            }
        }
    }
}

/// With `nack_on_cache_miss` the push is rejected, and the last good one stays in use. The doctor
/// rejects that as well, because without a last good one, Envoy answers 500.
#[test]
fn a_remote_module_that_is_refused_until_it_is_there_leaves_the_last_good_one() {
    let server = server();
    for way in [Way::Down, Way::Absent, Way::WrongDigest] {
        for interlock in BOTH {
            let builder = with_clusters(with_interlock(builder(), interlock), &server);
            let envoy = builder
                .config(configuration(1, &[ALICE]).to_string())
                .start();
            assert_eq!(both(&envoy), (401, 200));
            let (mut module, config) = remote(way, 9);
            module["nack_on_cache_miss"] = json!(true);
            let push = envoy.push_file_and_wait(&response(2, &module, &config));
            assert_eq!(push, Push::Rejected, "{way:?}");
            assert_eq!(both(&envoy), (401, 200), "{way:?}");
        }
    }
}
