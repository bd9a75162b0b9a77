//! A thousand open streams across pushes.

use super::*;
use crate::support::{Push, Upstream};

const STREAMS: u64 = 1_000;

/// Sends a request whose body is still to come: the filter has decided on it, and the stream stays
/// open.
fn open(address: SocketAddr, key: &str) -> Connection {
    let mut connection = Connection::open(address);
    let head = format!(
        "POST /v1/charges HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\ncontent-length: 1\r\n\r\n"
    );
    connection.send_raw(head.as_bytes()).unwrap();
    connection
}

#[test]
fn a_thousand_open_streams_end_as_they_were_decided() {
    for interlock in BOTH {
        let upstream = Upstream::start();
        let builder = Envoy::builder()
            .config(configuration(1, &[ALICE]).to_string())
            .upstream(upstream.address())
            .concurrency(2)
            .edit(|all| {
                let cluster = &mut all["static_resources"]["clusters"][0];
                // The upstream's queue of connections holds fewer than a thousand.
                cluster["connect_timeout"] = json!("30s");
                cluster["circuit_breakers"] = json!({"thresholds": [{
                    "max_connections": 5_000, "max_pending_requests": 5_000, "max_requests": 5_000}]});
            });
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        let vms = || envoy.stats("v8\\.active$|wasm_vm_count$");
        let before = (vms(), envoy.requests_total("allow", "key"));
        let watched = [STRANGER].map(|key| Watch::start(envoy.address(), key));

        let mut streams: Vec<_> = (0..STREAMS).map(|_| open(envoy.address(), ALICE)).collect();
        let decided = |allowed| {
            eventually("every stream was decided on", BOUND, || {
                (envoy.requests_total("allow", "key") == allowed).then_some(())
            });
        };
        decided(before.1 + STREAMS);
        // Each push opens more streams, and revokes the key of the previous ones.
        let keys = [BOB, CAROL];
        for revision in 2..22 {
            let key = keys[usize::try_from(revision % 2).unwrap()];
            let push = configuration(revision, &[key]).to_string();
            assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
            everywhere(&envoy, key, 200);
            assert_eq!(status(&envoy, ALICE), 401);
            let allowed = envoy.requests_total("allow", "key");
            streams.push(open(envoy.address(), key));
            streams.push(open(envoy.address(), key));
            // Without this, the next push could revoke their key before Envoy has read their heads.
            decided(allowed + 2);
        }
        for stream in &mut streams {
            stream.send_raw(b"x").unwrap();
        }
        let mut answers = BTreeMap::new();
        for stream in &mut streams {
            let status = stream.read_response(false).unwrap().status;
            *answers.entry(status).or_insert(0) += 1;
        }
        assert_eq!(answers, BTreeMap::from([(200, streams.len())]));
        drop(streams);
        let [stranger] = watched.map(Watch::stop);
        assert_eq!(stranger.into_keys().collect::<Vec<_>>(), [401]);
        // Nothing of it remains.
        let push = configuration(30, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, ALICE, 200);
        eventually("as many VMs as before", BOUND, || {
            (vms() == before.0).then_some(())
        });
        assert_eq!(envoy.stat("http.gateway.downstream_rq_5xx"), 0);
        if interlock {
            assert_eq!(envoy.stat("http.gateway.rbac.keyward_interlock.denied"), 0);
        }
    }
}
