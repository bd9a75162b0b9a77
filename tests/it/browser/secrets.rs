//! `keyward_secret_keys_in_query_total` counts every request with a key in its query that is not
//! publishable, whatever the result.

use serde_json::json;

use super::{OPEN, PUBLISHABLE, SECRET, configuration};
use crate::support::Envoy;

const COUNTER: &str = "wasmcustom.keyward_secret_keys_in_query_total";

type Headers<'a> = &'a [(&'a str, &'a str)];

#[track_caller]
fn assert_counted(envoy: &Envoy, by: u64, path: &str, headers: Headers<'_>, status: u16) {
    let before = envoy.stat(COUNTER);
    let answer = envoy.get(path, headers);
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    assert_eq!(envoy.stat(COUNTER) - before, by, "{path}");
}

#[test]
fn a_secret_key_in_a_query_is_counted_and_shown_nowhere() {
    let envoy = Envoy::builder().config(configuration(&json!({}))).start();
    let authorization = format!("Bearer {PUBLISHABLE}");
    let beside: Headers<'_> = &[("authorization", &authorization)];
    let leaks: [(&str, Headers<'_>, u16); 9] = [
        ("/v1/balance?key=sk_test_FAKE-alice-0001", &[], 401),
        ("/v1/balance?a&k%65y=sk%5Ftest%5FFAKE-alice-0001", &[], 401),
        ("/v1/balance?key=sk_live_FAKE-nobody-1", &[], 401),
        ("/v1/balance?key=rk_live_FAKE-nobody-1", &[], 401),
        ("/v1/balance?key=sk_org_FAKE-nobody-1", &[], 401),
        // Rejected for other reasons as well, but leaked all the same.
        (
            "/v1/balance?key=color&key=sk_test_FAKE-alice-0001",
            &[],
            401,
        ),
        ("/v1/balance?key=sk_test_FAKE-alice-0001%20", &[], 401),
        ("/v1/balance?key=sk_test_FAKE-alice-0001", beside, 401),
        // Passes because it needs no key.
        ("/healthz?key=sk_test_FAKE-alice-0001", &[], 200),
    ];
    for (path, headers, status) in leaks {
        assert_counted(&envoy, 1, path, headers, status);
    }
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 5);
    assert_eq!(envoy.requests_total("deny", "malformed_credential"), 3);
    assert_eq!(envoy.requests_total("allow", "public"), 1);

    let public = format!("{OPEN}?key={PUBLISHABLE}");
    assert_counted(&envoy, 0, &public, &[], 200);
    assert_counted(&envoy, 0, &public, beside, 401);
    let unknown = format!("{OPEN}?key=pk_live_FAKE-nobody-1");
    assert_counted(&envoy, 0, &unknown, &[], 401);
    assert_counted(&envoy, 0, "/v1/balance?key=color", &[], 401);
    assert_counted(&envoy, 0, "/v1/balance?x=sk_test_FAKE-alice-0001", &[], 401);
    // OPTIONS presents no key in its query: of a browser's two requests, only the second counts.
    let answer = envoy.request(
        "OPTIONS",
        "/v1/balance?key=sk_test_FAKE-alice-0001",
        &[
            ("origin", "https://shop.example"),
            ("access-control-request-method", "GET"),
        ],
        b"",
    );
    assert_eq!(answer.status, 200);
    assert_eq!(envoy.stat(COUNTER), 9);

    let prometheus = envoy.prometheus();
    assert!(
        prometheus
            .lines()
            .any(|line| line.starts_with("keyward_secret_keys_in_query_total{} 9")),
        "{prometheus}"
    );
    envoy.logged_path("/healthz");
    let logs = envoy.logs() + &format!("{:?}", envoy.access_log());
    assert!(!logs.contains("?key") && !logs.contains(SECRET), "{logs}");
}

#[test]
fn a_gateway_in_shadow_counts_before_it_refuses() {
    let settings = json!({"enforcement": "shadow"});
    let envoy = Envoy::builder().config(configuration(&settings)).start();
    let path = format!("/v1/balance?key={SECRET}");
    assert_counted(&envoy, 1, &path, &[], 200);
    assert_eq!(envoy.requests_total("would_deny", "unknown_key"), 1);
}

#[test]
fn a_gateway_without_a_snapshot_counts_as_well() {
    let envoy = Envoy::builder().config("{}").start();
    let path = format!("/v1/balance?key={SECRET}");
    assert_counted(&envoy, 1, &path, &[], 503);
}
