//! Envoy itself downloads the filter over HTTP (`remote` in place of `local`), with the required
//! digest.

use serde_json::{Value, json};

use super::*;
use crate::doctor::Diagnosis;
use crate::fail_closed::{
    ALICE, BOTH, STRANGER, Watch, ask, configuration, everywhere, skipped, with_interlock,
};
use crate::support::bootstrap::{at, http_filter, shipped_ecds};
use crate::support::http::Connection;
use crate::support::upstream::Reply;
use crate::support::{BOUND, Envoy, Push, Upstream, eventually};

/// Starts a server of the released filter.
fn server() -> Upstream {
    let wasm = std::fs::read(find::wasm()).unwrap();
    Upstream::answering(move |seen| {
        let is_there = seen.path == b"/keyward.wasm";
        Reply {
            status: if is_there { 200 } else { 404 },
            headers: vec![("content-type".into(), "application/wasm".into())],
            body: if is_there { wasm.clone() } else { Vec::new() },
        }
    })
}

/// Returns the code of a plugin, as a bootstrap or an ECDS file names it.
fn remote(path: &str, sha256: &str) -> Value {
    json!({"remote": {
        "http_uri": {"uri": format!("http://wasm.example{path}"), "cluster": "wasm", "timeout": "10s"},
        "sha256": sha256,
        "retry_policy": {"num_retries": 1},
    }})
}

/// Returns the shipped ECDS file with this code.
fn ecds(code: &Value, config: &Value) -> Vec<u8> {
    let mut response = shipped_ecds();
    let plugin = at(&mut response, "/resources/0/typed_config/config");
    *at(plugin, "/vm_config/code") = code.clone();
    *at(plugin, "/configuration/value") = json!(config.to_string());
    response.to_string().into_bytes()
}

/// Starts an Envoy that has no filter on its disk: the default and the initial configuration both
/// name `code`.
fn start(server: &Upstream, code: Value, interlock: bool) -> Envoy {
    let address = server.address();
    let builder = Envoy::builder().edit(move |bootstrap| {
        let cluster = json!({"name": "wasm", "type": "STATIC", "connect_timeout": "1s", "load_assignment": {"cluster_name": "wasm",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                "address": address.ip(), "port_value": address.port()}}}}]}]}});
        at(bootstrap, "/static_resources/clusters").as_array_mut().unwrap().push(cluster);
        let discovery = at(http_filter(bootstrap, "keyward"), "/config_discovery");
        *at(discovery, "/default_config/config/vm_config/code") = code.clone();
        let file = at(discovery, "/config_source/path_config_source/path").as_str().unwrap().to_owned();
        std::fs::write(file, ecds(&code, &configuration(1, &[ALICE]))).unwrap();
    });
    with_interlock(builder, interlock).start()
}

#[test]
fn a_filter_that_envoy_fetches_itself_decides() {
    let server = server();
    let wasm = std::fs::read(find::wasm()).unwrap();
    let envoy = start(&server, remote("/keyward.wasm", &sha256(&wasm)), true);
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, STRANGER, 401);
    assert!(server.count() > 0);
    // The next push names the same code, which is in Envoy's cache.
    let fetched = server.count();
    let code = remote("/keyward.wasm", &sha256(&wasm));
    envoy.push_file_and_wait(&ecds(&code, &configuration(2, &[STRANGER])));
    everywhere(&envoy, STRANGER, 200);
    everywhere(&envoy, ALICE, 401);
    assert_eq!(server.count(), fetched);
    // The next push may name code that Envoy has yet to download.
    Diagnosis::of(&envoy, &[]).assert_found(&[("warn", "code")]);
}

#[test]
fn a_filter_with_another_digest_never_runs_and_nothing_passes() {
    for interlock in BOTH {
        for (path, digest) in [
            ("/keyward.wasm", "0".repeat(64)),
            ("/absent.wasm", "1".repeat(64)),
        ] {
            let server = server();
            let envoy = start(&server, remote(path, &digest), interlock);
            assert!(server.count() > 0);
            for key in [ALICE, STRANGER] {
                let answer = ask(&mut Connection::open(envoy.address()), key);
                assert_eq!(answer.status, 503, "{path} {key}");
                assert_eq!(answer.header("x-keyward-denied"), None);
            }
            assert!(!envoy.logs().contains("keyward: keyward"), "it ran");
        }
    }
}

