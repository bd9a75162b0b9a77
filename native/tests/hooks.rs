//! The module's hooks, driven by a fake Envoy.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly"
)]

mod fake;

use keyward_native as _;
use serde_json::json;

use fake::{Buffer, Envoy, Flow, RawParts, Stream};

/// Keys of a test: nobody's.
const SECRET: &str = "sk_test_FAKE-alice-0001";
const RESTRICTED: &str = "rk_test_FAKE-alice-0002";

fn hash(key: &str) -> String {
    keyward::digest::KeyDigest::of(key.as_bytes()).to_string()
}

fn configuration(revision: u64) -> Vec<u8> {
    json!({
        "snapshot": {
            "format": "keyward.snapshot/v1",
            "revision": revision,
            "issued_at": 1_700_000_000,
        },
    })
    .to_string()
    .into_bytes()
}

#[test]
fn a_module_without_a_snapshot_denies() {
    let envoy = Envoy::start();
    let filter = envoy.push(b"{}").unwrap();
    let mut stream = Stream::get("/v1/customers", &[]);
    assert_eq!(filter.request(&mut stream), Flow::Stop);
    assert_eq!(stream.told().as_deref(), Some("deny no_snapshot"));
    assert_eq!(stream.answers[0].status, 503);
}
