//! The filter in a real Envoy, at its simplest: a known key passes, a stranger does not.

use keyward::digest::KeyDigest;
use serde_json::json;

use crate::support::Envoy;

#[test]
fn a_known_key_passes_and_a_stranger_does_not() {
    let key = "sk_test_FAKE-alice-0001";
    let configuration = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [{"id": "mk_1", "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": "secret", "livemode": false, "owner": "acct_1"}],
    }});
    let envoy = Envoy::builder().config(configuration.to_string()).start();
    let allowed = envoy.get(
        "/v1/balance",
        &[("authorization", &format!("Bearer {key}"))],
    );
    assert_eq!(allowed.status, 200, "{}", envoy.logs());
    let principal =
        "key=\"mk_1\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", revision=7";
    assert_eq!(allowed.json()["principal"], principal);
    let denied = envoy.get(
        "/v1/balance",
        &[("authorization", "Bearer sk_test_FAKE-nobody-01")],
    );
    assert_eq!(denied.status, 401);
    assert_eq!(denied.header("x-keyward-denied"), Some("unknown_key"));
    assert_eq!(envoy.requests_total("allow", "key"), 1);
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 1);
}

#[test]
fn the_filter_is_at_most_600_kib() {
    let size = std::fs::metadata(crate::support::find::wasm())
        .unwrap()
        .len();
    assert!(size <= 600 * 1024, "{size} bytes");
}