/// Envoy accepts such a push, ends the old filter, and skips the new one while it waits for the
/// code, or forever if it does not get it.
#[test]
fn a_push_of_code_that_is_not_there_yet_is_what_the_interlock_is_for() {
    let wasm = std::fs::read(find::wasm()).unwrap();
    let good = remote("/keyward.wasm", &sha256(&wasm));
    let bad = remote("/keyward.wasm", &"2".repeat(64));
    for interlock in BOTH {
        let server = server();
        let envoy = start(&server, good.clone(), interlock);
        everywhere(&envoy, ALICE, 200);
        everywhere(&envoy, STRANGER, 401);
        let push = ecds(&bad, &configuration(2, &[ALICE]));
        assert_eq!(envoy.push_file_and_wait(&push), Push::Accepted);
        everywhere(&envoy, STRANGER, skipped(interlock));
        // A good push repairs it.
        let push = ecds(&good, &configuration(3, &[ALICE]));
        assert_eq!(envoy.push_file_and_wait(&push), Push::Accepted);
        everywhere(&envoy, STRANGER, 401);
        everywhere(&envoy, ALICE, 200);
    }
}

/// `nack_on_code_cache_miss`: Envoy rejects the push and downloads the code meanwhile. It accepts
/// the next push.
#[test]
fn a_push_that_waits_for_its_code_leaves_the_old_filter_in_place() {
    let [old, new] =
        [find::wasm(), find::trap_door_wasm()].map(|path| std::fs::read(path).unwrap());
    let served = [old.clone(), new.clone()];
    let server = Upstream::answering(move |seen| Reply {
        status: 200,
        headers: Vec::new(),
        body: served[usize::from(seen.path == b"/new.wasm")].clone(),
    });
    // Each with its own revision: Envoy ignores a push that is the same as the last one, even if it
    // rejected that one.
    let mut revision = 1;
    let mut waiting = |digest: &str| {
        revision += 1;
        let code = remote("/new.wasm", digest);
        let pushed = ecds(&code, &configuration(revision, &[STRANGER]));
        let mut response: Value = serde_json::from_slice(&pushed).unwrap();
        let plugin = at(&mut response, "/resources/0/typed_config/config");
        at(plugin, "/vm_config")["nack_on_code_cache_miss"] = json!(true);
        response.to_string().into_bytes()
    };
    // Without the interlock, so that the interlock is not what stops the stranger.
    let envoy = start(&server, remote("/old.wasm", &sha256(&old)), false);
    everywhere(&envoy, ALICE, 200);
    let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));
    for _ in 0..3 {
        let wrong = waiting(&"3".repeat(64));
        assert_eq!(envoy.push_file_and_wait(&wrong), Push::Rejected);
    }
    let [alice, stranger] = watched.map(Watch::stop);
    assert_eq!(alice.into_keys().collect::<Vec<_>>(), [200]);
    assert_eq!(stranger.into_keys().collect::<Vec<_>>(), [401]);

    let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));
    let digest = sha256(&new);
    assert_eq!(envoy.push_file_and_wait(&waiting(&digest)), Push::Rejected);
    eventually("the code has come", BOUND, || {
        (envoy.push_file_and_wait(&waiting(&digest)) == Push::Accepted).then_some(())
    });
    everywhere(&envoy, STRANGER, 200);
    everywhere(&envoy, ALICE, 401);
    let found = Diagnosis::of(&envoy, &[]);
    assert!(!found.has("warn", "code"), "{found:?}");
    let [alice, stranger] = watched.map(Watch::stop);
    for answers in [alice, stranger] {
        let statuses: Vec<_> = answers.into_keys().collect();
        assert!(
            statuses.iter().all(|status| [200, 401].contains(status)),
            "{statuses:?}"
        );
    }
}
