//! `module.remote`: Envoy leaves out a module that it still has to download. The interlock exists
//! for this case, and the doctor rejects the setting because of it.

use sha2::{Digest, Sha256};

use super::*;
use crate::fail_closed::{BOTH, assert_counted, everywhere, skipped, with_interlock};
use crate::support::bootstrap::at;
use crate::support::upstream::Reply;
use crate::support::{Push, Upstream, find};

/// How the download of the module, or the use of its content, can fail.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// No server listens there.
    Down,
    /// The answer is 404.
    Absent,
    /// The file is not the one that the configuration asks for.
    WrongDigest,
    /// The module loads, but rejects its configuration.
    Refused,
    /// Everything is in order, only later.
    Late,
}

const WAYS: [Way; 5] = [
    Way::Down,
    Way::Absent,
    Way::WrongDigest,
    Way::Refused,
    Way::Late,
];

/// Starts a server of the module.
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

/// Returns a module that is to be downloaded this way, and its configuration.
fn remote(way: Way, nonce: u64) -> (Value, String) {
    let module = std::fs::read(find::native()).unwrap();
    let digest: String = Sha256::digest(module)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Envoy caches downloads by digest, and another test may have downloaded this one.
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

/// Adds the clusters for the download. Envoy caches downloaded files below `TMPDIR`, so each Envoy
/// has its own.
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
            // The downloaded module may decide after a while, or never.
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
            // The way back to normal.
            let back = configuration(3, &[ALICE]).to_string();
            assert_eq!(envoy.push_and_wait(&back), Push::Accepted, "{way:?}");
            everywhere(&envoy, STRANGER, 401);
            everywhere(&envoy, ALICE, 200);
        }
    }
}

/// The filter is in the listener itself, from Envoy's start on.
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
                // In this case nothing passes either.
                Err(log) => assert!(log.contains("Failed to"), "{way:?}: {log}"),
            }
        }
    }
}

/// With `nack_on_cache_miss` Envoy rejects the push, and the last good configuration stays in use.
/// The doctor rejects this as well: without a last good one, the status is 500.
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
