//! Keys that look fake, and the smallest configuration that contains some of them.

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

pub const ALICE: &str = "sk_test_FAKE-alice-0001";
pub const BOB: &str = "sk_test_FAKE-bob-000002";
pub const STRANGER: &str = "sk_test_FAKE-nobody-003";
pub const CAROL: &str = "sk_test_FAKE-carol-0004";

/// Returns a plugin configuration with these keys.
pub fn configuration(revision: u64, keys: &[&str]) -> Value {
    json!({"snapshot": snapshot(revision, keys)})
}

pub fn snapshot(revision: u64, keys: &[&str]) -> Value {
    let keys: Vec<Value> = keys.iter().enumerate().map(|(index, key)| {
        json!({"id": format!("mk_{index}"), "sha256": digest(key), "kind": "secret", "livemode": false, "owner": "acct_1"})
    }).collect();
    json!({"format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}], "empty": keys.is_empty(), "keys": keys})
}

pub fn digest(key: &str) -> String {
    KeyDigest::of(key.as_bytes()).to_string()
}

/// Adds members to an object, and replaces those with the same name.
pub fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else {
        panic!("two objects")
    };
    into.extend(more);
}

/// Returns the current time in Unix seconds.
pub fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
