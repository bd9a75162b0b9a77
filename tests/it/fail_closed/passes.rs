//! How often the filter sees one request.

use super::*;
use crate::support::Upstream;
use crate::support::bootstrap::{at, hcm};
use crate::support::upstream::{Reply, Seen};

/// Changes the gateway's route.
pub fn route(change: Value) -> impl FnOnce(&mut Value) {
    move |bootstrap| {
        let route = at(
            hcm(bootstrap),
            "/route_config/virtual_hosts/0/routes/0/route",
        );
        route
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
    }
}

/// Starts a gateway that answers `/v1/moved` with a redirect, which Envoy follows.
fn redirecting(forward_credential: bool, interlock: bool) -> (Envoy, Upstream) {
    let upstream = Upstream::answering(|seen: &Seen| {
        if seen.path != b"/v1/moved" {
            return Reply::echo(seen);
        }
        let location = format!("http://{}/v1/here", seen.header("host").unwrap());
        Reply {
            status: 302,
            headers: vec![("location".into(), location)],
            body: Vec::new(),
        }
    });
    let mut configuration = configuration(1, &[ALICE]);
    configuration["forward_credential"] = json!(forward_credential);
    let builder = Envoy::builder()
        .upstream(upstream.address())
        .config(configuration.to_string())
        .edit(route(json!({"internal_redirect_policy": {}})));
    (with_interlock(builder, interlock).start(), upstream)
}

fn moved(envoy: &Envoy, key: &str) -> Response {
    envoy.get("/v1/moved", &[("authorization", format!("Bearer {key}"))])
}

#[test]
fn an_internal_redirect_is_a_second_pass_with_the_credential() {
    for interlock in BOTH {
        let (envoy, upstream) = redirecting(true, interlock);
        assert_eq!(moved(&envoy, STRANGER).status, 401);
        assert_eq!(upstream.count(), 0);
        assert_eq!(moved(&envoy, ALICE).status, 200);
        let seen = upstream.seen();
        let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_slice()).collect();
        assert_eq!(paths, [&b"/v1/moved"[..], b"/v1/here"]);
        for seen in &seen {
            assert_eq!(seen.headers("x-keyward-principal").len(), 1);
            assert!(
                seen.header("x-keyward-principal")
                    .unwrap()
                    .starts_with("key=\"mk_0\"")
            );
        }
        assert_eq!(envoy.requests_total("allow", "key"), 2);
    }
}

/// In the second pass, filter state and credential are gone, so it is a request without a key.
#[test]
fn an_internal_redirect_without_the_credential_is_denied() {
    for interlock in BOTH {
        let (envoy, upstream) = redirecting(false, interlock);
        let denied = moved(&envoy, ALICE);
        assert_eq!(denied.status, 401);
        assert_eq!(
            denied.header("x-keyward-denied"),
            Some("missing_credential")
        );
        assert_eq!(upstream.count(), 1);
        assert!(upstream.last().headers("authorization").is_empty());
        assert_eq!(envoy.requests_total("allow", "key"), 1);
        assert_eq!(envoy.requests_total("deny", "missing_credential"), 1);
    }
}

#[test]
fn a_retry_is_no_second_pass() {
    for forward_credential in [true, false] {
        let tries = Arc::new(AtomicU64::new(0));
        let upstream = Upstream::answering({
            let tries = Arc::clone(&tries);
            move |seen| {
                let is_last = tries.fetch_add(1, Ordering::Relaxed) == 2;
                Reply {
                    status: if is_last { 200 } else { 503 },
                    ..Reply::echo(seen)
                }
            }
        });
        let mut configuration = configuration(1, &[ALICE]);
        configuration["forward_credential"] = json!(forward_credential);
        let envoy = Envoy::builder()
            .upstream(upstream.address())
            .config(configuration.to_string())
            .edit(route(
                json!({"retry_policy": {"retry_on": "5xx", "num_retries": 3}}),
            ))
            .start();
        assert_eq!(status(&envoy, ALICE), 200);
        let seen = upstream.seen();
        assert_eq!(seen.len(), 3);
        for seen in seen {
            assert_eq!(seen.headers("x-keyward-principal").len(), 1);
            assert_eq!(
                seen.headers("authorization").len(),
                usize::from(forward_credential)
            );
        }
        assert_eq!(envoy.requests_total("allow", "key"), 1);
    }
}
